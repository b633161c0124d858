//! The graph: a typed, hash-consed DAG, one node an operation.
//!
//! In: nodes, added operands first. Out: the same, each with its type. Always:
//! a node's operands come before it; equal nodes are one node; all arguments of
//! a [`Op::Map`] have one shape (broadcasting is a node of its own); [`verify`]
//! holds for what every pass returns.
//!
//! ```text
//! fn softmax<B, C>(x: f32[B, C])
//!   %0 = param x : f32[B, C]
//!   %1 = max(%0) axes=[1] : f32[B]
//!   %2 = broadcast(%1) axes=[0] : f32[B, C]
//!   %3 = sub(%0, %2) : f32[B, C]
//!   return %3
//! ```
//!
//! Next: [`infer`], the typing rules; [`build`]; [`crate::passes`].

pub mod build;
pub mod infer;
pub mod parse;
pub mod print;
pub mod verify;

use crate::dtype::DType;
use crate::hash::Table;
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::{Dim, Sym};

/// A node of a [`Graph`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(pub u32);

/// The type of a node: dtype and shape. A 0-d array has an empty shape.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Type {
    pub dtype: DType,
    pub shape: Vec<Dim>,
}

/// What a node does with its operands. A view is a rewriting of the index; the
/// comments give it: `i` is the result's index.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// The function's parameter of this number.
    Param(usize),
    /// A 0-d number of the node's dtype.
    Const(Literal),
    /// A 0-d `i64`: the value of a dimension.
    Size(Dim),
    /// An `i64` array of the node's shape: its index along this axis.
    Iota(usize),
    /// An elementwise operation; all operands have the node's shape.
    Map(MapOp),
    /// The operand's values in the node's dtype.
    Cast,
    /// A view: operand axis `k` is axis `axes[k]` of the result; an operand
    /// axis of size 1 may stretch. `axes` ascends. The other axes are new.
    Broadcast(Vec<usize>),
    /// A view: axis `k` of the result is axis `perm[k]` of the operand.
    Permute(Vec<usize>),
    /// A view: the same elements in C order under the node's shape.
    Reshape,
    /// A view: `operand[start + step * i]`, per axis; a step may be negative.
    Slice { start: Vec<Dim>, step: Vec<i64> },
    /// A view of `(x, fill)`: `x[i - before]` inside, the 0-d `fill` outside.
    Pad { before: Vec<Dim> },
    /// A view: `operand[.., stride * i + dilation * k, ..]` at `axis`, where `k`
    /// is the result's last axis, which is new.
    Window { axis: usize, stride: i64, dilation: i64 },
    /// A view: the operand itself, at the border of a checkpoint.
    Mark(Mark, u32),
    /// A reduction; the reduced axes (ascending) are gone from the result.
    Reduce { monoid: Monoid, axes: Vec<usize> },
    /// A sum of products of two operands. Axis pairs in `batch` run together,
    /// pairs in `contract` are summed. The result's axes: batch (in the order
    /// of the list), the rest of the left, the rest of the right.
    Dot { batch: Vec<(usize, usize)>, contract: Vec<(usize, usize)> },
    /// `(x, indices)`: `x` read at `axis` where the `i64` indices say; negative
    /// ones count from the end, others out of range are an error of the call.
    /// The first `batch` axes of both run together, and the rest of the indices'
    /// axes stand in the place of `axis`:
    /// `x[b.., i.., indices[b.., j..], k..]` at `[b.., i.., j.., k..]`.
    Gather { axis: usize, batch: usize },
    /// The adjoint of a gather, of `(updates, indices)`: zeros of the node's
    /// shape, to which each update is added where a gather would read it, those
    /// of one place in the order of their indices. Sums are of the dtype that
    /// kernels compute in: updates of `f16` make an `f32`.
    Scatter { axis: usize, batch: usize },
}

/// What stands at the border of the checkpoint of a number. Reverse mode keeps
/// nothing of what lies between its arguments and its results, but computes it
/// again: see [`crate::grad`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mark {
    /// An argument.
    Enter,
    /// A result.
    Exit,
    /// An argument for the second time, so that what is made of it is no node
    /// of the first time.
    Again,
}

