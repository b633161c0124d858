//! Instruction sets, chosen once at run time.
//!
//! In: the machine, and the environment variable `NDFUSE_ISA`. Out: [`Isa`], the token that a kernel's body is
//! generic over, and `active`, the set this process uses. Always: a token is of size 0; the clone of a kernel for
//! a set runs only where `active` found that set.
//! Next: [`crate::kernel`].
//!
//! `NDFUSE_ISA=base|avx2|avx512` caps the set, so that tests on one machine run every clone; a name that the
//! machine lacks, or that is unknown, changes nothing. What every machine of a build has, as with `-C target-cpu=native` or on a
//! 64-bit ARM, is the least set: clones for lesser ones are not compiled.
//!
//! ```
//! use ndfuse_runtime::rt::Isa;
//! fn gelu<M: Isa>(m: M, x: f32) -> f32 {
//!     0.5 * x * (1.0 + m.tanh(0.797_884_56 * m.fma(0.044_715 * x * x, x, x)))
//! }
//! ```

use std::sync::OnceLock;

use crate::kernel::piece::{Clones, Piece};
use crate::math::Float;

macro_rules! isa_methods {
    (unary: $($unary:ident)*; binary: $($binary:ident)*) => {
        /// An instruction set, as a token of size 0 that carries the element functions.
        ///
        /// The functions are those of the operation table; their bodies are in [`crate::math`].
        pub trait Isa: Copy + sealed::Sealed + 'static {
            /// Does the machine multiply and add in one rounding?
            const FMA: bool;
            /// Does it round to integers in one instruction?
            const ROUND: bool;

            /// `a * b + c`, rounded once where the machine can.
            #[inline(always)]
            fn fma<F: Float>(self, a: F, b: F, c: F) -> F {
                F::fma(self, a, b, c)
            }

            /// Runs a piece of a kernel as it is compiled for this set.
            #[inline(always)]
            fn run<P: Piece>(self, piece: P) {
                piece.run(self);
            }
            $(
                #[allow(missing_docs)]
                #[inline(always)]
                fn $unary<F: Float>(self, x: F) -> F {
                    F::$unary(self, x)
                }
            )*
            $(
                #[allow(missing_docs)]
                #[inline(always)]
                fn $binary<F: Float>(self, a: F, b: F) -> F {
                    F::$binary(self, a, b)
                }
            )*
        }
    };
}

isa_methods! {
    unary: exp exp_below exp2 expm1 log log2 log10 log1p sqrt rsqrt cbrt sin cos tan asin acos atan sinh cosh tanh
        asinh acosh atanh sigmoid erf erfc floor ceil round trunc sign;
    binary: atan2 power floor_divide remainder maximum minimum
}

pub(crate) mod sealed {
    /// An instruction set of this crate.
    pub trait Sealed {
        /// Which one.
        fn level(self) -> super::Level;
    }
}

macro_rules! sets {
    ($($(#[$meta:meta])* $name:ident: fma $fma:literal, round $round:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        $(#[$meta])*
        impl sealed::Sealed for $name {
            #[inline(always)]
            fn level(self) -> Level {
                Level::$name
            }
        }

        $(#[$meta])*
        impl Isa for $name {
            const FMA: bool = $fma;
            const ROUND: bool = $round;
        }
    )*};
}

sets! {
    /// What the target always has.
    Base: fma false, round false;
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2: fma true, round true;
    /// AVX-512 F, BW, DQ, VL, CD.
    #[cfg(target_arch = "x86_64")]
    Avx512: fma true, round true;
    /// NEON, which every 64-bit ARM has.
    #[cfg(target_arch = "aarch64")]
    Neon: fma true, round true;
}

/// The set that the machine was found to have, of which a kernel that is compiled once knows nothing. What it computes itself it
/// computes as every machine can; its pieces run as they are compiled for that set.
#[derive(Clone, Copy, Debug)]
pub struct Found(Level);

impl Found {
    /// # Safety
    /// The machine has this set.
    #[inline]
    pub(crate) unsafe fn new(level: Level) -> Found {
        Found(level)
    }
}

impl sealed::Sealed for Found {
    #[inline(always)]
    fn level(self) -> Level {
        self.0
    }
}

impl Isa for Found {
    const FMA: bool = false;
    const ROUND: bool = false;

    #[inline(always)]
    fn run<P: Piece>(self, piece: P) {
        let clone = const { Clones::<P>::of() }.at(self.0);
        // SAFETY: whoever made the token said that the machine has the set.
        unsafe { clone(piece) }
    }
}

/// The sets, from the least to the greatest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Base,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Level {
    /// Whether a second form is compiled for it.
    pub(crate) fn has_second(self) -> bool {
        match self {
            Level::Base => false,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 | Level::Avx512 => true,
            #[cfg(target_arch = "aarch64")]
            Level::Neon => true,
        }
    }

    /// As `NDFUSE_ISA` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Base => "base",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Level::Neon => "neon",
        }
    }
}

/// The least set that a process of this build uses.
#[cfg(target_arch = "x86_64")]
pub(crate) const LEAST: Level = if cfg!(all(
    target_feature = "avx512f",
    target_feature = "avx512bw",
    target_feature = "avx512dq",
    target_feature = "avx512vl",
    target_feature = "avx512cd",
)) && AVX2
{
    Level::Avx512
} else if AVX2 {
    Level::Avx2
} else {
    Level::Base
};

#[cfg(target_arch = "x86_64")]
const AVX2: bool = cfg!(all(
    target_feature = "avx2",
    target_feature = "fma",
    target_feature = "bmi1",
    target_feature = "bmi2",
    target_feature = "lzcnt",
    target_feature = "popcnt",
));

/// The least set that a process of this build uses.
#[cfg(target_arch = "aarch64")]
pub(crate) const LEAST: Level = Level::Neon;

/// The set this process uses: found once.
#[inline]
pub(crate) fn active() -> Level {
    static ACTIVE: OnceLock<Level> = OnceLock::new();
    *ACTIVE.get_or_init(|| {
        let wanted = std::env::var("NDFUSE_ISA").unwrap_or_default();
        capped(detected(), &wanted)
    })
}

/// The least of what the machine has and what was asked for, as far as the build goes.
fn capped(best: Level, wanted: &str) -> Level {
    match wanted {
        "base" => best.min(LEAST),
        #[cfg(target_arch = "x86_64")]
        "avx2" => best.min(LEAST.max(Level::Avx2)),
        _ => best,
    }
}

#[cfg(target_arch = "x86_64")]
/// The most that the machine has.
pub(crate) fn detected() -> Level {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512cd");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        (false, _) => Level::Base,
    }
}

#[cfg(target_arch = "aarch64")]
/// The most that the machine has.
pub(crate) fn detected() -> Level {
    Level::Neon
}

/// The least set that a process of this build uses.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) const LEAST: Level = Level::Base;

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
/// The most that the machine has.
pub(crate) fn detected() -> Level {
    Level::Base
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cap_only_lowers() {
        assert_eq!(capped(Level::Base, "avx512"), Level::Base);
        assert_eq!(capped(detected(), "base"), LEAST);
        assert_eq!(capped(detected(), "mmx"), detected());
        #[cfg(target_arch = "x86_64")]
        {
            assert_eq!(capped(Level::Base, "avx2"), Level::Base);
            assert_eq!(capped(Level::Avx512, "avx2"), LEAST.max(Level::Avx2));
        }
    }
}
