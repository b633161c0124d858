//! Dtypes in memory and in kernels.
//!
//! In: values and nodes. Out: the casts between the dtype that a node has in
//! memory and the one that kernels compute in. Always: a value that a kernel
//! computes with is of the latter; what is rounded, and where, is decided here.
//! Next: [`super::builder`].

use super::base;
use super::builder::{Builder, Context};
use crate::dtype::DType;
use crate::graph::{Graph, Node, NodeId, Op};
use crate::kernel::{Inst, InstOp, ValId};

/// Which nodes are in memory as kernels compute with them: the reductions that
/// no step reads and that are no results.
pub(super) fn wide(graph: &Graph) -> Vec<bool> {
    let reduced = |id| matches!(graph.node(id).op, Op::Reduce { .. });
    let mut wide: Vec<bool> = graph.ids().map(|id| reduced(id) && !graph.outputs.contains(&id)).collect();
    for step in graph.ids().filter(|&id| graph.node(id).op.is_step()) {
        for &arg in &graph.node(step).args {
            wide[base(graph, arg).0 as usize] = false;
        }
    }
    wide
}

impl Context<'_> {
    /// The dtype that a node has in memory.
    pub fn stored_dtype(&self, id: NodeId) -> DType {
        let dtype = self.graph.ty(id).dtype;
        if self.wide[id.0 as usize] { dtype.computed() } else { dtype }
    }
}

impl Builder<'_> {
    /// A value in another dtype. Those of memory alone are read and made by way
    /// of the one that they are computed in.
    pub(super) fn cast(&mut self, value: ValId, to: DType) -> ValId {
        let Inst { op, dtype: from } = self.code[value.0 as usize].clone();
        if from == to {
            return value;
        }
        match op {
            InstOp::Cast(inner) if self.code[inner.0 as usize].dtype == to && to.is_stored_only() => inner,
            _ if to.is_stored_only() && !from.is_float() => {
                let number = self.cast(value, to.computed());
                self.cast(number, to)
            }
            _ => self.push(InstOp::Cast(value), to),
        }
    }

    /// Whether a cast to a dtype of memory alone rounds, or the writing to memory
    /// does: an integer's, and a scatter's from its sums to its own dtype.
    pub(super) fn rounds(&self, cast: &Node) -> bool {
        let arg = self.cx.graph.node(cast.args[0]);
        let own = |sums: &Node| self.cx.graph.ty(sums.args[0]).dtype == cast.ty.dtype;
        arg.ty.dtype.is_float() && !(matches!(arg.op, Op::Scatter { .. }) && own(arg))
    }

    /// A value as kernels compute with it.
    pub(super) fn computed(&mut self, value: ValId) -> ValId {
        let dtype = self.code[value.0 as usize].dtype;
        self.cast(value, dtype.computed())
    }

    /// What was loaded, before its cast to the dtype that kernels compute in.
    pub(super) fn loaded(&self, value: ValId) -> ValId {
        match self.code[value.0 as usize].op {
            InstOp::Cast(load) if self.code[load.0 as usize].dtype.is_stored_only() => load,
            _ => value,
        }
    }
}
