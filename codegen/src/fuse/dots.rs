//! Matrix products: their operands as strided memory.
//!
//! In: a [`Op::Dot`] node. Out: for each operand the memory it reads and the
//! step along each loop, or the node that must be in memory first. Always: an
//! operand behind a window or padding is written out in the product's own
//! order, so that the product's loops run over it with few strides.
//! Next: [`crate::program`].

use super::builder::{Context, Source};
use super::index::{Through, Vars, through};
use crate::graph::{NodeId, Op};
use crate::program::{DotAxis, Role};
use crate::shape::{Dim, Sym};

/// An operand in memory: where it starts, and axis and step for each of its
/// node's axes.
pub struct Side {
    pub source: Source,
    pub start: Vec<Dim>,
    pub steps: Vec<Option<(usize, i64)>>,
}

/// The node that must be in memory, and whether it is the operand itself.
pub struct Missing {
    pub node: NodeId,
    pub whole: bool,
}

pub fn side(cx: &Context, operand: NodeId) -> Result<Side, Missing> {
    let graph = cx.graph;
    let shape = &graph.ty(operand).shape;
    let vars = Vars::new(shape.iter().enumerate().map(|(k, d)| (Sym::from(format!("d{k}")), d.clone())).collect());
    let own = |(k, dim): (usize, &Dim)| if dim.is(1) { Dim::zero() } else { Dim::sym(format!("d{k}")) };
    let mut index: Vec<Dim> = shape.iter().enumerate().map(own).collect();
    let mut id = operand;
    let whole = Missing { node: operand, whole: true };
    let source = loop {
        if cx.stored[id.0 as usize] {
            break Source::Node(id);
        }
        if matches!(graph.node(id).op, Op::Window { .. }) {
            return Err(whole);
        }
        match through(graph, id, &index, &vars) {
            Through::At { arg, index: inner, guards, .. } if guards.is_empty() => (id, index) = (arg, inner),
            Through::At { .. } => return Err(whole),
            Through::Opaque { arg } if !cx.stored[arg.0 as usize] => return Err(Missing { node: arg, whole: false }),
            Through::Opaque { arg } if cx.orders[arg.0 as usize].is_sorted() => {
                break Source::Reshaped { base: arg, shape_of: id };
            }
            Through::Opaque { .. } => return Err(whole),
            Through::Value => return Err(Missing { node: id, whole: false }),
        }
    };
    strided(source, &index, &vars).ok_or(whole)
}

/// Splits each coordinate into a start and constant steps.
fn strided(source: Source, index: &[Dim], vars: &Vars) -> Option<Side> {
    let mut steps = vec![None; vars.axes.len()];
    let mut start = Vec::new();
    for (axis, coordinate) in index.iter().enumerate() {
        let mut rest = coordinate.clone();
        for (k, (var, _)) in vars.axes.iter().enumerate() {
            let (step, other) = rest.affine_in(var)?;
            if !step.is(0) {
                if steps[k].is_some() {
                    return None;
                }
                steps[k] = Some((axis, step.as_const()?));
            }
            rest = other;
        }
        start.push(rest);
    }
    Some(Side { source, start, steps })
}

/// The loops of a product.
pub fn axes(cx: &Context, dot: NodeId, left: &Side, right: &Side) -> Vec<DotAxis> {
    let node = cx.graph.node(dot);
    let Op::Dot { batch, contract } = &node.op else { unreachable!("called for products") };
    let shapes = [&cx.graph.ty(node.args[0]).shape, &cx.graph.ty(node.args[1]).shape];
    let mut out = 0..node.ty.rank();
    let mut axes = Vec::new();
    for &(l, r) in batch {
        let extent = shapes[0][l].clone();
        axes.push(DotAxis { role: Role::Batch, extent, left: left.steps[l], right: right.steps[r], out: out.next() });
    }
    let free = |pairs: Vec<usize>, rank: usize| (0..rank).filter(move |k| !pairs.contains(k));
    let taken = |first: bool| batch.iter().chain(contract).map(|&(l, r)| if first { l } else { r }).collect();
    for l in free(taken(true), shapes[0].len()) {
        let extent = shapes[0][l].clone();
        axes.push(DotAxis { role: Role::Left, extent, left: left.steps[l], right: None, out: out.next() });
    }
    for r in free(taken(false), shapes[1].len()) {
        let extent = shapes[1][r].clone();
        axes.push(DotAxis { role: Role::Right, extent, left: None, right: right.steps[r], out: out.next() });
    }
    for &(l, r) in contract {
        let extent = shapes[0][l].clone();
        axes.push(DotAxis { role: Role::Contract, extent, left: left.steps[l], right: right.steps[r], out: None });
    }
    axes
}

/// The memory order for an operand that is written out: batch, its own axes,
/// contracted; but last the axis that runs along memory where it is read from.
pub fn natural_order(cx: &Context, dot: NodeId, operand: usize) -> Vec<usize> {
    let node = cx.graph.node(dot);
    let Op::Dot { batch, contract } = &node.op else { unreachable!("called for products") };
    let pick = |&(l, r): &(usize, usize)| if operand == 0 { l } else { r };
    let first: Vec<usize> = batch.iter().map(pick).collect();
    let last: Vec<usize> = contract.iter().map(pick).collect();
    let rank = cx.graph.ty(node.args[operand]).rank();
    let own = (0..rank).filter(|k| !first.contains(k) && !last.contains(k));
    let mut order: Vec<usize> = first.iter().copied().chain(own).chain(last.iter().copied()).collect();
    if let Some(lane) = lane(cx, node.args[operand]) {
        order.retain(|&k| k != lane);
        order.push(lane);
    }
    order
}

/// The axis of a view that runs along memory in what it is a view of.
fn lane(cx: &Context, view: NodeId) -> Option<usize> {
    let shape = &cx.graph.ty(view).shape;
    let vars = Vars::new(shape.iter().enumerate().map(|(k, d)| (Sym::from(format!("d{k}")), d.clone())).collect());
    let mut index: Vec<Dim> = (0..shape.len()).map(|k| Dim::sym(format!("d{k}"))).collect();
    let mut id = view;
    while let Through::At { arg, index: inner, .. } = through(cx.graph, id, &index, &vars) {
        (id, index) = (arg, inner);
    }
    let innermost = *cx.orders[id.0 as usize].last()?;
    let mentioned = |k: &usize| index[innermost].mentions(&format!("d{k}"));
    // A window has two such axes; the longer one is the better lane. Where no length is known it is the first, that of
    // the places: windows, the last, are rather short.
    let size = |k: &usize| shape[*k].as_const().unwrap_or(i64::MAX);
    (0..shape.len()).rev().filter(mentioned).max_by_key(size)
}
