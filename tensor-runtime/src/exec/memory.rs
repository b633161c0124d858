//! The buffers of one call.
//!
//! In: a plan, its operands, the caller's memory for results. Out: where the elements of each buffer lie.
//! Always: a buffer that has a place has it to the end of the call or its release; its elements are initialised;
//! the places of two buffers are of one root, or do not overlap. A place is a few words: its layout is lent by the operand,
//! or lies where the call keeps those that it makes, and is never copied. Next: [`super::launch`].

use std::cell::OnceCell;
use std::slice::IterMut;

use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::layout::{Layout, Lent};
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Buffer, BufferId, Place, Plan, Slot};
pub(super) use crate::storage::slack;
use crate::tensor::Made;

use super::internal;
pub(super) use super::target::{Host, Plain, Target, address_mut, aligned};
use super::wanted::Needs;

/// Where the elements of a buffer lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot<'m> {
    /// Position 0 of the layout.
    pub(super) start: *mut u8,
    pub(super) dtype: DType,
    pub(super) layout: Lent<'m>,
    /// The buffer whose memory it is: views share their base's.
    pub(super) root: BufferId,
    /// May the call write to it?
    pub(super) writable: bool,
}

impl<'m> Spot<'m> {
    /// That of a buffer without memory, or whose memory is not known yet.
    pub(super) fn nowhere(dtype: DType, layout: Lent<'m>, root: BufferId) -> Spot<'m> {
        Spot { start: std::ptr::null_mut(), dtype, layout, root, writable: true }
    }
}

/// A tensor's memory that is an operand, and what is kept of it.
#[derive(Clone, Copy)]
pub(super) struct Keeper<'m> {
    pub(super) kept: &'m Kept,
    /// Its first element, and how many there are.
    pub(super) start: *const u8,
    pub(super) len: usize,
}

/// Where an operand lies, which is checked to be in its memory.
#[inline]
pub(super) fn operand_at<'m, T: Target>(
    target: &mut T,
    plan: &'static Plan,
    operand: &'m RawView<'m>,
) -> Result<(*mut u8, Lent<'m>)> {
    operand.check()?;
    Ok((target.operand(plan, operand)?, operand.lend()))
}

/// The results of a call, one after another: new ones, or where there are none the caller's memory.
pub(super) struct Results<'m, 'a> {
    targets: IterMut<'m, Result<RawViewMut<'a>>>,
    made: IterMut<'m, Made>,
    /// So many are past.
    count: usize,
}

impl<'m, 'a> Results<'m, 'a> {
    #[inline]
    pub(super) fn new(targets: &'m mut [Result<RawViewMut<'a>>], made: &'m mut [Made]) -> Results<'m, 'a> {
        Results { targets: targets.iter_mut(), made: made.iter_mut(), count: 0 }
    }

    /// Where the next one lies, whose buffer this is; a new one that is not wanted is nowhere.
    #[inline]
    pub(super) fn next<T: Target>(
        &mut self,
        target: &T,
        plan: &'static Plan,
        buffer: &Buffer,
        wanted: bool,
        sizes: &[i64],
    ) -> Result<Option<(*mut u8, Lent<'m>)>> {
        let k = self.count;
        self.count += 1;
        let Some(made) = self.made.next() else {
            return aim(self.targets.next(), k, target, plan, buffer, sizes).map(Some);
        };
        if !wanted {
            return Ok(None);
        }
        lay_out(plan, buffer, sizes, &mut made.layout)?;
        let layout = made.layout.lend();
        let mut start = std::ptr::null_mut();
        made.storage = Some(target.fresh(buffer.dtype, layout.len(), &mut start)?);
        Ok(Some((start, layout)))
    }
}

/// Where memory of the caller's lies for result `k`.
#[inline(never)]
fn aim<'m, T: Target>(
    result: Option<&'m mut Result<RawViewMut<'_>>>,
    k: usize,
    target: &T,
    plan: &'static Plan,
    buffer: &Buffer,
    sizes: &[i64],
) -> Result<(*mut u8, Lent<'m>)> {
    let Some(Ok(result)) = result else { return Err(internal(plan, "too few results".into())) };
    result.check()?;
    let layout = result.lend();
    let is_size = |(&slot, &size): (&Slot, &usize)| sizes.get(usize::from(slot)) == Some(&(size as i64));
    let fits = buffer.dims.len() == layout.rank() && buffer.dims.iter().zip(layout.sizes()).all(is_size);
    if result.dtype() != buffer.dtype || !fits {
        return Err(unfit(plan, buffer, result, k, sizes));
    }
    // From here on it counts as written to.
    let start = target.result(plan, result)?;
    Ok((start, layout))
}

