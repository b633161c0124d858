//! Loops made ready for Rust: unrolled axes written out, values lifted.
//!
//! In: [`Loops`]. Out: a [`Nest`]: the same statements over values that belong
//! to one point of the unrolled axes. Always: no loop over an unrolled axis is
//! left where its body is straight code and not too long; a reduction over unrolled axes alone
//! is chains of plain values, with a fused
//! multiply-add where they sum products; a value is computed outside every loop
//! whose variable it does not depend on. Next: [`super::chains`], [`super::kernel`].

use super::around::without_lane;
use super::kernel::On;
use super::window::{self, Weights, Window};
use crate::dtype::DType;
use crate::kernel::{Guard, InstOp, Kernel, ValId};
use crate::loops::{Form, LoopKind, Loops, Stmt};
use crate::ops::{Answer, Literal, MapOp, Monoid};
use crate::shape::{Dim, SizesOnly, Sym};
use std::collections::{BTreeMap, BTreeSet};

/// An index into [`Nest::values`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ref(pub usize);

/// A value at one point of the unrolled axes.
#[derive(Clone, Debug)]
pub struct Value {
    pub id: ValId,
    /// `v3`, or `v3_0_2` at point (0, 2) of the unrolled axes it depends on.
    pub name: String,
    pub dtype: DType,
    pub op: Op,
    /// The loop variables that it varies over.
    pub vars: Vec<Sym>,
}

#[derive(Clone, Debug)]
pub enum Op {
    Load {
        input: usize,
        index: Vec<Dim>,
        guards: Vec<Guard>,
        fill: Literal,
    },
    Const(Literal),
    Index(Dim),
    Inside(Vec<Guard>),
    Map(MapOp, Vec<Ref>),
    Cast(Ref),
    /// The index of an element of an axis; indices name it `%` and its [`Ref`].
    Pick(Ref, Dim),
    /// One step of a written-out reduction.
    Combine(Monoid, Ref, Ref),
    /// What an accumulator of this monoid answers; the dtype of its operand.
    Reduced(Monoid, DType),
    /// The weights of a window.
    Weights(Weights),
    /// A sum of products, with these weights.
    Window(Ref, Box<Window>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Parallel,
    Serial,
    Lane,
}

#[derive(Clone, Debug)]
pub enum Node {
    Loop {
        kind: Kind,
        var: Sym,
        body: Vec<Node>,
    },
    Eval(Ref),
    Start(Ref),
    /// The accumulator, and what is combined into it.
    Push(Ref, Ref),
    Finish(Ref),
    Keep(Ref),
    Recall(Ref),
    Store {
        output: usize,
        index: Vec<Dim>,
        value: Ref,
    },
}

pub struct Nest {
    pub values: Vec<Value>,
    pub body: Vec<Node>,
}

impl Nest {
    pub fn value(&self, value: Ref) -> &Value {
        &self.values[value.0]
    }

