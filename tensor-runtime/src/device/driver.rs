//! What the runtime asks of a GPU's driver, and nothing more.
//!
//! In: addresses, sizes, source text. Out: memory, compiled code, launches, or a [`Refusal`]. Always: all that a device is
//! asked for happens in the order of the asking, on its one stream; what is freed is free once all that was asked before is
//! done. Two things implement it: `device/cuda/`, on CUDA's own libraries, and the fake of the tests, on host memory.
//! Next: [`super::gpu`].

use std::ffi::c_void;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use crate::error::DeviceFault;

/// An address on the device.
pub type Address = u64;

/// Code on the device, as the driver numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Module(pub u64);

/// A kernel of a [`Module`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function(pub u64);

/// Why a driver does not do what it is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// There is not so much memory.
    OutOfMemory,
    /// Anything else.
    Fault(DeviceFault),
}

impl From<DeviceFault> for Refusal {
    fn from(fault: DeviceFault) -> Refusal {
        Refusal::Fault(fault)
    }
}

/// The answer of a driver.
pub type Answer<T> = std::result::Result<T, Refusal>;

/// A version, as major and minor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version(pub u32, pub u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// What a device is.
#[derive(Clone, Debug)]
pub struct Description {
    /// As its maker calls it.
    pub name: Box<str>,
    /// Its compute capability: `9.0` is `sm_90`.
    pub capability: Version,
    pub multiprocessors: u32,
    /// Of a multiprocessor, in Hz.
    pub clock: u64,
    /// In Hz; it sends at both edges.
    pub memory_clock: u64,
    /// The memory bus's width in bits.
    pub memory_bus: u32,
    /// Operations on `f32` in the time of one on `f64`.
    pub doubles: u32,
    /// In bytes.
    pub memory: u64,
    /// The CUDA that its driver is for.
    pub driver: Version,
    /// The compiler with its version: equal names compile equally. `None` where there is none.
    pub compiler: Option<Box<str>>,
}

/// One device, opened. Every call may come from any thread.
pub trait Driver: Send + Sync + UnwindSafe + RefUnwindSafe {
    fn description(&self) -> &Description;

    /// Memory of at least one byte, aligned to 256, of any content.
    fn allocate(&self, bytes: u64) -> Answer<Address>;

    /// Gives memory back, once all that was asked before is done.
    ///
    /// # Safety
    /// It came from [`allocate`](Self::allocate), and nobody uses it from now on.
    unsafe fn free(&self, at: Address) -> Answer<()>;

    /// Copies from the host; done when it returns.
    ///
    /// # Safety
    /// `bytes` can be read at `from`, and are the caller's to write at `to`.
    unsafe fn upload(&self, to: Address, from: *const u8, bytes: u64) -> Answer<()>;

    /// Copies to the host, after all that was asked before; done when it returns.
    ///
    /// # Safety
    /// `bytes` can be read at `from`, and written at `to`.
    unsafe fn download(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()>;

    /// Copies within the device.
    ///
    /// # Safety
    /// `bytes` can be read at `from`, and written at `to`, and do not overlap.
    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Answer<()>;

    /// Sets words of four bytes; no memory of the host is read for it.
    ///
    /// # Safety
    /// `count` words can be written at `to`, which is a multiple of four.
    unsafe fn fill(&self, to: Address, word: u32, count: u64) -> Answer<()>;

    /// Machine code for this device of CUDA C. Any text that is not the compiler's own to know is in `options`.
    fn compile(&self, source: &str, options: &[String]) -> Answer<Vec<u8>>;

    /// Makes machine code ready to launch. It stays until the device is closed.
    fn load(&self, code: &[u8]) -> Answer<Module>;

    /// A kernel by its name.
    fn function(&self, module: Module, name: &str) -> Answer<Function>;

    /// Launches a kernel on so many blocks of so many threads. `arguments` are addresses of the values of its parameters.
    ///
    /// # Safety
    /// The values are of the parameters' types, and the kernel with these is sound.
    unsafe fn launch(&self, function: Function, blocks: u32, threads: u32, arguments: &mut [*mut c_void])
    -> Answer<()>;

    /// Waits for all that was asked before.
    fn synchronise(&self) -> Answer<()>;
}
