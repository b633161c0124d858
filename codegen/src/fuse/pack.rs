//! Parameters that a kernel reads again and again across memory.
//!
//! In: the kernels that the search has found. Out: parameters, each with the
//! axis along which kernels read it, where that is not the axis along which it
//! lies in memory, and where the same elements are read for many points of
//! another axis: the weights of a depthwise convolution. Always: such a
//! parameter is copied once, with that axis innermost, and the copy is read.

use super::Search;
use super::builder::{Draft, Source};
use crate::graph::{Graph, NodeId, Op};
use crate::kernel::{InstOp, UNROLL};
use crate::shape::{Dim, Sym};
use std::collections::BTreeMap;

/// The parameters to be copied, each with the axis that shall be innermost.
pub fn lanes(search: &Search) -> BTreeMap<NodeId, usize> {
    let mut out = BTreeMap::new();
    for group in search.groups.values() {
        let draft = &group.draft;
        // Only where the lane is the last parallel axis.
        let short = |e: &Dim| e.as_const().is_some_and(|c| c <= UNROLL);
        if !draft.red.iter().all(|(_, extent)| short(extent)) && !has_windows(search, draft) {
            continue;
        }
        for inst in &draft.code {
            if let InstOp::Load { input, index, guards, .. } = &inst.op
                && guards.is_empty()
                && let Some((node, axis)) = across(search, draft, draft.inputs[*input], index)
            {
                out.insert(node, axis);
            }
        }
    }
    out
}

/// Whether a kernel reads windows along the lane, rows of which another axis and a reduced one move together.
fn has_windows(search: &Search, draft: &Draft) -> bool {
    let Some(((lane, _), others)) = draft.par.split_last() else { return false };
    let moved = |d: &Dim, by: &[(Sym, Dim)]| by.iter().any(|(var, _)| d.mentions(var));
    draft.code.iter().any(|inst| {
        let InstOp::Load { input, index, .. } = &inst.op else { return false };
        let Source::Node(node) = draft.inputs[*input] else { return false };
        let innermost = search.orders[node.0 as usize].last();
        let along = innermost.is_some_and(|&axis| index[axis].as_sym() == Some(lane));
        along && index.iter().any(|d| moved(d, others) && moved(d, &draft.red))
    })
}

/// The parameter and axis of a load whose lane does not run along memory and
/// that is repeated along another parallel axis.
fn across(search: &Search, draft: &Draft, source: Source, index: &[Dim]) -> Option<(NodeId, usize)> {
    let Source::Node(node) = source else { return None };
    let Op::Param(_) = search.graph.node(node).op else { return None };
    let (lane, _) = draft.par.last()?;
    let repeated = draft.par.iter().any(|(var, _)| !index.iter().any(|d| d.mentions(var)));
    let innermost = index.iter().rev().find(|d| d.as_const().is_none())?;
    let axis = index.iter().position(|d| d.as_sym() == Some(lane))?;
    (repeated && !innermost.mentions(lane)).then_some((node, axis))
}

/// The graph with copies of those parameters, and the order of each copy.
pub fn packed(graph: &Graph, lanes: &BTreeMap<NodeId, usize>) -> (Graph, BTreeMap<NodeId, Vec<usize>>) {
    let mut out = Graph::like(graph);
    let mut orders = BTreeMap::new();
    let mut new: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    for id in graph.ids() {
        let node = graph.node(id);
        let args = node.args.iter().map(|a| new[a.0 as usize]).collect();
        let mut copy = out.add(node.op.clone(), args, node.ty.clone());
        if let Some(&lane) = lanes.get(&id) {
            let rank = node.ty.rank();
            copy = out.add(Op::Permute((0..rank).collect()), vec![copy], node.ty.clone());
            orders.insert(copy, (0..rank).filter(|&k| k != lane).chain([lane]).collect());
        }
        new.push(copy);
    }
    out.outputs = graph.outputs.iter().map(|o| new[o.0 as usize]).collect();
    (out, orders)
}
