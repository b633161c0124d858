//! What an expression stands for while the checker runs.
//!
//! In: nothing. Out: [`Value`]. Always: a literal stays weak (NEP 50) until it
//! meets an array; an integer of unknown value that is a polynomial of the
//! declared names stays a [`Dim`]; [`Value::Error`] has been reported and
//! silences whatever reads it. Next: [`super::elementwise`].

use crate::diagnostic::Loc;
use crate::dtype::DType;
use crate::graph::{Graph, NodeId, Type};
use crate::shape::Dim;
use std::rc::Rc;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Array(NodeId),
    /// A weak integer, known now.
    Int(i128),
    /// A weak float, known now.
    Float(f64),
    Bool(bool),
    /// A weak integer, known at the call: a size.
    Dim(Dim),
    /// A weak float, known at the call: a 0-d `f64` made of sizes.
    Number(NodeId),
    Str(Rc<str>),
    None,
    DType(DType),
    Tuple(Rc<[Value]>),
    Struct(Rc<StructValue>),
    Error,
}

/// A parameter struct taken apart.
#[derive(Debug)]
pub(super) struct StructValue {
    pub def: String,
    pub args: Vec<Dim>,
    pub fields: Vec<(String, Value)>,
}

/// An argument: the value, where it stands, and, if it is a plain name, that
/// name with the place of its declaration.
#[derive(Clone, Debug)]
pub(super) struct Arg {
    pub value: Value,
    pub loc: Loc,
    pub name: Option<(String, Option<Loc>)>,
}

/// The kinds of weak numbers, in the order of NumPy's promotion.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Weak {
    Bool,
    Int,
    Float,
}

impl Value {
    pub fn dim(dim: Dim) -> Value {
        match dim.as_const() {
            Some(n) => Value::Int(i128::from(n)),
            None => Value::Dim(dim),
        }
    }

    pub fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(items.into())
    }

    pub fn is_error(&self) -> bool {
        matches!(self, Value::Error)
    }

    pub fn weak(&self) -> Option<Weak> {
        match self {
            Value::Bool(_) => Some(Weak::Bool),
            Value::Int(_) | Value::Dim(_) => Some(Weak::Int),
            Value::Float(_) | Value::Number(_) => Some(Weak::Float),
            Value::Array(_) | Value::Str(_) | Value::None | Value::DType(_) => None,
            Value::Tuple(_) | Value::Struct(_) | Value::Error => None,
        }
    }

    /// The integer as a dimension; `None` for what is no integer of 64 bits.
    pub fn as_dim(&self) -> Option<Dim> {
        match self {
            Value::Int(i) => i64::try_from(*i).ok().map(Dim::from),
            Value::Dim(d) => Some(d.clone()),
            _ => None,
        }
    }

    /// Its arrays, those of structs and tuples in order.
    pub fn nodes(&self) -> Vec<NodeId> {
        let mut nodes = Vec::new();
        self.map_nodes(&mut |node| {
            nodes.push(node);
            node
        });
        nodes
    }

    /// The value with each array replaced.
    pub fn map_nodes(&self, f: &mut dyn FnMut(NodeId) -> NodeId) -> Value {
        match self {
            Value::Array(id) => Value::Array(f(*id)),
            Value::Number(id) => Value::Number(f(*id)),
            Value::Tuple(items) => Value::tuple(items.iter().map(|v| v.map_nodes(f)).collect()),
            Value::Struct(s) => Value::Struct(Rc::new(StructValue {
                def: s.def.clone(),
                args: s.args.clone(),
                fields: s.fields.iter().map(|(name, v)| (name.clone(), v.map_nodes(f))).collect(),
            })),
            Value::Int(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Dim(_)
            | Value::Str(_)
            | Value::None
            | Value::DType(_)
            | Value::Error => self.clone(),
        }
    }

    /// A number as it is written.
    pub fn literal(&self) -> Option<String> {
        match self {
            Value::Int(i) => Some(i.to_string()),
            Value::Float(f) => Some(format!("{f:?}")),
            Value::Bool(b) => Some(b.to_string()),
            Value::Dim(d) => Some(d.to_string()),
            _ => None,
        }
    }

    /// In words, for a message.
    pub fn describe(&self, graph: &Graph) -> String {
        match self {
            Value::Array(id) => format!("`{}`", graph.ty(*id)),
            Value::Int(i) => format!("the integer `{i}`"),
            Value::Float(f) => format!("the float `{f:?}`"),
            Value::Bool(b) => format!("`{b}`"),
            Value::Dim(d) => format!("the size `{d}`"),
            Value::Number(_) => "a float made of sizes".into(),
            Value::Str(s) => format!("the string `\"{s}\"`"),
            Value::None => "`None`".into(),
            Value::DType(d) => format!("the dtype `{d}`"),
            Value::Tuple(items) => format!("a tuple of {}", items.len()),
            Value::Struct(s) => format!("the struct `{}`", s.name()),
            Value::Error => "an error".into(),
        }
    }
}

impl StructValue {
    /// `Norm<E>`.
    pub fn name(&self) -> String {
        struct_name(&self.def, &self.args)
    }
}

/// `1 constant`, `2 constants`.
pub(super) fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

/// `1 axis`, `2 axes`.
pub(super) fn axes(n: usize) -> String {
    if n == 1 { "1 axis".into() } else { format!("{n} axes") }
}

pub(super) fn struct_name(def: &str, args: &[Dim]) -> String {
    if args.is_empty() {
        return def.to_string();
    }
    let args: Vec<String> = args.iter().map(Dim::to_string).collect();
    format!("{def}<{}>", args.join(", "))
}

impl Arg {
    pub fn new(value: Value, loc: Loc) -> Arg {
        Arg { value, loc, name: None }
    }

    /// The node of an array.
    pub fn node(&self) -> Option<NodeId> {
        match self.value {
            Value::Array(id) => Some(id),
            _ => None,
        }
    }

    /// The user's name for it, in backquotes, or other words.
    pub fn words(&self, otherwise: &str) -> String {
        match &self.name {
            Some((name, _)) => format!("`{name}`"),
            None => otherwise.to_string(),
        }
    }

    /// The user's name for it, or a placeholder for the text of a help line.
    pub fn text(&self, otherwise: &str) -> String {
        self.name.as_ref().map_or_else(|| otherwise.to_string(), |(name, _)| name.clone())
    }

    /// "`x` is `f32[N, 4]`, declared at 10:22", where it is a name of an array.
    pub fn note(&self, graph: &Graph) -> Option<String> {
        let (name, declared) = self.name.as_ref()?;
        let ty: &Type = match &self.value {
            Value::Array(id) => graph.ty(*id),
            _ => return None,
        };
        Some(match declared {
            Some(loc) => format!("`{name}` is `{ty}`, declared at {}", loc.position()),
            None => format!("`{name}` is `{ty}`"),
        })
    }
}
