//! The workloads on a GPU: the time on the device, what share of a copy's rate that is, fused and one operation at a time.
//!
//! ```text
//! cargo bench --bench gpu
//! cargo bench --bench gpu -- --filter softmax --json
//! cargo bench --bench gpu -- --device cpu --scale 64
//! ```
//!
//! Times are between two events of the device, the median of several turns of calls, each turn of 20 ms at least; memory
//! comes from the pool, as in any call but the first. A share is of what a copy of 2 GiB reaches in the same run.
//! `benches/peers/gpu.py` measures the same in PyTorch. Without a GPU it says so and measures nothing; `--device cpu` runs
//! the same calls on the host.
//!
//! Read first: [`measure`]; then [`workloads`].

mod measure;
mod workloads;

use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};
use measure::{Case, Rates, measure};
use ndfuse::Device;

const HELP: &str = "\
Measures the workloads on a GPU.

Usage: cargo bench --bench gpu -- [OPTIONS]

Options:
      --filter NAME      the workloads whose names have NAME in them
      --json             an object a line, times in milliseconds
      --device NAME      cuda:N or cpu [default: cuda:0]
      --scale N          the first axis of each array N times smaller
  -h, --help             print this
";

struct Options {
    filter: String,
    json: bool,
    device: String,
    scale: usize,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options { filter: String::new(), json: false, device: "cuda:0".into(), scale: 1 };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("filter") => options.filter = parser.value()?.string()?,
            Arg::Long("json") => options.json = true,
            Arg::Long("device") => options.device = parser.value()?.string()?,
            Arg::Long("scale") => options.scale = parser.value()?.parse::<usize>()?.max(1),
            // `cargo bench` passes it on.
            Arg::Long("bench") => {}
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(options))
}

fn main() -> ExitCode {
    match options().map_err(|e| e.to_string()).and_then(|o| o.map_or_else(help, |o| run(&o))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> Result<(), String> {
    print!("{HELP}");
    Ok(())
}

/// The device; `None`, and a word about it, where there is no GPU and none is demanded.
fn device(name: &str) -> Result<Option<Device>, String> {
    if name == "cpu" {
        return Ok(Some(Device::Cpu));
    }
    let number = name.strip_prefix("cuda:").and_then(|n| n.parse().ok());
    let number = number.ok_or_else(|| format!("`{name}` is no device: say cuda:0 or cpu"))?;
    match Device::cuda(number) {
        Ok(device) => Ok(Some(device)),
        Err(why) if std::env::var("NDFUSE_REQUIRE_CUDA").is_ok_and(|v| v == "1") => Err(why.to_string()),
        Err(why) => {
            eprintln!("skipped: {}", why.to_string().lines().next().unwrap_or_default());
            Ok(None)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let Some(device) = device(&options.device)? else { return Ok(()) };
    let text = |error: ndfuse::Error| error.to_string();
    let limit =
        workloads::copy(&device, options.scale).and_then(|mut case| measure(&device, &mut case)).map_err(text)?;
    if !options.json {
        println!("{}\ncopy: {:.0} GB/s\n", device.info(), limit.bytes / limit.milliseconds.median / 1e6);
        println!("{:<24}{:<18}{:>10}{:>10}{:>10}{:>8}", "workload", "system", "ms", "min", "GB/s", "share");
    }
    for (name, make) in workloads::ALL.iter().filter(|(name, _)| name.contains(&options.filter)) {
        let cases = make(&device, options.scale).map_err(|why| format!("{name}: {why}"))?;
        for mut case in cases {
            let rates = measure(&device, &mut case).map_err(|why| format!("{name}: {why}"))?;
            tell(name, &case, &rates, &limit, options.json);
        }
    }
    Ok(())
}

fn tell(name: &str, case: &Case, rates: &Rates, limit: &Rates, json: bool) {
    let rate = |rates: &Rates| rates.bytes / rates.milliseconds.median / 1e6;
    let (ms, share) = (rates.milliseconds, rate(rates) / rate(limit));
    if json {
        println!(
            "{{\"workload\": \"{name}\", \"system\": \"{}\", \"ms\": {:.6}, \"min\": {:.6}, \"max\": {:.6}, \
             \"gbps\": {:.3}, \"gflops\": {:.3}, \"limit_ratio\": {share:.4}}}",
            case.system,
            ms.median,
            ms.least,
            ms.most,
            rate(rates),
            rates.flops / ms.median / 1e6,
        );
    } else {
        let share = 100.0 * share;
        println!(
            "{name:<24}{:<18}{:>10.4}{:>10.4}{:>10.0}{share:>7.0}%{}",
            case.system,
            ms.median,
            ms.least,
            rate(rates),
            if rates.flops > 0.0 { format!("  {:.0} Gflop/s", rates.flops / ms.median / 1e6) } else { String::new() }
        );
    }
}
