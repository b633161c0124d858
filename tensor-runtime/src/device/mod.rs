//! Where a tensor's memory is.
//!
//! In: a name, or nothing. Out: a [`Device`] that can be used now, or the reason why it cannot.
//! Always: no panic without a GPU, driver or library; nothing of CUDA is needed to build or to start a program, it is loaded
//! when first asked for. Next: [`driver`], what is asked of a GPU; [`gpu`], one that is open.
//!
//! ```
//! use ndfuse_runtime::Device;
//! let device: Device = "cpu".parse()?;
//! assert_eq!((device.clone(), device.to_string().as_str()), (Device::Cpu, "cpu"));
//! assert!("tpu".parse::<Device>().is_err());
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

pub(crate) mod arguments;
mod cache;
pub(crate) mod copies;
#[cfg(feature = "cuda")]
mod cuda;
#[doc(hidden)]
pub mod driver;
mod event;
mod fork;
pub(crate) mod geometry;
pub(crate) mod gpu;
mod info;
pub(crate) mod kernels;
mod pinned;
mod pool;
pub(crate) mod slices;
pub(crate) mod texts;
pub(crate) mod transfer;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{DeviceFault, Error, Result};
use driver::Driver;
use gpu::Gpu;

pub use event::Event;
pub use info::{Info, Products};
pub use pinned::{Pending, Pinned};

/// A place that holds tensors and runs kernels.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
#[non_exhaustive]
pub enum Device {
    /// The host: its memory and all its cores.
    #[default]
    Cpu,
    /// One CUDA device.
    Cuda(Cuda),
}

/// A CUDA device that is open. It is closed with the last tensor on it and the last of its handles, unless
/// [`Device::cuda`] opened it: then it stays.
#[derive(Clone)]
pub struct Cuda(Arc<Gpu>);

impl Device {
    /// The `ordinal`-th CUDA device, or the reason why it cannot be used.
    ///
    /// ```
    /// use ndfuse_runtime::{Device, Error};
    /// match Device::cuda(0) {
    ///     Ok(device) => println!("running on {device}"),
    ///     Err(Error::DeviceUnavailable(why)) => println!("{why}"),
    ///     Err(other) => return Err(other),
    /// }
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn cuda(ordinal: usize) -> Result<Device> {
        static OPEN: Mutex<Vec<(usize, Arc<Gpu>)>> = Mutex::new(Vec::new());
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        let name = || format!("cuda:{ordinal}");
        // What one device shows, a fork, is true of all.
        if open.iter().any(|(_, gpu)| gpu.usable() == Err(DeviceFault::Forked)) {
            return Err(Error::unavailable(name(), DeviceFault::Forked));
        }
        if let Some((_, gpu)) = open.iter().find(|(number, _)| *number == ordinal) {
            gpu.usable().map_err(|fault| Error::unavailable(name(), fault))?;
            return Ok(Device::Cuda(Cuda(Arc::clone(gpu))));
        }
        let refused = |refusal| match refusal {
            driver::Refusal::OutOfMemory => Error::OutOfMemory { device: name().into(), bytes: 0 },
            driver::Refusal::Fault(fault) => Error::unavailable(name(), fault),
        };
        let gpu = Arc::new(Gpu::new(ordinal, opened(ordinal).map_err(refused)?, cache::usual()));
        open.push((ordinal, Arc::clone(&gpu)));
        Ok(Device::Cuda(Cuda(gpu)))
    }

    /// A device behind a driver of the caller's own, whose compiled kernels are kept in `folder`.
    #[doc(hidden)]
    pub fn with_driver(number: usize, driver: Box<dyn Driver>, folder: Option<PathBuf>) -> Device {
        Device::Cuda(Cuda(Arc::new(Gpu::new(number, driver, folder))))
    }

    /// The first CUDA device where there is one, else the CPU.
    pub fn best() -> Device {
        Device::cuda(0).unwrap_or(Device::Cpu)
    }

    /// Is this the host?
    pub fn is_cpu(&self) -> bool {
        *self == Device::Cpu
    }

    /// Whether products of `f32` may round their factors to TF32, ten bits of fraction instead of 23, from now on: on a GPU
    /// that has it they are several times as fast. They may not unless this says so. It holds for all handles and tensors
    /// of the device; the host always multiplies in full. A switch of the device, not of the build or of the environment:
    /// a program may want both, and a library that it uses must not decide it for the rest of the process.
    ///
    /// ```
    /// use ndfuse_runtime::Device;
    /// let device = Device::best();
    /// device.allow_tf32(true);    // the next products
    /// device.allow_tf32(false);
    /// ```
    pub fn allow_tf32(&self, allow: bool) {
        if let Some(gpu) = self.gpu() {
            gpu.allow_tf32(allow);
        }
    }

