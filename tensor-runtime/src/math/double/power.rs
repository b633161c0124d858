//! Powers and the cube root of an `f64`.
//!
//! In: `x`, `y`. Out: `2^(y * log2 |x|)` with the sign that `y` gives it. Always: the logarithm is a sum of two, good to
//! some 66 bits, for its error is multiplied by up to 1024. Next: [`mod@super::log`].

use crate::isa::Isa;

use super::exp::exp2_sum;
use super::log::parts;
use super::{two_product, two_sum};

/// `log2(x)` as a sum of two, for a positive number; of any other something finite.
#[inline(always)]
fn log2_sum<M: Isa>(m: M, x: f64) -> (f64, f64) {
    let (e, f) = parts(x);
    // s = f / (2 + f), and what it lost; one division for both.
    let d = 2.0 + f;
    let d_lost = f - (d - 2.0);
    let part = 1.0 / d;
    let s = f * part;
    let (sd, sd_lost) = two_product(m, s, d);
    let s_lost = (((f - sd) - sd_lost) - s * d_lost) * part;
    let (z, z_lost) = two_product(m, s, s);
    let z_lost = m.fma(2.0 * s, s_lost, z_lost);
    #[rustfmt::skip]
    let p = poly!(m, z;
        0.40000000000002256, 0.2857142857009849, 0.2222222252011996, 0.1818178434955031, 0.15386758157018718,
        0.13256798126180722, 0.13196514460937675,
    );
    // ln(1 + f) = 2s + s * (2/3 z + z² p), the inner sum in two parts.
    const TWO_THIRDS: f64 = 0.6666666666666666;
    let (third, third_lost) = two_product(m, z, TWO_THIRDS);
    let third_lost = m.fma(z, 3.700743415417188e-17, m.fma(z_lost, TWO_THIRDS, third_lost));
    let (inner, inner_lost) = two_sum(third, z * z * p);
    let inner_lost = inner_lost + third_lost;
    let (outer, outer_lost) = two_product(m, s, inner);
    let outer_lost = m.fma(s, inner_lost, m.fma(s_lost, inner, outer_lost));
    let (ln, ln_lost) = two_sum(2.0 * s, outer);
    let ln_lost = ln_lost + (2.0 * s_lost + outer_lost);
    // To base 2.
    let (log, log_lost) = two_product(m, ln, std::f64::consts::LOG2_E);
    let log_lost = log_lost + m.fma(ln_lost, std::f64::consts::LOG2_E, ln * 2.0355273740931033e-17);
    let (sum, sum_lost) = two_sum(e, log);
    two_sum(sum, sum_lost + log_lost)
}

/// C's `pow`.
#[inline(always)]
pub(crate) fn power<M: Isa>(m: M, x: f64, y: f64) -> f64 {
    let a = x.abs();
    let (log, log_lost) = log2_sum(m, a);
    // An infinite one has the powers of 0 and of infinity, and NaN its own; only what makes them 1 is left.
    let log = if a < f64::INFINITY { log } else { a };
    let log = if a == 0.0 { f64::NEG_INFINITY } else { log };
    // Larger exponents overflow, vanish or leave 1 as these do; and the product must not overflow in its parts.
    let exponent = if y < -1e22 { -1e22 } else { y };
    let exponent = if exponent > 1e22 { 1e22 } else { exponent };
    let (high, low) = two_product(m, exponent, log);
    let low = m.fma(exponent, log_lost, low);
    let size = exp2_sum(m, high, if high.abs() < 1100.0 { low } else { 0.0 });
    // What is beyond an even number is 0 or 1 for whole numbers, else something between.
    let beyond = m.fma(super::round(m, 0.5 * exponent), -2.0, exponent).abs();
    let signed = if beyond == 1.0 { size.copysign(x) } else { size };
    let whole = beyond == 0.0 || beyond == 1.0;
    let result = if x < 0.0 && a < f64::INFINITY && !whole { f64::NAN } else { signed };
    if y == 0.0 || x == 1.0 { 1.0 } else { result }
}

/// `1 / ∛x` to 15 bits, for a positive `x` that is neither denormal nor near the end of the range.
#[inline(always)]
pub(crate) fn inverse_cube_root<M: Isa>(m: M, x: f64) -> f64 {
    // A third of the upper half of the bits, from where it is nearest; then a parabola in what that misses.
    let y = f64::from_bits(0x553c_7000_0000_0000u64.wrapping_sub((x.to_bits() >> 32) * 0x5555_5555));
    y * poly!(m, x * y * (y * y); 1.7316877938213522, -1.1930783120767086, 0.46886537904476594)
}

#[inline(always)]
pub(crate) fn cbrt<M: Isa>(m: M, x: f64) -> f64 {
    let a = x.abs();
    // By powers of 2^3 to where no product below overflows or vanishes.
    let (small, large) = (a < 1e-150, a > 1e150);
    let (scale, back) = match (small, large) {
        (true, _) => (4.149515568880993e180, 6.223015277861142e-61),
        (_, true) => (2.409919865102884e-181, 1.6069380442589903e60),
        (false, false) => (1.0, 1.0),
    };
    let scaled = a * scale;
    let y = inverse_cube_root(m, scaled);
    let missing = m.fma(-scaled * (y * y), y, 1.0);
    let y = m.fma(y * missing, m.fma(missing, 2.0 / 9.0, 1.0 / 3.0), y);
    let t = scaled * y * y;
    // The last step takes what its cube misses in full.
    let (square, lost) = two_product(m, t, t);
    let (cube, more) = two_product(m, square, t);
    let rest = (cube - scaled) + m.fma(lost, t, more);
    let t = m.fma(rest * (y * y), -1.0 / 3.0, t) * back;
    if a > 0.0 && a < f64::INFINITY { t.copysign(x) } else { x }
}
