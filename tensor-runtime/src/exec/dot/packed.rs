//! A product of which one operand is laid out for vectors, once for all boxes, and the other is read where it is.
//!
//! In: a product of `f32`, where its destination is, and what is kept of its operands. Out: [`Packed`], the operand along
//! whose axis the destination is contiguous, in panels; boxes of the destination. Always: a panel has, term by term, [`WIDTH`]
//! lanes next to each other, the last one as many as are left, in whole vectors with zeros behind; the order of a sum depends
//! on the number of its terms alone. Next: [`super::tile`], [`crate::kept`].

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::exec::jobs;
use crate::exec::launch::Shared;
use crate::exec::memory::Keeper;
use crate::isa;
use crate::kept::{Form, Found, Laid};
use crate::plan::Role;
use crate::storage::spare;

use super::Product;
use super::gemm::{self, Loop, MAX_LOOPS};
use super::tile::{self, Tile, Tiles};

/// Lanes of a panel: three of the widest vectors.
pub(super) const WIDTH: usize = 48;
/// The lanes of the last panel are a multiple of so many.
const VECTOR: usize = 16;
/// Rows from which on it pays to lay out the other operand.
const LEAST_ROWS: usize = 8;
/// Rows up to which it pays to keep what is laid out: to lay it out again is little beside a product of more.
const MOST_ROWS: usize = 1024;
/// Terms of a sum that are added up before they are added to what is there.
const DEPTH: usize = 512;
/// Terms that one job lays out of a panel.
const PART: usize = 256;

/// An operand in panels.
pub(super) struct Packed {
    panels: Panels,
    tiles: &'static Tiles,
    /// Which operand it is, and its lanes and terms.
    role: Role,
    lanes: usize,
    depth: usize,
}

enum Panels {
    Own(Laid),
    Kept(Arc<Laid>),
}

impl Panels {
    fn start(&self) -> *const f32 {
        match self {
            Panels::Own(laid) => laid.start(),
            Panels::Kept(laid) => laid.start(),
        }
    }

    /// Whether they are not in a cache, for they were not made just now.
    fn cold(&self) -> bool {
        match self {
            Panels::Own(_) => false,
            Panels::Kept(_) => true,
        }
    }
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
    /// Lays out an operand of a product to a destination of these steps, where that pays, or finds it laid out; `keepers` are of
    /// the memory in which the left and the right operand lie.
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
            Some(tiles) if product.is_f32() => unsafe { Packed::with(tiles, product, strides, keepers) },
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
        let packed = |panels| Some(Packed { panels, tiles, role: lane.role, lanes, depth });
        // SAFETY: the caller's promise.
        let lay_out = || unsafe { lay_out(start.cast::<f32>().cast_const(), steps, extents) };
        let Some(keeper) = keepers[usize::from(right)].filter(|_| rows <= MOST_ROWS) else {
            return Ok(packed(Panels::Own(lay_out()?)));
        };
        let position = (start as isize).wrapping_sub(keeper.start as isize) / size_of::<f32>() as isize;
        let form = Form { start: position, extents, steps };
        Ok(packed(match keeper.kept.find(&form) {
            Found::Kept(laid) => Panels::Kept(laid),
            Found::Again => Panels::Kept(keeper.kept.keep(&form, lay_out()?, keeper.len)),
            Found::New => Panels::Own(lay_out()?),
        }))
    }

    /// Computes a box: `loops` are its, with the operands' and the destination's steps; `first` is its first lane, a
    /// multiple of [`WIDTH`], `other` where the first element of the other operand is.
    ///
    /// # Safety
    /// What the loops reach of the other operand must be readable, and of `out` distinct and exclusive.
    pub(super) unsafe fn compute(&self, loops: &[Loop], first: usize, other: *const f32, out: *mut f32, add: bool) {
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
        let tiles = self.tiles;
        let wide = tiles.vector * tiles.vectors;
        let most = rows.extent.div_ceil(tiles.rows);
        let blocks = self.depth.div_ceil(DEPTH);
        for place in 0..outer.iter().map(|l| l.extent).product() {
            let (left, rights, to) = gemm::offsets(outer, place);
            let other = other.wrapping_offset(if right { left } else { rights });
            let out = out.wrapping_offset(to);
            for block in 0..blocks {
                let terms = jobs::part(self.depth, blocks, block);
                for lane in (first..first + width).step_by(wide) {
                    let panel = lane / WIDTH * WIDTH;
                    let (start, stride) = self.place(panel, terms.start);
                    let lane_start = start.wrapping_add(lane - panel);
                    let lanes = wide.min(first + width - lane);
                    for number in 0..most {
                        let part = jobs::part(rows.extent, most, number);
                        let row = part.start as isize;
                        let count = (lane - panel) / wide * most + number;
                        let tile = Tile {
                            left: other.wrapping_offset(row * step(&rows) + terms.start as isize * term),
                            row: step(&rows),
                            term,
                            panel: lane_start,
                            step: stride,
                            ahead: self.ahead(panel, &terms, count).unwrap_or(start),
                            depth: terms.len(),
                            out: out.wrapping_offset(row * rows.out + (lane - first) as isize),
                            out_row: rows.out,
                            lanes,
                            add: add || block > 0,
                        };
                        let compute = tiles.table[part.len() - 1][lanes.div_ceil(tiles.vector) - 1];
                        // SAFETY: the processor has the set, for `isa::active` found it; the rows are the caller's, the
                        // panel has whole vectors of lanes.
                        unsafe { compute(&tile) };
                    }
                }
            }
        }
    }

    /// Where these terms of a panel begin, and the step from one to the next.
    fn place(&self, panel: usize, term: usize) -> (*const f32, usize) {
        let stride = WIDTH.min(self.lanes - panel).next_multiple_of(VECTOR);
        (self.panels.start().wrapping_add(panel * self.depth + term * stride), stride)
    }

    /// What the tile of this number of a panel had better have fetched of the next panel, if anything: a line a term, until
    /// all of these terms are asked for.
    fn ahead(&self, panel: usize, terms: &Range<usize>, number: usize) -> Option<*const f32> {
        let next = Some(panel + WIDTH).filter(|next| self.panels.cold() && *next < self.lanes)?;
        let (start, stride) = self.place(next, terms.start);
        (number * VECTOR < stride).then(|| start.wrapping_add(number * terms.len() * VECTOR))
    }

    /// The role of the operand that is packed.
    pub(super) fn role(&self) -> Role {
        self.role
    }
}

