//! The checker: the syntax tree to typed graphs.
//!
//! In: a parsed block. Out: its structs with every name resolved, and for each
//! function that Rust can call its signature and, if it has no error, its graph;
//! all errors of the block. Always: checking is elaboration: a body is run on
//! values that stand for arrays, so that calls are inlined, loops unrolled and
//! conditions decided on the way; a function with an error still has its
//! signature; an error silences what follows from it.
//!
//! ```text
//! fn softmax<B, C>(x: f32[B, C]) -> f32[B, C] {       %0 = param x : f32[B, C]
//!     let e = exp(x - x.max(axis=-1, keepdims=true)); %1 = max(%0) axes=[1] : f32[B]
//!     e / e.sum(axis=-1, keepdims=true)               …
//! }
//! ```
//!
//! The parts, in reading order: `value` and `cx` (the state), `expr`
//! (expressions and statements), `names`, `call`, `inline`, `table` and `transform` (what
//! a call means), `promote` and `elementwise` (dtypes and broadcasting), `reduce`,
//! `index`, `gather`, `shape_ops`, `create`, `linalg`, `conv` (operations), `facts` (what
//! `where` proves), `signature`, `structs`, `entry`. Composites are not here but
//! in `prelude.nd`.

mod args;
mod call;
mod conv;
mod create;
mod cx;
mod cycles;
mod dims;
mod einsum;
mod elementwise;
mod entry;
mod expr;
mod facts;
mod fold;
mod gather;
mod index;
mod inline;
mod leaves;
mod linalg;
mod names;
mod promote;
mod reduce;
mod results;
mod shape_ops;
mod signature;
mod structs;
mod table;
mod templates;
mod transform;
mod value;

#[cfg(test)]
mod tests;

pub use structs::{FieldDef, FieldType, StructDef};
pub use table::operations;

use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::graph::{Graph, Type};
use crate::shape::{Dim, Sym};
use crate::syntax::ast::{Block, FnItem, InlineItem, Item, StructItem};
use proc_macro2::{Ident, TokenStream};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

/// What a block holds, checked.
#[derive(Debug, Default)]
pub struct Checked {
    /// The functions that Rust can call, in the order of the text.
    pub functions: Vec<Function>,
    /// The structs, in the order of the text.
    pub structs: Vec<StructDef>,
}

/// A function that Rust can call.
#[derive(Clone, Debug)]
pub struct Function {
    pub attrs: TokenStream,
    pub vis: TokenStream,
    pub name: Ident,
    /// The names of its dimensions.
    pub symbols: Vec<Sym>,
    pub params: Vec<FnParam>,
    pub results: Vec<Answer>,
    /// The parameters that its gradient is by; `None` for all of floats.
    pub wrt: Option<Vec<usize>>,
    /// Whether its derivatives stand beside it: unless it says `#[no_grad]`, or
    /// differentiates in its body and does not say `#[grad]`.
    pub derivatives: bool,
    /// Whether the results are a tuple, if only of one.
    pub tuple: bool,
    /// `None` where the function has an error: the item exists all the same.
    pub graph: Option<Graph>,
}

/// A result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Array(Type),
    /// A parameter struct; `leaves` are the types of its arrays.
    Struct {
        def: String,
        args: Vec<Dim>,
        leaves: Vec<Type>,
    },
}

impl Answer {
    /// The arrays that it is made of.
    pub fn leaves(&self) -> &[Type] {
        match self {
            Answer::Array(ty) => std::slice::from_ref(ty),
            Answer::Struct { leaves, .. } => leaves,
        }
    }
}

#[derive(Clone, Debug)]
pub struct FnParam {
    pub name: Ident,
    pub kind: ParamKind,
}

#[derive(Clone, Debug)]
pub enum ParamKind {
    Array(Type),
    /// By value.
    Scalar(DType),
    /// A parameter struct; `leaves` are its arrays among the graph's parameters.
    Struct {
        def: String,
        args: Vec<Dim>,
        leaves: Range<usize>,
    },
    /// Its type has an error; the function has no graph.
    Error,
}

/// The items of a block by name, and what was found out about them.
struct Unit<'a> {
    fns: BTreeMap<String, &'a FnItem>,
    struct_items: BTreeMap<String, &'a StructItem>,
    structs: structs::Defs,
    /// Names of items that did not parse.
    lost: Vec<String>,
    /// Functions with an error of their own.
    failed: RefCell<BTreeSet<String>>,
    /// Templates of the prelude, by the address of their text.
    templates: RefCell<HashMap<usize, Rc<FnItem>>>,
}

impl Unit<'_> {
    fn known(&self) -> structs::Known<'_> {
        structs::Known { items: &self.struct_items, lost: &self.lost }
    }
}

