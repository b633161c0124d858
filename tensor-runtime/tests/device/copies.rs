//! Copies beside the kernels: what they bring, and that nothing they use is another's meanwhile.

use std::mem;

use ndfuse_runtime::device::driver::Refusal;
use ndfuse_runtime::{Device, DeviceFault, Error, Pinned, Result, Tensor};

use crate::fake::{self, Ask, Fake};

type Row = Pinned<f32, (usize,)>;

fn row(device: &Device, values: &[f32]) -> Result<Row> {
    let mut row = Pinned::zeros((values.len(),), device)?;
    row.slice_mut()?.copy_from_slice(values);
    Ok(row)
}

fn there(device: &Device, values: &[f32]) -> Result<Tensor<f32, (usize,)>> {
    Tensor::from_vec((values.len(),), values.to_vec())?.to_device(device)
}

#[test]
fn what_is_sent_arrives_and_the_memory_comes_back() -> Result<()> {
    let (device, fake) = fake::device();
    let sent = row(&device, &[1.0, 2.0, 3.0])?;
    assert!(sent.is_locked() && sent.len() == 3 && !sent.is_empty());
    let copy = sent.to_device_async(&device)?;
    assert!(!copy.is_done()? && copy.is_done()?, "the first question comes before its end");
    let (x, sent) = copy.wait()?;
    assert_eq!((sent.slice()?, x.to_host()?.to_vec()?), (&[1.0, 2.0, 3.0][..], vec![1.0, 2.0, 3.0]));
    let copy = x.to_host_async()?;
    assert_eq!(copy.wait()?.to_tensor()?, x.to_host()?);
    // Of nothing, and of the host's, nothing is page-locked.
    let nothing = Row::zeros((0,), &device)?;
    assert!(!nothing.is_locked() && nothing.to_device_async(&device)?.wait()?.0.is_empty());
    let host = row(&Device::Cpu, &[4.0])?.to_device_async(&Device::Cpu)?;
    assert!(host.is_done()? && host.wait()?.0.to_host_async()?.wait()?.slice()? == [4.0]);
    let across = row(&Device::Cpu, &[5.0])?.to_device_async(&device)?.wait()?.0;
    assert_eq!((across.device(), across.to_host()?.to_vec()?), (device.clone(), vec![5.0]));
    let (other, _) = fake::device_in(1, None);
    let moved = row(&other, &[6.0])?.to_device_async(&device)?.wait()?.0;
    assert_eq!(moved.to_host()?.to_vec()?, [6.0]);
    fake.check();
    Ok(())
}

/// Of all bytes only two are truths.
#[test]
fn every_type_comes_back_as_its_own_values() -> Result<()> {
    let (device, _) = fake::device();
    let x = Tensor::from_vec((3,), vec![true, false, true])?.to_device(&device)?;
    assert_eq!(x.to_host_async()?.wait()?.slice()?, [true, false, true]);
    let x = Tensor::from_vec((2, 2), vec![1i64, -2, 3, -4])?.to_device(&device)?;
    let last = x.slice::<(usize, usize)>(0, Some(1), None, 1)?;
    assert_eq!(last.to_host_async()?.wait()?.view()?, ndarray::array![[3, -4]]);
    Ok(())
}

#[test]
fn a_copy_that_is_dropped_or_forgotten_is_no_harm() -> Result<()> {
    let (device, fake) = fake::device();
    let x = there(&device, &[7.0; 100])?;
    for _ in 0..20 {
        // The memory that each used is handed out again, once it is done.
        drop(row(&device, &[1.0; 100])?.to_device_async(&device)?);
        drop(x.to_host_async()?);
        let (sent, full) = (row(&device, &[2.0; 100])?, there(&device, &[3.0; 100])?);
        // What would still be under way writes now.
        device.synchronise()?;
        assert_eq!((sent.slice()?, full.to_host()?.to_vec()?), (&[2.0; 100][..], vec![3.0; 100]));
    }
    assert!(fake.pinned() <= 2 + 4 && fake.blocks() <= 4, "{} and {}", fake.pinned(), fake.blocks());
    fake.check();
    // What is forgotten is never given back, and everything else goes on.
    mem::forget(row(&device, &[1.0; 100])?.to_device_async(&device)?);
    mem::forget(x.to_host_async()?);
    let (blocks, pinned) = (fake.blocks(), fake.pinned());
    assert_eq!(row(&device, &[8.0; 100])?.to_device_async(&device)?.wait()?.0.to_host()?.to_vec()?, [8.0; 100]);
    device.release_memory()?;
    assert!(fake.blocks() < blocks && fake.blocks() >= 2 && (2..=pinned).contains(&fake.pinned()));
    fake.check();
    Ok(())
}

