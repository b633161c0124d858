//! Launches a kernel: gives it windows on its operands.
//!
//! In: a launch, the buffers. Out: [`Ready`], which runs as one job or as several. Always: a job may write only its own part of
//! the outputs. Next: [`super::cut`].

use std::ops::Range;
use std::sync::Mutex;

use crate::dims::{MAX_AXES, MAX_RANK};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::cache::LINE;
use crate::kernel::slice::Slice;
use crate::kernel::{Cx, Fault, Window};
use crate::layout::Lent;
use crate::plan::{BufferId, Launch, Place, Plan};

use super::braid::Braid;
use super::cross::{self, Crossing};
use super::few::Few;
use super::memory::{Memory, Spot, Target};
use super::{cut, internal, wanted};

/// Rows of fewer elements are short: what a row costs by itself is more than its elements.
pub(super) const SHORT: isize = 32;
/// A lane of so many elements is worth the second form.
const LEAST_ACROSS: isize = 16;
/// A result of so many bytes is gone from most caches before it is read.
const STREAM: usize = 16 << 20;
/// The most bytes of an element.
const WIDEST: usize = 8;
/// A launch of this cost at most does little but move memory; others compute while lines are fetched.
const MOVES: u32 = 6;
/// The lines of so many results are more than a core can wait for beside those that it reads.
const SEVERAL: usize = 2;

/// Everything about a launch but its cut into jobs.
#[derive(Clone)]
pub(super) struct Ready {
    pub(super) axes: usize,
    pub(super) extents: [isize; MAX_AXES],
    /// The product of these.
    pub(super) elements: usize,
    /// Of the parallel axes.
    pub(super) ranges: [Range<isize>; MAX_RANK],
    sizes: Few<isize, 8>,
    /// Whether the kernel's second form runs, whose lane is the last parallel axis.
    across: bool,
    /// Of the outputs, a bit each: those that are written past the caches.
    pub(super) streams: u64,
    /// Inputs, then outputs.
    pub(super) windows: Few<Window, 6>,
}

/// Runs a launch over all of its axes.
pub(super) fn run(plan: &'static Plan, launch: &'static Launch, memory: &mut Memory<'_>, sizes: &[i64]) -> Result<()> {
    let mut ready = Ready::empty();
    ready.fill(plan, launch, memory, sizes, &[])?;
    cut::run(plan, launch, &mut ready)
}

/// The least index out of range that any job of a step has met.
#[derive(Default)]
pub(super) struct Faults(Mutex<Option<Fault>>);

impl Faults {
    pub(super) fn note(&self, fault: Option<Fault>) {
        if let Some(fault) = fault {
            let mut least = self.0.lock().unwrap_or_else(|e| e.into_inner());
            *least = Some(least.map_or(fault, |other| other.min(fault)));
        }
    }

    pub(super) fn told(self, plan: &'static Plan) -> Result<()> {
        told(plan, self.0.into_inner().unwrap_or_else(|e| e.into_inner()))
    }
}

/// What an index out of range is to the caller.
#[inline]
pub(super) fn told(plan: &'static Plan, fault: Option<Fault>) -> Result<()> {
    match fault {
        Some(fault) => Err(wrong(plan, fault)),
        None => Ok(()),
    }
}

#[cold]
fn wrong(plan: &'static Plan, (index, size): Fault) -> Error {
    Error::index(plan.function, "take", index, size.max(0) as usize)
}

/// A job that holds windows, which are pointers.
pub(super) struct Shared<F>(F);

// SAFETY: what keeps the jobs of one launch apart is said where they are made; the memory itself may be used by any
// thread, for all elements are `Send` and `Sync`.
unsafe impl<F> Sync for Shared<F> {}

impl<F> Shared<F> {
    pub(super) fn new(job: F) -> Shared<F> {
        Shared(job)
    }

    pub(super) fn call<A, R>(&self, which: A) -> R
    where
        F: Fn(A) -> R,
    {
        (self.0)(which)
    }
}

