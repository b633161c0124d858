//! Derivatives as a user calls them: compiled, from Rust.
//!
//! In: functions with `value_and_grad`, `grad`, `vjp` and `jvp`. Out: values that
//! can be checked by hand. Always: a gradient has the type of what it is by.

use ndarray::array;
use ndfuse::prelude::*;
use ndfuse::tensor;

tensor! {
    /// A layer.
    #[derive(Debug)]
    pub struct Layer<I, O> { weight: f32[I, O], bias: f32[O] }

    pub struct Net<I, H> { first: Layer<I, H>, last: Layer<H, 3> }

    fn forward<B, I, H>(net: Net<I, H>, x: f32[B, I]) -> f32[B, 3] {
        tanh(x @ net.first.weight + net.first.bias) @ net.last.weight + net.last.bias
    }

    pub fn loss<B, I, H>(net: Net<I, H>, x: f32[B, I], y: i64[B]) -> f32[] wrt net {
        cross_entropy(forward(net, x), y).mean()
    }

    /// One step of AdamW.
    pub fn step<B, I, H>(
        net: Net<I, H>, m: Net<I, H>, v: Net<I, H>, t: f32, x: f32[B, I], y: i64[B],
    ) -> (Net<I, H>, Net<I, H>, Net<I, H>, f32[]) {
        let (l, g) = value_and_grad(loss, wrt=net)(net, x, y);
        let (net, m, v) = adamw(net, clip_grad_norm(g, 1.0), m, v, t, 0.05);
        (net, m, v, l)
    }

    pub fn squares<N>(x: f64[N], scale: f64) -> f64[] { scale * (x * x).sum() }

    pub fn softmax_of<B, C>(x: f32[B, C]) -> f32[B, C] { softmax(x) }

    pub fn two<N>(x: f64[N], k: i64[N]) -> (f64[N], i64[N], f64[]) { (x * x, k, x.sum()) }

    #[no_grad]
    pub fn plain<N>(x: f64[N]) -> f64[] { x.sum() }
}

#[test]
fn the_gradient_has_a_field_for_each_parameter_of_floats() -> ndfuse::Result<()> {
    let x = array![1.0, -2.0, 3.0];
    let (value, grads) = squares::value_and_grad(&x, 0.5)?;
    assert_eq!(value.item()?, 7.0);
    assert_eq!(grads.x.view()?, array![1.0, -2.0, 3.0]);
    assert_eq!(grads.scale.item()?, 14.0);
    let again = squares::grad(x.slice(ndarray::s![..;-1]), 1.0)?;
    assert_eq!(again.x.view()?, array![6.0, -4.0, 2.0]);
    Ok(())
}

#[test]
fn reverse_and_forward_mode_agree() -> ndfuse::Result<()> {
    let x = array![[1.0f32, 2.0, 0.5], [0.0, -1.0, 1.0]];
    let c = array![[1.0f32, 0.0, 2.0], [0.5, 1.0, 0.0]];
    let t = array![[0.3f32, -1.0, 1.0], [2.0, 0.0, 1.0]];
    let (y, pulled) = softmax_of::vjp(&x, &c)?;
    let (z, pushed) = softmax_of::jvp(&x, &t)?;
    assert_eq!(y.view()?, z.view()?);
    let left = (&pushed.view()? * &c).sum();
    let right = (&pulled.x.view()? * &t).sum();
    assert!((left - right).abs() < 1e-6, "{left} {right}");
    // A row of probabilities keeps its sum.
    assert!(pushed.view()?.sum_axis(ndarray::Axis(1)).iter().all(|s| s.abs() < 1e-6));
    Ok(())
}

#[test]
fn several_results_have_a_cotangent_each() -> ndfuse::Result<()> {
    let (x, k) = (array![1.0, 2.0], array![5i64, 6]);
    let ((squares, same, sum), grads) = two::vjp(&x, &k, &array![1.0, 10.0], ndarray::arr0(3.0))?;
    assert_eq!((squares.view()?, same.view()?), (array![1.0, 4.0].view(), k.view()));
    assert_eq!((sum.item()?, grads.x.to_vec()?), (3.0, vec![5.0, 43.0]));
    let (_, (d_squares, d_sum)) = two::jvp(&x, &k, &array![1.0, -1.0])?;
    assert_eq!((d_squares.to_vec()?, d_sum.item()?), (vec![2.0, -4.0], 0.0));
    Ok(())
}

fn layer(i: usize, o: usize, seed: u32) -> ndfuse::Result<Layer<usize, usize>> {
    // A few numbers that are not alike.
    let weight = (0..i * o).map(|k| ((k as u32 * 7 + seed) % 11) as f32 / 11.0 - 0.5).collect();
    Ok(Layer { weight: Tensor::from_vec((i, o), weight)?, bias: Tensor::zeros((o,))? })
}

