//! Hyperbolic functions of an `f32` and their inverses, and its cube root.
//!
//! In: a number. Out: the function, with an error of little more than half a unit. Always: an `f64` computes it to some 30 bits,
//! and only next to 0, where a sum of few terms is nearer, an `f32`. Next: [`super::wide`].

use std::f64::consts::{LN_2, LOG2_E};

use crate::isa::Isa;

use super::power::log2;
use super::wide::{cube_root, quotient, root};

/// Up to here the inverses are the first two terms of their series.
const NEAR: f32 = 0.0078125;

/// `2^n / 2`, `2^-n / 2`, `cosh(r)` and `sinh(r)`, for `|x| = n * ln 2 + r`. Sums of products of these lose nothing next to 0.
#[inline(always)]
fn parts<M: Isa>(m: M, x: f32) -> (f64, f64, f64, f64) {
    /// Where the low bits are the exponent of `2^(n - 1)`.
    const SHIFT: f64 = 6755399441055744.0 + 1022.0;
    let a = x.abs();
    // Beyond it the results are infinite.
    let a = f64::from(if a > 90.0 { 90.0 } else { a });
    let shifted = m.fma(a, LOG2_E, SHIFT);
    let r = m.fma(shifted - SHIFT, -LN_2, a);
    let z = r * r;
    let c = poly!(m, z; 1.0, 0.5000000079138357, 0.041666267071281245, 0.0013946230299624104);
    let s = poly!(m, z; 0.1666666675455145, 0.008333288954306645, 0.0001990496085815627);
    let up = shifted.to_bits() << 52;
    let down = (2044u64 << 52).wrapping_sub(up);
    (f64::from_bits(up), f64::from_bits(down), c, m.fma(r * z, s, r))
}

#[inline(always)]
pub(crate) fn sinh<M: Isa>(m: M, x: f32) -> f32 {
    let (up, down, c, s) = parts(m, x);
    (m.fma(up - down, c, (up + down) * s) as f32).copysign(x)
}

#[inline(always)]
pub(crate) fn cosh<M: Isa>(m: M, x: f32) -> f32 {
    let (up, down, c, s) = parts(m, x);
    m.fma(up + down, c, (up - down) * s) as f32
}

#[inline(always)]
pub(crate) fn asinh<M: Isa>(m: M, x: f32) -> f32 {
    let a = x.abs();
    let wide = f64::from(a);
    let far = (LN_2 * log2(m, wide + root(m, m.fma(wide, wide, 1.0)))) as f32;
    let far = if a < f32::INFINITY { far } else { a };
    (if a < NEAR { m.fma(a * a * a, -1.0 / 6.0, a) } else { far }).copysign(x)
}

#[inline(always)]
pub(crate) fn acosh<M: Isa>(m: M, x: f32) -> f32 {
    let wide = f64::from(x);
    let square = m.fma(wide, wide, -1.0);
    // Not 0, of which there is no such root; it does not count beside 1.
    let square = if square > 1e-60 { square } else { 1e-60 };
    let y = (LN_2 * log2(m, wide + root(m, square))) as f32;
    let y = if x < f32::INFINITY { y } else { x };
    if x < 1.0 { f32::NAN } else { y }
}

#[inline(always)]
pub(crate) fn atanh<M: Isa>(m: M, x: f32) -> f32 {
    let a = x.abs();
    let wide = f64::from(a);
    let far = (0.5 * LN_2 * log2(m, quotient(m, 1.0 + wide, 1.0 - wide))) as f32;
    let beyond = if a == 1.0 { f32::INFINITY } else { f32::NAN };
    let far = if a < 1.0 { far } else { beyond };
    (if a < NEAR { m.fma(a * a * a, 1.0 / 3.0, a) } else { far }).copysign(x)
}

#[inline(always)]
pub(crate) fn cbrt<M: Isa>(m: M, x: f32) -> f32 {
    let a = x.abs();
    let y = cube_root(m, f64::from(a)) as f32;
    if a > 0.0 && a < f32::INFINITY { y.copysign(x) } else { x }
}
