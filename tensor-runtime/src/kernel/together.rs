//! Rows of a short lane, several at a time.
//!
//! In: the extents of the lane and of the rows. Out: how many rows go together, and [`Rows`], spans of them; the elements of such
//! rows as one slice, to be read or written, and what is one for all rows as often as there are rows. Always: how many follows
//! from the extents alone, and so does the order of a sum. Next: [`crate::monoid::ColAcc::of_rows`], which has an accumulator for
//! each element of the rows.

use std::ops::{Deref, DerefMut, Range};
use std::slice;

use crate::dtype::Element;

use super::cache::{LINE, fetch_line_to_write};
use super::operand::{In, Out};
use super::place::outside;
use super::window::RUN;
use super::{Cx, Span, TILE, Tile, strided};

/// A lane of so many elements at most is short: what a row costs by itself is more than its elements.
const SHORT: isize = 32;
/// So many elements are worth what a row costs.
const ELEMENTS: isize = 512;
/// A multiple of so many rows is whole vectors.
const VECTOR: isize = 16;

/// Rows that go together. Derefs to the span of all their elements, at most [`TILE`].
#[derive(Clone, Copy, Debug)]
pub struct Rows {
    span: Span,
    width: usize,
    pub(super) count: usize,
}

impl Deref for Rows {
    type Target = Span;

    #[inline(always)]
    fn deref(&self) -> &Span {
        &self.span
    }
}

impl Cx<'_> {
    /// How many rows of axis `rows` go together, each along the axis `lane`.
    #[inline]
    pub fn together(&self, lane: usize, rows: usize) -> usize {
        let count = match self.extents[lane] {
            width @ 1..=SHORT => ELEMENTS / width / VECTOR * VECTOR,
            _ => 1,
        };
        count.min(self.extents[rows]).max(1) as usize
    }
}

impl Span {
    /// The rows `0..extent` of this part of the lane, `count` at a time: the first coordinate of each run.
    ///
    /// ```
    /// use ndfuse_runtime::rt::tiles;
    /// let lane = tiles(0..3).next().unwrap();
    /// let runs: Vec<_> = lane.together(100, 48).map(|(first, rows)| (first, rows.len)).collect();
    /// assert_eq!(runs, [(0, 144), (48, 144), (96, 12)]);
    /// ```
    #[inline(always)]
    pub fn together(self, extent: isize, count: usize) -> impl Iterator<Item = (isize, Rows)> {
        assert!(count > 0 && count.saturating_mul(self.len) <= TILE, "{count} rows of {} elements", self.len);
        let rows = move |count: usize| {
            let span = Span { start: self.start, len: count * self.len };
            Rows { span, width: self.len, count }
        };
        let (mut next, step, whole) = (0isize, count as isize, rows(count));
        std::iter::from_fn(move || {
            let (first, left) = (next, extent.wrapping_sub(next));
            next = next.wrapping_add(step);
            match left {
                _ if left >= step => Some((first, whole)),
                1.. => Some((first, rows(left as usize))),
                _ => {
                    next = extent;
                    None
                }
            }
        })
    }

    /// How many neighbouring windows of a range go together: as many as a tile has room for.
    #[inline]
    pub fn windows(self, range: Range<isize>) -> usize {
        let all = range.end.saturating_sub(range.start).max(1) as usize;
        // A power of two of them divides a block of windows, or is several blocks.
        (1 << (TILE / self.len.max(1)).clamp(1, RUN).ilog2()).min(all)
    }

    /// The windows of a range, each a row of this part of the lane, as many at a time as go together: the first of each run.
    ///
    /// ```
    /// use ndfuse_runtime::rt::lanes;
    /// let lane = lanes(0..48, 9).next().unwrap();
    /// let runs: Vec<_> = lane.beside(3..30).map(|(first, rows)| (first, rows.len)).collect();
    /// assert_eq!(runs, [(3, 16 * 48), (19, 11 * 48)]);
    /// ```
    #[inline(always)]
    pub fn beside(self, range: Range<isize>) -> impl Iterator<Item = (isize, Rows)> {
        let (start, count) = (range.start, self.windows(range.clone()));
        self.together(range.end.saturating_sub(start), count).map(move |(at, rows)| (start.wrapping_add(at), rows))
    }
}

