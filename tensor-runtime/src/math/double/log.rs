//! Logarithms of an `f64`.
//!
//! In: `x = 2^e * (1 + f)` with `1 + f` in `√½..√2`. Out: `e * ln 2 + ln(1 + f)`, where `ln(1 + f)` is the odd series of
//! `s = f / (2 + f)`. Next: [`mod@super::power`].

use crate::isa::Isa;

pub(super) const LN2_HIGH: f64 = 0.6931471803691238;
pub(super) const LN2_LOW: f64 = 1.9082149288430703e-10;

/// `e` and `f`. What is not a positive number gives something.
#[inline(always)]
pub(super) fn parts(x: f64) -> (f64, f64) {
    const ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    let tiny = x < f64::MIN_POSITIVE;
    let scaled = if tiny { x * 18014398509481984.0 } else { x };
    let bits = scaled.to_bits().wrapping_sub(ROOT);
    let e = f64::from((bits >> 32) as i32 >> 20);
    let one_f = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) + ROOT);
    (if tiny { e - 54.0 } else { e }, one_f - 1.0)
}

/// `f²/2` and what with it makes `ln(1 + f) = f - (f²/2 - rest)`.
#[inline(always)]
fn series<M: Isa>(m: M, f: f64) -> (f64, f64) {
    let s = f / (2.0 + f);
    let z = s * s;
    #[rustfmt::skip]
    let p = poly!(m, z;
        0.6666666666666734, 0.39999999999416797, 0.28571428741982346, 0.22222198609832544, 0.18183562627972505,
        0.153140895055442, 0.14795599564098522,
    );
    let half = 0.5 * f * f;
    (half, s * (half + z * p))
}

/// `y` for a positive number `x`, else what any logarithm answers.
#[inline(always)]
pub(super) fn proper(x: f64, y: f64) -> f64 {
    let y = if x < f64::INFINITY { y } else { x };
    let below = if x == 0.0 { f64::NEG_INFINITY } else { f64::NAN };
    if x > 0.0 { y } else { below }
}

#[inline(always)]
pub(crate) fn log<M: Isa>(m: M, x: f64) -> f64 {
    let (e, f) = parts(x);
    let (half, rest) = series(m, f);
    proper(x, m.fma(e, LN2_HIGH, f - (half - m.fma(e, LN2_LOW, rest))))
}

#[inline(always)]
pub(crate) fn log1p<M: Isa>(m: M, x: f64) -> f64 {
    let u = 1.0 + x;
    // What the sum lost.
    let lost = if x >= 1.0 { 1.0 - (u - x) } else { x - (u - 1.0) } / u;
    let (e, f) = parts(u);
    let (half, rest) = series(m, f);
    let y = proper(u, m.fma(e, LN2_HIGH, f - (half - (m.fma(e, LN2_LOW, lost) + rest))));
    if x.abs() < 1e-8 { x * (1.0 - 0.5 * x) } else { y }
}

/// `e * unit + ln(1 + f) * scale`, each constant in two parts, the first short enough that its product is exact.
#[inline(always)]
fn to_base<M: Isa>(m: M, x: f64, unit: (f64, f64), scale: (f64, f64)) -> f64 {
    let (e, f) = parts(x);
    let (half, rest) = series(m, f);
    let high = f64::from_bits((f - half).to_bits() & 0xffff_ffff_0000_0000);
    let low = ((f - high) - half) + rest;
    let product = high * scale.0;
    let start = e * unit.0;
    let sum = start + product;
    let lost = (start - sum) + product;
    let small = m.fma(e, unit.1, m.fma(low + high, scale.1, low * scale.0));
    proper(x, sum + (lost + small))
}

#[inline(always)]
pub(crate) fn log2<M: Isa>(m: M, x: f64) -> f64 {
    to_base(m, x, (1.0, 0.0), (1.442_695_040_721_446_3, 1.675_171_316_488_651_2e-10))
}

#[inline(always)]
pub(crate) fn log10<M: Isa>(m: M, x: f64) -> f64 {
    let unit = (3.010_299_956_636_117_7e-1, 3.694_239_077_158_930_8e-13);
    to_base(m, x, unit, (4.342_944_818_781_689e-1, 2.508_294_671_164_527_5e-11))
}
