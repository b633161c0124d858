//! Functions of `f16` and `bf16`, from the user's call to the bits of the result.
//!
//! In: the same text over a half and over `f64`. Out: what is wrong. Always: an element of a result is as near to the `f64`
//! value of the same operands as its own rounding allows, and an `f32`'s; where a half is written to memory on the way, as
//! near as two roundings of what is added up.

use ndarray::{Array, Array1, Array2, Dimension};
use ndfuse::prelude::*;
use ndfuse::{Element, Result, Shape, bf16, f16};

/// The same functions over any float.
macro_rules! functions {
    ($module:ident $t:ident) => {
        pub mod $module {
            use ndfuse::tensor;

            tensor! {
                pub fn chain<B, C>(x: $t[B, C], w: $t[C]) -> $t[B, C] { gelu(x * w - 0.3) * sigmoid(x) + 0.001 * w }
                pub fn soft<B, C>(x: $t[B, C]) -> $t[B, C] { softmax(x) }
                pub fn norm<B, C>(x: $t[B, C], w: $t[C], b: $t[C]) -> $t[B, C] { layer_norm(x, w, b) }
                #[no_grad]
                pub fn sums<B, C>(x: $t[B, C]) -> ($t[B], $t[C], $t[], $t[], $t[B]) {
                    (x.sum(axis=1), x.mean(axis=0), x.mean(), x.var(), logsumexp(x, axis=1))
                }
                pub fn dense<B, I, O>(x: $t[B, I], w: $t[I, O], b: $t[O]) -> $t[B, O] { gelu(x @ w + b) }
                #[no_grad]
                pub fn product<B, I, O>(x: $t[B, I], w: $t[I, O]) -> $t[B, O] { x @ w }
                #[no_grad]
                pub fn batches<B, I, O>(x: $t[B, I, O], w: $t[B, O, I]) -> $t[I, B, I] { (x @ w).transpose(1, 0, 2) }
                #[no_grad]
                pub fn attention<B, T, D>(q: $t[B, T, D], k: $t[B, T, D], v: $t[B, T, D]) -> $t[B, T, D] {
                    softmax(q @ k.transpose(0, 2, 1) / sqrt($t(D)), axis=-1) @ v
                }
                #[no_grad]
                pub fn stem<B>(x: $t[B, 3, 16, 16], w: $t[8, 3, 3, 3], b: $t[8]) -> $t[B, 8, 8, 8] {
                    relu(conv2d(x, w, bias=b, stride=2, padding="same"))
                }
                pub fn loss<V, E, B, K>(table: $t[V, E], ids: i64[B], w: $t[E, K], b: $t[K], y: i64[B]) -> $t[] wrt (table, w, b) {
                    cross_entropy(tanh(table[ids] @ w) + b, y).mean()
                }
            }
        }
    };
}

functions! { half f16 }
functions! { brain bf16 }
functions! { truth f64 }

/// Numbers between -3 and 3 in no order.
fn wave<D: Dimension>(shape: impl ndarray::ShapeBuilder<Dim = D>, seed: usize) -> Array<f64, D> {
    let mut at = seed * 7919;
    Array::from_shape_simple_fn(shape, || {
        at = (at * 1_103_515_245 + 12_345) % (1 << 31);
        (at >> 8) as f64 / (1u64 << 22) as f64 * 3.0 - 3.0
    })
}

/// How near a result is.
#[derive(Clone, Copy)]
enum Near {
    /// One rounding.
    Once,
    /// So many roundings of numbers as large as the largest.
    Times(f64),
}

fn near<T: Element + Into<f64>, S: Shape>(
    what: &str,
    found: &Tensor<T, S>,
    truth: &Tensor<f64, S>,
    unit: f64,
    how: Near,
) -> Result<()> {
    let (found, truth) = (found.to_vec()?, truth.to_vec()?);
    assert_eq!(found.len(), truth.len());
    let largest = truth.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    for (k, (x, y)) in found.into_iter().map(|x| x.into()).zip(truth).enumerate() {
        // Half a unit for the rounding, and what an `f32` loses.
        let once = unit / 2.0 * y.abs() + 4e-6 * largest + 6e-8;
        let slack = match how {
            Near::Once => once,
            Near::Times(times) => once + times * unit / 2.0 * largest,
        };
        let error: f64 = x - y;
        assert!(error.abs() <= slack, "{what}[{k}]: {x}, where the truth is {y}: off by {error:e} of {slack:e}");
    }
    Ok(())
}

