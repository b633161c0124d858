//! Which elements of a product nobody needs.
//!
//! In: a block, whose steps are nests. Out: for a product that one kernel of the
//! block reads and nothing else does, conditions on its place without which the
//! kernel discards the element: those of a `where` that are linear in places, as
//! in a causal mask. Always: an element that is needed meets every bound; one
//! that is not may have any value. Next: the executor's blocks in the runtime.

use super::nest::Nest;
use super::{Block, Steps};
use crate::kernel::condition::said;
use crate::kernel::{InstOp, Kernel, ValId};
use crate::ops::MapOp;
use crate::program::{Action, BufId, Launch, Role};
use crate::shape::{Dim, SizesOnly, Sym};

/// An element of the product is needed only where
/// `along·j + Σ tiled[a]·i[a] + start >= 0`, `j` the place along one of its
/// loops and `i` that along the block's tiled axes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bound {
    pub step: usize,
    /// The loop of the product.
    pub axis: usize,
    pub along: i64,
    pub tiled: Vec<i64>,
    pub start: Dim,
}

/// The bounds of the products of a block.
pub(super) fn bounds(steps: &Steps<'_>, block: &Block) -> Vec<Bound> {
    (block.first..block.end).flat_map(|step| of_product(steps, block, step).unwrap_or_default()).collect()
}

fn of_product(steps: &Steps<'_>, block: &Block, step: usize) -> Option<Vec<Bound>> {
    let Action::Dot(dot) = &steps.program.steps[step].action else { return None };
    let local = block.local.contains(&dot.out) && dot.epilogue.is_none();
    let mut readers = (step + 1..block.end).filter(|&k| reads(steps.nests[k].as_ref(), dot.out));
    let (reader, None) = (readers.next().filter(|_| local)?, readers.next()) else { return None };
    let Action::Launch(launch) = &steps.program.steps[reader].action else { return None };
    let kernel = &steps.program.kernels[launch.kernel];
    let follows = &block.follows[reader - block.first];
    // The kernel's loop along an axis of the product.
    let access = steps.nests[reader].as_ref()?.reads.iter().find(|read| read.buffer == dot.out)?;
    let vars: Vec<&Sym> = kernel.axes().map(|axis| &axis.var).collect();
    let mut out = Vec::new();
    for condition in needed(kernel, launch, dot.out)? {
        for (axis, l) in dot.axes.iter().enumerate().filter(|(_, l)| l.role != Role::Contract) {
            let Some(lane) = l.out.and_then(|k| access.axes[k]).filter(|lane| !follows.contains(lane)) else {
                continue;
            };
            let Some((along, mut rest)) = split(&condition, vars[lane]) else { continue };
            let mut tiled = Vec::new();
            for &follow in follows {
                let Some((times, without)) = split(&rest, vars[follow]) else { break };
                tiled.push(times);
                rest = without;
            }
            let size = |name: &str| kernel.sizes.iter().position(|s| &**s == name).map(|k| launch.sizes[k].clone());
            let open = |name: &Sym| size(name).is_none();
            if along != 0 && tiled.len() == follows.len() && !rest.symbols().iter().any(open) {
                let start = rest.substitute(&SizesOnly, &size);
                out.push(Bound { step, axis, along, tiled, start });
            }
        }
    }
    Some(out)
}

fn reads(nest: Option<&Nest>, buffer: BufId) -> bool {
    nest.is_some_and(|nest| nest.reads.iter().any(|read| read.buffer == buffer))
}

/// `condition = number·var + rest`.
fn split(condition: &Dim, var: &Sym) -> Option<(i64, Dim)> {
    let (times, rest) = condition.affine_in(var)?;
    Some((times.as_const()?, rest))
}

/// Expressions over loops and sizes that are not negative wherever an element
/// of this input is needed; `None` where it is needed nowhere.
fn needed(kernel: &Kernel, launch: &Launch, buffer: BufId) -> Option<Vec<Dim>> {
    let mut of: Vec<Option<Vec<Dim>>> = vec![None; kernel.code.len()];
    for store in &kernel.stores {
        want(&mut of, store.value, &[]);
    }
    let mut all: Option<Vec<Dim>> = None;
    for id in kernel.ids().rev() {
        let Some(where_) = of[id.0 as usize].clone() else { continue };
        match &kernel.inst(id).op {
            InstOp::Map(op, args) if *op == MapOp::named("where") => {
                want(&mut of, args[0], &where_);
                for (arm, holds) in [(args[1], true), (args[2], false)] {
                    want(&mut of, arm, &[where_.clone(), said(kernel, args[0], holds).not_negative].concat());
                }
            }
            InstOp::Reduce(_, arg) => {
                // Wherever it is needed once, all that it is made of is.
                let reduced = |d: &Dim| kernel.red.iter().any(|axis| d.mentions(&axis.var));
                let outer: Vec<Dim> = where_.into_iter().filter(|d| !reduced(d)).collect();
                want(&mut of, *arg, &outer);
            }
            InstOp::Load { input, .. } if launch.inputs[*input] == buffer => meet(&mut all, &where_),
            op @ (InstOp::Load { .. }
            | InstOp::Const(_)
            | InstOp::Index(_)
            | InstOp::Inside(_)
            | InstOp::Map(..)
            | InstOp::Cast(_)
            | InstOp::Pick(..)) => op.args().into_iter().for_each(|arg| want(&mut of, arg, &where_)),
        }
    }
    all
}

fn want(of: &mut [Option<Vec<Dim>>], id: ValId, conditions: &[Dim]) {
    meet(&mut of[id.0 as usize], conditions);
}

/// What is needed under either of two lists of conditions is needed under those that they share.
fn meet(known: &mut Option<Vec<Dim>>, conditions: &[Dim]) {
    match known {
        Some(known) => known.retain(|d| conditions.contains(d)),
        None => *known = Some(conditions.to_vec()),
    }
}
