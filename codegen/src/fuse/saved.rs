//! What is saved and what is computed again, by bytes.
//!
//! In: the search, its kernels merged. Out: the same with some more nodes in
//! memory, such that all steps together read and write fewer bytes; and the
//! values that several kernels compute. Always: a node is put in memory only
//! where this saves bytes, and there are no more steps than before.
//!
//! For each kernel a minimum cut between what it reads and what it makes asks
//! which values that another kernel computes too it had better read. The cut is
//! a proposal, for what others gain or lose it knows roughly: the kernels are
//! built again with these nodes in memory, and the bytes of all steps decide.
//! So `h = gelu(x @ w + b)` saves the sum if a gradient needs it: the product
//! then has one reader, its epilogue, and is never whole in memory.
//! Next: [`super::cut`].

use super::cut::{NEVER, min_cut};
use super::{Group, Search};
use crate::graph::{Graph, NodeId};
use crate::kernel::{InstOp, ValId};
use crate::program::tile::{SIZES, sized};
use crate::shape::Dim;
use std::collections::{BTreeMap, BTreeSet};

/// For each node that is computed the kernels that compute it.
type Makers = BTreeMap<NodeId, BTreeSet<NodeId>>;

impl Search<'_> {
    /// Puts in memory what is fewer bytes to write and read than to compute again.
    pub(super) fn save(&mut self) {
        let mut tried = BTreeSet::new();
        while let Some(better) = self.better(&mut tried) {
            *self = better;
        }
    }

    fn better(&self, tried: &mut BTreeSet<Vec<NodeId>>) -> Option<Self> {
        let makers = self.makers();
        let several = |n: &NodeId| makers[n].len() > 1;
        let groups = self.groups.values().filter(|g| g.draft.computed.iter().any(several));
        let readers = self.readers();
        for group in groups {
            let wanted = self.wanted(group, &makers, &readers);
            if wanted.is_empty() || !tried.insert(wanted.clone()) {
                continue;
            }
            let mut trial = self.clone();
            wanted.iter().for_each(|n| trial.stored[n.0 as usize] = true);
            trial.settle();
            trial.merge();
            trial.share();
            let fewer = SIZES.iter().all(|&symbol| trial.bytes(symbol) < self.bytes(symbol));
            if fewer && trial.launches() <= self.launches() {
                return Some(trial);
            }
        }
        None
    }

    /// The bytes that all steps read and write where every symbol has this size.
    pub(super) fn bytes(&self, symbol: i64) -> f64 {
        let panels: BTreeSet<NodeId> = self.epilogues().into_values().collect();
        let whole = |id: &NodeId| if panels.contains(id) { 0.0 } else { size(self.graph, *id, symbol) };
        let kernel = |g: &Group| {
            let reads: f64 = g.inputs().iter().filter(|n| !panels.contains(n)).map(|&n| self.read(g, n, symbol)).sum();
            reads + g.roots.iter().map(whole).sum::<f64>()
        };
        let step = |id: &NodeId| self.sources(*id).iter().map(whole).sum::<f64>() + whole(id);
        self.groups.values().map(kernel).sum::<f64>() + self.steps().iter().map(step).sum::<f64>()
    }

    fn launches(&self) -> usize {
        self.steps().len() + self.groups.len() - self.epilogues().len()
    }

    /// The bytes that a kernel reads of a node in memory: no more than the node
    /// has, and no more than an element a point of the axes that its loads vary over.
    fn read(&self, group: &Group, node: NodeId, symbol: i64) -> f64 {
        let draft = &group.draft;
        let axes = || draft.par.iter().chain(&draft.red);
        let points = |index: &[Dim]| {
            let named = |name: &str| index.iter().any(|d| d.mentions(name));
            let picked = index.iter().flat_map(Dim::symbols).any(|s| ValId::named(&s).is_some());
            axes().filter(|(var, _)| picked || named(var)).map(|(_, extent)| sized(extent, symbol)).product::<f64>()
        };
        let load = |op: &InstOp| match op {
            InstOp::Load { input, index, .. } if draft.inputs[*input].node() == node => points(index),
            _ => 0.0,
        };
        let loads: f64 = draft.code.iter().map(|inst| load(&inst.op)).sum();
        size(self.graph, node, symbol).min(loads * self.graph.ty(node).dtype.bytes() as f64)
    }

    fn makers(&self) -> Makers {
        let mut makers = Makers::new();
        for (&key, group) in &self.groups {
            for &node in group.draft.computed.iter().chain(&group.roots) {
                makers.entry(node).or_default().insert(key);
            }
        }
        makers
    }

    /// The computed nodes of the minimum cut between a kernel and memory.
    fn wanted(&self, group: &Group, makers: &Makers, readers: &BTreeMap<NodeId, Vec<NodeId>>) -> Vec<NodeId> {
        let symbol = SIZES[SIZES.len() / 2];
        let mut places: BTreeMap<NodeId, usize> = BTreeMap::new();
        let (mut costs, mut edges, mut from) = (Vec::new(), Vec::new(), Vec::new());
        let mut stack: Vec<(NodeId, Option<usize>)> = group.roots.iter().map(|&root| (root, None)).collect();
        while let Some((id, reader)) = stack.pop() {
            let fresh = places.len();
            let place = *places.entry(id).or_insert(fresh);
            edges.extend(reader.map(|reader| (place, reader)));
            if place != fresh {
                continue;
            }
            if self.stored[id.0 as usize] && !group.roots.contains(&id) {
                let times = self.again(id, readers.get(&id).map_or(1, Vec::len));
                costs.push((self.read(group, id, symbol) * times) as u64);
                from.push(place);
                continue;
            }
            let others = makers.get(&id).map_or(0, |makers| makers.len() - 1);
            let may = others > 0 && self.graph.ty(id).rank() > 0 && self.of_one_time(id, &makers[&id]);
            // One writes it, the others share the cost of that.
            let cost = size(self.graph, id, symbol) * (1.0 + 1.0 / others.max(1) as f64);
            costs.push(if may { cost as u64 } else { NEVER });
            stack.extend(self.graph.node(id).args.iter().map(|&arg| (arg, Some(place))));
        }
        let to: Vec<usize> = group.roots.iter().map(|root| places[root]).collect();
        let cut = min_cut(&costs, &edges, &from, &to);
        let computed = |(id, place): (NodeId, usize)| (cut.contains(&place) && !from.contains(&place)).then_some(id);
        places.into_iter().filter_map(computed).collect()
    }

    /// How many times its bytes one of the kernels that read a node saves the
    /// program by not reading it. A product that is left to one kernel becomes a
    /// panel: it is neither written nor read by that one.
    fn again(&self, id: NodeId, readers: usize) -> f64 {
        let others = readers.max(2) as f64 - 1.0;
        let panel = self.epilogues && self.is_dot(id) && !self.graph.outputs.contains(&id);
        match (panel, readers) {
            (true, 0 | 1) => 0.0,
            (true, _) => (others + 2.0) / others,
            (false, _) => 1.0,
        }
    }

    /// What a checkpoint computes again is not kept until another's time.
    fn of_one_time(&self, id: NodeId, makers: &BTreeSet<NodeId>) -> bool {
        let era = |id: &NodeId| self.eras[id.0 as usize];
        era(&id) == u32::MAX || makers.iter().all(|key| era(key) == era(&id))
    }
}

fn size(graph: &Graph, id: NodeId, symbol: i64) -> f64 {
    let ty = graph.ty(id);
    ty.shape.iter().map(|d| sized(d, symbol)).product::<f64>() * ty.dtype.bytes() as f64
}
