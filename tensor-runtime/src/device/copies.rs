//! Copies beside the kernels: page-locked memory, places in a queue, memory that copies land in.
//!
//! In: a device. Out: [`Locked`] memory of the host, [`Place`]s to wait for, copies that go on after they were asked for.
//! Always: nothing that a copy reads or writes is given back or handed out before the copy is known to be done; where that
//! cannot be known any more, it is left alone for ever. Memory that copies land in is kept apart from the other: what
//! kernels have left of it is marked, and the next copy waits for that mark alone, so it runs beside later kernels.
//! Next: [`super::pinned`], for users; [`super::gpu`].

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::{Arc, MutexGuard, PoisonError};

use super::driver::{Address, Answer, Driver, Mark, Queue, Refusal};
use super::gpu::{Block, Gpu};
use super::pool::{self, Pool};
use crate::error::{DeviceFault, Error, Result};

/// Bytes of a slot of the ring, and how many there are.
const CHUNK: usize = 1 << 20;
const SLOTS: usize = 4;

/// What a device keeps for further copies.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    /// Marks that nobody uses.
    marks: Vec<Mark>,
    /// Memory that copies land in, by class; it is free behind its mark in [`Queue::Compute`]. The first was left first.
    landing: BTreeMap<u64, VecDeque<(Address, Mark)>>,
    /// Page-locked memory.
    locked: Pool,
}

/// Page-locked memory through which pageable memory goes, a part after the other.
#[derive(Debug, Default)]
pub(super) struct Ring {
    slots: VecDeque<Slot>,
}

#[derive(Debug)]
struct Slot {
    at: Address,
    /// Behind the last copy from it, if there was one.
    mark: Mark,
    used: bool,
}

/// A place in a queue, to wait for.
#[derive(Debug)]
pub(crate) struct Place {
    gpu: Arc<Gpu>,
    mark: Mark,
}

/// Page-locked memory of the host, which goes back to its device's reserve when dropped.
#[derive(Debug)]
pub(crate) struct Locked {
    gpu: Arc<Gpu>,
    at: NonNull<u8>,
    class: u64,
}

// SAFETY: it is memory that this alone has, and may be read, written and given back by any thread.
unsafe impl Send for Locked {}
// SAFETY: shared, it is only read.
unsafe impl Sync for Locked {}

impl Place {
    pub(crate) fn is_done(&self) -> Result<bool> {
        self.gpu.ask(0, |driver| driver.is_done(self.mark))
    }

    /// Returns when all is done that is before it.
    pub(crate) fn wait(&self) -> Result<()> {
        self.gpu.ask(0, |driver| driver.finish(self.mark))
    }

    /// Drops what copies may still use: after they are done, or never.
    pub(crate) fn settle<K>(&self, kept: K) {
        self.gpu.settled(kept);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.gpu.usable().is_ok() {
            // Whoever waits for it waits for where it stood.
            self.gpu.reserve().marks.push(self.mark);
        }
    }
}

impl Locked {
    /// So many bytes, at least one, of any content.
    pub(crate) fn new(gpu: &Arc<Gpu>, bytes: usize) -> Result<Locked> {
        let too_large = || Error::too_large("allocate", &[bytes]);
        let class = u64::try_from(bytes).ok().and_then(pool::class).ok_or_else(too_large)?;
        gpu.ready()?;
        let free = gpu.reserve().locked.take(class);
        let at = match free {
            Some(at) => at,
            None => gpu.ask(class, |driver| {
                match driver.pin(class) {
                    Err(Refusal::OutOfMemory) => {
                        let unused = gpu.reserve().locked.drain();
                        unpin(driver, unused)?;
                        driver.pin(class)
                    }
                    answer => answer,
                }
                .map(|at| at.expose_provenance() as Address)
            })?,
        };
        let at = NonNull::new(ptr::with_exposed_provenance_mut(at as usize));
        let nowhere = || Error::layout("allocate", "the driver answers no memory");
        Ok(Locked { gpu: Arc::clone(gpu), at: at.ok_or_else(nowhere)?, class })
    }

