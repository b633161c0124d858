//! Borrowed tensors, and the way between tensors and `ndarray` views.
//!
//! In: an `ndarray` view of any strides. Out: [`TensorView`], which borrows it; and back.
//! Always: a slice is made only of memory that wholly belongs to the view. A view with gaps in it (every other
//! column, say) shares its address range with elements that someone else may be writing to, so it is kept as
//! an `ndarray` view, of which only elements are read; a view with gaps made here, by [`TensorView::slice`], knows that
//! the whole range is borrowed.
//! Next: [`crate::operand`].

mod owned;

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayBase, ArrayView, ArrayViewMut, Axis, Data, Dimension, IxDyn, ShapeBuilder, Slice, StrideShape};

use crate::device::gpu::Block;
use crate::device::transfer;
use crate::dims::{MAX_RANK, NdRank, Shape, Sizes};
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::layout::{Layout, Lent};
use crate::storage::{Buffer, Shared, Storage};
use crate::tape::{self, Value};
use crate::tensor::Tensor;

pub(crate) use owned::{copied, owned};

/// A borrowed tensor.
///
/// ```
/// use ndarray::{array, s};
/// use ndfuse_runtime::TensorView;
/// let a = array![[1.0f32, 2.0], [3.0, 4.0]];
/// let view = TensorView::from(a.slice(s![.., ..;-1]));
/// assert_eq!(view.view()?, array![[2.0, 1.0], [4.0, 3.0]]);
/// assert_eq!(view.shape(), (2, 2));
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
#[derive(Clone)]
pub struct TensorView<'a, T: Element, S: Shape> {
    pub(crate) source: Source<'a, T>,
    shape: S,
    /// What the tape knows of it: what it knows of the tensor, if it is a tensor's.
    pub(crate) track: Option<Arc<Value>>,
}

/// What a view borrows.
#[derive(Clone)]
pub(crate) enum Source<'a, T: Element> {
    /// Elements of a slice that is borrowed as a whole.
    Slice(&'a [T], Layout),
    /// Elements on a device.
    Device(&'a Arc<Block>, Layout),
    /// Elements with gaps between them that may be another's.
    Gaps(ArrayView<'a, T, IxDyn>),
}

impl<'a, T: Element> Source<'a, T> {
    pub(crate) fn of<D: Dimension>(view: ArrayView<'a, T, D>) -> Source<'a, T> {
        match dense_slice(view.clone()) {
            Some(data) => Source::Slice(data, Lent::of_array(view.shape(), view.strides()).kept()),
            None => Source::Gaps(view.into_dyn()),
        }
    }

    fn sizes(&self) -> &[usize] {
        match self {
            Source::Slice(_, layout) | Source::Device(_, layout) => layout.sizes(),
            Source::Gaps(view) => view.shape(),
        }
    }

    /// The elements in row-major order, copied.
    pub(crate) fn gather(&self) -> Result<Buffer<T>> {
        match self {
            Source::Slice(data, layout) => gather(nd_view::<T, IxDyn>(data, layout)?),
            Source::Device(block, _) => Err(Error::device("gather", block.gpu().name(), "cpu", "to_host()")),
            Source::Gaps(view) => gather(view.view()),
        }
    }
}

/// The elements in row-major order, copied.
pub(crate) fn gather<T: Element, D: Dimension>(view: ArrayView<'_, T, D>) -> Result<Buffer<T>> {
    gather_to(Buffer::uninit(view.len())?, view)
}

/// The same as a `Vec`.
pub(crate) fn gather_vec<T: Element, D: Dimension>(view: ArrayView<'_, T, D>) -> Result<Vec<T>> {
    Ok(gather_to(Buffer::flush(view.len())?, view)?.into_vec())
}

fn gather_to<T: Element, D: Dimension>(mut buffer: Buffer<T>, view: ArrayView<'_, T, D>) -> Result<Buffer<T>> {
    if let Some(slice) = view.as_slice() {
        buffer.copy_from_slice(slice);
    } else {
        row_major(view.raw_dim(), &mut buffer)?.assign(&view);
    }
    Ok(buffer)
}

/// A row-major array over `data`.
pub(crate) fn row_major<T, D: Dimension>(dim: D, data: &mut [T]) -> Result<ArrayViewMut<'_, T, D>> {
    ArrayViewMut::from_shape(dim, data).map_err(|e| Error::layout("view", e.to_string()))
}

/// The memory of the view as one slice, if nothing else lies in it. Repeated axes (stride 0) count once.
pub(crate) fn dense_slice<'a, T, D: Dimension>(mut view: ArrayView<'a, T, D>) -> Option<&'a [T]> {
    if view.is_empty() {
        return Some(&[]);
    }
    for axis in 0..view.ndim() {
        if view.strides()[axis] == 0 {
            view.collapse_axis(Axis(axis), 0);
        }
    }
    view.to_slice_memory_order()
}

