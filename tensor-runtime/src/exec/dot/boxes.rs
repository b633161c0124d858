//! The cut of a product into boxes.
//!
//! In: the product's axes, and where they lie. Out: boxes that together are the product. Always: they depend on the
//! sizes and strides alone, and where no sum depends on its box on how many threads there are. Next: [`super`].
//!
//! A box holds at most [`PANEL`] bytes. It is narrow along the axis that is contiguous in the destination and long across it, for
//! what is laid out for its lanes is used for its rows; the boxes of some rows follow each other, which stay in a core's cache
//! meanwhile. It is a multiple of [`ALONG`] along and of [`ACROSS`] across, which are multiples of the multiplication's registers.

use std::ops::Range;

use crate::MAX_RANK;
use crate::exec::jobs;
use crate::plan::Role;

use super::Product;
use super::lay::{VECTOR, together};
use super::packed::at_once;

/// Bytes of a box: half a core's second-level cache, on small machines.
const PANEL: usize = 256 << 10;
/// Multiply-adds below which a box is not worth cutting.
const LEAST: u64 = 1 << 20;
/// The same where one of the operands is a vector: such a product is as much work as it is memory.
const LEAST_OF_VECTOR: u64 = 1 << 17;
/// Boxes of a product that is worth so many, so that threads end at about the same time: so many a thread, and how many at most,
/// or the multiply-adds of one if that are more.
const COUNT_A_THREAD: u64 = 4;
const COUNT: u64 = 16;
const LARGE: u64 = 1 << 26;
/// Rows from which on a box is one panel wide, and has about as many at least; and how many, of a product that has fewer.
const TALL: usize = 256;
const SHORT: usize = 192;
/// The fewest rows of a box, where lanes are laid out once for all boxes; and the bytes of these for one.
const FEWEST: usize = 64;
const LAID: usize = 256 << 10;
/// Numbers of threads that are to have equal shares, the first above all.
const TEAMS: [usize; 3] = [2, 4, 8];
/// So many parts more are tried for that.
const MORE: usize = 8;
const ALONG: usize = 64;
const ACROSS: usize = 8;

/// For each axis of the product how it is cut.
pub(super) struct Boxes {
    rank: usize,
    size: [usize; MAX_RANK],
    /// How much of the axis a box takes, and how many take some: the last one also takes what is too little for another.
    step: [usize; MAX_RANK],
    parts: [usize; MAX_RANK],
    count: usize,
}

