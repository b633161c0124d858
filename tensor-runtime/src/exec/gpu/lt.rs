//! A matrix product by the device's library, where the operands lie as it wants them.
//!
//! In: a product's axes and addresses. Out: whether the library has done it. Always: nothing is copied for it: a matrix is
//! described where it lies, column after column or turned, with a step from each to the next, and one step from matrix to
//! matrix of a batch; where batches have two axes, the shorter one is a call each; a second axis of rows or columns is one of batches that
//! share the other operand; what lies otherwise is left to the kernel. A product whose result lies row after row is that of the
//! turned operands in the other order. Next: `device/cuda/blas.rs`.

use crate::device::driver::{Matmul, Matrix};
use crate::device::texts::Axis;
use crate::dtype::DType;
use crate::error::Result;

use super::super::dot::Product;
use super::Call;

/// The operands of an axis's steps.
const LEFT: usize = 0;
const RIGHT: usize = 1;
const OUT: usize = 2;

/// The most calls for one product.
const CALLS: i64 = 64;

/// Where a product goes.
#[derive(Clone, Copy)]
pub(super) struct Out {
    pub(super) at: u64,
    pub(super) dtype: DType,
    /// A vector along the columns, one element behind the other, that is added to each row.
    pub(super) bias: Option<u64>,
}

/// Multiplies by the library; `false` where that is not there or has no way for it. `lists` are the axes of batches, rows,
/// columns and the terms of a sum, as the kernel takes them; the product has an element at least.
pub(super) fn multiply(lists: &[Vec<Axis<3>>; 4], product: &Product, out: Out, call: &Call) -> Result<bool> {
    let [mut batches, mut rows, mut columns, terms] = lists.clone();
    for list in [&mut rows, &mut columns] {
        while list.len() > 1 && batches.len() < 2 {
            batches.push(list.remove(0));
        }
    }
    let (outer, batches) = match &batches[..] {
        [a, b] if a.extent <= b.extent => (*a, vec![*b]),
        [a, b] => (*b, vec![*a]),
        one => (Axis { extent: 1, steps: [0; 3] }, one.to_vec()),
    };
    if outer.extent > CALLS {
        return Ok(false);
    }
    let lists = [&batches, &rows, &columns, &terms];
    let starts = [product.left.addr() as u64, product.right.addr() as u64, out.at];
    // Of left, right and result.
    let types = [product.dtype, product.dtype, out.dtype];
    for number in 0..outer.extent {
        let at = |of: usize| starts[of].wrapping_add_signed(number * outer.steps[of] * types[of].bytes() as i64);
        let described = described(lists, types, call.gpu.tf32(), [LEFT, RIGHT, OUT].map(at));
        let Some(matmul) = described.and_then(|(matmul, turned)| match out.bias {
            // The library adds along its rows alone, which are the columns of a result that lies row after row.
            Some(_) if !turned => None,
            bias => Some(Matmul { bias, ..matmul }),
        }) else {
            return Ok(false);
        };
        // SAFETY: `product` has shown that the loops stay within the operands and cover the destination, which is of another
        // root, injective, and the call's own; the description reaches the same elements. A vector has one for each column.
        if !unsafe { call.gpu.matmul(&matmul) }? {
            // Whatever is there already the kernel writes again.
            return Ok(false);
        }
    }
    Ok(true)
}

/// The product as the library knows it, and whether it is the turned one; `None` where it cannot be said.
fn described(lists: [&Vec<Axis<3>>; 4], types: [DType; 3], tf32: bool, starts: [u64; 3]) -> Option<(Matmul, bool)> {
    let [batch, rows, columns, terms] = lists.map(|axes| one(axes));
    let (batch, rows, columns, terms) = (batch?, rows?, columns?, terms?);
    let matrix = |of: usize, down: &Axis<3>, across: &Axis<3>| {
        let side = |axis: &Axis<3>| (axis.extent, axis.steps[of]);
        lying(starts[of], side(down), side(across), batch.steps[of])
    };
    let straight = |matrix: &Matrix| !matrix.turned;
    let by_rows = matrix(OUT, &columns, &rows).filter(straight);
    let turned = by_rows.is_some();
    let (rows, columns, left, right, out) = match by_rows {
        // Row after row: the result turned is the product of the turned right and the turned left operand.
        Some(out) => (columns.extent, rows.extent, matrix(RIGHT, &columns, &terms)?, matrix(LEFT, &terms, &rows)?, out),
        None => {
            let out = matrix(OUT, &rows, &columns).filter(straight)?;
            (rows.extent, columns.extent, matrix(LEFT, &rows, &terms)?, matrix(RIGHT, &terms, &columns)?, out)
        }
    };
    // The matrices of a result lie one behind the other.
    if batch.extent > 1 && out.batch_step < out.step.checked_mul(columns - 1)?.checked_add(rows)? {
        return None;
    }
    let count = |extent: i64| u64::try_from(extent).ok().filter(|&extent| extent > 0);
    if types[LEFT] != types[RIGHT] {
        return None;
    }
    let matmul = Matmul {
        dtype: types[LEFT],
        result: types[OUT],
        tf32: tf32 && types[LEFT] == DType::F32,
        batch: count(batch.extent)?,
        rows: count(rows)?,
        columns: count(columns)?,
        terms: count(terms.extent)?,
        left,
        right,
        out,
        bias: None,
    };
    Some((matmul, turned))
}

