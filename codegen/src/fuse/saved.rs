//! What is saved and what is computed again, by bytes.
//!
//! In: the search, its kernels merged. Out: the same with some more nodes in
//! memory, such that all steps together read and write fewer bytes. Always: a
//! node is put in memory only where this saves bytes, and there are no more
//! steps than before.
//!
//! For each kernel a minimum cut between what it reads and what it makes asks
//! which values that another kernel computes too it had better read. The cut is
//! a proposal, for what others gain or lose it knows roughly: the kernels are
//! built again with these nodes in memory, and the bytes of all steps decide.
//! So `h = gelu(x @ w + b)` saves the sum if a gradient needs it: the product
//! then has one reader, its epilogue, and is never whole in memory.
//! Next: [`super::cut`].

use super::again::{Makers, makers};
use super::cut::{NEVER, min_cut};
use super::{Group, Search, Sources, depends};
use crate::graph::{Graph, NodeId};
use crate::kernel::{InstOp, ValId};
use crate::program::tile::{SIZES, bytes, sized};
use crate::shape::Dim;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// What symbols are taken for where a cut is made.
const SYMBOL: i64 = SIZES[SIZES.len() / 2];
/// What a value in memory must save, as a share of its own bytes.
const WORTH: f64 = 0.5;

/// What the cuts ask about the program as it is.
struct Now {
    makers: Makers,
    sources: Sources,
    /// For each node the length of the longest way to it: what comes
    /// no later than another needs nothing of it.
    depths: Vec<Option<usize>>,
}

/// Of each node that a kernel reads or writes the bytes, where all symbols have each of the sizes.
pub(super) type Bytes = Vec<(NodeId, [f64; SIZES.len()])>;

/// What all steps do with memory.
pub(super) struct Traffic {
    /// What they read and write, where all symbols have each of the sizes.
    pub bytes: [f64; SIZES.len()],
    pub launches: usize,
}

