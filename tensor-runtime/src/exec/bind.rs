//! Gives each symbol its size, and checks the operands of a call.
//!
//! In: a plan and its operands. Out: all sizes. Always: an error names the operand, the axis and both sizes.
//! Next: [`super::memory`].

use std::sync::Arc;

use crate::device::gpu::Gpu;
use crate::error::{Error, Result, Site};
use crate::operand::RawView;
use crate::plan::{Param, Plan, Relation, Require, Slot};

use super::internal;

/// A symbol that has no size yet.
pub(super) const UNBOUND: i64 = -1;

/// Fills `sizes`, one a slot of the plan, all [`UNBOUND`] so far.
#[inline(always)]
pub(super) fn bind(plan: &'static Plan, operands: &[RawView<'_>], sizes: &mut [i64]) -> Result<()> {
    let symbols = plan.symbols.len();
    if operands.len() != plan.params.len() || symbols > sizes.len() {
        return Err(uncounted(plan, operands));
    }
    // How many symbols have a size, and whether there are sizes that are no symbol's.
    let (mut bound, mut more) = (0, false);
    for (p, (param, operand)) in plan.params.iter().zip(operands).enumerate() {
        let found = operand.sizes();
        if operand.dtype() != param.dtype || found.len() != param.dims.len() {
            return Err(unfit(plan, param, operand));
        }
        for (axis, (&size, &slot)) in found.iter().zip(param.dims).enumerate() {
            let slot = usize::from(slot);
            if slot >= symbols {
                more = true;
                continue;
            }
            if sizes[slot] == UNBOUND {
                sizes[slot] = size as i64;
                bound += 1;
            } else if sizes[slot] != size as i64 {
                return Err(mismatch(plan, operands, slot, p, axis));
            }
        }
    }
    if bound < symbols {
        return Err(unbound(plan, sizes));
    }
    if (plan.sizes)(sizes).is_none() {
        return Err(too_large(plan, operands));
    }
    if more {
        computed(plan, operands, sizes)?;
    }
    require(plan, sizes)
}

/// Checks the axes whose sizes follow from those of others.
#[inline(never)]
fn computed(plan: &'static Plan, operands: &[RawView<'_>], sizes: &[i64]) -> Result<()> {
    let symbols = plan.symbols.len();
    for (param, operand) in plan.params.iter().zip(operands) {
        let found = operand.sizes();
        for (axis, (&size, &slot)) in found.iter().zip(param.dims).enumerate() {
            let slot = usize::from(slot);
            if slot < symbols {
                continue;
            }
            let Some(&wanted) = sizes.get(slot) else { return Err(internal(plan, format!("no size {slot}"))) };
            if wanted != size as i64 {
                let text = format!("axis {axis} of `{}` is {size}, but {wanted} is wanted", param.name);
                return Err(Error::shape(plan.function, found, Some(axis), text));
            }
        }
    }
    Ok(())
}

