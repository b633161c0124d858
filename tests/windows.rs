//! Convolutions whose windows a product reads where they are.
//!
//! In: convolutions with the channels of their result innermost, whose windows are a product's rows, and such with the lines of an
//! image innermost, whose windows are its lanes; of images of any size and layout. Out: results to be compared with those in f64, for which windows are written out. Always: what lies outside of an image counts as zero, so the same
//! elements are NaN; the bits do not depend on the number of threads, nor on how often a function was called.

use ndarray::{Array1, Array4, ArrayView4, Axis, s};
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

    fn lines(x, w, b) { relu(conv2d(x, w, bias=b, padding=1)) }
    // What is added lies otherwise than the result.
    fn added(x, w, y) { conv2d(x[:, ::-1, :, ::-1], w, padding=((0, 2), (3, 1))) + y[:, :, ::-1] * 0.5 }
    fn apart(x, w) { conv2d(x, w, stride=(1, 3), padding=((2, 4), (1, 5)), dilation=2) }
    fn every_second(x, w) { conv2d(x, w, stride=2, padding=2) }
    // Groups of two channels each, to three.
    fn grouped(x, w) { conv2d(x, w, padding=1, groups=4) }

    #[no_grad]
    fn channels<B, C, H, W, O>(x: f32[B, C, H, W], w: f32[O, C, 3, 3], b: f32[O], y: f32[B, O, H, W + 2])
        -> (f32[B, O, H, W], f32[B, O, H, W + 2])
    {
        (lines(x, w, b), added(x, w, y))
    }

    #[no_grad]
    fn channels_exact<B, C, H, W, O>(x: f64[B, C, H, W], w: f64[O, C, 3, 3], b: f64[O], y: f64[B, O, H, W + 2])
        -> (f64[B, O, H, W], f64[B, O, H, W + 2])
    {
        (lines(x, w, b), added(x, w, y))
    }

    #[no_grad]
    fn stepped<B, C, O>(x: f32[B, C, 17, 41], w: f32[O, C, 3, 3]) -> (f32[B, O, 19, 15], f32[B, O, 10, 22]) {
        (apart(x, w), every_second(x, w))
    }

    #[no_grad]
    fn stepped_exact<B, C, O>(x: f64[B, C, 17, 41], w: f64[O, C, 3, 3]) -> (f64[B, O, 19, 15], f64[B, O, 10, 22]) {
        (apart(x, w), every_second(x, w))
    }

    #[no_grad]
    fn groups<B, H, W>(x: f32[B, 8, H, W], w: f32[12, 2, 3, 3]) -> f32[B, 12, H, W] { grouped(x, w) }

    #[no_grad]
    fn groups_exact<B, H, W>(x: f64[B, 8, H, W], w: f64[12, 2, 3, 3]) -> f64[B, 12, H, W] { grouped(x, w) }

    fn back(x, w, g) { vjp(every_line, wrt=x)(x, w, g)[1] }
    fn every_line(x, w) { conv2d(x, w, padding=((1, 0), (2, 2)), dilation=(1, 2)) }

    #[no_grad]
    fn image<B, H, W>(x: f32[B, 9, H + 1, W], w: f32[12, 9, 3, 3], g: f32[B, 12, H, W]) -> f32[B, 9, H + 1, W] {
        back(x, w, g)
    }

    #[no_grad]
    fn image_exact<B, H, W>(x: f64[B, 9, H + 1, W], w: f64[12, 9, 3, 3], g: f64[B, 12, H, W]) -> f64[B, 9, H + 1, W] {
        back(x, w, g)
    }

    fn waves(x, w) { conv1d(x, w, padding=4, dilation=2) }

    #[no_grad]
    fn sounds<B, C, L, O>(x: f32[B, C, L], w: f32[O, C, 5]) -> f32[B, O, L] { waves(x, w) }

    #[no_grad]
    fn sounds_exact<B, C, L, O>(x: f64[B, C, L], w: f64[O, C, 5]) -> f64[B, O, L] { waves(x, w) }

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
    close_to(name, &found.to_vec().unwrap(), &want.to_vec().unwrap());
}

fn close_to(name: &str, found: &[f32], want: &[f64]) {
    assert_eq!(found.len(), want.len(), "{name}");
    let largest = want.iter().filter(|x| x.is_finite()).fold(1e-30f64, |m, x| m.max(x.abs()));
    for (i, (&a, &b)) in found.iter().zip(want).enumerate() {
        let fits = (f64::from(a) - b).abs() <= 3e-6 * largest || f64::from(a) == b || (a.is_nan() && b.is_nan());
        assert!(fits, "{name}, element {i}: {a}, not {b}");
    }
}

fn check(name: &str, x: ArrayView4<'_, f32>, w: &Array4<f32>, v: &Array4<f32>) {
    let exact = |x: ArrayView4<'_, f32>| x.mapv(f64::from);
    let want = all_exact(exact(x), exact(w.view()), exact(v.view())).unwrap();
    let found = || {
        let found = all(x, w, v).unwrap();
        vec![found.0.to_vec().unwrap(), found.1.to_vec().unwrap(), found.2.to_vec().unwrap()]
    };
    alike(name, found, &[want.0.to_vec().unwrap(), want.1.to_vec().unwrap(), want.2.to_vec().unwrap()]);
}

