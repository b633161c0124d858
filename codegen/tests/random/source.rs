//! A random program as text that can be taken apart: functions of `let`s over numbered variables.
//!
//! In: forms such as `{0} + {1}` and which variables stand in them. Out: the text of a `tensor!` block, the type of each
//! variable as the checker sees it, the arguments' values. Always: a variable is defined before it is used; what is
//! printed is what the checker was asked about. Next: [`super::writer`], which makes them; [`super::shrink`].

use ndfuse_codegen::check::{Answer, check, check_inline};
use ndfuse_codegen::dtype::{DType, Kind};
use ndfuse_codegen::graph::{Graph, Type};
use ndfuse_codegen::interp::value::count;
use ndfuse_codegen::interp::{Precision, Sizes, Value, sizes_of, trace};
use ndfuse_codegen::ops::Literal;
use ndfuse_codegen::shape::{Atom, Dim, Sym};
use ndfuse_codegen::syntax::parse::{parse, parse_inline};
use ndfuse_codegen::testing::{Rng, exact};
use proc_macro2::TokenStream;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A program: one function that Rust calls, `f`, and those that it calls.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Source {
    /// The dimensions and their sizes.
    pub dims: Vec<(Sym, i64)>,
    pub params: Vec<Param>,
    pub helpers: Vec<Helper>,
    pub lets: Vec<Let>,
    /// Variables: the parameters by number, then the `let`s.
    pub results: Vec<usize>,
    /// Whether it has values that are rounded: its results are then compared to a tolerance.
    pub rounded: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Param {
    pub dtype: DType,
    pub shape: Vec<Dim>,
    /// Passed by value.
    pub scalar: bool,
    /// What its elements are drawn from.
    pub seed: u64,
}

#[derive(Clone, PartialEq, Debug)]
pub enum What {
    /// An expression; `{0}` is the first variable.
    Form(String),
    /// A call of this helper.
    Call(usize),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Let {
    pub what: What,
    pub args: Vec<usize>,
}

/// A function that others call; its result is its last variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Helper {
    pub params: usize,
    pub lets: Vec<Let>,
    /// Whether its types are written, where they can be.
    pub typed: bool,
}

/// A program that the checker takes and that the oracle computes, without rounding unless the source says so.
pub struct Checked {
    pub text: String,
    pub graph: Graph,
    pub sizes: Sizes,
    pub values: Vec<Value>,
    pub want: Vec<Value>,
    pub rounded: bool,
}

impl Let {
    pub fn form(text: impl Into<String>, args: &[usize]) -> Let {
        Let { what: What::Form(text.into()), args: args.to_vec() }
    }
}

impl Helper {
    pub fn result(&self) -> usize {
        (self.params + self.lets.len()).saturating_sub(1)
    }
}

impl Source {
    pub fn sizes(&self) -> Sizes {
        self.dims.iter().cloned().collect()
    }

    /// The parameters' values.
    pub fn values(&self) -> Result<Vec<Value>, String> {
        let sizes = self.sizes();
        let value = |p: &Param| {
            let shape = sizes_of(&p.shape, &sizes)?;
            let mut rng = Rng::new(p.seed);
            let elements: Vec<Literal> = (0..count(&shape)?).map(|_| literal(&mut rng, p.dtype)).collect();
            Ok(Value::literals(shape, p.dtype, elements))
        };
        self.params.iter().map(value).collect()
    }

    /// The same program without calls, and for each of its variables the one that it has become.
    pub fn flat(&self) -> (Source, Vec<usize>) {
        let mut out = Source { lets: Vec::new(), helpers: Vec::new(), ..self.clone() };
        let mut place: Vec<usize> = (0..self.params.len()).collect();
        for one in &self.lets {
            let args: Vec<usize> = one.args.iter().map(|&a| place[a]).collect();
            place.push(out.append(self, &one.what, args));
        }
        out.results = self.results.iter().map(|&r| place[r]).collect();
        (out, place)
    }

    /// Adds a `let` with its calls written out; its variable.
    fn append(&mut self, from: &Source, what: &What, args: Vec<usize>) -> usize {
        match what {
            What::Form(_) => {
                self.lets.push(Let { what: what.clone(), args });
                self.params.len() + self.lets.len() - 1
            }
            What::Call(h) => {
                let mut place = args;
                for one in &from.helpers[*h].lets {
                    let args = one.args.iter().map(|&a| place[a]).collect();
                    let added = self.append(from, &one.what, args);
                    place.push(added);
                }
                *place.last().unwrap_or(&0)
            }
        }
    }

    /// The type of each variable; the checker's first word where it finds a fault.
    pub fn types(&self) -> Result<Vec<Type>, String> {
        let (flat, place) = self.flat();
        let mut types: Vec<Type> = flat.params.iter().map(|p| Type::new(p.dtype, p.shape.clone())).collect();
        if !flat.lets.is_empty() {
            types.extend(flat.graph()?.1);
        }
        Ok(place.iter().map(|&p| types[p].clone()).collect())
    }

    /// The graph of all `let`s of a flat program, and their types.
    pub fn graph(&self) -> Result<(Graph, Vec<Type>), String> {
        let params: Vec<String> = self.params.iter().enumerate().map(|(k, p)| parameter(k, p)).collect();
        let all: Vec<String> = (0..self.lets.len()).map(|k| format!("v{k}")).collect();
        let all = if let [one] = all.as_slice() { one.clone() } else { format!("({})", all.join(", ")) };
        let body = self.body(&self.lets, self.params.len());
        let text = format!("{} => if true {{ {body} {all} }} else {{ 0 }}", params.join(", "));
        let (item, mut told) = parse_inline(tokens(&text)?);
        let (function, found) = check_inline(&item.ok_or("the text does not parse")?);
        told.extend(found);
        if let Some(first) = told.first() {
            return Err(format!("{} {}", first.code, first.text()));
        }
        let types = function.results.iter().map(|r| match r {
            Answer::Array(ty) => ty.clone(),
            Answer::Struct { .. } => unreachable!("programs have no structs"),
        });
        Ok((function.graph.ok_or("a function without a graph")?, types.collect()))
    }

    /// The `let`s as text, variables from `params` on being their own.
    fn body(&self, lets: &[Let], params: usize) -> String {
        let name = |var: usize| if var < params { format!("p{var}") } else { format!("v{}", var - params) };
        let mut out = String::new();
        for (k, one) in lets.iter().enumerate() {
            let value = match &one.what {
                What::Form(form) => one
                    .args
                    .iter()
                    .enumerate()
                    .fold(form.clone(), |s, (i, &a)| s.replace(&format!("{{{i}}}"), &name(a))),
                What::Call(h) => format!("h{h}({})", one.args.iter().map(|&a| name(a)).collect::<Vec<_>>().join(", ")),
            };
            let _ = writeln!(out, "    let v{k} = {value};");
        }
        out
    }

    /// The block of this program, whose function that Rust calls is `f`.
    pub fn text(&self) -> Result<String, String> {
        let types = self.types()?;
        let mut out = String::new();
        for (h, helper) in self.helpers.iter().enumerate() {
            let body = self.body(&helper.lets, helper.params);
            let last = helper.lets.len().saturating_sub(1);
            let header = self.typed_header(h, &types).unwrap_or_else(|| {
                let names: Vec<String> = (0..helper.params).map(|k| format!("p{k}")).collect();
                format!("fn h{h}({})", names.join(", "))
            });
            let _ = writeln!(out, "{header} {{\n{body}    v{last}\n}}");
        }
        let name = |var: usize| match var.checked_sub(self.params.len()) {
            None => format!("p{var}"),
            Some(k) => format!("v{k}"),
        };
        let params: Vec<String> = self.params.iter().enumerate().map(|(k, p)| parameter(k, p)).collect();
        let results: Vec<String> = self
            .results
            .iter()
            .map(|&r| type_text(&types[r]))
            .collect::<Option<_>>()
            .ok_or("a result's type cannot be written")?;
        let values: Vec<String> = self.results.iter().map(|&r| name(r)).collect();
        let list = |all: &[String]| if let [one] = all { one.clone() } else { format!("({})", all.join(", ")) };
        let symbols: Vec<String> = self.dims.iter().map(|(s, _)| s.to_string()).collect();
        let _ =
            writeln!(out, "#[no_grad]\npub fn f{}({}) -> {} {{", generics(&symbols), params.join(", "), list(&results));
        let _ = writeln!(out, "{}    {}\n}}", self.body(&self.lets, self.params.len()), list(&values));
        Ok(out)
    }

    /// The header of a helper with the types of its call; `None` where they do not name all dimensions plainly, or
    /// differ from call to call.
    fn typed_header(&self, h: usize, types: &[Type]) -> Option<String> {
        let inner = self.helpers.iter().flat_map(|helper| &helper.lets).any(|l| l.what == What::Call(h));
        self.helpers.get(h).filter(|helper| helper.typed && !inner)?;
        let calls: Vec<usize> = (0..self.lets.len()).filter(|&k| self.lets[k].what == What::Call(h)).collect();
        let of = |k: usize| {
            let args: Vec<&Type> = self.lets[k].args.iter().map(|&a| &types[a]).collect();
            (args, &types[self.params.len() + k])
        };
        let (args, result) = of(*calls.first()?);
        let plain: BTreeSet<&Sym> = args.iter().flat_map(|t| &t.shape).filter_map(Dim::as_sym).collect();
        let all: BTreeSet<Sym> = args.iter().chain([&result]).flat_map(|t| &t.shape).flat_map(Dim::symbols).collect();
        if calls.iter().any(|&k| of(k) != (args.clone(), result)) || !all.iter().all(|s| plain.contains(s)) {
            return None;
        }
        let params: Vec<String> =
            args.iter().enumerate().map(|(k, t)| Some(format!("p{k}: {}", type_text(t)?))).collect::<Option<_>>()?;
        let symbols: Vec<String> = all.iter().map(Sym::to_string).collect();
        Some(format!("#[no_grad]\nfn h{h}{}({}) -> {}", generics(&symbols), params.join(", "), type_text(result)?))
    }

    /// The program as the checker and the oracle see it; what is wrong with it otherwise.
    pub fn checked(&self) -> Result<Checked, String> {
        let text = self.text()?;
        let (block, mut told) = parse(tokens(&text)?);
        let (found, more) = check(&block);
        told.extend(more);
        if let Some(first) = told.first() {
            return Err(format!("{} {}\n{text}", first.code, first.text()));
        }
        let graph = found.functions.into_iter().find(|f| f.name == "f").and_then(|f| f.graph).ok_or("no graph")?;
        let (sizes, values) = (self.sizes(), self.values()?);
        let traced = self.trace(&graph, &sizes, &values)?;
        let want = graph.outputs.iter().filter_map(|id| traced[id.0 as usize].clone()).collect();
        Ok(Checked { text, graph, sizes, values, want, rounded: self.rounded })
    }

    /// The value of each live node, where they are what this program may have.
    pub fn trace(&self, graph: &Graph, sizes: &Sizes, values: &[Value]) -> Result<Vec<Option<Value>>, String> {
        if self.rounded { trace(Precision::Exact, graph, sizes, values) } else { exact_trace(graph, sizes, values) }
    }

    /// The text with the sizes and seeds that go with it.
    pub fn report(&self) -> String {
        let text = self.text().unwrap_or_else(|why| format!("{self:?}: {why}"));
        let sizes: Vec<String> = self.dims.iter().map(|(s, n)| format!("{s} = {n}")).collect();
        let seeds: Vec<String> =
            self.params.iter().enumerate().map(|(k, p)| format!("p{k} of {:#x}", p.seed)).collect();
        format!("tensor! {{\n{text}}}\n// sizes: {}; values: {}\n", sizes.join(", "), seeds.join(", "))
    }
}

/// The value of each live node; an error where one is not exact.
fn exact_trace(graph: &Graph, sizes: &Sizes, values: &[Value]) -> Result<Vec<Option<Value>>, String> {
    let traced = trace(Precision::Exact, graph, sizes, values)?;
    for id in graph.ids() {
        let node = graph.node(id);
        let args: Option<Vec<&Value>> = node.args.iter().map(|a| traced[a.0 as usize].as_ref()).collect();
        let value = traced[id.0 as usize].as_ref().zip(args);
        if value.is_some_and(|(value, args)| !exact(node, &args, value)) {
            return Err(format!("{id} is rounded"));
        }
    }
    Ok(traced)
}

fn tokens(text: &str) -> Result<TokenStream, String> {
    text.parse().map_err(|e| format!("{e}: {text}"))
}

fn literal(rng: &mut Rng, dtype: DType) -> Literal {
    let small = rng.below(25) as i64 - 12;
    match dtype.kind() {
        Kind::Bool => Literal::Bool(small > 0),
        Kind::Unsigned => Literal::Int(i128::from(small.abs() / 2)),
        Kind::Signed => Literal::Int(i128::from(small / 2)),
        Kind::Float => Literal::float(small as f64 / 4.0),
    }
}

fn generics(symbols: &[String]) -> String {
    if symbols.is_empty() { String::new() } else { format!("<{}>", symbols.join(", ")) }
}

fn parameter(k: usize, p: &Param) -> String {
    let ty = Type::new(p.dtype, p.shape.clone());
    if p.scalar { format!("p{k}: {}", p.dtype) } else { format!("p{k}: {ty}") }
}

/// A type as the language writes it; `None` where it cannot.
fn type_text(ty: &Type) -> Option<String> {
    let dims: Vec<String> = ty.shape.iter().map(dim_text).collect::<Option<_>>()?;
    Some(format!("{}[{}]", ty.dtype, dims.join(", ")))
}

/// A dimension in the language, whose `/` rounds down.
pub fn dim_text(dim: &Dim) -> Option<String> {
    let factor = |atom: &Atom| match atom {
        Atom::Sym(name) => Some(name.to_string()),
        Atom::Div(a, b) => Some(format!("(({}) / ({}))", dim_text(a)?, dim_text(b)?)),
        Atom::Rem(a, b) => Some(format!("(({}) % ({}))", dim_text(a)?, dim_text(b)?)),
        Atom::Max(..) | Atom::Min(..) => None,
    };
    let mut out = String::new();
    // The positive terms first: a text does not begin with a minus.
    let mut terms: Vec<_> = dim.terms().collect();
    terms.sort_by_key(|(c, _)| *c < 0);
    for (c, factors) in terms {
        let mut parts = if c.abs() == 1 && !factors.is_empty() { Vec::new() } else { vec![c.abs().to_string()] };
        for (atom, power) in factors {
            let text = factor(atom)?;
            parts.extend((0..*power).map(|_| text.clone()));
        }
        let sign = if c < 0 { " - " } else { " + " };
        let _ = write!(out, "{}{}", if out.is_empty() && c > 0 { "" } else { sign }, parts.join(" * "));
    }
    Some(if out.is_empty() { "0".into() } else { out })
}
