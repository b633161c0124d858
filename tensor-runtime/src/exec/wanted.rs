//! Which steps of a plan serve the results that are wanted.
//!
//! In: a plan, and for each result whether it is wanted. Out: the steps to run, and the results to allocate. Always: a
//! step that is not run writes nothing that a step which is run reads. Next: [`super::memory`].

use crate::error::Result;
use crate::plan::{Action, BufferId, Launch, Place, Plan};

use super::internal;

/// What a call leaves out.
pub(super) struct Needs {
    /// For each step whether it runs.
    pub(super) steps: Vec<bool>,
    /// For each buffer whether a step that runs reads or writes it, or the caller wants it.
    pub(super) buffers: Vec<bool>,
}

impl Needs {
    /// Walks the steps once, from the last to the first.
    pub(super) fn of(plan: &'static Plan, wanted: &[bool]) -> Result<Needs> {
        if wanted.len() != plan.outputs.len() {
            return Err(internal(plan, format!("{} results, not {}", plan.outputs.len(), wanted.len())));
        }
        let mut needs = Needs { steps: vec![false; plan.steps.len()], buffers: vec![false; plan.buffers.len()] };
        for (&id, _) in plan.outputs.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
            needs.want(plan, id);
        }
        for (k, step) in plan.steps.iter().enumerate().rev() {
            needs.steps[k] = writes(&step.action).any(|id| needs.has(id));
            if needs.steps[k] {
                writes(&step.action).chain(reads(&step.action)).for_each(|id| needs.want(plan, id));
            }
        }
        Ok(needs)
    }

    fn has(&self, id: BufferId) -> bool {
        self.buffers.get(usize::from(id)).copied().unwrap_or(false)
    }

    /// Marks a buffer, and what it is a view of.
    fn want(&mut self, plan: &'static Plan, mut id: BufferId) {
        // A plan that names what is not there fails where it is run.
        while let Some(buffer) = plan.buffers.get(usize::from(id)) {
            let before = std::mem::replace(&mut self.buffers[usize::from(id)], true);
            match buffer.place {
                Place::View(base) if !before => id = base,
                Place::View(_) | Place::Param | Place::Output | Place::Temp => return,
            }
        }
    }
}

/// The launch of a step: its own, or its product's epilogue.
pub(super) fn launch_of(action: &'static Action) -> Option<&'static Launch> {
    match action {
        Action::Launch(launch) => Some(launch),
        Action::Dot(dot) => dot.epilogue.as_ref().map(|epilogue| &epilogue.launch),
        Action::Scatter(_) => None,
    }
}

/// The buffers that a step writes.
pub(super) fn writes(action: &'static Action) -> impl Iterator<Item = BufferId> {
    let product = match action {
        Action::Dot(dot) if dot.epilogue.is_none() => Some(dot.out),
        Action::Scatter(scatter) => Some(scatter.out),
        Action::Dot(_) | Action::Launch(_) => None,
    };
    product.into_iter().chain(launch_of(action).into_iter().flat_map(|launch| launch.outputs).map(|out| out.buffer))
}

/// The buffers that a step reads; a product that is only its epilogue's input has no memory, and is none.
pub(super) fn reads(action: &'static Action) -> impl Iterator<Item = BufferId> {
    let (operands, given) = match action {
        Action::Dot(dot) => (Some([dot.left, dot.right]), dot.epilogue.as_ref().map(|epilogue| epilogue.input)),
        Action::Scatter(scatter) => (Some([scatter.updates, scatter.indices]), None),
        Action::Launch(_) => (None, None),
    };
    let inputs = launch_of(action).into_iter().flat_map(|launch| launch.inputs).copied().enumerate();
    let inputs = inputs.filter(move |(k, _)| Some(*k) != given).map(|(_, id)| id);
    operands.into_iter().flatten().chain(inputs)
}
