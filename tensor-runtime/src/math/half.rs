//! Floats of 16 bits as `f32`, and back.
//!
//! In: an `f16`, a `bf16`, or what shall be one. Out: the same value as an `f32`; the nearest
//! half, of two the even one. Always: integer operations without branches, which LLVM turns into vectors for any
//! instruction set; infinities, zeros of both signs and subnormal numbers are kept, and a NaN stays one.
//! Next: [`crate::cast`].

use half::{bf16, f16};

use crate::dtype::Element;
use crate::isa::{self, Level};

/// A float of 16 bits.
pub(crate) trait Half: Element {
    /// The value.
    fn widened(self) -> f32;
    /// The nearest half.
    fn nearest(x: f32) -> Self;
}

impl Half for f16 {
    #[inline(always)]
    fn widened(self) -> f32 {
        let bits = u32::from(self.to_bits());
        // The exponent is moved by a multiplication, which makes subnormal numbers normal.
        let moved = (f32::from_bits((bits & 0x7fff) << 13) * f32::from_bits(0x7780_0000)).to_bits();
        let infinite = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
        f32::from_bits(moved | infinite | (bits & 0x8000) << 16)
    }

    #[inline(always)]
    fn nearest(x: f32) -> f16 {
        let bits = x.to_bits();
        let (sign, size) = (bits >> 16 & 0x8000, bits & 0x7fff_ffff);
        // Beside 0.5 a float has no more digits than a subnormal number here.
        let small = (f32::from_bits(size) + 0.5).to_bits().wrapping_sub(0x3f00_0000);
        let normal = size.wrapping_sub(0x3800_0000).wrapping_add(0xfff + (size >> 13 & 1)) >> 13;
        let finite = if size < 0x3880_0000 { small } else { normal };
        let number = if size < 0x4780_0000 { finite } else { 0x7c00 };
        let number = if size > 0x7f80_0000 { 0x7e00 } else { number };
        f16::from_bits((sign | number) as u16)
    }
}

impl Half for bf16 {
    #[inline(always)]
    fn widened(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }

    #[inline(always)]
    fn nearest(x: f32) -> bf16 {
        let bits = x.to_bits();
        let number = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        let nan = bits >> 16 | 0x40;
        bf16::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { nan } else { number } as u16)
    }
}

/// A double as an `f32` that can be rounded again: where it lies between two, the odd one.
#[inline(always)]
pub(crate) fn odd(x: f64) -> f32 {
    let near = x as f32;
    let back = f64::from(near);
    let bits = near.to_bits() - u32::from(back.abs() > x.abs());
    f32::from_bits(bits | u32::from(back != x))
}

