//! The part of a product that a tile needs.
//!
//! In: a [`Bound`] of the plan, a tile. Out: the range of one loop of the product. Always: what lies outside is read by one
//! kernel of the tile, which discards it; inside, each element is the sum that it is in the whole. Next: [`super`].

use std::ops::Range;

use crate::error::Result;
use crate::plan::{Bound, Dot, Plan, Role};

use super::super::internal;
use super::tiling::MAX_TILED;

/// Ranges are of multiples of so many places, and no shorter unless the loop is: a product of few columns has another order
/// of its sums.
const UNIT: isize = 16;

/// A bound with the sizes of a call.
#[derive(Debug)]
pub(super) struct Needed {
    /// The loop of the product.
    pub(super) axis: usize,
    along: isize,
    tiled: &'static [i64],
    start: isize,
}

impl Needed {
    /// `follows` has for each tiled axis the product's loop.
    pub(super) fn new(
        plan: &'static Plan,
        dot: &'static Dot,
        follows: &[u8],
        bound: &'static Bound,
        sizes: &[i64],
    ) -> Result<Needed> {
        let axis = usize::from(bound.axis);
        let start = sizes.get(usize::from(bound.start));
        let role = dot.axes.get(axis).map(|l| l.role).filter(|role| *role != Role::Contract);
        let fits = role.is_some() && !follows.contains(&bound.axis) && bound.tiled.len() == follows.len();
        match start.filter(|_| fits && bound.along != 0 && dot.epilogue.is_none()) {
            Some(&start) => Ok(Needed { axis, along: bound.along as isize, tiled: bound.tiled, start: start as isize }),
            None => Err(internal(plan, format!("a bound of step {} that is none", bound.step))),
        }
    }

    /// Limits the loop to what the tile needs.
    pub(super) fn narrow(&self, range: &mut Range<isize>, tile: &[Range<isize>; MAX_TILED]) {
        // The most that the rest of the condition is anywhere in the tile.
        let mut most = self.start;
        for (&times, range) in self.tiled.iter().zip(tile) {
            let times = times as isize;
            let far = if times > 0 { range.end - 1 } else { range.start };
            most = most.saturating_add(times.saturating_mul(far));
        }
        if self.along > 0 {
            let first = most.div_euclid(self.along).saturating_neg();
            if first >= range.end {
                range.start = range.end;
                return;
            }
            let first = first.min(range.end - UNIT).max(range.start);
            range.start = first - (first - range.start) % UNIT;
        } else {
            let end = most.div_euclid(-self.along).saturating_add(1).min(range.end);
            let units = (end - range.start).max(0).cast_unsigned().div_ceil(UNIT.cast_unsigned());
            range.end = range.start.saturating_add(units.cast_signed() * UNIT).min(range.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_all_that_is_needed_and_little_more() {
        let conditions =
            [(-1, 1, 0), (1, -1, 0), (1, -1, 7), (-1, 1, -30), (2, -3, 1), (-3, 2, 5), (1, 0, -99), (-1, 0, -1)];
        for (along, times, start) in conditions {
            let tiled: &'static [i64] = Box::leak(Box::new([times]));
            let needed = Needed { axis: 0, along, tiled, start };
            for (extent, first, last) in (0..130).flat_map(|n| [(n, 0, 0), (n, 3, 40), (n, 64, 70), (n, 99, 200)]) {
                let mut tile = std::array::from_fn(|_| 0..1);
                tile[0] = first..last + 1;
                let mut range = 0..extent;
                needed.narrow(&mut range, &tile);
                let wanted = |j: &isize| (first..=last).any(|i| along * j + times as isize * i + start >= 0);
                let all: Vec<isize> = (0..extent).filter(wanted).collect();
                assert!(all.iter().all(|j| range.contains(j)), "{needed:?} {extent} {first}..={last}: {range:?}");
                assert!(range.is_empty() || range.len() as isize >= UNIT.min(extent), "{range:?}");
                assert!(range.len() < all.len() + 2 * UNIT as usize, "{needed:?} {extent}: {range:?}");
                assert!(range.start % UNIT == 0 && range.start >= 0 && range.end <= extent || range.is_empty());
            }
        }
    }
}
