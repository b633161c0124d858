//! Special functions in `f64` for the oracle, by series and continued
//! fractions: slow and plain, accurate to a few units in the last place.

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
}