/// What a lane has, once for each of the rows that go together.
#[inline(always)]
pub fn spread<'t, T: Element>(lane: &'t [T], rows: usize, tile: &'t mut Tile<T>) -> &'t [T] {
    if rows == 1 { lane } else { repeated(lane, rows, tile) }
}

#[inline(never)]
fn repeated<'t, T: Element>(lane: &[T], rows: usize, tile: &'t mut Tile<T>) -> &'t [T] {
    let all = tile.scratch(lane.len() * rows);
    all[..lane.len()].copy_from_slice(lane);
    let mut have = lane.len();
    while have < all.len() {
        let more = have.min(all.len() - have);
        all.copy_within(..more, have);
        have += more;
    }
    all
}

impl<T: Element, const N: usize> Out<'_, T, N> {
    /// Called before [`rows`](Out::rows) where what comes between takes a while: fetches the lines that will be written to.
    #[inline(never)]
    pub fn fetch_rows(&self, at: [isize; N], [down, axis]: [usize; 2], rows: Rows) {
        if self.at.stride[axis] != 1 {
            return;
        }
        let first = self.at.element(at).cast_const();
        for row in 0..rows.count as isize {
            let row = first.wrapping_offset(row.wrapping_mul(self.at.stride[down])).cast::<u8>();
            for line in (0..rows.width * size_of::<T>()).step_by(LINE) {
                fetch_line_to_write(row.wrapping_add(line));
            }
        }
    }

    /// The elements of `rows`, of which the first begins at `at`, to be overwritten: axis `down` goes from one row to the next,
    /// `axis` from one element to the next. Where they lie if they are neighbours, else `tile`, which is written to them when
    /// what is answered is dropped.
    #[inline(always)]
    pub fn rows<'t>(
        &'t mut self,
        at: [isize; N],
        [down, axis]: [usize; 2],
        rows: Rows,
        tile: &'t mut Tile<T>,
    ) -> RowsMut<'t, T> {
        let Rows { span, width, count } = rows;
        if span.len == 0 {
            return RowsMut { rows: &mut [], to: std::ptr::null_mut(), steps: [1, 1], width: 1 };
        }
        let (first, near) = self.at.along(at, axis, width);
        // No overflow: the first is in the window.
        let (low, size) = (self.at.low[down], self.at.size[down]);
        if down == axis || count > size - at[down].wrapping_sub(low) as usize {
            outside(at[down], low, size);
        }
        let far = self.at.stride[down];
        if (near == 1 || width == 1) && (far == width as isize || count == 1) {
            // SAFETY: the first and the last coordinate on both axes, and so, a window being a box, all elements lie in this
            // job's window, which is initialised and nobody else's; they are neighbours, row behind row. `&'t mut self`
            // forbids a second row or `put` meanwhile, and an output is taken once.
            let rows = unsafe { slice::from_raw_parts_mut(first, span.len) };
            RowsMut { rows, to: std::ptr::null_mut(), steps: [1, 1], width }
        } else {
            RowsMut { rows: tile.scratch(span.len), to: first, steps: [far, near], width }
        }
    }
}

/// Rows of an [`Out`] that go together. Derefs to a slice.
pub struct RowsMut<'t, T: Element> {
    rows: &'t mut [T],
    /// Where the first element goes when the rows are dropped; null where they are in place.
    to: *mut T,
    /// From one row to the next, and within a row.
    steps: [isize; 2],
    width: usize,
}

impl<T: Element> Deref for RowsMut<'_, T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        self.rows
    }
}

impl<T: Element> DerefMut for RowsMut<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        self.rows
    }
}

