//! The inverse sine, cosine and tangent of an `f64`.
//!
//! In: a ratio. Out: an angle in radians. Always: arguments are brought near 0, where a series of few terms holds.
//! Next: [`super::trig`].

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use crate::isa::Isa;

/// What doubles lose of π/2.
const LOST: f64 = 6.123_233_995_736_766e-17;

/// `asin(x) / x - 1`, for `x² = z <= 1/4`.
#[inline(always)]
fn asin_series<M: Isa>(m: M, z: f64) -> f64 {
    #[rustfmt::skip]
    let p = poly!(m, z;
        0.1666666666666541, 0.07500000000336592, 0.044642856828611494, 0.030381959127476054, 0.022371758234700896,
        0.017359702525584584, 0.013885253136922652, 0.012169119879849689, 0.006528283812045654, 0.019527626427191344,
        -0.01622352762185511, 0.031911937460187306,
    );
    z * p
}

/// For `|x| <= 1/2` the angle itself, else its complement's half: the root `s` and `asin(s)`.
#[inline(always)]
fn halves<M: Isa>(m: M, x: f64) -> (bool, f64, f64) {
    let a = x.abs();
    let near = a < 0.5;
    let z = if near { a * a } else { 0.5 * (1.0 - a) };
    let s = if near { a } else { z.sqrt() };
    (near, s, asin_series(m, z))
}

#[inline(always)]
pub(crate) fn asin<M: Isa>(m: M, x: f64) -> f64 {
    let (near, s, p) = halves(m, x);
    let angle = m.fma(s, p, s);
    let far = FRAC_PI_2 - (2.0 * angle - LOST);
    (if near { angle } else { far }).copysign(x)
}

#[inline(always)]
pub(crate) fn acos<M: Isa>(m: M, x: f64) -> f64 {
    let (near, s, p) = halves(m, x);
    let angle = m.fma(s, p, s);
    let middle = FRAC_PI_2 - (angle.copysign(x) - LOST);
    let far = if x < 0.0 { PI - 2.0 * (angle - LOST) } else { 2.0 * angle };
    if near { middle } else { far }
}

/// `atan(num / den)` of two that are not negative.
#[inline(always)]
fn atan_ratio<M: Isa>(m: M, num: f64, den: f64) -> f64 {
    // tan(π/8) and its inverse part three cases: the ratio, an eighth turn less, a quarter turn less.
    let middle = num > 0.414_213_562_373_095_03 * den;
    let far = num > 2.414_213_562_373_095 * den;
    let top = if far {
        -den
    } else if middle {
        num - den
    } else {
        num
    };
    let bottom = if far {
        num
    } else if middle {
        num + den
    } else {
        den
    };
    let (base, lost) = match (far, middle) {
        (true, _) => (FRAC_PI_2, LOST),
        (false, true) => (FRAC_PI_4, 0.5 * LOST),
        (false, false) => (0.0, 0.0),
    };
    let t = top / bottom;
    let z = t * t;
    #[rustfmt::skip]
    let p = poly!(m, z;
        -0.333333333333332, 0.19999999999953652, -0.14285714280196546, 0.11111110783317413, -0.09090897751986035,
        0.07692060104760896, -0.06663102824740622, 0.05847881015083688, -0.050392711055065174, 0.038063815689813985,
        -0.01790651962125815,
    );
    base + (t + m.fma(t * z, p, lost))
}

#[inline(always)]
pub(crate) fn atan<M: Isa>(m: M, x: f64) -> f64 {
    atan_ratio(m, x.abs(), 1.0).copysign(x)
}

#[inline(always)]
pub(crate) fn atan2<M: Isa>(m: M, y: f64, x: f64) -> f64 {
    let (a, b) = (y.abs(), x.abs());
    // Ratios of two zeros or two infinities, as C has them; and no sum or product here may overflow or vanish.
    let infinite = a == f64::INFINITY && b == f64::INFINITY;
    let zero = a == 0.0 && b == 0.0;
    let scale = if a > 1e300 || b > 1e300 {
        1e-3
    } else if a < 1e-280 && b < 1e-280 {
        1e280
    } else {
        1.0
    };
    let num = if infinite { 1.0 } else { a * scale };
    let den = if infinite || zero { 1.0 } else { b * scale };
    let angle = atan_ratio(m, num, den);
    let angle = if x.is_sign_negative() { PI - (angle - 2.0 * LOST) } else { angle };
    if x.is_nan() { x } else { angle.copysign(y) }
}
