//! Tiles of a product in registers.
//!
//! In: rows of one operand where they are, a panel of the other as [`super::lay`] lays it out. Out: a part of the
//! destination. Always: each element is one chain of fused multiply-adds in the order of the terms, so its bits depend
//! neither on the tile nor on the instruction set. Next: [`super::packed`], [`super::direct`].

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::isa::Level;
use crate::kernel::cache;

use super::beside::Beside;
use super::post::{Bounds, Operand, Placed, Posted};

/// Elements of a cache line.
const LINE: usize = cache::LINE / size_of::<f32>();

/// Rows of one operand and lanes of the other that are multiplied.
#[derive(Clone, Copy)]
pub(super) struct Strip<'a> {
    /// Element `(i, k)` of the rows is at `i * row + k * term`; with `offsets` so many bytes behind `i * row`, `term` is none.
    pub(super) left: *const f32,
    pub(super) row: isize,
    pub(super) term: isize,
    pub(super) offsets: Option<&'a [isize]>,
    pub(super) rows: usize,
    /// Term `k` of the panel's lanes is at `k * step`; all lanes of whole vectors are there.
    pub(super) panel: *const f32,
    pub(super) step: usize,
    pub(super) depth: usize,
    /// Row `i` is at `i * out_row`, its lanes next to each other.
    pub(super) out: *mut f32,
    pub(super) out_row: isize,
    /// How many lanes are the destination's.
    pub(super) lanes: usize,
    /// Whether to add to what is there.
    pub(super) add: bool,
    pub(super) also: Also<'a>,
}

/// What tiles do besides.
#[derive(Clone, Copy, Default)]
pub(super) struct Also<'a> {
    /// They fetch for whoever reads the destination.
    pub(super) beside: Option<&'a Beside>,
    /// And what is read when all lanes are done.
    pub(super) after: Option<Part>,
    /// They do this to each sum.
    pub(super) post: Option<&'a Posted>,
}

/// Terms of a panel from one of its lanes on, or other memory as if it were such.
#[derive(Clone, Copy)]
pub(in crate::exec) struct Part {
    /// The panel's first lane, and what is from term to term.
    pub(super) start: *const f32,
    pub(super) step: usize,
    /// The lane.
    pub(super) before: usize,
    pub(super) terms: usize,
}

impl Part {
    /// So many elements from here on.
    pub(super) fn all(start: *const f32, len: usize) -> Part {
        Part { start, step: LINE, before: 0, terms: len.div_ceil(LINE) }
    }

    /// What is fetched of it, if anything, while a tile of so many terms is computed that so many follow: as many lines as there are
    /// terms, so that all are asked for.
    pub(super) fn ahead(&self, follow: usize, depth: usize) -> Option<Ahead> {
        if self.before == 0 {
            let line = follow * depth;
            return (line < self.terms * self.step / LINE).then(|| Ahead::lines(self.start.wrapping_add(line * LINE)));
        }
        let (lane, step) = (self.before + follow * LINE, self.step as isize);
        (lane < self.step).then(|| Ahead { start: self.start.wrapping_add(lane), step, stride: step * LINE as isize })
    }
}

/// As much of a strip as fits in registers.
struct Tile<'a> {
    strip: Strip<'a>,
    /// Where every [`GROUP`]-th row begins, and the steps from it to those that follow. A compiler that saw how these are made
    /// would add up one address from row to row, and each addition would wait for the one before.
    groups: [*const f32; GROUPS],
    steps: [isize; GROUP],
    ahead: Ahead,
    /// Its first row and lane, as post-ops count them, and how many of their rows one of its is.
    first: (isize, isize),
    each: isize,
}

/// Lines that are fetched while a tile is computed: one a term, `step` after the one before, and after [`LINE`] terms `stride`
/// after those.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub(super) start: *const f32,
    pub(super) step: isize,
    pub(super) stride: isize,
}

impl Ahead {
    /// Lines one behind another.
    pub(super) fn lines(start: *const f32) -> Ahead {
        Ahead { start, step: LINE as isize, stride: (LINE * LINE) as isize }
    }
}

/// Terms that are computed while a line is on its way.
const AHEAD: usize = 64;
/// Tiles of fewer terms write too often for their destination to be fetched.
const DEEP: usize = 4 * AHEAD;
const GROUP: usize = 4;
const GROUPS: usize = 4;

/// Computes a tile of a number of rows and vectors.
///
/// # Safety
/// The processor must have the instruction set; all that the [`Strip`] says must be in bounds, its destination exclusive.
type Compute = unsafe fn(&Tile<'_>);

/// The tiles of an instruction set.
pub(super) struct Tiles {
    /// Lanes of a vector.
    vector: usize,
    /// By vectors, then by rows, from 1 on: the fewer vectors, the more rows.
    table: &'static [&'static [Compute]],
    /// The same of terms with offsets.
    apart: &'static [&'static [Compute]],
}

