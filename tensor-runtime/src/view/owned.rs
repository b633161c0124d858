//! Owned `ndarray` arrays over the memory of a tensor.
//!
//! In: a buffer, and where in it the elements are. Out: an array in the same memory, which begins where the buffer's does: its
//! elements may be some way behind that, as [`Array::into_raw_vec_and_offset`] tells. Always: `ndarray` makes such an array by
//! safe ways alone, and there are few; where none leads to a layout, the elements move. Next: [`super`].

use ndarray::{Array, Array1, ArrayView, Axis, Dimension, IxDyn, Slice};

use super::{gather_vec, nd_view, unsigned};
use crate::dims::MAX_RANK;
use crate::dtype::Element;
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::storage::Buffer;

/// The array of the elements of `layout` in `buffer`, in its memory: where they are, if they lie densely, or in such a way that
/// an array can; else from its beginning on, if an array can do that; copied where it cannot.
pub(crate) fn owned<T: Element, D: Dimension>(buffer: Buffer<T>, layout: &Layout) -> Result<Array<T, D>> {
    let (vec, start) = buffer.into_vec_and_start();
    over(vec, start, layout)
        .or_else(|mut vec| {
            vec.drain(..start.min(vec.len()));
            over(vec, 0, layout)
        })
        .or_else(|vec| copied(nd_view(&vec, layout)?))
}

/// The array of the elements of a view, copied.
pub(crate) fn copied<T: Element, D: Dimension>(view: ArrayView<'_, T, D>) -> Result<Array<T, D>> {
    let dim = view.raw_dim();
    Array::from_shape_vec(dim, gather_vec(view)?).map_err(|e| Error::layout("into_array", e.to_string()))
}

/// An array over the memory of `vec`, without a copy, whose position 0 is `start` elements into it; `None` where `ndarray`
/// cannot hold that layout.
fn over<T, D: Dimension>(vec: Vec<T>, start: usize, layout: &Layout) -> Result<Array<T, D>, Vec<T>> {
    let range = layout.range();
    if !D::NDIM.is_none_or(|n| n == layout.rank()) || range.end > vec.len().saturating_sub(start) {
        return Err(vec);
    }
    let array = if layout.is_dense() { dense(vec, start, layout)? } else { cut(vec, start, layout)? };
    let mut array = array.into_dimensionality::<D>().map_err(|_| Vec::new())?;
    for (axis, (&size, &stride)) in layout.sizes().iter().zip(layout.strides()).enumerate() {
        if size > 1 && stride < 0 && !layout.is_empty() {
            array.invert_axis(Axis(axis));
        }
    }
    Ok(array)
}

/// That of elements without gaps, in any order of the axes, all steps forward: a part of the memory under another shape.
fn dense<T>(vec: Vec<T>, start: usize, layout: &Layout) -> Result<Array<T, IxDyn>, Vec<T>> {
    let mut order: Vec<usize> = (0..layout.rank()).collect();
    order.sort_by_key(|&axis| std::cmp::Reverse(layout.strides()[axis].unsigned_abs()));
    let mut places = vec![0; layout.rank()];
    order.iter().enumerate().for_each(|(place, &axis)| places[axis] = place);
    let sizes: Vec<usize> = order.iter().map(|&axis| layout.sizes()[axis]).collect();
    let range = layout.range();
    let mut all = Array1::from_vec(vec);
    all.slice_axis_inplace(Axis(0), Slice::from(start + range.start..start + range.end));
    let array = all.into_shape_with_order(IxDyn(&sizes)).map_err(|_| Vec::new())?;
    Ok(array.permuted_axes(places))
}

/// That of any elements, all steps forward.
///
/// `ndarray` gives steps to an owned array only from the start of its memory. One that begins later is built as the larger
/// array that its elements are a part of, and sliced: each axis is extended to the front by as many of its steps as
/// the distance has, longest stride first, and what remains becomes an axis of its own.
fn cut<T>(vec: Vec<T>, start: usize, layout: &Layout) -> Result<Array<T, IxDyn>, Vec<T>> {
    let Some((outer, starts)) = outer_layout(layout, start + layout.range().start) else { return Err(vec) };
    let Ok((shape, _)) = unsigned::<IxDyn>(&outer) else { return Err(vec) };
    if !outer.is_injective() || outer.range().end > vec.len() {
        return Err(vec);
    }
    let Ok(mut array) = Array::from_shape_vec(shape, vec) else { return Err(Vec::new()) };
    for (axis, &start) in starts.iter().enumerate().take(outer.rank()) {
        array.slice_axis_inplace(Axis(axis), Slice::from(start..));
    }
    Ok(if outer.rank() > layout.rank() { array.index_axis_move(Axis(0), 0) } else { array })
}