/// The one axis of a list.
fn one(axes: &[Axis<3>]) -> Option<Axis<3>> {
    match axes {
        [] => Some(Axis { extent: 1, steps: [0; 3] }),
        [axis] => Some(*axis),
        [_, _, ..] => None,
    }
}

/// The matrix with these extents and steps from row to row and from column to column.
fn lying(at: u64, down: (i64, i64), across: (i64, i64), batch_step: i64) -> Option<Matrix> {
    // Neighbours within a column, and columns behind one another.
    let lies = |(inner, unit): (i64, i64), (outer, step): (i64, i64)| {
        (inner == 1 || unit == 1) && (outer == 1 || step >= inner)
    };
    let step = |(inner, _): (i64, i64), (outer, step): (i64, i64)| if outer == 1 { inner } else { step };
    if batch_step < 0 {
        return None;
    }
    match (lies(down, across), lies(across, down)) {
        (true, _) => Some(Matrix { at, turned: false, step: step(down, across), batch_step }),
        (false, true) => Some(Matrix { at, turned: true, step: step(across, down), batch_step }),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(extent: i64, steps: [i64; 3]) -> Vec<Axis<3>> {
        vec![Axis { extent, steps }]
    }

    /// Of a batch of 3: 5 rows, 7 columns, 4 terms; the steps of left, right and result.
    fn product(batch: [i64; 3], rows: [i64; 3], columns: [i64; 3], terms: [i64; 3]) -> Option<Matmul> {
        let lists = [axis(3, batch), axis(5, rows), axis(7, columns), axis(4, terms)];
        let found = described(lists.each_ref(), [DType::F32; 3], true, [1000, 2000, 3000])?;
        // Rows of the turned product lie one behind the other.
        assert_eq!(found.1, columns[OUT] == 1);
        Some(found.0)
    }

    #[test]
    fn rows_after_rows_are_the_turned_product() {
        let found = product([20, 28, 35], [4, 0, 7], [0, 1, 1], [1, 7, 0]).expect("plain C order");
        assert_eq!((found.batch, found.rows, found.columns, found.terms, found.tf32), (3, 7, 5, 4, true));
        assert_eq!(found.left, Matrix { at: 2000, turned: false, step: 7, batch_step: 28 });
        assert_eq!(found.right, Matrix { at: 1000, turned: false, step: 4, batch_step: 20 });
        assert_eq!(found.out, Matrix { at: 3000, turned: false, step: 7, batch_step: 35 });
    }

    #[test]
    fn turned_operands_and_batches_that_share_one_are_no_copies() {
        let found = product([0, 28, 35], [1, 0, 7], [0, 4, 1], [5, 1, 0]).expect("both turned, left for all");
        assert_eq!(found.left, Matrix { at: 2000, turned: true, step: 4, batch_step: 28 });
        assert_eq!(found.right, Matrix { at: 1000, turned: true, step: 5, batch_step: 0 });
        let found = product([20, 28, 35], [4, 0, 1], [0, 1, 5], [1, 7, 0]).expect("a result column after column");
        assert_eq!((found.rows, found.columns, found.left.turned, found.right.turned), (5, 7, true, true));
    }

    #[test]
    fn what_lies_otherwise_is_left_to_the_kernel() {
        for (batch, rows, columns, terms) in [
            ([20, 28, 35], [8, 0, 7], [0, 1, 1], [2, 7, 0]),
            ([20, 28, 35], [-4, 0, 7], [0, 1, 1], [1, 7, 0]),
            ([-20, 28, 35], [4, 0, 7], [0, 1, 1], [1, 7, 0]),
            ([20, 28, 35], [0, 0, 7], [0, 1, 1], [1, 7, 0]),
            ([20, 28, 35], [2, 0, 7], [0, 1, 1], [1, 7, 0]),
            ([20, 28, 35], [4, 0, 14], [0, 1, 2], [1, 7, 0]),
            // Results in each other's gaps.
            ([20, 28, 7], [4, 0, 21], [0, 1, 1], [1, 7, 0]),
        ] {
            assert_eq!(product(batch, rows, columns, terms), None, "{batch:?} {rows:?} {columns:?} {terms:?}");
        }
        let two = [axis(3, [1, 1, 1]), [axis(5, [1, 0, 1]), axis(2, [9, 0, 9])].concat(), axis(7, [0, 1, 1]), vec![]];
        assert_eq!(described(two.each_ref(), [DType::F64; 3], true, [0; 3]), None);
    }

    #[test]
    fn one_row_or_one_column_may_have_any_step() {
        let lists = [vec![], vec![], axis(7, [0, 3, 1]), axis(4, [5, 30, 0])];
        assert_eq!(
            described(lists.each_ref(), [DType::F64; 3], true, [8, 16, 24]),
            None,
            "columns with gaps between their elements"
        );
        let lists = [vec![], vec![], axis(7, [0, 1, 1]), axis(4, [5, 30, 0])];
        let found = described(lists.each_ref(), [DType::F64; 3], true, [8, 16, 24]).expect("a row times a matrix").0;
        assert_eq!((found.rows, found.columns, found.terms, found.tf32), (7, 1, 4, false));
        assert_eq!(found.right, Matrix { at: 8, turned: true, step: 5, batch_step: 0 });
    }
}
