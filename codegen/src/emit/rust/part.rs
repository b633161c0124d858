//! The part of a lane that counts.
//!
//! In: a loop over the lane, in the row form. Out: conditions outside of which every push is what its accumulator starts
//! with; the loop leaves these points out, and asks for those conditions nowhere, so that a row which is filled up, or of which
//! a condition on places chooses some, costs what is in it. Always: a loop that writes anything goes over all of its lane; the
//! part depends on sizes and places alone, and so does the order of a sum.
//! Next: [`super::kernel`], [`crate::kernel::condition`].
//!
//! ```text
//! for t in rt::tiles(rt::valid(16384 * p0, 1, s0, e1 as usize)) {
//! ```

use super::access;
use super::kernel::Emit;
use super::nest::{Kind, Nest, Node, Op, Ref};
use crate::kernel::condition::{Term, Terms, said};
use crate::kernel::{Guard, is_picked};
use crate::loops::Form;
use crate::ops::{Answer, Literal, MapOp};
use crate::shape::{Dim, Sym};

/// The part of a lane that a loop goes over.
pub(super) struct Part {
    /// Its positions.
    pub range: String,
    /// What holds at each of them.
    pub holds: Vec<Guard>,
}

impl Emit<'_> {
    /// The part that a loop goes over, if that is not all of its lane.
    pub(super) fn part(&self, kind: Kind, var: &Sym, body: &[Node]) -> Option<Part> {
        if kind != Kind::Lane || self.loops.form != Form::Row {
            return None;
        }
        let extent = self.extent(var);
        let range = |guard: &Guard| access::part(guard, var, &extent);
        let (holds, ranges): (Vec<Guard>, Vec<String>) =
            self.counts(body).into_iter().filter_map(|guard| Some((guard.clone(), range(&guard)?))).unzip();
        let range = ranges.into_iter().reduce(|a, b| format!("rt::meet({a}, {b})"))?;
        Some(Part { range, holds })
    }

    /// Those that may fail here.
    pub(super) fn unsure(&self, guards: &[Guard]) -> Vec<Guard> {
        guards.iter().filter(|guard| !self.holds.contains(guard)).cloned().collect()
    }

    /// Whether a condition on places holds here in any case.
    pub(super) fn is_sure(&self, condition: Ref) -> bool {
        let (guards, whole) = self.says(condition);
        whole && self.unsure(&guards).is_empty()
    }

    /// What a value is here, that a condition may choose.
    pub(super) fn chosen(&self, value: Ref) -> Ref {
        match &self.nest.value(value).op {
            Op::Map(op, args) if op.name() == "where" && self.is_sure(args[0]) => self.chosen(args[1]),
            Op::Load { .. } | Op::Const(_) | Op::Index(_) | Op::Inside(_) | Op::Map(..) | Op::Cast(_) => value,
            Op::Pick(..) | Op::Combine(..) | Op::Reduced(..) | Op::Weights(_) | Op::Window(..) => value,
        }
    }

    /// What holds wherever a condition does, and whether the condition holds wherever that does.
    fn says(&self, condition: Ref) -> (Vec<Guard>, bool) {
        if let Op::Inside(guards) = &self.nest.value(condition).op {
            return (guards.clone(), true);
        }
        let said = said(self.nest, condition, true);
        // No bound above is one that is never reached.
        let guard = |index: &Dim| {
            let (_, greatest) = index.bounds(&self.loops.kernel)?;
            Some(Guard { index: index.clone(), extent: greatest.add(&Dim::one()) })
        };
        let guards: Vec<Guard> = said.not_negative.iter().filter_map(guard).collect();
        let whole = said.whole && guards.len() == said.not_negative.len();
        (guards, whole)
    }

    /// What holds wherever a push of the body is not its accumulator's start.
    fn counts(&self, body: &[Node]) -> Vec<Guard> {
        let mut all: Option<Vec<Guard>> = None;
        for node in body {
            match node {
                Node::Push(acc, value) => {
                    let guards = self.differs(*acc, *value);
                    match &mut all {
                        Some(all) => all.retain(|guard| guards.contains(guard)),
                        None => all = Some(guards),
                    }
                }
                Node::Eval(_) => {}
                Node::Loop { .. } | Node::Start(_) | Node::Finish(_) => return Vec::new(),
                Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => return Vec::new(),
            }
        }
        all.unwrap_or_default()
    }

    /// What holds wherever a value is not the start of the accumulator that it is pushed to.
    fn differs(&self, acc: Ref, value: Ref) -> Vec<Guard> {
        let Op::Reduced(monoid, dtype) = self.nest.value(acc).op else { return Vec::new() };
        if monoid.row().answer != Answer::Same {
            return Vec::new();
        }
        let start = monoid.start(dtype);
        let guards = match &self.nest.value(value).op {
            Op::Load { guards, fill, .. } if *fill == start => guards.clone(),
            Op::Map(op, args) if *op == MapOp::named("where") && self.is_const(args[2], start) => self.says(args[0]).0,
            Op::Load { .. } | Op::Const(_) | Op::Index(_) | Op::Inside(_) | Op::Map(..) | Op::Cast(_) => Vec::new(),
            Op::Pick(..) | Op::Combine(..) | Op::Reduced(..) | Op::Weights(_) | Op::Window(..) => Vec::new(),
        };
        guards.into_iter().filter(|guard| !is_picked(&guard.index)).collect()
    }

    fn is_const(&self, value: Ref, literal: Literal) -> bool {
        matches!(self.nest.value(value).op, Op::Const(own) if own == literal)
    }
}

impl Terms for Nest {
    type Id = Ref;

    fn term(&self, id: Ref) -> Term<'_, Ref> {
        let value = self.value(id);
        match &value.op {
            Op::Index(dim) => Term::Index(dim),
            Op::Const(literal) => Term::Const(*literal),
            Op::Inside(guards) => Term::Inside(guards),
            Op::Map(op, args) => Term::Map(*op, args, value.dtype),
            Op::Load { .. } | Op::Cast(_) | Op::Pick(..) | Op::Combine(..) | Op::Reduced(..) => Term::Other,
            Op::Weights(_) | Op::Window(..) => Term::Other,
        }
    }
}
