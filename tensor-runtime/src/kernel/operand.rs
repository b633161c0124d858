//! A kernel's operands: elements and rows of a window.
//!
//! In: a window, coordinates. Out: elements, or rows as slices. Always: coordinates are checked, a row's by its first and
//! last element; then no element in between needs a check. Next: [`super::place`], [`super::tile`], [`super::cache`].

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Range};
use std::ptr;
use std::slice;

use crate::dtype::Element;

use super::cache::Ahead;
use super::place::{Place, copy, unit};
use super::tile::PART;
use super::{Tile, cache, elsewhere, strided};

/// An operand that a kernel reads.
#[derive(Clone, Copy)]
pub struct In<'a, T, const N: usize> {
    pub(super) at: Place<T, N>,
    /// Behind a row of so many elements, what follows is fetched.
    pub(super) long: usize,
    pub(super) memory: PhantomData<&'a [T]>,
}

impl<'a, T: Element, const N: usize> In<'a, T, N> {
    /// The element of these coordinates.
    #[inline(always)]
    pub fn at(&self, at: [isize; N]) -> T {
        // SAFETY: `element` checked that it lies in the window, whose elements are readable for `'a`.
        unsafe { self.at.element(at).read() }
    }

    /// The element of these coordinates if they are `inside`, else `fill`.
    #[inline(always)]
    pub fn at_or(&self, inside: bool, at: [isize; N], fill: T) -> T {
        if inside { self.at(at) } else { fill }
    }

    /// The `n` elements from `at` on that are `step` apart: where they lie if they are neighbours, else in `tile`.
    #[inline(always)]
    pub fn row<'t>(&self, at: [isize; N], step: [isize; N], n: usize, tile: &'t mut Tile<T>) -> &'t [T]
    where
        'a: 't,
    {
        let (first, stride, inside) = self.at.lane(at, step, n);
        let here = inside & (stride == 1) & (n < self.long);
        let first = if here {
            first.cast_const()
        } else {
            // SAFETY: `lane` says whether all elements lie in the window, and those are readable.
            unsafe { elsewhere::found(first.cast(), stride, n, inside, tile.bare()).cast() }
        };
        // Its length is `n` on every way, so that a loop over `n` elements needs no check, wherever the row is found.
        // SAFETY: `lane` says that the first and the last element, and so, a window being a box, all of them, lie in the
        // window; they are neighbours, and readable for `'a`; `found` promises the same of what it answers.
        unsafe { slice::from_raw_parts(first, n) }
    }

    /// What [`row`](In::row) will read `by` further on, if that is a row that is worth fetching before.
    #[inline(always)]
    pub fn ahead(&self, at: [isize; N], step: [isize; N], by: [isize; N], n: usize) -> Ahead {
        let lane = (0..N).fold(0isize, |lane, k| lane.wrapping_add(step[k].wrapping_mul(self.at.stride[k])));
        if lane == 1 { self.at.ahead(at, by, n, false) } else { Ahead::NONE }
    }

    /// As [`row`](In::row), but only the lane positions in `valid` are read; the others are `fill`.
    #[inline(always)]
    pub fn row_or<'t>(
        &self,
        at: [isize; N],
        step: [isize; N],
        n: usize,
        valid: Range<isize>,
        fill: T,
        tile: &'t mut Tile<T>,
    ) -> &'t [T]
    where
        'a: 't,
    {
        if valid.start <= 0 && valid.end >= n as isize {
            return self.row(at, step, n, tile);
        }
        self.filled(copy(at), copy(step), n, valid, fill, tile);
        tile.filled(n)
    }

    /// Makes a row in the tile, of which `valid` is read.
    #[inline(never)]
    fn filled(self, at: [isize; N], step: [isize; N], n: usize, valid: Range<isize>, fill: T, tile: &mut Tile<T>) {
        let start = valid.start.max(0) as usize;
        let end = (valid.end.clamp(0, n as isize) as usize).max(start);
        tile.fill(n, fill);
        if start < end {
            let mut from = at;
            for k in 0..N {
                from[k] = from[k].wrapping_add(step[k].wrapping_mul(start as isize));
            }
            let (first, stride) = self.at.bare().row(&from, &step, end - start);
            // SAFETY: `row` checked that all `end - start` elements lie in the window.
            unsafe { tile.pack(start, first.cast(), stride, end - start) };
        }
    }

    /// The `n` elements of the coordinates that `at` gives.
    #[inline(always)]
    pub fn gather<'t>(&self, n: usize, tile: &'t mut Tile<T>, mut at: impl FnMut(usize) -> [isize; N]) -> &'t [T] {
        for (i, slot) in tile.memory[..n].iter_mut().enumerate() {
            slot.write(self.at(at(i)));
        }
        tile.wrote(n);
        tile.filled(n)
    }

    /// The `n` elements of the coordinates that `at` gives, or `fill`.
    #[inline(always)]
    pub fn gather_or<'t>(
        &self,
        n: usize,
        tile: &'t mut Tile<T>,
        fill: T,
        mut at: impl FnMut(usize) -> Option<[isize; N]>,
    ) -> &'t [T] {
        for (i, slot) in tile.memory[..n].iter_mut().enumerate() {
            slot.write(at(i).map_or(fill, |at| self.at(at)));
        }
        tile.wrote(n);
        tile.filled(n)
    }
}

