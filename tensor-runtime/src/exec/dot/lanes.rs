//! Windows that are the lanes of a product, laid out a panel at a time, just before it is multiplied.
//!
//! In: [`Windows`] whose lines are contiguous in the destination, the other operand where it is. Out: a box of the product, and the
//! windows are nowhere in memory. Always: each sum is what [`super::packed`] makes of it; what lies outside of the array is zero, and
//! is not read. Next: [`super::windows`], [`super::tile`].

use std::ops::Range;

use crate::MAX_RANK;
use crate::error::Result;
use crate::exec::jobs;
use crate::isa::{self, Level};
use crate::kept::Laid;
use crate::plan::Role;

use super::Product;
use super::gemm::Loop;
use super::lay::{DEPTH, VECTOR, WIDEST, panels};
use super::post::Posted;
use super::tile::{self, Also, Strip, Tiles, Vector};
use super::windows::{Windows, pay_as_lanes};

/// The loops along which lanes are neighbours: lines of windows, and the loop whose lines follow each other, if there is one.
struct Along {
    line: usize,
    next: Option<usize>,
    /// Lanes of a line.
    len: usize,
}

/// The terms of the other operand.
enum Terms {
    /// From one to the next it is so far.
    Even(isize),
    /// So many bytes from the first one.
    Apart(Vec<isize>),
}

/// Neighbours on a line.
#[derive(Clone, Copy)]
struct Piece {
    line: usize,
    len: usize,
    /// From term to term in the panel.
    step: usize,
}

impl Windows {
    /// Whether they are the lanes of a destination with these steps, and enough of them next to each other.
    pub(super) fn are_lanes(&self, product: &Product, strides: &[isize]) -> bool {
        let Some((line, len)) = self.line.map(|i| (product.axes[i], product.loops[i].extent)) else { return false };
        let follows = |(l, axis): &(&Loop, &Option<usize>)| {
            l.role == self.role && axis.is_some_and(|k| strides[k] == len as isize)
        };
        let lines = product.loops.iter().zip(&product.axes).find(follows).map_or(1, |(l, _)| l.extent);
        let pay = pay_as_lanes(&product.loops, self.line) && len * lines >= VECTOR;
        pay && with(isa::active()).is_some() && line.is_some_and(|k| strides[k] == 1)
    }

    /// The other operand's terms, in the order of the loops.
    fn terms_of_other(&self, loops: &[Loop]) -> Terms {
        let contract = || loops.iter().filter(|l| l.role == Role::Contract && l.extent > 1);
        let even = contract().zip(contract().skip(1));
        let even =
            even.into_iter().all(|(l, inner)| self.other(l) == self.other(inner).wrapping_mul(inner.extent as isize));
        if even {
            return Terms::Even(contract().next_back().map_or(1, |l| self.other(l)));
        }
        let mut offsets = vec![0isize];
        for l in contract() {
            let step = self.other(l).wrapping_mul(size_of::<f32>() as isize);
            let along = |&at: &isize| (0..l.extent as isize).map(move |i| at.wrapping_add(i.wrapping_mul(step)));
            offsets = offsets.iter().flat_map(along).collect();
        }
        Terms::Apart(offsets)
    }

