//! Differentiation: a graph gets the nodes that compute its derivatives.
//!
//! In: a valid graph, some of its nodes, and what comes in for them. Out: the
//! same graph with more nodes, and those that hold the derivatives. Always: what is added is made of the graph's own
//! operations, so that derivatives have derivatives; where a value does not
//! depend on another, the derivative is zero and no node.
//!
//! - [`vjp`], reverse mode: cotangents of outputs to gradients of inputs, as
//!   `grad` and backward kernels need them. Each node is visited once, readers
//!   before what they read, and its gradient is the sum of what they pass on.
//! - [`jvp`], forward mode: tangents of inputs to tangents of outputs.
//!
//! Next: [`rule`], the derivatives in the rows of [`crate::ops`]; [`reverse`]
//! and [`forward`], those of views, reductions and products;
//! [`windows`], of products of windows.

mod forward;
mod reverse;
mod rule;
mod windows;

pub use forward::jvp;
pub use reverse::vjp;

use crate::graph::{Graph, NodeId};
use crate::ops::MapOp;

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

fn plus(graph: &mut Graph, a: NodeId, b: NodeId) -> NodeId {
    graph.map(MapOp::named("add"), &[a, b])
}
