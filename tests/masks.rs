//! Scores that a mask discards need not be made, and nobody sees whether they are.
//!
//! In: attentions whose mask the compiler knows, beside the same with the mask as an operand. Out: results to be compared.
//! Always: the arrays are large enough for tiles, the masks such that whole tiles are masked; the bits do not depend on the
//! number of threads.

use ndarray::{Array1, Array2, Array3, Axis, s};
use ndfuse::tensor;

tensor! {
    fn masked<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D], seen: bool[N, M]) -> f32[H, N, D] {
        softmax(where(seen, q @ transpose(k, (0, 2, 1)) * 0.25, -inf)) @ v
    }

    fn causal<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D]) -> f32[H, N, D] {
        let seen = arange(N)[:, None] >= arange(M);
        softmax(where(seen, q @ transpose(k, (0, 2, 1)) * 0.25, -inf)) @ v
    }

    /// The last query sees all; the arms are exchanged.
    fn offset<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D]) -> f32[H, N, D] {
        let hidden = arange(N)[:, None] + (M - N) < arange(M);
        softmax(where(hidden, -inf, q @ transpose(k, (0, 2, 1)) * 0.25)) @ v
    }

    fn window<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D]) -> f32[H, N, D] {
        let back = arange(N)[:, None] - arange(M);
        softmax(where((back >= 0) & (back < 40), q @ transpose(k, (0, 2, 1)) * 0.25, -inf)) @ v
    }

    /// The first row sees nothing.
    fn before<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D]) -> f32[H, N, D] {
        let seen = arange(N)[:, None] > arange(M);
        softmax(where(seen, q @ transpose(k, (0, 2, 1)) * 0.25, -inf)) @ v
    }

    /// What is hidden from the one half is needed by the other.
    fn halves<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D]) -> f32[H, N, D] {
        let s = q @ transpose(k, (0, 2, 1)) * 0.25;
        softmax(where(arange(N)[:, None] >= arange(M), s, 0.5 * s)) @ v
    }

    fn on_diagonal<M, N>(x: f32[M, N]) -> f32[min(M, N)] { diagonal(x) }

    fn below<M, N>(x: f32[M, N]) -> f32[M] {
        max(where(arange(N) <= arange(M)[:, None] - 2, x, -inf), axis=1)
    }

    fn band<M, N>(x: f32[M, N]) -> (f32[M], f32[]) {
        let (i, j) = (arange(M)[:, None], arange(N));
        let near = where((j < i + 3) & ~(i > j + 1), x, 0);
        (sum(near, axis=1), sum(near))
    }

    /// One of the two conditions is no matter of places alone.
    fn partly<M, N>(x: f32[M, N]) -> f32[M] {
        sum(where((arange(N) >= arange(M)[:, None]) & (x > 0), x, 0), axis=1)
    }

    /// A lane is cut where a border begins, and a choice beside it goes by two conditions.
    fn bordered<M, N>(x: f32[M, N]) -> f32[M, N + 4] {
        let j = arange(N + 4);
        where((j >= 2) & ~(j - 2 >= N), pad(x, ((0, 0), (2, 2))) * 2, 1)
    }

    /// What is compared differs from element to element of a span.
    fn looked_up<M, N>(x: f32[M, N], at: i64[N + 4]) -> f32[M, N + 4] {
        where(take(arange(7), at) < 3, pad(x, ((0, 0), (2, 2))), 1)
    }

    /// What is chosen is not what a sum starts with.
    fn filled<M, N>(x: f32[M, N]) -> f32[M] {
        sum(where(arange(N) == arange(M)[:, None], x, 1), axis=1)
    }
}

fn numbers(shape: (usize, usize, usize), seed: u64) -> Array3<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Array3::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// Nearly equal, and the same ones not numbers: tiles of other sizes may round sums otherwise.
fn same(name: &str, found: ndfuse::Result<ndfuse::Tensor<f32, (usize, usize, usize)>>, want: &Array3<f32>) {
    let found = found.unwrap().into_array().unwrap();
    assert_eq!(found.shape(), want.shape());
    let alike = |a: f32, b: f32| a == b || a.is_nan() && b.is_nan() || (a - b).abs() < 2e-6;
    let differ = found.iter().zip(want).filter(|(a, b)| !alike(**a, **b)).count();
    assert_eq!(differ, 0, "{name}: of {}", want.len());
}

type Seen = fn(isize, isize, isize) -> bool;

#[test]
fn a_known_mask_gives_what_the_same_mask_gives_as_an_operand() {
    let masks: [(&str, Seen); 4] = [
        ("causal", |i, j, _| i >= j),
        ("offset", |i, j, more| i + more >= j),
        ("window", |i, j, _| (0..40).contains(&(i - j))),
        ("before", |i, j, _| i > j),
    ];
    for (h, n, m, d) in
        [(5, 700, 700, 16), (3, 333, 900, 8), (2, 901, 500, 24), (9, 70, 129, 64), (2, 5, 3, 4), (1, 600, 1, 8)]
    {
        let (q, mut k, mut v) = (numbers((h, n, d), 1), numbers((h, m, d), 2), numbers((h, m, d), 3));
        for special in [None, Some((f32::NAN, 0.5)), Some((f32::INFINITY, 0.5)), Some((1.0, f32::NEG_INFINITY))] {
            // In what the first rows do not see.
            if let Some((in_k, in_v)) = special {
                k[[h - 1, m - 1, d - 1]] = in_k;
                v[[h - 1, m - 1, 0]] = in_v;
            }
            for (name, seen) in masks {
                let of = |(i, j): (usize, usize)| seen(i as isize, j as isize, m as isize - n as isize);
                let want = masked(&q, &k, &v, Array2::from_shape_fn((n, m), of)).unwrap().into_array().unwrap();
                let mut first: Option<Vec<u32>> = None;
                for threads in [1, 2, 3] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let found = pool.install(|| match name {
                        "causal" => causal(&q, &k, &v),
                        "offset" => offset(&q, &k, &v),
                        "window" => window(&q, &k, &v),
                        _ => before(&q, &k, &v),
                    });
                    let bits: Vec<u32> =
                        found.as_ref().unwrap().to_vec().unwrap().iter().map(|x| x.to_bits()).collect();
                    assert!(*first.get_or_insert_with(|| bits.clone()) == bits, "{name}: {threads} threads");
                    same(&format!("{name} {h} {n} {m} {d} {special:?}"), found, &want);
                }
            }
        }
    }
}