/// A block that kernels were asked to read is landed in again only behind them, though nobody has waited for them.
#[test]
fn memory_that_copies_land_in_waits_for_kernels_that_used_it() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = fake::device();
    let mut batch = Pinned::<f32, (usize, usize)>::zeros((5, 10), &device)?;
    let mut results = Vec::new();
    for step in 0..10 {
        batch.slice_mut()?.fill(step as f32);
        let (x, back) = batch.to_device_async(&device)?.wait()?;
        batch = back;
        // A kernel that reads it.
        results.push(x.transpose().reshape((50,))?);
    }
    assert_eq!(fake.count(Ask::Wait), 9, "each but the first lands where the last one did");
    assert_eq!((fake.count(Ask::Launch), fake.count(Ask::Synchronise), fake.count(Ask::Download)), (10, 0, 0));
    for (step, result) in results.into_iter().enumerate() {
        assert_eq!(result.to_host()?.to_vec()?, [step as f32; 50]);
    }
    fake.check();
    Ok(())
}

#[test]
fn what_is_written_to_a_tensor_meanwhile_does_not_change_its_copy() -> Result<()> {
    let (device, fake) = fake::device();
    let x = there(&device, &[1.0, 2.0])?;
    let copy = x.to_host_async()?;
    drop(x);
    // Whatever takes memory now takes other memory.
    let y = there(&device, &[9.0, 9.0])?;
    assert_eq!((copy.wait()?.slice()?, y.to_host()?.to_vec()?), (&[1.0, 2.0][..], vec![9.0, 9.0]));
    fake.check();
    Ok(())
}

/// Pageable memory goes through page-locked parts; nobody waits for the device, and the last part is as good as the first.
#[test]
fn large_uploads_go_through_a_ring() -> Result<()> {
    let (device, fake) = fake::device();
    let values: Vec<f32> = (0..3_000_001).map(|k| k as f32).collect();
    let x = there(&device, &values)?;
    let parts = (4 * values.len()).div_ceil(1 << 20);
    assert_eq!((fake.count(Ask::UploadLater), fake.count(Ask::Upload), fake.pinned()), (parts, 0, 4));
    assert_eq!(fake.count(Ask::Finish), parts - 4, "a part waits for the one four before it");
    let y = there(&device, &[1.0])?;
    assert!(x.to_host()?.to_vec()? == values && y.to_host()?.to_vec()? == [1.0]);
    device.release_memory()?;
    assert_eq!((fake.pinned(), fake.marks()), (0, 0));
    // Without page-locked memory the driver does it.
    fake.fail(Ask::Pin, 0, usize::MAX, Refusal::OutOfMemory);
    assert_eq!(there(&device, &values[..9])?.to_host()?.to_vec()?, values[..9]);
    assert!(fake.count(Ask::Upload) == 1 && fake.pinned() == 0);
    assert!(matches!(Row::zeros((4,), &device), Err(Error::OutOfMemory { .. })));
    fake.check();
    Ok(())
}

/// Sends and fetches, with pageable and page-locked memory, over a full ring.
fn exchange(device: &Device) -> Result<Vec<f32>> {
    let values: Vec<f32> = (0..1_400_000).map(|k| k as f32).collect();
    let large = there(device, &values)?;
    let (mut all, mut row) = (vec![large.to_host()?.to_vec()?[1_399_999]], row(device, &[1.0, 2.0])?);
    for k in 0..3 {
        row.slice_mut()?[1] = k as f32;
        let (x, back) = row.to_device_async(device)?.wait()?;
        row = back;
        let copy = x.to_host_async()?;
        let done = copy.is_done()?;
        all.extend_from_slice(copy.wait()?.slice()?);
        all.push(f32::from(u8::from(done)));
    }
    Ok(all)
}

