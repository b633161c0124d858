//! Launches whose lane goes across the memory of an input, as in a transpose.
//!
//! In: a job of a launch. Out: its outputs are written. Always: the job runs in squares of the lane and the axis that
//! goes along that input's memory; of each square the input is first copied, so that the kernel reads neighbours and
//! each cache line is fetched once. Next: [`super::launch`].

use crate::dtype::AnyBuffer;
use crate::kernel::{Fault, Window};
use crate::plan::Launch;

use super::launch::{Found, LINE, Ready, axis_of};
use super::memory::address_mut;

/// The lane of a block, and its other side: a few lines of each row of the memory, and a copy in the second-level cache.
const LANE: isize = 512;
const ROWS: isize = 16;

/// How a job crosses memory.
pub(super) struct Crossing {
    /// The parallel axis along the memory of the inputs.
    along: usize,
    /// Parallel axes that these inputs have besides: a square has one coordinate of each.
    fixed: Vec<usize>,
    /// The inputs, each with where it has the lane and the axis along its memory.
    inputs: Vec<(usize, usize, usize)>,
}

impl Crossing {
    /// How this job crosses the memory of some inputs, if it does.
    pub(super) fn of(job: &Ready, launch: &Launch) -> Option<Crossing> {
        let lane = launch.par.checked_sub(1).filter(|_| job.lane_is_parallel(launch))?;
        let long = |axis: usize| job.ranges[axis].len() >= ROWS as usize;
        if !long(lane) || !(0..lane).any(long) || !job.splits(launch, lane) {
            return None;
        }
        let mut found: Option<Crossing> = None;
        for (input, window) in job.windows[..launch.inputs.len()].iter().enumerate() {
            let at = |axis: usize| match axis_of(launch, input, axis, window.rank) {
                Found::At(k) => Some(k),
                Found::No | Found::Twice => None,
            };
            let Some(across) =
                at(lane).filter(|&k| window.stride[k].unsigned_abs().saturating_mul(window.dtype.bytes()) >= LINE)
            else {
                continue;
            };
            let runs = |axis: &usize| at(*axis).is_some_and(|k| window.stride[k].unsigned_abs() == 1);
            let Some(along) = (0..lane).filter(|&axis| long(axis) && job.splits(launch, axis)).find(runs) else {
                continue;
            };
            let fixed: Vec<usize> = (0..lane).filter(|&axis| axis != along && at(axis).is_some()).collect();
            // Any other axis must have one coordinate.
            let bare = |k: usize| window.size[k] == 1 || (0..launch.par).any(|axis| at(axis) == Some(k));
            let cut = fixed.iter().all(|&axis| job.splits(launch, axis));
            if !cut || !(0..window.rank).all(bare) {
                continue;
            }
            let crossing = found.get_or_insert(Crossing { along, fixed: Vec::new(), inputs: Vec::new() });
            if crossing.along == along {
                crossing.fixed.extend(fixed.iter().filter(|axis| !crossing.fixed.contains(axis)).collect::<Vec<_>>());
                crossing.inputs.extend(at(along).map(|k| (input, across, k)));
            }
        }
        found
    }

