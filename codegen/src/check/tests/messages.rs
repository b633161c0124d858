//! The text of every error, beside the source that has it.

use super::{checked, errors};
use crate::errors::TABLE;

/// Sources beyond the catalogue's examples.
pub(super) const CASES: &[&str] = &[
    "fn f<N, M>(x: f32[N, 4], w: f32[N]) -> f32[N, 4] { x * w }",
    "fn f<N, M>(x: f32[N, M], w: f32[M, N]) -> f32[N, M] { x + w }",
    "fn f<N>(x: f32[N, 4, 2], w: f32[3, 1]) -> f32[N, 4, 2] { exp(x) * w }",
    "fn f<N>(x: f32[N]) -> f32[N - 2] { x[2:] - x[:-2] }",
    "fn f<N, M>(x: f32[N], y: f32[M]) -> f32[N] { x[:M] }",
    "fn f<N>(x: f32[N], y: f32[N / 2]) -> f32[N / 2] { x[::2] + y }",
    "fn f<B>(x: f32[B], y: i32[B]) -> f32[B] { maximum(x, y) }",
    "fn f<B>(x: u64[B], y: i32[B]) -> u64[B] { x + y }",
    "fn f<B>(x: f32[B]) -> f32[B] { max(x, x) }",
    "fn f<B>(x: f32[B]) -> f32[B] { max(x, 0, false, 1) }",
    "fn f<B>(x: f32[B]) -> f32[B] { softmax(x, axis=1) }",
    "fn f<B>(x: i32[B]) -> f32[B] { softmax(x) }",
    "fn f<B>(x: f32[B]) -> f32[B] { gelu(x, approximate=\"tan\") }",
    "fn f<B>(x: f32[B]) -> f32[] { x.sum(dims=0) }",
    "fn f<B>(x: f32[B]) -> f32[B] { where(x > 0, 1.0, 0.0) }",
    "fn f<B>(x: u8[B]) -> u8[B] { -x }",
    "fn f<B>(x: bool[B]) -> bool[B] { x + x }",
    "fn f<B, I, O>(x: f32[B, I], w: f32[O, I]) -> f32[B, O] { x @ w }",
    "fn f<B, I, O>(x: f32[4, B, I], w: f32[3, I, O]) -> f32[4, B, O] { x @ w }",
    "fn f<B, I, O>(x: f32[B, I], w: f32[O, I]) -> f32[B, O] { einsum(\"bi,io->bo\", x, w) }",
    "fn f<B>(x: f32[B, 3], w: f32[4, 5]) -> f32[B, 5] { einsum(\"bi,io->bo\", x, w) }",
    "fn f<B>(x: f32[B, 3], w: f32[3]) -> f32[B] { einsum(\"bi,i->bo\", x, w) + einsum(\"bi,i,i\", x, w) + einsum(x, w) }",
    "fn f<B>(x: f32[B]) -> f32[B] { x / (B / 2) }",
    "fn f<B>(x: f32[B]) -> f32[B] { x * (1 / 2) }",
    "fn g<B>(x: f32[B], y: f32[B]) -> f32[B] { x + y } fn f<N, M>(x: f32[N], y: f32[M]) -> f32[N] { g(x, y) }",
    "fn g<B>(x: f32[B, 2*B]) -> f32[B] { x.sum(axis=1) } fn f<N>(x: f32[N, N]) -> f32[N] { g(x) }",
    "fn g<B>(x: f32[B]) -> f32[B] where B % 2 == 0 { x } fn f(x: f32[3]) -> f32[3] { g(x) }",
    "fn a<B>(x: f32[B]) -> f32[B] { b(x) } fn b<B>(x: f32[B]) -> f32[B] { a(x) }",
    "fn relu<B>(x: f32[B]) -> f32[B] { relu(x) }",
    "fn g<B>(x: f32[B]) -> f32[B] { x + nope } fn f<N>(x: f32[N]) -> f32[N] { g(x) + also }",
    "fn f<N>(x: f32[N]) -> f32[N] { np.exp(x) + F.softmax(x, dim=0) + xs.exp() }",
    "fn t(x) { x * 2 + u(x) } fn u(x) { x.sum(axis=1, keepdims=true) } fn f<N>(x: f32[N]) -> f32[N] { t(x) }",
    "fn f<N>(x: f32[N, 3]) -> f32[N] { x[:, 3] + x[:, -4] }",
    "fn f<N>(x: f32[N], y: f32[N]) -> f32[N] { x.shap + y.exp }",
    "struct A<C> { w: f32[C] } fn f<N>(a: A<N>) -> f32[N] { a.ww + a }",
    "fn f<N, C>(x: f32[N, C, 8, 8], w: f32[4, 3, 3, 3]) -> f32[N, 4, 6, 6] { conv2d(x, w) }",
    "fn f<N>(x: f32[N, 3, 2, 2], w: f32[4, 3, 3, 3]) -> f32[N, 4, 1, 1] { conv2d(x, w) }",
    "fn f<N>(x: f32[N, 3]) -> f32[N, 4] { x.reshape(N, 4) }",
    "fn f<N>(x: f32[N, 3]) -> f32[N, 4] { x.reshape(-1, 4) }",
    "fn f<B, C>(x: f32[B, C], y: f32[B]) -> f32[B] { cross_entropy(x, y) }",
    "fn f<B, C>(x: f32[B, C], y: i64[B, C]) -> f32[B] { cross_entropy(x, y) }",
    "fn f<N>(x: f32[N]) -> f32[N] { let (a, b) = x; a }",
    "fn f<N>(x: f32[N]) -> f32[N] { f32[N] }",
    "fn f<N>(x: f32[N]) -> f32[N] { x.astype(\"f32\") }",
    "fn f<N>(x: f32[N]) -> f32[N] { cumsum(x) }",
    "fn f<N>(x: f32[N]) -> f32 { x.sum() }",
    "fn f<N, M>(x: f32[N, M], i: i64[3]) -> f32[3] { x[i, i] + x[0, i] }",
    "fn f<N>(x: f32[N], i: f32[3], m: bool[N], u: u64[3]) -> f32[3] { x[i] + take(x, m) + x[u] }",
    "fn f<N>(x: f32[4, N], i: i64[3]) -> f32[3] { take(x, 4, axis=0) + take(x, i, axis=2) }",
    "fn f<N>(x: f32[N, 0], i: i64[3]) -> f32[N, 3] { x[:, i] }",
    "fn f<N, M>(x: f32[N, 4], i: i64[M, 1], j: i64[N]) -> f32[N, 1] { take_along_axis(x, i) + take_along_axis(x, j) }",
    "fn f<N>(x: f32[N, 4], i: i64[3], y: f64[3, 4], z: f32[2, 4]) -> f32[N, 4] { index_add(x, 0, i, y) + index_add(x, 0, i, z) }",
    "fn f<N>(x: bool[N], i: i64[N, 2]) -> bool[3] { segment_sum(x, i, 3) & index_add(x, 0, i, x) }",
    "fn f<N>(x: f32[N], k: f32) -> f32[N] { x + random_uniform(k, (N,)) + random_uniform(3, x.shape, dtype=i32) }",
    "fn f<N>(x: f32[N]) -> f32[3, N] { stack((x, x), axis=2) }",
    "fn f<N>(x: f32[N]) -> f32[N] { x + 99999999999999999999 * 9 }",
    "fn f<N>(x: i8[N]) -> i8[N] { x * -129 }",
    "fn f<N>(x: f32[N]) -> f32[N] { ghost(x) + x.ghost() + Ghost }",
    "fn f<N>(x: f32[N]) -> f32[N] where N > 3, N < 2 { x }",
    "fn f<N>(x: f32[N]) -> f32[N] where N != 3 { x }",
    "fn f<N>(x: i64[N]) -> i64[N] { x ** -1 }",
    "fn f<N>(x: f32[N]) -> f32[N] { let y = x; y = y[1:]; y }",
    "fn f<T: Float, N>(x: T[N]) -> T[N] { x } fn g<N>(x: i64[N]) -> i64[N] { f(x) }",
    "x: f32[N], y: f32[M] => x + y",
    "x: f32[N] => 1",
];

/// Each error of a source, below the source.
fn transcript(source: &str) -> String {
    let short: String = if source.len() > 200 {
        format!("{}…", &source[..source.char_indices().nth(160).map_or(0, |c| c.0)])
    } else {
        source.into()
    };
    format!("{short}\n{}\n", errors(source))
}

#[test]
fn texts() {
    let semantic = |code: u16| (200..900).contains(&code);
    let examples = TABLE.iter().filter(|row| semantic(row.code.0)).map(|row| row.example);
    let all: String = examples.chain(CASES.iter().copied()).map(transcript).collect();
    insta::assert_snapshot!(all);
}

#[test]
fn every_error_says_how_to_mend_it() {
    for source in TABLE.iter().filter(|row| row.code.0 >= 200).map(|row| row.example).chain(CASES.iter().copied()) {
        let (_, diags) = checked(source);
        assert!(!diags.is_empty(), "no error: {source}");
        for d in diags {
            assert!(d.help.is_some(), "{source}\n{}", d.text());
            assert!(d.code.row().is_some(), "{source}\n{}", d.text());
        }
    }
}
