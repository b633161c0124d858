//! Fusion: a graph becomes kernels over buffers.
//!
//! In: a verified graph. Out: a [`Program`]. Always: every node that is
//! computed is computed inside a kernel that reads memory and writes memory;
//! which nodes are in memory is decided here and nowhere else.
//!
//! How: parameters, results and matrix products are in memory. A kernel is
//! built for each result by pulling in all that it reads ([`builder`]); what
//! cannot be pulled in is put in memory and gets a kernel of its own. Kernels
//! over one index space that share what they read are merged; costly nodes that
//! several kernels would compute are put in memory, and what is fewer bytes to
//! write and read than to compute again ([`saved`]); a kernel that alone reads a
//! matrix product at its own index becomes its epilogue.
//! Next: [`crate::loops`], [`crate::program`].

mod again;
mod apart;
mod builder;
mod columns;
mod cut;
mod dots;
mod dtypes;
mod finish;
mod index;
mod layout;
mod order;
mod pack;
mod panels;
mod places;
mod saved;
#[cfg(test)]
mod tests;
mod written;

use crate::graph::{Graph, Mark, NodeId, Op};
use crate::kernel::{Inst, InstOp, Kernel};
use crate::program::Program;
use crate::shape::{Dim, Sym};
use builder::{Blocked, Context, Draft};
use saved::Bytes;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// A producer of at least this many instructions an element is not computed
/// in two kernels.
const SHARED: u32 = 30;

/// For each node that a step or a kernel puts in memory those that it is made from; nothing for others.
type Sources = Vec<Rc<[NodeId]>>;

/// The state of the search for kernels. Choices are tried on copies, which share what does not change.
#[derive(Clone)]
struct Search<'g> {
    graph: &'g Graph,
    live: Rc<Vec<bool>>,
    /// The products and scatters: steps of their own.
    steps: Vec<NodeId>,
    stored: Vec<bool>,
    /// Which nodes are in memory as kernels compute with them: reductions, so
    /// that a sum of many halves is not infinite before it is divided, and
    /// products that are handed to their epilogue.
    wide: Vec<bool>,
    orders: Rc<Vec<Vec<usize>>>,
    /// Kernels by their first root.
    groups: BTreeMap<NodeId, Rc<Group>>,
    /// How many kernels were built, and how many of them met each other in a merge.
    built: usize,
    met: usize,
    /// For each node the first checkpoint that it is computed after.
    eras: Rc<Vec<u32>>,
    /// Whether a product may have a kernel as its epilogue.
    epilogues: bool,
}

/// The roots of one kernel, and its draft.
struct Group {
    /// The number of the kernel, in the order in which they are built.
    number: usize,
    roots: Vec<NodeId>,
    draft: Draft,
    /// The extents of its axes, sorted.
    extents: Vec<Dim>,
    /// The nodes in memory that it reads, in the order of its operands.
    sources: Rc<[NodeId]>,
    /// The arrays among them, but for single numbers.
    reads: BTreeSet<NodeId>,
    /// What it reads and writes: found once, for most kernels stay as they are from one trial to the next.
    bytes: OnceCell<Bytes>,
}

impl Group {
    fn new(number: usize, graph: &Graph, roots: Vec<NodeId>, draft: Draft) -> Group {
        let mut extents: Vec<Dim> = draft.par.iter().chain(&draft.red).map(|v| v.1.clone()).collect();
        extents.sort();
        let sources: Rc<[NodeId]> = draft.inputs.iter().map(|s| s.node()).collect();
        let reads = sources.iter().copied().filter(|n| graph.ty(*n).rank() > 0).collect();
        Group { number, roots, draft, extents, sources, reads, bytes: OnceCell::new() }
    }

    /// The nodes in memory that it reads.
    fn inputs(&self) -> BTreeSet<NodeId> {
        self.sources.iter().copied().collect()
    }

    /// Whether it is nothing but windows of an array, which a product that reads them may read there instead.
    fn is_windows(&self) -> bool {
        let is_var = |name: &Sym| self.draft.par.iter().any(|(var, _)| var == name);
        match &self.draft.code[..] {
            [Inst { op: InstOp::Load { index, .. }, .. }] => {
                index.iter().any(|at| at.symbols().iter().filter(|name| is_var(name)).count() > 1)
            }
            _ => false,
        }
    }

    fn has_input(&self, node: NodeId) -> bool {
        self.sources.contains(&node)
    }
}

/// Fuses a graph into a program.
pub fn fuse(graph: &Graph) -> Program {
    let graph = distinct_outputs(graph);
    let mut search = Search::new(&graph, &BTreeMap::new());
    search.settle();
    let lanes = pack::lanes(&search);
    if lanes.is_empty() {
        search.finish();
        return order::program(&search);
    }
    let (graph, orders) = pack::packed(&graph, &lanes);
    let mut search = Search::new(&graph, &orders);
    search.settle();
    search.finish();
    order::program(&search)
}

