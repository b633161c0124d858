//! Where the elements of a tensor lie in its buffer.
//!
//! In: sizes, strides and an offset, all in elements. Out: a checked [`Layout`], and the layouts
//! of its views (permuted, sliced, reversed, broadcast, reshaped), which move no element.
//! Always: at most [`MAX_RANK`] axes; the product of the non-zero sizes and every position fit `isize`;
//! no position is negative. Whether a buffer is long enough is one comparison, [`Layout::range`].
//! Next: [`crate::storage`].
//!
//! ```
//! use ndfuse_runtime::Layout;
//! let rows = Layout::contiguous(&[2, 3])?;
//! let columns = rows.permute(&[1, 0])?;
//! assert_eq!((columns.sizes(), columns.strides()), (&[3, 2][..], &[1, 3][..]));
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

mod lent;

use std::fmt;
use std::ops::Range;

use crate::dims::MAX_RANK;
use crate::error::{Error, Result};

pub(crate) use lent::Lent;

/// Sizes, strides and an offset, checked. See the module's text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    rank: usize,
    sizes: [usize; MAX_RANK],
    strides: [isize; MAX_RANK],
    offset: usize,
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} strides {:?} offset {}", self.sizes(), self.strides(), self.offset)
    }
}

/// The number of elements of a shape, if it and the product of its non-zero sizes fit `isize`.
fn checked_len(operation: &'static str, sizes: &[usize]) -> Result<usize> {
    let too_large = || Error::too_large(operation, sizes);
    let mut extent = 1usize;
    for &size in sizes.iter().filter(|&&size| size != 0) {
        extent = extent.checked_mul(size).filter(|&n| n <= isize::MAX as usize).ok_or_else(too_large)?;
    }
    Ok(if sizes.contains(&0) { 0 } else { extent })
}

/// At most [`MAX_RANK`] values, then zeros. A loop of known length: faster than a copy of an unknown one.
#[inline]
fn filled<T: Copy + Default>(values: &[T]) -> [T; MAX_RANK] {
    std::array::from_fn(|k| values.get(k).copied().unwrap_or_default())
}

impl Layout {
    /// The layout of no axes: one element, at position 0.
    pub const SCALAR: Layout = Layout { rank: 0, sizes: [0; MAX_RANK], strides: [0; MAX_RANK], offset: 0 };

    /// [`SCALAR`](Self::SCALAR), to be written to: a constant is a copy, by a call.
    #[inline(always)]
    pub(crate) fn scalar() -> Layout {
        Layout { rank: 0, sizes: [0; MAX_RANK], strides: [0; MAX_RANK], offset: 0 }
    }

