//! Convolutions whose windows a product reads where they are.
//!
//! In: convolutions with the channels of their result innermost, of images of any size and layout. Out: results to be compared
//! with those in f64, for which windows are written out. Always: what lies outside of an image counts as zero, so the same
//! elements are NaN; the bits do not depend on the number of threads, nor on how often a function was called.

use ndarray::{Array4, ArrayView4, s};
use ndfuse::Shape;
use ndfuse::prelude::*;

tensor! {
    fn same(x, w) { relu6(conv2d(x, w, padding=1)).transpose(0, 2, 3, 1) }
    fn halved(x, w) { conv2d(x, w, stride=2, padding="same").transpose(0, 2, 3, 1) }
    fn flipped(x, w) { conv2d(x[:, ::-1, :, ::-1], w, padding=2, dilation=2).transpose(0, 2, 3, 1) + 1 }
    // The second one reads an array with the channels innermost.
    fn twice(x, w, v) { conv2d(relu6(conv2d(x, w, padding=1)), v, padding=1).transpose(0, 2, 3, 1) }

    #[no_grad]
    fn all<B, C, H, W, O>(x: f32[B, C, H, W], w: f32[O, C, 3, 3], v: f32[O, O, 3, 3])
        -> (f32[B, H, W, O], f32[B, H, W, O], f32[B, H, W, O])
    {
        (same(x, w), flipped(x, w), twice(x, w, v))
    }

    #[no_grad]
    fn all_exact<B, C, H, W, O>(x: f64[B, C, H, W], w: f64[O, C, 3, 3], v: f64[O, O, 3, 3])
        -> (f64[B, H, W, O], f64[B, H, W, O], f64[B, H, W, O])
    {
        (same(x, w), flipped(x, w), twice(x, w, v))
    }

    fn deep(x, w, d) { conv2d(relu6(conv2d(x, w)), d, stride=1, padding=2, groups=d.shape[0]).transpose(0, 2, 3, 1) }
    fn stepping(x, w, d) { conv2d(relu6(conv2d(x, w)), d, stride=2, padding="same", groups=d.shape[0]) }

    #[no_grad]
    fn bands<B, C, H, W, O>(x: f32[B, C, H, W], w: f32[O, C, 1, 1], d: f32[O, 1, 5, 5]) -> f32[B, H, W, O] { deep(x, w, d) }

    #[no_grad]
    fn bands_exact<B, C, H, W, O>(x: f64[B, C, H, W], w: f64[O, C, 1, 1], d: f64[O, 1, 5, 5]) -> f64[B, H, W, O] {
        deep(x, w, d)
    }

    // The first convolution's windows are read where they are.
    #[no_grad]
    fn steps<B, C, O>(x: f32[B, C, 100, 75], w: f32[O, C, 3, 3], d: f32[O, 1, 3, 3]) -> f32[B, O, 49, 37] {
        stepping(x, w, d)
    }

    #[no_grad]
    fn steps_exact<B, C, O>(x: f64[B, C, 100, 75], w: f64[O, C, 3, 3], d: f64[O, 1, 3, 3]) -> f64[B, O, 49, 37] {
        stepping(x, w, d)
    }

    #[no_grad]
    fn half<B, C, O>(x: f32[B, C, 13, 18], w: f32[O, C, 5, 5]) -> f32[B, 7, 9, O] { halved(x, w) }

    #[no_grad]
    fn half_exact<B, C, O>(x: f64[B, C, 13, 18], w: f64[O, C, 5, 5]) -> f64[B, 7, 9, O] { halved(x, w) }
}

fn numbers(shape: [usize; 4], seed: u64) -> Array4<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Array4::from_shape_simple_fn(shape, || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn close(name: &str, found: &Tensor<f32, impl Shape>, want: &Tensor<f64, impl Shape>) {
    let (found, want) = (found.to_vec().unwrap(), want.to_vec().unwrap());
    assert_eq!(found.len(), want.len(), "{name}");
    let largest = want.iter().filter(|x| x.is_finite()).fold(1e-30f64, |m, x| m.max(x.abs()));
    for (i, (&a, &b)) in found.iter().zip(&want).enumerate() {
        let fits = (f64::from(a) - b).abs() <= 3e-6 * largest || f64::from(a) == b || (a.is_nan() && b.is_nan());
        assert!(fits, "{name}, element {i}: {a}, not {b}");
    }
}

fn check(name: &str, x: ArrayView4<'_, f32>, w: &Array4<f32>, v: &Array4<f32>) {
    let exact = |x: ArrayView4<'_, f32>| x.mapv(f64::from);
    let want = all_exact(exact(x), exact(w.view()), exact(v.view())).unwrap();
    let bits = || {
        let found = all(x, w, v).unwrap();
        close(&format!("{name}, plain"), &found.0, &want.0);
        close(&format!("{name}, flipped"), &found.1, &want.1);
        close(&format!("{name}, twice"), &found.2, &want.2);
        [found.0.to_vec(), found.1.to_vec(), found.2.to_vec()]
            .map(|x| x.unwrap().into_iter().map(f32::to_bits).collect::<Vec<_>>())
    };
    let first = bits();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(pool.install(bits) == first, "{name}: other bits on {threads} threads");
    }
}

