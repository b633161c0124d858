//! Turns a matrix in memory: its rows become columns.
//!
//! In: where its rows start, and how far apart they are. Out: the same numbers, with columns next to each other. Always:
//! squares of eight are turned in registers, so each line is read and written once; a few rows or columns behind one
//! another are twisted as threads are. Next: [`super::cross`].

#[cfg(target_arch = "x86_64")]
use std::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
use crate::isa::{self, Level};
use crate::kernel::cache::{self, LINE};

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
            1 => squares::<_, SIDE>(from.cast(), to.cast(), &matrix, one::<u8>),
            2 => squares::<_, SIDE>(from.cast(), to.cast(), &matrix, one::<u16>),
            #[cfg(target_arch = "x86_64")]
            4 if threads::<u32>(from, to, &matrix) => {}
            #[cfg(target_arch = "x86_64")]
            8 if threads::<u64>(from, to, &matrix) => {}
            #[cfg(target_arch = "x86_64")]
            4 if matrix.steps[1] == 1 && isa::active() == Level::Avx512 => {
                squares_avx512(from.cast(), to.cast(), &matrix);
            }
            #[cfg(target_arch = "x86_64")]
            4 if matrix.steps[1] == 1 && isa::active() == Level::Avx2 => {
                squares_avx2(from.cast(), to.cast(), &matrix);
            }
            4 => squares::<_, SIDE>(from.cast(), to.cast(), &matrix, one::<u32>),
            _ => squares::<_, SIDE>(from.cast(), to.cast(), &matrix, one::<u64>),
        }
    }
}

/// Turns a matrix of a few columns, or of a few rows, behind one another: as the compiler takes such threads apart and
/// twists them, with shuffles of whole vectors. Answers whether it is one.
///
/// # Safety
/// As [`turn`].
#[cfg(target_arch = "x86_64")]
unsafe fn threads<W: Copy>(from: *const u8, to: *mut u8, matrix: &Matrix) -> bool {
    let &Matrix { rows, columns, steps: [down, right], turned } = matrix;
    if isa::active() != Level::Avx512 || right != 1 {
        return false;
    }
    let (from, to) = (from.cast::<W>(), to.cast::<W>());
    macro_rules! of {
        ($way:ident $n:ident: $($of:literal)*) => {
            match $n {
                // SAFETY: the instruction set was detected; the caller's promise.
                $($of => unsafe { $way::<W, $of>(from, to, matrix) },)*
                _ => return false,
            }
        };
    }
    if down == columns as isize {
        of!(apart columns: 2 3 4 5 6 7 8);
    } else if turned == rows as isize {
        of!(twisted rows: 2 3 4 5 6 7 8);
    } else {
        return false;
    }
    true
}

/// # Safety
/// As [`turn`], of rows of `N` elements behind one another.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn apart<W: Copy, const N: usize>(from: *const W, to: *mut W, &Matrix { rows, turned, .. }: &Matrix) {
    for k in 0..N {
        let to = to.wrapping_offset(k as isize * turned);
        for row in 0..rows {
            // SAFETY: an element of the matrix and its place.
            unsafe { to.add(row).write(from.add(row * N + k).read()) };
        }
    }
}

/// # Safety
/// As [`turn`], of `N` rows that become neighbours.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn twisted<W: Copy, const N: usize>(from: *const W, to: *mut W, matrix: &Matrix) {
    let &Matrix { columns, steps: [down, _], .. } = matrix;
    // SAFETY: a row has so many elements, readable and written by nobody.
    let row = |k: usize| unsafe { std::slice::from_raw_parts(from.wrapping_offset(k as isize * down), columns) };
    let from: [&[W]; N] = std::array::from_fn(row);
    // SAFETY: the columns of the matrix are `N` neighbours each, there, behind one another; nobody else has them.
    let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<[MaybeUninit<W>; N]>(), columns) };
    for (i, to) in to.iter_mut().enumerate() {
        for (place, row) in to.iter_mut().zip(from) {
            // SAFETY: a row has as many elements as there are columns.
            place.write(unsafe { *row.get_unchecked(i) });
        }
    }
}

