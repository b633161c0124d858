//! Powers of an `f32`.
//!
//! In: `x`, `y`. Out: `2^(y * log2 |x|)` with the sign that `y` gives it. Always: the logarithm, its product and the
//! exponential are an `f64`'s, of which 36 and 29 bits count; there any `f32` is a normal number, and so is any result, which is
//! rounded once. Next: [`mod@crate::math::double`].

use crate::isa::Isa;

/// `log2(a)` for a positive number that is not denormal; of any other something finite.
#[inline(always)]
pub(super) fn log2<M: Isa>(m: M, a: f64) -> f64 {
    const ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;
    // The mantissa from √½ to √2, and the exponent, which as the last bits of a large number is a float without a conversion.
    const LARGE: u64 = 0x4330_0000_0000_0000;
    let bits = a.to_bits().wrapping_add(ONE - ROOT);
    let f = f64::from_bits((bits & MANTISSA) + ROOT) - 1.0;
    let e = f64::from_bits(bits >> 52 | LARGE) - (4503599627370496.0 + 1023.0);
    #[rustfmt::skip]
    let p = pairs!(m, f;
        1.442695040868707, -0.7213475208688364, 0.48089836139505915, -0.36067367482059701, 0.28853729348795765,
        -0.24045316583640256, 0.2061753590679882, -0.1803005969137827, 0.15876980624995134, -0.14315650778962608,
        0.1447484491424208, -0.14283910851995866, 0.07737014463276723,
    );
    m.fma(f, p, e)
}

/// `2^x` for what an `f32` can hold, beyond it what rounds to 0 or infinity; NaN of NaN.
#[inline(always)]
fn exp2<M: Isa>(m: M, x: f64) -> f32 {
    // Where the low bits are an exponent.
    const SHIFT: f64 = 6755399441055744.0 + 1023.0;
    let x = if x < -160.0 { -160.0 } else { x };
    let x = if x > 130.0 { 130.0 } else { x };
    let shifted = x + SHIFT;
    let r = x - (shifted - SHIFT);
    #[rustfmt::skip]
    let p = pairs!(m, r;
        1.0000000005542222, 0.6931472057371089, 0.24022646890405355, 0.05550328777509786, 0.009618488985280236,
        0.0013399931049639334, 0.00015345804192248,
    );
    (p * f64::from_bits(shifted.to_bits() << 52)) as f32
}

/// C's `pow`.
#[inline(always)]
pub(crate) fn power<M: Isa>(m: M, x: f32, y: f32) -> f32 {
    let a = x.abs();
    // Larger exponents overflow, vanish or leave 1 as these do; and they have a product with 0.
    let exponent = if y < -1e30 { -1e30 } else { y };
    let exponent = if exponent > 1e30 { 1e30 } else { exponent };
    let size = exp2(m, f64::from(exponent) * log2(m, f64::from(a)));
    // Of 0 and of infinity.
    let edge = if (a == 0.0) == (y < 0.0) { f32::INFINITY } else { 0.0 };
    let size = if a > 0.0 && a < f32::INFINITY { size } else { edge };
    // What is beyond an even number is 0 or 1 for whole numbers, else something between.
    let beyond = m.fma(super::round(m, 0.5 * exponent), -2.0, exponent).abs();
    let signed = if beyond == 1.0 { size.copysign(x) } else { size };
    let whole = beyond == 0.0 || beyond == 1.0;
    let result = if x < 0.0 && a < f32::INFINITY && !whole { f32::NAN } else { signed };
    let result = if x.is_nan() || y.is_nan() { x + y } else { result };
    if y == 0.0 || x == 1.0 { 1.0 } else { result }
}
