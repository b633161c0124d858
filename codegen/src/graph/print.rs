//! The text form of a graph.
//!
//! In: a graph. Out: text that [`super::parse`] reads back to an equal graph.
//! Always: one node a line, in order, named by its number; a parameter without
//! brackets is passed by value, as in the language.
//!
//! ```text
//! fn scaled<B, C>(x: f32[B, C], s: f32)
//!   require 1 <= B because "`max` needs an element"
//!   %0 = param x : f32[B, C]
//!   %1 = max(%0) axes=[0] : f32[C]
//!   %2 = param s : f32[]
//!   %3 = broadcast(%2) axes=[] : f32[C]
//!   %4 = mul(%1, %3) : f32[C]
//!   return %4
//! ```

use super::{Graph, Mark, Node, NodeId, Op, Param, Relation, Require};
use crate::dtype::DType;
use crate::ops::Literal;
use std::fmt::{self, Display, Formatter};

impl Display for NodeId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl Display for Param {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.scalar {
            true => write!(f, "{}: {}", self.name, self.ty.dtype),
            false => write!(f, "{}: {}", self.name, self.ty),
        }
    }
}

impl Relation {
    /// The sign in the language.
    pub fn sign(self) -> &'static str {
        match self {
            Relation::Eq => "==",
            Relation::Le => "<=",
            Relation::Lt => "<",
        }
    }
}

impl Display for Require {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} because \"", self.left, self.relation.sign(), self.right)?;
        for c in self.why.chars() {
            match c {
                '\n' => f.write_str("\\n")?,
                '"' | '\\' => write!(f, "\\{c}")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}

/// A value of a dtype, in the fewest digits that give the same bits back; a NaN
/// that is not the usual one shows its bits.
fn literal(value: Literal, dtype: DType) -> String {
    match value {
        Literal::Bool(b) => b.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Float(bits) => match f64::from_bits(bits) {
            x if x.is_nan() && bits == f64::NAN.to_bits() => "nan".into(),
            x if x.is_nan() => format!("nan:{bits:#x}"),
            x if dtype.computed() == DType::F32 => format!("{:?}", x as f32),
            x => format!("{x:?}"),
        },
    }
}

impl Display for Graph {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let symbols = if self.symbols.is_empty() { String::new() } else { format!("<{}>", self.symbols.join(", ")) };
        writeln!(f, "fn {}{symbols}({})", self.name, join(&self.params))?;
        for require in &self.requires {
            writeln!(f, "  require {require}")?;
        }
        for id in self.ids() {
            writeln!(f, "  {id} = {} : {}", Line(self, self.node(id)), self.ty(id))?;
        }
        if !self.outputs.is_empty() {
            writeln!(f, "  return {}", join(&self.outputs))?;
        }
        Ok(())
    }
}

/// A node without its number and type.
struct Line<'a>(&'a Graph, &'a Node);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Line(graph, node) = self;
        let name = keyword(&node.op);
        let args = join(&node.args);
        match &node.op {
            Op::Param(number) => match graph.params.get(*number) {
                Some(param) => write!(f, "{name} {}", param.name),
                None => write!(f, "{name} #{number}"),
            },
            Op::Const(value) => write!(f, "{name} {}", literal(*value, node.ty.dtype)),
            Op::Size(dim) => write!(f, "{name} {dim}"),
            Op::Iota(axis) => write!(f, "{name} axis={axis}"),
            Op::Map(_) | Op::Cast | Op::Reshape => write!(f, "{name}({args})"),
            Op::Broadcast(axes) | Op::Reduce { axes, .. } => write!(f, "{name}({args}) axes={axes:?}"),
            Op::Permute(perm) => write!(f, "{name}({args}) perm={perm:?}"),
            Op::Mark(_, number) => write!(f, "{name}({args}) checkpoint={number}"),
            Op::Slice { start, step } => write!(f, "{name}({args}) start=[{}] step={step:?}", join(start)),
            Op::Pad { before } => write!(f, "{name}({args}) before=[{}]", join(before)),
            Op::Window { axis, stride, dilation } => {
                write!(f, "{name}({args}) axis={axis} stride={stride} dilation={dilation}")
            }
            Op::Gather { axis, batch } | Op::Scatter { axis, batch } => {
                write!(f, "{name}({args}) axis={axis} batch={batch}")
            }
            Op::Dot { batch, contract } => write!(f, "{name}({args}) batch={batch:?} contract={contract:?}"),
        }
    }
}

/// The word a node's line begins with.
pub fn keyword(op: &Op) -> &'static str {
    match op {
        Op::Param(_) => "param",
        Op::Const(_) => "const",
        Op::Size(_) => "size",
        Op::Iota(_) => "iota",
        Op::Map(op) => op.name(),
        Op::Cast => "cast",
        Op::Broadcast(_) => "broadcast",
        Op::Permute(_) => "permute",
        Op::Reshape => "reshape",
        Op::Slice { .. } => "slice",
        Op::Pad { .. } => "pad",
        Op::Window { .. } => "window",
        Op::Mark(Mark::Enter, _) => "enter",
        Op::Mark(Mark::Exit, _) => "exit",
        Op::Mark(Mark::Again, _) => "again",
        Op::Reduce { monoid, .. } => monoid.name(),
        Op::Dot { .. } => "dot",
        Op::Gather { .. } => "gather",
        Op::Scatter { .. } => "scatter",
    }
}

fn join<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
