//! The same functions on a device and on the host.
//!
//! In: a device. Out: nothing, or what is wrong. Always: the host has the right results, which other tests know.

use ndarray::array;
use ndfuse::prelude::*;
use ndfuse::{Element, Result, Shape};

use crate::functions::*;

/// Numbers between -3 and 3, from a tensor's shape alone.
pub fn wave<S: Shape>(shape: S, seed: usize) -> Result<Tensor<f32, S>> {
    let n = shape.sizes().iter().product();
    Tensor::from_vec(shape, (0..n).map(|k| ((k * 37 + seed * 101) % 61) as f32 / 10.0 - 3.0).collect())
}

pub fn near<T: Element + Into<f64>, S: Shape>(found: &Tensor<T, S>, host: &Tensor<T, S>) {
    let (a, b) = (found.to_host().unwrap().to_vec().unwrap(), host.to_vec().unwrap());
    assert_eq!(a.len(), b.len());
    for (k, (a, b)) in a.into_iter().zip(b).enumerate() {
        let (a, b): (f64, f64) = (a.into(), b.into());
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "element {k}: {a}, but {b} on the host");
    }
}

pub fn maps_rows_and_columns(device: &Device) -> Result<()> {
    for (rows, columns) in [(1, 1), (5, 33), (3, 700), (40, 9)] {
        let (x, w, b) = (wave((rows, columns), 1)?, wave((columns,), 2)?, wave((columns,), 3)?);
        let (dx, dw, db) = (x.to_device(device)?, w.to_device(device)?, b.to_device(device)?);
        near(&gelu_chain(&dx, &dw, &db)?, &gelu_chain(&x, &w, &b)?);
        near(&soft(&dx)?, &soft(&x)?);
        near(&norm(&dx, &dw, &db)?, &norm(&x, &w, &b)?);
        let ((s, m), (hs, hm)) = (columns_of(&dx)?, columns_of(&x)?);
        near(&s, &hs);
        near(&m, &hm);
        let ((at, large, bytes), host) = (places(&dx)?, places(&x)?);
        assert_eq!(at.to_host()?, host.0);
        assert_eq!(large.to_host()?, host.1);
        assert_eq!(bytes.to_host()?, host.2);
        near(&scaled(&dw, 0.25)?, &scaled(&w, 0.25)?);
    }
    Ok(())
}

type Pair = (Tensor<f32, (usize,)>, Tensor<f32, (usize,)>);

fn columns_of(x: &Tensor<f32, (usize, usize)>) -> Result<Pair> {
    columns(x)
}

pub fn views_of_any_strides_are_read_where_they_lie(device: &Device) -> Result<()> {
    let x = wave((6, 8), 4)?;
    let d = x.to_device(device)?;
    type Matrix = Tensor<f32, (usize, usize)>;
    let turns: [fn(&Matrix) -> Result<Matrix>; 4] = [
        |x| Ok(x.clone()),
        |x| Ok(x.transpose()),
        |x| x.slice(1, None, None, -3),
        |x| x.slice::<(usize, usize)>(0, Some(4), None, -1)?.slice(1, Some(1), Some(7), 2),
    ];
    for turn in turns {
        let (host, there) = (turn(&x)?, turn(&d)?);
        assert_eq!(there.to_host()?, host);
        let (a, b) = (views(&there)?, views(&host)?);
        near(&a.0, &b.0);
        near(&a.1, &b.1);
        near(&a.2, &b.2);
        near(&soft(TensorView::from(&there))?, &soft(&host)?);
        let flat = there.reshape((there.len(),))?;
        assert_eq!((flat.device(), flat.to_host()?), (device.clone(), host.reshape((host.len(),))?));
        near(&soft(&there.broadcast_to((there.shape().0, there.shape().1))?)?, &soft(&host)?);
    }
    let wide = d.slice::<(usize, usize)>(0, Some(0), Some(1), 1)?.broadcast_to((9, 8))?;
    near(&soft(&wide)?, &soft(&wide.to_host()?)?);
    Ok(())
}

pub fn products_with_and_without_epilogues(device: &Device) -> Result<()> {
    for (a, b, c) in [(1, 1, 1), (65, 17, 66), (3, 130, 5), (64, 0, 64), (0, 3, 4)] {
        let (x, w, bias) = (wave((a, b), 1)?, wave((b, c), 2)?, wave((c,), 3)?);
        let (dx, dw, db) = (x.to_device(device)?, w.to_device(device)?, bias.to_device(device)?);
        near(&linear(&dx, &dw, &db)?, &linear(&x, &w, &bias)?);
        let wt = wave((c, b), 2)?;
        near(&linear(&dx, wt.to_device(device)?.transpose(), &db)?, &linear(&x, wt.transpose(), &bias)?);
    }
    let (q, k, v) = (wave((2, 9, 5), 1)?, wave((2, 9, 5), 2)?, wave((2, 9, 5), 3)?);
    let found = attention(&q.to_device(device)?, &k.to_device(device)?, &v.to_device(device)?)?;
    near(&found, &attention(&q, &k, &v)?);
    let (x, w, b) = (wave((2, 3, 16, 16), 1)?, wave((8, 3, 3, 3), 2)?, wave((8,), 3)?);
    near(&stem(&x.to_device(device)?, &w.to_device(device)?, &b.to_device(device)?)?, &stem(&x, &w, &b)?);
    let x = wave((2, 3, 8, 8), 5)?;
    let (found, host) = (pools(&x.to_device(device)?)?, pools(&x)?);
    near(&found.0, &host.0);
    near(&found.1, &host.1);
    Ok(())
}

