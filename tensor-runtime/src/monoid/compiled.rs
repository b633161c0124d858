//! Accumulators that are compiled once, with the runtime.
//!
//! In: an element type and a monoid. Out: the methods of [`super::Monoid`] that accumulators go through, as functions an
//! instruction set. Always: the same instructions as if they stood in the kernel; they are most of what a compiler has
//! to do for a kernel with a reduction. Next: [`super::fold`].

/// A method that calls that of an accumulator, compiled for the instruction set of its token.
macro_rules! outlined {
    ($name:ident: $fold:ty, $method:ident($($arg:ident: $ty:ty),*) $(-> $answer:ty)?) => {
        #[inline(always)]
        fn $name<M: Isa>(m: M, fold: &mut $fold $(, $arg: $ty)*) $(-> $answer)? {
            #[inline(never)]
            fn base(fold: &mut $fold $(, $arg: $ty)*) $(-> $answer)? {
                fold.$method(isa::Base $(, $arg)*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            #[inline(never)]
            fn avx2(fold: &mut $fold $(, $arg: $ty)*) $(-> $answer)? {
                fold.$method(isa::Avx2 $(, $arg)*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            #[inline(never)]
            fn avx512(fold: &mut $fold $(, $arg: $ty)*) $(-> $answer)? {
                fold.$method(isa::Avx512 $(, $arg)*)
            }
            let clone: unsafe fn(&mut $fold $(, $ty)*) $(-> $answer)? = match m.level() {
                Level::Base => base,
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => avx2,
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => avx512,
                // Every 64-bit ARM has it.
                #[cfg(target_arch = "aarch64")]
                Level::Neon => base,
            };
            // SAFETY: a token of an instruction set is only where the machine has that.
            unsafe { clone(fold $(, $arg)*) }
        }
    };
}

/// What a [`super::Monoid`] does with accumulators of its own, for one type.
macro_rules! compiled {
    ($ty:ident $monoid:ident) => {
        outlined!(push_row: Fold<$ty, $monoid>, add(values: &[$ty]));
        outlined!(finish_row: Fold<$ty, $monoid>, total() -> $ty);
        outlined!(push_columns: ColFold<$ty, $monoid>, add(values: &[$ty]));
        outlined!(finish_columns: ColFold<$ty, $monoid>, total());
    };
}
pub(super) use {compiled, outlined};
