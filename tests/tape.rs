//! Gradients in PyTorch's way, through functions of the language.
//!
//! In: calls with tracked tensors. Out: gradients at the leaves. Always: they are
//! those of the function as one, to the last digits.

use ndarray::array;
use ndfuse::prelude::*;
use ndfuse::{no_grad, tensor};

tensor! {
    pub fn linear<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { x @ w + b }

    pub fn activate<B, C>(x: f32[B, C]) -> f32[B, C] { tanh(x) }

    pub fn loss<B, C>(x: f32[B, C], y: i64[B]) -> f32[] { cross_entropy(x, y).mean() }

    pub fn whole<B, I, H, O>(
        x: f32[B, I], w1: f32[I, H], b1: f32[H], w2: f32[H, O], b2: f32[O], y: i64[B],
    ) -> f32[] {
        loss(linear(activate(linear(x, w1, b1)), w2, b2), y)
    }

    pub struct Layer<I, O> { w: f32[I, O], b: f32[O] }

    pub fn apply<B, I, O>(x: f32[B, I], layer: Layer<I, O>) -> f32[B, O] { x @ layer.w + layer.b }

    #[no_grad]
    pub fn frozen<B, C>(x: f32[B, C]) -> f32[B, C] { 2 * x }
}

type Matrix = Tensor<f32, (usize, usize)>;
type Vector = Tensor<f32, (usize,)>;

fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|k| ((k * 29 + seed * 13) % 17) as f32 / 17.0 - 0.5).collect()
}

fn parameters() -> ndfuse::Result<(Matrix, Vector, Matrix, Vector)> {
    Ok((
        Tensor::from_vec((4, 6), numbers(24, 1))?,
        Tensor::from_vec((6,), numbers(6, 2))?,
        Tensor::from_vec((6, 3), numbers(18, 3))?,
        Tensor::from_vec((3,), numbers(3, 4))?,
    ))
}

fn near(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= 1e-6 * (1.0 + y.abs()), "{a:?}\n{b:?}");
    }
}

#[test]
fn recorded_calls_have_the_gradients_of_the_whole() -> ndfuse::Result<()> {
    let x = ndarray::Array2::from_shape_vec((5, 4), numbers(20, 9)).expect("20 numbers");
    let y = array![0i64, 1, 2, 1, 0];
    let (w1, b1, w2, b2) = parameters()?;
    let wanted = whole::grad(&x, &w1, &b1, &w2, &b2, &y)?;

    let (w1, b1, w2, b2) = (w1.requires_grad(), b1.requires_grad(), w2.requires_grad(), b2.requires_grad());
    let hidden = activate(&linear(&x, &w1, &b1)?)?;
    let value = loss(&linear(&hidden, &w2, &b2)?, &y)?;
    value.backward()?;
    let grads = [w1.grad(), b1.grad().map(|g| g.reshape((1, 6))).transpose()?, w2.grad()];
    for (got, want) in grads.iter().zip([wanted.w1.to_vec()?, wanted.b1.to_vec()?, wanted.w2.to_vec()?]) {
        near(&got.as_ref().expect("a gradient").to_vec()?, &want);
    }
    near(&b2.grad().expect("a gradient").to_vec()?, &wanted.b2.to_vec()?);

    // A second call adds; zero_grad begins anew.
    loss(&linear(hidden.detach(), &w2, &b2)?, &y)?.backward()?;
    let twice: Vec<f32> = wanted.b2.to_vec()?.iter().map(|g| 2.0 * g).collect();
    near(&b2.grad().expect("a gradient").to_vec()?, &twice);
    b2.zero_grad();
    assert!(b2.grad().is_none_or(|g| g.to_vec().is_ok_and(|g| g.iter().all(|x| *x == 0.0))));
    Ok(())
}

#[test]
fn a_struct_of_leaves_has_a_struct_of_gradients() -> ndfuse::Result<()> {
    let layer = Layer { w: Tensor::from_vec((2, 2), vec![1.0f32, 2.0, 3.0, 4.0])?, b: Tensor::zeros((2,))? };
    let layer = layer.requires_grad()?;
    let x = array![[1.0f32, 10.0]];
    let y = apply(&x, &layer)?;
    y.backward_with(&array![[1.0f32, 2.0]])?;
    let grads = layer.grads()?;
    assert_eq!(grads.w.to_vec()?, [1.0, 2.0, 10.0, 20.0]);
    assert_eq!(grads.b.to_vec()?, [1.0, 2.0]);
    Ok(())
}

#[test]
fn what_is_not_recorded_says_so() -> ndfuse::Result<()> {
    let w: Matrix = Tensor::ones((2, 2))?;
    let w = w.requires_grad();
    let silent = no_grad(|| activate(&w))?;
    assert!(!silent.is_tracked());
    let error = frozen(&w)?.backward_with(&array![[1.0f32, 1.0], [1.0, 1.0]]).expect_err("it has no gradient");
    assert!(error.to_string().contains("frozen"), "{error}");
    let error = activate(&w)?.backward().expect_err("not one number");
    assert!(error.to_string().contains("backward_with"), "{error}");
    Ok(())
}

/// A saved value cannot change: a tensor that is written to gets its own memory.
#[test]
fn writing_after_the_call_does_not_change_the_gradient() -> ndfuse::Result<()> {
    let mut x: Matrix = Tensor::from_vec((1, 2), vec![0.5, -0.5])?;
    let w: Matrix = Tensor::<f32, (usize, usize)>::ones((2, 1))?.requires_grad();
    let b: Vector = Tensor::zeros((1,))?;
    let y = linear(&x, &w, &b)?;
    x.view_mut()?.fill(100.0);
    y.backward_with(&array![[1.0f32]])?;
    assert_eq!(w.grad().expect("a gradient").to_vec()?, [0.5, -0.5]);
    Ok(())
}
