//! What sources become.

use super::{checked, graph};
use crate::graph::{Graph, Op};
use std::time::Instant;

/// The graph's lines without their numbers' widths: `%3 = exp(%2) : f32[B]`.
fn text(source: &str) -> String {
    graph(source).to_string()
}

fn count(g: &Graph, want: fn(&Op) -> bool) -> usize {
    g.nodes.iter().filter(|n| want(&n.op)).count()
}

fn has(source: &str, lines: &[&str]) {
    let text = text(source);
    for line in lines {
        assert!(text.contains(line), "`{line}` is not in\n{text}\nof {source}");
    }
}

#[test]
fn softmax_is_two_reductions_and_three_maps() {
    insta::assert_snapshot!(text(
        "fn softmax<B, C>(x: f32[B, C]) -> f32[B, C] {
        let e = exp(x - x.max(axis=-1, keepdims=true));
        e / e.sum(axis=-1, keepdims=true)
    }"
    ));
}

#[test]
fn the_prelude_s_softmax_is_the_same() {
    let mine = "fn f<B, C>(x: f32[B, C]) -> f32[B, C] {
        let e = exp(x - stop_gradient(x.max(axis=-1, keepdims=true)));
        e * reciprocal(e.sum(axis=-1, keepdims=true))
    }";
    let prelude = "fn f<B, C>(x: f32[B, C]) -> f32[B, C] { x.softmax() }";
    assert_eq!(text(mine), text(prelude));
}

#[test]
fn literals_take_the_dtype_of_the_array() {
    has("fn f<B>(x: f32[B]) -> f32[B] { 2 * x + 0.5 }", &["const 2.0 : f32[]", "const 0.5 : f32[]"]);
    has("fn f<B>(x: u8[B]) -> u8[B] { x + 255 }", &["const 255 : u8[]"]);
    has("fn f<B>(x: bool[B]) -> i64[B] { x + 1 }", &["cast(%0) : i64[B]", "const 1 : i64[]"]);
    has("fn f<B>(x: f32[B]) -> f32[B] { x * (6 / 2) + 2 ** -1 }", &["const 3.0 : f32[]", "const 0.5 : f32[]"]);
    has("fn f<B>(x: i8[B], y: u8[B]) -> i16[B] { x + y }", &["cast(%0) : i16[B]", "cast(%1) : i16[B]"]);
}

#[test]
fn sizes_are_weak_integers() {
    has("fn f<B>(x: f32[B]) -> f32[B] { x / x.shape[0] }", &["size B : i64[]", "cast(%1) : f32[]"]);
    has("fn f<B>(x: f32[B]) -> f32[B] { x / sqrt(B) }", &["cast(%1) : f64[]", "sqrt(%2) : f64[]", "cast(%3) : f32[]"]);
    has("fn f<B>(x: i8[B]) -> bool[B] { x < B }", &["cast(%0) : i64[B]"]);
    has("fn f<B>(x: u8[B]) -> u8[B] { x + B }", &["require B <= 255 because \"the size `B` is used as `u8`\""]);
}

#[test]
fn slices_clamp_as_numpy_does() {
    has("fn f<N>(x: f32[N]) -> f32[max(N - 1, 0)] { x[1:] - x[:-1] }", &["start=[1] step=[1] : f32[max(0, N - 1)]"]);
    has(
        "fn f<N>(x: f32[N]) -> f32[max(N - 2, 0)] { x[2:] - 2*x[1:-1] + x[:-2] }",
        &["start=[2] step=[1] : f32[max(0, N - 2)]"],
    );
    has(
        "fn f<N>(x: f32[N]) -> f32[min(3, N)] { x[:3] + x[-3:] }",
        &["slice(%0) start=[0] step=[1] : f32[min(3, N)]", "slice(%0) start=[max(0, N - 3)]"],
    );
    has("fn f<N>(x: f32[N]) -> f32[(N + 1) / 2] { x[::-2] }", &["start=[N - 1] step=[-2] : f32[((N + 1) / 2)]"]);
    has("fn f<N>(x: f32[N]) -> f32[N / 2] { x[1::2] }", &["start=[1] step=[2] : f32[(N / 2)]"]);
    has("fn f<N>(x: f32[2*N], y: f32[N]) -> f32[N] { y + x[1::2] }", &["start=[1] step=[2] : f32[N]"]);
    has(
        "fn f<N>(x: f32[N]) -> f32[N / 3] where N % 3 == 0 { x[::3] + x[2::3] }",
        &["start=[2] step=[3] : f32[(N / 3)]"],
    );
    has("fn f<N>(x: f32[N]) -> f32[N] { concatenate((x[1:], x[:1])) + concatenate((x[-3:], x[:-3])) }", &["f32[N]"]);
    has("fn f<N>(x: f32[N]) -> f32[3] where N >= 5 { x[2:5] }", &["start=[2] step=[1] : f32[3]", "require 5 <= N"]);
    has("fn f(x: f32[4]) -> f32[0] { x[3:1] }", &["start=[0] step=[1] : f32[0]"]);
    has("fn f(x: f32[4]) -> f32[2] { x[-100:100:2] }", &["start=[0] step=[2] : f32[2]"]);
    has(
        "fn f<A, B, C>(x: f32[A, B, C]) -> f32[1, A, B] { x[None, ..., 0] }",
        &["require 0 < C because \"index 0 at axis 2 of `x` must be in range\""],
    );
}

