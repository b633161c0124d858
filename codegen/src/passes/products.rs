//! Matrix products that are no work for a matrix multiplication.
//!
//! In: a graph. Out: the same with every product of integers, and every product
//! that sums over nothing, written as an elementwise product and a sum. Always:
//! a product that stays has floats and a contracted axis.

use super::rebuild::rebuild;
use crate::graph::{Graph, NodeId, Op};
use crate::ops::{MapOp, Monoid};
use crate::shape::Dim;

pub fn products(graph: &Graph) -> Graph {
    rebuild(graph, |out, node, args| match &node.op {
        Op::Dot { batch, contract } if !node.ty.dtype.is_float() || contract.is_empty() => {
            Some(elementwise(out, args, batch, contract))
        }
        _ => None,
    })
}

fn elementwise(g: &mut Graph, args: &[NodeId], batch: &[(usize, usize)], contract: &[(usize, usize)]) -> NodeId {
    let ranks = [g.ty(args[0]).rank(), g.ty(args[1]).rank()];
    let paired =
        |first: bool, k: usize| batch.iter().chain(contract).any(|&(l, r)| if first { l == k } else { r == k });
    // The full space: batch, left, right, contracted; each axis with its place
    // in either operand.
    let mut space: Vec<(Option<usize>, Option<usize>)> = batch.iter().map(|&(l, r)| (Some(l), Some(r))).collect();
    space.extend((0..ranks[0]).filter(|&k| !paired(true, k)).map(|k| (Some(k), None)));
    space.extend((0..ranks[1]).filter(|&k| !paired(false, k)).map(|k| (None, Some(k))));
    let kept = space.len();
    space.extend(contract.iter().map(|&(l, r)| (Some(l), Some(r))));
    let extent = |axis: &(Option<usize>, Option<usize>)| -> Dim {
        match axis {
            (Some(l), _) => g.ty(args[0]).shape[*l].clone(),
            (None, Some(r)) => g.ty(args[1]).shape[*r].clone(),
            (None, None) => unreachable!("each axis is in an operand"),
        }
    };
    let shape: Vec<Dim> = space.iter().map(extent).collect();
    let mut spread = |operand: usize| {
        let of = |axis: &(Option<usize>, Option<usize>)| if operand == 0 { axis.0 } else { axis.1 };
        let places: Vec<usize> = (0..space.len()).filter(|&k| of(&space[k]).is_some()).collect();
        let perm: Vec<usize> = places.iter().filter_map(|&k| of(&space[k])).collect();
        let turned = g.permute(args[operand], &perm);
        g.broadcast(turned, &places, &shape)
    };
    let (left, right) = (spread(0), spread(1));
    let product = g.map(MapOp::named("mul"), &[left, right]);
    match contract.is_empty() {
        true => product,
        false => g.reduce(Monoid::named("sum"), product, &(kept..space.len()).collect::<Vec<_>>()),
    }
}
