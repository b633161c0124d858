//! Expressions and statements.
//!
//! In: the syntax tree of a body. Out: its value. Always: chains of operators,
//! methods and indices are walked, not recursed into, so that their length costs
//! no stack; what a condition known at compile time leaves out is not checked.
//! Next: [`super::call`], [`super::elementwise`], [`super::index`].

use super::cx::Cx;
use super::dims::Names;
use super::elementwise::operator;
use super::results::{Place, concrete};
use super::signature::{AnyDType, type_of};
use super::table;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::graph::Type;
use crate::ops::MapOp;
use crate::shape::Dim;
use crate::suggest::suggest;
use crate::syntax::ast::{BinaryOp, Body, Expr, ExprKind, Pattern, Stmt, TypeExpr, UnaryOp};
use proc_macro2::Ident;
use std::collections::{BTreeMap, HashMap};

/// The longest loop that is unrolled.
const MAX_UNROLL: i64 = 1024;

impl<'a> Cx<'a> {
    /// The value of an expression.
    pub fn expr(&mut self, expr: &Expr) -> Value {
        self.argument(expr).value
    }

    /// The value with its place and, for a name, its declaration.
    pub fn argument(&mut self, expr: &Expr) -> Arg {
        // Down the left operands and receivers, then up again.
        let mut spine: Vec<&Expr> = Vec::new();
        let mut base = expr;
        while let Some(inner) = left_of(base) {
            spine.push(base);
            base = inner;
        }
        let mut arg = self.leaf(base, spine.last().copied());
        for outer in spine.into_iter().rev() {
            let value = self.nested(outer.loc, |cx| cx.step(outer, arg));
            arg = Arg::new(value, outer.loc);
        }
        arg
    }

    /// An expression without a left operand, and what is done with it.
    fn leaf(&mut self, expr: &Expr, outer: Option<&Expr>) -> Arg {
        let value = match &expr.kind {
            ExprKind::Int(i) => Value::Int(*i),
            ExprKind::Float(f) => Value::Float(*f),
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Str(s) => Value::Str(s.as_str().into()),
            ExprKind::None => Value::None,
            ExprKind::Name(name) => return self.name(name, expr.loc, outer),
            ExprKind::Call { name, generics, args } => self.nested(expr.loc, |cx| cx.call(name, generics, args)),
            ExprKind::Apply { function, args } => self.nested(expr.loc, |cx| cx.apply(function, args, expr.loc)),
            ExprKind::Tuple(items) => self.nested(expr.loc, |cx| {
                let values: Vec<Value> = items.iter().map(|e| cx.expr(e)).collect();
                if values.iter().any(Value::is_error) { Value::Error } else { Value::tuple(values) }
            }),
            ExprKind::If { condition, then, otherwise } => {
                self.nested(expr.loc, |cx| cx.choice(condition, then, otherwise))
            }
            ExprKind::Block(body) => self.nested(expr.loc, |cx| cx.body(body).unwrap_or_else(|| cx.branch_value(body))),
            ExprKind::Unary(op, operand) => self.nested(expr.loc, |cx| cx.unary(*op, operand, expr.loc)),
            ExprKind::Binary { .. }
            | ExprKind::Method { .. }
            | ExprKind::Field { .. }
            | ExprKind::TupleField { .. }
            | ExprKind::Index { .. } => Value::Error,
        };
        Arg::new(value, expr.loc)
    }

    /// One link of a chain: the operator, method, field or index on its left part.
    fn step(&mut self, expr: &Expr, left: Arg) -> Value {
        match &expr.kind {
            ExprKind::Binary { op, op_loc, right, .. } => {
                let right = self.argument(right);
                self.binary(*op, left, right, *op_loc)
            }
            ExprKind::Method { name, args, .. } => self.method(left, name, args),
            ExprKind::Field { name, .. } => self.field(&left, name),
            ExprKind::TupleField { index, .. } => self.tuple_field(&left, *index, expr.loc),
            ExprKind::Index { items, .. } => self.index(&left, items, expr.loc),
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Str(_)
            | ExprKind::None
            | ExprKind::Name(_)
            | ExprKind::Unary(..)
            | ExprKind::Call { .. }
            | ExprKind::Apply { .. }
            | ExprKind::Tuple(_)
            | ExprKind::If { .. }
            | ExprKind::Block(_) => left.value,
        }
    }

