//! Calls of the block's functions and of the prelude's, by inlining.
//!
//! In: the callee's syntax tree and its arguments. Out: the value of its body,
//! elaborated into the caller's graph. Always: a function with types gets
//! arguments of its types and gives results of its types; its dimensions are the
//! caller's; what its `where` states is proved or required of each call.
//! Next: [`super::entry`].

use super::call::Given;
use super::cx::{Cx, Frame};
use super::results::{concrete, tuple_or_one};
use super::signature::{self, AnyDType, SigType, Signature};
use super::table::Spec;
use super::value::{Arg, Value, axes, counted, struct_name};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::graph::Type;
use crate::shape::{Dim, SizesOnly};
use crate::syntax::ast::{Expr, FnItem};
use std::collections::{BTreeMap, HashMap};

/// What a call binds.
#[derive(Default)]
struct Bound {
    dims: BTreeMap<String, Dim>,
    dtypes: BTreeMap<String, DType>,
    /// The parameter that bound the name first.
    from: BTreeMap<String, String>,
}

impl Cx<'_> {
    /// A template: the arguments are its parameters, whatever they are.
    pub fn expand(&mut self, f: &FnItem, prelude: bool, given: Given, loc: Loc) -> Value {
        self.expand_with(f, prelude, given, loc, BTreeMap::new())
    }

    /// A template with constants.
    pub fn expand_const(&mut self, f: &FnItem, generics: &[Expr], given: Given, loc: Loc) -> Value {
        match self.constants(f, generics, loc) {
            Some(consts) => self.expand_with(f, false, given, loc, consts),
            None => Value::Error,
        }
    }

    fn expand_with(
        &mut self,
        f: &FnItem,
        prelude: bool,
        given: Given,
        loc: Loc,
        consts: BTreeMap<String, Dim>,
    ) -> Value {
        let name = f.name.to_string();
        let spec = |p: &crate::syntax::ast::Param| Spec {
            name: p.name.to_string(),
            required: p.default.is_none(),
            rest: false,
        };
        let specs: Vec<Spec> = f.params.iter().map(spec).collect();
        let broken = given.iter().any(|(_, a)| a.value.is_error());
        let Some(bound) = self.fit(&name, &specs, given, loc) else { return Value::Error };
        if broken {
            return Value::Error;
        }
        self.frames.push(Frame { name, call: Some(loc), prelude, scopes: vec![HashMap::new()] });
        let floor = std::mem::replace(&mut self.floor, false);
        for (name, dim) in consts {
            self.bind(&name, Value::dim(dim), None, false);
        }
        for (param, arg) in f.params.iter().zip(bound) {
            let value = match (arg, &param.default) {
                (Some(arg), _) => arg.value,
                (None, Some(default)) => self.expr(default),
                (None, None) => Value::Error,
            };
            let at = (!prelude).then_some(param.loc);
            self.bind(&param.name.to_string(), value, at, true);
        }
        let value = self.body(&f.body);
        self.floor = floor;
        self.frames.pop();
        match value {
            Some(value) => value,
            None => self.no_value(f),
        }
    }

    pub fn no_value(&mut self, f: &FnItem) -> Value {
        self.error(
            Diagnostic::new(
                errors::NO_RESULT,
                Loc::at(f.name.span()),
                format!("the body of `{}` has no value", f.name),
            )
            .help("end it with an expression without `;`"),
        )
    }

    /// The values of `f::<2>`.
    fn constants(&mut self, f: &FnItem, generics: &[Expr], loc: Loc) -> Option<BTreeMap<String, Dim>> {
        let names = signature::const_names(f);
        let listed = names.join(", ");
        if generics.is_empty() && !names.is_empty() {
            let example: Vec<&str> = names.iter().map(|_| "1").collect();
            return self.reject(
                errors::MISSING_CONST,
                loc,
                format!("`{}` wants its constants: `{listed}`", f.name),
                format!("write `{}::<{}>(…)`", f.name, example.join(", ")),
            );
        }
        if generics.len() != names.len() {
            let help =
                if names.is_empty() { format!("write `{}(…)`", f.name) } else { format!("they are `{listed}`") };
            return self.reject(
                errors::CONST_COUNT,
                loc,
                format!("`{}` takes {}, not {}", f.name, counted(names.len(), "constant"), generics.len()),
                help,
            );
        }
        let mut consts = BTreeMap::new();
        for (name, expr) in names.into_iter().zip(generics) {
            let arg = self.argument(expr);
            consts.insert(name.clone(), Dim::from(self.int(&arg, &name)?));
        }
        Some(consts)
    }

    /// A function with types.
    pub fn inline(&mut self, f: &FnItem, generics: &[Expr], given: Given, loc: Loc) -> Value {
        self.try_inline(f, generics, given, loc).unwrap_or(Value::Error)
    }

    fn try_inline(&mut self, f: &FnItem, generics: &[Expr], given: Given, loc: Loc) -> Option<Value> {
        let consts = self.constants(f, generics, loc)?;
        let mut told = Vec::new();
        let sig = signature::signature(self.unit, f, &consts, &mut told);
        if sig.broken {
            // Told of where it stands.
            self.failed = true;
            return None;
        }
        let specs: Vec<Spec> =
            sig.params.iter().map(|p| Spec { name: p.name.to_string(), required: true, rest: false }).collect();
        let name = f.name.to_string();
        let broken = given.iter().any(|(_, a)| a.value.is_error());
        let args: Vec<Arg> = self.fit(&name, &specs, given, loc)?.into_iter().flatten().collect();
        if broken {
            return None;
        }
        let bound = self.unify(&name, &sig, &args)?;
        let with = |n: &str| bound.dims.get(n).cloned();
        if self.unit.failed.borrow().contains(&name) {
            self.failed = true;
            let answers = self.answers(&sig, &with, &bound.dtypes)?;
            let lost = answers.iter().map(|a| self.placeholder(a)).collect();
            return Some(tuple_or_one(lost, sig.tuple));
        }
        for c in &sig.conditions {
            let (left, right) = (c.left.substitute(&SizesOnly, &with), c.right.substitute(&SizesOnly, &with));
            let why = format!("`{name}` states `where {}`", c.text);
            if self.ensure(left.clone(), c.relation, right.clone(), why).is_err() {
                return self.reject(
                    errors::ARGUMENT_SHAPE,
                    loc,
                    format!("`{name}` states `where {}`, which does not hold for these arguments", c.text),
                    format!("here it compares `{left}` with `{right}`"),
                );
            }
            self.facts.learn(&left, c.relation, &right);
        }
        let params: Vec<Value> = sig
            .params
            .iter()
            .zip(&args)
            .map(|(p, a)| self.pass(&p.ty.substitute(&with), a, &bound))
            .collect::<Option<_>>()?;
        self.frames.push(Frame { name, call: Some(loc), prelude: false, scopes: vec![HashMap::new()] });
        let floor = std::mem::replace(&mut self.floor, false);
        self.bind_dims(&bound, &consts);
        for (param, value) in sig.params.iter().zip(params) {
            self.bind(&param.name.to_string(), value, Some(Loc::at(param.name.span())), true);
        }
        let value = match self.body(&f.body) {
            Some(value) => value,
            None => self.no_value(f),
        };
        let at = f.body.value.as_ref().map_or(f.loc, |e| e.loc);
        let answers = self.answers(&sig, &with, &bound.dtypes);
        let results = answers.and_then(|answers| self.results(Arg::new(value, at), &answers, sig.tuple));
        self.floor = floor;
        self.frames.pop();
        Some(tuple_or_one(results?, sig.tuple))
    }

    fn bind_dims(&mut self, bound: &Bound, consts: &BTreeMap<String, Dim>) {
        for (name, dim) in bound.dims.iter().chain(consts) {
            self.bind(name, Value::dim(dim.clone()), None, false);
        }
        for (name, dtype) in &bound.dtypes {
            self.bind(name, Value::DType(*dtype), None, false);
        }
    }

    /// Finds the callee's dimensions and dtypes in the arguments.
    fn unify(&mut self, name: &str, sig: &Signature, args: &[Arg]) -> Option<Bound> {
        let mut bound = Bound::default();
        let mut fine = true;
        for (param, arg) in sig.params.iter().zip(args) {
            fine &= self.unify_one(name, sig, &param.name.to_string(), &param.ty, arg, &mut bound).is_some();
        }
        if !fine {
            return None;
        }
        // Every name is bound now; sizes made of them are compared.
        for (param, arg) in sig.params.iter().zip(args) {
            let (wanted, actual) = match (&param.ty, &arg.value) {
                (SigType::Array(_, dims), Value::Array(id)) => (dims, self.shape(*id)),
                (SigType::Struct { args: dims, .. }, Value::Struct(s)) => (dims, s.args.clone()),
                _ => continue,
            };
            for (axis, (want, is)) in wanted.iter().zip(&actual).enumerate() {
                let value = want.substitute(&SizesOnly, &|n| bound.dims.get(n).cloned());
                if self.facts.equal(&value, is) {
                    continue;
                }
                fine = false;
                let wanted = if *want == value { format!("`{want}`") } else { format!("`{want}`, here `{value}`,") };
                let what = format!("`{name}` wants {wanted} at axis {axis} of `{}`, not `{is}`", param.name);
                let differ = value.sub(is).as_const().is_some();
                let code = if differ { errors::ARGUMENT_SHAPE } else { errors::UNPROVABLE };
                let mut diag = Diagnostic::new(code, arg.loc, what);
                diag.notes.extend(arg.note(&self.graph));
                let mend = self.equate(is, &value, &format!("give an array whose axis {axis} is `{value}`"));
                self.error(diag.help(mend));
            }
        }
        fine.then_some(bound)
    }

    fn unify_one(
        &mut self,
        f: &str,
        sig: &Signature,
        param: &str,
        ty: &SigType,
        arg: &Arg,
        bound: &mut Bound,
    ) -> Option<()> {
        match ty {
            SigType::Array(dtype, dims) => {
                if let Value::Array(id) = arg.value {
                    let actual = self.ty(id).clone();
                    self.unify_dtype(f, sig, dtype, actual.dtype, arg, bound)?;
                    if actual.rank() != dims.len() {
                        let wanted = Type::new(actual.dtype, dims.clone());
                        let mut diag = Diagnostic::new(
                            errors::ARGUMENT_SHAPE,
                            arg.loc,
                            format!("`{f}` wants `{wanted}` for `{param}`, not `{actual}`"),
                        );
                        diag.notes.extend(arg.note(&self.graph));
                        self.error(diag.help(format!("give an array of {}", axes(dims.len()))));
                        return None;
                    }
                    return self.unify_dims(f, param, dims, &actual.shape, arg, bound);
                }
                if arg.value.weak().is_some() && dims.is_empty() {
                    return Some(());
                }
                self.not_an_array(arg, &format!("`{param}` of `{f}`"));
                None
            }
            SigType::Scalar(dtype) => match arg.value {
                Value::Array(id) if self.ty(id).rank() == 0 => {
                    let actual = self.dtype(id);
                    self.unify_dtype(f, sig, dtype, actual, arg, bound)
                }
                _ if arg.value.weak().is_some() => Some(()),
                Value::Array(id) => {
                    let is = self.ty(id).to_string();
                    self.reject(
                        errors::ARGUMENT_SHAPE,
                        arg.loc,
                        format!("`{f}` wants a scalar for `{param}`, not `{is}`"),
                        "give a 0-d array, `x[0]`, or a literal",
                    )
                }
                _ => {
                    self.not_an_array(arg, &format!("`{param}` of `{f}`"));
                    None
                }
            },
            SigType::Struct { name, args } => match &arg.value {
                Value::Struct(s) if s.def == *name => {
                    let actual = s.args.clone();
                    self.unify_dims(f, param, args, &actual, arg, bound)
                }
                other => {
                    let is = other.describe(&self.graph);
                    let wanted = struct_name(name, args);
                    self.reject(
                        errors::STRUCT_MISMATCH,
                        arg.loc,
                        format!("`{f}` wants the struct `{wanted}` for `{param}`, not {is}"),
                        format!("give a `{name}`"),
                    )
                }
            },
            SigType::Unknown => None,
        }
    }

    fn unify_dtype(
        &mut self,
        f: &str,
        sig: &Signature,
        want: &AnyDType,
        is: DType,
        arg: &Arg,
        bound: &mut Bound,
    ) -> Option<()> {
        let text = arg.text("…");
        match want {
            AnyDType::Known(want) if *want == is => Some(()),
            AnyDType::Known(want) => self.reject(
                errors::ARGUMENT_DTYPE,
                arg.loc,
                format!("`{f}` wants `{want}`, not `{is}`"),
                format!("cast it: `{text}.astype({want})`"),
            ),
            AnyDType::Var(var) => {
                let limit = sig.dtypes.iter().find(|(n, _)| n == var).map(|(_, b)| *b);
                if let Some(limit) = limit.filter(|b| !b.accepts(is)) {
                    return self.reject(
                        errors::ARGUMENT_DTYPE,
                        arg.loc,
                        format!("`{f}` is declared for `{var}: {}`, which `{is}` is not", limit.name()),
                        "cast it with `.astype(…)`",
                    );
                }
                match bound.dtypes.insert(var.clone(), is) {
                    Some(first) if first != is => self.reject(
                        errors::ARGUMENT_DTYPE,
                        arg.loc,
                        format!("`{var}` of `{f}` is `{first}` and `{is}`"),
                        format!("cast it: `{text}.astype({first})`"),
                    ),
                    _ => Some(()),
                }
            }
        }
    }

    fn unify_dims(
        &mut self,
        f: &str,
        param: &str,
        want: &[Dim],
        is: &[Dim],
        arg: &Arg,
        bound: &mut Bound,
    ) -> Option<()> {
        let mut fine = true;
        for (want, is) in want.iter().zip(is) {
            let Some(sym) = want.as_sym().map(|s| s.to_string()) else { continue };
            let Some(first) = bound.dims.get(&sym).cloned() else {
                bound.dims.insert(sym.clone(), is.clone());
                bound.from.insert(sym, param.to_string());
                continue;
            };
            if self.facts.equal(&first, is) {
                continue;
            }
            fine = false;
            let from = bound.from.get(&sym).cloned().unwrap_or_default();
            let message = if from == param {
                format!("`{sym}` of `{f}` is `{first}` and `{is}`, both from `{param}`")
            } else {
                format!("`{sym}` of `{f}` is `{first}` from `{from}` but `{is}` from `{param}`")
            };
            let differ = first.sub(is).as_const().is_some();
            let code = if differ { errors::ARGUMENT_SHAPE } else { errors::UNPROVABLE };
            let mut diag = Diagnostic::new(code, arg.loc, message);
            diag.notes.extend(arg.note(&self.graph));
            let mend = self.equate(&first, is, "give arrays of one size");
            self.error(diag.help(mend));
        }
        fine.then_some(())
    }

    /// The argument as a value of the parameter's type.
    fn pass(&mut self, ty: &SigType, arg: &Arg, bound: &Bound) -> Option<Value> {
        let dtype = match ty {
            SigType::Array(dtype, _) | SigType::Scalar(dtype) => dtype,
            SigType::Struct { .. } | SigType::Unknown => return Some(arg.value.clone()),
        };
        if let (Value::Array(id), SigType::Array(_, dims)) = (&arg.value, ty) {
            // Equal by a constraint, but written otherwise.
            return Some(Value::Array(self.graph.reshape(*id, dims)));
        }
        match concrete(&SigType::Array(dtype.clone(), Vec::new()), &bound.dtypes) {
            Some(ty) => self.coerce(arg, ty.dtype).map(Value::Array),
            None => {
                let diag = Diagnostic::new(errors::LITERAL_RESULT, arg.loc, "a literal has no dtype of its own here");
                self.error(diag.help("say which: `f32(1.0)`"));
                None
            }
        }
    }
}