impl Strip<'_> {
    /// No rows.
    pub(super) const EMPTY: Strip<'static> = Strip {
        left: std::ptr::null(),
        row: 0,
        term: 0,
        offsets: None,
        rows: 0,
        panel: std::ptr::null(),
        step: 0,
        depth: 0,
        out: std::ptr::null_mut(),
        out_row: 0,
        lanes: 0,
        add: false,
        also: Also { beside: None, after: None, post: None },
    };

    /// The rows some [`AHEAD`] terms behind a tile's, where terms are neighbours; where rows are, each term's next line; else lines
    /// that are near.
    fn later(&self, left: *const f32, rows: usize) -> Ahead {
        let tiles = AHEAD.div_ceil(self.depth.max(1));
        let (next, line) = (left.wrapping_offset((rows * tiles) as isize * self.row), LINE as isize);
        match (self.row, self.term, self.offsets) {
            (_, 1, None) => Ahead { start: next, step: self.row, stride: line },
            (1, _, None) => {
                Ahead { start: left.wrapping_offset(line), step: self.term, stride: self.term.wrapping_mul(line) }
            }
            (_, _, _) => Ahead::lines(self.panel),
        }
    }
}

impl Tiles {
    /// Computes a strip tile by tile. `ahead` has for a tile, by how many follow it, what is fetched meanwhile; where it has
    /// nothing, it is rows to come.
    ///
    /// # Safety
    /// The processor must have the instruction set; all that the strip says must be in bounds, its destination exclusive.
    pub(super) unsafe fn strip(&self, strip: &Strip<'_>, ahead: impl Fn(usize) -> Option<Ahead>) {
        assert!(strip.offsets.is_none_or(|offsets| offsets.len() == strip.depth));
        let tables = if strip.offsets.is_some() { self.apart } else { self.table };
        let widest = self.vector * self.table.len();
        let lanes = |lane: usize| (strip.lanes - lane).min(widest);
        let table = |lane: usize| tables[lanes(lane).div_ceil(self.vector) - 1];
        let columns = || (0..strip.lanes).step_by(widest);
        let (first, each) =
            strip.also.post.map_or(((0, 0), 0), |post| (post.place(strip.out), post.rows(strip.out_row)));
        let mut follow: usize = columns().map(|lane| strip.rows.div_ceil(table(lane).len())).sum();
        for lane in columns() {
            let (lanes, table) = (lanes(lane), table(lane));
            let panel = strip.panel.wrapping_add(lane);
            let count = strip.rows.div_ceil(table.len());
            let mut row = 0;
            for i in 0..count {
                let rows = (strip.rows - row) / (count - i);
                follow -= 1;
                let at = row as isize;
                let left = strip.left.wrapping_offset(at * strip.row);
                let out = strip.out.wrapping_add(lane).wrapping_offset(at * strip.out_row);
                let tile = Tile {
                    strip: Strip { left, rows, panel, lanes, out, ..*strip },
                    groups: std::array::from_fn(|g| left.wrapping_offset((g * GROUP) as isize * strip.row)),
                    steps: std::array::from_fn(|i| i as isize * strip.row),
                    ahead: ahead(follow).unwrap_or_else(|| strip.later(left, rows)),
                    first: (first.0 + at * each, first.1 + lane as isize),
                    each,
                };
                if let Some(beside) = strip.also.beside {
                    beside.fetch(out, rows, lanes);
                }
                // SAFETY: the caller's promise, for a part of its rows and lanes.
                unsafe { table[rows - 1](&tile) };
                row += rows;
            }
        }
    }
}

/// The tiles of an instruction set that has fused multiply-adds.
pub(super) fn tiles(level: Level) -> Option<&'static Tiles> {
    match level {
        Level::Base => None,
        #[cfg(target_arch = "aarch64")]
        Level::Neon => None,
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => Some(&AVX2),
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => Some(&AVX512),
    }
}

/// A vector of an instruction set.
///
/// # Safety
/// Each method needs that set; those with an address need [`Vector::LANES`] elements there, [`Vector::splat`] one, those of
/// parts that part.
pub(super) trait Vector: Copy {
    const LANES: usize;
    unsafe fn zero() -> Self;
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// The first `lanes` of a vector; the others are zero, and are not stored.
    unsafe fn load_part(from: *const f32, lanes: usize) -> Self;
    unsafe fn store_part(self, to: *mut f32, lanes: usize);
    unsafe fn fma(self, other: Self, sum: Self) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
    unsafe fn times(self, other: Self) -> Self;
    /// The greater; the other one where they are equal or one is NaN.
    unsafe fn greater(self, other: Self) -> Self;
    /// The lesser, likewise.
    unsafe fn lesser(self, other: Self) -> Self;
}

