//! Which runs of steps may go tile by tile.
//!
//! In: a program. Out: blocks of its steps, each with the loops of its steps
//! that are cut together. Always: a tile of one step reads of the others in its
//! block what the same tile of them wrote, so the tiles may run in any order,
//! but for sums over a tiled axis, to which each tile adds; the steps run one
//! after another give the same up to the rounding of such sums.
//!
//! So the scores of an attention, forward and backward, are never whole in
//! memory, and a layer norm's backward reads its operands once: temporaries of a
//! block exist a tile at a time, in a core's cache.
//! Next: the executor's blocks in the runtime.

pub(super) mod bounds;
mod gain;
mod nest;

use super::{Action, BufId, Buffer, Place, Program, Step};
use crate::shape::Dim;
pub use bounds::Bound;
use gain::{Caches, Touched, gain};
pub use gain::{bytes, sized};
use nest::{Access, Cut, Nest};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Steps that may go tile by tile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block {
    /// The steps `first..end`.
    pub first: usize,
    pub end: usize,
    /// The extents of the tiled axes, the outermost first.
    pub axes: Vec<Dim>,
    /// For each step, for each tiled axis its loop: see [`Nest::loops`].
    pub follows: Vec<Vec<usize>>,
    /// The temporaries that only these steps touch.
    pub local: Vec<BufId>,
    /// Where the products among these are needed.
    pub bounds: Vec<Bound>,
}

/// What symbols are taken for, one after another.
pub const SIZES: [i64; 3] = [64, 256, 1024];

/// The blocks of a program that save something where all symbols have one of
/// [`SIZES`], with large caches or small ones, by their first step. They may overlap: the executor takes those
/// that save most in a call.
pub fn blocks(program: &Program) -> Vec<Block> {
    if program.whole {
        return Vec::new();
    }
    let steps = Steps::of(program);
    let mut out: Vec<Block> = Vec::new();
    for (caches, symbol) in [Caches::Large, Caches::Small].into_iter().flat_map(|c| SIZES.map(|symbol| (c, symbol))) {
        let mut at = 0;
        while at < steps.nests.len() {
            let found = best(&steps, at, (caches, symbol));
            at = found.as_ref().map_or(at + 1, |block| block.end);
            out.extend(found.filter(|block| !out.contains(block)));
        }
    }
    out.sort_by_key(|block| (block.first, std::cmp::Reverse(block.end)));
    out
}

/// A program's steps, and what is asked of them again and again.
struct Steps<'p> {
    program: &'p Program,
    nests: Vec<Option<Nest>>,
    /// For each buffer that is released the step after which it is.
    released: BTreeMap<BufId, usize>,
    /// The buffers that others view.
    viewed: BTreeSet<BufId>,
}