#[test]
fn constraints_prove_and_are_checked() {
    let halves = "fn f<B, C>(x: f32[B, C]) -> f32[B, C] where C % 2 == 0 {
        let (a, b) = x.split(2, axis=1);
        concatenate((b, a), axis=1)
    }";
    has(
        halves,
        &["require (C % 2) == 0", "start=[0, (C / 2)] step=[1, 1] : f32[B, (C / 2)]", "where(%9, %4, %5) : f32[B, C]"],
    );
    has(
        "fn f<B, C>(x: f32[B], y: f32[C]) -> f32[B] where B == C { x + y }",
        &["require B == C", "reshape(%0) : f32[C]", "add(%2, %1) : f32[C]", "reshape(%3) : f32[B]"],
    );
    has("fn f<H, C>(x: f32[H*C], y: f32[H, C]) -> f32[H, C] { x.reshape(-1, C) + y }", &["reshape(%0) : f32[H, C]"]);
}

#[test]
fn calls_are_inlined_with_the_caller_s_sizes() {
    let source = "
        fn sums<B, C>(x: f32[B, C]) -> (f32[B], f32[C]) { (x.sum(axis=1), x.sum(axis=0)) }
        fn f<N>(x: f32[N, 2*N]) -> f32[N] { let (a, b) = sums(x); a + b[::2] }";
    has(source, &["sum(%0) axes=[1] : f32[N]", "sum(%0) axes=[0] : f32[2*N]", "start=[0] step=[2] : f32[N]"]);
    let stated = "
        fn half<B>(x: f32[B]) -> f32[B / 2] where B % 2 == 0 { x[:B / 2] }
        fn f<N>(x: f32[N]) -> f32[N / 2] { half(x) }";
    has(stated, &["require (N % 2) == 0 because \"`half` states `where B % 2 == 0`\""]);
    let generic = "
        fn scale<T: Float, const K, B>(x: T[B]) -> T[B] { let y: T[B] = x * K; y }
        fn f<N>(x: f64[N]) -> f64[N] { scale::<3>(x) }";
    has(generic, &["const 3.0 : f64[]"]);
}

#[test]
fn products_stretch_no_batch_axis() {
    let batched = "fn f<A, B, N>(x: f32[A, 1, N, 4], w: f32[B, 4, 5]) -> f32[A, B, N, 5] { x @ w }";
    has(batched, &["dot(%2, %1) batch=[] contract=[(2, 1)] : f32[A, N, B, 5]", "permute(%3) perm=[0, 2, 1, 3]"]);
    has(
        "fn f<A, N>(x: f32[A, N, 4], w: f32[A, 4, 5]) -> f32[A, N, 5] { x @ w }",
        &["dot(%0, %1) batch=[(0, 0)] contract=[(2, 1)]"],
    );
    has("fn f<N>(x: f32[N], w: f32[N]) -> f32[] { x @ w }", &["dot(%0, %1) batch=[] contract=[(0, 0)] : f32[]"]);
    has("fn f<A, N>(x: f32[N], w: f32[A, N, 5]) -> f32[A, 5] { x @ w }", &["contract=[(0, 1)] : f32[A, 5]"]);
    assert_eq!(count(&graph(batched), |op| matches!(op, Op::Broadcast(_))), 0);
}