/// An operand that a kernel writes.
pub struct Out<'a, T, const N: usize> {
    pub(super) at: Place<T, N>,
    /// Whether rows go past the caches.
    pub(super) streams: bool,
    /// Whether the lines of a row beside others are fetched before it is written.
    pub(super) fetches: bool,
    pub(super) memory: PhantomData<&'a mut [T]>,
}

impl<T: Element, const N: usize> Out<'_, T, N> {
    /// Writes one element.
    #[inline(always)]
    pub fn put(&mut self, at: [isize; N], value: T) {
        // SAFETY: `element` checked that it lies in this job's window, and `&mut self` that no row is held.
        unsafe { self.at.element(at).write(value) }
    }

    /// The `n` elements from `at` along `axis`, to be overwritten: where they lie if they are neighbours, else
    /// `tile`, which is written to them when the row is dropped.
    #[inline(always)]
    pub fn row<'t>(&'t mut self, at: [isize; N], axis: usize, n: usize, tile: &'t mut Tile<T>) -> RowMut<'t, T> {
        let streams = self.streams && n * size_of::<T>() >= cache::LEAST_STREAM;
        self.open(at, axis, n, tile, false, streams)
    }

    /// As [`row`](Out::row), for what [`again`](Out::again) will read: it stays in the caches.
    #[inline(always)]
    pub fn keep<'t>(&'t mut self, at: [isize; N], axis: usize, n: usize, tile: &'t mut Tile<T>) -> RowMut<'t, T> {
        self.open(at, axis, n, tile, false, false)
    }

    /// As [`row`](Out::row), but the elements are what was written there before.
    #[inline(always)]
    pub fn again<'t>(&'t mut self, at: [isize; N], axis: usize, n: usize, tile: &'t mut Tile<T>) -> RowMut<'t, T> {
        self.open(at, axis, n, tile, true, false)
    }

    /// Called before [`row`](Out::row) or [`keep`](Out::keep) by a loop that writes other rows too: fetches the lines of this
    /// one. Writes reach the cache one after another, and one that waits for its line keeps those to the other rows waiting.
    #[inline(always)]
    pub fn fetch(&self, at: [isize; N], axis: usize, n: usize) {
        let bytes = n * size_of::<T>();
        if self.fetches && bytes >= cache::LEAST_FETCH && self.at.stride[axis] == 1 {
            cache::fetch_all(self.at.element(at).cast_const().cast(), bytes);
        }
    }

    /// What [`row`](Out::row) writes here, a part further on: fetched with each part of a loop that writes other rows too, it is in
    /// the first-level cache in time and not for long.
    #[inline(always)]
    pub fn beyond(&self, at: [isize; N], axis: usize, n: usize) -> Ahead {
        if self.at.stride[axis] != 1 || !self.fetches {
            return Ahead::NONE;
        }
        let row = self.at.ahead(at, [0; N], n, true);
        Ahead { first: row.first.wrapping_add(PART * size_of::<T>()), ..row }
    }

    /// Writes several rows of `n` elements along `axis`: the first from `at` on, each next one a step further along `across`.
    #[inline(always)]
    pub fn braid<const K: usize>(&mut self, at: [isize; N], axis: usize, n: usize, across: usize, rows: [&[T]; K]) {
        let mut last = at;
        last[across] = last[across].wrapping_add(K as isize - 1);
        let (to, far, first) = self.at.lane(at, unit(axis), n);
        let inside = first & self.at.lane(last, unit(axis), n).2 & (K > 0) & rows.iter().all(|row| row.len() == n);
        let rows = rows.map(|row| row.as_ptr().cast());
        // SAFETY: `lane` says that the first and the last row lie in this job's window, so all do; that is a box, which is nobody
        // else's to write, and `&mut self` that no row is held. Each of `rows` has `n` elements.
        unsafe { elsewhere::braid(&rows, to.cast(), [far, self.at.stride[across]], n, inside, size_of::<T>()) };
    }

    #[inline(always)]
    fn open<'t>(
        &'t mut self,
        at: [isize; N],
        axis: usize,
        n: usize,
        tile: &'t mut Tile<T>,
        again: bool,
        streams: bool,
    ) -> RowMut<'t, T> {
        let (first, stride, inside) = self.at.lane(at, unit(axis), n);
        let (first, to) = if inside & ((stride == 1) & !streams | (n == 1)) {
            (first, ptr::null_mut())
        } else {
            // SAFETY: `lane` says whether all elements lie in this job's window; those are readable, and nobody else's.
            let (row, to) = unsafe { elsewhere::lent(first.cast(), stride, n, [inside, again], tile.bare()) };
            (row.cast(), to.cast())
        };
        // SAFETY: `lane` says that all `n` elements lie in this job's window, which is initialised and nobody else's; they
        // are neighbours. `&'t mut self` forbids a second row or `put` meanwhile, and an output is taken once. Or they
        // are the tile's, which is borrowed for as long.
        let row = unsafe { slice::from_raw_parts_mut(first, n) };
        RowMut { row, to, stride }
    }
}