    /// The operands of a value; for a picked index, what it is picked by.
    pub fn args(&self, value: Ref) -> Vec<Ref> {
        let picked = |dims: &mut dyn Iterator<Item = &Dim>| -> Vec<Ref> {
            let names: Vec<Sym> = dims.flat_map(Dim::symbols).collect();
            names.iter().filter_map(|name| Ref::named(name)).flat_map(|pick| self.args(pick)).collect()
        };
        match &self.value(value).op {
            Op::Map(_, args) => args.clone(),
            Op::Cast(a) | Op::Pick(a, _) => vec![*a],
            Op::Combine(_, a, b) => vec![*a, *b],
            Op::Load { index, guards, .. } => picked(&mut index.iter().chain(guards.iter().map(|g| &g.index))),
            Op::Index(dim) => picked(&mut std::iter::once(dim)),
            Op::Inside(guards) => picked(&mut guards.iter().map(|g| &g.index)),
            Op::Window(weights, _) => vec![*weights],
            Op::Const(_) | Op::Reduced(..) | Op::Weights(_) => Vec::new(),
        }
    }
}

impl Ref {
    /// The value that an index names so.
    pub fn named(name: &str) -> Option<Ref> {
        ValId::named(name).map(|id| Ref(id.0 as usize))
    }
}

/// Writes unrolled axes out and lifts values.
pub fn nest(loops: &Loops, on: On) -> Nest {
    let windows = window::windows(loops, &uses(&loops.kernel));
    let (nest, fits) = written(loops, on, windows);
    if fits { nest } else { written(loops, on, BTreeMap::new()).0 }
}

/// The same, with these sums as windows; whether these are where they must be, within a lane that is outermost.
fn written(loops: &Loops, on: On, windows: BTreeMap<ValId, Window>) -> (Nest, bool) {
    let around = !windows.is_empty();
    let mut build = Build {
        kernel: &loops.kernel,
        column: loops.lane.clone().filter(|_| loops.form == Form::Column),
        variables: loops.kernel.variables(),
        uses: uses(&loops.kernel),
        values: Vec::new(),
        known: BTreeMap::new(),
        point: Vec::new(),
        partial: BTreeMap::new(),
        taken: windows.iter().flat_map(|(&acc, window)| window.takes(&loops.kernel, acc)).collect(),
        windows,
    };
    let body = build.block(&loops.body);
    let mut nest = Nest { values: build.values, body: Vec::new() };
    // With the lane outermost, what is shared along it, as the weights of windows or a bias, is found once a tile. Where
    // rows are read once each, they had better be read in the order in which they lie.
    let shared = |value: &Value| {
        matches!(value.op, Op::Load { .. } | Op::Weights(_))
            && Some(&value.vars[..]) == loops.lane.as_ref().map(std::slice::from_ref)
    };
    let again = on == On::Panels || !loops.kernel.red.is_empty();
    let windows = loops.form == Form::Column && again && nest.values.iter().any(shared);
    let (body, outermost) = match without_lane(&body).filter(|_| windows) {
        Some((var, body)) => (vec![Node::Loop { kind: Kind::Lane, var, body }], true),
        None => (body, false),
    };
    nest.body = nest.lift(body).0;
    (nest, outermost || !around)
}

/// How often each value is read.
fn uses(kernel: &Kernel) -> Vec<usize> {
    let mut uses = vec![0; kernel.code.len()];
    let args = kernel.code.iter().flat_map(|inst| inst.op.args());
    for id in args.chain(kernel.stores.iter().map(|s| s.value)) {
        uses[id.0 as usize] += 1;
    }
    uses
}

/// The most rows that written-out code may load. Each is a tile on the stack, and rustc's time goes by more than their
/// number.
const ROWS: u64 = 32;

pub(super) struct Build<'a> {
    pub(super) kernel: &'a Kernel,
    /// The lane, in the column form.
    column: Option<Sym>,
    variables: Vec<Vec<Sym>>,
    pub(super) uses: Vec<usize>,
    pub(super) values: Vec<Value>,
    pub(super) known: BTreeMap<(ValId, Vec<i64>), Ref>,
    /// The present point of the axes that are being written out.
    pub(super) point: Vec<(Sym, i64)>,
    /// What the pushes at the points so far amount to, a reduction and chain.
    pub(super) partial: BTreeMap<(ValId, u64), Ref>,
    /// Sums that are windows, and the values that are nowhere but in these.
    windows: BTreeMap<ValId, Window>,
    taken: BTreeSet<ValId>,
}