/// The same without fusion: a kernel an operation.
pub fn apart(graph: &Graph) -> Program {
    let graph = distinct_outputs(graph);
    let mut search = Search::new(&graph, &BTreeMap::new());
    search.epilogues = false;
    for id in graph.ids().filter(|&id| search.live[id.0 as usize] && apart::is_apart(&graph, id)) {
        search.stored[id.0 as usize] = true;
    }
    search.settle();
    Program { whole: true, ..order::program(&search) }
}

/// Gives each result a node of its own that is no parameter: a copy, where one
/// is a parameter or stands twice, and where it is a reduction that others read,
/// who shall not read it rounded.
fn distinct_outputs(graph: &Graph) -> Graph {
    let mut out = graph.clone();
    let mut taken = Vec::new();
    let users = graph.users();
    let rounded = |id: NodeId| {
        let (node, read) = (graph.node(id), !users[id.0 as usize].is_empty());
        matches!(node.op, Op::Reduce { .. }) && node.ty.dtype.is_stored_only() && read
    };
    for k in 0..out.outputs.len() {
        let mut id = out.outputs[k];
        let own = |id: NodeId| id.0 as usize >= graph.nodes.len() || !rounded(id);
        while taken.contains(&id) || matches!(out.node(id).op, Op::Param(_)) || !own(id) {
            let ty = out.ty(id).clone();
            id = out.add(Op::Permute((0..ty.rank()).collect()), vec![id], ty);
        }
        taken.push(id);
        out.outputs[k] = id;
    }
    out
}

impl<'g> Search<'g> {
    /// Merges kernels, and decides what else is in memory.
    fn finish(&mut self) {
        self.merge();
        self.share();
        self.save();
        self.hoist();
        self.widen();
    }

    /// Hands products to their epilogues unrounded.
    fn widen(&mut self) {
        for (group, dot) in self.epilogues() {
            if self.graph.ty(dot).dtype.is_stored_only() {
                self.wide[dot.0 as usize] = true;
                let group = self.groups.get_mut(&group).expect("an epilogue is a group");
                let cx = Context { graph: self.graph, stored: &self.stored, wide: &self.wide, orders: &self.orders };
                let draft = written::build(&cx, &group.roots).ok().expect("a kernel that was built before");
                *group = Rc::new(Group::new(group.number, self.graph, group.roots.clone(), draft));
            }
        }
    }

    /// Puts in memory what is costly and several kernels would compute.
    fn share(&mut self) {
        while let Some(node) = self.shared() {
            self.stored[node.0 as usize] = true;
            self.settle();
            self.merge();
        }
    }

    /// The search before any kernel is built; nodes with a given order are put
    /// in memory in it.
    fn new(graph: &'g Graph, given: &BTreeMap<NodeId, Vec<usize>>) -> Search<'g> {
        let live = graph.live();
        let in_memory = |id: NodeId| match graph.node(id).op {
            Op::Param(_) => true,
            Op::Dot { .. } | Op::Scatter { .. } => live[id.0 as usize],
            _ => graph.outputs.contains(&id),
        };
        let kept = kept(graph);
        let stored = graph.ids().map(|id| in_memory(id) || given.contains_key(&id) || kept.contains(&id)).collect();
        let mut search = Search {
            graph,
            steps: graph.ids().filter(|id| live[id.0 as usize] && graph.node(*id).op.is_step()).collect(),
            live: Rc::new(live),
            stored,
            wide: dtypes::wide(graph),
            orders: Rc::new(layout::orders(graph)),
            groups: BTreeMap::new(),
            built: 0,
            met: 0,
            eras: Rc::new(eras(graph)),
            epilogues: true,
        };
        for (id, order) in given {
            search.set_order(*id, order.clone());
        }
        search.store_operands();
        search
    }

    fn context(&self) -> Context<'_> {
        Context { graph: self.graph, stored: &self.stored, wide: &self.wide, orders: &self.orders }
    }

    fn set_order(&mut self, id: NodeId, order: Vec<usize>) {
        Rc::make_mut(&mut self.orders)[id.0 as usize] = order;
    }

    fn dots(&self) -> Vec<NodeId> {
        self.steps.iter().copied().filter(|&id| self.is_dot(id)).collect()
    }

