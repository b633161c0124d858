//! Few long rows and columns, which are cut into slices that several blocks share.
//!
//! In: a device. Out: nothing, or what is wrong. Always: the host has the right results; the sizes are just those that are
//! cut, or just not.

use ndfuse::prelude::*;
use ndfuse::{Result, Shape, tensor};

use crate::functions::{norm, soft};
use crate::results::{near, wave};

tensor! {
    #[no_grad]
    fn rows<B, C>(x: f32[B, C]) -> (f32[B], f32[B], i64[B], f32[B], bool[B], i64[B]) {
        (x.sum(axis=1), logsumexp(x, axis=1), argmin(x, axis=1), x.var(axis=1), all(x > -2.9, axis=1),
         (x * 10).astype(i64).sum(axis=1))
    }
    #[no_grad]
    fn down<B, C>(x: f32[B, C]) -> (f32[C], f32[C], i64[C], f32[B, C]) {
        (x.sum(axis=0), x.max(axis=0), argmax(x, axis=0), softmax(x, axis=0))
    }
    #[no_grad]
    fn narrow<B>(x: f32[B, 5]) -> f32[5] { (x * x).sum(axis=0) }
    #[no_grad]
    fn planes<N, C, L>(x: f32[N, C, L]) -> (f32[C], f32[C, L]) { (x.mean(axis=(0, 2)), x.min(axis=0)) }
    #[no_grad]
    fn alone<N>(x: f32[N]) -> f32[N] { softmax(x) }
    #[no_grad]
    fn picked<N, V, E>(at: i64[N], table: f32[V, E]) -> f32[E] { table[at].sum(axis=0) }
    #[no_grad]
    fn scored<B, C>(x: f32[B, C], w: f32[C], b: f32[C], g: f32[B, C]) -> f32[] { (layer_norm(x, w, b) * g).sum() }
    #[no_grad]
    fn parameters<B, C>(x: f32[B, C], w: f32[C], b: f32[C], g: f32[B, C]) -> (f32[C], f32[C]) {
        grad(scored, wrt=(w, b))(x, w, b, g)
    }
}

/// Sums of so many terms of at most 9, which the host adds up with more rounding.
fn sums<S: Shape>(found: &Tensor<f32, S>, host: &Tensor<f32, S>, terms: usize) -> Result<()> {
    let (a, b) = (found.to_host()?.to_vec()?, host.to_vec()?);
    let close = a.iter().zip(&b).all(|(a, b)| (a - b).abs() <= 1e-6 * terms as f32);
    assert!(a.len() == b.len() && close, "{a:?}, not {b:?}");
    Ok(())
}

/// Rows: cut from 16385 elements on, along the row, forwards, backwards and with steps.
pub fn rows_that_are_few_and_long(device: &Device) -> Result<()> {
    for (count, length) in [(1, 16_384), (2, 16_385), (3, 40_001)] {
        let x = wave((count, length), 1)?;
        let there = x.to_device(device)?;
        for (found, host) in [
            (there.clone(), x.clone()),
            (there.slice(1, None, None, -1)?, x.slice(1, None, None, -1)?),
            (there.slice(1, Some(1), None, 2)?, x.slice(1, Some(1), None, 2)?),
        ] {
            let (a, b) = (rows(&found)?, rows(&host)?);
            sums(&a.0, &b.0, length)?;
            near(&a.1, &b.1);
            assert_eq!(a.2.to_host()?, b.2);
            near(&a.3, &b.3);
            assert_eq!(a.4.to_host()?, b.4);
            assert_eq!(a.5.to_host()?, b.5);
            near(&soft(&found)?, &soft(&host)?);
        }
        let (w, b) = (wave((length,), 2)?, wave((length,), 3)?);
        near(&norm(&there, w.to_device(device)?, b.to_device(device)?)?, &norm(&x, &w, &b)?);
    }
    let x = wave((70_000,), 4)?;
    near(&alone(x.to_device(device)?)?, &alone(&x)?);
    Ok(())
}