/// Turns parts of a matrix of at most `S` rows and columns each.
///
/// # Safety
/// As [`turn`]; `square` turns a part of so many rows and columns.
#[inline(always)]
unsafe fn squares<W: Copy, const S: usize>(
    from: *const W,
    to: *mut W,
    matrix: &Matrix,
    square: impl Fn(*const W, *mut W, &Matrix, [usize; 2]),
) {
    let &Matrix { rows, columns, steps: [down, right], turned } = matrix;
    let at = |row: usize, column: usize| from.wrapping_offset(row as isize * down + column as isize * right);
    // Rows that are shorter than a line are where processors expect them.
    let apart = right == 1 && down.unsigned_abs() * size_of::<W>() >= LINE;
    for row in (0..rows).step_by(S) {
        let tall = S.min(rows - row);
        if apart && tall == S {
            for next in row..row + S {
                let line = at(next, 0).wrapping_offset(AHEAD * down);
                for part in (0..columns * size_of::<W>()).step_by(LINE) {
                    cache::fetch_line_to_second(line.cast::<u8>().wrapping_add(part));
                }
            }
        }
        for column in (0..columns).step_by(S) {
            let to = to.wrapping_offset(column as isize * turned + row as isize);
            square(at(row, column), to, matrix, [tall, S.min(columns - column)]);
        }
    }
}

/// One square, or a part of one: it must lie in a matrix that may be turned.
fn one<W: Copy>(from: *const W, to: *mut W, matrix: &Matrix, [rows, columns]: [usize; 2]) {
    let place = |row: usize, column: usize| {
        let [down, right] = matrix.steps;
        let from = from.wrapping_offset(row as isize * down + column as isize * right);
        // SAFETY: [`squares`]' caller's promise.
        unsafe { to.wrapping_offset(column as isize * matrix.turned + row as isize).write(from.read()) };
    };
    if [rows, columns] == [SIDE; 2] {
        (0..SIDE).for_each(|column| (0..SIDE).for_each(|row| place(row, column)));
    } else {
        (0..columns).for_each(|column| (0..rows).for_each(|row| place(row, column)));
    }
}

/// # Safety
/// As [`turn`], of rows of neighbours; the processor must have AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx2")]
unsafe fn squares_avx512(from: *const f32, to: *mut f32, matrix: &Matrix) {
    // SAFETY: the caller's promise.
    unsafe {
        squares::<_, 16>(from, to, matrix, |from, to, matrix, [rows, columns]| match [rows, columns] == [16; 2] {
            true => large_square(from, to, matrix),
            false => squares_avx2(from, to, &Matrix { rows, columns, ..*matrix }),
        });
    }
}

/// Sixteen rows of sixteen neighbours.
///
/// # Safety
/// As [`turn`], of that square.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
unsafe fn large_square(from: *const f32, to: *mut f32, matrix: &Matrix) {
    use std::arch::x86_64::*;

    // SAFETY: neighbours in a row of the square.
    let row = |row: usize| unsafe { _mm512_loadu_ps(from.wrapping_offset(row as isize * matrix.steps[0])) };
    let mut x: [__m512; 16] = std::array::from_fn(row);
    let doubles = |a: __m512, b: __m512| (_mm512_castps_pd(a), _mm512_castps_pd(b));
    // Each step joins rows that lie twice as far apart, in pairs of numbers, of twos, of fours, of eights.
    for k in (0..16).step_by(2) {
        (x[k], x[k + 1]) = (_mm512_unpacklo_ps(x[k], x[k + 1]), _mm512_unpackhi_ps(x[k], x[k + 1]));
    }
    for k in (0..16).step_by(4) {
        let ((a, b), (c, d)) = (doubles(x[k], x[k + 2]), doubles(x[k + 1], x[k + 3]));
        let four =
            [_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b), _mm512_unpacklo_pd(c, d), _mm512_unpackhi_pd(c, d)];
        x[k..k + 4].copy_from_slice(&four.map(|x| _mm512_castpd_ps(x)));
    }
    for k in [0, 1, 2, 3, 8, 9, 10, 11] {
        let (a, b) = (x[k], x[k + 4]);
        (x[k], x[k + 4]) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
    }
    for k in 0..8 {
        let (a, b) = (x[k], x[k + 8]);
        (x[k], x[k + 8]) = (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
    }
    for (column, values) in x.into_iter().enumerate() {
        // SAFETY: a column of the square is sixteen neighbours there.
        unsafe { _mm512_storeu_ps(to.wrapping_offset(column as isize * matrix.turned), values) };
    }
}