    /// Puts in memory what products and scatters read.
    fn store_operands(&mut self) {
        let scatters = self.steps.iter().copied().filter(|&id| !self.is_dot(id));
        for arg in scatters.flat_map(|id| self.graph.node(id).args.clone()).collect::<Vec<_>>() {
            self.stored[arg.0 as usize] = true;
        }
        for dot in self.dots() {
            for operand in 0..2 {
                let node = self.graph.node(dot).args[operand];
                while let Err(missing) = dots::side(&self.context(), node) {
                    let fixed = self.graph.outputs.contains(&missing.node);
                    if missing.whole && !fixed {
                        let order = dots::natural_order(&self.context(), dot, operand);
                        self.set_order(missing.node, order);
                    }
                    assert!(!self.stored[missing.node.0 as usize], "an operand in memory is strided");
                    self.stored[missing.node.0 as usize] = true;
                }
            }
        }
    }

    /// The nodes that need a kernel: in memory, live, neither given nor steps.
    fn roots(&self) -> Vec<NodeId> {
        let needs = |id: &NodeId| {
            let op = &self.graph.node(*id).op;
            let given = op.is_step() || matches!(op, Op::Param(_));
            self.stored[id.0 as usize] && self.live[id.0 as usize] && !given
        };
        self.graph.ids().filter(needs).collect()
    }

    /// Builds a kernel for every root; a node that blocks one becomes a root.
    fn settle(&mut self) {
        loop {
            // A node that has come into memory is read, no more computed.
            let stored = &self.stored;
            let stale = |g: &Group| g.draft.computed.iter().any(|n| stored[n.0 as usize] && !g.roots.contains(n));
            self.groups.retain(|_, g| !stale(g));
            let have: BTreeSet<NodeId> = self.groups.values().flat_map(|g| g.roots.iter().copied()).collect();
            let missing: Vec<NodeId> = self.roots().into_iter().filter(|r| !have.contains(r)).collect();
            if missing.is_empty() {
                return;
            }
            for root in missing {
                let draft = self.build(root);
                self.built += 1;
                self.groups.insert(root, Rc::new(Group::new(self.built, self.graph, vec![root], draft)));
            }
        }
    }

    fn build(&mut self, root: NodeId) -> Draft {
        loop {
            match written::build(&self.context(), &[root]) {
                Ok(draft) => return draft,
                Err(Blocked(node)) => {
                    assert!(!self.stored[node.0 as usize], "node %{} blocks its own kernel", node.0);
                    self.stored[node.0 as usize] = true;
                }
            }
        }
    }

    /// Merges kernels over one index space that read the same memory. Two that
    /// met before are not tried again.
    fn merge(&mut self) {
        let fresh = |g: &Group| g.number > self.met;
        if !self.groups.values().any(|g| fresh(g)) {
            return;
        }
        let mut sources = self.all_sources();
        let mut new: BTreeSet<NodeId> = self.groups.iter().filter(|(_, g)| fresh(g)).map(|(&key, _)| key).collect();
        for later in self.groups.keys().copied().collect::<Vec<_>>() {
            // One that is not new has met all others that are not.
            let earlier: Vec<NodeId> = match new.contains(&later) {
                true => self.groups.range(..later).rev().map(|(&key, _)| key).collect(),
                false => new.range(..later).rev().copied().collect(),
            };
            for first in earlier {
                if let Some(group) = self.merged(&self.groups[&first], &self.groups[&later], &sources) {
                    group.roots.iter().for_each(|root| sources[root.0 as usize] = group.sources.clone());
                    self.built += 1;
                    self.groups.remove(&later);
                    self.groups.insert(first, Rc::new(group));
                    new.remove(&later);
                    new.insert(first);
                    break;
                }
            }
        }
        self.met = self.built;
    }

    fn merged(&self, a: &Group, b: &Group, sources: &Sources) -> Option<Group> {
        let era = |g: &Group| self.eras[g.roots[0].0 as usize];
        if a.extents != b.extents || era(a) != era(b) || a.is_windows() || b.is_windows() {
            return None;
        }
        let feeds = a.roots.iter().any(|r| b.reads.contains(r)) || b.roots.iter().any(|r| a.reads.contains(r));
        let shares = feeds || a.reads.intersection(&b.reads).next().is_some();
        let products = |reads: &BTreeSet<NodeId>| reads.iter().filter(|n| self.is_dot(**n)).count();
        let both = || a.reads.union(&b.reads).filter(|n| self.is_dot(**n)).count();
        if !shares || both() > products(&a.reads).max(products(&b.reads)) {
            return None;
        }
        let roots: Vec<NodeId> = a.roots.iter().chain(&b.roots).copied().collect();
        let mut seen = vec![false; self.graph.nodes.len()];
        let mut outside = a.sources.iter().chain(b.sources.iter()).filter(|n| !roots.contains(n));
        if outside.any(|&n| depends(n, &roots, sources, &mut seen)) {
            return None;
        }
        let draft = written::build(&self.context(), &roots).ok()?;
        // With reduced axes it would be no epilogue.
        let product = |g: &Group| g.draft.red.is_empty() && g.draft.inputs.iter().any(|s| self.is_dot(s.node()));
        let lost = !draft.red.is_empty() && (product(a) || product(b)) && {
            let readers = self.readers();
            self.panel(a, &readers).is_some() || self.panel(b, &readers).is_some()
        };
        (!lost).then(|| Group::new(self.built + 1, self.graph, roots, draft))
    }