/// A result of another type, or of another shape.
#[cold]
fn unfit(plan: &'static Plan, buffer: &Buffer, result: &RawViewMut<'_>, k: usize, sizes: &[i64]) -> Error {
    let (found, expected) = (result.dtype(), buffer.dtype);
    if found != expected {
        let operand = format!("result {k}").into();
        return Error::DType { operation: plan.function, operand, found, expected };
    }
    match layout_of(plan, buffer, sizes) {
        Ok(wanted) => {
            let text = format!("result {k} has shape {:?}, but {:?} is wanted", result.sizes(), wanted.sizes());
            Error::shape(plan.function, result.sizes(), None, text)
        }
        Err(error) => error,
    }
}

/// All buffers of a call. `'m` is the time for which its operands and targets are borrowed.
pub(super) struct Memory<'m, T: Target = Host> {
    pub(super) target: &'m mut T,
    plan: &'static Plan,
    operands: &'m [RawView<'m>],
    spots: &'m mut [Option<Spot<'m>>],
    /// What the call allocated itself, by the buffer that it was allocated for, without the operands and results.
    owned: &'m mut [Option<T::Owned>],
    /// The layouts of those.
    layouts: &'m [OnceCell<Layout>],
    /// How many views have a place.
    views: usize,
}

/// Where a call keeps what it knows of its buffers: an empty place for each, as [`Memory`] has them.
pub(super) struct Room<'m, O> {
    pub(super) spots: &'m mut [Option<Spot<'m>>],
    pub(super) owned: &'m mut [Option<O>],
    pub(super) layouts: &'m [OnceCell<Layout>],
}