    /// Row-major, from position 0.
    ///
    /// ```
    /// use ndfuse_runtime::Layout;
    /// assert_eq!(Layout::contiguous(&[4, 5, 6])?.strides(), [30, 6, 1]);
    /// assert!(Layout::contiguous(&[1 << 40, 1 << 40]).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn contiguous(sizes: &[usize]) -> Result<Layout> {
        check_rank("layout", sizes)?;
        checked_len("layout", sizes)?;
        let mut out = Layout { rank: sizes.len(), ..Layout::SCALAR };
        let mut stride = 1usize;
        for axis in (0..sizes.len()).rev() {
            out.sizes[axis] = sizes[axis];
            out.strides[axis] = stride as isize;
            stride *= sizes[axis].max(1);
        }
        Ok(out)
    }

    /// Any strides and offset, checked against a buffer of `buffer` elements.
    ///
    /// ```
    /// use ndfuse_runtime::Layout;
    /// assert!(Layout::strided(&[3], &[-1], 2, 3).is_ok());
    /// assert!(Layout::strided(&[3], &[-1], 1, 3).is_err());   // would start before the buffer
    /// assert!(Layout::strided(&[3], &[2], 0, 4).is_err());    // would end after it
    /// ```
    #[inline]
    pub fn strided(sizes: &[usize], strides: &[isize], offset: usize, buffer: usize) -> Result<Layout> {
        check_rank("layout", sizes)?;
        if strides.len() != sizes.len() {
            let text = format!("shape {sizes:?} has {} axes but {} strides", sizes.len(), strides.len());
            return Err(Error::layout("layout", text));
        }
        let len = checked_len("layout", sizes)?;
        // Strides between no elements mean nothing and could be anything.
        let strides = if len == 0 { &Layout::contiguous(sizes)?.strides[..sizes.len()] } else { strides };
        let out = Layout { rank: sizes.len(), sizes: filled(sizes), strides: filled(strides), offset };
        let outside = || {
            let text =
                format!("shape {sizes:?} with strides {strides:?} from {offset} leaves a buffer of {buffer} elements");
            Error::layout("layout", text)
        };
        let range = out.checked_range().ok_or_else(outside)?;
        if range.end > buffer || offset > buffer {
            return Err(outside());
        }
        Ok(out)
    }

    /// The same of what is known to fit: at most [`MAX_RANK`] axes, and memory in which every element lies. With no
    /// elements the strides must be those of [`contiguous`](Self::contiguous).
    #[inline]
    pub(crate) fn known(sizes: &[usize], strides: &[isize], offset: usize) -> Layout {
        Layout { rank: sizes.len().min(MAX_RANK), sizes: filled(sizes), strides: filled(strides), offset }
    }

    /// Sizes and strides of so many axes from position 0, to be filled: 0 so far. Best of [`scalar`](Self::scalar), for nothing is
    /// written twice then.
    #[inline]
    pub(crate) fn begin(&mut self, rank: usize) -> (&mut [usize], &mut [isize]) {
        if self.rank != 0 {
            *self = Layout::scalar();
        }
        self.rank = rank.min(MAX_RANK);
        (&mut self.sizes[..self.rank], &mut self.strides[..self.rank])
    }

    /// The same, of which nothing is copied.
    #[inline]
    pub(crate) fn lend(&self) -> Lent<'_> {
        Lent::new(self.sizes(), self.strides(), self.offset)
    }

    /// The number of axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.rank
    }

    /// The size of each axis.
    #[inline]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }

    /// The distance between neighbours along each axis, in elements.
    #[inline]
    pub fn strides(&self) -> &[isize] {
        &self.strides[..self.rank]
    }

    /// The position of the element whose indices are all 0.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.lend().len()
    }

    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.lend().is_empty()
    }

    /// The positions between the first and the last that belong to an element; `offset..offset` if there is none.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.lend().range()
    }

    fn checked_range(&self) -> Option<Range<usize>> {
        if self.is_empty() {
            return Some(self.offset..self.offset);
        }
        let (mut low, mut high) = (isize::try_from(self.offset).ok()?, self.offset as isize);
        for (&size, &stride) in self.sizes().iter().zip(self.strides()) {
            let reach = isize::try_from(size - 1).ok()?.checked_mul(stride)?;
            if reach < 0 {
                low = low.checked_add(reach)?;
            } else {
                high = high.checked_add(reach)?;
            }
        }
        Some(usize::try_from(low).ok()?..usize::try_from(high.checked_add(1)?).ok()?)
    }

    /// Row-major without gaps? Axes of size 1 may have any stride.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.lend().is_contiguous()
    }

    /// Has every position of [`range`](Self::range) an element of its own, in whatever order?
    pub fn is_dense(&self) -> bool {
        self.range().len() == self.len() && self.is_injective()
    }

    /// Is every element at a position of its own? (Sufficient, not necessary: axes sorted by stride
    /// must each step over all that lies below them.)
    ///
    /// ```
    /// use ndfuse_runtime::Layout;
    /// assert!(Layout::strided(&[3, 2], &[2, -1], 1, 6)?.is_injective());
    /// assert!(!Layout::strided(&[3, 2], &[1, 1], 0, 6)?.is_injective());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    #[inline]
    pub fn is_injective(&self) -> bool {
        self.is_contiguous() || self.is_stepped_apart()
    }

    fn is_stepped_apart(&self) -> bool {
        let mut below = 0;
        for axis in self.axes_by_stride() {
            let stride = self.strides[axis].unsigned_abs();
            if stride <= below {
                return false;
            }
            below += (self.sizes[axis] - 1) * stride;
        }
        true
    }

    /// An error if two elements share a position: they cannot be written to.
    pub(crate) fn check_apart(&self) -> Result<()> {
        if self.is_injective() {
            return Ok(());
        }
        let text = format!("two elements of {self:?} share a position, so it cannot be written to");
        Err(Error::layout("operand", text))
    }

    /// The axes of size 2 and more, shortest stride first.
    fn axes_by_stride(&self) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let mut axes = [0; MAX_RANK];
        let mut count = 0;
        for axis in (0..self.rank).filter(|&axis| self.sizes[axis] > 1) {
            axes[count] = axis;
            count += 1;
        }
        axes[..count].sort_by_key(|&axis| (self.strides[axis].unsigned_abs(), axis));
        axes.into_iter().take(count)
    }

    /// The axes in a new order: axis `i` of the result is axis `axes[i]` of this one.
    pub fn permute(&self, axes: &[usize]) -> Result<Layout> {
        let fail =
            |axis: usize, reason| Error::Axis { operation: "permute", axis: axis as isize, rank: self.rank, reason };
        if axes.len() != self.rank {
            let text = format!("{} axes are named for shape {:?}", axes.len(), self.sizes());
            return Err(Error::shape("permute", self.sizes(), None, text));
        }
        let mut seen = [false; MAX_RANK];
        let mut out = *self;
        for (to, &from) in axes.iter().enumerate() {
            if from >= self.rank {
                return Err(fail(from, "is out of range"));
            }
            if std::mem::replace(&mut seen[from], true) {
                return Err(fail(from, "is named twice"));
            }
            out.sizes[to] = self.sizes[from];
            out.strides[to] = self.strides[from];
        }
        Ok(out)
    }

    fn axis(&self, operation: &'static str, axis: isize) -> Result<usize> {
        let from_front = if axis < 0 { axis + self.rank as isize } else { axis };
        usize::try_from(from_front).ok().filter(|&axis| axis < self.rank).ok_or(Error::Axis {
            operation,
            axis,
            rank: self.rank,
            reason: "is out of range",
        })
    }

    /// NumPy's `start:stop:step` along `axis`; negative bounds and axes count from the end.
    ///
    /// ```
    /// use ndfuse_runtime::Layout;
    /// let all = Layout::contiguous(&[10])?;
    /// let odd = all.slice(0, Some(1), None, 2)?;
    /// assert_eq!((odd.sizes(), odd.offset()), (&[5][..], 1));
    /// assert_eq!(all.slice(0, None, None, -3)?.sizes(), [4]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn slice(&self, axis: isize, start: Option<isize>, stop: Option<isize>, step: isize) -> Result<Layout> {
        let axis = self.axis("slice", axis)?;
        if step == 0 {
            return Err(Error::layout("slice", "the step is 0; use 1, or a negative step to reverse"));
        }
        let size = self.sizes[axis] as isize;
        let (low, high) = if step > 0 { (0, size) } else { (-1, size - 1) };
        let clamp = |bound: isize| (if bound < 0 { bound.saturating_add(size) } else { bound }).clamp(low, high);
        let start = start.map_or(if step > 0 { low } else { high }, clamp);
        let stop = stop.map_or(if step > 0 { high } else { low }, clamp);
        let distance = if step > 0 { stop - start } else { start - stop };
        let len = if distance <= 0 { 0 } else { (distance as usize).div_ceil(step.unsigned_abs()) };
        let mut out = *self;
        out.sizes[axis] = len;
        if len > 1 {
            // In range: the positions that it steps to are this layout's own.
            out.strides[axis] *= step;
        }
        if len > 0 && !self.is_empty() {
            out.offset = (self.offset as isize + start * self.strides[axis]) as usize;
        }
        Ok(out)
    }

    /// The axis in reverse.
    pub fn flip(&self, axis: isize) -> Result<Layout> {
        self.slice(axis, None, None, -1)
    }

    /// The layout at one index of `axis`, which goes away.
    pub fn index(&self, axis: isize, index: isize) -> Result<Layout> {
        let at = self.axis("index", axis)?;
        let size = self.sizes[at];
        let found = if index < 0 { index.saturating_add(size as isize) } else { index };
        if found < 0 || found >= size as isize {
            let text = format!("index {index} is out of range for axis {at} of size {size}");
            return Err(Error::shape("index", self.sizes(), Some(at), text));
        }
        let mut out = self.slice(axis, Some(found), Some(found + 1), 1)?;
        out.sizes.copy_within(at + 1.., at);
        out.strides.copy_within(at + 1.., at);
        out.rank -= 1;
        Ok(out)
    }

    /// A new axis of size 1 before axis `at`; `at` may be the rank.
    pub fn insert_axis(&self, at: usize) -> Result<Layout> {
        if at > self.rank {
            let (operation, axis) = ("insert_axis", at as isize);
            return Err(Error::Axis { operation, axis, rank: self.rank, reason: "is out of range" });
        }
        if self.rank == MAX_RANK {
            return Err(Error::shape(
                "insert_axis",
                self.sizes(),
                None,
                format!("a tensor has at most {MAX_RANK} axes"),
            ));
        }
        let mut out = *self;
        out.sizes.copy_within(at..self.rank, at + 1);
        out.strides.copy_within(at..self.rank, at + 1);
        (out.sizes[at], out.strides[at]) = (1, 0);
        out.rank += 1;
        Ok(out)
    }

    /// NumPy's broadcast to `sizes`: axes are added in front, axes of size 1 are repeated with stride 0.
    ///
    /// ```
    /// use ndfuse_runtime::Layout;
    /// assert_eq!(Layout::contiguous(&[3, 1])?.broadcast(&[2, 3, 4])?.strides(), [0, 1, 0]);
    /// assert!(Layout::contiguous(&[3])?.broadcast(&[2]).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn broadcast(&self, sizes: &[usize]) -> Result<Layout> {
        check_rank("broadcast", sizes)?;
        checked_len("broadcast", sizes)?;
        let fail = |axis| {
            let text = format!("cannot broadcast {:?} to {sizes:?}", self.sizes());
            Error::shape("broadcast", self.sizes(), axis, text)
        };
        let added = sizes.len().checked_sub(self.rank).ok_or_else(|| fail(None))?;
        let mut out = Layout { rank: sizes.len(), offset: self.offset, ..Layout::SCALAR };
        out.sizes[..sizes.len()].copy_from_slice(sizes);
        for axis in 0..self.rank {
            let (have, want) = (self.sizes[axis], sizes[axis + added]);
            if have == want {
                out.strides[axis + added] = self.strides[axis];
            } else if have != 1 {
                return Err(fail(Some(axis)));
            }
        }
        Ok(out)
    }

    /// The same elements in row-major order under other sizes, where strides alone can say it.
    ///
    /// `Ok(None)` means that the elements would have to move.
    ///
    /// ```
    /// use ndfuse_runtime::Layout;
    /// let x = Layout::contiguous(&[2, 6])?;
    /// assert_eq!(x.reshape(&[4, 3])?.unwrap().strides(), [3, 1]);
    /// assert_eq!(x.permute(&[1, 0])?.reshape(&[12])?, None);
    /// assert!(x.reshape(&[5]).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn reshape(&self, sizes: &[usize]) -> Result<Option<Layout>> {
        check_rank("reshape", sizes)?;
        let len = checked_len("reshape", sizes)?;
        if len != self.len() {
            let text =
                format!("cannot reshape {:?}, {} elements, to {sizes:?}, {len} elements", self.sizes(), self.len());
            return Err(Error::shape("reshape", self.sizes(), None, text));
        }
        let mut out = Layout::contiguous(sizes)?;
        out.offset = self.offset;
        if len == 0 {
            return Ok(Some(out));
        }
        // Walk both shapes from the last axis in groups of equal products; each old group must be one run.
        let (mut old, mut new) = (self.rank, sizes.len());
        while old > 0 || new > 0 {
            let (old_end, new_end) = (old, new);
            let (mut from, mut to) = (1, 1);
            loop {
                if from <= to && old > 0 {
                    old -= 1;
                    from *= self.sizes[old];
                } else if new > 0 {
                    new -= 1;
                    to *= sizes[new];
                } else {
                    break;
                }
                if from == to && (from > 1 || (old == 0 && new == 0)) {
                    break;
                }
            }
            let mut run = None;
            let mut reach = 0;
            for axis in (old..old_end).rev().filter(|&axis| self.sizes[axis] != 1) {
                match run {
                    None => run = Some(self.strides[axis]),
                    Some(_) if self.strides[axis] == reach => {}
                    Some(_) => return Ok(None),
                }
                reach = self.strides[axis] * self.sizes[axis] as isize;
            }
            let mut stride = run.unwrap_or(1);
            for axis in (new..new_end).rev() {
                out.strides[axis] = stride;
                stride *= sizes[axis] as isize;
            }
        }
        Ok(Some(out))
    }

    /// The layout of the same axes, from position 0, once everything before [`range`](Self::range) is dropped.
    pub fn rebased(&self) -> Layout {
        self.lend().from(self.range().start).kept()
    }
}

fn check_rank(operation: &'static str, sizes: &[usize]) -> Result<()> {
    if sizes.len() > MAX_RANK {
        let text = format!("a tensor has at most {MAX_RANK} axes, and {sizes:?} has {}", sizes.len());
        return Err(Error::shape(operation, sizes, None, text));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
