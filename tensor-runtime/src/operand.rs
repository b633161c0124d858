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

use ndarray::{ArrayBase, ArrayViewMut, Data, DataMut, Dimension};

use crate::device::Device;
use crate::dims::{NdRank, Shape};
use crate::dtype::{AnyBuffer, AnySlice, AnySliceMut, DType, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::storage::Buffer;
use crate::tensor::Tensor;
use crate::view::{Source, TensorView, gather, nd_layout, row_major};

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
    device: Device,
}

#[derive(Clone, Debug)]
enum RawData<'a> {
    Borrowed(AnySlice<'a>),
    Gathered(Arc<AnyBuffer>),
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
        let data = data.get(layout.range()).ok_or_else(|| outside(&layout, data.len()))?;
        Ok(RawView { data: RawData::Borrowed(data), layout: layout.rebased(), device: Device::Cpu })
    }

    /// The elements of `layout` in a slice of a known type.
    pub fn of_slice<T: Element>(data: &'a [T], layout: Layout) -> Result<RawView<'a>> {
        RawView::new(T::erase(data), layout)
    }

    /// A number that is passed by value, as an operand of no axes.
    pub fn scalar<T: Element>(value: &'a T) -> Result<RawView<'a>> {
        RawView::of_slice(std::slice::from_ref(value), Layout::contiguous(&[])?)
    }

    fn of_source<T: Element>(source: &Source<'a, T>) -> Result<RawView<'a>> {
        match source {
            Source::Slice(data, layout) => RawView::of_slice(data, *layout),
            Source::Gaps(view) => {
                let layout = Layout::contiguous(view.shape())?;
                let data = RawData::Gathered(Arc::new(T::erase_buffer(gather(view.view())?)));
                Ok(RawView { data, layout, device: Device::Cpu })
            }
        }
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.slice().dtype()
    }

    /// Where its elements are in [`slice`](Self::slice).
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
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// From the lowest position of an element to the highest.
    pub fn slice(&self) -> AnySlice<'_> {
        match &self.data {
            RawData::Borrowed(slice) => *slice,
            RawData::Gathered(buffer) => buffer.slice(),
        }
    }

    /// The elements, if they are of type `T`.
    pub fn typed<T: Element>(&self) -> Option<Typed<'_, T>> {
        let data = T::recover(self.slice())?;
        Some(Typed { data, offset: self.layout.offset(), sizes: self.layout.sizes(), strides: self.layout.strides() })
    }
}

fn outside(layout: &Layout, len: usize) -> Error {
    Error::layout("operand", format!("layout {layout:?} leaves a slice of {len} elements"))
}

/// The elements of a result to be written, of a type known at run time.
#[derive(Debug)]
pub struct RawViewMut<'a> {
    data: RawDataMut<'a>,
    layout: Layout,
    device: Device,
}

#[derive(Debug)]
enum RawDataMut<'a> {
    Borrowed(AnySliceMut<'a>),
    Staged(Box<dyn Staging + 'a>),
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
        let len = data.len();
        if !layout.is_injective() {
            let text = format!("two elements of {layout:?} share a position, so it cannot be written to");
            return Err(Error::layout("operand", text));
        }
        let data = data.get(layout.range()).ok_or_else(|| outside(&layout, len))?;
        Ok(RawViewMut { data: RawDataMut::Borrowed(data), layout: layout.rebased(), device: Device::Cpu })
    }

    fn of_view<T: Element, D: Dimension + 'static>(view: ArrayViewMut<'a, T, D>) -> Result<RawViewMut<'a>> {
        if view.is_empty() {
            return RawViewMut::new(T::erase_mut(&mut []), Layout::contiguous(view.shape())?);
        }
        if view.as_slice_memory_order().is_some() {
            let layout = nd_layout(view.shape(), view.strides(), view.len());
            let data = view.into_slice_memory_order().unwrap_or_default();
            return RawViewMut::new(T::erase_mut(data), layout);
        }
        let layout = Layout::contiguous(view.shape())?;
        // Filled with the old values, for an error before the first write must leave the target as it was.
        let buffer = gather(view.view())?;
        let data = RawDataMut::Staged(Box::new(Stage { buffer, target: view }));
        Ok(RawViewMut { data, layout, device: Device::Cpu })
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        match &self.data {
            RawDataMut::Borrowed(slice) => slice.dtype(),
            RawDataMut::Staged(stage) => stage.dtype(),
        }
    }

    /// Where its elements are in [`slice_mut`](Self::slice_mut).
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
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// From the lowest position of an element to the highest.
    pub fn slice_mut(&mut self) -> AnySliceMut<'_> {
        match &mut self.data {
            RawDataMut::Borrowed(slice) => slice.reborrow(),
            RawDataMut::Staged(stage) => stage.slice_mut(),
        }
    }

    /// The elements, if they are of type `T`.
    pub fn typed<T: Element>(&mut self) -> Option<TypedMut<'_, T>> {
        let data = match &mut self.data {
            RawDataMut::Borrowed(slice) => slice.reborrow(),
            RawDataMut::Staged(stage) => stage.slice_mut(),
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
        RawView::of_slice(self.storage.as_slice(), self.layout)
    }
}

