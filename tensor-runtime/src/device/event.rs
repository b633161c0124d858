//! Places in what a device does, to wait for and to measure by.
//!
//! In: a device. Out: an [`Event`]. Always: the time between two is the device's own, without what the host does meanwhile;
//! on the host it is the host's clock. Next: [`super::driver`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::Device;
use super::driver::Mark;
use super::gpu::Gpu;
use crate::error::{Error, Result};

/// A place in what a device is asked to do: see [`Device::event`].
#[derive(Debug)]
pub struct Event(Kind);

#[derive(Debug)]
enum Kind {
    Host(Mutex<Option<Instant>>),
    Device { gpu: Arc<Gpu>, mark: Mark, recorded: AtomicBool },
}

impl Device {
    /// An event of this device, for a timer:
    ///
    /// ```
    /// use ndfuse_runtime::Device;
    /// let device = Device::best();
    /// let (begin, end) = (device.event()?, device.event()?);
    /// begin.record()?;
    /// // … calls on the device …
    /// end.record()?;
    /// println!("{:.3} ms", begin.elapsed_ms(&end)?);
    /// # assert!(begin.elapsed_ms(&end)? >= 0.0);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    ///
    /// An error where the device cannot be used.
    pub fn event(&self) -> Result<Event> {
        Ok(Event(match self.gpu() {
            None => Kind::Host(Mutex::new(None)),
            Some(gpu) => {
                let mark = gpu.ask(0, |driver| driver.mark(true))?;
                Kind::Device { gpu: Arc::clone(gpu), mark, recorded: AtomicBool::new(false) }
            }
        }))
    }
}

impl Event {
    /// The device.
    pub fn device(&self) -> Device {
        match &self.0 {
            Kind::Host(_) => Device::Cpu,
            Kind::Device { gpu, .. } => Device::of(gpu),
        }
    }

    /// Puts it behind all that its device was asked for so far; where it was before is forgotten. It does not wait.
    pub fn record(&self) -> Result<()> {
        match &self.0 {
            Kind::Host(at) => *at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now()),
            Kind::Device { gpu, mark, recorded } => {
                gpu.ask(0, |driver| driver.record(*mark, super::driver::Queue::Compute))?;
                recorded.store(true, Ordering::Release);
            }
        }
        Ok(())
    }

    /// Waits until all is done that is before it. An error where some of it failed; nothing where it was not recorded.
    pub fn synchronise(&self) -> Result<()> {
        match &self.0 {
            Kind::Host(_) => Ok(()),
            Kind::Device { gpu, mark, .. } => gpu.ask(0, |driver| driver.finish(*mark)),
        }
    }

    /// The milliseconds from this event to a later one of the same device, on the device; it waits for both. Negative
    /// where the other is the earlier one.
    ///
    /// An error where one was not recorded, and where they are of two devices.
    pub fn elapsed_ms(&self, later: &Event) -> Result<f64> {
        let missing = |which| Error::NotRecorded { operation: "elapsed_ms", which };
        match (&self.0, &later.0) {
            (Kind::Host(from), Kind::Host(to)) => {
                let at = |event: &Mutex<Option<Instant>>| *event.lock().unwrap_or_else(PoisonError::into_inner);
                let from = at(from).ok_or_else(|| missing("first"))?;
                let to = at(to).ok_or_else(|| missing("second"))?;
                let forth = to.saturating_duration_since(from).as_secs_f64();
                Ok((forth - from.saturating_duration_since(to).as_secs_f64()) * 1e3)
            }
            (Kind::Device { gpu, mark, recorded }, Kind::Device { gpu: other, mark: to, recorded: to_recorded })
                if Arc::ptr_eq(gpu, other) =>
            {
                for (recorded, which) in [(recorded, "first"), (to_recorded, "second")] {
                    if !recorded.load(Ordering::Acquire) {
                        return Err(missing(which));
                    }
                }
                self.synchronise()?;
                later.synchronise()?;
                gpu.ask(0, |driver| driver.elapsed(*mark, *to)).map(f64::from)
            }
            _ => Err(Error::device("elapsed_ms", later.device(), self.device(), "record() on events of one device")),
        }
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if let Kind::Device { gpu, mark, .. } = &self.0 {
            // Nobody is left to tell of an error; a device that is lost or forked is asked nothing.
            let _ = gpu.ask(0, |driver| driver.unmark(*mark));
        }
    }
}
