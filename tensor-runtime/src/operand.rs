//! What a generated function takes: anything that borrows as an operand, and anything that it can write to.
//!
//! In: tensors, tensor views, `ndarray` arrays and views of any strides, by value or by reference.
//! Out: [`RawView`] and [`RawViewMut`], which the executor reads: element type, sizes, strides, and a slice that
//! covers all elements. Always: every position of the layout lies in the slice, so a kernel indexes it safely.
//! Next: [`crate::tensor`], [`crate::params`].
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

use std::sync::Arc;

use ndarray::{ArrayBase, ArrayView, ArrayViewMut, Data, DataMut, Dimension};

use crate::device::Device;
use crate::device::gpu::Block;
use crate::dims::{NdRank, Shape};
use crate::dtype::{AnyBuffer, AnySlice, AnySliceMut, DType, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::storage::{Buffer, Elements, ElementsMut};
use crate::tape::{self, Owner, Value};
use crate::tensor::{AnyTensor, Tensor};
use crate::view::{Source, TensorView, dense_slice, gather, row_major};

/// An operand of a generated function: `&Tensor`, a [`TensorView`], `&Array2`, `ArrayView2`…
///
/// Nothing is copied, but for one kind: an `ndarray` view with gaps between its elements, such as every other
/// column, is gathered in the call, for what lies in the gaps may be another's to write. Make such a view with
/// [`TensorView::slice`] or [`Tensor::slice`] and it is read where it lies.
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

/// The elements of an operand, of a type known at run time.
#[derive(Clone, Debug)]
pub struct RawView<'a> {
    data: RawData<'a>,
    layout: Layout,
    /// The tensor that these are the elements of, where there is one.
    owner: Option<&'a dyn Owner>,
    track: Option<&'a Arc<Value>>,
}

#[derive(Clone, Debug)]
enum RawData<'a> {
    Borrowed(AnySlice<'a>),
    Gathered(Arc<AnyBuffer>),
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
    pub fn new(data: AnySlice<'a>, layout: Layout) -> Result<RawView<'a>> {
        RawView::known(Elements::Host(data), &layout, None, None)
    }

    /// The same as an operand that the tape knows: as the tensor `owner`, or only as its value.
    pub(crate) fn known(
        elements: Elements<'a>,
        layout: &Layout,
        owner: Option<&'a dyn Owner>,
        track: Option<&'a Arc<Value>>,
    ) -> Result<RawView<'a>> {
        let range = layout.range();
        let (data, start) = match elements {
            Elements::Host(data) if range == (0..data.len()) => (RawData::Borrowed(data), 0),
            Elements::Host(data) => {
                let (start, len) = (range.start, data.len());
                let data = data.get(range).ok_or_else(|| outside(layout, len))?;
                (RawData::Borrowed(data), start)
            }
            Elements::Device(block, dtype) => {
                let len = block.room(dtype);
                if range.end > len {
                    return Err(outside(layout, len));
                }
                (RawData::Device(block, dtype), 0)
            }
        };
        Ok(RawView { data, layout: layout.from(start), owner, track })
    }

    /// The elements of `layout` in a slice of a known type.
    pub fn of_slice<T: Element>(data: &'a [T], layout: Layout) -> Result<RawView<'a>> {
        RawView::new(T::erase(data), layout)
    }

    /// A number that is passed by value, as an operand of no axes.
    pub fn scalar<T: Element>(value: &'a T) -> Result<RawView<'a>> {
        RawView::of_slice(std::slice::from_ref(value), Layout::contiguous(&[])?)
    }

    fn of_source<'b: 'a, T: Element>(source: &Source<'b, T>, track: Option<&'a Arc<Value>>) -> Result<RawView<'a>> {
        match source {
            Source::Slice(data, layout) => RawView::known(Elements::Host(T::erase(data)), layout, None, track),
            Source::Device(block, layout) => RawView::known(Elements::Device(block, T::DTYPE), layout, None, track),
            Source::Gaps(view) => Ok(RawView { track, ..RawView::gathered(view.view())? }),
        }
    }

    /// A copy of the elements.
    fn gathered<T: Element, D: Dimension>(view: ArrayView<'_, T, D>) -> Result<RawView<'a>> {
        let layout = Layout::contiguous(view.shape())?;
        let data = RawData::Gathered(Arc::new(T::erase_buffer(gather(view)?)));
        Ok(RawView { data, layout, owner: None, track: None })
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
            RawData::Borrowed(slice) => AnyTensor::copy_of(*slice, &self.layout)?,
            RawData::Gathered(buffer) => AnyTensor::copy_of(buffer.slice(), &self.layout)?,
            RawData::Device(block, dtype) => AnyTensor::on_device(*dtype, Arc::clone(block), self.layout),
        };
        copy.set_track(self.track.cloned());
        Ok(copy)
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        match &self.data {
            RawData::Borrowed(slice) => slice.dtype(),
            RawData::Gathered(buffer) => buffer.dtype(),
            RawData::Device(_, dtype) => *dtype,
        }
    }

    /// Where its elements are in [`slice`](Self::slice), or in its memory on a device.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The size of each axis.
    pub fn sizes(&self) -> &[usize] {
        self.layout.sizes()
    }

    /// The step of each axis, in elements.
    pub fn strides(&self) -> &[isize] {
        self.layout.strides()
    }

    /// Where its memory is.
    pub fn device(&self) -> Device {
        self.block().map_or(Device::Cpu, |block| Device::of(block.gpu()))
    }

    /// Its memory on a device, if it is on one.
    pub(crate) fn block(&self) -> Option<&'a Arc<Block>> {
        match self.data {
            RawData::Borrowed(_) | RawData::Gathered(_) => None,
            RawData::Device(block, _) => Some(block),
        }
    }

    /// From the lowest position of an element to the highest; `None` where it is not in host memory.
    pub fn slice(&self) -> Option<AnySlice<'_>> {
        match &self.data {
            RawData::Borrowed(slice) => Some(*slice),
            RawData::Gathered(buffer) => Some(buffer.slice()),
            RawData::Device(..) => None,
        }
    }

    /// The elements, if they are of type `T` and in host memory.
    pub fn typed<T: Element>(&self) -> Option<Typed<'_, T>> {
        let data = T::recover(self.slice()?)?;
        Some(Typed { data, offset: self.layout.offset(), sizes: self.layout.sizes(), strides: self.layout.strides() })
    }
}

