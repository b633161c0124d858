//! The weights of a window.
//!
//! In: where they are in their array. Out: [`Points`], which are one step apart; a copy of those that are not. Always: all are
//! checked before a pointer to them is made. Next: [`super::blocks`].

use std::mem::MaybeUninit;

use crate::dims::MAX_RANK;
use crate::kernel::strided;

use super::blocks::View;
use super::{POINTS, Taps, Windowed};

/// Elements of a row begin at a multiple of so many.
const VECTOR: usize = 16;

/// The points of a window, and where the weights of each are.
#[derive(Clone, Copy)]
pub struct Points<T> {
    /// Those of the first point; those of the next one are `step` behind them.
    pub(super) first: *const T,
    pub(super) step: isize,
    /// How many lanes there are.
    pub(super) n: usize,
    /// How many points the window has along each of its axes.
    pub(super) counts: [usize; MAX_RANK],
    pub(super) axes: usize,
}

impl<T> Points<T> {
    /// Whether the sums of windows that are `step` apart are chains: the window has a point, and no more than a table of the
    /// places that some of them have takes.
    #[inline(always)]
    pub(super) fn fit(&self, step: usize) -> bool {
        let Some((&width, outer)) = self.counts[..self.axes].split_last() else { return false };
        let rows = outer.iter().fold(1usize, |rows, &count| rows.saturating_mul(count));
        rows > 0 && width > 0 && rows.saturating_mul(width.max(step)) <= POINTS
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
    let counts = &taps.at.counts[..taps.at.axes];
    let points = counts.iter().fold(1usize, |points, &count| points.saturating_mul(count));
    // None, should this panic.
    taps.at.n = 0;
    if n == 0 || points == 0 {
        taps.at.n = n;
        return;
    }
    let (mut first, mut stride, mut by) = (from.origin, 0isize, [0isize; MAX_RANK]);
    for (k, &at) in at.iter().enumerate() {
        first = first.wrapping_offset(at.wrapping_mul(from.stride[k]));
        stride = stride.wrapping_add(lane[k].wrapping_mul(from.stride[k]));
        let far = (n as isize - 1).saturating_mul(lane[k]);
        let (mut low, mut high) = (far.min(0), far.max(0));
        for (a, &count) in counts.iter().enumerate() {
            let step = steps[a * lane.len() + k];
            let far = (count as isize - 1).saturating_mul(step);
            (low, high) = (low.saturating_add(far.min(0)), high.saturating_add(far.max(0)));
            by[a] = by[a].wrapping_add(step.wrapping_mul(from.stride[k]));
        }
        from.check(k, at.saturating_add(low), high.saturating_sub(low));
    }
    let step = by[..counts.len()].last().copied().unwrap_or(0);
    let mut rows = by.windows(2).zip(counts.iter().skip(1));
    if (stride == 1 || n == 1) && rows.all(|(by, &count)| by[0] == by[1].wrapping_mul(count as isize)) {
        (taps.at.first, taps.at.step, taps.at.n) = (first, step, n);
        return;
    }
    let step = n.next_multiple_of(VECTOR);
    let memory = taps.memory.of(points.saturating_mul(step));
    (taps.at.first, taps.at.step) = (memory.as_ptr(), step as isize);
    let mut point = [0usize; MAX_RANK];
    for to in memory.chunks_exact_mut(step) {
        let (to, rest) = to.split_at_mut(n);
        // SAFETY: all coordinates of all points lie in the window, as was checked, whose elements are readable; any element is
        // as well one that may be missing.
        unsafe {
            match stride {
                1 => strided::copy(first, to.as_mut_ptr(), n),
                _ => strided::gather(&mut *(to as *mut [T] as *mut [MaybeUninit<T>]), first, stride),
            }
        };
        rest.fill(T::default());
        // The last axis is the fastest.
        for a in (0..counts.len()).rev() {
            point[a] += 1;
            first = first.wrapping_offset(by[a]);
            if point[a] < counts[a] {
                break;
            }
            point[a] = 0;
            first = first.wrapping_offset(by[a].wrapping_mul(counts[a] as isize).wrapping_neg());
        }
    }
    taps.at.n = n;
}
