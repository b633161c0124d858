//! What is measured on a GPU.
//!
//! In: a device. Out: calls with the bytes that they must move and the operations of their products. Always: the arrays are
//! on the device before a call is measured; `ndfuse-unfused` is the same function with a kernel an operation.
//! Next: [`crate::measure`].

use std::path::Path;

use ndfuse::prelude::*;
use ndfuse::{Const, Params, Result, Shape, bf16};

use crate::measure::Case;

#[allow(dead_code, reason = "the example prepares images too")]
#[path = "../../examples/classify/network.rs"]
mod network;

/// Defines the same functions twice: `fused`, and `unfused` with a kernel an operation.
macro_rules! both {
    ($($block:tt)*) => {
        mod fused {
            use ndfuse::prelude::*;
            tensor! { $($block)* }
        }
        mod unfused {
            use ndfuse::prelude::*;
            tensor! { #![unfused] $($block)* }
        }
    };
}

both! {
    #[no_grad]
    pub fn negated<N>(x: f32[N]) -> f32[N] { -x }

    #[no_grad]
    pub fn gelu_chain<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] { gelu(x * w + b, approximate="tanh") }

    #[no_grad]
    pub fn row_softmax<B, C>(x: f32[B, C]) -> f32[B, C] { softmax(x) }

    #[no_grad]
    pub fn norm<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] { layer_norm(x, w, b) }

    pub fn norm_and_gradients<B, C>(
        x: f32[B, C], w: f32[C], b: f32[C], g: f32[B, C],
    ) -> (f32[B, C], f32[B, C], f32[C], f32[C]) {
        let (y, (dx, dw, db)) = vjp(layer_norm, wrt=(x, weight, bias))(x, g, w, b);
        (y, dx, dw, db)
    }

    #[no_grad]
    fn mean_loss<B, C>(x: f32[B, C], y: i64[B]) -> f32[] { cross_entropy(x, y).mean() }

    pub fn loss_and_gradient<B, C>(x: f32[B, C], y: i64[B]) -> (f32[], f32[B, C]) { value_and_grad(mean_loss)(x, y) }

    #[no_grad]
    pub fn kmeans<N, D, K>(x: f32[N, D], c: f32[K, D]) -> i64[N] {
        argmin(((x[:, None, :] - c) ** 2).sum(axis=-1), axis=-1)
    }

    #[no_grad]
    pub fn column_sum<B, C>(x: f32[B, C]) -> f32[C] { x.sum(axis=0) }

    #[no_grad]
    pub fn sum_squares<N>(x: f32[N]) -> f32[] { (x * x).sum() }

    #[no_grad]
    pub fn transpose_add<A, B>(x: f32[A, B], y: f32[B, A]) -> f32[A, B] { x + y.T }

    #[no_grad]
    pub fn linear_gelu<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] {
        gelu(x @ w + b, approximate="tanh")
    }

    #[no_grad]
    pub fn product<A, B, C>(x: bf16[A, B], y: bf16[B, C]) -> bf16[A, C] { x @ y }

    #[no_grad]
    pub fn causal<H, N, D>(q: f32[H, N, D], k: f32[H, N, D], v: f32[H, N, D]) -> f32[H, N, D] {
        let seen = arange(N)[:, None] >= arange(N);
        softmax(where(seen, q @ swapaxes(k, -1, -2) / sqrt(f32(D)), -inf), axis=-1) @ v
    }
}

/// Makes the cases of a workload, its first axis `scale` times smaller.
type Make = fn(&Device, usize) -> Result<Vec<Case>>;

