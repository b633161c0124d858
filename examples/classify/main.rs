//! Names what photographs show, with EfficientNet-Lite0.
//!
//! ```text
//! cargo run --release --example classify
//! cargo run --release --example classify -- photo.jpg --top 3 --repeat 20
//! ```
//!
//! Read first: [`network`], the whole network in the language; then [`picture`], [`report`].

#[path = "../command/mod.rs"]
mod command;
mod network;
mod options;
mod picture;
mod report;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use ndarray::aview1;
use ndfuse::prelude::*;

use command::{Failure, status};
use network::{MEAN, Net, STD};
use options::Options;
use report::Times;

fn main() -> ExitCode {
    status(run())
}

fn run() -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let parsed = options::parse(std::env::args_os()).map_err(|e| Failure::Usage(e.to_string()))?;
    let Some(options) = parsed else { return Ok(out.write_all(options::HELP.as_bytes())?) };
    if options.explain {
        return Ok(out.write_all(network::logits::explain().as_bytes())?);
    }
    let device: Device = options.device.parse()?;
    let mut times = Times::default();
    let net = times.stage("load the weights", || Net::load(&options.weights)?.to_device(&device))?;
    writeln!(out, "EfficientNet-Lite0, {} parameters, on {device}\n{}", net.count(), times.text())?;

    // Drawn to the terminal only: where standard error is a file or a pipe, nothing is written.
    let progress = ProgressBar::new(options.images.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} {msg}") {
        progress.set_style(style);
    }
    for image in &options.images {
        let text = classify(image, &net, &device, &options, &progress)?;
        progress.suspend(|| out.write_all(text.as_bytes()))?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(())
}

/// The report on one photograph.
fn classify(
    path: &Path,
    net: &Net,
    device: &Device,
    options: &Options,
    progress: &ProgressBar,
) -> Result<String, Failure> {
    let mut times = Times::default();
    let say = |what| progress.set_message(format!("{}: {what}", path.display()));
    say("decode");
    let picture = times.stage("decode", || picture::decode(path)).map_err(Failure::Failed)?;
    say("resize");
    let pixels = times.stage("resize", || picture::resize(&picture));
    say("prepare");
    let input = times.stage("prepare", || network::prepare(&pixels, aview1(&MEAN), aview1(&STD))?.to_device(device))?;
    say("network");
    let mut runs = Vec::with_capacity(options.repeat);
    let mut logits = None;
    for _ in 0..options.repeat {
        let start = Instant::now();
        logits = Some(network::logits(&input, net)?.to_host()?);
        runs.push(start.elapsed());
    }
    let logits = logits.ok_or_else(|| Failure::Usage("`--repeat` must be 1 or more".to_owned()))?;
    let name = if options.repeat == 1 { "network" } else { "network (median)" };
    times.note(name, report::median(&mut runs));
    say("softmax");
    let probabilities = times.stage("softmax", || network::probabilities(&logits))?;

    let ranked = report::top(&probabilities.to_vec()?, options.top);
    let size = format!("{} x {}", picture.width(), picture.height());
    Ok(format!("{}, {size}\n{}\n{}", path.display(), report::bars(&ranked), times.text()))
}
