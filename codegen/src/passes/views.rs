//! Rules on views, reductions and products; [`super::simplify::RULES`] says
//! what each is.

use super::fold::fill_like;
use crate::graph::infer::without;
use crate::graph::{Graph, Mark, Node, NodeId, Op};
use crate::ops::{Answer, Literal, MapOp};
use crate::shape::Dim;

/// The node and its first operand's node, if the node's operation is wanted.
fn pair(graph: &Graph, id: NodeId, wanted: fn(&Op) -> bool) -> Option<(Node, Node)> {
    let outer = only(graph, id, wanted)?;
    let inner = graph.node(*outer.args.first()?).clone();
    Some((outer, inner))
}

/// The node, if its operation is wanted.
fn only(graph: &Graph, id: NodeId, wanted: fn(&Op) -> bool) -> Option<Node> {
    wanted(&graph.node(id).op).then(|| graph.node(id).clone())
}

pub fn idle(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (outer, inner) = pair(graph, id, |op| op.is_view() || matches!(op, Op::Cast))?;
    let same = match &outer.op {
        Op::Cast | Op::Reshape | Op::Broadcast(_) | Op::Pad { .. } => true,
        Op::Permute(perm) => perm.is_sorted(),
        // What is differentiated is so by now.
        Op::Mark(mark, _) => *mark != Mark::Again,
        Op::Slice { start, step } => start.iter().all(|s| s.is(0)) && step.iter().all(|&s| s == 1),
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Map(_) => false,
        Op::Window { .. } | Op::Reduce { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => false,
    };
    (same && outer.ty == inner.ty).then(|| outer.args[0])
}

pub fn uniform(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (outer, inner) = pair(graph, id, Op::is_view)?;
    let Op::Broadcast(axes) = &inner.op else { return None };
    let same = match &outer.op {
        Op::Permute(_) | Op::Reshape | Op::Slice { .. } | Op::Window { .. } => true,
        Op::Pad { .. } => outer.args[1] == inner.args[0],
        Op::Mark(..) => false,
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Map(_) | Op::Cast => false,
        Op::Broadcast(_) | Op::Reduce { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => false,
    };
    (same && axes.is_empty()).then(|| graph.broadcast(inner.args[0], &[], &outer.ty.shape))
}

pub fn compose(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (outer, inner) = pair(graph, id, Op::is_view)?;
    let x = *inner.args.first()?;
    match (&outer.op, &inner.op) {
        (Op::Permute(p), Op::Permute(q)) => {
            let perm: Vec<usize> = p.iter().map(|&k| q[k]).collect();
            Some(graph.permute(x, &perm))
        }
        (Op::Reshape, Op::Reshape) => Some(graph.reshape(x, &outer.ty.shape)),
        (Op::Broadcast(p), Op::Broadcast(q)) => {
            let axes: Vec<usize> = q.iter().map(|&k| p[k]).collect();
            Some(graph.broadcast(x, &axes, &outer.ty.shape))
        }
        (Op::Slice { start: a, step: s }, Op::Slice { start: b, step: t }) => {
            let start: Vec<Dim> = (0..a.len()).map(|k| b[k].add(&a[k].scale(t[k]))).collect();
            let step: Option<Vec<i64>> = s.iter().zip(t).map(|(s, t)| s.checked_mul(*t)).collect();
            Some(graph.slice(x, &start, &step?, &outer.ty.shape))
        }
        (Op::Pad { before: a }, Op::Pad { before: b }) if outer.args[1] == inner.args[1] => {
            let before: Vec<Dim> = a.iter().zip(b).map(|(a, b)| a.add(b)).collect();
            let sizes = outer.ty.shape.iter().zip(&graph.ty(x).shape).zip(&before);
            let after: Vec<Dim> = sizes.map(|((out, n), before)| out.sub(n).sub(before)).collect();
            Some(graph.pad(x, &before, &after, outer.args[1]))
        }
        _ => None,
    }
}

/// Where the axes of `from` stand in `to`, if `to` only adds axes of size 1.
fn added(from: &[Dim], to: &[Dim]) -> Option<Vec<usize>> {
    let mut axes = Vec::new();
    for (k, n) in to.iter().enumerate() {
        if from.get(axes.len()) == Some(n) {
            axes.push(k);
        } else if !n.is(1) {
            return None;
        }
    }
    (axes.len() == from.len()).then_some(axes)
}

pub fn unit(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (outer, inner) = pair(graph, id, |op| matches!(op, Op::Reshape))?;
    if let Some(axes) = added(&inner.ty.shape, &outer.ty.shape) {
        return Some(graph.broadcast(outer.args[0], &axes, &outer.ty.shape));
    }
    let Op::Broadcast(axes) = &inner.op else { return None };
    let x = inner.args[0];
    let kept: Vec<Dim> = axes.iter().map(|&k| inner.ty.shape[k].clone()).collect();
    let ones = (0..inner.ty.rank()).all(|k| axes.contains(&k) || inner.ty.shape[k].is(1));
    (ones && kept == graph.ty(x).shape).then(|| graph.reshape(x, &outer.ty.shape))
}

pub fn turn(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (outer, inner) = pair(graph, id, |op| matches!(op, Op::Permute(_)))?;
    let (Op::Permute(perm), Op::Broadcast(axes)) = (&outer.op, &inner.op) else { return None };
    let new: Vec<usize> = axes.iter().filter_map(|a| perm.iter().position(|p| p == a)).collect();
    new.is_sorted().then(|| graph.broadcast(inner.args[0], &new, &outer.ty.shape))
}

pub fn single(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = only(graph, id, |op| matches!(op, Op::Slice { .. }))?;
    let Op::Slice { start, step } = &node.op else { return None };
    let one = |k: usize| if node.ty.shape[k].is(1) { 1 } else { step[k] };
    let new: Vec<i64> = (0..step.len()).map(one).collect();
    (new != *step).then(|| graph.slice(node.args[0], start, &new, &node.ty.shape))
}

pub fn index(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = only(graph, id, |op| matches!(op, Op::Iota(_)))?;
    let Op::Iota(axis) = node.op else { return None };
    node.ty.shape[axis].is(1).then(|| fill_like(graph, id, Literal::Int(0), node.ty.dtype))
}

pub fn narrow(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (outer, inner) = pair(graph, id, |op| matches!(op, Op::Reduce { .. }))?;
    let Op::Reduce { monoid, axes } = &outer.op else { return None };
    let ones: Vec<usize> = axes.iter().copied().filter(|&k| inner.ty.shape[k].is(1)).collect();
    if ones.is_empty() {
        return None;
    }
    let dtype = outer.ty.dtype;
    if monoid.row().answer == Answer::Index {
        return Some(fill_like(graph, id, Literal::Int(0), dtype));
    }
    let squeezed = without(&inner.ty.shape, &ones);
    let x = graph.reshape(outer.args[0], &squeezed);
    let rest = axes.iter().filter(|k| !ones.contains(k));
    let rest: Vec<usize> = rest.map(|&k| k - ones.iter().filter(|&&one| one < k).count()).collect();
    if !rest.is_empty() {
        return Some(graph.reduce(*monoid, x, &rest));
    }
    // A sum of one float starts at +0, which a lone -0 does not survive.
    match monoid.name() {
        "sum" if dtype.is_float() => {
            let zero = fill_like(graph, id, Literal::Int(0), dtype);
            Some(graph.map(MapOp::named("add"), &[x, zero]))
        }
        _ => Some(x),
    }
}

pub fn hoist(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = only(graph, id, |op| matches!(op, Op::Map(_) | Op::Cast))?;
    // What each operand is a broadcast of, and by which axes.
    let source = |graph: &Graph, arg: NodeId| match &graph.node(arg).op {
        Op::Broadcast(axes) => Some((axes.clone(), graph.node(arg).args[0])),
        _ => None,
    };
    let sources: Vec<(Vec<usize>, NodeId)> = node.args.iter().map(|&a| source(graph, a)).collect::<Option<_>>()?;
    let (axes, x) = sources.iter().max_by_key(|(axes, _)| axes.len())?.clone();
    let shape = graph.ty(x).shape.clone();
    let alike = |(a, x): &(Vec<usize>, NodeId)| a.is_empty() || *a == axes && graph.ty(*x).shape == shape;
    if !sources.iter().all(alike) {
        return None;
    }
    let args: Vec<NodeId> =
        sources.iter().map(|(a, x)| if a.is_empty() { graph.broadcast(*x, &[], &shape) } else { *x }).collect();
    let early = match node.op {
        Op::Map(op) => graph.map(op, &args),
        _ => graph.cast(args[0], node.ty.dtype),
    };
    Some(graph.broadcast(early, &axes, &node.ty.shape))
}

pub fn product(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = only(graph, id, |op| matches!(op, Op::Dot { .. } | Op::Permute(_)))?;
    match &node.op {
        Op::Dot { batch, contract } => (0..2).find_map(|side| {
            let inner = graph.node(node.args[side]).clone();
            let Op::Permute(perm) = &inner.op else { return None };
            let used: Vec<usize> = batch.iter().chain(contract).map(|&(l, r)| if side == 0 { l } else { r }).collect();
            let free: Vec<usize> = (0..perm.len()).filter(|k| !used.contains(k)).map(|k| perm[k]).collect();
            let through = |&(l, r): &(usize, usize)| if side == 0 { (perm[l], r) } else { (l, perm[r]) };
            free.is_sorted().then(|| {
                let mut args = node.args.clone();
                args[side] = inner.args[0];
                let batch: Vec<_> = batch.iter().map(through).collect();
                let contract: Vec<_> = contract.iter().map(through).collect();
                graph.dot(args[0], args[1], &batch, &contract)
            })
        }),
        Op::Permute(perm) => {
            let inner = graph.node(node.args[0]).clone();
            let Op::Dot { batch, contract } = &inner.op else { return None };
            let left = graph.ty(inner.args[0]).rank() - contract.len();
            let swapped = (0..batch.len()).chain(left..perm.len()).chain(batch.len()..left);
            let swap = |pairs: &[(usize, usize)]| pairs.iter().map(|&(l, r)| (r, l)).collect::<Vec<_>>();
            swapped
                .eq(perm.iter().copied())
                .then(|| graph.dot(inner.args[1], inner.args[0], &swap(batch), &swap(contract)))
        }
        _ => None,
    }
}
