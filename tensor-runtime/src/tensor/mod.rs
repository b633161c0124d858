//! Tensors that own their memory, or share it.
//!
//! In: sizes, a `Vec`, a slice, an `ndarray` array. Out: [`Tensor`]: cheap to clone, viewed as an `ndarray`
//! without a copy, turned back into an owned one without a copy.
//! Always: clones and reshaped, permuted or sliced tensors share one buffer; nothing writes through a shared one:
//! what would, copies first. Next: [`crate::view`], [`crate::operand`].
//!
//! ```
//! use ndarray::array;
//! use ndfuse_runtime::Tensor;
//! let x = Tensor::from(array![[1.0f32, 2.0], [3.0, 4.0]]);      // takes the array's own memory
//! let t = x.transpose();                                         // shares it
//! assert_eq!(t.view()?, array![[1.0, 3.0], [2.0, 4.0]]);
//! drop(x);
//! let back = t.into_array()?;                                    // and gives it back
//! assert_eq!(back.strides(), [1, 2]);
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

mod any;
mod made;

pub use any::AnyTensor;
pub(crate) use any::Typed;
pub use made::Made;

use std::fmt;
use std::sync::Arc;

use ndarray::{Array, ArrayBase, ArrayView, ArrayViewMut, Data, Dimension, IxDyn};

use crate::device::{Device, transfer};
use crate::dims::{Dim, NdRank, Shape, Sizes};
use crate::dtype::{DType, Element, Number};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::storage::{Buffer, Shared, Storage};
use crate::tape::{self, Value};
use crate::view::{copied, fitted, gather, gather_vec, nd_shape, nd_view, nd_view_mut, owned};

/// An array of elements `T` and shape `S`, a tuple of [dimensions](crate::Dim).
pub struct Tensor<T: Element, S: Shape> {
    pub(crate) storage: Shared<Storage<T>>,
    pub(crate) layout: Layout,
    pub(crate) shape: S,
    /// What the tape knows of it.
    pub(crate) track: Option<Arc<Value>>,
}

impl<T: Element, S: Shape> Clone for Tensor<T, S> {
    fn clone(&self) -> Self {
        let (storage, track) = (self.storage.clone(), self.track.clone());
        Tensor { storage, layout: self.layout, shape: self.shape, track }
    }
}

