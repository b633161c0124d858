//! The two queues of the fake, and what may go wrong between them.
//!
//! Always: kernels are done at once, and copies from and to page-locked memory as late as they may be: when somebody waits
//! for them. So memory that is used, given back or handed out before a copy is done shows: the copy brings old values, or
//! writes to what is another's. What is asked of a queue before the other is done with the same memory, and without a mark
//! between them, is noted.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ndfuse_runtime::device::driver::{Address, Mark, Queue};

/// A copy that was asked for, with its number in its queue.
#[derive(Clone, Copy)]
struct Late {
    number: u64,
    /// The one on the device, the other in page-locked memory.
    device: Address,
    host: Address,
    bytes: u64,
    up: bool,
}

/// Where a mark stands.
#[derive(Clone, Copy)]
struct Stand {
    queue: Queue,
    number: u64,
    /// How much kernels' work was before it.
    time: u64,
}

#[derive(Default)]
pub struct Queues {
    late: [VecDeque<Late>; 2],
    /// What was asked of each queue.
    asked: [u64; 2],
    marks: HashMap<u64, Option<Stand>>,
    made: u64,
    /// Counts what kernels' queue did.
    time: u64,
    /// What of that the host and the queue of the copies know to be done.
    known: [u64; 2],
    /// When kernels' queue used the block that begins here last.
    used: HashMap<Address, u64>,
}

fn place(queue: Queue) -> usize {
    match queue {
        Queue::Compute => 0,
        Queue::Copies => 1,
    }
}

impl Queues {
    /// Marks that nobody has forgotten.
    pub fn marks(&self) -> usize {
        self.marks.len()
    }

    /// Does a copy that is not done use memory of the device within these bounds, or of the host? `up` counts only those
    /// that write to the device.
    fn is_late(&self, device: bool, from: Address, to: Address, only_up: bool) -> bool {
        self.late.iter().flatten().filter(|late| late.up || !only_up).any(|late| {
            let at = if device { late.device } else { late.host };
            at < to && at + late.bytes > from
        })
    }

    /// Kernels' queue uses the block that begins here: what it was asked for before is done.
    pub fn compute(&mut self, block: Option<(Address, Address)>, writes: bool) -> Option<String> {
        self.time += 1;
        let (from, to) = block?;
        self.used.insert(from, self.time);
        self.is_late(true, from, to, !writes).then(|| format!("the block at {from:#x} is used before its copy is done"))
    }

    /// A copy is asked for; it is done later.
    pub fn copy(
        &mut self,
        queue: Queue,
        block: Address,
        device: Address,
        host: Address,
        bytes: u64,
        up: bool,
    ) -> Option<String> {
        let k = place(queue);
        self.asked[k] += 1;
        self.late[k].push_back(Late { number: self.asked[k], device, host, bytes, up });
        match queue {
            Queue::Compute => {
                self.time += 1;
                self.used.insert(block, self.time);
                None
            }
            Queue::Copies => {
                let known = self.known.into_iter().max().unwrap_or(0);
                let used = self.used.get(&block).copied().unwrap_or(0);
                (used > known).then(|| format!("a copy uses the block at {block:#x} before kernels are done with it"))
            }
        }
    }

    /// New memory, which this queue may use.
    pub fn allocated(&mut self, block: Address, queue: Queue) {
        match queue {
            Queue::Compute => {
                self.time += 1;
                self.used.insert(block, self.time);
            }
            Queue::Copies => drop(self.used.remove(&block)),
        }
    }

    /// Memory is given back.
    pub fn freed(&self, device: bool, from: Address, to: Address) -> Option<String> {
        self.is_late(device, from, to, false).then(|| format!("{from:#x} is given back before its copy is done"))
    }

    pub fn mark(&mut self) -> Mark {
        self.made += 1;
        self.marks.insert(self.made, None);
        Mark(self.made)
    }

    pub fn unmark(&mut self, mark: Mark) -> Option<String> {
        self.marks.remove(&mark.0).is_none().then(|| format!("{mark:?} is forgotten, which is no mark"))
    }

    pub fn record(&mut self, mark: Mark, queue: Queue) -> Option<String> {
        let stand = Stand { queue, number: self.asked[place(queue)], time: self.time };
        self.marks.insert(mark.0, Some(stand)).is_none().then(|| format!("{mark:?} is recorded, which is no mark"))
    }

    /// Whether what is before a mark is done; asked, one copy more is.
    pub fn is_done(&mut self, mark: Mark) -> bool {
        let Some(stand) = self.marks.get(&mark.0).copied().flatten() else { return true };
        let late = &mut self.late[place(stand.queue)];
        if late.front().is_none_or(|first| first.number > stand.number) {
            self.finish(mark);
            return true;
        }
        late.pop_front().iter().for_each(perform);
        false
    }

    /// Somebody waits for a mark: the host.
    pub fn finish(&mut self, mark: Mark) {
        self.until(mark, 0);
    }

    /// Or a queue.
    pub fn wait(&mut self, queue: Queue, mark: Mark) {
        self.until(mark, place(queue));
    }

    fn until(&mut self, mark: Mark, who: usize) {
        let Some(stand) = self.marks.get(&mark.0).copied().flatten() else { return };
        self.run(stand.queue, stand.number);
        if stand.queue == Queue::Compute {
            self.known[who] = self.known[who].max(stand.time);
        }
    }

    /// The ticks between two marks.
    pub fn between(&self, from: Mark, to: Mark) -> Option<f32> {
        let time = |mark: Mark| self.marks.get(&mark.0).copied().flatten().map(|stand| stand.time as f32);
        Some(time(to)? - time(from)?)
    }

    /// Does what a queue was asked for, up to a number.
    pub fn run(&mut self, queue: Queue, number: u64) {
        let late = &mut self.late[place(queue)];
        while late.front().is_some_and(|first| first.number <= number) {
            late.pop_front().iter().for_each(perform);
        }
    }

    /// The host waits for kernels' queue.
    pub fn host_waits(&mut self) {
        self.run(Queue::Compute, u64::MAX);
        self.known[0] = self.time;
    }
}

fn perform(late: &Late) {
    let (device, host, bytes) = (late.device as *mut u8, late.host as *mut u8, late.bytes as usize);
    // SAFETY: the caller of the copy promised it until now; what is not so was noted when it was given back.
    unsafe {
        match late.up {
            true => std::ptr::copy_nonoverlapping(host.cast_const(), device, bytes),
            false => std::ptr::copy_nonoverlapping(device.cast_const(), host, bytes),
        }
    }
}

/// The block that an address lies in, with its end.
pub fn block_of(blocks: &BTreeMap<Address, Vec<u8>>, at: Address, guard: usize) -> Option<(Address, Address)> {
    let (start, block) = blocks.range(..=at).next_back()?;
    let end = start + (block.len() - 2 * guard) as Address;
    (at < end).then_some((*start, end))
}
