//! Runs a plan.
//!
//! In: a [`Plan`] and operands. Out: its results, or the reason why not. Always: everything that can be wrong with
//! the operands' types and shapes is checked before anything is allocated or written; an index out of range, which only
//! the elements tell, is an error too; nothing panics; the result does not depend on the number of threads.
//!
//! The way of a call: `bind` gives each symbol its size and checks the operands; `wanted` finds the steps that need
//! not run; `memory` gives each buffer its place; each step is a `launch` of a kernel, cut into jobs, a `dot`, a
//! matrix product, or a `scatter`; steps that hand large arrays to each other run as a `block`, a tile of all of them
//! after another, or in bands. Operands on a device make it a call on that device: the same steps, one by one, done by `gpu`.
//! Next: [`crate::kernel`].

mod alone;
mod bind;
mod block;
mod braid;
mod collapse;
mod copy;
pub mod cost;
mod crew;
mod cross;
mod cut;
mod dot;
mod few;
mod gpu;
mod jobs;
mod keep;
mod launch;
pub mod measure;
mod memory;
mod scatter;
mod slices;
mod spare;
mod straight;
mod target;
#[cfg(test)]
mod tests;
mod turn;
mod wanted;
mod work;

use crate::dtype::DType;
use crate::error::{Error, GradientFault, Result};
use crate::layout::Layout;
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Action, BufferId, Dot, Launch, Plan, Scatter, Step};
use crate::tape;
use crate::tensor::{AnyTensor, Made};
use std::cell::OnceCell;
use std::vec::IntoIter;

use block::tiling::Tiling;
use dot::bands::Bands;
use memory::{Host, Memory, Room, Spot, Target};
use wanted::Needs;

pub(crate) use copy::in_order;

/// A list of so many values that begin as `$empty`: most calls have few, and get no more than they use; only a long one
/// is allocated.
macro_rules! list {
    ($list:ident: $count:expr, $empty:expr) => {
        let (count, mut few, mut some, mut many);
        count = $count;
        let $list: &mut [_] = match count {
            0 => &mut [],
            1..=4 => {
                few = std::array::from_fn::<_, 4, _>(|_| $empty);
                &mut few[..count]
            }
            5..=16 => {
                some = std::array::from_fn::<_, 16, _>(|_| $empty);
                &mut some[..count]
            }
            _ => {
                many = std::iter::repeat_with(|| $empty).take(count).collect::<Vec<_>>();
                &mut many[..]
            }
        };
    };
}

/// Runs the plan on operands, in the order of its parameters, and answers its results.
pub fn call<const O: usize>(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<[AnyTensor; O]> {
    let mut made = std::array::from_fn::<_, O, _>(|_| Made::none());
    call_made(plan, operands, &mut made)?;
    let results = made.each_mut().map(Made::any);
    if results.iter().any(Option::is_none) {
        return Err(internal(plan, "a result was not made".into()));
    }
    Ok(results.map(|result| result.expect("looked for just before")))
}

/// The same, with the results left where the caller has a place for them.
pub fn call_made(plan: &'static Plan, operands: &[RawView<'_>], made: &mut [Made]) -> Result<()> {
    if plan.outputs.len() != made.len() {
        return Err(uncounted(plan, made.len()));
    }
    run(plan, operands, &mut [], None, made)?;
    if tape::records(operands) { mark_made(plan, operands, made) } else { Ok(()) }
}

/// Tells the tape of a call, and its results what it says.
#[cold]
fn mark_made(plan: &'static Plan, operands: &[RawView<'_>], made: &mut [Made]) -> Result<()> {
    made.iter_mut().zip(tape::record(plan, operands)?).for_each(|(made, mark)| made.track = mark);
    Ok(())
}

/// Runs the plan and writes its results to memory of the caller's. What could not be had is this call's error: so each stays
/// where the caller makes it.
pub fn call_into(plan: &'static Plan, operands: &[RawView<'_>], results: &mut [Result<RawViewMut<'_>>]) -> Result<()> {
    if let Some(missing) = results.iter_mut().find(|result| result.is_err()) {
        let seen = Err(internal(plan, "a result that could not be had".into()));
        return std::mem::replace(missing, seen).map(|_| ());
    }
    if plan.outputs.len() != results.len() {
        return Err(uncounted(plan, results.len()));
    }
    let records = tape::records(operands);
    if records && results.iter().flatten().any(RawViewMut::is_leaf) {
        return Err(Error::gradient(plan.function, GradientFault::IntoLeaf));
    }
    run(plan, operands, results, None, &mut [])?;
    if records {
        let marks = tape::record(plan, operands)?;
        results.iter_mut().flatten().zip(marks).for_each(|(result, mark)| result.mark(mark));
    } else {
        results.iter_mut().flatten().for_each(|result| result.mark(None));
    }
    Ok(())
}

