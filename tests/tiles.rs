//! Steps that run tile by tile give what they give in f64, where tiles differ.
//!
//! In: functions whose plan has blocks, on arrays large enough that they run in
//! tiles, and on some that do not. Out: results to be compared. Always: each
//! function's `explain()` names its tiles; the bits do not depend on the number
//! of threads.

use ndarray::{Array, Array1, Array2, Array3, Array4, ArrayD, Dimension, ShapeBuilder};
use ndfuse::tensor;

tensor! {
    fn attend<T: Float, H, N, M, D>(q: T[H, N, D], k: T[H, M, D], v: T[H, M, D]) -> T[H, N, D] {
        softmax(q @ transpose(k, (0, 2, 1)) * 0.125) @ v
    }

    fn attention<H, N, M, D>(
        q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D], g: f32[H, N, D],
    ) -> (f32[H, N, D], f32[H, N, D], f32[H, M, D], f32[H, M, D]) {
        let (y, (dq, dk, dv)) = vjp(attend)(q, k, v, g);
        (y, dq, dk, dv)
    }

    fn attention_exact<H, N, M, D>(
        q: f64[H, N, D], k: f64[H, M, D], v: f64[H, M, D], g: f64[H, N, D],
    ) -> (f64[H, N, D], f64[H, N, D], f64[H, M, D], f64[H, M, D]) {
        let (y, (dq, dk, dv)) = vjp(attend)(q, k, v, g);
        (y, dq, dk, dv)
    }

    fn loss<H, N, M, D>(q: f32[H, N, D], k: f32[H, M, D], v: f32[H, M, D], g: f32[H, N, D]) -> f32[] wrt (q, k, v) {
        (attend(q, k, v) * g).sum()
    }

    fn norm<B, C>(x: f32[B, C], w: f32[C], g: f32[B, C]) -> (f32[B, C], f32[B, C], f32[C], f32[C]) {
        let (y, (dx, dw, db)) = vjp(layer_norm, wrt=(x, weight, bias))(x, g, w, w);
        (y, dx, dw, db)
    }

    fn turned<B, N, M>(x: f32[B, N, M], y: u8[M, B, N], z: f64[N]) -> f64[B, M, N] {
        transpose(x, (0, 2, 1)).astype(f64) * z + transpose(y, (1, 0, 2)).astype(f64)
    }

    fn product<M, K, N>(x: f32[M, K], y: f32[K, N]) -> f32[M, N] { x @ y }

    fn norm_exact<B, C>(x: f64[B, C], w: f64[C], g: f64[B, C]) -> (f64[B, C], f64[B, C], f64[C], f64[C]) {
        let (y, (dx, dw, db)) = vjp(layer_norm, wrt=(x, weight, bias))(x, g, w, w);
        (y, dx, dw, db)
    }

    fn convolve<B, I, O, H, W>(x: f32[B, I, H, W], w: f32[O, I, 3, 3]) -> f32[B, O, H, W] {
        relu(conv2d(x, w, padding=1))
    }

    fn convolve_exact<B, I, O, H, W>(x: f64[B, I, H, W], w: f64[O, I, 3, 3]) -> f64[B, O, H, W] {
        relu(conv2d(x, w, padding=1))
    }
}

/// Numbers between -1 and 1 that differ.
fn numbers<D: Dimension, Sh: ShapeBuilder<Dim = D>>(shape: Sh, seed: u64) -> Array<f32, D> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Array::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// Compares with the truth, relative to its largest element.
fn close(name: &str, found: ArrayD<f32>, want: ArrayD<f64>) {
    assert_eq!(found.shape(), want.shape(), "{name}");
    let largest = want.iter().fold(1e-30f64, |m, x| m.max(x.abs()));
    let worst = found.iter().zip(&want).map(|(&a, b)| (f64::from(a) - b).abs() / largest).fold(0.0, f64::max);
    assert!(worst < 3e-6, "{name}: {worst:e} off");
}

macro_rules! compare {
    ($name:expr, $found:expr, $want:expr, [$($k:tt),*]) => {{
        let (found, want) = ($found.unwrap(), $want.unwrap());
        $(close(
            &format!("{}, result {}", $name, $k),
            found.$k.into_array().unwrap().into_dyn(),
            want.$k.into_array().unwrap().into_dyn(),
        );)*
    }};
}

#[test]
fn the_plans_have_tiles() {
    for (text, tiles) in [
        (attention::explain(), "steps 0 to 6 in tiles over H, N"),
        (norm::explain(), "in tiles over B"),
        (convolve::explain(), "in tiles over B, H"),
    ] {
        assert!(text.contains(tiles), "{text}");
    }
    assert!(attention::explain().contains("never whole"));
}

