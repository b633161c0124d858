//! What a device does without kernels: memory, copies beside it, events, and the end of a process that was forked.

mod copies;
mod events;

#[path = "../fake/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod fake;

use ndfuse_runtime::{DeviceFault, Error, Params, Pinned, Result, Tensor};

#[cfg(unix)]
unsafe extern "C" {
    fn fork() -> i32;
    fn waitpid(process: i32, status: *mut i32, options: i32) -> i32;
    fn _exit(status: i32) -> !;
}

/// A driver does not survive a fork: the child is told, whatever it asks for, and its memory of the parent's is left alone.
#[test]
#[cfg(unix)]
fn a_forked_process_is_told_so_and_asks_the_driver_nothing() -> Result<()> {
    let (device, fake) = fake::device();
    let host = Tensor::from_vec((3,), vec![1.0f32, 2.0, 3.0])?;
    let there = host.to_device(&device)?;
    let (locked, copy) = (Pinned::<f32, _>::zeros((3,), &device)?, there.to_host_async()?);
    let (mark, pending) = (device.event()?, Pinned::<f32, _>::zeros((3,), &device)?.to_device_async(&device)?);
    let before = fake.calls();
    // SAFETY: the child calls only what follows, which waits for no other thread, and ends without returning.
    match unsafe { fork() } {
        -1 => panic!("no second process"),
        0 => {
            let forked = |error: Error| match error {
                Error::DeviceUnavailable(unavailable) => unavailable.fault == DeviceFault::Forked,
                _ => false,
            };
            let told = there.to_host().is_err_and(forked)
                && host.to_device(&device).is_err_and(forked)
                && device.synchronise().is_err_and(forked)
                && device.event().is_err_and(forked)
                && mark.record().is_err_and(forked)
                && there.to_host_async().is_err_and(forked)
                && locked.slice().is_err_and(forked)
                && copy.is_done().is_err_and(forked)
                && copy.wait().is_err_and(forked)
                && locked.to_device_async(&device).is_err_and(forked);
            drop((there, device, mark, pending));
            let works = host.to_vec().is_ok_and(|values| values == [1.0, 2.0, 3.0]);
            // SAFETY: it ends the child at once, without the parent's handlers.
            unsafe { _exit(i32::from(!(told && works && fake.calls() == before))) }
        }
        child => {
            let mut status = -1;
            // SAFETY: the child is this process's own, and `status` outlives the call.
            let waited = unsafe { waitpid(child, &mut status, 0) };
            assert_eq!((waited, status), (child, 0), "the child ends well");
            assert_eq!(there.to_host()?, host, "the parent goes on");
            assert_eq!((copy.wait()?.slice()?, locked.slice()?), (&[1.0, 2.0, 3.0][..], &[0.0; 3][..]));
            assert_eq!(pending.wait()?.0.to_host()?.to_vec()?, [0.0; 3]);
            Ok(())
        }
    }
}

#[test]
fn memory_goes_back_to_the_pool_and_from_there_to_the_driver() -> Result<()> {
    let (device, fake) = fake::device();
    let host = Tensor::<f64, _>::ones((100,))?;
    for _ in 0..100 {
        let there = host.to_device(&device)?;
        assert_eq!((there.device(), there.clone().to_host()?), (device.clone(), host.clone()));
    }
    assert_eq!((fake.count(fake::Ask::Allocate), fake.blocks()), (1, 1), "one block serves all");
    assert_eq!(device.pooled(), 1024, "800 bytes, rounded up to a class");
    drop(device);
    assert_eq!(fake.blocks(), 0, "a device that is closed gives all back");
    fake.check();
    Ok(())
}

#[test]
fn a_struct_takes_the_tape_along() -> Result<()> {
    let (device, _) = fake::device();
    let pair = (Tensor::<f32, _>::ones((2,))?, Tensor::<i64, _>::ones((3,))?).requires_grad()?;
    let there = pair.to_device(&device)?;
    assert_eq!((there.0.device(), there.1.device()), (device.clone(), device.clone()));
    assert!(there.0.is_tracked() && !there.1.is_tracked());
    there.0.backward_with(&Tensor::from_vec((2,), vec![5.0, 6.0])?.to_device(&device)?)?;
    assert_eq!(pair.grads()?.0.to_vec()?, [5.0, 6.0]);
    assert!(there.to_device(&device)?.0.is_tracked(), "where it is already it stays what it is");
    Ok(())
}

#[test]
fn a_device_lives_as_long_as_its_tensors() -> Result<()> {
    let (device, fake) = fake::device();
    let host = Tensor::<i32, _>::full((5,), 7)?;
    let there = host.to_device(&device)?;
    drop(device);
    assert_eq!((fake.blocks(), there.to_host()?), (1, host));
    drop(there);
    assert_eq!(fake.blocks(), 0);
    Ok(())
}
