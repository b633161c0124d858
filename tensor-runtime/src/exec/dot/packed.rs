//! A product of which one operand is laid out for vectors once for all boxes, and the other is read where it is.
//!
//! In: a product of `f32`, where its destination is, and what is kept of its operands. Out: [`Packed`], the operand along
//! whose axis the destination is contiguous, in panels; boxes of the destination. Always: the order of a sum depends on the number
//! of its terms alone. Next: [`super::lay`], [`super::tile`], [`crate::kept`].

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::exec::jobs;
use crate::exec::launch::Shared;
use crate::exec::memory::Keeper;
use crate::isa;
use crate::kept::{Form, Found, Laid};
use crate::plan::Role;

use super::Product;
use super::gemm::{self, Loop, MAX_LOOPS};
use super::lay::{DEPTH, VECTOR, pack, panel_of, panels};
use super::tile::{self, Also, Part, Strip, Tiles};

/// Rows from which on it pays to lay out the other operand.
const LEAST_ROWS: usize = 8;
/// Rows from which on it pays to lay it out once for all boxes, whether or not it is kept; and the most elements of it.
const MANY_ROWS: usize = 1024;
const FEW: usize = 1 << 18;
/// Terms that one job lays out of a panel.
const PART: usize = 256;

/// An operand in panels.
pub(super) struct Packed {
    panels: Arc<Laid>,
    tiles: &'static Tiles,
    /// Which operand it is, and its lanes and terms.
    role: Role,
    lanes: usize,
    depth: usize,
}

/// Whether an operand of so many lanes and terms is laid out once for all boxes of so many rows: a small one for many. Else each
/// thread lays out what it needs, which then is in its own cache.
pub(super) fn at_once(rows: usize, lanes: usize, depth: usize) -> bool {
    rows >= MANY_ROWS && lanes.saturating_mul(depth) <= FEW
}

/// The only loop of more than one step of a role, after neighbours are one; `None` where there are several.
fn only(loops: &[Loop], role: Role) -> Option<Loop> {
    let mut of_role = loops.iter().filter(|l| l.role == role);
    let first = of_role.next().copied();
    match of_role.next() {
        None => first,
        Some(_) => None,
    }
}

