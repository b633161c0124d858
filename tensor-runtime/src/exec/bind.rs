//! Gives each symbol its size, and checks the operands of a call.
//!
//! In: a plan and its operands. Out: all sizes. Always: an error names the operand, the axis and both sizes.
//! Next: [`super::memory`].

use std::sync::Arc;

use crate::device::gpu::Gpu;
use crate::error::{Error, Result, Site};
use crate::operand::RawView;
use crate::plan::{Plan, Relation};

use super::internal;

/// A symbol that has no size yet.
pub(super) const UNBOUND: i64 = -1;

/// Fills `sizes`, one a slot of the plan, all [`UNBOUND`] so far.
pub(super) fn bind(plan: &'static Plan, operands: &[RawView<'_>], sizes: &mut [i64]) -> Result<()> {
    let symbols = plan.symbols.len();
    if operands.len() != plan.params.len() || symbols > sizes.len() {
        return Err(internal(plan, format!("{} operands for {} parameters", operands.len(), plan.params.len())));
    }
    let mut more = false;
    for (p, (param, operand)) in plan.params.iter().zip(operands).enumerate() {
        if operand.dtype() != param.dtype {
            let (found, expected) = (operand.dtype(), param.dtype);
            return Err(Error::DType { operation: plan.function, operand: param.name.into(), found, expected });
        }
        let found = operand.sizes();
        if found.len() != param.dims.len() {
            let text = format!(
                "`{}` has shape {found:?}, of {} axes, but {} are wanted",
                param.name,
                found.len(),
                param.dims.len()
            );
            return Err(Error::shape(plan.function, found, None, text));
        }
        for (axis, (&size, &slot)) in found.iter().zip(param.dims).enumerate() {
            let slot = usize::from(slot);
            if slot >= symbols {
                more = true;
                continue;
            }
            if sizes[slot] == UNBOUND {
                sizes[slot] = size as i64;
            } else if sizes[slot] != size as i64 {
                return Err(mismatch(plan, operands, slot, p, axis));
            }
        }
    }
    if let Some(slot) = sizes[..symbols].iter().position(|&size| size == UNBOUND) {
        return Err(internal(plan, format!("no operand gives `{}` its size", plan.symbols[slot])));
    }
    (plan.sizes)(sizes).ok_or_else(|| too_large(plan, operands))?;
    if more {
        computed(plan, operands, sizes)?;
    }
    require(plan, sizes)
}

/// Checks the axes whose sizes follow from those of others.
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
pub(super) fn device(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<Option<Arc<Gpu>>> {
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
        let (Some(&left), Some(&right)) = (sizes.get(usize::from(require.left)), sizes.get(usize::from(require.right)))
        else {
            return Err(internal(plan, format!("no sizes for `{}`", require.text)));
        };
        let holds = match require.relation {
            Relation::Eq => left == right,
            Relation::Le => left <= right,
            Relation::Lt => left < right,
        };
        if !holds {
            let what = format!("`{}`, for {},", require.text, require.why);
            return Err(Error::requirement(plan.function, what, left, right));
        }
    }
    Ok(())
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
