//! Turns a matrix in memory: its rows become columns.
//!
//! In: where its rows start, and how far apart they are. Out: the same numbers, with columns next to each other. Always:
//! squares of eight are turned in registers, so each line is read and written once. Next: [`super::cross`].

use crate::kernel::cache;
use crate::kernel::strided::gather_run;

/// The side of a square.
const SIDE: usize = 8;
/// So many rows ahead lines are fetched: rows lie far apart, where no processor expects them.
const AHEAD: isize = 16;

/// A matrix of `rows` by `columns`.
#[derive(Clone, Copy)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The distances of rows, and of columns, in elements.
    pub(super) steps: [isize; 2],
    /// The distance of what is made of two columns; of two rows it is 1.
    pub(super) turned: isize,
}

/// Turns a matrix of elements of so many bytes.
///
/// # Safety
/// All elements must be readable at `from`, there must be room for all at `to`, and both must be apart and aligned.
pub(super) unsafe fn turn(bytes: usize, from: *const u8, to: *mut u8, matrix: Matrix) {
    // SAFETY: the caller's promise.
    unsafe {
        match bytes {
            1 => squares::<u8>(from.cast(), to.cast(), matrix, one::<u8>),
            2 => squares::<u16>(from.cast(), to.cast(), matrix, one::<u16>),
            #[cfg(target_arch = "x86_64")]
            4 if matrix.steps[1] == 1 && crate::isa::active() != crate::isa::Level::Base => {
                squares::<u32>(from.cast(), to.cast(), matrix, one_avx2);
            }
            4 => squares::<u32>(from.cast(), to.cast(), matrix, one::<u32>),
            _ => squares::<u64>(from.cast(), to.cast(), matrix, one::<u64>),
        }
    }
}

/// # Safety
/// As [`turn`].
unsafe fn squares<W: Copy>(from: *const W, to: *mut W, matrix: Matrix, whole: unsafe fn(*const W, *mut W, &Matrix)) {
    let Matrix { rows, columns, steps: [down, right], turned } = matrix;
    let at = |row: usize, column: usize| from.wrapping_offset(row as isize * down + column as isize * right);
    let (tall, wide) = (rows / SIDE * SIDE, columns / SIDE * SIDE);
    for row in (0..tall).step_by(SIDE) {
        if right == 1 {
            for next in row..row + SIDE {
                let line = at(next, 0).wrapping_offset(AHEAD * down);
                for part in (0..columns * size_of::<W>()).step_by(64) {
                    cache::fetch_line(line.cast::<u8>().wrapping_add(part));
                }
            }
        }
        for column in (0..wide).step_by(SIDE) {
            // SAFETY: a square within the matrix; the caller's promise.
            unsafe { whole(at(row, column), to.wrapping_offset(column as isize * turned + row as isize), &matrix) };
        }
    }
    // SAFETY: elements of the matrix; the caller's promise.
    unsafe {
        for column in 0..wide {
            for row in tall..rows {
                to.wrapping_offset(column as isize * turned + row as isize).write(at(row, column).read());
            }
        }
        for column in wide..columns {
            let to = to.wrapping_offset(column as isize * turned);
            gather_run(size_of::<W>(), at(0, column).cast(), down, to.cast(), rows);
        }
    }
}

/// One square.
///
/// # Safety
/// As [`turn`], of the square.
unsafe fn one<W: Copy>(from: *const W, to: *mut W, matrix: &Matrix) {
    for column in 0..SIDE as isize {
        for row in 0..SIDE as isize {
            let from = from.wrapping_offset(row * matrix.steps[0] + column * matrix.steps[1]);
            // SAFETY: the caller's promise.
            unsafe { to.wrapping_offset(column * matrix.turned + row).write(from.read()) };
        }
    }
}

/// One square, whose rows are neighbours.
///
/// # Safety
/// As [`turn`], of the square; the processor must have AVX2.
#[cfg(target_arch = "x86_64")]
unsafe fn one_avx2(from: *const u32, to: *mut u32, matrix: &Matrix) {
    use std::arch::x86_64::*;

    #[target_feature(enable = "avx2")]
    unsafe fn square(from: *const f32, down: isize, to: *mut f32, turned: isize) {
        for half in [0, 4] {
            // SAFETY: four neighbours each of two rows of the square.
            let rows = |row: isize| unsafe {
                let (low, high) = (from.offset(row * down + half), from.offset((row + 4) * down + half));
                _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high))
            };
            let [a, b, c, d] = [0, 1, 2, 3].map(rows);
            let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            let columns = [
                _mm256_shuffle_ps::<0x44>(ab, cd),
                _mm256_shuffle_ps::<0xee>(ab, cd),
                _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
                _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
            ];
            for (column, values) in columns.into_iter().enumerate() {
                // SAFETY: a column of the square is eight neighbours there.
                unsafe { _mm256_storeu_ps(to.offset((half + column as isize) * turned), values) };
            }
        }
    }
    // SAFETY: the caller's promise.
    unsafe { square(from.cast(), matrix.steps[0], to.cast(), matrix.turned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<W: Copy + PartialEq + std::fmt::Debug + TryFrom<usize>>(zero: W) {
        let number = |i: usize| W::try_from(i % 251).ok().expect("every type has 250");
        for (rows, columns) in [(0, 3), (1, 1), (8, 8), (7, 9), (16, 5), (3, 40), (33, 17), (64, 24)] {
            for (apart, right) in [(0, 1), (3, 1), (2, 2), (1, -1)] {
                let right: isize = right;
                let down = columns * right.unsigned_abs() + apart;
                let from: Vec<W> = (0..rows * down + 1).map(number).collect();
                let first = if right < 0 { columns.saturating_sub(1) } else { 0 };
                let turned = rows + apart;
                let mut to = vec![zero; columns * turned + 1];
                let matrix = Matrix { rows, columns, steps: [down as isize, right], turned: turned as isize };
                // SAFETY: `first` is the first row's first element, and `to` has room for `columns` rows.
                unsafe { turn(size_of::<W>(), from.as_ptr().add(first).cast(), to.as_mut_ptr().cast(), matrix) };
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let at = (first + row * down).wrapping_add_signed(column as isize * right);
                    assert_eq!(to[column * turned + row], from[at], "{rows} by {columns}: {row}, {column}");
                }
            }
        }
    }

    #[test]
    fn rows_become_columns() {
        check(0u8);
        check(0u16);
        check(0u32);
        check(0u64);
    }
}
