//! Launches whose lane goes across the memory of an operand, as in a transpose.
//!
//! In: a job of a launch. Out: its outputs are written. Always: the job runs in blocks of the lane and the axis that goes
//! along that operand's memory; a copy stands in for the operand's part of each block, so that the kernel reads and
//! writes neighbours and each cache line is fetched once. Next: [`super::turn`], [`super::launch`].

use std::ops::{Range, RangeInclusive};

use crate::dtype::AnyBuffer;
use crate::kernel::cache::LINE;
use crate::kernel::{Fault, Window};
use crate::plan::Launch;

use super::launch::{Found, Ready, SHORT, axis_of};
use super::memory::address_mut;
use super::turn::{Matrix, turn};

/// A block of two parallel axes: of the lane, and of the other, a few lines of each row of the memory.
const LANE: isize = 256;
const ROWS: isize = 32;
/// A block with a reduced axis has all of it: its copies must have so few bytes, to stay in the second-level cache, with
/// so many elements at least of the other axis.
const COPY: usize = 256 << 10;
const LEAST: isize = 16;
/// In the second form the rows of so many lanes run at a time: what they read has about so many bytes, to stay in the
/// first-level cache from pass to pass.
const ACROSS: RangeInclusive<isize> = 256..=4096;
const NEAR: usize = 16 << 10;
/// A multiple of so many lanes is whole vectors.
const LANES: isize = 64;
/// Of fewer elements a block is not worth its description.
const LEAST_BLOCK: isize = 512;

/// How a job crosses memory.
pub(super) struct Crossing {
    /// The lane's axis, and that along the memory of the operands; how much of each a block has.
    lane: (usize, isize),
    along: (usize, isize),
    /// Parallel axes that these operands have besides: a block has one coordinate of each.
    fixed: Vec<usize>,
    operands: Vec<Turned>,
}

/// An operand that a copy stands in for.
struct Turned {
    operand: usize,
    /// Where it has the lane, and the axis along its memory.
    across: usize,
    along: usize,
}

impl Crossing {
    /// How this job crosses the memory of some operands, if it does.
    pub(super) fn of(job: &Ready, launch: &Launch) -> Option<Crossing> {
        let reduced = job.axes.checked_sub(1).filter(|&axis| axis >= launch.par);
        let last = launch.par.checked_sub(1)?;
        let by_rows = reduced.and_then(|reduced| {
            let rows = job.extents[reduced];
            let fits = lanes(job, launch).min(fitting(rows, widest(job)));
            match job.lane_is_parallel(launch) {
                // Lanes of whole rows.
                true => {
                    let worth = rows >= 2 && fits >= LEAST && job.ranges[last].len() as isize * rows >= LEAST_BLOCK;
                    worth.then(|| Self::over(job, launch, (last, fits), (reduced..reduced + 1, rows)))?
                }
                false => {
                    let worth = rows >= SHORT && fits >= LEAST;
                    worth.then(|| Self::over(job, launch, (reduced, rows), (0..launch.par, fits)))?
                }
            }
        });
        by_rows.or_else(|| {
            let long = |axis: usize| job.ranges[axis].len() >= ROWS as usize;
            let worth = launch.lane_is_parallel && long(last) && (0..last).any(long);
            worth.then(|| Self::over(job, launch, (last, LANE), (0..last, ROWS)))?
        })
    }

    /// Whether copies of blocks stand in for an operand.
    pub(super) fn turns(&self, operand: usize) -> bool {
        self.operands.iter().any(|turned| turned.operand == operand)
    }