pub fn attentions_of_any_width_mask_and_order(device: &Device) -> Result<()> {
    for (rows, depth) in [(1, 1), (63, 32), (65, 33), (130, 64), (70, 128), (66, 129)] {
        let [q, k, v] = [1, 2, 3].map(|seed| wave((2, rows, depth), seed));
        let (q, k, v) = (q?, k?, v?);
        let found = attention(&q.to_device(device)?, &k.to_device(device)?, &v.to_device(device)?)?;
        near(&found, &attention(&q, &k, &v)?);
    }
    for (t, s, depth, width, hidden) in [(5, 5, 8, 8, 0), (67, 131, 16, 40, 0), (67, 131, 16, 100, 3), (3, 1, 4, 1, 1)]
    {
        let (q, k, v) = (wave((2, t, 3, depth), 1)?, wave((2, s, 3, depth), 2)?, wave((2, s, 3, width), 3)?);
        let (bias, host) = (wave((3, s), 4)?, |x: &Tensor<f32, (usize, usize, usize, usize)>| x.to_host());
        let there = heads(
            &q.to_device(device)?,
            &k.to_device(device)?,
            &v.to_device(device)?,
            &bias.to_device(device)?,
            hidden,
        )?;
        let (found, wanted) = (host(&there)?.to_vec()?, heads(&q, &k, &v, &bias, hidden)?.to_vec()?);
        assert_eq!(found.len(), wanted.len());
        for (k, (a, b)) in found.into_iter().zip(wanted).enumerate() {
            assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()) || a.is_nan() && b.is_nan(), "element {k}: {a}, not {b}");
        }
    }
    Ok(())
}

pub fn gathers_and_scatters(device: &Device) -> Result<()> {
    for (rows, width) in [(7, 5), (300, 1), (2, 70)] {
        let table = wave((rows, width), 1)?;
        let ids: Vec<i64> = (0..40).map(|k| (k * 7 % rows as i64) - if k % 3 == 0 { rows as i64 } else { 0 }).collect();
        let (ids, updates) = (Tensor::from_vec((40,), ids)?, wave((40, width), 2)?);
        let (dt, di, du) = (table.to_device(device)?, ids.to_device(device)?, updates.to_device(device)?);
        assert_eq!(embed(&di, &dt)?.to_host()?, embed(&ids, &table)?);
        assert_eq!(update(&dt, &di, &du)?.to_host()?, update(&table, &ids, &updates)?);
    }
    let bins = array![0i64, 15, 3, -1, 3, 3];
    assert_eq!(counts(&bins.to_device(device)?)?.to_host()?, counts(&bins)?);
    Ok(())
}

pub fn an_index_out_of_range_is_the_hosts_error_and_no_harm(device: &Device) -> Result<()> {
    let table = wave((5, 3), 1)?;
    let there = table.to_device(device)?;
    let wrong = [array![0i64, 5, 1], array![4i64, -6, 9], array![i64::MAX, 1, 2], array![i64::MIN, i64::MAX, 0]];
    let rows = wave((3, 3), 2)?;
    for ids in &wrong {
        let di = ids.to_device(device)?;
        let (found, host) = (embed(&di, &there).unwrap_err(), embed(ids, &table).unwrap_err());
        assert_eq!(found.to_string(), host.to_string());
        let found = update(&there, &di, &rows.to_device(device)?).unwrap_err();
        assert_eq!(found.to_string(), update(&table, ids, &rows).unwrap_err().to_string());
    }
    // Of two axes the lesser index counts, with its own axis.
    let (x, y, at) = (wave((5,), 1)?, wave((3,), 2)?, array![4i64, 3, 7]);
    let found = both(&x.to_device(device)?, &y.to_device(device)?, &at.to_device(device)?).unwrap_err();
    assert_eq!(found.to_string(), both(&x, &y, &at).unwrap_err().to_string());
    // What is picked from nothing is not read.
    let (nothing, ids) = (wave((0, 3), 1)?, array![0i64, -1]);
    let found = embed(&ids.to_device(device)?, &nothing.to_device(device)?).unwrap_err();
    assert_eq!(found.to_string(), embed(&ids, &nothing).unwrap_err().to_string());
    // Where nothing is written, an index is wrong all the same.
    let (flat, rows) = (wave((5, 0), 1)?, wave((3, 0), 2)?);
    let (df, dr) = (flat.to_device(device)?, rows.to_device(device)?);
    for ids in wrong.iter().chain([&array![0i64, 4, -5]]) {
        let (found, host) = (update(&df, ids.to_device(device)?, &dr), update(&flat, ids, &rows));
        assert_eq!(found.map(|t| t.len()).map_err(|e| e.to_string()), host.map(|t| t.len()).map_err(|e| e.to_string()));
    }
    let good = array![0i64, 1, -5];
    assert_eq!(embed(&good.to_device(device)?, &there)?.to_host()?, embed(&good, &table)?);
    Ok(())
}

pub fn results_are_written_to_memory_of_the_callers(device: &Device) -> Result<()> {
    let x = wave((4, 10), 1)?;
    let there = x.to_device(device)?;
    let mut out = Tensor::<f32, _>::zeros((4, 10))?.to_device(device)?;
    let before = out.clone();
    soft::into(&there, &mut out)?;
    near(&out, &soft(&x)?);
    assert_eq!(before.to_host()?.to_vec()?, [0.0; 40], "a clone keeps its values");
    let mut turned = Tensor::<f32, _>::zeros((10, 4))?.to_device(device)?.transpose();
    soft::into(&there, &mut turned)?;
    near(&turned, &soft(&x)?);
    let mut host = Tensor::<f32, _>::zeros((4, 10))?;
    assert!(matches!(soft::into(&there, &mut host), Err(ndfuse::Error::Device(_))));
    assert!(matches!(soft::into(&x, &mut out), Err(ndfuse::Error::Device(_))));
    Ok(())
}
