//! The weights of a window.
//!
//! In: where they are in their array. Out: [`Points`]; a copy of those that are not one step apart. Always: all are checked before a
//! pointer to them is made. Next: [`super::blocks`].

use std::mem::MaybeUninit;

use crate::dims::MAX_RANK;
use crate::kernel::strided;

use super::blocks::View;
use super::{Lines, POINTS, Taps, Windowed};

/// Elements of a row begin at a multiple of so many.
const VECTOR: usize = 16;
/// Bytes of weights that are copied for all windows. Of more than a cache holds, some are copied where they are multiplied.
const COPIED: usize = 1 << 20;

/// The points of a window, and where the weights of each are.
#[derive(Clone, Copy)]
pub struct Points<T> {
    /// Those of the first point.
    pub(super) first: *const T,
    /// From a point to the next one on each axis, and from one lane to the next.
    pub(super) by: [isize; MAX_RANK],
    pub(super) lane: isize,
    /// How many lanes there are.
    pub(super) n: usize,
    /// How many points the window has along each of its axes.
    pub(super) counts: [usize; MAX_RANK],
    pub(super) axes: usize,
}

impl<T> Points<T> {
    pub(super) const NONE: Points<T> =
        Points { first: std::ptr::null(), by: [0; MAX_RANK], lane: 1, n: 0, counts: [0; MAX_RANK], axes: 0 };

    #[inline(always)]
    pub(super) fn counts(&self) -> &[usize] {
        &self.counts[..self.axes]
    }

    /// Whether the sums of windows that are `step` apart are chains: the window has a point, and no more than a table of the
    /// places that some of them have takes.
    #[inline(always)]
    pub(super) fn fit(&self, step: usize) -> bool {
        let Some((&width, outer)) = self.counts().split_last() else { return false };
        let rows = outer.iter().fold(1usize, |rows, &count| rows.saturating_mul(count));
        rows > 0 && width > 0 && rows.saturating_mul(width.max(step)) <= POINTS
    }

    /// From a point's weights to the next one's, if these lie in pieces that are one step apart.
    #[inline(always)]
    fn step(&self) -> Option<isize> {
        let mut found = (self.lane == 1 || self.n <= 1).then_some(0)?;
        let mut next = None;
        for (&count, &by) in self.counts().iter().zip(&self.by).rev().filter(|(count, _)| **count > 1) {
            match next {
                None => found = by,
                Some(next) if next == by => (),
                Some(_) => return None,
            }
            next = Some(by.wrapping_mul(count as isize));
        }
        Some(found)
    }
}

impl<T: Windowed> Points<T> {
    /// The weights of the first point, and how far behind them those of the next one are; a copy, if they do not lie so.
    #[inline(always)]
    pub(super) fn rows(&self, memory: &mut Lines<T>) -> (*const T, isize) {
        match self.step() {
            Some(step) => (self.first, step),
            // SAFETY: see `read`, which alone makes points; their parts are points of it.
            None => unsafe { self.copied(memory) },
        }
    }

    /// # Safety
    /// All elements must be readable.
    #[inline(never)]
    unsafe fn copied(&self, memory: &mut Lines<T>) -> (*const T, isize) {
        let (step, points) = (self.n.next_multiple_of(VECTOR), self.counts().iter().product::<usize>());
        let memory = memory.of(points * step);
        let (mut first, mut point) = (self.first, [0usize; MAX_RANK]);
        for to in memory.chunks_exact_mut(step) {
            let (to, rest) = to.split_at_mut(self.n);
            // SAFETY: the caller's promise; any element is as well one that may be missing.
            unsafe {
                match self.lane {
                    1 => strided::copy(first, to.as_mut_ptr(), self.n),
                    lane => strided::gather(&mut *(to as *mut [T] as *mut [MaybeUninit<T>]), first, lane),
                }
            };
            rest.fill(T::default());
            // The last axis is the fastest.
            for (point, (&count, &by)) in point.iter_mut().zip(self.counts().iter().zip(&self.by)).take(self.axes).rev()
            {
                *point += 1;
                first = first.wrapping_offset(by);
                if *point < count {
                    break;
                }
                *point = 0;
                first = first.wrapping_offset(by.wrapping_mul(count as isize).wrapping_neg());
            }
        }
        (memory.as_ptr(), step as isize)
    }
}

/// See [`Taps::read`].
pub(super) fn read<T: Windowed>(
    taps: &mut Taps<'_, T>,
    from: View<'_, T>,
    at: &[isize],
    lane: &[isize],
    steps: &[isize],
    n: usize,
) {
    let mut found = Points { first: from.origin, by: [0; MAX_RANK], lane: 0, n, ..taps.at };
    let points = found.counts().iter().fold(1usize, |points, &count| points.saturating_mul(count));
    // None, should this panic.
    taps.at.n = 0;
    let any = n > 0 && points > 0;
    for (k, &at) in at.iter().enumerate().filter(|_| any) {
        found.first = found.first.wrapping_offset(at.wrapping_mul(from.stride[k]));
        found.lane = found.lane.wrapping_add(lane[k].wrapping_mul(from.stride[k]));
        let far = (n as isize - 1).saturating_mul(lane[k]);
        let (mut low, mut high) = (far.min(0), far.max(0));
        for a in 0..found.axes {
            let count = found.counts[a];
            let step = steps[a * lane.len() + k];
            let far = (count as isize - 1).saturating_mul(step);
            (low, high) = (low.saturating_add(far.min(0)), high.saturating_add(far.max(0)));
            found.by[a] = found.by[a].wrapping_add(step.wrapping_mul(from.stride[k]));
        }
        from.check(k, at.saturating_add(low), high.saturating_sub(low));
    }
    if any && points.saturating_mul(n).saturating_mul(size_of::<T>()) <= COPIED {
        let (first, step) = found.rows(&mut taps.memory);
        let mut by = step;
        (found.first, found.lane) = (first, 1);
        for a in (0..found.axes).rev() {
            found.by[a] = by;
            by = by.wrapping_mul(found.counts[a] as isize);
        }
    }
    taps.at = found;
}