/// The layout from position 0 with unsigned strides of which `layout`, `distance` above it, is a part, and where
/// that part starts on each axis; a remaining distance is one more axis in front.
fn outer_layout(layout: &Layout, distance: usize) -> Option<(Layout, [usize; MAX_RANK])> {
    let mut sizes = [0; MAX_RANK];
    let mut strides = [0isize; MAX_RANK];
    let mut starts = [0; MAX_RANK];
    let mut rank = layout.rank();
    sizes[..rank].copy_from_slice(layout.sizes());
    let mut order: Vec<usize> = (0..rank).filter(|&axis| sizes[axis] > 1).collect();
    for axis in 0..rank {
        strides[axis] = if sizes[axis] > 1 { layout.strides()[axis].checked_abs()? } else { 1 };
    }
    order.sort_by_key(|&axis| std::cmp::Reverse(strides[axis]));
    let mut rest = distance;
    for axis in order.into_iter().filter(|_| !layout.is_empty()) {
        let stride = usize::try_from(strides[axis]).ok().filter(|&s| s > 0)?;
        starts[axis] = rest / stride;
        sizes[axis] = sizes[axis].checked_add(starts[axis])?;
        rest %= stride;
    }
    if rest > 0 && !layout.is_empty() {
        if rank == MAX_RANK {
            return None;
        }
        sizes.copy_within(..rank, 1);
        strides.copy_within(..rank, 1);
        starts.copy_within(..rank, 1);
        (sizes[0], strides[0], starts[0]) = (2, isize::try_from(rest).ok()?, 1);
        rank += 1;
    }
    Some((Layout::strided(&sizes[..rank], &strides[..rank], 0, usize::MAX >> 1).ok()?, starts))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array3, Ix1, Ix2, Ix3};

    use super::*;

    /// Every layout that slicing, reversing and permuting gives is taken by `ndarray` without a copy.
    #[test]
    fn owned_arrays_are_built_over_their_own_memory() {
        let full = Layout::contiguous(&[4, 5, 6]).unwrap();
        let elements: Vec<u32> = (0..120).collect();
        let whole = Array3::from_shape_vec((4, 5, 6), elements.clone()).unwrap();
        let cuts: [(Option<isize>, Option<isize>, isize); 7] = [
            (None, None, 1),
            (Some(1), None, 1),
            (None, None, -1),
            (Some(1), None, 2),
            (None, Some(3), 3),
            (None, None, -2),
            (Some(2), Some(2), 1),
        ];
        let mut taken = 0;
        for a in cuts {
            for b in cuts {
                for c in cuts {
                    let layout = full.slice(0, a.0, a.1, a.2).unwrap().slice(1, b.0, b.1, b.2).unwrap();
                    let layout = layout.slice(2, c.0, c.1, c.2).unwrap();
                    for order in [[0, 1, 2], [2, 0, 1], [1, 0, 2]] {
                        let layout = layout.permute(&order).unwrap();
                        let vec = elements.clone();
                        let base = vec.as_ptr();
                        let wanted: ArrayView<'_, u32, Ix3> = nd_view(whole.as_slice().unwrap(), &layout).unwrap();
                        let array = over::<u32, Ix3>(vec, 0, &layout).unwrap();
                        assert_eq!(array, wanted, "{layout:?}");
                        if !layout.is_empty() {
                            assert_eq!(array.as_ptr(), base.wrapping_add(layout.offset()), "{layout:?}");
                        }
                        taken += 1;
                    }
                }
            }
        }
        assert_eq!(taken, 3 * 7 * 7 * 7);
    }

    #[test]
    fn layouts_that_an_array_cannot_have_are_given_back() {
        let repeated = Layout::contiguous(&[1]).unwrap().broadcast(&[3]).unwrap();
        assert_eq!(over::<u8, Ix1>(vec![7], 0, &repeated), Err(vec![7]));
        let long = Layout::contiguous(&[3]).unwrap();
        assert_eq!(over::<u8, Ix1>(vec![7], 0, &long), Err(vec![7]));
        assert_eq!(over::<u8, Ix1>(vec![7; 4], 2, &long), Err(vec![7; 4]));
        assert_eq!(over::<u8, Ix2>(vec![1, 2, 3], 0, &long), Err(vec![1, 2, 3]));
    }
}