#[test]
fn attention_of_any_shape() {
    for (h, n, m, d) in
        [(6, 200, 130, 16), (1, 900, 333, 8), (40, 33, 70, 24), (2, 5, 3, 4), (9, 64, 64, 1), (3, 1, 999, 7)]
    {
        let (q, k) = (numbers((h, n, d), 1), numbers((h, m, d), 2));
        // Of any strides: the heads lie inside.
        let v = numbers((m, h, d).f(), 3).permuted_axes([1, 0, 2]);
        let g = numbers((h, n, d), 4);
        let exact = |x: &Array3<f32>| x.mapv(f64::from);
        let want = attention_exact(exact(&q), exact(&k), exact(&v), exact(&g));
        compare!(format!("{h}, {n}, {m}, {d}"), attention(&q, &k, &v, &g), want, [0, 1, 2, 3]);
    }
}

/// Steps that nobody wants are left out of a block.
#[test]
fn gradients_without_the_value() {
    let (h, n, m, d) = (6, 250, 260, 16);
    let (q, k, v, g) = (numbers((h, n, d), 1), numbers((h, m, d), 2), numbers((h, m, d), 3), numbers((h, n, d), 4));
    let (_, dq, dk, dv) = attention(&q, &k, &v, &g).unwrap();
    let grads = loss::grad(&q, &k, &v, &g).unwrap();
    for (found, want) in [(grads.q, dq), (grads.k, dk), (grads.v, dv)] {
        let want = want.into_array().unwrap().mapv(f64::from).into_dyn();
        close("a gradient", found.into_array().unwrap().into_dyn(), want);
    }
}

#[test]
fn nothing_of_nothing() {
    for (h, n, m, d) in [(0, 200, 300, 4), (3, 0, 300, 4), (8, 500, 300, 0)] {
        let of = |n: usize| numbers((h, n, d), 1);
        let (y, _, dk, _) = attention(of(n), of(m), of(m), of(n)).unwrap();
        assert_eq!(y.view().unwrap().shape(), [h, n, d]);
        assert!(dk.view().unwrap().iter().all(|&x| x == 0.0), "a sum of nothing");
    }
}

#[test]
fn sums_over_rows_of_any_number() {
    for (b, c) in [(3000, 100), (1, 4000), (70, 2100), (9000, 3), (2, 7), (641, 641)] {
        let (x, w, g) = (numbers((b, c), 1), numbers(c, 2), numbers((b, c), 3));
        let exact = |x: &Array2<f32>| x.mapv(f64::from);
        let want = norm_exact(exact(&x), w.mapv(f64::from), exact(&g));
        // From the last row to the first, of a wider array.
        let wide = numbers((b, c + 3), 9);
        let mut wide: Array2<f32> = wide;
        wide.slice_mut(ndarray::s![..;-1, 2..c + 2]).assign(&x);
        compare!(format!("{b}, {c}"), norm(wide.slice(ndarray::s![..;-1, 2..c + 2]), &w, &g), want, [0, 1, 2, 3]);
    }
}

/// A launch across memory runs in squares.
#[test]
fn transposes_of_any_size_and_direction() {
    for (b, n, m) in [(1, 700, 1030), (3, 513, 17), (2, 16, 2000), (1, 1025, 16), (4, 33, 15), (0, 600, 600)] {
        let wide = numbers((b, n + 2, 2 * m), 1);
        let y = numbers((m, b, n), 2).mapv(|v| (v * 100.0).abs() as u8);
        let z = numbers(n, 3).mapv(f64::from);
        for x in [
            wide.slice(ndarray::s![.., ..n, ..m]),
            wide.slice(ndarray::s![.., 2..;-1, ..;2]),
            wide.slice(ndarray::s![..;-1, 1..n + 1, m..;-1]),
        ] {
            let found = turned(x, &y, &z).unwrap().into_array().unwrap();
            let want =
                Array3::from_shape_fn((b, m, n), |(i, j, k)| f64::from(x[[i, k, j]]) * z[k] + f64::from(y[[j, i, k]]));
            assert_eq!(found, want, "{b}, {n}, {m}");
        }
    }
}