impl<'m, T: Target> Memory<'m, T> {
    /// No places yet.
    #[inline]
    pub(super) fn new(target: &'m mut T, plan: &'static Plan, room: Room<'m, T::Owned>) -> Memory<'m, T> {
        let Room { spots, owned, layouts } = room;
        Memory { target, plan, operands: &[], spots, owned, layouts, views: 0 }
    }

    /// Places for the parameters and the results, or those results that are needed.
    pub(super) fn place(
        &mut self,
        operands: &'m [RawView<'m>],
        targets: &'m mut [Result<RawViewMut<'_>>],
        made: &'m mut [Made],
        needs: Option<&Needs>,
        sizes: &[i64],
    ) -> Result<()> {
        let plan = self.plan;
        if self.spots.len() < operands.len() {
            return Err(internal(plan, format!("too few buffers for {} operands", operands.len())));
        }
        self.operands = operands;
        for (id, (operand, spot)) in operands.iter().zip(self.spots.iter_mut()).enumerate() {
            let (start, layout) = operand_at(self.target, plan, operand)?;
            let (dtype, root) = (operand.dtype(), id as BufferId);
            *spot = Some(Spot { start, dtype, layout, root, writable: false });
        }
        let mut results = Results::new(targets, made);
        for (k, &id) in plan.outputs.iter().enumerate() {
            let buffer = self.described(id)?;
            if self.spots[usize::from(id)].is_some() || !matches!(buffer.place, Place::Output) {
                return Err(not_its_own(plan, k));
            }
            let wanted = needs.is_none_or(|needs| needs.buffers[usize::from(id)]);
            if let Some((start, layout)) = results.next(self.target, plan, buffer, wanted, sizes)? {
                self.spots[usize::from(id)] =
                    Some(Spot { start, dtype: buffer.dtype, layout, root: id, writable: true });
            }
        }
        Ok(())
    }

    fn described(&self, id: BufferId) -> Result<&'static Buffer> {
        described(self.plan, id)
    }

    /// The number of a buffer among those that are no operands and no results.
    fn more(&self, id: BufferId) -> Option<usize> {
        usize::from(id).checked_sub(self.plan.params.len() + self.plan.outputs.len())
    }

    fn cell(&self, id: BufferId) -> Result<&'m OnceCell<Layout>> {
        let cell = self.more(id).and_then(|k| self.layouts.get(k));
        cell.ok_or_else(|| internal(self.plan, format!("buffer {id} has a layout already")))
    }

    /// The dense layout of a buffer, which is kept as long as the call.
    fn layout(&mut self, id: BufferId, sizes: &[i64]) -> Result<Lent<'m>> {
        let buffer = self.described(id)?;
        let cell = self.cell(id)?;
        match cell.get() {
            Some(layout) => Ok(layout.lend()),
            None => {
                let layout = layout_of(self.plan, buffer, sizes)?;
                Ok(cell.get_or_init(|| layout).lend())
            }
        }
    }

    fn allocate(&mut self, id: BufferId, sizes: &[i64]) -> Result<Spot<'m>> {
        let dtype = self.described(id)?.dtype;
        let layout = self.layout(id, sizes)?;
        self.own(id, dtype, layout, true)
    }

    /// A buffer as if it had no memory: its elements are in registers, or only its shape is asked for.
    pub(super) fn unplaced(&mut self, id: BufferId, sizes: &[i64]) -> Result<Spot<'m>> {
        let dtype = self.described(id)?.dtype;
        let layout = match (self.more(id), self.known(id)) {
            (None, Some(spot)) => spot.layout,
            (None, None) | (Some(_), _) => self.layout(id, sizes)?,
        };
        Ok(Spot::nowhere(dtype, layout, id))
    }

    /// Gives a buffer memory of the call's own.
    fn own(&mut self, id: BufferId, dtype: DType, layout: Lent<'m>, writable: bool) -> Result<Spot<'m>> {
        let at = self.more(id).filter(|k| *k < self.owned.len());
        let at = at.ok_or_else(|| internal(self.plan, format!("buffer {id} has memory already")))?;
        let (owned, start) = self.target.allocate(dtype, layout.len())?;
        let spot = Spot { start, dtype, layout, root: id, writable };
        self.spots[usize::from(id)] = Some(spot);
        self.owned[at] = Some(owned);
        Ok(spot)
    }

    /// Gives a temporary a place that is not the call's, but lives as long: what is kept of an operand.
    pub(super) fn lend(&mut self, id: BufferId, start: *const u8, sizes: &[i64]) -> Result<()> {
        let dtype = self.described(id)?.dtype;
        let layout = self.layout(id, sizes)?;
        self.spots[usize::from(id)] = Some(Spot { start: start.cast_mut(), dtype, layout, root: id, writable: false });
        Ok(())
    }

    /// Where a buffer lies, if it has a place.
    #[inline]
    pub(super) fn known(&self, id: BufferId) -> Option<&Spot<'m>> {
        self.spots.get(usize::from(id))?.as_ref()
    }

    /// Where a step reads a buffer.
    #[inline]
    pub(super) fn reading(&mut self, id: BufferId, sizes: &[i64]) -> Result<Spot<'m>> {
        match self.known(id) {
            Some(&spot) => Ok(spot),
            None => self.view(id, sizes),
        }
    }

    /// Gives a view of another buffer its place.
    fn view(&mut self, id: BufferId, sizes: &[i64]) -> Result<Spot<'m>> {
        let buffer = self.described(id)?;
        let Place::View(base) = buffer.place else {
            return Err(internal(self.plan, format!("buffer {id} is read before it is written")));
        };
        if base >= id {
            return Err(internal(self.plan, format!("buffer {id} views a later one")));
        }
        let base = self.reading(base, sizes)?;
        let cell = self.cell(id)?;
        // In C order, whatever the order of the buffer's axes.
        let layout = Layout::contiguous(layout_of(self.plan, buffer, sizes)?.sizes())?;
        let layout = cell.get_or_init(|| layout).lend();
        if base.dtype != buffer.dtype || base.layout.len() != layout.len() {
            return Err(internal(self.plan, format!("buffer {id} is no view of its base")));
        }
        if base.layout.is_contiguous() {
            let start = base.start.wrapping_add(base.layout.offset() * buffer.dtype.bytes());
            let spot = Spot { start, layout, writable: false, ..base };
            self.spots[usize::from(id)] = Some(spot);
            self.views += 1;
            return Ok(spot);
        }
        let spot = self.own(id, buffer.dtype, layout, false)?;
        self.target.copy(&base, spot.start)?;
        Ok(spot)
    }

    /// Where a step writes a buffer.
    #[inline]
    pub(super) fn writing(&mut self, id: BufferId, sizes: &[i64]) -> Result<Spot<'m>> {
        match self.known(id) {
            Some(&spot) if spot.writable => Ok(spot),
            Some(_) | None => self.writing_first(id, sizes),
        }
    }

    fn writing_first(&mut self, id: BufferId, sizes: &[i64]) -> Result<Spot<'m>> {
        let buffer = self.described(id)?;
        if self.spots[usize::from(id)].is_none() && matches!(buffer.place, Place::Temp) {
            return self.allocate(id, sizes);
        }
        Err(internal(self.plan, format!("buffer {id} cannot be written")))
    }

    /// The buffer whose memory a buffer with a place has.
    pub(super) fn root(&self, id: BufferId) -> Option<BufferId> {
        self.known(id).map(|spot| spot.root)
    }

    /// What is kept of the memory that a buffer lies in: of a tensor's that is an operand.
    pub(super) fn keeper(&self, root: BufferId) -> Option<Keeper<'m>> {
        let operand = self.operands.get(usize::from(root))?;
        let slice = operand.slice()?;
        Some(Keeper { kept: operand.kept()?, start: slice.address(), len: slice.len() })
    }

    /// Gives a temporary's memory back, unless a view still needs it.
    pub(super) fn release(&mut self, id: BufferId) {
        let Some(root) = self.root(id) else { return };
        self.spots[usize::from(id)] = None;
        self.views -= usize::from(root != id);
        // A view's base may be read after it.
        let alone = root == id && self.views == 0;
        if alone || !self.spots.iter().flatten().any(|other| other.root == root) {
            let owned = self.more(root).and_then(|k| self.owned.get_mut(k));
            let owned = owned.and_then(Option::take);
            owned.into_iter().for_each(|owned| self.target.free(owned));
        }
    }
}

