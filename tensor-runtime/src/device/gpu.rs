//! A device that is open: its driver, its free memory, its kernels.
//!
//! In: a [`Driver`]. Out: memory that frees itself, kernels ready to launch, typed errors with the device's name. Always: a
//! device that was lost, or that a fork has cut off, is asked nothing any more; what does not fit into memory is tried
//! again without what the pool keeps; dropping never fails. Next: [`super::kernels`].

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::arguments::Arguments;
use super::copies::{Reserve, Ring};
use super::driver::{Address, Answer, Description, Driver, Matmul, Queue, Refusal};
use super::fork;
use super::info::Products;
use super::kernels::{Kernels, Unit};
use super::pool::{self, Pool};
use crate::dtype::DType;
use crate::error::{DeviceFault, Error, Result};

/// An open device.
pub struct Gpu {
    name: Box<str>,
    driver: Box<dyn Driver>,
    description: Description,
    /// The process that opened it.
    process: u64,
    /// Why it answers nothing any more.
    lost: OnceLock<Box<str>>,
    pool: Mutex<Pool>,
    pub(super) reserve: Mutex<Reserve>,
    pub(super) ring: Mutex<Ring>,
    kernels: Kernels,
    tf32: AtomicBool,
    /// How many products the library has done.
    products: AtomicU64,
    /// Is there a library?
    library: OnceLock<bool>,
}

