//! Rows of a short lane, several at a time.
//!
//! In: a loop over the last reduced axis, in the column form, or over neighbouring windows. Out: whether its body does the same to every element of a row,
//! and so to several rows as one; how these are read and written; what is one for all rows, such as the mean of each lane,
//! made before the loop as often as rows go together. Always: what it reads and writes has these rows behind one another in
//! its own order; how many go together is for the runtime to say, by the extents. Next: [`super::run`].
//!
//! ```text
//! for t in rt::tiles(cx.range(0)) {
//!     let mut a1 = rt::ColAcc::<f32, rt::monoid::Sum>::of_rows(t.len, cx.together(0, 1));
//!     for (r0, t) in t.together(e1, cx.together(0, 1)) {
//!         let v0 = x.rows([r0, t.start], [1, 0], [0, 1], t, &mut v0_t);
//!         a1.push(m, r0, v0);
//!     }
//! ```

use super::access::{self, Load};
use super::kernel::{Emit, Repr};
use super::nest::{Kind, Node, Op, Ref};
use crate::shape::{Dim, Sym};
use std::collections::BTreeSet;

impl Emit<'_> {
    /// Whether several rows of a loop can go together.
    pub(super) fn goes_together(&self, kind: Kind, var: &Sym, body: &[Node]) -> bool {
        let here = match kind {
            Kind::Serial => self.loops.kernel.red.last().is_some_and(|axis| axis.var == *var),
            Kind::Parallel => self.has_windows(var, body),
            Kind::Lane => false,
        };
        let Some(lane) = self.loops.lane.as_ref().filter(|_| self.column() && here) else { return false };
        body.iter().all(|node| match node {
            Node::Eval(v) => self.is_alike(*v, lane, var),
            Node::Push(_, v) => self.varies(*v, lane) && self.varies(*v, var),
            Node::Store { output, index, value } => {
                let order = &self.loops.kernel.outputs[*output].order;
                let along = order.last().is_some_and(|&axis| index[axis].as_sym() == Some(lane));
                let down = index.iter().any(|d| d.as_sym() == Some(var));
                let alone = index.iter().filter(|d| d.mentions(lane) || d.mentions(var)).count() == 2;
                along && down && alone && self.varies(*value, lane) && self.varies(*value, var) && once(body, *output)
            }
            Node::Loop { .. } | Node::Start(_) | Node::Finish(_) => false,
            Node::Keep(_) | Node::Recall(_) => false,
        })
    }

    /// Before a loop whose rows go together, or that has none but such a loop of windows in it: what is one for all rows, as
    /// often as rows go together.
    pub(super) fn spread(&mut self, kind: Kind, var: &Sym, body: &[Node]) {
        let Some(lane) = self.loops.lane.clone().filter(|lane| kind == Kind::Serial || self.open.contains(lane)) else {
            return;
        };
        if !self.goes_together(kind, var, body) {
            if let (Kind::Parallel, Some(Node::Loop { kind: Kind::Parallel, var, body })) = (kind, body.last()) {
                self.spread(Kind::Parallel, var, body);
            }
            return;
        }
        let rows = match kind {
            Kind::Parallel => format!("t.windows({})", self.range(var)),
            Kind::Serial | Kind::Lane => self.rows_together(),
        };
        let mut read = BTreeSet::new();
        self.reads_of(body, &mut read);
        read.retain(|&v| self.varies(v, &lane) && !self.varies(v, var));
        for v in read {
            let value = self.nest.value(v);
            let name = format!("v{}_m", value.id.0);
            let Some(Repr::Slice(slice)) = self.scope[v.0].clone().filter(|_| !self.is_spread(v, &name)) else {
                continue;
            };
            let tile = format!("{name}_t");
            self.tiles.insert(tile.clone(), value.dtype);
            self.out.line(format!("let {name} = rt::spread({slice}, {rows}, &mut {tile});"));
            self.scope[v.0] = Some(Repr::Slice(name));
        }
    }

    /// Whether a value has that name, before an outer loop.
    fn is_spread(&self, v: Ref, name: &str) -> bool {
        matches!(&self.scope[v.0], Some(Repr::Slice(slice)) if slice == name)
    }

    /// Whether what is pushed to an accumulator, in the nodes after its start, are rows that go together.
    pub(super) fn takes_rows(&self, acc: Ref, rest: &[Node]) -> bool {
        rest.iter().any(|node| match node {
            Node::Loop { kind, var, body } => {
                let here = body.iter().any(|node| matches!(node, Node::Push(other, _) if *other == acc));
                if here { self.goes_together(*kind, var, body) } else { self.takes_rows(acc, body) }
            }
            Node::Eval(_) | Node::Start(_) | Node::Push(..) | Node::Finish(_) => false,
            Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => false,
        })
    }

    /// How many rows go together, as an expression.
    pub(super) fn rows_together(&self) -> String {
        let kernel = &self.loops.kernel;
        let (lane, rows) =
            (kernel.par.len().saturating_sub(1), (kernel.par.len() + kernel.red.len()).saturating_sub(1));
        format!("cx.together({lane}, {rows})")
    }

    /// The text that reads the rows of a load: one, or those that go together here.
    pub(super) fn lane_rows(&self, load: &Load<'_>, lane: &str, tile: &str) -> String {
        match &self.together {
            Some(down) => access::rows(load, lane, down, tile),
            None => access::row(load, lane, tile),
        }
    }

    /// Asks for the lines of rows that are written when they have been computed.
    pub(super) fn fetch_rows(&mut self, output: usize, index: &[Dim]) {
        if self.together.is_some() {
            self.out.line(format!("{}.fetch_rows({});", self.outputs[output], self.place(index)));
        }
    }

    fn varies(&self, value: Ref, var: &Sym) -> bool {
        self.nest.value(value).vars.contains(var)
    }

    /// Whether a value is computed of each element of the rows in the same way, or is one for all of them.
    fn is_alike(&self, value: Ref, lane: &Sym, down: &Sym) -> bool {
        let whole = |v: Ref| self.varies(v, lane) == self.varies(v, down);
        // What is one for all rows is a slice from before the loop; see [`Emit::spread`].
        let taken = |v: Ref| whole(v) || self.varies(v, lane);
        let one = !self.varies(value, lane) && !self.varies(value, down);
        one || match &self.nest.value(value).op {
            Op::Load { input, index, guards, .. } => {
                let order = &self.loops.kernel.inputs[*input].order;
                let along = order.last().is_some_and(|&axis| index[axis].mentions(lane));
                let free = |step: Dim| !step.mentions(lane) && !step.mentions(down);
                let steps =
                    |d: &Dim| [lane, down].iter().all(|var| d.affine_in(var).is_some_and(|(step, _)| free(step)));
                whole(value)
                    && along
                    && guards.is_empty()
                    && self.nest.args(value).is_empty()
                    && index.iter().all(steps)
            }
            Op::Map(_, args) => whole(value) && args.iter().all(|&arg| taken(arg)),
            Op::Cast(arg) => whole(value) && taken(*arg),
            Op::Const(_) => true,
            Op::Index(_) | Op::Inside(_) | Op::Pick(..) | Op::Combine(..) | Op::Reduced(..) => false,
            Op::Window(_, window) => window.goes_along(down),
            Op::Weights(_) => false,
        }
    }
}

/// Whether a body writes one row of an output, not several.
fn once(body: &[Node], output: usize) -> bool {
    body.iter().filter(|node| matches!(node, Node::Store { output: other, .. } if *other == output)).count() == 1
}
