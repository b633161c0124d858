//! Reverse mode: vector-Jacobian products.
//!
//! In: outputs with their cotangents, and the inputs that are asked for. Out:
//! the gradient of each input. Always: the adjoint of a view is made of views,
//! that of a reduction is its row's rule, that of a product is two products.
//! Next: [`super::rule`].

use super::rule::{Names, Rules};
use super::windows::{self, Product};
use super::{active, plus};
use crate::graph::{Graph, Mark, NodeId, Op};
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::{Dim, SizesOnly};
use std::collections::BTreeMap;

/// The most elements of a window whose gradient is written out as a sum.
const MAX_WINDOW: i64 = 128;

/// The gradient of each node of `wrt`; `None` is zero. An output's cotangent
/// has the output's type.
pub fn vjp(graph: &mut Graph, outputs: &[(NodeId, NodeId)], wrt: &[NodeId]) -> Vec<Option<NodeId>> {
    let active = active(graph, wrt);
    let mut walk = Walk { graph, active, rules: Rules::default(), adjoint: BTreeMap::new() };
    for &(output, cotangent) in outputs {
        walk.pass(output, Some(cotangent));
    }
    let mut out = vec![None; wrt.len()];
    while let Some((id, g)) = walk.adjoint.pop_last() {
        if let Op::Mark(Mark::Exit, number) = walk.graph.node(id).op {
            walk.checkpoint(number, (id, g));
            continue;
        }
        if let Some(k) = wrt.iter().position(|&w| w == id) {
            out[k] = Some(g);
        } else {
            walk.node(id, g);
        }
    }
    // A node that is asked for twice has its gradient twice.
    for k in 0..wrt.len() {
        out[k] = out[wrt.iter().position(|&w| w == wrt[k]).unwrap_or(k)];
    }
    out
}

struct Walk<'g> {
    graph: &'g mut Graph,
    active: Vec<bool>,
    rules: Rules,
    /// What came in for a node, summed; the last node is complete, since all
    /// that read it come after it.
    adjoint: BTreeMap<NodeId, NodeId>,
}

