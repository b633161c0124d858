//! Powers and the cube root of an `f64`.
//!
//! In: `x`, `y`. Out: `2^(y * log2 |x|)` with the sign that `y` gives it. Always: the logarithm is a sum of two, good to
//! some 66 bits, for its error is multiplied by up to 1024. Next: [`mod@super::log`].

use crate::isa::Isa;

use super::exp::exp2_sum;
use super::log::parts;
use super::{two_product, two_sum};

/// `log2(x)` as a sum of two, for a positive number.
#[inline(always)]
fn log2_sum<M: Isa>(m: M, x: f64) -> (f64, f64) {
    let (e, f) = parts(x);
    // s = f / (2 + f), and what it lost.
    let d = 2.0 + f;
    let d_lost = f - (d - 2.0);
    let s = f / d;
    let (sd, sd_lost) = two_product(m, s, d);
    let s_lost = (((f - sd) - sd_lost) - s * d_lost) / d;
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
    let regular = a > 0.0 && a < f64::INFINITY;
    let (log, log_lost) = log2_sum(m, if regular { a } else { 1.0 });
    // Larger exponents overflow, vanish or leave 1 as this one does; and the product must not overflow in its parts.
    let bound = 1e22;
    let exponent = if y > bound {
        bound
    } else if y < -bound {
        -bound
    } else {
        y
    };
    let (high, low) = two_product(m, exponent, log);
    let low = m.fma(exponent, log_lost, low);
    let size = exp2_sum(m, high, if high.abs() < 1100.0 { low } else { 0.0 });
    // Of 0 and of infinity.
    let down = (a == 0.0) == (y < 0.0);
    let size = if regular {
        size
    } else if down {
        f64::INFINITY
    } else {
        0.0
    };
    let whole = super::trunc(m, y) == y;
    let half = 0.5 * y;
    let odd = whole && super::trunc(m, half) != half;
    let signed = if odd { size.copysign(x) } else { size };
    let result = if x < 0.0 && a < f64::INFINITY && !whole { f64::NAN } else { signed };
    let result = if x.is_nan() || y.is_nan() { x + y } else { result };
    let flat = y.abs() == f64::INFINITY && a == 1.0;
    if y == 0.0 || x == 1.0 || flat { 1.0 } else { result }
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
    // A third of the exponent, and of the mantissa's start, as bits.
    let third = (scaled.to_bits() >> 32) as u32 / 3 + 715_094_163;
    let t = f64::from_bits(u64::from(third) << 32);
    // Each step leaves about the cube of the error: 4%, 1e-5, 1e-15; the last one is nearly exact.
    let step = |t: f64| {
        let cube = t * t * t;
        t - t * ((cube - scaled) / (2.0 * cube + scaled))
    };
    let t = step(step(t));
    let (square, lost) = two_product(m, t, t);
    let (cube, more) = two_product(m, square, t);
    let rest = (cube - scaled) + m.fma(lost, t, more);
    let t = (t - rest / (3.0 * square)) * back;
    if a > 0.0 && a < f64::INFINITY { t.copysign(x) } else { x }
}
