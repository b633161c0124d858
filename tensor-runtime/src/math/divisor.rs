//! Division of many numbers by one.
//!
//! In: a divisor, then numbers. Out: their quotients, rounded as `/` rounds them; to two units in the last place where
//! the number or the quotient is beyond `2^96` (`f32`) or `2^960` (`f64`), or the quotient is denormal. Always: a quotient
//! is a product with the reciprocal, and what that lacks: less than half of what a division takes. Next: [`crate::isa`].

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
/// no number on the way, so three operations are enough.
#[derive(Clone, Copy, Debug)]
pub struct WholeDivisor<F> {
    by: F,
    reciprocal: F,
}

/// A float whose quotients go by a [`Divisor`].
pub trait Divide: Float {
    /// Makes a divisor ready.
    fn divisor(by: Self) -> Divisor<Self>;
    /// The quotient.
    fn quotient<M: Isa>(m: M, x: Self, by: Divisor<Self>) -> Self;
    /// One over it.
    fn inverse(self) -> Self;
    /// The quotient of a whole number.
    fn whole_quotient<M: Isa>(m: M, x: Self, by: WholeDivisor<Self>) -> Self;
}

impl<F: Divide> WholeDivisor<F> {
    /// Makes a divisor ready.
    #[inline(always)]
    pub fn new(by: F) -> WholeDivisor<F> {
        WholeDivisor { by, reciprocal: by.inverse() }
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
            fn inverse(self) -> $ty {
                1.0 / self
            }

            #[inline(always)]
            fn whole_quotient<M: Isa>(m: M, x: $ty, by: WholeDivisor<$ty>) -> $ty {
                if !M::FMA {
                    return x / by.by;
                }
                let near = x * by.reciprocal;
                let excess = m.fma(near, by.by, -x);
                m.fma(-excess, by.reciprocal, near)
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

    #[test]
    fn quotients_are_those_of_a_division() {
        check(Base);
        check_whole(Base);
        #[cfg(target_arch = "x86_64")]
        if crate::isa::detected() >= crate::isa::Level::Avx2 {
            // `mul_add` is right without the instruction, too.
            check(Avx2);
            check_whole(Avx2);
        }
    }
}
