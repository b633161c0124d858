//! One kernel from one or more nodes.
//!
//! In: the nodes to be stored (roots), which nodes are in memory, and the order
//! of their axes. Out: the kernel's SSA over loop variables, or the node that
//! must be in memory first. Always: a node is pulled into the kernel where it
//! is read; a reduction is pulled in iff the index at which it is read is the
//! kernel's own index without the reduced axes. A view never makes a kernel.
//! Next: [`super::finish`].

use super::index::{Through, Vars, through};
use super::places::{Place, Places};
use super::written::{space, var};
use crate::dtype::DType;
use crate::graph::{Graph, NodeId, Op};
use crate::hash::Table;
use crate::kernel::{Guard, Inst, InstOp, ValId};
use crate::ops::{Answer, Literal, MapOp};
use crate::shape::{Dim, Ranges, Sym};
use std::collections::BTreeMap;
use std::rc::Rc;

/// A producer that costs this many instructions an element is written out
/// rather than computed again for each of several readers.
pub const EXPENSIVE: u32 = 8;

/// The node that must be in memory before the kernel can be built.
pub struct Blocked(pub NodeId);

/// What a kernel reads: a node in memory, or that node's elements in C order
/// under the shape of a reshape.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Source {
    Node(NodeId),
    Reshaped { base: NodeId, shape_of: NodeId },
}

impl Source {
    /// The node in memory.
    pub fn node(self) -> NodeId {
        match self {
            Source::Node(node) | Source::Reshaped { base: node, .. } => node,
        }
    }
}

/// A kernel before its variables and sizes get their final names.
#[derive(Clone, Debug)]
pub struct Draft {
    pub par: Vec<(Sym, Dim)>,
    pub red: Vec<(Sym, Dim)>,
    pub inputs: Vec<Source>,
    pub code: Vec<Inst>,
    /// Root, its index, its value.
    pub stores: Vec<(NodeId, Vec<Dim>, ValId)>,
    /// The nodes computed here, besides the roots.
    pub computed: Vec<NodeId>,
}

/// What the builder knows of the whole graph.
pub struct Context<'g> {
    pub graph: &'g Graph,
    /// Which nodes are in memory.
    pub stored: &'g [bool],
    /// Which of these are there as kernels compute with them, not as their dtype says.
    pub wide: &'g [bool],
    pub orders: &'g [Vec<usize>],
}

pub(super) struct Builder<'g> {
    pub(super) cx: &'g Context<'g>,
    roots: &'g [NodeId],
    /// The extent of the short last axis that is written out.
    pub(super) short: Option<i64>,
    /// All variables; the reduced ones among them are listed in `red`.
    pub(super) vars: Vars,
    pub(super) red: Option<Vec<Sym>>,
    inputs: Vec<Source>,
    pub(super) code: Vec<Inst>,
    known: Table<Inst, ValId>,
    places: Places,
    /// By node, and the number of a place.
    memo: Table<(NodeId, usize), ValId>,
    computed: BTreeMap<NodeId, Rc<Place>>,
}

/// The kernel over the axes of its index space, but for the last where that is written out.
pub(super) fn over(cx: &Context, roots: &[NodeId], short: Option<i64>) -> Result<Draft, Blocked> {
    let space = space(cx, roots);
    let shape = &cx.graph.ty(space).shape;
    let mut axes = cx.long_axes(space);
    if short.is_some() {
        axes.pop();
    }
    let vars = Vars::new(axes.iter().map(|&k| (var(k), shape[k].clone())).collect());
    let mut b = Builder {
        cx,
        roots,
        short,
        vars,
        red: None,
        inputs: Vec::new(),
        code: Vec::new(),
        known: Table::default(),
        places: Places::default(),
        memo: Table::default(),
        computed: BTreeMap::new(),
    };
    let mut stores = Vec::new();
    for &root in std::iter::once(&space).chain(roots.iter().filter(|&&r| r != space)) {
        for index in b.indices_of(root).ok_or(Blocked(root))? {
            let value = b.element(root, index.clone())?;
            stores.push((root, index, b.cast(value, cx.stored_dtype(root))));
        }
    }
    // A store that varies over nothing but parallel axes must cover them all.
    let red = b.red.clone().unwrap_or_default();
    let is_red = |v: &(Sym, Dim)| red.contains(&v.0);
    let (red, par): (Vec<_>, Vec<_>) = b.vars.axes.iter().cloned().partition(is_red);
    for (root, index, _) in &stores {
        let used = b.vars.of(index);
        let covers = |axes: &[(Sym, Dim)]| axes.iter().filter(|v| used.contains(&v.0)).count();
        if covers(&par) != par.len() || !(covers(&red) == 0 || covers(&red) == red.len()) {
            return Err(Blocked(*root));
        }
    }
    Ok(Draft { par, red, inputs: b.inputs, code: b.code, stores, computed: b.computed.into_keys().collect() })
}

