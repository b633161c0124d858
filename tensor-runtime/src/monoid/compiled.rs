//! Accumulators of rows that are compiled once, with the runtime.
//!
//! In: an element type and a monoid. Out: the methods of [`super::Monoid`] that a row's accumulator goes through, as
//! functions an instruction set. Always: the same instructions as if they stood in the kernel; they are most of what a
//! compiler had to do for a kernel with a reduction. Next: [`super::fold`].

/// `push_row` and `finish_row` of a [`super::Monoid`], for one type and monoid.
macro_rules! compiled {
    ($ty:ident $monoid:ident) => {
        #[inline(always)]
        fn push_row<M: Isa>(_: M, fold: &mut Fold<$ty, $monoid>, values: &[$ty]) {
            #[inline(never)]
            fn base(fold: &mut Fold<$ty, $monoid>, values: &[$ty]) {
                fold.absorb(isa::Base, values);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            #[inline(never)]
            fn avx2(fold: &mut Fold<$ty, $monoid>, values: &[$ty]) {
                fold.absorb(isa::Avx2, values);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            #[inline(never)]
            fn avx512(fold: &mut Fold<$ty, $monoid>, values: &[$ty]) {
                fold.absorb(isa::Avx512, values);
            }
            match M::LEVEL {
                Level::Base => base(fold, values),
                // SAFETY: only a kernel's clone for an instruction set has its token, and runs where that is.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2(fold, values) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512(fold, values) },
                // Every 64-bit ARM has it.
                #[cfg(target_arch = "aarch64")]
                Level::Neon => base(fold, values),
            }
        }

        #[inline(always)]
        fn finish_row<M: Isa>(_: M, fold: &Fold<$ty, $monoid>) -> $ty {
            #[inline(never)]
            fn base(fold: &Fold<$ty, $monoid>) -> $ty {
                fold.total(isa::Base)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            #[inline(never)]
            fn avx2(fold: &Fold<$ty, $monoid>) -> $ty {
                fold.total(isa::Avx2)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            #[inline(never)]
            fn avx512(fold: &Fold<$ty, $monoid>) -> $ty {
                fold.total(isa::Avx512)
            }
            match M::LEVEL {
                Level::Base => base(fold),
                // SAFETY: as in `push_row`.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2(fold) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512(fold) },
                #[cfg(target_arch = "aarch64")]
                Level::Neon => base(fold),
            }
        }
    };
}
pub(super) use compiled;
