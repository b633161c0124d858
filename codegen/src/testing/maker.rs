//! Makes a random graph, one node at a time, each computed as it is made.
//!
//! Always: a choice is judged by the sizes that the symbols have in this case,
//! so a slice stays inside and an empty maximum is not taken; a node whose value
//! does not suit the profile is left unread.

use super::{Case, Profile, Rng, exact};
use crate::dtype::{DType, Kind};
use crate::graph::infer::{gathered, without};
use crate::graph::{Graph, NodeId, Relation, Require, Type};
use crate::interp::value::count;
use crate::interp::{Precision, Sizes, Value, eval, size, sizes_of};
use crate::ops::{Answer, Literal, MapOp, Monoid, Rule};
use crate::passes::fold::is_exact;
use crate::shape::{Dim, SizesOnly, Sym};

/// The most elements of a node, and the most axes.
const MOST: usize = 400;
const RANK: usize = 4;

struct Maker {
    rng: Rng,
    profile: Profile,
    graph: Graph,
    sizes: Sizes,
    params: Vec<Value>,
    /// The value of each node; `None` where it does not suit.
    values: Vec<Option<Value>>,
    dims: Vec<Dim>,
}

pub fn make(profile: Profile, seed: u64) -> Case {
    let mut maker = Maker::new(profile, Rng::new(seed));
    for _ in 0..1 + maker.rng.below(4) {
        maker.param();
    }
    let enough = maker.graph.nodes.len() + 1 + maker.rng.below(16);
    for _ in 0..60 {
        if maker.graph.nodes.len() < enough {
            maker.step();
            maker.compute();
        }
    }
    maker.finish()
}

impl Maker {
    fn new(profile: Profile, mut rng: Rng) -> Maker {
        let mut graph = Graph::new("random");
        let mut sizes = Sizes::new();
        let mut dims: Vec<Dim> = [1, 2, 3, 4].map(Dim::from).into();
        for name in ["B", "C", "D"].iter().take(rng.below(4)) {
            let value = *rng.pick(&[1, 2, 2, 3, 3, 4, 5]);
            let value = if rng.chance(12) { 0 } else { value };
            graph.symbols.push(Sym::from(*name));
            sizes.insert(Sym::from(*name), value);
            dims.extend(vec![Dim::sym(*name); 3]);
            graph.requires.push(Require {
                left: Dim::sym(*name),
                relation: *rng.pick(&[Relation::Eq, Relation::Le]),
                right: Dim::from(value),
                why: format!("`{name}` has its size"),
            });
        }
        if rng.chance(10) {
            dims.push(Dim::zero());
        }
        Maker { rng, profile, graph, sizes, params: Vec::new(), values: Vec::new(), dims }
    }

    fn n(&self, dim: &Dim) -> usize {
        size(dim, &self.sizes).ok().and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    fn room(&self, shape: &[Dim]) -> bool {
        let sizes = sizes_of(shape, &self.sizes).and_then(|s| count(&s));
        shape.len() <= RANK && sizes.is_ok_and(|n| n <= MOST)
    }

    fn shape(&mut self) -> Vec<Dim> {
        let rank = self.rng.below(4);
        let shape: Vec<Dim> = (0..rank).map(|_| self.rng.pick(&self.dims).clone()).collect();
        if self.room(&shape) { shape } else { Vec::new() }
    }

    fn dtype(&mut self) -> DType {
        let floats = [DType::F32, DType::F32, DType::F32, DType::F64];
        let all: Vec<DType> = DType::all().collect();
        if self.rng.chance(3) { *self.rng.pick(&all) } else { *self.rng.pick(&floats) }
    }

    fn literal(&mut self, dtype: DType) -> Literal {
        let small = self.rng.below(33) as i64 - 16;
        let wild = self.profile == Profile::Any && self.rng.chance(6);
        match dtype.int_range() {
            Some((low, high)) if wild => Literal::Int(*self.rng.pick(&[low, high, low + 1, high / 2])),
            Some(_) => Literal::Int(i128::from(small / 2)).cast(dtype),
            None if dtype.kind() == Kind::Bool => Literal::Bool(small > 0),
            None if wild => {
                let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 1e30, 1e-30, 0.1];
                Literal::float(*self.rng.pick(&odd)).cast(dtype)
            }
            None => Literal::float(small as f64 / 4.0),
        }
    }

    fn param(&mut self) {
        let dtype = self.dtype();
        let shape = self.shape();
        let scalar = shape.is_empty() && self.rng.chance(2);
        let sizes = sizes_of(&shape, &self.sizes).unwrap_or_default();
        let elements: Vec<Literal> = (0..count(&sizes).unwrap_or(0)).map(|_| self.literal(dtype)).collect();
        self.params.push(Value::literals(sizes, dtype, elements));
        let name =
            if self.rng.chance(3) { format!("p.p{}", self.params.len()) } else { format!("p{}", self.params.len()) };
        self.graph.param(name, Type::new(dtype, shape), scalar);
        self.compute();
    }

