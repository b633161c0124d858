//! How near a result must come to the oracle's.
//!
//! In: what the oracle computed in `f64`, and what the call gave. Out: what is
//! wrong, if anything. Always: integers and `bool` are equal; NaN stands where
//! NaN stands; a zero has its sign. A half is as near as an `f32` would be, and
//! half a unit of its own for its rounding.

use super::call::Array;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::interp::{Data, Value};

/// The distance that is allowed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Near {
    /// The `f64` result, rounded once.
    Same,
    /// As `Same`, but any of the zeros will do.
    SameButZeros,
    /// So many units in the last place.
    Ulps(f64),
    /// So many units of the greatest magnitude of the result and of what may cancel in it.
    Scaled(f64),
    /// Relative to the sum of the magnitudes of what was added.
    Sum,
    /// Relative to the result.
    Product,
}

impl Near {
    /// Whether the magnitudes of the arguments bear on the distance.
    pub fn wants_scale(self) -> bool {
        match self {
            Near::Sum | Near::Scaled(_) => true,
            Near::Same | Near::SameButZeros | Near::Ulps(_) | Near::Product => false,
        }
    }
}

/// What is wrong with `got`. `scale` is the result on the arguments' magnitudes, `least` the magnitude that a scaled
/// distance has at least.
pub fn differs(near: Near, want: &Value, got: &Array, scale: Option<&Value>, least: f64) -> Option<String> {
    let dtype = got.dtype();
    let got = got.value();
    if got.shape != want.shape {
        return Some(format!("shape {:?}, wanted {:?}", got.shape, want.shape));
    }
    let (Data::Float(w), Data::Float(g)) = (&want.data, &got.data) else {
        let at = (0..want.data.len()).find(|&k| want.data.get(k) != got.data.get(k));
        return at.map(|k| format!("[{k}] is {:?}, wanted {:?}", got.data.get(k), want.data.get(k)));
    };
    let greatest = |data: &[f64]| data.iter().filter(|x| x.is_finite()).fold(0.0, |a: f64, x| a.max(x.abs()));
    let scales: &[f64] = if let Some(Data::Float(s)) = scale.map(|s| &s.data) { s } else { &[] };
    let largest = greatest(w).max(greatest(scales)).max(least);
    let at = (0..w.len()).find(|&k| {
        let magnitude = match near {
            Near::Sum => scales.get(k).copied().unwrap_or(largest),
            Near::Scaled(_) => largest,
            Near::Same | Near::SameButZeros | Near::Ulps(_) | Near::Product => 0.0,
        };
        !agrees(near, w[k], g[k], magnitude, dtype)
    })?;
    Some(format!("[{at}] is {:?}, wanted {:?}", g[at], w[at]))
}

fn agrees(near: Near, want: f64, got: f64, magnitude: f64, dtype: DType) -> bool {
    // The oracle computes in `f64`, one term after the other: of an `f64` it knows no more digits than this. The
    // units in the last place of `f64` functions are counted in the runtime's own tests.
    let (computed, rounded) = (dtype.computed(), dtype.round(want));
    let single = computed == DType::F32;
    let epsilon = if single { f64::from(f32::EPSILON) } else { 1e-11 };
    if want.is_nan() || got.is_nan() {
        return want.is_nan() && got.is_nan();
    }
    if rounded == got {
        let any_zero = matches!(near, Near::SameButZeros | Near::Scaled(_) | Near::Sum);
        return rounded != 0.0 || any_zero || want.is_sign_negative() == got.is_sign_negative();
    }
    if rounded.is_infinite() || got.is_infinite() {
        return false;
    }
    let mut error = (want - got).abs();
    if dtype.is_stored_only() {
        // Rounded to `f32` and then again.
        error = (error - unit(want.abs().max(got.abs()), dtype) / 2.0 - unit(want, computed)).max(0.0);
        if error == 0.0 {
            return true;
        }
    }
    match near {
        Near::Same | Near::SameButZeros => false,
        Near::Ulps(count) if single => error <= count * unit(want, computed),
        Near::Ulps(_) => error <= epsilon * want.abs().max(f64::MIN_POSITIVE),
        Near::Scaled(count) => error <= count * epsilon * magnitude,
        // Each of up to 2048 equal factors may be rounded the same way.
        Near::Product => error <= 256.0 * epsilon * want.abs(),
        Near::Sum => error <= 16.0 * epsilon * magnitude,
    }
}

/// The distance to the next number of the dtype.
fn unit(x: f64, dtype: DType) -> f64 {
    let digits = dtype.row().digits as i32 - 1;
    let least = dtype.row().exponents.0 - digits;
    let exponent = if x == 0.0 { least } else { x.abs().log2().floor() as i32 - digits };
    2f64.powi(exponent.max(least))
}
