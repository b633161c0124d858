//! What a generated function takes: anything that borrows as an operand, and anything that it can write to.
//!
//! In: tensors, tensor views, `ndarray` arrays and views of any strides, by value or by reference.
//! Out: [`RawView`] and [`RawViewMut`], which the executor reads: element type, sizes, strides, and where the elements are.
//! Always: every position of the layout is an element that is borrowed; in a slice of them all, unless there are gaps that may
//! be another's.
//! Next: [`target`], [`crate::tensor`], [`crate::params`].
//!
//! ```
//! use ndarray::{array, s};
//! use ndfuse_runtime::Operand;
//! let a = array![1.0f32, 2.0, 3.0];
//! let reversed = a.slice(s![..;-1]);
//! let raw = reversed.raw()?;
//! let x = raw.typed::<f32>().unwrap();
//! assert_eq!((x.data, x.offset, x.strides), (&[1.0, 2.0, 3.0][..], 2, &[-1][..]));
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

mod apart;
mod target;

use std::slice;
use std::sync::Arc;

use ndarray::{ArrayBase, Data, Dimension};

use crate::device::Device;
use crate::device::gpu::Block;
use crate::dims::{NdRank, Shape};
use crate::dtype::{AnyBuffer, AnySlice, DType, Element};
use crate::error::{Error, Result};
use crate::exec::in_order;
use crate::kept::Kept;
use crate::layout::{Layout, Lent};
use crate::storage::Elements;
use crate::tape::{Owner, Value};
use crate::tensor::{AnyTensor, Tensor};
use crate::view::{Source, TensorView, dense_slice};

use apart::Apart;
pub use target::{OperandMut, RawViewMut, TypedMut};

/// An operand of a generated function: `&Tensor`, a [`TensorView`], `&Array2`, `ArrayView2`…
///
/// Nothing is copied, and of a view with gaps between its elements, such as every other column, the gaps are not read: they may
/// be another's to write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an operand of a tensor function",
    label = "not a tensor",
    note = "an operand is a `&Tensor`, a `TensorView`, or an `ndarray` array or view of up to 6 axes",
    note = "`Tensor::from_vec(shape, vec)?` makes a tensor of a `Vec`"
)]
pub trait Operand {
    /// The type of its elements.
    type Elem: Element;
    /// Its shape's type.
    type Shape: Shape;
    /// What the executor reads.
    fn raw(&self) -> Result<RawView<'_>>;
}

/// The elements of an operand, of a type known at run time.
#[derive(Clone, Debug)]
pub struct RawView<'a> {
    data: RawData<'a>,
    layout: Lent<'a>,
    /// The tensor that these are the elements of, where there is one.
    owner: Option<&'a dyn Owner>,
    track: Option<&'a Arc<Value>>,
}

