//! Casts between element types, as `astype`.
//!
//! In: a value. Out: the nearest of the other type: integers wrap, floats to integers are cut and saturate, NaN is 0;
//! to `bool` whether it is not 0; integers come to a float of 16 bits by way of `f32`. Always: branch-free. Next: [`crate::int`].
//!
//! ```
//! use ndfuse_runtime::rt::cast;
//! assert_eq!(cast::<f32, u8>(300.7), 255);
//! assert_eq!(cast::<i32, u8>(257), 1);
//! assert_eq!(cast::<f64, bool>(0.5), true);
//! assert_eq!(cast::<bool, f32>(true), 1.0);
//! ```

use half::{bf16, f16};

use crate::dtype::Element;
use crate::math::half::{Half, odd};

/// `Self` can be cast to `To`.
pub trait Cast<To>: Element {
    /// The cast value.
    fn cast(self) -> To;
}

/// The value as a `To`.
#[inline(always)]
pub fn cast<From: Cast<To>, To: Element>(value: From) -> To {
    value.cast()
}

macro_rules! casts {
    ($($from:ident),* => $to:tt) => { $(casts!(one $from => $to); casts!(bool $from);)* };
    (one $from:ident => [$($to:ident),*]) => {$(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to {
                self as $to
            }
        }
    )*};
    (bool $from:ident) => {
        impl Cast<bool> for $from {
            #[inline(always)]
            fn cast(self) -> bool {
                self != 0 as $from
            }
        }
        impl Cast<$from> for bool {
            #[inline(always)]
            fn cast(self) -> $from {
                u8::from(self) as $from
            }
        }
    };
}

/// `self as $to`, by way of `$by`, which has all of its values. The language's own cast is no vector: the compiler takes what is
/// out of range apart element by element.
macro_rules! cut {
    ($($from:ident),* => $to:tt) => { $(cut!(one $from => $to);)* };
    (one $from:ident => [$($to:ident by $by:ident),*]) => {$(
        impl Cast<$to> for $from {
            #[inline(always)]
            fn cast(self) -> $to {
                const LEAST: $from = $to::MIN as $from;
                const ROUNDED: $from = $to::MAX as $from;
                const EXACT: bool = ROUNDED as i128 == $to::MAX as i128;
                const MOST: $from = if EXACT { ROUNDED } else { ROUNDED.next_down() };
                let value = if self.is_nan() { 0.0 } else { self };
                let above = if value > LEAST { value } else { LEAST };
                let within = if above < MOST { above } else { MOST };
                // SAFETY: it is no NaN, and from the least to the greatest of `$to`, which `$by` has.
                let cut = unsafe { within.to_int_unchecked::<$by>() } as $to;
                if !EXACT && value > MOST { $to::MAX } else { cut }
            }
        }
    )*};
}

casts! { u8, i8, u16, i16, u32, i32, u64, i64 => [u8, i8, u16, i16, u32, i32, u64, i64, f32, f64] }
casts! { f32, f64 => [f32, f64] }
cut! { f32, f64 => [
    u8 by i32, i8 by i32, u16 by i32, i16 by i32, u32 by u32, i32 by i32, u64 by u64, i64 by i64
] }

/// Casts by way of `f32`.
macro_rules! halves {
    ($half:ident => [$($other:ident),*]) => {
        $(
            impl Cast<$other> for $half {
                #[inline(always)]
                fn cast(self) -> $other {
                    self.widened().cast()
                }
            }
        )*
        impl Cast<$half> for f64 {
            #[inline(always)]
            fn cast(self) -> $half {
                Half::nearest(odd(self))
            }
        }
        impl Cast<$half> for $half {
            #[inline(always)]
            fn cast(self) -> $half {
                self
            }
        }
        halves!(from $half [bool, u8, i8, u16, i16, u32, i32, u64, i64, f32]);
    };
    (from $half:ident [$($other:ident),*]) => {$(
        impl Cast<$half> for $other {
            #[inline(always)]
            fn cast(self) -> $half {
                Half::nearest(cast::<$other, f32>(self))
            }
        }
    )*};
}

halves! { f16 => [bool, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, bf16] }
halves! { bf16 => [bool, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, f16] }

impl Cast<bool> for bool {
    #[inline(always)]
    fn cast(self) -> bool {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_cut_as_the_language_cuts_them() {
        macro_rules! same {
            ($from:ident: $($to:ident)*) => {
                let powers = (0..70).map(|k| (2.0 as $from).powi(k)).chain([0.0, 0.5, 1e-30, 1e30, 3.7, 254.6]);
                for power in powers.flat_map(|x: $from| [x, x.next_down(), x.next_up(), x - 1.0, x + 1.0, x * 1.3]) {
                    for x in [power, -power, power + $from::INFINITY, -power - $from::INFINITY, $from::NAN, -$from::NAN] {
                        $(assert_eq!(cast::<$from, $to>(x), x as $to, "{x} as {}", stringify!($to));)*
                    }
                }
            };
        }
        same!(f32: u8 i8 u16 i16 u32 i32 u64 i64);
        same!(f64: u8 i8 u16 i16 u32 i32 u64 i64);
    }
}
