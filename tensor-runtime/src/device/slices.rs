//! Slices: how few long rows or columns are cut, so that they fill a device.
//!
//! In: a kernel that may be cut, its launch whole. Out: into how many slices, along which of the reduced axes. Always: this
//! follows from the extents alone, so the bits are the same on every machine; a slice is long enough to be worth the
//! launches that combine it. Next: `emit/cuda/body/slices.rs` of the compiler.

use super::geometry::{Shape, groups};
use crate::plan::{Cuda, Deal};

/// The threads that fill a large device.
const FULL: i64 = 1 << 18;
/// The least that a thread of a slice reads.
const LEAST: i64 = 32;
/// The most slices: those of a row are combined by a block.
const MOST: i64 = 1024;
/// The most threads of a slice of a row.
const TEAM: u32 = 256;

/// How the rows or columns of a launch are cut.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Slices {
    /// `ND_SLICES`, a power of two.
    pub(crate) count: u32,
    /// `ND_CUT`, a number among the reduced axes.
    pub(crate) axis: u8,
}

/// What a launch becomes that is cut; `None` where it is better whole, or its rows are held in registers.
pub(super) fn cut(cuda: &Cuda, whole: &Shape, points: i64, reduced: &[i64]) -> Option<(Shape, Slices)> {
    cuda.cut.filter(|_| whole.items == 0)?;
    let threads =
        |shape: &Shape| groups(points, i64::from(shape.block / shape.team)).saturating_mul(i64::from(shape.block));
    if threads(whole) > FULL / 2 {
        return None;
    }
    let parts = match cuda.deal {
        Deal::Point => return None,
        Deal::Row if whole.team > TEAM => Shape { block: TEAM, team: TEAM, ..*whole },
        Deal::Row | Deal::Column => *whole,
    };
    // The first of the longest.
    let (axis, &longest) = reduced.iter().enumerate().rev().max_by_key(|(_, extent)| **extent)?;
    let elements = reduced.iter().fold(1i64, |n, &extent| n.saturating_mul(extent));
    let team = if cuda.deal == Deal::Row { TEAM } else { parts.team };
    let worth = elements / (i64::from(team) * LEAST);
    let most = (FULL / threads(&parts)).min(worth).min(longest / LEAST).min(MOST);
    let count = if most < 2 { return None } else { 1 << most.ilog2() };
    Some((parts, Slices { count, axis: axis as u8 }))
}

#[cfg(test)]
mod tests {
    use super::super::geometry::shape;
    use super::*;
    use crate::plan::Cut;

    fn of(deal: Deal, held: u8, extents: &[i64], par: usize) -> Option<(u32, u8, u32, u32)> {
        let cut = Some(Cut { passes: 1, states: 1, again: false });
        let cuda = Cuda { deal, held, cut, strip: 4, ..Cuda::NONE };
        let [few, many] = [1, 132].map(|sms| shape(&cuda, par, extents, sms).expect("there are points"));
        assert_eq!((few.slices, few.block, few.team, few.items), (many.slices, many.block, many.team, many.items));
        many.slices.map(|Slices { count, axis }| (count, axis, many.block, many.blocks))
    }

    #[test]
    fn few_long_rows_are_cut_and_no_others() {
        let rows = |count, length| of(Deal::Row, 0, &[count, length], 1);
        assert_eq!(rows(4, 10_000_000), Some((256, 0, 256, 4)));
        assert_eq!(rows(1, 1 << 40), Some((1024, 0, 256, 1)));
        assert_eq!((rows(4, 16_383), rows(4, 2 * 8192)), (None, Some((2, 0, 128, 4))));
        assert_eq!((rows(128, 1 << 20).is_some(), rows(129, 1 << 20)), (true, None));
        assert_eq!(of(Deal::Row, 1, &[4, 16_384], 1), None, "held in registers");
        assert!(of(Deal::Row, 1, &[4, 16_385], 1).is_some());
        assert_eq!(of(Deal::Row, 0, &[100_000], 0), Some((8, 0, 256, 1)));
        assert_eq!(of(Deal::Row, 0, &[3, 10_000, 100], 1).map(|s| s.1), Some(0), "the longest axis");
        assert_eq!(of(Deal::Row, 0, &[3, 100, 10_000], 1).map(|s| s.1), Some(1));
        assert_eq!(of(Deal::Row, 0, &[3, 0, 1 << 30], 1), None, "no elements");
    }

    #[test]
    fn few_columns_of_many_rows_are_cut_and_no_others() {
        let columns = |count, length| of(Deal::Column, 0, &[count, length], 1);
        assert_eq!(columns(8, 10_000_000), Some((256, 0, 1024, 1)));
        assert_eq!(columns(8192, 8192), Some((4, 0, 256, 256)));
        assert_eq!(columns(140_000, 1 << 20), None);
        assert_eq!(columns(8, 8191), None);
        assert_eq!(of(Deal::Point, 0, &[8, 1 << 30], 1), None);
    }
}
