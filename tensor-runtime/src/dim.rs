//! Arithmetic on sizes and indices.
//!
//! In: sizes or coordinates. Out: quotients rounded down, with `x // 0 = 0` and `x % 0 = 0`; sums and products that
//! say when they overflow. Always: no panic. Next: [`crate::plan`].
//!
//! ```
//! use ndfuse_runtime::rt::dim;
//! assert_eq!((dim::div(-7i64, 2), dim::rem(-7i64, 2), dim::div(3i64, 0)), (-4, 1, 0));
//! assert_eq!(dim::mul(1 << 62, 4), None);
//! ```

/// The integer types of sizes and coordinates.
pub trait Index: Copy + Ord {
    /// See [`div`].
    fn div(self, by: Self) -> Self;
    /// See [`rem`].
    fn rem(self, by: Self) -> Self;
}

macro_rules! index {
    ($($ty:ident)*) => {$(
        impl Index for $ty {
            #[inline(always)]
            fn div(self, by: $ty) -> $ty {
                let divisor = if by == 0 { 1 } else { by };
                let quotient = self.wrapping_div(divisor);
                let down = self.wrapping_rem(divisor) != 0 && (self < 0) != (by < 0);
                if by == 0 { 0 } else { quotient.wrapping_sub($ty::from(down)) }
            }

            #[inline(always)]
            fn rem(self, by: $ty) -> $ty {
                let rest = self.wrapping_rem(if by == 0 { 1 } else { by });
                if rest != 0 && (rest < 0) != (by < 0) { rest.wrapping_add(by) } else { rest }
            }
        }
    )*};
}

index! { isize i64 }

/// The quotient rounded down; 0 where `b` is 0.
#[inline(always)]
pub fn div<T: Index>(a: T, b: T) -> T {
    a.div(b)
}

/// What [`div`] leaves, with the sign of `b`; 0 where `b` is 0.
#[inline(always)]
pub fn rem<T: Index>(a: T, b: T) -> T {
    a.rem(b)
}

/// The greater.
#[inline(always)]
pub fn max<T: Index>(a: T, b: T) -> T {
    if a >= b { a } else { b }
}

/// The lesser.
#[inline(always)]
pub fn min<T: Index>(a: T, b: T) -> T {
    if a <= b { a } else { b }
}

/// The sum, if it is an `i64`.
#[inline(always)]
pub fn add(a: i64, b: i64) -> Option<i64> {
    a.checked_add(b)
}

/// The product, if it is an `i64`.
#[inline(always)]
pub fn mul(a: i64, b: i64) -> Option<i64> {
    a.checked_mul(b)
}