fn outside(layout: &Layout, len: usize) -> Error {
    Error::layout("operand", format!("layout {layout:?} leaves a slice of {len} elements"))
}

/// The elements of a result to be written, of a type known at run time; each is at a position of its own.
#[derive(Debug)]
pub struct RawViewMut<'a> {
    data: RawDataMut<'a>,
    layout: Layout,
    /// The mark of the tensor that these are the elements of.
    track: Option<&'a mut Option<Arc<Value>>>,
}

#[derive(Debug)]
enum RawDataMut<'a> {
    Borrowed(AnySliceMut<'a>),
    Staged(Box<dyn Staging + 'a>),
    Device(&'a Arc<Block>, DType),
}

/// Memory that stands in for a target with gaps, and is copied to it when dropped.
trait Staging: Send + std::fmt::Debug {
    fn dtype(&self) -> DType;
    fn slice_mut(&mut self) -> AnySliceMut<'_>;
}

#[derive(Debug)]
struct Stage<'a, T: Element, D: Dimension> {
    buffer: Buffer<T>,
    target: ArrayViewMut<'a, T, D>,
}

impl<T: Element, D: Dimension> Staging for Stage<'_, T, D> {
    fn dtype(&self) -> DType {
        T::DTYPE
    }

    fn slice_mut(&mut self) -> AnySliceMut<'_> {
        T::erase_mut(&mut self.buffer)
    }
}

impl<T: Element, D: Dimension> Drop for Stage<'_, T, D> {
    fn drop(&mut self) {
        if let Ok(values) = row_major(self.target.raw_dim(), &mut self.buffer) {
            self.target.assign(&values);
        }
    }
}

