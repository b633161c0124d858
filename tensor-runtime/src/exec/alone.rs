//! A call that is one launch.
//!
//! In: a plan of one kernel that reads operands and makes the results, each once and in their order. Out: the results. Always:
//! all is checked that [`super::memory`] checks; but no place of a buffer is noted, for nothing asks for it again: each operand
//! becomes a window at once. A small call is mostly such notes. Next: [`super::launch`].

use crate::error::Result;
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Action, Launch, Place, Plan};
use crate::tensor::Made;

use super::cut;
use super::launch::Ready;
use super::memory::{Plain, Results, not_its_own, operand_at};

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
#[inline]
pub(super) fn run(
    plan: &'static Plan,
    launch: &'static Launch,
    operands: &[RawView<'_>],
    targets: &mut [Result<RawViewMut<'_>>],
    sizes: &[i64],
    made: &mut [Made],
) -> Result<()> {
    let mut host = Plain;
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
            return Err(not_its_own(plan, k));
        }
        if let Some((start, layout)) = results.next(&host, plan, buffer, true, sizes)? {
            ready.open(start, buffer.dtype, layout);
        }
    }
    ready.choose(plan, launch);
    cut::run(plan, launch, &mut ready)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{A, B, PARAMS, RESULT, TEMP, X, kernel, plan};
    use super::*;
    use crate::plan::{Output, Step};

    const fn step(inputs: &'static [u16], outputs: &'static [Output]) -> Step {
        Step { action: Action::Launch(kernel(inputs, outputs)), release: &[] }
    }

    const FIRST: Output = Output { buffer: 3 };
    const SECOND: Output = Output { buffer: 4 };

    static ALONE: Plan = plan(PARAMS, &[X, A, B, RESULT, RESULT], &[3, 4], &[step(&[0, 2, 0], &[FIRST, SECOND])]);
    /// Results in another order, one that is made twice, one that is read, a temporary, two steps.
    static OTHERS: [Plan; 5] = [
        plan(PARAMS, &[X, A, B, RESULT, RESULT], &[4, 3], &[step(&[0], &[FIRST, SECOND])]),
        plan(PARAMS, &[X, A, B, RESULT, RESULT], &[3, 4], &[step(&[0], &[FIRST, FIRST])]),
        plan(PARAMS, &[X, A, B, RESULT, RESULT], &[3, 4], &[step(&[0, 4], &[FIRST, SECOND])]),
        plan(PARAMS, &[X, A, B, RESULT, RESULT, TEMP], &[3, 4], &[step(&[0], &[FIRST, SECOND])]),
        plan(PARAMS, &[X, A, B, RESULT, RESULT], &[3, 4], &[step(&[0], &[FIRST]), step(&[1], &[SECOND])]),
    ];

    #[test]
    fn a_plan_is_one_launch_or_takes_the_other_way() {
        assert!(launch_of(&ALONE).is_some());
        for (k, plan) in OTHERS.iter().enumerate() {
            assert!(launch_of(plan).is_none(), "{k}");
        }
    }
}