/// Strides without their signs, and the axes that had one: `ndarray` reverses axes after construction.
pub(crate) fn unsigned<D: Dimension>(layout: &Layout) -> Result<(StrideShape<D>, impl Iterator<Item = Axis> + use<D>)> {
    let rank = layout.rank();
    if D::NDIM.is_some_and(|n| n != rank) {
        let text = format!("shape {:?} has {rank} axes", layout.sizes());
        return Err(Error::shape("view", layout.sizes(), None, text));
    }
    let mut dim = D::zeros(rank);
    dim.slice_mut().copy_from_slice(layout.sizes());
    let mut strides = D::zeros(rank);
    let mut reversed = [false; MAX_RANK];
    for (axis, (&size, &stride)) in layout.sizes().iter().zip(layout.strides()).enumerate() {
        // Steps that are never made are 0: `ndarray` wants those of an empty array to stay in the memory too.
        let steps = size > 1 && !layout.is_empty();
        reversed[axis] = steps && stride < 0;
        strides[axis] = if steps { stride.unsigned_abs() } else { 0 };
    }
    Ok((dim.strides(strides), (0..rank).filter(move |&axis| reversed[axis]).map(Axis)))
}

/// An `ndarray` view of the elements of `layout` in `data`.
pub(crate) fn nd_view<'a, T, D: Dimension>(data: &'a [T], layout: &Layout) -> Result<ArrayView<'a, T, D>> {
    let (shape, reversed) = unsigned(layout)?;
    let data = data.get(layout.range()).ok_or_else(|| Error::layout("view", "the layout leaves its buffer"))?;
    let mut view = ArrayView::from_shape(shape, data).map_err(|e| Error::layout("view", e.to_string()))?;
    reversed.for_each(|axis| view.invert_axis(axis));
    Ok(view)
}

/// The same to write to; an error if two elements share a position.
pub(crate) fn nd_view_mut<'a, T, D: Dimension>(data: &'a mut [T], layout: &Layout) -> Result<ArrayViewMut<'a, T, D>> {
    let (shape, reversed) = unsigned(layout)?;
    let data = data.get_mut(layout.range()).ok_or_else(|| Error::layout("view", "the layout leaves its buffer"))?;
    let mut view = ArrayViewMut::from_shape(shape, data).map_err(|e| Error::layout("view_mut", e.to_string()))?;
    reversed.for_each(|axis| view.invert_axis(axis));
    Ok(view)
}

impl<'a, T: Element, S: Shape> TensorView<'a, T, S> {
    pub(crate) fn new(operation: &'static str, source: Source<'a, T>, track: Option<Arc<Value>>) -> Result<Self> {
        let shape = fitted(operation, source.sizes())?;
        Ok(TensorView { source, shape, track })
    }

    /// A view of an array whose number of axes is known only at run time.
    ///
    /// ```
    /// use ndarray::ArrayD;
    /// use ndfuse_runtime::TensorView;
    /// let a = ArrayD::<f32>::zeros(vec![2, 3]);
    /// assert!(TensorView::<f32, (usize, usize)>::from_dyn(a.view()).is_ok());
    /// assert!(TensorView::<f32, (usize,)>::from_dyn(a.view()).is_err());
    /// ```
    pub fn from_dyn(view: ArrayView<'a, T, IxDyn>) -> Result<Self> {
        fitted::<S>("from_dyn", view.shape())?;
        TensorView::new("from_dyn", Source::of(view), None)
    }

    /// The shape.
    pub fn shape(&self) -> S {
        self.shape
    }

