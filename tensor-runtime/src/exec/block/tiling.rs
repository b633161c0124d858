//! How large the tiles of a block are, and what they save.
//!
//! In: a block, the sizes of a call. Out: a [`Tiling`], or none where the steps had better run one after another.
//! Always: it depends on the sizes alone, so the result of a call does not depend on the number of threads; each
//! buffer that the block writes has every tiled axis, or is a sum over the ones that it lacks. Next: [`super`].

use std::ops::Range;

use crate::error::Result;
use crate::plan::{Action, Block, Buffer, BufferId, Dot, DotAxis, FREE, Launch, Place, Plan, Role};

use super::super::dot::MAX_LOOPS;
use super::super::memory::{described, layout_of, slack};
use super::super::{internal, jobs, launch, work};

/// Bytes that a tile may take: a share of a core's second-level cache.
const TILE: usize = 512 << 10;
/// The least of the innermost axis that a tile takes: a product packs its other operand for each.
const LEAST: usize = 64;
/// Bytes of a buffer that stay in a cache from one step to the next.
const KEPT: usize = 2 * TILE;
/// How much cheaper it is to read again what lies in that cache, but for a product, which packs its operands anew.
const NEAR: f64 = 0.125;
/// Jobs that work is cut into at least, where it is worth a job.
const JOBS: u64 = 16;
/// The most copies of a sum that different jobs add to.
const COPIES: usize = 16;
/// The most tiled axes.
pub(in super::super) const MAX_TILED: usize = 8;

/// For each axis of a buffer the tiled axis that it is.
pub(super) type Named = [Option<u8>; crate::MAX_RANK];

/// A buffer that the block touches.
pub(super) struct Touched {
    pub(super) id: BufferId,
    pub(super) named: Named,
    pub(super) written: bool,
    /// Exists a tile at a time.
    pub(super) local: bool,
    /// Tiles are added up in it.
    pub(super) summed: bool,
    /// A product reads it.
    packed: bool,
    uses: usize,
    sizes: [usize; crate::MAX_RANK],
    rank: usize,
    width: usize,
}

pub(in super::super) struct Tiling {
    /// The steps that run, with what they follow.
    pub(super) steps: Vec<(&'static Action, &'static [u8])>,
    pub(super) extents: Vec<usize>,
    /// The size of a tile.
    step: Vec<usize>,
    /// How many tiles there are.
    pub(super) counts: Vec<usize>,
    /// So many leading axes are divided among jobs.
    pub(super) split: usize,
    pub(super) touched: Vec<Touched>,
    /// Into how many jobs they are divided.
    pub(super) jobs: usize,
    /// About how many bytes less go through memory.
    gain: f64,
}