    /// Computes a box of the product, of which `loops` have the steps and `ranges` the places; `other` is where its first element of
    /// the other operand is.
    ///
    /// # Safety
    /// What the loops reach of `other` must be readable, and of `out` distinct and exclusive; the array's elements readable, and
    /// written by nobody.
    pub(super) unsafe fn multiply(
        &self,
        loops: &[Loop],
        ranges: &[Range<isize>],
        other: *const f32,
        out: *mut f32,
        add: bool,
        also: Also<'_>,
    ) -> Result<()> {
        let (Some((tiles, lay)), Some(line)) = (with(isa::active()), self.line) else {
            unreachable!("`are_lanes` says so")
        };
        let len = loops[line].extent;
        let follows = |i: &usize| {
            *i != line && loops[*i].role == self.role && loops[*i].extent > 1 && loops[*i].out == len as isize
        };
        let next = (0..loops.len()).find(follows).filter(|_| also.post.is_none_or(Posted::goes_on));
        let along = Along { line, next, len };
        let lanes = len * next.map_or(1, |i| loops[i].extent);
        let of_rows =
            |i: &usize| !matches!(loops[*i].role, Role::Batch | Role::Contract) && loops[*i].role != self.role;
        let row = (0..loops.len()).filter(of_rows).max_by_key(|&i| loops[i].extent);
        let outer = |i: &usize| loops[*i].role != Role::Contract && ![Some(line), next, row].contains(&Some(*i));
        let places = (0..loops.len()).filter(outer).map(|i| loops[i].extent).product::<usize>();
        let (rows, row, out_row) = row.map_or((1, 0, 0), |i| (loops[i].extent, self.other(&loops[i]), loops[i].out));
        let all = self.terms_of_other(loops);
        let depth = self.offsets.len();
        let blocks = depth.div_ceil(DEPTH);
        let mut laid = Laid::new(WIDEST.min(lanes.next_multiple_of(VECTOR)) * depth.min(DEPTH))?;
        for place in 0..places {
            let place = self.place(loops, ranges, outer, place);
            let (other, out) = (other.wrapping_offset(place.other), out.wrapping_offset(place.out));
            for block in 0..blocks {
                let terms = jobs::part(depth, blocks, block);
                let (first, term, offsets) = match &all {
                    Terms::Even(step) => (terms.start as isize * step, *step, None),
                    Terms::Apart(offsets) => (0, 0, Some(&offsets[terms.clone()])),
                };
                for panel in panels(0..lanes, lanes) {
                    // SAFETY: there is room for so many terms of the widest panel; of the array the caller's promise.
                    unsafe { lay(self, &place.at, &along, panel.clone(), terms.clone(), laid.start_mut()) };
                    let strip = Strip {
                        left: other.wrapping_offset(first),
                        row,
                        term,
                        offsets,
                        rows,
                        panel: laid.start(),
                        step: panel.len().next_multiple_of(VECTOR),
                        depth: terms.len(),
                        out: out.wrapping_add(panel.start),
                        out_row,
                        lanes: panel.len(),
                        add: add || block > 0,
                        also: Also {
                            beside: also.beside.filter(|_| block == 0),
                            after: None,
                            post: also.post.filter(|_| block + 1 == blocks),
                        },
                    };
                    // SAFETY: the rows are the caller's, and what is laid out is whole vectors.
                    unsafe { tiles.strip(&strip, |_| None) };
                }
            }
        }
        Ok(())
    }

    /// Lays out terms of the lanes of a panel, of which lane 0 of all panels is at these indices.
    ///
    /// # Safety
    /// As [`Windows::multiply`]; `to` must have room for as many terms of whole vectors; the processor must have the vectors.
    #[inline(always)]
    unsafe fn lay<V: Vector>(
        &self,
        at: &[isize; MAX_RANK],
        along: &Along,
        lanes: Range<usize>,
        terms: Range<usize>,
        to: *mut f32,
    ) {
        let step = lanes.len().next_multiple_of(VECTOR);
        if lanes.len() < step {
            // SAFETY: the caller's promise.
            unsafe { std::ptr::write_bytes(to, 0, terms.len() * step) };
        }
        let mut lane = lanes.start;
        while lane < lanes.end {
            let (line, first) = (lane / along.len, lane % along.len);
            let len = (along.len - first).min(lanes.end - lane);
            let mut from = *at;
            self.advance(&mut from, along.next, line);
            self.advance(&mut from, Some(along.line), first);
            // SAFETY: the caller's promise, for some of the lanes.
            unsafe {
                self.part::<V>(&from, &Piece { line: along.line, len, step }, terms.clone(), to.add(lane - lanes.start))
            };
            lane += len;
        }
    }

