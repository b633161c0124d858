//! Lanes that are computed together.
//!
//! In: where they lie. Out: sums of products of them. Always: as many lanes as [`Vector::LANES`], each by itself, so what they are
//! computed with is in no result. Next: [`super::blocks`].
//!
//! An array becomes registers where the compiler sees a loop over its elements. It writes out a loop over eight of them before
//! that, and seldom finds the vector again; so AVX2's vectors are named.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use crate::isa::Isa;
use crate::math::Float;

/// Some neighbouring elements.
///
/// # Safety
/// For all functions: the processor must have the registers.
pub(super) trait Vector<T>: Copy {
    const LANES: usize;

    /// The same element in every lane.
    unsafe fn of(x: T) -> Self;

    /// # Safety
    /// As many elements must be readable from there on.
    unsafe fn read(from: *const T) -> Self;

    /// `x * by + to`, rounded once.
    unsafe fn fma<M: Isa>(m: M, x: Self, by: Self, to: Self) -> Self;

    /// # Safety
    /// As many elements must be writable from there on.
    unsafe fn write(self, to: *mut T);
}

impl<T: Float, const L: usize> Vector<T> for [T; L] {
    const LANES: usize = L;

    #[inline(always)]
    unsafe fn of(x: T) -> [T; L] {
        [x; L]
    }

    #[inline(always)]
    unsafe fn read(from: *const T) -> [T; L] {
        // SAFETY: the caller's promise.
        unsafe { from.cast::<[T; L]>().read() }
    }

    #[inline(always)]
    unsafe fn fma<M: Isa>(m: M, x: [T; L], by: [T; L], mut to: [T; L]) -> [T; L] {
        for l in 0..L {
            to[l] = m.fma(x[l], by[l], to[l]);
        }
        to
    }

    #[inline(always)]
    unsafe fn write(self, to: *mut T) {
        // SAFETY: the caller's promise.
        unsafe { to.cast::<[T; L]>().write(self) }
    }
}

#[cfg(target_arch = "x86_64")]
macro_rules! registers {
    ($($vector:ident $lanes:literal of $ty:ident: $of:ident $read:ident $fma:ident $write:ident;)*) => {$(
        impl Vector<$ty> for $vector {
            const LANES: usize = $lanes;

            #[inline(always)]
            unsafe fn of(x: $ty) -> $vector {
                // SAFETY: the caller's promise.
                unsafe { $of(x) }
            }

            #[inline(always)]
            unsafe fn read(from: *const $ty) -> $vector {
                // SAFETY: the caller's promise.
                unsafe { $read(from) }
            }

            #[inline(always)]
            unsafe fn fma<M: Isa>(_: M, x: $vector, by: $vector, to: $vector) -> $vector {
                // SAFETY: the caller's promise.
                unsafe { $fma(x, by, to) }
            }

            #[inline(always)]
            unsafe fn write(self, to: *mut $ty) {
                // SAFETY: the caller's promise.
                unsafe { $write(to, self) }
            }
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
registers! {
    __m128 4 of f32: _mm_set1_ps _mm_loadu_ps _mm_fmadd_ps _mm_storeu_ps;
    __m256 8 of f32: _mm256_set1_ps _mm256_loadu_ps _mm256_fmadd_ps _mm256_storeu_ps;
    __m128d 2 of f64: _mm_set1_pd _mm_loadu_pd _mm_fmadd_pd _mm_storeu_pd;
    __m256d 4 of f64: _mm256_set1_pd _mm256_loadu_pd _mm256_fmadd_pd _mm256_storeu_pd;
}
