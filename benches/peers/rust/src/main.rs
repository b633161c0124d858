//! Measures candle or burn in a process of its own: a command a line comes in, an answer a line goes out, both JSON.
//!
//! In: the system's name. Out: the answers of `worker.py`, which says what the commands are. Always: a result is freed
//! within its time. Next: [`candle`], [`burn`].

mod burn;
mod candle;
#[path = "../../../workloads/data.rs"]
mod data;
mod network;

use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// One workload of one system.
pub trait Way {
    fn run(&mut self) -> Outcome<()>;
    /// The result's numbers.
    fn values(&mut self) -> Outcome<Vec<f64>>;
}

/// A result whose numbers can be told.
pub trait Values {
    fn values(self) -> Outcome<Vec<f64>>;
}

struct Call<F>(F);

impl<R: Values, F: FnMut() -> Outcome<R>> Way for Call<F> {
    fn run(&mut self) -> Outcome<()> {
        drop(black_box((self.0)()?));
        Ok(())
    }

    fn values(&mut self) -> Outcome<Vec<f64>> {
        (self.0)()?.values()
    }
}

pub fn call<R: Values + 'static>(run: impl FnMut() -> Outcome<R> + 'static) -> Outcome<Option<Box<dyn Way>>> {
    Ok(Some(Box::new(Call(run))))
}

/// The workload of this name, where the system has a sensible form of it.
type Make = fn(&str) -> Outcome<Option<Box<dyn Way>>>;

/// A workload that is measured, and how many calls are timed together.
struct Present {
    way: Box<dyn Way>,
    repeats: usize,
}

fn time(way: &mut dyn Way, repeats: usize) -> Outcome<f64> {
    let start = Instant::now();
    for _ in 0..repeats {
        way.run()?;
    }
    Ok(start.elapsed().as_secs_f64() / repeats as f64)
}

fn answer(make: Make, present: &mut Option<Present>, command: &Value) -> Outcome<Value> {
    match command["do"].as_str().unwrap_or_default() {
        "make" => {
            let Some(mut way) = make(command["workload"].as_str().unwrap_or_default())? else { return Ok(json!({})) };
            let values = way.values()?;
            let mean = values.iter().map(|v| v.abs()).sum::<f64>() / values.len().max(1) as f64;
            let once = time(&mut *way, 1)?.min(time(&mut *way, 1)?);
            let repeats = ((1e-3 / once.max(1e-9)) as usize).clamp(1, 100_000);
            *present = Some(Present { way, repeats });
            Ok(json!({ "mean": mean }))
        }
        "turn" => {
            let Present { way, repeats } = present.as_mut().ok_or("no workload is there")?;
            let length = Duration::from_secs_f64(command["seconds"].as_f64().unwrap_or(0.5));
            let (start, mut times) = (Instant::now(), Vec::new());
            while times.len() < 3 || start.elapsed() < length {
                time(&mut **way, 1)?;
                times.push(time(&mut **way, *repeats)?);
            }
            Ok(json!({ "times": times }))
        }
        "drop" => {
            *present = None;
            Ok(json!({}))
        }
        other => Err(format!("no command `{other}`").into()),
    }
}

/// The version of a dependency, as the lock file has it.
fn version(package: &str) -> String {
    let lock = include_str!("../Cargo.lock");
    let after = lock.split(&format!("name = \"{package}\"\nversion = \"")).nth(1);
    after.and_then(|rest| rest.split('"').next()).unwrap_or("?").to_string()
}

fn main() -> Outcome<()> {
    let name = std::env::args().nth(1).unwrap_or_default();
    let (make, version): (Make, String) = match name.as_str() {
        "candle" => (candle::make, version("candle-core")),
        "burn" => (burn::make, version("burn")),
        other => return Err(format!("no system `{other}`: candle or burn").into()),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", json!({ "version": version }))?;
    let mut present = None;
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let reply = answer(make, &mut present, &command).unwrap_or_else(|e| json!({ "error": e.to_string() }));
        writeln!(out, "{reply}")?;
        out.flush()?;
    }
    Ok(())
}
