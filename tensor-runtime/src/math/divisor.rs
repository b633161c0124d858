//! Division of many numbers by one.
//!
//! In: a divisor, then numbers. Out: their quotients, rounded as `/` rounds them; to two units in the last place where
//! the number or the quotient is beyond `2^96` (`f32`) or `2^960` (`f64`), or the quotient is denormal. Always: a quotient
//! is a product with the reciprocal, and what that lacks: less than half of what a division takes. Of numbers that are known to be
//! far from these ends it is that without any check. Next: [`crate::isa`].

use crate::isa::Isa;

use super::Float;

/// A divisor, made ready.
#[derive(Clone, Copy, Debug)]
pub struct Divisor<F> {
    by: F,
    /// What dividends are multiplied with, so that what their products have too much, 24 or 53 bits below them, is no
    /// denormal number, for which processors take long.
    up: F,
    /// Its size times a power of two, so that neither it nor its reciprocal is denormal.
    scaled: F,
    reciprocal: F,
    /// That power of two, with the divisor's sign, over what dividends are multiplied with.
    back: F,
    /// One over the divisor itself, for what is beyond the other way.
    plain: F,
}

/// A divisor of whole numbers that are not negative zero, itself from `2^-60` to `2^60`: nothing is denormal, infinite or
/// no number on the way, so three operations are enough. Two are, of the number and the reciprocal in two parts, where the divisor
/// has few digits: then no quotient is so near to the middle of two floats that what the parts lack would matter.
#[derive(Clone, Copy, Debug)]
pub struct WholeDivisor<F> {
    by: F,
    reciprocal: F,
    /// What that lacks, of a divisor with few digits.
    rest: Option<F>,
}

/// A divisor of whole numbers, or multiples of them by a constant from `2^-30` to `2^30`, that were moved by some number. If that
/// and the divisor are far from all ends of the floats it is as a [`WholeDivisor`]; else it divides.
#[derive(Clone, Copy, Debug)]
pub struct TameDivisor<F> {
    by: F,
    reciprocal: F,
    tame: bool,
}

/// A float whose quotients go by a [`Divisor`].
pub trait Divide: Float {
    /// Makes a divisor ready.
    fn divisor(by: Self) -> Divisor<Self>;
    /// The quotient.
    fn quotient<M: Isa>(m: M, x: Self, by: Divisor<Self>) -> Self;
    /// Makes a divisor of whole numbers ready.
    fn whole(by: Self) -> WholeDivisor<Self>;
    /// The quotient of a whole number.
    fn whole_quotient<M: Isa>(m: M, x: Self, by: WholeDivisor<Self>) -> Self;
    /// Makes a divisor ready of what was moved by these numbers.
    fn tame(by: Self, moved: &[Self]) -> TameDivisor<Self>;
    /// The quotient of such a number.
    fn tame_quotient<M: Isa>(m: M, x: Self, by: TameDivisor<Self>) -> Self;
}

impl<F: Divide> WholeDivisor<F> {
    /// Makes a divisor ready.
    #[inline(always)]
    pub fn new(by: F) -> WholeDivisor<F> {
        F::whole(by)
    }

    /// `x` over it.
    #[inline(always)]
    pub fn of<M: Isa>(self, m: M, x: F) -> F {
        F::whole_quotient(m, x, self)
    }
}

impl<F: Divide> Divisor<F> {
    /// Makes a divisor ready.
    #[inline(always)]
    pub fn new(by: F) -> Divisor<F> {
        F::divisor(by)
    }

    /// `x` over it.
    #[inline(always)]
    pub fn of<M: Isa>(self, m: M, x: F) -> F {
        F::quotient(m, x, self)
    }
}

impl<F: Divide> TameDivisor<F> {
    /// Makes a divisor ready of numbers that were moved by these.
    #[inline(always)]
    pub fn new<const N: usize>(by: F, moved: [F; N]) -> TameDivisor<F> {
        F::tame(by, &moved)
    }

    /// `x` over it.
    #[inline(always)]
    pub fn of<M: Isa>(self, m: M, x: F) -> F {
        F::tame_quotient(m, x, self)
    }
}

/// The product with the reciprocal, and what that lacks.
#[inline(always)]
fn refined<M: Isa, F: Divide>(m: M, x: F, by: F, reciprocal: F) -> F {
    let near = x * reciprocal;
    let excess = m.fma(near, by, -x);
    m.fma(-excess, reciprocal, near)
}

