//! What a generated function writes to.
//!
//! In: tensors, `ndarray` arrays and views of any strides. Out: [`RawViewMut`]. Always: every position of the layout lies in
//! the memory, and no two elements share one. Next: [`super`].

use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

use ndarray::{ArrayBase, DataMut};

use super::apart::Apart;
use super::outside;
use crate::device::Device;
use crate::device::gpu::Block;
use crate::dims::{NdRank, Shape};
use crate::dtype::{AnySliceMut, DType, Element};
use crate::error::Result;
use crate::layout::{Layout, Lent};
use crate::storage::{ElementsMut, Storage};
use crate::tape::{self, Value};
use crate::tensor::{Tensor, not_alone};

/// Memory that a generated function's `into` writes to: `&mut Tensor`, `&mut Array2`, `ArrayViewMut2`…
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot take the result of a tensor function",
    label = "not a tensor that can be written to",
    note = "pass a `&mut Tensor`, a `&mut` array of `ndarray`, or an `ArrayViewMut`"
)]
pub trait OperandMut {
    /// The type of its elements.
    type Elem: Element;
    /// Its shape's type.
    type Shape: Shape;
    /// What the executor writes to. Every element must be written: the old values are not to be relied on.
    fn raw_mut(&mut self) -> Result<RawViewMut<'_>>;
}

/// The elements of a result to be written, of a type known at run time; each is at a position of its own.
#[derive(Debug)]
pub struct RawViewMut<'a> {
    data: RawDataMut<'a>,
    layout: Lent<'a>,
    /// The mark of the tensor that these are the elements of.
    track: Option<&'a mut Option<Arc<Value>>>,
}

#[derive(Debug)]
enum RawDataMut<'a> {
    Borrowed(AnySliceMut<'a>),
    /// The layout lies in the memory of an array that is borrowed to be written to.
    Apart(Apart<'a>),
    Device(&'a Arc<Block>, DType),
}

/// The elements of a result to be written, of a known type; indexed as [`Typed`](super::Typed) is.
#[derive(Debug)]
pub struct TypedMut<'a, T> {
    /// From the lowest position of an element to the highest.
    pub data: &'a mut [T],
    /// Where the element of all indices 0 is in `data`.
    pub offset: usize,
    /// The size of each axis.
    pub sizes: &'a [usize],
    /// The step of each axis, in elements.
    pub strides: &'a [isize],
}

impl<'a> RawViewMut<'a> {
    /// The elements of `layout` in host memory `data`; an error if it leaves the slice or names a position twice.
    pub fn new(data: AnySliceMut<'a>, layout: &'a Layout) -> Result<RawViewMut<'a>> {
        layout.check_apart()?;
        let raw = RawViewMut::known(ElementsMut::Host(data), layout, None);
        raw.check()?;
        Ok(raw)
    }

    /// The same of a tensor with this mark, whose layout lies in its memory and names no position twice.
    #[inline]
    pub(crate) fn known(
        elements: ElementsMut<'a>,
        layout: &'a Layout,
        track: Option<&'a mut Option<Arc<Value>>>,
    ) -> RawViewMut<'a> {
        let data = match elements {
            ElementsMut::Host(data) => RawDataMut::Borrowed(data),
            ElementsMut::Device(block, dtype) => RawDataMut::Device(block, dtype),
        };
        RawViewMut { data, layout: layout.lend(), track }
    }

    /// An error where the layout leaves the memory.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        let len = match &self.data {
            RawDataMut::Borrowed(slice) => slice.len(),
            RawDataMut::Apart(_) => return Ok(()),
            RawDataMut::Device(block, dtype) => block.room(*dtype),
        };
        if self.layout.end() > len { Err(outside(self.layout, len)) } else { Ok(()) }
    }

    /// The layout, borrowed.
    #[inline]
    pub(crate) fn lend(&self) -> Lent<'a> {
        self.layout
    }

    /// Is it a leaf's memory?
    pub(crate) fn is_leaf(&self) -> bool {
        self.track.as_deref().and_then(Option::as_ref).is_some_and(|value| value.is_leaf())
    }

    /// All elements were written, as the tape knows with `mark`. A leaf stays one.
    #[inline]
    pub(crate) fn mark(&mut self, mark: Option<Arc<Value>>) {
        if let Some(track) = self.track.as_deref_mut().filter(|track| track.as_ref().is_none_or(|v| !v.is_leaf())) {
            *track = mark;
        }
    }

    /// The type of its elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        match &self.data {
            RawDataMut::Borrowed(slice) => slice.dtype(),
            RawDataMut::Apart(apart) => apart.dtype,
            RawDataMut::Device(_, dtype) => *dtype,
        }
    }

    /// Where its elements are in [`slice_mut`](Self::slice_mut), or in its memory on a device.
    pub fn layout(&self) -> Layout {
        self.lend().kept()
    }

    /// The size of each axis.
    pub fn sizes(&self) -> &[usize] {
        self.lend().sizes()
    }

    /// The step of each axis, in elements.
    pub fn strides(&self) -> &[isize] {
        self.lend().strides()
    }

    /// Where its memory is.
    pub fn device(&self) -> Device {
        match &self.data {
            RawDataMut::Borrowed(_) | RawDataMut::Apart(_) => Device::Cpu,
            RawDataMut::Device(block, _) => Device::of(block.gpu()),
        }
    }

    /// Its memory on a device, to be written to, if it is on one.
    pub(crate) fn block_mut(&mut self) -> Option<&'a Arc<Block>> {
        let RawDataMut::Device(block, _) = self.data else { return None };
        self.written();
        Some(block)
    }

    #[inline]
    fn written(&mut self) {
        if let Some(track) = self.track.as_deref_mut() {
            tape::written(track);
        }
    }

    /// What the layout's positions count; `None` where it is not in host memory, or has gaps that may be another's.
    #[inline]
    pub fn slice_mut(&mut self) -> Option<AnySliceMut<'_>> {
        self.written();
        match &mut self.data {
            RawDataMut::Borrowed(slice) => Some(slice.reborrow()),
            RawDataMut::Apart(_) | RawDataMut::Device(..) => None,
        }
    }

    /// Where position 0 of the layout is, in host memory. The elements at its positions may be read and written, by nobody else,
    /// while it is borrowed.
    #[inline]
    pub(crate) fn start(&mut self) -> Option<*mut u8> {
        self.written();
        match &mut self.data {
            RawDataMut::Borrowed(slice) => Some(slice.address()),
            RawDataMut::Apart(apart) => Some(apart.address()),
            RawDataMut::Device(..) => None,
        }
    }

    /// The elements, if they are of type `T` and all in a [`slice`](Self::slice_mut).
    pub fn typed<T: Element>(&mut self) -> Option<TypedMut<'_, T>> {
        let (range, layout) = (self.layout.range(), self.layout);
        let layout = layout.from(range.start);
        let data = T::recover_mut(self.slice_mut()?)?.get_mut(range)?;
        Some(TypedMut { data, offset: layout.offset(), sizes: layout.sizes(), strides: layout.strides() })
    }
}