/// Where the call runs: on the device of its operands, else on the host. A number in host memory may come along.
#[inline]
pub(super) fn device(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<Option<Arc<Gpu>>> {
    if operands.iter().all(|operand| operand.block().is_none()) { Ok(None) } else { the_device(plan, operands) }
}

fn the_device(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<Option<Arc<Gpu>>> {
    let gpu = |operand: &RawView<'_>| operand.block().map(|block| Arc::clone(block.gpu()));
    let mut there = operands.iter().enumerate().filter_map(|(p, operand)| Some((p, gpu(operand)?)));
    let Some((first, found)) = there.next() else { return Ok(None) };
    let fits = |operand: &RawView<'_>| match operand.block() {
        Some(block) => Arc::ptr_eq(block.gpu(), &found),
        None => operand.sizes().is_empty(),
    };
    match operands.iter().position(|operand| !fits(operand)) {
        None => Ok(Some(found)),
        Some(other) => {
            let name = |p: usize| plan.params.get(p).map_or("", |param| param.name);
            let (one, another) = (operands[other].device(), operands[first].device());
            Err(Error::devices(plan.function, (name(other), &one), (name(first), &another)))
        }
    }
}

/// Fills `sizes` from those of the symbols alone, each of which is named once, and nothing else.
pub(super) fn named(plan: &'static Plan, symbols: &[(&str, usize)], sizes: &mut [i64]) -> Result<()> {
    for (k, (name, _)) in symbols.iter().enumerate() {
        let why = match plan.symbols {
            [] => Some("it has none".to_owned()),
            all if !all.contains(name) => Some(format!("it has {}", all.join(", "))),
            _ => symbols[..k].iter().any(|(other, _)| other == name).then(|| "give each size once".to_owned()),
        };
        if let Some(why) = why {
            let what = if why.starts_with("it") { "is no dimension of this function" } else { "is named twice" };
            return Err(Error::shape(plan.function, &[], None, format!("`{name}` {what}: {why}")));
        }
    }
    for (symbol, to) in plan.symbols.iter().zip(sizes.iter_mut()) {
        let found = symbols.iter().find(|(name, _)| name == symbol).and_then(|&(_, size)| i64::try_from(size).ok());
        *to = found.ok_or_else(|| {
            let text = format!("`{symbol}` has no size; those of {} are wanted", plan.symbols.join(", "));
            Error::shape(plan.function, &[], None, text)
        })?;
    }
    let given = || symbols.iter().map(|&(_, size)| size).collect::<Vec<_>>();
    (plan.sizes)(sizes).ok_or_else(|| Error::too_large(plan.function, &given()))?;
    require(plan, sizes)
}

/// Checks the relations between sizes.
#[inline]
fn require(plan: &'static Plan, sizes: &[i64]) -> Result<()> {
    for require in plan.requires {
        let side = |slot: Slot| sizes.get(usize::from(slot)).copied();
        let holds = match (side(require.left), side(require.right), &require.relation) {
            (Some(left), Some(right), Relation::Eq) => left == right,
            (Some(left), Some(right), Relation::Le) => left <= right,
            (Some(left), Some(right), Relation::Lt) => left < right,
            (None, _, _) | (_, None, _) => false,
        };
        if !holds {
            return Err(violated(plan, require, sizes));
        }
    }
    Ok(())
}

#[cold]
fn violated(plan: &'static Plan, require: &Require, sizes: &[i64]) -> Error {
    match (sizes.get(usize::from(require.left)), sizes.get(usize::from(require.right))) {
        (Some(&left), Some(&right)) => {
            let what = format!("`{}`, for {},", require.text, require.why);
            Error::requirement(plan.function, what, left, right)
        }
        (None, _) | (_, None) => internal(plan, format!("no sizes for `{}`", require.text)),
    }
}

#[cold]
fn uncounted(plan: &'static Plan, operands: &[RawView<'_>]) -> Error {
    internal(plan, format!("{} operands for {} parameters", operands.len(), plan.params.len()))
}

/// An operand of another type, or of another number of axes.
#[cold]
fn unfit(plan: &'static Plan, param: &Param, operand: &RawView<'_>) -> Error {
    let (found, expected) = (operand.dtype(), param.dtype);
    if found != expected {
        return Error::DType { operation: plan.function, operand: param.name.into(), found, expected };
    }
    let (sizes, wanted) = (operand.sizes(), param.dims.len());
    let text = format!("`{}` has shape {sizes:?}, of {} axes, but {wanted} are wanted", param.name, sizes.len());
    Error::shape(plan.function, sizes, None, text)
}

#[cold]
fn unbound(plan: &'static Plan, sizes: &[i64]) -> Error {
    let names = plan.symbols.iter().zip(sizes).filter(|(_, size)| **size == UNBOUND).map(|(name, _)| *name);
    internal(plan, format!("no operand gives `{}` its size", names.take(1).collect::<String>()))
}

/// Two sizes for one symbol: the first place that gave it one, and the one at fault.
#[cold]
fn mismatch(plan: &'static Plan, operands: &[RawView<'_>], slot: usize, param: usize, axis: usize) -> Error {
    let site = |p: usize, axis: usize| Site::new(plan.params[p].name, axis, operands[p].sizes()[axis]);
    let places =
        plan.params.iter().enumerate().flat_map(|(p, q)| q.dims.iter().enumerate().map(move |(a, &d)| (p, a, d)));
    let first = places.into_iter().find(|&(_, _, d)| usize::from(d) == slot).map(|(p, a, _)| site(p, a));
    let second = site(param, axis);
    Error::dim_mismatch(plan.function, plan.symbols[slot], first.unwrap_or_else(|| second.clone()), second)
}

#[cold]
fn too_large(plan: &'static Plan, operands: &[RawView<'_>]) -> Error {
    let sizes: Vec<usize> = operands.iter().flat_map(|o| o.sizes()).copied().collect();
    Error::too_large(plan.function, &sizes)
}