impl<'p> Steps<'p> {
    fn of(program: &'p Program) -> Steps<'p> {
        let nests = program.steps.iter().map(|s| Nest::of(program, &s.action)).collect();
        let released = program.steps.iter().enumerate().flat_map(|(k, s)| s.release.iter().map(move |&id| (id, k)));
        let base = |buffer: &Buffer| match buffer.place {
            Place::View(base) => Some(base),
            Place::Param(_) | Place::Output(_) | Place::Temp => None,
        };
        let viewed = program.buffers.iter().filter_map(base).collect();
        Steps { program, nests, released: released.collect(), viewed }
    }
}

/// The block from a step on that saves most.
fn best(steps: &Steps<'_>, first: usize, given: (Caches, i64)) -> Option<Block> {
    let Steps { program, nests, .. } = steps;
    let start = nests[first].as_ref()?;
    let linked = |next: &Nest| {
        let touches = |b: BufId| next.reads.iter().any(|r| r.buffer == b);
        let array = |b: BufId| !program.buffer(b).shape.is_empty();
        start.accesses().any(|a| array(a.buffer) && touches(a.buffer))
    };
    let second = (first + 1..nests.len())
        .take_while(|&k| nests[k].is_some())
        .find(|&k| nests[k].as_ref().is_some_and(linked))?;
    let mut growing = Growing::between(program, start, nests[second].as_ref()?)?;
    let mut best: Option<(f64, usize, Vec<BufId>)> = None;
    for (k, nest) in nests.iter().enumerate().skip(first) {
        let Some(nest) = nest else { break };
        if !growing.takes(nest) {
            break;
        }
        if k < second {
            continue;
        }
        let (saved, local) = growing.saved(steps, first..k + 1, given);
        if saved > best.as_ref().map_or(0.0, |(most, ..)| *most) {
            best = Some((saved, k + 1, local));
        }
    }
    let (_, end, local) = best?;
    let follows = growing.follows[..end - first].to_vec();
    let mut block = Block { first, end, axes: growing.axes, follows, local, bounds: Vec::new() };
    block.bounds = bounds::bounds(steps, &block);
    Some(block)
}

/// A block that steps are added to.
struct Growing<'p> {
    program: &'p Program,
    axes: Vec<Dim>,
    follows: Vec<Vec<usize>>,
    /// For each buffer for each axis the tiled one that it is.
    tiled: BTreeMap<BufId, Vec<Option<usize>>>,
    written: BTreeSet<BufId>,
    /// Those written that tiles are added up in.
    summed: BTreeSet<BufId>,
}

