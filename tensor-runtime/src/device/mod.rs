//! Where a tensor's memory is.
//!
//! In: a name, or nothing. Out: a [`Device`] that can be used now, or the reason why it cannot.
//! Always: no panic without a GPU, driver or library. Next: [`crate::tensor`].
//!
//! ```
//! use ndfuse_runtime::Device;
//! let device: Device = "cpu".parse()?;
//! assert_eq!((device.clone(), device.to_string().as_str()), (Device::Cpu, "cpu"));
//! assert!("gpu".parse::<Device>().is_err());
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

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

/// A CUDA device that was there when [`Device::cuda`] looked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cuda {
    ordinal: usize,
}

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
        Err(Error::unavailable(
            format!("cuda:{ordinal}"),
            "CUDA execution is not part of this build",
            "use `Device::Cpu`, or `Device::best()` to take whatever there is",
        ))
    }

    /// The first CUDA device where there is one, else the CPU.
    pub fn best() -> Device {
        Device::cuda(0).unwrap_or(Device::Cpu)
    }

    /// Is this the host?
    pub fn is_cpu(&self) -> bool {
        *self == Device::Cpu
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.pad("cpu"),
            Device::Cuda(cuda) => f.pad(&format!("cuda:{}", cuda.ordinal)),
        }
    }
}

/// `cpu`, `cuda` (the first) or `cuda:N`.
impl FromStr for Device {
    type Err = Error;

    fn from_str(name: &str) -> Result<Device> {
        let unknown = || {
            Error::unavailable(
                format!("device `{name}`"),
                "there is no device of that name",
                "write `cpu`, `cuda` or `cuda:N` with a number, such as `cuda:0`",
            )
        };
        match name.split_once(':') {
            None if name == "cpu" => Ok(Device::Cpu),
            None if name == "cuda" => Device::cuda(0),
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
            "gpu",
            "cuda:",
            "cuda:x",
            "cuda:-1",
            "cuda:+1",
            "cpu:0",
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
        if let Err(error) = Device::cuda(7) {
            let text = error.to_string();
            assert!(text.starts_with("cuda:7 is not available: ") && text.contains("= help: "), "{text}");
        }
    }
}
