//! Typed builders of nodes.
//!
//! In: operands and facts that the caller has proved (the checker on the user's
//! program, a pass on a valid graph). Out: the node, or the operand itself where
//! the operation changes nothing. Always: the type comes from
//! [`infer`]; an unproved fact is a bug of the compiler and
//! panics here, next to its cause. Next: [`super::verify`].

use super::infer::infer;
use super::{Graph, Mark, NodeId, Op, Param, Type};
use crate::dtype::DType;
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::Dim;

impl Graph {
    /// Adds a node whose type follows from its operands and, where they leave
    /// it open, from the declared one.
    pub fn typed(&mut self, op: Op, args: &[NodeId], declared: &Type) -> NodeId {
        let types: Vec<&Type> = args.iter().map(|&a| self.ty(a)).collect();
        let ty = infer(&op, &types, declared).unwrap_or_else(|why| panic!("{op:?} in `{}`: {why}", self.name));
        self.add(op, args.to_vec(), ty)
    }

    /// As [`Graph::typed`], where operands and operation fix the type.
    fn fixed(&mut self, op: Op, args: &[NodeId]) -> NodeId {
        self.typed(op, args, &Type::scalar(DType::I64))
    }

    /// As [`Graph::typed`]: the first operand's dtype, under a new shape.
    fn shaped(&mut self, op: Op, args: &[NodeId], shape: &[Dim]) -> NodeId {
        let ty = Type::new(self.ty(args[0]).dtype, shape.to_vec());
        self.typed(op, args, &ty)
    }

    /// Declares the next parameter.
    pub fn param(&mut self, name: impl Into<String>, ty: Type, scalar: bool) -> NodeId {
        let number = self.params.len();
        self.params.push(Param { name: name.into(), ty: ty.clone(), scalar });
        self.add(Op::Param(number), Vec::new(), ty)
    }

    /// A 0-d constant: the literal as a value of the dtype.
    pub fn konst(&mut self, literal: Literal, dtype: DType) -> NodeId {
        self.typed(Op::Const(literal.cast(dtype)), &[], &Type::scalar(dtype))
    }

    /// An array of one number.
    pub fn full(&mut self, literal: Literal, dtype: DType, shape: &[Dim]) -> NodeId {
        let number = self.konst(literal, dtype);
        self.broadcast_to(number, shape)
    }

    /// Zeros of a node's type.
    pub fn zeros_like(&mut self, node: NodeId) -> NodeId {
        let ty = self.ty(node).clone();
        self.full(Literal::Int(0), ty.dtype, &ty.shape)
    }

    /// The value of a dimension, 0-d `i64`.
    pub fn size(&mut self, dim: Dim) -> NodeId {
        match dim.as_const() {
            Some(n) => self.konst(Literal::Int(i128::from(n)), DType::I64),
            None => self.fixed(Op::Size(dim), &[]),
        }
    }

    /// The index along one axis of a shape, `i64`.
    pub fn iota(&mut self, shape: &[Dim], axis: usize) -> NodeId {
        self.typed(Op::Iota(axis), &[], &Type::new(DType::I64, shape.to_vec()))
    }

    /// An elementwise operation on operands of one shape.
    pub fn map(&mut self, op: MapOp, args: &[NodeId]) -> NodeId {
        self.fixed(Op::Map(op), args)
    }

    pub fn cast(&mut self, x: NodeId, dtype: DType) -> NodeId {
        if self.ty(x).dtype == dtype {
            return x;
        }
        self.typed(Op::Cast, &[x], &Type::scalar(dtype))
    }

    /// Operand axis `k` becomes axis `axes[k]`; axes of size 1 may stretch.
    pub fn broadcast(&mut self, x: NodeId, axes: &[usize], shape: &[Dim]) -> NodeId {
        if self.ty(x).shape == shape && axes.iter().copied().eq(0..shape.len()) {
            return x;
        }
        self.shaped(Op::Broadcast(axes.to_vec()), &[x], shape)
    }

    /// The broadcast of NumPy: the last axes stand under each other.
    pub fn broadcast_to(&mut self, x: NodeId, shape: &[Dim]) -> NodeId {
        let new = shape.len().saturating_sub(self.ty(x).rank());
        let axes: Vec<usize> = (new..shape.len()).collect();
        self.broadcast(x, &axes, shape)
    }

    /// The operand, at the border of a checkpoint.
    pub fn mark(&mut self, x: NodeId, mark: Mark, number: u32) -> NodeId {
        self.fixed(Op::Mark(mark, number), &[x])
    }

    /// Axis `k` of the result is axis `perm[k]` of the operand.
    pub fn permute(&mut self, x: NodeId, perm: &[usize]) -> NodeId {
        if perm.iter().copied().eq(0..self.ty(x).rank()) {
            return x;
        }
        self.fixed(Op::Permute(perm.to_vec()), &[x])
    }

