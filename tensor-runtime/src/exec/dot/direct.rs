//! A product of two matrices of `f32`, of which one is laid out a panel at a time, just before it is multiplied.
//!
//! In: two matrices, a destination. Out: it is written, or it is said that it cannot be. Always: each sum is what
//! [`super::packed`] makes of it. Next: [`super::lay`], [`super::tile`].

use std::ops::Range;

use crate::exec::jobs;
use crate::isa;
use crate::kept::Laid;

use super::gemm::Matrix;
use super::lay::{DEPTH, VECTOR, WIDEST, pack, panel_of, panels, together, unlaid};
use super::post::Posted;
use super::tile::{self, Also, Strip, Tiles};

/// Elements of panels that are laid out at once: they stay in a near cache.
const MOST: usize = 8192;
/// So many rows are multiplied with all panels that are laid out, so that they are written as a whole: a multiple of what tiles
/// have.
const ROWS: usize = 48;

/// Multiplies as [`super::gemm::Scalar::multiply`], if it can: where columns of the destination are next to each other, or
/// there is one, on processors with tiles; then these post-ops; answers whether it did.
///
/// # Safety
/// As there.
pub(super) unsafe fn multiply(
    [m, n, k]: [usize; 3],
    out: Matrix<f32>,
    add: bool,
    left: Matrix<f32>,
    right: Matrix<f32>,
    post: Option<&Posted>,
) -> bool {
    let Some(tiles) = tile::tiles(isa::active()).filter(|_| k > 0) else { return false };
    // SAFETY: the caller's promise; the processor has the set, for `isa::active` found it.
    unsafe {
        match (out.row, n) {
            (1, _) => by_panels(tiles, [m, n, k], out, add, left, right, post),
            (_, 1) => by_panels(tiles, [n, m, k], out.transposed(), add, right.transposed(), left.transposed(), post),
            (_, _) => false,
        }
    }
}

/// Multiplies matrices where the destination's lanes are next to each other; answers whether there was memory for that.
///
/// # Safety
/// As [`multiply`]; the processor must have the instruction set of the tiles.
#[allow(clippy::too_many_arguments, reason = "two operands, a destination, and how")]
unsafe fn by_panels(
    tiles: &Tiles,
    [lanes, rows, depth]: [usize; 3],
    out: Matrix<f32>,
    add: bool,
    left: Matrix<f32>,
    right: Matrix<f32>,
    post: Option<&Posted>,
) -> bool {
    let blocks = depth.div_ceil(DEPTH);
    // Room for as many of the widest, or for more that are small.
    let most =
        (together(rows, depth) * WIDEST * depth.min(DEPTH)).max(MOST.min(lanes.next_multiple_of(VECTOR) * depth));
    let Ok(mut memory) = Laid::new(most) else { return false };
    let laid = memory.start_mut();
    for block in 0..blocks {
        let terms = jobs::part(depth, blocks, block);
        let (first, count) = (terms.start as isize, terms.len());
        let mut begin = 0;
        while begin < lanes {
            let room = |end: &usize| (end.next_multiple_of(VECTOR) - begin) * count <= most;
            let ends = panels(begin..lanes, lanes).map(|panel| panel.end);
            let group = begin..ends.take_while(room).last().unwrap_or(panel_of(begin, lanes).end);
            let place = |panel: &Range<usize>| laid.wrapping_add((panel.start - begin) * count);
            for panel in panels(group.clone(), lanes) {
                let from = left.start.wrapping_offset(panel.start as isize * left.row + first * left.column);
                // SAFETY: the lanes and terms are the caller's; there is memory for the terms of the group.
                unsafe { pack(from, left.row, left.column, panel.len(), count, place(&panel)) };
            }
            // What is laid out next; what follows the last lanes, another box mostly begins with.
            let all = group.end == lanes && block + 1 < blocks;
            let (lane, term) = if all { (0, terms.end) } else { (group.end, terms.start) };
            let next = left.start.wrapping_offset(lane as isize * left.row + term as isize * left.column);
            let step = if panel_of(begin, lanes).end < group.end { ROWS } else { rows };
            for row in (0..rows).step_by(step) {
                for panel in panels(group.clone(), lanes) {
                    let strip = Strip {
                        left: right.start.wrapping_offset(first * right.row + row as isize * right.column),
                        row: right.column,
                        term: right.row,
                        offsets: None,
                        rows: step.min(rows - row),
                        panel: place(&panel),
                        step: panel.len().next_multiple_of(VECTOR),
                        depth: count,
                        out: out.start.wrapping_add(panel.start).wrapping_offset(row as isize * out.column),
                        out_row: out.column,
                        lanes: panel.len(),
                        add: add || block > 0,
                        also: Also { post: post.filter(|_| block + 1 == blocks), ..Also::default() },
                    };
                    let last = panel.end == group.end && row + step >= rows;
                    let soon = |follow| if last { unlaid(follow, next, left.row, left.column, WIDEST) } else { None };
                    // SAFETY: the rows are the caller's, and what is laid out is whole vectors.
                    unsafe { tiles.strip(&strip, soon) };
                }
            }
            begin = group.end;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_laid_out_together_make_the_bits_of_one_after_another() {
        let (lanes, rows, depth) = (200, 520, 600);
        let wave = |len: usize, by: usize| (0..len).map(|i| (i * by % 23) as f32 * 0.3 - 3.0).collect::<Vec<f32>>();
        let (mut left, mut right) = (wave(lanes * depth, 7), wave(depth * rows, 5));
        let mut of = |some: Range<usize>| {
            let mut out = vec![f32::NAN; lanes * some.len()];
            let left = Matrix { start: left.as_mut_ptr(), row: 1, column: lanes as isize };
            let first = right.as_mut_ptr().wrapping_add(some.start * depth);
            let right = Matrix { start: first, row: 1, column: depth as isize };
            let to = Matrix { start: out.as_mut_ptr(), row: 1, column: lanes as isize };
            // SAFETY: the vectors have the elements of these rows, lanes and terms.
            unsafe { multiply([lanes, some.len(), depth], to, false, left, right, None) }.then_some(out)
        };
        assert_eq!([rows, rows / 2].map(|rows| together(rows, depth)), [2, 1]);
        // A processor without tiles has no panels.
        let Some(whole) = of(0..rows) else { return };
        let halves = [0..rows / 2, rows / 2..rows].map(|some| of(some).unwrap()).concat();
        assert!(whole.iter().zip(&halves).all(|(one, other)| one.to_bits() == other.to_bits()));
    }
}