/// Runs the plan and answers its results in order, without the first `skip`: a step that serves only those is not run.
pub fn call_list(plan: &'static Plan, operands: &[RawView<'_>], skip: usize) -> Result<IntoIter<AnyTensor>> {
    let mut results = match skip {
        0 => made(plan, operands, None)?,
        _ => {
            let wanted: Vec<bool> = (0..plan.outputs.len()).map(|k| k >= skip).collect();
            call_wanted(plan, operands, &wanted)?
        }
    };
    if skip == 0 && tape::records(operands) {
        let marks = tape::record(plan, operands)?;
        results.iter_mut().flatten().zip(marks).for_each(|(result, mark)| drop(result.set_track(mark)));
    }
    let results: Vec<AnyTensor> = results.into_iter().flatten().collect();
    Ok(results.into_iter())
}

/// Runs what the wanted results need of the plan, and answers these. A step that serves the others only is not run,
/// and has no memory.
pub fn call_wanted(plan: &'static Plan, operands: &[RawView<'_>], wanted: &[bool]) -> Result<Vec<Option<AnyTensor>>> {
    let mut results = run_wanted(plan, operands, wanted)?;
    if tape::records(operands) {
        mark(&mut results, plan, operands)?;
    }
    Ok(results)
}

/// Tells the tape of a call, and the results what it says.
#[cold]
fn mark(results: &mut [Option<AnyTensor>], plan: &'static Plan, operands: &[RawView<'_>]) -> Result<()> {
    for (result, mark) in results.iter_mut().zip(tape::record(plan, operands)?) {
        result.as_mut().map(|result| result.set_track(mark));
    }
    Ok(())
}

