//! The order of the steps, and the buffers they work on.
//!
//! In: the kernels and products that the search has found. Out: the
//! [`Program`]: steps in an order in which everything is written before it is
//! read, each temporary released at its last reader. Always: among steps that
//! may run, the one whose node comes first in the graph runs first.

use super::again::again;
use super::builder::Source;
use super::finish::{Finished, finish};
use super::{Search, anonymous, dots};
use crate::graph::{NodeId, Op};
use crate::kernel::{Inst, InstOp, Kernel};
use crate::program::{Action, BufId, Buffer, Dot, Epilogue, Launch, Place, Program, Scatter, Step};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A step before its buffers are known: a product or scatter, a kernel, or a
/// product and its kernel.
struct Work {
    own: Option<NodeId>,
    group: Option<NodeId>,
}

pub fn program(search: &Search) -> Program {
    let mut b = Assembly::new(search);
    let work = sorted(search);
    work.iter().for_each(|w| b.step(w));
    let steps = work.iter().enumerate().filter_map(|(step, w)| Some((w.group?, step))).collect();
    b.program.again = again(search, &steps);
    b.finish()
}

/// All work in the order of execution.
fn sorted(search: &Search) -> Vec<Work> {
    let epilogues = search.epilogues();
    let fused: BTreeSet<NodeId> = epilogues.values().copied().collect();
    let mut work: Vec<Work> = Vec::new();
    for own in search.steps.iter().copied().filter(|d| !fused.contains(d)) {
        work.push(Work { own: Some(own), group: None });
    }
    for &group in search.groups.keys() {
        work.push(Work { own: epilogues.get(&group).copied(), group: Some(group) });
    }
    work.sort_by_key(|w| w.group.or(w.own));
    let mut waiting: Vec<(BTreeSet<NodeId>, Work)> = work.into_iter().map(|w| (needs(search, &w), w)).collect();
    let mut done: BTreeSet<NodeId> =
        search.graph.ids().filter(|&id| matches!(search.graph.node(id).op, Op::Param(_))).collect();
    let mut out = Vec::new();
    while !waiting.is_empty() {
        let at = waiting.iter().position(|(needs, _)| needs.is_subset(&done));
        let (_, work) = waiting.remove(at.expect("merging keeps the kernels acyclic"));
        done.extend(work.own);
        done.extend(work.group.iter().flat_map(|g| search.groups[g].roots.iter().copied()));
        out.push(work);
    }
    beside(search, out)
}

/// A kernel that only rearranges, for one product alone, goes just before that product: the two may be run as one.
fn beside(search: &Search, mut work: Vec<Work>) -> Vec<Work> {
    let rearranges =
        |group: &NodeId| matches!(&search.groups[group].draft.code[..], [Inst { op: InstOp::Load { .. }, .. }]);
    for group in search.groups.keys().filter(|group| rearranges(group)) {
        let [root] = search.groups[group].roots[..] else { continue };
        let reads: Vec<usize> = (0..work.len()).filter(|&at| needs(search, &work[at]).contains(&root)).collect();
        let from = work.iter().position(|w| w.own.is_none() && w.group == Some(*group));
        if let (Some(from), &[to]) = (from, &reads[..])
            && work[to].own.is_some()
            && !search.graph.outputs.contains(&root)
        {
            work[from..to].rotate_left(1);
        }
    }
    work
}

fn needs(search: &Search, work: &Work) -> BTreeSet<NodeId> {
    let mut needs: BTreeSet<NodeId> = work.own.iter().flat_map(|&d| search.sources(d)).collect();
    if let Some(group) = work.group {
        needs.extend(search.groups[&group].draft.inputs.iter().map(|s| s.node()));
    }
    if let (Some(dot), Some(_)) = (work.own, work.group) {
        needs.remove(&dot);
    }
    needs
}

struct Assembly<'s, 'g> {
    search: &'s Search<'g>,
    program: Program,
    /// The buffers of nodes and of their reshaped forms.
    buffers: BTreeMap<Source, BufId>,
    /// The number of each kernel, without the names of its operands.
    kernels: HashMap<Kernel, usize>,
}