impl<T: Element, S: Shape> Tensor<T, S> {
    /// All 0 (`false` for `bool`).
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::<f32, (usize, usize)>::zeros((2, 3))?;
    /// assert_eq!(x.to_vec()?, [0.0; 6]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn zeros(shape: S) -> Result<Self> {
        let layout = Layout::contiguous(&shape.sizes())?;
        Tensor::from_buffer(shape, Buffer::zeroed(layout.len())?)
    }

    /// All `value`.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// assert_eq!(Tensor::full((3,), 7i32)?.to_vec()?, [7, 7, 7]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn full(shape: S, value: T) -> Result<Self> {
        let layout = Layout::contiguous(&shape.sizes())?;
        let mut buffer = Buffer::uninit(layout.len())?;
        buffer.fill(value);
        Tensor::from_buffer(shape, buffer)
    }

    /// All 1.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// assert_eq!(Tensor::<f64, _>::ones((2,))?.to_vec()?, [1.0, 1.0]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn ones(shape: S) -> Result<Self>
    where
        T: Number,
    {
        Tensor::full(shape, T::ONE)
    }

    /// The elements of `vec` in row-major order, in its own memory.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::from_vec((2, 2), vec![1, 2, 3, 4])?;
    /// assert_eq!(x.view()?[[1, 0]], 3);
    /// assert!(Tensor::from_vec((2, 2), vec![1, 2, 3]).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn from_vec(shape: S, vec: Vec<T>) -> Result<Self> {
        check_count("from_vec", &shape.sizes(), vec.len())?;
        Tensor::from_buffer(shape, Buffer::from_vec(vec))
    }

    /// The elements of `slice` in row-major order, copied.
    pub fn from_slice(shape: S, slice: &[T]) -> Result<Self> {
        check_count("from_slice", &shape.sizes(), slice.len())?;
        let mut buffer = Buffer::uninit(slice.len())?;
        buffer.copy_from_slice(slice);
        Tensor::from_buffer(shape, buffer)
    }

    /// The elements of `buffer` in row-major order.
    pub fn from_buffer(shape: S, buffer: Buffer<T>) -> Result<Self> {
        check_count("from_buffer", &shape.sizes(), buffer.len())?;
        let layout = Layout::contiguous(&shape.sizes())?;
        Ok(Tensor { storage: Shared::new(Storage::host(buffer)), layout, shape, track: None })
    }

    /// An array whose number of axes is known only at run time, in its own memory.
    ///
    /// ```
    /// use ndarray::ArrayD;
    /// use ndfuse_runtime::{Const, Tensor};
    /// let a = ArrayD::<f32>::zeros(vec![2, 3]);
    /// let x = Tensor::<f32, (usize, Const<3>)>::from_dyn(a)?;
    /// assert_eq!(x.shape(), (2, Const));
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn from_dyn(array: Array<T, IxDyn>) -> Result<Self> {
        let shape = fitted("from_dyn", array.shape())?;
        let (storage, layout) = adopt(array);
        Ok(Tensor { storage, layout, shape, track: None })
    }

    /// The shape.
    pub fn shape(&self) -> S {
        self.shape
    }

    /// The sizes of the shape; derefs to a slice.
    pub fn dims(&self) -> Sizes {
        self.shape.sizes()
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        S::RANK
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        T::DTYPE
    }

    /// Where its memory is.
    pub fn device(&self) -> Device {
        self.storage.block().map_or(Device::Cpu, |block| Device::of(block.gpu()))
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Where its elements are in its buffer.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// An `ndarray` view of it, without a copy. An error where the tensor is not in host memory.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::from_vec((2, 2), vec![1.0f32, 2.0, 3.0, 4.0])?;
    /// assert_eq!(x.view()?.sum_axis(ndarray::Axis(0)), ndarray::array![4.0, 6.0]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn view(&self) -> Result<ArrayView<'_, T, S::NdDim>> {
        nd_view(self.storage.slice("view")?, &self.layout)
    }

    /// An `ndarray` view to write to. Where clones or views share the memory, the tensor gets its own copy first:
    /// nobody else sees the write.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let mut x = Tensor::from_vec((2,), vec![1, 2])?;
    /// let before = x.clone();
    /// x.view_mut()?[0] = 10;
    /// assert_eq!((x.to_vec()?, before.to_vec()?), (vec![10, 2], vec![1, 2]));
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn view_mut(&mut self) -> Result<ArrayViewMut<'_, T, S::NdDim>> {
        self.storage.slice("view_mut")?;
        self.make_unique()?;
        tape::written(&mut self.track);
        let storage = self.storage.get_mut().ok_or_else(not_alone)?;
        nd_view_mut(storage.slice_mut("view_mut")?, &self.layout)
    }

    /// Makes the tensor the sole owner of memory that can be written to; copies it first if anyone else could see the write.
    pub(crate) fn make_unique(&mut self) -> Result<()> {
        let shared = !self.storage.is_alone() || self.storage.block().is_some_and(|block| Arc::strong_count(block) > 1);
        if shared || !self.layout.is_injective() {
            self.storage = self.contiguous_storage()?;
            self.layout = Layout::contiguous(self.layout.sizes())?;
        }
        Ok(())
    }

    /// A copy of the elements in row-major order, where they are.
    fn contiguous_storage(&self) -> Result<Shared<Storage<T>>> {
        Ok(Shared::new(match self.storage.block() {
            Some(block) => Storage::device(transfer::contiguous(block, T::DTYPE, &self.layout)?),
            None => Storage::host(gather(self.view()?)?),
        }))
    }

    /// The array itself: without a copy where no clone or view shares the memory. A tensor that was made here begins with a
    /// cache line, so its array may begin some elements behind the beginning of its `Vec`, as
    /// [`Array::into_raw_vec_and_offset`] says. Only where such a tensor was sliced so that it has gaps, the elements may have
    /// to move, or to be copied; and a function's result of up to 32 elements is copied.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::<f32, (usize, usize)>::zeros((100, 100))?;
    /// let at = x.view()?.as_ptr();
    /// assert_eq!(x.into_array()?.as_ptr(), at);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn into_array(self) -> Result<Array<T, S::NdDim>> {
        match self.storage.try_unwrap() {
            Ok(storage) => owned(storage.into_buffer("into_array")?, &self.layout),
            Err(shared) => copied(nd_view(shared.slice("into_array")?, &self.layout)?),
        }
    }

    /// The elements in row-major order, copied. An error where memory for them cannot be had: a broadcast tensor may
    /// have any number of them.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        gather_vec(self.view()?)
    }

    /// The elements as a slice, where they lie in host memory, in row-major order without gaps.
    pub fn as_slice(&self) -> Option<&[T]> {
        let slice = self.storage.slice("as_slice").ok().filter(|_| self.layout.is_contiguous())?;
        slice.get(self.layout.range())
    }

    /// The same elements with sizes of another type: checks once what the type says.
    ///
    /// ```
    /// use ndfuse_runtime::{Const, Tensor};
    /// let x = Tensor::<f32, (usize, usize)>::zeros((32, 784))?;
    /// let fixed = x.fix::<(usize, Const<784>)>()?;
    /// let error = x.fix::<(usize, Const<10>)>().unwrap_err();
    /// assert_eq!(error.to_string(), "fix: axis 1 of shape [32, 784] is 784, but 10 is wanted");
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn fix<S2: Shape>(&self) -> Result<Tensor<T, S2>> {
        let (storage, shape) = (self.storage.clone(), fitted("fix", self.layout.sizes())?);
        Ok(Tensor { storage, layout: self.layout, shape, track: self.track.clone() })
    }

    /// The view whose layout `view` makes of the tensor's.
    fn viewed<S2: Shape>(
        &self,
        operation: &'static str,
        view: impl Fn(&Layout) -> Result<Layout>,
    ) -> Result<Tensor<T, S2>> {
        let layout = view(&self.layout)?;
        let shape = fitted(operation, layout.sizes())?;
        let track = tape::view(self.track.as_ref(), operation, self.layout.sizes(), view);
        Ok(Tensor { storage: self.storage.clone(), layout, shape, track })
    }

    /// The same elements in row-major order with other sizes. Shares the memory where strides can say it.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::from_vec((2, 3), vec![1, 2, 3, 4, 5, 6])?;
    /// assert_eq!(x.reshape((3, 2))?.view()?, ndarray::array![[1, 2], [3, 4], [5, 6]]);
    /// assert!(x.reshape((4, 2)).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn reshape<S2: Shape>(&self, shape: S2) -> Result<Tensor<T, S2>> {
        let (storage, layout) = match self.layout.reshape(&shape.sizes())? {
            Some(layout) => (self.storage.clone(), layout),
            None => (self.contiguous_storage()?, Layout::contiguous(&shape.sizes())?),
        };
        let view = |_: &Layout| Layout::contiguous(&shape.sizes());
        let track = tape::view(self.track.as_ref(), "reshape", self.layout.sizes(), view);
        Ok(Tensor { storage, layout, shape, track })
    }

    /// The axes in a new order: axis `i` of the result is axis `axes[i]` of this one. Shares the memory.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::<f32, (usize, usize, usize)>::zeros((2, 3, 4))?;
    /// assert_eq!(x.permute::<(usize, usize, usize)>(&[2, 0, 1])?.shape(), (4, 2, 3));
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn permute<S2: Shape>(&self, axes: &[usize]) -> Result<Tensor<T, S2>> {
        self.viewed("permute", |layout| layout.permute(axes))
    }

    /// NumPy's `start:stop:step` along one axis. Shares the memory.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::<i32, _>::arange(0, 10, 1)?;
    /// assert_eq!(x.slice::<(usize,)>(0, Some(-1), None, -4)?.to_vec()?, [9, 5, 1]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn slice<S2: Shape>(
        &self,
        axis: isize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<Tensor<T, S2>> {
        self.viewed("slice", |layout| layout.slice(axis, start, stop, step))
    }

    /// NumPy's broadcast to `shape`. Shares the memory.
    pub fn broadcast_to<S2: Shape>(&self, shape: S2) -> Result<Tensor<T, S2>> {
        self.viewed("broadcast_to", |layout| layout.broadcast(&shape.sizes()))
    }

    /// The tensor on another device; itself, without a copy, where it is there already. A gradient finds its way back.
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        if self.device() == *device {
            return Ok(self.clone());
        }
        let (storage, layout) = transfer::moved(&self.storage, &self.layout, device)?;
        let track = tape::moved(self.track.as_ref(), self.layout.sizes(), &self.device());
        Ok(Tensor { storage: Shared::new(storage), layout, shape: self.shape, track })
    }

    /// The tensor in host memory.
    pub fn to_host(&self) -> Result<Self> {
        self.to_device(&Device::Cpu)
    }
}

