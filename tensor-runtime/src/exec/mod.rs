//! Runs a plan.
//!
//! In: a [`Plan`] and operands. Out: its results, or the reason why not. Always: everything that can be wrong with
//! the operands' types and shapes is checked before anything is allocated or written; an index out of range, which only
//! the elements tell, is an error too; nothing panics; the result does not depend on the number of threads.
//!
//! The way of a call: `bind` gives each symbol its size and checks the operands; `memory` gives each buffer its
//! place; each step is a `launch` of a kernel, cut into jobs, a `dot`, a matrix product, or a `scatter`.
//! Next: [`crate::kernel`].

mod bind;
mod dot;
mod jobs;
mod launch;
mod memory;
mod scatter;

use crate::error::{Error, Result};
use crate::operand::{RawView, RawViewMut};
use crate::plan::{Action, Plan};
use crate::tensor::AnyTensor;

use memory::Memory;

/// Runs the plan on operands, in the order of its parameters, and answers its results.
pub fn call<const O: usize>(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<[AnyTensor; O]> {
    if plan.outputs.len() != O {
        return Err(internal(plan, format!("{} results, not {O}", plan.outputs.len())));
    }
    let mut results = run(plan, operands, &mut [])?.into_iter();
    let array = std::array::from_fn(|_| results.next());
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
    run(plan, operands, results).map(drop)
}

/// With `targets` empty the results are new tensors.
fn run(plan: &'static Plan, operands: &[RawView<'_>], targets: &mut [RawViewMut<'_>]) -> Result<Vec<AnyTensor>> {
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
    let mut memory = Memory::new(plan, operands, targets, sizes)?;
    for step in plan.steps {
        match &step.action {
            Action::Launch(launch) => launch::run(plan, launch, &mut memory, sizes)?,
            Action::Dot(dot) => dot::run(plan, dot, &mut memory, sizes)?,
            Action::Scatter(scatter) => scatter::run(plan, scatter, &mut memory, sizes)?,
        }
        for &buffer in step.release {
            memory.release(buffer);
        }
    }
    memory.into_results(plan)
}

/// A fault of the plan or of a kernel, not of the caller's.
#[cold]
fn internal(plan: &Plan, reason: String) -> Error {
    Error::Internal { function: plan.function, reason: reason.into() }
}