macro_rules! checks {
    ($module:ident $t:ident $unit:expr) => {{
        use Near::{Once, Times};
        let unit: f64 = $unit;
        let narrow = |x: &f64| $t::from_f64(*x);
        let wide = |x: &$t| f64::from(*x);
        for (b, c) in [(1, 1), (5, 33), (3, 1500), (70, 9), (0, 4), (2, 0)] {
            let (x, w, bias) = (wave((b, c), 1).map(narrow), wave(c, 2).map(narrow), wave(c, 3).map(narrow));
            let (x8, w8, bias8) = (x.map(wide), w.map(wide), bias.map(wide));
            near("chain", &$module::chain(&x, &w)?, &truth::chain(&x8, &w8)?, unit, Once)?;
            if c == 0 {
                continue;
            }
            // Views of any strides.
            let (turned, turned8) = (x.t(), x8.t());
            let (row, row8) = (turned.row(0), turned8.row(0));
            let found = $module::chain(&turned.slice(ndarray::s![..1, ..;-1]), &row.slice(ndarray::s![..;-1]))?;
            let true_one = truth::chain(&turned8.slice(ndarray::s![..1, ..;-1]), &row8.slice(ndarray::s![..;-1]))?;
            near("a view", &found, &true_one, unit, Once)?;
            near("soft", &$module::soft(&x)?, &truth::soft(&x8)?, unit, Once)?;
            near("norm", &$module::norm(&x, &w, &bias)?, &truth::norm(&x8, &w8, &bias8)?, unit, Once)?;
            if b > 0 {
                let (found, true_one) = ($module::sums(&x)?, truth::sums(&x8)?);
                // A sum is near in relation to its terms.
                let terms = 4e-6 * 3.0 * c as f64 / unit * 2.0;
                near("sum", &found.0, &true_one.0, unit, Times(terms))?;
                near("means", &found.1, &true_one.1, unit, Once)?;
                near("mean", &found.2, &true_one.2, unit, Times(1e-2))?;
                near("var", &found.3, &true_one.3, unit, Once)?;
                near("logsumexp", &found.4, &true_one.4, unit, Once)?;
            }
        }
        for (b, i, o) in [(1, 1, 1), (65, 17, 66), (3, 1300, 5), (0, 3, 4), (4, 0, 3), (300, 70, 200)] {
            let (x, w, bias) = (wave((b, i), 1).map(narrow), wave((i, o), 2).map(narrow), wave(o, 3).map(narrow));
            let (x8, w8, bias8) = (x.map(wide), w.map(wide), bias.map(wide));
            near("dense", &$module::dense(&x, &w, &bias)?, &truth::dense(&x8, &w8, &bias8)?, unit, Once)?;
            near("product", &$module::product(&x, &w)?, &truth::product(&x8, &w8)?, unit, Once)?;
            let w = wave((o, i), 2).map(narrow);
            let found = $module::product(x.slice(ndarray::s![..;-1, ..]), w.t())?;
            let true_one = truth::product(x8.slice(ndarray::s![..;-1, ..]), w.map(wide).t())?;
            near("turned", &found, &true_one, unit, Once)?;
        }
        let (x, w) = (wave((3, 5, 40), 1).map(narrow), wave((3, 40, 5), 2).map(narrow));
        near("batches", &$module::batches(&x, &w)?, &truth::batches(&x.map(wide), &w.map(wide))?, unit, Once)?;
        let [q, k, v] = [1, 2, 3].map(|seed| wave((2, 37, 16), seed).map(narrow));
        let true_one = truth::attention(&q.map(wide), &k.map(wide), &v.map(wide))?;
        // Scores of up to 20 are rounded, then the weights of the sum.
        near("attention", &$module::attention(&q, &k, &v)?, &true_one, unit, Times(24.0))?;
        let (x, w, bias) =
            (wave((2, 3, 16, 16), 1).map(narrow), wave((8, 3, 3, 3), 2).map(narrow), wave(8, 3).map(narrow));
        let true_one = truth::stem(&x.map(wide), &w.map(wide), &bias.map(wide))?;
        near("stem", &$module::stem(&x, &w, &bias)?, &true_one, unit, Once)?;

        let (table, w, bias) = (wave((7, 5), 1).map(narrow), wave((5, 3), 2).map(narrow), wave(3, 3).map(narrow));
        let ids = Array1::from_shape_fn(12, |k| (k * 5 % 7) as i64 - 7 * (k as i64 % 2));
        let y = Array1::from_shape_fn(12, |k| (k % 3) as i64);
        let (value, found) = $module::loss::value_and_grad(&table, &ids, &w, &bias, &y)?;
        let (true_value, true_one) =
            truth::loss::value_and_grad(&table.map(wide), &ids, &w.map(wide), &bias.map(wide), &y)?;
        near("loss", &value, &true_value, unit, Once)?;
        near("table", &found.table, &true_one.table, unit, Times(4.0))?;
        near("w", &found.w, &true_one.w, unit, Times(8.0))?;
        near("b", &found.b, &true_one.b, unit, Times(1.0))?;

        // The tape: the same gradients, added up twice.
        let [table, w] = [table, w].map(|a| Tensor::from(a).requires_grad());
        for _ in 0..2 {
            $module::loss(&table, &ids, &w, &bias, &y)?.backward()?;
        }
        let twice: Vec<$t> = found.w.to_vec()?.into_iter().map(|g| g + g).collect();
        assert_eq!(w.grad().map(|g| g.to_vec()).transpose()?, Some(twice));
        // What a view repeats is added up in double precision.
        let one = Tensor::scalar($t::from_f32(0.25)).requires_grad();
        one.broadcast_to((4099,))?.backward_with(&Tensor::ones((4099,))?)?;
        assert_eq!(one.grad().map(|g| g.item()).transpose()?, Some($t::from_f32(4099.0)));
        let (_, tangent) = $module::soft::jvp(&wave((2, 9), 4).map(narrow), &wave((2, 9), 5).map(narrow))?;
        let (_, true_one) =
            truth::soft::jvp(&wave((2, 9), 4).map(narrow).map(wide), &wave((2, 9), 5).map(narrow).map(wide))?;
        near("tangent", &tangent, &true_one, unit, Times(2.0))?;
        Ok(())
    }};
}

