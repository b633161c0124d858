use ndarray::{array, s};
use ndfuse::prelude::*;

tensor! {
    /// Softmax over the last axis.
    pub fn softmax<B, C>(x: f32[B, C]) -> f32[B, C] {
        let e = exp(x - x.max(axis=-1, keepdims=true));
        e / e.sum(axis=-1, keepdims=true)
    }

    /// A linear layer and its softmax: `softmax` is inlined and fused.
    pub fn predict<B, I, K>(x: f32[B, I], w: f32[I, K], b: f32[K]) -> f32[B, K] {
        softmax(x @ w + b)
    }
}

fn main() -> ndfuse::Result<()> {
    let x = array![[0.0f32, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0]];
    let w = Tensor::from_vec((3, 2), vec![0.1f32, -0.1, 0.2, -0.2, 0.3, -0.3])?;
    let b = Tensor::zeros((2,))?;

    let p = predict(&x, &w, &b)?; // `x` is an ndarray array: borrowed, never copied
    println!("{:.3}", p.view()?); // and an ndarray view of the result, without a copy

    let last = predict(x.slice(s![2..;-1, ..]), &w, &b)?; // any view will do, of any strides
    println!("{:.3}", last.view()?);

    let y = array![[1.0f32, 2.0, 3.0]];
    let total = tensor!(x: f32[B, C], y: f32[1, C] => (x * y).sum(axis=-1))?; // one expression, for one-off use
    println!("{}", total.view()?);

    if let Err(error) = predict(&y, &b.reshape::<(usize, usize)>((2, 1))?, &b) {
        println!("{error}"); // an error, not a panic, and it names both operands
    }
    println!("{}", predict::explain()); // the kernels, and what they read and write
    Ok(())
}
