//! A device without a GPU: its memory is the host's, its kernels are the very CUDA text, compiled by the system's C++
//! compiler against the emulation header of the compiler's tests. Any call can be made to fail.
//!
//! Always: memory that is handed out is poisoned and has guards around it, which are looked at when it is freed and when a
//! test asks; what the runtime reads or writes must lie in memory that it has.

mod machine;
mod matmul;
mod queues;

use std::collections::{BTreeMap, HashMap};
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndfuse_runtime::device::driver::{
    Address, Answer, Description, Driver, Function, Mark, Matmul, Matrix, Module, Queue, Refusal, Version,
};
use ndfuse_runtime::{DType, Device, DeviceFault, Products};

use machine::Machine;
use queues::{Queues, block_of};

/// What every byte of new memory is: a NaN, a huge index.
const POISON: u8 = 0xa5;
/// Bytes around each block that nobody may write to.
const GUARD: usize = 256;

/// What a driver is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ask {
    Allocate,
    Free,
    Upload,
    Download,
    Copy,
    Fill,
    Compile,
    Load,
    Launch,
    Synchronise,
    Pin,
    Unpin,
    Unmark,
    UploadLater,
    DownloadLater,
    Mark,
    Record,
    Wait,
    IsDone,
    Finish,
    Elapsed,
    Room,
    Matmul,
}

/// Its state, which the test sees too.
#[derive(Clone)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Blocks, and page-locked memory, by their address: with guards before and behind.
    blocks: BTreeMap<Address, Vec<u8>>,
    pinned: BTreeMap<Address, Vec<u8>>,
    counts: HashMap<Ask, usize>,
    /// The number of the first call that fails, how many do, and how.
    faults: Vec<(Ask, usize, usize, Refusal)>,
    lost: Option<DeviceFault>,
    damage: Vec<String>,
    machine: Machine,
    limit: Option<usize>,
    queues: Queues,
    /// Is there a library for products, and what memory does it want?
    library: Option<u64>,
    /// The products that it did.
    products: Vec<Matmul>,
}

struct FakeDriver {
    fake: Fake,
    description: Description,
}

/// A new device, and its state.
pub fn device() -> (Device, Fake) {
    device_in(0, None)
}

/// The same of another number, whose kernels are kept in a folder.
pub fn device_in(number: usize, folder: Option<PathBuf>) -> (Device, Fake) {
    device_like(number, folder, |_| {})
}

/// The same that is not what it usually is.
pub fn device_like(number: usize, folder: Option<PathBuf>, change: impl FnOnce(&mut Description)) -> (Device, Fake) {
    let fake = Fake(Arc::default());
    let mut description = Description {
        name: "fake".into(),
        capability: Version(9, 0),
        multiprocessors: 1,
        clock: 1_000_000_000,
        memory_clock: 2_000_000_000,
        memory_bus: 512,
        doubles: 2,
        memory: 1 << 30,
        parameters: 4096,
        driver: Version(13, 0),
        compiler: machine::compiler(),
    };
    change(&mut description);
    let driver = FakeDriver { fake: fake.clone(), description };
    (Device::with_driver(number, Box::new(driver), folder), fake)
}

/// Whether kernels can run; if not, says so.
pub fn runs_kernels() -> bool {
    let found = machine::compiler().is_some();
    if !found {
        eprintln!("skipped: no C++ compiler `c++` (CXX names another)");
    }
    found
}

impl Fake {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of the calls from now on, `many` fail from the `nth`, counted from 0.
    pub fn fail(&self, ask: Ask, nth: usize, many: usize, refusal: Refusal) {
        let mut state = self.state();
        let first = state.count(ask) + nth;
        state.faults.push((ask, first, many, refusal));
    }

    /// Nothing fails from now on; what is lost stays lost.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// How often it was asked so far.
    pub fn count(&self, ask: Ask) -> usize {
        self.state().count(ask)
    }

    /// How often it was asked for anything.
    pub fn calls(&self) -> usize {
        self.state().counts.values().sum()
    }

