//! What a kernel reads next is fetched while it adds up what it has.
//!
//! In: a push, in the row form. Out: for the last push of a row the rows of inputs that the next point of the innermost
//! parallel loop reads first, and what its loop is about to write of several rows. Always: that is a hint, which changes no
//! result. In the passes before, memory is at work on this row; in the last one it would have nothing to do. Next:
//! [`super::run`].

use super::access;
use super::kernel::Emit;
use super::nest::{Node, Op, Ref};
use super::run::Run;
use crate::loops::Form;
use crate::shape::Dim;
use std::collections::BTreeSet;

/// The most rows of inputs, and of outputs, that are fetched at a time.
const MOST: usize = 4;

impl Emit<'_> {
    /// Whether a push is the last of a row.
    pub(super) fn is_last(&self, acc: Ref) -> bool {
        self.loops.form == Form::Row && last_push(&self.nest.body) == Some(acc)
    }

    /// The rows of inputs that are to be fetched with the last push.
    pub(super) fn ahead(&self) -> Vec<String> {
        let (Some(lane), Some(row)) = (self.loops.lane.as_deref(), self.loops.kernel.par.last()) else {
            return Vec::new();
        };
        let mut seen = Vec::new();
        let mut rows = Vec::new();
        for v in (0..self.nest.values.len()).map(Ref) {
            let value = self.nest.value(v);
            let Op::Load { input, index, .. } = &value.op else { continue };
            let varies = value.vars.iter().any(|var| **var == *lane) && value.vars.contains(&row.var);
            if !varies || !self.nest.args(v).is_empty() || seen.contains(input) {
                continue;
            }
            let steps = |var: &str| index.iter().map(|d| access::step(d, var)).collect::<Option<Vec<_>>>();
            let (Some(along), Some(by)) = (steps(lane), steps(&row.var)) else { continue };
            let at = access::list(index.iter().map(|d| access::plain_start(d, lane)));
            let (name, along, by) = (&self.inputs[*input], access::list(along), access::list(by));
            rows.push(format!("{name}.ahead({at}, {along}, {by}, t.len)"));
            seen.push(*input);
        }
        rows.truncate(MOST);
        rows
    }

    /// What is to be fetched of the rows that a loop writes beside others, where nothing lies yet; `late` ones are written after it.
    pub(super) fn beyond(&self, run: &Run<'_>, late: &BTreeSet<usize>) -> Vec<String> {
        let kept = run.keeps.iter().filter_map(|&v| self.until(v)).map(|store| &self.loops.kernel.stores[store]);
        let stored = run.stores.iter().filter(|sink| !run.lies_in(sink.output) && !late.contains(&sink.output));
        let rows =
            kept.map(|store| (store.output, &store.index[..])).chain(stored.map(|sink| (sink.output, sink.index)));
        let text = |(output, index): (usize, &[Dim])| format!("{}.beyond({})", self.outputs[output], self.place(index));
        rows.take(MOST).map(text).collect()
    }
}

/// The accumulator of the last push.
fn last_push(nodes: &[Node]) -> Option<Ref> {
    nodes.iter().rev().find_map(|node| match node {
        Node::Loop { body, .. } => last_push(body),
        Node::Push(acc, _) => Some(*acc),
        Node::Eval(_) | Node::Start(_) | Node::Finish(_) | Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => None,
    })
}
