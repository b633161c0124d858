//! Maps whose operand has an outer axis between the elements of the lane, as the channels of an image of which each becomes a
//! plane.
//!
//! In: a job of a launch. Out: its outputs are written. Always: the job runs in blocks of the lane, each for all coordinates
//! of that axis, for these lie on the same cache lines: so a line is fetched once, not once for each of them. Next:
//! [`super::launch`].

use std::ops::Range;

use crate::dims::MAX_RANK;
use crate::kernel::cache::LINE;
use crate::kernel::{Fault, TILE};
use crate::plan::Launch;

use super::launch::{Found, Ready, axis_of};

/// What a block reads of the operand has about so many bytes, to stay in the first-level cache.
const NEAR: usize = 16 << 10;

/// How a job runs in blocks.
pub(super) struct Braid {
    /// How much of each parallel axis a block has.
    steps: [usize; MAX_RANK],
}

impl Braid {
    /// The blocks of this job, if it reads such an operand and more of it than one block.
    pub(super) fn of(job: &Ready, launch: &Launch) -> Option<Braid> {
        let last = launch.par.checked_sub(1).filter(|_| job.axes == launch.par && launch.lane_is_parallel)?;
        let (axis, bytes) = (0..launch.inputs.len()).find_map(|operand| between(job, launch, operand, last))?;
        let mut steps = [1; MAX_RANK];
        steps[axis] = job.ranges[axis].len();
        let most = NEAR / bytes;
        // Whole tiles.
        let mut room = if most >= TILE { most / TILE * TILE } else { most };
        for k in (axis + 1..=last).rev() {
            steps[k] = job.ranges[k].len().min(room).max(1);
            room /= steps[k];
        }
        (axis + 1..=last).any(|k| steps[k] < job.ranges[k].len()).then_some(Braid { steps })
    }

    /// Runs the job block by block; answers the least index that was out of range.
    ///
    /// # Safety
    /// As [`Ready::run`].
    pub(super) unsafe fn run(&self, job: &Ready, launch: &Launch) -> Option<Fault> {
        let (mut ranges, mut fault): ([Range<isize>; MAX_RANK], Option<Fault>) = (job.ranges.clone(), None);
        let counts: [usize; MAX_RANK] = std::array::from_fn(|k| job.ranges[k].len().div_ceil(self.steps[k]));
        let axes = 0..launch.par;
        for number in 0..counts[axes.clone()].iter().product() {
            let mut rest: usize = number;
            for k in axes.clone().rev() {
                let whole = &job.ranges[k];
                let start = whole.start + (rest % counts[k] * self.steps[k]) as isize;
                ranges[k] = start..whole.end.min(start + self.steps[k] as isize);
                rest /= counts[k];
            }
            // SAFETY: the caller's promise; a block is a part of the job.
            let found = unsafe { job.kernel(launch, job.outputs(launch), &ranges, None) };
            fault = fault.into_iter().chain(found).min();
        }
        fault
    }
}

/// The axis whose coordinates lie between the lane's in an input, and the bytes from one of the lane's to the next.
fn between(job: &Ready, launch: &Launch, operand: usize, lane: usize) -> Option<(usize, usize)> {
    let window = &job.windows[operand];
    let step = |axis: usize| match axis_of(launch, operand, axis, window.rank) {
        Found::At(k) => Some(window.stride[k].unsigned_abs()),
        Found::No | Found::Twice => None,
    };
    let apart = step(lane).filter(|&apart| apart.saturating_mul(window.dtype.bytes()) < LINE)?;
    let lies = |&axis: &usize| job.ranges[axis].len() > 1 && step(axis).is_some_and(|step| (1..apart).contains(&step));
    (0..lane).find(lies).map(|axis| (axis, apart * window.dtype.bytes()))
}