pub const ALL: &[(&str, Make)] = &[
    ("gelu_chain", |d, s| gelu_chain(d, 4096 / s, 2048)),
    ("gelu_chain_large", |d, s| gelu_chain(d, 32768 / s, 8192)),
    ("softmax_4096x2048", |d, s| softmax(d, 4096 / s, 2048)),
    ("softmax_16384x32768", |d, s| softmax(d, 16384 / s, 32768)),
    ("softmax_128x50257", |d, s| softmax(d, 128usize.div_ceil(s), 50257)),
    ("layernorm_fwd", |d, s| layer_norm(d, 4096 / s, 2048)),
    ("layernorm_fwd_bwd", |d, s| layer_norm_gradients(d, 4096 / s, 2048)),
    ("cross_entropy_fwd_bwd", |d, s| cross_entropy(d, 4096 / s, 10000)),
    ("kmeans_assign", |d, s| kmeans(d, 100_000 / s)),
    ("column_sum_8192", |d, s| column_sum(d, 8192 / s, 8192)),
    ("sum_squares_64m", |d, s| sum_squares(d, (1 << 26) / s)),
    ("transpose_add_4096", |d, s| transpose_add(d, 4096 / s, 4096)),
    ("matmul_bias_gelu_4096", |d, s| linear_gelu(d, 4096 / s, 4096)),
    ("matmul_bf16_8192", |d, s| product(d, 8192 / s, 8192)),
    ("attention_causal", |d, s| attention(d, 16usize.div_ceil(s), 512, 64)),
    ("attention_causal_long", |d, s| attention(d, 64usize.div_ceil(s), 4096, 64)),
    ("efficientnet_b1", |d, _| efficientnet(d, 1)),
    ("efficientnet_b64", |d, s| efficientnet(d, 64usize.div_ceil(s))),
];

/// Numbers between -2 and 2, on the device.
fn numbers<S: Shape>(device: &Device, shape: S, seed: usize) -> Result<Tensor<f32, S>> {
    let n = shape.sizes().iter().product();
    let value =
        |k: usize| ((k.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) >> 7) % 4096) as f32 / 1024.0 - 2.0;
    Tensor::from_vec(shape, (0..n).map(value).collect())?.to_device(device)
}

/// The fused and the unfused call.
macro_rules! cases {
    ($bytes:expr, $flops:expr, $function:ident($($argument:ident),*)) => {{
        let (bytes, flops) = ($bytes as f64, $flops as f64);
        let fused = {
            $(let $argument = $argument.clone();)*
            Box::new(move || fused::$function($(&$argument),*).map(drop))
        };
        let unfused = Box::new(move || unfused::$function($(&$argument),*).map(drop));
        Ok(vec![
            Case { system: "ndfuse", bytes, flops, call: fused },
            Case { system: "ndfuse-unfused", bytes, flops, call: unfused },
        ])
    }};
}

/// What a device's memory reaches.
pub fn copy(device: &Device, scale: usize) -> Result<Case> {
    let n = (1 << 28) / scale;
    let x = numbers(device, (n,), 1)?;
    let call = Box::new(move || fused::negated(&x).map(drop));
    Ok(Case { system: "copy", bytes: 8.0 * n as f64, flops: 0.0, call })
}

fn gelu_chain(device: &Device, b: usize, c: usize) -> Result<Vec<Case>> {
    let (x, w, bias) = (numbers(device, (b, c), 1)?, numbers(device, (c,), 2)?, numbers(device, (c,), 3)?);
    cases!(8 * b * c, 0, gelu_chain(x, w, bias))
}

fn softmax(device: &Device, b: usize, c: usize) -> Result<Vec<Case>> {
    let x = numbers(device, (b, c), 1)?;
    cases!(8 * b * c, 0, row_softmax(x))
}

fn layer_norm(device: &Device, b: usize, c: usize) -> Result<Vec<Case>> {
    let (x, w, bias) = (numbers(device, (b, c), 1)?, numbers(device, (c,), 2)?, numbers(device, (c,), 3)?);
    cases!(8 * b * c, 0, norm(x, w, bias))
}

fn layer_norm_gradients(device: &Device, b: usize, c: usize) -> Result<Vec<Case>> {
    let (x, w, bias) = (numbers(device, (b, c), 1)?, numbers(device, (c,), 2)?, numbers(device, (c,), 3)?);
    let g = numbers(device, (b, c), 4)?;
    cases!(16 * b * c, 0, norm_and_gradients(x, w, bias, g))
}

