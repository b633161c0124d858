//! Errors of the element functions: of `f32` against `f64`, of `f64` against a table of exact values.
//!
//! A sweep over all `f32` values is the example `ulps`. Sets with and without fused multiplication give other errors;
//! both are tested, wherever the tests run.

use super::table::{POWERS, TABLE};
use crate::isa::{Base, Isa};

/// A set with fused multiplication; in a test it is computed in software where the machine lacks it.
#[cfg(target_arch = "x86_64")]
use crate::isa::Avx512 as Fused;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
use crate::isa::Base as Fused;
#[cfg(target_arch = "aarch64")]
use crate::isa::Neon as Fused;

/// The distance of `found` from `wanted`, in units in the last place; 0 for the nearest `f32`.
fn ulps32(found: f32, wanted: f64) -> f64 {
    let nearest = wanted as f32;
    let same = found == nearest && found.is_sign_negative() == nearest.is_sign_negative();
    if same || (found.is_nan() && nearest.is_nan()) {
        return 0.0;
    }
    if !found.is_finite() || !nearest.is_finite() || found == 0.0 && nearest == 0.0 {
        return f64::INFINITY;
    }
    let exponent = nearest.abs().max(f32::MIN_POSITIVE).to_bits() & 0x7f80_0000;
    (f64::from(found) - wanted).abs() / (f64::from(f32::from_bits(exponent)) / 8_388_608.0)
}

/// As [`ulps32`], of a value in two parts.
fn ulps64(found: f64, high: f64, low: f64) -> f64 {
    let exponent = high.abs().max(f64::MIN_POSITIVE).to_bits() & 0x7ff0_0000_0000_0000;
    ((found - high) - low).abs() / f64::from_bits(exponent) * 4_503_599_627_370_496.0
}

/// The error allowed of `f32`, and of `f64`, and the function from the standard library.
macro_rules! functions {
    ($m:ident; $check:ident: $($name:ident $bar32:literal $bar64:literal $std:expr;)*) => {
        $($check(stringify!($name), $bar32, $bar64, |x: f32| $m.$name(x), |x: f64| $m.$name(x), $std);)*
    };
}

macro_rules! each_function {
    ($m:ident, $check:ident) => {
        functions! { $m; $check:
            exp 1.2 1.0 f64::exp;
            exp2 1.3 1.5 f64::exp2;
            expm1 1.7 2.0 f64::exp_m1;
            log 1.2 1.0 f64::ln;
            log2 1.7 1.0 f64::log2;
            log10 1.7 1.0 f64::log10;
            log1p 1.7 2.0 f64::ln_1p;
            cbrt 0.6 1.0 f64::cbrt;
            sin 2.0 1.0 f64::sin;
            cos 2.0 1.0 f64::cos;
            tan 4.0 2.5 f64::tan;
            asin 0.6 3.0 f64::asin;
            acos 0.6 2.0 f64::acos;
            atan 0.6 2.0 f64::atan;
            sinh 0.6 3.0 f64::sinh;
            cosh 0.6 2.0 f64::cosh;
            tanh 2.0 2.0 f64::tanh;
            asinh 0.6 2.5 f64::asinh;
            acosh 0.6 2.5 f64::acosh;
            atanh 0.6 2.5 f64::atanh;
            sigmoid 2.5 2.0 |x: f64| {
                let e = (-x.abs()).exp();
                (if x >= 0.0 { 1.0 } else { e }) / (1.0 + e)
            };
            erf 1.5 1.5 |x| $m.erf(x);
            erfc 0.6 4.0 |x| $m.erfc(x);
            rsqrt 1.6 1.5 |x: f64| 1.0 / x.sqrt();
            sqrt 0.0 0.0 f64::sqrt;
            floor 0.0 0.0 f64::floor;
            ceil 0.0 0.0 f64::ceil;
            round 0.0 0.0 f64::round_ties_even;
            trunc 0.0 0.0 f64::trunc;
            sign 0.0 0.0 |x: f64| if x == 0.0 { 0.0 } else if x.is_nan() { x } else { x.signum() };
        }
    };
}