    /// Runs the job square by square; answers the least index that was out of range.
    ///
    /// # Safety
    /// As [`Ready::run`].
    pub(super) unsafe fn run(&self, job: &Ready, launch: &Launch) -> Option<Fault> {
        let lane = launch.par - 1;
        let side = (LANE * ROWS) as usize;
        let buffer = |&(input, ..): &(usize, usize, usize)| AnyBuffer::uninit(job.windows[input].dtype, side);
        let Ok(mut copies) = self.inputs.iter().map(buffer).collect::<Result<Vec<AnyBuffer>, _>>() else {
            // Without memory for a square: slower.
            // SAFETY: the caller's promise.
            return unsafe { job.run(launch) };
        };
        let mut fault: Option<Fault> = None;
        let axes: Vec<usize> = self.fixed.iter().copied().chain([lane, self.along]).collect();
        let step = |axis: usize| match axis {
            _ if axis == lane => LANE,
            _ if axis == self.along => ROWS,
            _ => 1,
        };
        let counts: Vec<usize> =
            axes.iter().map(|&axis| job.ranges[axis].len().div_ceil(step(axis) as usize)).collect();
        for number in 0..counts.iter().product() {
            let mut square = job.clone();
            let mut rest: usize = number;
            for (&axis, &count) in axes.iter().zip(&counts).rev() {
                let start = job.ranges[axis].start + (rest % count) as isize * step(axis);
                rest /= count;
                let part = start..(start + step(axis)).min(job.ranges[axis].end);
                square.narrow(launch, axis, &part);
            }
            for (&(input, across, along), copy) in self.inputs.iter().zip(&mut copies) {
                let window = &job.windows[input];
                let mut small = Window { origin: address_mut(copy.slice_mut()), ..*window };
                for axis in 0..launch.par {
                    if let Found::At(k) = axis_of(launch, input, axis, window.rank) {
                        (small.low[k], small.size[k]) = (square.ranges[axis].start, square.ranges[axis].len());
                    }
                }
                small.stride = [0; crate::MAX_RANK];
                small.stride[across] = 1;
                small.stride[along] = small.size[across] as isize;
                if !within(&small, window) {
                    // The kernel will say what it reads beyond.
                    continue;
                }
                // SAFETY: the square is within the input's window, which is readable; the copy is this job's own, and
                // no smaller than a square.
                unsafe { transpose(window, &small, across, along) };
                let low = small.low;
                for (k, first) in low.into_iter().enumerate().take(small.rank) {
                    small.shift(k, -first);
                    small.low[k] = first;
                }
                square.windows[input] = small;
            }
            // SAFETY: the caller's promise; a copy is initialised memory of this job's own.
            let one = unsafe { square.run(launch) };
            fault = match (fault, one) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        fault
    }
}

/// Whether a box lies in another.
fn within(small: &Window, window: &Window) -> bool {
    (0..window.rank).all(|k| {
        let end = |w: &Window| w.low[k] + w.size[k] as isize;
        small.low[k] >= window.low[k] && end(small) <= end(window)
    })
}

/// Copies the box of `to` from a window, the axis `across` next to each other.
///
/// # Safety
/// The box must be readable in `from`, and `to.origin` have room for it from its first element on.
unsafe fn transpose(from: &Window, to: &Window, across: usize, along: usize) {
    let first = (0..from.rank).fold(0isize, |at, k| at.wrapping_add(to.low[k].wrapping_mul(from.stride[k])));
    let start = from.origin.wrapping_offset(first.wrapping_mul(from.dtype.bytes() as isize));
    let (sizes, steps) = ([to.size[across], to.size[along]], [from.stride[across], from.stride[along]]);
    // SAFETY: the caller's promise.
    unsafe {
        match from.dtype.bytes() {
            1 => square::<u8>(start.cast(), steps, to.origin.cast(), sizes),
            2 => square::<u16>(start.cast(), steps, to.origin.cast(), sizes),
            4 => square::<u32>(start.cast(), steps, to.origin.cast(), sizes),
            _ => square::<u64>(start.cast(), steps, to.origin.cast(), sizes),
        }
    }
}

/// `to[b, a] = from[a, b]`, `to` dense.
///
/// # Safety
/// As [`transpose`].
unsafe fn square<W: Copy>(from: *const W, [across, along]: [isize; 2], to: *mut W, [n, m]: [usize; 2]) {
    for a in 0..n {
        let row = from.wrapping_offset(a as isize * across);
        for b in 0..m {
            // SAFETY: the caller's promise.
            unsafe { to.add(b * n + a).write(row.wrapping_offset(b as isize * along).read()) };
        }
    }
}