impl Tiling {
    /// The block from this step on that saves most, if one does; of its steps those that run.
    pub(in super::super) fn from(
        plan: &'static Plan,
        step: usize,
        runs: &dyn Fn(usize) -> bool,
        sizes: &[i64],
    ) -> Result<Option<(&'static Block, Tiling)>> {
        // Where all stays in a cache there is nothing to gain, and nothing to look into.
        let blocks = plan.blocks.iter().filter(|b| b.first == step && has_large(plan, b, sizes));
        let mut best: Option<(&'static Block, Tiling)> = None;
        for block in blocks {
            if let Some(tiling) = Tiling::new(plan, block, runs, sizes)?
                && best.as_ref().is_none_or(|(_, other)| other.gain < tiling.gain)
            {
                best = Some((block, tiling));
            }
        }
        Ok(best)
    }

    /// The tiles of a block, if they save anything.
    fn new(
        plan: &'static Plan,
        block: &'static Block,
        runs: &dyn Fn(usize) -> bool,
        sizes: &[i64],
    ) -> Result<Option<Tiling>> {
        let broken = || internal(plan, format!("steps {} to {} are no block", block.first, block.end));
        let steps = plan.steps.get(block.first..block.end).ok_or_else(broken)?;
        let size = |&slot: &u16| sizes.get(usize::from(slot)).and_then(|&n| usize::try_from(n).ok());
        let extents: Option<Vec<usize>> = block.axes.iter().map(size).collect();
        let extents = extents.ok_or_else(broken)?;
        let tiled = extents.len();
        if tiled == 0 || tiled > MAX_TILED || block.follows.len() != steps.len() {
            return Err(broken());
        }
        let numbered = (block.first..).zip(steps.iter().zip(block.follows));
        let steps: Vec<(&'static Action, &'static [u8])> =
            numbered.filter(|(k, _)| runs(*k)).map(|(_, (step, follows))| (&step.action, *follows)).collect();
        let mut touched: Vec<Touched> = Vec::new();
        for (action, follows) in &steps {
            if follows.len() != tiled {
                return Err(broken());
            }
            for used in uses(action, follows).ok_or_else(broken)? {
                let known = touched.iter_mut().find(|t| t.id == used.id);
                if let Some(known) = known {
                    // What one step writes another reads tile by tile, and nobody writes it again.
                    let same = !known.summed && known.named == used.named;
                    if used.written || known.written && !same {
                        return Err(broken());
                    }
                    known.uses += 1;
                    known.packed |= used.packed;
                    continue;
                }
                let layout = layout_of(plan, described(plan, used.id)?, sizes)?;
                let mut of = [1; crate::MAX_RANK];
                of[..layout.rank()].copy_from_slice(layout.sizes());
                let fits = |(k, a): (usize, &Option<u8>)| a.is_none_or(|a| of[k] == extents[usize::from(a)]);
                if used.written && !used.named.iter().enumerate().all(fits) {
                    return Err(broken());
                }
                let width = described(plan, used.id)?.dtype.bytes();
                let local = block.local.contains(&used.id) || used.panel;
                touched.push(Touched {
                    id: used.id,
                    named: used.named,
                    written: used.written,
                    local,
                    summed: used.summed,
                    packed: used.packed,
                    uses: 1,
                    sizes: of,
                    rank: layout.rank(),
                    width,
                });
            }
        }
        // A view of what the block writes would be of more than the tile.
        let base = |t: &Touched| match plan.buffers[usize::from(t.id)].place {
            Place::View(base) => Some(base),
            Place::Param | Place::Output | Place::Temp => None,
        };
        let bases: Vec<BufferId> = touched.iter().filter_map(base).collect();
        if touched.iter().any(|t| t.written && bases.contains(&t.id)) {
            return Err(broken());
        }
        // A local buffer that is read before it is written has no place.
        if extents.contains(&0) || touched.iter().any(|t| t.local && (!t.written || t.summed)) {
            return if extents.contains(&0) { Ok(None) } else { Err(broken()) };
        }
        let work = steps.iter().map(|s| work::of(plan, s.0, sizes)).fold(0, u64::saturating_add);
        let least = if steps.iter().any(|s| matches!(s.0, Action::Dot(_))) { LEAST } else { 1 };
        let (step, counts) = cut(&extents, &touched, work, least);
        let gain = gain(&counts, &touched);
        if counts.iter().product::<usize>() <= 1 || gain <= 0.0 {
            return Ok(None);
        }
        let mut tiling = Tiling { steps, extents, step, counts, split: tiled, touched, jobs: 1, gain };
        tiling.divide(work);
        Ok(Some(tiling))
    }

    /// Says which axes different jobs take: all where every tile is its own; else so many that there is enough to do
    /// for all, that few sums need copies.
    fn divide(&mut self, work: u64) {
        let sums = self.touched.iter().any(|t| t.summed);
        let enough = |s: &usize| self.counts[..*s].iter().product::<usize>() >= JOBS as usize / 4;
        if sums {
            self.split = (1..=self.counts.len()).find(enough).unwrap_or(self.counts.len());
        }
        let units = self.units();
        let copies: usize = self.touched.iter().filter(|t| self.is_copied(t)).map(Touched::bytes).sum();
        self.jobs = match copies {
            0 => jobs::count(work).min(units),
            // The copies are written and read once more.
            _ => {
                let own: usize = self.touched.iter().filter(|t| !t.summed).map(Touched::bytes).sum();
                units.min((own / copies / 4).clamp(4, COPIES))
            }
        };
    }

    /// How many tiles of the leading axes there are.
    pub(super) fn units(&self) -> usize {
        self.counts[..self.split].iter().product()
    }

    /// Whether several jobs add to a sum, each to a copy of its own.
    pub(super) fn is_copied(&self, touched: &Touched) -> bool {
        touched.summed && !(0..self.split).all(|a| touched.has(a))
    }

    /// The part of each tiled axis in the `i`-th of the tiles.
    pub(super) fn tile(&self, mut i: usize) -> [Range<isize>; MAX_TILED] {
        let mut ranges = std::array::from_fn(|_| 0..1);
        for a in (0..self.counts.len()).rev() {
            let start = i % self.counts[a] * self.step[a];
            i /= self.counts[a];
            ranges[a] = start as isize..(start + self.step[a]).min(self.extents[a]) as isize;
        }
        ranges
    }

    /// The size of each axis of a local buffer's tile.
    pub(super) fn sizes(&self, touched: &Touched) -> [usize; crate::MAX_RANK] {
        let mut sizes = touched.sizes;
        for (size, a) in sizes.iter_mut().zip(touched.named) {
            if let Some(a) = a {
                *size = self.step[usize::from(a)];
            }
        }
        sizes
    }

    /// The most bytes that the block's own buffers take at once.
    pub(in super::super) fn bytes(&self) -> usize {
        let local = self.touched.iter().filter(|t| t.local);
        let bytes = |t: &Touched, sizes: &[usize]| {
            let len = sizes[..t.rank].iter().product::<usize>();
            (len + slack(t.width, len)) * t.width
        };
        let tile: usize = local.map(|t| bytes(t, &self.sizes(t))).sum();
        let copies: usize = self.touched.iter().filter(|t| self.is_copied(t)).map(|t| bytes(t, &t.sizes)).sum();
        tile * jobs::threads(self.jobs) + copies * self.jobs
    }

    /// The buffers that have memory of their own elsewhere.
    pub(in super::super) fn outside(&self) -> impl Iterator<Item = BufferId> {
        self.touched.iter().filter(|t| !t.local).map(|t| t.id)
    }
}

impl Touched {
    pub(super) fn has(&self, tiled: usize) -> bool {
        self.named.contains(&Some(tiled as u8))
    }

