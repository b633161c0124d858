//! Runs a plan.
//!
//! In: a [`Plan`] and operands. Out: its results, or the reason why not. Always: everything that can be wrong with
//! the operands is checked before anything is allocated or written; nothing panics; the result does not depend on
//! the number of threads.
//!
//! The way of a call: `bind` gives each symbol its size and checks the operands; `wanted` finds the steps that need
//! not run; `memory` gives each buffer its place; each step is a `launch` of a kernel, cut into jobs, or a `dot`, a
//! matrix product.
//! Next: [`crate::kernel`].

mod bind;
mod dot;
mod jobs;
mod launch;
mod memory;
mod wanted;

use crate::error::{Error, Result};
use crate::operand::{RawView, RawViewMut};
use crate::params::InOrder;
use crate::plan::{Action, Plan};
use crate::tensor::AnyTensor;

use memory::Memory;
use wanted::Needs;

/// Runs the plan on operands, in the order of its parameters, and answers its results.
pub fn call<const O: usize>(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<[AnyTensor; O]> {
    if plan.outputs.len() != O {
        return Err(internal(plan, format!("{} results, not {O}", plan.outputs.len())));
    }
    let mut results = run(plan, operands, &mut [], None)?.into_iter();
    let array = std::array::from_fn(|_| results.next().flatten());
    if array.iter().any(Option::is_none) {
        return Err(internal(plan, "a result was not made".into()));
    }
    Ok(array.map(|tensor| tensor.expect("checked just before")))
}

/// Runs the plan and writes its results to memory of the caller's.
pub fn call_into(plan: &'static Plan, operands: &[RawView<'_>], results: &mut [RawViewMut<'_>]) -> Result<()> {
    if plan.outputs.len() != results.len() {
        return Err(internal(plan, format!("{} results, not {}", plan.outputs.len(), results.len())));
    }
    run(plan, operands, results, None).map(drop)
}

/// Runs the plan and answers its results as leaves to be taken in order, without the first `skip`: a step that serves
/// only those is not run.
pub fn call_list(plan: &'static Plan, operands: &[RawView<'_>], skip: usize) -> Result<InOrder> {
    let results = match skip {
        0 => run(plan, operands, &mut [], None)?,
        _ => {
            let wanted: Vec<bool> = (0..plan.outputs.len()).map(|k| k >= skip).collect();
            call_wanted(plan, operands, &wanted)?
        }
    };
    Ok(InOrder::new(results.into_iter().flatten().collect()))
}

/// Runs what the wanted results need of the plan, and answers these. A step that serves the others only is not run,
/// and has no memory.
pub fn call_wanted(plan: &'static Plan, operands: &[RawView<'_>], wanted: &[bool]) -> Result<Vec<Option<AnyTensor>>> {
    let needs = Needs::of(plan, wanted)?;
    let mut results = run(plan, operands, &mut [], Some(&needs))?;
    // One that another result is made of is made, too.
    results.iter_mut().zip(wanted).filter(|(_, wanted)| !**wanted).for_each(|(result, _)| *result = None);
    Ok(results)
}

/// With `targets` empty the results are new tensors; with `needs` only some of them are made.
fn run(
    plan: &'static Plan,
    operands: &[RawView<'_>],
    targets: &mut [RawViewMut<'_>],
    needs: Option<&Needs>,
) -> Result<Vec<Option<AnyTensor>>> {
    // Most functions have few sizes; those need no allocation.
    let (mut few, mut many);
    let sizes = if plan.slots <= 48 {
        few = [0i64; 48];
        &mut few[..plan.slots]
    } else {
        many = vec![0i64; plan.slots];
        &mut many[..]
    };
    bind::bind(plan, operands, sizes)?;
    let mut memory = Memory::new(plan, operands, targets, needs, sizes)?;
    for (k, step) in plan.steps.iter().enumerate() {
        if needs.is_none_or(|needs| needs.steps[k]) {
            match &step.action {
                Action::Launch(launch) => launch::run(plan, launch, &mut memory, sizes)?,
                Action::Dot(dot) => dot::run(plan, dot, &mut memory, sizes)?,
            }
        }
        for &buffer in step.release {
            memory.release(buffer);
        }
    }
    memory.into_results()
}

/// A fault of the plan or of a kernel, not of the caller's.
#[cold]
fn internal(plan: &Plan, reason: String) -> Error {
    Error::Internal { function: plan.function, reason: reason.into() }
}
