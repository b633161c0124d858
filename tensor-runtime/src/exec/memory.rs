//! The buffers of one call.
//!
//! In: a plan, its operands, the caller's memory for results. Out: where the elements of each buffer lie.
//! Always: a buffer that has a place has it to the end of the call or its release; its elements are initialised;
//! the places of two buffers are of one root, or do not overlap. Next: [`super::launch`].

use crate::dtype::{AnyBuffer, AnySlice, AnySliceMut, DType};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Buffer, BufferId, Place, Plan};
use crate::tensor::AnyTensor;

use super::internal;
use super::wanted::Needs;

/// Where the elements of a buffer lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// Position 0 of the layout.
    pub(super) start: *mut u8,
    pub(super) dtype: DType,
    pub(super) layout: Layout,
    /// The buffer whose memory it is: views share their base's.
    pub(super) root: BufferId,
    /// May the call write to it?
    pub(super) writable: bool,
}

/// Where the buffers of a call are: in host memory, or on a device.
pub(super) trait Target {
    /// Memory that the call allocates.
    type Owned;
    /// Memory of so many elements, and where it begins.
    fn allocate(&self, dtype: DType, len: usize) -> Result<(Self::Owned, *mut u8)>;
    /// Where position 0 of an operand's layout is.
    fn operand(&mut self, plan: &'static Plan, operand: &RawView<'_>) -> Result<*mut u8>;
    /// The same of a result's.
    fn result(&self, plan: &'static Plan, result: &mut RawViewMut<'_>) -> Result<*mut u8>;
    /// Copies the elements of a spot in C order to dense memory.
    fn copy(&self, from: &Spot, to: *mut u8) -> Result<()>;
    /// A tensor of what was allocated.
    fn tensor(&self, owned: Self::Owned, dtype: DType, layout: &Layout) -> Result<AnyTensor>;
}

/// Host memory.
pub(super) struct Host;

impl Target for Host {
    type Owned = AnyBuffer;

    fn allocate(&self, dtype: DType, len: usize) -> Result<(AnyBuffer, *mut u8)> {
        let mut owned = AnyBuffer::uninit(dtype, len)?;
        let start = address_mut(owned.slice_mut());
        Ok((owned, start))
    }

    fn operand(&mut self, plan: &'static Plan, operand: &RawView<'_>) -> Result<*mut u8> {
        let elsewhere = || Error::device(plan.function, operand.device(), "cpu", "to_host()");
        operand.slice().map(address).ok_or_else(elsewhere)
    }

    fn result(&self, plan: &'static Plan, result: &mut RawViewMut<'_>) -> Result<*mut u8> {
        let device = result.device();
        result.slice_mut().map(address_mut).ok_or_else(|| Error::device(plan.function, device, "cpu", "to_host()"))
    }

    fn copy(&self, from: &Spot, to: *mut u8) -> Result<()> {
        copy(from, to);
        Ok(())
    }

    fn tensor(&self, owned: AnyBuffer, _: DType, layout: &Layout) -> Result<AnyTensor> {
        AnyTensor::of(owned, layout)
    }
}

/// What is known of a buffer.
pub(super) struct Slot<O> {
    spot: Option<Spot>,
    /// What the call allocated itself.
    owned: Option<O>,
}

impl<O> Slot<O> {
    /// No place.
    #[inline]
    pub(super) fn none() -> Slot<O> {
        Slot { spot: None, owned: None }
    }
}

/// All buffers of a call. `'m` is the time for which its operands and targets are borrowed.
pub(super) struct Memory<'m, T: Target = Host> {
    pub(super) target: T,
    plan: &'static Plan,
    slots: &'m mut [Slot<T::Owned>],
}

