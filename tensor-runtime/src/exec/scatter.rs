//! Adds rows to the places that indices name.
//!
//! In: a [`Scatter`], the buffers. Out: its target is written. Always: every index is checked before anything is written;
//! the updates of one place are added in the order of their indices by one job, so the sum does not depend on the
//! number of threads; updates of 16 bits make sums of `f32`. Next: [`super::jobs`].

use std::ops::Range;

use half::{bf16, f16};

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::plan::{Plan, Scatter};

use super::launch::Shared;
use super::memory::{Memory, Spot};
use super::{internal, jobs};

/// Rows of fewer elements are not worth a job; nor are shorter parts of a row.
const ROW: usize = 16;

/// An axis that target and updates share.
#[derive(Clone, Copy)]
struct Axis {
    extent: usize,
    /// In elements, of the target, of the updates, and of the table of places.
    steps: [isize; 3],
}

/// One job, or the whole: offsets of its first elements, and its axes.
#[derive(Clone)]
struct Part {
    start: [isize; 3],
    /// The axes before the one that is indexed.
    outer: Vec<Axis>,
    /// Which places of the indexed axis are this job's.
    places: Range<usize>,
    /// The step from one place to the next in the target.
    step: isize,
    /// The axes after it but the last.
    rows: Vec<Axis>,
    row: Axis,
}

/// Which axis is cut into jobs.
#[derive(Clone, Copy)]
enum Cut {
    Outer(usize),
    Places,
    Row,
}

/// Runs the scatter.
pub(super) fn run(plan: &'static Plan, scatter: &Scatter, memory: &mut Memory<'_>, sizes: &[i64]) -> Result<()> {
    let updates = memory.reading(scatter.updates, sizes)?;
    let indices = memory.reading(scatter.indices, sizes)?;
    let out = memory.writing(scatter.out, sizes)?;
    let whole = whole(scatter, &updates, &indices, &out);
    let apart = out.root != updates.root && out.root != indices.root;
    let typed = sums(updates.dtype) == Some(out.dtype) && indices.dtype == DType::I64;
    let Some(whole) = whole.filter(|_| apart && typed) else {
        return Err(internal(plan, "a scatter of operands that do not fit".into()));
    };
    let (places, offsets) = (places(plan, scatter, &indices, whole.places.end)?, offsets(scatter, &updates, &indices));
    if out.layout.is_empty() {
        return Ok(());
    }
    let work = (out.layout.len() as u64).saturating_add(updates.layout.len() as u64);
    let (cut, n) = whole.cut(jobs::count(work));
    let shared = Shared::new(|job: usize| {
        let part = whole.part(cut, n, job);
        // SAFETY: `whole` has shown that target and updates have the same axes, apart from the indexed one, whose places
        // are in range and whose offsets are the updates'; so all elements lie in their layouts. `out` is of another root
        // than what is read, injective, and `memory` has it exclusively; two parts differ in places of one of its axes.
        unsafe { by_dtype(&part, &places, &offsets, &out, &updates) }
    });
    jobs::run(n, &|job| shared.call(job)).map_err(|text| internal(plan, text))
}

/// The type of sums of such updates.
pub(super) fn sums(updates: DType) -> Option<DType> {
    (updates != DType::Bool).then(|| updates.computed().unwrap_or(updates))
}

/// The axes of the operands, if they fit each other.
fn whole(scatter: &Scatter, updates: &Spot, indices: &Spot, out: &Spot<'_>) -> Option<Part> {
    let (axis, batch) = (scatter.axis, scatter.batch);
    let (to, from, by) = (&out.layout, &updates.layout, &indices.layout);
    let own = by.rank().checked_sub(batch)?;
    if axis >= to.rank() || batch > axis || from.rank() + 1 != to.rank() + own {
        return None;
    }
    let shared = |k: usize, in_updates: usize, step: usize| {
        let fits = to.sizes()[k] == from.sizes()[in_updates];
        let steps = [to.strides()[k], from.strides()[in_updates], step as isize];
        fits.then_some(Axis { extent: to.sizes()[k], steps })
    };
    let table = |k: usize| if k < batch { by.sizes()[k + 1..].iter().product() } else { 0 };
    let outer = (0..axis).map(|k| shared(k, k, table(k))).collect::<Option<Vec<Axis>>>()?;
    let mut rows = (axis + 1..to.rank()).map(|k| shared(k, k + own - 1, 0)).collect::<Option<Vec<Axis>>>()?;
    let same = by.sizes()[..batch] == to.sizes()[..batch] && by.sizes()[batch..] == from.sizes()[axis..axis + own];
    merge(&mut rows);
    let row = rows.pop().unwrap_or(Axis { extent: 1, steps: [1, 1, 0] });
    let start = [to.offset() as isize, from.offset() as isize, 0];
    let part = Part { start, outer, places: 0..to.sizes()[axis], step: to.strides()[axis], rows, row };
    same.then_some(part)
}

