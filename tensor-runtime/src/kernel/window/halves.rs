//! Windows of many points.
//!
//! In: windows that are no chains. Out: their sums, each that of its first half and that of its second. Always: halves are of
//! the points in their order, and follow from how many there are alone. Next: [`super::blocks`].

use std::ops::Range;

use crate::dims::MAX_RANK;

use super::blocks::Block;
use super::taps::Points;
use super::{Lines, Windowed};

/// The sums of all windows, by those of halves; nothing is the sum of no points.
pub(super) fn halves<T: Windowed>(
    to: &mut Lines<T>,
    points: &Points<T>,
    block: &Block<'_, T>,
    sums: impl Fn(&mut Lines<T>, &Points<T>, &Block<'_, T>),
) {
    let (n, counts) = (block.count * points.n, points.counts());
    if counts.contains(&0) {
        return to.of(n).fill(T::default());
    }
    let Some(k) = counts.iter().position(|&count| count > 1) else { panic!("windows that are {} apart", block.step) };
    let half = counts[k] / 2;
    let (mut first, mut second) = (*points, *points);
    first.counts[k] = half;
    second.counts[k] -= half;
    let (half, rank) = (half as isize, block.at.len());
    second.first = points.first.wrapping_offset(points.by[k].wrapping_mul(half));
    let behind = |range: &Range<isize>| range.start.saturating_sub(half)..range.end.saturating_sub(half);
    let mut at = [0; MAX_RANK];
    let at = &mut at[..rank];
    at.copy_from_slice(block.at);
    let mut inside = [const { 0..0 }; MAX_RANK];
    let inside = &mut inside[..block.inside.len()];
    inside.clone_from_slice(block.inside);
    let mut columns = block.columns.clone();
    if let Some(of) = inside.get_mut(k) {
        *of = behind(of);
        for (at, step) in at.iter_mut().zip(&block.steps[k * rank..]) {
            *at = at.saturating_add(step.saturating_mul(half));
        }
    } else {
        columns = behind(&columns);
        at[block.axis] = at[block.axis].saturating_add(half);
    }
    sums(to, &first, block);
    let mut others = Lines::new();
    sums(&mut others, &second, &Block { at, inside, columns: &columns, ..*block });
    // The same memory as before: there is enough of it.
    for (sum, &other) in to.of(n).iter_mut().zip(&*others.of(n)) {
        *sum = *sum + other;
    }
}
