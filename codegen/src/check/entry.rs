//! A function as an entry point: its parameters become the graph's.
//!
//! In: a function of the block, or the expression form. Out: a [`Function`].
//! Always: structs are taken apart into leaves in the order of their fields; a
//! parameter is declared with the sizes that were written, and seen, where a
//! `where` equates sizes, under their canonical names. Next: [`super::expr`].

use super::cx::Cx;
use super::facts::Learned;
use super::signature::{AnyDType, SigParam, SigType, Signature, inline_signature, signature};
use super::structs::FieldType;
use super::value::{Arg, StructValue, Value};
use super::{Answer, FnParam, Function, ParamKind, Unit};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::graph::{NodeId, Require, Type};
use crate::shape::Dim;
use crate::syntax::ast::{FnItem, InlineItem};
use proc_macro2::{Ident, TokenStream, TokenTree};
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most arrays of one parameter struct.
const MAX_LEAVES: usize = 10_000;

/// Elaborates a function that Rust can call.
pub(super) fn function<'a>(unit: &'a Unit<'a>, f: &'a FnItem) -> (Function, Vec<Diagnostic>) {
    let mut cx = Cx::new(unit, &f.name.to_string());
    let mut told = Vec::new();
    let sig = signature(unit, f, &BTreeMap::new(), &mut told);
    cx.diags = told;
    let (attrs, wish) = wish(&f.attrs);
    let mut out = Function {
        attrs: attrs.clone(),
        vis: f.vis.clone(),
        name: f.name.clone(),
        symbols: sig.symbols.clone(),
        params: Vec::new(),
        results: cx.answers(&sig, &|_| None, &BTreeMap::new()).unwrap_or_default(),
        wrt: None,
        derivatives: wish.unwrap_or(true),
        tuple: sig.tuple,
        graph: None,
    };
    out.params = cx.declare(&sig);
    out.wrt = cx.wrt(f, &out.params);
    cx.failed |= sig.broken || f.broken;
    if f.broken || sig.broken {
        return (out, cx.diags);
    }
    cx.conditions(&sig);
    let value = match cx.body(&f.body) {
        Some(value) => value,
        None => cx.no_value(f),
    };
    let at = f.body.value.as_ref().map_or(f.loc, |e| e.loc);
    let name = f.body.value.as_ref().and_then(|e| name_of(&cx, e));
    let types = out.results.clone();
    if let Some(values) = cx.results(Arg { value, loc: at, name }, &types, sig.tuple) {
        cx.graph.outputs = values.iter().flat_map(Value::nodes).collect();
        out.derivatives = wish.unwrap_or(!cx.differentiates || f.wrt.is_some());
        out.graph = (!cx.failed).then_some(cx.graph);
    }
    (out, cx.diags)
}

/// Elaborates the expression form; its results are what the expression gives.
pub(super) fn expression<'a>(unit: &'a Unit<'a>, item: &InlineItem) -> (Function, Vec<Diagnostic>) {
    let mut cx = Cx::new(unit, "expression");
    let mut told = Vec::new();
    let sig = inline_signature(unit, item, &mut told);
    cx.diags = told;
    let mut out = Function {
        attrs: TokenStream::new(),
        vis: TokenStream::new(),
        name: Ident::new("expression", item.loc.first),
        symbols: sig.symbols.clone(),
        params: cx.declare(&sig),
        results: Vec::new(),
        wrt: None,
        derivatives: false,
        tuple: false,
        graph: None,
    };
    if sig.broken {
        return (out, cx.diags);
    }
    let arg = cx.argument(&item.body);
    let values: Vec<Value> = match &arg.value {
        Value::Tuple(items) => items.to_vec(),
        other => vec![other.clone()],
    };
    out.tuple = matches!(arg.value, Value::Tuple(_));
    let nodes: Option<Vec<NodeId>> =
        values.into_iter().map(|value| cx.array(&Arg { value, ..arg.clone() }, "the result")).collect();
    if let Some(nodes) = nodes {
        out.results = nodes.iter().map(|&n| Answer::Array(cx.ty(n).clone())).collect();
        cx.graph.outputs = nodes;
        out.graph = (!cx.failed).then_some(cx.graph);
    }
    (out, cx.diags)
}

