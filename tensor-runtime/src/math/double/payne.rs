//! The remainder by `π/2` of a large `f64`.
//!
//! In: `x = mantissa * 2^e`. Out: as [`super::trig`]'s reduction. Always: only the bits of `2/π` that matter are
//! multiplied: those above make multiples of 4, those below less than the result's last bit.

/// The bits of `2/π` after the binary point.
const TWO_OVER_PI: [u64; 20] = [
    0xa2f9836e4e441529,
    0xfc2757d1f534ddc0,
    0xdb6295993c439041,
    0xfe5163abdebbc561,
    0xb7246e3a424dd2e0,
    0x06492eea09d1921c,
    0xfe1deb1cb129a73e,
    0xe88235f52ebb4484,
    0xe99c7026b45f7e41,
    0x3991d639835339f4,
    0x9c845f8bbdf9283b,
    0x1ff897ffde05980f,
    0xef2f118b5a0a6d1f,
    0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d,
    0x7527bac7ebe5f17b,
    0x3d0739f78a5292ea,
    0x6bfb5fb11f8d5d08,
    0x56033046fc7b6bab,
    0xf0cfbc209af4361d,
];

/// The quotient modulo 4, and the remainder as a sum of two; NaN for what is not finite.
#[cold]
#[inline(never)]
pub(super) fn reduce(x: f64) -> (u64, f64, f64) {
    if !x.is_finite() {
        return (0, f64::NAN, f64::NAN);
    }
    let bits = x.to_bits();
    let mantissa = (bits & 0x000f_ffff_ffff_ffff) | 1 << 52;
    // |x| is at least 2^19, so this is at least -33.
    let e = (bits >> 52 & 0x7ff) as i64 - 1075;
    // The fixed-point number `2^e * 2/π` modulo 4: two bits before the point, 190 after it.
    let word = |first: i64| {
        let (index, shift) = (first.div_euclid(64), first.rem_euclid(64) as u32);
        let at = |i: i64| usize::try_from(i).ok().and_then(|i| TWO_OVER_PI.get(i)).copied().unwrap_or(0);
        (((u128::from(at(index)) << 64 | u128::from(at(index + 1))) << shift) >> 64) as u64
    };
    // Bit `e - 2` after the point of `2/π` comes first.
    let window = [word(e - 2), word(e + 62), word(e + 126)];
    // Times the mantissa, modulo 4.
    let product = |w: u64| u128::from(w) * u128::from(mantissa);
    let low = product(window[2]);
    let middle = product(window[1]) + (low >> 64);
    let high = product(window[0]).wrapping_add(middle >> 64) as u64;
    let fixed = u128::from(high) << 64 | u128::from(middle as u64);
    // To the nearest quarter, with the rest signed.
    let quotient = (fixed.wrapping_add(1 << 125) >> 126) as u64;
    let rest = (fixed << 2) as i128;
    let negative = (rest < 0) != (bits >> 63 == 1);
    let size = rest.unsigned_abs();
    // The rest, in units of 2^-128, is of quarter turns: its upper 53 bits and the next ones.
    let zeros = size.leading_zeros();
    let shifted = if zeros == 128 { 0 } else { size << zeros };
    let upper = (shifted >> 75) as f64 * pow2(75 - 128 - zeros as i32);
    let lower = ((shifted << 53) >> 75) as f64 * pow2(22 - 128 - zeros as i32);
    let half_pi = std::f64::consts::FRAC_PI_2;
    // No fused multiplication here: the same on every instruction set.
    let (product, lost) = exact_product(upper, half_pi);
    let small = lost + (upper * 6.123_233_995_736_766e-17 + lower * half_pi);
    let r = product + small;
    let low = small - (r - product);
    let sign = if negative { -1.0 } else { 1.0 };
    let quotient = if bits >> 63 == 1 { quotient.wrapping_neg() } else { quotient };
    (quotient, sign * r, sign * low)
}

fn pow2(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

fn exact_product(a: f64, b: f64) -> (f64, f64) {
    let high = a * b;
    (high, a.mul_add(b, -high))
}
