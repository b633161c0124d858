//! The workloads by which speed is judged: fused, one operation at a time, and with `ndarray`'s operators.
//!
//! ```text
//! cargo bench --bench workloads
//! cargo bench --bench workloads -- --filter softmax --json
//! ```
//!
//! `ndfuse` makes a new result each time, `ndfuse-into` writes to memory of the caller's, `ndfuse-unfused` is the same
//! function with a kernel an operation, `limit` a copy or a read of as many bytes, or the best matrix product's rate.
//! `benches/peers/run` measures other libraries beside them.
//!
//! Read first: [`harness`]; then any of the families, such as [`rows`].

mod data;
mod elementwise;
mod gate;
mod harness;
mod images;
mod limits;
mod products;
mod report;
mod rows;
mod sums;
mod training;
#[path = "../../examples/weights/mod.rs"]
mod weights;

#[path = "../../examples/classify/network.rs"]
mod network;
#[path = "../../examples/char_transformer/model.rs"]
mod transformer;

use std::process::ExitCode;
use std::time::Duration;

use harness::{Effort, Measure, Outcome, Workload, measure};
use lexopt::{Arg, Parser, ValueExt};

const HELP: &str = "\
Measures the workloads.

Usage: cargo bench --bench workloads -- [OPTIONS]

Options:
      --filter NAME      this workload, or all whose names have NAME in them
      --json             an object a line, times in milliseconds
      --gate             fail where a workload is not as much faster than others as it should be
      --list             print the names
      --seconds X        how long to measure each workload at most [default: 6]
      --rounds N         how often at most [default: 40]
  -h, --help             print this
";

/// Defines the same functions twice: `fused`, and `unfused` with a kernel an operation.
macro_rules! both {
    ($($block:tt)*) => {
        mod fused {
            use ndfuse::prelude::*;
            tensor! { $($block)* }
        }
        mod unfused {
            use ndfuse::prelude::*;
            tensor! { #![unfused] $($block)* }
        }
    };
}
pub(crate) use both;

/// A workload makes its arrays when it is its turn.
type Make = fn(&mut Measure<'_>) -> Outcome;

const FAMILIES: [&[(&str, Make)]; 6] =
    [elementwise::ALL, rows::ALL, sums::ALL, products::ALL, training::ALL, images::ALL];

struct Options {
    filter: String,
    json: bool,
    gate: bool,
    list: bool,
    effort: Effort,
}

fn options() -> Result<Option<Options>, lexopt::Error> {
    let effort = Effort { budget: Duration::from_secs(6), rounds: 40 };
    let mut options = Options { filter: String::new(), json: false, gate: false, list: false, effort };
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("filter") => options.filter = parser.value()?.string()?,
            Arg::Long("json") => options.json = true,
            Arg::Long("gate") => options.gate = true,
            Arg::Long("list") => options.list = true,
            Arg::Long("seconds") => {
                let seconds: f64 = parser.value()?.parse()?;
                options.effort.budget =
                    Duration::try_from_secs_f64(seconds).map_err(|e| format!("--seconds {seconds}: {e}"))?;
            }
            Arg::Long("rounds") => options.effort.rounds = parser.value()?.parse()?,
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

fn run(options: &Options) -> Result<(), String> {
    let all = FAMILIES.concat();
    let exact = all.iter().any(|(name, _)| *name == options.filter);
    let wanted = |name: &str| if exact { name == options.filter } else { name.contains(&options.filter) };
    let judged = |name: &str| !options.gate || gate::has(name);
    let chosen: Vec<_> = all.into_iter().filter(|(name, _)| wanted(name) && judged(name)).collect();
    if chosen.is_empty() {
        return Err(format!("no workload has `{}` in its name; --list prints them", options.filter));
    }
    if options.list {
        chosen.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    if !options.json {
        println!("{} threads, ndfuse {}\n", rayon::current_num_threads(), env!("CARGO_PKG_VERSION"));
    }
    for (name, make) in chosen {
        make(&mut |workload| tell(workload, options)).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

fn tell(mut workload: Workload<'_>, options: &Options) -> Outcome {
    let mut attempts = if options.gate { gate::ATTEMPTS } else { 1 };
    loop {
        let rows = measure(&mut workload, options.effort)?;
        if options.json {
            print!("{}", report::json(&workload, &rows));
        } else {
            println!("{}", report::table(&workload, &rows));
        }
        attempts -= 1;
        match gate::missed(workload.name, &rows).filter(|_| options.gate) {
            None => return Ok(()),
            Some(why) if attempts == 0 => return Err(why.into()),
            Some(why) => println!("  {why}: measured again\n"),
        }
    }
}