#[derive(Clone, Debug)]
enum RawData<'a> {
    Borrowed(AnySlice<'a>),
    /// The layout lies in the memory of an array.
    Apart(Apart<'a>),
    Device(&'a Arc<Block>, DType),
}

/// The elements of an operand, of a known type.
///
/// Element `i, j…` is `data[offset + i * strides[0] + j * strides[1]…]`.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a, T> {
    /// From the lowest position of an element to the highest.
    pub data: &'a [T],
    /// Where the element of all indices 0 is in `data`.
    pub offset: usize,
    /// The size of each axis.
    pub sizes: &'a [usize],
    /// The step of each axis, in elements; 0 repeats, a negative one goes back.
    pub strides: &'a [isize],
}

impl<'a> RawView<'a> {
    /// The elements of `layout` in host memory `data`; an error if it leaves the slice.
    pub fn new(data: AnySlice<'a>, layout: &'a Layout) -> Result<RawView<'a>> {
        let raw = RawView::known(Elements::Host(data), layout, None, None);
        raw.check()?;
        Ok(raw)
    }

    /// Elements that the layout lies in, as an operand that the tape knows: as the tensor `owner`, or only as its value.
    #[inline]
    pub(crate) fn known(
        elements: Elements<'a>,
        layout: &'a Layout,
        owner: Option<&'a dyn Owner>,
        track: Option<&'a Arc<Value>>,
    ) -> RawView<'a> {
        let data = match elements {
            Elements::Host(data) => RawData::Borrowed(data),
            Elements::Device(block, dtype) => RawData::Device(block, dtype),
        };
        RawView { data, layout: layout.lend(), owner, track }
    }

    /// An error where the layout leaves the memory.
    #[inline]
    pub(crate) fn check(&self) -> Result<()> {
        let len = match &self.data {
            RawData::Borrowed(slice) => slice.len(),
            RawData::Apart(_) => return Ok(()),
            RawData::Device(block, dtype) => block.room(*dtype),
        };
        if self.layout.end() > len { Err(outside(self.layout, len)) } else { Ok(()) }
    }

    /// The elements of `layout` in a slice of a known type.
    pub fn of_slice<T: Element>(data: &'a [T], layout: &'a Layout) -> Result<RawView<'a>> {
        RawView::new(T::erase(data), layout)
    }

    /// A number that is passed by value, as an operand of no axes.
    #[inline]
    pub fn scalar<T: Element>(value: &'a T) -> Result<RawView<'a>> {
        let (data, layout) = (RawData::Borrowed(T::erase(slice::from_ref(value))), Layout::SCALAR.lend());
        Ok(RawView { data, layout, owner: None, track: None })
    }

    fn of_source<'b: 'a, T: Element>(source: &'a Source<'b, T>, track: Option<&'a Arc<Value>>) -> Result<RawView<'a>> {
        match source {
            Source::Slice(data, layout) => Ok(RawView::known(Elements::Host(T::erase(data)), layout, None, track)),
            Source::Device(block, layout) => Ok(RawView::known(Elements::Device(block, T::DTYPE), layout, None, track)),
            Source::Gaps(view) => Ok(RawView { track, ..RawView::apart(view) }),
        }
    }

    /// The elements of an array with gaps.
    fn apart<T: Element, D: Dimension>(array: &'a ArrayBase<impl Data<Elem = T>, D>) -> RawView<'a> {
        let (apart, layout) = Apart::of(array, array.as_ptr());
        RawView { data: RawData::Apart(apart), layout, owner: None, track: None }
    }

    /// The layout, borrowed.
    #[inline]
    pub(crate) fn lend(&self) -> Lent<'a> {
        self.layout
    }

    /// Of a tensor's elements what is kept of the memory that [`slice`](Self::slice) is; of others nothing is, for their
    /// owner may write to them unseen.
    pub(crate) fn kept(&self) -> Option<&'a Kept> {
        self.owner?.kept()
    }

    /// What the tape knows of the operand.
    pub(crate) fn track(&self) -> Option<&'a Arc<Value>> {
        self.track
    }

    /// A tensor of these elements: the operand's own where it is one, else a copy.
    pub(crate) fn keep(&self) -> Result<AnyTensor> {
        if let Some(owner) = self.owner {
            return Ok(owner.keep());
        }
        let mut copy = match &self.data {
            RawData::Borrowed(slice) => AnyTensor::copy_of(*slice, &self.layout())?,
            RawData::Apart(apart) => AnyTensor::new(self.copied(apart)?, Layout::contiguous(self.sizes())?)?,
            RawData::Device(block, dtype) => AnyTensor::on_device(*dtype, Arc::clone(block), self.layout()),
        };
        copy.set_track(self.track.cloned());
        Ok(copy)
    }

    fn copied(&self, apart: &Apart<'_>) -> Result<AnyBuffer> {
        let mut copy = AnyBuffer::uninit(apart.dtype, self.layout.len())?;
        // SAFETY: the elements of the layout are borrowed; the copy has as many, and is apart from them.
        unsafe { in_order(apart.dtype.bytes(), apart.address(), self.layout, copy.slice_mut().address()) };
        Ok(copy)
    }

    /// The type of its elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        match &self.data {
            RawData::Borrowed(slice) => slice.dtype(),
            RawData::Apart(apart) => apart.dtype,
            RawData::Device(_, dtype) => *dtype,
        }
    }

    /// Where its elements are in [`slice`](Self::slice), or in its memory on a device.
    pub fn layout(&self) -> Layout {
        self.lend().kept()
    }

    /// The size of each axis.
    #[inline]
    pub fn sizes(&self) -> &[usize] {
        self.lend().sizes()
    }

    /// The step of each axis, in elements.
    pub fn strides(&self) -> &[isize] {
        self.lend().strides()
    }

    /// Where its memory is.
    pub fn device(&self) -> Device {
        self.block().map_or(Device::Cpu, |block| Device::of(block.gpu()))
    }

    /// Its memory on a device, if it is on one.
    #[inline]
    pub(crate) fn block(&self) -> Option<&'a Arc<Block>> {
        match self.data {
            RawData::Borrowed(_) | RawData::Apart(_) => None,
            RawData::Device(block, _) => Some(block),
        }
    }

    /// What the layout's positions count; `None` where it is not in host memory, or has gaps that may be another's.
    #[inline]
    pub fn slice(&self) -> Option<AnySlice<'a>> {
        match &self.data {
            RawData::Borrowed(slice) => Some(*slice),
            RawData::Apart(_) | RawData::Device(..) => None,
        }
    }

    /// Where position 0 of the layout is, in host memory. The elements at its positions may be read while it is borrowed.
    #[inline]
    pub(crate) fn start(&self) -> Option<*mut u8> {
        match &self.data {
            RawData::Borrowed(slice) => Some(slice.address()),
            RawData::Apart(apart) => Some(apart.address()),
            RawData::Device(..) => None,
        }
    }

    /// The elements, if they are of type `T` and all in a [`slice`](Self::slice).
    pub fn typed<T: Element>(&self) -> Option<Typed<'_, T>> {
        let range = self.lend().range();
        let layout = self.lend().from(range.start);
        let data = T::recover(self.slice()?)?.get(range)?;
        Some(Typed { data, offset: layout.offset(), sizes: layout.sizes(), strides: layout.strides() })
    }
}

