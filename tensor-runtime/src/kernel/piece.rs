//! Pieces of kernels: what is compiled for each instruction set.
//!
//! In: a loop over the lane with what it reads and writes. Out: its clones, one of which a [`crate::isa::Found`] runs. Always:
//! a clone runs only where its instruction set is; rows are found by the kernel, which is compiled once. Next: [`super::unit`].

use std::marker::PhantomData;

use super::unit::Unit;
use super::{Cx, Kernel};
use crate::isa::{self, Isa, Level};

/// A part of a kernel that is worth vectors, with all that it needs.
pub trait Piece: Sized {
    /// What rustc compiles its first clone with; the others are in those that follow.
    type Unit: Unit;

    /// Computes it.
    fn run<M: Isa>(self, m: M);
}

/// A kernel that is one piece.
pub(super) struct Whole<'c, 'a, K> {
    cx: &'c mut Cx<'a>,
    kernel: PhantomData<K>,
}

impl<'c, 'a, K> Whole<'c, 'a, K> {
    pub(super) fn new(cx: &'c mut Cx<'a>) -> Self {
        Whole { cx, kernel: PhantomData }
    }
}

impl<K: Kernel> Piece for Whole<'_, '_, K> {
    type Unit = K::Unit;

    #[inline(always)]
    fn run<M: Isa>(self, m: M) {
        K::run(m, self.cx);
    }
}

/// A clone of a piece.
type Entry<P> = unsafe fn(P);

/// The units after the first of a piece.
#[cfg(target_arch = "x86_64")]
type Second<P> = <<P as Piece>::Unit as Unit>::Next;
#[cfg(target_arch = "x86_64")]
type Third<P> = <Second<P> as Unit>::Next;

/// A piece's clones, one an instruction set.
pub(crate) struct Clones<P> {
    base: Entry<P>,
    #[cfg(target_arch = "x86_64")]
    avx2: Entry<P>,
    #[cfg(target_arch = "x86_64")]
    avx512: Entry<P>,
    #[cfg(target_arch = "aarch64")]
    neon: Entry<P>,
}

impl<P: Piece> Clones<P> {
    // What stands for a set below the least of the build is never called: it is that of a greater one, lest it be compiled.
    pub(crate) const fn of() -> Clones<P> {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512: Entry<P> = <Third<P> as Unit>::avx512::<P>;
            let avx2: Entry<P> = match isa::LEAST {
                Level::Base | Level::Avx2 => <Second<P> as Unit>::avx2::<P>,
                Level::Avx512 => avx512,
            };
            let base: Entry<P> = match isa::LEAST {
                Level::Base => P::Unit::base::<P>,
                Level::Avx2 | Level::Avx512 => avx2,
            };
            Clones { base, avx2, avx512 }
        }
        #[cfg(target_arch = "aarch64")]
        {
            let neon: Entry<P> = P::Unit::neon::<P>;
            Clones { base: neon, neon }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        {
            Clones { base: P::Unit::base::<P> }
        }
    }

    #[inline(always)]
    pub(crate) fn at(&self, level: Level) -> Entry<P> {
        match level {
            Level::Base => self.base,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => self.avx2,
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => self.avx512,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => self.neon,
        }
    }
}