/// Lays out lanes and terms of an operand, which are `steps` apart, in panels.
///
/// # Safety
/// They must be readable, and written by nobody meanwhile.
unsafe fn lay_out(start: *const f32, steps: [isize; 2], [lanes, depth]: [usize; 2]) -> Result<Laid> {
    let [lane_step, term_step] = steps;
    let mut memory = spare::<f32>(depth * lanes.next_multiple_of(VECTOR))?;
    let (panels, parts) = (lanes.div_ceil(WIDTH), depth.div_ceil(PART));
    let to = memory.as_mut_ptr();
    let shared = Shared::new(|i: usize| {
        let (panel, first) = (i / parts, i % parts * PART);
        let at = panel * WIDTH;
        let from = start.wrapping_offset(at as isize * lane_step + first as isize * term_step);
        let count = WIDTH.min(lanes - at);
        let step = count.next_multiple_of(VECTOR);
        // SAFETY: the lanes and terms of the operand, of which the caller says that they are readable; of the
        // panel the part of its terms, which is nobody else's.
        unsafe {
            pack(from, lane_step, term_step, count, PART.min(depth - first), to.wrapping_add(at * depth + first * step))
        }
    });
    let n = panels * parts;
    let run = |job: usize, of: usize| jobs::part(n, of, job).for_each(|i| shared.call(i));
    let of = jobs::count(4 * (lanes * depth) as u64).min(n);
    // No part panics.
    let _ = jobs::run(of, &|job| run(job, of));
    Ok(Laid::new(memory))
}

/// Lays out lanes of a panel: term by term, in whole vectors, with zeros behind.
///
/// # Safety
/// The lanes' terms must be readable; `to` must have room for as many terms of whole vectors.
unsafe fn pack(from: *const f32, lane: isize, term: isize, lanes: usize, depth: usize, to: *mut f32) {
    let step = lanes.next_multiple_of(VECTOR);
    // SAFETY: the caller's promise, for each lane and term.
    unsafe {
        let one = |l: usize, k: usize| from.wrapping_offset(l as isize * lane + k as isize * term);
        if lane == 1 {
            for k in 0..depth {
                std::ptr::copy_nonoverlapping(one(0, k), to.add(k * step), lanes);
                std::ptr::write_bytes(to.add(k * step + lanes), 0, step - lanes);
            }
            return;
        }
        let (square, deep) = if term == 1 { (lanes / 4 * 4, depth / 4 * 4) } else { (0, 0) };
        // Lanes that follow each other in memory are read in that order, and asked for a few lanes before.
        for l in (0..square).step_by(4) {
            for first in (0..deep).step_by(VECTOR) {
                (4..8).for_each(|ahead| fetch(one(l + ahead, first)));
                for k in (first..deep.min(first + VECTOR)).step_by(4) {
                    transpose([0, 1, 2, 3].map(|i| one(l + i, k)), to.add(k * step + l), step);
                }
            }
        }
        for k in 0..depth {
            let done = if k < deep { square } else { 0 };
            for l in done..lanes {
                *to.add(k * step + l) = *one(l, k);
            }
            std::ptr::write_bytes(to.add(k * step + lanes), 0, step - lanes);
        }
    }
}

