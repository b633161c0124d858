//! Tiles of a product in registers.
//!
//! In: rows of one operand where they are, a panel of the other as [`super::packed`] lays it out. Out: a tile of the
//! destination. Always: each element is one chain of fused multiply-adds in the order of the terms, so its bits depend
//! neither on the tile nor on the instruction set. Next: [`super::packed`].

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::isa::Level;

/// Elements of a line of a cache.
const LINE: usize = 16;

/// What a tile is made of.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// Element `(i, k)` of the rows is at `i * row + k * term`.
    pub(super) left: *const f32,
    pub(super) row: isize,
    pub(super) term: isize,
    /// Term `k` of the panel's lanes is at `k * step`; all lanes of whole vectors are there.
    pub(super) panel: *const f32,
    pub(super) step: usize,
    pub(super) depth: usize,
    /// Lines that are fetched meanwhile for those who come later, one a term; or some that are near.
    pub(super) ahead: *const f32,
    /// Row `i` is at `i * out_row`, its lanes next to each other.
    pub(super) out: *mut f32,
    pub(super) out_row: isize,
    /// How many lanes are the destination's.
    pub(super) lanes: usize,
    /// Whether to add to what is there.
    pub(super) add: bool,
}

/// Computes a tile of a number of rows and vectors.
///
/// # Safety
/// The processor must have the instruction set; all that the [`Tile`] says must be in bounds, its destination exclusive.
pub(super) type Compute = unsafe fn(&Tile);

/// The tiles of an instruction set.
pub(super) struct Tiles {
    /// Lanes of a vector.
    pub(super) vector: usize,
    /// The most rows, and vectors, of a tile.
    pub(super) rows: usize,
    pub(super) vectors: usize,
    /// By rows, then by vectors, from 1 on.
    pub(super) table: &'static [&'static [Compute]],
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
/// Each method needs that set; those with an address need [`Vector::LANES`] elements there, [`Vector::splat`] one.
trait Vector: Copy {
    const LANES: usize;
    unsafe fn zero() -> Self;
    unsafe fn splat(from: *const f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn store(self, to: *mut f32);
    unsafe fn fma(self, other: Self, sum: Self) -> Self;
    unsafe fn plus(self, other: Self) -> Self;
}

macro_rules! vector {
    ($ty:ident, $lanes:literal: $zero:ident $splat:ident $load:ident $store:ident $fma:ident $add:ident) => {
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
            unsafe fn fma(self, other: Self, sum: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $fma(self, other, sum) }
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                // SAFETY: the caller's promise.
                unsafe { $add(self, other) }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
vector!(__m256, 8: _mm256_setzero_ps _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps _mm256_fmadd_ps _mm256_add_ps);
#[cfg(target_arch = "x86_64")]
vector!(__m512, 16: _mm512_setzero_ps _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps _mm512_fmadd_ps _mm512_add_ps);

/// # Safety
/// As [`Compute`].
#[inline(always)]
unsafe fn compute<V: Vector, const ROWS: usize, const VECTORS: usize>(t: &Tile) {
    // SAFETY: the caller's promise; a row's vectors beyond its lanes go to memory of this function's own.
    unsafe {
        let mut sums = [[V::zero(); VECTORS]; ROWS];
        let (mut left, mut panel, mut ahead) = (t.left, t.panel, t.ahead);
        for _ in 0..t.depth {
            // A fetch reads nothing that a program can see, from whatever address.
            #[cfg(target_arch = "x86_64")]
            _mm_prefetch::<_MM_HINT_T1>(ahead.cast());
            ahead = ahead.wrapping_add(LINE);
            let mut lanes = [V::zero(); VECTORS];
            for (v, lanes) in lanes.iter_mut().enumerate() {
                *lanes = V::load(panel.add(v * V::LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let one = V::splat(left.wrapping_offset(i as isize * t.row));
                for (sum, lanes) in sums.iter_mut().zip(lanes) {
                    *sum = one.fma(lanes, *sum);
                }
            }
            left = left.wrapping_offset(t.term);
            panel = panel.wrapping_add(t.step);
        }
        let each = |sums: &[V; VECTORS], to: *mut f32| {
            for (v, sum) in sums.iter().enumerate() {
                let at = to.add(v * V::LANES);
                let sum = if t.add { V::load(at).plus(*sum) } else { *sum };
                sum.store(at);
            }
        };
        let at = |i: usize| t.out.wrapping_offset(i as isize * t.out_row);
        if t.lanes == VECTORS * V::LANES {
            sums.iter().enumerate().for_each(|(i, sums)| each(sums, at(i)));
            return;
        }
        let mut own = [0.0f32; 64];
        for (i, sums) in sums.iter().enumerate() {
            if t.add {
                std::ptr::copy_nonoverlapping(at(i), own.as_mut_ptr(), t.lanes);
            }
            each(sums, own.as_mut_ptr());
            std::ptr::copy_nonoverlapping(own.as_ptr(), at(i), t.lanes);
        }
    }
}

macro_rules! tiles {
    ($name:ident, $ty:ident, $features:literal: $($rows:literal)*; $vectors:tt) => {
        static $name: Tiles = Tiles {
            vector: <$ty as Vector>::LANES,
            rows: [$($rows),*].len(),
            vectors: $vectors.len(),
            table: &[$(tiles!(row $ty, $features, $rows, $vectors)),*],
        };
    };
    (row $ty:ident, $features:literal, $rows:literal, [$($vectors:literal),*]) => {
        &[$({
            #[target_feature(enable = $features)]
            unsafe fn of(tile: &Tile) {
                // SAFETY: the caller's promise.
                unsafe { compute::<$ty, $rows, $vectors>(tile) }
            }
            of
        }),*]
    };
}

#[cfg(target_arch = "x86_64")]
tiles!(AVX2, __m256, "avx2,fma": 1 2 3 4 5 6; [1, 2]);
#[cfg(target_arch = "x86_64")]
tiles!(AVX512, __m512, "avx512f,avx2,fma": 1 2 3 4 5 6 7 8; [1, 2, 3]);
