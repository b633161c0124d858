//! Products of matrices by plain loops, as the library's contract has them.

use ndfuse_runtime::device::driver::{Matmul, Matrix};
use ndfuse_runtime::{DType, bf16, f16};

/// Numbers that are multiplied and added up in the order of the terms: in their own type, halves in `f32`.
trait Real: Copy {
    type Sum: Copy + Default + std::ops::Add<Output = Self::Sum> + std::ops::Mul<Output = Self::Sum>;
    fn value(self) -> Self::Sum;
    fn of(sum: Self::Sum) -> Self;
}

macro_rules! reals {
    ($($ty:ident as $sum:ident: $value:expr, $of:expr;)*) => {$(
        impl Real for $ty {
            type Sum = $sum;
            fn value(self) -> $sum {
                $value(self)
            }
            fn of(sum: $sum) -> $ty {
                $of(sum)
            }
        }
    )*};
}

reals! {
    f16 as f32: f16::to_f32, f16::from_f32;
    bf16 as f32: bf16::to_f32, bf16::from_f32;
    f32 as f32: f32::from, f32::from;
    f64 as f64: f64::from, f64::from;
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
    let halves = [DType::F16, DType::BF16].contains(&product.dtype) && product.result == DType::F32;
    let bias = product.bias.is_none() || product.result != DType::F64;
    bias && product.dtype.is_float() && (product.result == product.dtype || halves)
}

/// # Safety
/// All elements of the matrices and of the vector can be read or written.
pub unsafe fn multiply(product: &Matmul) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        match (product.dtype, product.result) {
            (DType::F16, DType::F16) => loops::<f16, f16>(product),
            (DType::F16, DType::F32) => loops::<f16, f32>(product),
            (DType::BF16, DType::BF16) => loops::<bf16, bf16>(product),
            (DType::BF16, DType::F32) => loops::<bf16, f32>(product),
            (DType::F32, DType::F32) => loops::<f32, f32>(product),
            (DType::F64, DType::F64) => loops::<f64, f64>(product),
            _ => return false,
        }
    }
    true
}

/// # Safety
/// As [`multiply`].
unsafe fn loops<T: Real, R: Real<Sum = T::Sum>>(product: &Matmul) {
    let offset = |matrix: &Matrix, batch: u64, i: u64, j: u64| {
        let (i, j) = if matrix.turned { (j, i) } else { (i, j) };
        (batch as i64 * matrix.batch_step + i as i64 + j as i64 * matrix.step) as isize
    };
    let place = |matrix: &Matrix, batch: u64, i: u64, j: u64| {
        (matrix.at as *const T).wrapping_offset(offset(matrix, batch, i, j))
    };
    for batch in 0..product.batch {
        for i in 0..product.rows {
            for j in 0..product.columns {
                let mut sum = T::Sum::default();
                for k in 0..product.terms {
                    // SAFETY: the caller's promise.
                    let (a, b) = unsafe {
                        (place(&product.left, batch, i, k).read(), place(&product.right, batch, k, j).read())
                    };
                    sum = sum + a.value() * b.value();
                }
                if let Some(bias) = product.bias {
                    // SAFETY: the caller's promise.
                    sum = sum + unsafe { (bias as *const R).wrapping_add(i as usize).read() }.value();
                }
                // SAFETY: as above.
                unsafe {
                    (product.out.at as *mut R).wrapping_offset(offset(&product.out, batch, i, j)).write(R::of(sum))
                };
            }
        }
    }
}
