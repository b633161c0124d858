//! Where the buffers of a call are: in host memory, or on a device.
//!
//! In: a number of elements, operands, results. Out: memory, and where it begins. Always: memory is initialised, of unspecified
//! values. Next: [`super::memory`].

use std::cell::RefCell;

use crate::device::Device;
use crate::dtype::{AnyBuffer, AnySliceMut, AnyStorage, DType};
use crate::error::{Error, Result};
use crate::operand::{RawView, RawViewMut};
use crate::plan::Plan;

use super::copy::in_order;
use super::memory::Spot;
use super::spare::Spare;

/// Where the buffers of a call are: in host memory, or on a device.
pub(super) trait Target {
    /// Memory that the call allocates.
    type Owned;
    /// Memory of so many elements, and where it begins.
    fn allocate(&self, dtype: DType, len: usize) -> Result<(Self::Owned, *mut u8)>;
    /// Takes memory back that the call is done with.
    fn free(&self, owned: Self::Owned) {
        drop(owned);
    }
    /// Where position 0 of an operand's layout is.
    fn operand(&mut self, plan: &'static Plan, operand: &RawView<'_>) -> Result<*mut u8>;
    /// The same of a result's.
    fn result(&self, plan: &'static Plan, result: &mut RawViewMut<'_>) -> Result<*mut u8>;
    /// Copies the elements of a spot in C order to dense memory.
    fn copy(&self, from: &Spot<'_>, to: *mut u8) -> Result<()>;
    /// Memory of a result, of so many elements; `start` is set to where it begins.
    fn fresh(&self, dtype: DType, len: usize, start: &mut *mut u8) -> Result<AnyStorage>;
}

/// Host memory, as it comes.
pub(super) struct Plain;

/// Host memory, of which what a call is done with is what it has next.
pub(super) struct Host {
    spare: RefCell<Spare<AnyBuffer>>,
}

impl Host {
    pub(super) fn new() -> Host {
        Host { spare: RefCell::new(Spare::new()) }
    }
}

impl Target for Plain {
    type Owned = AnyBuffer;

    fn allocate(&self, dtype: DType, len: usize) -> Result<(AnyBuffer, *mut u8)> {
        aligned(dtype, len)
    }

    #[inline]
    fn operand(&mut self, plan: &'static Plan, operand: &RawView<'_>) -> Result<*mut u8> {
        operand.start().ok_or_else(|| elsewhere(plan, &operand.device()))
    }

    #[inline]
    fn result(&self, plan: &'static Plan, result: &mut RawViewMut<'_>) -> Result<*mut u8> {
        match result.start() {
            Some(start) => Ok(start),
            None => Err(elsewhere(plan, &result.device())),
        }
    }

    fn copy(&self, from: &Spot<'_>, to: *mut u8) -> Result<()> {
        // SAFETY: the elements of a spot are initialised, and written by nobody meanwhile; `to` has room for as many, of its own.
        unsafe { in_order(from.dtype.bytes(), from.start, from.layout, to) };
        Ok(())
    }

    #[inline]
    fn fresh(&self, dtype: DType, len: usize, start: &mut *mut u8) -> Result<AnyStorage> {
        AnyStorage::fresh(dtype, len, start)
    }
}

#[cold]
fn elsewhere(plan: &'static Plan, device: &Device) -> Error {
    Error::device(plan.function, device, "cpu", "to_host()")
}

impl Target for Host {
    type Owned = AnyBuffer;

    fn allocate(&self, dtype: DType, len: usize) -> Result<(AnyBuffer, *mut u8)> {
        match self.spare.borrow_mut().take(dtype, len) {
            Some((_, buffer)) => Ok(begun(buffer)),
            None => Plain.allocate(dtype, len),
        }
    }

    fn free(&self, mut owned: AnyBuffer) {
        let slice = owned.slice_mut();
        let (dtype, len) = (slice.dtype(), slice.len());
        drop(self.spare.borrow_mut().put(dtype, len, owned));
    }

    #[inline]
    fn operand(&mut self, plan: &'static Plan, operand: &RawView<'_>) -> Result<*mut u8> {
        Plain.operand(plan, operand)
    }

    #[inline]
    fn result(&self, plan: &'static Plan, result: &mut RawViewMut<'_>) -> Result<*mut u8> {
        Plain.result(plan, result)
    }

    fn copy(&self, from: &Spot<'_>, to: *mut u8) -> Result<()> {
        Plain.copy(from, to)
    }

    #[inline]
    fn fresh(&self, dtype: DType, len: usize, start: &mut *mut u8) -> Result<AnyStorage> {
        Plain.fresh(dtype, len, start)
    }
}

/// Memory of so many elements, of unspecified values, and where it begins: with a cache line, where it is worth that.
pub(super) fn aligned(dtype: DType, len: usize) -> Result<(AnyBuffer, *mut u8)> {
    AnyBuffer::uninit(dtype, len).map(begun)
}

/// Memory, and where it begins.
fn begun(mut buffer: AnyBuffer) -> (AnyBuffer, *mut u8) {
    let start = address_mut(buffer.slice_mut());
    (buffer, start)
}

pub(super) fn address_mut(mut slice: AnySliceMut<'_>) -> *mut u8 {
    slice.address()
}