impl<O: OperandMut + ?Sized> OperandMut for &mut O {
    type Elem = O::Elem;
    type Shape = O::Shape;

    fn raw_mut(&mut self) -> Result<RawViewMut<'_>> {
        (**self).raw_mut()
    }
}

/// A tensor whose memory is shared gets its own first: a write is never seen through another tensor.
impl<T: Element, S: Shape> OperandMut for Tensor<T, S> {
    type Elem = T;
    type Shape = S;

    fn raw_mut(&mut self) -> Result<RawViewMut<'_>> {
        self.make_unique()?;
        // Sole owner: either it was, for a single reference has nobody to clone it, or the storage is new.
        let elements = self.storage.get_mut().and_then(Storage::unique).ok_or_else(not_alone)?;
        Ok(RawViewMut::known(elements, &self.layout, Some(&mut self.track)))
    }
}

impl<T: Element, D: NdRank, A: DataMut<Elem = T>> OperandMut for ArrayBase<A, D> {
    type Elem = T;
    type Shape = D::Shape;

    fn raw_mut(&mut self) -> Result<RawViewMut<'_>> {
        let dense = self.as_slice_memory_order_mut().map(|data| (data.as_mut_ptr(), data.len()));
        let Some((start, len)) = dense.or_else(|| self.is_empty().then_some((NonNull::dangling().as_ptr(), 0))) else {
            let first = self.as_mut_ptr();
            let (apart, layout) = Apart::of(self, first);
            return Ok(RawViewMut { data: RawDataMut::Apart(apart), layout, track: None });
        };
        // SAFETY: the slice that the array itself gave a moment ago, or one of no elements. What this function answers
        // borrows the array for as long; of the array itself only its shape is read meanwhile, which is none of the elements.
        let data = unsafe { slice::from_raw_parts_mut(start, len) };
        let layout = Lent::of_array(self.shape(), self.strides());
        Ok(RawViewMut { data: RawDataMut::Borrowed(T::erase_mut(data)), layout, track: None })
    }
}
