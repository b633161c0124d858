//! Lanes of an operand laid out for vectors.
//!
//! In: lanes and terms of an operand, wherever they are. Out: a panel, in which the lanes of a term are next to each other,
//! term by term. Always: a panel is of whole vectors, with zeros behind its lanes; which panels an axis is cut into depends on its
//! length alone. Next: [`super::tile`].

use std::ops::Range;

use crate::kernel::cache::fetch_line;

/// The lanes of a panel are a multiple of so many: those of the widest vector.
pub(super) const VECTOR: usize = 16;
/// The most lanes of a panel.
pub(super) const WIDEST: usize = 4 * VECTOR;
/// Lanes of a panel that is not the last.
const WIDTH: usize = 3 * VECTOR;
/// Terms of a sum that are added up before they are added to what is there.
pub(super) const DEPTH: usize = 512;

/// The panel with a lane in it, of so many lanes in all. The last one has four vectors rather than one, for what is fetched of the
/// other operand is then used as often as elsewhere.
pub(super) fn panel_of(lane: usize, lanes: usize) -> Range<usize> {
    let vectors = lanes.div_ceil(VECTOR);
    let last = if vectors > 3 && vectors % 3 == 1 { vectors - 4 } else { (vectors - 1) / 3 * 3 } * VECTOR;
    if lane >= last {
        return last..lanes;
    }
    let start = lane / WIDTH * WIDTH;
    start..start + WIDTH
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
        // Lanes that follow each other in memory are read in that order, and asked for a few lanes before.
        for l in (0..square).step_by(4) {
            for first in (0..deep).step_by(VECTOR) {
                (4..8).for_each(|ahead| fetch_line(one(l + ahead, first).cast()));
                for k in (first..deep.min(first + VECTOR)).step_by(4) {
                    transpose([0, 1, 2, 3].map(|i| one(l + i, k)), to.add(k * step + l), step);
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
        assert!(panels(48..100, 200).eq([48..96, 96..144]));
    }
}
