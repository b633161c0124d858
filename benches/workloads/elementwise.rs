//! Chains of elementwise operations, and a call of next to nothing.
//!
//! In: arrays of [`crate::data`]. Out: workloads. Next: [`crate::rows`].

use ndarray::{Array1, Array2, Array3, Zip, aview1};
use ndfuse::Tensor;

use crate::data::{below, signed, uniform};
use crate::harness::{Measure, Outcome, System, Work, Workload};
use crate::network::{MEAN, STD};
use crate::{Make, both};

pub const ALL: &[(&str, Make)] = &[
    ("gelu_chain", gelu_chain),
    ("black_scholes", black_scholes),
    ("image_prep", image_prep),
    ("transpose_add_4096", transpose_add),
    ("tiny_call", tiny_call),
];

both! {
    #[no_grad]
    pub fn gelu_chain<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] {
        gelu(x * w + b, approximate="tanh")
    }

    /// The price of a European call option.
    #[no_grad]
    pub fn black_scholes<N>(s: f32[N], k: f32[N], t: f32[N], r: f32, v: f32) -> f32[N] {
        let d1 = (log(s / k) + (r + 0.5 * v * v) * t) / (v * sqrt(t));
        let d2 = d1 - v * sqrt(t);
        let cdf1 = 0.5 * (1.0 + erf(d1 * 0.7071067811865476));
        let cdf2 = 0.5 * (1.0 + erf(d2 * 0.7071067811865476));
        s * cdf1 - k * exp(-r * t) * cdf2
    }

    #[no_grad]
    pub fn image_prep<H, W>(pixels: u8[H, W, 3], mean: f32[3], std: f32[3]) -> f32[3, H, W] {
        ((pixels.astype(f32) / 255 - mean) / std).transpose(2, 0, 1)
    }

    #[no_grad]
    pub fn transpose_add<N>(x: f32[N, N], y: f32[N, N]) -> f32[N, N] {
        x.T + y
    }

    #[no_grad]
    pub fn tiny<N>(x: f32[N]) -> f32[N] {
        x * 2 + 1
    }
}

/// `gelu` with the tangent's approximation.
pub fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + (0.797_884_6 * (x + 0.044_715 * x * x * x)).tanh())
}

fn gelu_chain(measure: &mut Measure<'_>) -> Outcome {
    let (x, w, b) = (signed((4096, 2048), 1) * 4.0, uniform(2048, 2), signed(2048, 3));
    measure(Workload {
        name: "gelu_chain",
        text: "gelu_tanh(x * w + b), x f32[4096, 2048]",
        work: Work::Copy(2 * 4 * x.len()),
        tolerance: 1e-5,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::gelu_chain(&x, &w, &b)),
            System::into(Tensor::zeros((4096, 2048))?, |out| fused::gelu_chain::into(&x, &w, &b, out)),
            System::fresh("ndfuse-unfused", || unfused::gelu_chain(&x, &w, &b)),
            System::fresh("ndarray", || Ok((&x * &w + &b).mapv_into(gelu))),
        ],
        without: "",
    })
}

fn black_scholes(measure: &mut Measure<'_>) -> Outcome {
    let n = 8 << 20;
    let prices = |seed| -> Array1<f32> { uniform(n, seed) * 90.0 + 10.0 };
    let (s, k, t): (_, _, Array1<f32>) = (prices(1), prices(2), uniform(n, 3) * 2.0 + 0.1);
    let (r, v) = (0.03, 0.25);
    measure(Workload {
        name: "black_scholes",
        text: "the prices of 8388608 European calls",
        work: Work::Copy(4 * 4 * n),
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::black_scholes(&s, &k, &t, r, v)),
            System::into(Tensor::zeros((n,))?, |out| fused::black_scholes::into(&s, &k, &t, r, v, out)),
            System::fresh("ndfuse-unfused", || unfused::black_scholes(&s, &k, &t, r, v)),
        ],
        without: "ndarray has no error function",
    })
}

fn image_prep(measure: &mut Measure<'_>) -> Outcome {
    let pixels: Array3<u8> = below((1080, 1920, 3), 1, 256).mapv(|byte| byte as u8);
    let (mean, std) = (aview1(&MEAN), aview1(&STD));
    let with_ndarray = || {
        let x = (pixels.mapv(f32::from) / 255.0 - mean) / std;
        Ok(x.permuted_axes([2, 0, 1]).as_standard_layout().into_owned())
    };
    measure(Workload {
        name: "image_prep",
        text: "u8[1080, 1920, 3] to normalised f32[3, 1080, 1920]",
        work: Work::Copy(5 * pixels.len()),
        tolerance: 1e-5,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::image_prep(&pixels, mean, std)),
            System::into(Tensor::zeros((ndfuse::Const, 1080, 1920))?, |out| {
                fused::image_prep::into(&pixels, mean, std, out)
            }),
            System::fresh("ndfuse-unfused", || unfused::image_prep(&pixels, mean, std)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}

fn transpose_add(measure: &mut Measure<'_>) -> Outcome {
    let n = 4096;
    let (x, y): (Array2<f32>, Array2<f32>) = (signed((n, n), 1), signed((n, n), 2));
    let with_ndarray = || {
        let mut out = Array2::zeros((n, n));
        Zip::from(&mut out).and(x.t()).and(&y).for_each(|out, x, y| *out = x + y);
        Ok(out)
    };
    measure(Workload {
        name: "transpose_add_4096",
        text: "x.T + y, f32[4096, 4096]",
        work: Work::Copy(3 * 4 * n * n),
        tolerance: 0.0,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::transpose_add(&x, &y)),
            System::into(Tensor::zeros((n, n))?, |out| fused::transpose_add::into(&x, &y, out)),
            System::fresh("ndfuse-unfused", || unfused::transpose_add(&x, &y)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}

fn tiny_call(measure: &mut Measure<'_>) -> Outcome {
    let x: Array1<f32> = signed(16, 1);
    measure(Workload {
        name: "tiny_call",
        text: "x * 2 + 1, f32[16], a call",
        work: Work::Call,
        tolerance: 0.0,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::tiny(&x)),
            System::into(Tensor::zeros((16,))?, |out| fused::tiny::into(&x, out)),
            System::fresh("ndfuse-unfused", || unfused::tiny(&x)),
            System::fresh("ndarray", || Ok(&x * 2.0 + 1.0)),
        ],
        without: "a call has no limit of the memory's or of the arithmetic's",
    })
}