/// A row of an [`Out`]. Derefs to a slice.
pub struct RowMut<'t, T: Element> {
    row: &'t mut [T],
    /// Where the first element goes when the row is dropped; null where `row` is in place.
    to: *mut T,
    stride: isize,
}

impl<T: Element> Deref for RowMut<'_, T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        self.row
    }
}

impl<T: Element> DerefMut for RowMut<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        self.row
    }
}

impl<T: Element> Drop for RowMut<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.to.is_null() {
            // SAFETY: `Out::row` set `to` only after it checked that all of the row lies in this job's window, which it borrows
            // for as long as the row lives.
            unsafe {
                write(self.row.as_ptr().cast(), self.to.cast(), self.stride, self.row.len(), size_of::<T>());
            }
        }
    }
}

/// Writes a row of `n` elements, of so many bytes each, to where it belongs.
///
/// # Safety
/// They must be readable, and the places of as many writable that are `stride` elements apart from `to` on.
#[inline(never)]
unsafe fn write(from: *const u8, to: *mut u8, stride: isize, n: usize, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match stride {
            1 => cache::stream(from, to, n * bytes),
            stride => strided::scatter_run(bytes, from, to, stride, n),
        }
    };
}

#[cfg(test)]
mod tests {
    use super::super::Window;
    use super::*;
    use crate::dtype::DType;

    fn rows(memory: &mut [f32], rows: usize, columns: usize, strides: [isize; 2]) -> In<'_, f32, 2> {
        let mut window = Window { origin: memory.as_mut_ptr().cast(), dtype: DType::F32, rank: 2, ..Window::NOWHERE };
        (window.size[0], window.size[1]) = (rows, columns);
        (window.stride[0], window.stride[1]) = (strides[0], strides[1]);
        In { at: Place::new(&window), long: usize::MAX, memory: PhantomData }
    }

    #[test]
    fn a_row_is_fetched_before_if_it_is_near_and_there() {
        let mut memory = vec![0f32; 3 * 1024];
        let start = memory.as_ptr();
        let next = |x: &In<'_, f32, 2>, at, by, n| {
            let ahead = x.ahead(at, [0, 1], by, n);
            (!ahead.is_none()).then(|| (ahead.first as usize - start as usize) / size_of::<f32>())
        };
        let x = rows(&mut memory, 3, 1024, [1024, 1]);
        assert_eq!(next(&x, [0, 512], [1, 0], 512), Some(1536));
        assert_eq!(next(&x, [2, 0], [-1, 0], 512), Some(1024));
        assert_eq!(next(&x, [2, 0], [1, 0], 512), None, "there is no such row");
        assert_eq!(next(&x, [0, 0], [-1, 0], 512), None, "there is no such row");
        assert_eq!(next(&x, [0, 0], [isize::MAX, 0], 512), None, "there is no such row");
        assert_eq!(next(&x, [0, 0], [1, 0], 100), None, "too short");
        let x = rows(&mut memory, 3, 512, [1, 4]);
        assert_eq!(next(&x, [0, 0], [1, 0], 512), None, "across memory");
        let x = rows(&mut memory, 3, 512, [1 << 20, 1]);
        assert_eq!(next(&x, [0, 0], [1, 0], 512), None, "too far");
    }
}
