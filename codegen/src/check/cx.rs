//! The state of one function's elaboration: its graph, what is known of its
//! sizes, the calls it stands in, and the errors found.
//!
//! In: the items of the block. Out: nodes and diagnostics. Always: an error is
//! told at a token that the user wrote; what happens inside a template is told
//! at the call, with the way there in a note. Next: [`super::expr`].

use super::Unit;
use super::facts::Facts;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors::{self, Code};
use crate::graph::{Graph, NodeId, Relation, Require, Type};
use crate::shape::Dim;
use std::collections::HashMap;

/// The most axes of an array.
pub(super) const MAX_RANK: usize = 8;
/// The most nodes of a function.
const MAX_NODES: usize = 20_000;
/// The deepest nesting of expressions and calls.
const MAX_DEPTH: usize = 200;

pub(super) struct Cx<'a> {
    pub unit: &'a Unit<'a>,
    pub graph: Graph,
    pub facts: Facts,
    pub diags: Vec<Diagnostic>,
    /// Whether the graph is of no use: an error was told here or in a callee.
    pub failed: bool,
    /// Whether a function is differentiated in the body.
    pub differentiates: bool,
    /// How many checkpoints there are.
    pub checkpoints: u32,
    pub frames: Vec<Frame>,
    /// Whether `/` on sizes rounds down, as it does where a size is wanted.
    pub floor: bool,
    depth: usize,
}

/// A function being elaborated.
pub(super) struct Frame {
    pub name: String,
    /// Where it is called; `None` for the entry point.
    pub call: Option<Loc>,
    pub prelude: bool,
    pub scopes: Vec<HashMap<String, Binding>>,
}

#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub value: Value,
    pub loc: Option<Loc>,
    /// Whether `name = …;` may bind it anew.
    pub assignable: bool,
}

impl Frame {
    pub fn entry(name: impl Into<String>) -> Frame {
        Frame { name: name.into(), call: None, prelude: false, scopes: vec![HashMap::new()] }
    }
}

