//! The sine, cosine and tangent of an `f32`.
//!
//! In: `x`. Out: the series of `x`'s distance `r` from the nearest quarter turn. Always: the number of turns, `x / 2π`,
//! is computed in `f64`. With fused multiplication it is two products, with the bits of `2 / π` that count for numbers of
//! that size; without, products with parts of 29 bits, which a mantissa of 24 leaves exact, and whole turns are dropped from
//! each. So any finite `x`, however large, is reduced exactly, in the same few instructions.
//! Next: [`crate::math::double`].

use crate::isa::Isa;
use crate::math::double;

/// `1 / 2π`: parts of 29 bits, and the rest.
const PARTS: [f64; 5] =
    [0.15915494225919247, 8.327028684640414e-10, 5.69002511952534e-19, 6.317065083361892e-27, 5.595982707708916e-36];
const REST: f64 = 6.551007954373285e-45;

/// Where integers are the low bits.
const SHIFT: f64 = 6755399441055744.0;

/// The quarter turn, modulo 4 in the low bits, and the angle from there, for `|x|`.
#[inline(always)]
fn reduce<M: Isa>(m: M, x: f32) -> (u32, f32) {
    let (shifted, rest) = if M::FMA { by_products(m, x.abs()) } else { by_parts(m, x.abs()) };
    (shifted.to_bits() as u32, (rest * std::f64::consts::FRAC_PI_2) as f32)
}

/// The nearest quarter turn in the low bits, and what of one is missing.
#[inline(always)]
fn by_parts<M: Isa>(m: M, a: f32) -> (f64, f64) {
    let a = f64::from(a);
    let fraction = |part: f64| {
        let turns = a * part;
        turns - double::round(m, turns)
    };
    let [p, q, r, s, t] = PARTS.map(fraction);
    let turns = 4.0 * (p + (q + (r + (s + m.fma(a, REST, t)))));
    let shifted = turns + SHIFT;
    (shifted, turns - (shifted - SHIFT))
}

/// The same by products that are exact until they are added to.
#[inline(always)]
fn by_products<M: Isa>(m: M, a: f32) -> (f64, f64) {
    // `2 / π` in two parts of 53 bits, but for what makes whole turns of any `a` that large. The first product is below
    // 2^51; the second is below 0.05, which the series allow for; what is left out is below 2^-58, and no `a` is nearer to
    // a quarter turn than 2^-30.
    let (high, low) = if a < 1125899906842624.0 {
        (std::f64::consts::FRAC_2_PI, -3.935735335036497e-17)
    } else if a < 1.5111572745182865e23 {
        (-4.119769120791653e-9, 2.8376220177865265e-25)
    } else if a < 5.070602400912918e30 {
        (7.166494911215068e-17, -2.1442872565786008e-33)
    } else {
        (-5.434184107743751e-25, 3.8858987075186823e-41)
    };
    let a = f64::from(a);
    let shifted = m.fma(a, high, SHIFT);
    (shifted, m.fma(a, low, m.fma(a, high, SHIFT - shifted)))
}

#[inline(always)]
fn sin_near<M: Isa>(m: M, r: f32) -> f32 {
    let z = r * r;
    let p = poly!(m, z; -1.666665524e-01, 8.332187310e-03, -1.951789745e-04);
    m.fma(r * z, p, r)
}

#[inline(always)]
fn cos_near<M: Isa>(m: M, r: f32) -> f32 {
    let z = r * r;
    let p = poly!(m, z; -0.5, 4.166664556e-02, -1.388730947e-03, 2.443232734e-05);
    m.fma(z, p, 1.0)
}

/// The sign bit from bit 1.
#[inline(always)]
fn sign(n: u32) -> u32 {
    (n & 2) << 30
}

#[inline(always)]
pub(crate) fn sin<M: Isa>(m: M, x: f32) -> f32 {
    let (n, r) = reduce(m, x);
    let y = if n & 1 == 0 { sin_near(m, r) } else { cos_near(m, r) };
    f32::from_bits(y.to_bits() ^ sign(n) ^ (x.to_bits() & 0x8000_0000))
}

#[inline(always)]
pub(crate) fn cos<M: Isa>(m: M, x: f32) -> f32 {
    let (n, r) = reduce(m, x);
    let y = if n & 1 == 0 { cos_near(m, r) } else { sin_near(m, r) };
    f32::from_bits(y.to_bits() ^ sign(n.wrapping_add(1)))
}

#[inline(always)]
pub(crate) fn tan<M: Isa>(m: M, x: f32) -> f32 {
    let (n, r) = reduce(m, x);
    let (s, c) = (sin_near(m, r), cos_near(m, r));
    let even = n & 1 == 0;
    let y = if even { s } else { -c } / if even { c } else { s };
    f32::from_bits(y.to_bits() ^ (x.to_bits() & 0x8000_0000))
}