#[test]
fn f16_is_as_near_as_it_can_be() -> Result<()> {
    checks!(half f16 2f64.powi(-10))
}

#[test]
fn bf16_is_as_near_as_it_can_be() -> Result<()> {
    checks!(brain bf16 2f64.powi(-7))
}

tensor! {
    pub struct Layer<I, O> { weight: bf16[I, O], bias: f16[O] }

    #[no_grad]
    fn products<N>(x: f16[N], y: f16[N]) -> (f16[N], f32[N], f32[N], bool[N]) {
        let z = x * y;
        (z, z.astype(f32), z.astype(f32).astype(f16).astype(f32), isfinite(z))
    }
    #[no_grad]
    fn literals<N>(x: f16[N]) -> (f16[N], f16[N], f32[N]) { (x / (x + 1e-8), x * 1e6 / 1e5, (x + 0.1).astype(f32)) }
    #[no_grad]
    fn large<B, C>(x: f16[B, C]) -> (f16[B, C], f16[], f16[]) { (x / x.sum(), x.mean(), x.sum()) }
    #[no_grad]
    fn numbers<N>(x: i64[N]) -> (f16[N], bf16[N]) { (x.astype(f16), x.astype(bf16)) }
    #[no_grad]
    fn promoted<N>(a: f16[N], b: bf16[N], c: f32[N], d: u8[N]) -> (f32[N], f32[N], f16[N], bf16[N], f16[N]) {
        (a + c, c * b, a + d, b - (d > 1), where(d > 1, a, 0))
    }
    #[no_grad]
    fn applied<B, I, O>(x: bf16[B, I], layer: Layer<I, O>, by: f16) -> f32[B, O] {
        ((x @ layer.weight).astype(f32) + layer.bias) * by
    }
    #[no_grad]
    fn orders<N>(x: f16[N]) -> (f16[], f16[], i64[], i64[], bool[N]) {
        (x.max(), x.min(), argmax(x), argmin(x), x == x)
    }
    #[no_grad]
    fn drawn<N>(like: f16[N], key: i64) -> (f16[N], bf16[N], f16[N], f16[N]) {
        let shape = like.shape;
        (random_uniform(key, shape, dtype=f16), random_uniform(key, shape, dtype=bf16), random_normal(key, shape, dtype=f16),
         dropout(like, 0.1, key))
    }
}

