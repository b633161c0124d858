//! One workload, measured by several systems side by side.
//!
//! In: a [`Workload`]: its systems and how much work it is. Out: a [`Row`] a system. Always: before anything is timed
//! every system's result is compared with the first one's, and a difference is an error; the systems take turns, the
//! limit among them, so that whatever else the machine does meets them alike; a turn is a run of calls, as long as a
//! peer's in `benches/peers` and of which the first counts for nothing, so that none pays for what the others left in
//! the caches; a fresh result is freed within its time. Next: [`crate::limits`], [`crate::report`].

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::{Array, Dimension};
use ndfuse::{Element, Params, Shape, Tensor};

use crate::limits::Limit;

/// What a workload costs at least.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// So many bytes are read and written: the limit is a copy.
    Copy(usize),
    /// So many bytes are read and next to nothing is written: the limit is a sum of words.
    Read(usize),
    /// So many multiplications and additions: the limit is the rate of a matrix product of this size.
    Product { flops: f64, size: usize },
    /// Nothing but the call.
    Call,
}

/// The same computation by several systems, which borrow its arrays.
pub struct Workload<'a> {
    pub name: &'static str,
    /// What is computed, of which sizes.
    pub text: &'static str,
    pub work: Work,
    /// The relative error that one result may have against another.
    pub tolerance: f64,
    /// How many of a million numbers may differ by more: of ties that roundings decide.
    pub outliers: usize,
    pub systems: Vec<System<'a>>,
    /// Which systems are not there, and why.
    pub without: &'static str,
}

/// What a workload hands itself to when its arrays are made.
pub type Measure<'m> = dyn FnMut(Workload<'_>) -> Result<(), Box<dyn Error>> + 'm;

/// How a workload ends that makes its arrays and hands itself over.
pub type Outcome = Result<(), Box<dyn Error>>;

/// One way to do the work.
pub struct System<'a> {
    pub name: &'static str,
    way: Box<dyn Way + 'a>,
}

trait Way {
    fn run(&mut self) -> ndfuse::Result<()>;
    fn values(&mut self) -> ndfuse::Result<Vec<f64>>;
}

struct Fresh<F>(F);

struct Into<T, F> {
    out: T,
    run: F,
}

impl<T: Values, F: FnMut() -> ndfuse::Result<T>> Way for Fresh<F> {
    fn run(&mut self) -> ndfuse::Result<()> {
        drop(black_box((self.0)()?));
        Ok(())
    }

    fn values(&mut self) -> ndfuse::Result<Vec<f64>> {
        (self.0)()?.values()
    }
}

impl<T: Values, F: FnMut(&mut T) -> ndfuse::Result<()>> Way for Into<T, F> {
    fn run(&mut self) -> ndfuse::Result<()> {
        (self.run)(&mut self.out)?;
        black_box(&self.out);
        Ok(())
    }

    fn values(&mut self) -> ndfuse::Result<Vec<f64>> {
        (self.run)(&mut self.out)?;
        self.out.values()
    }
}

impl<'a> System<'a> {
    /// A call that answers a new result.
    pub fn fresh<T: Values>(name: &'static str, run: impl FnMut() -> ndfuse::Result<T> + 'a) -> Self {
        System { name, way: Box::new(Fresh(run)) }
    }

    /// A call that writes to memory that is already there.
    pub fn into<T: Values + 'a>(out: T, run: impl FnMut(&mut T) -> ndfuse::Result<()> + 'a) -> Self {
        System { name: "ndfuse-into", way: Box::new(Into { out, run }) }
    }
}

/// A result to compare with the others.
pub trait Values {
    /// In row-major order.
    fn values(&self) -> ndfuse::Result<Vec<f64>>;
}

/// Numbers that can be compared.
pub trait Number: Element {
    fn float(self) -> f64;
}

impl Number for f32 {
    fn float(self) -> f64 {
        f64::from(self)
    }
}

impl Number for i64 {
    fn float(self) -> f64 {
        self as f64
    }
}

impl<E: Number, S: Shape> Values for Tensor<E, S> {
    fn values(&self) -> ndfuse::Result<Vec<f64>> {
        Ok(self.to_vec()?.into_iter().map(Number::float).collect())
    }
}

impl<E: Number, D: Dimension> Values for Array<E, D> {
    fn values(&self) -> ndfuse::Result<Vec<f64>> {
        Ok(self.iter().map(|&x| x.float()).collect())
    }
}

impl Values for f32 {
    fn values(&self) -> ndfuse::Result<Vec<f64>> {
        Ok(vec![f64::from(*self)])
    }
}

/// A parameter struct of `f32` arrays that lie densely.
pub struct All<P>(pub P);

impl<P: Params> Values for All<P> {
    fn values(&self) -> ndfuse::Result<Vec<f64>> {
        let mut all = Vec::new();
        for (_, leaf) in self.0.named() {
            let raw = leaf.raw()?;
            all.extend(raw.typed::<f32>().into_iter().flat_map(|x| x.data).map(|&x| f64::from(x)));
        }
        Ok(all)
    }
}

macro_rules! tuples {
    ($($t:ident)*) => {
        impl<$($t: Values),*> Values for ($($t,)*) {
            #[allow(non_snake_case, reason = "the types' names serve the fields too")]
            fn values(&self) -> ndfuse::Result<Vec<f64>> {
                let ($($t,)*) = self;
                Ok([$($t.values()?),*].concat())
            }
        }
    };
}

tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E F G);

/// What was measured of a system.
#[derive(Clone, Debug)]
pub struct Row {
    pub system: &'static str,
    /// Of a call, in seconds.
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// How near the system comes to the limit, which is 1: the median of what the two took in each turn.
    pub ratio: Option<f64>,
    /// The mean size of the result's numbers, by which a run in another language tells whether it does the same.
    pub mean: Option<f64>,
}

/// How often and how long a workload is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    pub budget: Duration,
    pub rounds: usize,
}

/// The least number of turns.
const LEAST: usize = 3;
/// A turn makes calls for so long, in seconds.
const TURN: f64 = 0.1;
/// A shorter call is timed with as many others as take so long, in seconds.
const SHORT: f64 = 1e-3;

/// Compares the systems' results, then their times; the limit's row comes last.
pub fn measure(workload: &mut Workload<'_>, effort: Effort) -> Result<Vec<Row>, String> {
    let failed = |system: &str, why: &dyn std::fmt::Display| format!("{system}: {why}");
    let means = check(workload)?;
    let mut limit = Limit::of(workload.work);
    let mut repeats = Vec::new();
    for system in &mut workload.systems {
        let once = time(1, &mut || system.way.run()).map_err(|e| failed(system.name, &e))?;
        repeats.push(((SHORT / once.max(1e-9)) as usize).clamp(1, 100_000));
    }
    let mut times = vec![Vec::new(); workload.systems.len()];
    let mut limits = Vec::new();
    let start = Instant::now();
    while times[0].len() < LEAST || (times[0].len() < effort.rounds && start.elapsed() < effort.budget) {
        for ((system, times), &repeats) in workload.systems.iter_mut().zip(&mut times).zip(&repeats) {
            times.push(turn(repeats, &mut || system.way.run()).map_err(|e| failed(system.name, &e))?);
        }
        if let Some(limit) = &mut limit {
            let run = &mut || {
                limit.run();
                Ok(())
            };
            let spent = turn(1, run).map_err(|e| failed("limit", &e))?;
            limits.push(spent.into_iter().map(|t| t * limit.scale).collect());
        }
    }
    let middles = |turns: &[Vec<f64>]| turns.iter().map(|t| median(t.clone())).collect::<Vec<f64>>();
    let per_turn = middles(&limits);
    let ratio = |turns: &[Vec<f64>]| {
        let ratios = middles(turns).iter().zip(&per_turn).map(|(t, l)| l / t).collect();
        limit.as_ref().map(|_| median(ratios))
    };
    let names = workload.systems.iter().map(|s| s.name);
    let mut rows: Vec<Row> =
        names.zip(&times).zip(means).map(|((system, t), mean)| row(system, t, ratio(t), Some(mean))).collect();
    rows.extend((!limits.is_empty()).then(|| row("limit", &limits, Some(1.0), None)));
    Ok(rows)
}

/// The seconds of each call of a turn, but for the first; so many calls are timed together.
fn turn(repeats: usize, run: &mut dyn FnMut() -> ndfuse::Result<()>) -> ndfuse::Result<Vec<f64>> {
    let start = Instant::now();
    run()?;
    let mut times = Vec::new();
    while times.is_empty() || start.elapsed().as_secs_f64() < TURN {
        times.push(time(repeats, run)?);
    }
    Ok(times)
}

/// The seconds of a call, which is made so many times.
fn time(repeats: usize, run: &mut dyn FnMut() -> ndfuse::Result<()>) -> ndfuse::Result<f64> {
    let start = Instant::now();
    for _ in 0..repeats {
        run()?;
    }
    Ok(start.elapsed().as_secs_f64() / repeats as f64)
}

fn row(system: &'static str, turns: &[Vec<f64>], ratio: Option<f64>, mean: Option<f64>) -> Row {
    let times = turns.concat();
    let (min, max) = times.iter().fold((f64::INFINITY, 0.0f64), |(low, high), &t| (low.min(t), high.max(t)));
    Row { system, median: median(times), min, max, ratio, mean }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Compares every system's result with the first one's; answers their mean sizes.
fn check(workload: &mut Workload<'_>) -> Result<Vec<f64>, String> {
    let tolerance = workload.tolerance;
    let mut first: Option<Vec<f64>> = None;
    let mut means = Vec::new();
    for system in &mut workload.systems {
        let values = system.way.values().map_err(|e| format!("{}: {e}", system.name))?;
        if let Some(bad) = values.iter().find(|v| !v.is_finite()) {
            return Err(format!("{} has {bad} in its result", system.name));
        }
        means.push(values.iter().map(|v| v.abs()).sum::<f64>() / values.len().max(1) as f64);
        let Some(first) = &first else {
            first = Some(values);
            continue;
        };
        let size = first.iter().map(|v| v.abs()).sum::<f64>() / first.len().max(1) as f64;
        let differs = |(a, b): &(&f64, &f64)| (*a - *b).abs() > tolerance * (a.abs() + size);
        let count = first.iter().zip(&values).filter(differs).count();
        if first.len() != values.len() || count * 1_000_000 > workload.outliers * first.len() {
            let worst = first.iter().zip(&values).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            let (all, others) = (first.len(), values.len());
            return Err(format!(
                "{} differs in {count} of {all} numbers (it has {others}), by {worst} at most",
                system.name
            ));
        }
    }
    Ok(means)
}