/// A node with its operands and type.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Node {
    pub op: Op,
    pub args: Vec<NodeId>,
    pub ty: Type,
}

/// A parameter of the function, after parameter structs are taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Param {
    /// The name; a field of a struct has its dotted path, `net.stem.weight`.
    pub name: String,
    pub ty: Type,
    /// Passed by value (`f32`), not as an array (`f32[]`).
    pub scalar: bool,
}

/// How two sizes must relate.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Relation {
    Eq,
    Le,
    Lt,
}

/// A fact that is checked at each call: `left` relates to `right`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Require {
    pub left: Dim,
    pub relation: Relation,
    pub right: Dim,
    /// What needs it, in words: "`x[3]` needs axis 0 of `x` to be longer than 3".
    pub why: String,
}

/// A function as a DAG.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    pub name: String,
    /// The symbolic dimensions, in the order of their declaration.
    pub symbols: Vec<Sym>,
    pub params: Vec<Param>,
    pub requires: Vec<Require>,
    pub nodes: Vec<Node>,
    pub outputs: Vec<NodeId>,
    index: Table<Node, NodeId>,
}

impl Type {
    pub fn new(dtype: DType, shape: Vec<Dim>) -> Type {
        Type { dtype, shape }
    }

    pub fn scalar(dtype: DType) -> Type {
        Type { dtype, shape: Vec::new() }
    }

    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// How many elements it has.
    pub fn len(&self) -> Dim {
        Dim::product(&self.shape)
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dims: Vec<String> = self.shape.iter().map(Dim::to_string).collect();
        write!(f, "{}[{}]", self.dtype, dims.join(", "))
    }
}

impl Op {
    /// Whether it only rewrites the index.
    pub fn is_view(&self) -> bool {
        match self {
            Op::Broadcast(_) | Op::Permute(_) | Op::Reshape | Op::Slice { .. } | Op::Pad { .. } => true,
            Op::Window { .. } | Op::Mark(..) => true,
            Op::Param(_)
            | Op::Const(_)
            | Op::Size(_)
            | Op::Iota(_)
            | Op::Map(_)
            | Op::Cast
            | Op::Reduce { .. }
            | Op::Dot { .. }
            | Op::Gather { .. }
            | Op::Scatter { .. } => false,
        }
    }

    /// Whether it is a step of its own, which reads and writes memory.
    pub fn is_step(&self) -> bool {
        matches!(self, Op::Dot { .. } | Op::Scatter { .. })
    }
}

impl Graph {
    pub fn new(name: impl Into<String>) -> Graph {
        Graph { name: name.into(), ..Graph::default() }
    }

    /// An empty graph with the same name, symbols, parameters and requirements.
    pub fn like(other: &Graph) -> Graph {
        Graph {
            name: other.name.clone(),
            symbols: other.symbols.clone(),
            params: other.params.clone(),
            requires: other.requires.clone(),
            ..Graph::default()
        }
    }

    /// The node that is equal to this one, if there is one.
    pub fn find(&self, node: &Node) -> Option<NodeId> {
        self.index.get(node).copied()
    }

    /// Adds a node, or finds its equal.
    pub fn add(&mut self, op: Op, args: Vec<NodeId>, ty: Type) -> NodeId {
        let node = Node { op, args, ty };
        if let Some(&id) = self.index.get(&node) {
            return id;
        }
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(node.clone());
        self.index.insert(node, id);
        id
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub fn ty(&self, id: NodeId) -> &Type {
        &self.node(id).ty
    }

    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.nodes.len() as u32).map(NodeId)
    }

    /// For each node, who reads it; an output counts as no reader.
    pub fn users(&self) -> Vec<Vec<NodeId>> {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for arg in &self.node(id).args {
                let list: &mut Vec<NodeId> = &mut users[arg.0 as usize];
                if list.last() != Some(&id) {
                    list.push(id);
                }
            }
        }
        users
    }

    /// Which nodes an output depends on.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        for out in &self.outputs {
            live[out.0 as usize] = true;
        }
        for id in self.ids().rev() {
            if live[id.0 as usize] {
                for arg in &self.node(id).args {
                    live[arg.0 as usize] = true;
                }
            }
        }
        live
    }
}
