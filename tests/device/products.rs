//! Products of operands that lie in every way: with a library and without, the same numbers.
//!
//! In: a device. Out: nothing, or what is wrong. Always: the host has the right results.

use ndfuse::prelude::*;
use ndfuse::{Result, Shape};

use crate::functions::*;
use crate::results::{near, wave};

/// The same numbers in double precision.
fn double<S: Shape>(shape: S, seed: usize) -> Result<Tensor<f64, S>> {
    let single = wave(shape, seed)?.to_vec()?;
    Tensor::from_vec(shape, single.into_iter().map(f64::from).collect())
}

type Matrix<T> = Tensor<T, (usize, usize)>;
type Batch<T> = Tensor<T, (usize, usize, usize)>;
/// Another way to lie.
type Way<T> = fn(&T) -> Result<T>;

pub fn products_of_operands_that_lie_anyhow(device: &Device) -> Result<()> {
    // Matrices of 12 by 10: as they are, turned, a part, every other one, backwards, one row for all.
    let lie: [Way<Matrix<f64>>; 7] = [
        |x| Ok(x.clone()),
        |x| x.transpose().reshape((12, 10)),
        |x| Ok(x.reshape((10, 12))?.transpose()),
        |x| x.slice::<(usize, usize)>(0, Some(1), Some(12), 1)?.slice(1, Some(2), Some(7), 1),
        |x| x.slice(1, None, None, 2),
        |x| x.slice(0, None, None, -1),
        |x| x.slice::<(usize, usize)>(0, Some(3), Some(4), 1)?.broadcast_to((5, 10)),
    ];
    for left in lie {
        for right in lie {
            let (x, y) = (double((12, 10), 1)?, double((12, 10), 2)?);
            let (dx, dy) = (left(&x.to_device(device)?)?, right(&y.to_device(device)?)?.transpose());
            let (x, y) = (left(&x)?, right(&y)?.transpose());
            let terms = x.dims()[1].min(y.dims()[0]) as isize;
            let cut = |x: &Matrix<f64>, axis| x.slice::<(usize, usize)>(axis, None, Some(terms), 1);
            near(&product(&cut(&dx, 1)?, &cut(&dy, 0)?)?, &product(&cut(&x, 1)?, &cut(&y, 0)?)?);
        }
    }
    let (x, y, w) = (double((4, 6, 5), 1)?, double((4, 5, 7), 2)?, wave((5, 7), 3)?);
    let (dx, dy, dw) = (x.to_device(device)?, y.to_device(device)?, w.to_device(device)?);
    near(&batched(&dx, &dy)?, &batched(&x, &y)?);
    // One matrix for all, batches between rows, every other batch.
    let ways: [Way<Batch<f64>>; 3] = [
        |x| x.slice::<(usize, usize, usize)>(0, Some(1), Some(2), 1)?.broadcast_to((4, x.dims()[1], x.dims()[2])),
        |x| {
            let (n, a, b) = x.shape();
            x.reshape((a, n, b))?.permute(&[1, 0, 2])
        },
        |x| x.slice::<(usize, usize, usize)>(0, None, None, 1)?.permute::<(usize, usize, usize)>(&[0, 1, 2]),
    ];
    for way in ways {
        near(&batched(&way(&dx)?, &dy)?, &batched(&way(&x)?, &y)?);
        near(&batched(&dx, &way(&dy)?)?, &batched(&x, &way(&y)?)?);
    }
    let (x, y) = (wave((3, 6, 5), 1)?, wave((3, 8, 5), 2)?);
    let (dx, dy) = (x.to_device(device)?, y.to_device(device)?);
    near(&turned(&dx, &dy)?, &turned(&x, &y)?);
    near(&shared(&dx, &dw)?, &shared(&x, &w)?);
    // One row, one column, one term, one number.
    for (a, b, c) in [(1, 9, 5), (5, 9, 1), (4, 1, 6), (1, 1, 1), (1, 300, 1), (200, 3, 1)] {
        let (x, y) = (double((a, b), 1)?, double((b, c), 2)?);
        near(&product(&x.to_device(device)?, &y.to_device(device)?)?, &product(&x, &y)?);
        let (x, y) = (x.transpose().reshape((b, a))?, y.transpose().reshape((c, b))?);
        let there = product(x.to_device(device)?.transpose(), y.to_device(device)?.transpose())?;
        near(&there, &product(x.transpose(), y.transpose())?);
    }
    Ok(())
}

pub fn products_of_no_elements_are_zeros(device: &Device) -> Result<()> {
    for (n, a, b, c) in [(0, 2, 3, 4), (2, 0, 3, 4), (2, 2, 0, 4), (2, 2, 3, 0), (2, 0, 0, 0)] {
        let (x, y) = (double((n, a, b), 1)?, double((n, b, c), 2)?);
        let found = batched(&x.to_device(device)?, &y.to_device(device)?)?.to_host()?;
        assert_eq!((found.dims(), found.to_vec()?), (batched(&x, &y)?.dims(), vec![0.0; n * a * c]));
    }
    Ok(())
}