impl<'s, 'g> Assembly<'s, 'g> {
    fn new(search: &'s Search<'g>) -> Assembly<'s, 'g> {
        let graph = search.graph;
        let program = Program {
            name: graph.name.clone(),
            symbols: graph.symbols.clone(),
            params: graph.params.clone(),
            requires: graph.requires.clone(),
            ..Program::default()
        };
        let mut b = Assembly { search, program, buffers: BTreeMap::new(), kernels: HashMap::new() };
        for (k, param) in graph.params.iter().enumerate() {
            let order = (0..param.ty.rank()).collect();
            let place = Place::Param(k);
            let buffer =
                Buffer { name: param.name.clone(), dtype: param.ty.dtype, shape: param.ty.shape.clone(), order, place };
            b.program.buffers.push(buffer);
        }
        for id in graph.ids() {
            if let Op::Param(k) = graph.node(id).op {
                b.buffers.insert(Source::Node(id), BufId(k as u32));
            }
        }
        for (k, &id) in graph.outputs.iter().enumerate() {
            let name = if graph.outputs.len() == 1 { "out".to_owned() } else { format!("out_{}", letter(k)) };
            let buf = b.add(Source::Node(id), name, Place::Output(k));
            b.program.outputs.push(buf);
        }
        b
    }

    fn add(&mut self, source: Source, name: String, place: Place) -> BufId {
        let graph = self.search.graph;
        let dtype = self.search.context().stored_dtype(source.node());
        let (shape, order) = match source {
            Source::Node(id) => (&graph.ty(id).shape, self.search.orders[id.0 as usize].clone()),
            Source::Reshaped { shape_of, .. } => {
                let shape = &graph.ty(shape_of).shape;
                (shape, (0..shape.len()).collect())
            }
        };
        let id = BufId(self.program.buffers.len() as u32);
        self.program.buffers.push(Buffer { name, dtype, shape: shape.clone(), order, place });
        self.buffers.insert(source, id);
        id
    }

    fn buffer(&mut self, source: Source) -> BufId {
        if let Some(&id) = self.buffers.get(&source) {
            return id;
        }
        match source {
            Source::Node(node) => self.add(source, format!("t{}", node.0), Place::Temp),
            Source::Reshaped { base, .. } => {
                let of = self.buffer(Source::Node(base));
                let name = format!("{}.reshaped", self.program.buffer(of).name);
                self.add(source, name, Place::View(of))
            }
        }
    }

    /// The launch of a group's kernel; with `panel`, that node's axes have the
    /// order of the parallel axes.
    fn launch(&mut self, group: NodeId, panel: Option<NodeId>) -> (Launch, Finished) {
        let draft = &self.search.groups[&group].draft;
        let done = {
            let graph = self.search.graph;
            let describe = |source: Source| {
                let node = source.node();
                let name = match &graph.node(node).op {
                    Op::Param(k) => graph.params[*k].name.clone(),
                    Op::Dot { .. } => "product".to_owned(),
                    _ if draft.stores.iter().any(|s| s.0 == node) => "out".to_owned(),
                    _ => "x".to_owned(),
                };
                let order = match source {
                    Source::Node(node) if Some(node) == panel => panel_order(draft, node),
                    Source::Node(node) => self.search.orders[node.0 as usize].clone(),
                    Source::Reshaped { shape_of, .. } => (0..graph.ty(shape_of).rank()).collect(),
                };
                (name, self.search.context().stored_dtype(node), order)
            };
            finish(draft, &describe)
        };
        let inputs = done.inputs.iter().map(|&s| self.buffer(s)).collect();
        let outputs = done.outputs.iter().map(|&n| self.buffer(Source::Node(n))).collect();
        let fresh = self.program.kernels.len();
        let kernel = *self.kernels.entry(anonymous(&done.kernel)).or_insert(fresh);
        if kernel == fresh {
            self.program.kernels.push(done.kernel.clone());
        }
        (Launch { kernel, extents: done.extents.clone(), sizes: done.sizes.clone(), inputs, outputs }, done)
    }