macro_rules! divide {
    ($($ty:ident: up $up:literal, far $far:literal;)*) => {$(
        impl Divide for $ty {
            #[inline(always)]
            fn divisor(by: $ty) -> Divisor<$ty> {
                const UP: $ty = $up;
                const FAR: $ty = $far;
                let size = by.abs();
                let scale = if size < 1.0 / FAR { FAR } else { 1.0 };
                let (scale, up) = if size > FAR { (1.0 / FAR, 1.0) } else { (scale, UP) };
                let scaled = size * scale;
                let reciprocal = 1.0 / scaled;
                // Over infinity the product is right, and what it lacks is no number.
                let scaled = if size < $ty::INFINITY { scaled } else { 0.0 };
                Divisor { by, up, scaled, reciprocal, back: (scale / up).copysign(by), plain: 1.0 / by }
            }

            #[inline(always)]
            fn quotient<M: Isa>(m: M, x: $ty, by: Divisor<$ty>) -> $ty {
                if !M::FMA {
                    return x / by.by;
                }
                let up = x * by.up;
                let near = up * by.reciprocal;
                let excess = m.fma(near, by.scaled, -up);
                let exact = m.fma(-excess, by.reciprocal, near) * by.back;
                // No number also where the product is infinite, for it is taken from itself.
                if exact.is_nan() { x * by.plain } else { exact }
            }

            #[inline(always)]
            fn whole(by: $ty) -> WholeDivisor<$ty> {
                const FEW: u32 = 12;
                let reciprocal = 1.0 / by;
                let few = by.to_bits().trailing_zeros() >= $ty::MANTISSA_DIGITS - FEW;
                let rest = if few { Some($ty::mul_add(-reciprocal, by, 1.0) / by) } else { None };
                WholeDivisor { by, reciprocal, rest }
            }

            #[inline(always)]
            fn whole_quotient<M: Isa>(m: M, x: $ty, by: WholeDivisor<$ty>) -> $ty {
                if !M::FMA {
                    return x / by.by;
                }
                match by.rest {
                    Some(rest) => m.fma(x, by.reciprocal, x * rest),
                    None => refined(m, x, by.by, by.reciprocal),
                }
            }

            #[inline(always)]
            fn tame(by: $ty, moved: &[$ty]) -> TameDivisor<$ty> {
                const FAR: $ty = (1u32 << 30) as $ty;
                let is_near = |x: $ty| (1.0 / FAR..=FAR).contains(&x);
                // Of a negative divisor the quotient of zero would be the wrong one.
                let tame = is_near(by) & moved.iter().all(|x| (*x == 0.0) | is_near(x.abs()));
                TameDivisor { by, reciprocal: 1.0 / by, tame }
            }

            #[inline(always)]
            fn tame_quotient<M: Isa>(m: M, x: $ty, by: TameDivisor<$ty>) -> $ty {
                if M::FMA && by.tame { refined(m, x, by.by, by.reciprocal) } else { x / by.by }
            }
        }
    )*};
}

