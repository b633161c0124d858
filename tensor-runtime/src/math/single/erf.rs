//! The error function of an `f32`.
//!
//! In: `x`. Out: below 0.92 a series of `x²`, above it `1 - e^(x * p(x))`. Next: [`mod@super::exp`].

use crate::isa::Isa;

use super::exp::one_less_exp;

#[inline(always)]
pub(crate) fn erf<M: Isa>(m: M, x: f32) -> f32 {
    let a = x.abs();
    // Beyond it the result is 1.
    let a = if a > 3.94 { 3.94 } else { a };
    let z = a * a;
    #[rustfmt::skip]
    let p = pairs!(m, z;
        1.283791661e-01, -3.761263192e-01, 1.128366366e-01, -2.685770579e-02, 5.196952261e-03, -8.097703685e-04,
        8.185091428e-05,
    );
    let near = m.fma(a, p, a);
    #[rustfmt::skip]
    let q = pairs!(m, a;
        -1.128641009e+00, -6.351814866e-01, -1.061875969e-01, 2.372017503e-02, -3.622915130e-03, 3.180592030e-04,
        -1.076317585e-05,
    );
    let far = one_less_exp(m, a * q);
    (if a < 0.92 { near } else { far }).copysign(x)
}