impl Walk<'_> {
    fn wants(&self, id: NodeId) -> bool {
        self.active.get(id.0 as usize).copied().unwrap_or(false)
    }

    /// Adds to what came in for a node.
    fn pass(&mut self, to: NodeId, g: Option<NodeId>) {
        let Some(g) = g.filter(|_| self.wants(to)) else { return };
        let sum = match self.adjoint.get(&to) {
            Some(&before) => plus(self.graph, before, g),
            None => g,
        };
        self.adjoint.insert(to, sum);
    }

    /// Passes on what came in for a node to its operands.
    fn node(&mut self, id: NodeId, g: NodeId) {
        let node = self.graph.node(id).clone();
        let args = node.args;
        match &node.op {
            Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) => {}
            Op::Map(op) => {
                for (k, &arg) in args.iter().enumerate() {
                    if self.wants(arg) {
                        let names = Names { args: &args, result: id, incoming: g, axes: &[] };
                        let part = self.rules.apply(self.graph, op.row().grad[k], &names);
                        self.pass(arg, part);
                    }
                }
            }
            Op::Cast => {
                let dtype = self.graph.ty(args[0]).dtype;
                let g = self.graph.cast(g, dtype);
                self.pass(args[0], Some(g));
            }
            Op::Broadcast(axes) => {
                let g = unbroadcast(self.graph, args[0], axes, g);
                self.pass(args[0], Some(g));
            }
            Op::Permute(perm) => {
                let mut back = vec![0; perm.len()];
                perm.iter().enumerate().for_each(|(k, &p)| back[p] = k);
                let g = self.graph.permute(g, &back);
                self.pass(args[0], Some(g));
            }
            Op::Reshape => {
                let shape = self.graph.ty(args[0]).shape.clone();
                let g = self.graph.reshape(g, &shape);
                self.pass(args[0], Some(g));
            }
            Op::Slice { start, step } => {
                let shape = self.graph.ty(args[0]).shape.clone();
                let mut g = g;
                for (axis, n) in shape.iter().enumerate() {
                    g = unslice(self.graph, g, axis, &start[axis], step[axis], n);
                }
                self.pass(args[0], Some(g));
            }
            Op::Pad { before } => self.pad(&args, before, &node.ty.shape, g),
            Op::Window { axis, stride, dilation } => {
                let g = self.unwindow(args[0], g, *axis, *stride, *dilation);
                self.pass(args[0], g);
            }
            Op::Mark(..) => self.pass(args[0], Some(g)),
            Op::Gather { axis, batch } => {
                let shape = self.graph.ty(args[0]).shape.clone();
                let g = self.graph.scatter(g, args[1], *axis, *batch, &shape);
                self.pass(args[0], Some(g));
            }
            Op::Scatter { axis, batch } => {
                let g = self.graph.gather(g, args[1], *axis, *batch);
                let g = self.graph.cast(g, self.graph.ty(args[0]).dtype);
                self.pass(args[0], Some(g));
            }
            Op::Reduce { monoid, axes } => {
                let shape = self.graph.ty(args[0]).shape.clone();
                let incoming = self.graph.spread(g, axes, &shape);
                let result = self.graph.spread(id, axes, &shape);
                let names = Names { args: &args, result, incoming, axes };
                let part = self.rules.apply(self.graph, monoid.row().grad, &names);
                self.pass(args[0], part);
            }
            Op::Dot { batch, contract } => {
                self.operand(&Product { of: args[0], other: args[1], batch, contract }, g);
                // The same with the operands exchanged: so are the rest of the axes of `g`.
                let swap = |pairs: &[(usize, usize)]| pairs.iter().map(|&(a, b)| (b, a)).collect::<Vec<_>>();
                let (ranks, n) = ([self.graph.ty(args[0]).rank(), self.graph.ty(args[1]).rank()], batch.len());
                let left = ranks[0] - n - contract.len();
                let right = ranks[1] - n - contract.len();
                let turned: Vec<usize> = (0..n).chain(n + left..n + left + right).chain(n..n + left).collect();
                let g = self.graph.permute(g, &turned);
                let (batch, contract) = (&swap(batch)[..], &swap(contract)[..]);
                self.operand(&Product { of: args[1], other: args[0], batch, contract }, g);
            }
        }
    }

    /// Passes what comes in for the first operand of a product.
    fn operand(&mut self, product: &Product<'_>, g: NodeId) {
        if self.wants(product.of) {
            match windows::behind(self.graph, product, g) {
                Some((array, part)) => self.pass(array, Some(part)),
                None => {
                    let part = undot(self.graph, product, g);
                    self.pass(product.of, Some(part));
                }
            }
        }
    }

    /// Passes what came in for the results of a checkpoint to a second copy of
    /// what they are made of. Results have one kind of reader, so all of theirs
    /// came in when the last of them is reached.
    fn checkpoint(&mut self, number: u32, last: (NodeId, NodeId)) {
        let is_exit = |graph: &Graph, id: NodeId| graph.node(id).op == Op::Mark(Mark::Exit, number);
        let exits: Vec<NodeId> = self.adjoint.keys().copied().filter(|&id| is_exit(self.graph, id)).collect();
        let others: Vec<(NodeId, NodeId)> = exits.iter().filter_map(|id| self.adjoint.remove_entry(id)).collect();
        let mut again: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for id in self.graph.ids().filter(|id| *id < last.0).collect::<Vec<_>>() {
            let node = self.graph.node(id).clone();
            let copy = match node.op {
                Op::Mark(Mark::Enter, of) if of == number => self.graph.mark(node.args[0], Mark::Again, number),
                Op::Mark(Mark::Exit, of) if of == number => continue,
                _ if !node.args.iter().any(|a| again.contains_key(a)) => continue,
                op => {
                    let args = node.args.iter().map(|a| again.get(a).copied().unwrap_or(*a)).collect();
                    self.graph.add(op, args, node.ty)
                }
            };
            again.insert(id, copy);
            let wanted = self.wants(id);
            self.active.resize(self.graph.nodes.len().max(self.active.len()), false);
            self.active[copy.0 as usize] |= wanted;
        }
        for (exit, g) in others.into_iter().chain([last]) {
            let made = self.graph.node(exit).args[0];
            self.pass(again.get(&made).copied().unwrap_or(made), Some(g));
        }
    }

    /// Inside goes to the array, outside to the fill.
    fn pad(&mut self, args: &[NodeId], before: &[Dim], shape: &[Dim], g: NodeId) {
        let inner = self.graph.ty(args[0]).shape.clone();
        let steps = vec![1; inner.len()];
        if self.wants(args[0]) {
            let part = self.graph.slice(g, before, &steps, &inner);
            self.pass(args[0], Some(part));
        }
        if self.wants(args[1]) {
            let one = self.graph.konst(Literal::Int(1), self.graph.ty(g).dtype);
            let zeros = self.graph.zeros_like(args[0]);
            let after: Vec<Dim> = shape.iter().zip(before).zip(&inner).map(|((n, b), i)| n.sub(b).sub(i)).collect();
            let outside = self.graph.pad(zeros, before, &after, one);
            let zero = self.graph.zeros_like(g);
            let outside = self.graph.map(MapOp::named("gt"), &[outside, zero]);
            let g = self.graph.map(MapOp::named("where"), &[outside, g, zero]);
            let axes: Vec<usize> = (0..shape.len()).collect();
            let part = self.graph.reduce(Monoid::named("sum"), g, &axes);
            self.pass(args[1], Some(part));
        }
    }

    /// Windows that do not overlap lie side by side; others are added up place by place.
    fn unwindow(&mut self, x: NodeId, g: NodeId, axis: usize, stride: i64, dilation: i64) -> Option<NodeId> {
        let shape = self.graph.ty(g).shape.clone();
        let last = shape.len() - 1;
        let n = self.graph.ty(x).shape[axis].clone();
        let Some(count) = shape[last].as_const().filter(|&k| k <= MAX_WINDOW) else {
            return Some(askew(self.graph, g, axis, stride, dilation, &n));
        };
        if dilation == 1 && stride >= count {
            return Some(untile(self.graph, g, axis, stride, &n));
        }
        // The places of the array by what remains of them by the stride: those of one are a slice with the stride as its
        // step, which a window's place adds to from some element on.
        let mut phases: BTreeMap<i64, NodeId> = BTreeMap::new();
        let len = n.add(&Dim::from(stride - 1)).div(&Dim::from(stride), &SizesOnly);
        for k in 0..count {
            let mut lens = shape.clone();
            lens[last] = Dim::one();
            let mut start = vec![Dim::zero(); shape.len()];
            start[last] = Dim::from(k);
            let one = self.graph.slice(g, &start, &vec![1; shape.len()], &lens);
            let one = self.graph.squeeze(one, last);
            let at = dilation * k;
            let part = unslice(self.graph, one, axis, &Dim::from(at / stride), 1, &len);
            let sum = phases.get(&(at % stride)).map_or(part, |&before| plus(self.graph, before, part));
            phases.insert(at % stride, sum);
        }
        if stride == 1 { phases.get(&0).copied() } else { flat(self.graph, &phases, axis, stride, &n) }
    }
}

