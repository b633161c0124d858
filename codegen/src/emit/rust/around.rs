//! Windows: many rows of one input that begin a few places apart.
//!
//! In: the values of a run; loops. Out: a `near` for each input that has such rows, and how each row is read by way of it; the
//! loops with the lane outermost.
//! Always: a row that a guard keeps out is of zeros; other fills are left to [`super::access`]. Next: [`super::run`].

use super::access::{self, plain};
use super::code;
use super::kernel::{Emit, Repr};
use super::nest::{Kind, Node, Op, Ref};
use crate::loops::Form;
use crate::ops::Literal;
use crate::shape::{Dim, Sym};
use std::collections::{BTreeMap, BTreeSet};

/// So many rows are a window.
const LEAST: usize = 4;

/// Rows of one input, with their offsets from the first of them.
struct Around {
    input: usize,
    rows: Vec<(Ref, Vec<i64>)>,
}

impl Emit<'_> {
    /// Opens the windows of a run's rows; for each row the text that reads it.
    pub(super) fn around(&mut self, rows: &[Ref]) -> BTreeMap<Ref, String> {
        let Some(lane) = self.loops.lane.clone().filter(|_| self.together.is_none()) else { return BTreeMap::new() };
        let mut windows: Vec<Around> = Vec::new();
        for &v in rows {
            let Op::Load { input, index, guards, fill } = &self.nest.value(v).op else { continue };
            let zero = guards.is_empty() || matches!(fill, Literal::Int(0) | Literal::Float(0));
            let apart = guards.iter().all(|g| !g.index.mentions(&lane) && !g.extent.mentions(&lane));
            if !zero || !apart || !self.nest.args(v).is_empty() || index.iter().any(|d| d.affine_in(&lane).is_none()) {
                continue;
            }
            match windows.iter_mut().find(|w| w.input == *input) {
                None => windows.push(Around { input: *input, rows: vec![(v, vec![0; index.len()])] }),
                Some(window) => {
                    let Op::Load { index: first, .. } = &self.nest.value(window.rows[0].0).op else { continue };
                    let offsets = index.iter().zip(first).map(|(d, first)| d.sub(first).as_const());
                    window.rows.extend(offsets.collect::<Option<_>>().map(|offsets| (v, offsets)));
                }
            }
        }
        let mut read = BTreeMap::new();
        for window in windows.iter().filter(|w| w.rows.len() >= LEAST) {
            let (name, first) = (&self.inputs[window.input], window.rows[0].0);
            let Op::Load { index, .. } = &self.nest.value(first).op else { continue };
            let start =
                |d: &Dim| code::dim(d, &|s| if s == &*lane { "t.start".to_string() } else { s.to_string() }).text;
            let step = |d: &Dim| d.affine_in(&lane).map_or_else(String::new, |(step, _)| plain(&step).text);
            let list = |of: &dyn Fn(&Dim) -> String| index.iter().map(of).collect::<Vec<_>>().join(", ");
            let line = format!("let {name}_n = {name}.near([{}], [{}], t.len);", list(&start), list(&step));
            for (v, offsets) in &window.rows {
                let value = self.nest.value(*v);
                let Op::Load { guards, .. } = &value.op else { continue };
                let offsets: Vec<String> = offsets.iter().map(i64::to_string).collect();
                let inside = access::inside(guards, &|s| s.to_string()).text;
                read.insert(
                    *v,
                    format!("&{name}_n.row([{}], {inside}, &mut {}_t)[..t.len]", offsets.join(", "), value.name),
                );
            }
            self.out.line(line);
        }
        read
    }

    /// Within loops inside the lane's, slices from outside of them are given the tile's length again: the compiler does not
    /// carry it into the loops, and would check each element.
    pub(super) fn known_lengths(&mut self, run: &[Ref]) {
        if self.open.last() == self.loops.lane.as_ref() || self.loops.form != Form::Column {
            return;
        }
        // A piece does so itself; what picks elements is read before it.
        let here = run.iter().filter(|v| !self.once || matches!(self.nest.value(**v).op, Op::Load { .. }));
        let outer: BTreeSet<Ref> = here.flat_map(|v| self.nest.args(*v)).collect();
        for v in outer {
            if let Some(Repr::Slice(slice)) = &self.scope[v.0] {
                self.out.line(format!("let {slice} = &{slice}[..t.len];"));
            }
        }
    }

    /// Gives a row that is read so its name, and the tile that it may need.
    pub(super) fn named_row(&mut self, v: Ref, row: &str) {
        let value = self.nest.value(v);
        self.tiles.insert(format!("{}_t", value.name), value.dtype);
        self.row(v, row);
    }

    /// Gives a row its name.
    pub(super) fn row(&mut self, v: Ref, row: &str) {
        let name = self.nest.value(v).name.clone();
        self.out.line(format!("let {name} = {row};"));
        self.scope[v.0] = Some(Repr::Slice(name));
    }
}

/// The lane of loops that stand around each other, and the loops without its own; `None` where there is more to them.
pub(super) fn without_lane(nodes: &[Node]) -> Option<(Sym, Vec<Node>)> {
    let (last, before) = nodes.split_last()?;
    let Node::Loop { kind, var, body } = last else { return None };
    let plain = |node: &Node| matches!(node, Node::Eval(_));
    if !before.iter().all(plain) {
        return None;
    }
    match kind {
        Kind::Lane if body.iter().all(|node| plain(node) || matches!(node, Node::Store { .. })) => {
            Some((var.clone(), [before, body].concat()))
        }
        Kind::Lane | Kind::Serial => None,
        Kind::Parallel => {
            let (lane, body) = without_lane(body)?;
            let around = Node::Loop { kind: *kind, var: var.clone(), body };
            Some((lane, [before, &[around]].concat()))
        }
    }
}