macro_rules! vector {
    ($ty:ident, $lanes:literal: $zero:ident $splat:ident $load:ident $store:ident $fma:ident $load_part:ident $store_part:ident;
     $($name:ident $of_two:ident)*) => {
        #[allow(unused_unsafe, reason = "some of these need no promise but the instruction set")]
        impl Vector for $ty {
            const LANES: usize = $lanes;
            #[inline(always)]
            unsafe fn zero() -> Self {
                // SAFETY: the caller's promise.
                unsafe { $zero() }
            }
            #[inline(always)]
            unsafe fn splat(from: *const f32) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $splat(*from) }
            }
            #[inline(always)]
            unsafe fn load(from: *const f32) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $load(from) }
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut f32) {
                // SAFETY: the caller's promise.
                unsafe { $store(to, self) }
            }
            #[inline(always)]
            unsafe fn load_part(from: *const f32, lanes: usize) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $load_part(from, lanes) }
            }
            #[inline(always)]
            unsafe fn store_part(self, to: *mut f32, lanes: usize) {
                // SAFETY: the caller's promise.
                unsafe { $store_part(self, to, lanes) }
            }
            #[inline(always)]
            unsafe fn fma(self, other: Self, sum: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $fma(self, other, sum) }
            }
            $(#[inline(always)]
            unsafe fn $name(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $of_two(self, other) }
            })*
        }
    };
}

#[cfg(target_arch = "x86_64")]
vector!(__m256, 8: _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps load_256 store_256;
    plus _mm256_add_ps times _mm256_mul_ps greater _mm256_max_ps lesser _mm256_min_ps);
#[cfg(target_arch = "x86_64")]
vector!(__m512, 16: _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps load_512 store_512;
    plus _mm512_add_ps times _mm512_mul_ps greater _mm512_max_ps lesser _mm512_min_ps);

