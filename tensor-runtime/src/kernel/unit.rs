//! Which of rustc's units of compilation a kernel and the clones of its pieces are in.
//!
//! In: nothing. Out: [`Unit`]s, one of which a kernel names. Always: no unit means anything when a program runs. Next:
//! [`super::Kernel`].
//!
//! rustc puts what is generic into the unit of the module that its `Self` is of, and compiles units side by side. Were the clones
//! functions of a module, all kernels of a crate would be one unit.

use super::piece::{Piece, Whole};
use super::{Cx, Kernel};
#[cfg(target_arch = "aarch64")]
use crate::isa::Neon;
#[cfg(target_arch = "x86_64")]
use crate::isa::{Avx2, Avx512};
use crate::isa::{Base, Found, Isa};

/// A unit. A kernel, and the clone of a piece for an instruction set, is a function of it.
pub trait Unit {
    /// The one for the next clone of a piece.
    type Next: Unit;

    #[doc(hidden)]
    fn kernel<K: Kernel>(m: Found, cx: &mut Cx<'_>) {
        if K::ONCE { K::run(m, cx) } else { m.run(Whole::<K>::new(cx)) }
    }

    /// A second form mostly fetches: it is one piece, of one clone for most processors.
    ///
    /// # Safety
    /// The machine has a set that [`has_second`](crate::isa::Level::has_second).
    #[doc(hidden)]
    unsafe fn second<K: Kernel>(cx: &mut Cx<'_>) {
        let whole = Whole::<K>::new(cx);
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the least such set has these instructions.
        unsafe {
            Self::Next::avx2(whole);
        }
        #[cfg(target_arch = "aarch64")]
        // SAFETY: every machine has these instructions.
        unsafe {
            Self::neon(whole);
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Self::base(whole);
    }

    #[doc(hidden)]
    fn base<P: Piece>(piece: P) {
        piece.run(Base);
    }

    /// # Safety
    /// The machine has these instructions.
    #[doc(hidden)]
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx2<P: Piece>(piece: P) {
        piece.run(Avx2);
    }

    /// # Safety
    /// The machine has these instructions.
    #[doc(hidden)]
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    unsafe fn avx512<P: Piece>(piece: P) {
        piece.run(Avx512);
    }

    /// # Safety
    /// The machine has these instructions.
    #[doc(hidden)]
    #[cfg(target_arch = "aarch64")]
    unsafe fn neon<P: Piece>(piece: P) {
        piece.run(Neon);
    }
}

macro_rules! units {
    ($($name:ident $module:ident then $next:ident;)*) => {$(
        mod $module {
            /// A unit of compilation.
            pub struct $name;

            impl super::Unit for $name {
                type Next = super::$next;
            }
        }
        pub use $module::$name;
    )*};
}

// As many as rustc makes of a crate with cargo's release profile.
units! {
    U0 u0 then U1; U1 u1 then U2; U2 u2 then U3; U3 u3 then U4; U4 u4 then U5; U5 u5 then U6; U6 u6 then U7; U7 u7 then U8;
    U8 u8 then U9; U9 u9 then U10; U10 u10 then U11; U11 u11 then U12; U12 u12 then U13; U13 u13 then U14; U14 u14 then U15;
    U15 u15 then U0;
}
