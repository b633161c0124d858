//! Logarithms of an `f32`.
//!
//! In: `x = 2^e * (1 + f)` with `1 + f` in `√½..√2`. Out: `e * ln 2 + f + f² * (f * p(f) - ½)`. Next: [`super::trig`].

use crate::isa::Isa;

/// `e` and `f`. What is not a positive number gives something.
#[inline(always)]
fn parts(x: f32) -> (f32, f32) {
    const ROOT: u32 = 0x3f35_04f3;
    // A denormal number is made 23 powers of two larger, and its exponent as much less.
    let (by, root) = if x < f32::MIN_POSITIVE { (8388608.0, ROOT + (23 << 23)) } else { (1.0, ROOT) };
    let bits = (x * by).to_bits().wrapping_sub(root);
    let e = (bits as i32 >> 23) as f32;
    let one_f = f32::from_bits((bits & 0x007f_ffff) + ROOT);
    (e, one_f - 1.0)
}

/// `p(f)`.
#[rustfmt::skip]
#[inline(always)]
fn series<M: Isa>(m: M, f: f32) -> f32 {
    pairs!(m, f;
        3.333333135e-01, -2.500082254e-01, 2.000125945e-01, -1.662334204e-01, 1.420104504e-01, -1.315945089e-01,
        1.276552677e-01, -7.640977949e-02,
    )
}

/// `ln(1 + f)`.
#[inline(always)]
fn near<M: Isa>(m: M, f: f32) -> f32 {
    m.fma(f * f, m.fma(f, series(m, f), -0.5), f)
}

/// What it has beside `f`, in more steps and with a smaller error, for what is multiplied afterwards.
#[inline(always)]
fn close_rest<M: Isa>(m: M, f: f32) -> f32 {
    m.fma(-0.5 * f, f, f * f * f * series(m, f))
}

/// `y` for a positive number `x`, else what any logarithm answers.
#[inline(always)]
fn proper(x: f32, y: f32) -> f32 {
    let y = if x < f32::INFINITY { y } else { x };
    let below = if x == 0.0 { f32::NEG_INFINITY } else { f32::NAN };
    if x > 0.0 { y } else { below }
}

#[inline(always)]
pub(crate) fn log<M: Isa>(m: M, x: f32) -> f32 {
    let (e, f) = parts(x);
    proper(x, m.fma(e, std::f32::consts::LN_2, near(m, f)))
}

#[inline(always)]
pub(crate) fn log1p<M: Isa>(m: M, x: f32) -> f32 {
    let u = 1.0 + x;
    // What the sum lost.
    let lost = if x >= 1.0 { 1.0 - (u - x) } else { x - (u - 1.0) } / u;
    let (e, f) = parts(u);
    let y = proper(u, m.fma(e, std::f32::consts::LN_2, near(m, f) + lost));
    if x.abs() < 1e-4 { x * (1.0 - 0.5 * x) } else { y }
}

#[inline(always)]
pub(crate) fn log2<M: Isa>(m: M, x: f32) -> f32 {
    // log2(e) is 1 and the rest.
    const REST: f32 = 0.442_695_05;
    let (e, f) = parts(x);
    let small = close_rest(m, f);
    let part = m.fma(small, REST, f * REST);
    proper(x, e + (f + (small + part)))
}

#[inline(always)]
pub(crate) fn log10<M: Isa>(m: M, x: f32) -> f32 {
    // log10(2) and log10(e), each in two parts, the first short enough that its product is exact.
    const TWO: (f32, f32) = (3.007_812_5e-1, 2.487_456_8e-4);
    const E: (f32, f32) = (4.335_937_5e-1, 7.007_314_6e-4);
    let (e, f) = parts(x);
    let small = close_rest(m, f);
    let low = m.fma(e, TWO.1, m.fma(f + small, E.1, small * E.0));
    proper(x, m.fma(e, TWO.0, m.fma(f, E.0, low)))
}
