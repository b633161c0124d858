//! Reshapes, moved from results of elementwise operations to their operands.
//!
//! In: a graph. Out: the same, where a reshape of an elementwise expression of
//! whole parameters is that expression of reshaped parameters. Always: a
//! reshaped parameter is a view of memory, so nothing needs to be written out
//! to be read under another shape.

use super::rebuild::rebuild;
use crate::graph::{Graph, NodeId, Op};
use crate::shape::Dim;

/// An expression that costs more than this is not computed twice, as it would
/// be where it is also read under its own shape.
const CHEAP: u32 = 40;

pub fn sink(graph: &Graph) -> Graph {
    rebuild(graph, |out, node, args| match &node.op {
        Op::Reshape => {
            let mut cost = 0;
            let elementwise = matches!(out.node(args[0]).op, Op::Map(_) | Op::Cast);
            (elementwise && sinks(out, args[0], &mut cost)).then(|| reshaped(out, args[0], &node.ty.shape))
        }
        _ => None,
    })
}

/// Whether the node is an elementwise expression of whole parameters and of
/// numbers that are the same everywhere.
fn sinks(g: &Graph, id: NodeId, cost: &mut u32) -> bool {
    let node = g.node(id);
    match &node.op {
        Op::Param(_) => true,
        Op::Map(op) => {
            *cost = cost.saturating_add(op.row().cost);
            *cost <= CHEAP && node.args.iter().all(|&arg| sinks(g, arg, cost))
        }
        Op::Cast => sinks(g, node.args[0], cost),
        _ => is_uniform(g, id),
    }
}

fn is_uniform(g: &Graph, id: NodeId) -> bool {
    let node = g.node(id);
    let from_one = |arg: NodeId| g.ty(arg).rank() == 0;
    node.ty.rank() == 0 || matches!(node.op, Op::Broadcast(_)) && from_one(node.args[0])
}

fn reshaped(g: &mut Graph, id: NodeId, shape: &[Dim]) -> NodeId {
    let node = g.node(id).clone();
    match node.op {
        Op::Map(op) => {
            let args: Vec<NodeId> = node.args.iter().map(|&arg| reshaped(g, arg, shape)).collect();
            g.map(op, &args)
        }
        Op::Cast => {
            let arg = reshaped(g, node.args[0], shape);
            g.cast(arg, node.ty.dtype)
        }
        Op::Broadcast(_) => g.broadcast_to(node.args[0], shape),
        _ => g.reshape(id, shape),
    }
}