    fn step(&mut self, work: &Work) {
        let action = match (work.own, work.group) {
            (Some(id), _) if !self.search.is_dot(id) => Action::Scatter(self.scatter(id)),
            (Some(dot), group) => Action::Dot(self.dot(dot, group)),
            (None, Some(group)) => Action::Launch(self.launch(group, None).0),
            (None, None) => unreachable!("work is a step of its own, a kernel, or both"),
        };
        self.program.steps.push(Step { action, release: Vec::new() });
    }

    fn scatter(&mut self, id: NodeId) -> Scatter {
        let node = self.search.graph.node(id);
        let Op::Scatter { axis, batch } = node.op else { unreachable!("the other steps are products") };
        let [updates, indices] = node.args[..] else { unreachable!("a scatter has two operands") };
        let mut buffer = |node| self.buffer(Source::Node(node));
        Scatter { updates: buffer(updates), indices: buffer(indices), out: buffer(id), axis, batch }
    }

    fn dot(&mut self, id: NodeId, group: Option<NodeId>) -> Dot {
        let cx = self.search.context();
        let args = &self.search.graph.node(id).args;
        let side = |k: usize| dots::side(&cx, args[k]).ok().expect("operands are in memory");
        let (left, right) = (side(0), side(1));
        let axes = dots::axes(&cx, id, &left, &right);
        let out = self.buffer(Source::Node(id));
        let epilogue = group.map(|group| {
            let draft = &self.search.groups[&group].draft;
            self.program.buffers[out.0 as usize].order = panel_order(draft, id);
            let (launch, done) = self.launch(group, Some(id));
            let input = done.inputs.iter().position(|s| s.node() == id).expect("an epilogue reads its product");
            let index = done.kernel.code.iter().find_map(|inst| match &inst.op {
                InstOp::Load { input: k, index, .. } if *k == input => Some(index),
                _ => None,
            });
            let par = |dim: &crate::shape::Dim| done.kernel.par.iter().position(|a| Some(&a.var) == dim.as_sym());
            let axes = index.expect("an epilogue loads its product").iter().map(par).collect();
            Epilogue { launch, input, axes }
        });
        Dot {
            dtype: self.search.graph.ty(id).dtype,
            left: self.buffer(left.source),
            left_start: left.start,
            right: self.buffer(right.source),
            right_start: right.start,
            axes,
            out,
            epilogue,
        }
    }

    /// Releases each temporary at its last reader.
    fn finish(mut self) -> Program {
        let mut last: BTreeMap<BufId, usize> = BTreeMap::new();
        for (k, step) in self.program.steps.iter().enumerate() {
            for id in step.action.touched() {
                let base = match self.program.buffer(id).place {
                    Place::View(base) => base,
                    Place::Param(_) | Place::Output(_) | Place::Temp => id,
                };
                last.insert(base, k);
                last.insert(id, k);
            }
        }
        for (id, k) in last {
            let temporary = match self.program.buffer(id).place {
                Place::Temp => !is_panel(&self.program.steps[k].action, id),
                Place::View(_) | Place::Param(_) | Place::Output(_) => false,
            };
            if temporary {
                self.program.steps[k].release.push(id);
            }
        }
        self.program
    }
}

/// The axes of a product in the order of its epilogue's parallel axes.
fn panel_order(draft: &super::builder::Draft, product: NodeId) -> Vec<usize> {
    let index = draft.code.iter().find_map(|inst| match &inst.op {
        InstOp::Load { input, index, .. } if draft.inputs[*input].node() == product => Some(index),
        _ => None,
    });
    let index = index.expect("an epilogue loads its product");
    let place = |k: &usize| draft.par.iter().position(|(var, _)| index[*k].as_sym() == Some(var));
    let mut order: Vec<usize> = (0..index.len()).collect();
    order.sort_by_key(|k| place(k).map_or(0, |p| p + 1));
    order
}

fn is_panel(action: &Action, id: BufId) -> bool {
    matches!(action, Action::Dot(dot) if dot.epilogue.is_some() && dot.out == id)
}

/// `a`, `b`, … for results.
fn letter(k: usize) -> String {
    let letter = char::from(b'a' + (k % 26) as u8);
    if k < 26 { letter.to_string() } else { format!("{letter}{}", "_".repeat(k / 26)) }
}
