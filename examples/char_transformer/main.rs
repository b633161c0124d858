//! Trains a small transformer on Shakespeare, character by character, and lets it write.
//!
//! ```text
//! cargo run --release --example char_transformer
//! cargo run --release --example char_transformer -- --steps 500 --prompt "ROMEO:" --length 400
//! ```
//!
//! `python3 examples/peers/char_transformer.py` trains the same model with PyTorch and with JAX, whichever is installed,
//! and prints their milliseconds a step.
//!
//! Read first: [`model`], the model and its training step in the language; then [`training`].

#[path = "../command/mod.rs"]
mod command;
mod model;
mod options;
mod text;
mod training;
#[path = "../weights/mod.rs"]
mod weights;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use ndfuse::prelude::*;

use command::{Failure, status};
use options::Options;
use text::Text;
use training::Run;

/// Steps between two measurements on what is held out.
const EVERY: usize = 250;

fn main() -> ExitCode {
    status(run())
}

fn run() -> Result<(), Failure> {
    let parsed = options::parse(std::env::args_os()).map_err(|e| Failure::Usage(e.to_string()))?;
    let mut out = io::stdout().lock();
    let Some(options) = parsed else { return Ok(out.write_all(options::HELP.as_bytes())?) };
    if options.explain {
        return Ok(out.write_all(model::step::explain().as_bytes())?);
    }
    let text = Text::load(Path::new(text::BUNDLED)).map_err(Failure::Failed)?;
    let prompt = text.encode(&options.prompt).map_err(Failure::Failed)?;
    let mut run = Run::new(options.settings)?;
    let training::Settings { steps, batch, lr, dropout, seed } = options.settings;
    writeln!(out, "4 layers, 4 heads, width 128, context 64: {} parameters", run.net.count())?;
    writeln!(out, "{steps} steps of {batch} rows, learning rate {lr}, dropout {dropout}, seed {seed}")?;
    let memory = model::step::memory(&[("B", batch)])?;
    writeln!(out, "a step takes {:.1} MiB\n\n step    loss  held out", memory.peak() as f64 / f64::from(1 << 20))?;
    train(&mut run, &text, &options, &mut out)?;
    let written = training::write(&run.net, &prompt, options.length, options.temperature, seed)?;
    let letters: String = written.iter().filter_map(|&k| text.characters.get(k as usize)).collect();
    writeln!(out, "\n{}{letters}", options.prompt)?;
    Ok(())
}

fn train(run: &mut Run, text: &Text, options: &Options, out: &mut impl Write) -> Result<(), Failure> {
    let (start, steps) = (Instant::now(), options.settings.steps);
    // Drawn to the terminal only: where standard error is a file or a pipe, nothing is written.
    let progress = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} step {pos}/{len}, {eta} left") {
        progress.set_style(style);
    }
    let mut times: Vec<Duration> = Vec::new();
    let mut total = 0.0;
    let mut count = 0;
    while run.done < steps {
        let before = Instant::now();
        total += run.step(&text.train)?;
        count += 1;
        times.push(before.elapsed());
        progress.inc(1);
        if run.done.is_multiple_of(EVERY) || run.done == steps {
            let held_out = run.measure(&text.held_out, 20)?;
            let line = format!("{:5}  {:.4}    {held_out:.4}", run.done, total / count as f32);
            progress.suspend(|| writeln!(out, "{line}"))?;
            (total, count) = (0.0, 0);
        }
    }
    progress.finish_and_clear();
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    writeln!(
        out,
        "\n{:.1} ms a step (median), {:.0} s in all",
        median.as_secs_f64() * 1e3,
        start.elapsed().as_secs_f64()
    )?;
    Ok(())
}
