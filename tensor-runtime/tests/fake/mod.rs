//! A device without a GPU: its memory is the host's, its kernels are the very CUDA text, compiled by the system's C++
//! compiler against the emulation header of the compiler's tests. Any call can be made to fail.
//!
//! Always: memory that is handed out is poisoned and has guards around it, which are looked at when it is freed and when a
//! test asks; what the runtime reads or writes must lie in memory that it has.

mod machine;

use std::collections::{BTreeMap, HashMap};
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ndfuse_runtime::device::driver::{Address, Answer, Description, Driver, Function, Module, Refusal, Version};
use ndfuse_runtime::{Device, DeviceFault};

use machine::Machine;

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
}

/// Its state, which the test sees too.
#[derive(Clone)]
pub struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Blocks by their address: with guards before and behind.
    blocks: BTreeMap<Address, Vec<u8>>,
    counts: HashMap<Ask, usize>,
    /// The number of the first call that fails, how many do, and how.
    faults: Vec<(Ask, usize, usize, Refusal)>,
    lost: Option<DeviceFault>,
    damage: Vec<String>,
    machine: Machine,
    limit: Option<usize>,
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

    /// Blocks that are handed out.
    pub fn blocks(&self) -> usize {
        self.state().blocks.len()
    }

    /// From now on only so many bytes can be had.
    pub fn limit(&self, bytes: usize) {
        self.state().limit = Some(bytes);
    }

    /// Panics if something was written outside of its memory, or asked for outside of it.
    pub fn check(&self) {
        let mut state = self.state();
        let State { blocks, damage, .. } = &mut *state;
        blocks.iter().for_each(|(at, block)| guarded(*at, block, damage));
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
        let block = self.blocks.range(..=at).next_back();
        let end = |(start, block): (&Address, &Vec<u8>)| start + (block.len() - 2 * GUARD) as u64;
        if !block.is_some_and(|block| at + bytes <= end(block)) {
            self.damage.push(format!("{what} {bytes} bytes at {at:#x}, which are in no block"));
        }
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

    fn allocate(&self, bytes: u64) -> Answer<Address> {
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
        Ok(at)
    }

    unsafe fn free(&self, at: Address) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Free)?;
        let State { blocks, damage, .. } = &mut *state;
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
        // SAFETY: the caller's promise; `to` was noted if it is in no block.
        unsafe { std::ptr::copy_nonoverlapping(from, to as *mut u8, bytes as usize) };
        Ok(())
    }

    unsafe fn download(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Download)?;
        state.within("download", from, bytes);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to, bytes as usize) };
        Ok(())
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Copy)?;
        state.within("copy from", from, bytes);
        state.within("copy to", to, bytes);
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, bytes as usize) };
        Ok(())
    }

    unsafe fn fill(&self, to: Address, word: u32, count: u64) -> Answer<()> {
        let mut state = self.fake.state();
        state.ask(Ask::Fill)?;
        state.within("fill", to, 4 * count);
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
        // SAFETY: the caller's promise.
        let done = unsafe { state.machine.launch(function.0, blocks, threads, arguments) };
        done.map_err(|why| failed("launch", why))
    }

    fn synchronise(&self) -> Answer<()> {
        self.fake.state().ask(Ask::Synchronise)
    }
}

fn failed(call: &'static str, reason: String) -> Refusal {
    Refusal::Fault(DeviceFault::Failed { call, reason: reason.into() })
}
