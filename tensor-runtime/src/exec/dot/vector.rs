//! A matrix times a vector.
//!
//! In: a matrix of which rows or columns lie next to each other, a vector, a destination. Out: it is written, or it is said that
//! it cannot be. Always: all that there is to do is to read the matrix, once and in order; the order of a sum depends on the
//! number of its terms and on the instruction set alone. Next: [`super::gemm`].

use std::borrow::Cow;

use crate::isa::{self, Isa, Level};
use crate::math::Float;

use super::gemm::Matrix;
#[cfg(target_arch = "x86_64")]
use super::tile::Vector;

/// Partial sums of a row, in vectors.
#[cfg(target_arch = "x86_64")]
const VECTORS: usize = 4;
/// Columns that are added up before they are added to what is there, and their elements that are done at once.
const TERMS: usize = 8;
const PART: usize = 512;
/// Rows of fewer elements are left to others, for to add up the partial sums is as much work; and so are columns of fewer.
const LONG: usize = 512;
const LEAST: usize = 2;
/// So many columns at least.
const FEWEST: usize = 4;

/// `out[i] = Σ matrix[i, k] · vector[k, 0]`, plus what was there if `add`, where the rows of the matrix lie next to each other and
/// the processor has vectors; answers whether it was computed.
///
/// # Safety
/// As [`super::gemm::Scalar::multiply`], of a product with one column.
pub(super) unsafe fn by_rows(
    [m, k]: [usize; 2],
    out: Matrix<f32>,
    add: bool,
    matrix: Matrix<f32>,
    vector: Matrix<f32>,
) -> bool {
    if matrix.column != 1 || k < LONG || isa::active() == Level::Base {
        return false;
    }
    // SAFETY: the caller's promise.
    let Some(terms) = (unsafe { terms(k, vector) }) else { return false };
    let product = Product { m, out, add, matrix, terms: &terms };
    match isa::active() {
        Level::Base => return false,
        // SAFETY: the machine has the active set.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { product.rows_256() },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { product.rows_512() },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => return false,
    }
    true
}

/// The same where its columns do.
///
/// # Safety
/// As [`by_rows`].
pub(super) unsafe fn by_columns<T: Float>(
    [m, k]: [usize; 2],
    out: Matrix<T>,
    add: bool,
    matrix: Matrix<T>,
    vector: Matrix<T>,
) -> bool {
    if matrix.row != 1 || m < LEAST || k < FEWEST {
        return false;
    }
    // SAFETY: the caller's promise.
    let Some(terms) = (unsafe { terms(k, vector) }) else { return false };
    let product = Product { m, out, add, matrix, terms: &terms };
    match isa::active() {
        Level::Base => product.columns(isa::Base),
        // SAFETY: the machine has the active set.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { product.columns_256() },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { product.columns_512() },
        #[cfg(target_arch = "aarch64")]
        Level::Neon => product.columns(isa::Neon),
    }
    true
}

/// The vector's elements next to each other, as they are or as a copy; `None` without memory for one.
///
/// # Safety
/// It has so many elements, which can be read and are written by nobody.
unsafe fn terms<'v, T: Float>(k: usize, vector: Matrix<T>) -> Option<Cow<'v, [T]>> {
    if vector.row == 1 {
        // SAFETY: the caller's promise.
        return Some(Cow::Borrowed(unsafe { std::slice::from_raw_parts(vector.start, k) }));
    }
    let mut terms = Vec::new();
    terms.try_reserve_exact(k).ok()?;
    // SAFETY: the caller's promise.
    terms.extend((0..k as isize).map(|i| unsafe { vector.start.wrapping_offset(i * vector.row).read() }));
    Some(Cow::Owned(terms))
}

/// What is to be computed. Always: the elements of the matrix that the sizes reach can be read, those of the destination written.
struct Product<'a, T> {
    m: usize,
    out: Matrix<T>,
    add: bool,
    matrix: Matrix<T>,
    terms: &'a [T],
}

