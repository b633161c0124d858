//! Conditions on an argument that its result answers as well.
//!
//! In: a graph. Out: the same values, bit for bit, where `x <= 0` is `y <= 0`
//! for the `y = where(x <= 0, 0, x)` that the graph has. Always: nothing is
//! added but conditions. So the gradient of a relu reads what the next layer
//! reads too, and the product that it was applied to need not be kept.

use super::rebuild::rebuild;
use crate::graph::{Graph, Node, NodeId, Op};
use crate::ops::MapOp;

pub fn masks(graph: &Graph) -> Graph {
    rebuild(graph, |out, node, args| match (&node.op, args) {
        (Op::Map(op), &[mask, zero, g]) if *op == MapOp::named("where") => masked(out, *op, mask, zero, g),
        _ => None,
    })
}

/// `where(x <= 0, 0, g)`, with the condition on the result for `x`.
fn masked(out: &mut Graph, select: MapOp, mask: NodeId, zero: NodeId, g: NodeId) -> Option<NodeId> {
    let Node { op: Op::Map(compare), args, .. } = out.node(mask).clone() else { return None };
    let &[x, bound] = args.as_slice() else { return None };
    // A NaN is its own result, and both conditions are false.
    if compare != MapOp::named("le") || bound != zero || g == x {
        return None;
    }
    let y = out.find(&Node { op: Op::Map(select), args: vec![mask, zero, x], ty: out.ty(x).clone() })?;
    let mask = out.map(compare, &[y, zero]);
    Some(out.map(select, &[mask, zero, g]))
}