impl<T: Element> Tensor<T, ()> {
    /// A tensor of no axes.
    pub fn scalar(value: T) -> Self {
        let storage = Shared::new(Storage::host(Buffer::from_vec(vec![value])));
        Tensor { storage, layout: Layout::SCALAR, shape: (), track: None }
    }

    /// Its one element.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// assert_eq!(Tensor::scalar(2.5f32).item()?, 2.5);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn item(&self) -> Result<T> {
        Ok(*self.view()?.first().ok_or_else(|| Error::layout("item", "there is no element"))?)
    }
}

impl<T: Element, A: Dim, B: Dim> Tensor<T, (A, B)> {
    /// Rows as columns. Shares the memory.
    pub fn transpose(&self) -> Tensor<T, (B, A)> {
        let (rows, columns) = self.shape;
        let layout = self.layout.permute(&[1, 0]).unwrap_or(self.layout);
        let track = tape::view(self.track.as_ref(), "transpose", self.layout.sizes(), |rows| rows.permute(&[1, 0]));
        Tensor { storage: self.storage.clone(), layout, shape: (columns, rows), track }
    }

    /// Rows as columns, [`transpose`](Self::transpose) by its short name.
    pub fn t(&self) -> Tensor<T, (B, A)> {
        self.transpose()
    }
}