impl Build<'_> {
    fn block(&mut self, stmts: &[Stmt]) -> Vec<Node> {
        let mut out = Vec::new();
        // Reductions that become plain values.
        let mut plain = BTreeSet::new();
        for (at, stmt) in stmts.iter().enumerate() {
            match stmt {
                Stmt::Loop { kind: LoopKind::Unrolled, var, body } if self.unrolls(var, body) => {
                    let outermost = self.point.is_empty();
                    out.extend(self.unroll(var, body));
                    if outermost {
                        for (acc, sum) in self.together(&mut out) {
                            if plain.contains(&acc) {
                                self.known.insert((acc, Vec::new()), sum);
                            } else {
                                out.push(Node::Push(self.value(acc), sum));
                            }
                        }
                    }
                }
                Stmt::Loop { kind, var, body } => {
                    let kind = match kind {
                        LoopKind::Parallel => Kind::Parallel,
                        LoopKind::Serial | LoopKind::Unrolled => Kind::Serial,
                        LoopKind::Lane => Kind::Lane,
                    };
                    let body = self.block(body);
                    // Of a window's points nothing is left.
                    if !body.is_empty() {
                        out.push(Node::Loop { kind, var: var.clone(), body });
                    }
                }
                Stmt::Eval(v) if self.taken.contains(v) => {}
                Stmt::Eval(v) => {
                    // Constants and picked indices stand where they are read.
                    if !matches!(self.kernel.inst(*v).op, InstOp::Const(_) | InstOp::Pick(..)) {
                        out.push(Node::Eval(self.value(*v)));
                    }
                }
                Stmt::Start(v) if self.windows.contains_key(v) => {
                    out.extend(self.window(*v));
                    plain.insert(*v);
                }
                Stmt::Push(v) if self.windows.contains_key(v) => {}
                Stmt::Start(v) if self.written_out(*v, &stmts[at + 1..]) => {
                    plain.insert(*v);
                }
                Stmt::Start(v) => out.push(Node::Start(self.value(*v))),
                Stmt::Push(v) => out.extend(self.push(*v)),
                Stmt::Finish(v) if plain.contains(v) => {
                    if !self.known.contains_key(&(*v, Vec::new())) {
                        self.nothing(*v);
                    }
                }
                Stmt::Finish(v) => out.push(Node::Finish(self.value(*v))),
                Stmt::Keep(v) => out.push(Node::Keep(self.value(*v))),
                Stmt::Recall(v) => out.push(Node::Recall(self.value(*v))),
                Stmt::Store(n) => {
                    let store = &self.kernel.stores[*n];
                    let index = store.index.iter().map(|d| self.here(d)).collect();
                    out.push(Node::Store { output: store.output, index, value: self.value(store.value) });
                }
            }
        }
        out
    }

    /// A sum that is a window, after its weights.
    fn window(&mut self, acc: ValId) -> Vec<Node> {
        let Some(window) = self.windows.get(&acc).cloned() else { return Vec::new() };
        let (dtype, vars) = (window.dtype, self.column.iter().cloned().collect());
        let (id, name) = (window.weights.id, format!("v{}", window.weights.id.0));
        let weights = self.make(Value { id, name, dtype, op: Op::Weights(window.weights.clone()), vars });
        let (name, vars) = (format!("v{}", acc.0), self.variables[acc.0 as usize].clone());
        let sum = self.make(Value { id: acc, name, dtype, op: Op::Window(weights, Box::new(window)), vars });
        self.known.insert((acc, Vec::new()), sum);
        vec![Node::Eval(weights), Node::Eval(sum)]
    }

    /// Whether a loop is written out: its body is straight code, and loads few rows.
    fn unrolls(&self, var: &Sym, body: &[Stmt]) -> bool {
        let inside = !self.point.is_empty();
        straight(self.kernel, body) && (inside || self.rows(body) * self.points(var) <= ROWS)
    }

    /// How many rows written-out code loads, if every load varies over every loop around it.
    fn rows(&self, body: &[Stmt]) -> u64 {
        let each = body.iter().map(|stmt| match stmt {
            Stmt::Loop { var, body, .. } => self.rows(body) * self.points(var),
            Stmt::Eval(v) if self.taken.contains(v) => 0,
            Stmt::Eval(v) => {
                let lane = self.column.as_ref().is_some_and(|lane| self.variables[v.0 as usize].contains(lane));
                let inst = self.kernel.inst(*v);
                u64::from(lane && matches!(inst.op, InstOp::Load { .. }))
            }
            Stmt::Start(_) | Stmt::Push(_) | Stmt::Finish(_) | Stmt::Keep(_) | Stmt::Recall(_) | Stmt::Store(_) => 0,
        });
        each.sum()
    }

    /// The extent of an unrolled axis.
    pub(super) fn points(&self, var: &Sym) -> u64 {
        let axis = self.kernel.axes().find(|a| a.var == *var);
        axis.and_then(|a| a.extent.as_const()).and_then(|n| u64::try_from(n).ok()).unwrap_or(0)
    }

    fn unroll(&mut self, var: &Sym, body: &[Stmt]) -> Vec<Node> {
        let mut out = Vec::new();
        for i in 0..self.points(var) {
            self.point.push((var.clone(), i as i64));
            out.extend(self.block(body));
            self.point.pop();
        }
        out
    }

    /// Whether the pushes to `acc` all stand in straight code after its start.
    fn written_out(&self, acc: ValId, rest: &[Stmt]) -> bool {
        rest.iter().any(|stmt| match stmt {
            Stmt::Loop { kind: LoopKind::Unrolled, var, body } => self.unrolls(var, body) && pushes(body, acc),
            Stmt::Loop { .. }
            | Stmt::Eval(_)
            | Stmt::Start(_)
            | Stmt::Push(_)
            | Stmt::Finish(_)
            | Stmt::Keep(_)
            | Stmt::Recall(_)
            | Stmt::Store(_) => false,
        })
    }

    /// What makes a value one of its own at the present point.
    fn key(&self, id: ValId) -> (ValId, Vec<i64>) {
        let varies = &self.variables[id.0 as usize];
        (id, self.point.iter().filter(|(v, _)| varies.contains(v)).map(|(_, i)| *i).collect())
    }

    /// The value at the present point.
    pub(super) fn value(&mut self, id: ValId) -> Ref {
        let key = self.key(id);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let varies = &self.variables[id.0 as usize];
        let own: Vec<Sym> = varies.iter().filter(|v| !self.point.iter().any(|(p, _)| p == *v)).cloned().collect();
        let name = key.1.iter().fold(format!("v{}", id.0), |name, i| format!("{name}_{i}"));
        let inst = self.kernel.inst(id).clone();
        // Picked indices among them are values of this point too.
        let args: Vec<Ref> = inst.op.args().iter().map(|&arg| self.value(arg)).collect();
        let guards = |list: &[Guard]| -> Vec<Guard> {
            list.iter().map(|g| Guard { index: self.here(&g.index), extent: self.here(&g.extent) }).collect()
        };
        let op = match inst.op {
            InstOp::Load { input, index, guards: list, fill } => {
                Op::Load { input, index: index.iter().map(|d| self.here(d)).collect(), guards: guards(&list), fill }
            }
            InstOp::Const(literal) => Op::Const(literal),
            InstOp::Index(dim) => Op::Index(self.here(&dim)),
            InstOp::Inside(list) => Op::Inside(guards(&list)),
            InstOp::Map(op, args) => Op::Map(op, args.iter().map(|&a| self.value(a)).collect()),
            InstOp::Cast(arg) => Op::Cast(self.value(arg)),
            InstOp::Pick(arg, extent) => Op::Pick(self.value(arg), extent),
            InstOp::Reduce(monoid, arg) => Op::Reduced(monoid, self.kernel.inst(arg).dtype),
        };
        let vars = match &op {
            Op::Load { .. } | Op::Index(_) | Op::Inside(_) => {
                let mut vars = self.union(&args);
                vars.extend(own.into_iter().filter(|v| !vars.contains(v)).collect::<Vec<_>>());
                vars
            }
            Op::Const(_) | Op::Weights(_) | Op::Window(..) => own,
            Op::Map(_, args) => self.union(args),
            Op::Cast(arg) | Op::Pick(arg, _) => self.union(&[*arg]),
            Op::Combine(_, a, b) => self.union(&[*a, *b]),
            // An accumulator of the column form has a value a lane, if all are equal.
            Op::Reduced(..) => own.into_iter().chain(self.column.clone()).collect(),
        };
        let known = self.make(Value { id, name, dtype: inst.dtype, op, vars });
        self.known.insert(key, known);
        known
    }

    /// The variables that any of these varies over.
    pub(super) fn union(&self, values: &[Ref]) -> Vec<Sym> {
        let mut out: Vec<Sym> = Vec::new();
        for var in values.iter().flat_map(|v| &self.values[v.0].vars) {
            if !out.contains(var) {
                out.push(var.clone());
            }
        }
        out
    }

    /// An index expression at the present point.
    fn here(&self, d: &Dim) -> Dim {
        let at = |name: &str| self.point.iter().find(|(v, _)| **v == *name).map(|(_, i)| Dim::from(*i));
        let here = if self.point.is_empty() { d.clone() } else { d.substitute(self.kernel, &at) };
        let picked = |name: &str| {
            let value = self.known.get(&self.key(ValId::named(name)?));
            value.map(|value| Dim::sym(ValId(value.0 as u32).name()))
        };
        let picks = here.symbols().iter().any(|name| ValId::named(name).is_some());
        if picks { here.substitute(&SizesOnly, &picked) } else { here }
    }

    pub(super) fn make(&mut self, value: Value) -> Ref {
        self.values.push(value);
        Ref(self.values.len() - 1)
    }
}

