//! A graph without fusion: what fusion is measured against.
//!
//! In: a graph. Out: the nodes that are then in memory: every elementwise
//! operation, cast, reduction and gather over more than one number. Always:
//! views and constants stay part of what reads them, and so does a product of
//! windows, which nobody would write out. Next: [`super::builder`].

use crate::graph::{Graph, NodeId, Op};

/// Whether a node has a kernel of its own.
pub fn is_apart(graph: &Graph, id: NodeId) -> bool {
    match graph.node(id).op {
        Op::Map(_) | Op::Cast | Op::Gather { .. } => graph.ty(id).rank() > 0 && !over_windows(graph, id),
        Op::Reduce { .. } => true,
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Dot { .. } | Op::Scatter { .. } => false,
        Op::Broadcast(_) | Op::Permute(_) | Op::Reshape | Op::Slice { .. } | Op::Pad { .. } => false,
        Op::Window { .. } | Op::Mark(..) => false,
    }
}

fn over_windows(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).args.iter().any(|&arg| is_window(graph, arg))
}

/// Whether a node is a view of a window.
fn is_window(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    match node.op {
        Op::Window { .. } => true,
        Op::Broadcast(_) | Op::Permute(_) | Op::Reshape | Op::Slice { .. } | Op::Pad { .. } | Op::Mark(..) => {
            is_window(graph, node.args[0])
        }
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Map(_) | Op::Cast => false,
        Op::Reduce { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => false,
    }
}