/// About a million values, of all exponents and both signs, and all that are special.
fn sample32() -> impl Iterator<Item = f32> {
    let edges = [
        0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        f32::INFINITY,
        f32::NAN,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        88.72284,
        88.7229,
        103.97208,
        104.0,
        128.0,
        149.0,
        150.0,
        127.99999,
        8_388_607.5,
        8_388_608.0,
        f32::from_bits(0x7fc0_01ff),
    ];
    let edges = edges.into_iter().flat_map(|x| [x, -x]);
    (0..=u32::MAX).step_by(4099).map(f32::from_bits).chain(edges)
}

fn check32(
    name: &str,
    bar: f64,
    _: f64,
    single: impl Fn(f32) -> f32,
    _: impl Fn(f64) -> f64,
    wanted: impl Fn(f64) -> f64,
) {
    let of = |x: f32| (ulps32(single(x), wanted(f64::from(x))), x);
    let (worst, at) = sample32().map(of).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    assert!(worst <= bar, "{name}({at:e}) is {:e}, {worst} units off", single(at));
}

#[test]
fn singles_without_fused_multiplication() {
    each_function!(Base, check32);
}

#[test]
fn singles_with_fused_multiplication() {
    each_function!(Fused, check32);
}

fn check64(name: &str, _: f64, bar: f64, _: impl Fn(f32) -> f32, double: impl Fn(f64) -> f64, _: impl Fn(f64) -> f64) {
    let Some((_, rows)) = TABLE.iter().find(|(row, _)| *row == name) else { return };
    assert!(rows.len() > 30);
    for &(x, high, low) in *rows {
        let error = ulps64(double(x), high, low);
        assert!(error <= bar, "{name}({x:e}) is {:e}, {error} units off {high:e}", double(x));
    }
}

/// Against the standard library, whose own error is below 1, on more values than the table has.
fn check64_std(
    name: &str,
    _: f64,
    bar: f64,
    _: impl Fn(f32) -> f32,
    double: impl Fn(f64) -> f64,
    wanted: impl Fn(f64) -> f64,
) {
    if matches!(name, "asinh" | "acosh" | "atanh") {
        // The library's own are not that good, and overflow.
        return;
    }
    let edges = [
        0.0,
        1.0,
        0.5,
        1.5,
        2.5,
        f64::INFINITY,
        f64::NAN,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        709.78,
        709.79,
        710.4,
        745.1,
    ];
    let edges = edges.into_iter().flat_map(|x| [x, -x]);
    let values = (0..20_000u64).map(|i| {
        let bits = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // Half of all exponents, half near 1.
        if i % 2 == 0 { f64::from_bits(bits) } else { (bits >> 11) as f64 / (1u64 << 50) as f64 - 4.0 }
    });
    for x in values.chain(edges) {
        let (found, wanted) = (double(x), wanted(x));
        if found.is_nan() && wanted.is_nan() || found == wanted {
            let sign = found.is_sign_negative() == wanted.is_sign_negative();
            assert!(sign || found.is_nan(), "{name}({x:e}) is {found:e}, not {wanted:e}");
            continue;
        }
        let error = ulps64(found, wanted, 0.0);
        assert!(error <= bar + 1.0, "{name}({x:e}) is {found:e}, not {wanted:e}");
    }
}

#[test]
fn doubles_without_fused_multiplication() {
    each_function!(Base, check64);
    each_function!(Base, check64_std);
}

#[test]
fn doubles_with_fused_multiplication() {
    each_function!(Fused, check64);
    each_function!(Fused, check64_std);
}