    /// The same elements in C order under another shape of the same count.
    pub fn reshape(&mut self, x: NodeId, shape: &[Dim]) -> NodeId {
        if self.ty(x).shape == shape {
            return x;
        }
        self.shaped(Op::Reshape, &[x], shape)
    }

    /// `x[start + step * i]` for `i` in `0..lens`, per axis.
    pub fn slice(&mut self, x: NodeId, start: &[Dim], step: &[i64], lens: &[Dim]) -> NodeId {
        if self.ty(x).shape == lens && start.iter().all(|s| s.is(0)) && step.iter().all(|&s| s == 1) {
            return x;
        }
        self.shaped(Op::Slice { start: start.to_vec(), step: step.to_vec() }, &[x], lens)
    }

    /// These axes run backwards.
    pub fn flip(&mut self, x: NodeId, axes: &[usize]) -> NodeId {
        let shape = self.ty(x).shape.clone();
        let turned = |k: usize| axes.contains(&k);
        let last = |n: &Dim| n.sub(&Dim::one());
        let start: Vec<Dim> =
            shape.iter().enumerate().map(|(k, n)| if turned(k) { last(n) } else { Dim::zero() }).collect();
        let step: Vec<i64> = (0..shape.len()).map(|k| if turned(k) { -1 } else { 1 }).collect();
        self.slice(x, &start, &step, &shape)
    }

    /// `before` and `after` elements of `fill`, 0-d, around each axis.
    pub fn pad(&mut self, x: NodeId, before: &[Dim], after: &[Dim], fill: NodeId) -> NodeId {
        if before.iter().chain(after).all(|d| d.is(0)) {
            return x;
        }
        let sizes = self.ty(x).shape.iter().zip(before).zip(after);
        let shape: Vec<Dim> = sizes.map(|((n, b), a)| n.add(b).add(a)).collect();
        self.shaped(Op::Pad { before: before.to_vec() }, &[x, fill], &shape)
    }

    /// `count` windows of `k` elements along an axis: element `j` of window `i`
    /// is `stride * i + dilation * j`. The windows' elements are the last axis.
    pub fn window(&mut self, x: NodeId, axis: usize, count: Dim, k: Dim, stride: i64, dilation: i64) -> NodeId {
        let mut shape = self.ty(x).shape.clone();
        shape[axis] = count;
        shape.push(k);
        self.shaped(Op::Window { axis, stride, dilation }, &[x], &shape)
    }

    /// A reduction over axes in any order; over none, the operand itself.
    pub fn reduce(&mut self, monoid: Monoid, x: NodeId, axes: &[usize]) -> NodeId {
        if axes.is_empty() {
            return x;
        }
        let mut axes = axes.to_vec();
        axes.sort_unstable();
        self.fixed(Op::Reduce { monoid, axes }, &[x])
    }

    /// A reduction over `axes` of an array of this shape, broadcast back to it.
    pub fn spread(&mut self, reduced: NodeId, axes: &[usize], shape: &[Dim]) -> NodeId {
        let rest: Vec<usize> = (0..shape.len()).filter(|k| !axes.contains(k)).collect();
        self.broadcast(reduced, &rest, shape)
    }

    /// Puts axes of size 1 back where a reduction over `axes` took them away.
    pub fn keepdims(&mut self, reduced: NodeId, axes: &[usize]) -> NodeId {
        let mut rest = self.ty(reduced).shape.clone().into_iter();
        let rank = rest.len() + axes.len();
        let old: Vec<usize> = (0..rank).filter(|k| !axes.contains(k)).collect();
        let shape: Vec<Dim> = (0..rank)
            .map(|k| if axes.contains(&k) { Dim::one() } else { rest.next().unwrap_or_else(Dim::one) })
            .collect();
        self.broadcast(reduced, &old, &shape)
    }

    /// A new axis of size 1.
    pub fn expand(&mut self, x: NodeId, axis: usize) -> NodeId {
        self.keepdims(x, &[axis])
    }

    /// Drops an axis of size 1.
    pub fn squeeze(&mut self, x: NodeId, axis: usize) -> NodeId {
        let mut shape = self.ty(x).shape.clone();
        shape.remove(axis);
        self.reshape(x, &shape)
    }

    /// `x` read at an axis where the indices say; see [`Op::Gather`].
    pub fn gather(&mut self, x: NodeId, indices: NodeId, axis: usize, batch: usize) -> NodeId {
        self.fixed(Op::Gather { axis, batch }, &[x, indices])
    }

