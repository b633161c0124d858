//! Rows that begin a few places apart: what a window reads.
//!
//! In: an input, where one of the rows begins. Out: [`Near`], which answers the others by their offsets. Always: what is
//! the same for all of them is computed once; an offset is checked against the input's window, as any row is.
//! Next: [`super::operand`].

use std::marker::PhantomData;
use std::slice;

use crate::dtype::Element;

use super::place::outside;
use super::{In, TILE, Tile};

/// Rows of `n` elements of an input, by where they begin.
pub struct Near<'a, T, const N: usize> {
    /// Of the row of offset 0, which may lie outside.
    first: *const T,
    stride: [isize; N],
    /// Between two elements of a row.
    lane: isize,
    n: usize,
    /// On each axis, the offsets of rows that lie in the window: `from` and those below `to`.
    from: [isize; N],
    to: [isize; N],
    memory: PhantomData<&'a [T]>,
}

impl<'a, T: Element, const N: usize> In<'a, T, N> {
    /// Rows of `n` elements that are `step` apart, the one of offset 0 from `at` on.
    #[inline(always)]
    pub fn near(&self, at: [isize; N], step: [isize; N], n: usize) -> Near<'a, T, N> {
        assert!(n <= TILE, "a row of {n} elements, more than a tile");
        let (mut first, mut lane) = (0isize, 0isize);
        let (mut from, mut to) = ([0; N], [0; N]);
        for k in 0..N {
            let (low, size) = (self.at.low[k], self.at.size[k] as isize);
            // How far a row goes down and up from its first element; at most a tile's steps.
            let far = (n as isize - 1).max(0).saturating_mul(step[k]);
            from[k] = low.saturating_sub(at[k]).saturating_sub(far.min(0));
            to[k] = low.saturating_add(size).saturating_sub(at[k]).saturating_sub(far.max(0));
            first = first.wrapping_add(at[k].wrapping_mul(self.at.stride[k]));
            lane = lane.wrapping_add(step[k].wrapping_mul(self.at.stride[k]));
        }
        let first = self.at.origin.wrapping_offset(first).cast_const();
        Near { first, stride: self.at.stride, lane, n, from, to, memory: PhantomData }
    }
}

impl<'a, T: Element, const N: usize> Near<'a, T, N> {
    /// The row of an offset if it is `inside`, else zeros; in `tile` where it does not lie in one piece.
    #[inline(always)]
    pub fn row<'t>(&self, offset: [isize; N], inside: bool, tile: &'t mut Tile<T>) -> &'t [T]
    where
        'a: 't,
    {
        if !inside || self.n == 0 {
            return zeros(self.n);
        }
        let mut by = 0isize;
        for k in 0..N {
            if offset[k] < self.from[k] || offset[k] >= self.to[k] {
                outside(offset[k], self.from[k], self.to[k].wrapping_sub(self.from[k]) as usize);
            }
            by = by.wrapping_add(offset[k].wrapping_mul(self.stride[k]));
        }
        let first = self.first.wrapping_offset(by);
        if self.lane == 1 {
            // SAFETY: on each axis the offset is one at which the first and the last element, and so, a window being a
            // box, all of them, lie in the window; they are neighbours, and readable for `'a`.
            unsafe { slice::from_raw_parts(first, self.n) }
        } else {
            // SAFETY: as above.
            unsafe { tile.pack(0, first, self.lane, self.n) };
            tile.filled(self.n)
        }
    }
}

/// So many zeros.
#[inline(always)]
pub(super) fn zeros<T: Element>(n: usize) -> &'static [T] {
    static ZEROS: [u64; TILE] = [0; TILE];
    const { assert!(size_of::<T>() <= 8 && align_of::<T>() <= align_of::<u64>()) };
    assert!(n <= TILE);
    // SAFETY: an element has at most the size and the alignment of a `u64`, and zero bytes are a value of each type.
    unsafe { slice::from_raw_parts(ZEROS.as_ptr().cast(), n) }
}

#[cfg(test)]
mod tests {
    use super::super::Window;
    use super::super::place::Place;
    use super::*;
    use crate::MAX_RANK;
    use crate::dtype::DType;

    /// `f32[rows, columns]` in row-major order, its columns `stride` apart.
    fn window(memory: &mut [f32], rows: usize, columns: usize, stride: isize) -> Window {
        let (mut size, mut steps) = ([0; MAX_RANK], [0; MAX_RANK]);
        (size[0], size[1]) = (rows, columns);
        (steps[0], steps[1]) = (columns as isize * stride, stride);
        let origin = memory.as_mut_ptr().cast();
        Window { origin, dtype: DType::F32, rank: 2, low: [0; MAX_RANK], size, stride: steps }
    }

    #[test]
    fn rows_are_those_of_the_input() {
        let mut memory: Vec<f32> = (0..5 * 7 * 2).map(|k| k as f32).collect();
        for stride in [1, 2] {
            let x = In::<f32, 2> {
                at: Place::new(&window(&mut memory, 5, 7, stride)),
                long: usize::MAX,
                memory: PhantomData,
            };
            let (mut a, mut b) = (Tile::new(), Tile::new());
            for (at, step, n) in [([1, 2], [0, 1], 3), ([1, 4], [0, -1], 3), ([0, 3], [1, 0], 3), ([2, 3], [0, 1], 1)] {
                let near = x.near(at, step, n);
                for (i, j) in [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1)] {
                    let found = near.row([i, j], true, &mut a).to_vec();
                    assert_eq!(found, x.row([at[0] + i, at[1] + j], step, n, &mut b), "{at:?} {step:?} {i} {j}");
                }
                assert_eq!(near.row([-9, 9], false, &mut a), vec![0.0; n]);
            }
        }
    }

    #[test]
    fn a_row_outside_is_refused() {
        let mut memory = vec![0f32; 35];
        let x = In::<f32, 2> { at: Place::new(&window(&mut memory, 5, 7, 1)), long: usize::MAX, memory: PhantomData };
        let reads = |at: [isize; 2], step: [isize; 2], n: usize, offset: [isize; 2]| {
            std::panic::catch_unwind(|| x.near(at, step, n).row(offset, true, &mut Tile::new()).len()).is_ok()
        };
        assert!(reads([0, 0], [0, 1], 7, [4, 0]));
        for (at, step, n, offset) in [
            ([0, 0], [0, 1], 7, [5, 0]),
            ([0, 0], [0, 1], 7, [0, 1]),
            ([0, 0], [0, 1], 7, [-1, 0]),
            ([0, 0], [0, -1], 2, [0, 0]),
            ([2, 0], [1, 0], 3, [1, 0]),
            ([isize::MAX, 0], [1, 0], 3, [1, 0]),
            ([0, isize::MIN], [0, -1], 3, [0, 1]),
        ] {
            assert!(!reads(at, step, n, offset), "{at:?} {step:?} {n} {offset:?}");
        }
    }
}
