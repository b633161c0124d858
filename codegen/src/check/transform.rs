//! Functions made of functions: `grad(loss, wrt=w)(x, w)`.
//!
//! In: the application of a transformed function. Out: the value of its result,
//! in the caller's graph. Always: the function is elaborated into a graph of its
//! own, whose parameters are its arguments, differentiated there, and copied
//! back: what an argument is made of does not matter to the gradient by it, and
//! a gradient is differentiated like anything else.
//!
//! ```text
//! grad(f, wrt=x)(x, …)              the gradient of a 0-d float result
//! value_and_grad(f, wrt=(x, y))(…)  (f(…), (by x, by y))
//! vjp(f, wrt=x)(x, …, cotangent)    (f(…), the cotangent times the Jacobian by x)
//! jvp(f, wrt=x)(x, …, tangent)      (f(…), the Jacobian by x times the tangent)
//! checkpoint(f)(x, …)               f(…), of which a gradient keeps x, … alone
//! ```
//!
//! Without `wrt` all arguments that are arrays or structs of floats are meant.
//! Next: [`crate::grad`].

use super::call::Given;
use super::cx::Cx;
use super::table::{Callee, Spec};
use super::value::{Arg, Value};
use crate::diagnostic::Loc;
use crate::errors;
use crate::grad;
use crate::graph::{Graph, Mark, NodeId, Op};
use crate::ops::Literal;
use crate::syntax::ast::{self, Expr, ExprKind, FnItem, TRANSFORMS};
use proc_macro2::Ident;
use std::collections::BTreeMap;

/// In the order of [`TRANSFORMS`], which has their words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Grad,
    ValueAndGrad,
    Vjp,
    Jvp,
    Checkpoint,
}

/// What can be called: a function of the block, an operation, a transformed one.
enum Callable<'e, 'a> {
    User(&'a FnItem, &'e [Expr]),
    Operation(String, Callee),
    Transformed(Box<Transformed<'e, 'a>>),
}

struct Transformed<'e, 'a> {
    kind: Kind,
    function: Callable<'e, 'a>,
    wrt: Option<Wrt>,
}

/// `wrt=x`, `wrt=(x, y)`.
struct Wrt {
    names: Vec<(String, Loc)>,
    tuple: bool,
}

/// A function's arguments as the parameters of a graph of its own.
struct Inner {
    /// The caller's nodes, in the order of the parameters.
    outer: Vec<NodeId>,
    graph: Graph,
}

impl Kind {
    fn of(word: &str) -> Option<Kind> {
        let kinds = [Kind::Grad, Kind::ValueAndGrad, Kind::Vjp, Kind::Jvp, Kind::Checkpoint];
        TRANSFORMS.iter().position(|w| *w == word).map(|k| kinds[k])
    }

    fn word(self) -> &'static str {
        TRANSFORMS[self as usize]
    }

    /// The argument that comes after those of the function.
    fn direction(self) -> Option<&'static str> {
        match self {
            Kind::Grad | Kind::ValueAndGrad | Kind::Checkpoint => None,
            Kind::Vjp => Some("cotangent"),
            Kind::Jvp => Some("tangent"),
        }
    }
}

impl<'a> Cx<'a> {
    /// `grad(f)(x)`.
    pub fn apply(&mut self, function: &Expr, args: &[ast::Arg], loc: Loc) -> Value {
        let Some(callable) = self.transformed(function) else { return Value::Error };
        let given = self.arguments(args, false);
        self.call_it(&callable, given, loc)
    }

