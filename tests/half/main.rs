//! Functions of `f16` and `bf16`, from the user's call to the bits of the result.
//!
//! In: functions over one half, and the same text over `f64`. Out: what is wrong. Always: an element of a result is as
//! near to the `f64` value of the same operands as its own rounding and that of `f32` allow; a sum, product or gradient in
//! relation to what it is a sum of.

use ndarray::{Array1, Array2, ArrayD, Zip};
use ndfuse::prelude::*;
use ndfuse::{bf16, f16};

tensor! {
    pub fn gelu_h<B, C>(x: f16[B, C]) -> f16[B, C] { gelu(x) }
    pub fn softmax_h<B, C>(x: f16[B, C]) -> f16[B, C] { softmax(x) }
    pub fn means<B, C>(x: f16[B, C]) -> (f16[B], f16[]) { (x.mean(axis=1), x.mean()) }
    pub fn linear<B, I, O>(x: f16[B, I], w: f16[I, O], b: f16[O]) -> f16[B, O] { gelu(x @ w + b) }
    pub fn product<B, I, O>(x: bf16[B, I], w: bf16[I, O]) -> bf16[B, O] { x @ w }
}

#[test]
fn smoke() {
    let x = Array2::from_shape_fn((3, 70), |(i, j)| f16::from_f32((i * 70 + j) as f32 * 0.03 - 2.0));
    let y = softmax_h(&x).unwrap();
    let total: f32 = y.view().unwrap().iter().map(|v| v.to_f32()).sum();
    assert!((total - 3.0).abs() < 1e-2, "{total}");
    let y = gelu_h(&x).unwrap();
    println!("{:?}", y.view().unwrap());
    let big = Array2::from_elem((300, 500), f16::from_f32(100.0));
    let (rows, all) = means(&big).unwrap();
    assert_eq!(all.item().unwrap(), f16::from_f32(100.0));
    assert_eq!(rows.to_vec().unwrap()[0], f16::from_f32(100.0));
    let w = Array2::from_shape_fn((70, 40), |(i, j)| f16::from_f32(((i * 7 + j * 3) % 11) as f32 * 0.1 - 0.5));
    let b = Array1::from_elem(40, f16::from_f32(0.5));
    let y = linear(&x, &w, &b).unwrap();
    println!("{:?}", y.view().unwrap());
    println!("{}", linear::explain());
    println!("{}", softmax_h::cuda_source());
    let _ = (bf16::ONE, Zip::from(&b), ArrayD::<f32>::zeros(vec![1]));
}