#[test]
fn convolutions_window_by_window() {
    for (b, i, o, h, w) in [(2, 8, 16, 40, 37), (1, 3, 32, 96, 96), (5, 20, 4, 9, 11)] {
        let (x, k) = (numbers((b, i, h, w), 1), numbers((o, i, 3, 3), 2));
        let exact = |x: &Array4<f32>| x.mapv(f64::from);
        let found = convolve(&x, &k).unwrap().into_array().unwrap().into_dyn();
        let want = convolve_exact(exact(&x), exact(&k)).unwrap().into_array().unwrap().into_dyn();
        close(&format!("{b}, {i}, {o}, {h}, {w}"), found, want);
    }
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let (x, w, g) = (numbers((4000, 65), 1), numbers(65, 2), numbers((4000, 65), 3));
    let (q, k) = (numbers((1, 800, 16), 4), numbers((1, 700, 16), 5));
    // Large enough that the threads share one product.
    let (a, b) = (numbers((530, 410), 6), numbers((410, 640).f(), 7));
    let bits = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (_, dx, dw, db) = norm(&x, &w, &g).unwrap();
            let (_, dq, dk, dv) = attention(&q, &k, &k, &q).unwrap();
            let of = |x: ArrayD<f32>| x.iter().map(|x| x.to_bits()).collect::<Vec<u32>>();
            let flat = |x: Array1<f32>| of(x.into_dyn());
            [
                of(dx.into_array().unwrap().into_dyn()),
                flat(dw.into_array().unwrap()),
                flat(db.into_array().unwrap()),
                of(dq.into_array().unwrap().into_dyn()),
                of(dk.into_array().unwrap().into_dyn()),
                of(dv.into_array().unwrap().into_dyn()),
                of(product(&a, &b).unwrap().into_array().unwrap().into_dyn()),
            ]
        })
    };
    let exact = a.mapv(f64::from).dot(&b.mapv(f64::from)).into_dyn();
    close("a product", product(&a, &b).unwrap().into_array().unwrap().into_dyn(), exact);
    let one = bits(1);
    assert!(bits(2) == one && bits(3) == one && bits(7) == one);
}

/// A call with several steps for several threads goes into the pool: from outside, from many threads at once, from a
/// thread of a pool, and from jobs that other calls' jobs wait beside.
#[test]
fn calls_from_anywhere_give_the_same() {
    let (q, g) = (numbers((3, 300, 16), 1), numbers((3, 300, 16), 2));
    let call = || {
        let (y, dq, dk, dv) = attention(&q, &q, &g, &g).unwrap();
        let bits = |x: ndfuse::Tensor<f32, _>| x.to_vec().unwrap().into_iter().map(f32::to_bits).collect::<Vec<u32>>();
        [bits(y), bits(dq), bits(dk), bits(dv)].concat()
    };
    let want = call();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(call)).collect();
        all.into_iter().for_each(|one| assert!(one.join().unwrap() == want));
    });
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| rayon::scope(|scope| (0..6).for_each(|_| scope.spawn(|_| assert!(call() == want)))));
    }
    assert!(rayon::join(call, || rayon::join(call, call).0) == (want.clone(), want));
}

#[test]
fn the_callers_memory_of_any_layout() {
    let (h, n, m, d) = (5, 150, 180, 12);
    let (q, k, v, g) = (numbers((h, n, d), 1), numbers((h, m, d), 2), numbers((h, m, d), 3), numbers((h, n, d), 4));
    let (y, dq, dk, dv) = attention(&q, &k, &v, &g).unwrap();
    let mut targets = (
        Array3::<f32>::from_elem((h, n, d).f(), f32::NAN),
        Array3::<f32>::from_elem((h, n, 2 * d), f32::NAN),
        Array3::<f32>::from_elem((h, m, d).f(), f32::NAN),
        Array3::<f32>::from_elem((h, m, d), f32::NAN),
    );
    attention::into(
        &q,
        &k,
        &v,
        &g,
        &mut targets.0,
        &mut targets.1.slice_mut(ndarray::s![.., ..;-1, ..;2]),
        &mut targets.2,
        &mut targets.3.slice_mut(ndarray::s![..;-1, .., ..]),
    )
    .unwrap();
    assert_eq!(y.view().unwrap(), targets.0);
    assert_eq!(dq.view().unwrap(), targets.1.slice(ndarray::s![.., ..;-1, ..;2]));
    assert_eq!(dk.view().unwrap(), targets.2);
    assert_eq!(dv.view().unwrap(), targets.3.slice(ndarray::s![..;-1, .., ..]));
    assert!(targets.1.slice(ndarray::s![.., .., 1..;2]).iter().all(|x| x.is_nan()), "nothing else is written");
}

#[test]
fn scores_are_never_in_memory() {
    let sizes = [("H", 8), ("N", 1024), ("M", 1024), ("D", 64)];
    let scores = 8 * 1024 * 1024 * 4;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let memory = pool.install(|| attention::memory(&sizes)).unwrap();
    assert!(memory.temporaries < scores / 8, "{memory:?}");
}