#[test]
fn whatever_fails_is_an_error_nothing_is_lost_and_the_next_call_works() -> Result<()> {
    let (device, fake) = fake::device();
    let wanted = exchange(&device)?;
    let failed = || Refusal::Fault(DeviceFault::Failed { call: "it", reason: "a reason".into() });
    for ask in [
        Ask::Allocate,
        Ask::Pin,
        Ask::UploadLater,
        Ask::DownloadLater,
        Ask::Mark,
        Ask::Record,
        Ask::Wait,
        Ask::IsDone,
        Ask::Finish,
        Ask::Download,
    ] {
        device.release_memory()?;
        let before = fake.count(ask);
        assert_eq!(exchange(&device)?, wanted);
        let (asked, mut failures) = (fake.count(ask) - before, 0);
        for nth in 0..asked {
            device.release_memory()?;
            assert_eq!((fake.blocks(), fake.pinned(), fake.marks()), (0, 0, 0), "nothing is left by {ask:?} {nth}");
            fake.fail(ask, nth, 1, failed());
            let found = exchange(&device);
            fake.heal();
            match found {
                Ok(found) => assert_eq!(found, wanted, "{ask:?} {nth}"),
                Err(error) => {
                    failures += 1;
                    assert!(error.to_string().starts_with("cuda:0 failed at it: a reason\n  = help: "), "{error}");
                }
            }
            assert_eq!(exchange(&device)?, wanted, "the call after {ask:?} {nth}");
            fake.check();
        }
        // A mark that cannot be had when memory is given back is no error.
        assert!(failures > 0 && (failures == asked || [Ask::Mark, Ask::Record].contains(&ask)), "{ask:?}");
    }
    Ok(())
}

/// What a driver does not take back is lost; everything else goes on.
#[test]
fn what_cannot_be_given_back_is_an_error_and_the_next_call_works() -> Result<()> {
    let (device, fake) = fake::device();
    let wanted = exchange(&device)?;
    for ask in [Ask::Free, Ask::Unpin, Ask::Unmark, Ask::Synchronise] {
        for nth in 0..2 {
            fake.fail(ask, nth, 1, Refusal::Fault(DeviceFault::Failed { call: "it", reason: "a reason".into() }));
            let error = device.release_memory().unwrap_err();
            assert!(
                error.to_string().starts_with("cuda:0 failed at it: a reason\n  = help: "),
                "{ask:?} {nth}: {error}"
            );
            fake.heal();
            assert_eq!(exchange(&device)?, wanted, "the call after {ask:?} {nth}");
        }
    }
    fake.check();
    Ok(())
}

#[test]
fn copies_may_be_waited_for_elsewhere() {
    fn sent<T: Send>() {}
    fn shared<T: Sync>() {}
    sent::<Row>();
    shared::<Row>();
    sent::<ndfuse_runtime::Pending<(Tensor<f32, (usize,)>, Row)>>();
    sent::<ndfuse_runtime::Event>();
    shared::<ndfuse_runtime::Event>();
}

#[test]
fn of_a_lost_device_copies_keep_what_they_use() -> Result<()> {
    let lost = || Refusal::Fault(DeviceFault::Lost("it fell off the bus".into()));
    for ask in [Ask::Finish, Ask::Record, Ask::UploadLater, Ask::DownloadLater, Ask::Wait] {
        let (device, fake): (Device, Fake) = fake::device();
        let x = there(&device, &[1.0, 2.0])?;
        let (one, two) = (row(&device, &[3.0, 4.0])?, row(&device, &[5.0])?.to_device_async(&device)?);
        fake.fail(ask, 0, 1, lost());
        let errors = [
            one.to_device_async(&device).and_then(|copy| copy.wait().map(drop)),
            x.to_host_async().and_then(|copy| copy.wait().map(drop)),
            two.is_done().map(drop),
        ];
        let is_lost = |error: &Error| error.to_string().starts_with("cuda:0 was lost: it fell off the bus");
        assert!(errors.iter().any(|error| error.as_ref().is_err_and(is_lost)), "{ask:?}");
        let (blocks, pinned) = (fake.blocks(), fake.pinned());
        let calls = fake.calls();
        drop((two, x));
        assert!(row(&device, &[1.0]).is_err_and(|error| is_lost(&error)));
        drop(device);
        assert_eq!((fake.blocks(), fake.pinned(), fake.calls()), (blocks, pinned, calls), "it is asked nothing");
        fake.check();
    }
    Ok(())
}

#[test]
fn threads_may_send_and_fetch_at_once() -> Result<()> {
    let (device, fake) = fake::device();
    std::thread::scope(|scope| {
        for seed in 0..8 {
            let device = &device;
            scope.spawn(move || {
                for step in 0..50 {
                    let values = vec![(seed * 100 + step) as f32; 20 + step % 3];
                    let (x, _) = row(device, &values).unwrap().to_device_async(device).unwrap().wait().unwrap();
                    assert_eq!(x.to_host_async().unwrap().wait().unwrap().slice().unwrap(), values);
                }
            });
        }
    });
    fake.check();
    Ok(())
}