    /// Lays out terms of neighbours on a line, the first of which is at these indices; `step` is from term to term.
    ///
    /// # Safety
    /// As [`Windows::lay`]; the processor must have the vectors.
    #[inline(always)]
    unsafe fn part<V: Vector>(&self, from: &[isize; MAX_RANK], piece: &Piece, terms: Range<usize>, mut to: *mut f32) {
        let (rank, Piece { line, len, step }) = (self.axes.len(), *piece);
        let (first, stride) = (self.element(&from[..rank]), self.step(line));
        let crossed = self.crossed(from, len);
        let places = self.terms[terms.start * rank..].chunks_exact(rank);
        for (place, &offset) in places.zip(&self.offsets[terms]) {
            let mut inside = 0..len;
            for &k in crossed.iter() {
                let axis = &self.axes[k];
                let some = inside_of(from[k] + place[k], axis.steps[line], axis.size, len);
                inside = inside.start.max(some.start)..inside.end.min(some.end);
            }
            // SAFETY: what lies inside on every axis is an element of the array; of `to` the caller's promise.
            unsafe {
                if inside.len() < len {
                    each::<V>(len, |l, n| V::zero().store_part(to.add(l), n), |l| V::zero().store(to.add(l)));
                }
                if !inside.is_empty() {
                    let at = first.wrapping_byte_offset(offset).wrapping_offset(inside.start as isize * stride);
                    copy::<V>(at, stride, inside.len(), to.add(inside.start));
                }
            }
            to = to.wrapping_add(step);
        }
    }
}

/// Lays out terms of a panel, as [`Windows::lay`].
type Lay = unsafe fn(&Windows, &[isize; MAX_RANK], &Along, Range<usize>, Range<usize>, *mut f32);

/// What multiplies and lays out on an instruction set that has tiles.
fn with(level: Level) -> Option<(&'static Tiles, Lay)> {
    let lay: Lay = match level {
        Level::Base => return None,
        #[cfg(target_arch = "aarch64")]
        Level::Neon => return None,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => lay_avx2,
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => lay_avx512,
    };
    Some((tile::tiles(level)?, lay))
}

macro_rules! lay {
    ($name:ident, $ty:ty, $features:literal) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $features)]
        unsafe fn $name(
            windows: &Windows,
            at: &[isize; MAX_RANK],
            along: &Along,
            lanes: Range<usize>,
            terms: Range<usize>,
            to: *mut f32,
        ) {
            // SAFETY: the caller's promise.
            unsafe { windows.lay::<$ty>(at, along, lanes, terms, to) }
        }
    };
}

lay!(lay_avx2, std::arch::x86_64::__m256, "avx2,fma");
lay!(lay_avx512, std::arch::x86_64::__m512, "avx512f,avx2,fma");

/// Does something to all elements a vector at a time, and something else to so many that are left, if any.
#[inline(always)]
fn each<V: Vector>(len: usize, rest: impl Fn(usize, usize), vector: impl Fn(usize)) {
    let whole = len / V::LANES * V::LANES;
    (0..whole).step_by(V::LANES).for_each(vector);
    if whole < len {
        rest(whole, len - whole);
    }
}

/// Which of `len` places, the first here and each a step after the one before, are from 0 to `size`.
fn inside_of(first: isize, step: isize, size: isize, len: usize) -> Range<usize> {
    // Rounded up.
    let steps = |far: isize, step: isize| if step == 1 { far } else { (far + step - 1) / step };
    let (low, high) = match step {
        0 if (0..size).contains(&first) => (0, len as isize),
        0 => (0, 0),
        1.. => (steps((-first).max(0), step), steps((size - first).max(0), step)),
        _ => (steps((first + 1 - size).max(0), -step), steps((first + 1).max(0), -step)),
    };
    let within = |lane: isize| lane.min(len as isize) as usize;
    within(low)..within(high)
}

/// Copies elements that are a stride apart next to each other.
///
/// # Safety
/// They must be readable, and as many at `to` writable; the processor must have the vectors.
#[inline(always)]
unsafe fn copy<V: Vector>(from: *const f32, stride: isize, len: usize, to: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe {
        match stride {
            1 => each::<V>(
                len,
                |l, n| V::load_part(from.add(l), n).store_part(to.add(l), n),
                |l| V::load(from.add(l)).store(to.add(l)),
            ),
            2 => (0..len).for_each(|l| *to.add(l) = *from.add(2 * l)),
            _ => (0..len).for_each(|l| *to.add(l) = *from.wrapping_offset(l as isize * stride)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_inside_are_those_between_zero_and_the_size() {
        for (first, step, size, len) in (-9..9isize).flat_map(|first| {
            (-3..=3).flat_map(move |step| (1..6).flat_map(move |size| (1..7).map(move |len| (first, step, size, len))))
        }) {
            let inside = |l: &usize| (0..size).contains(&(first + *l as isize * step));
            let found = inside_of(first, step, size, len);
            assert!((0..len).filter(inside).eq(found.clone()), "{first} {step} {size} {len}: {found:?}");
        }
    }
}