impl<T: Number> Tensor<T, (usize,)> {
    /// `start`, `start + step`, … before `stop`, as NumPy's.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// assert_eq!(Tensor::<i64, _>::arange(5, 0, -2)?.to_vec()?, [5, 3, 1]);
    /// assert_eq!(Tensor::<f32, _>::arange(0.0, 1.0, 0.25)?.to_vec()?, [0.0, 0.25, 0.5, 0.75]);
    /// assert!(Tensor::<f32, _>::arange(0.0, 1.0, 0.0).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn arange(start: T, stop: T, step: T) -> Result<Self> {
        let count = T::steps(start, stop, step).ok_or_else(|| {
            Error::layout("arange", format!("{start} to {stop} by {step} is not a finite number of steps"))
        })?;
        let mut buffer = Buffer::uninit(count)?;
        for (i, value) in buffer.iter_mut().enumerate() {
            *value = T::nth(start, step, i);
        }
        Tensor::from_buffer((count,), buffer)
    }
}

fn check_count(operation: &'static str, sizes: &[usize], given: usize) -> Result<()> {
    let wanted = Layout::contiguous(sizes)?.len();
    if wanted != given {
        let text = format!("shape {sizes:?} has {wanted} elements, but {given} were given");
        return Err(Error::shape(operation, sizes, None, text));
    }
    Ok(())
}

/// What cannot happen to a tensor that has just got its own memory.
pub(crate) fn not_alone() -> Error {
    Error::layout("view_mut", "the memory is shared")
}

/// The memory of an owned array, and where its elements are in it.
fn adopt<T: Element, D: Dimension>(array: Array<T, D>) -> (Shared<Storage<T>>, Layout) {
    let dim = array.raw_dim();
    let strides: Vec<isize> = array.strides().to_vec();
    let (vec, offset) = array.into_raw_vec_and_offset();
    let layout = Layout::strided(dim.slice(), &strides, offset.unwrap_or(0), vec.len())
        .expect("an ndarray of up to 8 axes lies within its own memory");
    (Shared::new(Storage::host(Buffer::from_vec(vec))), layout)
}

/// Takes the array's own memory, whatever its strides.
impl<T: Element, D: NdRank> From<Array<T, D>> for Tensor<T, D::Shape> {
    fn from(array: Array<T, D>) -> Self {
        let shape = nd_shape::<D>(array.shape());
        let (storage, layout) = adopt(array);
        Tensor { storage, layout, shape, track: None }
    }
}

/// The copy of an `ndarray` array on a device.
///
/// ```
/// use ndfuse_runtime::{Device, ToDevice};
/// let a = ndarray::array![[1.0f32, 2.0]];
/// let x = a.to_device(&Device::Cpu)?;
/// assert_eq!(x.shape(), (1, 2));
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
pub trait ToDevice {
    /// The type of the elements.
    type Elem: Element;
    /// The shape.
    type Shape: Shape;
    /// A tensor on `device` with these elements.
    fn to_device(&self, device: &Device) -> Result<Tensor<Self::Elem, Self::Shape>>;
}

impl<T: Element, D: NdRank, A: Data<Elem = T>> ToDevice for ArrayBase<A, D> {
    type Elem = T;
    type Shape = D::Shape;

    fn to_device(&self, device: &Device) -> Result<Tensor<T, D::Shape>> {
        Tensor::from_buffer(nd_shape::<D>(self.shape()), gather(self.view())?)?.to_device(device)
    }
}

/// The same shape and equal elements, of two tensors in host memory.
impl<T: Element, S: Shape> PartialEq for Tensor<T, S> {
    fn eq(&self, other: &Self) -> bool {
        matches!((self.view(), other.view()), (Ok(a), Ok(b)) if a == b)
    }
}

impl<T: Element, S: Shape> fmt::Debug for Tensor<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Tensor<{}, {:?}> on {}", T::DTYPE, self.dims(), self.device())?;
        fmt::Display::fmt(self, f)
    }
}

/// As `ndarray` prints it; `{:.3}` rounds.
impl<T: Element, S: Shape> fmt::Display for Tensor<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.view() {
            Ok(view) => fmt::Display::fmt(&view, f),
            Err(error) => fmt::Display::fmt(&error, f),
        }
    }
}

#[cfg(test)]
mod tests;