    fn binary(&mut self, op: BinaryOp, left: Arg, right: Arg, loc: Loc) -> Value {
        let (row, sign) = operator(op);
        if op == BinaryOp::MatMul {
            return super::linalg::product(self, &left, &right, "@", loc).map_or(Value::Error, Value::Array);
        }
        self.map_op(MapOp::named(row), sign, &[left, right], loc)
    }

    fn unary(&mut self, op: UnaryOp, operand: &Expr, loc: Loc) -> Value {
        let arg = self.argument(operand);
        match op {
            UnaryOp::Neg => self.map_op(MapOp::named("neg"), "-", &[arg], loc),
            UnaryOp::Not => self.map_op(MapOp::named("bitwise_not"), "~", &[arg], loc),
            UnaryOp::Plus if matches!(arg.value, Value::Array(_)) || arg.value.weak().is_some() => arg.value,
            UnaryOp::Plus => self.not_an_array(&arg, "`+`"),
        }
    }

    fn choice(&mut self, condition: &Expr, then: &Body, otherwise: &Body) -> Value {
        let arg = self.argument(condition);
        let body = match arg.value {
            Value::Bool(true) => then,
            Value::Bool(false) => otherwise,
            Value::Error => return Value::Error,
            _ => {
                let is = arg.value.describe(&self.graph);
                return self.error(
                    Diagnostic::new(
                        errors::CONDITION,
                        arg.loc,
                        format!("the condition of `if` is {is}, not known at compile time"),
                    )
                    .help("choose between elements with `where(condition, a, b)`"),
                );
            }
        };
        self.body(body).unwrap_or_else(|| self.branch_value(body))
    }

    fn branch_value(&mut self, body: &Body) -> Value {
        // Statements that were told of explain the lack of a value.
        if body.stmts.is_empty() && self.failed {
            return Value::Error;
        }
        self.error(
            Diagnostic::new(errors::BRANCH_VALUE, body.loc, "the block has no value")
                .help("end it with an expression without `;`"),
        )
    }

