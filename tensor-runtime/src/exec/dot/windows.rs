//! A product of windows that are read where they are.
//!
//! In: a [`Prologue`] whose windows are steps through an array, a product of `f32` that reads them alone. Out: the product is
//! written, and the windows are nowhere in memory; or it is said that this cannot be, for the sizes alone. Always: the terms of
//! a sum are in the order of the product's loops; what lies outside of the array is zero, and is not read.
//! Next: [`super::packed`] where they are the rows, [`super::lanes`] where they are the lanes, [`super::tile`].

use std::ops::Range;
use std::sync::Arc;

use crate::MAX_RANK;
use crate::dtype::DType;
use crate::error::Result;
use crate::exec::few::Few;
use crate::exec::memory::{Memory, Spot, described, layout_of};
use crate::isa;
use crate::plan::{Action, Around, Plan, Prologue, Role};

use super::bands::Bands;
use super::boxes::Boxes;
use super::gemm::{Loop, MAX_LOOPS};
use super::lay::VECTOR;
use super::packed::Packed;
use super::tile::{self, Also, Strip};
use super::{Product, multiply};

/// Terms whose lanes in a panel stay in the first-level cache, and rows for which it pays to fetch those of more terms: each
/// line of an image goes through all panels.
const NEAR: usize = 192;
const LONG: usize = 48;
/// Rows that are copied at once where some of their terms lie outside.
const EDGE: usize = 16;

/// The rows or the lanes of a product: windows of an array.
#[derive(Debug)]
pub(in crate::exec) struct Windows {
    /// Which operand they are.
    pub(super) role: Role,
    /// The element of all indices 0.
    origin: *const f32,
    pub(super) axes: Vec<Axis>,
    /// For each term, and each of the axes, how far it is from the first one.
    pub(super) terms: Vec<isize>,
    /// For each term the same in bytes.
    pub(super) offsets: Vec<isize>,
    /// The loop along which windows are neighbours.
    pub(super) line: Option<usize>,
}

/// An axis of the array.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) size: isize,
    stride: isize,
    /// Where the product's first element is, and the step along each of its loops.
    start: isize,
    pub(super) steps: [isize; MAX_LOOPS],
    /// How far the terms of a sum go, down and up.
    low: isize,
    high: isize,
}

/// A place of some loops: the windows' indices there, and how far it is in the other operand and in the destination.
pub(super) struct Place {
    pub(super) at: [isize; MAX_RANK],
    pub(super) other: isize,
    pub(super) out: isize,
}

/// Runs a product and the kernel before it that makes its windows as one, and what reads the product in `bands`; answers whether it
/// can. If not, nothing was done.
pub(in crate::exec) fn run(
    plan: &'static Plan,
    prologue: &'static Prologue,
    bands: Option<&Bands>,
    memory: &mut Memory<'_>,
    sizes: &[i64],
) -> Result<bool> {
    let action = plan.steps.get(prologue.step + 1).map(|step| &step.action);
    let (Some(around), Some(Action::Dot(dot))) = (&prologue.around, action) else { return Ok(false) };
    if dot.dtype != DType::F32 || tile::tiles(isa::active()).is_none() {
        return Ok(false);
    }
    let (windows, other) = if prologue.left { (dot.left, dot.right) } else { (dot.right, dot.left) };
    let (windows, other) = (memory.unplaced(windows, sizes)?, memory.reading(other, sizes)?);
    let array = memory.reading(around.of, sizes)?;
    let (left, right) = if prologue.left { (windows, other) } else { (other, windows) };
    let shape = layout_of(plan, described(plan, dot.out)?, sizes)?;
    let mut product = Product::new(plan, dot, &left, &right, shape.sizes(), sizes)?;
    in_turn(&mut product, prologue.left);
    product.windows = Windows::new(&product, prologue.left, &array, around, sizes).map(Arc::new);
    if product.windows.is_none() {
        return Ok(false);
    }
    let roots = if prologue.left { [array.root, other.root] } else { [other.root, array.root] };
    multiply(plan, dot, &product, shape.sizes(), memory, sizes, roots, bands)
}

