//! The inverse sine, cosine and tangent of an `f32`.
//!
//! In: a ratio. Out: an angle in radians, with an error of little more than half a unit. Always: the sine and cosine are an
//! `f32`'s, with what roundings lost carried along; the tangent is an `f64`'s, in which no ratio of two `f32` overflows.
//! Next: [`super::wide`].

use std::f64::consts::{FRAC_PI_2, PI};

use crate::isa::Isa;
use crate::math::double;

use super::wide::quotient;

/// π/2, and what it loses.
const QUARTER: f32 = std::f32::consts::FRAC_PI_2;
const LOST: f32 = -4.371_139e-8;

/// `asin(√z) / √z - 1`, for `z <= 1/4`.
#[inline(always)]
fn asin_series<M: Isa>(m: M, z: f32) -> f32 {
    z * pairs!(m, z; 1.666665971e-01, 7.500519603e-02, 4.451421276e-02, 3.182906657e-02, 1.436282415e-02, 3.761693835e-02)
}

/// `√z` as a sum of two, for `z` in 0..1/4; by way of `1 / √z`, as in [`super::wide`].
#[inline(always)]
fn root<M: Isa>(m: M, z: f32) -> (f32, f32) {
    let y = f32::from_bits(0x5f37_4800u32.wrapping_sub(z.to_bits() >> 1));
    let y = y * poly!(m, z * y * y; 1.877_321_3, -1.253_551_4, 0.376_229_44);
    let s = z * y;
    (s, m.fma(-s, s, z) * (0.5 * y))
}

/// `from`, which is whole quarter turns, and the angle of the sine `s + low` whose square is `z`.
#[inline(always)]
fn and_asin<M: Isa>(m: M, from: f32, s: f32, low: f32, z: f32) -> f32 {
    let high = from + s;
    let lost = (from - high) + s;
    let q = asin_series(m, z);
    let rest = m.fma(s, q, m.fma(low, q, low));
    high + (lost + m.fma(from, LOST / QUARTER, rest))
}

#[inline(always)]
pub(crate) fn asin<M: Isa>(m: M, x: f32) -> f32 {
    if !M::FMA {
        return double::asin(m, f64::from(x)) as f32;
    }
    let a = x.abs();
    let half = m.fma(a, -0.5, 0.5);
    let (s, low) = root(m, half);
    // One condition, said twice: where more than three choices hang on one, LLVM makes two ways, and goes both.
    let (from, z) = if half > 0.25 { (0.0, a * a) } else { (QUARTER, half) };
    let (s, low) = if a < 0.5 { (x, 0.0) } else { (-2.0 * s, -2.0 * low) };
    let angle = and_asin(m, from, s, low, z);
    (if half < 0.0 { f32::NAN } else { angle }).copysign(x)
}

#[inline(always)]
pub(crate) fn acos<M: Isa>(m: M, x: f32) -> f32 {
    if !M::FMA {
        return double::acos(m, f64::from(x)) as f32;
    }
    let a = x.abs();
    let half = m.fma(a, -0.5, 0.5);
    let (s, low) = root(m, half);
    let (end, twice) = if x < 0.0 { (2.0 * QUARTER, -2.0) } else { (0.0, 2.0) };
    // As in the sine.
    let (from, z) = if half > 0.25 { (QUARTER, a * a) } else { (end, half) };
    let (s, low) = if a < 0.5 { (-x, 0.0) } else { (twice * s, twice * low) };
    let angle = and_asin(m, from, s, low, z);
    if half < 0.0 { f32::NAN } else { angle }
}

/// `atan(t)` for `t` in -1..1.
#[inline(always)]
fn atan_series<M: Isa>(m: M, t: f64) -> f64 {
    let z = t * t;
    #[rustfmt::skip]
    let p = pairs!(m, z;
        -0.33333301864572706, 0.19998638552691364, -0.14265244600152258, 0.1095757185906501, -0.08419445987188116,
        0.058234320435193665, -0.03145546945940699, 0.011064315212892847, -0.0018271846909348238,
    );
    m.fma(t * z, p, t)
}

#[inline(always)]
pub(crate) fn atan<M: Isa>(m: M, x: f32) -> f32 {
    let a = x.abs();
    // Beyond it the result is π/2.
    let a = if a > 1e10 { 1e10 } else { a };
    let (from, num, den) = if a > 1.0 { (FRAC_PI_2, -1.0, a) } else { (0.0, a, 1.0) };
    let angle = from + atan_series(m, quotient(m, f64::from(num), f64::from(den)));
    (angle as f32).copysign(x)
}

#[inline(always)]
pub(crate) fn atan2<M: Isa>(m: M, y: f32, x: f32) -> f32 {
    /// Above any `f32`, and below any by so much that a ratio with one vanishes; the ratio of two is 1, and of 0 it is 0.
    const LARGE: f64 = f64::from_bits((1023 + 300) << 52);
    const SMALL: f64 = f64::from_bits((1023 - 300) << 52);
    let (a, b) = (y.abs(), x.abs());
    let (from, num, den) = if a > b { (FRAC_PI_2, -b, a) } else { (0.0, a, b) };
    let (num, den) = (f64::from(num), f64::from(den));
    let num = if num > LARGE { LARGE } else { num };
    let den = if den > LARGE { LARGE } else { den };
    let den = if den < SMALL { SMALL } else { den };
    let angle = from + atan_series(m, quotient(m, num, den));
    let angle = if x.is_sign_negative() { PI - angle } else { angle };
    (angle as f32).copysign(y)
}