fn cross_entropy(device: &Device, b: usize, c: usize) -> Result<Vec<Case>> {
    let x = numbers(device, (b, c), 1)?;
    let y = Tensor::from_vec((b,), (0..b).map(|k| (k * 7919 % c) as i64).collect())?.to_device(device)?;
    cases!(8 * b * c, 0, loss_and_gradient(x, y))
}

fn kmeans(device: &Device, n: usize) -> Result<Vec<Case>> {
    let (x, c) = (numbers(device, (n, 16), 1)?, numbers(device, (64, 16), 2)?);
    cases!(n * (4 * 16 + 8), 3 * n * 64 * 16, kmeans(x, c))
}

fn column_sum(device: &Device, b: usize, c: usize) -> Result<Vec<Case>> {
    let x = numbers(device, (b, c), 1)?;
    cases!(4 * b * c, 0, column_sum(x))
}

fn sum_squares(device: &Device, n: usize) -> Result<Vec<Case>> {
    let x = numbers(device, (n,), 1)?;
    cases!(4 * n, 0, sum_squares(x))
}

fn transpose_add(device: &Device, a: usize, b: usize) -> Result<Vec<Case>> {
    let (x, y) = (numbers(device, (a, b), 1)?, numbers(device, (b, a), 2)?);
    cases!(12 * a * b, 0, transpose_add(x, y))
}

fn linear_gelu(device: &Device, b: usize, n: usize) -> Result<Vec<Case>> {
    let (x, w, bias) = (numbers(device, (b, n), 1)?, numbers(device, (n, n), 2)?, numbers(device, (n,), 3)?);
    cases!(4 * (2 * b * n + n * n), 2 * b * n * n, linear_gelu(x, w, bias))
}

fn product(device: &Device, a: usize, n: usize) -> Result<Vec<Case>> {
    let halves = |rows: usize, seed: usize| -> Result<Tensor<bf16, (usize, usize)>> {
        let value = |k: usize| bf16::from_f32((k.wrapping_mul(2_654_435_761 + seed) >> 7) as u8 as f32 / 128.0 - 1.0);
        Tensor::from_vec((rows, n), (0..rows * n).map(value).collect())?.to_device(device)
    };
    let (x, y) = (halves(a, 1)?, halves(n, 2)?);
    cases!(2 * (2 * a * n + n * n), 2 * a * n * n, product(x, y))
}

fn attention(device: &Device, h: usize, n: usize, d: usize) -> Result<Vec<Case>> {
    let (q, k, v) = (numbers(device, (h, n, d), 1)?, numbers(device, (h, n, d), 2)?, numbers(device, (h, n, d), 3)?);
    cases!(16 * h * n * d, 4 * h * n * n * d, causal(q, k, v))
}

/// Multiplications of an image, which its convolutions and the last layer have.
const MULTIPLICATIONS: f64 = 384.9e6;

fn efficientnet(device: &Device, batch: usize) -> Result<Vec<Case>> {
    // Where it was built; else, carried, in the folder that it runs in.
    let (file, built) = ("examples/data/efficientnet_lite0.safetensors", Path::new(env!("CARGO_MANIFEST_DIR")));
    let weights = Some(built.join(file)).filter(|path| path.exists()).unwrap_or_else(|| file.into());
    let net = network::Net::load(&weights)?.to_device(device)?;
    let image = (batch, Const::<3>, Const::<224>, Const::<224>);
    let x = numbers(device, image, 1)?;
    let flops = 2.0 * batch as f64 * MULTIPLICATIONS;
    let call = Box::new(move || network::logits(&x, &net).map(drop));
    Ok(vec![Case { system: "ndfuse", bytes: 4.0 * 3.0 * 224.0 * 224.0 * batch as f64, flops, call }])
}
