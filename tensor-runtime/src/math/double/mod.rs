//! The functions of an `f64`.
//!
//! In: an `f64`. Out: the value, with an error of at most 1 unit in the last place for exponentials and logarithms, 2 for
//! the sine, cosine and hyperbolic tangent, 4 for the others. Next: [`super::single`].

mod erf;
mod exp;
mod hyperbolic;
mod inverse;
mod log;
mod payne;
mod power;
pub(crate) mod trig;

pub(crate) use erf::{erf, erfc};
pub(crate) use exp::{exp, exp as exp_below, exp2, expm1};
pub(crate) use hyperbolic::{acosh, asinh, atanh, cosh, sigmoid, sinh, tanh};
pub(crate) use inverse::{acos, asin, atan, atan2};
pub(crate) use log::{log, log1p, log2, log10};
pub(crate) use power::{cbrt, inverse_cube_root, power};
pub(crate) use trig::{cos, sin, tan};

super::rounding::rounding! { f64, 4503599627370496.0, 1048576.0 }

/// `a * b` as a sum of two.
#[inline(always)]
pub(crate) fn two_product<M: Isa>(m: M, a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    if M::FMA {
        return (high, m.fma(a, b, -high));
    }
    // Halves whose products are exact.
    let halves = |x: f64| {
        let upper = f64::from_bits(x.to_bits() & !0x07ff_ffff);
        (upper, x - upper)
    };
    let ((ah, al), (bh, bl)) = (halves(a), halves(b));
    (high, al * bl - (((high - ah * bh) - al * bh) - ah * bl))
}

/// `a + b` as a sum of two, for `|a| >= |b|` or `a` 0.
#[inline(always)]
pub(crate) fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    (sum, b - (sum - a))
}
