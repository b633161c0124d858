//! Copies beside the calls, and events.
//!
//! In: a device. Out: nothing, or what is wrong.

use ndfuse::prelude::*;
use ndfuse::{Pending, Pinned, Result};

use crate::functions::soft;
use crate::results::{near, wave};

/// Batch after batch is sent while the last one is computed, and results come back while the next one is.
pub fn batches_are_sent_and_results_fetched_beside_the_calls(device: &Device) -> Result<()> {
    const SHAPE: (usize, usize) = (64, 700);
    let fill = |mut batch: Pinned<f32, _>, step: usize| -> Result<Pinned<f32, (usize, usize)>> {
        batch.view_mut()?.assign(&wave(SHAPE, step)?.view()?);
        Ok(batch)
    };
    let mut free = vec![Pinned::zeros(SHAPE, device)?, Pinned::zeros(SHAPE, device)?];
    let mut next = Some(fill(Pinned::zeros(SHAPE, device)?, 0)?.to_device_async(device)?);
    let mut results: Vec<Pending<Pinned<f32, (usize, usize)>>> = Vec::new();
    for step in 0..12 {
        let (x, batch) = next.take().expect("one is on its way").wait()?;
        free.push(batch);
        let y = soft(&x)?;
        let batch = fill(free.remove(0), step + 1)?;
        next = Some(batch.to_device_async(device)?);
        results.push(soft(&y)?.to_host_async()?);
    }
    drop(next);
    for (step, result) in results.into_iter().enumerate() {
        near(&result.wait()?.to_tensor()?, &soft(&soft(&wave(SHAPE, step)?)?)?);
    }
    Ok(())
}

pub fn copies_that_are_dropped_or_forgotten_are_no_harm(device: &Device) -> Result<()> {
    let x = wave((300, 50), 1)?;
    let there = x.to_device(device)?;
    for _ in 0..10 {
        let mut batch = Pinned::<f32, _>::zeros((300, 50), device)?;
        batch.slice_mut()?.fill(7.0);
        drop(batch.to_device_async(device)?);
        drop(soft(&there)?.to_host_async()?);
        let (y, again) = (soft(&there)?, Pinned::<f32, _>::zeros((300, 50), device)?);
        assert_eq!(again.slice()?, [0.0; 15_000]);
        near(&y, &soft(&x)?);
    }
    std::mem::forget(Pinned::<f32, _>::zeros((300, 50), device)?.to_device_async(device)?);
    std::mem::forget(there.to_host_async()?);
    // A view is copied in row-major order, a page-locked array is an operand of the host's.
    let turned = there.transpose().to_host_async()?.wait()?;
    assert_eq!(turned.to_tensor()?, x.transpose());
    near(&soft(&turned)?, &soft(x.transpose())?);
    Ok(())
}

pub fn events_measure_the_device(device: &Device) -> Result<()> {
    let x = wave((200, 500), 1)?.to_device(device)?;
    let (begin, end) = (device.event()?, device.event()?);
    begin.record()?;
    for _ in 0..5 {
        soft(&x)?;
    }
    end.record()?;
    let forth = begin.elapsed_ms(&end)?;
    assert!(forth > 0.0 && end.elapsed_ms(&begin)? < 0.0, "{forth}");
    Ok(())
}
