//! A whole network: EfficientNet-Lite0 with its weights.
//!
//! In: numbers in place of photographs. Out: workloads. Next: [`crate::network`].

use std::path::Path;

use ndarray::Array4;
use ndfuse::{Params, Tensor};

use crate::data::signed;
use crate::harness::{Measure, Outcome, System, Work, Workload};
use crate::{Make, network};

pub const ALL: &[(&str, Make)] = &[
    ("efficientnet_b1", |measure| efficientnet(measure, "efficientnet_b1", 1)),
    ("efficientnet_b8", |measure| efficientnet(measure, "efficientnet_b8", 8)),
];

/// Multiplications of an image, which its convolutions and the last layer have.
const MULTIPLICATIONS: f64 = 384.9e6;

fn efficientnet(measure: &mut Measure<'_>, name: &'static str, batch: usize) -> Outcome {
    let weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/efficientnet_lite0.safetensors");
    let net = network::Net::load(&weights)?;
    let x: Array4<f32> = signed((batch, 3, 224, 224), 1);
    measure(Workload {
        name,
        text: "EfficientNet-Lite0, logits of f32[batch, 3, 224, 224]",
        work: Work::Product { flops: 2.0 * batch as f64 * MULTIPLICATIONS, size: 512 },
        tolerance: 1e-3,
        outliers: 0,
        systems: vec![
            System::fresh("ndfuse", || network::logits(&x, &net)),
            System::into(Tensor::zeros((batch, ndfuse::Const))?, |out| network::logits::into(&x, &net, out)),
        ],
        without: "the network is the example's, fused; ndarray has no convolutions",
    })
}