/// Has the terms of windows, which are nowhere, one behind another in the order of the loops.
fn in_turn(product: &mut Product, left: bool) {
    let mut step = 1;
    for l in product.loops.iter_mut().rev().filter(|l| l.role == Role::Contract) {
        *if left { &mut l.left } else { &mut l.right } = step;
        step = step.wrapping_mul(l.extent as isize);
    }
}

/// Whether a product to a destination with these steps can be computed in such boxes: its windows are the lanes, or the rows, and
/// each box has whole vectors of the other operand, which is packed.
pub(super) fn fit(product: &Product, packed: Option<&Packed>, boxes: &Boxes, strides: &[isize]) -> bool {
    let Some(windows) = &product.windows else { return true };
    let Some(packed) = packed else { return windows.are_lanes(product, strides) };
    let lanes = product.loops.iter().zip(&product.axes).filter(|(l, _)| l.role == packed.role());
    let whole = lanes.filter_map(|(_, axis)| *axis).all(|axis| boxes.begin_with(axis, VECTOR));
    whole && packed.depth() == windows.offsets.len()
}

/// As rows they pay where lines are long, or terms few.
fn pay_as_rows(loops: &[Loop], line: Option<usize>, depth: usize) -> bool {
    depth <= NEAR || line.is_some_and(|i| loops[i].extent >= LONG)
}

/// As lanes they pay where lines are longer than windows, for they are copied by lines.
pub(super) fn pay_as_lanes(loops: &[Loop], line: Option<usize>) -> bool {
    let window = loops.iter().rfind(|l| l.role == Role::Contract && l.extent > 1).map_or(1, |l| l.extent);
    line.is_some_and(|i| loops[i].extent >= window)
}

impl Windows {
    /// `None` where they are better written, where places could not be told with an `isize`, or where the array is none of `f32`.
    fn new(product: &Product, left: bool, array: &Spot<'_>, around: &Around, sizes: &[i64]) -> Option<Windows> {
        let (rank, loops) = (array.layout.rank(), &product.loops);
        if array.dtype != DType::F32 || around.axes.len() != rank || loops.iter().any(|l| l.extent == 0) {
            return None;
        }
        let mut axes = Vec::with_capacity(rank);
        for (k, (start, along)) in around.axes.iter().enumerate() {
            let start = isize::try_from(*sizes.get(usize::from(*start))?).ok()?;
            let mut axis = Axis {
                size: array.layout.sizes()[k] as isize,
                stride: array.layout.strides()[k],
                start,
                steps: [0; MAX_LOOPS],
                low: 0,
                high: 0,
            };
            let (mut least, mut most) = (start, start);
            for ((l, to), &step) in loops.iter().zip(&mut axis.steps).zip(along.iter()) {
                *to = isize::try_from(step).ok()?;
                let far = to.checked_mul(l.extent as isize - 1)?;
                (least, most) = (least.checked_add(far.min(0))?, most.checked_add(far.max(0))?);
                if l.role == Role::Contract {
                    (axis.low, axis.high) = (axis.low.checked_add(far.min(0))?, axis.high.checked_add(far.max(0))?);
                }
            }
            // What is computed below with places and sizes.
            most.checked_sub(least)?.checked_add(axis.size)?.checked_mul(2)?;
            least.checked_sub(axis.size)?;
            axes.push((along.len() == loops.len()).then_some(axis)?);
        }
        let depth = loops.iter().filter(|l| l.role == Role::Contract).map(|l| l.extent).product::<usize>();
        let role = if left { Role::Left } else { Role::Right };
        let line = (0..loops.len()).rev().find(|&i| loops[i].role == role && loops[i].extent > 1);
        if !(pay_as_rows(loops, line, depth) || pay_as_lanes(loops, line)) {
            return None;
        }
        let (mut terms, mut offsets) = (Vec::with_capacity(depth * rank), Vec::with_capacity(depth));
        let mut at = [0isize; MAX_LOOPS];
        let mut place = [0isize; MAX_RANK];
        for _ in 0..depth {
            let bytes = |at: isize, axis: &Axis| at.wrapping_mul(axis.stride).wrapping_mul(size_of::<f32>() as isize);
            terms.extend_from_slice(&place[..rank]);
            offsets.push(place.iter().zip(&axes).fold(0, |sum: isize, (&at, axis)| sum.wrapping_add(bytes(at, axis))));
            // The last loop is the fastest.
            for (i, l) in loops.iter().enumerate().rev().filter(|(_, l)| l.role == Role::Contract) {
                at[i] += 1;
                let by = if at[i] < l.extent as isize { 1 } else { 1 - at[i] };
                place.iter_mut().zip(&axes).for_each(|(place, axis)| *place += by * axis.steps[i]);
                if by == 1 {
                    break;
                }
                at[i] = 0;
            }
        }
        let origin = array.start.cast::<f32>().cast_const().wrapping_add(array.layout.offset());
        Some(Windows { role, origin, axes, terms, offsets, line })
    }

