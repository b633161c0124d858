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
    let worth = elements / (i64::from(parts.team) * LEAST);
    let most = (FULL / threads(&parts)).min(worth).min(longest / LEAST).min(MOST);
    let count = if most < 2 { return None } else { 1 << most.ilog2() };
    Some((parts, Slices { count, axis: axis as u8 }))
}