#[cold]
fn outside(layout: Lent<'_>, len: usize) -> Error {
    Error::layout("operand", format!("layout {:?} leaves a slice of {len} elements", layout.kept()))
}

impl<O: Operand + ?Sized> Operand for &O {
    type Elem = O::Elem;
    type Shape = O::Shape;

    fn raw(&self) -> Result<RawView<'_>> {
        (**self).raw()
    }
}

impl<T: Element, S: Shape> Operand for Tensor<T, S> {
    type Elem = T;
    type Shape = S;

    #[inline]
    fn raw(&self) -> Result<RawView<'_>> {
        Ok(RawView::known(self.storage.elements(), &self.layout, Some(self), self.track.as_ref()))
    }
}

impl<T: Element, S: Shape> Operand for TensorView<'_, T, S> {
    type Elem = T;
    type Shape = S;

    fn raw(&self) -> Result<RawView<'_>> {
        RawView::of_source(&self.source, self.track.as_ref())
    }
}

impl<T: Element, D: NdRank, A: Data<Elem = T>> Operand for ArrayBase<A, D> {
    type Elem = T;
    type Shape = D::Shape;

    fn raw(&self) -> Result<RawView<'_>> {
        match dense_slice(self.view()) {
            Some(data) => {
                let layout = Lent::of_array(self.shape(), self.strides());
                Ok(RawView { data: RawData::Borrowed(T::erase(data)), layout, owner: None, track: None })
            }
            None => Ok(RawView::apart(self)),
        }
    }
}

#[cfg(test)]
mod tests;
