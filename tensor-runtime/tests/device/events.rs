//! Events: a timer that is the device's own.

use ndfuse_runtime::device::driver::Refusal;
use ndfuse_runtime::{Device, DeviceFault, Error, Result, Tensor};

use crate::fake::{self, Ask};

#[test]
fn the_time_between_two_events_is_the_devices_own() -> Result<()> {
    let (device, fake) = fake::device();
    for device in [device.clone(), Device::Cpu] {
        let (begin, end) = (device.event()?, device.event()?);
        assert_eq!(begin.device(), device);
        let missing = |error: Error| error.to_string();
        let text = begin.elapsed_ms(&end).map_err(missing).unwrap_err();
        assert_eq!(text, "elapsed_ms: the first event was not recorded\n  = help: call `.record()` on it before");
        begin.record()?;
        assert!(begin.elapsed_ms(&end).is_err_and(|error| matches!(error, Error::NotRecorded { which: "second", .. })));
        let x = Tensor::<f32, _>::ones((100,))?.to_device(&device)?;
        drop(x.to_host_async()?.wait()?);
        end.record()?;
        end.synchronise()?;
        let forth = begin.elapsed_ms(&end)?;
        assert!(forth > 0.0 && end.elapsed_ms(&begin)? == -forth && begin.elapsed_ms(&begin)? == 0.0, "{forth}");
        begin.record()?;
        assert!(begin.elapsed_ms(&end)? <= 0.0, "what was recorded again stands where it is now");
    }
    let other = Device::Cpu.event()?;
    other.record()?;
    let one = device.event()?;
    one.record()?;
    assert!(one.elapsed_ms(&other).is_err_and(|error| matches!(error, Error::Device(_))));
    drop(one);
    device.release_memory()?;
    assert_eq!(fake.marks(), 0, "a mark goes with its event");
    fake.check();
    Ok(())
}

#[test]
fn an_event_that_fails_is_an_error_and_the_next_one_works() -> Result<()> {
    let (device, fake) = fake::device();
    let measure = || -> Result<f64> {
        let (begin, end) = (device.event()?, device.event()?);
        begin.record()?;
        end.record()?;
        begin.elapsed_ms(&end)
    };
    for (ask, count) in [(Ask::Mark, 2), (Ask::Record, 2), (Ask::Finish, 2), (Ask::Elapsed, 1)] {
        for nth in 0..count {
            fake.fail(ask, nth, 1, Refusal::Fault(DeviceFault::Failed { call: "it", reason: "a reason".into() }));
            let error = measure().unwrap_err().to_string();
            assert!(error.starts_with("cuda:0 failed at it: a reason\n  = help: "), "{error}");
            fake.heal();
            assert_eq!((measure()?, fake.marks()), (0.0, 0));
        }
    }
    fake.check();
    Ok(())
}