/// The sum over what a broadcast repeated.
fn unbroadcast(graph: &mut Graph, x: NodeId, axes: &[usize], g: NodeId) -> NodeId {
    let (from, mut to) = (graph.ty(x).shape.clone(), graph.ty(g).shape.clone());
    let mut axes = axes.to_vec();
    let mut g = g;
    // An axis of size 1 that is new is dropped: there is nothing to add up.
    for axis in (0..to.len()).rev().filter(|axis| !axes.contains(axis)).collect::<Vec<_>>() {
        if to[axis].is(1) {
            g = graph.squeeze(g, axis);
            to.remove(axis);
            axes.iter_mut().filter(|a| **a > axis).for_each(|a| *a -= 1);
        }
    }
    let kept = |axis: usize| axes.iter().position(|&a| a == axis).filter(|&k| from[k] == to[axis]);
    let summed: Vec<usize> = (0..to.len()).filter(|&axis| kept(axis).is_none()).collect();
    let places: Vec<usize> = (0..to.len()).filter_map(kept).collect();
    let sum = graph.reduce(Monoid::named("sum"), g, &summed);
    graph.broadcast(sum, &places, &from)
}

/// Along one axis: element `i` goes to `start + step * i` of `n`, else zero.
fn unslice(graph: &mut Graph, g: NodeId, axis: usize, start: &Dim, step: i64, n: &Dim) -> NodeId {
    let shape = graph.ty(g).shape.clone();
    let len = &shape[axis];
    let rank = shape.len();
    let zero = graph.konst(Literal::Int(0), graph.ty(g).dtype);
    let along = |dim: &Dim| {
        let mut dims = vec![Dim::zero(); rank];
        dims[axis] = dim.clone();
        dims
    };
    if start.is(0) && step == 1 && len == n {
        return g;
    }
    if step == 1 {
        let after = n.sub(start).sub(len);
        return graph.pad(g, &along(start), &along(&after), zero);
    }
    let (g, start) = match step < 0 {
        true => (graph.flip(g, &[axis]), start.add(&len.sub(&Dim::one()).scale(step))),
        false => (g, start.clone()),
    };
    // Zeros between the elements: the axis is a column, padded and flattened.
    let step = step.abs();
    let mut spread = g;
    if step > 1 {
        let column = graph.expand(spread, axis + 1);
        let mut after = vec![Dim::zero(); rank + 1];
        after[axis + 1] = Dim::from(step - 1);
        let padded = graph.pad(column, &vec![Dim::zero(); rank + 1], &after, zero);
        let mut flat = shape.clone();
        flat[axis] = len.scale(step);
        spread = graph.reshape(padded, &flat);
    }
    // As long as `n` at least, then cut: the last element may have no zeros after it.
    let padded = graph.pad(spread, &along(&start), &along(n), zero);
    let mut lens = shape;
    lens[axis] = n.clone();
    graph.slice(padded, &vec![Dim::zero(); rank], &vec![1; rank], &lens)
}