impl<T: Element, S: Shape> Operand for TensorView<'_, T, S> {
    type Elem = T;
    type Shape = S;

    fn raw(&self) -> Result<RawView<'_>> {
        RawView::of_source(&self.source)
    }
}

impl<T: Element, D: NdRank, A: Data<Elem = T>> Operand for ArrayBase<A, D> {
    type Elem = T;
    type Shape = D::Shape;

    fn raw(&self) -> Result<RawView<'_>> {
        RawView::of_source(&Source::of(self.view()))
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
        let (data, layout) = self.make_unique()?;
        RawViewMut::new(T::erase_mut(data), layout)
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
mod tests {
    use ndarray::{Array0, Array1, Array2, ArrayView2, Axis, CowArray, array, s};

    use super::*;
    use crate::dims::Const;

    /// The elements through the raw view, in row-major order.
    fn read<O: Operand>(operand: O) -> Vec<O::Elem> {
        let raw = operand.raw().unwrap();
        let x = raw.typed::<O::Elem>().unwrap();
        let mut at = vec![x.offset as isize];
        for (&size, &stride) in x.sizes.iter().zip(x.strides) {
            at = at.iter().flat_map(|&p| (0..size as isize).map(move |i| p + i * stride)).collect();
        }
        at.into_iter().map(|p| x.data[usize::try_from(p).unwrap()]).collect()
    }

    /// Writes 0, 1, 2… in row-major order through the raw view.
    fn count(mut operand: impl OperandMut<Elem = i32>) {
        let mut raw = operand.raw_mut().unwrap();
        let x = raw.typed::<i32>().unwrap();
        let mut at = vec![x.offset as isize];
        for (&size, &stride) in x.sizes.iter().zip(x.strides) {
            at = at.iter().flat_map(|&p| (0..size as isize).map(move |i| p + i * stride)).collect();
        }
        for (value, position) in at.into_iter().enumerate() {
            x.data[usize::try_from(position).unwrap()] = value as i32;
        }
    }

    #[test]
    fn everything_that_borrows_is_an_operand() {
        let a = array![[1, 2, 3], [4, 5, 6]];
        let all = [1, 2, 3, 4, 5, 6];
        let t = Tensor::from(a.clone());
        assert_eq!(read(&t), all);
        assert_eq!(read(t.clone()), all);
        assert_eq!(read(&&t), all);
        assert_eq!(read(TensorView::from(&t)), all);
        assert_eq!(read(TensorView::from(a.view())), all);
        assert_eq!(read(&a), all);
        assert_eq!(read(a.view()), all);
        assert_eq!(read(&a.view()), all);
        assert_eq!(read(CowArray::from(a.view())), all);
        assert_eq!(read(a.to_shared()), all);
        assert_eq!(read(&Array0::from_elem((), 9)), [9]);
        assert_eq!(read(Tensor::scalar(9)), [9]);
        assert_eq!(read(t.fix::<(usize, Const<3>)>().unwrap()), all);
    }

