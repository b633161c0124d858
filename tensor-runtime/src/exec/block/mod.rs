//! Runs steps tile by tile: a tile of all of them after another.
//!
//! In: a [`Block`], the buffers. Out: what its steps write, but for its local buffers, of which there is a tile at a
//! time. Always: a job reads of what the block writes only its own tile, and writes what no other job writes; sums over
//! a tiled axis are added up in the order of the tiles, in copies whose number depends on the sizes alone.
//! Next: [`tiling`].

mod needed;
mod sum;
#[cfg(test)]
mod tests;
pub(super) mod tiling;

use std::cell::OnceCell;
use std::ops::Range;
use std::ptr;
use std::sync::Mutex;

use crate::dtype::{AnyBuffer, DType};
use crate::error::Result;
use crate::kernel::{Fault, Window};
use crate::layout::Layout;
use crate::plan::{Action, Block, Bound, BufferId, Dot, FREE, Launch, Plan};

use super::dot::{Product, dense, panel_order};
use super::launch::{self, Faults, Ready, Shared, accesses, narrow, window};
use super::memory::{Memory, Spot, address_mut, aligned, described, layout_of};
use super::{internal, jobs};
use needed::Needed;
use tiling::{MAX_TILED, Tiling};

/// The block's steps, ready for any tile.
struct Work {
    plan: &'static Plan,
    tiling: Tiling,
    items: Vec<Item>,
    /// The local buffers, then the sums.
    own: Vec<Own>,
}

/// A buffer that a job has for itself, or a sum.
struct Own {
    id: BufferId,
    dtype: DType,
    /// As large as a tile, or as the sum.
    len: usize,
    kind: Kind,
    /// Of the whole buffer; with the strides of a tile if it is local, of a copy if there are copies.
    window: Window,
    /// Where copies are added up.
    target: Option<Window>,
    named: tiling::Named,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    /// Every job adds to a copy of its own.
    Copied,
    /// One job adds to each part of the result itself.
    Direct,
}

enum Item {
    Launch(Box<Launched>),
    Dot {
        product: Product,
        left: Option<usize>,
        right: Option<usize>,
        out: Target,
        follows: &'static [u8],
        needed: Vec<Needed>,
    },
}

/// A launch with its operands.
struct Launched {
    launch: &'static Launch,
    ready: Ready,
    /// For each tiled axis the launch's.
    follows: Vec<u8>,
    /// For each operand its place in [`Work::own`], and whether the block writes it.
    operands: Vec<(Option<usize>, bool)>,
}

/// Where a product goes.
enum Target {
    Own(usize),
    Outside(Box<Window>),
}

/// Runs the block.
pub(super) fn run(
    plan: &'static Plan,
    block: &'static Block,
    tiling: Tiling,
    memory: &mut Memory<'_>,
    sizes: &[i64],
) -> Result<()> {
    let work = Work::new(plan, block, tiling, memory, sizes)?;
    let (units, jobs) = (work.tiling.units(), work.tiling.jobs);
    let inner = work.tiling.counts[work.tiling.split..].iter().product::<usize>();
    let copies: Vec<Mutex<Vec<AnyBuffer>>> = (0..jobs).map(|_| Mutex::new(Vec::new())).collect();
    let (faults, failure) = (Faults::default(), Mutex::new(None));
    let shared = Shared::new(|job: usize| {
        let mut arena = Arena::new(&work)?;
        for unit in jobs::part(units, jobs, job) {
            for tile in unit * inner..(unit + 1) * inner {
                // SAFETY: a job is alone with its arena; its tiles differ from those of other jobs along an axis
                // before `split`, which all that is written outside of the arena has.
                unsafe { work.tile(&mut arena, tile, &faults)? };
            }
        }
        *copies[job].lock().unwrap_or_else(|e| e.into_inner()) = arena.buffers;
        Ok(())
    });
    let run = |job: usize| {
        if let Err(error) = shared.call(job) {
            failure.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(error);
        }
    };
    let done = jobs::run(jobs, &run);
    faults.told(plan)?;
    done.map_err(|text| internal(plan, format!("steps {} to {}: {text}", block.first, block.end - 1)))?;
    if let Some(error) = failure.into_inner().unwrap_or_else(|e| e.into_inner()) {
        return Err(error);
    }
    work.gather(copies.into_iter().map(|c| c.into_inner().unwrap_or_else(|e| e.into_inner())).collect());
    Ok(())
}