/// The attributes without `#[grad]` and `#[no_grad]`, and which of them stood there.
fn wish(attrs: &TokenStream) -> (TokenStream, Option<bool>) {
    let tokens: Vec<TokenTree> = attrs.clone().into_iter().collect();
    let mut wish = None;
    let mut kept = TokenStream::new();
    // `#` and what stands in the brackets.
    for pair in tokens.chunks(2) {
        let text =
            pair.get(1).and_then(|t| if let TokenTree::Group(g) = t { Some(g.stream().to_string()) } else { None });
        match text.as_deref() {
            Some("grad") => wish = Some(true),
            Some("no_grad") => wish = Some(false),
            _ => kept.extend(pair.iter().cloned()),
        }
    }
    (kept, wish)
}

/// The name and declaration of a body's value, for notes.
fn name_of(cx: &Cx<'_>, expr: &crate::syntax::ast::Expr) -> Option<(String, Option<Loc>)> {
    let crate::syntax::ast::ExprKind::Name(name) = &expr.kind else { return None };
    let text = name.to_string();
    let declared = cx.lookup(&text).and_then(|b| b.loc);
    Some((text, declared))
}

impl Cx<'_> {
    /// The parameters of `wrt (w, b)`, by their numbers.
    fn wrt(&mut self, f: &FnItem, params: &[FnParam]) -> Option<Vec<usize>> {
        let names = f.wrt.as_ref()?;
        let mut out = Vec::new();
        for name in names {
            let floats = |k: &usize| match &params[*k].kind {
                ParamKind::Array(ty) => ty.dtype.is_float(),
                ParamKind::Scalar(dtype) => dtype.is_float(),
                ParamKind::Struct { .. } | ParamKind::Error => true,
            };
            let found = params.iter().position(|p| p.name == *name);
            if let Some(k) = found.filter(floats) {
                out.push(k);
                continue;
            }
            let loc = Loc::at(name.span());
            let message = match found {
                Some(_) => format!("there is no gradient by `{name}`, which is not of floats"),
                None => format!("`{}` has no parameter `{name}`", f.name),
            };
            let known: Vec<String> = params.iter().map(|p| format!("`{}`", p.name)).collect();
            self.told(errors::GRAD_WRT, loc, message, format!("its parameters are {}", known.join(", ")));
        }
        Some(out)
    }

    /// Learns the `where` of the function, to be checked at each call.
    fn conditions(&mut self, sig: &Signature) {
        for c in &sig.conditions {
            let why = format!("`where {}`", c.text);
            match self.facts.learn(&c.left, c.relation, &c.right) {
                Learned::Used => self.graph.requires.push(Require {
                    left: c.left.clone(),
                    relation: c.relation,
                    right: c.right.clone(),
                    why,
                }),
                Learned::Trivial => {}
                Learned::Never => {
                    self.error(
                        Diagnostic::new(errors::CONFLICTING_WHERE, c.loc, format!("{why} never holds"))
                            .help("leave it out, or mend the others"),
                    );
                }
                Learned::Unused => {
                    self.error(
                        Diagnostic::new(errors::UNUSED_WHERE, c.loc, format!("{why} cannot be used"))
                            .help("an equality has a declared name on one side, or is `a % n == 0`"),
                    );
                }
            }
        }
        self.rebind_canonical(sig);
    }

    /// Sizes and parameters under the canonical names of their sizes.
    fn rebind_canonical(&mut self, sig: &Signature) {
        for symbol in &sig.symbols {
            let dim = self.canonical(Dim::sym(symbol.clone()));
            self.bind(symbol, Value::dim(dim), None, false);
        }
        for param in &sig.params {
            let name = param.name.to_string();
            let Some(binding) = self.lookup(&name).cloned() else { continue };
            let value = self.canonical_value(&binding.value);
            self.bind(&name, value, binding.loc, true);
        }
    }

    fn canonical_value(&mut self, value: &Value) -> Value {
        match value {
            Value::Array(id) => {
                let shape: Vec<Dim> = self.shape(*id).into_iter().map(|d| self.facts.canonical(&d)).collect();
                Value::Array(self.graph.reshape(*id, &shape))
            }
            Value::Tuple(items) => Value::tuple(items.iter().map(|v| self.canonical_value(v)).collect()),
            Value::Struct(s) => Value::Struct(Rc::new(StructValue {
                def: s.def.clone(),
                args: s.args.iter().map(|d| self.facts.canonical(d)).collect(),
                fields: s.fields.iter().map(|(k, v)| (k.clone(), self.canonical_value(v))).collect(),
            })),
            other => other.clone(),
        }
    }

    /// Declares sizes and parameters, in the graph and in scope.
    fn declare(&mut self, sig: &Signature) -> Vec<FnParam> {
        self.graph.symbols = sig.symbols.clone();
        for symbol in &sig.symbols {
            self.bind(symbol, Value::Dim(Dim::sym(symbol.clone())), None, false);
        }
        sig.params.iter().map(|p| self.declare_param(p)).collect()
    }

    fn declare_param(&mut self, param: &SigParam) -> FnParam {
        let name = param.name.to_string();
        let plain = name.strip_prefix("r#").unwrap_or(&name).to_string();
        let (kind, value) = match &param.ty {
            SigType::Array(AnyDType::Known(dtype), dims) => {
                let ty = Type::new(*dtype, dims.clone());
                let id = self.graph.param(plain, ty.clone(), false);
                (ParamKind::Array(ty), Value::Array(id))
            }
            SigType::Scalar(AnyDType::Known(dtype)) => {
                let id = self.graph.param(plain, Type::scalar(*dtype), true);
                (ParamKind::Scalar(*dtype), Value::Array(id))
            }
            SigType::Struct { name: def, args } => {
                let first = self.graph.params.len();
                let value = self.struct_value(def, args, &plain);
                if self.graph.params.len() - first > MAX_LEAVES {
                    let loc = Loc::at(param.name.span());
                    let message = format!("the struct `{def}` holds more than {MAX_LEAVES} arrays");
                    self.error(Diagnostic::new(errors::GRAPH_LIMIT, loc, message).help("split it"));
                }
                let leaves = first..self.graph.params.len();
                (ParamKind::Struct { def: def.clone(), args: args.clone(), leaves }, value)
            }
            SigType::Array(AnyDType::Var(_), _) | SigType::Scalar(AnyDType::Var(_)) | SigType::Unknown => {
                (ParamKind::Error, Value::Error)
            }
        };
        self.bind(&name, value, Some(Loc::at(param.name.span())), true);
        FnParam { name: param.name.clone(), kind }
    }

    fn struct_value(&mut self, def: &str, args: &[Dim], path: &str) -> Value {
        let fields = match self.unit.structs.get(def) {
            Some(found) => found.instance(args),
            None => return Value::Error,
        };
        let fields = fields
            .into_iter()
            .map(|(key, ty)| {
                let value = self.field_value(&ty, &format!("{path}.{key}"));
                (key, value)
            })
            .collect();
        Value::Struct(Rc::new(StructValue { def: def.into(), args: args.to_vec(), fields }))
    }

    fn field_value(&mut self, ty: &FieldType, path: &str) -> Value {
        if self.graph.params.len() > 2 * MAX_LEAVES {
            return Value::Error;
        }
        match ty {
            FieldType::Array(ty) => Value::Array(self.graph.param(path, ty.clone(), false)),
            FieldType::Struct { name, args } => self.struct_value(name, args, path),
            FieldType::Repeat(element, n) => {
                Value::tuple((0..*n).map(|k| self.field_value(element, &format!("{path}.{k}"))).collect())
            }
            FieldType::Tuple(items) => Value::tuple(
                items.iter().enumerate().map(|(k, t)| self.field_value(t, &format!("{path}.{k}"))).collect(),
            ),
        }
    }
}
