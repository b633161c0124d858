//! What functions of an `f32` take from an `f64`'s arithmetic.
//!
//! In: an `f64` that is made of `f32`s, so that it is neither denormal nor near the end of its range. Out: a quotient or a root to
//! some 40 bits, a cube root to 28. Always: no division and no root of the machine's, which take as long as a whole
//! function. A difference of bits is within 7% of the power; a parabola in what it misses leaves `2^-15`, and one more step the rest.
//! Next: [`super::inverse`], [`super::hyperbolic`].

use crate::isa::Isa;
use crate::math::double::inverse_cube_root;

/// `num / den`, for a positive `den`.
#[inline(always)]
pub(super) fn quotient<M: Isa>(m: M, num: f64, den: f64) -> f64 {
    let y = f64::from_bits(0x7fde_6200_0000_0000u64.wrapping_sub(den.to_bits()));
    let y = y * poly!(m, den * y; 3.00383844149104, -3.0057574865935224, 1.0019190455494305);
    let q = num * y;
    let missing = m.fma(-den, y, 1.0);
    m.fma(q * missing, 1.0 + missing, q)
}

/// `√x`, for a positive `x`.
#[inline(always)]
pub(super) fn root<M: Isa>(m: M, x: f64) -> f64 {
    let y = f64::from_bits(0x5fe6_e900_0000_0000u64.wrapping_sub(x.to_bits() >> 1));
    let y = y * poly!(m, x * (y * y); 1.8773212712433704, -1.2535513481868004, 0.3762294416885806);
    let s = x * y;
    let missing = m.fma(-s, y, 1.0);
    m.fma(s * missing, m.fma(missing, 0.375, 0.5), s)
}

/// The cube root, for a positive `x`.
#[inline(always)]
pub(super) fn cube_root<M: Isa>(m: M, x: f64) -> f64 {
    let y = inverse_cube_root(m, x);
    let t = x * y * y;
    m.fma(t * (2.0 / 3.0), m.fma(-t, y, 1.0), t)
}