    pub(crate) fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.at
    }

    pub(crate) fn room(&self) -> usize {
        self.class as usize
    }

    /// Whether this process may use it: memory of a process that was forked from is not there.
    pub(crate) fn usable(&self) -> Result<()> {
        match self.gpu.usable() {
            Err(DeviceFault::Forked) => Err(Error::unavailable(self.gpu.name(), DeviceFault::Forked)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Begins a copy of its first bytes to new memory of its device.
    pub(crate) fn upload(self, len: usize) -> Result<(Locked, Arc<Block>, Place)> {
        let gpu = Arc::clone(&self.gpu);
        let (block, bytes) = (gpu.landing(len)?, len.min(self.room()) as u64);
        let (to, from) = (block.address(), self.at.as_ptr());
        // SAFETY: the room has so many bytes, and the block is new and as large; both stay until the copy is done: they are
        // given out with the place behind it, or kept by `begun`.
        let copy = |driver: &dyn Driver| unsafe { driver.upload_later(to, from, bytes, Queue::Copies) };
        let ((locked, block), place) = gpu.begun((self, Arc::new(block)), copy)?;
        Ok((locked, block, place))
    }

    /// Begins a copy of bytes of a block to its beginning, once what was asked for before is done.
    pub(crate) fn download(self, block: Arc<Block>, from: Address, len: usize) -> Result<(Locked, Arc<Block>, Place)> {
        let gpu = Arc::clone(&self.gpu);
        let before = gpu.place(Queue::Compute)?;
        gpu.ask(0, |driver| driver.wait(Queue::Copies, before.mark))?;
        let (to, bytes) = (self.at.as_ptr(), len.min(self.room()) as u64);
        // SAFETY: the room has so many bytes, `from` is the block's, as `transfer` has shown; both stay, as above, and
        // nobody writes to a block that is shared.
        let copy = |driver: &dyn Driver| unsafe { driver.download_later(to, from, bytes) };
        let ((locked, block), place) = gpu.begun((self, block), copy)?;
        Ok((locked, block, place))
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if self.gpu.usable().is_ok() {
            self.gpu.reserve().locked.put(self.class, self.at.as_ptr().addr() as Address);
        }
    }
}

fn unpin(driver: &dyn Driver, unused: Vec<Address>) -> Answer<()> {
    let at = |at: Address| ptr::with_exposed_provenance_mut(at as usize);
    // SAFETY: all come from `pin`, and the reserve or the ring, which alone had them, has them no more; no copy uses them.
    unused.into_iter().map(|address| unsafe { driver.unpin(at(address)) }).fold(Ok(()), Answer::and)
}

impl Gpu {
    pub(super) fn reserve(&self) -> MutexGuard<'_, Reserve> {
        // Nothing that runs under the lock can leave the reserve half changed.
        self.reserve.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unused_mark(&self) -> Result<Mark> {
        self.ready()?;
        let unused = self.reserve().marks.pop();
        unused.map_or_else(|| self.ask(0, |driver| driver.mark(false)), Ok)
    }

    /// The place behind all that the queue was asked for.
    pub(super) fn place(self: &Arc<Gpu>, queue: Queue) -> Result<Place> {
        let place = Place { mark: self.unused_mark()?, gpu: Arc::clone(self) };
        self.ask(0, |driver| driver.record(place.mark, queue)).map(|()| place)
    }

    /// Begins a copy, and answers the place behind it. What it needs is `kept` until it is known to be done.
    fn begun<K>(self: &Arc<Gpu>, kept: K, copy: impl FnOnce(&dyn Driver) -> Answer<()>) -> Result<(K, Place)> {
        let begun = self.ask(0, copy).and_then(|()| self.place(Queue::Copies));
        match begun {
            Ok(place) => Ok((kept, place)),
            Err(error) => {
                self.settled(kept);
                Err(error)
            }
        }
    }

    /// Drops what copies may still use: after they are done, or never.
    fn settled<K>(&self, kept: K) {
        match self.ask(0, |driver| driver.synchronise()) {
            Ok(()) => drop(kept),
            Err(_) => mem::forget(kept),
        }
    }

    /// Memory that only copies write to, until it is known that they are done.
    fn landing(self: &Arc<Gpu>, bytes: usize) -> Result<Block> {
        let too_large = || Error::too_large("allocate", &[bytes]);
        let class = u64::try_from(bytes).ok().and_then(pool::class).ok_or_else(too_large)?;
        self.ready()?;
        let free = self.reserve().landing.get_mut(&class).and_then(VecDeque::pop_front);
        let Some((at, mark)) = free else {
            return Ok(Block::landing(self, self.obtain(class, Queue::Copies)?, class));
        };
        let (block, place) = (Block::landing(self, at, class), Place { gpu: Arc::clone(self), mark });
        self.ask(0, |driver| driver.wait(Queue::Copies, place.mark)).map(|()| block)
    }

    /// Takes back memory that copies landed in, once kernels that were asked for before are done with it. `false` if it
    /// cannot be marked; then it is kernels' memory from now on.
    pub(super) fn left(&self, class: u64, at: Address) -> bool {
        let Ok(mark) = self.unused_mark() else { return false };
        let recorded = self.ask(0, |driver| driver.record(mark, Queue::Compute)).is_ok();
        let mut reserve = self.reserve();
        match recorded {
            true => reserve.landing.entry(class).or_default().push_back((at, mark)),
            false => reserve.marks.push(mark),
        }
        recorded
    }

    /// The memory that copies landed in and that is free once kernels are done; the reserve has it no more.
    pub(super) fn take_landing(&self) -> Vec<Address> {
        let mut reserve = self.reserve();
        let (at, marks): (Vec<_>, Vec<_>) = mem::take(&mut reserve.landing).into_values().flatten().unzip();
        reserve.marks.extend(marks);
        at
    }

    /// Bytes of the memory that copies landed in.
    pub(super) fn landing_bytes(&self) -> u64 {
        self.reserve().landing.iter().map(|(class, list)| class * list.len() as u64).sum()
    }

    /// Gives page-locked memory and marks back, all of which nobody uses once the device is done.
    pub(super) fn release_reserve(&self, driver: &dyn Driver) -> Answer<()> {
        let mut ring = self.ring();
        driver.synchronise()?;
        let (slots, marks): (Vec<_>, Vec<_>) = mem::take(&mut ring.slots).into_iter().map(|s| (s.at, s.mark)).unzip();
        let (locked, unused) = {
            let mut reserve = self.reserve();
            (reserve.locked.drain(), mem::take(&mut reserve.marks))
        };
        let unpinned = unpin(driver, slots.into_iter().chain(locked).collect());
        marks.into_iter().chain(unused).map(|mark| driver.unmark(mark)).fold(unpinned, Answer::and)
    }

    /// Copies pageable memory, which is read before it returns; it waits for no kernel. `to` is memory of so many bytes.
    pub(super) fn stage(&self, to: Address, bytes: &[u8]) -> Result<()> {
        self.ready()?;
        let mut ring = self.ring();
        for (number, part) in bytes.chunks(CHUNK).enumerate() {
            let (at, len) = (to + (number * CHUNK) as Address, part.len() as u64);
            let Some(mut slot) = self.slot(&mut ring)? else {
                // SAFETY: the part can be read, and is the caller's own to write.
                self.ask(len, |driver| unsafe { driver.upload(at, part.as_ptr(), len) })?;
                continue;
            };
            let from = ptr::with_exposed_provenance_mut::<u8>(slot.at as usize);
            // SAFETY: a slot has `CHUNK` bytes, which no copy reads any more and nobody else has.
            unsafe { ptr::copy_nonoverlapping(part.as_ptr(), from, part.len()) };
            // SAFETY: `from` is page-locked and stays as it is until its mark is reached; `at` is the caller's.
            let copied = self.ask(len, |driver| unsafe { driver.upload_later(at, from, len, Queue::Compute) });
            let marked = copied.and_then(|()| self.ask(0, |driver| driver.record(slot.mark, Queue::Compute)));
            slot.used = marked.is_ok();
            // Without a mark it is not known when the slot is free, unless all is done now.
            if slot.used || self.ask(0, |driver| driver.synchronise()).is_ok() {
                ring.slots.push_back(slot);
            }
            marked?;
        }
        Ok(())
    }

    /// A slot that no copy reads any more; `None` where there is no page-locked memory.
    fn slot(&self, ring: &mut Ring) -> Result<Option<Slot>> {
        if ring.slots.len() < SLOTS {
            let at = match self.ask(CHUNK as u64, |driver| driver.pin(CHUNK as u64)) {
                Ok(at) => at.expose_provenance() as Address,
                Err(Error::OutOfMemory { .. }) if ring.slots.is_empty() => return Ok(None),
                Err(Error::OutOfMemory { .. }) => return self.next(ring).map(Some),
                Err(other) => return Err(other),
            };
            return match self.unused_mark() {
                Ok(mark) => Ok(Some(Slot { at, mark, used: false })),
                Err(error) => {
                    self.ask(0, |driver| unpin(driver, vec![at]))?;
                    Err(error)
                }
            };
        }
        self.next(ring).map(Some)
    }

    /// The slot that was used first, once its copy is done.
    fn next(&self, ring: &mut Ring) -> Result<Slot> {
        let slot = ring.slots.front().ok_or_else(|| Error::layout("upload", "a ring without slots"))?;
        if slot.used {
            self.ask(0, |driver| driver.finish(slot.mark))?;
        }
        ring.slots.pop_front().ok_or_else(|| Error::layout("upload", "a ring without slots"))
    }
}
