//! Windows whose counts are known when a function is called.
//!
//! In: depthwise windows of symbolic sizes, images of few places and many, in any layout. Out: results to be compared with those of
//! plain loops over `f64`. Always: what lies outside counts as zero; the bits are those of a function that has the sizes as
//! literals, and do not depend on the number of threads.

use ndarray::{Array, Array4, ArrayView4, Axis, s};
use ndfuse::prelude::*;

tensor! {
    #[no_grad]
    fn same<B, H, W, C, K, L>(x: f32[B, H, W, C], w: f32[C, 1, K, L]) -> f32[B, H, W, C] {
        relu6(conv2d(x.transpose(0, 3, 1, 2), w, padding="same", groups=x.shape[3])).transpose(0, 2, 3, 1)
    }

    #[no_grad]
    fn three<B, H, W, C>(x: f32[B, H, W, C], w: f32[C, 1, 3, 3]) -> f32[B, H, W, C] {
        relu6(conv2d(x.transpose(0, 3, 1, 2), w, padding="same", groups=x.shape[3])).transpose(0, 2, 3, 1)
    }

    #[no_grad]
    fn five<B, H, W, C>(x: f32[B, H, W, C], w: f32[C, 1, 5, 5]) -> f32[B, H, W, C] {
        relu6(conv2d(x.transpose(0, 3, 1, 2), w, padding="same", groups=x.shape[3])).transpose(0, 2, 3, 1)
    }

    // Windows that may have gaps between them.
    #[no_grad]
    fn stepping<B, C, K, L>(x: f32[B, 70, 71, C], w: f32[K, L, C]) -> f32[B, 24, 24, C] {
        conv2d(x.transpose(0, 3, 1, 2), w.transpose(2, 0, 1)[:, None], padding="same", stride=3, groups=x.shape[3])
            .transpose(0, 2, 3, 1)
    }

    fn weighed<B, H, W, C>(x: f32[B, H, W, C], w: f32[3, 3, C]) -> f32[B, H, W, C] {
        conv2d(x.transpose(0, 3, 1, 2), w.transpose(2, 0, 1)[:, None], padding="same", groups=x.shape[3])
            .transpose(0, 2, 3, 1)
    }

    // The gradient of weights: each is a window of all places.
    #[no_grad]
    fn weights<B, H, W, C>(x: f32[B, H, W, C], w: f32[3, 3, C], g: f32[B, H, W, C]) -> f32[3, 3, C] {
        let (y, found) = vjp(weighed, wrt=w)(x, w, g);
        found
    }
}

fn numbers(shape: [usize; 4], seed: u64) -> Array4<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Array4::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// The sums at all places, `step` apart, of windows whose first point is `pad` before the first place; of the windows' sizes.
fn wanted(
    x: ArrayView4<'_, f32>,
    w: ArrayView4<'_, f32>,
    pad: [usize; 2],
    step: usize,
    places: [usize; 2],
) -> Array4<f64> {
    let ((b, h, wide, c), (k, l)) = (x.dim(), (w.dim().2, w.dim().3));
    Array::from_shape_fn((b, places[0], places[1], c), |(b, i, j, c)| {
        let points = (0..k).flat_map(|r| (0..l).map(move |s| (r, s)));
        let product = |(r, s): (usize, usize)| {
            let (y, z) = ((i * step + r).wrapping_sub(pad[0]), (j * step + s).wrapping_sub(pad[1]));
            if y < h && z < wide { f64::from(x[[b, y, z, c]]) * f64::from(w[[c, 0, r, s]]) } else { 0.0 }
        };
        points.map(product).sum()
    })
}

fn close(name: &str, found: &Array4<f32>, want: &Array4<f64>) {
    assert_eq!(found.dim(), want.dim(), "{name}");
    let largest = want.iter().fold(1e-30f64, |m, x| m.max(x.abs()));
    for (at, want) in want.indexed_iter() {
        let found = f64::from(found[at]);
        assert!((found - want).abs() <= 3e-6 * largest, "{name}, {at:?}: {found}, not {want}");
    }
}

