//! Whole steps of training.
//!
//! In: arrays of [`crate::data`]. Out: workloads. Always: each call starts from the same state. Next: [`crate::images`].

use ndarray::{Array1, Array2, Axis};
use ndfuse::{Params, Tensor};

use crate::data::{below, signed};
use crate::harness::{All, Measure, Outcome, System, Work, Workload};
use crate::rows::exponentials;
use crate::transformer::{self, CONTEXT, Gpt, VOCABULARY};
use crate::{Make, both, weights};

pub const ALL: &[(&str, Make)] =
    &[("mlp_train_step", mlp_train_step), ("char_transformer_step", char_transformer_step)];

both! {
    #[no_grad]
    fn loss<B>(
        w1: f32[784, 512], b1: f32[512], w2: f32[512, 256], b2: f32[256], w3: f32[256, 10], b3: f32[10],
        x: f32[B, 784], y: i64[B],
    ) -> f32[] {
        let h = relu(x @ w1 + b1);
        let h = relu(h @ w2 + b2);
        cross_entropy(h @ w3 + b3, y).mean()
    }

    /// The next weights after a step of gradient descent, and the loss before.
    pub fn step<B>(
        w1: f32[784, 512], b1: f32[512], w2: f32[512, 256], b2: f32[256], w3: f32[256, 10], b3: f32[10],
        x: f32[B, 784], y: i64[B],
    ) -> (f32[784, 512], f32[512], f32[512, 256], f32[256], f32[256, 10], f32[10], f32[]) {
        let (l, (d1, e1, d2, e2, d3, e3)) =
            value_and_grad(loss, wrt=(w1, b1, w2, b2, w3, b3))(w1, b1, w2, b2, w3, b3, x, y);
        (w1 - 0.1 * d1, b1 - 0.1 * e1, w2 - 0.1 * d2, b2 - 0.1 * e2, w3 - 0.1 * d3, b3 - 0.1 * e3, l)
    }
}

/// The weights and biases of three layers, and a batch.
struct Mlp {
    w: [Array2<f32>; 3],
    b: [Array1<f32>; 3],
    x: Array2<f32>,
    y: Array1<i64>,
}

type Updated = (Array2<f32>, Array1<f32>, Array2<f32>, Array1<f32>, Array2<f32>, Array1<f32>, f32);

impl Mlp {
    fn new() -> Mlp {
        let w = |shape, seed| -> Array2<f32> { signed(shape, seed) * 0.1 };
        Mlp {
            w: [w((784, 512), 1), w((512, 256), 2), w((256, 10), 3)],
            b: [signed(512, 4) * 0.1, signed(256, 5) * 0.1, signed(10, 6) * 0.1],
            x: signed((256, 784), 7),
            y: below(256, 8, 10),
        }
    }

    /// The step with `ndarray`'s operators.
    fn step(&self) -> Updated {
        let Mlp { w: [w1, w2, w3], b: [b1, b2, b3], x, y } = self;
        let relu = |x: f32| x.max(0.0);
        let h1 = (x.dot(w1) + b1).mapv_into(relu);
        let h2 = (h1.dot(w2) + b2).mapv_into(relu);
        let (e, sum) = exponentials(&(h2.dot(w3) + b3));
        let mut d = e / &sum;
        let mut loss = 0.0;
        for (mut row, &label) in d.rows_mut().into_iter().zip(y) {
            loss -= row[label as usize].ln();
            row[label as usize] -= 1.0;
        }
        d /= x.nrows() as f32;
        let (w3_, b3_) = (w3 - 0.1 * h2.t().dot(&d), b3 - 0.1 * d.sum_axis(Axis(0)));
        let d = d.dot(&w3.t()) * h2.mapv(|h| f32::from(h > 0.0));
        let (w2_, b2_) = (w2 - 0.1 * h1.t().dot(&d), b2 - 0.1 * d.sum_axis(Axis(0)));
        let d = d.dot(&w2.t()) * h1.mapv(|h| f32::from(h > 0.0));
        let (w1_, b1_) = (w1 - 0.1 * x.t().dot(&d), b1 - 0.1 * d.sum_axis(Axis(0)));
        (w1_, b1_, w2_, b2_, w3_, b3_, loss / x.nrows() as f32)
    }
}

