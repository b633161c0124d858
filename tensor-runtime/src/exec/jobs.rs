//! Runs jobs on the threads of rayon's current pool.
//!
//! In: a number of jobs and what one does. Out: nothing, or the text of a panic. Always: one job runs on the
//! caller's thread, with no hand-off; no panic leaves. Next: [`super::crew`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::crew;

/// The work below which a thread is not worth waking, in about machine instructions on single elements.
const LEAST_WORK: u64 = 1 << 17;
/// Less work than this is one job.
pub(super) const LEAST_CUT: u64 = 2 * LEAST_WORK;
/// Jobs a thread, so that a slow one does not hold up the others; and the work of one below which it is not worth being several.
const JOBS_A_THREAD: u64 = 4;
const LEAST_OF_SEVERAL: u64 = 1 << 22;
/// The most threads for one step.
const MOST: usize = 64;

/// How many jobs to cut `work` into.
pub(super) fn count(work: u64) -> usize {
    if work < LEAST_CUT {
        return 1;
    }
    match rayon::current_num_threads() as u64 {
        1 => 1,
        threads => {
            let jobs = (work / threads / LEAST_OF_SEVERAL).clamp(1, JOBS_A_THREAD);
            (work / LEAST_WORK).min(threads * jobs) as usize
        }
    }
}

/// How many threads run so many jobs.
pub(super) fn threads(jobs: usize) -> usize {
    if jobs <= 1 { 1 } else { rayon::current_num_threads().min(jobs).min(MOST) }
}

/// Part `i` of `n` nearly equal parts of `0..total`.
pub(super) fn part(total: usize, n: usize, i: usize) -> std::ops::Range<usize> {
    let at = |i: usize| (total as u128 * i as u128 / n as u128) as usize;
    at(i)..at(i + 1)
}

/// Whether a thread that begins with its own part of `n` jobs has none after this one.
pub(super) fn is_last(n: usize, job: usize) -> bool {
    let team = threads(n);
    (0..team).any(|k| part(n, team, k).end == job + 1)
}

/// Runs a job on this thread, and answers what it does or the text of its panic.
#[inline]
pub(super) fn one<R>(job: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(job)).map_err(|panic| text(&*panic))
}

/// Runs `job(0)` to `job(n - 1)`, in any order, and answers the text of the first panic.
pub(super) fn run(n: usize, job: &(dyn Fn(usize) + Sync)) -> Result<(), String> {
    run_with(n, &|(): &mut (), i| job(i))
}

/// The same, with what a thread has for all of its jobs.
pub(super) fn run_with<S: Default>(n: usize, job: &(dyn Fn(&mut S, usize) + Sync)) -> Result<(), String> {
    if n == 1 {
        return one(|| job(&mut S::default(), 0));
    }
    let team = threads(n);
    // Each begins with its own part, which is the same from step to step, and then helps others: what a thread has
    // written is in its cache.
    let next: [AtomicUsize; MOST] =
        std::array::from_fn(|k| AtomicUsize::new(if k < team { part(n, team, k).start } else { n }));
    let failure = Mutex::new(None);
    let work = |number: usize| {
        let mut own = S::default();
        for k in (0..team).map(|k| (number + k) % team) {
            let end = part(n, team, k).end;
            loop {
                let i = next[k].fetch_add(1, Ordering::Relaxed);
                if i >= end {
                    break;
                }
                if let Err(panic) = catch_unwind(AssertUnwindSafe(|| job(&mut own, i))) {
                    let mut failure = failure.lock().unwrap_or_else(|e| e.into_inner());
                    failure.get_or_insert_with(|| text(&*panic));
                }
            }
        }
    };
    crew::run(team - 1, &work);
    failure.into_inner().unwrap_or_else(|e| e.into_inner()).map_or(Ok(()), Err)
}

#[cold]
fn text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a kernel panicked".into())
}