const SIZES: [[usize; 2]; 12] =
    [[1, 1], [2, 2], [3, 3], [5, 5], [8, 8], [9, 9], [1, 7], [7, 1], [3, 70], [65, 2], [0, 3], [3, 0]];

#[test]
fn windows_of_any_size() {
    for [k, l] in SIZES {
        for [b, h, w, c] in [[2, 7, 9, 40], [1, 1, 30, 3], [1, 12, 5, 130], [1, 0, 4, 8], [2, 3, 3, 0]] {
            let name = format!("{b}, {h}, {w}, {c}: {k}, {l}");
            let wide = numbers([b, h, 2 * w, c + 1], 1);
            let (whole, part) = (numbers([b, h, w, c], 2), wide.slice(s![.., ..;-1, ..;2, 1..]));
            let taps = numbers([c, 1, k, l], 3);
            for x in [whole.view(), part] {
                // Even windows have a point less before their place than behind it.
                let pad = [k, l].map(|k| k.saturating_sub(1) / 2);
                let want = wanted(x, taps.view(), pad, 1, [h, w]).mapv(|x| x.clamp(0.0, 6.0));
                let found = || same(x, &taps).unwrap().view().unwrap().to_owned();
                let first = found();
                close(&name, &first, &want);
                for threads in [1, 2, 5] {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    assert!(pool.install(found) == first, "{name}: other bits on {threads} threads");
                }
            }
        }
    }
}

#[test]
fn windows_that_step() {
    for [k, l] in SIZES {
        for [b, c] in [[2, 20], [1, 3]] {
            let (x, taps) = (numbers([b, 70, 71, c], 1), numbers([c, 1, k, l], 2));
            let own = taps.index_axis(Axis(1), 0).permuted_axes([1, 2, 0]);
            let found = stepping(&x, own).unwrap().view().unwrap().to_owned();
            let pad = [k.saturating_sub(1) / 2, l.saturating_sub(2) / 2];
            close(&format!("{b}, {c}: {k}, {l}"), &found, &wanted(x.view(), taps.view(), pad, 3, [24, 24]));
        }
    }
}

/// A size is no part of what is computed.
#[test]
fn a_literal_size_has_the_same_bits() {
    for [b, h, w, c] in [[2, 7, 9, 40], [1, 30, 33, 7]] {
        let (x, t, f) = (numbers([b, h, w, c], 1), numbers([c, 1, 3, 3], 2), numbers([c, 1, 5, 5], 3));
        let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(same(&x, &t).unwrap().to_vec().unwrap()), bits(three(&x, &t).unwrap().to_vec().unwrap()));
        assert_eq!(bits(same(&x, &f).unwrap().to_vec().unwrap()), bits(five(&x, &f).unwrap().to_vec().unwrap()));
    }
}

#[test]
fn gradients_of_weights() {
    for [b, h, w, c] in [[2, 7, 9, 40], [1, 1, 1, 3], [3, 30, 33, 20], [1, 70, 100, 65], [0, 5, 5, 8], [2, 0, 5, 8]] {
        let (x, wide) = (numbers([b, h, w, c], 1), numbers([b, c, h, w + 1], 2));
        let taps = Array::<f32, _>::zeros((3, 3, c));
        let turned = wide.slice(s![.., .., .., ..w]).permuted_axes([0, 2, 3, 1]);
        for g in [turned, turned.as_standard_layout().view()] {
            let found = weights(&x, &taps, g).unwrap().view().unwrap().to_owned();
            let want = Array::from_shape_fn((1, 3, 3, c), |(_, r, s, c)| {
                let places = g.indexed_iter().filter(|((.., of), _)| *of == c);
                let product = |((b, i, j, _), &g): ((usize, usize, usize, usize), &f32)| {
                    let (y, z) = ((i + r).wrapping_sub(1), (j + s).wrapping_sub(1));
                    if y < h && z < w { f64::from(x[[b, y, z, c]]) * f64::from(g) } else { 0.0 }
                };
                places.map(product).sum()
            });
            let found = found.insert_axis(Axis(0));
            close(&format!("{b}, {h}, {w}, {c}"), &found, &want);
        }
    }
}
