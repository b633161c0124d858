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
    ($($from:ident),* => $to:tt) => { $(casts!(one $from => $to);)* };
    (one $from:ident => [$($to:ident),*]) => {
        $(
            impl Cast<$to> for $from {
                #[inline(always)]
                fn cast(self) -> $to {
                    self as $to
                }
            }
        )*
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

casts! { u8, i8, u16, i16, u32, i32, u64, i64, f32, f64 => [u8, i8, u16, i16, u32, i32, u64, i64, f32, f64] }

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
