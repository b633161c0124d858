//! Exponentials of an `f32`.
//!
//! In: `x`. Out: `2^n * e^r`, as in [`crate::math::double`]. Next: [`mod@super::log`].

use crate::isa::Isa;

/// Where integers are the low bits; the 254 is twice the exponent's bias.
const SHIFT: f32 = 12582912.0 + 254.0;
const LN2_HIGH: f32 = 0.693359375;
const LN2_LOW: f32 = -2.12194440e-4;

/// `2^(n / 2)` twice, rounded so that the product is `2^n`; `shifted` is `n + SHIFT`.
#[inline(always)]
fn scales(shifted: f32) -> (f32, f32) {
    let both = shifted.to_bits() << 23;
    let half = (both >> 1) & 0x7f80_0000;
    (f32::from_bits(half), f32::from_bits(both - half))
}

/// `x` within bounds, or NaN.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `x`, of which what is below `low` has the result 0: it becomes `zero`, for which both of [`scales`] are 0. Their
/// product with anything is then no denormal number, for which processors take far longer than for others.
#[inline(always)]
fn bounded(x: f32, low: f32, zero: f32, high: f32) -> f32 {
    let x = if x < low { zero } else { x };
    if x > high { high } else { x }
}

/// `n` with `SHIFT`, and `r`.
#[inline(always)]
fn reduce<M: Isa>(m: M, x: f32) -> (f32, f32) {
    let shifted = m.fma(x, std::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    (shifted, m.fma(n, -LN2_LOW, m.fma(n, -LN2_HIGH, x)))
}

/// `e^r * scale`, for `|r| <= ln 2 / 2`.
#[inline(always)]
fn near<M: Isa>(m: M, r: f32, scale: f32) -> f32 {
    let q = pairs!(m, r; 4.999999404e-01, 1.666650921e-01, 4.166800529e-02, 8.370029740e-03, 1.384877367e-03);
    m.fma(m.fma(r * r, q, r), scale, scale)
}

#[inline(always)]
pub(crate) fn exp<M: Isa>(m: M, x: f32) -> f32 {
    let (shifted, r) = reduce(m, bounded(x, -104.0, -176.0, 89.0));
    let (one, other) = scales(shifted);
    near(m, r, one) * other
}

/// `e^x` of what is not above 0, or NaN: the bits of [`exp`] by one power of two, and a constant one.
#[inline(always)]
pub(crate) fn exp_below<M: Isa>(m: M, x: f32) -> f32 {
    /// Where the low bits are the exponent of `2^(n + 25)`, which is 0 for the least `x` that is left; even as in `SHIFT`,
    /// so that halves are rounded alike.
    const BELOW: f32 = 12582912.0 + 127.0 + 25.0;
    let x = if x < -105.4 { -105.4 } else { x };
    let shifted = m.fma(x, std::f32::consts::LOG2_E, BELOW);
    let n = shifted - BELOW;
    let r = m.fma(n, -LN2_LOW, m.fma(n, -LN2_HIGH, x));
    near(m, r, f32::from_bits(shifted.to_bits() << 23)) * f32::from_bits((127 - 25) << 23)
}

/// `1 - e^x` for `x` in -20..0, to an error of `2e-7` of the exponential.
#[inline(always)]
pub(super) fn one_less_exp<M: Isa>(m: M, x: f32) -> f32 {
    const SHIFT: f32 = 12582912.0 + 127.0;
    let shifted = m.fma(x, std::f32::consts::LOG2_E, SHIFT);
    let r = m.fma(shifted - SHIFT, -std::f32::consts::LN_2, x);
    let q = pairs!(m, r; 4.999923110e-01, 1.666711569e-01, 4.189033061e-02, 8.312501013e-03);
    let power = f32::from_bits(shifted.to_bits() << 23);
    m.fma(-power, m.fma(r * r, q, r), 1.0 - power)
}

#[inline(always)]
pub(crate) fn exp2<M: Isa>(m: M, x: f32) -> f32 {
    let x = bounded(x, -152.0, -254.0, 129.0);
    let shifted = x + SHIFT;
    let r = x - (shifted - SHIFT);
    #[rustfmt::skip]
    let p = poly!(m, r;
        1.0, 6.931471825e-01, 2.402259409e-01, 5.550366268e-02, 9.625435807e-03, 1.338794944e-03, 1.333779510e-04,
    );
    let (one, other) = scales(shifted);
    p * one * other
}

/// `(e^x - 1) / 2`, for `|x|` neither very small nor, below, beyond -60.
#[inline(always)]
fn half_expm1<M: Isa>(m: M, x: f32) -> f32 {
    let (shifted, r) = reduce(m, x);
    #[rustfmt::skip]
    let q = pairs!(m, r;
        5.000000000e-01, 1.666666567e-01, 4.166634753e-02, 8.333391510e-03, 1.394165680e-03, 1.984594273e-04,
    );
    let p = m.fma(r * r, q, r);
    // 2^(n - 1), for 2^n may overflow where the result does not.
    let half = f32::from_bits((shifted.to_bits() << 23).wrapping_sub(128 << 23));
    m.fma(half, p, half - 0.5)
}

#[inline(always)]
pub(crate) fn expm1<M: Isa>(m: M, x: f32) -> f32 {
    let result = 2.0 * half_expm1(m, clamp(x, -60.0, 89.0));
    if x.abs() < 1e-4 { x * (1.0 + 0.5 * x) } else { result }
}

/// `1 / (1 + e^-x)`. All terms are times `2^-24`, so that the power of two is a normal number wherever it counts.
#[inline(always)]
pub(crate) fn sigmoid<M: Isa>(m: M, x: f32) -> f32 {
    const ONE: f32 = f32::from_bits((127 - 24) << 23);
    /// Where the low bits are the exponent of `2^(n - 24)`.
    const SHIFTED: f32 = 12582912.0 + (127 - 24) as f32;
    // Beyond them the result is 0, and 1.
    let x = clamp(x, -104.0, 60.0);
    let shifted = m.fma(x, -std::f32::consts::LOG2_E, SHIFTED);
    let n = shifted - SHIFTED;
    let minus = m.fma(n, LN2_LOW, m.fma(n, LN2_HIGH, x));
    let q = pairs!(m, minus; 4.999999404e-01, -1.666650921e-01, 4.166800529e-02, -8.370029740e-03, 1.384877367e-03);
    let p = m.fma(minus * minus, q, -minus);
    let power = f32::from_bits(shifted.to_bits() << 23);
    ONE / m.fma(power, p, power + ONE)
}

#[inline(always)]
pub(crate) fn tanh<M: Isa>(m: M, x: f32) -> f32 {
    // Beyond it the result is 1. Twice a denormal is exact, so nothing is lost below.
    let a = x.abs();
    let a = if a > 9.1 { 9.1 } else { a };
    let t = half_expm1(m, 2.0 * a);
    let d = t + 1.0;
    let y = t / d;
    // What the sum's rounding lost shows where the result is small.
    let near = m.fma(-y, t - (d - 1.0), y);
    (if a < 0.5 { near } else { y }).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Base;

    fn same_below_zero<M: Isa>(m: M) {
        const EDGES: [f32; 7] = [0.0, -0.0, -104.0, -104.00001, -105.4, -105.40001, f32::NEG_INFINITY];
        for x in (0x8000_0000..=u32::MAX).step_by(1009).map(f32::from_bits).chain(EDGES) {
            let (found, wanted) = (exp_below(m, x), exp(m, x));
            assert!(found.to_bits() == wanted.to_bits() || found.is_nan() && wanted.is_nan(), "{x}: {found} {wanted}");
        }
    }

    #[test]
    fn below_zero_is_the_same_to_the_bit() {
        same_below_zero(Base);
        #[cfg(target_arch = "x86_64")]
        same_below_zero(crate::isa::Avx512);
    }

    /// Zero twice, and not two small numbers whose product is denormal.
    #[test]
    fn what_is_too_small_is_zero_on_the_way() {
        for x in [-104.1, -150.0, -1e30, f32::NEG_INFINITY] {
            let (shifted, r) = reduce(Base, bounded(x, -104.0, -176.0, 89.0));
            assert_eq!(scales(shifted), (0.0, 0.0), "{x}");
            assert!(r.abs() < 0.4, "{x}: {r}");
        }
    }
}