impl Search<'_> {
    /// Puts in memory what is fewer bytes to write and read than to compute again.
    pub(super) fn save(&mut self) {
        let mut tried = BTreeSet::new();
        while self.save_more(&mut tried) {}
    }

    /// One kernel after another, the last first: what reads a value that comes
    /// late is little, so few kernels are built again. Whether anything was saved.
    fn save_more(&mut self, tried: &mut BTreeSet<Vec<NodeId>>) -> bool {
        let (mut now, mut before) = (self.now(), self.traffic());
        let mut saved = false;
        for key in self.groups.keys().rev().copied().collect::<Vec<_>>() {
            let several = |n: &NodeId| now.makers[n].len() > 1;
            let shares = |g: &&Rc<Group>| g.draft.computed.iter().any(several);
            let Some(group) = self.groups.get(&key).filter(shares) else { continue };
            let wanted = self.wanted(group, &now);
            if wanted.is_empty() || !tried.insert(wanted.clone()) {
                continue;
            }
            let trial = self.trial(&wanted);
            let after = trial.traffic();
            if self.gains(&before, &after, &wanted) {
                *self = trial;
                (now, before) = (self.now(), after);
                saved = true;
            }
        }
        saved
    }

    /// The search with these nodes in memory.
    pub(super) fn trial(&self, nodes: &[NodeId]) -> Self {
        let mut trial = self.clone();
        nodes.iter().for_each(|n| trial.stored[n.0 as usize] = true);
        trial.settle();
        trial.merge();
        trial.share();
        trial
    }

    fn gains(&self, before: &Traffic, after: &Traffic, nodes: &[NodeId]) -> bool {
        let least = |symbol: i64| WORTH * nodes.iter().map(|&n| size(self.graph, n, symbol)).sum::<f64>();
        let fewer = (0..SIZES.len()).all(|k| before.bytes[k] - after.bytes[k] >= least(SIZES[k]));
        fewer && after.launches <= before.launches
    }

    pub(super) fn traffic(&self) -> Traffic {
        let panels: BTreeSet<NodeId> = self.epilogues().into_values().collect();
        let bytes = std::array::from_fn(|k| self.bytes(k, &panels));
        Traffic { bytes, launches: self.steps.len() + self.groups.len() - panels.len() }
    }

    /// The bytes that all steps read and write, where all symbols have size number `k`.
    fn bytes(&self, k: usize, panels: &BTreeSet<NodeId>) -> f64 {
        let whole = |id: &NodeId| if panels.contains(id) { 0.0 } else { size(self.graph, *id, SIZES[k]) };
        let kernel = |g: &Group| {
            let all = g.bytes.get_or_init(|| self.moved(g)).iter();
            all.filter(|(node, _)| !panels.contains(node)).map(|(_, bytes)| bytes[k]).sum::<f64>()
        };
        let step = |id: &NodeId| self.sources(*id).iter().map(whole).sum::<f64>() + whole(id);
        self.groups.values().map(|g| kernel(g)).sum::<f64>() + self.steps.iter().map(step).sum::<f64>()
    }

    /// What a kernel reads and writes.
    fn moved(&self, group: &Group) -> Bytes {
        let reads = group.inputs().into_iter().map(|n| (n, SIZES.map(|symbol| self.read(group, n, symbol))));
        let writes = group.roots.iter().map(|&n| (n, SIZES.map(|symbol| size(self.graph, n, symbol))));
        reads.chain(writes).collect()
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

    fn now(&self) -> Now {
        let sources = self.all_sources();
        let mut depths = vec![None; sources.len()];
        for id in self.graph.ids() {
            depth(id, &sources, &mut depths);
        }
        Now { makers: makers(self), sources, depths }
    }

    /// The computed nodes of the minimum cut between a kernel and memory.
    fn wanted(&self, group: &Group, now: &Now) -> Vec<NodeId> {
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
                let times = self.times(id, now);
                costs.push(cost_of(self.read(group, id, SYMBOL) * times));
                from.push(place);
                continue;
            }
            let others = now.makers.get(&id).map_or(0, |makers| makers.len() - 1);
            // One writes it, the others share the cost of that.
            let cost = size(self.graph, id, SYMBOL) * (1.0 + 1.0 / others.max(1) as f64);
            costs.push(if others > 0 && self.may(id, now) { cost_of(cost) } else { NEVER });
            stack.extend(self.graph.node(id).args.iter().map(|&arg| (arg, Some(place))));
        }
        let to: Vec<usize> = group.roots.iter().map(|root| places[root]).collect();
        let cut = min_cut(&costs, &edges, &from, &to);
        let computed = |(id, place): (NodeId, usize)| (cut.contains(&place) && !from.contains(&place)).then_some(id);
        places.into_iter().filter_map(computed).collect()
    }

    /// Whether a node that several kernels compute may be in memory: one over
    /// its axes can write it that needs nothing of the others; and what a
    /// checkpoint computes again is not kept until the time of another one.
    fn may(&self, id: NodeId, now: &Now) -> bool {
        let makers = &now.makers[&id];
        let era = |id: NodeId| self.eras[id.0 as usize];
        let mut extents: Vec<&Dim> = self.graph.ty(id).shape.iter().filter(|d| !d.is(1)).collect();
        extents.sort();
        let writes = |key: &NodeId| {
            let later = |other: &&NodeId| now.depths[other.0 as usize] < now.depths[key.0 as usize];
            let roots: Vec<NodeId> =
                makers.iter().filter(later).flat_map(|other| self.groups[other].roots.clone()).collect();
            let mut seen = vec![false; self.graph.nodes.len()];
            let group = &self.groups[key];
            group.extents.iter().eq(extents.iter().copied())
                && group.sources.iter().all(|&n| !depends(n, &roots, &now.sources, &mut seen))
        };
        let together = era(id) == u32::MAX || makers.iter().all(|&key| era(key) == era(id));
        !extents.is_empty() && together && makers.iter().any(writes)
    }

    /// How many times its bytes it saves the program if one of the kernels that
    /// read a node does not. A product that is left to one kernel becomes a
    /// panel: it is neither written nor read by that one.
    fn times(&self, id: NodeId, now: &Now) -> f64 {
        let others = self.groups.values().filter(|g| g.has_input(id)).count().saturating_sub(1);
        let steps = || self.steps.iter().map(|step| &now.sources[step.0 as usize]);
        let whole = || self.graph.outputs.contains(&id) || steps().any(|sources| sources.contains(&id));
        match others {
            _ if !self.epilogues || !self.is_dot(id) || whole() => 1.0,
            0 => 0.0,
            _ => 1.0 + 2.0 / others as f64,
        }
    }
}

/// The length of the longest way to a node: one more than to what it is made from.
fn depth(id: NodeId, sources: &Sources, depths: &mut [Option<usize>]) -> usize {
    if let Some(depth) = depths[id.0 as usize] {
        return depth;
    }
    let depth = sources[id.0 as usize].iter().map(|&source| depth(source, sources, depths) + 1).max().unwrap_or(0);
    depths[id.0 as usize] = Some(depth);
    depth
}

fn size(graph: &Graph, id: NodeId, symbol: i64) -> f64 {
    let ty = graph.ty(id);
    bytes(ty.dtype, &ty.shape, symbol)
}

/// Bytes as a cost. An array of many axes may have more than a number holds; sums of these stay below [`NEVER`].
fn cost_of(bytes: f64) -> u64 {
    bytes.min(1e15) as u64
}