/// Of arrays with numbers below `count` one element after the other along an axis, up to `n`; zeros for those missing.
fn flat(graph: &mut Graph, arrays: &BTreeMap<i64, NodeId>, axis: usize, count: i64, n: &Dim) -> Option<NodeId> {
    let beside = interleaved(graph, arrays, axis, count)?;
    let mut shape = graph.ty(beside).shape.clone();
    shape.remove(axis + 1);
    shape[axis] = shape[axis].scale(count);
    let flat = graph.reshape(beside, &shape);
    let start = vec![Dim::zero(); shape.len()];
    let step = vec![1; shape.len()];
    shape[axis] = n.clone();
    Some(graph.slice(flat, &start, &step, &shape))
}

/// The same with an axis for the numbers after that axis.
pub(super) fn interleaved(
    graph: &mut Graph,
    arrays: &BTreeMap<i64, NodeId>,
    axis: usize,
    count: i64,
) -> Option<NodeId> {
    let mut all: Option<NodeId> = None;
    for (&k, &array) in arrays {
        let zero = graph.konst(Literal::Int(0), graph.ty(array).dtype);
        let column = graph.expand(array, axis + 1);
        let mut before = vec![Dim::zero(); graph.ty(column).rank()];
        let mut after = before.clone();
        before[axis + 1] = Dim::from(k);
        after[axis + 1] = Dim::from(count - 1 - k);
        let placed = graph.pad(column, &before, &after, zero);
        all = Some(match all {
            None => placed,
            Some(before) => {
                let shape = graph.ty(placed).shape.clone();
                let (place, border) = (graph.iota(&shape, axis + 1), graph.size(Dim::from(k)));
                let border = graph.broadcast_to(border, &shape);
                let below = graph.map(MapOp::named("lt"), &[place, border]);
                graph.map(MapOp::named("where"), &[below, before, placed])
            }
        });
    }
    all
}