#[test]
fn a_value_is_rounded_where_it_is_written_and_where_it_is_cast() -> Result<()> {
    let x = Array1::from_vec([300.0, 1.0009765625, 0.1].map(f16::from_f32).to_vec());
    let (written, wide, cast, finite) = products(&x, &x)?;
    let exact: Vec<f32> = x.iter().map(|x| x.to_f32() * x.to_f32()).collect();
    let rounded: Vec<f16> = exact.iter().map(|&x| f16::from_f32(x)).collect();
    assert_eq!((written.to_vec()?, wide.to_vec()?), (rounded.clone(), exact));
    assert_eq!(cast.to_vec()?, rounded.iter().map(|x| x.to_f32()).collect::<Vec<_>>());
    assert!(rounded[0].is_infinite());
    assert_eq!(finite.to_vec()?, [true; 3], "what is not in memory is an `f32`");
    let (ratio, scaled, sum) = literals(Array1::from_vec(vec![f16::from_bits(1), f16::ONE]))?;
    assert_eq!(ratio.to_vec()?, [f16::from_f32(2f32.powi(-24) / (2f32.powi(-24) + 1e-8)), f16::ONE]);
    assert_eq!(scaled.to_vec()?[1], f16::from_f32(10.0));
    assert_eq!(sum.to_vec()?[1], 1.1);
    Ok(())
}

#[test]
fn sums_on_the_way_are_not_infinite() -> Result<()> {
    let x = Array2::from_elem((300, 700), f16::from_f32(1000.0));
    let (shares, mean, sum) = large(&x)?;
    assert_eq!(mean.item()?, f16::from_f32(1000.0));
    // The result is rounded; what is made of the sum is made of an `f32`.
    assert_eq!(sum.item()?, f16::INFINITY);
    assert_eq!(shares.to_vec()?[0], f16::from_f32(1.0 / 210_000.0));
    Ok(())
}

#[test]
fn integers_and_promotion() -> Result<()> {
    let n = [2049, 65519, 65520, -70000, i64::MAX, i64::MIN, 257, 0];
    let (half, brain) = numbers(Array1::from_vec(n.to_vec()))?;
    assert_eq!(half.to_vec()?, n.map(|n| f16::from_f32(n as f32)));
    assert_eq!(brain.to_vec()?, n.map(|n| bf16::from_f32(n as f32)));
    let (a, b) = (Array1::from_elem(2, f16::from_f32(0.1)), Array1::from_elem(2, bf16::from_f32(0.1)));
    let (c, d) = (Array1::from_elem(2, 3.3f32), Array1::from_vec(vec![1u8, 255]));
    let found = promoted(&a, &b, &c, &d)?;
    let (one, other) = (a[0].to_f32(), b[0].to_f32());
    assert_eq!(found.0.to_vec()?, [one + 3.3; 2]);
    assert_eq!(found.1.to_vec()?, [other * 3.3; 2]);
    assert_eq!(found.2.to_vec()?, [1.0, 255.0].map(|d| f16::from_f32(one + d)));
    assert_eq!(found.3.to_vec()?, [bf16::from_f32(other), bf16::from_f32(other - 1.0)]);
    assert_eq!(found.4.to_vec()?, [f16::ZERO, a[0]]);
    Ok(())
}