/// Columns: few of them, very few, and with rows of theirs that are none.
pub fn columns_that_are_few_and_long(device: &Device) -> Result<()> {
    for (length, count) in [(8191, 8), (8192, 8), (10_001, 3), (2048, 70), (70_001, 1), (1025, 130)] {
        let x = wave((length, count), 1)?;
        let there = x.to_device(device)?;
        for (found, host) in
            [(there.clone(), x.clone()), (there.slice(0, None, None, -3)?, x.slice(0, None, None, -3)?)]
        {
            let (a, b) = (down(&found)?, down(&host)?);
            sums(&a.0, &b.0, length)?;
            near(&a.1, &b.1);
            assert_eq!(a.2.to_host()?, b.2);
            near(&a.3, &b.3);
        }
    }
    let x = wave((20_000, 5), 2)?;
    sums(&narrow(x.to_device(device)?)?, &narrow(&x)?, 20_000)?;
    for shape in [(40, 3, 700), (2, 3, 40_000), (9000, 2, 4), (5000, 1, 3)] {
        let x = wave(shape, 3)?;
        let (a, b) = (planes(x.to_device(device)?)?, planes(&x)?);
        near(&a.0, &b.0);
        near(&a.1, &b.1);
    }
    Ok(())
}

/// What is no number, infinite, or the same everywhere comes through the slices as through one.
pub fn slices_of_what_is_no_number(device: &Device) -> Result<()> {
    for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38] {
        for at in [0, 20_000, 39_999] {
            let mut values = vec![0.25f32; 80_000];
            values[at] = special;
            values[40_000 + at] = special;
            values[79_998] = special;
            for (across, x) in [
                (true, Tensor::from_vec((2, 40_000), values.clone())?),
                (false, Tensor::from_vec((40_000, 2), values)?),
            ] {
                let there = x.to_device(device)?;
                let same = |a: Vec<f32>, b: Vec<f32>| {
                    for (a, b) in a.into_iter().zip(b) {
                        assert!(a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-5 * b.abs(), "{a}, not {b}");
                    }
                };
                if across {
                    let (a, b) = (rows(&there)?, rows(&x)?);
                    same(a.0.to_host()?.to_vec()?, b.0.to_vec()?);
                    same(a.1.to_host()?.to_vec()?, b.1.to_vec()?);
                    assert_eq!(a.2.to_host()?, b.2);
                } else {
                    let (a, b) = (down(&there)?, down(&x)?);
                    same(a.0.to_host()?.to_vec()?, b.0.to_vec()?);
                    same(a.1.to_host()?.to_vec()?, b.1.to_vec()?);
                    assert_eq!(a.2.to_host()?, b.2);
                }
            }
        }
    }
    Ok(())
}

/// Gradients of a layer norm's parameters are sums of columns; an index out of range is told once a call, whatever was cut.
pub fn slices_of_gradients_and_gathers(device: &Device) -> Result<()> {
    let (x, w, b, g) = (wave((2100, 40), 1)?, wave((40,), 2)?, wave((40,), 3)?, wave((2100, 40), 4)?);
    let (dx, dw, db, dg) = (x.to_device(device)?, w.to_device(device)?, b.to_device(device)?, g.to_device(device)?);
    let (found, host) = (parameters(&dx, &dw, &db, &dg)?, parameters(&x, &w, &b, &g)?);
    sums(&found.0, &host.0, 2100)?;
    sums(&found.1, &host.1, 2100)?;
    let table = wave((50, 6), 5)?;
    let good: Vec<i64> = (0..9000).map(|k| k * 7 % 50).collect();
    let mut wrong = good.clone();
    (wrong[8999], wrong[3]) = (-51, 77);
    let there = table.to_device(device)?;
    let (good, wrong) = (Tensor::from_vec((9000,), good)?, Tensor::from_vec((9000,), wrong)?);
    sums(&picked(good.to_device(device)?, &there)?, &picked(&good, &table)?, 9000)?;
    let (found, host) = (picked(wrong.to_device(device)?, &there), picked(&wrong, &table));
    assert_eq!(found.unwrap_err().to_string(), host.unwrap_err().to_string());
    Ok(())
}