/// Finds the operands of a launch: see [`Ready::fill`].
pub(super) fn prepare(
    plan: &'static Plan,
    launch: &Launch,
    memory: &mut Memory<'_>,
    sizes: &[i64],
    given: &[(BufferId, Spot<'_>)],
) -> Result<Ready> {
    let mut ready = Ready::empty();
    ready.fill(plan, launch, memory, sizes, given)?;
    Ok(ready)
}

/// Whether a buffer is a result that no cache keeps until somebody reads it: a write past the caches spares its lines
/// from being fetched first.
fn streams(plan: &'static Plan, buffer: BufferId, window: &Window) -> bool {
    let elements = window.size[..window.rank].iter().fold(1usize, |n, &size| n.saturating_mul(size));
    let large = elements.saturating_mul(window.dtype.bytes()) >= STREAM;
    let buffers = plan.buffers;
    let is_it =
        |id: BufferId| id == buffer || matches!(buffers[usize::from(id)].place, Place::View(of) if of == buffer);
    let result = || matches!(buffers[usize::from(buffer)].place, Place::Output);
    large && result() && !plan.steps.iter().flat_map(|step| wanted::reads(&step.action)).any(is_it)
}

/// Hands out the operands of a launch: inputs, then outputs. `given` is as in [`prepare`].
#[inline]
pub(super) fn each_spot<'m: 's, 's, T: Target>(
    plan: &'static Plan,
    launch: &Launch,
    memory: &mut Memory<'m, T>,
    sizes: &[i64],
    given: &[(BufferId, Spot<'s>)],
    mut each: impl FnMut(&Spot<'s>),
) -> Result<()> {
    let place = |id: BufferId| given.iter().find(|(given, _)| *given == id).map(|(_, spot)| spot);
    for &input in launch.inputs {
        match place(input).or_else(|| memory.known(input)) {
            Some(spot) => each(spot),
            None => each(&memory.reading(input, sizes)?),
        }
    }
    for (k, output) in launch.outputs.iter().enumerate() {
        let given = place(output.buffer);
        let root = match given.or_else(|| memory.known(output.buffer).filter(|spot| spot.writable)) {
            Some(spot) => {
                each(spot);
                spot.root
            }
            None => {
                let spot = memory.writing(output.buffer, sizes)?;
                each(&spot);
                spot.root
            }
        };
        let is_it = |id: BufferId| place(id).or_else(|| memory.known(id)).is_some_and(|spot| spot.root == root);
        if launch.inputs.iter().any(|&id| is_it(id)) || launch.outputs[..k].iter().any(|other| is_it(other.buffer)) {
            return Err(internal(plan, format!("kernel {} writes what it reads", launch.name)));
        }
    }
    Ok(())
}

/// Whether the last parallel axis is the better lane: where the last reduced one is short, or crosses the memory of more
/// inputs than it follows. It depends on sizes and strides alone, as the order of sums does.
#[inline(never)]
fn goes_across(launch: &Launch, extents: &[isize], windows: &[Window]) -> bool {
    let (Some(last), true) = (launch.par.checked_sub(1), launch.par < extents.len()) else { return false };
    let lane = extents.len() - 1;
    if extents[last] < LEAST_ACROSS {
        return false;
    }
    let crosses = |(operand, window): (usize, &Window)| {
        // An input is read in every pass, unless a copy stands in for it; an output is written once.
        let input = operand < launch.inputs.len();
        let weight = if input && !cross::holds(extents[lane], window.dtype.bytes()) { 2 } else { 1 };
        let step = |axis: usize| match axis_of(launch, operand, axis, window.rank) {
            Found::At(k) => Some(window.stride[k].unsigned_abs()),
            Found::No | Found::Twice => None,
        };
        match (step(last), step(lane)) {
            (Some(1), Some(row)) if row.saturating_mul(window.dtype.bytes()) >= LINE => weight,
            (_, Some(1)) => -weight,
            (None | Some(_), None | Some(_)) => 0,
        }
    };
    extents[lane] < SHORT || windows.iter().enumerate().map(crosses).sum::<i32>() > 0
}

impl Ready {
    #[inline]
    pub(super) fn empty() -> Ready {
        Ready {
            axes: 0,
            extents: [0; MAX_AXES],
            elements: 0,
            ranges: [const { 0..0 }; MAX_RANK],
            sizes: Few::new(),
            across: false,
            streams: 0,
            windows: Few::new(),
        }
    }

    /// Finds the operands of a launch. `given` are the places of buffers that have none in `memory`.
    ///
    /// All windows then lie in initialised memory that `memory` borrows or owns; outputs are of other roots than the
    /// inputs and than one another, so nothing reads them and no two overlap; each has an injective layout.
    fn fill(
        &mut self,
        plan: &'static Plan,
        launch: &Launch,
        memory: &mut Memory<'_>,
        sizes: &[i64],
        given: &[(BufferId, Spot<'_>)],
    ) -> Result<()> {
        self.begin(plan, launch, sizes)?;
        each_spot(plan, launch, memory, sizes, given, |spot| self.open(spot.start, spot.dtype, spot.layout))?;
        self.choose(plan, launch);
        Ok(())
    }

    /// Its axes.
    #[inline(always)]
    pub(super) fn begin(&mut self, plan: &'static Plan, launch: &Launch, sizes: &[i64]) -> Result<()> {
        let axes = launch.extents.len();
        if axes > MAX_AXES || launch.par > axes.min(MAX_RANK) || launch.outputs.len() > 64 {
            return Err(too_many(plan, launch));
        }
        self.axes = axes;
        self.elements = 1;
        for (axis, &slot) in launch.extents.iter().enumerate() {
            let Some(&size) = sizes.get(usize::from(slot)) else { return Err(unknown(plan, launch, slot)) };
            let extent = size.max(0) as isize;
            self.extents[axis] = extent;
            if axis < MAX_RANK {
                self.ranges[axis] = 0..extent;
            }
            self.elements = self.elements.saturating_mul(extent as usize);
        }
        for &slot in launch.sizes {
            let Some(&size) = sizes.get(usize::from(slot)) else { return Err(unknown(plan, launch, slot)) };
            self.sizes.push(size as isize);
        }
        Ok(())
    }

    /// Its next operand: inputs come first, then outputs.
    #[inline(always)]
    pub(super) fn open(&mut self, start: *mut u8, dtype: DType, layout: Lent<'_>) {
        open(start, dtype, layout, self.windows.push_new(|| Window::NOWHERE));
    }

    /// The form that it runs in, once it has all operands.
    #[inline(always)]
    pub(super) fn choose(&mut self, plan: &'static Plan, launch: &Launch) {
        self.across = launch.cpu.has_across() && goes_across(launch, &self.extents[..self.axes], &self.windows);
        if self.elements >= STREAM / WIDEST {
            self.stream(plan, launch);
        }
    }

    /// Which of its outputs go past the caches.
    #[inline(never)]
    fn stream(&mut self, plan: &'static Plan, launch: &Launch) {
        let least = if launch.cost <= MOVES { 1 } else { SEVERAL };
        let outputs = launch.outputs.iter().zip(&self.windows[launch.inputs.len()..]).enumerate();
        let streamed = outputs.filter(|(_, (output, window))| streams(plan, output.buffer, window));
        let bits: u64 = streamed.fold(0, |bits, (k, _)| bits | 1 << k);
        self.streams = if bits.count_ones() as usize >= least { bits } else { 0 };
    }

    /// About how many instructions on single elements it takes.
    #[inline]
    pub(super) fn work(&self, launch: &Launch) -> u64 {
        (self.elements as u64).saturating_mul(u64::from(launch.cost.max(1)))
    }

    /// Whether the last parallel axis is the vector lane.
    #[inline]
    pub(super) fn lane_is_parallel(&self, launch: &Launch) -> bool {
        launch.lane_is_parallel || self.across
    }

    /// Whether the second form runs.
    pub(super) fn is_across(&self) -> bool {
        self.across
    }

    /// Limits the job to a part of a parallel axis.
    pub(super) fn narrow(&mut self, launch: &Launch, axis: usize, part: &Range<isize>) {
        for (k, window) in self.windows.iter_mut().enumerate().skip(launch.inputs.len()) {
            narrow(window, accesses(launch, k), axis, part);
        }
        self.ranges[axis] = part.clone();
    }

    /// Runs the kernel on this job; answers the least index that was out of range.
    ///
    /// # Safety
    /// Windows on outputs must not meet those of another job that runs meanwhile; see [`prepare`] for the rest.
    #[inline]
    pub(super) unsafe fn run(&self, launch: &Launch) -> Option<Fault> {
        // Both are for two axes.
        if self.axes > 1 {
            if let Some(crossing) = Crossing::of(self, launch) {
                // SAFETY: the caller's promise.
                return unsafe { crossing.run(self, launch) };
            }
            if let Some(braid) = Braid::of(self, launch) {
                // SAFETY: the caller's promise.
                return unsafe { braid.run(self, launch) };
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.whole(launch) }
    }

    /// The same, with the operands where they lie.
    ///
    /// # Safety
    /// As [`run`](Ready::run).
    #[inline]
    pub(super) unsafe fn whole(&self, launch: &Launch) -> Option<Fault> {
        if self.across {
            // SAFETY: the caller's promise.
            return unsafe { self.blocks(launch) };
        }
        // SAFETY: the caller's promise.
        unsafe { self.kernel(launch, self.outputs(launch), &self.ranges, None) }
    }

    /// The same in the second form, a part of its lane after another.
    ///
    /// # Safety
    /// As [`run`](Ready::run).
    #[inline(never)]
    unsafe fn blocks(&self, launch: &Launch) -> Option<Fault> {
        // SAFETY: the caller's promise.
        let part = |ranges: &_| unsafe { self.kernel(launch, self.outputs(launch), ranges, None) };
        let Some(last) = launch.par.checked_sub(1) else { return part(&self.ranges) };
        let (mut ranges, whole) = (self.ranges.clone(), &self.ranges[last]);
        let mut least: Option<Fault> = None;
        let lanes = cross::lanes(self, launch);
        for start in whole.clone().step_by(lanes as usize) {
            ranges[last] = start..(start + lanes).min(whole.end);
            let found = part(&ranges);
            least = least.into_iter().chain(found).min();
        }
        least
    }

    /// The windows that are written.
    #[inline]
    pub(super) fn outputs(&self, launch: &Launch) -> &[Window] {
        &self.windows[launch.inputs.len()..]
    }

    /// Calls the kernel, to write these windows.
    ///
    /// # Safety
    /// As [`run`](Ready::run).
    #[inline(always)]
    pub(super) unsafe fn kernel(
        &self,
        launch: &Launch,
        outputs: &[Window],
        ranges: &[Range<isize>; MAX_RANK],
        slice: Option<&Slice<'_>>,
    ) -> Option<Fault> {
        let inputs = &self.windows[..launch.inputs.len()];
        // SAFETY: what `prepare` says of the windows, and the caller's promise.
        let mut cx = unsafe { Cx::new(inputs, outputs, (ranges, launch.par), &self.extents, &self.sizes, slice) };
        cx.moving(launch.cost <= MOVES, self.streams);
        launch.cpu.run(self.across, &mut cx);
        cx.fault()
    }

    /// Whether each output has this parallel axis, so that jobs with parts of it write different elements.
    pub(super) fn splits(&self, launch: &Launch, axis: usize) -> bool {
        let mut outputs = self.windows.iter().enumerate().skip(launch.inputs.len());
        outputs.all(|(k, window)| !matches!(axis_of(launch, k, axis, window.rank), Found::No))
    }
}

/// Where an operand has a parallel axis.
pub(super) enum Found {
    No,
    At(usize),
    Twice,
}

pub(super) fn axis_of(launch: &Launch, operand: usize, axis: usize, rank: usize) -> Found {
    let mut found = Found::No;
    for (k, &access) in accesses(launch, operand).iter().take(rank).enumerate() {
        if usize::from(access) == axis {
            found = match found {
                Found::No => Found::At(k),
                Found::At(_) | Found::Twice => Found::Twice,
            };
        }
    }
    found
}

/// The whole of a spot.
pub(super) fn window(spot: &Spot<'_>) -> Window {
    let mut window = Window::NOWHERE;
    open(spot.start, spot.dtype, spot.layout, &mut window);
    window
}

#[cold]
fn unknown(plan: &Plan, launch: &Launch, slot: u16) -> Error {
    internal(plan, format!("kernel {} wants size {slot}", launch.name))
}

#[cold]
fn too_many(plan: &Plan, launch: &Launch) -> Error {
    internal(plan, format!("kernel {} has {} axes", launch.name, launch.extents.len()))
}

/// The same where there is no window yet: number by number, for the kernel reads it so.
#[inline(always)]
fn open(start: *mut u8, dtype: DType, layout: Lent<'_>, window: &mut Window) {
    window.origin = start.wrapping_add(layout.offset() * dtype.bytes());
    window.dtype = dtype;
    window.rank = layout.rank();
    for (k, (&size, &stride)) in layout.sizes().iter().zip(layout.strides()).enumerate().take(MAX_RANK) {
        (window.size[k], window.stride[k]) = (size, stride);
    }
}

/// For each axis of an operand its axis of the launch.
pub(super) fn accesses(launch: &Launch, operand: usize) -> &'static [u8] {
    launch.accesses.get(operand).copied().unwrap_or(&[])
}

/// Cuts a window to a part of an axis of the launch.
pub(super) fn narrow(window: &mut Window, accesses: &[u8], axis: usize, part: &Range<isize>) {
    for (k, &access) in accesses.iter().enumerate().take(window.rank) {
        if usize::from(access) == axis {
            let end = (window.low[k] + window.size[k] as isize).min(part.end);
            let start = window.low[k].max(part.start);
            window.low[k] = start;
            window.size[k] = usize::try_from(end - start).unwrap_or(0);
        }
    }
}

/// About how many instructions on single elements the launch takes.
pub(super) fn work(launch: &Launch, extents: &[isize]) -> u64 {
    let elements = extents.iter().fold(1u64, |n, &e| n.saturating_mul(e as u64));
    elements.saturating_mul(u64::from(launch.cost.max(1)))
}