impl Builder<'_> {
    pub(super) fn push(&mut self, op: InstOp, dtype: DType) -> ValId {
        let inst = Inst { op, dtype };
        if let Some(&id) = self.known.get(&inst) {
            return id;
        }
        let id = ValId(self.code.len() as u32);
        self.code.push(inst.clone());
        self.known.insert(inst, id);
        id
    }

    /// The value of a node at an index.
    fn element(&mut self, id: NodeId, index: Vec<Dim>) -> Result<ValId, Blocked> {
        let at = self.places.of(index, Vec::new());
        self.value(id, &at)
    }

    /// The value of a node at a place, where its guards hold.
    fn value(&mut self, id: NodeId, at: &Rc<Place>) -> Result<ValId, Blocked> {
        let key = (id, at.number());
        if let Some(&value) = self.memo.get(&key) {
            return Ok(value);
        }
        let value = if self.cx.stored[id.0 as usize] && !self.is_root_at(id, &at.index) {
            self.load(Source::Node(id), at)?
        } else {
            self.compute(id, at)?
        };
        self.memo.insert(key, value);
        Ok(value)
    }

    /// A root is computed where it is stored, and read from memory elsewhere.
    fn is_root_at(&self, id: NodeId, index: &[Dim]) -> bool {
        let written_out = |dim: &Dim| dim.as_const().is_some_and(|c| self.short.is_some_and(|n| (0..n).contains(&c)));
        let bare = |dim: &Dim| dim.is(0) || dim.as_sym().is_some_and(|s| self.vars.is_axis(s)) || written_out(dim);
        self.roots.contains(&id) && index.iter().all(bare)
    }

    fn load(&mut self, source: Source, at: &Place) -> Result<ValId, Blocked> {
        let node = source.node();
        // What this kernel writes it cannot read from memory.
        if self.roots.contains(&node) {
            return Err(Blocked(node));
        }
        let dtype = self.cx.stored_dtype(node);
        let input = match self.inputs.iter().position(|&s| s == source) {
            Some(k) => k,
            None => {
                self.inputs.push(source);
                self.inputs.len() - 1
            }
        };
        let fill = Literal::Int(0).cast(dtype);
        let (index, guards) = (at.index.clone(), at.guards.clone());
        let value = self.push(InstOp::Load { input, index, guards, fill }, dtype);
        Ok(self.computed(value))
    }

    fn compute(&mut self, id: NodeId, at: &Rc<Place>) -> Result<ValId, Blocked> {
        let graph = self.cx.graph;
        let node = graph.node(id);
        let dtype = node.ty.dtype.computed();
        match &node.op {
            Op::Const(literal) => Ok(self.push(InstOp::Const(literal.cast(dtype)), dtype)),
            Op::Size(dim) => Ok(self.push(InstOp::Index(dim.clone()), dtype)),
            Op::Iota(axis) => Ok(match at.index[*axis].as_const() {
                Some(place) => self.push(InstOp::Const(Literal::Int(place.into())), dtype),
                None => self.push(InstOp::Index(at.index[*axis].clone()), dtype),
            }),
            Op::Map(op) => {
                self.note(id, at, op.row().cost)?;
                if let ("where", [condition, yes, no]) = (op.name(), &node.args[..])
                    && let condition = self.value(*condition, at)?
                    && let Some(Literal::Bool(holds)) = self.literal(condition)
                {
                    return self.value(if holds { *yes } else { *no }, at);
                }
                let args: Vec<ValId> = node.args.iter().map(|&arg| self.value(arg, at)).collect::<Result<_, _>>()?;
                let op = self.number(*op, &args, dtype).map_or(InstOp::Map(*op, args), InstOp::Const);
                Ok(self.push(op, dtype))
            }
            Op::Cast => {
                self.note(id, at, 1)?;
                let arg = self.value(node.args[0], at)?;
                let value = self.cast(arg, if self.rounds(node) { node.ty.dtype } else { dtype });
                Ok(self.computed(value))
            }
            Op::Reduce { .. } => self.reduce(id, at),
            Op::Gather { axis, batch } => self.gather(id, *axis, *batch, at),
            Op::Param(_) | Op::Dot { .. } | Op::Scatter { .. } => Err(Blocked(id)),
            Op::Broadcast(_) | Op::Permute(_) | Op::Reshape | Op::Slice { .. } => self.view(id, at),
            Op::Pad { .. } | Op::Window { .. } | Op::Mark(..) => self.view(id, at),
        }
    }

    /// Notes that a node is computed at an index; an expensive one that is
    /// wanted at a second index is wanted in memory.
    fn note(&mut self, id: NodeId, at: &Rc<Place>, cost: u32) -> Result<(), Blocked> {
        let first = self.computed.entry(id).or_insert_with(|| at.clone());
        let again = cost >= EXPENSIVE && first.index != at.index && !self.roots.contains(&id);
        if again { Err(Blocked(id)) } else { Ok(()) }
    }

    /// An element at a picked index. What is read there is in memory or cheap:
    /// nothing says how often an element is picked.
    fn gather(&mut self, id: NodeId, axis: usize, batch: usize, at: &Rc<Place>) -> Result<ValId, Blocked> {
        // Where a guard fails there is no index to pick.
        if !at.guards.is_empty() {
            return Err(Blocked(id));
        }
        self.note(id, at, 1)?;
        let (graph, index) = (self.cx.graph, &at.index);
        let [x, indices] = graph.node(id).args[..] else { unreachable!("a gather has two operands") };
        let end = axis + graph.ty(indices).rank() - batch;
        let raw = self.element(indices, [&index[..batch], &index[axis..end]].concat())?;
        let extent = &graph.ty(x).shape[axis];
        let pick = self.push(InstOp::Pick(raw, extent.clone()), DType::I64);
        let name = pick.name();
        if self.vars.extent(&name).is_none() {
            self.vars.picks.push((name.clone(), extent.clone()));
        }
        let value = self.element(x, [&index[..axis], &[Dim::sym(name)], &index[end..]].concat())?;
        match self.computed_base(x) {
            Some(base) if self.cost_of(value, pick) >= EXPENSIVE => Err(Blocked(base)),
            Some(_) | None => Ok(value),
        }
    }

    /// What a value costs beyond what does not depend on another one.
    fn cost_of(&self, value: ValId, on: ValId) -> u32 {
        let (first, last) = (on.0 as usize, value.0 as usize);
        let mut depends = vec![false; self.code.len()];
        let mut wanted = vec![false; self.code.len()];
        depends[first] = true;
        for k in first + 1..=last {
            depends[k] = self.code[k].op.args().iter().any(|arg| depends[arg.0 as usize]);
        }
        wanted[last] = true;
        let mut cost = 0u32;
        for k in (first + 1..=last).rev().filter(|&k| depends[k]) {
            if !wanted[k] {
                continue;
            }
            if let InstOp::Map(op, _) = &self.code[k].op {
                cost = cost.saturating_add(op.row().cost);
            }
            self.code[k].op.args().iter().for_each(|arg| wanted[arg.0 as usize] = true);
        }
        cost
    }

    fn view(&mut self, id: NodeId, at: &Place) -> Result<ValId, Blocked> {
        let graph = self.cx.graph;
        match through(graph, id, &at.index, &self.vars) {
            Through::At { arg, index: inner, guards: new, fill } => {
                if let (Some(fill), true) = (fill, new.iter().any(Guard::fails)) {
                    return self.element(fill, Vec::new());
                }
                self.expansion(id, arg, &inner)?;
                let mut all = at.guards.clone();
                all.extend(new.iter().filter(|g| !at.guards.contains(g)).cloned());
                let inner = self.places.of(inner, all);
                let value = self.value(arg, &inner)?;
                match fill {
                    Some(fill) if !new.is_empty() => self.filled(value, fill, &inner.guards, &new),
                    _ => Ok(value),
                }
            }
            Through::Opaque { arg } => {
                let c_order = |k: NodeId| self.cx.orders[k.0 as usize].is_sorted();
                if !self.cx.stored[arg.0 as usize] {
                    return Err(Blocked(arg));
                }
                if c_order(arg) {
                    return self.load(Source::Reshaped { base: arg, shape_of: id }, at);
                }
                let flat = flatten(&graph.ty(id).shape, &at.index);
                let inner = unflatten(&graph.ty(arg).shape, &flat, &self.vars);
                let inner = self.places.of(inner, at.guards.clone());
                self.value(arg, &inner)
            }
            Through::Value => unreachable!("only views are followed"),
        }
    }

    /// The value inside the guards, else the fill: folded into a load where
    /// the value is one.
    fn filled(&mut self, value: ValId, fill: NodeId, all: &[Guard], new: &[Guard]) -> Result<ValId, Blocked> {
        let load = self.loaded(value);
        let dtype = self.code[value.0 as usize].dtype;
        let Inst { op, dtype: read } = self.code[load.0 as usize].clone();
        let literal = match &self.cx.graph.node(fill).op {
            Op::Const(literal) => Some(literal.cast(dtype)).filter(|l| l.stored(read) == *l),
            _ => None,
        };
        if let (InstOp::Load { input, index, guards, .. }, Some(fill)) = (op, literal)
            && guards == all
            && all.len() == new.len()
        {
            let value = self.push(InstOp::Load { input, index, guards, fill }, read);
            return Ok(self.computed(value));
        }
        let inside = self.push(InstOp::Inside(new.to_vec()), DType::Bool);
        let fill = self.element(fill, Vec::new())?;
        Ok(self.push(InstOp::Map(MapOp::named("where"), vec![inside, value, fill]), dtype))
    }

    /// A view that makes many elements of one wants an expensive operand in
    /// memory: a window wants any, a broadcast along the lane a costly one.
    fn expansion(&self, view: NodeId, arg: NodeId, index: &[Dim]) -> Result<(), Blocked> {
        let graph = self.cx.graph;
        let Some(base) = self.computed_base(arg) else { return Ok(()) };
        match &graph.node(view).op {
            Op::Window { .. } => Err(Blocked(base)),
            Op::Broadcast(_) => {
                let used = self.vars.of(index);
                let lane = self.vars.axes.last().is_some_and(|(var, _)| used.contains(var));
                let costly = || {
                    let mut cost = 0;
                    !self.weigh(base, &mut cost) && cost >= EXPENSIVE
                };
                let along = lane && used.len() < self.vars.axes.len();
                if along && costly() { Err(Blocked(base)) } else { Ok(()) }
            }
            Op::Permute(_) | Op::Reshape | Op::Slice { .. } | Op::Pad { .. } | Op::Mark(..) => Ok(()),
            Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Map(_) | Op::Cast => Ok(()),
            Op::Reduce { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => Ok(()),
        }
    }

    /// The node behind the views, if it is computed and not in memory.
    fn computed_base(&self, mut id: NodeId) -> Option<NodeId> {
        loop {
            if self.cx.stored[id.0 as usize] {
                return None;
            }
            let node = self.cx.graph.node(id);
            match &node.op {
                op if op.is_view() => id = node.args[0],
                Op::Map(_) | Op::Cast | Op::Reduce { .. } | Op::Gather { .. } => return Some(id),
                _ => return None,
            }
        }
    }

    /// Adds up what a node costs down to memory; whether a reduction is in it.
    fn weigh(&self, id: NodeId, cost: &mut u32) -> bool {
        let node = self.cx.graph.node(id);
        if self.cx.stored[id.0 as usize] || *cost > 1000 {
            return false;
        }
        let own = match &node.op {
            Op::Map(op) => op.row().cost,
            Op::Cast => 1,
            _ => 0,
        };
        *cost = cost.saturating_add(own);
        let below = node.args.iter().filter(|&&arg| self.weigh(arg, cost)).count() > 0;
        below || matches!(node.op, Op::Reduce { .. })
    }

    fn reduce(&mut self, id: NodeId, at: &Rc<Place>) -> Result<ValId, Blocked> {
        let graph = self.cx.graph;
        let node = graph.node(id);
        let Op::Reduce { monoid, axes } = &node.op else { unreachable!("called for reductions") };
        let arg = node.args[0];
        let shape = &graph.ty(arg).shape;
        let wide: Vec<usize> = axes.iter().copied().filter(|&k| !shape[k].is(1)).collect();
        let vars = if wide.is_empty() { Vec::new() } else { self.reduced(id, at, &wide, shape)? };
        let mut rest = at.index.iter();
        let mut inner = Vec::with_capacity(shape.len());
        for k in 0..shape.len() {
            inner.push(match (axes.contains(&k), wide.iter().position(|&w| w == k)) {
                (true, Some(n)) => Dim::sym(vars[n].clone()),
                (true, None) => Dim::zero(),
                (false, _) => rest.next().expect("one coordinate an axis").clone(),
            });
        }
        if wide.is_empty() {
            return match monoid.row().answer {
                Answer::Same => {
                    let inner = self.places.of(inner, at.guards.clone());
                    self.value(arg, &inner)
                }
                Answer::Index => Ok(self.push(InstOp::Const(Literal::Int(0)), node.ty.dtype)),
            };
        }
        self.note(id, at, EXPENSIVE)?;
        let value = self.element(arg, inner)?;
        Ok(self.push(InstOp::Reduce(*monoid, value), node.ty.dtype.computed()))
    }

    /// The variables over which a reduction at a place runs: the kernel's
    /// reduced ones, if its index is the kernel's other ones.
    fn reduced(&mut self, id: NodeId, at: &Place, wide: &[usize], shape: &[Dim]) -> Result<Vec<Sym>, Blocked> {
        let bare: Option<Vec<Sym>> = at.index.iter().filter(|d| !d.is(0)).map(|d| d.as_sym().cloned()).collect();
        let outer = bare.filter(|vars| vars.iter().all(|v| self.vars.is_axis(v)));
        let Some(outer) = outer.filter(|_| at.guards.is_empty()) else { return Err(Blocked(id)) };
        let distinct = (1..outer.len()).all(|n| !outer[..n].contains(&outer[n]));
        let rest: Vec<(Sym, Dim)> = self.vars.axes.iter().filter(|v| !outer.contains(&v.0)).cloned().collect();
        let extents: Vec<&Dim> = wide.iter().map(|&k| &shape[k]).collect();
        let chosen = match &self.red {
            Some(red) => self.vars.axes.iter().filter(|v| red.contains(&v.0)).cloned().collect(),
            None => rest.clone(),
        };
        if !distinct || chosen != rest {
            return Err(Blocked(id));
        }
        if chosen.is_empty() {
            let fresh: Vec<Sym> = (0..wide.len()).map(|n| Sym::from(format!("w{n}"))).collect();
            self.vars.axes.extend(fresh.iter().cloned().zip(extents.into_iter().cloned()));
            self.red = Some(fresh.clone());
            return Ok(fresh);
        }
        // Pair each reduced axis with a variable of its extent.
        let mut free = chosen.clone();
        let mut out = Vec::new();
        for extent in extents {
            let at = free.iter().position(|v| &v.1 == extent).ok_or(Blocked(id))?;
            out.push(free.remove(at).0);
        }
        if !free.is_empty() {
            return Err(Blocked(id));
        }
        self.red = Some(chosen.into_iter().map(|v| v.0).collect());
        Ok(out)
    }
}

/// The position in C order.
fn flatten(shape: &[Dim], index: &[Dim]) -> Dim {
    shape.iter().zip(index).fold(Dim::zero(), |flat, (extent, i)| flat.mul(extent).add(i))
}

/// The index of a position in C order.
fn unflatten(shape: &[Dim], flat: &Dim, vars: &Vars) -> Vec<Dim> {
    let mut flat = flat.clone();
    let mut out = vec![Dim::zero(); shape.len()];
    for k in (0..shape.len()).rev() {
        out[k] = if k == 0 { flat.clone() } else { flat.rem(&shape[k], vars) };
        flat = flat.div(&shape[k], vars);
    }
    out
}