    /// The crossing of blocks with this much of the lane, and so much of one of the axes of `along`.
    fn over(
        job: &Ready,
        launch: &Launch,
        lane: (usize, isize),
        (axes, step): (Range<usize>, isize),
    ) -> Option<Crossing> {
        let cuts = |axis: usize| axis >= launch.par || job.splits(launch, axis);
        let long = |axis: usize| axis >= launch.par || job.ranges[axis].len() >= ROWS as usize;
        if !axes.clone().any(long) || !cuts(lane.0) {
            return None;
        }
        let mut found: Option<Crossing> = None;
        // What the own form writes across memory is not worth a copy that is read and written once.
        let operands = if job.is_across() { job.windows.len() } else { launch.inputs.len() };
        for (operand, window) in job.windows[..operands].iter().enumerate() {
            let at = |axis: usize| match axis_of(launch, operand, axis, window.rank) {
                Found::At(k) => Some(k),
                Found::No | Found::Twice => None,
            };
            let apart = |k: usize| window.stride[k].unsigned_abs();
            let bytes = |k: usize| apart(k).saturating_mul(window.dtype.bytes());
            let crosses = |&k: &usize| if job.is_across() { window.stride[k] != 1 } else { bytes(k) >= LINE };
            let Some(across) = at(lane.0).filter(crosses) else { continue };
            // An output is copied out by neighbours; of an input several elements are on a line.
            let near = |k: usize| (1..LINE).contains(&bytes(k)) && apart(k) < apart(across);
            let forth = |k: usize| window.stride[k] == 1 || (operand < launch.inputs.len() && near(k));
            let runs = |axis: &usize| at(*axis).is_some_and(forth);
            let Some(along) = axes.clone().filter(|&axis| long(axis) && cuts(axis)).find(runs) else { continue };
            let along = (along, step);
            let other = |axis: &usize| *axis != along.0 && *axis != lane.0;
            let fixed: Vec<usize> = (0..launch.par).filter(other).filter(|&axis| at(axis).is_some()).collect();
            // Any other axis must have one coordinate.
            let known = |k: usize| fixed.iter().chain([&lane.0, &along.0]).any(|&axis| at(axis) == Some(k));
            let bare = (0..window.rank).all(|k| window.size[k] == 1 || known(k));
            if !bare || !fixed.iter().all(|&axis| cuts(axis)) {
                continue;
            }
            let crossing = found.get_or_insert(Crossing { lane, along, fixed: Vec::new(), operands: Vec::new() });
            if crossing.along == along {
                crossing.fixed.extend(fixed.iter().filter(|axis| !crossing.fixed.contains(axis)).collect::<Vec<_>>());
                crossing.operands.extend(at(along.0).map(|along| Turned { operand, across, along }));
            }
        }
        found
    }

    /// By how much the first block of an axis is shorter, so that the others begin with a line: of the memory that is read
    /// across, and of a result along the lane. A block that does not has a line more of each row, and writes parts of lines.
    fn lead(&self, job: &Ready, launch: &Launch, axis: usize, step: isize) -> isize {
        let range = &job.ranges[axis];
        let crossed = self.operands.iter().map(|turned| turned.operand);
        let first = if axis == self.along.0 { crossed.min() } else { Some(launch.inputs.len()) };
        let Some((operand, window)) = first.and_then(|k| Some((k, job.windows.get(k)?))) else { return 0 };
        let bytes = window.dtype.bytes();
        match axis_of(launch, operand, axis, window.rank) {
            Found::At(k) if window.stride[k] == 1 && range.len() as isize > step => {
                let start = window.origin.wrapping_offset(range.start.wrapping_mul(bytes as isize));
                let before = (start.align_offset(LINE) / bytes) as isize % step;
                (step - before) % step
            }
            Found::At(_) | Found::No | Found::Twice => 0,
        }
    }

    /// Runs the job block by block; answers the least index that was out of range.
    ///
    /// # Safety
    /// As [`Ready::run`].
    pub(super) unsafe fn run(&self, job: &Ready, launch: &Launch) -> Option<Fault> {
        let side = (self.lane.1 * self.along.1) as usize;
        let buffer = |turned: &Turned| AnyBuffer::uninit(job.windows[turned.operand].dtype, side);
        let Ok(mut copies) = self.operands.iter().map(buffer).collect::<Result<Vec<AnyBuffer>, _>>() else {
            // Without memory for a block: slower.
            // SAFETY: the caller's promise.
            return unsafe { job.whole(launch) };
        };
        let mut fault: Option<Fault> = None;
        // Along the lane first: what is fetched ahead is of the next block, and rows of the others go on.
        let axes = self.fixed.iter().map(|&axis| (axis, 1)).chain([self.along, self.lane]);
        let axes = axes.filter(|&(axis, _)| axis < launch.par);
        let axes: Vec<(usize, isize, isize)> =
            axes.map(|(axis, step)| (axis, step, self.lead(job, launch, axis, step))).collect();
        let count = |&(axis, step, lead): &(usize, isize, isize)| {
            (job.ranges[axis].len() + lead as usize).div_ceil(step as usize)
        };
        let counts: Vec<usize> = axes.iter().map(count).collect();
        for number in 0..counts.iter().product() {
            let mut block = job.clone();
            let mut rest: usize = number;
            for (&(axis, step, lead), &count) in axes.iter().zip(&counts).rev() {
                let whole = &job.ranges[axis];
                let at = |block: usize| (whole.start + (block as isize * step - lead).max(0)).min(whole.end);
                let part = at(rest % count)..at(rest % count + 1);
                rest /= count;
                block.narrow(launch, axis, &part);
            }
            let mut written = Vec::new();
            for (turned, copy) in self.operands.iter().zip(&mut copies) {
                let window = &job.windows[turned.operand];
                let small = stand_in(&block, launch, turned, address_mut(copy.slice_mut()));
                if !within(&small, window) {
                    // The kernel will say what it reads beyond.
                    continue;
                }
                if turned.operand < launch.inputs.len() {
                    // SAFETY: the block is within the input's window, which is readable; the copy is this job's own, and
                    // no smaller than a block.
                    unsafe { copy_in(window, &small, turned) };
                } else {
                    block.streams &= !(1 << (turned.operand - launch.inputs.len()));
                    written.push((turned, small));
                }
                block.windows[turned.operand] = counted(small);
            }
            // SAFETY: the caller's promise; a copy is initialised memory of this job's own.
            let one = unsafe { block.whole(launch) };
            fault = fault.into_iter().chain(one).min();
            for (turned, small) in written {
                // SAFETY: the block is within the output's window, which is this job's own.
                unsafe { copy_out(&small, &job.windows[turned.operand], turned) };
            }
        }
        fault
    }
}

