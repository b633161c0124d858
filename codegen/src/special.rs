//! What the oracle computes by itself: special functions in `f64`, by series and
//! continued fractions, slow and plain, accurate to a few units in the last
//! place; and random bits.

use std::f64::consts::FRAC_2_SQRT_PI as TWO_OVER_SQRT_PI;

/// The error function: Abramowitz and Stegun 7.1.6 below 2, else by `erfc`.
pub fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() >= 2.0 {
        return (1.0 - erfc(x.abs())).copysign(x);
    }
    let square = x * x;
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * square / (2.0 * f64::from(n) + 1.0);
        sum += term;
        if term.abs() <= sum.abs() * 1e-18 {
            break;
        }
    }
    TWO_OVER_SQRT_PI * exp_of_square(x) * sum
}

/// One minus `erf`: the continued fraction 7.1.14 of Abramowitz and Stegun
/// from 0.5 upwards.
pub fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x < 0.5 {
        return 1.0 - erf(x);
    }
    let mut tail = x;
    for n in (1..=if x < 2.0 { 1000 } else { 120 }).rev() {
        tail = x + f64::from(n) / 2.0 / tail;
    }
    exp_of_square(x) / (tail * std::f64::consts::PI.sqrt())
}

/// `exp(-x * x)`, with what the square loses to rounding.
fn exp_of_square(x: f64) -> f64 {
    let square = x * x;
    let lost = x.mul_add(x, -square);
    if lost.is_finite() { (-square).exp() * (1.0 - lost) } else { (-square).exp() }
}

/// The first half of the block of Philox4x32-10 that this key and counter give.
pub fn philox(key: u64, low: u64, high: u64) -> u64 {
    let [a, b, ..] = philox_block(halves(key), [halves(low), halves(high)].concat().try_into().expect("four words"));
    u64::from(a) | u64::from(b) << 32
}

fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

/// Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11.
fn philox_block(mut key: [u32; 2], mut c: [u32; 4]) -> [u32; 4] {
    for _ in 0..10 {
        let (p, q) = (u64::from(c[0]) * 0xd251_1f53, u64::from(c[2]) * 0xcd9e_8d57);
        c = [(q >> 32) as u32 ^ c[1] ^ key[0], q as u32, (p >> 32) as u32 ^ c[3] ^ key[1], p as u32];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // NIST Digital Library of Mathematical Functions, table 7.
        for (x, want) in
            [(0.5, 0.520_499_877_813_046_5), (1.0, 0.842_700_792_949_714_9), (2.0, 0.995_322_265_018_952_7)]
        {
            assert!((erf(x) - want).abs() < 4e-16, "{x}");
            assert!((erf(-x) + want).abs() < 4e-16, "{x}");
        }
        assert!((erfc(5.0) / 1.537_459_794_428_034_8e-12 - 1.0).abs() < 1e-13);
        assert_eq!(erf(f64::INFINITY), 1.0);
        assert_eq!(erfc(f64::INFINITY), 0.0);
    }

    /// The vectors that Random123 publishes.
    #[test]
    fn philox_has_the_known_answers() {
        let ones = u32::MAX;
        let pi = ([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]);
        for (key, counter, want) in [
            ([0, 0], [0; 4], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([ones; 2], [ones; 4], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (pi.0, pi.1, [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]),
        ] {
            assert_eq!(philox_block(key, counter), want);
        }
        assert_eq!(philox(0, 0, 0), 0xe169_c58d_6627_e8d5);
    }
}