    /// Computes the nodes that have no value yet.
    fn compute(&mut self) {
        for at in self.values.len()..self.graph.nodes.len() {
            let node = &self.graph.nodes[at];
            let args: Option<Vec<&Value>> = node.args.iter().map(|a| self.values[a.0 as usize].as_ref()).collect();
            let value = args.and_then(|args| {
                let value = eval::eval(Precision::Exact, node, &args, &self.sizes, &self.params).ok()?;
                (self.profile == Profile::Any || exact(node, &args, &value)).then_some(value)
            });
            self.values.push(value);
        }
    }

    /// A node with a value, of a type that suits; the later ones more often.
    fn pick(&mut self, suits: impl Fn(&Type) -> bool) -> Option<NodeId> {
        let ok = |id: &NodeId| self.values[id.0 as usize].is_some() && suits(self.graph.ty(*id));
        let found: Vec<NodeId> = self.graph.ids().take(self.values.len()).filter(ok).collect();
        let (a, b) = (self.rng.below(found.len()), self.rng.below(found.len()));
        found.get(a.max(b)).copied()
    }

    /// An operand of exactly this type.
    fn operand(&mut self, ty: &Type) -> NodeId {
        let found = match self.rng.below(5) {
            0 => self.pick(|t| t.shape == ty.shape).map(|x| self.graph.cast(x, ty.dtype)),
            1 => self.pick(|t| {
                let tail = ty.shape.len().checked_sub(t.rank()).map(|new| &ty.shape[new..]);
                t.dtype == ty.dtype && tail.is_some_and(|s| s.iter().zip(&t.shape).all(|(a, b)| a == b || b.is(1)))
            }),
            2 => None,
            _ => self.pick(|t| t == ty),
        };
        let x = found.unwrap_or_else(|| {
            let plain = *self.rng.pick(&[0, 1, 2, 4, -1]);
            let literal = if self.rng.chance(2) { Literal::Int(plain) } else { self.literal(ty.dtype) };
            self.graph.konst(literal, ty.dtype)
        });
        self.graph.broadcast_to(x, &ty.shape)
    }

    /// Adds a node of a random kind, where its operands can be had.
    fn step(&mut self) -> Option<()> {
        match self.rng.below(22) {
            0..=6 => self.map(),
            7 => {
                let (x, dtype) = (self.pick(|_| true)?, self.dtype());
                self.graph.cast(x, dtype);
                Some(())
            }
            8 => self.leaf(),
            9 | 10 => self.broadcast(),
            11 => {
                let x = self.pick(|t| t.rank() > 1)?;
                let mut perm: Vec<usize> = (0..self.graph.ty(x).rank()).collect();
                self.rng.shuffle(&mut perm);
                self.graph.permute(x, &perm);
                Some(())
            }
            12 => self.reshape(),
            13 | 14 => self.slice(),
            15 => self.pad(),
            16 => self.window(),
            17 | 18 => self.reduce(),
            19 => self.gather(),
            20 => self.scatter(),
            _ => self.dot(),
        }
    }

    fn map(&mut self) -> Option<()> {
        let ops: Vec<MapOp> = MapOp::all().collect();
        let everyday: Vec<MapOp> =
            ["add", "sub", "mul", "neg", "maximum", "where", "lt", "div", "power"].map(MapOp::named).into();
        let op = if self.rng.chance(3) { *self.rng.pick(&everyday) } else { *self.rng.pick(&ops) };
        let rule = op.row().rule;
        let exact = self.profile == Profile::Exact && !is_exact(op);
        let x = self.pick(|t| rule.accepts(t.dtype) && !(exact && t.dtype.is_float()))?;
        let ty = self.graph.ty(x).clone();
        let mut args = vec![x];
        while args.len() < op.row().arity {
            args.push(self.operand(&ty));
        }
        if rule == Rule::Select {
            args[0] = self.operand(&Type::new(DType::Bool, ty.shape.clone()));
            args[1] = x;
        }
        if self.rng.chance(2) {
            args[usize::from(rule == Rule::Select)..].reverse();
        }
        self.graph.map(op, &args);
        Some(())
    }

    fn leaf(&mut self) -> Option<()> {
        match self.rng.below(3) {
            0 => {
                let shape = self.shape();
                let axis = self.rng.below(shape.len());
                (axis < shape.len()).then(|| self.graph.iota(&shape, axis))?;
            }
            1 => {
                let dim = self.rng.pick(&self.dims).scale(2).add(&Dim::one());
                self.graph.size(dim);
            }
            _ => {
                let dtype = self.dtype();
                let literal = self.literal(dtype);
                self.graph.konst(literal, dtype);
            }
        }
        Some(())
    }