    fn bytes(&self) -> usize {
        self.sizes[..self.rank].iter().product::<usize>() * self.width
    }

    fn is_sliced(&self) -> bool {
        !self.summed && self.named.iter().any(Option::is_some)
    }
}

/// Whether a buffer of a block's steps is too large to stay in a cache.
fn has_large(plan: &'static Plan, block: &Block, sizes: &[i64]) -> bool {
    let steps = plan.steps.get(block.first..block.end).unwrap_or(&[]);
    let large = |id: BufferId| {
        let size = |slot: &u16| sizes.get(usize::from(*slot)).map_or(usize::MAX, |&n| n.max(0) as usize);
        let bytes = |buffer: &Buffer| buffer.dims.iter().map(size).fold(buffer.dtype.bytes(), usize::saturating_mul);
        plan.buffers.get(usize::from(id)).is_some_and(|buffer| bytes(buffer) > KEPT)
    };
    let launched =
        |of: &Launch| of.inputs.iter().any(|&id| large(id)) || of.outputs.iter().any(|output| large(output.buffer));
    steps.iter().any(|step| match &step.action {
        Action::Launch(launch) => launched(launch),
        Action::Dot(dot) => {
            let epilogue = dot.epilogue.as_ref().is_some_and(|epilogue| launched(&epilogue.launch));
            epilogue || [dot.left, dot.right, dot.out].into_iter().any(large)
        }
        Action::Scatter(scatter) => [scatter.updates, scatter.indices, scatter.out].into_iter().any(large),
    })
}

/// How a step touches a buffer.
struct Use {
    id: BufferId,
    named: Named,
    written: bool,
    summed: bool,
    /// The product that only an epilogue sees.
    panel: bool,
    packed: bool,
}

/// The buffers of a step; `None` where it does not follow the tiled axes.
fn uses(action: &'static Action, follows: &[u8]) -> Option<Vec<Use>> {
    match action {
        Action::Launch(launch) => of_launch(launch, follows),
        Action::Dot(dot) => of_dot(dot, follows),
        Action::Scatter(_) => None,
    }
}

fn of_launch(launch: &'static Launch, follows: &[u8]) -> Option<Vec<Use>> {
    let summed = follows.iter().any(|&l| usize::from(l) >= launch.par);
    let valid =
        follows.iter().enumerate().all(|(a, l)| usize::from(*l) < launch.extents.len() && !follows[..a].contains(l));
    let inputs = launch.inputs.iter().map(|&id| (id, false));
    let outputs = launch.outputs.iter().map(|out| (out.buffer, true));
    let of = |(k, (id, written)): (usize, (BufferId, bool))| {
        let named = named(launch::accesses(launch, k), follows);
        Some(Use { id, named, written, summed: summed && written, panel: false, packed: false })
    };
    // A tile of an output has every axis that is not summed.
    let covers = |u: &Use| {
        !u.written
            || (0..follows.len()).all(|a| {
                let times = u.named.iter().filter(|n| **n == Some(a as u8)).count();
                times == usize::from(usize::from(follows[a]) < launch.par)
            })
    };
    let uses: Vec<Use> = inputs.chain(outputs).enumerate().filter_map(of).collect();
    (valid && uses.iter().all(covers)).then_some(uses)
}

fn named(axes: &[u8], follows: &[u8]) -> Named {
    let mut named = [None; crate::MAX_RANK];
    for (name, &axis) in named.iter_mut().zip(axes) {
        *name = follows.iter().position(|&l| l == axis && axis != FREE).map(|a| a as u8);
    }
    named
}

fn of_dot(dot: &'static Dot, follows: &[u8]) -> Option<Vec<Use>> {
    let distinct = (1..follows.len()).all(|a| !follows[..a].contains(&follows[a]));
    if !distinct || dot.axes.len() > MAX_LOOPS {
        return None;
    }
    let loops: Vec<&DotAxis> = follows.iter().map(|&l| dot.axes.get(usize::from(l))).collect::<Option<_>>()?;
    let summed = loops.iter().any(|l| l.role == Role::Contract);
    let operand = |id: BufferId, of: &dyn Fn(&DotAxis) -> Option<(u8, i64)>| {
        let mut names = [None; crate::MAX_RANK];
        for (a, l) in loops.iter().enumerate() {
            if let Some((k, 1)) =
                of(l).filter(|(k, _)| dot.axes.iter().filter_map(of).filter(|at| at.0 == *k).count() == 1)
            {
                *names.get_mut(usize::from(k))? = Some(a as u8);
            }
        }
        Some(Use { id, named: names, written: false, summed: false, panel: false, packed: true })
    };
    let mut uses = vec![operand(dot.left, &|l| l.left)?, operand(dot.right, &|l| l.right)?];
    let mut out = [None; crate::MAX_RANK];
    for (a, l) in loops.iter().enumerate() {
        match (l.role, l.out) {
            (Role::Contract, None) => {}
            (Role::Contract, Some(_)) | (_, None) => return None,
            (_, Some(k)) => *out.get_mut(usize::from(k))? = Some(a as u8),
        }
    }
    let panel = dot.epilogue.is_some();
    uses.push(Use { id: dot.out, named: out, written: true, summed, panel, packed: false });
    if let Some(epilogue) = &dot.epilogue {
        if summed {
            return None;
        }
        let par = |l: &&DotAxis| l.out.and_then(|k| epilogue.axes.get(usize::from(k))).copied().filter(|p| *p != FREE);
        let pars: Vec<u8> = loops.iter().map(par).collect::<Option<_>>()?;
        let inner = of_launch(&epilogue.launch, &pars)?;
        uses.extend(inner.into_iter().filter(|u| u.id != dot.out));
    }
    Some(uses)
}

/// The tile's size along each axis, and how many there are: outer axes are cut first, until a tile fits its share of
/// the cache and there is a tile for each job.
fn cut(extents: &[usize], touched: &[Touched], work: u64, least: usize) -> (Vec<usize>, Vec<usize>) {
    let mut step = extents.to_vec();
    let bytes = |step: &[usize]| {
        let of = |t: &Touched| {
            let size = |k: usize| t.named[k].map_or(t.sizes[k], |a| step[usize::from(a)]);
            (0..t.rank).map(size).product::<usize>() * t.width
        };
        touched.iter().filter(|t| t.is_sliced()).map(of).sum::<usize>()
    };
    let tiles = |step: &[usize]| extents.iter().zip(step).map(|(e, s)| e.div_ceil(*s)).product::<usize>();
    let wanted = (work >> 18).min(JOBS) as usize;
    for a in 0..extents.len() {
        let inner = a + 1 == extents.len();
        let mut with = |size: usize| {
            step[a] = size;
            bytes(&step)
        };
        let (base, slope) = (with(0), with(1).saturating_sub(with(0)).max(1));
        let fitting = TILE.saturating_sub(base) / slope;
        step[a] = extents[a];
        let enough = extents[a] * tiles(&step) / wanted.max(1);
        let least = if inner { least } else { 1 };
        let size = fitting.min(enough).clamp(least.min(extents[a]), extents[a]);
        // Tiles of nearly equal size.
        let even = extents[a].div_ceil(extents[a].div_ceil(size));
        step[a] = if inner { even.next_multiple_of(8).min(extents[a]) } else { even };
    }
    let counts = extents.iter().zip(&step).map(|(e, s)| e.div_ceil(*s)).collect();
    (step, counts)
}

/// The bytes that do not go through memory, less what is read again for each tile.
fn gain(counts: &[usize], touched: &[Touched]) -> f64 {
    let saved = |t: &Touched| (t.bytes().saturating_sub(KEPT) * (t.uses - usize::from(!t.local))) as f64;
    let again = |t: &Touched| {
        let product = |of: bool| (0..counts.len()).filter(|&a| t.has(a) == of).map(|a| counts[a]).product::<usize>();
        let near = t.bytes() / product(true) <= TILE && !t.packed && !t.summed;
        let weight = if near { NEAR } else { 1.0 };
        let twice = if t.summed { 2.0 } else { 1.0 };
        t.bytes() as f64 * (product(false) - 1) as f64 * weight * twice
    };
    touched.iter().filter(|t| t.is_sliced()).map(saved).sum::<f64>() - touched.iter().map(again).sum::<f64>()
}