/// The same, of which the tape knows nothing.
pub(crate) fn run_wanted(
    plan: &'static Plan,
    operands: &[RawView<'_>],
    wanted: &[bool],
) -> Result<Vec<Option<AnyTensor>>> {
    let needs = Needs::of(plan, wanted)?;
    let mut results = made(plan, operands, Some(&needs))?;
    // One that another result is made of is made, too.
    results.iter_mut().zip(wanted).filter(|(_, wanted)| !**wanted).for_each(|(result, _)| *result = None);
    Ok(results)
}

/// The types and layouts that the results of a call with these operands have.
pub(crate) fn shapes(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<Vec<(DType, Layout)>> {
    let mut sizes = vec![bind::UNBOUND; plan.slots];
    bind::bind(plan, operands, &mut sizes)?;
    let shape = |&id: &BufferId| {
        let buffer = memory::described(plan, id)?;
        Ok((buffer.dtype, memory::layout_of(plan, buffer, &sizes)?))
    };
    plan.outputs.iter().map(shape).collect()
}

/// New results.
fn made(plan: &'static Plan, operands: &[RawView<'_>], needs: Option<&Needs>) -> Result<Vec<Option<AnyTensor>>> {
    list!(made: plan.outputs.len(), Made::none());
    run(plan, operands, &mut [], needs, made)?;
    Ok(made.iter_mut().map(Made::any).collect())
}

/// The results are new tensors, put in `made`, or where that is empty written to `targets`; with `needs` only some of them are.
fn run(
    plan: &'static Plan,
    operands: &[RawView<'_>],
    targets: &mut [Result<RawViewMut<'_>>],
    needs: Option<&Needs>,
    made: &mut [Made],
) -> Result<()> {
    list!(sizes: plan.slots, bind::UNBOUND);
    bind::bind(plan, operands, sizes)?;
    match bind::device(plan, operands)? {
        None if needs.is_none()
            && let Some(launch) = alone::launch_of(plan) =>
        {
            alone::run(plan, launch, operands, targets, sizes, made)
        }
        None => steps(&mut Host::new(), plan, operands, targets, needs, sizes, made),
        Some(gpu) => steps(&mut gpu::Call::new(gpu), plan, operands, targets, needs, sizes, made),
    }
}

/// Runs what the steps of a plan ask for.
trait Machine: Target + Sized {
    fn launch(memory: &mut Memory<'_, Self>, plan: &'static Plan, launch: &'static Launch, sizes: &[i64])
    -> Result<()>;
    /// `next` is the step after it.
    fn dot(
        memory: &mut Memory<'_, Self>,
        plan: &'static Plan,
        dot: &'static Dot,
        next: Option<&'static Step>,
        sizes: &[i64],
    ) -> Result<()>;
    fn scatter(memory: &mut Memory<'_, Self>, plan: &'static Plan, scatter: &Scatter, sizes: &[i64]) -> Result<()>;
    /// Runs the steps of a block that begins with `first` at once, if that pays; the number of the next step. `runs`
    /// says which steps are to be run.
    fn block(
        memory: &mut Memory<'_, Self>,
        plan: &'static Plan,
        first: usize,
        runs: &dyn Fn(usize) -> bool,
        sizes: &[i64],
    ) -> Result<usize>;
    /// After the last step: what only the elements tell.
    fn finish(&mut self, plan: &'static Plan) -> Result<()>;
}

impl Machine for Host {
    fn launch(memory: &mut Memory<'_>, plan: &'static Plan, launch: &'static Launch, sizes: &[i64]) -> Result<()> {
        if launch.cost == keep::COPIES && keep::run(plan, launch, memory, sizes)? {
            return Ok(());
        }
        launch::run(plan, launch, memory, sizes)
    }

    fn dot(
        memory: &mut Memory<'_>,
        plan: &'static Plan,
        dot: &'static Dot,
        next: Option<&'static Step>,
        sizes: &[i64],
    ) -> Result<()> {
        dot::run(plan, dot, None, memory, sizes, next)
    }

    fn scatter(memory: &mut Memory<'_>, plan: &'static Plan, scatter: &Scatter, sizes: &[i64]) -> Result<()> {
        scatter::run(plan, scatter, memory, sizes)
    }

    fn block(
        memory: &mut Memory<'_>,
        plan: &'static Plan,
        first: usize,
        runs: &dyn Fn(usize) -> bool,
        sizes: &[i64],
    ) -> Result<usize> {
        if plan.prologues.is_empty() && plan.blocks.is_empty() && plan.bands.is_empty() {
            return Ok(first);
        }
        if let Some(prologue) = plan.prologues.iter().find(|prologue| prologue.step == first)
            && runs(first)
            && runs(first + 1)
        {
            let bands = Bands::from(plan, first + 1, runs, sizes)?;
            if dot::windows::run(plan, prologue, bands.as_ref(), memory, sizes)? {
                return Ok(first + 2 + usize::from(bands.is_some()));
            }
        }
        if let Some(bands) = Bands::from(plan, first, runs, sizes)? {
            dot::run(plan, bands.dot, Some(&bands), memory, sizes, None)?;
            return Ok(first + 2);
        }
        let Some((block, tiling)) = Tiling::from(plan, first, runs, sizes)? else { return Ok(first) };
        block::run(plan, block, tiling, memory, sizes)?;
        Ok(block.end)
    }

    fn finish(&mut self, _: &'static Plan) -> Result<()> {
        Ok(())
    }
}

/// The steps on one machine.
fn steps<M: Machine>(
    machine: &mut M,
    plan: &'static Plan,
    operands: &[RawView<'_>],
    targets: &mut [Result<RawViewMut<'_>>],
    needs: Option<&Needs>,
    sizes: &[i64],
    made: &mut [Made],
) -> Result<()> {
    // Operands and results come first, and have memory and layouts of their own.
    let more = plan.buffers.len().saturating_sub(plan.params.len() + plan.outputs.len());
    if more > 0 {
        return steps_with_more(machine, plan, operands, targets, needs, sizes, made, more);
    }
    list!(spots: plan.buffers.len(), None::<Spot<'_>>);
    let room = Room { spots, owned: &mut [], layouts: &[] };
    let mut memory = Memory::new(machine, plan, room);
    memory.place(operands, targets, made, needs, sizes)?;
    in_turn(&mut memory, plan, needs, sizes)
}

/// The same with so many buffers that are no operands and no results. Apart, for their room is pages of the stack.
#[inline(never)]
#[expect(clippy::too_many_arguments, reason = "those of `steps`, and one")]
fn steps_with_more<M: Machine>(
    machine: &mut M,
    plan: &'static Plan,
    operands: &[RawView<'_>],
    targets: &mut [Result<RawViewMut<'_>>],
    needs: Option<&Needs>,
    sizes: &[i64],
    made: &mut [Made],
    more: usize,
) -> Result<()> {
    list!(spots: plan.buffers.len(), None::<Spot<'_>>);
    list!(owned: more, None::<M::Owned>);
    list!(layouts: more, OnceCell::<Layout>::new());
    let room = Room { spots, owned, layouts: &*layouts };
    let mut memory = Memory::new(machine, plan, room);
    memory.place(operands, targets, made, needs, sizes)?;
    in_turn(&mut memory, plan, needs, sizes)
}

/// The steps, in order.
fn in_turn<M: Machine>(
    memory: &mut Memory<'_, M>,
    plan: &'static Plan,
    needs: Option<&Needs>,
    sizes: &[i64],
) -> Result<()> {
    // Up to here a block has run.
    let mut done = 0;
    let runs = |k: usize| needs.is_none_or(|needs| needs.steps[k]);
    for (k, step) in plan.steps.iter().enumerate() {
        if k >= done {
            done = M::block(memory, plan, k, &runs, sizes)?;
        }
        if k >= done && runs(k) {
            match &step.action {
                Action::Launch(launch) => M::launch(memory, plan, launch, sizes)?,
                Action::Dot(dot) => M::dot(memory, plan, dot, plan.steps.get(k + 1), sizes)?,
                Action::Scatter(scatter) => M::scatter(memory, plan, scatter, sizes)?,
            }
        }
        for &buffer in step.release {
            memory.release(buffer);
        }
    }
    memory.target.finish(plan)
}

#[cold]
fn uncounted(plan: &Plan, results: usize) -> Error {
    internal(plan, format!("{} results, not {results}", plan.outputs.len()))
}

/// A fault of the plan or of a kernel, not of the caller's.
#[cold]
fn internal(plan: &Plan, reason: String) -> Error {
    Error::Internal { function: plan.function, reason: reason.into() }
}
