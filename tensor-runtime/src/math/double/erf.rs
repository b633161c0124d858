//! The error function of an `f64`.
//!
//! In: `x`. Out: below 1 a series of `x²`; above, `e^(-x²) / (1 + 2x)` times a polynomial of `(x - 3.75) / (x + 3.75)`,
//! which goes from -1 to 1 as `x` goes from 0 to infinity. Next: [`mod@super::exp`].

use crate::isa::Isa;

use super::{exp, two_product};

/// `erf(x)`, for `|x| <= 1`.
#[inline(always)]
fn near<M: Isa>(m: M, x: f64) -> f64 {
    let z = x * x;
    #[rustfmt::skip]
    let p = poly!(m, z;
        0.12837916709551256, -0.3761263890318352, 0.11283791670944184, -0.026866170643111337, 0.005223977606117513,
        -0.000854832592927156, 0.00012055293575670038, -1.4924712278908018e-05, 1.6447131288955674e-06,
        -1.6206311597810283e-07, 1.371097100656572e-08, -7.779450818088821e-10,
    );
    m.fma(x, p, x)
}

/// `erfc(a)`, for `a` in 0.5..28.
#[inline(always)]
fn tail<M: Isa>(m: M, a: f64) -> f64 {
    let t = (a - 3.75) / (a + 3.75);
    #[rustfmt::skip]
    let p = poly!(m, t;
        1.2375126308378275, -0.14024059858554697, 0.003585415485466342, 0.08227673849014304, -0.10880393014188548,
        0.09230432116051984, -0.058693398585878985, 0.028362277415612546, -0.00974657961054927,
        0.0017556258918738916, 0.00029371409112570403, -0.0002901543397809245, 5.1646957133947294e-05,
        2.238529123391337e-05, -1.1437228306124002e-05, -9.762324079222418e-07, 1.7372384341367413e-06,
        -5.300818296222723e-08, -2.3987024489670066e-07, 1.9361645672834167e-08, 2.4416825900358022e-08,
        -1.8845449748316333e-09,
    );
    let (square, lost) = two_product(m, a, a);
    let e = exp(m, -square);
    let factor = p / m.fma(2.0, a, 1.0);
    e * m.fma(factor, -lost, factor)
}

/// `|x|`, at most `high`, or NaN.
#[inline(always)]
fn size(x: f64, high: f64) -> f64 {
    if x.abs() > high { high } else { x.abs() }
}

#[inline(always)]
pub(crate) fn erf<M: Isa>(m: M, x: f64) -> f64 {
    let a = size(x, 6.0);
    let far = (1.0 - tail(m, a)).copysign(x);
    if a < 1.0 { near(m, x) } else { far }
}

#[inline(always)]
pub(crate) fn erfc<M: Isa>(m: M, x: f64) -> f64 {
    let a = size(x, 28.0);
    let t = tail(m, a);
    let far = if x < 0.0 { 2.0 - t } else { t };
    if x < 0.5 && x > -1.0 { 1.0 - near(m, x) } else { far }
}
