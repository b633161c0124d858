//! The derivatives that rows of the op tables hold as text.
//!
//! In: the text of a rule, `g * y`, and the nodes that its names stand for. Out:
//! the node of its value. Always: all nodes have one shape; a number is of the
//! dtype of what it meets; a text that is not of this form is a bug of the table
//! and panics, which a test of each row rules out.
//!
//! The names are `x0 x1 x2`, the arguments (of a reduction `x`); `y`, the
//! result; `g`, what comes in. A call names a row; in the rule of a reduction
//! `sum(…)` and `prod(…)` run over its axes and are broadcast back.
//! Next: [`super::reverse`].

use crate::dtype::DType;
use crate::graph::{Graph, NodeId};
use crate::ops::{Literal, MapOp, Monoid, Rule};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};
use crate::syntax::parse::parse_expr;
use std::collections::HashMap;
use std::str::FromStr;

/// Rules that were parsed, by their text.
#[derive(Default)]
pub struct Rules {
    parsed: HashMap<&'static str, Expr>,
}

/// What the names of a rule stand for.
pub struct Names<'n> {
    pub args: &'n [NodeId],
    pub result: NodeId,
    pub incoming: NodeId,
    /// The axes of a reduction.
    pub axes: &'n [usize],
}

/// A value on the way: a number has no dtype until it meets a node.
#[derive(Clone, Copy)]
enum Part {
    Node(NodeId),
    Number(f64),
}

impl Rules {
    /// The value of a rule; `None` where it is zero.
    pub fn apply(&mut self, graph: &mut Graph, text: &'static str, names: &Names<'_>) -> Option<NodeId> {
        let expr = self.parsed.entry(text).or_insert_with(|| parse(text));
        let dtype = graph.ty(names.incoming).dtype;
        match value(graph, expr, names) {
            Part::Number(0.0) => None,
            part => Some(node(graph, part, dtype, names)),
        }
    }
}

fn parse(text: &str) -> Expr {
    let tokens = proc_macro2::TokenStream::from_str(text).expect("a rule is made of tokens");
    parse_expr(tokens).unwrap_or_else(|| panic!("the rule `{text}` is no expression"))
}

fn node(graph: &mut Graph, part: Part, dtype: DType, names: &Names<'_>) -> NodeId {
    match part {
        Part::Node(id) => id,
        Part::Number(number) => {
            let shape = graph.ty(names.incoming).shape.clone();
            graph.full(Literal::float(number), dtype, &shape)
        }
    }
}

fn value(graph: &mut Graph, expr: &Expr, names: &Names<'_>) -> Part {
    match &expr.kind {
        ExprKind::Int(i) => Part::Number(*i as f64),
        ExprKind::Float(f) => Part::Number(*f),
        ExprKind::Name(name) => Part::Node(match name.to_string().as_str() {
            "x" | "x0" => names.args[0],
            "x1" => names.args[1],
            "x2" => names.args[2],
            "y" => names.result,
            "g" => names.incoming,
            other => panic!("a rule names `{other}`"),
        }),
        ExprKind::Unary(UnaryOp::Neg, x) => match value(graph, x, names) {
            Part::Number(number) => Part::Number(-number),
            Part::Node(x) => Part::Node(graph.map(MapOp::named("neg"), &[x])),
        },
        ExprKind::Binary { op, left, right, .. } => {
            let args = [value(graph, left, names), value(graph, right, names)];
            map(graph, MapOp::named(row_of(*op)), &args, names)
        }
        ExprKind::Call { name, args, .. } => {
            let args: Vec<Part> = args.iter().map(|a| value(graph, &a.value, names)).collect();
            let name = name.to_string();
            match (MapOp::from_name(&name), Monoid::from_name(&name)) {
                (Some(op), _) => map(graph, op, &args, names),
                (None, Some(monoid)) => reduced(graph, monoid, args[0], names),
                (None, None) => panic!("a rule calls `{name}`"),
            }
        }
        other => panic!("a rule has {other:?}"),
    }
}

fn map(graph: &mut Graph, op: MapOp, args: &[Part], names: &Names<'_>) -> Part {
    // The condition of a selection has a dtype of its own.
    let numbers = if op.row().rule == Rule::Select { &args[1..] } else { args };
    let met = numbers.iter().find_map(|a| match a {
        Part::Node(id) => Some(graph.ty(*id).dtype),
        Part::Number(_) => None,
    });
    let dtype = met.unwrap_or(graph.ty(names.incoming).dtype);
    let args: Vec<NodeId> = args.iter().map(|&a| node(graph, a, dtype, names)).collect();
    Part::Node(graph.map(op, &args))
}

/// A reduction over the rule's axes, broadcast back.
fn reduced(graph: &mut Graph, monoid: Monoid, x: Part, names: &Names<'_>) -> Part {
    let dtype = graph.ty(names.incoming).dtype;
    let x = node(graph, x, dtype, names);
    let shape = graph.ty(x).shape.clone();
    let reduced = graph.reduce(monoid, x, names.axes);
    Part::Node(graph.spread(reduced, names.axes, &shape))
}

fn row_of(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "add",
        BinaryOp::Sub => "sub",
        BinaryOp::Mul => "mul",
        BinaryOp::Div => "div",
        BinaryOp::Pow => "power",
        BinaryOp::Rem => "remainder",
        BinaryOp::Eq => "eq",
        BinaryOp::Ne => "ne",
        BinaryOp::Lt => "lt",
        BinaryOp::Le => "le",
        BinaryOp::Gt => "gt",
        BinaryOp::Ge => "ge",
        BinaryOp::And => "bitwise_and",
        BinaryOp::Or => "bitwise_or",
        BinaryOp::Xor => "bitwise_xor",
        BinaryOp::MatMul | BinaryOp::Shl | BinaryOp::Shr => panic!("a rule has {op:?}"),
    }
}
