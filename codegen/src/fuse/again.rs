//! What several steps compute.
//!
//! In: the search and the steps of its kernels. Out: the values that are
//! computed again instead of saved, by shape and steps. Always: of values that
//! are made of each other in the same steps only the last counts, for it alone
//! would be saved; single numbers and what is made of no memory do not count.
//! Next: [`super::saved`].

use super::Search;
use crate::graph::{Graph, NodeId};
use crate::program::Again;
use std::collections::{BTreeMap, BTreeSet};

/// For each node that is computed the kernels that compute it.
pub type Makers = BTreeMap<NodeId, BTreeSet<NodeId>>;

pub fn makers(search: &Search) -> Makers {
    let mut makers = Makers::new();
    for (&key, group) in &search.groups {
        for &node in group.draft.computed.iter().chain(&group.roots) {
            makers.entry(node).or_default().insert(key);
        }
    }
    makers
}

/// What the program computes again; `steps` has the step of each kernel.
pub fn again(search: &Search, steps: &BTreeMap<NodeId, usize>) -> Vec<Again> {
    let makers = makers(search);
    let mut last: BTreeSet<NodeId> = BTreeSet::new();
    for (id, own) in &makers {
        for arg in values(search.graph, &search.graph.node(*id).args) {
            last.extend(makers.get(&arg).filter(|of_arg| *of_arg != own).map(|_| arg));
        }
    }
    let read = made_of_memory(search);
    let mut out: Vec<Again> = Vec::new();
    for id in last {
        let ty = search.graph.ty(id);
        if makers[&id].len() < 2 || search.stored[id.0 as usize] || !read[id.0 as usize] || ty.rank() == 0 {
            continue;
        }
        let mut steps: Vec<usize> = makers[&id].iter().map(|key| steps[key]).collect();
        steps.sort_unstable();
        match out.iter_mut().find(|a| a.dtype == ty.dtype && a.shape == ty.shape && a.steps == steps) {
            Some(same) => same.values += 1,
            None => out.push(Again { dtype: ty.dtype, shape: ty.shape.clone(), values: 1, steps }),
        }
    }
    out
}

/// The nodes behind views.
fn values(graph: &Graph, nodes: &[NodeId]) -> Vec<NodeId> {
    let of = |&id: &NodeId| match graph.node(id).op.is_view() {
        true => values(graph, &graph.node(id).args),
        false => vec![id],
    };
    nodes.iter().flat_map(of).collect()
}

fn made_of_memory(search: &Search) -> Vec<bool> {
    let mut read: Vec<bool> = Vec::with_capacity(search.graph.nodes.len());
    for id in search.graph.ids() {
        let below = search.graph.node(id).args.iter().any(|arg| read[arg.0 as usize]);
        read.push(below || search.stored[id.0 as usize]);
    }
    read
}