#[cold]
pub(super) fn not_its_own(plan: &'static Plan, result: usize) -> Error {
    internal(plan, format!("result {result} is not a buffer of its own"))
}

/// What the plan says of a buffer.
#[inline]
pub(super) fn described(plan: &'static Plan, id: BufferId) -> Result<&'static Buffer> {
    plan.buffers.get(usize::from(id)).ok_or_else(|| internal(plan, format!("there is no buffer {id}")))
}

/// The dense layout of a buffer, its axes in the plan's order.
pub(super) fn layout_of(plan: &'static Plan, buffer: &Buffer, sizes: &[i64]) -> Result<Layout> {
    let mut layout = Layout::scalar();
    lay_out(plan, buffer, sizes, &mut layout)?;
    Ok(layout)
}

/// The same in place.
#[inline]
fn lay_out(plan: &'static Plan, buffer: &Buffer, sizes: &[i64], layout: &mut Layout) -> Result<()> {
    let rank = buffer.dims.len();
    let mut empty = false;
    if rank > crate::MAX_RANK || buffer.order.len() != rank {
        return Err(disordered(plan, buffer));
    }
    let (extents, strides) = layout.begin(rank);
    for (extent, &slot) in extents.iter_mut().zip(buffer.dims) {
        match sizes.get(usize::from(slot)) {
            Some(&size) if size >= 0 => *extent = size as usize,
            size => return Err(negative(plan, size)),
        }
        empty |= *extent == 0;
    }
    let mut len = 1isize;
    for &axis in buffer.order.iter().rev() {
        let axis = usize::from(axis);
        if axis >= rank || strides[axis] != 0 {
            return Err(disordered(plan, buffer));
        }
        strides[axis] = len;
        match len.checked_mul(extents[axis].max(1) as isize) {
            Some(next) => len = next,
            None => return Err(Error::too_large(plan.function, extents)),
        }
    }
    if empty {
        *layout = Layout::contiguous(layout.sizes())?;
    }
    Ok(())
}

#[cold]
fn disordered(plan: &'static Plan, buffer: &Buffer) -> Error {
    internal(plan, format!("a buffer of {} axes in the order {:?}", buffer.dims.len(), buffer.order))
}

#[cold]
fn negative(plan: &'static Plan, size: Option<&i64>) -> Error {
    Error::shape(plan.function, &[], None, format!("a size within the function is {size:?}"))
}