#[test]
fn images_of_any_size() {
    for [b, c, h, w, o] in [
        [1, 1, 1, 1, 8],
        [2, 3, 7, 5, 20],
        [3, 4, 1, 40, 64],
        [1, 2, 2, 19, 33],
        [2, 70, 9, 4, 16],
        [1, 40, 3, 60, 16],
        [2, 3, 31, 47, 60],
        [0, 3, 5, 5, 16],
        [1, 0, 5, 6, 16],
        [1, 3, 5, 5, 2],
    ] {
        let (k, v) = (numbers([o, c, 3, 3], 2), numbers([o, o, 3, 3], 3));
        let name = format!("{b}, {c}, {h}, {w}, {o}");
        check(&name, numbers([b, c, h, w], 1).view(), &k, &v);
        // Of a wider array, from its ends, and with the channels innermost.
        let wide = numbers([b + 1, c, 2 * h, w + 3], 4);
        check(&format!("{name}, a part"), wide.slice(s![1.., .., ..;-2, 1..w + 1;-1]), &k, &v);
        let inner = numbers([b, h, w, c], 5);
        check(&format!("{name}, turned"), inner.view().permuted_axes([0, 3, 1, 2]), &k, &v);
    }
}

#[test]
fn windows_that_step() {
    for [b, c, o] in [[1, 3, 32], [2, 5, 7], [9, 1, 49]] {
        let (x, w) = (numbers([b, c, 13, 18], 1), numbers([o, c, 5, 5], 2));
        let want = half_exact(x.mapv(f64::from), w.mapv(f64::from)).unwrap();
        close(&format!("{b}, {c}, {o}"), &half(&x, &w).unwrap(), &want);
    }
}

/// What lies between two convolutions is made band by band where it is large: of images, and of their rows. Of a single image it is
/// not.
#[test]
fn bands_are_the_whole() {
    assert!(bands::explain().contains("steps 1 and 2 in bands over B, H, W"), "{}", bands::explain());
    let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
    for [b, c, h, w, o] in [[5, 3, 64, 64, 70], [1, 20, 300, 90, 40], [40, 2, 30, 31, 33], [3, 1, 1, 4000, 96]] {
        let (x, k, d) = (numbers([b, c, h, w], 1), numbers([o, c, 1, 1], 2), numbers([o, 1, 5, 5], 3));
        let name = format!("{b}, {c}, {h}, {w}, {o}");
        let want = bands_exact(x.mapv(f64::from), k.mapv(f64::from), d.mapv(f64::from)).unwrap();
        let whole = || bands(&x, &k, &d).unwrap();
        close(&name, &whole(), &want);
        let single = |i: usize| bands(x.slice(s![i..i + 1, .., .., ..]), &k, &d).unwrap().to_vec().unwrap();
        let singles = bits((0..b).flat_map(single).collect());
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = bits(pool.install(whole).to_vec().unwrap());
            assert!(found == singles, "{name}: other bits on {threads} threads");
        }
    }
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let sizes = [("B", 5), ("C", 3), ("H", 64), ("W", 64), ("O", 70)];
    assert!(one.install(|| bands::memory(&sizes)).unwrap().temporaries < 4 * 5 * 64 * 64 * 70 / 2);
    for [b, c, o] in [[5, 3, 60], [1, 8, 200]] {
        let (x, k, d) = (numbers([b, c, 100, 75], 1), numbers([o, c, 3, 3], 2), numbers([o, 1, 3, 3], 3));
        let want = steps_exact(x.mapv(f64::from), k.mapv(f64::from), d.mapv(f64::from)).unwrap();
        close(&format!("{b}, {c}, {o}"), &steps(&x, &k, &d).unwrap(), &want);
    }
}

/// A weight that is no number is none beside the image either, for zero times it is no number.
#[test]
fn what_is_no_number_is_where_it_belongs() {
    let (mut x, mut w) = (numbers([2, 3, 9, 21], 1), numbers([32, 3, 3, 3], 2));
    let v = numbers([32, 32, 3, 3], 3);
    x[[0, 1, 0, 0]] = f32::NAN;
    x[[1, 2, 8, 20]] = f32::INFINITY;
    check("in an image", x.view(), &w, &v);
    let x = numbers([2, 3, 9, 21], 1);
    w[[3, 0, 0, 1]] = f32::INFINITY;
    w[[7, 2, 2, 2]] = f32::NAN;
    check("in a weight", x.view(), &w, &v);
}