impl<'m, T: Target> Memory<'m, T> {
    /// Places for the parameters and the results, or those results that are needed. There is an empty slot a buffer.
    pub(super) fn new(
        target: T,
        plan: &'static Plan,
        slots: &'m mut [Slot<T::Owned>],
        operands: &'m [RawView<'_>],
        targets: &'m mut [RawViewMut<'_>],
        needs: Option<&Needs>,
        sizes: &[i64],
    ) -> Result<Memory<'m, T>> {
        let count = plan.buffers.len();
        let mut memory = Memory { target, plan, slots };
        if count < operands.len() {
            return Err(internal(plan, format!("{count} buffers for {} operands", operands.len())));
        }
        for (id, operand) in operands.iter().enumerate() {
            memory.slots[id].spot = Some(Spot {
                start: memory.target.operand(plan, operand)?,
                dtype: operand.dtype(),
                layout: *operand.layout(),
                root: id as BufferId,
                writable: false,
            });
        }
        let into = !targets.is_empty();
        let mut targets = targets.iter_mut();
        for (k, &id) in plan.outputs.iter().enumerate() {
            let buffer = memory.described(id)?;
            if memory.slots[usize::from(id)].spot.is_some() || !matches!(buffer.place, Place::Output) {
                return Err(internal(plan, format!("result {k} is not a buffer of its own")));
            }
            if !into {
                if needs.is_none_or(|needs| needs.buffers[usize::from(id)]) {
                    memory.allocate(id, sizes)?;
                }
                continue;
            }
            let Some(target) = targets.next() else { return Err(internal(plan, "too few results".into())) };
            if target.dtype() != buffer.dtype {
                let (found, expected) = (target.dtype(), buffer.dtype);
                let operand = format!("result {k}").into();
                return Err(Error::DType { operation: plan.function, operand, found, expected });
            }
            let wanted = buffer.dims.iter().map(|&slot| sizes.get(usize::from(slot)).copied());
            if !wanted.eq(target.sizes().iter().map(|&size| Some(size as i64))) {
                let wanted = layout_of(plan, buffer, sizes)?;
                let text = format!("result {k} has shape {:?}, but {:?} is wanted", target.sizes(), wanted.sizes());
                return Err(Error::shape(plan.function, target.sizes(), None, text));
            }
            memory.slots[usize::from(id)].spot = Some(Spot {
                start: memory.target.result(plan, target)?,
                dtype: buffer.dtype,
                layout: *target.layout(),
                root: id,
                writable: true,
            });
        }
        Ok(memory)
    }

    fn described(&self, id: BufferId) -> Result<&'static Buffer> {
        described(self.plan, id)
    }

    fn allocate(&mut self, id: BufferId, sizes: &[i64]) -> Result<&Spot> {
        let buffer = self.described(id)?;
        let slot = &mut self.slots[usize::from(id)];
        let nowhere = std::ptr::null_mut();
        let (dtype, layout) = (buffer.dtype, Layout::SCALAR);
        // In its place from the start: to copy a description costs more than to make it.
        let spot = slot.spot.insert(Spot { start: nowhere, dtype, layout, root: id, writable: true });
        let placed = lay_out(self.plan, buffer, sizes, &mut spot.layout);
        let placed = placed.and_then(|()| self.target.allocate(dtype, spot.layout.len()));
        match placed {
            Ok((owned, start)) => {
                spot.start = start;
                slot.owned = Some(owned);
            }
            Err(error) => {
                slot.spot = None;
                return Err(error);
            }
        }
        slot.spot.as_ref().ok_or_else(|| internal(self.plan, format!("buffer {id} has no place")))
    }

    /// Where a step reads a buffer.
    pub(super) fn reading(&mut self, id: BufferId, sizes: &[i64]) -> Result<&Spot> {
        let at = usize::from(id);
        if self.slots.get(at).is_none_or(|slot| slot.spot.is_none()) {
            self.view(id, sizes)?;
        }
        let spot = self.slots[at].spot.as_ref();
        spot.ok_or_else(|| internal(self.plan, format!("buffer {id} has no place")))
    }

    /// Gives a view of another buffer its place.
    fn view(&mut self, id: BufferId, sizes: &[i64]) -> Result<()> {
        let buffer = self.described(id)?;
        let Place::View(base) = buffer.place else {
            return Err(internal(self.plan, format!("buffer {id} is read before it is written")));
        };
        if base >= id {
            return Err(internal(self.plan, format!("buffer {id} views a later one")));
        }
        let base = *self.reading(base, sizes)?;
        let layout = layout_of(self.plan, buffer, sizes)?;
        if base.dtype != buffer.dtype || base.layout.len() != layout.len() {
            return Err(internal(self.plan, format!("buffer {id} is no view of its base")));
        }
        let contiguous = Layout::contiguous(layout.sizes())?;
        if base.layout.is_contiguous() {
            let start = base.start.wrapping_add(base.layout.offset() * buffer.dtype.bytes());
            self.slots[usize::from(id)].spot = Some(Spot { start, layout: contiguous, writable: false, ..base });
            return Ok(());
        }
        let (owned, start) = self.target.allocate(buffer.dtype, layout.len())?;
        self.target.copy(&base, start)?;
        let spot = Spot { start, dtype: buffer.dtype, layout: contiguous, root: id, writable: false };
        self.slots[usize::from(id)] = Slot { spot: Some(spot), owned: Some(owned) };
        Ok(())
    }

    /// Where a step writes a buffer.
    pub(super) fn writing(&mut self, id: BufferId, sizes: &[i64]) -> Result<&Spot> {
        let buffer = self.described(id)?;
        let at = usize::from(id);
        if self.slots[at].spot.is_none() && matches!(buffer.place, Place::Temp) {
            return self.allocate(id, sizes);
        }
        let spot = self.slots[at].spot.as_ref().filter(|spot| spot.writable);
        spot.ok_or_else(|| internal(self.plan, format!("buffer {id} cannot be written")))
    }

    /// The buffer whose memory a buffer with a place has.
    pub(super) fn root(&self, id: BufferId) -> Option<BufferId> {
        self.slots.get(usize::from(id))?.spot.as_ref().map(|spot| spot.root)
    }

    /// Gives a temporary's memory back, unless a view still needs it.
    pub(super) fn release(&mut self, id: BufferId) {
        let Some(root) = self.root(id) else { return };
        self.slots[usize::from(id)].spot = None;
        if !self.slots.iter().any(|other| other.spot.as_ref().is_some_and(|spot| spot.root == root)) {
            self.slots[usize::from(root)].owned = None;
        }
    }

    /// The results that the call allocated.
    pub(super) fn into_results(self, results: &mut [Option<AnyTensor>]) -> Result<()> {
        for (result, &id) in results.iter_mut().zip(self.plan.outputs) {
            let slot = &mut self.slots[usize::from(id)];
            if let (Some(owned), Some(spot)) = (slot.owned.take(), &slot.spot) {
                *result = Some(self.target.tensor(owned, spot.dtype, &spot.layout)?);
            }
        }
        Ok(())
    }
}