#[test]
fn special_values() -> Result<()> {
    let (nan, inf, least) = (f16::NAN, f16::INFINITY, f16::from_bits(1));
    let x = Array1::from_vec(vec![f16::ONE, -inf, least, inf, -f16::ZERO]);
    let (max, min, at_max, at_min, _) = orders(&x)?;
    assert_eq!((max.item()?, min.item()?, at_max.item()?, at_min.item()?), (inf, -inf, 3, 1));
    let with = Array1::from_vec(vec![f16::ONE, nan, inf]);
    let (max, min, at_max, at_min, own) = orders(&with)?;
    assert!(max.item()?.is_nan() && min.item()?.is_nan());
    assert_eq!((at_max.item()?, at_min.item()?, own.to_vec()?), (1, 1, vec![true, false, true]));
    // Every pattern comes through a function of it.
    let every = Array1::from_iter((0..=u16::MAX).map(f16::from_bits));
    let (same, wide, ..) = products(&every, Array1::from_elem(1 << 16, f16::ONE))?;
    for ((x, y), z) in every.iter().zip(same.to_vec()?).zip(wide.to_vec()?) {
        assert!(x.is_nan() && y.is_nan() && z.is_nan() || x.to_bits() == y.to_bits() && z == x.to_f32());
    }
    Ok(())
}

#[test]
fn tensors_files_and_other_memory() -> Result<()> {
    let folder = std::env::temp_dir().join(format!("ndfuse-half-{}", std::process::id()));
    let made = std::fs::create_dir_all(&folder);
    assert!(made.is_ok());
    let file = folder.join("layer.safetensors");
    let narrow = |x: &f64| bf16::from_f64(*x);
    let layer = Layer {
        weight: Tensor::from(wave((4, 3), 1).map(narrow)),
        bias: Tensor::from_vec((3,), [0.5, -1.5, 2f32.powi(-24)].map(f16::from_f32).to_vec())?,
    };
    layer.save(&file)?;
    let read = Layer::<usize, usize>::load(&file)?;
    assert_eq!((&read.weight, &read.bias), (&layer.weight, &layer.bias));
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(layer.count(), 15);
    let x = wave((2, 4), 2).map(narrow);
    let by = f16::from_f32(0.75);
    let y = applied(&x, &layer, by)?;
    let mut out = Array2::<f32>::zeros((3, 2)).reversed_axes();
    applied::into(&x, &read, by, &mut out)?;
    assert_eq!(y.view()?, out);
    assert_eq!(format!("{:?}", layer.bias.view()?.to_vec()), "[0.5, -1.5, 5.9604645e-8]");
    let counted = Tensor::arange(f16::ONE, f16::from_f32(3.0), f16::from_f32(0.5))?;
    assert_eq!(counted.to_vec()?, [1.0, 1.5, 2.0, 2.5].map(f16::from_f32));
    assert_eq!(layer.zeros_like()?.weight.to_vec()?, [bf16::ZERO; 12]);
    let turned = Layer { weight: layer.weight.transpose(), bias: layer.bias };
    let error = applied(&x, &turned, by).map(drop).unwrap_err();
    assert!(error.to_string().contains("applied"), "{error}");
    Ok(())
}

#[test]
fn random_halves_have_equal_chances() -> Result<()> {
    let ones = Array1::from_elem(100_000, f16::ONE);
    let (half, brain, normal, kept) = drawn(&ones, 7)?;
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / 100_000.0;
    let (half, brain, normal, kept) = (half.to_vec()?, brain.to_vec()?, normal.to_vec()?, kept.to_vec()?);
    assert!(half.iter().all(|x| (0.0..1.0).contains(&x.to_f64()) && (x.to_f64() * 2048.0).fract() == 0.0));
    assert!(brain.iter().all(|x| (0.0..1.0).contains(&x.to_f64()) && (x.to_f64() * 256.0).fract() == 0.0));
    let half_step = [0.5 / 2048.0, 0.5 / 256.0];
    assert!((mean(&mut half.iter().map(|x| x.to_f64())) - 0.5 + half_step[0]).abs() < 4e-3);
    assert!((mean(&mut brain.iter().map(|x| x.to_f64())) - 0.5 + half_step[1]).abs() < 4e-3);
    assert!(mean(&mut normal.iter().map(|x| x.to_f64())).abs() < 0.02);
    assert!((mean(&mut normal.iter().map(|x| x.to_f64().powi(2))) - 1.0).abs() < 0.03);
    // With chances in steps of a half the share would be off.
    assert!((mean(&mut kept.iter().map(|x| f64::from(u8::from(*x != f16::ZERO)))) - 0.9).abs() < 4e-3);
    assert!(kept.iter().all(|x| *x == f16::ZERO || *x == f16::from_f32(1.0 / 0.9)));
    Ok(())
}
