//! What the runtime asks of a GPU's driver, and nothing more.
//!
//! In: addresses, sizes, source text. Out: memory, compiled code, launches, or a [`Refusal`]. Always: what a [`Queue`] is
//! asked for happens in the order of the asking; where nothing is said of a queue, it is [`Queue::Compute`]. One queue
//! waits for the other only at a [`Mark`]. Two things implement it: `device/cuda/`, on CUDA's own libraries, and the fake of the tests, on host memory.
//! Next: [`super::gpu`].

use std::ffi::c_void;
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};

use super::info::Products;
use crate::dtype::DType;
use crate::error::DeviceFault;

/// An address on the device.
pub type Address = u64;

/// Code on the device, as the driver numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Module(pub u64);

/// A kernel of a [`Module`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function(pub u64);

/// One of the two orders in which a device does what it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Queue {
    /// Kernels, and all that is said of no queue.
    Compute,
    /// Copies from and to page-locked memory, beside the kernels.
    Copies,
}

/// A place in a queue, once it is [recorded](Driver::record) there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Mark(pub u64);

/// A matrix in memory, column after column: element (i, j) lies `i + j * step` from `at`, or `j + i * step` if it is turned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Matrix {
    pub at: Address,
    pub turned: bool,
    /// The leading dimension, in elements.
    pub step: i64,
    /// From one matrix of a batch to the next, in elements; 0 is the same for all.
    pub batch_step: i64,
}

/// Products of matrices, `out = left @ right` for each of a batch: (rows, terms), (terms, columns), (rows, columns).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Matmul {
    /// Of the operands' elements.
    pub dtype: DType,
    /// Of the result's.
    pub result: DType,
    /// May factors of `f32` be rounded to the ten bits of TF32?
    pub tf32: bool,
    pub batch: u64,
    pub rows: u64,
    pub columns: u64,
    pub terms: u64,
    pub left: Matrix,
    pub right: Matrix,
    /// Never turned.
    pub out: Matrix,
    /// Where a vector of the result's type lies, one element a row, that is added to each column before it is rounded.
    pub bias: Option<Address>,
}

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
    /// Of a multiprocessor, in Hz; 0, as the next three, where the driver does not say.
    pub clock: u64,
    /// In Hz; it sends at both edges.
    pub memory_clock: u64,
    /// The memory bus's width in bits.
    pub memory_bus: u32,
    /// Operations on `f32` in the time of one on `f64`.
    pub doubles: u32,
    /// In bytes.
    pub memory: u64,
    /// Bytes that the parameters of a kernel may have.
    pub parameters: usize,
    /// The CUDA that its driver is for.
    pub driver: Version,
    /// The compiler with its version: equal names compile equally. `None` where there is none.
    pub compiler: Option<Box<str>>,
}

/// One device, opened. Every call may come from any thread.
pub trait Driver: Send + Sync + UnwindSafe + RefUnwindSafe {
    fn description(&self) -> &Description;

    /// Memory of at least one byte, aligned to 256, of any content, for `queue` to use, and for the other once it has
    /// waited for that, or the host has.
    fn allocate(&self, bytes: u64, queue: Queue) -> Answer<Address>;

    /// Gives memory back, once all that was asked before of [`Queue::Compute`] is done.
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

    /// Page-locked memory of the host, of at least one byte, aligned to a page, of any content.
    fn pin(&self, bytes: u64) -> Answer<*mut u8>;

    /// Gives page-locked memory back.
    ///
    /// # Safety
    /// It came from [`pin`](Self::pin), and nobody uses it from now on, copies neither.
    unsafe fn unpin(&self, at: *mut u8) -> Answer<()>;

    /// Copies from page-locked memory some time after it returns.
    ///
    /// # Safety
    /// Until it is done `bytes` stay as they are at `from`, which is page-locked, and are the caller's to write at `to`.
    unsafe fn upload_later(&self, to: Address, from: *const u8, bytes: u64, queue: Queue) -> Answer<()>;

    /// Copies to page-locked memory, on [`Queue::Copies`], some time after it returns.
    ///
    /// # Safety
    /// Until it is done `bytes` stay as they are at `from`, and are the caller's to write at `to`, which is page-locked.
    unsafe fn download_later(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()>;

    /// A mark that stands nowhere yet. It knows its time if it is `timed`.
    fn mark(&self, timed: bool) -> Answer<Mark>;

    /// Forgets a mark; whoever waits for it goes on waiting for where it stood.
    fn unmark(&self, mark: Mark) -> Answer<()>;

    /// Puts a mark behind all that the queue was asked for.
    fn record(&self, mark: Mark, queue: Queue) -> Answer<()>;

    /// What the queue is asked for from now on happens after what is before the mark.
    fn wait(&self, queue: Queue, mark: Mark) -> Answer<()>;

    /// Is all done that is before the mark?
    fn is_done(&self, mark: Mark) -> Answer<bool>;

    /// Returns when all is done that is before the mark.
    fn finish(&self, mark: Mark) -> Answer<()>;

    /// The milliseconds between two timed marks that are done.
    fn elapsed(&self, from: Mark, to: Mark) -> Answer<f32>;

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

    /// What multiplies matrices: the library, or why it does not. It may be opened for that.
    fn products(&self) -> Products;

    /// The bytes that this product needs beside its operands; `None` where the library is not there or has no way for it. No
    /// extent of it is 0.
    fn room(&self, product: &Matmul) -> Answer<Option<u64>>;

    /// Multiplies, with `bytes` of memory at `room`, as many as [`room`](Self::room) says.
    ///
    /// # Safety
    /// The operands, a vector among them, can be read, and `out` and the room written; all `out` is apart from the operands
    /// and injective.
    unsafe fn matmul(&self, product: &Matmul, room: Address, bytes: u64) -> Answer<()>;

    /// Waits for all that was asked before, of both queues.
    fn synchronise(&self) -> Answer<()>;
}