/// The mask of the first lanes.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn first_of_8(lanes: usize) -> __m256i {
    _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn load_256(from: *const f32, lanes: usize) -> __m256 {
    // SAFETY: the caller's promise, for the lanes of the mask.
    unsafe { _mm256_maskload_ps(from, first_of_8(lanes)) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn store_256(vector: __m256, to: *mut f32, lanes: usize) {
    // SAFETY: the caller's promise, for the lanes of the mask.
    unsafe { _mm256_maskstore_ps(to, first_of_8(lanes), vector) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn load_512(from: *const f32, lanes: usize) -> __m512 {
    // SAFETY: the caller's promise, for the lanes of the mask.
    unsafe { _mm512_maskz_loadu_ps((1u32 << lanes).wrapping_sub(1) as u16, from) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn store_512(vector: __m512, to: *mut f32, lanes: usize) {
    // SAFETY: the caller's promise, for the lanes of the mask.
    unsafe { _mm512_mask_storeu_ps(to, (1u32 << lanes).wrapping_sub(1) as u16, vector) }
}

/// The same address, of which the compiler does not see how it was made: else it would keep one for each row of a tile from term to
/// term, which are more than there are registers, and fetch them from the stack.
#[inline(always)]
#[allow(clippy::pointers_in_nomem_asm_block, reason = "nothing is read or written there")]
fn unseen(mut address: *const f32) -> *const f32 {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: no instruction at all.
    unsafe {
        std::arch::asm!("/* {} */", inout(reg) address, options(pure, nomem, nostack, preserves_flags));
    }
    address
}

/// # Safety
/// As [`Compute`].
#[inline(always)]
unsafe fn compute<V: Vector, const VECTORS: usize, const ROWS: usize, const APART: bool>(tile: &Tile<'_>) {
    // SAFETY: the caller's promise; of a row's last vector only what is the destination's is read and written.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        let t = &tile.strip;
        let (mut groups, mut panel, mut fetch) = (tile.groups, t.panel, tile.ahead);
        // Near the end it is what will be written, a vector of each row after another.
        let end = if t.depth < DEEP { t.depth } else { (t.depth - AHEAD).next_multiple_of(LINE) };
        let mut offset = t.offsets.map_or(std::ptr::null(), <[isize]>::as_ptr);
        for first in (0..t.depth).step_by(LINE) {
            if first == end {
                fetch = Ahead { start: t.out, step: t.out_row, stride: LINE as isize };
            }
            let mut ahead = fetch.start;
            for _ in first..t.depth.min(first + LINE) {
                cache::fetch_line_to_second(ahead.cast());
                ahead = ahead.wrapping_offset(fetch.step);
                let mut lanes = [V::zero(); VECTORS];
                for (v, lanes) in lanes.iter_mut().enumerate() {
                    *lanes = V::load(panel.add(v * V::LANES));
                }
                if APART {
                    groups = tile.groups.map(|group| group.wrapping_byte_offset(*offset));
                    offset = offset.wrapping_add(1);
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    let one = V::splat(groups[i / GROUP].wrapping_offset(tile.steps[i % GROUP]));
                    for (sum, lanes) in sums.iter_mut().zip(lanes) {
                        *sum = one.fma(lanes, *sum);
                    }
                }
                if !APART {
                    for group in &mut groups[..ROWS.div_ceil(GROUP)] {
                        *group = unseen(group.wrapping_offset(t.term));
                    }
                }
                panel = panel.wrapping_add(t.step);
            }
            fetch.start = fetch.start.wrapping_offset(fetch.stride);
        }
        let last = t.lanes - (VECTORS - 1) * V::LANES;
        if t.add {
            let before = Placed { at: t.out, row: t.out_row, lane: 1 };
            each(&mut sums, before, last, |sum, before| before.plus(sum));
        }
        for op in t.also.post.map_or(&[][..], Posted::ops) {
            let placed = |operand: Operand| operand.from(tile.first, tile.each);
            if let Some(scale) = op.scale {
                each(&mut sums, placed(scale), last, |sum, scale| sum.times(scale));
            }
            if let Some(shift) = op.shift {
                each(&mut sums, placed(shift), last, |sum, shift| sum.plus(shift));
            }
            if let Some(Bounds { most, least, zero }) = op.bounds {
                let [most, least, zero] = [most, least, zero].map(|number| V::load(number));
                for sums in &mut sums {
                    for sum in sums {
                        *sum = least.greater(most.lesser(*sum)).plus(zero);
                    }
                }
            }
        }
        for (i, sums) in sums.iter().enumerate() {
            let to = t.out.wrapping_offset(i as isize * t.out_row);
            for (v, sum) in sums.iter().enumerate() {
                let at = to.wrapping_add(v * V::LANES);
                if v + 1 == VECTORS && last < V::LANES {
                    sum.store_part(at, last);
                } else {
                    sum.store(at);
                }
            }
        }
    }
}

/// Does something to each sum of a tile with an operand, of which the last vector has so many lanes.
///
/// # Safety
/// The processor must have the instruction set; the operand must be readable.
#[inline(always)]
unsafe fn each<V: Vector, const VECTORS: usize, const ROWS: usize>(
    sums: &mut [[V; VECTORS]; ROWS],
    mut operand: Placed,
    last: usize,
    what: impl Fn(V, V) -> V,
) {
    for sums in sums {
        for (v, sum) in sums.iter_mut().enumerate() {
            let at = operand.at.wrapping_add(v * V::LANES * operand.lane);
            // SAFETY: the caller's promise.
            let with = unsafe { if v + 1 == VECTORS { V::load_part(at, last) } else { V::load(at) } };
            *sum = what(*sum, with);
        }
        operand.at = operand.at.wrapping_offset(operand.row);
    }
}

macro_rules! tiles {
    ($name:ident, $ty:ident, $features:literal: $($vectors:literal [$($rows:literal)*])*) => {
        static $name: Tiles = Tiles {
            vector: <$ty as Vector>::LANES,
            table: tiles!(false $ty, $features: $($vectors [$($rows)*])*),
            apart: tiles!(true $ty, $features: $($vectors [$($rows)*])*),
        };
    };
    ($apart:literal $ty:ident, $features:literal: $($vectors:literal [$($rows:literal)*])*) => {
        &[$(&[$({
            #[target_feature(enable = $features)]
            unsafe fn of(tile: &Tile<'_>) {
                // SAFETY: the caller's promise.
                unsafe { compute::<$ty, $vectors, $rows, $apart>(tile) }
            }
            of
        }),*]),*]
    };
}

#[cfg(target_arch = "x86_64")]
tiles!(AVX2, __m256, "avx2,fma": 1 [1 2 3 4 5 6 7 8 9 10] 2 [1 2 3 4 5 6]);
#[cfg(target_arch = "x86_64")]
tiles!(AVX512, __m512, "avx512f,avx2,fma":
    1 [1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16] 2 [1 2 3 4 5 6 7 8 9 10 11 12] 3 [1 2 3 4 5 6 7 8]
    4 [1 2 3 4 5 6]);
