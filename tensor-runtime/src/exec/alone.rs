//! A call that is one launch.
//!
//! In: a plan of one kernel that reads operands and makes the results, each once and in their order. Out: the results. Always:
//! all is checked that [`super::memory`] checks; but no place of a buffer is noted, for nothing asks for it again: each operand
//! becomes a window at once. A small call is mostly such notes. Next: [`super::launch`].

use crate::error::Result;
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Action, Launch, Place, Plan};
use crate::tensor::Made;

use super::launch::Ready;
use super::memory::{Host, Results, operand_at};
use super::{cut, internal};

/// The launch that is all of a plan, if it is such a plan.
#[inline]
pub(super) fn launch_of(plan: &'static Plan) -> Option<&'static Launch> {
    let [step] = plan.steps else { return None };
    let Action::Launch(launch) = &step.action else { return None };
    let operands = plan.params.len();
    // Of the operands no number is a result's, so nothing is read that is written.
    let reads = launch.inputs.iter().all(|&input| usize::from(input) < operands);
    let counts = plan.outputs.len() == launch.outputs.len() && plan.buffers.len() == operands + plan.outputs.len();
    let mut results = plan.outputs.iter().zip(launch.outputs).zip(operands..);
    (reads && counts && results.all(|((&id, output), at)| usize::from(id) == at && output.buffer == id))
        .then_some(launch)
}

/// Runs it, as [`super::steps`] would.
pub(super) fn run(
    plan: &'static Plan,
    launch: &'static Launch,
    operands: &[RawView<'_>],
    targets: &mut [Result<RawViewMut<'_>>],
    sizes: &[i64],
    made: &mut [Made],
) -> Result<()> {
    let mut host = Host::new();
    let mut ready = Ready::empty();
    ready.begin(plan, launch, sizes)?;
    for &input in launch.inputs {
        let operand = &operands[usize::from(input)];
        let (start, layout) = operand_at(&mut host, plan, operand)?;
        ready.open(start, operand.dtype(), layout);
    }
    let mut results = Results::new(targets, made);
    for (k, buffer) in plan.buffers[operands.len()..].iter().enumerate() {
        if !matches!(buffer.place, Place::Output) {
            return Err(internal(plan, format!("result {k} is not a buffer of its own")));
        }
        if let Some((start, layout)) = results.next(&host, plan, buffer, true, sizes)? {
            ready.open(start, buffer.dtype, layout);
        }
    }
    ready.choose(plan, launch);
    cut::run(plan, launch, &mut ready)
}
