//! Trains a network to read handwritten digits.
//!
//! ```text
//! cargo run --release --example train_digits
//! cargo run --release --example train_digits -- --model mlp --save run.safetensors --plot run.png
//! cargo run --release --example train_digits -- --model mlp --resume run.safetensors --epochs 30
//! ```
//!
//! `python3 examples/peers/train_digits.py` trains the same networks with PyTorch and with JAX, whichever is installed,
//! with the same batches and steps, and prints their milliseconds a step.
//!
//! Read first: [`network`], both networks and their training step in the language; then [`training`], [`checkpoint`].

mod canvas;
mod chart;
mod checkpoint;
#[path = "../command/mod.rs"]
mod command;
mod digits;
mod network;
mod options;
mod report;
mod training;
#[path = "../weights/mod.rs"]
mod weights;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use command::{Failure, status};
use network::{Cnn, Mlp};
use options::{Kind, Options};
use training::{Model, Run};

fn main() -> ExitCode {
    status(run())
}

fn run() -> Result<(), Failure> {
    let parsed = options::parse(std::env::args_os()).map_err(|e| Failure::Usage(e.to_string()))?;
    let Some(options) = parsed else { return Ok(io::stdout().write_all(options::HELP.as_bytes())?) };
    match options.model {
        Kind::Cnn => train::<Cnn>(&options),
        Kind::Mlp => train::<Mlp>(&options),
    }
}

fn train<M: Model>(options: &Options) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    if options.explain {
        return Ok(out.write_all(M::explain().as_bytes())?);
    }
    let start = Instant::now();
    let (train, held_out) = digits::load(Path::new(digits::BUNDLED)).map_err(Failure::Failed)?.split();
    let mut run: Run<M> = match &options.resume {
        Some(file) => checkpoint::load(file)?,
        None => Run::new(options.settings)?,
    };
    let training::Settings { seed, batch, lr } = run.settings;
    writeln!(out, "{}, {} parameters; batches of {batch}, learning rate {lr}, seed {seed}", M::NAME, run.net.count())?;
    writeln!(out, "{} digits to learn from, {} held out\n\n{}", train.len(), held_out.len(), report::HEAD)?;

    // Drawn to the terminal only: where standard error is a file or a pipe, nothing is written.
    let left = options.epochs.saturating_sub(run.marks.len());
    let progress = ProgressBar::new((left * train.len().div_ceil(batch)) as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} step {pos}/{len}, {eta} left") {
        progress.set_style(style);
    }
    let mut times = Vec::new();
    for _ in 0..left {
        run.epoch(&train, &held_out, |time| {
            times.push(time);
            progress.inc(1);
        })?;
        let line = run.marks.last().map(|mark| report::epoch(run.marks.len(), mark)).unwrap_or_default();
        progress.suspend(|| writeln!(out, "{line}"))?;
        if let Some(file) = &options.save {
            checkpoint::save(&run, file)?;
        }
    }
    progress.finish_and_clear();

    let (read, _) = run.net.read(&held_out)?;
    let labels = held_out.labels.to_vec();
    let mistakes = report::mistakes(&labels, &read);
    let right = 100.0 * (1.0 - mistakes.len() as f64 / labels.len() as f64);
    writeln!(out, "\n{}", report::confusion(&labels, &read))?;
    writeln!(out, "accuracy   {right:.2} % of what was held out, {} wrong", mistakes.len())?;
    let median = report::median(&mut times);
    writeln!(out, "step       {:.3} ms (median of {})", median.as_secs_f64() * 1e3, times.len())?;
    if let Some(file) = &options.plot {
        chart::write(file, &run.marks, &held_out, &mistakes).map_err(Failure::Failed)?;
    }
    writeln!(out, "all        {:.2} s", start.elapsed().as_secs_f64())?;
    Ok(())
}