    /// Whether they are better rows than what is made of them in memory.
    pub(super) fn pay_as_rows(&self, product: &Product) -> bool {
        pay_as_rows(&product.loops, self.line, self.offsets.len())
    }

    /// Computes a box of the product, whose rows they are: as [`Packed::compute`], with where the box's loops begin.
    ///
    /// # Safety
    /// What the loops reach of `out` must be distinct and exclusive; the array's elements readable, and written by nobody.
    #[allow(clippy::too_many_arguments, reason = "two operands, a destination, and how")]
    pub(super) unsafe fn compute(
        &self,
        packed: &Packed,
        loops: &[Loop],
        ranges: &[Range<isize>],
        first: usize,
        out: *mut f32,
        add: bool,
        also: Also<'_>,
    ) {
        let width = loops.iter().filter(|l| l.role == packed.role()).map(|l| l.extent).product::<usize>();
        let outer = |i: &usize| loops[*i].role == self.role && Some(*i) != self.line;
        let places = (0..loops.len()).filter(outer).map(|i| loops[i].extent).product::<usize>();
        let (n, out_row) = self.line.map_or((1, 0), |i| (loops[i].extent, loops[i].out));
        let depth = self.offsets.len();
        let mut edge = Vec::new();
        for place in 0..places {
            let Place { mut at, out: far, .. } = self.place(loops, ranges, outer, place);
            let out = out.wrapping_offset(far);
            let mut done = 0;
            while done < n {
                let inside = self.inside(&at, n - done);
                let strip = if inside > 0 {
                    let left = self.element(&at);
                    let row = self.line.map_or(0, |i| self.step(i));
                    Strip { left, row, offsets: Some(&self.offsets), rows: inside, ..Strip::EMPTY }
                } else {
                    // SAFETY: the caller's promise.
                    let rows = unsafe { self.copy(at, n - done, &mut edge) };
                    Strip { left: edge.as_ptr(), row: depth as isize, term: 1, rows, ..Strip::EMPTY }
                };
                let out = out.wrapping_offset(done as isize * out_row);
                let strip = Strip { out, out_row, add, also, ..strip };
                // SAFETY: all terms of so many rows lie in the array, or in the copy; of the destination the caller's promise.
                unsafe { packed.strips(&strip, first..first + width) };
                done += strip.rows;
                self.advance(&mut at, self.line, strip.rows);
            }
        }
    }

    /// The `place`-th of the outer loops of a box.
    pub(super) fn place(
        &self,
        loops: &[Loop],
        ranges: &[Range<isize>],
        outer: impl Fn(&usize) -> bool,
        mut place: usize,
    ) -> Place {
        let mut found = Place { at: [0; MAX_RANK], other: 0, out: 0 };
        for (at, axis) in found.at.iter_mut().zip(&self.axes) {
            let starts = (0..loops.len()).filter(|&i| loops[i].role != Role::Contract);
            *at = axis.start + starts.map(|i| ranges[i].start * axis.steps[i]).sum::<isize>();
        }
        for i in (0..loops.len()).rev().filter(outer) {
            let along = place % loops[i].extent;
            place /= loops[i].extent;
            found.other = found.other.wrapping_add(along as isize * self.other(&loops[i]));
            found.out = found.out.wrapping_add(along as isize * loops[i].out);
            self.advance(&mut found.at, Some(i), along);
        }
        found
    }