    /// `grad(f, wrt=x)`, as what it makes.
    fn transformed<'e>(&mut self, expr: &'e Expr) -> Option<Callable<'e, 'a>> {
        let ExprKind::Call { name, args, .. } = &expr.kind else { return self.no_function(expr) };
        let Some(kind) = Kind::of(&name.to_string()) else { return self.no_function(expr) };
        let is_wrt = |a: &&ast::Arg| a.keyword.as_ref().is_some_and(|k| k == "wrt");
        let mut plain = args.iter().filter(|a| a.keyword.is_none());
        if let Some(other) = args.iter().filter(|a| !is_wrt(a)).find_map(|a| a.keyword.as_ref()) {
            let message = format!("`{name}` has no parameter `{other}`");
            let help = format!("write `{name}(f, wrt=x)(…)`");
            return self.reject(errors::UNKNOWN_KEYWORD, Loc::at(other.span()), message, help);
        }
        let (Some(first), None) = (plain.next(), plain.next()) else {
            let message = format!("`{name}` takes one function");
            return self.reject(errors::GRAD_FUNCTION, expr.loc, message, format!("write `{name}(f, wrt=x)(…)`"));
        };
        let function = self.callable(&first.value)?;
        if let (Kind::Checkpoint, Some(wrt)) = (kind, args.iter().find(is_wrt)) {
            let message = "`checkpoint` is no derivative and has no `wrt`";
            return self.reject(errors::UNKNOWN_KEYWORD, wrt.value.loc, message, "write `checkpoint(f)(…)`");
        }
        let wrt = match args.iter().find(is_wrt) {
            Some(arg) => Some(self.wrt_names(&arg.value)?),
            None => None,
        };
        Some(Callable::Transformed(Box::new(Transformed { kind, function, wrt })))
    }

    fn callable<'e>(&mut self, expr: &'e Expr) -> Option<Callable<'e, 'a>> {
        let (name, generics): (&Ident, &[Expr]) = match &expr.kind {
            ExprKind::Name(name) => (name, &[]),
            ExprKind::Call { name, .. } if Kind::of(&name.to_string()).is_some() => return self.transformed(expr),
            ExprKind::Call { name, generics, args } if args.is_empty() && !generics.is_empty() => (name, generics),
            _ => return self.no_function(expr),
        };
        let text = name.to_string();
        if let Some(f) = self.unit.fns.get(&text).copied() {
            if f.broken {
                self.failed = true;
                return None;
            }
            return Some(Callable::User(f, generics));
        }
        match Callee::find(&text) {
            Some(callee) => Some(Callable::Operation(text, callee)),
            None if self.lookup(&text).is_some() => self.no_function(expr),
            None => {
                self.unknown_function(&text, expr.loc);
                None
            }
        }
    }

    fn no_function<T>(&mut self, expr: &Expr) -> Option<T> {
        self.reject(
            errors::GRAD_FUNCTION,
            expr.loc,
            "a function is wanted here",
            "name a function of the block: `grad(loss)(x, w)`; what is not one, write as one",
        )
    }

    fn wrt_names(&mut self, expr: &Expr) -> Option<Wrt> {
        let (items, tuple) = match &expr.kind {
            ExprKind::Tuple(items) => (items.iter().collect::<Vec<_>>(), true),
            _ => (vec![expr], false),
        };
        let mut names = Vec::new();
        for item in items {
            let ExprKind::Name(name) = &item.kind else {
                let message = "`wrt` wants names of the function's parameters";
                return self.reject(errors::GRAD_WRT, item.loc, message, "write `wrt=w` or `wrt=(w, b)`");
            };
            names.push((name.to_string(), item.loc));
        }
        Some(Wrt { names, tuple })
    }

    fn specs_of(&self, callable: &Callable<'_, 'a>) -> Vec<Spec> {
        let of_item = |f: &FnItem| {
            let spec = |p: &ast::Param| Spec { name: p.name.to_string(), required: p.default.is_none(), rest: false };
            f.params.iter().map(spec).collect()
        };
        match callable {
            Callable::User(f, _) => of_item(f),
            Callable::Operation(_, Callee::Template(text)) => of_item(&self.unit.template(text)),
            Callable::Operation(_, callee) => callee.specs(),
            Callable::Transformed(t) => {
                let mut specs = self.specs_of(&t.function);
                let extra = t.kind.direction().map(|name| Spec { name: name.into(), required: true, rest: false });
                // An argument that must be given comes before those that need not.
                let at = specs.iter().position(|s| !s.required).unwrap_or(specs.len());
                specs.splice(at..at, extra);
                specs
            }
        }
    }

    fn name_of_callable(callable: &Callable<'_, 'a>) -> String {
        match callable {
            Callable::User(f, _) => f.name.to_string(),
            Callable::Operation(name, _) => name.clone(),
            Callable::Transformed(t) => format!("{}({})", t.kind.word(), Self::name_of_callable(&t.function)),
        }
    }

    fn call_it(&mut self, callable: &Callable<'_, 'a>, given: Given, loc: Loc) -> Value {
        match callable {
            Callable::User(f, generics) => self.call_user(f, generics, given, loc),
            Callable::Operation(name, callee) => self.call_operation(name, *callee, given, loc),
            Callable::Transformed(t) if t.kind == Kind::Checkpoint => self.call_checkpoint(&t.function, given, loc),
            Callable::Transformed(t) => self.call_transformed(callable, t, given, loc).unwrap_or(Value::Error),
        }
    }

    /// The function's value, with marks around what it is made of.
    fn call_checkpoint(&mut self, function: &Callable<'_, 'a>, mut given: Given, loc: Loc) -> Value {
        self.checkpoints += 1;
        let number = self.checkpoints;
        let marked = |graph: &mut Graph, value: &Value, mark: Mark| {
            value.map_nodes(&mut |node| match graph.node(node).op {
                Op::Const(_) | Op::Size(_) => node,
                _ => graph.mark(node, mark, number),
            })
        };
        for (_, arg) in &mut given {
            arg.value = marked(&mut self.graph, &arg.value, Mark::Enter);
        }
        let result = self.call_it(function, given, loc);
        marked(&mut self.graph, &result, Mark::Exit)
    }

    fn call_transformed(
        &mut self,
        callable: &Callable<'_, 'a>,
        t: &Transformed<'_, 'a>,
        given: Given,
        loc: Loc,
    ) -> Option<Value> {
        let (specs, name) = (self.specs_of(callable), Self::name_of_callable(callable));
        let broken = given.iter().any(|(_, a)| a.value.is_error());
        let mut bound = self.fit(&name, &specs, given, loc)?;
        if broken {
            return None;
        }
        self.differentiates = true;
        let direction = t.kind.direction().and_then(|name| {
            let at = specs.iter().position(|s| s.name == name && s.required)?;
            bound.remove(at)
        });
        let specs = self.specs_of(&t.function);
        let chosen = self.chosen(t, &specs, &bound, loc)?;

        // The function in a graph of its own.
        let mut sub = Graph::new(self.graph.name.clone());
        sub.symbols = self.graph.symbols.clone();
        let caller = std::mem::replace(&mut self.graph, sub);
        let mut outer = Vec::new();
        let inside: Vec<Option<Arg>> = (bound.iter())
            .map(|arg| {
                arg.as_ref()
                    .map(|arg| Arg { value: enter(&mut self.graph, &caller, &mut outer, &arg.value), ..arg.clone() })
            })
            .collect();
        let direction =
            direction.map(|arg| Arg { value: enter(&mut self.graph, &caller, &mut outer, &arg.value), ..arg });
        let wrt: Vec<Value> = chosen.iter().filter_map(|&k| inside[k].as_ref()).map(|a| a.value.clone()).collect();
        let result = self.call_it(&t.function, regiven(&specs, inside), loc);
        let value = match result {
            Value::Error => None,
            result => self.differentiate(t, &result, &wrt, direction.as_ref(), loc),
        };
        let inner = Inner { outer, graph: std::mem::replace(&mut self.graph, caller) };
        self.leave(inner, value?)
    }

    /// The numbers of the parameters that the gradient is by.
    fn chosen(
        &mut self,
        t: &Transformed<'_, 'a>,
        specs: &[Spec],
        bound: &[Option<Arg>],
        loc: Loc,
    ) -> Option<Vec<usize>> {
        let word = t.kind.word();
        let has_floats = |cx: &Self, k: usize| {
            let nodes = bound[k].as_ref().map(|a| a.value.nodes()).unwrap_or_default();
            nodes.iter().any(|&n| cx.dtype(n).is_float())
        };
        let Some(wrt) = &t.wrt else {
            let all: Vec<usize> = (0..specs.len()).filter(|&k| has_floats(self, k)).collect();
            if all.is_empty() {
                let message = format!("`{word}` has no argument of floats to differentiate by");
                return self.reject(errors::GRAD_WRT, loc, message, "pass an array of floats");
            }
            return Some(all);
        };
        let mut chosen = Vec::new();
        for (name, at) in &wrt.names {
            let Some(k) = specs.iter().position(|s| s.name == *name) else {
                let known: Vec<String> = specs.iter().map(|s| format!("`{}`", s.name)).collect();
                let message = format!("`{}` has no parameter `{name}`", Self::name_of_callable(&t.function));
                return self.reject(errors::GRAD_WRT, *at, message, format!("its parameters are {}", known.join(", ")));
            };
            if !has_floats(self, k) {
                let is = bound[k].as_ref().map_or("not given".into(), |a| a.value.describe(&self.graph));
                let message = format!("there is no gradient by `{name}`, which is {is}");
                return self.reject(
                    errors::GRAD_WRT,
                    *at,
                    message,
                    "a gradient is by arrays of floats; cast it before",
                );
            }
            chosen.push(k);
        }
        Some(chosen)
    }

    /// The value of the transformed function, in the function's own graph.
    fn differentiate(
        &mut self,
        t: &Transformed<'_, 'a>,
        result: &Value,
        wrt: &[Value],
        direction: Option<&Arg>,
        loc: Loc,
    ) -> Option<Value> {
        let float = |cx: &Self, n: &NodeId| cx.dtype(*n).is_float();
        let by: Vec<NodeId> = wrt.iter().flat_map(Value::nodes).filter(|n| float(self, n)).collect();
        let outputs: Vec<NodeId> = result.nodes().into_iter().filter(|n| float(self, n)).collect();
        self.graph.outputs = outputs.clone();
        let single = match &t.wrt {
            Some(wrt) => !wrt.tuple,
            None => wrt.len() == 1,
        };
        match t.kind {
            Kind::Grad | Kind::ValueAndGrad => {
                let loss = match result {
                    Value::Array(id) if self.ty(*id).rank() == 0 && self.dtype(*id).is_float() => *id,
                    other => {
                        let is = other.describe(&self.graph);
                        let name = Self::name_of_callable(&t.function);
                        let message =
                            format!("`{}` wants a function of one 0-d float, and `{name}` gives {is}", t.kind.word());
                        let help = format!("reduce it, `.mean()`, or write `vjp({name})(…, cotangent)`");
                        return self.reject(errors::GRAD_SCALAR, loc, message, help);
                    }
                };
                let one = self.graph.konst(Literal::Int(1), self.dtype(loss));
                let grads = grad::vjp(&mut self.graph, &[(loss, one)], &by);
                let grads = self.like(wrt, &by, &grads, single);
                Some(match t.kind {
                    Kind::ValueAndGrad => Value::tuple(vec![result.clone(), grads]),
                    Kind::Grad | Kind::Vjp | Kind::Jvp | Kind::Checkpoint => grads,
                })
            }
            // Its value is the function's: see `call_checkpoint`.
            Kind::Checkpoint => Some(result.clone()),
            Kind::Vjp => {
                let cotangents = self.direction(direction?, &outputs, "cotangent", "a result")?;
                let pairs: Vec<(NodeId, NodeId)> = outputs.iter().copied().zip(cotangents).collect();
                let grads = grad::vjp(&mut self.graph, &pairs, &by);
                let grads = self.like(wrt, &by, &grads, single);
                Some(Value::tuple(vec![result.clone(), grads]))
            }
            Kind::Jvp => {
                let tangents = self.direction(direction?, &by, "tangent", "an argument")?;
                let pairs: Vec<(NodeId, NodeId)> = by.iter().copied().zip(tangents).collect();
                let pushed = grad::jvp(&mut self.graph, &pairs, &outputs);
                let pushed = self.like(std::slice::from_ref(result), &outputs, &pushed, true);
                Some(Value::tuple(vec![result.clone(), pushed]))
            }
        }
    }

    /// The nodes of a cotangent or a tangent, one for each of `of`.
    fn direction(&mut self, arg: &Arg, of: &[NodeId], what: &str, for_what: &str) -> Option<Vec<NodeId>> {
        let nodes = arg.value.nodes();
        if nodes.len() != of.len() {
            let (is, want) = (nodes.len(), of.len());
            let message =
                format!("{is} arrays as the {what}, where {want} are wanted, one for {for_what} of floats each");
            return self.reject(errors::GRAD_DIRECTION, arg.loc, message, "pass them as one tuple, in order");
        }
        for (&node, &of) in nodes.iter().zip(of) {
            let (is, want) = (self.ty(node).clone(), self.ty(of).clone());
            let same = is.shape.len() == want.shape.len()
                && is.shape.iter().zip(&want.shape).all(|(a, b)| self.facts.equal(a, b));
            if is.dtype != want.dtype || !same {
                let message = format!("the {what} is `{is}`, and {for_what} `{want}`");
                return self.reject(errors::GRAD_DIRECTION, arg.loc, message, format!("pass a `{want}`"));
            }
        }
        Some(
            nodes
                .iter()
                .zip(of)
                .map(|(&n, &of)| {
                    let shape = self.shape(of);
                    self.graph.reshape(n, &shape)
                })
                .collect(),
        )
    }

    /// Derivatives in the form of what they are of: zeros where there is none.
    fn like(&mut self, of: &[Value], nodes: &[NodeId], derivatives: &[Option<NodeId>], single: bool) -> Value {
        let found: BTreeMap<NodeId, NodeId> =
            nodes.iter().zip(derivatives).filter_map(|(&n, d)| d.map(|d| (n, d))).collect();
        let graph = &mut self.graph;
        let mut each = |value: &Value| {
            value.map_nodes(&mut |node| found.get(&node).copied().unwrap_or_else(|| graph.zeros_like(node)))
        };
        match (of, single) {
            ([only], true) => each(only),
            _ => Value::tuple(of.iter().map(each).collect()),
        }
    }

    /// Copies what the value needs into the caller's graph.
    fn leave(&mut self, mut inner: Inner, value: Value) -> Option<Value> {
        inner.graph.outputs = value.nodes();
        let live = inner.graph.live();
        let mut new: Vec<NodeId> = Vec::with_capacity(inner.graph.nodes.len());
        for (node, live) in inner.graph.nodes.iter().zip(live) {
            let id = match (&node.op, live) {
                (Op::Param(number), _) => inner.outer[*number],
                // Never read.
                (_, false) => NodeId(0),
                (op, true) => {
                    let args = node.args.iter().map(|a| new[a.0 as usize]).collect();
                    self.graph.add(op.clone(), args, node.ty.clone())
                }
            };
            new.push(id);
        }
        for r in inner.graph.requires {
            self.require(r.left, r.relation, r.right, r.why);
        }
        Some(value.map_nodes(&mut |node| new[node.0 as usize]))
    }
}

/// The value with each array a parameter of the graph.
fn enter(graph: &mut Graph, caller: &Graph, outer: &mut Vec<NodeId>, value: &Value) -> Value {
    value.map_nodes(&mut |node| {
        outer.push(node);
        let name = format!("argument {}", outer.len());
        graph.param(name, caller.ty(node).clone(), false)
    })
}

/// Arguments as they would be given: those after a gap by keyword.
fn regiven(specs: &[Spec], bound: Vec<Option<Arg>>) -> Given {
    let mut gap = false;
    let mut given = Vec::new();
    for (spec, arg) in specs.iter().zip(bound) {
        match arg {
            Some(arg) => {
                let keyword = (gap && !spec.rest).then(|| Ident::new(&spec.name, arg.loc.first));
                given.push((keyword, arg));
            }
            None => gap = true,
        }
    }
    given
}