/// What one job has for itself: a buffer for each of [`Work::own`], empty where it needs none.
struct Arena {
    buffers: Vec<AnyBuffer>,
    starts: Vec<*mut u8>,
}

impl Arena {
    fn new(work: &Work) -> Result<Arena> {
        let mut arena = Arena { buffers: Vec::new(), starts: Vec::new() };
        for own in &work.own {
            let (buffer, start) = match own.kind {
                Kind::Local => aligned(own.dtype, own.len)?,
                Kind::Copied => {
                    let mut buffer = AnyBuffer::zeroed(own.dtype, own.len)?;
                    let start = address_mut(buffer.slice_mut());
                    (buffer, start)
                }
                Kind::Direct => (AnyBuffer::uninit(own.dtype, 0)?, own.window.origin),
            };
            arena.buffers.push(buffer);
            arena.starts.push(start);
        }
        Ok(arena)
    }
}

impl Work {
    fn new(
        plan: &'static Plan,
        block: &'static Block,
        tiling: Tiling,
        memory: &mut Memory<'_>,
        sizes: &[i64],
    ) -> Result<Work> {
        let mut own = Vec::new();
        let layouts: Vec<OnceCell<Layout>> = tiling.touched.iter().map(|_| OnceCell::new()).collect();
        let mut given: Vec<(BufferId, Spot<'_>)> = Vec::new();
        for (touched, cell) in tiling.touched.iter().zip(&layouts).filter(|(t, _)| t.local || t.summed) {
            let panel = tiling.steps.iter().find_map(|(action, _)| match action {
                Action::Dot(Dot { out, epilogue: Some(epilogue), .. }) if *out == touched.id => Some(epilogue),
                Action::Dot(_) | Action::Launch(_) | Action::Scatter(_) => None,
            });
            let buffer = described(plan, touched.id)?;
            let whole = layout_of(plan, buffer, sizes)?;
            let order: Vec<usize> = match panel {
                Some(epilogue) => panel_order(epilogue, whole.sizes()).0,
                None => buffer.order.iter().map(|&k| usize::from(k)).collect(),
            };
            let kind = match (touched.local, tiling.is_copied(touched)) {
                (true, _) => Kind::Local,
                (false, true) => Kind::Copied,
                (false, false) => Kind::Direct,
            };
            let (spot, target) = match kind {
                Kind::Local => {
                    let layout = unplaced(&tiling.sizes(touched), &whole, &order)?;
                    (Spot::nowhere(buffer.dtype, cell.get_or_init(|| layout).lend(), touched.id), None)
                }
                Kind::Direct => (memory.writing(touched.id, sizes)?, None),
                Kind::Copied => {
                    let target = window(&memory.writing(touched.id, sizes)?);
                    let layout = unplaced(whole.sizes(), &whole, &order)?;
                    (Spot::nowhere(buffer.dtype, cell.get_or_init(|| layout).lend(), touched.id), Some(target))
                }
            };
            let len = match kind {
                Kind::Local => tiling.sizes(touched)[..whole.rank()].iter().product(),
                Kind::Copied | Kind::Direct => whole.len(),
            };
            if kind == Kind::Local {
                given.push((touched.id, spot));
            }
            let (dtype, window, named) = (buffer.dtype, window(&spot), touched.named);
            own.push(Own { id: touched.id, dtype, len, kind, window, target, named });
        }
        let steps = tiling.steps.clone();
        let mut work = Work { plan, tiling, items: Vec::new(), own };
        for (action, follows) in steps {
            match action {
                Action::Launch(launch) => work.launch(launch, follows.to_vec(), memory, &given, sizes)?,
                Action::Dot(dot) => {
                    let of = |bound: &&Bound| plan.steps.get(bound.step).is_some_and(|s| ptr::eq(&s.action, action));
                    let needed =
                        block.bounds.iter().filter(of).map(|bound| Needed::new(plan, dot, follows, bound, sizes));
                    let needed = needed.collect::<Result<_>>()?;
                    work.dot(dot, follows, needed, memory, &given, sizes)?;
                    if let Some(epilogue) = &dot.epilogue {
                        let par =
                            |l: &u8| dot.axes[usize::from(*l)].out.map_or(FREE, |k| epilogue.axes[usize::from(k)]);
                        let pars: Vec<u8> = follows.iter().map(par).collect();
                        work.launch(&epilogue.launch, pars, memory, &given, sizes)?;
                    }
                }
                Action::Scatter(_) => return Err(internal(plan, "a scatter in a block".into())),
            }
        }
        Ok(work)
    }

    fn own(&self, id: BufferId) -> Option<usize> {
        self.own.iter().position(|own| own.id == id)
    }

    fn launch(
        &mut self,
        launch: &'static Launch,
        follows: Vec<u8>,
        memory: &mut Memory<'_>,
        given: &[(BufferId, Spot<'_>)],
        sizes: &[i64],
    ) -> Result<()> {
        let ready = launch::prepare(self.plan, launch, memory, sizes, given)?;
        let written = |id: BufferId| self.tiling.touched.iter().any(|t| t.id == id && t.written);
        let ids = launch.inputs.iter().copied().chain(launch.outputs.iter().map(|out| out.buffer));
        let operands = ids.map(|id| (self.own(id), written(id))).collect();
        self.items.push(Item::Launch(Box::new(Launched { launch, ready, follows, operands })));
        Ok(())
    }

    fn dot(
        &mut self,
        dot: &'static Dot,
        follows: &'static [u8],
        needed: Vec<Needed>,
        memory: &mut Memory<'_>,
        given: &[(BufferId, Spot<'_>)],
        sizes: &[i64],
    ) -> Result<()> {
        let shape = layout_of(self.plan, described(self.plan, dot.out)?, sizes)?;
        let mut operand = |id: BufferId| match given.iter().find(|(given, _)| *given == id) {
            Some((_, spot)) => Ok(*spot),
            None => memory.reading(id, sizes),
        };
        let (left, right) = (operand(dot.left)?, operand(dot.right)?);
        let product = Product::new(self.plan, dot, &left, &right, shape.sizes(), sizes)?;
        let out = match self.own(dot.out) {
            Some(own) => Target::Own(own),
            None => Target::Outside(Box::new(window(&memory.writing(dot.out, sizes)?))),
        };
        let local = |id: BufferId| self.own(id).filter(|&k| self.own[k].kind == Kind::Local);
        let (left, right) = (local(dot.left), local(dot.right));
        self.items.push(Item::Dot { product, left, right, out, follows, needed });
        Ok(())
    }

    /// Runs all steps on one tile.
    ///
    /// # Safety
    /// The arena must be the caller's alone, and no other thread may run a tile of the same part along the axes
    /// before [`Tiling::split`].
    unsafe fn tile(&self, arena: &mut Arena, tile: usize, faults: &Faults) -> Result<()> {
        let ranges = self.tiling.tile(tile);
        for item in &self.items {
            match item {
                // SAFETY: the caller's promise.
                Item::Launch(launched) => faults.note(unsafe { self.run(launched, arena, &ranges)? }),
                Item::Dot { product, left, right, out, follows, needed } => {
                    let mut loops = product.ranges();
                    for (&l, range) in follows.iter().zip(&ranges) {
                        loops[usize::from(l)] = range.clone();
                    }
                    for needed in needed {
                        needed.narrow(&mut loops[needed.axis], &ranges);
                    }
                    if loops.iter().any(|range| range.is_empty()) {
                        continue;
                    }
                    let place = |own: &Option<usize>, at: *mut u8| match own {
                        // What the product knows of a local operand is an offset.
                        Some(k) => self.window(*k, arena, &ranges).origin.wrapping_add(at.addr()),
                        None => at,
                    };
                    let operands = [place(left, product.left), place(right, product.right)];
                    let (to, add) = match out {
                        Target::Outside(window) => (**window, false),
                        Target::Own(k) => (self.window(*k, arena, &ranges), self.adds(*k, &ranges)),
                    };
                    // SAFETY: the operands were checked when the product was made; a local one has the tile that the
                    // loops reach, as `Tiling` checked, and an earlier step has written it; one that the block writes
                    // elsewhere is read at this tile. The destination is the arena's, or this tile's part of a buffer.
                    unsafe { product.compute(operands, &loops, to.origin, &to.stride, add) }?;
                }
            }
        }
        Ok(())
    }

    /// Whether a tile adds to what is there.
    fn adds(&self, own: usize, ranges: &[Range<isize>; MAX_TILED]) -> bool {
        let own = &self.own[own];
        let tiled = 0..self.tiling.counts.len();
        match own.kind {
            Kind::Local => false,
            Kind::Copied => true,
            Kind::Direct => tiled.filter(|&a| !own.named.contains(&Some(a as u8))).any(|a| ranges[a].start > 0),
        }
    }

    /// The tile of a buffer that a job has for itself, or of a sum.
    fn window(&self, own: usize, arena: &Arena, ranges: &[Range<isize>; MAX_TILED]) -> Window {
        let (start, own) = (arena.starts[own], &self.own[own]);
        let mut window = Window { origin: start, ..own.window };
        for (k, a) in own.named.iter().enumerate().take(window.rank) {
            let Some(a) = a else { continue };
            let range = &ranges[usize::from(*a)];
            (window.low[k], window.size[k]) = (range.start, range.len());
            if own.kind == Kind::Local {
                window.shift(k, -range.start);
                window.low[k] = range.start;
            }
        }
        window
    }

    /// Runs a launch on one tile.
    ///
    /// # Safety
    /// As [`Work::tile`].
    unsafe fn run(
        &self,
        launched: &Launched,
        arena: &mut Arena,
        ranges: &[Range<isize>; MAX_TILED],
    ) -> Result<Option<Fault>> {
        let Launched { launch, ready, follows, operands } = launched;
        let mut job = ready.clone();
        for (w, &(own, written)) in operands.iter().enumerate() {
            match own {
                Some(k) => job.windows[w] = self.window(k, arena, ranges),
                None if written => {
                    for (&l, range) in follows.iter().zip(ranges) {
                        narrow(&mut job.windows[w], accesses(launch, w), usize::from(l), range);
                    }
                }
                None => {}
            }
        }
        let inputs = launch.inputs.len();
        for (l, range) in follows.iter().map(|l| usize::from(*l)).zip(ranges) {
            if l < launch.par {
                job.ranges[l] = range.clone();
                continue;
            }
            // Its coordinates count from the tile's first.
            job.extents[l] = range.len() as isize;
            for (w, window) in job.windows[..inputs].iter_mut().enumerate() {
                let axes = accesses(launch, w);
                narrow(window, axes, l, range);
                for (k, _) in axes.iter().enumerate().filter(|(_, axis)| usize::from(**axis) == l) {
                    window.shift(k, range.start);
                }
            }
        }
        if job.ranges[..launch.par].iter().any(|r| r.is_empty()) {
            return Ok(None);
        }
        // What is added must be made first.
        let mut parts: Vec<(usize, AnyBuffer)> = Vec::new();
        let adds = |&(_, (own, _)): &(usize, &(Option<usize>, bool))| own.is_some_and(|k| self.adds(k, ranges));
        for (w, _) in operands.iter().enumerate().skip(inputs).filter(adds) {
            let window = &mut job.windows[w];
            let (mut strides, order) = ([0; crate::MAX_RANK], (0..window.rank).collect::<Vec<_>>());
            let mut part = AnyBuffer::uninit(window.dtype, dense(&order, |k| window.size[k], &mut strides))?;
            (window.origin, window.stride) = (address_mut(part.slice_mut()), strides);
            for k in 0..window.rank {
                let low = window.low[k];
                window.shift(k, -low);
                window.low[k] = low;
            }
            parts.push((w, part));
        }
        let made: Vec<(usize, Window)> = parts.iter().map(|(w, _)| (*w, job.windows[*w])).collect();
        job.collapse(launch);
        // SAFETY: of operands that the block does not write see `launch::prepare`. Of the others a job has a window on
        // its own tile alone, which an earlier step of the tile has written, or this one writes.
        let fault = unsafe { job.run(launch) };
        for (w, from) in made {
            if let Some(k) = operands[w].0 {
                // SAFETY: both windows are of one box: the part is dense memory of its own, the sum's tile this job's.
                unsafe { sum::add(&from, &self.window(k, arena, ranges), false) };
            }
        }
        Ok(fault)
    }

    /// Adds up the copies of the sums, in the order of the jobs.
    fn gather(&self, mut copies: Vec<Vec<AnyBuffer>>) {
        for (k, own) in self.own.iter().enumerate() {
            let Some(target) = &own.target else { continue };
            for (job, buffers) in copies.iter_mut().enumerate() {
                let from = Window { origin: address_mut(buffers[k].slice_mut()), ..own.window };
                // SAFETY: a copy is as large as the sum and has its layout; the target is the call's, and no job runs.
                unsafe { sum::add(&from, target, job == 0) };
            }
        }
    }
}

/// The layout of a buffer of this shape in memory that is as large as `tile`, counted from 0.
pub(super) fn unplaced(tile: &[usize], whole: &Layout, order: &[usize]) -> Result<Layout> {
    let mut strides = [0isize; crate::MAX_RANK];
    dense(order, |k| tile[k], &mut strides);
    // A job moves it so that its tile lies in its memory.
    Layout::strided(whole.sizes(), &strides[..whole.rank()], 0, isize::MAX as usize)
}
