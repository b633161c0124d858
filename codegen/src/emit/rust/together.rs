//! Rows of a short lane, several at a time.
//!
//! In: a loop over the last reduced axis, in the column form. Out: whether its body does the same to every element of a row,
//! and so to several rows as one; how these are read. Always: what it reads has these rows behind one another in its own
//! order; how many go together is for the runtime to say, by the extents. Next: [`super::run`].
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
use super::kernel::Emit;
use super::nest::{Kind, Node, Op, Ref};
use crate::ops::Answer;
use crate::shape::{Dim, Sym};

impl Emit<'_> {
    /// Whether several rows of a loop can go together.
    pub(super) fn goes_together(&self, kind: Kind, var: &Sym, body: &[Node]) -> bool {
        let last = self.loops.kernel.red.last().is_some_and(|axis| axis.var == *var);
        let Some(lane) = self.loops.lane.as_ref().filter(|_| self.column() && kind == Kind::Serial && last) else {
            return false;
        };
        body.iter().all(|node| match node {
            Node::Eval(v) => self.is_alike(*v, lane, var),
            Node::Push(acc, v) => self.sums(*acc) && self.varies(*v, lane) && self.varies(*v, var),
            Node::Loop { .. } | Node::Start(_) | Node::Finish(_) => false,
            Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => false,
        })
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

    fn varies(&self, value: Ref, var: &Sym) -> bool {
        self.nest.value(value).vars.contains(var)
    }

    fn sums(&self, acc: Ref) -> bool {
        matches!(self.nest.value(acc).op, Op::Reduced(monoid, _) if monoid.row().answer == Answer::Same)
    }

    /// Whether a value is computed of each element of the rows in the same way, or is one for all of them.
    fn is_alike(&self, value: Ref, lane: &Sym, down: &Sym) -> bool {
        let whole = |v: Ref| self.varies(v, lane) == self.varies(v, down);
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
            Op::Map(_, args) => whole(value) && args.iter().all(|&arg| whole(arg)),
            Op::Cast(arg) => whole(value) && whole(*arg),
            Op::Const(_) => true,
            Op::Index(_) | Op::Inside(_) | Op::Pick(..) | Op::Combine(..) | Op::Reduced(..) => false,
            Op::Weights(_) | Op::Window(..) => false,
        }
    }
}