/// Checks a block.
pub fn check(block: &Block) -> (Checked, Vec<Diagnostic>) {
    let mut diags = Vec::new();
    let mut unit = collect(block, &mut diags);
    unit.structs = structs::resolve(&unit.known(), &mut diags);
    let order = cycles::order(&unit, &mut diags);
    let mut functions: BTreeMap<String, Function> = BTreeMap::new();
    let mut told: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for name in order {
        let f = unit.fns[&name];
        let (found, failed) = check_one(&unit, f, &mut functions);
        if failed {
            unit.failed.borrow_mut().insert(name.clone());
        }
        told.insert(name, found);
    }
    let mut checked = Checked::default();
    for item in &block.items {
        match item {
            Item::Fn(f) => {
                let name = f.name.to_string();
                diags.extend(told.remove(&name).unwrap_or_default());
                checked.functions.extend(functions.remove(&name));
            }
            Item::Struct(s) => {
                // The first of two with one name is the one that was resolved.
                let known = checked.structs.iter().any(|d| d.name == s.name);
                checked.structs.extend(unit.structs.get(&s.name.to_string()).filter(|_| !known).cloned());
            }
        }
    }
    (checked, distinct(diags))
}

/// Checks the expression form, `tensor!(x: f32[B] => exp(x))`.
pub fn check_inline(item: &InlineItem) -> (Function, Vec<Diagnostic>) {
    let block = Block::default();
    let mut diags = Vec::new();
    let unit = collect(&block, &mut diags);
    let (function, found) = entry::expression(&unit, item);
    diags.extend(found);
    (function, distinct(diags))
}

/// Checks one function on its own; answers its errors, and whether it failed.
fn check_one(unit: &Unit<'_>, f: &FnItem, functions: &mut BTreeMap<String, Function>) -> (Vec<Diagnostic>, bool) {
    if f.is_template() && f.params.iter().all(|p| p.ty.is_none()) {
        return (Vec::new(), f.broken);
    }
    if let Some(diag) = partial(f) {
        return (vec![diag], true);
    }
    if signature::is_entry(f) {
        let (function, mut found) = entry::function(unit, f);
        let failed = function.graph.is_none();
        if unit.failed.borrow().contains(&f.name.to_string()) {
            // It stands in a cycle of calls, which was told of.
            found.retain(|d| d.code != errors::RECURSION);
        }
        functions.insert(f.name.to_string(), function);
        return (found, failed);
    }
    let mut found = Vec::new();
    let sig = signature::signature(unit, f, &BTreeMap::new(), &mut found);
    (found, sig.broken || f.broken)
}

/// A function with types on some of its parameters only.
fn partial(f: &FnItem) -> Option<Diagnostic> {
    let untyped = f.params.iter().find(|p| p.ty.is_none());
    let diag = match (untyped, &f.results) {
        (Some(param), _) if f.params.iter().any(|p| p.ty.is_some()) || f.results.is_some() => Diagnostic::new(
            errors::PARTIAL_TEMPLATE,
            param.loc,
            format!("`{}` has no type, though others have", param.name),
        )
        .help(format!("write `{}: f32[…]`, or leave out all types", param.name)),
        (None, None) if !f.params.is_empty() => Diagnostic::new(
            errors::PARTIAL_TEMPLATE,
            f.loc,
            format!("`{}` has typed parameters and no result type", f.name),
        )
        .help("write `-> f32[…]` after the parameters"),
        _ => return None,
    };
    Some(diag)
}

fn collect<'a>(block: &'a Block, diags: &mut Vec<Diagnostic>) -> Unit<'a> {
    let mut unit = Unit {
        fns: BTreeMap::new(),
        struct_items: BTreeMap::new(),
        structs: structs::Defs::new(),
        lost: block.lost.iter().map(ToString::to_string).collect(),
        failed: RefCell::default(),
        templates: RefCell::default(),
    };
    for item in &block.items {
        let name = match item {
            Item::Fn(f) => &f.name,
            Item::Struct(s) => &s.name,
        };
        let text = name.to_string();
        if unit.fns.contains_key(&text) || unit.struct_items.contains_key(&text) {
            let loc = Loc::at(name.span());
            diags.push(
                Diagnostic::new(errors::DUPLICATE_DEFINITION, loc, format!("`{text}` is defined twice"))
                    .help("rename one"),
            );
            continue;
        }
        diags.extend(signature::reserved(name));
        match item {
            Item::Fn(f) => {
                unit.fns.insert(text, f);
            }
            Item::Struct(s) => {
                unit.struct_items.insert(text, s);
            }
        }
    }
    unit
}

/// Each error once: a loop or two calls may tell the same.
fn distinct(diags: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    diags.into_iter().filter(|d| seen.insert((d.code, d.loc.position(), d.text()))).collect()
}
