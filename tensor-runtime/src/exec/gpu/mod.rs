//! Runs the steps of a plan on a device.
//!
//! In: a plan's steps, the buffers of a call. Out: nothing; kernels are launched, in the order of the steps, and most calls
//! return before they are done. Always: memory that a call gives back is used again only by what is launched later; what
//! only the elements tell, an index out of range, is asked for at the end of a call that can have one, which then waits: it is
//! the error of this call, the same as the host's, and the device goes on working.
//! Next: [`launch`], [`dot`], [`lt`], [`scatter`].

mod attend;
mod dot;
mod launch;
mod lt;
mod scatter;

use std::sync::Arc;

use crate::device::gpu::{Block, Gpu};
use crate::device::transfer;
use crate::dtype::{AnyStorage, DType};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Dot, Launch, Plan, Scatter, Step};

use super::memory::{Memory, Spot, Target};
use super::{Machine, internal};

/// A call on a device.
pub(super) struct Call {
    gpu: Arc<Gpu>,
    /// Numbers that came from the host.
    numbers: Vec<Block>,
    notes: Vec<Notes>,
}

/// Where kernels note indices that are out of range: two words each.
struct Notes {
    block: Block,
    count: usize,
    operation: &'static str,
}

impl Call {
    pub(super) fn new(gpu: Arc<Gpu>) -> Call {
        Call { gpu, numbers: Vec::new(), notes: Vec::new() }
    }

    /// Room for the notes of a step, none of them made.
    fn notes(&mut self, operation: &'static str, count: usize) -> Result<u64> {
        let block = self.gpu.allocate(count * 2 * size_of::<u64>())?;
        block.fill(u32::MAX, count * 2 * size_of::<u64>() / size_of::<u32>())?;
        let address = block.address();
        self.notes.push(Notes { block, count, operation });
        Ok(address)
    }
}

/// An address of the device, as the executor keeps addresses: it is never followed on the host.
fn place(address: u64) -> *mut u8 {
    std::ptr::without_provenance_mut(address as usize)
}

/// The address of a spot's element of all indices 0.
fn address(spot: &Spot<'_>) -> u64 {
    spot.start.wrapping_add(spot.layout.offset() * spot.dtype.bytes()).addr() as u64
}

impl Target for Call {
    type Owned = Block;

    fn allocate(&self, dtype: DType, len: usize) -> Result<(Block, *mut u8)> {
        let bytes = len.checked_mul(dtype.bytes()).ok_or_else(|| Error::too_large("allocate", &[len]))?;
        let block = self.gpu.allocate(bytes)?;
        let start = place(block.address());
        Ok((block, start))
    }

    fn operand(&mut self, plan: &'static Plan, operand: &RawView<'_>) -> Result<*mut u8> {
        if let Some(block) = operand.block() {
            return Ok(place(block.address()));
        }
        // A number of the host's; `bind::device` lets nothing else through.
        let elsewhere = || Error::device(plan.function, "cpu", self.gpu.name(), "to_device(&device)");
        let at = operand.lend().offset();
        let slice = operand.slice().filter(|_| operand.sizes().is_empty()).and_then(|slice| slice.get(at..at + 1));
        let slice = slice.ok_or_else(elsewhere)?;
        let (block, start) = self.allocate(operand.dtype(), slice.len())?;
        block.set(slice.bytes())?;
        self.numbers.push(block);
        // Where position 0 would be.
        Ok(start.wrapping_sub(at * operand.dtype().bytes()))
    }

    fn result(&self, plan: &'static Plan, result: &mut RawViewMut<'_>) -> Result<*mut u8> {
        let device = result.device();
        match result.block_mut().filter(|block| Arc::ptr_eq(block.gpu(), &self.gpu)) {
            Some(block) => Ok(place(block.address())),
            None => Err(Error::device(plan.function, device, self.gpu.name(), "to_device(&device)")),
        }
    }

    fn copy(&self, from: &Spot, to: *mut u8) -> Result<()> {
        let rows = Layout::contiguous(from.layout.sizes())?;
        transfer::copy_elements(&self.gpu, from.dtype, address(from), &from.layout.kept(), to.addr() as u64, &rows)
    }

    fn fresh(&self, dtype: DType, len: usize, start: &mut *mut u8) -> Result<AnyStorage> {
        let (block, at) = self.allocate(dtype, len)?;
        *start = at;
        Ok(AnyStorage::device(dtype, Arc::new(block)))
    }
}

impl Machine for Call {
    fn launch(
        memory: &mut Memory<'_, Call>,
        plan: &'static Plan,
        launch: &'static Launch,
        sizes: &[i64],
    ) -> Result<()> {
        launch::run(plan, launch, memory, sizes, &[])
    }

    fn dot(
        memory: &mut Memory<'_, Call>,
        plan: &'static Plan,
        dot: &'static Dot,
        _: Option<&'static Step>,
        sizes: &[i64],
    ) -> Result<()> {
        dot::run(plan, dot, memory, sizes)
    }

    fn scatter(memory: &mut Memory<'_, Call>, plan: &'static Plan, scatter: &Scatter, sizes: &[i64]) -> Result<()> {
        scatter::run(plan, scatter, memory, sizes)
    }

    /// An attention is one kernel, and so is a product with its windows; else each fills the device by itself.
    fn block(
        memory: &mut Memory<'_, Call>,
        plan: &'static Plan,
        first: usize,
        runs: &dyn Fn(usize) -> bool,
        sizes: &[i64],
    ) -> Result<usize> {
        if let Some(prologue) = plan.prologues.iter().find(|prologue| prologue.step == first)
            && runs(first)
            && runs(first + 1)
        {
            dot::run_windows(plan, prologue, memory, sizes)?;
            return Ok(first + 2);
        }
        let Some(attend) = plan.attends.iter().find(|attend| attend.step == first) else { return Ok(first) };
        let end = first + 3;
        let ran = (first..end).all(runs) && attend::run(plan, attend, memory, sizes)?;
        Ok(if ran { end } else { first })
    }

    /// The least index that the first step with one has noted.
    fn finish(&mut self, plan: &'static Plan) -> Result<()> {
        for Notes { block, count, operation } in self.notes.drain(..) {
            let mut words = vec![0u8; count * 2 * size_of::<u64>()];
            block.download(0, &mut words)?;
            let words: Vec<u64> = words.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
            // The sign of an index is turned, so that it orders as an unsigned number.
            let noted = words.as_chunks().0.iter().filter(|[_, size]| *size != u64::MAX);
            let least = noted.map(|[index, size]| ((index ^ 1 << 63) as i64, *size as usize)).min();
            if let Some((index, size)) = least {
                return Err(Error::index(plan.function, operation, index, size));
            }
        }
        Ok(())
    }
}

/// A size of the call.
fn size(plan: &'static Plan, sizes: &[i64], slot: u16) -> Result<i64> {
    sizes.get(usize::from(slot)).copied().ok_or_else(|| internal(plan, format!("there is no size {slot}")))
}
