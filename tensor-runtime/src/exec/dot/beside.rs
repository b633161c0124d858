//! What a product's epilogue comes to besides the product.
//!
//! In: an epilogue, a panel that it will be run on. Out: where the elements lie that it reads and writes as it goes through the
//! panel. Always: they are fetched and nothing else: no result depends on it. Next: [`super::epilogue`], [`super::tile`].
//!
//! A product of few terms computes little for an element, and its epilogue less; by itself the epilogue would wait for one line
//! after another of a large result, and while the next panel is multiplied memory would have nothing to do.

use std::ops::Range;

use crate::MAX_RANK;
use crate::dtype::DType;
use crate::exec::launch::{Found, Ready, axis_of};
use crate::kernel::cache::{LINE, fetch_line_to_second};
use crate::plan::{Epilogue, FREE};

/// The most operands that are fetched.
const MOST: usize = 3;
/// Elements of an operand that a core's cache may still hold.
const NEAR: usize = 1 << 18;

/// Operands that are gone through as the panel is: row by row, in each along the lanes.
#[derive(Debug)]
pub(super) struct Beside {
    panel: *const f32,
    /// Elements of a row of the panel, which is dense.
    lanes: usize,
    /// For each operand where its element of the panel's first is, and the step from row to row.
    operands: [(*const f32, isize); MOST],
    count: usize,
}

impl Beside {
    /// Finds them for a panel: `ready` has the operands as they are, `job` those of the panel, whose axes have these strides.
    pub(super) fn of(
        epilogue: &Epilogue,
        ready: &Ready,
        job: &Ready,
        panel: *const f32,
        strides: &[isize; MAX_RANK],
        ranges: &[Range<isize>; MAX_RANK],
    ) -> Option<Beside> {
        let size = |k: usize| ranges[k].end - ranges[k].start;
        let axes = || (0..epilogue.axes.len()).filter(|&k| epilogue.axes[k] != FREE);
        let long = || axes().filter(|&k| size(k) > 1);
        let lane = long().find(|&k| strides[k] == 1)?;
        let rows = || long().filter(|&k| k != lane);
        let lanes = size(lane);
        let first_row = rows().find(|&k| strides[k] == lanes)?;
        let mut beside = Beside { panel, lanes: lanes as usize, operands: [(panel, 0); MOST], count: 0 };
        for (i, window) in job.windows.iter().enumerate().filter(|&(i, w)| i != epilogue.input && w.dtype == DType::F32)
        {
            let step = |k: usize| match axis_of(&epilogue.launch, i, usize::from(epilogue.axes[k]), window.rank) {
                Found::At(axis) => window.stride[axis],
                Found::No | Found::Twice => 0,
            };
            let row = step(first_row);
            // One step leads from row to row in all axes of the rows.
            let even = |k: usize| step(k).wrapping_mul(lanes) == strides[k].wrapping_mul(row);
            let far = ready.windows[i].size[..window.rank].iter().fold(1, |n: usize, &s| n.saturating_mul(s)) >= NEAR;
            if far && step(lane) == 1 && row != 0 && rows().all(even) && beside.count < MOST {
                let first = axes().map(|k| ranges[k].start.wrapping_mul(step(k))).fold(0, isize::wrapping_add);
                let start = window.origin.cast::<f32>().cast_const().wrapping_offset(first);
                beside.operands[beside.count] = (start, row);
                beside.count += 1;
            }
        }
        (beside.count > 0).then_some(beside)
    }

    /// Fetches what belongs to so many rows and lanes of the panel from an element of it on.
    pub(super) fn fetch(&self, from: *const f32, rows: usize, lanes: usize) {
        self.lines(from, rows, lanes, |line| fetch_line_to_second(line.cast()));
    }

    /// The same, as addresses a line apart along each row.
    #[inline(always)]
    fn lines(&self, from: *const f32, rows: usize, lanes: usize, mut each: impl FnMut(*const f32)) {
        let at = from.addr().wrapping_sub(self.panel.addr()) / size_of::<f32>();
        let (row, lane) = ((at / self.lanes) as isize, at % self.lanes);
        for (start, step) in &self.operands[..self.count] {
            let mut start = start.wrapping_offset(row.wrapping_mul(*step)).wrapping_add(lane);
            for _ in 0..rows {
                (0..lanes).step_by(LINE / size_of::<f32>()).for_each(|lane| each(start.wrapping_add(lane)));
                start = start.wrapping_offset(*step);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_a_part_of_a_panel_is_found() {
        let at = std::ptr::without_provenance::<f32>;
        let (panel, first, second) = (at(4096), at(1 << 16), at(1 << 20));
        let beside = Beside { panel, lanes: 40, operands: [(first, 100), (second, -64), (panel, 0)], count: 2 };
        let mut found = Vec::new();
        beside.lines(panel.wrapping_add(3 * 40 + 16), 2, 24, |line| found.push(line));
        let of = |start: *const f32, step: isize| {
            [(3, 16), (3, 32), (4, 16), (4, 32)].map(|(row, lane)| start.wrapping_offset(row * step + lane))
        };
        assert_eq!(found, [of(first, 100), of(second, -64)].concat());
    }
}
