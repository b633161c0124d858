//! Copies elements that lie anywhere to neighbours.
//!
//! In: where elements lie. Out: the same elements in C order. Always: axes that are one in memory are copied as one; where rows
//! lie across memory, blocks of them are turned, so that each line is fetched once; threads share a large copy. Next:
//! [`super::turn`], [`crate::kernel::strided`].

use std::ops::Range;

use crate::kernel::cache::LINE;
use crate::kernel::strided::gather_run;
use crate::layout::Lent;

use super::jobs;
use super::launch::Shared;
use super::turn::{Matrix, turn};

/// A block that is turned: so many of the axis that is the last of the copy, and of the one along memory.
const ROWS: usize = 256;
const COLUMNS: usize = 32;

/// An axis, and its steps in elements.
#[derive(Clone, Copy, Debug)]
struct Axis {
    size: usize,
    from: isize,
    to: isize,
}

/// Copies the elements of a layout to dense memory in C order.
///
/// # Safety
/// Where `start` is position 0 of the layout, its elements, of so many bytes, must be readable and written by nobody; `to` must
/// have room for them, apart from them.
pub(crate) unsafe fn in_order(bytes: usize, start: *const u8, layout: Lent<'_>, to: *mut u8) {
    if layout.is_empty() {
        return;
    }
    let mut axes = axes(layout);
    let row = axes.pop().unwrap_or(Axis { size: 1, from: 1, to: 1 });
    let near = |step: isize| step.unsigned_abs().saturating_mul(bytes) < LINE;
    let along = match near(row.from) {
        true => None,
        false => axes.iter().position(|axis| axis.from != 0 && near(axis.from)).map(|k| axes.remove(k)),
    };
    let part = |axes: &[Axis], row: Axis, first: isize, place: isize| {
        each(axes, first, place, &mut |first, place| {
            let from = start.wrapping_offset(first.wrapping_mul(bytes as isize));
            let to = to.wrapping_offset(place.wrapping_mul(bytes as isize));
            // SAFETY: the caller's promise: all that the axes reach are elements of the layout and their places.
            unsafe {
                match along {
                    None => gather_run(bytes, from, row.from, to, row.size),
                    Some(along) => turn_blocks(bytes, from, to, row, along),
                }
            }
        });
    };
    let first = layout.offset() as isize;
    // The longest axis is cut: of a row, too.
    let longest = (0..axes.len()).max_by_key(|&k| axes[k].size).filter(|&k| axes[k].size >= row.size / ROWS);
    let whole = longest.map_or(row, |k| axes[k]);
    let n = jobs::count(layout.len() as u64).min(whole.size);
    let shared = Shared::new(|i: usize| {
        let Range { start, end } = jobs::part(whole.size, n, i);
        let cut = Axis { size: end - start, ..whole };
        let (mut axes, mut row) = (axes.clone(), row);
        longest.map_or(&mut row, |k| &mut axes[k]).size = cut.size;
        let by = |step: isize| step.wrapping_mul(start as isize);
        part(&axes, row, first.wrapping_add(by(whole.from)), by(whole.to));
    });
    // Nothing in it panics.
    let _ = jobs::run(n, &|i| shared.call(i));
}

/// The axes of a layout and of its copy, without those of one element; two that are one in memory are one.
fn axes(layout: Lent<'_>) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::with_capacity(layout.rank());
    let mut to = 1isize;
    for (&size, &from) in layout.sizes().iter().zip(layout.strides()).rev().filter(|(size, _)| **size > 1) {
        match axes.last_mut() {
            Some(inner) if inner.from.checked_mul(inner.size as isize) == Some(from) => inner.size *= size,
            Some(_) | None => axes.push(Axis { size, from, to }),
        }
        to *= size as isize;
    }
    axes.reverse();
    axes
}

/// Visits all points of the axes.
fn each(axes: &[Axis], from: isize, to: isize, visit: &mut dyn FnMut(isize, isize)) {
    match axes {
        [] => visit(from, to),
        [axis, inner @ ..] => (0..axis.size as isize).for_each(|i| {
            each(inner, from.wrapping_add(i.wrapping_mul(axis.from)), to.wrapping_add(i.wrapping_mul(axis.to)), visit);
        }),
    }
}

/// Copies a matrix whose rows lie `row.from` apart and become neighbours.
///
/// # Safety
/// All that both axes reach must be readable at `from` and writable at `to`, apart.
unsafe fn turn_blocks(bytes: usize, from: *const u8, to: *mut u8, row: Axis, along: Axis) {
    for i in (0..row.size).step_by(ROWS) {
        for j in (0..along.size).step_by(COLUMNS) {
            let (rows, columns) = (ROWS.min(row.size - i), COLUMNS.min(along.size - j));
            let at = |a: isize, b: isize| (i as isize * a + j as isize * b).wrapping_mul(bytes as isize);
            let matrix = Matrix { rows, columns, steps: [row.from, along.from], turned: along.to };
            // SAFETY: a block of the matrix; the caller's promise.
            unsafe {
                turn(
                    bytes,
                    from.wrapping_offset(at(row.from, along.from)),
                    to.wrapping_offset(at(row.to, along.to)),
                    matrix,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Layout;

    fn check<T: Copy + PartialEq + std::fmt::Debug + Default + TryFrom<usize>>(layout: &Layout) {
        let number = |i: usize| T::try_from(i % 127).ok().expect("every type has 127");
        let from: Vec<T> = (0..layout.range().end).map(number).collect();
        let mut wanted = Vec::new();
        let axes: Vec<Axis> =
            layout.sizes().iter().zip(layout.strides()).map(|(&size, &from)| Axis { size, from, to: 0 }).collect();
        each(&axes, layout.offset() as isize, 0, &mut |at, _| wanted.push(from[at as usize]));
        let mut found = vec![T::default(); wanted.len()];
        // SAFETY: `from` covers the layout, and `found` has as many elements.
        unsafe { in_order(size_of::<T>(), from.as_ptr().cast(), layout.lend(), found.as_mut_ptr().cast()) };
        assert_eq!(found, wanted, "{layout:?}");
    }

    /// Sizes around those of squares, blocks and jobs; orders, steps and repeats of all axes.
    #[test]
    fn any_layout_is_copied_in_order() {
        for sizes in
            [[1, 1, 1], [2, 3, 5], [1, 7, 300], [40, 1, 33], [3, 300, 40], [300, 9, 16], [0, 4, 4], [600, 700, 2]]
        {
            let whole = Layout::contiguous(&sizes).unwrap();
            for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                let turned = whole.permute(&order).unwrap();
                for (axis, step) in [(0, 1), (0, -1), (1, 2), (1, -1), (2, -1), (2, -3), (2, 4)] {
                    let layout = turned.slice(axis, None, None, step).unwrap();
                    check::<u8>(&layout);
                    check::<u16>(&layout);
                    check::<u32>(&layout);
                    check::<u64>(&layout);
                }
            }
            let repeated = Layout::contiguous(&[sizes[1], 1])
                .unwrap()
                .broadcast(&sizes[..2].iter().rev().copied().collect::<Vec<_>>());
            check::<u32>(&repeated.unwrap());
        }
    }
}