    /// Blocks that are handed out.
    pub fn blocks(&self) -> usize {
        self.state().blocks.len()
    }

    /// Pieces of page-locked memory that are handed out.
    pub fn pinned(&self) -> usize {
        self.state().pinned.len()
    }

    /// Marks that are handed out.
    pub fn marks(&self) -> usize {
        self.state().queues.marks()
    }

    /// From now on there is a library for products, which wants so many bytes for each.
    pub fn library(&self, room: u64) {
        self.state().library = Some(room);
    }

    /// The products that the library did so far.
    pub fn products(&self) -> Vec<Matmul> {
        self.state().products.clone()
    }

    /// From now on only so many bytes can be had.
    pub fn limit(&self, bytes: usize) {
        self.state().limit = Some(bytes);
    }

    /// Panics if something was written outside of its memory, or asked for outside of it.
    pub fn check(&self) {
        let mut state = self.state();
        let State { blocks, pinned, damage, .. } = &mut *state;
        blocks.iter().chain(&*pinned).for_each(|(at, block)| guarded(*at, block, damage));
        assert!(damage.is_empty(), "{damage:#?}");
    }
}

impl State {
    fn count(&self, ask: Ask) -> usize {
        self.counts.get(&ask).copied().unwrap_or(0)
    }

    /// Counts a call, and refuses it if it is to fail.
    fn ask(&mut self, ask: Ask) -> Answer<()> {
        let number = self.count(ask);
        self.counts.insert(ask, number + 1);
        if let Some(lost) = &self.lost {
            // A runtime that knows of it asks no more; what it asks nevertheless fails too.
            return Err(Refusal::Fault(lost.clone()));
        }
        let due = self
            .faults
            .iter()
            .find(|(a, first, many, _)| *a == ask && (*first..first.saturating_add(*many)).contains(&number));
        let Some((_, _, _, refusal)) = due else { return Ok(()) };
        let refusal = refusal.clone();
        if let Refusal::Fault(fault @ DeviceFault::Lost(_)) = &refusal {
            self.lost = Some(fault.clone());
        }
        Err(refusal)
    }

    /// Notes a range that is not within one block.
    fn within(&mut self, what: &str, at: Address, bytes: u64) {
        if block_of(&self.blocks, at, GUARD).is_none_or(|(_, end)| at + bytes > end) {
            self.damage.push(format!("{what} {bytes} bytes at {at:#x}, which are in no block"));
        }
    }

    /// Kernels' queue uses the block at this address, after all that it was asked for before.
    fn compute(&mut self, at: Address, writes: bool) {
        self.queues.run(Queue::Compute, u64::MAX);
        let block = block_of(&self.blocks, at, GUARD);
        self.damage.extend(self.queues.compute(block, writes));
    }

    /// Asks for a copy that is done later.
    fn later(&mut self, queue: Queue, device: Address, host: Address, bytes: u64, up: bool) {
        self.within("copy", device, bytes);
        if block_of(&self.pinned, host, GUARD).is_none_or(|(_, end)| host + bytes > end) {
            self.damage.push(format!("a copy of {bytes} bytes at {host:#x}, which are not page-locked"));
        }
        let block = block_of(&self.blocks, device, GUARD).map_or(0, |(start, _)| start);
        self.damage.extend(self.queues.copy(queue, block, device, host, bytes, up));
    }
}

fn guarded(at: Address, block: &[u8], damage: &mut Vec<String>) {
    let (front, back) = (&block[..GUARD], &block[block.len() - GUARD..]);
    if front.iter().chain(back).any(|&byte| byte != POISON) {
        damage.push(format!("something was written outside of the block at {at:#x}"));
    }
}

impl Driver for FakeDriver {
    fn description(&self) -> &Description {
        &self.description
    }