    /// The sizes of the shape.
    pub fn dims(&self) -> Sizes {
        self.shape.sizes()
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.source.sizes().iter().product()
    }

    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.source.sizes().contains(&0)
    }

    /// The same as an `ndarray` view.
    pub fn view(&self) -> Result<ArrayView<'_, T, S::NdDim>> {
        match &self.source {
            Source::Slice(data, layout) => nd_view(data, layout),
            Source::Device(block, _) => Err(Error::device("view", block.gpu().name(), "cpu", "to_host()")),
            Source::Gaps(view) => view.view().into_dimensionality().map_err(|e| Error::layout("view", e.to_string())),
        }
    }

    /// NumPy's `start:stop:step` along one axis, still borrowed. `S2` is the shape type of the result.
    ///
    /// ```
    /// use ndarray::array;
    /// use ndfuse_runtime::TensorView;
    /// let a = array![[1, 2, 3], [4, 5, 6]];
    /// let ends = TensorView::from(&a).slice::<(usize, usize)>(1, None, None, 2)?;
    /// assert_eq!(ends.view()?, array![[1, 3], [4, 6]]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn slice<S2: Shape>(
        &self,
        axis: isize,
        start: Option<isize>,
        stop: Option<isize>,
        step: isize,
    ) -> Result<TensorView<'a, T, S2>> {
        let at = axis;
        let source = match &self.source {
            Source::Slice(data, layout) => Source::Slice(data, layout.slice(axis, start, stop, step)?),
            Source::Device(block, layout) => Source::Device(block, layout.slice(axis, start, stop, step)?),
            Source::Gaps(view) => {
                // The same rule, worked out on a layout of the same sizes.
                let plain = Layout::contiguous(view.shape())?;
                let wanted = plain.slice(axis, start, stop, step)?;
                let axis = Axis(if axis < 0 { axis + view.ndim() as isize } else { axis } as usize);
                let mut view = view.clone();
                let first = (wanted.offset() / plain.strides()[axis.0].max(1) as usize) as isize;
                let len = wanted.sizes()[axis.0] as isize;
                if len == 0 {
                    view.slice_axis_inplace(axis, Slice::new(0, Some(0), 1));
                } else if step > 0 {
                    let end = first + (len - 1) * step + 1;
                    view.slice_axis_inplace(axis, Slice::new(first, Some(end), if len > 1 { step } else { 1 }));
                } else {
                    let low = first + (len - 1) * step;
                    view.slice_axis_inplace(axis, Slice::new(low, Some(first + 1), if len > 1 { step } else { 1 }));
                }
                Source::of(view)
            }
        };
        let view = |layout: &Layout| layout.slice(at, start, stop, step);
        let track = tape::view(self.track.as_ref(), "slice", self.source.sizes(), view);
        TensorView::new("slice", source, track)
    }

    /// A tensor with its own copy of the elements.
    pub fn to_tensor(&self) -> Result<Tensor<T, S>> {
        let track = self.track.clone();
        if let Source::Device(block, layout) = &self.source {
            let storage = Shared::new(Storage::device(transfer::contiguous(block, T::DTYPE, layout)?));
            return Ok(Tensor { storage, layout: Layout::contiguous(layout.sizes())?, shape: self.shape, track });
        }
        Ok(Tensor { track, ..Tensor::from_buffer(self.shape, self.source.gather()?)? })
    }
}

/// The shape of type `S` with these sizes, or an error that names the first axis which does not fit.
pub(crate) fn fitted<S: Shape>(operation: &'static str, sizes: &[usize]) -> Result<S> {
    S::from_sizes(sizes).ok_or_else(|| unfit(operation, sizes, S::STATIC))
}

/// The error. Not generic: a crate of many parameters has as many types of shapes.
#[cold]
fn unfit(operation: &'static str, sizes: &[usize], wanted: &[Option<usize>]) -> Error {
    if sizes.len() != wanted.len() {
        let text = format!("shape {sizes:?} has {} axes, but {} are wanted", sizes.len(), wanted.len());
        return Error::shape(operation, sizes, None, text);
    }
    let bad = wanted.iter().zip(sizes).position(|(want, size)| want.is_some_and(|want| want != *size));
    let want = bad.and_then(|axis| wanted[axis]);
    let text = match (bad, want) {
        (Some(axis), Some(want)) => {
            format!("axis {axis} of shape {sizes:?} is {}, but {want} is wanted", sizes[axis])
        }
        _ => format!("shape {sizes:?} does not fit"),
    };
    Error::shape(operation, sizes, bad, text)
}

impl<'a, T: Element, D: NdRank> From<ArrayView<'a, T, D>> for TensorView<'a, T, D::Shape> {
    fn from(view: ArrayView<'a, T, D>) -> Self {
        let shape = nd_shape::<D>(view.shape());
        TensorView { source: Source::of(view), shape, track: None }
    }
}

impl<'a, T: Element, D: NdRank, A: Data<Elem = T>> From<&'a ArrayBase<A, D>> for TensorView<'a, T, D::Shape> {
    fn from(array: &'a ArrayBase<A, D>) -> Self {
        TensorView::from(array.view())
    }
}

impl<'a, T: Element, S: Shape> From<&'a Tensor<T, S>> for TensorView<'a, T, S> {
    fn from(tensor: &'a Tensor<T, S>) -> Self {
        let source = match tensor.storage.block() {
            Some(block) => Source::Device(block, tensor.layout),
            None => Source::Slice(tensor.storage.slice("view").unwrap_or_default(), tensor.layout),
        };
        TensorView { source, shape: tensor.shape, track: tensor.track.clone() }
    }
}

