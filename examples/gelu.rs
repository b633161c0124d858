//! A chain of elementwise operations in one kernel, in one kernel an operation, and with `ndarray`'s operators.
//!
//! ```text
//! cargo run --release --example gelu
//! ```

mod measure;

use measure::{Way, compare};
use ndarray::{Array1, Array2};
use ndfuse::prelude::*;

tensor! {
    /// The tanh form of GELU of a layer's sum, which is then scaled.
    fn fused<B, C>(x: f32[B, C], bias: f32[C], scale: f32[C]) -> f32[B, C] {
        let y = x + bias;
        0.5 * y * (1 + tanh(0.7978845608028654 * (y + 0.044715 * y * y * y))) * scale
    }

    fn add<B, C>(x: f32[B, C], y: f32[C]) -> f32[B, C] { x + y }
    fn times<B, C>(x: f32[B, C], y: f32[B, C]) -> f32[B, C] { x * y }
    fn plus<B, C>(x: f32[B, C], y: f32[B, C]) -> f32[B, C] { x + y }
    fn scaled<B, C>(x: f32[B, C], by: f32) -> f32[B, C] { x * by }
    fn shifted<B, C>(x: f32[B, C], by: f32) -> f32[B, C] { x + by }
    fn tangent<B, C>(x: f32[B, C]) -> f32[B, C] { tanh(x) }
    fn weighted<B, C>(x: f32[B, C], y: f32[C]) -> f32[B, C] { x * y }
}

type Matrix = Tensor<f32, (usize, usize)>;

fn by_operation(x: &Array2<f32>, bias: &Array1<f32>, scale: &Array1<f32>) -> ndfuse::Result<Matrix> {
    let y = add(x, bias)?;
    let cubed = times(&times(&y, &y)?, &y)?;
    let inner = scaled(&plus(&y, &scaled(&cubed, 0.044715)?)?, 0.797_884_6)?;
    let half = scaled(&y, 0.5)?;
    weighted(&times(&half, &shifted(&tangent(&inner)?, 1.0)?)?, scale)
}

fn with_ndarray(x: &Array2<f32>, bias: &Array1<f32>, scale: &Array1<f32>) -> Array2<f32> {
    let y = x + bias;
    let inner = (&y + &(&y * &y * &y * 0.044715)) * 0.797_884_6;
    let t = inner.mapv_into(f32::tanh) + 1.0;
    y * 0.5 * t * scale
}

fn main() -> ndfuse::Result<()> {
    let (rows, columns) = (4096, 2048);
    let x = Array2::from_shape_fn((rows, columns), |(i, j)| ((i * 31 + j * 17) % 1009) as f32 * 0.01 - 5.0);
    let bias = Array1::linspace(-1.0, 1.0, columns);
    let scale = Array1::linspace(0.5, 1.5, columns);
    compare(
        &format!("scale * gelu(x + bias) of f32[{rows}, {columns}]"),
        20,
        1e-5,
        &[
            Way { name: "ndfuse, fused", run: &|| Ok(Box::new(fused(&x, &bias, &scale)?)) },
            Way { name: "ndfuse, one kernel an operation", run: &|| Ok(Box::new(by_operation(&x, &bias, &scale)?)) },
            Way { name: "ndarray's operators, one thread", run: &|| Ok(Box::new(with_ndarray(&x, &bias, &scale))) },
        ],
    )
}