/// Makes one axis of two that lie behind each other in all memory.
fn merge(axes: &mut Vec<Axis>) {
    for k in (1..axes.len()).rev() {
        let (a, b) = (axes[k - 1], axes[k]);
        if (0..3).all(|m| a.steps[m] == b.steps[m].wrapping_mul(b.extent as isize)) {
            axes[k - 1] = Axis { extent: a.extent * b.extent, ..b };
            axes.remove(k);
        }
    }
}

/// The place that each index names, in C order.
fn places(plan: &'static Plan, scatter: &Scatter, indices: &Spot, n: usize) -> Result<Vec<usize>> {
    let axes = axes_of(indices, 0);
    let (mut out, mut wrong) = (Vec::with_capacity(indices.layout.len()), None::<i64>);
    let first = indices.start.cast::<i64>();
    debug_assert!(scatter.batch <= axes.len());
    walk(&axes, [indices.layout.offset() as isize, 0, 0], &mut |at| {
        // SAFETY: `walk` stays within the layout, whose elements are readable `i64` during the step.
        let index = unsafe { first.wrapping_offset(at[0]).read() };
        let place = if index < 0 { index.wrapping_add(n as i64) } else { index };
        if (place as u64) < n as u64 {
            out.push(place as usize);
        } else {
            wrong = Some(wrong.map_or(index, |least| least.min(index)));
        }
    });
    match wrong {
        Some(index) => Err(Error::index(plan.function, "index_add", index, n)),
        None => Ok(out),
    }
}

/// For each index of one batch, in C order, how far its updates lie from the first.
fn offsets(scatter: &Scatter, updates: &Spot, indices: &Spot<'_>) -> Vec<isize> {
    let own = indices.layout.rank() - scatter.batch;
    let mut out = Vec::new();
    walk(&axes_of(updates, scatter.axis)[..own], [0; 3], &mut |at| out.push(at[0]));
    out
}

/// The axes of an operand from one on.
fn axes_of(spot: &Spot, from: usize) -> Vec<Axis> {
    let axes = spot.layout.sizes().iter().zip(spot.layout.strides()).skip(from);
    axes.map(|(&extent, &step)| Axis { extent, steps: [step, 0, 0] }).collect()
}

impl Part {
    /// The axis to cut, and into how many jobs.
    fn cut(&self, wanted: usize) -> (Cut, usize) {
        if let Some(k) = self.outer.iter().position(|axis| axis.extent >= wanted) {
            return (Cut::Outer(k), wanted);
        }
        // Each job reads all indices: that is little beside long rows, and as much as adding up short ones.
        let width = self.rows.iter().map(|axis| axis.extent).product::<usize>() * self.row.extent;
        match self.places.len() >= wanted {
            true if width >= ROW => (Cut::Places, wanted),
            false if self.row.extent >= wanted * ROW => (Cut::Row, wanted),
            true | false => (Cut::Places, 1),
        }
    }

    /// Job `i` of `n`.
    fn part(&self, cut: Cut, n: usize, i: usize) -> Part {
        let mut part = self.clone();
        let axis = match cut {
            Cut::Places => {
                part.places = jobs::part(self.places.len(), n, i);
                return part;
            }
            Cut::Outer(k) => &mut part.outer[k],
            Cut::Row => &mut part.row,
        };
        let range = jobs::part(axis.extent, n, i);
        axis.extent = range.len();
        part.start = moved(part.start, axis, range.start);
        part
    }
}

#[inline]
fn moved(mut at: [isize; 3], axis: &Axis, by: usize) -> [isize; 3] {
    (0..3).for_each(|m| at[m] = at[m].wrapping_add(axis.steps[m].wrapping_mul(by as isize)));
    at
}

/// Visits all points of the axes. Often there is one axis of many points, or none many times.
#[inline]
fn walk<F: FnMut([isize; 3])>(axes: &[Axis], at: [isize; 3], visit: &mut F) {
    match axes {
        [] => visit(at),
        [axis] => (0..axis.extent).for_each(|i| visit(moved(at, axis, i))),
        [first, rest @ ..] => (0..first.extent).for_each(|i| walk(rest, moved(at, first, i), visit)),
    }
}

