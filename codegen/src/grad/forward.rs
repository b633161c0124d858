//! Forward mode: Jacobian-vector products.
//!
//! In: inputs with their tangents. Out: the tangent of each output. Always: a
//! rule of reverse mode is linear in `g` and element by element, so that it
//! gives a tangent when `g` is one; a view of a value is the same view of its
//! tangent. Next: [`super::rule`].

use super::rule::{Names, Rules};
use super::{active, plus};
use crate::graph::{Graph, NodeId, Op};
use crate::ops::{Literal, Monoid};

/// The tangent of each output; `None` is zero. An input's tangent has the
/// input's type.
pub fn jvp(graph: &mut Graph, inputs: &[(NodeId, NodeId)], outputs: &[NodeId]) -> Vec<Option<NodeId>> {
    let wrt: Vec<NodeId> = inputs.iter().map(|p| p.0).collect();
    let active = active(graph, &wrt);
    let mut tangents: Vec<Option<NodeId>> = vec![None; active.len()];
    let mut rules = Rules::default();
    for index in 0..active.len() {
        if !active[index] {
            continue;
        }
        let id = NodeId(index as u32);
        tangents[index] = match inputs.iter().find(|p| p.0 == id) {
            Some(&(_, tangent)) => Some(tangent),
            None => tangent(graph, &mut rules, id, &|a: NodeId| tangents[a.0 as usize]),
        };
    }
    outputs.iter().map(|o| tangents[o.0 as usize]).collect()
}

fn tangent(graph: &mut Graph, rules: &mut Rules, id: NodeId, of: &dyn Fn(NodeId) -> Option<NodeId>) -> Option<NodeId> {
    let node = graph.node(id).clone();
    let args = &node.args;
    match &node.op {
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) => None,
        Op::Map(op) => {
            let parts: Vec<Option<NodeId>> = (args.iter().enumerate())
                .map(|(k, &arg)| {
                    let names = Names { args, result: id, incoming: of(arg)?, axes: &[] };
                    rules.apply(graph, op.row().grad[k], &names)
                })
                .collect();
            sum(graph, &parts)
        }
        Op::Cast => of(args[0]).map(|t| graph.cast(t, node.ty.dtype)),
        Op::Broadcast(_) | Op::Permute(_) | Op::Reshape | Op::Slice { .. } | Op::Window { .. } | Op::Mark(..) => {
            of(args[0]).map(|t| graph.typed(node.op.clone(), &[t], &node.ty))
        }
        // A tangent is moved as the value is.
        Op::Gather { .. } | Op::Scatter { .. } => {
            of(args[0]).map(|t| graph.typed(node.op.clone(), &[t, args[1]], &node.ty))
        }
        Op::Pad { .. } => {
            let parts = [of(args[0]), of(args[1])];
            if parts == [None, None] {
                return None;
            }
            let zero = graph.konst(Literal::Int(0), node.ty.dtype);
            let inside = parts[0].unwrap_or_else(|| graph.zeros_like(args[0]));
            Some(graph.typed(node.op.clone(), &[inside, parts[1].unwrap_or(zero)], &node.ty))
        }
        Op::Reduce { monoid, axes } => {
            let incoming = of(args[0])?;
            let shape = graph.ty(args[0]).shape.clone();
            let result = graph.spread(id, axes, &shape);
            let part = rules.apply(graph, monoid.row().grad, &Names { args, result, incoming, axes })?;
            Some(graph.reduce(Monoid::named("sum"), part, axes))
        }
        Op::Dot { batch, contract } => {
            let left = of(args[0]).map(|t| graph.dot(t, args[1], batch, contract));
            let right = of(args[1]).map(|t| graph.dot(args[0], t, batch, contract));
            sum(graph, &[left, right])
        }
    }
}

fn sum(graph: &mut Graph, parts: &[Option<NodeId>]) -> Option<NodeId> {
    parts.iter().flatten().copied().reduce(|a, b| plus(graph, a, b))
}