impl<'a> Cx<'a> {
    pub fn new(unit: &'a Unit<'a>, name: &str) -> Cx<'a> {
        Cx {
            unit,
            graph: Graph::new(name),
            facts: Facts::default(),
            diags: Vec::new(),
            failed: false,
            differentiates: false,
            checkpoints: 0,
            frames: vec![Frame::entry(name)],
            floor: false,
            depth: 0,
        }
    }

    /// The function being elaborated, by the name that the user knows.
    pub fn function_name(&self) -> String {
        let known = self.frames.iter().rev().find(|f| !f.name.starts_with("__"));
        known.map_or_else(String::new, |f| f.name.clone())
    }

    pub fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a frame is pushed at the start")
    }

    /// Tells an error and answers the value that silences its readers.
    pub fn error(&mut self, mut diag: Diagnostic) -> Value {
        self.failed = true;
        let mut seen: Vec<String> = Vec::new();
        diag.notes.retain(|note| {
            !seen.contains(note) && {
                seen.push(note.clone());
                true
            }
        });
        if let Some(at) = self.frames.iter().position(|f| f.call.is_some()) {
            let inner = diag.loc;
            for (k, frame) in self.frames.iter().enumerate().skip(at) {
                // The prelude's own helpers are nobody's words.
                if frame.name.starts_with("__") {
                    continue;
                }
                let next = self.frames.get(k + 1).and_then(|f| f.call);
                let place =
                    if frame.prelude { String::new() } else { format!(", at {}", next.unwrap_or(inner).position()) };
                diag.notes.push(format!("in `{}`{place}", frame.name));
            }
            diag.loc = self.frames[at].call.expect("found by it");
        }
        self.diags.push(diag);
        Value::Error
    }

    /// Tells an error with a help line.
    pub fn told(&mut self, code: Code, loc: Loc, message: impl Into<String>, help: impl Into<String>) -> Value {
        self.error(Diagnostic::new(code, loc, message).help(help))
    }

    /// Tells an error with a help line; for `?` on an `Option`.
    pub fn reject<T>(
        &mut self,
        code: Code,
        loc: Loc,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Option<T> {
        self.told(code, loc, message, help);
        None
    }

    /// Runs one level deeper; too deep is an error.
    pub fn nested(&mut self, loc: Loc, run: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.depth >= MAX_DEPTH {
            return self.error(
                Diagnostic::new(errors::NESTING, loc, format!("expressions and calls nest more than {MAX_DEPTH} deep"))
                    .help("name the parts with `let`"),
            );
        }
        if self.graph.nodes.len() > MAX_NODES {
            if self.diags.iter().any(|d| d.code == errors::GRAPH_LIMIT) {
                return Value::Error;
            }
            return self.error(
                Diagnostic::new(errors::GRAPH_LIMIT, loc, format!("the function has more than {MAX_NODES} operations"))
                    .help("split it, and call its parts from Rust"),
            );
        }
        self.depth += 1;
        let value = run(self);
        self.depth -= 1;
        value
    }

    pub fn ty(&self, id: NodeId) -> &Type {
        self.graph.ty(id)
    }

    pub fn shape(&self, id: NodeId) -> Vec<Dim> {
        self.graph.ty(id).shape.clone()
    }

    pub fn dtype(&self, id: NodeId) -> DType {
        self.graph.ty(id).dtype
    }

    pub fn canonical(&self, dim: Dim) -> Dim {
        self.facts.canonical(&dim)
    }

    /// Ensures a relation of sizes: proved, else checked at each call.
    /// `Err` where it never holds.
    pub fn ensure(&mut self, left: Dim, relation: Relation, right: Dim, why: String) -> Result<(), ()> {
        let gap = match relation {
            Relation::Eq => {
                if self.facts.equal(&left, &right) {
                    return Ok(());
                }
                if left.sub(&right).as_const().is_some() {
                    return Err(());
                }
                self.require(left, relation, right, why);
                return Ok(());
            }
            Relation::Le => right.sub(&left),
            Relation::Lt => right.sub(&left).sub(&Dim::one()),
        };
        if self.facts.non_negative(&gap) {
            return Ok(());
        }
        if gap.as_const().is_some_and(|c| c < 0) || self.facts.non_negative(&gap.neg().sub(&Dim::one())) {
            return Err(());
        }
        self.require(left, relation, right, why);
        Ok(())
    }

    pub fn require(&mut self, left: Dim, relation: Relation, right: Dim, why: String) {
        let known = |r: &Require| r.left == left && r.relation == relation && r.right == right;
        if !self.graph.requires.iter().any(known) {
            self.graph.requires.push(Require { left, relation, right, why });
        }
    }

    /// The node of an array argument; anything else is an error.
    pub fn array(&mut self, arg: &Arg, what: &str) -> Option<NodeId> {
        if let Value::Array(id) = arg.value {
            return Some(id);
        }
        self.not_an_array(arg, what);
        None
    }

    /// Tells that an array is wanted where something else stands.
    pub fn not_an_array(&mut self, arg: &Arg, what: &str) -> Value {
        let is = arg.value.describe(&self.graph);
        let (code, help) = match &arg.value {
            Value::Error => return Value::Error,
            Value::Tuple(_) => (errors::TUPLE_VALUE, "take the tuple apart: `let (a, b) = …;`".to_string()),
            Value::Struct(s) => {
                let field = s.fields.first().map_or("field", |(name, _)| name.as_str());
                (errors::STRUCT_AS_ARRAY, format!("name one of its arrays, `{}.{field}`", arg.text("…")))
            }
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Dim(_) | Value::Number(_) => {
                (errors::ARGUMENT_TYPE, "a number becomes an array with `full((), value, dtype=f32)`".to_string())
            }
            Value::Str(_) | Value::None | Value::DType(_) | Value::Array(_) => {
                (errors::ARGUMENT_TYPE, "give an array".to_string())
            }
        };
        self.error(Diagnostic::new(code, arg.loc, format!("{what} wants an array, not {is}")).help(help))
    }

    /// Refuses more axes than an array has.
    pub fn check_rank(&mut self, rank: usize, loc: Loc) -> Option<()> {
        if rank <= MAX_RANK {
            return Some(());
        }
        self.reject(
            errors::RANK_LIMIT,
            loc,
            format!("an array of {rank} axes; the most is {MAX_RANK}"),
            "merge axes with `reshape`",
        )
    }

    /// The mend for sizes that should be equal: a `where`, if one can state it.
    pub fn equate(&self, a: &Dim, b: &Dim, otherwise: &str) -> String {
        let states = |a: &Dim, b: &Dim| a.as_sym().is_some_and(|name| !b.mentions(name));
        if states(a, b) || states(b, a) {
            return format!("use one name for both, or state it: `where {a} == {b}`");
        }
        // They may be equal for sizes that no slice is cut short by.
        let chosen = |a: &Dim, b: &Dim| a.choices().into_iter().find(|(chosen, _)| self.facts.equal(chosen, b));
        match chosen(a, b).or_else(|| chosen(b, a)) {
            Some((_, gap)) => format!("state that they are: `where {}`", at_least(&gap)),
            None => otherwise.to_string(),
        }
    }

    /// The name's binding, from the innermost scope of this function outwards.
    pub fn lookup(&self, name: &str) -> Option<&Binding> {
        self.frames.last()?.scopes.iter().rev().find_map(|scope| scope.get(name))
    }

    pub fn bind(&mut self, name: &str, value: Value, loc: Option<Loc>, assignable: bool) {
        let scope = self.frame().scopes.last_mut().expect("a frame has a scope");
        scope.insert(name.to_string(), Binding { value, loc, assignable });
    }
}

/// That it is zero or more: `N >= 2` of `N - 2`.
fn at_least(gap: &Dim) -> String {
    let (more, less) = gap.signs();
    match more.as_const() {
        Some(_) => format!("{less} <= {more}"),
        None => format!("{more} >= {less}"),
    }
}