/// How many lanes run at a time in the second form.
pub(super) fn lanes(job: &Ready, launch: &Launch) -> isize {
    let row = job.extents[launch.par..job.axes].iter().fold(1isize, |n, &extent| n.saturating_mul(extent));
    let (least, most) = (*ACROSS.start(), *ACROSS.end());
    ((NEAR / widest(job)) as isize / row.max(1) / LANES * LANES).clamp(least, most)
}

/// Whether a copy holds rows of so many elements.
pub(super) fn holds(row: isize, bytes: usize) -> bool {
    fitting(row, bytes) >= LEAST
}

/// How many rows of so many elements a copy holds.
fn fitting(row: isize, bytes: usize) -> isize {
    (COPY / bytes) as isize / row.max(1) / LEAST * LEAST
}

/// The most bytes of an element.
fn widest(job: &Ready) -> usize {
    job.windows.iter().map(|window| window.dtype.bytes()).max().unwrap_or(1)
}

/// The window of a copy of a block's part of an operand; its origin is where the first element of the box lies.
fn stand_in(block: &Ready, launch: &Launch, turned: &Turned, origin: *mut u8) -> Window {
    let mut small = Window { origin, ..block.windows[turned.operand] };
    for axis in 0..block.axes {
        if let Found::At(k) = axis_of(launch, turned.operand, axis, small.rank) {
            let range = if axis < launch.par { block.ranges[axis].clone() } else { 0..block.extents[axis] };
            (small.low[k], small.size[k]) = (range.start, range.len());
        }
    }
    small.stride = [0; crate::MAX_RANK];
    small.stride[turned.across] = 1;
    small.stride[turned.along] = small.size[turned.across] as isize;
    small
}

/// The same, as a kernel counts: from coordinate 0.
fn counted(mut small: Window) -> Window {
    let low = small.low;
    for (k, first) in low.into_iter().enumerate().take(small.rank) {
        small.shift(k, -first);
        small.low[k] = first;
    }
    small
}

/// Whether a box lies in another.
fn within(small: &Window, window: &Window) -> bool {
    (0..window.rank).all(|k| {
        let end = |w: &Window| w.low[k] + w.size[k] as isize;
        small.low[k] >= window.low[k] && end(small) <= end(window)
    })
}

/// Where the box of `small` starts in a window.
fn start(window: &Window, small: &Window) -> *mut u8 {
    let first = (0..window.rank).fold(0isize, |at, k| at.wrapping_add(small.low[k].wrapping_mul(window.stride[k])));
    window.origin.wrapping_offset(first.wrapping_mul(window.dtype.bytes() as isize))
}

/// Copies the box of `small` from a window.
///
/// # Safety
/// The box must be readable in `window`, and `small.origin` have room for it from its first element on.
unsafe fn copy_in(window: &Window, small: &Window, &Turned { across, along, .. }: &Turned) {
    let matrix = Matrix {
        rows: small.size[across],
        columns: small.size[along],
        steps: [window.stride[across], window.stride[along]],
        turned: small.stride[along],
    };
    // SAFETY: the caller's promise.
    unsafe { turn(window.dtype.bytes(), start(window, small), small.origin, matrix) };
}

/// Copies the box of `small` to a window, where the axis along memory has the step 1.
///
/// # Safety
/// The box must be writable in `window`, and lie at `small.origin` from its first element on.
unsafe fn copy_out(small: &Window, window: &Window, &Turned { across, along, .. }: &Turned) {
    let matrix = Matrix {
        rows: small.size[along],
        columns: small.size[across],
        steps: [small.stride[along], 1],
        turned: window.stride[across],
    };
    // SAFETY: the caller's promise.
    unsafe { turn(window.dtype.bytes(), small.origin, start(window, small), matrix) };
}
