//! Cuts a launch into jobs.
//!
//! In: a launch with its operands. Out: nothing; the outputs are written. Always: jobs divide one parallel axis, and each may
//! write only its own part of the outputs, so the cut never changes a result; little work is one job, of this thread; few long rows
//! are cut into slices.
//! Next: [`super::jobs`].

use std::ops::Range;

use crate::error::{Error, Result};
use crate::kernel::TILE;
use crate::plan::{Launch, Plan};

use super::launch::{self, Faults, Ready, Shared};
use super::straight::straighten;
use super::{internal, jobs, slices};

/// A job takes a multiple of so many elements of a lane: whole cache lines, and vectors.
const LANE_UNIT: usize = 64;

/// Runs a launch over all of its axes.
#[inline(always)]
pub(super) fn run(plan: &'static Plan, launch: &'static Launch, ready: &mut Ready) -> Result<()> {
    if ready.elements == 0 && ready.ranges[..launch.par].iter().any(|r| r.is_empty()) {
        return Ok(());
    }
    // Of one axis nothing is read again, and nothing runs as one with it.
    if ready.axes < 2 && ready.work(launch) < jobs::LEAST_CUT {
        return single(plan, launch, ready);
    }
    parts(plan, launch, ready)
}

/// The same in as many jobs as are worth it.
#[inline(never)]
fn parts(plan: &'static Plan, launch: &'static Launch, ready: &mut Ready) -> Result<()> {
    // Held while the launch runs.
    let _copies = straighten(launch, ready)?;
    ready.collapse(launch);
    let work = ready.work(launch);
    if work >= jobs::LEAST_CUT {
        if let Some(slices) = slices::of(launch, ready) {
            return slices.run(plan);
        }
        let wanted = jobs::count(work);
        if wanted > 1 {
            return several(plan, launch, ready, wanted);
        }
    }
    single(plan, launch, ready)
}

/// The same as one job.
#[inline(always)]
fn single(plan: &'static Plan, launch: &'static Launch, ready: &Ready) -> Result<()> {
    // SAFETY: a single job has the whole of every output.
    match jobs::one(|| unsafe { ready.run(launch) }) {
        Ok(fault) => launch::told(plan, fault),
        Err(text) => Err(panicked(plan, launch, text)),
    }
}

#[cold]
fn panicked(plan: &'static Plan, launch: &'static Launch, text: String) -> Error {
    internal(plan, format!("kernel {}: {text}", launch.name))
}

/// The same as up to so many jobs.
#[inline(never)]
fn several(plan: &'static Plan, launch: &'static Launch, ready: &Ready, wanted: usize) -> Result<()> {
    let (axis, unit, n) = cut(launch, ready, wanted);
    let faults = Faults::default();
    let run = |job: &Ready| {
        // SAFETY: the windows of two jobs on one output differ in their part of the one axis that `cut` chose because
        // every output has it; a single job has the whole of every output.
        faults.note(unsafe { job.run(launch) });
    };
    let shared = Shared::new(|i: usize| {
        if n == 1 {
            return run(ready);
        }
        let mut job = ready.clone();
        job.narrow(launch, axis, &part(&ready.ranges[axis], unit, n, i));
        run(&job);
    });
    let done = jobs::run(n, &|i| shared.call(i));
    faults.told(plan)?;
    done.map_err(|text| panicked(plan, launch, text))
}

/// The axis to cut, the number of its elements that stay together, and into how many jobs.
fn cut(launch: &Launch, ready: &Ready, wanted: usize) -> (usize, usize, usize) {
    let mut best = (0, 1, 1);
    for axis in 0..launch.par {
        if !ready.splits(launch, axis) {
            continue;
        }
        let lane = ready.lane_is_parallel(launch) && axis + 1 == launch.par;
        let extent = ready.extents[axis] as usize;
        let unit = match lane {
            true if extent >= wanted * TILE => TILE,
            true => LANE_UNIT,
            false => 1,
        };
        let n = extent.div_ceil(unit).min(wanted);
        if n > best.2 {
            best = (axis, unit, n);
        }
        if n == wanted {
            break;
        }
    }
    best
}

/// Part `i` of `n` of a range, in whole units.
fn part(range: &Range<isize>, unit: usize, n: usize, i: usize) -> Range<isize> {
    let len = (range.end - range.start) as usize;
    let units = jobs::part(len.div_ceil(unit), n, i);
    let at = |u: usize| range.start + (u * unit).min(len) as isize;
    at(units.start)..at(units.end)
}
