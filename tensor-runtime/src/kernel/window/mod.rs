//! Windows: for each place of an input a sum over its neighbourhood, of products with weights that all places share.
//!
//! In: the weights along a tile of the lane, found once by [`Taps::read`]; where the window of a place begins. Out: the sums
//! along the tile, by [`Sums::rows`] or one by one. Always: several neighbouring places are computed at once, so that a weight is
//! fetched once for all of them, and where windows are 3 or 5 wide a place once for all windows of its row; each sum is one chain
//! in the order of the window's points, whatever is computed beside it; a window of more than [`POINTS`] is two of half as many, so
//! that its error is that of pairwise summation; what lies outside is multiplied as zero; all that is read is checked against the
//! input's window.
//! Next: [`blocks`], compiled once an instruction set, with the runtime.

mod blocks;
mod halves;
mod taps;
#[cfg(test)]
mod tests;
mod vector;

use std::marker::PhantomData;
use std::ops::Range;

use crate::dims::MAX_RANK;
use crate::isa::Isa;
use crate::math::Float;

use super::cache::LINE;
use super::{In, Row, Rows, Span, TILE};
use blocks::{Block, MOST as BLOCK, View};
use taps::Points;

/// The most points of a window that is one chain.
pub(super) const POINTS: usize = 64;
/// The most windows that are computed together.
pub(super) const RUN: usize = 32;
/// The most sums that are computed together, but for those of one block of windows: they are read again from the first-level
/// cache.
const SUMS: usize = 8192;
/// Elements of a tile's weights, at most: they stay in the second-level cache together with the rows of an image that are read
/// again for the windows below. Of as many lanes as this allows, for memory is fetched faster in long pieces.
const WEIGHTS: usize = 20_000;
/// Lanes of a tile are a multiple of so many.
const LANES: usize = 32;

/// A type whose windows are compiled with the runtime.
pub trait Windowed: Float + sealed::Windowed {}

mod sealed {
    use super::*;

    pub trait Windowed: Sized {
        /// Finds rows of weights.
        fn read(
            taps: &mut Taps<'_, Self>,
            from: View<'_, Self>,
            at: &[isize],
            lane: &[isize],
            axes: &[isize],
            n: usize,
        ) where
            Self: Float;
        /// Computes the sums of neighbouring places.
        fn sums<M: Isa>(m: M, to: &mut Lines<Self>, points: &Points<Self>, block: &Block<'_, Self>)
        where
            Self: Float;
    }
}
pub(super) use sealed::Windowed as Compiled;

/// Elements that begin with a cache line.
pub struct Lines<T: Float> {
    memory: Option<Row<T>>,
    from: usize,
}

impl<T: Float> Lines<T> {
    const fn new() -> Lines<T> {
        Lines { memory: None, from: 0 }
    }

    /// At least `n` of them, of any values.
    fn of(&mut self, n: usize) -> &mut [T] {
        let line = LINE / size_of::<T>();
        let memory = self.memory.take().filter(|memory| memory.len() >= n + line);
        let memory = self.memory.insert(memory.unwrap_or_else(|| Row::new(n + line)));
        self.from = memory.as_ptr().align_offset(LINE).min(line);
        &mut memory[self.from..][..n]
    }

    fn get(&self) -> &[T] {
        self.memory.as_ref().map_or(&[], |memory| &memory[self.from..])
    }
}

/// The weights of a window along a tile of the lane.
pub struct Taps<'a, T: Float> {
    at: Points<T>,
    /// A copy, if they do not lie so.
    memory: Lines<T>,
    of: PhantomData<&'a [T]>,
}

impl<'a, T: Windowed> Taps<'a, T> {
    /// None.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Taps<'a, T> {
        Taps { at: Points::NONE, memory: Lines::new(), of: PhantomData }
    }

    /// Finds the weights: at each point of the axes, which have a step and a count each, `n` elements from `at` on that are
    /// `lane` apart.
    #[inline]
    pub fn read<const N: usize, const A: usize>(
        &mut self,
        from: &In<'a, T, N>,
        at: [isize; N],
        lane: [isize; N],
        axes: [([isize; N], usize); A],
        n: usize,
    ) {
        assert!(A <= MAX_RANK && n <= TILE, "a window of {A} axes and {n} lanes");
        let mut steps = [[0; N]; A];
        for (k, (step, count)) in axes.into_iter().enumerate() {
            (steps[k], self.at.counts[k]) = (step, count);
        }
        self.at.axes = A;
        T::read(self, View::of(from), &at, &lane, steps.as_flattened(), n);
    }
}

/// Where the windows of an input are: see [`In::around`].
pub struct Around<'a, T: Float, const N: usize, const A: usize> {
    of: View<'a, T>,
    at: [isize; N],
    lane: [isize; N],
    steps: [[isize; N]; A],
    inside: [Range<isize>; A],
    axis: usize,
    step: usize,
    columns: Range<isize>,
}