    /// A body in a scope of its own; `None` where it has no value.
    pub fn body(&mut self, body: &Body) -> Option<Value> {
        self.frame().scopes.push(HashMap::new());
        for stmt in &body.stmts {
            self.stmt(stmt);
        }
        let value = body.value.as_ref().map(|e| self.expr(e));
        self.frame().scopes.pop();
        value
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Let { pattern, ty, value, .. } => {
                let mut arg = self.argument(value);
                if let Some(ty) = ty {
                    arg.value = self.annotated(&arg, ty);
                }
                self.bind_pattern(pattern, arg);
            }
            Stmt::Assign { name, value, loc } => self.assign(name, value, *loc),
            Stmt::For { name, start, end, body, loc } => self.unroll(name, start, end, body, *loc),
            Stmt::Expr(expr) => {
                let before = self.diags.len();
                self.expr(expr);
                if self.diags.len() == before {
                    self.error(
                        Diagnostic::new(errors::NO_EFFECT, expr.loc, "the value of this statement is lost")
                            .help("bind it with `let`, or leave out the statement"),
                    );
                }
            }
        }
    }

    fn bind_pattern(&mut self, pattern: &Pattern, arg: Arg) {
        match pattern {
            Pattern::Name(name) => self.bind(&name.to_string(), arg.value, Some(Loc::at(name.span())), true),
            Pattern::Tuple(names, loc) => {
                let items: Vec<Value> = match &arg.value {
                    Value::Tuple(items) if items.len() == names.len() => items.to_vec(),
                    Value::Error => vec![Value::Error; names.len()],
                    other => {
                        let is = other.describe(&self.graph);
                        self.error(
                            Diagnostic::new(
                                errors::TUPLE_PATTERN,
                                *loc,
                                format!("a pattern of {} names for {is}", names.len()),
                            )
                            .help("write as many names as the tuple has values"),
                        );
                        vec![Value::Error; names.len()]
                    }
                };
                for (name, value) in names.iter().zip(items) {
                    self.bind_pattern(name, Arg::new(value, arg.loc));
                }
            }
        }
    }

    /// The value of `let h: f32[B, H] = …`, checked against the type.
    fn annotated(&mut self, arg: &Arg, ty: &TypeExpr) -> Value {
        let dtypes: BTreeMap<String, DType> = self
            .frames
            .last()
            .map(|f| {
                f.scopes[0]
                    .iter()
                    .filter_map(|(n, b)| if let Value::DType(d) = b.value { Some((n.clone(), d)) } else { None })
            })
            .into_iter()
            .flatten()
            .collect();
        let resolved = type_of(self.unit, ty, &InScope(self), &|n| dtypes.contains_key(n));
        let sig = match resolved {
            Ok(sig) => sig,
            Err(diag) => return self.error(diag),
        };
        if arg.value.is_error() {
            return Value::Error;
        }
        let ty = match &sig {
            super::signature::SigType::Scalar(AnyDType::Known(d)) => Some(Type::scalar(*d)),
            other => concrete(other, &dtypes),
        };
        let Some(ty) = ty else {
            return match (&arg.value, &sig) {
                (Value::Struct(s), super::signature::SigType::Struct { name, .. }) if s.def == *name => {
                    arg.value.clone()
                }
                (_, super::signature::SigType::Unknown) => Value::Error,
                _ => self.not_an_array(arg, "a `let` with this type"),
            };
        };
        let shape = ty.shape.iter().map(|d| self.facts.canonical(d)).collect();
        let ty = Type::new(ty.dtype, shape);
        self.fit_type(arg, &ty, Place::Annotation).map_or(Value::Error, Value::Array)
    }

    fn assign(&mut self, name: &Ident, value: &Expr, loc: Loc) {
        let text = name.to_string();
        let value = self.expr(value);
        let scopes = &mut self.frame().scopes;
        let found = scopes.iter_mut().rev().find_map(|s| s.get_mut(&text));
        match found {
            Some(binding) if binding.assignable => binding.value = value,
            Some(_) => {
                self.error(
                    Diagnostic::new(
                        errors::ASSIGN_UNKNOWN,
                        loc,
                        format!("`{text}` is a constant and cannot be bound anew"),
                    )
                    .help("bind another name with `let`"),
                );
            }
            None => {
                self.error(
                    Diagnostic::new(errors::ASSIGN_UNKNOWN, Loc::at(name.span()), format!("`{text}` is not bound"))
                        .help(format!("bind it first: `let {text} = …;`")),
                );
                self.bind(&text, Value::Error, None, true);
            }
        }
    }

    fn unroll(&mut self, name: &Ident, start: &Expr, end: &Expr, body: &Body, loc: Loc) {
        let (Some(start), Some(end)) = (self.bound(start), self.bound(end)) else { return };
        if end.saturating_sub(start) > MAX_UNROLL {
            self.error(
                Diagnostic::new(
                    errors::UNROLL_LIMIT,
                    loc,
                    format!("a loop of {} rounds; the most is {MAX_UNROLL}", end.saturating_sub(start)),
                )
                .help("write it as an operation on a whole axis"),
            );
            return;
        }
        for i in start..end {
            let before = self.diags.len();
            self.frame().scopes.push(HashMap::new());
            self.bind(&name.to_string(), Value::Int(i128::from(i)), Some(Loc::at(name.span())), false);
            self.body(body);
            self.frame().scopes.pop();
            if self.diags.len() > before {
                // Another round would tell the same.
                return;
            }
        }
    }

    fn bound(&mut self, expr: &Expr) -> Option<i64> {
        let arg = self.argument(expr);
        match arg.value {
            Value::Int(i) => i64::try_from(i).ok(),
            Value::Error => None,
            _ => {
                let is = arg.value.describe(&self.graph);
                self.reject(
                    errors::LOOP_BOUNDS,
                    expr.loc,
                    format!("a loop's bounds are integers known at compile time, not {is}"),
                    "write an integer, or an operation on the whole axis",
                )
            }
        }
    }

    /// `x.T`, `x.shape`, `net.weight`.
    fn field(&mut self, left: &Arg, name: &Ident) -> Value {
        let text = name.to_string();
        let loc = Loc::at(name.span());
        match &left.value {
            Value::Error => Value::Error,
            Value::Struct(s) => {
                let key = text.strip_prefix("r#").unwrap_or(&text);
                if let Some((_, value)) = s.fields.iter().find(|(k, _)| k == key) {
                    return value.clone();
                }
                let diag = Diagnostic::new(
                    errors::UNKNOWN_FIELD,
                    loc,
                    format!("the struct `{}` has no field `{text}`", s.name()),
                );
                let names: Vec<&str> = s.fields.iter().map(|(k, _)| k.as_str()).collect();
                let diag = match suggest(&text, names.iter().copied()) {
                    Some(near) => diag.help(format!("did you mean `{near}`?")),
                    None => diag.help(format!("its fields are `{}`", names.join("`, `"))),
                };
                self.error(diag)
            }
            Value::Array(id) => {
                let ty = self.ty(*id).clone();
                match text.as_str() {
                    "T" => {
                        let perm: Vec<usize> = (0..ty.rank()).rev().collect();
                        Value::Array(self.graph.permute(*id, &perm))
                    }
                    "shape" => Value::tuple(ty.shape.into_iter().map(Value::dim).collect()),
                    "ndim" => Value::Int(ty.rank() as i128),
                    "size" => Value::dim(self.canonical(ty.len())),
                    "dtype" => Value::DType(ty.dtype),
                    _ => {
                        let diag = Diagnostic::new(
                            errors::UNKNOWN_ATTRIBUTE,
                            loc,
                            format!("an array has no attribute `{text}`"),
                        );
                        let diag = if table::Callee::find(&text).is_some() {
                            diag.help(format!("call it, `.{text}(…)`"))
                        } else {
                            match suggest(
                                &text,
                                ["T", "shape", "ndim", "size", "dtype"].into_iter().chain(table::names()),
                            ) {
                                Some(near) => diag.help(format!("did you mean `{near}`?")),
                                None => diag.help("an array has `.T`, `.shape`, `.ndim`, `.size` and `.dtype`"),
                            }
                        };
                        self.error(diag)
                    }
                }
            }
            other => {
                let is = other.describe(&self.graph);
                self.error(
                    Diagnostic::new(errors::NOT_A_STRUCT, loc, format!("{is} has no field `{text}`"))
                        .help("parameter structs have fields, arrays have `.T` and `.shape`"),
                )
            }
        }
    }

    /// `net.blocks.0`
    fn tuple_field(&mut self, left: &Arg, index: usize, loc: Loc) -> Value {
        match &left.value {
            Value::Error => Value::Error,
            Value::Tuple(items) => match items.get(index) {
                Some(value) => value.clone(),
                None => self.error(
                    Diagnostic::new(errors::TUPLE_INDEX, loc, format!("field {index} of a tuple of {}", items.len()))
                        .help(format!("give a field below {}", items.len())),
                ),
            },
            other => {
                let is = other.describe(&self.graph);
                self.error(
                    Diagnostic::new(errors::NOT_A_STRUCT, loc, format!("{is} has no field `{index}`"))
                        .help(format!("index an array with `[{index}]`")),
                )
            }
        }
    }
}

/// The part that a chain continues on the left.
fn left_of(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Binary { left, .. } => Some(left),
        ExprKind::Method { receiver, .. }
        | ExprKind::Field { receiver, .. }
        | ExprKind::TupleField { receiver, .. }
        | ExprKind::Index { receiver, .. } => Some(receiver),
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::None
        | ExprKind::Name(_)
        | ExprKind::Unary(..)
        | ExprKind::Call { .. }
        | ExprKind::Apply { .. }
        | ExprKind::Tuple(_)
        | ExprKind::If { .. }
        | ExprKind::Block(_) => None,
    }
}

/// The sizes in scope, for the type of a `let`.
struct InScope<'c, 'a>(&'c Cx<'a>);

impl Names for InScope<'_, '_> {
    fn dim(&self, name: &str) -> Option<Dim> {
        self.0.lookup(name)?.value.as_dim()
    }

    fn all(&self) -> Vec<String> {
        let scopes = self.0.frames.last().map(|f| &f.scopes);
        let mut names: Vec<String> = scopes
            .into_iter()
            .flatten()
            .flat_map(|s| s.iter().filter(|(_, b)| b.value.as_dim().is_some()).map(|(n, _)| n.clone()))
            .collect();
        names.sort();
        names
    }
}