/// Whether statements are straight code at each point of unrolled axes. What
/// needs the number of a point in its accumulator is not.
fn straight(kernel: &Kernel, body: &[Stmt]) -> bool {
    body.iter().all(|stmt| match stmt {
        Stmt::Loop { kind: LoopKind::Unrolled, body, .. } => straight(kernel, body),
        Stmt::Loop { .. } => false,
        Stmt::Push(v) => match &kernel.inst(*v).op {
            InstOp::Reduce(monoid, _) => monoid.row().answer == Answer::Same,
            InstOp::Load { .. }
            | InstOp::Const(_)
            | InstOp::Index(_)
            | InstOp::Inside(_)
            | InstOp::Map(..)
            | InstOp::Pick(..)
            | InstOp::Cast(_) => true,
        },
        Stmt::Eval(_) | Stmt::Start(_) | Stmt::Finish(_) | Stmt::Keep(_) | Stmt::Recall(_) | Stmt::Store(_) => true,
    })
}

fn pushes(body: &[Stmt], acc: ValId) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Loop { body, .. } => pushes(body, acc),
        Stmt::Push(v) => *v == acc,
        Stmt::Eval(_) | Stmt::Start(_) | Stmt::Finish(_) | Stmt::Keep(_) | Stmt::Recall(_) | Stmt::Store(_) => false,
    })
}

