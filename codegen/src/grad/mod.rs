//! Differentiation: a graph gets the nodes that compute its derivatives.
//!
//! In: a valid graph, some of its nodes, and what comes in for them. Out: the
//! same graph with more nodes, and those that hold the derivatives; or the
//! operation that has none. Always: what is added is made of the graph's own
//! operations, so that derivatives have derivatives; where a value does not
//! depend on another, the derivative is zero and no node.
//!
//! - [`vjp`], reverse mode: cotangents of outputs to gradients of inputs, as
//!   `grad` and backward kernels need them. Each node is visited once, readers
//!   before what they read, and its gradient is the sum of what they pass on.
//! - [`jvp`], forward mode: tangents of inputs to tangents of outputs.
//!
//! Next: [`rule`], the derivatives in the rows of [`crate::ops`]; [`reverse`]
//! and [`forward`], those of views, reductions and products.

mod forward;
mod reverse;
mod rule;

pub use forward::jvp;
pub use reverse::vjp;

use crate::graph::{Graph, NodeId, Op};

/// A node that has no derivative, on a way from an input to an output.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoGradient {
    pub node: NodeId,
    pub why: String,
    /// The operations from an output down to the node.
    pub path: Vec<String>,
}

/// Which nodes are floats that depend on one of these.
fn active(graph: &Graph, inputs: &[NodeId]) -> Vec<bool> {
    let mut active = vec![false; graph.nodes.len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let depends = inputs.contains(&id) || node.args.iter().any(|a| active[a.0 as usize]);
        active[id.0 as usize] = depends && node.ty.dtype.is_float();
    }
    active
}

/// The operations from an output down to a node, by the first reader that is active.
fn path(graph: &Graph, active: &[bool], node: NodeId) -> Vec<String> {
    let users = graph.users();
    let mut path = vec![name(graph, node)];
    let mut at = node;
    while !graph.outputs.contains(&at) {
        let Some(&next) = users[at.0 as usize].iter().find(|u| active.get(u.0 as usize).copied().unwrap_or(false))
        else {
            break;
        };
        path.push(name(graph, next));
        at = next;
    }
    path.reverse();
    path
}

/// What a node does, in a word that its reader knows.
fn name(graph: &Graph, id: NodeId) -> String {
    match &graph.node(id).op {
        Op::Param(number) => graph.params[*number].name.clone(),
        Op::Const(_) => "constant".into(),
        Op::Size(_) => "size".into(),
        Op::Iota(_) => "arange".into(),
        Op::Map(op) => op.name().into(),
        Op::Cast => "astype".into(),
        Op::Broadcast(_) => "broadcast".into(),
        Op::Permute(_) => "transpose".into(),
        Op::Reshape => "reshape".into(),
        Op::Slice { .. } => "slice".into(),
        Op::Pad { .. } => "pad".into(),
        Op::Window { .. } => "window".into(),
        Op::Mark(..) => "checkpoint".into(),
        Op::Reduce { monoid, .. } => monoid.name().into(),
        Op::Dot { .. } => "matmul".into(),
        Op::Gather { .. } => "take".into(),
        Op::Scatter { .. } => "index_add".into(),
    }
}