/// Compiles a loop for each instruction set.
macro_rules! cloned {
    ($(#[$meta:meta])* $name:ident($from:ty, $to:ty): $body:ident) => {
        $(#[$meta])*
        pub(crate) fn $name<H: Half>(from: &[$from], to: &mut [$to]) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            fn avx2<H: Half>(from: &[$from], to: &mut [$to]) {
                $body::<H>(from, to);
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
            fn avx512<H: Half>(from: &[$from], to: &mut [$to]) {
                $body::<H>(from, to);
            }
            match isa::active() {
                Level::Base => $body::<H>(from, to),
                // SAFETY: the machine has the active set.
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => unsafe { avx2::<H>(from, to) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => unsafe { avx512::<H>(from, to) },
                #[cfg(target_arch = "aarch64")]
                Level::Neon => $body::<H>(from, to),
            }
        }
    };
}

cloned! {
    /// Each element's value.
    widen(H, f32): widen_each
}
cloned! {
    /// The nearest half to each.
    narrow(f32, H): narrow_each
}

#[inline(always)]
fn widen_each<H: Half>(from: &[H], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from.widened());
}

#[inline(always)]
fn narrow_each<H: Half>(from: &[f32], to: &mut [H]) {
    to.iter_mut().zip(from).for_each(|(to, &from)| *to = H::nearest(from));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value that the bits say: sign, exponent, fraction.
    fn value(bits: u16, fraction: u32) -> f64 {
        let exponents = 15 - fraction;
        let least = 2 - (1 << (exponents - 1));
        let exponent = i32::from(bits >> fraction) & ((1 << exponents) - 1);
        let part = f64::from(bits & ((1 << fraction) - 1)) / f64::from(1 << fraction);
        let size = match exponent {
            0 => part * 2f64.powi(least),
            _ if exponent == (1 << exponents) - 1 => {
                if part == 0.0 {
                    f64::INFINITY
                } else {
                    f64::NAN
                }
            }
            _ => (1.0 + part) * 2f64.powi(exponent - 1 + least),
        };
        if bits >> 15 == 1 { -size } else { size }
    }

    fn check<H: Half>(fraction: u32, bits: fn(H) -> u16, of_bits: fn(u16) -> H) {
        let mut below: Option<f64> = None;
        for pattern in 0..=u16::MAX {
            let (half, want) = (of_bits(pattern), value(pattern, fraction));
            let wide = half.widened();
            if want.is_nan() {
                assert!(wide.is_nan(), "{pattern:#x}");
                let back = bits(H::nearest(wide));
                assert!(value(back, fraction).is_nan(), "{pattern:#x} {back:#x}");
                below = None;
                continue;
            }
            assert_eq!(f64::from(wide).to_bits(), want.to_bits(), "{pattern:#x}");
            assert_eq!(bits(H::nearest(wide)), pattern);
            assert_eq!(bits(H::nearest(odd(want))), pattern);
            let Some(low) = below.replace(want).filter(|_| want != 0.0) else { continue };
            let before = pattern - 1;
            // Between the greatest number and infinity lies the number that would come next.
            let high = if want.is_infinite() { 2.0 * low - value(before - 1, fraction) } else { want };
            let middle = (low + high) / 2.0;
            let even = if before % 2 == 0 { before } else { pattern };
            assert_eq!(bits(H::nearest(odd(middle))), even, "{middle}");
            let towards = |to: f64| bits(H::nearest(odd(middle + (to - middle) * 1e-9)));
            assert_eq!((towards(low), towards(high)), (before, pattern), "{middle}");
            // The same where an `f32` holds it.
            let single = middle as f32;
            if f64::from(single) == middle {
                let (down, up) = (f32::from_bits(single.to_bits() - 1), f32::from_bits(single.to_bits() + 1));
                assert_eq!(bits(H::nearest(single)), even, "{middle}");
                assert_eq!((bits(H::nearest(down)), bits(H::nearest(up))), (before, pattern), "{middle}");
            }
        }
    }

    #[test]
    fn every_f16_and_the_ties_between() {
        check::<f16>(10, f16::to_bits, f16::from_bits);
        assert_eq!(f16::nearest(65519.996).to_bits(), 0x7bff);
        assert_eq!(f16::nearest(65520.0).to_bits(), 0x7c00);
        assert_eq!(f16::nearest(-1e30).to_bits(), 0xfc00);
    }

    #[test]
    fn every_bf16_and_the_ties_between() {
        check::<bf16>(7, bf16::to_bits, bf16::from_bits);
        assert_eq!(bf16::nearest(f32::MAX).to_bits(), 0x7f80);
    }

    #[test]
    fn a_double_is_rounded_once() {
        // By way of the nearest `f32`, 1 + 2⁻¹¹, this would be the even neighbour, 1.
        let x = 1.0 + 2f64.powi(-11) + 2f64.powi(-40);
        assert_eq!((f16::nearest(x as f32).to_f64(), f16::nearest(odd(x)).to_f64()), (1.0, 1.0 + 2f64.powi(-10)));
        for x in [f64::MAX, f64::INFINITY, 1e300] {
            assert_eq!((bf16::nearest(odd(x)), bf16::nearest(odd(-x))), (bf16::INFINITY, bf16::NEG_INFINITY));
        }
        assert!(odd(f64::NAN).is_nan() && odd(5e-324) > 0.0 && odd(-5e-324) < 0.0 && odd(-0.0).is_sign_negative());
    }

    #[test]
    fn slices_are_as_their_elements() {
        let every: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
        let mut wide = vec![0.0; every.len()];
        widen(&every, &mut wide);
        assert!(every.iter().zip(&wide).all(|(h, w)| h.widened().to_bits() == w.to_bits()));
        let mut back = vec![f16::ZERO; every.len()];
        narrow(&wide, &mut back);
        assert!(wide.iter().zip(&back).all(|(w, h)| f16::nearest(*w).to_bits() == h.to_bits()));
    }
}
