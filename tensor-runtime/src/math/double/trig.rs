//! The sine, cosine and tangent of an `f64`.
//!
//! In: `x = n * π/2 + r`, `|r| <= π/4`. Out: the series of `r`, chosen by `n`. Always: `r` is a sum of two, so that the
//! result is right also next to its zeros. Above [`NEAR`] the remainder takes all of `x`'s bits times as many of `2/π`,
//! in scalar code. Next: [`super::payne`].

use crate::isa::Isa;

use super::{payne, two_product, two_sum};

/// The largest `|x|` reduced by subtraction.
pub(crate) const NEAR: f64 = 1e6;
const SHIFT: f64 = 6755399441055744.0;

/// `n` modulo 4 in the low bits, and `r` as a sum of two.
#[inline(always)]
fn reduce<M: Isa>(m: M, x: f64) -> (u64, f64, f64) {
    if x.abs() > NEAR || x.is_nan() {
        return payne::reduce(x);
    }
    let shifted = m.fma(x, std::f64::consts::FRAC_2_PI, SHIFT);
    let n = shifted - SHIFT;
    let (high, low) = if M::FMA {
        // π/2 in three parts of 53 bits; the first difference is exact.
        let first = m.fma(-n, std::f64::consts::FRAC_PI_2, x);
        let (second, lost) = two_product(m, n, 6.123_233_995_736_766e-17);
        let high = first - second;
        (high, ((first - high) - second) - m.fma(n, -1.497_384_904_859_169_8e-33, lost))
    } else {
        // In four parts, the first three of 33 bits, whose products are exact.
        let first = x - n * 1.5707963267341256;
        let second = n * 6.077_100_506_303_966e-11;
        let high = first - second;
        let lost = (first - high) - second;
        (high, lost - n * 2.022_266_248_711_166_5e-21 - n * 8.478_427_660_368_9e-32)
    };
    let (high, low) = two_sum(high, low);
    (shifted.to_bits(), high, low)
}

#[inline(always)]
fn sin_near<M: Isa>(m: M, r: f64, low: f64) -> f64 {
    let z = r * r;
    #[rustfmt::skip]
    let p = poly!(m, z;
        0.00833333333332184, -0.00019841269829359062, 2.755731353900562e-06, -2.5050734530525344e-08,
        1.589544617355898e-10,
    );
    let cube = z * r;
    let small = m.fma(z, m.fma(-cube, p, 0.5 * low), -low);
    r - m.fma(cube, 0.1666666666666663, small)
}

#[inline(always)]
fn cos_near<M: Isa>(m: M, r: f64, low: f64) -> f64 {
    let z = r * r;
    #[rustfmt::skip]
    let p = poly!(m, z;
        0.041666666666666595, -0.0013888888888873307, 2.4801587288965237e-05, -2.755731420308441e-07,
        2.0875703140710356e-09, -1.1358617089522507e-11,
    );
    let half = 0.5 * z;
    let high = 1.0 - half;
    high + (((1.0 - high) - half) + m.fma(z * z, p, -(r * low)))
}

/// `x` with its sign turned if bit 1 of `n` is set.
#[inline(always)]
fn turned(x: f64, n: u64) -> f64 {
    f64::from_bits(x.to_bits() ^ ((n & 2) << 62))
}

#[inline(always)]
pub(crate) fn sin<M: Isa>(m: M, x: f64) -> f64 {
    let (n, r, low) = reduce(m, x);
    let y = if n & 1 == 0 { sin_near(m, r, low) } else { cos_near(m, r, low) };
    // The sum of two zeros loses its sign.
    if x == 0.0 { x } else { turned(y, n) }
}

#[inline(always)]
pub(crate) fn cos<M: Isa>(m: M, x: f64) -> f64 {
    let (n, r, low) = reduce(m, x);
    let y = if n & 1 == 0 { cos_near(m, r, low) } else { sin_near(m, r, low) };
    turned(y, n.wrapping_add(1))
}

#[inline(always)]
pub(crate) fn tan<M: Isa>(m: M, x: f64) -> f64 {
    let (n, r, low) = reduce(m, x);
    let (s, c) = (sin_near(m, r, low), cos_near(m, r, low));
    let y = if n & 1 == 0 { s / c } else { -c / s };
    if x == 0.0 { x } else { y }
}