impl<T: Element> Drop for RowsMut<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.to.is_null() {
            // SAFETY: `Out::rows` set `to` only after it checked that all rows lie in this job's window, which it borrows for
            // as long as they live.
            unsafe { strided::scatter_rows(self.rows, self.to, self.steps, self.width) };
        }
    }
}

impl<'a, T: Element, const N: usize> In<'a, T, N> {
    /// The elements of `rows`, of which the first begins at `at`: `step` goes from one element to the next, `down` from one row
    /// to the next. Where they lie if they are neighbours, else in `tile`.
    #[inline(always)]
    pub fn rows<'t>(
        &self,
        at: [isize; N],
        down: [isize; N],
        step: [isize; N],
        rows: Rows,
        tile: &'t mut Tile<T>,
    ) -> &'t [T]
    where
        'a: 't,
    {
        let Rows { span, width, count } = rows;
        let all = match count {
            // What does not change from row to row is checked once.
            1 => self.row(at, step, width, tile),
            // Copies, for they are passed by address, and would be made ready for every row.
            _ => self.several(at.map(|at| at), down.map(|by| by), step.map(|by| by), [count, width], tile),
        };
        // Of a length that the loop over them has, too: it needs no check.
        &all[..span.len]
    }

    /// The same of more rows than one: not worth a copy in each kernel.
    #[cold]
    #[inline(never)]
    fn several<'t>(
        &self,
        at: [isize; N],
        down: [isize; N],
        step: [isize; N],
        [count, width]: [usize; 2],
        tile: &'t mut Tile<T>,
    ) -> &'t [T]
    where
        'a: 't,
    {
        let len = count * width;
        if len == 0 {
            return &[];
        }
        let (mut far, mut near) = (0isize, 0isize);
        for k in 0..N {
            let wide = (width as isize - 1).saturating_mul(step[k]);
            let high = (count as isize - 1).saturating_mul(down[k]);
            let first = at[k].saturating_add(wide.min(0)).saturating_add(high.min(0));
            let last = at[k].saturating_add(wide.max(0)).saturating_add(high.max(0));
            let (low, size) = (self.at.low[k], self.at.size[k]);
            if first < low || last.wrapping_sub(low) as usize >= size {
                outside(at[k], low, size);
            }
            far = far.wrapping_add(down[k].wrapping_mul(self.at.stride[k]));
            near = near.wrapping_add(step[k].wrapping_mul(self.at.stride[k]));
        }
        let first = self.at.element(at);
        if near == 1 && far == width as isize {
            // SAFETY: the extreme coordinates of all elements lie in the window on each axis, and so, a window being a box, do all
            // elements; each row is of neighbours, and the next begins behind it; they are readable for `'a`.
            unsafe { slice::from_raw_parts(first, len) }
        } else {
            // SAFETY: as above: all elements lie in the window.
            unsafe { tile.pack_rows(first, [far, near], count, width) };
            tile.filled(len)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::marker::PhantomData;

    use super::super::Window;
    use super::super::place::Place;
    use super::*;
    use crate::MAX_RANK;
    use crate::dtype::DType;

    fn input(memory: &mut [f32], sizes: [usize; 2], strides: [isize; 2], first: usize) -> In<'_, f32, 2> {
        let (mut size, mut stride) = ([0; MAX_RANK], [0; MAX_RANK]);
        size[..2].copy_from_slice(&sizes);
        stride[..2].copy_from_slice(&strides);
        let origin = memory[first..].as_mut_ptr().cast();
        let window = Window { origin, dtype: DType::F32, rank: 2, low: [0; MAX_RANK], size, stride };
        In { at: Place::new(&window), long: usize::MAX, memory: PhantomData }
    }

    fn span(start: isize, len: usize) -> Span {
        Span { start, len }
    }

    /// Rows behind one another, with gaps, backwards, turned, of one element again and again.
    #[test]
    fn rows_together_are_rows_one_by_one() {
        let mut memory: Vec<f32> = (0..4000).map(|k| k as f32).collect();
        for (strides, first) in
            [([3, 1], 0), ([7, 1], 0), ([1, 40], 0), ([-3, 1], 3900), ([6, -2], 100), ([1, 0], 0), ([0, 1], 0)]
        {
            let x = input(&mut memory, [40, 3], strides, first);
            for (start, width) in [(0, 3), (1, 2), (2, 1), (0, 0)] {
                for count in [1, 2, 16, 39, 40] {
                    for (at, rows) in span(start, width).together(40, count) {
                        let (mut all, mut one) = (Tile::new(), Tile::new());
                        let found = x.rows([at, start], [1, 0], [0, 1], rows, &mut all).to_vec();
                        let each = (0..rows.count as isize)
                            .flat_map(|i| x.row([at + i, start], [0, 1], width, &mut one).to_vec());
                        assert_eq!(
                            found,
                            each.collect::<Vec<_>>(),
                            "{strides:?} from {at}, {start}: {count} of {width}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_one_for_all_rows_is_repeated() {
        let lane: Vec<f32> = (0..24).map(|k| k as f32).collect();
        for (width, rows) in [(24, 1), (24, 7), (1, 100), (3, 341), (0, 5)] {
            let mut tile = Tile::new();
            let wanted = lane[..width].repeat(rows);
            assert_eq!(spread(&lane[..width], rows, &mut tile), wanted, "{rows} of {width}");
        }
    }

    /// Rows that are written behind one another, with gaps, and with gaps within.
    #[test]
    fn rows_are_written_where_they_belong() {
        for (strides, width) in [([20, 1], 20), ([50, 1], 20), ([50, 1], 3), ([60, 2], 17), ([1, 50], 20)] {
            let mut memory = vec![0f32; 4000];
            let x = input(&mut memory, [40, 20], strides, 0);
            let mut out = Out { at: x.at, fetches: false, streams: false, memory: PhantomData };
            let mut tile = Tile::new();
            for (at, rows) in span(0, width).beside(3..40) {
                out.fetch_rows([at, 0], [0, 1], rows);
                let mut to = out.rows([at, 0], [0, 1], rows, &mut tile);
                to.iter_mut().enumerate().for_each(|(i, to)| *to = (at as usize * width + i) as f32);
            }
            let at = |i: usize, k: usize| i * strides[0] as usize + k * strides[1] as usize;
            let all = (3..40).flat_map(|i| (0..width).map(move |k| (i, k)));
            let mut wanted = vec![0f32; 4000];
            all.for_each(|(i, k)| wanted[at(i, k)] = (i * width + k) as f32);
            assert_eq!(memory, wanted, "{strides:?} {width}");
        }
    }

    #[test]
    fn rows_outside_are_refused() {
        let mut memory = vec![0f32; 200];
        let x = input(&mut memory, [40, 3], [3, 1], 0);
        let reads = |at: [isize; 2], down: [isize; 2], step: [isize; 2]| {
            let (_, rows) = span(0, 3).together(16, 16).next().unwrap();
            std::panic::catch_unwind(|| x.rows(at, down, step, rows, &mut Tile::new()).len()).is_ok()
        };
        assert!(reads([24, 0], [1, 0], [0, 1]) && reads([15, 2], [-1, 0], [0, -1]));
        for (at, down, step) in [
            ([25, 0], [1, 0], [0, 1]),
            ([14, 0], [-1, 0], [0, 1]),
            ([0, 1], [1, 0], [0, 1]),
            ([0, 1], [1, 0], [0, -1]),
            ([0, 0], [0, 1], [0, 1]),
            ([isize::MAX, 0], [1, 0], [0, 1]),
            ([0, isize::MIN], [1, 0], [0, 1]),
            ([0, 0], [isize::MAX, 0], [0, 1]),
        ] {
            assert!(!reads(at, down, step), "{at:?} {down:?} {step:?}");
        }
    }
}