    /// The other operand's step along a loop.
    pub(super) fn other(&self, l: &Loop) -> isize {
        if self.role == Role::Left { l.right } else { l.left }
    }

    /// Elements from one place of a loop to the next.
    pub(super) fn step(&self, i: usize) -> isize {
        self.axes.iter().fold(0, |sum: isize, axis| sum.wrapping_add(axis.steps[i].wrapping_mul(axis.stride)))
    }

    /// The element at these indices, which may lie outside.
    pub(super) fn element(&self, at: &[isize]) -> *const f32 {
        let from = at.iter().zip(&self.axes);
        from.fold(self.origin, |from, (at, axis)| from.wrapping_offset(at.wrapping_mul(axis.stride)))
    }

    /// Goes so far on along a loop, if there is one.
    pub(super) fn advance(&self, at: &mut [isize; MAX_RANK], along: Option<usize>, far: usize) {
        if let Some(i) = along {
            at.iter_mut().zip(&self.axes).for_each(|(at, axis)| *at += far as isize * axis.steps[i]);
        }
    }

    /// The axes on which a term of some of `n` windows along the line may lie outside, from the one whose first term is here on.
    pub(super) fn crossed(&self, at: &[isize; MAX_RANK], n: usize) -> Few<usize, MAX_RANK> {
        let mut crossed = Few::new();
        for (k, axis) in self.axes.iter().enumerate() {
            let far = self.line.map_or(0, |i| (n as isize - 1) * axis.steps[i]);
            if at[k] + axis.low + far.min(0) < 0 || at[k] + axis.high + far.max(0) >= axis.size {
                crossed.push(k);
            }
        }
        crossed
    }

    /// How many of `n` rows lie inside with all of their terms, from the one whose first term is here on.
    fn inside(&self, at: &[isize; MAX_RANK], n: usize) -> usize {
        let rows = self.axes.iter().zip(at).map(|(axis, at)| {
            let (low, high) = (at + axis.low, axis.size - 1 - at - axis.high);
            let step = self.line.map_or(0, |i| axis.steps[i]);
            match (low < 0 || high < 0, step) {
                (true, _) => 0,
                (false, 0) => isize::MAX,
                (false, 1..) => high / step + 1,
                (false, _) => low / -step + 1,
            }
        });
        rows.fold(n as isize, isize::min) as usize
    }

    /// Copies some of `n` rows from the one whose first term is here on, the first of which do not lie inside, with zeros
    /// for what does not; answers how many.
    ///
    /// # Safety
    /// The array's elements must be readable, and written by nobody.
    unsafe fn copy(&self, mut at: [isize; MAX_RANK], n: usize, to: &mut Vec<f32>) -> usize {
        let mut rows = 0;
        to.clear();
        while rows < n.min(EDGE) && self.inside(&at, 1) == 0 {
            let first = self.element(&at[..self.axes.len()]);
            let crossed = self.crossed(&at, 1);
            let lies = |place: &[isize]| crossed.iter().all(|&k| (0..self.axes[k].size).contains(&(at[k] + place[k])));
            let terms = self.terms.chunks_exact(self.axes.len()).zip(&self.offsets);
            // SAFETY: what lies in the array on every axis is an element of it.
            let value = |offset: isize| unsafe { *first.wrapping_byte_offset(offset) };
            to.extend(terms.map(|(place, &offset)| if lies(place) { value(offset) } else { 0.0 }));
            self.advance(&mut at, self.line, 1);
            rows += 1;
        }
        rows
    }
}