/// What the plan says of a buffer.
pub(super) fn described(plan: &'static Plan, id: BufferId) -> Result<&'static Buffer> {
    plan.buffers.get(usize::from(id)).ok_or_else(|| internal(plan, format!("there is no buffer {id}")))
}

/// The dense layout of a buffer, its axes in the plan's order.
pub(super) fn layout_of(plan: &'static Plan, buffer: &Buffer, sizes: &[i64]) -> Result<Layout> {
    let mut layout = Layout::SCALAR;
    lay_out(plan, buffer, sizes, &mut layout)?;
    Ok(layout)
}

/// The same in place.
fn lay_out(plan: &'static Plan, buffer: &Buffer, sizes: &[i64], layout: &mut Layout) -> Result<()> {
    let rank = buffer.dims.len();
    let mut empty = false;
    if rank > crate::MAX_RANK || buffer.order.len() != rank {
        return Err(internal(plan, format!("a buffer of {rank} axes")));
    }
    let (extents, strides) = layout.begin(rank);
    for (extent, &slot) in extents.iter_mut().zip(buffer.dims) {
        let size = sizes.get(usize::from(slot)).and_then(|&size| usize::try_from(size).ok());
        let Some(size) = size else {
            let text = format!("a size within the function is {:?}", sizes.get(usize::from(slot)));
            return Err(Error::shape(plan.function, &[], None, text));
        };
        *extent = size;
        empty |= size == 0;
    }
    let mut len = 1usize;
    for &axis in buffer.order.iter().rev() {
        let axis = usize::from(axis);
        if axis >= rank || strides[axis] != 0 {
            return Err(internal(plan, "an order of axes that is none".into()));
        }
        strides[axis] = len as isize;
        let next = len.checked_mul(extents[axis].max(1)).filter(|&n| isize::try_from(n).is_ok());
        len = next.ok_or_else(|| Error::too_large(plan.function, extents))?;
    }
    if empty {
        *layout = Layout::contiguous(layout.sizes())?;
    }
    Ok(())
}

/// Copies the elements of a spot in C order to dense memory.
fn copy(from: &Spot, to: *mut u8) {
    let (sizes, strides) = (from.layout.sizes(), from.layout.strides());
    let rank = sizes.len();
    if from.layout.is_empty() {
        return;
    }
    // A layout that is not contiguous has an axis.
    let (inner, step) = (sizes[rank - 1], strides[rank - 1]);
    let bytes = from.dtype.bytes();
    let mut index = [0usize; crate::MAX_RANK];
    let mut to = to;
    loop {
        let mut offset = from.layout.offset() as isize;
        for k in 0..rank - 1 {
            offset += index[k] as isize * strides[k];
        }
        let row = from.start.wrapping_offset(offset * bytes as isize);
        // SAFETY: the elements of `from.layout` lie in the memory at `from.start` (see `Memory`); `to` has room for
        // as many, of which `inner` are written here, and is memory of its own.
        unsafe {
            match bytes {
                1 => copy_row::<u8>(row.cast(), step, inner, to.cast()),
                2 => copy_row::<u16>(row.cast(), step, inner, to.cast()),
                4 => copy_row::<u32>(row.cast(), step, inner, to.cast()),
                _ => copy_row::<u64>(row.cast(), step, inner, to.cast()),
            }
        }
        to = to.wrapping_add(inner * bytes);
        let mut axis = rank - 1;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < sizes[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// # Safety
/// `n` elements `step` apart from `from` on must be readable, and as many neighbours from `to` on writable.
unsafe fn copy_row<W: Copy>(from: *const W, step: isize, n: usize, to: *mut W) {
    for i in 0..n {
        // SAFETY: the caller's promise.
        unsafe { to.add(i).write(from.wrapping_offset(i as isize * step).read()) };
    }
}

fn address(slice: AnySlice<'_>) -> *mut u8 {
    slice.address()
}

pub(super) fn address_mut(mut slice: AnySliceMut<'_>) -> *mut u8 {
    slice.address()
}