fn two_arguments<M: Isa>(m: M) {
    for &(x, y, high, low) in POWERS {
        let error = ulps64(m.power(x, y), high, low);
        assert!(error <= 1.5, "{x:e} ** {y:e}: {error} units off");
    }
    let values = [
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        3.0,
        4.0,
        7.0,
        1e-310,
        1e-200,
        1e30,
        1e200,
        9_007_199_254_740_993.0,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ];
    let both = |list: &[f64]| list.iter().flat_map(|&v| [v, -v]).collect::<Vec<_>>();
    for &x in &both(&values) {
        for &y in &both(&values) {
            for (name, bar, found, wanted) in [
                ("power", 2.0, m.power(x, y), x.powf(y)),
                ("atan2", 3.0, m.atan2(x, y), x.atan2(y)),
                ("remainder", 0.0, m.remainder(x, y), remainder(x, y)),
                ("floor_divide", 0.0, m.floor_divide(x, y), floor_divide(x, y)),
                ("maximum", 0.0, m.maximum(x, y), if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) }),
                ("minimum", 0.0, m.minimum(x, y), if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) }),
            ] {
                // Which of two equal zeros is the greater is nobody's business.
                let zeros = found == 0.0 && wanted == 0.0;
                let sign = found.is_sign_negative() == wanted.is_sign_negative() || (zeros && name.ends_with("imum"));
                let same = found.is_nan() && wanted.is_nan() || found == wanted && sign;
                let near = found.is_finite() && wanted.is_finite() && ulps64(found, wanted, 0.0) <= bar && !zeros;
                assert!(same || near, "{name}({x:e}, {y:e}) is {found:e}, not {wanted:e}");
            }
            let (x, y) = (x as f32, y as f32);
            let (found, wanted) = (m.power(x, y), f64::from(x).powf(f64::from(y)));
            assert!(ulps32(found, wanted) <= 0.6, "{x:e} ** {y:e} is {found:e}, not {wanted:e}");
            let (found, wanted) = (m.remainder(x, y), remainder(f64::from(x), f64::from(y)));
            assert!(ulps32(found, wanted) <= 0.6, "{x:e} % {y:e} is {found:e}, not {wanted:e}");
        }
    }
}

/// NumPy's `%`.
fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    match rest {
        _ if rest.is_nan() => rest,
        0.0 => 0f64.copysign(b),
        _ if (b < 0.0) != (rest < 0.0) => rest + b,
        _ => rest,
    }
}

/// NumPy's `//`.
fn floor_divide(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let rest = a % b;
    let mut whole = (a - rest) / b;
    if rest != 0.0 && (b < 0.0) != (rest < 0.0) {
        whole -= 1.0;
    }
    if whole == 0.0 {
        return 0f64.copysign(a / b);
    }
    let down = whole.floor();
    if whole - down > 0.5 { down + 1.0 } else { down }
}

#[test]
fn functions_of_two() {
    two_arguments(Base);
    two_arguments(Fused);
}

/// Powers from the least to the greatest number, of all kinds of bases, and with exponents that are whole or nearly.
fn powers<M: Isa>(m: M) {
    let hash = |i: u32| i.wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b);
    for i in 0..400_000u32 {
        let any = f32::from_bits(hash(i) % 0x7f80_0000);
        let near = 0.5 + (hash(i) >> 8) as f32 / 8_388_608.0;
        let x = if i % 3 == 0 { near } else { any };
        let log = (hash(i ^ 0x5555) >> 8) as f32 / 16_777_216.0 * 280.0 - 151.0;
        let y = match i % 5 {
            0 => (hash(i ^ 0x5555) % 81) as f32 * 0.5 - 20.0,
            1 => (log / x.log2()).round(),
            _ => log / x.log2(),
        };
        for x in [x, -x] {
            let (found, wanted) = (m.power(x, y), f64::from(x).powf(f64::from(y)));
            assert!(ulps32(found, wanted) <= 0.6, "{x:e} ** {y:e} is {found:e}, not {wanted:e}");
        }
    }
    let edges =
        [0.0, 1e-45, 1e-39, 0.1, 1.0 - 6e-8, 1.0, 1.0 + 1.2e-7, 3.0, 1e30, 8_388_607.5, 8_388_609.0, 16_777_215.0];
    let edges = edges.into_iter().chain([f32::MIN_POSITIVE, f32::MAX, f32::INFINITY, f32::NAN]).flat_map(|x| [x, -x]);
    for x in edges.clone() {
        for y in edges.clone() {
            let (found, wanted) = (m.power(x, y), f64::from(x).powf(f64::from(y)));
            assert!(ulps32(found, wanted) <= 0.6, "{x:e} ** {y:e} is {found:e}, not {wanted:e}");
        }
    }
}

#[test]
fn powers_of_singles() {
    powers(Base);
    powers(Fused);
}
