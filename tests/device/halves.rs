//! Functions of halves on a device: what the host gives, but for one unit of a half where `f32` differs in the last place.

use ndarray::Array1;
use ndfuse::prelude::*;
use ndfuse::{Element, Result, Shape, bf16, f16};

macro_rules! functions {
    ($module:ident $t:ident) => {
        pub mod $module {
            use ndfuse::tensor;

            tensor! {
                #[no_grad]
                pub fn rows<B, C>(x: $t[B, C], w: $t[C]) -> ($t[B, C], $t[B], i64[B]) {
                    (softmax(x * w), x.mean(axis=1), argmax(x, axis=1))
                }
                #[no_grad]
                pub fn columns<B, C>(x: $t[B, C]) -> ($t[C], f64[C]) { (x.sum(axis=0), (f64(x) * 0.1).sum(axis=0)) }
                #[no_grad]
                pub fn moved<B, C>(x: $t[B, C], by: $t) -> ($t[C, B], $t[B, C + 2]) { (x.T * by, pad(x, ((0, 0), (1, 1)))) }
                #[no_grad]
                pub fn casts<N>(x: f64[N]) -> ($t[N], f32[N], i32[N], bf16[N], f16[N]) {
                    let y = x.astype($t);
                    (y, y.astype(f32), y.astype(i32), y.astype(bf16), y.astype(f16))
                }
                #[no_grad]
                pub fn dense<B, I, O>(x: $t[B, I], w: $t[I, O], b: $t[O]) -> ($t[B, O], $t[B, O]) { (relu(x @ w + b), x @ w) }
                #[no_grad]
                pub fn many<A, B, C, D>(x: $t[A, B, C], y: $t[A, C, D]) -> $t[A, B, D] { -(x @ y) }
                #[no_grad]
                pub fn attention<B, T, D>(q: $t[B, T, D], k: $t[B, T, D], v: $t[B, T, D]) -> $t[B, T, D] {
                    softmax(q @ k.transpose(0, 2, 1) / sqrt($t(D)), axis=-1) @ v
                }
                /// A row sees some keys before it; the result has an epilogue.
                #[no_grad]
                pub fn heads<B, T, S, H, D, E>(
                    q: $t[B, T, H, D], k: $t[B, S, H, D], v: $t[B, S, H, E], x: $t[E],
                ) -> $t[B, T, H, E] {
                    let (i, j) = (arange(T)[:, None], arange(S));
                    let s = q.transpose(0, 2, 1, 3) @ k.transpose(0, 2, 3, 1) * 0.25;
                    let y = softmax(where((i >= j) & (i < j + 80), s, -inf), axis=-1) @ v.transpose(0, 2, 1, 3);
                    (y + x).transpose(0, 2, 1, 3)
                }
                #[no_grad]
                pub fn stem<B>(x: $t[B, 3, 16, 16], w: $t[8, 3, 3, 3], b: $t[8]) -> $t[B, 8, 8, 8] {
                    relu(conv2d(x, w, bias=b, stride=2, padding="same"))
                }
                pub fn loss<V, E, B>(table: $t[V, E], ids: i64[B], w: $t[E, 3], y: i64[B]) -> $t[] wrt (table, w) {
                    cross_entropy(table[ids] @ w, y).mean()
                }
            }
        }
    };
}

functions! { half f16 }
functions! { brain bf16 }

/// Numbers between -3 and 3.
fn wave<T: Element, S: Shape>(shape: S, seed: usize, of: fn(f32) -> T) -> Result<Tensor<T, S>> {
    let n = shape.sizes().iter().product();
    Tensor::from_vec(shape, (0..n).map(|k| of(((k * 37 + seed * 101) % 61) as f32 / 10.0 - 3.0)).collect())
}

fn near<T: Element + Into<f64>, S: Shape>(found: &Tensor<T, S>, host: &Tensor<T, S>, unit: f64) -> Result<()> {
    let (a, b) = (found.to_host()?.to_vec()?, host.to_vec()?);
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.into_iter().zip(b).enumerate() {
        let (a, b): (f64, f64) = (a.into(), b.into());
        let same = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= unit * b.abs() + 1e-6;
        assert!(same, "element {k}: {a}, but {b} on the host");
    }
    Ok(())
}

