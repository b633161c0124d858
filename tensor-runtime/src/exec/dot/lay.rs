//! Lanes of an operand laid out for vectors.
//!
//! In: lanes and terms of an operand, wherever they are. Out: a panel, in which the lanes of a term are next to each other,
//! term by term. Always: a panel is of whole vectors, with zeros behind its lanes; which panels an axis is cut into depends on its
//! length alone. Next: [`super::tile`].

use std::ops::Range;

use crate::kernel::cache::fetch_line_to_second;

use super::tile::Ahead;

/// The lanes of a panel are a multiple of so many: those of the widest vector.
pub(super) const VECTOR: usize = 16;
/// The most lanes of a panel.
pub(super) const WIDEST: usize = 4 * VECTOR;
/// Terms of a sum that are added up before they are added to what is there.
pub(super) const DEPTH: usize = 1024;
/// Elements of the other operand that a near cache keeps until the next panel.
const NEAR: usize = 1 << 18;

/// How many panels are laid out at once for so many rows and terms: several for rows that else would come from afar for each.
pub(super) fn together(rows: usize, depth: usize) -> usize {
    if rows.saturating_mul(depth.min(DEPTH)) > NEAR { 2 } else { 1 }
}

/// The panel with a lane in it, of so many lanes in all. The last one has two vectors rather than one, and the one before it three,
/// for what is fetched of the other operand is then used more often.
pub(super) fn panel_of(lane: usize, lanes: usize) -> Range<usize> {
    let start = lane / WIDEST * WIDEST;
    let left = lanes - start;
    let (widest, cut) = (WIDEST / VECTOR, lanes.div_ceil(VECTOR));
    if cut > widest && cut % widest == 1 {
        // Where the last two panels meet.
        let last = (cut - 2) * VECTOR;
        if lane >= last {
            return last..lanes;
        }
        return start..last.min(start + WIDEST);
    }
    start..start + left.min(WIDEST)
}

/// The panels with some of so many lanes in them.
pub(super) fn panels(some: Range<usize>, lanes: usize) -> impl Iterator<Item = Range<usize>> {
    let panel = move |lane: usize| Some(lane).filter(|lane| *lane < some.end).map(|lane| panel_of(lane, lanes));
    std::iter::successors(panel(some.start), move |last| panel(last.end))
}

/// Lays out lanes of a panel: term by term, in whole vectors, with zeros behind.
///
/// # Safety
/// The lanes' terms must be readable; `to` must have room for as many terms of whole vectors.
pub(super) unsafe fn pack(from: *const f32, lane: isize, term: isize, lanes: usize, depth: usize, to: *mut f32) {
    let step = lanes.next_multiple_of(VECTOR);
    // SAFETY: the caller's promise, for each lane and term.
    unsafe {
        let one = |l: usize, k: usize| from.wrapping_offset(l as isize * lane + k as isize * term);
        if lanes < step {
            std::ptr::write_bytes(to, 0, depth * step);
        }
        if lane == 1 {
            // By parts of a length that the compiler knows: to call a function for each costs more than the copy.
            let (whole, quads) = (lanes / VECTOR, lanes % VECTOR / 4);
            for k in 0..depth {
                let (mut from, mut to) = (one(0, k), to.add(k * step));
                for _ in 0..whole {
                    std::ptr::copy_nonoverlapping(from, to, VECTOR);
                    (from, to) = (from.add(VECTOR), to.add(VECTOR));
                }
                for _ in 0..quads {
                    std::ptr::copy_nonoverlapping(from, to, 4);
                    (from, to) = (from.add(4), to.add(4));
                }
                for l in 0..lanes % 4 {
                    *to.add(l) = *from.add(l);
                }
            }
            return;
        }
        let (square, deep) = if term == 1 { (lanes / 4 * 4, depth / 4 * 4) } else { (0, 0) };
        // A line is written as a whole. Lanes that follow each other in memory are read in that order, and asked for before.
        for start in (0..square).step_by(VECTOR) {
            for first in (0..deep).step_by(VECTOR) {
                (VECTOR..2 * VECTOR).for_each(|ahead| fetch_line_to_second(one(start + ahead, first).cast()));
                for l in (start..square.min(start + VECTOR)).step_by(4) {
                    for k in (first..deep.min(first + VECTOR)).step_by(4) {
                        transpose([0, 1, 2, 3].map(|i| one(l + i, k)), to.add(k * step + l), step);
                    }
                }
            }
        }
        for k in 0..depth {
            let done = if k < deep { square } else { 0 };
            for l in done..lanes {
                *to.add(k * step + l) = *one(l, k);
            }
        }
    }
}

