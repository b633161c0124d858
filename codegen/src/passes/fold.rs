//! Constants: what is known when the program is compiled is computed then.
//!
//! Always: a folded float has the bits that the target would compute, so only
//! operations that every machine rounds alike are folded, and no NaN is made.

use crate::dtype::DType;
use crate::graph::{Graph, NodeId, Op};
use crate::interp::Precision;
use crate::interp::eval::{apply, cast};
use crate::ops::{Literal, MapOp};

/// The float operations that IEEE 754 defines to the last bit.
const EXACT: &[&str] = &[
    "add", "sub", "mul", "div", "neg", "abs", "sign", "sqrt", "floor", "ceil", "round", "trunc", "maximum", "minimum",
    "fmax", "fmin", "copysign", "eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "isfinite", "where",
];

/// Whether the operation on floats has the same bits on every machine.
pub fn is_exact(op: MapOp) -> bool {
    EXACT.contains(&op.name())
}

/// The number that every element of a node is, where it is known.
pub fn known(graph: &Graph, id: NodeId) -> Option<Literal> {
    let node = graph.node(id);
    match (&node.op, node.args.as_slice()) {
        (Op::Const(literal), _) => Some(*literal),
        (Op::Broadcast(_), [x]) => match graph.node(*x).op {
            Op::Const(literal) => Some(literal),
            _ => None,
        },
        _ => None,
    }
}

/// An array of one number, of the shape of `id` and of this dtype.
pub fn fill_like(graph: &mut Graph, id: NodeId, literal: Literal, dtype: DType) -> NodeId {
    let shape = graph.ty(id).shape.clone();
    let number = graph.konst(literal, dtype);
    graph.broadcast(number, &[], &shape)
}

/// What an operation on numbers is, if every machine has the same bits for it; whether there are `floats` among them.
pub fn folded(op: MapOp, args: &[Literal], floats: bool, dtype: DType) -> Option<Literal> {
    let literal = apply(op, args, dtype).cast(dtype);
    (!floats || is_exact(op) && !literal.as_f64().is_nan()).then_some(literal)
}

/// Rule: an operation on constants is a constant.
pub fn fold(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    let dtype = node.ty.dtype;
    let args: Vec<Literal> = node.args.iter().map(|&a| known(graph, a)).collect::<Option<_>>()?;
    let literal = match node.op {
        Op::Map(op) => {
            let floats = node.args.iter().any(|&a| graph.ty(a).dtype.is_float());
            folded(op, &args, floats, dtype)?
        }
        Op::Cast => cast(args[0], dtype, Precision::Rounded),
        Op::Size(ref dim) => Literal::Int(i128::from(dim.as_const()?)),
        _ => return None,
    };
    Some(fill_like(graph, id, literal, dtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exact_operation_has_a_row() {
        for name in EXACT {
            assert!(MapOp::from_name(name).is_some(), "{name}");
        }
    }
}