    fn is_dot(&self, id: NodeId) -> bool {
        matches!(self.graph.node(id).op, Op::Dot { .. })
    }

    /// The nodes in memory that a step which is no kernel reads.
    fn sources(&self, step: NodeId) -> Vec<NodeId> {
        // Between a step and what it reads are views.
        self.graph.node(step).args.iter().map(|&arg| self.behind(arg)).collect()
    }

    /// The node behind views that are not in memory.
    fn behind(&self, mut id: NodeId) -> NodeId {
        while !self.stored[id.0 as usize] && self.graph.node(id).op.is_view() {
            id = self.graph.node(id).args[0];
        }
        id
    }

    /// The nodes in memory that each node in memory is made from.
    fn all_sources(&self) -> Sources {
        let nothing: Rc<[NodeId]> = Rc::new([]);
        let mut sources = vec![nothing; self.graph.nodes.len()];
        for &step in &self.steps {
            sources[step.0 as usize] = self.sources(step).into();
        }
        for group in self.groups.values() {
            group.roots.iter().for_each(|root| sources[root.0 as usize] = group.sources.clone());
        }
        sources
    }

    /// The last costly node that two kernels compute.
    fn shared(&self) -> Option<NodeId> {
        let mut count = vec![0u32; self.graph.nodes.len()];
        for node in self.groups.values().flat_map(|g| &g.draft.computed) {
            count[node.0 as usize] += 1;
        }
        let costs = self.costs();
        let twice = |n: &NodeId| count[n.0 as usize] > 1 && !self.stored[n.0 as usize];
        self.graph.ids().filter(twice).rfind(|n| costs[n.0 as usize] >= SHARED)
    }

    /// What each node costs down to memory and to reductions. A reduction costs
    /// more than any limit, and what is made of one nothing more: the reduction
    /// is small and goes to memory, a map of it is computed again.
    fn costs(&self) -> Vec<u32> {
        let mut costs: Vec<u32> = Vec::with_capacity(self.graph.nodes.len());
        for id in self.graph.ids() {
            let node = self.graph.node(id);
            let reduced = |a: &NodeId| matches!(self.graph.node(*a).op, Op::Reduce { .. });
            let args = node.args.iter().filter(|a| !reduced(a));
            let below = args.map(|a| costs[a.0 as usize]).fold(0, u32::saturating_add);
            let own = match &node.op {
                Op::Map(op) => op.row().cost,
                Op::Cast => 1,
                Op::Reduce { .. } => SHARED,
                _ => 0,
            };
            costs.push(if self.stored[id.0 as usize] { 0 } else { own.saturating_add(below).min(1000) });
        }
        costs
    }
}

/// The node behind the views.
fn base(graph: &Graph, mut id: NodeId) -> NodeId {
    while graph.node(id).op.is_view() {
        id = graph.node(id).args[0];
    }
    id
}

/// What a checkpoint is computed again from, which is in memory until then.
fn kept(graph: &Graph) -> BTreeSet<NodeId> {
    let computed = |id: &NodeId| !matches!(graph.node(*id).op, Op::Const(_) | Op::Size(_) | Op::Iota(_));
    let again = graph.ids().filter(|&id| matches!(graph.node(id).op, Op::Mark(Mark::Again, _)));
    again.map(|id| base(graph, id)).filter(computed).collect()
}

/// What is computed again belongs to the time of the gradient that needs it: a
/// kernel that computed it with the rest would keep it all the while. The
/// gradients of checkpoints come in the reverse of their order.
fn eras(graph: &Graph) -> Vec<u32> {
    let mut eras: Vec<u32> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let before = node.args.iter().map(|a| eras[a.0 as usize]).min().unwrap_or(u32::MAX);
        eras.push(match node.op {
            Op::Mark(Mark::Again, number) => before.min(number),
            _ => before,
        });
    }
    eras
}

/// Whether a node in memory is made from one of these; `seen` are known not to be.
fn depends(id: NodeId, on: &[NodeId], sources: &Sources, seen: &mut [bool]) -> bool {
    if on.contains(&id) {
        return true;
    }
    let known = std::mem::replace(&mut seen[id.0 as usize], true);
    !known && sources[id.0 as usize].iter().any(|&s| depends(s, on, sources, seen))
}

/// A kernel with its operand names erased, to find equal ones.
fn anonymous(kernel: &Kernel) -> Kernel {
    let mut out = kernel.clone();
    for operand in out.inputs.iter_mut().chain(&mut out.outputs) {
        operand.name.clear();
    }
    out
}