impl Boxes {
    /// Boxes of a product; what is `held` of one is read again as soon as it is written, so it has to fit.
    pub(super) fn new(product: &Product, shape: &[usize], strides: &[isize], held: bool) -> Boxes {
        let rank = shape.len();
        let mut boxes = Boxes { rank, size: [1; MAX_RANK], step: [1; MAX_RANK], parts: [1; MAX_RANK], count: 1 };
        boxes.size[..rank].copy_from_slice(shape);
        // Axes of each role, the largest steps first.
        let group = |role: Role| {
            let of_role = product.loops.iter().zip(&product.axes).filter(move |(l, _)| l.role == role);
            let mut axes: Vec<usize> = of_role.filter_map(|(_, axis)| *axis).collect();
            axes.sort_by_key(|&k| std::cmp::Reverse(strides[k].unsigned_abs()));
            axes
        };
        let (left, right) = (group(Role::Left), group(Role::Right));
        let extent = |axes: &[usize]| axes.iter().map(|&k| shape[k]).product::<usize>().max(1);
        let (m, n) = (extent(&left), extent(&right));
        let inner = |axes: &[usize]| axes.last().map_or(isize::MAX as usize, |&k| strides[k].unsigned_abs());
        let ((along, width), (across, height)) =
            if inner(&left) < inner(&right) { ((&left, m), (&right, n)) } else { ((&right, n), (&left, m)) };
        let depth = product.count(Role::Contract) as u64;
        let total = (m as u64).saturating_mul(n as u64);
        let least = if m.min(n) == 1 { LEAST_OF_VECTOR } else { LEAST };
        let fair = least.div_ceil(depth.max(1));
        // The elements of a box: what fits, but no less than is worth a box.
        let fits = PANEL / product.dtype.computed().unwrap_or(product.dtype).bytes();
        let most = if held { fits as u64 } else { u64::MAX };
        // A sum by the library may depend on its box, which then must not depend on threads.
        let count = match product.has_panels() {
            true => {
                let most = COUNT.max(total.saturating_mul(depth) / LARGE);
                (COUNT_A_THREAD * rayon::current_num_threads() as u64).clamp(COUNT / 2, most)
            }
            false => COUNT,
        };
        let aim = most.min(total.div_ceil(count)).max(fair.min(most)) as usize;
        let tall = height >= TALL;
        // What is laid out of a panel is used for all rows.
        let share = aim / height.max(1);
        let wide = match tall {
            true => ALONG * (share / ALONG).clamp(1, together(height, depth as usize)),
            false => share.next_multiple_of(ALONG).max(ALONG),
        };
        // What is laid out once for all boxes serves one of fewer rows as well, and a wide one is written in long rows.
        let many = at_once(height, width, depth as usize);
        let laid = (LAID / size_of::<f32>() / depth.max(1) as usize).min(aim / FEWEST) / ALONG * ALONG;
        let wide = if many { wide.max(laid) } else { wide };
        let wide = if many && width < 2 * wide { width } else { wide.min(width) }.max(1);
        let rows = match (many, tall) {
            (true, _) => FEWEST,
            (false, true) => TALL,
            (false, false) => SHORT,
        };
        let high = (aim / wide).max(rows).next_multiple_of(ACROSS).min(height.max(1));
        // Of few rows a box may begin with the half of a panel, so that shares are equal.
        let columns =
            if tall { boxes.cut(along, wide, ALONG, VECTOR, 0) } else { boxes.cut(along, wide, ALONG / 2, VECTOR, 1) };
        let batches = shape.iter().product::<usize>() / (m * n).max(1);
        boxes.cut(across, high, ACROSS, 0, columns * batches);
        boxes.count = boxes.parts[..rank].iter().product();
        boxes
    }

    /// Lets a box take about `aim` elements of a group of axes: all of the inner ones, a part of one; of the innermost
    /// a multiple of `unit`, and never no more than `few`. Answers into how many parts that cuts the group, which are `others` times
    /// as many boxes; if that is not 0, the parts are such that threads have equal shares.
    fn cut(&mut self, axes: &[usize], mut aim: usize, unit: usize, few: usize, others: usize) -> usize {
        let mut outer: usize = axes.iter().map(|&k| self.size[k].max(1)).product();
        let mut count = 1;
        for (depth, &k) in axes.iter().rev().enumerate() {
            let size = self.size[k].max(1);
            outer /= size;
            let (unit, few) = if depth == 0 { (unit, few) } else { (1, 0) };
            // Parts of nearly equal size.
            let step = |parts: usize| size.div_ceil(parts).next_multiple_of(unit).min(size);
            let least = size.div_ceil(aim.max(1)).max(1);
            // What the busiest of some threads does; a box takes a little for itself.
            let longest = |parts: usize| {
                let boxes = size.div_ceil(step(parts)) * others * outer;
                TEAMS.map(|threads| boxes.div_ceil(threads) * (step(parts) + unit / 4))
            };
            let parts = if others > 0 && least > 1 {
                (least..=least + least.min(MORE)).min_by_key(|&parts| longest(parts))
            } else {
                None
            };
            self.step[k] = step(parts.unwrap_or(least));
            self.parts[k] = size.saturating_sub(few).div_ceil(self.step[k]).max(1);
            count *= self.parts[k];
            aim /= size;
        }
        count
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The elements of the largest.
    pub(super) fn most(&self) -> usize {
        let last = |k: usize| self.size[k] - (self.parts[k] - 1) * self.step[k];
        (0..self.rank).map(|k| if self.parts[k] == 1 { last(k) } else { last(k).max(self.step[k]) }).product()
    }

    /// Whether boxes begin with multiples of so many elements of an axis.
    pub(super) fn begin_with(&self, axis: usize, unit: usize) -> bool {
        self.parts[axis] == 1 || self.step[axis].is_multiple_of(unit)
    }

    /// How many jobs they are: as many as boxes, where the work is worth several threads.
    pub(super) fn jobs(&self, work: u64) -> usize {
        if jobs::count(work) > 1 { self.count } else { 1 }
    }

    /// The `i`-th.
    pub(super) fn get(&self, mut i: usize) -> [Range<isize>; MAX_RANK] {
        let mut ranges = std::array::from_fn(|_| 0..1);
        for k in (0..self.rank).rev() {
            let (part, parts) = (i % self.parts[k], self.parts[k]);
            i /= parts;
            let start = part * self.step[k];
            let end = if part + 1 == parts { self.size[k] } else { start + self.step[k] };
            ranges[k] = start as isize..end as isize;
        }
        ranges
    }
}

#[cfg(test)]
mod tests {
    use super::super::gemm::Loop;
    use super::*;
    use crate::dtype::DType;

