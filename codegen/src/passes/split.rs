//! Reductions of everything, split so that threads can share them.
//!
//! In: a graph. Out: the same, where a reduction to one number runs in two
//! steps: rows, then the rows' results. Always: how a reduction is split
//! depends on its shape alone, so its rounding is the same on every machine.

use super::rebuild::rebuild;
use crate::dtype::DType;
use crate::graph::{Graph, NodeId, Op};
use crate::ops::{Answer, Literal, Monoid};
use crate::shape::{Dim, SizesOnly};

/// The length of a row of a flat array.
const ROW: i64 = 16_384;
/// Arrays that are known to be no longer than this are not split.
const SMALL: i64 = 32_768;

pub fn split(graph: &Graph) -> Graph {
    rebuild(graph, |out, node, args| match &node.op {
        Op::Reduce { monoid, axes } if monoid.row().answer == Answer::Same && axes.len() == out.ty(args[0]).rank() => {
            whole(out, *monoid, args[0])
        }
        _ => None,
    })
}

fn whole(g: &mut Graph, monoid: Monoid, x: NodeId) -> Option<NodeId> {
    let shape = g.ty(x).shape.clone();
    let len = Dim::product(&shape);
    if len.as_const().is_some_and(|n| n <= SMALL) {
        return None;
    }
    let rows = match shape.as_slice() {
        [] => return None,
        [_] if reduced_before(g, x) => return None,
        [n] => flat(g, monoid, x, n),
        [.., _] => g.reduce(monoid, x, &[shape.len() - 1]),
    };
    let rest: Vec<usize> = (0..g.ty(rows).rank()).collect();
    Some(g.reduce(monoid, rows, &rest))
}

/// Cuts a flat array into rows, the last one filled up with the accumulator's
/// start, and reduces each.
fn flat(g: &mut Graph, monoid: Monoid, x: NodeId, n: &Dim) -> NodeId {
    let dtype: DType = g.ty(x).dtype;
    let rows = n.add(&Dim::from(ROW - 1)).div(&Dim::from(ROW), &SizesOnly);
    let missing = rows.scale(ROW).sub(n);
    let start: Literal = monoid.start(dtype);
    let fill = g.konst(start, dtype);
    let padded = g.pad(x, &[Dim::zero()], &[missing], fill);
    let table = g.reshape(padded, &[rows, Dim::from(ROW)]);
    g.reduce(monoid, table, &[1])
}

/// Whether the array is made from the results of reductions: then it is short
/// beside what it was made from.
fn reduced_before(g: &Graph, x: NodeId) -> bool {
    let node = g.node(x);
    match &node.op {
        Op::Reduce { .. } | Op::Dot { .. } => true,
        Op::Param(_) => false,
        _ => node.args.iter().any(|&arg| reduced_before(g, arg)),
    }
}
