//! Elements of an `ndarray` view between which lie gaps.
//!
//! In: a view. Out: [`Apart`], where its elements begin. Always: the elements are borrowed, and nothing else: what lies in the
//! gaps may be another's to write, so no slice ever covers it. Next: [`super`], and [`crate::kernel`], where a row is a slice
//! of its own if its elements are neighbours.

use std::marker::PhantomData;

use ndarray::{ArrayBase, Dimension, RawData};

use crate::dtype::{DType, Element};
use crate::layout::Lent;

/// Where position 0 is of a layout whose elements, each by itself, are borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apart<'a> {
    start: *mut u8,
    pub(super) dtype: DType,
    borrow: PhantomData<&'a ()>,
}

// SAFETY: it stands for references to elements, which are `Send` and `Sync`.
unsafe impl Send for Apart<'_> {}
// SAFETY: as above.
unsafe impl Sync for Apart<'_> {}

impl<'a> Apart<'a> {
    /// The elements of an array at `first`, its element of all indices 0, and their layout. Whoever calls has borrowed them.
    pub(super) fn of<T: Element, A: RawData<Elem = T>, D: Dimension>(
        array: &'a ArrayBase<A, D>,
        first: *const T,
    ) -> (Apart<'a>, Lent<'a>) {
        let layout = Lent::of_array(array.shape(), array.strides());
        let start = first.wrapping_sub(layout.offset()).cast_mut().cast();
        (Apart { start, dtype: T::DTYPE, borrow: PhantomData }, layout)
    }

    /// The address of position 0.
    pub(super) fn address(&self) -> *mut u8 {
        self.start
    }
}