impl Packed {
    /// Finds an operand of a product to a destination of these steps laid out, or lays it out where it is asked for again or
    /// rows are many; `keepers` are of the memory in which the left and the right operand lie.
    ///
    /// # Safety
    /// The elements that the product's loops reach of its operands must be readable, and written by nobody meanwhile.
    pub(super) unsafe fn of(
        product: &Product,
        strides: &[isize],
        keepers: [Option<Keeper<'_>>; 2],
    ) -> Result<Option<Packed>> {
        match tile::tiles(isa::active()) {
            // SAFETY: the caller's promise.
            Some(tiles) if product.is_f32() && product.pays() => unsafe {
                Packed::with(tiles, product, strides, keepers)
            },
            Some(_) | None => Ok(None),
        }
    }

    /// The same for the tiles of an instruction set.
    ///
    /// # Safety
    /// As [`Packed::of`].
    unsafe fn with(
        tiles: &'static Tiles,
        product: &Product,
        strides: &[isize],
        keepers: [Option<Keeper<'_>>; 2],
    ) -> Result<Option<Packed>> {
        let mut loops = [gemm::UNIT; MAX_LOOPS];
        for ((to, from), axis) in loops.iter_mut().zip(&product.loops).zip(&product.axes) {
            *to = Loop { out: axis.map_or(0, |k| strides[k]), ..*from };
        }
        let mut merged = [gemm::UNIT; MAX_LOOPS];
        let count = gemm::merge(&loops[..product.loops.len()], &mut merged);
        let merged = &merged[..count];
        if merged.iter().any(|l| l.role == Role::Batch || l.extent == 0) {
            return Ok(None);
        }
        let along = |role| only(merged, role).filter(|l| l.out == 1);
        let (lane, rows) = match (along(Role::Left), along(Role::Right)) {
            (_, Some(lane)) => (lane, Role::Left),
            (Some(lane), None) => (lane, Role::Right),
            (None, None) => return Ok(None),
        };
        // Windows are nowhere.
        if product.windows.as_ref().is_some_and(|w| w.role == lane.role || !w.pay_as_rows(product)) {
            return Ok(None);
        }
        let Some(term) = only(merged, Role::Contract) else { return Ok(None) };
        let rows: usize = merged.iter().filter(|l| l.role == rows).map(|l| l.extent).product();
        // The lanes of a box are those of the product's axis.
        let whole = product.loops.iter().any(|l| l.role == lane.role && l.extent == lane.extent);
        if rows < LEAST_ROWS || !whole {
            return Ok(None);
        }
        let right = lane.role == Role::Right;
        let (start, lane_step, term_step) = match right {
            true => (product.right, lane.right, term.right),
            false => (product.left, lane.left, term.left),
        };
        let (lanes, depth) = (lane.extent, term.extent);
        let (steps, extents) = ([lane_step, term_step], [lanes, depth]);
        // SAFETY: the caller's promise.
        let lay = || unsafe { lay_out(start.cast::<f32>(), steps, extents) };
        let found = keepers[usize::from(right)].map(|keeper| {
            let position = (start as isize).wrapping_sub(keeper.start as isize) / size_of::<f32>() as isize;
            let form = Form::Panels { start: position, extents, steps };
            (keeper, form, keeper.kept.find(&form))
        });
        let panels = match found {
            Some((_, _, Found::Kept(laid))) => laid,
            Some((keeper, form, Found::Again)) => keeper.kept.keep(&form, lay()?, keeper.len),
            Some((_, _, Found::New)) | None if at_once(rows, lanes, depth) || product.windows.is_some() => {
                Arc::new(lay()?)
            }
            Some((_, _, Found::New)) | None => return Ok(None),
        };
        Ok(Some(Packed { panels, tiles, role: lane.role, lanes, depth }))
    }

    /// Computes a box: `loops` are its, with the operands' and the destination's steps; `first` is its first lane, a
    /// multiple of [`VECTOR`], `other` where the first element of the other operand is.
    ///
    /// # Safety
    /// What the loops reach of the other operand must be readable, and of `out` distinct and exclusive.
    pub(super) unsafe fn compute(
        &self,
        loops: &[Loop],
        first: usize,
        other: *const f32,
        out: *mut f32,
        add: bool,
        also: Also<'_>,
    ) {
        let right = self.role == Role::Right;
        let step = |l: &Loop| if right { l.left } else { l.right };
        let mut merged = [gemm::UNIT; MAX_LOOPS];
        let count = gemm::merge(loops, &mut merged);
        let merged = &merged[..count];
        let find = |role: Role| merged.iter().find(|l| l.role == role).copied();
        let width = find(self.role).map_or(1, |l| l.extent);
        let term = find(Role::Contract).map_or(0, |l| step(&l));
        let is_row = |l: &&Loop| l.role != self.role && l.role != Role::Contract;
        let longest = merged.iter().enumerate().filter(|(_, l)| is_row(l)).max_by_key(|(i, l)| (l.extent, *i));
        let (at, rows) = longest.map_or((usize::MAX, gemm::UNIT), |(i, l)| (i, *l));
        let mut outer = [gemm::UNIT; MAX_LOOPS];
        let mut outers = 0;
        for (_, l) in merged.iter().enumerate().filter(|(i, l)| is_row(l) && *i != at) {
            outer[outers] = *l;
            outers += 1;
        }
        let outer = &outer[..outers];
        for place in 0..outer.iter().map(|l| l.extent).product() {
            let (left, rights, to) = gemm::offsets(outer, place);
            let rows = Strip {
                left: other.wrapping_offset(if right { left } else { rights }),
                row: step(&rows),
                term,
                offsets: None,
                rows: rows.extent,
                out: out.wrapping_offset(to),
                out_row: rows.out,
                add,
                also,
                ..Strip::EMPTY
            };
            // SAFETY: the caller's promise.
            unsafe { self.strips(&rows, first..first + width) };
        }
    }

    /// Multiplies rows with lanes, of which `rows` has the operand's terms from the first on, and the destination.
    ///
    /// # Safety
    /// All terms of the rows must be readable, and their lanes in the destination distinct and exclusive.
    pub(super) unsafe fn strips(&self, rows: &Strip<'_>, lanes: Range<usize>) {
        let blocks = self.depth.div_ceil(DEPTH);
        let terms = |block: usize| jobs::part(self.depth, blocks, block);
        for block in 0..blocks {
            let of = terms(block);
            for panel in panels(lanes.clone(), self.lanes) {
                let lane = panel.start.max(lanes.start);
                let end = lanes.end.min(panel.end);
                let (start, stride) = self.place(&panel, of.start);
                let strip = Strip {
                    left: rows.left.wrapping_offset(of.start as isize * rows.term),
                    offsets: rows.offsets.map(|offsets| &offsets[of.clone()]),
                    panel: start.wrapping_add(lane - panel.start),
                    step: stride,
                    depth: of.len(),
                    out: rows.out.wrapping_add(lane - lanes.start),
                    lanes: end - lane,
                    add: rows.add || block > 0,
                    also: Also {
                        beside: rows.also.beside.filter(|_| block == 0),
                        after: None,
                        post: rows.also.post.filter(|_| block + 1 == blocks),
                    },
                    ..*rows
                };
                // The next panel, or the next terms of the first one; behind the last, what is known to come, or what another box mostly
                // begins with: the rest of a panel was fetched together with what is before it, if anything was.
                let next = match (end < lanes.end, block + 1 < blocks) {
                    (true, _) => self.part(end, of.clone()),
                    (false, true) => self.part(lanes.start, terms(block + 1)),
                    (false, false) => {
                        let other = if lanes.start == panel.start { end } else { panel.end };
                        rows.also.after.or_else(|| self.part(other, terms(0)))
                    }
                };
                let ahead = |follow| next.as_ref().and_then(|next| next.ahead(follow, of.len()));
                // SAFETY: the processor has the set, for `isa::active` found it; the rows are the caller's, the
                // panel has whole vectors of lanes.
                unsafe { self.tiles.strip(&strip, ahead) };
            }
        }
    }

    /// Where these terms of a panel begin, and the step from one to the next.
    fn place(&self, panel: &Range<usize>, term: usize) -> (*const f32, usize) {
        let stride = panel.len().next_multiple_of(VECTOR);
        (self.panels.start().wrapping_add(panel.start * self.depth + term * stride), stride)
    }

    /// These terms of a panel from a lane on, if there is one.
    fn part(&self, lane: usize, terms: Range<usize>) -> Option<Part> {
        let panel = panel_of(Some(lane).filter(|lane| *lane < self.lanes)?, self.lanes);
        let (start, step) = self.place(&panel, terms.start);
        Some(Part { start, step, before: lane - panel.start, terms: terms.len() })
    }

    /// The role of the operand that is packed.
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// How many terms there are.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }
}

/// Lays out lanes and terms of an operand, which are `steps` apart, in panels.
///
/// # Safety
/// They must be readable, and written by nobody meanwhile.
unsafe fn lay_out(start: *const f32, steps: [isize; 2], [lanes, depth]: [usize; 2]) -> Result<Laid> {
    let [lane_step, term_step] = steps;
    let mut laid = Laid::new(depth * lanes.next_multiple_of(VECTOR))?;
    let parts = depth.div_ceil(PART);
    let to = laid.start_mut();
    let panels: Vec<Range<usize>> = panels(0..lanes, lanes).collect();
    let shared = Shared::new(|i: usize| {
        let (panel, first) = (&panels[i / parts], i % parts * PART);
        let from = start.wrapping_offset(panel.start as isize * lane_step + first as isize * term_step);
        let step = panel.len().next_multiple_of(VECTOR);
        let to = to.wrapping_add(panel.start * depth + first * step);
        // SAFETY: the lanes and terms of the operand, of which the caller says that they are readable; of the
        // panel the part of its terms, which is nobody else's.
        unsafe { pack(from, lane_step, term_step, panel.len(), PART.min(depth - first), to) }
    });
    let n = panels.len() * parts;
    let run = |job: usize, of: usize| jobs::part(n, of, job).for_each(|i| shared.call(i));
    let of = jobs::count(4 * (lanes * depth) as u64).min(n);
    // No part panics.
    let _ = jobs::run(of, &|job| run(job, of));
    Ok(laid)
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::gemm::By;
    use super::*;
    use crate::dtype::DType;
    use crate::kept::Kept;

    /// Where the elements of an operand of so many rows and columns are: the first one, the steps to the next row and column.
    type Lie = fn(isize, isize) -> (isize, isize, isize);

    /// In row-major order, turned, every second one, backwards.
    const LIES: [Lie; 4] = [|_, n| (0, n, 1), |m, _| (0, 1, m), |_, n| (0, 2 * n, 2), |m, n| (m * n - 1, -n, -1)];

    fn product(memory: [&mut Vec<f32>; 2], [m, n, k]: [usize; 3], lies: [usize; 2]) -> Product {
        let [left, right] = memory;
        let (a, row, left_term) = LIES[lies[0]](m as isize, k as isize);
        let (b, right_term, column) = LIES[lies[1]](k as isize, n as isize);
        let l = |role, extent, left, right| Loop { role, extent, left, right, out: 0 };
        Product {
            dtype: DType::F32,
            out: DType::F32,
            left: left.as_mut_ptr().wrapping_offset(a).cast(),
            right: right.as_mut_ptr().wrapping_offset(b).cast(),
            loops: vec![
                l(Role::Left, m, row, 0),
                l(Role::Right, n, 0, column),
                l(Role::Contract, k, left_term, right_term),
            ],
            axes: vec![Some(0), Some(1), None],
            windows: None,
            after: None,
        }
    }

    /// Kept panels of every set, panels laid out meanwhile, and boxes of these cut anywhere.
    #[test]
    fn all_ways_make_the_product_and_the_same_bits() {
        let all = [isa::Level::Avx2, isa::Level::Avx512].into_iter().filter(|&level| level <= isa::detected());
        let sets: Vec<&Tiles> = all.filter_map(tile::tiles).collect();
        for [m, n, k] in
            [[8, 8, 2], [49, 80, 17], [9, 145, 600], [31, 16, 3], [64, 50, 33], [100, 97, 1025], [1030, 17, 3]]
        {
            let wave = |len: usize, by: usize| (0..len).map(|i| (i * by % 23) as f32 * 0.3 - 3.0).collect::<Vec<f32>>();
            let (mut left, mut right) = (wave(2 * m * k, 7), wave(2 * k * n, 5));
            right[k * n / 2] = f32::NAN;
            for (lies, turned) in (0..16).flat_map(|i| [([i / 4, i % 4], false), ([i / 4, i % 4], true)]) {
                let product = product([&mut left, &mut right], [m, n, k], lies);
                let strides: [isize; 2] = if turned { [1, m as isize] } else { [n as isize, 1] };
                let element = |start: *mut u8, at: isize| {
                    // SAFETY: the product's loops stay within the two vectors.
                    unsafe { f64::from(*start.cast::<f32>().wrapping_offset(at)) }
                };
                let [rows, columns, terms] = [0, 1, 2].map(|i| product.loops[i]);
                let box_by = |by: By<'_>, i: Range<usize>, j: Range<usize>, out: &mut Vec<f32>| {
                    let mut loops = product.loops.clone();
                    (loops[0].out, loops[1].out) = (strides[0], strides[1]);
                    (loops[0].extent, loops[1].extent) = (i.len(), j.len());
                    let (first, second) = (i.start as isize, j.start as isize);
                    let left = product.left.cast::<f32>().wrapping_offset(first * rows.left);
                    let right = product.right.cast::<f32>().wrapping_offset(second * columns.right);
                    let out = out.as_mut_ptr().wrapping_offset(first * strides[0] + second * strides[1]);
                    // SAFETY: as above; the destination has room for all of it.
                    unsafe { gemm::product(&loops, left, right, out, false, by) };
                };
                let bits = |out: &[f32]| out.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                let mut whole = vec![f32::INFINITY; m * n];
                box_by(By::Panels(None), 0..m, 0..n, &mut whole);
                for (i, j) in (0..m as isize).flat_map(|i| (0..n as isize).map(move |j| (i, j))) {
                    let term = |t: isize| {
                        element(product.left, i * rows.left + t * terms.left)
                            * element(product.right, j * columns.right + t * terms.right)
                    };
                    let wanted: f64 = (0..k as isize).map(term).sum();
                    let most: f64 = (0..k as isize).map(|t| term(t).abs()).sum();
                    let found = f64::from(whole[(i * strides[0] + j * strides[1]) as usize]);
                    let fits = (found - wanted).abs() <= 1e-5 * most || (found.is_nan() && wanted.is_nan());
                    assert!(fits, "{m} {n} {k} {lies:?} {turned}: {found}, not {wanted}, at {i}, {j}");
                }
                if tile::tiles(isa::active()).is_none() {
                    continue;
                }
                for (row, column) in [(1, 1), (m - 1, n - 1), (m / 2, n / 3)] {
                    let mut boxes = vec![f32::INFINITY; m * n];
                    for (i, j) in [(0..row, 0..column), (0..row, column..n), (row..m, 0..column), (row..m, column..n)] {
                        box_by(By::Panels(None), i, j, &mut boxes);
                    }
                    assert_eq!(bits(&boxes), bits(&whole), "{m} {n} {k} {lies:?} {turned}: cut at {row}, {column}");
                }
                let kept = [Kept::default(), Kept::default()];
                let keeper = |i: usize, start, len| Some(Keeper { kept: &kept[i], start, len });
                let keepers = [(&left, 0), (&right, 1)].map(|(v, i)| keeper(i, v.as_ptr().cast(), v.len()));
                for (set, call) in (0..sets.len()).flat_map(|set| (0..3).map(move |call| (set, call))) {
                    // SAFETY: as above.
                    let packed = unsafe { Packed::with(sets[set], &product, &strides, keepers) }.unwrap();
                    let many = if turned { at_once(n, m, k) } else { at_once(m, n, k) };
                    assert_eq!(packed.is_some(), many || set + call > 0, "kept from the second call on, for every set");
                    let Some(packed) = packed else { continue };
                    let mut out = vec![f32::INFINITY; m * n];
                    let mut loops = product.loops.clone();
                    (loops[0].out, loops[1].out) = (strides[0], strides[1]);
                    let other = if packed.role() == Role::Right { product.left } else { product.right };
                    // SAFETY: as above.
                    unsafe { packed.compute(&loops, 0, other.cast(), out.as_mut_ptr(), false, Also::default()) };
                    assert_eq!(bits(&out), bits(&whole), "{m} {n} {k} {lies:?} {turned}: kept, other bits");
                }
            }
        }
    }
}