#[test]
fn convolutions_keep_their_axes() {
    has(
        "fn f<N, C, H, W>(x: f32[N, C, H, W], w: f32[C, 1, 3, 3]) -> f32[N, C, H, W] { conv2d(x, w, padding=\"same\", groups=C) }",
        &["window(%4) axis=3 stride=1 dilation=1 : f32[N, C, H, W, 3, 3]", "sum(%8) axes=[4, 5] : f32[N, C, H, W]"],
    );
    has(
        "fn f<N, C, H, W, O>(x: f32[N, C, H, W], w: f32[O, C, 1, 1]) -> f32[N, O, (H+1)/2, (W+1)/2] { conv2d(x, w, stride=2) }",
        &[
            "dot(%4, %5) batch=[] contract=[(1, 1)] : f32[N, ((H + 1) / 2), ((W + 1) / 2), O]",
            "permute(%6) perm=[0, 3, 1, 2]",
        ],
    );
    // TensorFlow's rule puts the odd element after.
    has(
        "fn f<N>(x: f32[N, 3, 224, 224], w: f32[8, 3, 3, 3]) -> f32[N, 8, 112, 112] { conv2d(x, w, stride=2, padding=\"same\") }",
        &["before=[0, 0, 0, 0] : f32[N, 3, 225, 225]"],
    );
    has(
        "fn f<N>(x: f32[N, 8, 5, 5], w: f32[6, 4, 3, 3]) -> f32[N, 6, 3, 3] { conv2d(x, w, groups=2) }",
        &["batch=[(1, 0)] contract=[(2, 2), (5, 3), (6, 4)] : f32[2, N, 3, 3, 3]"],
    );
}

#[test]
fn conditions_are_decided_by_shapes() {
    let residual = |other: &str, dims: &str| {
        format!(
            "fn join(x, y) {{ if x.shape == y.shape {{ x + y }} else {{ y }} }} fn f<{dims}>(x: f32[B, 3], y: f32[B, {other}]) -> f32[B, {other}] {{ join(x, y) }}"
        )
    };
    has(&residual("3", "B"), &["add(%0, %1)"]);
    assert!(!text(&residual("4", "B")).contains("add"));
    assert_eq!(checked(&residual("C", "B, C")).1.len(), 1);
}

#[test]
fn structs_come_apart_in_order() {
    let source = "
        struct Norm<C> { weight: f32[C], bias: f32[C] }
        struct Net<I, O> { layers: [f32[I, I]; 2], norm: Norm<I>, ends: (f32[I, O], Norm<O>), r#type: f32[O] }
        fn f<B, I, O>(x: f32[B, I], net: Net<I, O>) -> f32[B, O] {
            let h = x;
            for i in 0..len(net.layers) { h = relu(h @ net.layers[i]); }
            h @ net.ends.0 + net.ends.1.bias + net.type
        }";
    let g = graph(&source.replace("net.type", "net.r#type"));
    let names: Vec<&str> = g.params.iter().map(|p| p.name.as_str()).collect();
    let want = [
        "x",
        "net.layers.0",
        "net.layers.1",
        "net.norm.weight",
        "net.norm.bias",
        "net.ends.0",
        "net.ends.1.weight",
        "net.ends.1.bias",
        "net.type",
    ];
    assert_eq!(names, want);
}

#[test]
fn a_function_with_an_error_is_still_an_item() {
    let (checked, diags) = checked("pub fn f<B>(x: f32[B]) -> f32[B] { y } fn g<B>(x: f32[B]) -> f32[B] { f(x) }");
    assert_eq!(diags.len(), 1);
    assert_eq!(checked.functions.len(), 2);
    assert!(checked.functions.iter().all(|f| f.graph.is_none() && f.params.len() == 1 && f.results.len() == 1));
}

/// An unoptimised build; a macro is compiled as such.
#[test]
fn ten_operations_expand_quickly() {
    let source = "fn f<B, C>(x: f32[B, C], w: f32[C], b: f32[C], y: i64[B]) -> f32[] {
        let h = layer_norm(x, w, b);
        let h = gelu(h) + silu(h) * sigmoid(x);
        let h = h - h.mean(axis=1, keepdims=true) + softmax(h);
        cross_entropy(h, y).mean() + logsumexp(x) + var(x)
    }";
    let timed = || {
        let start = Instant::now();
        graph(source);
        start.elapsed()
    };
    let best = (0..5).map(|_| timed()).min().expect("five of them");
    assert!(best.as_millis() < 40, "{best:?}");
}