    #[test]
    fn strides_of_all_kinds_are_read_where_they_lie() {
        let a = Array2::from_shape_fn((4, 6), |(i, j)| (10 * i + j) as i32);
        let row = array![1, 2, 3];
        let borrowed: [(ArrayView2<'_, i32>, bool); 9] = [
            (a.t(), true),
            (a.slice(s![..;-1, ..]), true),
            (a.slice(s![..;-1, ..;-1]), true),
            (a.slice(s![1..3, ..]), true),
            (a.slice(s![2..3, ..;-1]), true),
            (row.broadcast((4, 3)).unwrap(), true),
            (a.slice(s![2..2, ..]), true),
            (a.slice(s![.., ..;2]), false),
            (a.slice(s![.., 1..4]), false),
        ];
        for (view, in_place) in borrowed {
            assert_eq!(read(view), view.iter().copied().collect::<Vec<_>>());
            let raw = view.raw().unwrap();
            let at = raw.typed::<i32>().unwrap();
            if !view.is_empty() {
                assert_eq!(std::ptr::eq(&at.data[at.offset], &view[[0, 0]]), in_place, "{:?}", view.strides());
            }
            assert!(raw.typed::<f32>().is_none());
        }
    }

    #[test]
    fn results_are_written_into_memory_of_any_strides() {
        let wanted: Vec<i32> = (0..24).collect();
        let mut t = Tensor::<i32, (usize, usize)>::zeros((4, 6)).unwrap();
        count(&mut t);
        assert_eq!(t.to_vec().unwrap(), wanted);
        let mut a = Array2::<i32>::zeros((4, 6));
        count(&mut a);
        assert_eq!(a.iter().copied().collect::<Vec<_>>(), wanted);
        let mut a = Array2::<i32>::zeros((8, 18));
        count(a.slice_mut(s![..;-2, 1..;3]));
        assert_eq!(a.slice(s![..;-2, 1..;3]).iter().copied().collect::<Vec<_>>(), wanted);
        assert_eq!(a.iter().filter(|&&v| v != 0).count(), 23, "nothing between was touched");
        let mut a = Array2::<i32>::zeros((6, 4));
        count(a.view_mut().reversed_axes());
        assert_eq!(a.t().iter().copied().collect::<Vec<_>>(), wanted);
        count(&mut Array1::<i32>::zeros(0));
        count(Array2::<i32>::zeros((3, 0)).view_mut());
    }

    #[test]
    fn halves_are_written_at_the_same_time() {
        let mut a = Array2::<i32>::zeros((100, 10));
        let (left, right) = a.view_mut().split_at(Axis(1), 5);
        std::thread::scope(|scope| {
            scope.spawn(|| count(left));
            scope.spawn(|| count(right));
        });
        assert!(a.rows().into_iter().enumerate().all(|(i, row)| row[0] == 5 * i as i32 && row[5] == 5 * i as i32));
    }

    #[test]
    fn an_unwritten_target_with_gaps_stays_as_it_was() {
        let mut a = array![[1, 2], [3, 4]];
        drop(a.slice_mut(s![.., ..1]).raw_mut().unwrap());
        assert_eq!(a, array![[1, 2], [3, 4]]);
    }

    #[test]
    fn no_write_is_seen_through_another_tensor() {
        let mut t = Tensor::<i32, (usize,)>::zeros((4,)).unwrap();
        let other = t.clone();
        count(&mut t);
        assert_eq!((t.to_vec().unwrap(), other.to_vec().unwrap()), (vec![0, 1, 2, 3], vec![0; 4]));
        let mut repeated = Tensor::scalar(5).broadcast_to((3,)).unwrap();
        count(&mut repeated);
        assert_eq!(repeated.to_vec().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn layouts_are_checked_against_their_slice() {
        let layout = Layout::contiguous(&[2, 3]).unwrap();
        assert!(RawView::of_slice(&[0u8; 5], layout).is_err());
        assert!(RawViewMut::new(AnySliceMut::U8(&mut [0; 5]), layout).is_err());
        let repeated = Layout::SCALAR.broadcast(&[2]).unwrap();
        assert!(RawView::of_slice(&[0u8], repeated).is_ok());
        assert!(RawViewMut::new(AnySliceMut::U8(&mut [0]), repeated).is_err());
    }
}
