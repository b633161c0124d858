//! Row by row: softmax, layer norm, cross-entropy, and their gradients.
//!
//! In: arrays of [`crate::data`]. Out: workloads. Next: [`crate::sums`].

use ndarray::{Array1, Array2, Axis};
use ndfuse::Tensor;

use crate::data::{below, signed, uniform};
use crate::harness::{Measure, Outcome, System, Work, Workload};
use crate::{Make, both};

pub const ALL: &[(&str, Make)] = &[
    ("softmax_4096x2048", |measure| softmax(measure, "softmax_4096x2048", "f32[4096, 2048]", (4096, 2048))),
    ("softmax_128x50257", |measure| softmax(measure, "softmax_128x50257", "f32[128, 50257]", (128, 50257))),
    ("layernorm_fwd", layernorm_fwd),
    ("layernorm_fwd_bwd", layernorm_fwd_bwd),
    ("cross_entropy_fwd_bwd", cross_entropy_fwd_bwd),
];

both! {
    #[no_grad]
    pub fn row_softmax<B, C>(x: f32[B, C]) -> f32[B, C] {
        softmax(x)
    }

    #[no_grad]
    pub fn norm<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[B, C] {
        layer_norm(x, w, b)
    }

    /// The norm, and its gradients for what comes in at its result.
    pub fn norm_and_gradients<B, C>(
        x: f32[B, C], w: f32[C], b: f32[C], g: f32[B, C],
    ) -> (f32[B, C], f32[B, C], f32[C], f32[C]) {
        let (y, (dx, dw, db)) = vjp(layer_norm, wrt=(x, weight, bias))(x, g, w, b);
        (y, dx, dw, db)
    }

    #[no_grad]
    fn mean_loss<B, C>(x: f32[B, C], y: i64[B]) -> f32[] {
        cross_entropy(x, y).mean()
    }

    pub fn loss_and_gradient<B, C>(x: f32[B, C], y: i64[B]) -> (f32[], f32[B, C]) {
        value_and_grad(mean_loss)(x, y)
    }
}

/// Exponentials and the sum of each row of them.
pub fn exponentials(x: &Array2<f32>) -> (Array2<f32>, Array2<f32>) {
    let max = x.map_axis(Axis(1), |row| row.fold(f32::NEG_INFINITY, |a, &b| a.max(b))).insert_axis(Axis(1));
    let e = (x - &max).mapv_into(f32::exp);
    let sum = e.sum_axis(Axis(1)).insert_axis(Axis(1));
    (e, sum)
}