/// # Safety
/// As [`turn`], of rows of neighbours; the processor must have AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn squares_avx2(from: *const f32, to: *mut f32, matrix: &Matrix) {
    // SAFETY: the caller's promise.
    unsafe {
        squares::<_, SIDE>(from, to, matrix, |from, to, matrix, part| match part == [SIDE; 2] {
            true => square::<true>(from, to, matrix, [SIDE; 2]),
            false => square::<false>(from, to, matrix, part),
        });
    }
}

/// One square, or a part of one, whose rows are neighbours.
///
/// # Safety
/// As [`turn`], of that part, which is not empty.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn square<const WHOLE: bool>(from: *const f32, to: *mut f32, matrix: &Matrix, [rows, columns]: [usize; 2]) {
    use std::arch::x86_64::*;

    /// From `SIDE - n` on as many ones as `n`, then zeros.
    const ONES: [i32; 2 * SIDE] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    let (down, turned) = (matrix.steps[0], matrix.turned);
    // SAFETY: eight numbers of sixteen, for there are no more rows.
    let tall = unsafe { _mm256_loadu_si256(ONES[SIDE - rows..].as_ptr().cast()) };
    for half in (0..columns).step_by(SIDE / 2) {
        let width = (columns - half).min(SIDE / 2);
        // SAFETY: four numbers of at least eight.
        let wide = unsafe { _mm_loadu_si128(ONES[SIDE - width..].as_ptr().cast()) };
        let four = |row: usize| {
            // For a row that is not there another stands in.
            let row = if WHOLE { row } else { row.min(rows - 1) };
            let place = from.wrapping_offset(row as isize * down + half as isize);
            // SAFETY: neighbours in a row of the part, as many as it has.
            unsafe { if WHOLE { _mm_loadu_ps(place) } else { _mm_maskload_ps(place, wide) } }
        };
        let two = |row: usize| _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(four(row)), four(row + SIDE / 2));
        let [a, b, c, d] = [two(0), two(1), two(2), two(3)];
        let (ab, cd) = (_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
        let (ab_high, cd_high) = (_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
        let turns = [
            _mm256_shuffle_ps::<0x44>(ab, cd),
            _mm256_shuffle_ps::<0xee>(ab, cd),
            _mm256_shuffle_ps::<0x44>(ab_high, cd_high),
            _mm256_shuffle_ps::<0xee>(ab_high, cd_high),
        ];
        for (column, values) in turns.into_iter().enumerate().take(if WHOLE { SIDE / 2 } else { width }) {
            let place = to.wrapping_offset((half + column) as isize * turned);
            // SAFETY: a column of the part is as many neighbours there as it has rows.
            unsafe {
                match WHOLE || rows == SIDE {
                    true => _mm256_storeu_ps(place, values),
                    false => _mm256_maskstore_ps(place, tall, values),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<W: Copy + PartialEq + std::fmt::Debug + TryFrom<usize>>() {
        let number = |i: usize| W::try_from(i % 251).ok().expect("every type has 250");
        for (rows, columns) in [
            (0, 3),
            (1, 1),
            (8, 8),
            (7, 9),
            (16, 5),
            (3, 40),
            (5, 2),
            (33, 17),
            (64, 24),
            (40, 3),
            (100, 7),
            (6, 100),
            (48, 32),
        ] {
            for (apart, right) in [(0, 1), (3, 1), (2, 2), (1, -1)] {
                let right: isize = right;
                let down = columns * right.unsigned_abs() + apart;
                let from: Vec<W> = (0..rows * down + 1).map(number).collect();
                let first = if right < 0 { columns.saturating_sub(1) } else { 0 };
                let turned = rows + apart;
                // What lies between the columns is another's.
                let mut to = vec![number(250); columns * turned + 1];
                let matrix = Matrix { rows, columns, steps: [down as isize, right], turned: turned as isize };
                // SAFETY: `first` is the first row's first element, and `to` has room for `columns` rows.
                unsafe { turn(size_of::<W>(), from.as_ptr().add(first).cast(), to.as_mut_ptr().cast(), matrix) };
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let at = (first + row * down).wrapping_add_signed(column as isize * right);
                    assert_eq!(to[column * turned + row], from[at], "{rows} by {columns}: {row}, {column}");
                }
                let between = |(i, _): &(usize, &W)| turned == 0 || i % turned >= rows || i / turned >= columns;
                assert!(to.iter().enumerate().filter(between).all(|(_, &x)| x == number(250)), "{rows} by {columns}");
            }
        }
    }

    #[test]
    fn rows_become_columns() {
        check::<u8>();
        check::<u16>();
        check::<u32>();
        check::<u64>();
    }
}