/// Near what is exact, and the same bits on any number of threads.
fn alike(name: &str, found: impl Fn() -> Vec<Vec<f32>> + Sync, want: &[Vec<f64>]) {
    let first = found();
    assert_eq!(first.len(), want.len(), "{name}");
    for (i, (found, want)) in first.iter().zip(want).enumerate() {
        close_to(&format!("{name}, result {i}"), found, want);
    }
    let bits = |all: &[Vec<f32>]| all.iter().flatten().map(|x| x.to_bits()).collect::<Vec<_>>();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(bits(&pool.install(&found)) == bits(&first), "{name}: other bits on {threads} threads");
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

#[test]
fn lines_of_any_length() {
    for [b, c, h, w, o] in [
        [1, 1, 1, 1, 8],
        [2, 3, 7, 5, 20],
        [3, 4, 1, 40, 64],
        [1, 2, 40, 1, 33],
        [2, 70, 9, 4, 16],
        [1, 120, 3, 60, 300],
        [2, 3, 31, 47, 5],
        [0, 3, 5, 5, 16],
        [1, 0, 5, 6, 16],
        [1, 3, 5, 5, 2],
        [1, 3, 16, 200, 12],
    ] {
        let (k, y) = (numbers([o, c, 3, 3], 2), numbers([b, o, h, w + 2], 3));
        let bias = Array1::from_shape_fn(o, |i| i as f32 * 0.25 - 1.0);
        // Of a wider array, from its ends, and with the channels innermost.
        let (plain, wide, inner) =
            (numbers([b, c, h, w], 1), numbers([b + 1, c, 2 * h, w + 3], 4), numbers([b, h, w, c], 5));
        let part = wide.slice(s![1.., .., ..;-2, 1..w + 1;-1]);
        for (lie, x) in
            [("plain", plain.view()), ("a part", part), ("turned", inner.view().permuted_axes([0, 3, 1, 2]))]
        {
            let exact = channels_exact(x.mapv(f64::from), k.mapv(f64::from), bias.mapv(f64::from), y.mapv(f64::from));
            let exact = exact.unwrap();
            let found = || {
                let found = channels(x, &k, &bias, &y).unwrap();
                vec![found.0.to_vec().unwrap(), found.1.to_vec().unwrap()]
            };
            let want = [exact.0.to_vec().unwrap(), exact.1.to_vec().unwrap()];
            alike(&format!("{b}, {c}, {h}, {w}, {o}, {lie}"), found, &want);
        }
    }
}

#[test]
fn lines_that_step_and_groups() {
    for [b, c, o] in [[1, 3, 32], [2, 5, 7], [9, 1, 49]] {
        let (x, w) = (numbers([b, c, 17, 41], 1), numbers([o, c, 3, 3], 2));
        let exact = stepped_exact(x.mapv(f64::from), w.mapv(f64::from)).unwrap();
        let found = || {
            let found = stepped(&x, &w).unwrap();
            vec![found.0.to_vec().unwrap(), found.1.to_vec().unwrap()]
        };
        alike(&format!("{b}, {c}, {o}"), found, &[exact.0.to_vec().unwrap(), exact.1.to_vec().unwrap()]);
    }
    for [b, h, l] in [[1, 5, 9], [3, 20, 33], [2, 1, 130]] {
        let (x, w) = (numbers([b, 8, h, l], 1), numbers([12, 2, 3, 3], 2));
        let exact = groups_exact(x.mapv(f64::from), w.mapv(f64::from)).unwrap().to_vec().unwrap();
        alike(&format!("groups of {b}, {h}, {l}"), || vec![groups(&x, &w).unwrap().to_vec().unwrap()], &[exact]);
    }
    for [b, h, l] in [[1, 5, 9], [3, 20, 33], [2, 1, 130]] {
        let (x, w) = (numbers([b, 9, h + 1, l], 1), numbers([12, 9, 3, 3], 2));
        let g = numbers([b, 12, h, l], 3);
        let exact = image_exact(x.mapv(f64::from), w.mapv(f64::from), g.mapv(f64::from)).unwrap().to_vec().unwrap();
        let found = || vec![image(&x, &w, &g).unwrap().to_vec().unwrap()];
        alike(&format!("the image of {b}, {h}, {l}"), found, &[exact]);
    }
    for [b, c, l, o] in [[1, 3, 100, 16], [2, 30, 7, 9]] {
        let (x, w) = (numbers([1, b, c, l], 1), numbers([1, o, c, 5], 2));
        let (x, w) = (x.index_axis(Axis(0), 0), w.index_axis(Axis(0), 0));
        let exact = sounds_exact(x.mapv(f64::from), w.mapv(f64::from)).unwrap().to_vec().unwrap();
        alike(&format!("sounds of {b}, {c}, {l}, {o}"), || vec![sounds(x, w).unwrap().to_vec().unwrap()], &[exact]);
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
