//! The functions of an `f32`.
//!
//! In: an `f32`. Out: the value, with an error of at most 3 units in the last place for the exponential and the logistic
//! function, 4 for the logarithm, 2 for the sine, cosine, hyperbolic tangent and error function. Next: [`super::double`].

mod erf;
mod exp;
mod hyperbolic;
mod inverse;
mod log;
mod power;
mod trig;
mod wide;

pub(crate) use erf::erf;
pub(crate) use exp::{exp, exp_below, exp2, expm1, sigmoid, tanh};
pub(crate) use hyperbolic::{acosh, asinh, atanh, cbrt, cosh, sinh};
pub(crate) use inverse::{acos, asin, atan, atan2};
pub(crate) use log::{log, log1p, log2, log10};
pub(crate) use power::power;
pub(crate) use trig::{cos, sin, tan};

super::rounding::rounding! { f32, 8388608.0, 65536.0 }

#[inline(always)]
pub(crate) fn erfc<M: Isa>(m: M, x: f32) -> f32 {
    super::double::erfc(m, f64::from(x)) as f32
}