#[test]
fn what_both_arms_read_is_made() {
    let (h, n, m, d) = (3, 500, 600, 8);
    let (q, k, v) = (numbers((h, n, d), 1), numbers((h, m, d), 2), numbers((h, m, d), 3));
    let found = halves(&q, &k, &v).unwrap().into_array().unwrap();
    let mut want = Array3::<f64>::zeros((h, n, d));
    for a in 0..h {
        let of = |x: &Array3<f32>| x.index_axis(ndarray::Axis(0), a).mapv(f64::from);
        let mut s = of(&q).dot(&of(&k).t()) * 0.25;
        s.indexed_iter_mut().for_each(|((i, j), s)| *s = (*s * if i >= j { 1.0 } else { 0.5 }).exp());
        let sums = s.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
        want.index_axis_mut(ndarray::Axis(0), a).assign(&(s / sums).dot(&of(&v)));
    }
    let worst = found.iter().zip(&want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(worst < 1e-6, "{worst:e} off");
}

#[test]
fn a_reduction_of_what_places_choose_is_that_of_all_elements() {
    for (m, n) in [(1, 1), (1, 7), (7, 1), (3, 2000), (2000, 3), (40, 33), (33, 40), (300, 1500), (0, 4), (4, 0)] {
        let mut x = Array2::from_shape_fn((m, n), |(i, j)| ((i * 31 + j * 17) % 23) as f32 - 11.0);
        // What is nowhere chosen.
        if m > 30 && n > 30 {
            x[[2, 20]] = f32::NAN;
            x[[20, 2]] = f32::INFINITY;
        }
        let row = |i: usize, chosen: &dyn Fn(isize, isize) -> bool| -> Vec<f32> {
            (0..n).filter(|&j| chosen(i as isize, j as isize)).map(|j| x[[i, j]]).collect()
        };
        let sums = |chosen: &dyn Fn(isize, isize) -> bool| -> Vec<f32> {
            (0..m).map(|i| row(i, chosen).iter().sum()).collect()
        };
        let near = sums(&|i, j| j < i + 3 && i <= j + 1);
        let below: Vec<f32> =
            (0..m).map(|i| row(i, &|i, j| j <= i - 2).into_iter().fold(f32::NEG_INFINITY, f32::max)).collect();
        let upper: Vec<f32> = (0..m).map(|i| row(i, &|i, j| j >= i).into_iter().filter(|&v| v > 0.0).sum()).collect();
        let filled: Vec<f32> =
            sums(&|i, j| i == j).iter().enumerate().map(|(i, s)| s + (n - usize::from(i < n)) as f32).collect();
        let (mut back, across) = (x.clone(), x.t().as_standard_layout().into_owned());
        back.invert_axis(Axis(1));
        back = back.as_standard_layout().into_owned();
        for (name, x) in [("rows", x.view()), ("columns", across.t()), ("backwards", back.slice(s![.., ..;-1]))] {
            let of =
                |found: ndfuse::Result<ndfuse::Tensor<f32, (usize,)>>| found.unwrap().into_array().unwrap().to_vec();
            let name = format!("{name} of {m} x {n}");
            assert_eq!(of(on_diagonal(x)), x.diag().to_vec(), "{name}");
            let (rows, all) = band(x).unwrap();
            assert_eq!(rows.into_array().unwrap().to_vec(), near, "{name}");
            assert_eq!(all.item().unwrap(), near.iter().sum::<f32>(), "{name}");
            assert_eq!(of(partly(x)), upper, "{name}");
            let border = |j: usize| j < 2 || j >= n + 2;
            let wide = Array2::from_shape_fn((m, n + 4), |(i, j)| if border(j) { 1.0 } else { x[[i, j - 2]] * 2.0 });
            let found = bordered(x).unwrap().into_array().unwrap();
            assert!(found.iter().zip(&wide).all(|(a, b)| a == b || a.is_nan() && b.is_nan()), "{name}");
            let at = Array1::from_shape_fn(n + 4, |j| (j * 5 % 7) as i64);
            let edge = Array2::from_shape_fn((m, n + 4), |(i, j)| if border(j) { 0.0 } else { x[[i, j - 2]] });
            let found = looked_up(x, &at).unwrap().into_array().unwrap();
            for ((i, j), &value) in found.indexed_iter() {
                let wanted = if at[j] < 3 { edge[[i, j]] } else { 1.0 };
                assert!(value == wanted || value.is_nan() && wanted.is_nan(), "{name}, at {i}, {j}: {value}");
            }
            assert_eq!(of(self::filled(x)), filled, "{name}");
            if n > 0 {
                assert_eq!(of(self::below(x)), below, "{name}");
            }
        }
    }
}