    /// Zeros of a shape with updates added where the indices say; see [`Op::Scatter`].
    pub fn scatter(&mut self, updates: NodeId, indices: NodeId, axis: usize, batch: usize, shape: &[Dim]) -> NodeId {
        let dtype = self.ty(updates).dtype;
        let ty = Type::new(dtype.computed(), shape.to_vec());
        let sums = self.typed(Op::Scatter { axis, batch }, &[updates, indices], &ty);
        self.cast(sums, dtype)
    }

    /// A sum of products; see [`Op::Dot`].
    pub fn dot(&mut self, a: NodeId, b: NodeId, batch: &[(usize, usize)], contract: &[(usize, usize)]) -> NodeId {
        self.fixed(Op::Dot { batch: batch.to_vec(), contract: contract.to_vec() }, &[a, b])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::verify::verify;

    fn dims(text: &str) -> Vec<Dim> {
        text.split_whitespace().map(|d| Dim::parse(d).unwrap()).collect()
    }

    /// A graph with the parameter `x: f32[B, C, 1]`.
    fn start() -> (Graph, NodeId) {
        let mut graph = Graph::new("f");
        graph.symbols = vec!["B".into(), "C".into()];
        let x = graph.param("x", Type::new(DType::F32, dims("B C 1")), false);
        (graph, x)
    }

    #[test]
    fn what_changes_nothing_adds_no_node() {
        let (mut g, x) = start();
        let shape = g.ty(x).shape.clone();
        let zero = g.konst(Literal::Int(0), DType::F32);
        let before = g.nodes.len();
        let none = dims("0 0 0");
        assert_eq!(g.cast(x, DType::F32), x);
        assert_eq!(g.broadcast_to(x, &shape), x);
        assert_eq!(g.permute(x, &[0, 1, 2]), x);
        assert_eq!(g.reshape(x, &shape), x);
        assert_eq!(g.slice(x, &none, &[1, 1, 1], &shape), x);
        assert_eq!(g.flip(x, &[]), x);
        assert_eq!(g.pad(x, &none, &none, zero), x);
        assert_eq!(g.reduce(Monoid::named("sum"), x, &[]), x);
        assert_eq!(g.nodes.len(), before);
    }

    #[test]
    fn equal_nodes_are_one() {
        let (mut g, x) = start();
        let a = g.map(MapOp::named("exp"), &[x]);
        assert_eq!(g.map(MapOp::named("exp"), &[x]), a);
        assert_ne!(g.konst(Literal::Int(0), DType::F32), g.konst(Literal::Int(0), DType::F64));
        assert_eq!(g.konst(Literal::Int(0), DType::F32), g.konst(Literal::float(0.0), DType::F32));
        assert_ne!(g.konst(Literal::float(-0.0), DType::F32), g.konst(Literal::float(0.0), DType::F32));
    }

    #[test]
    fn built_nodes_have_their_types() {
        let (mut g, x) = start();
        let flat = g.squeeze(x, 2);
        let sum = g.reduce(Monoid::named("sum"), flat, &[1]);
        let kept = g.keepdims(sum, &[1]);
        let wide = g.broadcast_to(kept, &dims("3 B C"));
        let turned = g.permute(flat, &[1, 0]);
        let back = g.flip(turned, &[0]);
        let product = g.dot(flat, back, &[], &[(1, 0)]);
        let frames = g.window(flat, 1, Dim::parse("C - 2").unwrap(), Dim::from(3), 1, 1);
        let fill = g.konst(Literal::Int(0), DType::F32);
        let padded = g.pad(flat, &dims("1 0"), &dims("1 C"), fill);
        let first = g.reduce(Monoid::named("argmax"), flat, &[0]);
        let count = g.size(Dim::parse("B*C").unwrap());
        let index = g.iota(&dims("B C"), 1);
        for (id, ty) in [
            (flat, "f32[B, C]"),
            (sum, "f32[B]"),
            (kept, "f32[B, 1]"),
            (wide, "f32[3, B, C]"),
            (turned, "f32[C, B]"),
            (back, "f32[C, B]"),
            (product, "f32[B, B]"),
            (frames, "f32[B, C - 2, 3]"),
            (padded, "f32[B + 2, 2*C]"),
            (first, "i64[C]"),
            (count, "i64[]"),
            (index, "i64[B, C]"),
        ] {
            assert_eq!(g.ty(id).to_string(), ty);
        }
        let Op::Slice { start, step } = &g.node(back).op else { panic!("a flip is a slice") };
        assert_eq!((start[0].to_string().as_str(), step.as_slice()), ("C - 1", [-1, 1].as_slice()));
        verify(&g).unwrap();
    }

    #[test]
    #[should_panic(expected = "cannot be stretched")]
    fn an_unproved_fact_is_caught_at_once() {
        let (mut g, x) = start();
        g.broadcast_to(x, &dims("C C 1"));
    }
}