/// The same, where sums of numbers up to one are rounded on the way.
fn close<T: Element + Into<f64>, S: Shape>(found: &Tensor<T, S>, host: &Tensor<T, S>, unit: f64) -> Result<()> {
    let (a, b) = (found.to_host()?.to_vec()?, host.to_vec()?);
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.into_iter().zip(b).enumerate() {
        let (a, b): (f64, f64) = (a.into(), b.into());
        let same = a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= unit * (1.0 + b.abs());
        assert!(same, "element {k} of {:?}: {a}, but {b} on the host", host.dims());
    }
    Ok(())
}

macro_rules! checks {
    ($module:ident $t:ident $unit:expr, $device:ident) => {{
        let small = |x: f32| $t::from_f32(x / 4.0);
        let wave2 = |a: usize, b: usize, seed: usize| wave((a, b), seed, $t::from_f32);
        for (b, c) in [(1, 1), (5, 33), (3, 700), (40, 9)] {
            let (x, w) = (wave2(b, c, 1)?, wave((c,), 2, $t::from_f32)?);
            let (dx, dw) = (x.to_device($device)?, w.to_device($device)?);
            let (found, host) = ($module::rows(&dx, &dw)?, $module::rows(&x, &w)?);
            near(&found.0, &host.0, $unit)?;
            near(&found.1, &host.1, $unit)?;
            assert_eq!(found.2.to_host()?, host.2);
            let (found, host) = ($module::columns(&dx)?, $module::columns(&x)?);
            near(&found.0, &host.0, $unit)?;
            near(&found.1, &host.1, 1e-12)?;
            let (found, host) = ($module::moved(&dx, $t::from_f32(0.3))?, $module::moved(&x, $t::from_f32(0.3))?);
            assert_eq!((found.0.to_host()?, found.1.to_host()?), host);
            // What the runtime's own kernels copy.
            let turned = dx.transpose();
            assert_eq!(turned.reshape((b * c,))?.to_host()?, x.transpose().reshape((b * c,))?);
        }
        let odd = [0.0, -0.0, 1.0 + 2f64.powi(-9), 1.0 + 2f64.powi(-11) + 2f64.powi(-40), 2f64.powi(-25), 6e-8, 1e-40];
        let large = [65519.9, 65520.0, 3.4e38, -1e39, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -2.5, 5e-324];
        let x = Array1::from_iter(odd.into_iter().chain(large));
        let (found, host) = ($module::casts(&x.to_device($device)?)?, $module::casts(&x)?);
        near(&found.0, &host.0, 0.0)?;
        near(&found.1, &host.1, 0.0)?;
        assert_eq!(found.2.to_host()?, host.2);
        near(&found.3, &host.3, 0.0)?;
        near(&found.4, &host.4, 0.0)?;
        for (a, b, c) in
            [(1, 1, 1), (65, 17, 66), (3, 130, 5), (64, 32, 64), (66, 72, 8), (9, 300, 70), (0, 3, 4), (4, 0, 3)]
        {
            let (x, w, bias) = (wave2(a, b, 1)?, wave2(b, c, 2)?, wave((c,), 3, $t::from_f32)?);
            let (dx, dw, db) = (x.to_device($device)?, w.to_device($device)?, bias.to_device($device)?);
            let (found, host) = ($module::dense(&dx, &dw, &db)?, $module::dense(&x, &w, &bias)?);
            near(&found.0, &host.0, $unit)?;
            near(&found.1, &host.1, $unit)?;
            // The same where neighbours lie elsewhere.
            let (xt, wt) = (wave2(b, a, 4)?, wave2(c, b, 5)?);
            let (dx, dw) = (xt.to_device($device)?, wt.to_device($device)?);
            let found = $module::dense(dx.transpose(), dw.transpose(), &db)?;
            near(&found.1, &$module::dense(xt.transpose(), wt.transpose(), &bias)?.1, $unit)?;
        }
        // Enough matrices for large tiles.
        let (x, w) = (wave((130, 3, 34), 1, $t::from_f32)?, wave((130, 34, 9), 2, $t::from_f32)?);
        let found = $module::many(&x.to_device($device)?, &w.to_device($device)?)?;
        near(&found, &$module::many(&x, &w)?, $unit)?;
        // In pieces of 16 and 8 that are full and not, and of more terms than the tensor cores take.
        for (rows, depth) in [(9, 5), (64, 64), (130, 32), (65, 128), (70, 40), (66, 129)] {
            let [q, k, v] = [1, 2, 3].map(|seed| wave((2, rows, depth), seed, small));
            let (q, k, v) = (q?, k?, v?);
            let there = (q.to_device($device)?, k.to_device($device)?, v.to_device($device)?);
            let found = $module::attention(&there.0, &there.1, &there.2)?;
            // What is rounded to another neighbour on the way is seen in the result.
            close(&found, &$module::attention(&q, &k, &v)?, 4.0 * $unit)?;
        }
        for (t, s, depth, width) in [(1, 1, 1, 1), (67, 131, 16, 40), (200, 200, 8, 72), (63, 129, 72, 8)] {
            let (q, k) = (wave((2, t, 3, depth), 1, small)?, wave((2, s, 3, depth), 2, small)?);
            for odd in [None, Some(f32::NAN), Some(f32::INFINITY)] {
                let mut v = wave((2, s, 3, width), 3, small)?.to_vec()?;
                v.last_mut().zip(odd).into_iter().for_each(|(to, odd)| *to = $t::from_f32(odd));
                let (v, x) = (Tensor::from_vec((2, s, 3, width), v)?, wave((width,), 4, small)?);
                let there = (q.to_device($device)?, k.to_device($device)?, v.to_device($device)?);
                let found = $module::heads(&there.0, &there.1, &there.2, x.to_device($device)?)?;
                close(&found, &$module::heads(&q, &k, &v, &x)?, 4.0 * $unit)?;
            }
        }
        let x = wave((2, 3, 16, 16), 1, $t::from_f32)?;
        let (w, bias) = (wave((8, 3, 3, 3), 2, $t::from_f32)?, wave((8,), 3, $t::from_f32)?);
        let found = $module::stem(&x.to_device($device)?, &w.to_device($device)?, &bias.to_device($device)?)?;
        near(&found, &$module::stem(&x, &w, &bias)?, $unit)?;
        // What a view repeats is summed, on the device as on the host.
        let one = wave((3,), 4, $t::from_f32)?.to_device($device)?.requires_grad();
        one.broadcast_to((700, 3))?.backward_with(&wave2(700, 3, 5)?.to_device($device)?)?;
        let host = wave((3,), 4, $t::from_f32)?.requires_grad();
        host.broadcast_to((700, 3))?.backward_with(&wave2(700, 3, 5)?)?;
        let gradient = |of: &Tensor<$t, (usize,)>| of.grad().map(|g| g.to_host()).transpose();
        assert_eq!(gradient(&one)?, gradient(&host)?);
        let (table, w) = (wave2(7, 5, 1)?, wave2(5, 3, 2)?);
        let ids = Tensor::from_vec((12,), (0..12).map(|k| k * 5 % 7 - 7 * (k % 2)).collect::<Vec<i64>>())?;
        let y = Tensor::from_vec((12,), (0..12).map(|k| k % 3).collect::<Vec<i64>>())?;
        let host = $module::loss::value_and_grad(&table, &ids, &w, &y)?;
        let (dt, dw) = (table.to_device($device)?.requires_grad(), w.to_device($device)?.requires_grad());
        let (di, dy) = (ids.to_device($device)?, y.to_device($device)?);
        let found = $module::loss::value_and_grad(&dt, &di, &dw, &dy)?;
        near(&found.0, &host.0, $unit)?;
        near(&found.1.table, &host.1.table, 8.0 * $unit)?;
        near(&found.1.w, &host.1.w, 8.0 * $unit)?;
        // Two gradients of a leaf add up.
        $module::loss(&dt, &di, &dw, &dy)?.backward()?;
        $module::loss(&dt, &di, &dw, &dy)?.backward()?;
        let twice: Vec<$t> = found.1.w.to_host()?.to_vec()?.into_iter().map(|g| g + g).collect();
        assert_eq!(dw.grad().map(|g| g.to_host()).transpose()?.map(|g| g.to_vec()).transpose()?, Some(twice));
    }};
}

pub fn halves_are_the_hosts(device: &Device) -> Result<()> {
    checks!(half f16 2f64.powi(-10), device);
    checks!(brain bf16 2f64.powi(-7), device);
    Ok(())
}
