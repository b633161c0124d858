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
}