    fn allocate(&self, bytes: u64, queue: Queue) -> Answer<Address> {
        let mut state = self.fake.state();
        state.ask(Ask::Allocate)?;
        assert!(bytes > 0, "nothing is asked for");
        let used: usize = state.blocks.values().map(|block| block.len() - 2 * GUARD).sum();
        if state.limit.is_some_and(|limit| used + bytes as usize > limit) {
            return Err(Refusal::OutOfMemory);
        }
        // Room to begin at a multiple of what the driver promises.
        let block = vec![POISON; bytes as usize + 2 * GUARD];
        let at = block.as_ptr() as Address + GUARD as Address;
        state.blocks.insert(at, block);
        state.queues.allocated(at, queue);
        Ok(at)
    }

    unsafe fn free(&self, at: Address) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Free)?;
        state.queues.run(Queue::Compute, u64::MAX);
        let State { blocks, damage, queues, .. } = &mut *state;
        damage.extend(block_of(blocks, at, GUARD).and_then(|(from, to)| queues.freed(true, from, to)));
        match blocks.remove(&at) {
            Some(block) => guarded(at, &block, damage),
            None => damage.push(format!("{at:#x} is freed, which is no block")),
        }
        Ok(())
    }

    unsafe fn upload(&self, to: Address, from: *const u8, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Upload)?;
        state.within("upload", to, bytes);
        state.compute(to, true);
        state.queues.host_waits();
        // SAFETY: the caller's promise; `to` was noted if it is in no block.
        unsafe { std::ptr::copy_nonoverlapping(from, to as *mut u8, bytes as usize) };
        Ok(())
    }

    unsafe fn download(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Download)?;
        state.within("download", from, bytes);
        state.compute(from, false);
        state.queues.host_waits();
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to, bytes as usize) };
        Ok(())
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Copy)?;
        state.within("copy from", from, bytes);
        state.within("copy to", to, bytes);
        state.compute(from, false);
        state.compute(to, true);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes as usize) };
        Ok(())
    }

    unsafe fn fill(&self, to: Address, word: u32, count: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Fill)?;
        state.within("fill", to, 4 * count);
        state.compute(to, true);
        // SAFETY: as above.
        (0..count as usize).for_each(|k| unsafe { (to as *mut u32).add(k).write_unaligned(word) });
        Ok(())
    }

    fn compile(&self, source: &str, options: &[String]) -> Answer<Vec<u8>> {
        self.fake.state().ask(Ask::Compile)?;
        machine::compile(source, options).map_err(|log| failed("compile", log))
    }

    fn load(&self, code: &[u8]) -> Answer<Module> {
        let mut state = self.fake.state();
        state.ask(Ask::Load)?;
        state.machine.load(code).map(Module).map_err(|why| failed("load", why))
    }

    fn function(&self, module: Module, name: &str) -> Answer<Function> {
        self.fake.state().machine.function(module.0, name).map(Function).map_err(|why| failed("function", why))
    }

    unsafe fn launch(
        &self,
        function: Function,
        blocks: u32,
        threads: u32,
        arguments: &mut [*mut c_void],
    ) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Launch)?;
        for &argument in arguments.iter() {
            // What is no address is in no block. Whether the kernel writes there is not known.
            // SAFETY: the values are those of the runtime, of eight bytes or more each.
            let value = unsafe { argument.cast::<u64>().read() };
            state.compute(value, false);
        }
        // SAFETY: the caller's promise.
        let done = unsafe { state.machine.launch(function.0, blocks, threads, arguments) };
        done.map_err(|why| failed("launch", why))
    }

    fn pin(&self, bytes: u64) -> Answer<*mut u8> {
        let mut state = self.fake.state();
        state.ask(Ask::Pin)?;
        assert!(bytes > 0, "nothing is asked for");
        // As much room before it as behind, and aligned as every element.
        let mut block = vec![POISON; bytes as usize + 2 * GUARD];
        let at = block.as_mut_ptr().wrapping_add(GUARD);
        at.expose_provenance();
        state.pinned.insert(at as Address, block);
        Ok(at)
    }

    unsafe fn unpin(&self, at: *mut u8) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Unpin)?;
        let State { pinned, damage, queues, .. } = &mut *state;
        let at = at as Address;
        damage.extend(block_of(pinned, at, GUARD).and_then(|(from, to)| queues.freed(false, from, to)));
        match pinned.remove(&at) {
            Some(block) => guarded(at, &block, damage),
            None => damage.push(format!("{at:#x} is given back, which is not page-locked")),
        }
        Ok(())
    }

    unsafe fn upload_later(&self, to: Address, from: *const u8, bytes: u64, queue: Queue) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::UploadLater)?;
        state.later(queue, to, from as Address, bytes, true);
        Ok(())
    }

    unsafe fn download_later(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::DownloadLater)?;
        state.later(Queue::Copies, from, to as Address, bytes, false);
        Ok(())
    }

    fn mark(&self, _: bool) -> Answer<Mark> {
        let mut state = self.fake.state();
        state.ask(Ask::Mark)?;
        Ok(state.queues.mark())
    }

    fn unmark(&self, mark: Mark) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Unmark)?;
        let wrong = state.queues.unmark(mark);
        state.damage.extend(wrong);
        Ok(())
    }

    fn record(&self, mark: Mark, queue: Queue) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Record)?;
        let wrong = state.queues.record(mark, queue);
        state.damage.extend(wrong);
        Ok(())
    }

    fn wait(&self, queue: Queue, mark: Mark) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Wait)?;
        state.queues.wait(queue, mark);
        Ok(())
    }

    fn is_done(&self, mark: Mark) -> Answer<bool> {
        let mut state = self.fake.state();
        state.ask(Ask::IsDone)?;
        Ok(state.queues.is_done(mark))
    }

    fn finish(&self, mark: Mark) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Finish)?;
        state.queues.finish(mark);
        Ok(())
    }

    fn elapsed(&self, from: Mark, to: Mark) -> Answer<f32> {
        let mut state = self.fake.state();
        state.ask(Ask::Elapsed)?;
        state.queues.between(from, to).ok_or_else(|| failed("elapsed", "a mark that stands nowhere".into()))
    }

    fn products(&self) -> Products {
        match self.fake.state().library {
            Some(_) => Products::Library("loops".into()),
            None => Products::NoLibrary,
        }
    }

    fn room(&self, product: &Matmul) -> Answer<Option<u64>> {
        let mut state = self.fake.state();
        state.ask(Ask::Room)?;
        let wrong = matmul::fault(product);
        state.damage.extend(wrong);
        Ok(state.library.filter(|_| matmul::is_known(product)))
    }

    unsafe fn matmul(&self, product: &Matmul, room: Address, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Matmul)?;
        let Matmul { dtype, result, batch, rows, columns, terms, left, right, out, .. } = *product;
        let span = |matrix: &Matrix, rows, columns, of: DType| {
            (matrix.at, matmul::span(matrix, rows, columns, batch, of.bytes() as u64))
        };
        let operands = [span(&left, rows, terms, dtype), span(&right, terms, columns, dtype)];
        let vector = product.bias.map(|at| (at, rows * result.bytes() as u64));
        for (at, span) in operands.into_iter().chain(vector).chain([span(&out, rows, columns, result), (room, bytes)]) {
            if span > 0 {
                state.within("product", at, span);
                state.compute(at, at == out.at || at == room);
            }
        }
        // The room is the product's own.
        // SAFETY: the caller's promise.
        unsafe { std::ptr::write_bytes(room as *mut u8, POISON ^ 0xff, bytes as usize) };
        state.products.push(*product);
        // SAFETY: as above.
        match unsafe { matmul::multiply(product) } {
            true => Ok(()),
            false => Err(failed("matmul", format!("a product of {dtype}"))),
        }
    }

    fn synchronise(&self) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Synchronise)?;
        state.queues.host_waits();
        state.queues.run(Queue::Copies, u64::MAX);
        Ok(())
    }
}

fn failed(call: &'static str, reason: String) -> Refusal {
    Refusal::Fault(DeviceFault::Failed { call, reason: reason.into() })
}