    fn product(m: usize, n: usize, k: usize) -> Product {
        let l = |role, extent| Loop { role, extent, left: 0, right: 0, out: 0 };
        Product {
            dtype: DType::F32,
            out: DType::F32,
            left: std::ptr::null_mut(),
            right: std::ptr::null_mut(),
            loops: vec![l(Role::Left, m), l(Role::Right, n), l(Role::Contract, k)],
            axes: vec![Some(0), Some(1), None],
            windows: None,
            after: None,
        }
    }

    fn of(m: usize, n: usize, k: usize) -> Boxes {
        Boxes::new(&product(m, n, k), &[m, n], &[n as isize, 1], true)
    }

    /// In pools of so many threads.
    fn with(threads: usize, test: impl Fn() + Send) {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(test);
    }

    #[test]
    fn boxes_are_the_product_and_fit() {
        [1, 2, 16].into_iter().for_each(|threads| with(threads, all));
        with(8, || {
            // Half a panel where two threads gain by it; never a single vector behind others.
            let columns = |n: usize| of(49, n, 1152).step[1];
            assert_eq!([64, 112, 192, 320, 1280].map(columns), [64, 64, 32, 32, 128]);
            for n in [80, 144, 208, 272] {
                let boxes = of(196, n, 480);
                let widths = (0..boxes.count()).map(|i| boxes.get(i)[1].len());
                assert!(widths.clone().all(|width| width > VECTOR), "{n}: {:?}", widths.collect::<Vec<_>>());
            }
        });
    }

    fn all() {
        for (m, n, k) in [
            (49, 1280, 320),
            (2048, 2048, 2048),
            (1, 1, 1),
            (3, 5, 7),
            (1, 4096, 4096),
            (1000, 3, 900),
            (12544, 32, 27),
            (1500, 60000, 1),
            (1 << 20, 16, 32),
        ] {
            let boxes = of(m, n, k);
            let mut seen = 0;
            for i in 0..boxes.count() {
                let [rows, columns, ..] = boxes.get(i);
                assert!(rows.end <= m as isize && columns.end <= n as isize);
                let area = rows.len() * columns.len();
                assert!(area > 0 && area * 4 <= 2 * PANEL, "{m} {n} {k}: {rows:?} {columns:?}");
                seen += area;
            }
            assert_eq!(seen, m * n, "{m} {n} {k}");
        }
        // The first rows' boxes are the largest; those of one thread follow each other.
        for (m, n, k) in [
            (1568, 112, 672),
            (1568, 672, 112),
            (392, 192, 1152),
            (512, 512, 512),
            (100352, 96, 16),
            (49, 192, 1152),
            (49, 320, 1152),
        ] {
            let boxes = of(m, n, k);
            let area = |i: usize| boxes.get(i)[..2].iter().map(|range| range.len()).product::<usize>();
            let half: usize = jobs::part(boxes.count(), 2, 0).map(area).sum();
            assert!((50 * m * n..=54 * m * n).contains(&(100 * half)), "{m} {n} {k}: {half} of {}", m * n);
        }
        assert!(of(49, 1280, 320).count() >= 4);
        assert_eq!(of(8, 8, 8).count(), 1);
    }
}
