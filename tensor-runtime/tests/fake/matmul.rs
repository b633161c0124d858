//! Products of matrices by plain loops, as the library's contract has them.

use ndfuse_runtime::DType;
use ndfuse_runtime::device::driver::{Matmul, Matrix};

/// Numbers that are multiplied and added up in the order of the terms.
trait Real: Copy + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {
    const ZERO: Self;
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
}

/// The bytes from the first element of a matrix to behind the last, of all matrices of the batch.
pub fn span(matrix: &Matrix, rows: u64, columns: u64, batch: u64, bytes: u64) -> u64 {
    let (down, across) = if matrix.turned { (columns, rows) } else { (rows, columns) };
    let last = (batch - 1) * matrix.batch_step as u64 + (across - 1) * matrix.step as u64 + down - 1;
    (last + 1) * bytes
}

/// What is wrong with the product's description.
pub fn fault(product: &Matmul) -> Option<String> {
    let Matmul { batch, rows, columns, terms, left, right, out, .. } = *product;
    if [batch, rows, columns, terms].contains(&0) || out.turned {
        return Some(format!("{product:?}"));
    }
    let fits = |matrix: &Matrix, rows: u64, columns: u64| {
        let down = if matrix.turned { columns } else { rows };
        matrix.step >= down as i64 && matrix.batch_step >= 0
    };
    let good = fits(&left, rows, terms) && fits(&right, terms, columns) && fits(&out, rows, columns);
    let apart = batch == 1 || out.batch_step as u64 >= (columns - 1) * out.step as u64 + rows;
    (!good || !apart).then(|| format!("{product:?}"))
}

/// Whether the product is of types that the loops have.
pub fn is_known(product: &Matmul) -> bool {
    product.result == product.dtype && matches!(product.dtype, DType::F32 | DType::F64)
}

/// # Safety
/// All elements of the matrices can be read or written.
pub unsafe fn multiply(product: &Matmul) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        match product.dtype {
            DType::F32 => loops::<f32>(product),
            DType::F64 => loops::<f64>(product),
            _ => return false,
        }
    }
    true
}

/// # Safety
/// As [`multiply`].
unsafe fn loops<T: Real>(product: &Matmul) {
    let place = |matrix: &Matrix, batch: u64, i: u64, j: u64| {
        let (i, j) = if matrix.turned { (j, i) } else { (i, j) };
        let at = batch as i64 * matrix.batch_step + i as i64 + j as i64 * matrix.step;
        (matrix.at as *mut T).wrapping_offset(at as isize)
    };
    for batch in 0..product.batch {
        for i in 0..product.rows {
            for j in 0..product.columns {
                let mut sum = T::ZERO;
                for k in 0..product.terms {
                    // SAFETY: the caller's promise.
                    let (a, b) = unsafe {
                        (place(&product.left, batch, i, k).read(), place(&product.right, batch, k, j).read())
                    };
                    sum = sum + a * b;
                }
                // SAFETY: as above.
                unsafe { place(&product.out, batch, i, j).write(sum) };
            }
        }
    }
}
