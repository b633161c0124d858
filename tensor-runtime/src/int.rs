//! Arithmetic on integers as NumPy has it, and casts.
//!
//! In: two integers of one type. Out: floor division with `x // 0 = 0`, the remainder with the divisor's sign, powers,
//! shifts; all wrap. Always: no function panics on any argument. Next: [`crate::math`].
//!
//! ```
//! use ndfuse_runtime::rt::int;
//! assert_eq!((int::floor_divide(-7i32, 2), int::remainder(-7i32, 2)), (-4, 1));
//! assert_eq!((int::floor_divide(7u8, 0), int::remainder(7u8, 0)), (0, 0));
//! assert_eq!(int::shl(1u8, 8), 0);
//! ```

use crate::dtype::Element;

/// An integer type.
pub trait Int: Element + Ord {
    /// See [`floor_divide`].
    fn floor_divide(self, by: Self) -> Self;
    /// See [`remainder`].
    fn remainder(self, by: Self) -> Self;
    /// See [`power`].
    fn power(self, exponent: Self) -> Self;
    /// See [`abs`].
    fn abs(self) -> Self;
    /// See [`sign`].
    fn sign(self) -> Self;
    /// See [`shl`].
    fn shl(self, by: Self) -> Self;
    /// See [`shr`].
    fn shr(self, by: Self) -> Self;
    /// See [`philox`].
    fn philox(self, low: Self, high: Self) -> Self;
}

macro_rules! common {
    ($ty:ident) => {
        #[inline(always)]
        fn power(self, exponent: $ty) -> $ty {
            // By squaring, one step a bit of the exponent's type: no early end, so that lanes stay together.
            let (mut result, mut base, mut left) = (1 as $ty, self, exponent);
            for _ in 0..$ty::BITS {
                result = if left & 1 == 1 { result.wrapping_mul(base) } else { result };
                base = base.wrapping_mul(base);
                left >>= 1;
            }
            #[allow(unused_comparisons)]
            if exponent < 0 { 0 } else { result }
        }

        #[inline(always)]
        fn shl(self, by: $ty) -> $ty {
            #[allow(unused_comparisons)]
            let gone = by < 0 || by as u64 >= u64::from($ty::BITS);
            if gone { 0 } else { self.wrapping_shl(by as u32) }
        }

        #[inline(always)]
        fn philox(self, low: $ty, high: $ty) -> $ty {
            let [a, b, ..] = philox_block(self as u64, low as u64, high as u64);
            (a | b << 32) as $ty
        }
    };
}

macro_rules! signed {
    ($($ty:ident)*) => {$(
        impl Int for $ty {
            common!($ty);

            #[inline(always)]
            fn floor_divide(self, by: $ty) -> $ty {
                let divisor = if by == 0 { 1 } else { by };
                let quotient = self.wrapping_div(divisor);
                let rest = self.wrapping_rem(divisor);
                let floor = quotient - $ty::from(rest != 0 && (rest < 0) != (by < 0));
                if by == 0 { 0 } else { floor }
            }

            #[inline(always)]
            fn remainder(self, by: $ty) -> $ty {
                let divisor = if by == 0 { 1 } else { by };
                let rest = self.wrapping_rem(divisor);
                if rest != 0 && (rest < 0) != (by < 0) { rest.wrapping_add(by) } else { rest }
            }

            #[inline(always)]
            fn abs(self) -> $ty {
                self.wrapping_abs()
            }

            #[inline(always)]
            fn sign(self) -> $ty {
                self.signum()
            }

            #[inline(always)]
            fn shr(self, by: $ty) -> $ty {
                let bits = $ty::BITS - 1;
                self.wrapping_shr(if by < 0 || by as u64 > u64::from(bits) { bits } else { by as u32 })
            }
        }
    )*};
}

macro_rules! unsigned {
    ($($ty:ident)*) => {$(
        impl Int for $ty {
            common!($ty);

            #[inline(always)]
            fn floor_divide(self, by: $ty) -> $ty {
                let quotient = self / if by == 0 { 1 } else { by };
                if by == 0 { 0 } else { quotient }
            }

            #[inline(always)]
            fn remainder(self, by: $ty) -> $ty {
                self % if by == 0 { 1 } else { by }
            }

            #[inline(always)]
            fn abs(self) -> $ty {
                self
            }

            #[inline(always)]
            fn sign(self) -> $ty {
                $ty::from(self != 0)
            }

            #[inline(always)]
            fn shr(self, by: $ty) -> $ty {
                if u64::from(by) >= u64::from($ty::BITS) { 0 } else { self.wrapping_shr(by as u32) }
            }
        }
    )*};
}

/// Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11. The words of a block are 32
/// bits wide, each in a lane of 64, so that a product of two is one instruction of the vector unit.
#[inline(always)]
fn philox_block(key: u64, low: u64, high: u64) -> [u64; 4] {
    const WORD: u64 = 0xffff_ffff;
    let (mut a, mut b, mut c, mut d) = (low & WORD, low >> 32, high & WORD, high >> 32);
    let (mut k, mut l) = (key & WORD, key >> 32);
    for _ in 0..10 {
        let (p, q) = (a * 0xd251_1f53, c * 0xcd9e_8d57);
        (a, b, c, d) = ((q >> 32) ^ b ^ k, q & WORD, (p >> 32) ^ d ^ l, p & WORD);
        (k, l) = ((k + 0x9e37_79b9) & WORD, (l + 0xbb67_ae85) & WORD);
    }
    [a, b, c, d]
}

signed! { i8 i16 i32 i64 }
unsigned! { u8 u16 u32 u64 }

macro_rules! functions {
    ($($(#[$meta:meta])* $name:ident($($arg:ident),*);)*) => {$(
        $(#[$meta])*
        #[inline(always)]
        pub fn $name<T: Int>($($arg: T),*) -> T {
            T::$name($($arg),*)
        }
    )*};
}

functions! {
    /// The quotient rounded down; 0 where `b` is 0.
    floor_divide(a, b);
    /// What floor division leaves, with the sign of `b`; 0 where `b` is 0.
    remainder(a, b);
    /// `a` to the power of `b`, wrapping; 0 where `b` is negative.
    power(a, b);
    /// The absolute value, wrapping.
    abs(a);
    /// -1, 0 or 1.
    sign(a);
    /// Bits moved up; all are gone at the type's width, and for a negative `b`.
    shl(a, b);
    /// Bits moved down, keeping the sign.
    shr(a, b);
    /// Random bits: the first half of the block of Philox4x32-10 with this key and counter; a narrow type has the low bits.
    philox(key, low, high);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that Random123 publishes.
    #[test]
    fn philox_has_the_known_answers() {
        let ones = u64::MAX;
        for ((key, low, high), want) in [
            ((0, 0, 0), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ((ones, ones, ones), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                (0x299f_31d0_a409_3822, 0x85a3_08d3_243f_6a88, 0x0370_7344_1319_8a2e),
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox_block(key, low, high), want);
        }
        assert_eq!(philox(0i64, 0, 0), 0xe169_c58d_6627_e8d5_u64 as i64);
        assert_eq!((philox(-1i8, -1, -1), philox(-1i64, -1, -1) as i8), (0x6d, 0x6d));
    }
}
