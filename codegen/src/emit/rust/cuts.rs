//! Where a map's lane is cut.
//!
//! In: the loop over the lane, of a map. Out: the coordinates at which a condition on a load begins or ends to hold, as at the
//! border of what is padded or between arrays that are joined; the spans of the lane end there. Always: such a condition holds in
//! all of a span or nowhere in it, so that a row is read where it lies, and a choice by such a condition is one for all of the
//! span; results are the same wherever the lane is cut. Next: [`super::run`].
//!
//! ```text
//! for t in rt::tiles(cx.range(1)).cut([s0]) {
//!     let v3 = x.row_or([p0, t.start], [0, 1], t.len, rt::valid(t.start, 1, s0, t.len), 0.0f32, &mut v3_t);
//! ```

use super::access::{self, plain};
use super::kernel::Emit;
use super::nest::{Kind, Node, Op, Ref};
use crate::kernel::condition::said;
use crate::kernel::{Guard, is_picked};
use crate::shape::{Dim, Sym};

/// Along the border of more conditions a lane is left whole: a window is of many rows, each with its own.
const MOST: usize = 4;

impl Emit<'_> {
    /// The cuts of a loop over the lane.
    pub(super) fn cuts(&self, kind: Kind, var: &Sym, body: &[Node]) -> Vec<Dim> {
        if kind != Kind::Lane || !self.column() || !self.loops.kernel.red.is_empty() {
            return Vec::new();
        }
        let guards: Vec<Guard> = self.guards(body).into_iter().filter(|guard| guard.index.mentions(var)).collect();
        if guards.len() > MOST {
            return Vec::new();
        }
        let mut cuts: Vec<Dim> = Vec::new();
        for cut in guards.iter().flat_map(|guard| ends(guard, var)).flatten().filter(|cut| self.is_known(cut)) {
            if cut.as_const().is_none_or(|at| at > 0) && !cuts.contains(&cut) {
                cuts.push(cut);
            }
        }
        cuts
    }

    /// The cuts of the loop that begins here, as the call that makes them.
    pub(super) fn cut(&self) -> String {
        match self.cuts.is_empty() {
            true => String::new(),
            false => format!(".cut({})", access::list(self.cuts.iter().map(plain))),
        }
    }

    /// The conditions on loads.
    fn guards(&self, body: &[Node]) -> Vec<Guard> {
        let of = |node: &Node| match node {
            Node::Loop { body, .. } => self.guards(body),
            Node::Eval(v) => match &self.nest.value(*v).op {
                Op::Load { guards, .. } => guards.clone(),
                Op::Const(_) | Op::Index(_) | Op::Inside(_) | Op::Map(..) | Op::Cast(_) => Vec::new(),
                Op::Pick(..) | Op::Combine(..) | Op::Reduced(..) | Op::Weights(_) | Op::Window(..) => Vec::new(),
            },
            Node::Start(_) | Node::Push(..) | Node::Finish(_) => Vec::new(),
            Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => Vec::new(),
        };
        body.iter().flat_map(of).collect()
    }

    /// Whether a coordinate is known before the loop over the lane.
    fn is_known(&self, at: &Dim) -> bool {
        let kernel = &self.loops.kernel;
        let open = |name: &Sym| self.open.contains(name) || !kernel.axes().any(|axis| axis.var == *name);
        at.symbols().iter().all(open) && !is_picked(at)
    }

    /// Whether a condition on places is one for all of a span.
    pub(super) fn is_cut(&self, v: Ref) -> bool {
        let Some(lane) = self.loops.lane.as_ref().filter(|_| !self.cuts.is_empty()) else { return false };
        let is_cut = |at: Dim| at.as_const().is_some_and(|at| at <= 0) || self.cuts.contains(&at);
        let said = said(self.nest, v, true);
        said.whole && said.not_negative.iter().filter(|d| d.mentions(lane)).all(|d| begin(d, lane).is_some_and(is_cut))
    }
}

/// Where along the lane a condition begins to hold, and where it ends to, or the other way round.
fn ends(guard: &Guard, lane: &Sym) -> [Option<Dim>; 2] {
    if guard.extent.mentions(lane) {
        return [None, None];
    }
    [begin(&guard.index, lane), begin(&guard.index.sub(&guard.extent), lane)]
}

/// The first coordinate from which on an index is not negative, or negative again.
fn begin(index: &Dim, lane: &Sym) -> Option<Dim> {
    let (step, low) = index.affine_in(lane)?;
    match step.as_const()? {
        1 => Some(low.neg()),
        -1 => Some(low.add(&Dim::one())),
        _ => None,
    }
}
