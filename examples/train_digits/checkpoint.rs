//! A run as a file.
//!
//! In: a [`Run`]. Out: a safetensors file with the weights as `net.…`, their moments as `m.…` and `v.…`, and every number
//! that the next step depends on as a tensor of no axes; and the run again. Always: a run that was read goes on as if it
//! had never stopped, to the bit; equal runs make equal files; a file of something else is an error with its name.

use std::path::Path;

use ndarray::Array2;
use ndfuse::io::{self, Archive};
use ndfuse::prelude::*;
use ndfuse::{AnyTensor, Error, Result, params};

use crate::training::{Mark, Model, Run, Settings};

/// Writes the run; a file of that name is replaced at the end, or stays as it was.
pub fn save<M: Model>(run: &Run<M>, path: &Path) -> Result<()> {
    let Settings { seed, batch, lr } = run.settings;
    let marks: Vec<f32> = run.marks.iter().flat_map(|m| [m.loss, m.held_out, m.accuracy]).collect();
    let numbers: [(&str, AnyTensor); 5] = [
        ("seed", Tensor::scalar(seed).into()),
        ("batch", Tensor::scalar(batch as u64).into()),
        ("lr", Tensor::scalar(lr).into()),
        ("steps", Tensor::scalar(run.steps as u64).into()),
        ("marks", Tensor::from_vec((run.marks.len(), 3), marks)?.into()),
    ];
    let nets = [("net", &run.net), ("m", &run.m), ("v", &run.v)];
    let weights = nets.iter().flat_map(|(prefix, net)| {
        net.named().map(move |(name, leaf)| (format!("{prefix}.{name}"), leaf.tensor())).collect::<Vec<_>>()
    });
    io::save(path, weights.chain(numbers.map(|(name, tensor)| (name.to_owned(), tensor))))
}

/// Reads a run of this model.
pub fn load<M: Model>(path: &Path) -> Result<Run<M>> {
    let wrong = |reason: &str| Error::Format { file: path.display().to_string().into(), reason: reason.into() };
    let mut file = Archive::open(path)?;
    let mut net = |prefix| params::Path::new().field(prefix, |path| M::build(path, &mut file));
    let (net, m, v) = (net("net")?, net("m")?, net("v")?);
    let size = |n: u64, what| usize::try_from(n).ok().filter(|&n| n < 1 << 31).ok_or_else(|| wrong(what));
    let settings = Settings {
        seed: file.tensor::<i64, ()>("seed")?.item()?,
        batch: size(file.tensor::<u64, ()>("batch")?.item()?, "`batch` is out of range")?,
        lr: file.tensor::<f32, ()>("lr")?.item()?,
    };
    let steps = size(file.tensor::<u64, ()>("steps")?.item()?, "`steps` is out of range")?;
    let marks: Array2<f32> = file.tensor::<f32, (usize, Const<3>)>("marks")?.view()?.to_owned();
    let marks = marks.rows().into_iter().map(|m| Mark { loss: m[0], held_out: m[1], accuracy: m[2] }).collect();
    file.finish()?;
    if settings.batch == 0 || !settings.lr.is_finite() || settings.lr <= 0.0 {
        return Err(wrong("a batch of no images, or a learning rate that is not above 0"));
    }
    Ok(Run { settings, net, m, v, steps, marks })
}