impl<'p> Growing<'p> {
    /// The axes that two steps have in common, and no step yet.
    fn between(program: &'p Program, first: &Nest, second: &Nest) -> Option<Growing<'p>> {
        let empty = || Growing {
            program,
            axes: Vec::new(),
            follows: Vec::new(),
            tiled: BTreeMap::new(),
            written: BTreeSet::new(),
            summed: BTreeSet::new(),
        };
        let shared = |&k: &usize| {
            let mut alone = empty();
            alone.axes = vec![first.loops[k].extent.clone()];
            alone.add(first, vec![k]) && alone.takes(second)
        };
        let loops: Vec<usize> = (0..first.loops.len()).filter(shared).collect();
        let mut growing = empty();
        growing.axes = loops.iter().map(|&k| first.loops[k].extent.clone()).collect();
        growing.name(first, &loops);
        let follows = growing.follow(second)?;
        growing.name(second, &follows);
        (!loops.is_empty()).then_some(growing)
    }

    /// Adds a step, if it follows every tiled axis.
    fn takes(&mut self, nest: &Nest) -> bool {
        self.follow(nest).is_some_and(|follows| self.add(nest, follows))
    }

    /// For each tiled axis the loop of the step that runs along it, by what is
    /// known of the buffers: of those that the block writes first.
    fn follow(&self, nest: &Nest) -> Option<Vec<usize>> {
        let along = |a: usize, access: &Access| {
            let tiled = self.tiled.get(&access.buffer)?;
            (0..tiled.len()).find(|&k| tiled[k] == Some(a)).and_then(|k| access.axes[k])
        };
        let own = |access: &&Access| self.written.contains(&access.buffer);
        let of = |a: usize| nest.accesses().filter(own).chain(nest.accesses()).find_map(|access| along(a, access));
        (0..self.axes.len()).map(of).collect()
    }

    fn add(&mut self, nest: &Nest, follows: Vec<usize>) -> bool {
        let cuts: Vec<Cut> = follows.iter().map(|&l| nest.loops[l].cut).collect();
        let sum = cuts.contains(&Cut::Summand);
        let own = |l: &usize| follows.iter().filter(|m| *m == l).count() == 1;
        let fits = follows.iter().zip(&self.axes).all(|(&l, extent)| nest.loops[l].extent == *extent);
        if !fits || !follows.iter().all(own) || cuts.contains(&Cut::Never) {
            return false;
        }
        let base = |id: BufId| match self.program.buffer(id).place {
            Place::View(base) => base,
            Place::Param(_) | Place::Output(_) | Place::Temp => id,
        };
        for read in &nest.reads {
            let id = read.buffer;
            let own = self.written.contains(&id);
            let whole = base(id) != id && self.written.contains(&base(id));
            if whole || self.summed.contains(&id) || own && !self.same_tile(read, &follows) {
                return false;
            }
        }
        // A part of the axis that is innermost in memory would be short vectors.
        let lane = |w: &Access| {
            let inner = self.program.buffer(w.buffer).order.last().filter(|_| w.axes.len() > 1);
            inner.and_then(|&k| w.axes[k]).is_some_and(|l| follows.contains(&l))
        };
        if nest.writes.iter().any(lane) {
            return false;
        }
        // A tile of an output is this step's alone.
        let covered =
            |w: &Access| (0..follows.len()).all(|a| cuts[a] != Cut::Part || w.axes.contains(&Some(follows[a])));
        let known = |w: &Access| sum || !self.tiled.contains_key(&w.buffer) || self.same_tile(w, &follows);
        if !nest.writes.iter().all(|w| covered(w) && known(w)) {
            return false;
        }
        self.written.extend(nest.writes.iter().map(|w| w.buffer));
        if sum {
            self.summed.extend(nest.writes.iter().map(|w| w.buffer));
        }
        self.name(nest, &follows);
        self.follows.push(follows);
        true
    }

    /// Notes which axes of the step's buffers are tiled.
    fn name(&mut self, nest: &Nest, follows: &[usize]) {
        for access in nest.accesses() {
            let of = |l: &Option<usize>| l.and_then(|l| follows.iter().position(|f| *f == l));
            let names: Vec<Option<usize>> = access.axes.iter().map(of).collect();
            self.tiled.entry(access.buffer).or_insert(names);
        }
    }

    /// Whether a step touches of a buffer the tile that it has in this block.
    fn same_tile(&self, access: &Access, follows: &[usize]) -> bool {
        let Some(tiled) = self.tiled.get(&access.buffer) else { return false };
        let along = |(name, l): (&Option<usize>, &Option<usize>)| name.is_none_or(|a| *l == Some(follows[a]));
        let named = (0..follows.len()).all(|a| tiled.contains(&Some(a)));
        named && tiled.iter().zip(&access.axes).all(along)
    }

    /// The bytes that the steps so far save as a block, and the buffers that only they touch.
    fn saved(&self, steps: &Steps<'_>, range: Range<usize>, (caches, symbol): (Caches, i64)) -> (f64, Vec<BufId>) {
        let released = |id: &BufId| steps.released.get(id).is_some_and(|k| range.contains(k));
        let own = |id: &&BufId| released(id) && !steps.viewed.contains(id) && !self.summed.contains(id);
        let local: Vec<BufId> = self.written.iter().filter(own).copied().collect();
        let operands = |step: &Step| match &step.action {
            Action::Dot(dot) => vec![dot.left, dot.right],
            Action::Launch(_) | Action::Scatter(_) => Vec::new(),
        };
        let packed: BTreeSet<BufId> = self.program.steps[range.clone()].iter().flat_map(operands).collect();
        let mut uses: BTreeMap<BufId, usize> = BTreeMap::new();
        for access in steps.nests[range].iter().flatten().flat_map(Nest::accesses) {
            *uses.entry(access.buffer).or_default() += 1;
        }
        let size = |Buffer { dtype, shape, .. }: &Buffer| bytes(*dtype, shape, symbol);
        let touched = |(&id, &uses): (&BufId, &usize)| Touched {
            bytes: size(self.program.buffer(id)),
            uses,
            packed: packed.contains(&id),
            local: local.binary_search(&id).is_ok(),
            summed: self.summed.contains(&id),
            axes: self.tiled.get(&id).into_iter().flatten().flatten().copied().collect(),
        };
        let touched: Vec<Touched> = uses.iter().map(touched).collect();
        let extents: Vec<f64> = self.axes.iter().map(|d| sized(d, symbol)).collect();
        (gain(&extents, &touched, caches), local)
    }
}
