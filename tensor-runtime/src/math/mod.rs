//! Element functions.
//!
//! In: a float. Out: the function's value, for the instruction set `M`. Always: straight-line code without calls or
//! tables, which LLVM turns into vectors; NaN, infinities, zeros of both signs and denormals give what C's functions
//! give; errors are below the bounds in `tests`. A few cases leave the line, and with it the vectors: the sine, cosine
//! and tangent of an `f64` above [`double::trig::NEAR`], and the remainder of very unlike floats.
//! Next: [`crate::isa`].
//!
//! `divisor` divides many numbers by one; `half` has the conversions of the types of 16 bits; `single` and `double` hold the two types' functions. Where speed matters less, a function of an `f32` is that of an
//! `f64`, rounded; it still runs in vectors.

use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

use ::half::{bf16, f16};

use crate::dtype::Element;
use crate::isa::Isa;
pub use divisor::{Divide, Divisor, TameDivisor, WholeDivisor};
use half::Half;

/// Horner's rule: `c0 + x * (c1 + x * (…))`.
macro_rules! poly {
    ($m:expr, $x:expr; $c:expr $(,)?) => { $c };
    ($m:expr, $x:expr; $c:expr, $($more:expr),+ $(,)?) => {
        $m.fma(poly!($m, $x; $($more),+), $x, $c)
    };
}

/// The same by pairs of terms, Horner's rule over `x²`: a chain half as long, for one product more. What a chain waits for
/// itself is most of what a function of an `f32` takes; the few last bits of an `f64` are better off with the above.
macro_rules! pairs {
    ($m:expr, $x:expr; $($c:expr),+ $(,)?) => {{
        let square = $x * $x;
        pairs!(@ $m, $x, square; $($c),+)
    }};
    (@ $m:expr, $x:expr, $square:ident; $c:expr) => { $c };
    (@ $m:expr, $x:expr, $square:ident; $c:expr, $d:expr) => { $m.fma($d, $x, $c) };
    (@ $m:expr, $x:expr, $square:ident; $c:expr, $d:expr, $($more:expr),+) => {
        $m.fma(pairs!(@ $m, $x, $square; $($more),+), $square, $m.fma($d, $x, $c))
    };
}

mod divisor;
pub(crate) mod double;
pub(crate) mod half;
mod rounding;
pub(crate) mod single;
#[cfg(test)]
#[allow(clippy::approx_constant, clippy::type_complexity, reason = "measured points, not constants")]
mod table;
#[cfg(test)]
mod tests;

macro_rules! float_methods {
    (unary: $($unary:ident)*; binary: $($binary:ident)*) => {
        /// A float type, with the functions behind [`Isa`]'s methods.
        #[allow(missing_docs)]
        pub trait Float:
            Element + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
            + Rem<Output = Self> + Neg<Output = Self>
        {
            fn fma<M: Isa>(m: M, a: Self, b: Self, c: Self) -> Self;
            $(fn $unary<M: Isa>(m: M, x: Self) -> Self;)*
            $(fn $binary<M: Isa>(m: M, a: Self, b: Self) -> Self;)*
        }

        /// The functions of an `f32`, rounded.
        macro_rules! half {
            ($ty:ident) => {
                impl Float for $ty {
                    #[inline(always)]
                    fn fma<M: Isa>(m: M, a: $ty, b: $ty, c: $ty) -> $ty {
                        Half::nearest(m.fma(a.widened(), b.widened(), c.widened()))
                    }
                    $(
                        #[inline(always)]
                        fn $unary<M: Isa>(m: M, x: $ty) -> $ty {
                            Half::nearest(m.$unary(x.widened()))
                        }
                    )*
                    $(
                        #[inline(always)]
                        fn $binary<M: Isa>(m: M, a: $ty, b: $ty) -> $ty {
                            Half::nearest(m.$binary(a.widened(), b.widened()))
                        }
                    )*
                }
            };
        }

        macro_rules! float {
            ($ty:ident, $functions:path) => {
                impl Float for $ty {
                    #[inline(always)]
                    fn fma<M: Isa>(_: M, a: $ty, b: $ty, c: $ty) -> $ty {
                        if M::FMA { a.mul_add(b, c) } else { a * b + c }
                    }
                    $(
                        #[inline(always)]
                        fn $unary<M: Isa>(m: M, x: $ty) -> $ty {
                            use $functions as functions;
                            functions::$unary(m, x)
                        }
                    )*
                    $(
                        #[inline(always)]
                        fn $binary<M: Isa>(m: M, a: $ty, b: $ty) -> $ty {
                            use $functions as functions;
                            functions::$binary(m, a, b)
                        }
                    )*
                }
            };
        }
    };
}

float_methods! {
    unary: exp exp_below exp2 expm1 log log2 log10 log1p sqrt rsqrt cbrt sin cos tan asin acos atan sinh cosh tanh
        asinh acosh atanh sigmoid erf erfc floor ceil round trunc sign;
    binary: atan2 power floor_divide remainder maximum minimum
}

float! { f32, single }
float! { f64, double }
half! { f16 }
half! { bf16 }