/// The elements of a result to be written, of a known type; indexed as [`Typed`] is.
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
    pub fn new(data: AnySliceMut<'a>, layout: Layout) -> Result<RawViewMut<'a>> {
        layout.check_apart()?;
        RawViewMut::known(ElementsMut::Host(data), &layout, None)
    }

    /// The same of a tensor with this mark, whose layout names no position twice.
    pub(crate) fn known(
        elements: ElementsMut<'a>,
        layout: &Layout,
        track: Option<&'a mut Option<Arc<Value>>>,
    ) -> Result<RawViewMut<'a>> {
        let range = layout.range();
        let (data, start) = match elements {
            ElementsMut::Host(data) if range == (0..data.len()) => (RawDataMut::Borrowed(data), 0),
            ElementsMut::Host(data) => {
                let (start, len) = (range.start, data.len());
                let data = data.get(range).ok_or_else(|| outside(layout, len))?;
                (RawDataMut::Borrowed(data), start)
            }
            ElementsMut::Device(block, dtype) => {
                let len = block.room(dtype);
                if range.end > len {
                    return Err(outside(layout, len));
                }
                (RawDataMut::Device(block, dtype), 0)
            }
        };
        Ok(RawViewMut { data, layout: layout.from(start), track })
    }

    fn of_view<T: Element, D: Dimension + 'static>(view: ArrayViewMut<'a, T, D>) -> Result<RawViewMut<'a>> {
        if view.is_empty() {
            return RawViewMut::new(T::erase_mut(&mut []), Layout::contiguous(view.shape())?);
        }
        if view.as_slice_memory_order().is_some() {
            let layout = Layout::of_array(view.shape(), view.strides(), view.len());
            let data = view.into_slice_memory_order().unwrap_or_default();
            return Ok(RawViewMut { data: RawDataMut::Borrowed(T::erase_mut(data)), layout, track: None });
        }
        let layout = Layout::contiguous(view.shape())?;
        // Filled with the old values, for an error before the first write must leave the target as it was.
        let buffer = gather(view.view())?;
        let data = RawDataMut::Staged(Box::new(Stage { buffer, target: view }));
        Ok(RawViewMut { data, layout, track: None })
    }

    /// Is it a leaf's memory?
    pub(crate) fn is_leaf(&self) -> bool {
        self.track.as_deref().and_then(Option::as_ref).is_some_and(|value| value.is_leaf())
    }

    /// All elements were written, as the tape knows with `mark`. A leaf stays one.
    pub(crate) fn mark(&mut self, mark: Option<Arc<Value>>) {
        if let Some(track) = self.track.as_deref_mut().filter(|track| track.as_ref().is_none_or(|v| !v.is_leaf())) {
            *track = mark;
        }
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        match &self.data {
            RawDataMut::Borrowed(slice) => slice.dtype(),
            RawDataMut::Staged(stage) => stage.dtype(),
            RawDataMut::Device(_, dtype) => *dtype,
        }
    }

    /// Where its elements are in [`slice_mut`](Self::slice_mut), or in its memory on a device.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The size of each axis.
    pub fn sizes(&self) -> &[usize] {
        self.layout.sizes()
    }

    /// The step of each axis, in elements.
    pub fn strides(&self) -> &[isize] {
        self.layout.strides()
    }

    /// Where its memory is.
    pub fn device(&self) -> Device {
        match &self.data {
            RawDataMut::Borrowed(_) | RawDataMut::Staged(_) => Device::Cpu,
            RawDataMut::Device(block, _) => Device::of(block.gpu()),
        }
    }

    /// Its memory on a device, to be written to, if it is on one.
    pub(crate) fn block_mut(&mut self) -> Option<&'a Arc<Block>> {
        let RawDataMut::Device(block, _) = self.data else { return None };
        self.written();
        Some(block)
    }

    fn written(&mut self) {
        if let Some(track) = self.track.as_deref_mut() {
            tape::written(track);
        }
    }

    /// From the lowest position of an element to the highest; `None` where it is not in host memory.
    pub fn slice_mut(&mut self) -> Option<AnySliceMut<'_>> {
        self.written();
        match &mut self.data {
            RawDataMut::Borrowed(slice) => Some(slice.reborrow()),
            RawDataMut::Staged(stage) => Some(stage.slice_mut()),
            RawDataMut::Device(..) => None,
        }
    }

    /// The elements, if they are of type `T` and in host memory.
    pub fn typed<T: Element>(&mut self) -> Option<TypedMut<'_, T>> {
        self.written();
        let data = match &mut self.data {
            RawDataMut::Borrowed(slice) => slice.reborrow(),
            RawDataMut::Staged(stage) => stage.slice_mut(),
            RawDataMut::Device(..) => return None,
        };
        let data = T::recover_mut(data)?;
        Some(TypedMut {
            data,
            offset: self.layout.offset(),
            sizes: self.layout.sizes(),
            strides: self.layout.strides(),
        })
    }
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

    fn raw(&self) -> Result<RawView<'_>> {
        RawView::known(self.storage.elements(), &self.layout, Some(self), self.track.as_ref())
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
                let layout = Layout::of_array(self.shape(), self.strides(), data.len());
                Ok(RawView { data: RawData::Borrowed(T::erase(data)), layout, owner: None, track: None })
            }
            None => RawView::gathered(self.view()),
        }
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
        let unique = self.make_unique()?;
        RawViewMut::known(unique.elements, unique.layout, Some(unique.track))
    }
}

impl<T: Element, D: NdRank, A: DataMut<Elem = T>> OperandMut for ArrayBase<A, D> {
    type Elem = T;
    type Shape = D::Shape;

    fn raw_mut(&mut self) -> Result<RawViewMut<'_>> {
        RawViewMut::of_view(self.view_mut())
    }
}

#[cfg(test)]
mod tests;
