//! Times side by side.
//!
//! In: ways to compute the same thing. Out: a line each with its median time. Always: the ways take turns, so that
//! whatever else the machine does meets them alike; each runs twice in its turn and the second time counts, so that
//! none pays for what the others left in the caches; a result is dropped before the next run, so that each way finds
//! the memory it gave back; all results agree.

use std::time::{Duration, Instant};

use ndarray::{Array, Dimension};
use ndfuse::{Shape, Tensor};

/// A result to compare with the others.
pub trait Values {
    /// In row-major order.
    fn values(&self) -> Vec<f32>;
}

impl<S: Shape> Values for Tensor<f32, S> {
    fn values(&self) -> Vec<f32> {
        self.to_vec().expect("a result on the host")
    }
}

impl<D: Dimension> Values for Array<f32, D> {
    fn values(&self) -> Vec<f32> {
        self.iter().copied().collect()
    }
}

/// One way to do the work.
pub struct Way<'a> {
    pub name: &'a str,
    pub run: &'a dyn Fn() -> ndfuse::Result<Box<dyn Values>>,
}

/// Prints the median time of each way, and how many times the first one's it is.
pub fn compare(title: &str, rounds: usize, tolerance: f32, ways: &[Way]) -> ndfuse::Result<()> {
    let mut times = vec![Vec::new(); ways.len()];
    let mut results: Vec<Option<Box<dyn Values>>> = ways.iter().map(|_| None).collect();
    for _ in 0..rounds {
        for (k, way) in ways.iter().enumerate() {
            results[k] = None;
            drop((way.run)()?);
            let start = Instant::now();
            let result = (way.run)()?;
            times[k].push(start.elapsed());
            results[k] = Some(result);
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{title}; median of {rounds}; {threads} processors");
    let medians: Vec<Duration> = times.iter_mut().map(|t| median(t)).collect();
    for (way, time) in ways.iter().zip(&medians) {
        let ratio = time.as_secs_f64() / medians[0].as_secs_f64();
        println!("  {:<44} {:>8.2} ms {ratio:>6.1}x", way.name, time.as_secs_f64() * 1e3);
    }
    let values: Vec<Vec<f32>> = results.iter().flatten().map(|r| r.values()).collect();
    for (other, way) in values.iter().zip(ways) {
        let error = values[0].iter().zip(other).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(error <= tolerance && other.len() == values[0].len(), "`{}` differs by {error}", way.name);
    }
    Ok(())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
