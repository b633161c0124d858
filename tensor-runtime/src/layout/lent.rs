//! A layout whose sizes and strides another keeps.
//!
//! In: a [`Layout`], or what an `ndarray` says of itself. Out: [`Lent`], a few words that are passed on where a layout would
//! have to be copied. Always: what holds of a [`Layout`] holds of it. Next: [`crate::operand`].

use std::ops::Range;

use super::Layout;
use crate::dims::MAX_RANK;

/// Sizes, strides and an offset, as [`Layout`] has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lent<'a> {
    sizes: &'a [usize],
    strides: &'a [isize],
    offset: usize,
}

impl<'a> Lent<'a> {
    /// Parts that make a layout, for the caller knows it.
    #[inline]
    pub(super) fn new(sizes: &'a [usize], strides: &'a [isize], offset: usize) -> Lent<'a> {
        debug_assert!(sizes.len() == strides.len() && sizes.len() <= MAX_RANK);
        Lent { sizes, strides, offset }
    }

    /// That of an `ndarray` of up to [`MAX_RANK`] axes whose lowest address is position 0 of its elements.
    #[inline]
    pub(crate) fn of_array(sizes: &'a [usize], strides: &'a [isize]) -> Lent<'a> {
        let reversed = sizes.iter().zip(strides).filter(|(size, stride)| **size > 1 && **stride < 0);
        let offset = if sizes.contains(&0) {
            0
        } else {
            reversed.map(|(size, stride)| (size - 1) * stride.unsigned_abs()).sum()
        };
        Lent::new(sizes, strides, offset)
    }

    /// A layout of its own.
    pub(crate) fn kept(self) -> Layout {
        Layout::known(self.sizes, self.strides, self.offset)
    }

    #[inline]
    pub(crate) fn rank(&self) -> usize {
        self.sizes.len()
    }

    #[inline]
    pub(crate) fn sizes(&self) -> &'a [usize] {
        self.sizes
    }

    #[inline]
    pub(crate) fn strides(&self) -> &'a [isize] {
        self.strides
    }

    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.sizes.iter().product()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.sizes.contains(&0)
    }

    #[inline]
    pub(crate) fn range(&self) -> Range<usize> {
        // Nothing overflows: every constructor has computed it.
        let (mut low, mut high) = (self.offset as isize, self.offset as isize);
        for (&size, &stride) in self.sizes.iter().zip(self.strides) {
            if size == 0 {
                return self.offset..self.offset;
            }
            let reach = (size as isize - 1).wrapping_mul(stride);
            low = low.wrapping_add(reach.min(0));
            high = high.wrapping_add(reach.max(0));
        }
        low as usize..high as usize + 1
    }

    /// The end of [`range`](Self::range).
    #[inline]
    pub(crate) fn end(&self) -> usize {
        let mut high = self.offset as isize;
        for (&size, &stride) in self.sizes.iter().zip(self.strides) {
            if size == 0 {
                return self.offset;
            }
            high = high.wrapping_add((size as isize - 1).wrapping_mul(stride).max(0));
        }
        high as usize + 1
    }

    #[inline]
    pub(crate) fn is_contiguous(&self) -> bool {
        let mut wanted = 1isize;
        for (&size, &stride) in self.sizes.iter().zip(self.strides).rev() {
            if size != 1 && stride != wanted {
                return self.is_empty();
            }
            // Sizes of an empty array may be beyond what any stride is.
            wanted = wanted.wrapping_mul(size as isize);
        }
        true
    }

    /// The layout of the same axes, once everything before position `start`, which no element is at, is dropped.
    #[inline]
    pub(crate) fn from(self, start: usize) -> Lent<'a> {
        Lent { offset: self.offset - start, ..self }
    }
}
