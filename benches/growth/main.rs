//! Cost against size, and against what memory looks like.
//!
//! ```text
//! cargo bench --bench growth
//! cargo bench --bench growth -- --write
//! ```
//!
//! In: nothing. Out: nanoseconds an element from 16 elements to a hundred million, on one thread and on all; and what odd
//! sizes, gaps, transposition and short rows cost against plain memory. With `--write` both are put into
//! `docs/performance.md`, with a plot a function. Next: [`sizes`], [`layouts`], [`plot`].

mod layouts;
#[path = "../marks.rs"]
mod marks;
mod plot;
mod sizes;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

const HELP: &str = "\
Measures cost against size and layout.

Usage: cargo bench --bench growth -- [OPTIONS]

Options:
      --write            put tables and plots into docs/performance.md
      --most N           no more than N elements [default: 100000000]
  -h, --help             print this
";
/// A call is repeated for so long, in seconds, and so many times it is measured.
const TURN: f64 = 0.02;
const TURNS: usize = 5;

mod functions {
    use ndfuse::prelude::*;

    tensor! {
        #[no_grad]
        pub fn line<N>(x: f32[N]) -> f32[N] {
            x * 2 + 1
        }

        #[no_grad]
        pub fn plane<M, N>(x: f32[M, N]) -> f32[M, N] {
            x * 2 + 1
        }

        #[no_grad]
        pub fn squares<N>(x: f32[N]) -> f32[] {
            (x * x).sum()
        }

        #[no_grad]
        pub fn rows<M, N>(x: f32[M, N]) -> f32[M] {
            x.sum(axis=1)
        }

        #[no_grad]
        pub fn columns<M, N>(x: f32[M, N]) -> f32[N] {
            x.sum(axis=0)
        }

        #[no_grad]
        pub fn softmax_rows<M, N>(x: f32[M, N]) -> f32[M, N] {
            softmax(x)
        }

        #[no_grad]
        pub fn product<M, K, N>(x: f32[M, K], y: f32[K, N]) -> f32[M, N] {
            x @ y
        }
    }
}

/// Seconds of a call: the median of some turns.
fn seconds(call: &mut dyn FnMut() -> ndfuse::Result<()>) -> ndfuse::Result<f64> {
    call()?;
    let start = Instant::now();
    call()?;
    let repeats = ((TURN / start.elapsed().as_secs_f64().max(1e-9)) as usize).clamp(1, 1_000_000);
    let mut turns = Vec::with_capacity(TURNS);
    for _ in 0..TURNS {
        let start = Instant::now();
        for _ in 0..repeats {
            call()?;
        }
        turns.push(start.elapsed().as_secs_f64() / repeats as f64);
    }
    turns.sort_by(f64::total_cmp);
    Ok(turns[TURNS / 2])
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    use lexopt::{Arg, Parser, ValueExt};
    let (mut write, mut most) = (false, 100_000_000);
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("write") => write = true,
            Arg::Long("most") => most = parser.value()?.parse()?,
            // `cargo bench` passes it on.
            Arg::Long("bench") => {}
            Arg::Short('h') | Arg::Long("help") => {
                print!("{HELP}");
                return Ok(());
            }
            _ => return Err(arg.unexpected().into()),
        }
    }
    let curves = sizes::measured(most)?;
    let (sizes, layouts) = (sizes::table(&curves), layouts::table(&layouts::measured()?));
    println!("{sizes}\n{layouts}");
    if write {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let mut text = String::new();
        for (function, curves) in sizes::by_function(&curves) {
            let name = format!("performance/growth_{function}.svg");
            plot::draw(&docs.join(&name), function, &curves)?;
            text.push_str(&format!("![Nanoseconds an element of {function}]({name})\n"));
        }
        marks::put(&docs.join("performance.md"), "growth", &format!("{text}\n{sizes}\n{layouts}"))?;
    }
    Ok(())
}
