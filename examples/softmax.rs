//! Softmax in one kernel, in one kernel an operation, and with `ndarray`'s operators.
//!
//! ```text
//! cargo run --release --example softmax
//! ```

mod measure;

use measure::{Way, compare};
use ndarray::{Array2, Axis};
use ndfuse::prelude::*;

tensor! {
    fn fused<B, C>(x: f32[B, C]) -> f32[B, C] {
        let e = exp(x - x.max(axis=-1, keepdims=true));
        e / e.sum(axis=-1, keepdims=true)
    }

    fn row_max<B, C>(x: f32[B, C]) -> f32[B] { x.max(axis=-1) }
    fn less<B, C>(x: f32[B, C], y: f32[B]) -> f32[B, C] { x - y[:, None] }
    fn exponential<B, C>(x: f32[B, C]) -> f32[B, C] { exp(x) }
    fn row_sum<B, C>(x: f32[B, C]) -> f32[B] { x.sum(axis=-1) }
    fn over<B, C>(x: f32[B, C], y: f32[B]) -> f32[B, C] { x / y[:, None] }
}

fn by_operation(x: &Array2<f32>) -> ndfuse::Result<Tensor<f32, (usize, usize)>> {
    let e = exponential(&less(x, &row_max(x)?)?)?;
    over(&e, &row_sum(&e)?)
}

fn with_ndarray(x: &Array2<f32>) -> Array2<f32> {
    let max = x.map_axis(Axis(1), |row| row.fold(f32::NEG_INFINITY, |a, &b| a.max(b))).insert_axis(Axis(1));
    let e = (x - &max).mapv_into(f32::exp);
    let sum = e.sum_axis(Axis(1)).insert_axis(Axis(1));
    e / &sum
}

fn main() -> ndfuse::Result<()> {
    let (rows, columns) = (4096, 2048);
    let x = Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 31 + j * 17) % 1009) as f32 * 0.01 - 5.0);
    compare(
        &format!("softmax of f32[{rows}, {columns}]"),
        20,
        1e-7,
        &[
            Way { name: "ndfuse, fused", run: &|| Ok(Box::new(fused(&x)?)) },
            Way { name: "ndfuse, one kernel an operation", run: &|| Ok(Box::new(by_operation(&x)?)) },
            Way { name: "ndarray's operators, one thread", run: &|| Ok(Box::new(with_ndarray(&x))) },
        ],
    )
}