fn softmax(measure: &mut Measure<'_>, name: &'static str, text: &'static str, shape: (usize, usize)) -> Outcome {
    let x = signed(shape, 1) * 5.0;
    let with_ndarray = || {
        let (e, sum) = exponentials(&x);
        Ok(e / &sum)
    };
    measure(Workload {
        name,
        text,
        work: Work::Copy(2 * 4 * x.len()),
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::row_softmax(&x)),
            System::into(Tensor::zeros(shape)?, |out| fused::row_softmax::into(&x, out)),
            System::fresh("ndfuse-unfused", || unfused::row_softmax(&x)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}

/// The result, and what goes to the operands.
type Gradients = (Array2<f32>, Array2<f32>, Array1<f32>, Array1<f32>);

struct Norm {
    x: Array2<f32>,
    w: Array1<f32>,
    b: Array1<f32>,
}

impl Norm {
    fn new() -> Norm {
        Norm { x: signed((4096, 2048), 1), w: uniform(2048, 2), b: signed(2048, 3) }
    }

    /// The normalised rows, and one over their deviations.
    fn normalised(&self) -> Option<(Array2<f32>, Array2<f32>)> {
        let centred = &self.x - &self.x.mean_axis(Axis(1))?.insert_axis(Axis(1));
        let variance = (&centred * &centred).mean_axis(Axis(1))?.insert_axis(Axis(1));
        let scale = variance.mapv_into(|v| 1.0 / (v + 1e-5).sqrt());
        Some((centred * &scale, scale))
    }

    /// All that `norm_and_gradients` answers.
    fn gradients(&self, g: &Array2<f32>) -> Option<Gradients> {
        let (n, scale) = self.normalised()?;
        let (dw, db) = ((&n * g).sum_axis(Axis(0)), g.sum_axis(Axis(0)));
        let dn = g * &self.w;
        let along = (&dn * &n).mean_axis(Axis(1))?.insert_axis(Axis(1));
        let dx = (&dn - &dn.mean_axis(Axis(1))?.insert_axis(Axis(1)) - &n * &along) * &scale;
        Some((n * &self.w + &self.b, dx, dw, db))
    }
}

/// A mean of an empty array, which none here is.
fn empty() -> ndfuse::Error {
    ndfuse::Error::Unsupported { operation: "mean", reason: "the array is empty".into() }
}

fn layernorm_fwd(measure: &mut Measure<'_>) -> Outcome {
    let norm = Norm::new();
    let Norm { x, w, b } = &norm;
    measure(Workload {
        name: "layernorm_fwd",
        text: "layer_norm(x, w, b), x f32[4096, 2048]",
        work: Work::Copy(2 * 4 * x.len()),
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::norm(x, w, b)),
            System::into(Tensor::zeros((4096, 2048))?, |out| fused::norm::into(x, w, b, out)),
            System::fresh("ndfuse-unfused", || unfused::norm(x, w, b)),
            System::fresh("ndarray", || Ok(norm.normalised().ok_or_else(empty)?.0 * w + b)),
        ],
        without: "",
    })
}

fn layernorm_fwd_bwd(measure: &mut Measure<'_>) -> Outcome {
    let norm = Norm::new();
    let g = signed((4096, 2048), 4);
    let Norm { x, w, b } = &norm;
    let out =
        (Tensor::zeros((4096, 2048))?, Tensor::zeros((4096, 2048))?, Tensor::zeros((2048,))?, Tensor::zeros((2048,))?);
    measure(Workload {
        name: "layernorm_fwd_bwd",
        text: "layer_norm(x, w, b) and its gradients by x, w and b, x f32[4096, 2048]",
        work: Work::Copy(4 * 4 * x.len()),
        tolerance: 1e-3,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::norm_and_gradients(x, w, b, &g)),
            System::into(out, |(y, dx, dw, db)| fused::norm_and_gradients::into(x, w, b, &g, y, dx, dw, db)),
            System::fresh("ndfuse-unfused", || unfused::norm_and_gradients(x, w, b, &g)),
            System::fresh("ndarray", || norm.gradients(&g).ok_or_else(empty)),
        ],
        without: "",
    })
}

fn cross_entropy_fwd_bwd(measure: &mut Measure<'_>) -> Outcome {
    let (rows, classes) = (4096, 10000);
    let x = signed((rows, classes), 1) * 5.0;
    let y: Array1<i64> = below(rows, 2, classes as u32);
    let with_ndarray = || {
        let (e, sum) = exponentials(&x);
        let mut dx = e / &sum;
        let mut loss = 0.0;
        for (mut row, &label) in dx.rows_mut().into_iter().zip(&y) {
            loss -= row[label as usize].ln();
            row[label as usize] -= 1.0;
        }
        dx /= rows as f32;
        Ok((loss / rows as f32, dx))
    };
    measure(Workload {
        name: "cross_entropy_fwd_bwd",
        text: "cross_entropy(x, y).mean() and its gradient, x f32[4096, 10000]",
        work: Work::Copy(2 * 4 * x.len()),
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::loss_and_gradient(&x, &y)),
            System::into((Tensor::zeros(())?, Tensor::zeros((rows, classes))?), |(loss, dx)| {
                fused::loss_and_gradient::into(&x, &y, loss, dx)
            }),
            System::fresh("ndfuse-unfused", || unfused::loss_and_gradient(&x, &y)),
            System::fresh("ndarray", with_ndarray),
        ],
        without: "",
    })
}