impl<T: Windowed, const N: usize> In<'_, T, N> {
    /// The window whose first point is `at`, along the lane. Its axes but the last have a step each and the points that lie
    /// inside; the last goes along `axis` one by one, as does the next window after `step` of them, and of its places
    /// `columns`, counted from `at`, lie inside.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "a window, along three kinds of axes")]
    pub fn around<const A: usize>(
        &self,
        at: [isize; N],
        lane: [isize; N],
        steps: [[isize; N]; A],
        inside: [Range<isize>; A],
        axis: usize,
        step: usize,
        columns: Range<isize>,
    ) -> Around<'_, T, N, A> {
        Around { of: View::of(self), at, lane, steps, inside, axis, step, columns }
    }
}

/// The sums of neighbouring windows.
pub struct Sums<T: Float> {
    memory: Lines<T>,
    /// The number of the first window, and of how many there are sums.
    first: isize,
    have: usize,
}

impl<T: Windowed> Sums<T> {
    /// None.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Sums<T> {
        Sums { memory: Lines::new(), first: 0, have: 0 }
    }

    /// Forgets all sums: other windows come.
    #[inline(always)]
    pub fn begin(&mut self) {
        self.have = 0;
    }

    /// The sums of window `at`, along the lane: see [`rows`](Sums::rows).
    #[inline(always)]
    pub fn row<'x, M: Isa, const N: usize, const A: usize>(
        &mut self,
        m: M,
        at: isize,
        end: isize,
        taps: &Taps<'_, T>,
        around: impl FnOnce() -> Around<'x, T, N, A>,
    ) -> &[T] {
        self.from(m, at, 1, end, taps, around)
    }

    /// The sums of the windows of `rows`, the first of which is `at`: a row along the lane for each. If they are not known, they
    /// are computed, with those of the windows behind them and before `end`.
    #[inline(always)]
    pub fn rows<'x, M: Isa, const N: usize, const A: usize>(
        &mut self,
        m: M,
        at: isize,
        rows: Rows,
        end: isize,
        taps: &Taps<'_, T>,
        around: impl FnOnce() -> Around<'x, T, N, A>,
    ) -> &[T] {
        self.from(m, at, rows.count, end, taps, around)
    }

    #[inline(always)]
    fn from<'x, M: Isa, const N: usize, const A: usize>(
        &mut self,
        m: M,
        at: isize,
        count: usize,
        end: isize,
        taps: &Taps<'_, T>,
        around: impl FnOnce() -> Around<'x, T, N, A>,
    ) -> &[T] {
        let mut back = at.wrapping_sub(self.first) as usize;
        if back >= self.have || count > self.have - back {
            // As many as are asked for together, several times.
            let whole = (SUMS / taps.at.n.max(1)).clamp(BLOCK, RUN) / BLOCK * BLOCK;
            let most = (whole / count).max(1) * count;
            self.have = (end.saturating_sub(at).max(count as isize) as usize).min(most);
            (self.first, back) = (at, 0);
            self.compute(m, self.have, taps, &around());
        }
        &self.memory.get()[back * taps.at.n..][..count * taps.at.n]
    }

    #[inline(never)]
    fn compute<M: Isa, const N: usize, const A: usize>(
        &mut self,
        m: M,
        count: usize,
        taps: &Taps<'_, T>,
        around: &Around<'_, T, N, A>,
    ) {
        let block = Block {
            of: &around.of,
            at: &around.at,
            lane: &around.lane,
            steps: around.steps.as_flattened(),
            inside: &around.inside,
            axis: around.axis,
            step: around.step,
            columns: &around.columns,
            count,
        };
        T::sums(m, &mut self.memory, &taps.at, &block);
    }
}

/// Spans of a lane, as equal as whole vectors allow: short enough that the weights of a window of so many points stay in a
/// cache.
///
/// ```
/// use ndfuse_runtime::rt::lanes;
/// let lengths: Vec<_> = lanes(0..1200, 25).map(|t| (t.start, t.len)).collect();
/// assert_eq!(lengths, [(0, 608), (608, 592)]);
/// ```
#[inline]
pub fn lanes(range: Range<isize>, points: usize) -> impl Iterator<Item = Span> {
    let n = range.end.saturating_sub(range.start).max(0) as usize;
    let fit = (WEIGHTS / points.max(1)).clamp(LANES, TILE) / LANES * LANES;
    let len = n.div_ceil(n.div_ceil(fit).max(1)).next_multiple_of(LANES).clamp(1, TILE);
    range.clone().step_by(len).map(move |start| Span { start, len: len.min((range.end - start) as usize) })
}
