//! Training, and writing with what was trained.
//!
//! In: [`Settings`] and the text. Out: a [`Run`]. Always: the same settings give the same weights. Next: [`crate::model`].

use ndarray::{Array2, s};
use ndfuse::prelude::*;
use ndfuse::{Error, Result};

use crate::model::{self, CONTEXT, Gpt};
use crate::text::{Batch, batch, mix};
use crate::weights;

/// What a run depends on.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub steps: usize,
    /// How many rows a step learns from.
    pub batch: usize,
    /// The greatest learning rate.
    pub lr: f32,
    /// The share of numbers that dropout leaves out.
    pub dropout: f32,
    pub seed: u64,
}

/// A model in training.
pub struct Run {
    pub net: Gpt,
    m: Gpt,
    v: Gpt,
    pub done: usize,
    settings: Settings,
}

impl Run {
    pub fn new(settings: Settings) -> Result<Run> {
        let net = init(settings.seed)?;
        let (m, v) = (net.zeros_like()?, net.zeros_like()?);
        Ok(Run { net, m, v, done: 0, settings })
    }

    /// One step; its loss.
    pub fn step(&mut self, text: &[i64]) -> Result<f32> {
        let Settings { steps, batch: rows, lr, dropout, seed } = self.settings;
        let Batch { x, y } = batch(text, rows, seed, self.done as u64);
        let t = (self.done + 1) as f32;
        let lr = model::learning_rate(t, steps as f32, lr)?.item()?;
        let (net, m, v, loss);
        (net, m, v, loss) = if dropout > 0.0 {
            let key = mix(seed ^ mix(!(self.done as u64))) as i64;
            model::dropout_step(&self.net, &self.m, &self.v, t, lr, &x, &y, dropout, key)?
        } else {
            model::step(&self.net, &self.m, &self.v, t, lr, &x, &y)?
        };
        (self.net, self.m, self.v) = (net, m, v);
        self.done += 1;
        let loss = loss.item()?;
        if loss.is_finite() {
            return Ok(loss);
        }
        let reason = format!("the loss is {loss} at step {}; try a lower learning rate", self.done);
        Err(Error::Unsupported { operation: "training", reason: reason.into() })
    }

    /// The mean loss over so many batches of a text, always the same ones.
    pub fn measure(&self, text: &[i64], batches: u64) -> Result<f32> {
        let mut total = 0.0;
        for number in 0..batches {
            let Batch { x, y } = batch(text, 32, u64::MAX, number);
            total += model::loss(&self.net, &x, &y)?.item()?;
        }
        Ok(total / batches as f32)
    }
}

/// Text that goes on after a prompt, a character at a time, from the distribution sharpened by the temperature.
pub fn write(net: &Gpt, prompt: &[i64], length: usize, temperature: f32, seed: u64) -> Result<Vec<i64>> {
    let mut text = prompt.to_vec();
    for number in 0..length {
        let seen = &text[text.len().saturating_sub(CONTEXT)..];
        let mut x = Array2::zeros((1, CONTEXT));
        x.slice_mut(s![0, ..seen.len()]).iter_mut().zip(seen).for_each(|(to, from)| *to = *from);
        let logits = model::logits(net, &x)?;
        let last = logits.view()?;
        let last = last.slice(s![0, seen.len() - 1, ..]);
        let top = last.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let weights: Vec<f32> = last.iter().map(|l| ((l - top) / temperature).exp()).collect();
        let uniform = (mix(seed ^ mix(number as u64)) >> 40) as f32 / (1u64 << 24) as f32;
        let mut left = uniform * weights.iter().sum::<f32>();
        let drawn = weights.iter().position(|w| {
            left -= w;
            left < 0.0
        });
        text.push(drawn.unwrap_or(weights.len() - 1) as i64);
    }
    Ok(text.split_off(prompt.len()))
}

/// Weights of a model that has learnt nothing, as in GPT-2: normal of deviation 0.02, what ends a residual branch
/// smaller by the root of their number, scales 1, biases 0.
fn init(seed: u64) -> Result<Gpt> {
    let mut leaf = 0;
    weights::init(|name, sizes| {
        leaf += 1;
        let field = name.rsplit('.').next().unwrap_or(name);
        let count = sizes.iter().product::<usize>();
        Ok(match sizes.len() {
            1 if field.starts_with("norm") => vec![1.0; count],
            1 => vec![0.0; count],
            _ => {
                let deviation = if matches!(field, "project" | "down") { 0.02 / 8f32.sqrt() } else { 0.02 };
                let like = Tensor::zeros((count,))?;
                model::normal(&like, deviation, mix(seed ^ mix(leaf)) as i64)?.to_vec()?
            }
        })
    })
}