divide! {
    // 2^32 and 2^64.
    f32: up 4294967296.0, far 18446744073709551616.0;
    // 2^64 and 2^256.
    f64: up 18446744073709551616.0,
        far 1.157920892373161954235709850086879078532699846656405640394575840079131296399360e77;
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "x86_64")]
    use crate::isa::Avx2;
    use crate::isa::Base;

    /// Numbers of all exponents, and what is special; the rest of the bits by a counter's hash.
    fn numbers() -> Vec<f32> {
        let hash = |i: u32| i.wrapping_mul(0x9e37_79b9).rotate_left(13).wrapping_mul(0x85eb_ca6b);
        let mut all: Vec<f32> = (0..1500u32).map(|i| f32::from_bits(((i % 255) << 23) | (hash(i) >> 9))).collect();
        all.extend([0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::INFINITY, f32::NAN, 1.0, 255.0, 3.0]);
        all.extend(all.clone().iter().map(|x| -x));
        all
    }

    fn check<M: Isa>(m: M) {
        for by in numbers() {
            let divisor = Divisor::new(by);
            for x in numbers() {
                let (found, wanted) = (divisor.of(m, x), x / by);
                let usual = |x: f32| x.abs() < 7.9e28;
                let exact = usual(x) && usual(wanted) && (wanted == 0.0 || wanted.abs() >= f32::MIN_POSITIVE);
                let apart = (i64::from(found.to_bits()) - i64::from(wanted.to_bits())).abs();
                let near = apart <= if exact { 0 } else { 2 };
                let both_nan = found.is_nan() && wanted.is_nan();
                assert!(near || both_nan, "{x:e} / {by:e}: {found:e}, not {wanted:e}");
            }
            for x in numbers() {
                let (found, wanted) = (Divisor::new(f64::from(by)).of(m, f64::from(x)), f64::from(x) / f64::from(by));
                assert!(
                    found == wanted || (found.is_nan() && wanted.is_nan()),
                    "{x:e} / {by:e}: {found:e}, not {wanted:e}"
                );
            }
        }
    }

    /// Bytes, what rounds to a float from wider integers, and both ends; bit by bit.
    fn check_whole<M: Isa>(m: M) {
        let far = 2f32.powi(60);
        let divisors = numbers().into_iter().filter(|by| (1.0 / far..=far).contains(by)).chain([far, 1.0 / far]);
        for by in divisors.chain((1..=255).map(|by| by as f32)) {
            let whole = |k: u32| (1i64 << (k % 63)) + i64::from(k.wrapping_mul(0x9e37_79b9)) % (1i64 << (k % 63));
            for k in (0..256).chain((0..200).map(whole)).flat_map(|k| [k, -k]).chain([i64::MIN, i64::MAX]) {
                let (x, wide) = (k as f32, k as f64);
                assert_eq!(WholeDivisor::new(by).of(m, x).to_bits(), (x / by).to_bits(), "{x} / {by:e}");
                let by = f64::from(by);
                assert_eq!(WholeDivisor::new(by).of(m, wide).to_bits(), (wide / by).to_bits(), "{wide} / {by:e}");
            }
        }
    }

    /// Whole numbers with all their digits, over divisors with few.
    fn check_few<M: Isa>(m: M) {
        for by in (1..4096u32).step_by(7).chain([4095, 255, 3, 5]).flat_map(|by| [by as f32, by as f32 / 1024.0]) {
            let divisor = WholeDivisor::new(by);
            assert!(divisor.rest.is_some());
            for k in (1u32 << 23..1 << 24).step_by(9973) {
                let x = k as f32;
                assert_eq!(divisor.of(m, x).to_bits(), (x / by).to_bits(), "{x} / {by:e}");
                let (x, by) = (f64::from(k) * 536870912.0 + f64::from(k / 3), f64::from(by));
                assert_eq!(WholeDivisor::new(by).of(m, x).to_bits(), (x / by).to_bits(), "{x} / {by:e}");
            }
        }
    }

    /// Bytes that were scaled and moved, bit by bit, by what is tame and what is not.
    fn check_tame<M: Isa>(m: M) {
        let far = 2f32.powi(30);
        let some = || numbers().into_iter().step_by(17).chain([0.0, -0.0, 0.485, 0.229, far, 1.0 / far, 255.0]);
        for by in some() {
            for moved in some() {
                let divisor = TameDivisor::new(by, [moved]);
                for x in (0..256).step_by(5).map(|byte| byte as f32 / 255.0 - moved) {
                    let (found, wanted) = (divisor.of(m, x), x / by);
                    let both_nan = found.is_nan() && wanted.is_nan();
                    assert!(
                        found.to_bits() == wanted.to_bits() || both_nan,
                        "{x:e} / {by:e}: {found:e}, not {wanted:e}"
                    );
                    let (x, by) = (f64::from(x), f64::from(by));
                    let found = TameDivisor::new(by, [f64::from(moved)]).of(m, x);
                    assert!(found.to_bits() == (x / by).to_bits() || found.is_nan(), "{x:e} / {by:e}: {found:e}");
                }
            }
        }
    }

    #[test]
    fn quotients_are_those_of_a_division() {
        check(Base);
        check_whole(Base);
        check_few(Base);
        check_tame(Base);
        #[cfg(target_arch = "x86_64")]
        if crate::isa::detected() >= crate::isa::Level::Avx2 {
            // `mul_add` is right without the instruction, too.
            check(Avx2);
            check_whole(Avx2);
            check_few(Avx2);
            check_tame(Avx2);
        }
    }
}