impl Gpu {
    /// The device `cuda:number`, whose compiled kernels are kept in `folder`, if there is one.
    pub(super) fn new(number: usize, driver: Box<dyn Driver>, folder: Option<PathBuf>) -> Gpu {
        Gpu {
            name: format!("cuda:{number}").into(),
            description: driver.description().clone(),
            driver,
            process: fork::process(),
            lost: OnceLock::new(),
            pool: Mutex::default(),
            reserve: Mutex::default(),
            ring: Mutex::default(),
            kernels: Kernels::new(folder),
            tf32: AtomicBool::new(false),
            products: AtomicU64::new(0),
            library: OnceLock::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn description(&self) -> &Description {
        &self.description
    }

    /// Bytes of device memory that are free to be used again without asking the driver.
    pub(super) fn pooled(&self) -> u64 {
        self.pool().bytes() + self.landing_bytes()
    }

    /// May products of `f32` round their factors to TF32?
    pub(crate) fn tf32(&self) -> bool {
        self.tf32.load(Ordering::Relaxed)
    }

    pub(super) fn allow_tf32(&self, allow: bool) {
        self.tf32.store(allow, Ordering::Relaxed);
    }

    /// What multiplies matrices.
    pub(super) fn products(&self) -> Products {
        match self.ask(0, |driver| Ok(driver.products())) {
            Ok(products) => products,
            Err(error) => Products::Unusable(error.to_string().lines().next().unwrap_or_default().into()),
        }
    }

    /// Whether a library multiplies matrices.
    pub(crate) fn has_library(&self) -> bool {
        *self.library.get_or_init(|| matches!(self.products(), Products::Library(_)))
    }

    /// How many products the library has done.
    pub(super) fn library_products(&self) -> u64 {
        self.products.load(Ordering::Relaxed)
    }

    /// Asks the driver for something that takes about so many bytes.
    pub(crate) fn ask<T>(&self, bytes: u64, what: impl FnOnce(&dyn Driver) -> Answer<T>) -> Result<T> {
        self.ready()?;
        what(&*self.driver).map_err(|refusal| self.refused(refusal, bytes))
    }

    pub(super) fn refused(&self, refusal: Refusal, bytes: u64) -> Error {
        match refusal {
            Refusal::OutOfMemory => {
                Error::OutOfMemory { device: self.name.clone(), bytes: usize::try_from(bytes).unwrap_or(usize::MAX) }
            }
            Refusal::Fault(fault) => {
                if let DeviceFault::Lost(reason) = &fault {
                    self.lost.get_or_init(|| reason.clone());
                }
                self.error(fault)
            }
        }
    }

    fn error(&self, fault: DeviceFault) -> Error {
        Error::unavailable(self.name.clone(), fault)
    }

    pub(super) fn usable(&self) -> Result<(), DeviceFault> {
        if self.process != fork::process() {
            return Err(DeviceFault::Forked);
        }
        self.lost.get().map_or(Ok(()), |reason| Err(DeviceFault::Lost(reason.clone())))
    }

    /// Whether it can be used. A process that was forked may find a lock that nobody opens any more: it asks here first.
    pub(super) fn ready(&self) -> Result<()> {
        self.usable().map_err(|fault| self.error(fault))
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        // Nothing that runs under the lock can leave the pool half changed.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory of so many bytes, of any content.
    pub(crate) fn allocate(self: &Arc<Gpu>, bytes: usize) -> Result<Block> {
        if bytes == 0 {
            return Ok(Block { gpu: Arc::clone(self), at: 0, class: 0, landing: false });
        }
        let too_large = || Error::too_large("allocate", &[bytes]);
        let class = u64::try_from(bytes).ok().and_then(pool::class).ok_or_else(too_large)?;
        self.ready()?;
        let free = self.pool().take(class);
        let at = match free {
            Some(at) => at,
            None => self.obtain(class, Queue::Compute)?,
        };
        Ok(Block { gpu: Arc::clone(self), at, class, landing: false })
    }

    /// Memory of the driver's, for this queue.
    pub(super) fn obtain(&self, class: u64, queue: Queue) -> Result<Address> {
        self.ask(class, |driver| match driver.allocate(class, queue) {
            Err(Refusal::OutOfMemory) => {
                self.trim_with(driver)?;
                driver.allocate(class, queue)
            }
            answer => answer,
        })
    }

    /// Multiplies matrices by the library; `false` where it has no way.
    ///
    /// # Safety
    /// As [`Driver::matmul`].
    pub(crate) unsafe fn matmul(self: &Arc<Gpu>, product: &Matmul) -> Result<bool> {
        let Some(bytes) = self.ask(0, |driver| driver.room(product))? else { return Ok(false) };
        // It may be handed out again at once: whoever takes it asks later.
        let room = self.allocate(usize::try_from(bytes).unwrap_or(usize::MAX))?;
        // SAFETY: the caller's promise; the room has so many bytes.
        self.ask(bytes, |driver| unsafe { driver.matmul(product, room.at, bytes) })?;
        self.products.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    }

    /// Launches a kernel, compiled before if it is the first time.
    ///
    /// # Safety
    /// The arguments are those of the kernel's parameters, and with them all that it reads is initialised memory, and all
    /// that it writes memory of the caller's own.
    pub(crate) unsafe fn launch(&self, unit: &Unit, blocks: u32, arguments: &mut Arguments) -> Result<()> {
        let (bytes, most) = (arguments.bytes(), self.description.parameters);
        if bytes > most {
            let help = "split the function in two; with CUDA 12.1 and later, driver and NVRTC, there are 32764";
            let reason = format!("its parameters have {bytes} bytes, of {most} on {}\n  = help: {help}", self.name);
            return Err(Error::unsupported(unit.function, reason));
        }
        let function = self.kernels.get(self, unit)?;
        let mut addresses = arguments.addresses();
        // SAFETY: the caller's promise; the values live until the driver has read them, which it does before it returns.
        self.ask(0, |driver| unsafe { driver.launch(function, blocks, unit.classes.block, &mut addresses) })
    }

    /// Gives all free memory back to the driver.
    pub(super) fn trim(&self) -> Result<()> {
        self.ask(0, |driver| self.release(driver))
    }

    fn release(&self, driver: &dyn Driver) -> Answer<()> {
        let freed = self.trim_with(driver);
        freed.and(self.release_reserve(driver))
    }

    fn trim_with(&self, driver: &dyn Driver) -> Answer<()> {
        let mut blocks = self.pool().drain();
        blocks.extend(self.take_landing());
        // SAFETY: all come from `allocate`, and the pool or the reserve, which alone had them, has them no more; copies to
        // what was landed in are done, and kernels use it before what follows.
        let freed = blocks.into_iter().map(|at| unsafe { driver.free(at) }).fold(Ok(()), Answer::and);
        freed.and(driver.synchronise())
    }
}

impl Drop for Gpu {
    fn drop(&mut self) {
        if self.usable().is_ok() {
            // Nobody is left to tell of an error.
            let _ = self.release(&*self.driver);
        }
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

/// Memory of a device, which goes back to its pool when dropped.
#[derive(Debug)]
pub struct Block {
    gpu: Arc<Gpu>,
    /// 0 where there is none.
    at: Address,
    class: u64,
    /// Do copies write to it beside the kernels?
    landing: bool,
}

impl Block {
    /// Memory of this class for copies to land in.
    pub(super) fn landing(gpu: &Arc<Gpu>, at: Address, class: u64) -> Block {
        Block { gpu: Arc::clone(gpu), at, class, landing: true }
    }

    pub(crate) fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    /// How many elements of this type it has room for.
    pub(crate) fn room(&self, dtype: DType) -> usize {
        usize::try_from(self.class).unwrap_or(usize::MAX) / dtype.bytes()
    }

    /// Its first byte; 0 if it has none.
    pub(crate) fn address(&self) -> Address {
        self.at
    }

    /// Writes bytes of the host's, which are read before it returns.
    pub(crate) fn upload(&self, offset: usize, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.gpu.stage(self.range(offset, bytes.len())?, bytes)
    }

    /// Reads bytes to the host.
    pub(crate) fn download(&self, offset: usize, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (from, len) = (self.range(offset, bytes.len())?, bytes.len() as u64);
        // SAFETY: the slice can be written; `range` has shown that the bytes are the block's own.
        self.gpu.ask(len, |driver| unsafe { driver.download(bytes.as_mut_ptr(), from, len) })
    }

    /// Sets its first words of four bytes.
    pub(crate) fn fill(&self, word: u32, count: usize) -> Result<()> {
        if count == 0 {
            return Ok(());
        }
        let to = self.range(0, count.saturating_mul(size_of::<u32>()))?;
        // SAFETY: `range` has shown that the bytes are the block's own, and blocks begin at multiples of 256.
        self.gpu.ask(0, |driver| unsafe { driver.fill(to, word, count as u64) })
    }

    /// Writes a number of at most eight bytes to its beginning, without a copy from the host that would have to be waited
    /// for.
    pub(crate) fn set(&self, number: &[u8]) -> Result<()> {
        for (k, bytes) in number.chunks(size_of::<u32>()).enumerate() {
            let mut word = [0; size_of::<u32>()];
            word[..bytes.len()].copy_from_slice(bytes);
            let to = self.range(k * size_of::<u32>(), size_of::<u32>())?;
            // SAFETY: as in `fill`.
            self.gpu.ask(0, |driver| unsafe { driver.fill(to, u32::from_ne_bytes(word), 1) })?;
        }
        Ok(())
    }

    /// Its first bytes become those of another block of the same device, from `offset` on.
    pub(crate) fn copy_from(&self, other: &Block, offset: usize, len: usize) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let (to, from) = (self.range(0, len)?, other.range(offset, len)?);
        if !Arc::ptr_eq(&self.gpu, &other.gpu) || self.at == other.at {
            return Err(Error::layout("copy", "the two are not two blocks of one device"));
        }
        // SAFETY: `range` has shown that the bytes are the blocks' own; two blocks never overlap.
        self.gpu.ask(len as u64, |driver| unsafe { driver.copy(to, from, len as u64) })
    }

    /// The address of bytes that are its own.
    pub(super) fn range(&self, offset: usize, len: usize) -> Result<Address> {
        let end = offset.checked_add(len).and_then(|end| u64::try_from(end).ok());
        match end.filter(|&end| end <= self.class) {
            Some(_) => Ok(self.at + offset as u64),
            None => Err(Error::layout("copy", format!("{len} bytes from {offset} leave a block of {}", self.class))),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.class == 0 || self.gpu.usable().is_err() {
            return;
        }
        if !(self.landing && self.gpu.left(self.class, self.at)) {
            self.gpu.pool().put(self.class, self.at);
        }
    }
}
