//! Adds rows to the places that indices name, on a device.
//!
//! In: a [`Scatter`], the buffers. Out: nothing; its target will be written. Always: the updates of one place are added in
//! the order of their indices by one thread; an index out of range is noted and left out.
//! Next: `device/texts/scatter.cu`.

use crate::device::arguments::Arguments;
use crate::device::geometry;
use crate::device::kernels::{Classes, Unit};
use crate::device::texts::{self, Axis};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::plan::{Plan, Scatter};

use super::super::internal;
use super::super::memory::{Memory, Spot};
use super::super::scatter::sums;
use super::{Call, address};

/// So many threads that a GPU of any size has work for all of its own.
const THREADS: i64 = 1 << 16;

/// The axes before the place, those of the indices, and those after the place; steps in updates, indices and target.
struct Axes {
    outer: Vec<Axis<3>>,
    own: Vec<Axis<3>>,
    rows: Vec<Axis<3>>,
}

/// Runs the scatter.
pub(super) fn run(plan: &'static Plan, scatter: &Scatter, memory: &mut Memory<'_, Call>, sizes: &[i64]) -> Result<()> {
    let updates = memory.reading(scatter.updates, sizes)?;
    let indices = memory.reading(scatter.indices, sizes)?;
    let out = memory.writing(scatter.out, sizes)?;
    let apart = out.root != updates.root && out.root != indices.root;
    let typed = sums(updates.dtype) == Some(out.dtype) && indices.dtype == DType::I64;
    let axes = axes(scatter, &updates, &indices, &out).filter(|_| apart && typed);
    let axes = axes.ok_or_else(|| internal(plan, "a scatter of operands that do not fit".into()))?;
    let merged = [&axes.outer, &axes.own, &axes.rows].map(|axes| texts::merged(axes));
    let [Some(outer), Some(own), Some(rows)] = merged else {
        return Err(Error::unsupported(plan.function, "an index_add of so many axes, on a GPU"));
    };
    let lists = [outer, own, rows];
    let counts = lists.each_ref().map(|axes| axes.iter().fold(1i64, |n, axis| n.saturating_mul(axis.extent)));
    let (places, step) = (out.layout.sizes()[scatter.axis] as i64, out.layout.strides()[scatter.axis] as i64);
    let [outer, own, rows] = counts;
    if outer == 0 || rows == 0 {
        return check(plan, &indices, places, memory.target);
    }
    // Without a place nothing is written, but every index is wrong.
    if places == 0 && own == 0 {
        return Ok(());
    }
    let parts = (THREADS / outer.saturating_mul(rows)).clamp(1, places.max(1));
    let length = geometry::groups(places.max(1), parts);
    let far = |operand| lists.iter().fold(0i64, |far, axes| far.saturating_add(texts::reach(axes, operand)));
    let most = (0..3).map(far).chain(counts).fold(places.saturating_mul(step.saturating_abs()), i64::saturating_add);
    let wide = geometry::is_wide(most);
    let element = Some(updates.dtype.cuda());
    let classes = Classes { block: texts::BLOCK, strip: 1, wide, element, ..Classes::default() };
    let call = &mut memory.target;
    let mut arguments = Arguments::new(true);
    [&updates, &indices, &out].into_iter().for_each(|spot| arguments.address(address(spot)));
    arguments.address(call.notes("index_add", 1)?);
    lists.iter().for_each(|axes| arguments.numbers(&texts::words(axes)));
    [outer, own, rows, places, step, length].iter().for_each(|&number| arguments.numbers(&[number]));
    let threads = outer.saturating_mul(rows).saturating_mul(geometry::groups(places.max(1), length));
    let blocks =
        geometry::blocks(geometry::groups(threads, i64::from(texts::BLOCK)), call.gpu.description().multiprocessors);
    let unit = Unit { text: texts::SCATTER, function: "nd_scatter", classes, calls: None };
    // SAFETY: the text's parameters are these; `axes` has shown that target and updates have the same axes, apart from the
    // indexed one, whose places the text checks; `out` is of another root than what is read, injective, and the call's own.
    unsafe { call.gpu.launch(&unit, blocks, &mut arguments) }
}

/// Notes the indices that are out of range of an axis of so many places, where nothing is written.
fn check(plan: &'static Plan, indices: &Spot, places: i64, call: &mut Call) -> Result<()> {
    let layout = &indices.layout;
    let axes = layout.sizes().iter().zip(layout.strides());
    let axes: Vec<Axis<1>> =
        axes.map(|(&extent, &step)| Axis { extent: extent as i64, steps: [step as i64] }).collect();
    let axes = texts::merged(&axes)
        .ok_or_else(|| Error::unsupported(plan.function, "an index_add of so many axes, on a GPU"))?;
    let count = layout.len() as i64;
    if count == 0 {
        return Ok(());
    }
    let wide = geometry::is_wide(texts::reach(&axes, 0).max(count));
    let classes = Classes { block: texts::BLOCK, wide, ..Classes::default() };
    let mut arguments = Arguments::new(true);
    arguments.address(address(indices));
    arguments.address(call.notes("index_add", 1)?);
    arguments.numbers(&texts::words(&axes));
    arguments.numbers(&[count]);
    arguments.numbers(&[places]);
    let blocks =
        geometry::blocks(geometry::groups(count, i64::from(texts::BLOCK)), call.gpu.description().multiprocessors);
    let unit = Unit { text: texts::SCATTER, function: "nd_check", classes, calls: None };
    // SAFETY: the text's parameters are these; the layout's elements lie in memory that the call has.
    unsafe { call.gpu.launch(&unit, blocks, &mut arguments) }
}

/// The axes of the operands, if they fit each other.
fn axes(scatter: &Scatter, updates: &Spot, indices: &Spot, out: &Spot<'_>) -> Option<Axes> {
    let (axis, batch) = (scatter.axis, scatter.batch);
    let (to, from, by) = (&out.layout, &updates.layout, &indices.layout);
    let own = by.rank().checked_sub(batch)?;
    if axis >= to.rank() || batch > axis || from.rank() + 1 != to.rank() + own {
        return None;
    }
    let shared = |k: usize, in_updates: usize| {
        let step = if k < batch { by.strides()[k] } else { 0 };
        let fits = to.sizes()[k] == from.sizes()[in_updates] && (k >= batch || by.sizes()[k] == to.sizes()[k]);
        let steps = [from.strides()[in_updates] as i64, step as i64, to.strides()[k] as i64];
        fits.then_some(Axis { extent: to.sizes()[k] as i64, steps })
    };
    let indexed = |k: usize| {
        let steps = [from.strides()[axis + k] as i64, by.strides()[batch + k] as i64, 0];
        let extent = by.sizes()[batch + k];
        (from.sizes()[axis + k] == extent).then_some(Axis { extent: extent as i64, steps })
    };
    Some(Axes {
        outer: (0..axis).map(|k| shared(k, k)).collect::<Option<_>>()?,
        own: (0..own).map(indexed).collect::<Option<_>>()?,
        rows: (axis + 1..to.rank()).map(|k| shared(k, k + own - 1)).collect::<Option<_>>()?,
    })
}
