//! Training: steps, epochs, and how good a network is.
//!
//! In: [`Settings`] and digits. Out: a [`Run`], the network with all that the next step needs. Always: where a run
//! stands after an epoch depends on its settings and the digits alone, so it may be written to a file and read again
//! between any two epochs; the loss is a number. Next: [`crate::checkpoint`].

use std::time::{Duration, Instant};

use ndfuse::prelude::*;
use ndfuse::{Error, Result};

use crate::digits::Digits;
use crate::network::{self, Cnn, Mlp};
use crate::weights;

/// What a run depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    pub seed: i64,
    /// How many images a step learns from.
    pub batch: usize,
    /// The greatest learning rate; see `learnt` in [`crate::network`].
    pub lr: f32,
}

/// What an epoch came to: the mean loss of its steps, then the loss and the share read rightly of what is held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    pub loss: f32,
    pub held_out: f32,
    pub accuracy: f32,
}

/// A network in training.
#[derive(Clone, Debug)]
pub struct Run<M> {
    pub settings: Settings,
    pub net: M,
    /// The moments of AdamW.
    pub m: M,
    pub v: M,
    /// How many steps are done.
    pub steps: usize,
    /// One an epoch.
    pub marks: Vec<Mark>,
}

/// A network that can be trained.
pub trait Model: Params + Clone {
    const NAME: &'static str;

    /// The weights and their moments after one more step, and the loss before it.
    fn step(run: &Run<Self>, epoch: f32, batch: &Digits) -> Result<(Self, Self, Self, f32)>;

    /// The likeliest digit of each image, and the loss of all.
    fn read(&self, digits: &Digits) -> Result<(Vec<i64>, f32)>;

    /// The kernels of a step.
    fn explain() -> &'static str;
}

macro_rules! model {
    ($ty:ident, $name:literal, $step:ident, $read:ident) => {
        impl Model for $ty {
            const NAME: &'static str = $name;

            fn step(run: &Run<$ty>, epoch: f32, batch: &Digits) -> Result<($ty, $ty, $ty, f32)> {
                let (step, lr) = ((run.steps + 1) as f32, run.settings.lr);
                let (net, m, v, loss) =
                    network::$step(&run.net, &run.m, &run.v, step, epoch, lr, &batch.images, &batch.labels)?;
                Ok((net, m, v, loss.item()?))
            }

            fn read(&self, digits: &Digits) -> Result<(Vec<i64>, f32)> {
                let (read, loss) = network::$read(self, &digits.images, &digits.labels)?;
                Ok((read.to_vec()?, loss.item()?))
            }

            fn explain() -> &'static str {
                network::$step::explain()
            }
        }
    };
}

model!(Mlp, "MLP", mlp_step, mlp_read);
model!(Cnn, "CNN", cnn_step, cnn_read);

impl<M: Model> Run<M> {
    /// A run before its first step.
    pub fn new(settings: Settings) -> Result<Run<M>> {
        let net: M = init(settings.seed)?;
        let (m, v) = (net.zeros_like()?, net.zeros_like()?);
        Ok(Run { settings, net, m, v, steps: 0, marks: Vec::new() })
    }

    /// Learns from all images once and marks what came of it; `each` gets the time of every step.
    pub fn epoch(&mut self, train: &Digits, held_out: &Digits, mut each: impl FnMut(Duration)) -> Result<()> {
        let Settings { seed, batch, .. } = self.settings;
        let epoch = self.marks.len();
        let steps = train.len().div_ceil(batch);
        let mut total = 0.0;
        for (k, images) in train.batches(batch, seed, epoch).enumerate() {
            let start = Instant::now();
            let loss;
            (self.net, self.m, self.v, loss) = M::step(self, epoch as f32 + k as f32 / steps as f32, &images)?;
            self.steps += 1;
            total += self.finite(loss)? * images.len() as f32;
            each(start.elapsed());
        }
        let (read, loss) = self.net.read(held_out)?;
        let right = read.iter().zip(&held_out.labels).filter(|(a, b)| a == b).count();
        self.marks.push(Mark {
            loss: total / train.len() as f32,
            held_out: self.finite(loss)?,
            accuracy: right as f32 / held_out.len() as f32,
        });
        Ok(())
    }

    fn finite(&self, loss: f32) -> Result<f32> {
        if loss.is_finite() {
            return Ok(loss);
        }
        let reason = format!("the loss is {loss} at step {}; try a lower learning rate", self.steps);
        Err(Error::Unsupported { operation: "training", reason: reason.into() })
    }
}

/// A network that has learnt nothing: biases of 0 and normal weights of variance 2 over the number of a unit's inputs
/// (He et al., ICCV 2015).
fn init<M: Params>(seed: i64) -> Result<M> {
    let mut leaf = 0;
    weights::init(|_, sizes| {
        leaf += 1;
        let count = sizes.iter().product::<usize>();
        let inputs = match sizes {
            [] | [_] => return Ok(vec![0.0; count]),
            [_, inputs @ ..] => inputs,
        };
        let deviation = (2.0 / inputs.iter().product::<usize>() as f32).sqrt();
        network::normal(&Tensor::zeros((count,))?, deviation, seed, leaf)?.to_vec()
    })
}