    /// How many products the device's library has done.
    #[doc(hidden)]
    pub fn library_products(&self) -> u64 {
        self.gpu().map_or(0, |gpu| gpu.library_products())
    }

    /// Waits until all that was begun on it is done. An error where some of it failed.
    pub fn synchronise(&self) -> Result<()> {
        match self {
            Device::Cpu => Ok(()),
            Device::Cuda(Cuda(gpu)) => gpu.ask(0, |driver| driver.synchronise()),
        }
    }

    /// Gives the memory back to the system that the device keeps for further tensors.
    pub fn release_memory(&self) -> Result<()> {
        match self {
            Device::Cpu => {
                crate::dtype::release_memory();
                Ok(())
            }
            Device::Cuda(Cuda(gpu)) => gpu.trim(),
        }
    }

    /// Bytes that it keeps for further tensors.
    #[doc(hidden)]
    pub fn pooled(&self) -> u64 {
        match self {
            Device::Cpu => 0,
            Device::Cuda(Cuda(gpu)) => gpu.pooled(),
        }
    }

    pub(crate) fn gpu(&self) -> Option<&Arc<Gpu>> {
        match self {
            Device::Cpu => None,
            Device::Cuda(Cuda(gpu)) => Some(gpu),
        }
    }

    pub(crate) fn of(gpu: &Arc<Gpu>) -> Device {
        Device::Cuda(Cuda(Arc::clone(gpu)))
    }
}

/// The machine code of a text, by the compiler that a GPU's kernels go through; it needs no GPU.
#[cfg(feature = "cuda")]
#[doc(hidden)]
pub fn compile(source: &str, options: &[String]) -> driver::Answer<Vec<u8>> {
    cuda::compile(source, options)
}

#[cfg(feature = "cuda")]
fn opened(ordinal: usize) -> driver::Answer<Box<dyn Driver>> {
    cuda::open(ordinal)
}

#[cfg(not(feature = "cuda"))]
fn opened(_: usize) -> driver::Answer<Box<dyn Driver>> {
    Err(DeviceFault::NotBuilt.into())
}

impl PartialEq for Cuda {
    fn eq(&self, other: &Cuda) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Cuda {}

impl Hash for Cuda {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Debug for Cuda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.pad("cpu"),
            Device::Cuda(Cuda(gpu)) => f.pad(gpu.name()),
        }
    }
}

/// `cpu`, `cuda` or `gpu` (the first), or `cuda:N`.
impl FromStr for Device {
    type Err = Error;

    fn from_str(name: &str) -> Result<Device> {
        let unknown = || Error::unavailable(format!("device `{name}`"), DeviceFault::UnknownName);
        match name.split_once(':') {
            None if name == "cpu" => Ok(Device::Cpu),
            None if name == "cuda" || name == "gpu" => Device::cuda(0),
            Some(("cuda", ordinal)) if ordinal.bytes().all(|b| b.is_ascii_digit()) => {
                Device::cuda(ordinal.parse().map_err(|_| unknown())?)
            }
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_or_say_why_not() {
        assert_eq!("cpu".parse::<Device>().unwrap(), Device::Cpu);
        for bad in [
            "",
            "CPU",
            "tpu",
            "cuda:",
            "cuda:x",
            "cuda:-1",
            "cuda:+1",
            "cpu:0",
            "gpu:0",
            "cuda:99999999999999999999999",
            "cuda:0:1",
        ] {
            let error = bad.parse::<Device>().unwrap_err();
            assert!(matches!(error, Error::DeviceUnavailable(_)), "{bad}");
            assert!(error.to_string().contains(&format!("device `{bad}`")), "{error}");
        }
    }

    #[test]
    fn a_missing_device_is_named_with_its_mend() {
        for (name, number) in [("cuda:7000", 7000), ("cuda:0", 0)] {
            if let Err(error) = Device::cuda(number) {
                let text = error.to_string();
                assert!(text.starts_with(&format!("{name} is not available: ")) && text.contains("= help: "), "{text}");
            }
        }
        assert!(Device::best().info().units >= 1);
    }
}
