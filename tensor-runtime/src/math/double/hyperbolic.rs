//! Hyperbolic functions of an `f64`, their inverses, and the logistic function.
//!
//! In: a number. Out: the function by way of `e^|x| - 1` or `ln(1 + x)`, so that nothing cancels next to 0.
//! Next: [`mod@super::exp`], [`mod@super::log`].

use crate::isa::Isa;

use super::exp::{exp_times, expm1_unsigned};
use super::{log, log1p};

/// From here on the smaller of the two exponentials does not count.
const FAR: f64 = 22.0;

#[inline(always)]
pub(crate) fn sinh<M: Isa>(m: M, x: f64) -> f64 {
    let a = x.abs();
    let t = expm1_unsigned(m, a);
    let near = 0.5 * (t + t / (t + 1.0));
    (if a < FAR { near } else { exp_times(m, a, 0.5) }).copysign(x)
}

#[inline(always)]
pub(crate) fn cosh<M: Isa>(m: M, x: f64) -> f64 {
    let half = exp_times(m, x.abs(), 0.5);
    half + 0.25 / half
}

#[inline(always)]
pub(crate) fn tanh<M: Isa>(m: M, x: f64) -> f64 {
    let a = x.abs();
    // Beyond it the result is 1.
    let a = if a > 20.0 { 20.0 } else { a };
    let t = expm1_unsigned(m, 2.0 * a);
    let y = t / (t + 2.0);
    // The sum's rounding shows where the result is small.
    let near = y + 0.5 * m.fma(-y, t, t - 2.0 * y);
    (if a < 0.25 { near } else { y }).copysign(x)
}

/// `1 / (1 + e^-x)`, by an exponential that does not overflow.
#[inline(always)]
pub(crate) fn sigmoid<M: Isa>(m: M, x: f64) -> f64 {
    let e = exp_times(m, -x.abs(), 1.0);
    (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

#[inline(always)]
pub(crate) fn asinh<M: Isa>(m: M, x: f64) -> f64 {
    let a = x.abs();
    let far = a > 1e8;
    let b = if far { 1.0 } else { a };
    let near = log1p(m, b + b * b / (1.0 + (b * b + 1.0).sqrt()));
    (if far { log(m, a) + std::f64::consts::LN_2 } else { near }).copysign(x)
}

#[inline(always)]
pub(crate) fn acosh<M: Isa>(m: M, x: f64) -> f64 {
    let far = x > 1e8;
    let t = if far { 1.0 } else { x - 1.0 };
    let near = log1p(m, t + (2.0 * t + t * t).sqrt());
    let y = if far { log(m, x) + std::f64::consts::LN_2 } else { near };
    if x < 1.0 { f64::NAN } else { y }
}

#[inline(always)]
pub(crate) fn atanh<M: Isa>(m: M, x: f64) -> f64 {
    let a = x.abs();
    (0.5 * log1p(m, 2.0 * a / (1.0 - a))).copysign(x)
}