/// The shape of an array of that rank.
pub(crate) fn nd_shape<D: NdRank>(sizes: &[usize]) -> D::Shape {
    D::Shape::from_sizes(sizes).expect("a shape of run-time sizes takes any sizes of its rank")
}

impl<T: Element, S: Shape> fmt::Debug for TensorView<'_, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TensorView<{}, {:?}>", T::DTYPE, self.dims())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, ArrayD, Ix2, array, s};

    use super::*;

    fn counted() -> Array2<i32> {
        Array2::from_shape_fn((4, 6), |(i, j)| (10 * i + j) as i32)
    }

    #[test]
    fn views_of_any_strides_keep_their_elements() {
        let a = counted();
        let b = Array1::from(vec![1, 2, 3]);
        let backwards = b.slice(s![..;-1]);
        let views: Vec<ArrayView<'_, i32, Ix2>> = vec![
            a.view(),
            a.t(),
            a.slice(s![..;-1, ..]),
            a.slice(s![..;-1, ..;-1]),
            a.slice(s![1..3, ..]),
            a.slice(s![.., 1..;2]),
            a.slice(s![..;-2, ..;-3]),
            a.slice(s![.., 2..3]),
            a.slice(s![2..2, ..]),
            a.slice(s![.., 6..]),
            b.broadcast((5, 3)).unwrap(),
            backwards.broadcast((5, 3)).unwrap(),
            b.view().insert_axis(Axis(1)),
        ];
        for view in views {
            let ours = TensorView::from(view);
            assert_eq!(ours.view().unwrap(), view, "{:?}", view.strides());
            assert_eq!(ours.to_tensor().unwrap().to_vec().unwrap(), view.iter().copied().collect::<Vec<_>>());
            for (axis, start, stop, step) in
                [(0, None, None, -1), (1, Some(1), None, 2), (-1, Some(-1), Some(-3), -1), (0, Some(3), Some(1), 1)]
            {
                let Ok(part) = ours.slice::<(usize, usize)>(axis, start, stop, step) else { panic!() };
                let at = Axis(axis.rem_euclid(2) as usize);
                let kept: Vec<usize> = positions(view.len_of(at), start, stop, step);
                assert_eq!(part.view().unwrap(), view.select(at, &kept), "{axis} {start:?}:{stop:?}:{step}");
            }
        }
    }

    fn positions(n: usize, start: Option<isize>, stop: Option<isize>, step: isize) -> Vec<usize> {
        let layout = Layout::contiguous(&[n]).unwrap().slice(0, start, stop, step).unwrap();
        (0..layout.sizes()[0] as isize).map(|i| (layout.offset() as isize + i * layout.strides()[0]) as usize).collect()
    }

    #[test]
    fn only_whole_memory_becomes_a_slice() {
        let mut a = counted();
        let (left, mut right) = a.view_mut().split_at(Axis(1), 3);
        let ours = TensorView::from(left.view());
        assert!(matches!(ours.source, Source::Gaps(_)), "its rows lie between rows that `right` writes to");
        right.fill(-1);
        assert_eq!(ours.view().unwrap(), array![[0, 1, 2], [10, 11, 12], [20, 21, 22], [30, 31, 32]]);
        let a = counted();
        let ours = TensorView::from(&a).slice::<(usize, usize)>(1, Some(0), Some(3), 1).unwrap();
        assert!(matches!(ours.source, Source::Slice(..)), "the whole array is borrowed");
    }

    #[test]
    fn a_dynamic_rank_is_checked() {
        let a = ArrayD::<f32>::zeros(vec![2, 1, 1, 1, 1, 1, 3]);
        type S7 = (usize, usize, usize, usize, usize, usize, usize);
        assert!(TensorView::<f32, S7>::from_dyn(a.view()).is_ok());
        let error = TensorView::<f32, (usize,)>::from_dyn(a.view()).unwrap_err().to_string();
        assert!(error.contains("has 7 axes, but 1 are wanted"), "{error}");
        let a = ArrayD::<f32>::zeros(vec![1; 9]);
        assert!(TensorView::<f32, S7>::from_dyn(a.view()).is_err());
    }

    #[test]
    fn layouts_that_a_view_cannot_have_are_errors() {
        let repeated = Layout::contiguous(&[1]).unwrap().broadcast(&[3]).unwrap();
        let long = Layout::contiguous(&[3]).unwrap();
        assert!(nd_view::<u8, ndarray::Ix2>(&[1, 2, 3], &long).is_err());
        assert!(nd_view::<u8, ndarray::Ix1>(&[1], &long).is_err());
        assert!(nd_view_mut::<u8, ndarray::Ix1>(&mut [1], &repeated).is_err());
    }
}