/// Has a line brought nearer, if the address is one.
#[inline(always)]
fn fetch(line: *const f32) {
    // SAFETY: a fetch reads nothing that a program can see, from whatever address.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Four neighbours of each of four rows, as four rows `step` apart of four neighbours.
///
/// # Safety
/// These elements must be readable and writable.
#[inline(always)]
unsafe fn transpose(rows: [*const f32; 4], to: *mut f32, step: usize) {
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise; every x86-64 has these instructions.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        let [a, b, c, d] = rows.map(|row| _mm_loadu_ps(row));
        let (low, high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (low_2, high_2) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(to, _mm_movelh_ps(low, low_2));
        _mm_storeu_ps(to.add(step), _mm_movehl_ps(low_2, low));
        _mm_storeu_ps(to.add(2 * step), _mm_movelh_ps(high, high_2));
        _mm_storeu_ps(to.add(3 * step), _mm_movehl_ps(high_2, high));
    }
    // SAFETY: the caller's promise.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        for (i, k) in (0..16).map(|i| (i / 4, i % 4)) {
            *to.add(k * step + i) = *rows[i].add(k);
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
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
        }
    }

    #[test]
    fn a_packed_product_is_the_product() {
        let all = [isa::Level::Avx2, isa::Level::Avx512].into_iter().filter(|&level| level <= isa::detected());
        let sets: Vec<&Tiles> = all.filter_map(tile::tiles).collect();
        for [m, n, k] in [[8, 8, 2], [49, 80, 17], [9, 145, 600], [31, 16, 3], [64, 50, 33], [100, 97, 1025]] {
            let wave = |len: usize, by: usize| (0..len).map(|i| (i * by % 23) as f32 - 11.0).collect::<Vec<f32>>();
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
                let mut first: Option<Vec<u32>> = None;
                let kept = [Kept::default(), Kept::default()];
                for (set, tiles) in sets.iter().enumerate() {
                    // SAFETY: as above; the destination has room for all of it.
                    let product_by = |keepers: [Option<Keeper<'_>>; 2]| unsafe {
                        let packed = Packed::with(tiles, &product, &strides, keepers).unwrap();
                        let packed = packed.expect("a product that pays");
                        let mut out = vec![f32::INFINITY; m * n];
                        let mut loops = product.loops.clone();
                        (loops[0].out, loops[1].out) = (strides[0], strides[1]);
                        let other = if packed.role() == Role::Right { product.left } else { product.right };
                        packed.compute(&loops, 0, other.cast(), out.as_mut_ptr(), false);
                        (out, packed.panels.cold())
                    };
                    let out = product_by([None; 2]).0;
                    for (i, j) in (0..m as isize).flat_map(|i| (0..n as isize).map(move |j| (i, j))) {
                        let term = |t: isize| {
                            element(product.left, i * rows.left + t * terms.left)
                                * element(product.right, j * columns.right + t * terms.right)
                        };
                        let wanted: f64 = (0..k as isize).map(term).sum();
                        let found = f64::from(out[(i * strides[0] + j * strides[1]) as usize]);
                        let fits = found == wanted || (found.is_nan() && wanted.is_nan());
                        assert!(fits, "{m} {n} {k} {lies:?} {turned}: {found}, not {wanted}, at {i}, {j}");
                    }
                    let bits: Vec<u32> = out.iter().map(|x| x.to_bits()).collect();
                    assert_eq!(first.get_or_insert_with(|| bits.clone()), &bits, "another set has other bits");
                    let keeper = |i: usize, start, len| Some(Keeper { kept: &kept[i], start, len });
                    let keepers = [(&left, 0), (&right, 1)].map(|(v, i)| keeper(i, v.as_ptr().cast(), v.len()));
                    for call in 0..3 {
                        let (again, found) = product_by(keepers);
                        assert_eq!(again.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), bits, "kept, other bits");
                        assert_eq!(found, set + call > 0, "kept from the second call on, for every set");
                    }
                }
            }
        }
    }
}