    fn broadcast(&mut self) -> Option<()> {
        let x = self.pick(|t| t.rank() < RANK)?;
        let mut shape = self.graph.ty(x).shape.clone();
        for n in shape.iter_mut().filter(|n| n.is(1)) {
            *n = self.rng.pick(&self.dims).clone();
        }
        let mut axes: Vec<usize> = (0..shape.len()).collect();
        for _ in 0..1 + self.rng.below(RANK - shape.len()) {
            let at = self.rng.below(shape.len() + 1);
            shape.insert(at, self.rng.pick(&self.dims).clone());
            axes.iter_mut().filter(|a| **a >= at).for_each(|a| *a += 1);
        }
        if self.room(&shape) {
            self.graph.broadcast(x, &axes, &shape);
        }
        Some(())
    }

    fn reshape(&mut self) -> Option<()> {
        let x = self.pick(|t| t.rank() > 0)?;
        let mut shape = self.graph.ty(x).shape.clone();
        let k = self.rng.below(shape.len());
        match self.rng.below(4) {
            0 => shape.insert(k, Dim::one()),
            1 => shape = vec![Dim::product(&shape)],
            2 if shape[k].is(4) => drop(shape.splice(k..=k, [Dim::from(2), Dim::from(2)])),
            2 if shape[k].is(1) => drop(shape.remove(k)),
            _ if k + 1 < shape.len() => {
                let next = shape.remove(k + 1);
                shape[k] = shape[k].mul(&next);
            }
            _ => {}
        }
        if self.room(&shape) {
            self.graph.reshape(x, &shape);
        }
        Some(())
    }

    fn slice(&mut self) -> Option<()> {
        let x = self.pick(|t| t.rank() > 0)?;
        let shape = self.graph.ty(x).shape.clone();
        let (mut start, mut step, mut lens) = (Vec::new(), Vec::new(), Vec::new());
        for n in &shape {
            let skip = self.rng.below(self.n(n).min(3));
            let by = *self.rng.pick(&[1, 1, 2, 3]);
            // From `skip` elements off one end to the other end.
            let left = n.sub(&Dim::from(skip as i64));
            let len = left.add(&Dim::from(by - 1)).div(&Dim::from(by), &SizesOnly);
            let back = self.rng.chance(3);
            start.push(if back { left.sub(&Dim::one()) } else { Dim::from(skip as i64) });
            step.push(if back { -by } else { by });
            lens.push(len);
        }
        self.graph.slice(x, &start, &step, &lens);
        Some(())
    }

    fn pad(&mut self) -> Option<()> {
        let x = self.pick(|t| t.rank() > 0)?;
        let ty = self.graph.ty(x).clone();
        let fill = self.operand(&Type::scalar(ty.dtype));
        let mut pads = || -> Vec<Dim> {
            let amount = |n: &Dim| if self.rng.chance(8) { n.clone() } else { Dim::from(self.rng.below(3) as i64) };
            ty.shape.iter().map(amount).collect()
        };
        let (before, after) = (pads(), pads());
        let sizes: Vec<Dim> = ty.shape.iter().zip(&before).zip(&after).map(|((n, b), a)| n.add(b).add(a)).collect();
        if self.room(&sizes) {
            self.graph.pad(x, &before, &after, fill);
        }
        Some(())
    }

    fn window(&mut self) -> Option<()> {
        let x = self.pick(|t| t.rank() > 0 && t.rank() < RANK)?;
        let shape = self.graph.ty(x).shape.clone();
        let axis = self.rng.below(shape.len());
        let (k, stride, dilation) = (1 + self.rng.below(3), 1 + self.rng.below(2), 1 + self.rng.below(2));
        let reach = dilation * (k - 1) + 1;
        if self.n(&shape[axis]) < reach {
            return None;
        }
        let last = shape[axis].sub(&Dim::from(reach as i64));
        let windows = last.div(&Dim::from(stride as i64), &SizesOnly).add(&Dim::one());
        let mut result = shape.clone();
        result[axis] = windows.clone();
        result.push(Dim::from(k as i64));
        if self.room(&result) {
            self.graph.window(x, axis, windows, Dim::from(k as i64), stride as i64, dilation as i64);
        }
        Some(())
    }

