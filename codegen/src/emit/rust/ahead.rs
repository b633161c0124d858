//! What a kernel reads next is fetched while it adds up what it has.
//!
//! In: a push, in the row form. Out: its text; for the last push of a row with the rows of inputs that the next point of the
//! innermost parallel loop reads first, and those of outputs that are written next. Always: that is a hint, which changes no
//! result. In the passes before, memory is at work on this row; in the last one it would have nothing to do. Next:
//! [`super::run`].

use super::access;
use super::code::Code;
use super::kernel::Emit;
use super::nest::{Node, Op, Ref};
use crate::kernel::{Axis, Store};
use crate::loops::Form;
use crate::shape::Dim;

/// The most rows of inputs, and of outputs, that are fetched at a time.
const MOST: usize = 4;

impl Emit<'_> {
    /// The rows that are to be fetched with a push: of inputs, and of outputs, but for `recalled` ones, which are there.
    pub(super) fn ahead(&self, acc: Ref, recalled: &[usize]) -> (Vec<String>, Vec<String>) {
        let (Some(lane), Some(row)) = (self.loops.lane.as_deref(), self.loops.kernel.par.last()) else {
            return Default::default();
        };
        if self.loops.form != Form::Row || last_push(&self.nest.body) != Some(acc) {
            return Default::default();
        }
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
        let mut written = self.ahead_of_writes(acc, lane, row, recalled);
        written.truncate(MOST);
        (rows, written)
    }

    /// The rows that are to be written behind the loop of a push; of those that it writes itself the next ones. A single row
    /// waits for nothing but itself: to fetch it as well is only more to do.
    fn ahead_of_writes(&self, acc: Ref, lane: &str, row: &Axis, recalled: &[usize]) -> Vec<String> {
        let along = |store: &&Store| store.index.iter().any(|d| d.mentions(lane));
        let stores: Vec<&Store> = self.loops.kernel.stores.iter().filter(along).collect();
        if stores.len() < 2 {
            return Vec::new();
        }
        let mut later = Vec::new();
        behind(&self.nest.body, acc, &mut later);
        let absent = |store: &&&Store| !recalled.contains(&store.output);
        let fetched = |store: &&Store| {
            let axis = store.index.iter().position(|d| d.mentions(lane))?;
            let is_later = later.contains(&store.output);
            let by = |d: &Dim| if is_later { Some(Code::atom("0")) } else { access::step(d, &row.var) };
            let by: Option<Vec<Code>> = store.index.iter().map(by).collect();
            let at = access::list(store.index.iter().map(|d| access::plain_start(d, lane)));
            Some(format!("{}.ahead({at}, {axis}, {}, t.len)", self.outputs[store.output], access::list(by?)))
        };
        stores.iter().filter(absent).filter_map(fetched).collect()
    }
}

/// The outputs that are written in loops behind that of a push; whether it is among these nodes.
fn behind(nodes: &[Node], acc: Ref, later: &mut Vec<usize>) -> bool {
    let mut passed = false;
    for node in nodes {
        match node {
            Node::Loop { body, .. } if passed => written(body, later),
            Node::Loop { body, .. } => passed = behind(body, acc, later),
            Node::Push(other, _) => passed |= *other == acc,
            Node::Eval(_) | Node::Start(_) | Node::Finish(_) | Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => {
            }
        }
    }
    passed
}

fn written(nodes: &[Node], outputs: &mut Vec<usize>) {
    for node in nodes {
        match node {
            Node::Loop { body, .. } => written(body, outputs),
            Node::Store { output, .. } => outputs.push(*output),
            Node::Push(..) | Node::Eval(_) | Node::Start(_) | Node::Finish(_) | Node::Keep(_) | Node::Recall(_) => {}
        }
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