/// What is fetched of lanes that will be laid out, while a tile is computed that so many follow: a line a term.
pub(super) fn unlaid(follow: usize, from: *const f32, lane: isize, term: isize, lanes: usize) -> Option<Ahead> {
    let (first, vector) = (follow * VECTOR, VECTOR as isize);
    match (lane, term) {
        // A vector of each term; the last may lie on two lines.
        (1, _) if first < lanes + VECTOR => {
            let start = from.wrapping_add(first.min(lanes.saturating_sub(1)));
            Some(Ahead { start, step: term, stride: term.wrapping_mul(vector) })
        }
        // The next line of each lane of a vector.
        (_, 1) if first < lanes => {
            let start = from.wrapping_offset(lane.wrapping_mul(first as isize));
            Some(Ahead { start, step: lane, stride: vector })
        }
        (_, _) => None,
    }
}

/// Four neighbours of each of four rows, as four rows `step` apart of four neighbours.
///
/// # Safety
/// These elements must be readable and writable.
#[inline(always)]
unsafe fn transpose(rows: [*const f32; 4], to: *mut f32, step: usize) {
    #[cfg(target_arch = "x86_64")]
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise; every x86-64 has these instructions.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        let [a, b, c, d] = rows.map(|row| _mm_loadu_ps(row));
        let (low, high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (low_2, high_2) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(to, _mm_movelh_ps(low, low_2));
        _mm_storeu_ps(to.add(step), _mm_movehl_ps(low_2, low));
        _mm_storeu_ps(to.add(2 * step), _mm_movelh_ps(high, high_2));
        _mm_storeu_ps(to.add(3 * step), _mm_movehl_ps(high_2, high));
    }
    // SAFETY: the caller's promise.
    #[cfg(not(target_arch = "x86_64"))]
    unsafe {
        for (i, k) in (0..16).map(|i| (i / 4, i % 4)) {
            *to.add(k * step + i) = *rows[i].add(k);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_are_all_lanes_and_none_but_a_single_one_is_of_one_vector() {
        for lanes in 1..400 {
            let all: Vec<_> = panels(0..lanes, lanes).collect();
            assert!(all.iter().flat_map(Clone::clone).eq(0..lanes), "{lanes}: {all:?}");
            for panel in &all {
                let vectors = panel.len().div_ceil(VECTOR);
                assert!(panel.len() <= WIDEST && panel.start.is_multiple_of(VECTOR), "{lanes}: {panel:?}");
                assert!(vectors > 1 || all.len() == 1, "{lanes}: {panel:?}");
                assert!(panel.clone().all(|lane| panel_of(lane, lanes) == *panel), "{lanes}: {panel:?}");
            }
        }
        // Tiles fetch all lines of what is laid out next, by rows and by columns, the last tile the first of them.
        let at = std::ptr::without_provenance::<f32>(1 << 20);
        let lines = |lane: isize, term: isize| -> Vec<_> {
            let tiles = (0..100).map_while(|follow| unlaid(follow, at, lane, term, 48));
            tiles.map(|a| ((a.start.addr() - at.addr()) / size_of::<f32>(), a.step, a.stride)).collect()
        };
        assert_eq!(lines(1, 500), [0, 16, 32, 47].map(|first| (first, 500, 8000)));
        assert_eq!(lines(300, 1), [0, 4800, 9600].map(|first| (first, 300, 16)));
        assert!(lines(2, 300).is_empty());
        assert!(
            panels(64..200, 200).eq([64..128, 128..176, 176..200]) && panels(64..128, 200).eq(std::iter::once(64..128))
        );
    }
}