impl Nest {
    /// Moves each value out of the loops that it does not depend on. Answers
    /// the nodes and what they define.
    fn lift(&self, nodes: Vec<Node>) -> (Vec<Node>, BTreeSet<Ref>) {
        let mut out = Vec::new();
        let mut defined = BTreeSet::new();
        for node in nodes {
            match node {
                Node::Loop { kind, var, body } => {
                    let (body, mut inside) = self.lift(body);
                    let mut rest = Vec::new();
                    for node in body {
                        match node {
                            Node::Eval(v) if self.lifts(v, &var, &inside) => {
                                inside.remove(&v);
                                if defined.insert(v) {
                                    out.push(Node::Eval(v));
                                }
                            }
                            node => rest.push(node),
                        }
                    }
                    out.push(Node::Loop { kind, var, body: rest });
                }
                Node::Eval(v) => {
                    if defined.insert(v) {
                        out.push(Node::Eval(v));
                    }
                }
                Node::Finish(v) | Node::Recall(v) => {
                    defined.insert(v);
                    out.push(node);
                }
                Node::Start(_) | Node::Push(..) | Node::Keep(_) | Node::Store { .. } => out.push(node),
            }
        }
        (out, defined)
    }

    fn lifts(&self, value: Ref, var: &Sym, inside: &BTreeSet<Ref>) -> bool {
        !self.value(value).vars.contains(var) && !self.args(value).iter().any(|a| inside.contains(a))
    }
}