trait Sum: Copy {
    const ZERO: Self;
    fn plus(self, other: Self) -> Self;
}

macro_rules! sums {
    ($($ty:ident $zero:literal |$a:ident, $b:ident| $sum:expr;)*) => {$(
        impl Sum for $ty {
            const ZERO: $ty = $zero;
            #[inline(always)]
            fn plus(self, other: $ty) -> $ty {
                let ($a, $b) = (self, other);
                $sum
            }
        }
    )*};
}

sums! {
    u8 0 |a, b| a.wrapping_add(b);
    u16 0 |a, b| a.wrapping_add(b);
    u32 0 |a, b| a.wrapping_add(b);
    u64 0 |a, b| a.wrapping_add(b);
    f32 0.0 |a, b| a + b;
    f64 0.0 |a, b| a + b;
}

/// # Safety
/// As [`add`].
unsafe fn by_dtype(part: &Part, places: &[usize], offsets: &[isize], out: &Spot, updates: &Spot<'_>) {
    // SAFETY: the caller's promise; integers of one width add alike, whatever their sign.
    unsafe {
        match updates.dtype {
            DType::F16 => add::<f32, f16>(part, places, offsets, out.start.cast(), updates.start.cast()),
            DType::BF16 => add::<f32, bf16>(part, places, offsets, out.start.cast(), updates.start.cast()),
            DType::F32 => add::<f32, f32>(part, places, offsets, out.start.cast(), updates.start.cast()),
            DType::F64 => add::<f64, f64>(part, places, offsets, out.start.cast(), updates.start.cast()),
            DType::Bool | DType::U8 | DType::I8 => {
                add::<u8, u8>(part, places, offsets, out.start.cast(), updates.start.cast())
            }
            DType::U16 | DType::I16 => add::<u16, u16>(part, places, offsets, out.start.cast(), updates.start.cast()),
            DType::U32 | DType::I32 => add::<u32, u32>(part, places, offsets, out.start.cast(), updates.start.cast()),
            DType::U64 | DType::I64 => add::<u64, u64>(part, places, offsets, out.start.cast(), updates.start.cast()),
        }
    }
}

/// One job: zeros, then every update in the order of the indices.
///
/// # Safety
/// All that the part reaches from `to` must be elements that nobody else uses, all that it and `offsets` reach from
/// `from` readable elements, and `places` below the indexed axis's extent.
unsafe fn add<T: Sum, U: Copy + Into<T>>(part: &Part, places: &[usize], offsets: &[isize], to: *mut T, from: *const U) {
    let n = part.row.extent;
    let [to_step, from_step, _] = part.row.steps;
    walk(&part.outer, part.start, &mut |outer| {
        for place in part.places.clone() {
            let at = outer[0] + place as isize * part.step;
            walk(&part.rows, [at, 0, 0], &mut |at| {
                for i in 0..n as isize {
                    // SAFETY: the caller's promise.
                    unsafe { to.wrapping_offset(at[0] + i * to_step).write(T::ZERO) };
                }
            });
        }
        let table = &places[outer[2] as usize..][..offsets.len()];
        for (&place, &offset) in table.iter().zip(offsets) {
            if !part.places.contains(&place) {
                continue;
            }
            let at = [outer[0] + place as isize * part.step, outer[1] + offset, 0];
            walk(&part.rows, at, &mut |at| {
                let (to, from) = (to.wrapping_offset(at[0]), from.wrapping_offset(at[1]));
                // SAFETY: the caller's promise.
                unsafe { add_row(to, to_step, from, from_step, n) };
            });
        }
    });
}

/// # Safety
/// `n` elements from `to` and `from` on, so far apart, must be this job's own and readable.
#[inline]
unsafe fn add_row<T: Sum, U: Copy + Into<T>>(to: *mut T, to_step: isize, from: *const U, from_step: isize, n: usize) {
    if to_step == 1 && from_step == 1 {
        for i in 0..n {
            // SAFETY: the caller's promise.
            unsafe { to.add(i).write(to.add(i).read().plus(from.add(i).read().into())) };
        }
        return;
    }
    for i in 0..n as isize {
        let (to, from) = (to.wrapping_offset(i * to_step), from.wrapping_offset(i * from_step));
        // SAFETY: the caller's promise.
        unsafe { to.write(to.read().plus(from.read().into())) };
    }
}