fn net() -> ndfuse::Result<Net<usize, usize>> {
    let last = layer(8, 3, 5)?;
    Ok(Net { first: layer(2, 8, 3)?, last: Layer { weight: last.weight.fix()?, bias: last.bias.fix()? } })
}

#[test]
fn a_struct_is_trained_by_one_function() -> ndfuse::Result<()> {
    // Three clouds around the corners of a triangle.
    let corners = [[2.0f32, 0.0], [-1.0, 1.7], [-1.0, -1.7]];
    let x = ndarray::Array2::from_shape_fn((60, 2), |(k, axis)| {
        corners[k % 3][axis] + ((k * 37 + axis * 11) % 13) as f32 / 10.0 - 0.6
    });
    let y = ndarray::Array1::from_shape_fn(60, |k| (k % 3) as i64);
    let mut net = net()?;
    let (first, grads) = loss::value_and_grad(&net, &x, &y)?;
    assert_eq!(grads.net.first.weight.dims()[..], [2, 8]);
    assert!(grads.net.last.bias.to_vec()?.iter().any(|g| *g != 0.0));
    let (mut m, mut v) = (net.zeros_like()?, net.zeros_like()?);
    let mut last = first.item()?;
    for t in 1..=200 {
        let l;
        (net, m, v, l) = step(&net, &m, &v, t as f32, &x, &y)?;
        last = l.item()?;
    }
    assert!(first.item()? > 0.8 && last < 0.05, "{} {last}", first.item()?);
    assert_eq!(loss(&net, &x, &y)?.item()?.to_bits(), loss::value_and_grad(&net, &x, &y)?.0.item()?.to_bits());
    Ok(())
}

#[test]
fn bad_cotangents_are_errors() -> ndfuse::Result<()> {
    let error = softmax_of::vjp(&array![[1.0f32, 2.0]], &array![[1.0f32, 2.0, 3.0]]).expect_err("sizes differ");
    assert!(error.to_string().contains("cotangent"), "{error}");
    assert_eq!(plain(&array![1.0, 2.0])?.item()?, 3.0);
    Ok(())
}

/// One text, with and without fusion.
macro_rules! layers {
    ($name:ident, $float:tt, $($attribute:tt)*) => {
        mod $name {
            ndfuse::tensor! {
                $($attribute)*

                fn layers<B, I, H>(x: $float[B, I], w: $float[I, H], b: $float[H], v: $float[H, I]) -> $float[] {
                    let d = gelu(x @ w + b) @ v - x;
                    (d * d).mean()
                }

                pub fn step<B, I, H>(
                    x: $float[B, I], w: $float[I, H], b: $float[H], v: $float[H, I],
                ) -> ($float[I, H], $float[H], $float[H, I]) {
                    grad(layers, wrt=(w, b, v))(x, w, b, v)
                }
            }
        }
    };
}

layers!(fused, f32,);
layers!(unfused, f64, #![unfused]);

/// The kernel that a product is handed to panel by panel writes the gelu and what it is made of.
#[test]
fn what_a_gradient_needs_is_saved_panel_by_panel() {
    let text = fused::step::explain();
    assert!(text.contains("1 pass: write t") && text.contains("computed again: 3 values of f32[B, H]"), "{text}");
    for (rows, inner, width) in [(700, 70, 520), (2, 513, 1), (33, 5, 2100), (1, 1, 1)] {
        let numbers = |n: usize, seed: usize| -> Vec<f32> {
            (0..n).map(|k| ((k * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
        };
        let array = |m, n, seed| ndarray::Array2::from_shape_vec((m, n), numbers(m * n, seed)).unwrap();
        let (x, w, v) = (array(rows, inner, 1), array(inner, width, 2), array(width, inner, 3));
        let b = ndarray::Array1::from_vec(numbers(width, 4));
        let (dw, db, dv) = fused::step(&x, &w, &b, &v).unwrap();
        let (x, w, v) = (x.mapv(f64::from), w.mapv(f64::from), v.mapv(f64::from));
        let want = unfused::step(&x, &w, b.mapv(f64::from), &v).unwrap();
        let close = |have: Vec<f32>, want: Vec<f64>| {
            let largest = want.iter().fold(1e-30, |m: f64, x| m.max(x.abs()));
            let near = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() <= 1e-5 * largest;
            assert!(have.len() == want.len() && have.iter().zip(&want).all(near), "{rows}, {inner}, {width}");
        };
        close(dw.into_array().unwrap().into_iter().collect(), want.0.into_array().unwrap().into_iter().collect());
        close(db.into_array().unwrap().into_iter().collect(), want.1.into_array().unwrap().into_iter().collect());
        close(dv.into_array().unwrap().into_iter().collect(), want.2.into_array().unwrap().into_iter().collect());
    }
}
