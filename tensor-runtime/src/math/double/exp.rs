//! Exponentials of an `f64`.
//!
//! In: `x`. Out: `2^n * e^r`, with `n` the integer nearest to `x / ln 2`. Always: `n` is found by adding a large number,
//! whose low bits it then is; the power of two is multiplied in two steps, so that it neither overflows nor loses a
//! denormal result. Next: [`mod@super::log`].

use crate::isa::Isa;

/// Where integers are the low bits; the 2046 is twice the exponent's bias.
const SHIFT: f64 = 6755399441055744.0 + 2046.0;
const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149288430703e-10;

/// `2^(n / 2)` twice, rounded so that the product is `2^n`; `shifted` is `n + SHIFT`.
#[inline(always)]
fn scales(shifted: f64) -> (f64, f64) {
    let both = shifted.to_bits() << 52;
    let half = (both >> 1) & 0x7ff0_0000_0000_0000;
    (f64::from_bits(half), f64::from_bits(both - half))
}

/// `x` within bounds, or NaN.
#[inline(always)]
fn clamp(x: f64, low: f64, high: f64) -> f64 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `x`, of which what is below `low` has the result 0: it becomes `zero`, for which both of [`scales`] are 0. Their
/// product with anything is then no denormal number, for which processors take far longer than for others.
#[inline(always)]
fn bounded(x: f64, low: f64, zero: f64, high: f64) -> f64 {
    let x = if x < low { zero } else { x };
    if x > high { high } else { x }
}

/// `n` with `SHIFT`, and `r`.
#[inline(always)]
fn reduce<M: Isa>(m: M, x: f64) -> (f64, f64) {
    let shifted = m.fma(x, std::f64::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    (shifted, m.fma(n, -LN2_LOW, m.fma(n, -LN2_HIGH, x)))
}

/// `e^x` times a power of two near 1.
#[inline(always)]
pub(super) fn exp_times<M: Isa>(m: M, x: f64, factor: f64) -> f64 {
    let (shifted, r) = reduce(m, bounded(x, -746.0, -1418.0, 711.0));
    #[rustfmt::skip]
    let q = poly!(m, r;
        0.5000000000000012, 0.16666666666666413, 0.041666666666514536, 0.008333333333486315, 0.0013888888948202234,
        0.00019841269540734921, 2.4801487963916996e-05, 2.7557541480845327e-06, 2.763220016825511e-07,
        2.5018686010249816e-08,
    );
    let (one, other) = scales(shifted);
    (1.0 + m.fma(r * r, q, r)) * one * (other * factor)
}

#[inline(always)]
pub(crate) fn exp<M: Isa>(m: M, x: f64) -> f64 {
    exp_times(m, x, 1.0)
}

#[inline(always)]
pub(crate) fn exp2<M: Isa>(m: M, x: f64) -> f64 {
    exp2_sum(m, x, 0.0)
}

/// `2^(x + low)`, for `low` far less than `x`.
#[inline(always)]
pub(super) fn exp2_sum<M: Isa>(m: M, x: f64, low: f64) -> f64 {
    let x = bounded(x, -1080.0, -2046.0, 1025.0);
    let shifted = x + SHIFT;
    let r = (x - (shifted - SHIFT)) + low;
    #[rustfmt::skip]
    let q = poly!(m, r;
        0.24022650695910172, 0.05550410866482456, 0.009618129107577165, 0.0013333558145575803,
        0.00015403530478599095, 1.5252734724093735e-05, 1.321542468380501e-06, 1.0177664797341019e-07,
        7.075569223091432e-09, 4.5175072509730285e-10,
    );
    let (one, other) = scales(shifted);
    // The first coefficient in two parts.
    let linear = m.fma(r, std::f64::consts::LN_2, r * 2.3190468138462996e-17);
    (1.0 + m.fma(r * r, q, linear)) * one * other
}

#[inline(always)]
pub(crate) fn expm1<M: Isa>(m: M, x: f64) -> f64 {
    expm1_unsigned(m, x).copysign(x)
}

/// `e^x - 1`, but for the sign of a zero.
#[inline(always)]
pub(super) fn expm1_unsigned<M: Isa>(m: M, x: f64) -> f64 {
    // One more and `n - 1` is not an exponent.
    let (shifted, r) = reduce(m, clamp(x, -60.0, 710.0));
    #[rustfmt::skip]
    let q = poly!(m, r;
        0.5, 0.1666666666666668, 0.04166666666666672, 0.008333333333318925, 0.0013888888888841993,
        0.00019841269893407552, 2.4801587429782316e-05, 2.755723664234943e-06, 2.755717423201585e-07,
        2.5111715869912113e-08, 2.094671744314498e-09,
    );
    let p = m.fma(r * r, q, r);
    // 2^(n - 1), for 2^n may overflow where the result does not.
    let half = f64::from_bits((shifted.to_bits() << 52).wrapping_sub(1024 << 52));
    let result = 2.0 * m.fma(half, p, half - 0.5);
    if x.abs() < 1e-8 { m.fma(0.5 * x, x, x) } else { result }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Base;

    /// Zero twice, and not two small numbers whose product is denormal.
    #[test]
    fn what_is_too_small_is_zero_on_the_way() {
        for x in [-746.1, -1000.0, -1e300, f64::NEG_INFINITY] {
            let (shifted, r) = reduce(Base, bounded(x, -746.0, -1418.0, 711.0));
            assert_eq!(scales(shifted), (0.0, 0.0), "{x}");
            assert!(r.abs() < 0.4, "{x}: {r}");
        }
    }
}
