//! The sine, cosine and tangent of an `f32`.
//!
//! In: `x`. Out: the series of `x`'s distance `r` from the nearest half turn, for the tangent from the nearest quarter.
//! Always: the number of turns, `x / 2π`, is computed in `f64`. With fused multiplication it is two products, with the bits
//! of `1 / π` that count for numbers of that size; without, products with parts of 29 bits, which a mantissa of 24 leaves
//! exact, and whole turns are dropped from each. So any finite `x`, however large, is reduced exactly, in the same few
//! instructions. Next: [`crate::math::double`].

use crate::isa::Isa;
use crate::math::double;

/// `1 / 2π`: parts of 29 bits, and the rest.
const PARTS: [f64; 5] =
    [0.15915494225919247, 8.327028684640414e-10, 5.69002511952534e-19, 6.317065083361892e-27, 5.595982707708916e-36];
const REST: f64 = 6.551007954373285e-45;

/// Where integers are the low bits.
const SHIFT: f64 = 6755399441055744.0;

/// `|x|` in half turns if `unit` is 1, in quarter turns if it is 2, and `ahead` more: the nearest integer, whose last bits
/// it has modulo a whole turn, and the angle from there.
#[inline(always)]
fn reduce<M: Isa>(m: M, x: f32, unit: f64, ahead: f64) -> (u32, f32) {
    let (shifted, rest) = if M::FMA {
        by_products(m, x.abs(), unit, ahead)
    } else {
        let turns = 2.0 * unit * fraction(m, f64::from(x.abs())) + ahead;
        let shifted = turns + SHIFT;
        (shifted, turns - (shifted - SHIFT))
    };
    (shifted.to_bits() as u32, (rest * (std::f64::consts::PI / unit)) as f32)
}

/// The turns of `a`, but for whole ones.
#[inline(always)]
fn fraction<M: Isa>(m: M, a: f64) -> f64 {
    let fraction = |part: f64| {
        let turns = a * part;
        turns - double::round(m, turns)
    };
    let [p, q, r, s, t] = PARTS.map(fraction);
    p + (q + (r + (s + m.fma(a, REST, t))))
}

/// The integer in the low bits, and what is missing, by products that are exact until they are added to.
#[inline(always)]
fn by_products<M: Isa>(m: M, a: f32, unit: f64, ahead: f64) -> (f64, f64) {
    // `1 / π` in two parts of 53 bits, but for what makes whole turns of any `a` that large. In quarter turns the first
    // product is below 2^51; the second is below 0.05, which the series allow for; what is left out is below 2^-58, and
    // no `a` is nearer to a quarter turn than 2^-30.
    let (high, low) = if a < 1125899906842624.0 {
        (std::f64::consts::FRAC_1_PI, -1.9678676675182486e-17)
    } else if a < 1.5111572745182865e23 {
        (-2.0598845603958264e-9, 1.4188110088932633e-25)
    } else if a < 5.070602400912918e30 {
        (3.583247455607534e-17, -1.0721436282893004e-33)
    } else {
        (-2.7170920538718753e-25, 1.9429493537593412e-41)
    };
    let a = f64::from(a) * unit;
    let (shifted, less) = if ahead == 0.0 {
        let shifted = m.fma(a, high, SHIFT);
        (shifted, SHIFT - shifted)
    } else {
        let shifted = m.fma(a, high, ahead) + SHIFT;
        (shifted, (SHIFT - shifted) + ahead)
    };
    (shifted, m.fma(a, low, m.fma(a, high, less)))
}

/// The sine, of up to 1.75: a quarter turn and what a large number's nearest half turn is chosen amiss.
#[inline(always)]
fn sin_far<M: Isa>(m: M, r: f32) -> f32 {
    let z = r * r;
    let p = poly!(m, z; -1.666666716e-01, 8.333345875e-03, -1.984214759e-04, 2.756905133e-06, -2.439612246e-08);
    m.fma(r * z, p, r)
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

#[inline(always)]
pub(crate) fn sin<M: Isa>(m: M, x: f32) -> f32 {
    let (n, r) = reduce(m, x, 1.0, 0.0);
    f32::from_bits(sin_far(m, r).to_bits() ^ n << 31 ^ (x.to_bits() & 0x8000_0000))
}

/// The sine of a quarter turn more.
#[inline(always)]
pub(crate) fn cos<M: Isa>(m: M, x: f32) -> f32 {
    let (n, r) = reduce(m, x, 1.0, 0.5);
    f32::from_bits(sin_far(m, r).to_bits() ^ n << 31)
}

#[inline(always)]
pub(crate) fn tan<M: Isa>(m: M, x: f32) -> f32 {
    let (n, r) = reduce(m, x, 2.0, 0.0);
    let (s, c) = (sin_near(m, r), cos_near(m, r));
    let even = n & 1 == 0;
    let y = if even { s } else { -c } / if even { c } else { s };
    f32::from_bits(y.to_bits() ^ (x.to_bits() & 0x8000_0000))
}
