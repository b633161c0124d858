//! From bytes to normalised planes of colour in one kernel, in one kernel an operation, and with `ndarray`'s operators.
//!
//! ```text
//! cargo run --release --example image_prep
//! ```

mod measure;

use measure::{Way, compare};
use ndarray::{Array4, ArrayView1, aview1};
use ndfuse::prelude::*;

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

tensor! {
    fn fused<N, H, W>(pixels: u8[N, H, W, 3], mean: f32[3], std: f32[3]) -> f32[N, 3, H, W] {
        ((pixels.astype(f32) / 255 - mean) / std).transpose(0, 3, 1, 2)
    }

    fn as_float<N, H, W>(x: u8[N, H, W, 3]) -> f32[N, H, W, 3] { x.astype(f32) }
    fn scaled<N, H, W>(x: f32[N, H, W, 3], by: f32) -> f32[N, H, W, 3] { x / by }
    fn less<N, H, W>(x: f32[N, H, W, 3], y: f32[3]) -> f32[N, H, W, 3] { x - y }
    fn over<N, H, W>(x: f32[N, H, W, 3], y: f32[3]) -> f32[N, H, W, 3] { x / y }
    fn planes<N, H, W>(x: f32[N, H, W, 3]) -> f32[N, 3, H, W] { x.transpose(0, 3, 1, 2) }
}

type Planes = Tensor<f32, (usize, Const<3>, usize, usize)>;

fn by_operation(pixels: &Array4<u8>, mean: ArrayView1<f32>, std: ArrayView1<f32>) -> ndfuse::Result<Planes> {
    planes(&over(&less(&scaled(&as_float(pixels)?, 255.0)?, mean)?, std)?)
}

fn with_ndarray(pixels: &Array4<u8>, mean: ArrayView1<f32>, std: ArrayView1<f32>) -> Array4<f32> {
    let x = (pixels.mapv(f32::from) / 255.0 - mean) / std;
    x.permuted_axes([0, 3, 1, 2]).as_standard_layout().into_owned()
}

fn main() -> ndfuse::Result<()> {
    let (count, side) = (32, 224);
    let pixels = Array4::from_shape_fn((count, side, side, 3), |(n, i, j, c)| (n * 7 + i * 3 + j * 5 + c * 11) as u8);
    let (mean, std) = (aview1(&MEAN), aview1(&STD));
    compare(
        &format!("{count} photographs of {side} x {side} to normalised planes"),
        20,
        1e-6,
        &[
            Way { name: "ndfuse, fused", run: &|| Ok(Box::new(fused(&pixels, mean, std)?)) },
            Way { name: "ndfuse, one kernel an operation", run: &|| Ok(Box::new(by_operation(&pixels, mean, std)?)) },
            Way { name: "ndarray's operators, one thread", run: &|| Ok(Box::new(with_ndarray(&pixels, mean, std))) },
        ],
    )
}
