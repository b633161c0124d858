//! The functions of an `f32`.
//!
//! In: an `f32`. Out: the value, with an error of at most 3 units in the last place for the exponential and the logistic
//! function, 4 for the logarithm, 2 for the sine, cosine, hyperbolic tangent and error function. Next: [`super::double`].

mod erf;
mod exp;
mod log;
mod power;
mod trig;

pub(crate) use erf::erf;
pub(crate) use exp::{exp, exp_below, exp2, expm1, sigmoid, tanh};
pub(crate) use log::{log, log1p, log2, log10};
pub(crate) use power::power;
pub(crate) use trig::{cos, sin, tan};

super::rounding::rounding! { f32, 8388608.0, 65536.0 }

/// Functions by way of `f64`.
macro_rules! wide {
    ($($name:ident($($arg:ident),+);)*) => {$(
        #[inline(always)]
        pub(crate) fn $name<M: Isa>(m: M, $($arg: f32),+) -> f32 {
            super::double::$name(m, $(f64::from($arg)),+) as f32
        }
    )*};
}

wide! {
    cbrt(x);
    asin(x);
    acos(x);
    atan(x);
    atan2(y, x);
    sinh(x);
    cosh(x);
    asinh(x);
    acosh(x);
    atanh(x);
    erfc(x);
}