impl<T: Float> Product<'_, T> {
    /// Elements that lie next to each other, from row `i` and column `k` on.
    #[inline(always)]
    fn slice(&self, i: usize, k: usize, len: usize) -> &[T] {
        let Matrix { start, row, column } = self.matrix;
        let from = start.wrapping_offset(i as isize * row + k as isize * column);
        // SAFETY: the type's promise; whoever asks goes along a row or a column whose elements lie so.
        unsafe { std::slice::from_raw_parts(from, len) }
    }

    #[inline(always)]
    fn put(&self, i: usize, value: T) {
        let to = self.out.start.wrapping_offset(i as isize * self.out.row);
        // SAFETY: the type's promise; what is added to was there.
        unsafe { to.write(if self.add { to.read() + value } else { value }) }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn columns_256(&self) {
        self.columns(isa::Avx2);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512cd,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
    fn columns_512(&self) {
        self.columns(isa::Avx512);
    }

    /// A part of the columns' length after another, several columns at once.
    #[inline(always)]
    fn columns<M: Isa>(&self, m: M) {
        for first in (0..self.m).step_by(PART) {
            let len = PART.min(self.m - first);
            let mut sums = [T::default(); PART];
            let (groups, rest) = self.terms.as_chunks::<TERMS>();
            for (group, terms) in groups.iter().enumerate() {
                self.some_columns(m, first, group * TERMS, terms, &mut sums[..len]);
            }
            for (k, &term) in rest.iter().enumerate() {
                self.some_columns(m, first, groups.len() * TERMS + k, &[term], &mut sums[..len]);
            }
            for (i, &sum) in sums[..len].iter().enumerate() {
                self.put(first + i, sum);
            }
        }
    }

    #[inline(always)]
    fn some_columns<M: Isa, const N: usize>(&self, m: M, first: usize, k: usize, terms: &[T; N], sums: &mut [T]) {
        let columns: [&[T]; N] = std::array::from_fn(|c| self.slice(first, k + c, sums.len()));
        for (i, to) in sums.iter_mut().enumerate() {
            let mut sum = terms[0] * columns[0][i];
            for c in 1..N {
                sum = m.fma(terms[c], columns[c][i], sum);
            }
            *to = *to + sum;
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Product<'_, f32> {
    #[target_feature(enable = "avx2,fma")]
    fn rows_256(&self) {
        // SAFETY: this function has the set.
        unsafe { self.rows::<std::arch::x86_64::__m256>() }
    }

    #[target_feature(enable = "avx512f,fma")]
    fn rows_512(&self) {
        // SAFETY: this function has the set.
        unsafe { self.rows::<std::arch::x86_64::__m512>() }
    }

    /// A row after another, in partial sums.
    ///
    /// # Safety
    /// The machine must have the vectors' instruction set.
    #[inline(always)]
    unsafe fn rows<V: Vector>(&self) {
        let len = self.terms.len();
        let all = len / V::LANES;
        for i in 0..self.m {
            let row = self.slice(i, 0, len).as_ptr();
            let terms = self.terms.as_ptr();
            // SAFETY: the caller's promise; all that is read are whole vectors of the row and of as many terms, and a part.
            let sum = unsafe {
                let mut sums = [V::zero(); VECTORS];
                let step = |at: usize, sum: V| V::load(row.add(at)).fma(V::load(terms.add(at)), sum);
                for first in (0..all / VECTORS * VECTORS).step_by(VECTORS) {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = step((first + v) * V::LANES, *sum);
                    }
                }
                for v in 0..all % VECTORS {
                    sums[v] = step((all - all % VECTORS + v) * V::LANES, sums[v]);
                }
                let (at, rest) = (all * V::LANES, len % V::LANES);
                let last = V::load_part(row.add(at), rest).fma(V::load_part(terms.add(at), rest), sums[VECTORS - 1]);
                sums[0].plus(sums[1]).plus(sums[2].plus(last))
            };
            let mut lanes = [0.0f32; 16];
            // SAFETY: a vector has no more lanes.
            unsafe { sum.store(lanes.as_mut_ptr()) };
            let mut width = lanes.len() / 2;
            while width > 0 {
                for l in 0..width {
                    lanes[l] += lanes[l + width];
                }
                width /= 2;
            }
            self.put(i, lanes[0]);
        }
    }
}