fn mlp_train_step(measure: &mut Measure<'_>) -> Outcome {
    let mlp = Mlp::new();
    let Mlp { w: [w1, w2, w3], b: [b1, b2, b3], x, y } = &mlp;
    let layers = [784 * 512, 512 * 256, 256 * 10];
    // Forward, by the weights, and by the inputs of all layers but the first.
    let flops = 2.0 * 256.0 * (3 * layers.iter().sum::<usize>() - layers[0]) as f64;
    let out = (
        Tensor::zeros((ndfuse::Const, ndfuse::Const))?,
        Tensor::zeros((ndfuse::Const,))?,
        Tensor::zeros((ndfuse::Const, ndfuse::Const))?,
        Tensor::zeros((ndfuse::Const,))?,
        Tensor::zeros((ndfuse::Const, ndfuse::Const))?,
        Tensor::zeros((ndfuse::Const,))?,
        Tensor::zeros(())?,
    );
    measure(Workload {
        name: "mlp_train_step",
        text: "784-512-256-10, batch 256: forward, backward, gradient descent",
        work: Work::Product { flops, size: 512 },
        tolerance: 1e-4,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || fused::step(w1, b1, w2, b2, w3, b3, x, y)),
            System::into(out, |(a, b, c, d, e, f, g)| {
                fused::step::into(w1, b1, w2, b2, w3, b3, x, y, a, b, c, d, e, f, g)
            }),
            System::fresh("ndfuse-unfused", || unfused::step(w1, b1, w2, b2, w3, b3, x, y)),
            System::fresh("ndarray", || Ok(mlp.step())),
        ],
        without: "",
    })
}

/// Weights by their names, as `benches/peers` has them.
fn initial<P: Params>() -> ndfuse::Result<P> {
    let mut seed = 0;
    weights::init(|name, sizes| {
        seed += 1;
        let field = name.rsplit('.').next().unwrap_or(name);
        let numbers = match sizes.len() {
            1 if field.starts_with("norm") => Array1::ones(sizes[0]),
            1 => Array1::zeros(sizes[0]),
            _ => signed(sizes.iter().product::<usize>(), seed) * 0.04,
        };
        Ok(numbers.to_vec())
    })
}

fn char_transformer_step(measure: &mut Measure<'_>) -> Outcome {
    let batch = |seed| -> Array2<i64> { below((32, CONTEXT), seed, VOCABULARY as u32) };
    let (x, y) = (batch(1), batch(2));
    let net: Gpt = initial()?;
    let (m, v) = (net.zeros_like()?, net.zeros_like()?);
    let tokens = 32.0 * 64.0;
    let weights = 4.0 * (128.0 * 384.0 + 128.0 * 128.0 + 2.0 * 128.0 * 512.0) + 128.0 * 65.0;
    // Three products a weight; in each layer three times the two of attention, of which half is needed.
    let flops = 3.0 * (2.0 * tokens * weights + 4.0 * (2.0 * tokens * 65.0 * 128.0));
    measure(Workload {
        name: "char_transformer_step",
        text: "4 layers, width 128, 4 heads, context 64, batch 32: forward, backward, clipping, AdamW",
        work: Work::Product { flops, size: 1024 },
        tolerance: 1e-3,
        outliers: 200,
        systems: vec![System::fresh("ndfuse", || {
            let (net, _, _, loss) = transformer::step(&net, &m, &v, 1.0, 3e-3, &x, &y)?;
            Ok((All(net), loss))
        })],
        without: "the model is the example's, fused; its structs are always new; ndarray has no gradients",
    })
}
