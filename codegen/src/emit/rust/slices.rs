//! Slices: a row that several jobs share.
//!
//! In: a kernel in the row form. Out: the same, whose loops over the lane go over a job's part of it, in the pass that is the
//! job's; of the passes before it asks what they came to. Always: a kernel that keeps rows in memory of its own has none, nor one
//! that writes along the lane in any other way than element by element. Next: `kernel/slice.rs` and `exec/slices.rs` of the runtime.
//!
//! ```text
//! let (ends0, part0) = (cx.ends(0), cx.part(0, 0..e1));
//! …
//! for t in rt::tiles(part0.start..part0.end) {
//!     …
//! }
//! let v1 = cx.total(m, [0, 0], &mut a1);
//! if ends0 {
//!     return;
//! }
//! ```

use super::super::cuda::body::slices::{Cut, passes, states};
use super::kernel::Emit;
use super::nest::{Node, Ref};
use crate::kernel::Kernel;
use crate::kernel::access::accesses;
use crate::loops::{Form, Loops};
use crate::shape::Sym;

/// The runtime makes no shorter slice: of `exec/slices.rs` the same.
const LEAST: i64 = 24 * 1024;

/// The passes of a kernel whose rows may be cut.
pub(super) fn cut(loops: &Loops) -> Option<Cut> {
    let kernel = &loops.kernel;
    let lane = kernel.red.last().filter(|_| loops.form == Form::Row)?;
    let long = lane.extent.as_const().is_none_or(|n| n >= 2 * LEAST);
    let in_results = loops.kept.iter().all(|kept| kept.until.is_some());
    (long && in_results && writes_along(kernel, &lane.var)).then(|| passes(kernel, &loops.body))
}

/// Whether what is written for each point of the reduced axes has the lane as one axis.
fn writes_along(kernel: &Kernel, lane: &Sym) -> bool {
    let number = kernel.par.len() + kernel.red.len() - 1;
    let access = accesses(kernel);
    kernel.stores.iter().all(|store| {
        let along = store.index.iter().filter(|d| d.mentions(lane)).count();
        let bare = access[kernel.inputs.len() + store.output].iter().filter(|axis| **axis == Some(number)).count();
        let reduced = kernel.red.iter().any(|axis| store.index.iter().any(|d| d.mentions(&axis.var)));
        if reduced { along == 1 && bare == 1 } else { bare == 0 }
    })
}

impl Emit<'_> {
    /// A job's part of the lane: if that is `of_all` rows, found before them.
    pub(super) fn sliced(&mut self, range: String, of_all: bool) -> String {
        if self.slices.is_none() {
            return range;
        }
        let part = format!("cx.part({}, {range})", self.pass);
        let name = format!("part{}", self.pass);
        if !of_all || *self.parts.entry(name.clone()).or_insert_with(|| part.clone()) != part {
            return part;
        }
        // Not `clone`: for that rustc would go through the implementations of `Clone`, of which there are thousands.
        format!("{name}.start..{name}.end")
    }

    /// What an accumulator comes to.
    pub(super) fn total(&self, acc: Ref) -> String {
        let id = self.nest.value(acc).id;
        match states(&self.loops.kernel).position(|state| state == id).filter(|_| self.slices.is_some()) {
            Some(number) => format!("cx.total(m, [{}, {number}], &mut a{})", self.pass, id.0),
            None => format!("a{}.finish(m)", id.0),
        }
    }

    /// After a loop over the reduced axes, or what was reduced in it: a job that is for this pass ends here.
    pub(super) fn passed(&mut self, node: &Node, rest: &[Node]) {
        let Some(cut) = self.slices else { return };
        let writes = || rest.iter().any(|node| matches!(node, Node::Store { .. }));
        let ends = match node {
            Node::Finish(_) => !matches!(rest.first(), Some(Node::Finish(_))),
            Node::Loop { var, .. } => {
                self.loops.kernel.red.first().is_some_and(|axis| axis.var == *var)
                    && self.pass == cut.passes
                    && writes()
            }
            Node::Eval(_) | Node::Start(_) | Node::Push(..) | Node::Keep(_) | Node::Recall(_) => false,
            Node::Store { .. } => false,
        };
        if ends {
            let name = format!("ends{}", self.pass);
            self.parts.insert(name.clone(), format!("cx.ends({})", self.pass));
            self.out.open(format!("if {name}"));
            self.out.line("return;");
            self.out.close();
            self.pass += 1;
        }
    }
}
