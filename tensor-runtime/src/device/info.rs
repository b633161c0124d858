//! What a device is, to be printed or looked into.
//!
//! In: a [`Device`]. Out: an [`Info`]. Always: it can be had of every device that is open. Next: [`super::gpu`].

use std::fmt;

use super::{Cuda, Device};
use crate::isa;

/// What a device is: see [`Device::info`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Info {
    /// Its name here, as `cuda:0`.
    pub device: Box<str>,
    /// Its maker's name for it; of the host, the instructions that kernels use.
    pub name: Box<str>,
    /// Its multiprocessors, or the host's threads.
    pub units: usize,
    /// Its memory in bytes, of a GPU.
    pub memory: Option<u64>,
    /// Its compute capability, as `9.0`, of a GPU.
    pub capability: Option<Box<str>>,
    /// The CUDA that its driver is for.
    pub driver: Option<Box<str>>,
    /// The compiler of its kernels; a GPU without one runs none.
    pub compiler: Option<Box<str>>,
    /// What multiplies matrices.
    pub products: Products,
}

/// What multiplies matrices on a device. Where it is no library, kernels of the project's own do, and nothing is an error.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Products {
    /// The host multiplies with its own instructions.
    Host,
    /// A library, by its name and version, for all products whose operands lie as it wants them.
    Library(Box<str>),
    /// cuBLASLt is not on the machine.
    NoLibrary,
    /// cuBLASLt is there, but does not work, and why.
    Unusable(Box<str>),
    /// The environment says `NDFUSE_CUBLASLT=off`.
    Off,
}

impl fmt::Display for Products {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Products::Host => f.write_str("the host's own"),
            Products::Library(name) => f.write_str(name),
            Products::NoLibrary => f.write_str(
                "own kernels, for cuBLASLt is not found (`pip install nvidia-cublas` has it; \
                 `NDFUSE_CUBLASLT` names the file where the loader does not find it)",
            ),
            Products::Unusable(why) => write!(f, "own kernels, for cuBLASLt does not work: {why}"),
            Products::Off => f.write_str("own kernels, for NDFUSE_CUBLASLT is `off`"),
        }
    }
}

impl Device {
    /// What it is, to be printed or looked into.
    ///
    /// ```
    /// use ndfuse_runtime::Device;
    /// let info = Device::best().info();
    /// assert!(info.units >= 1);
    /// println!("{info}");
    /// ```
    pub fn info(&self) -> Info {
        match self {
            Device::Cpu => Info {
                device: "cpu".into(),
                name: isa::active().name().into(),
                units: rayon::current_num_threads(),
                memory: None,
                capability: None,
                driver: None,
                compiler: None,
                products: Products::Host,
            },
            Device::Cuda(Cuda(gpu)) => {
                let found = gpu.description();
                Info {
                    device: gpu.name().into(),
                    name: found.name.clone(),
                    units: found.multiprocessors as usize,
                    memory: Some(found.memory),
                    capability: Some(found.capability.to_string().into()),
                    driver: Some(found.driver.to_string().into()),
                    compiler: found.compiler.clone(),
                    products: gpu.products(),
                }
            }
        }
    }
}

impl fmt::Display for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(memory) = self.memory else {
            return write!(f, "{}: {} threads, {}", self.device, self.units, self.name);
        };
        let (gib, part) = (memory >> 30, (memory >> 20) % 1024 * 10 / 1024);
        write!(f, "{}: {}, {} multiprocessors, {gib}.{part} GiB", self.device, self.name, self.units)?;
        let or_none = |text: &Option<Box<str>>| text.as_deref().unwrap_or("none").to_owned();
        write!(f, ", compute capability {}", or_none(&self.capability))?;
        write!(f, "; driver for CUDA {}; compiler: {}", or_none(&self.driver), or_none(&self.compiler))?;
        write!(f, "; matrix products: {}", self.products)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_says_what_it_is() {
        let info = Device::Cpu.info();
        assert!(info.to_string().starts_with("cpu: ") && info.products == Products::Host);
        assert!(Products::NoLibrary.to_string().contains("pip install"));
    }
}