    fn reduce(&mut self) -> Option<()> {
        let monoids: Vec<Monoid> = Monoid::all().collect();
        let monoid = if self.rng.chance(3) { Monoid::named("sum") } else { *self.rng.pick(&monoids) };
        let x = self.pick(|t| t.rank() > 0 && monoid.result(t.dtype).is_some())?;
        let shape = self.graph.ty(x).shape.clone();
        let one = self.rng.below(shape.len());
        let mut axes = vec![one];
        if monoid.row().answer == Answer::Same {
            axes = (0..shape.len()).filter(|&k| k == one || self.rng.chance(3)).collect();
        }
        if self.room(&without(&shape, &axes)) {
            let reduced = self.graph.reduce(monoid, x, &axes);
            if self.rng.chance(2) {
                self.graph.keepdims(reduced, &axes);
            }
        }
        Some(())
    }

    fn dot(&mut self) -> Option<()> {
        let a = self.pick(|t| t.rank() > 0 && t.dtype != DType::Bool)?;
        let ty = self.graph.ty(a).clone();
        let b = self.pick(|t| t.dtype == ty.dtype && t.shape.iter().any(|n| ty.shape.contains(n)))?;
        let other = self.graph.ty(b).clone();
        let (mut batch, mut contract, mut used) = (Vec::new(), Vec::new(), Vec::new());
        for (i, n) in ty.shape.iter().enumerate() {
            let free = (0..other.rank()).filter(|j| !used.contains(j) && other.shape[*j] == *n).collect::<Vec<_>>();
            let Some(&j) = free.get(self.rng.below(free.len())) else { continue };
            match self.rng.below(4) {
                0 => continue,
                1 => batch.push((i, j)),
                _ => contract.push((i, j)),
            }
            used.push(j);
        }
        self.rng.shuffle(&mut batch);
        let left: Vec<usize> = contract.iter().map(|p| p.0).collect();
        let mut shape = without(&ty.shape, &left);
        shape.extend(without(&other.shape, &used));
        if self.room(&shape) {
            self.graph.dot(a, b, &batch, &contract);
        }
        Some(())
    }

    /// Indices of an axis of this size, mostly in range, behind these axes.
    fn indices(&mut self, batch: &[Dim], n: &Dim) -> Option<NodeId> {
        let mut shape = batch.to_vec();
        for _ in 0..self.rng.below(RANK - batch.len()) {
            shape.push(self.rng.pick(&self.dims).clone());
        }
        // A kernel may pick by one number for all of no elements: those vary.
        let raw = match shape.iter().position(|d| self.n(d) == 0) {
            Some(axis) => self.graph.iota(&shape, axis),
            None => self.room(&shape).then(|| self.operand(&Type::new(DType::I64, shape.clone())))?,
        };
        let size = self.graph.size(n.clone());
        let size = self.graph.broadcast_to(size, &shape);
        let place = self.graph.map(MapOp::named("remainder"), &[raw, size]);
        Some(match self.rng.below(4) {
            0 => self.graph.map(MapOp::named("sub"), &[place, size]),
            1 => raw,
            _ => place,
        })
    }

    fn gather(&mut self) -> Option<()> {
        let x = self.pick(|t| t.rank() > 0)?;
        let shape = self.graph.ty(x).shape.clone();
        let axis = self.rng.below(shape.len());
        let batch = if self.rng.chance(3) { self.rng.below(axis + 1) } else { 0 };
        let indices = self.indices(&shape[..batch], &shape[axis])?;
        let result = gathered(axis, batch, &shape, self.graph.ty(indices)).ok()?;
        self.room(&result).then(|| self.graph.gather(x, indices, axis, batch))?;
        Some(())
    }

    fn scatter(&mut self) -> Option<()> {
        let mut shape = self.shape();
        let axis = self.rng.below(shape.len());
        let batch = if self.rng.chance(3) { self.rng.below(axis + 1) } else { 0 };
        if axis >= shape.len() {
            return None;
        }
        shape[axis] = self.rng.pick(&self.dims).add(&Dim::one());
        let indices = self.indices(&shape[..batch], &shape[axis])?;
        let updates = gathered(axis, batch, &shape, self.graph.ty(indices)).ok()?;
        let dtype = self.dtype();
        if self.room(&updates) && self.room(&shape) && dtype != DType::Bool {
            let updates = self.operand(&Type::new(dtype, updates));
            self.graph.scatter(updates, indices, axis, batch, &shape);
        }
        Some(())
    }

    fn finish(mut self) -> Case {
        // Mostly nodes that nothing else reads, the later ones first.
        let users = self.graph.users();
        for _ in 0..1 + self.rng.below(3) {
            let ends = |id: &NodeId| self.values[id.0 as usize].is_some() && users[id.0 as usize].is_empty();
            let end = self.graph.ids().rev().filter(ends).find(|id| !self.graph.outputs.contains(id));
            let any = self.pick(|_| true);
            self.graph.outputs.extend(if self.rng.chance(5) { any } else { end.or(any) });
        }
        (self.graph, self.sizes, self.params)
    }
}