/// Windows of the last axis, of any size, added up where they overlap. Place `k` of all windows is a row, each row by
/// `dilation` longer than the `n` elements that it belongs to: read as rows of `n`, the rows lie one under the other.
fn askew(graph: &mut Graph, g: NodeId, axis: usize, stride: i64, dilation: i64, n: &Dim) -> NodeId {
    let shape = graph.ty(g).shape.clone();
    let last = shape.len() - 1;
    let row = n.add(&Dim::from(dilation));
    let placed = unslice(graph, g, axis, &Dim::zero(), stride, &row);
    // The places and the row stand last, and are one axis for a while.
    let order: Vec<usize> = (0..last).filter(|&k| k != axis).chain([last, axis]).collect();
    let rows = graph.permute(placed, &order);
    let outer: Vec<Dim> = order[..last - 1].iter().map(|&k| shape[k].clone()).collect();
    let with = |ends: &[Dim]| outer.iter().chain(ends).cloned().collect::<Vec<Dim>>();
    let count = &shape[last];
    let flat = graph.reshape(rows, &with(&[count.mul(&row)]));
    let cut = graph.slice(flat, &vec![Dim::zero(); last], &vec![1; last], &with(&[count.mul(n)]));
    let under = graph.reshape(cut, &with(&[count.clone(), n.clone()]));
    let sum = graph.reduce(Monoid::named("sum"), under, &[last - 1]);
    let mut back: Vec<usize> = (0..last - 1).collect();
    back.insert(axis, last - 1);
    graph.permute(sum, &back)
}

/// Windows of the last axis, which do not overlap, side by side along `axis`, with zeros up to the stride and to `n`.
fn untile(graph: &mut Graph, g: NodeId, axis: usize, stride: i64, n: &Dim) -> NodeId {
    let mut shape = graph.ty(g).shape.clone();
    let last = shape.len() - 1;
    let zero = graph.konst(Literal::Int(0), graph.ty(g).dtype);
    let none = |rank: usize| vec![Dim::zero(); rank];
    let mut gap = none(last + 1);
    gap[last] = Dim::from(stride).sub(&shape[last]);
    let apart = graph.pad(g, &none(last + 1), &gap, zero);
    let mut perm: Vec<usize> = (0..last).collect();
    perm.insert(axis + 1, last);
    let beside = graph.permute(apart, &perm);
    shape.truncate(last);
    shape[axis] = shape[axis].scale(stride);
    let flat = graph.reshape(beside, &shape);
    if shape[axis] == *n {
        return flat;
    }
    // As in `unslice`: the last window may have no gap after it, or more than one.
    let mut after = none(last);
    after[axis] = n.clone();
    let padded = graph.pad(flat, &none(last), &after, zero);
    shape[axis] = n.clone();
    graph.slice(padded, &none(last), &vec![1; last], &shape)
}

/// The gradient of the left operand of a product.
fn undot(graph: &mut Graph, product: &Product<'_>, g: NodeId) -> NodeId {
    let Product { of: a, other: b, batch, contract } = *product;
    let (rank_a, rank_b) = (graph.ty(a).rank(), graph.ty(b).rank());
    let free = |rank: usize, used: &dyn Fn(usize) -> bool| (0..rank).filter(|&k| !used(k)).collect::<Vec<_>>();
    let free_a = free(rank_a, &|k| batch.iter().chain(contract).any(|p| p.0 == k));
    let free_b = free(rank_b, &|k| batch.iter().chain(contract).any(|p| p.1 == k));
    // `g` has the batch, then what is free in `a`, then what is free in `b`.
    let first_b = batch.len() + free_a.len();
    let pairs: Vec<(usize, usize)> = free_b.iter().enumerate().map(|(k, &axis)| (first_b + k, axis)).collect();
    let together: Vec<(usize, usize)> = batch.iter().enumerate().map(|(k, p)| (k, p.1)).collect();
    let product = graph.dot(g, b, &together, &pairs);
    // Now: the batch, what is free in `a`, the contracted axes in the order of `b`.
    let mut summed = contract.to_vec();
    summed.sort_unstable_by_key(|p| p.1);
    let axes: Vec<usize> = (batch.iter().map(|p| p.0)).chain(free_a).chain(summed.iter().map(|p| p.0)).collect();
    let perm: Vec<usize> = (0..rank_a).map(|k| axes.iter().position(|&a| a == k).unwrap_or(k)).collect();
    graph.permute(product, &perm)
}
