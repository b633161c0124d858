//! The signature of a function with types.
//!
//! In: the syntax tree of a function, the values of its constants. Out: its
//! parameter and result types over the names of its dimensions, its constraints.
//! Always: every declared dimension is the size of some axis of a parameter, so
//! that a call binds it. Next: [`super::entry`], [`super::inline`].

use super::Unit;
use super::dims::{Names, dim_expr};
use super::structs::{size_expr, sizes, unbound, unknown_dtype};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::{DType, Kind};
use crate::errors;
use crate::graph::{Relation, Type};
use crate::shape::{Dim, SizesOnly, Sym};
use crate::syntax::ast::{BinaryOp, Constraint, DTypeExpr, FnItem, GenericKind, InlineItem, Param, TypeExpr, TypeKind};
use proc_macro2::Ident;
use std::collections::BTreeMap;

/// A dtype, or a variable that stands for one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum AnyDType {
    Known(DType),
    Var(String),
}

#[derive(Clone, Debug)]
pub(super) enum SigType {
    Array(AnyDType, Vec<Dim>),
    Scalar(AnyDType),
    Struct {
        name: String,
        args: Vec<Dim>,
    },
    /// It was told of, or its struct did not parse.
    Unknown,
}

#[derive(Clone, Debug)]
pub(super) struct SigParam {
    pub name: Ident,
    pub ty: SigType,
}

/// A `where`, as far as a size can be checked against it.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub left: Dim,
    pub relation: Relation,
    pub right: Dim,
    pub loc: Loc,
    /// As it was written, more or less: `C % 2 == 0`.
    pub text: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Signature {
    pub symbols: Vec<Sym>,
    /// Dtype variables with their bounds.
    pub dtypes: Vec<(String, Bound)>,
    pub params: Vec<SigParam>,
    pub results: Vec<SigType>,
    pub tuple: bool,
    pub conditions: Vec<Condition>,
    /// Whether some part is [`SigType::Unknown`] or an error was told.
    pub broken: bool,
}

/// Which dtypes a variable stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bound {
    Float,
    Int,
    Number,
    Any,
}

impl Bound {
    pub fn accepts(self, dtype: DType) -> bool {
        match (self, dtype.kind()) {
            (Bound::Any, _) | (Bound::Float | Bound::Number, Kind::Float) => true,
            (Bound::Int | Bound::Number, Kind::Signed | Kind::Unsigned) => true,
            (Bound::Float | Bound::Int | Bound::Number, _) => false,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Bound::Float => "Float",
            Bound::Int => "Int",
            Bound::Number => "Number",
            Bound::Any => "Any",
        }
    }

    fn of(name: Option<&Ident>) -> Bound {
        match name.map(ToString::to_string).as_deref() {
            Some("Float") => Bound::Float,
            Some("Int") => Bound::Int,
            Some("Number") => Bound::Number,
            _ => Bound::Any,
        }
    }
}

impl SigType {
    pub fn substitute(&self, with: &impl Fn(&str) -> Option<Dim>) -> SigType {
        let swap = |dims: &[Dim]| dims.iter().map(|d| d.substitute(&SizesOnly, with)).collect();
        match self {
            SigType::Array(dtype, dims) => SigType::Array(dtype.clone(), swap(dims)),
            SigType::Struct { name, args } => SigType::Struct { name: name.clone(), args: swap(args) },
            SigType::Scalar(_) | SigType::Unknown => self.clone(),
        }
    }
}

/// The names of dimensions in a signature.
struct SigNames<'a> {
    symbols: &'a [Sym],
    consts: &'a BTreeMap<String, Dim>,
}

impl Names for SigNames<'_> {
    fn dim(&self, name: &str) -> Option<Dim> {
        self.consts.get(name).cloned().or_else(|| super::structs::Declared(self.symbols).dim(name))
    }

    fn all(&self) -> Vec<String> {
        self.symbols.iter().map(|s| s.to_string()).chain(self.consts.keys().cloned()).collect()
    }
}

/// The names of a function's `const` parameters.
pub(super) fn const_names(f: &FnItem) -> Vec<String> {
    f.generics.iter().filter(|g| g.kind == GenericKind::Const).map(|g| g.name.to_string()).collect()
}

/// Whether Rust can call it: no constants and no dtype variables.
pub(super) fn is_entry(f: &FnItem) -> bool {
    !f.is_template() && f.generics.iter().all(|g| g.kind == GenericKind::Dim)
}

/// Resolves the signature of a function that is not a template. A constant
/// without a value is kept as a name.
pub(super) fn signature(
    unit: &Unit,
    f: &FnItem,
    consts: &BTreeMap<String, Dim>,
    diags: &mut Vec<Diagnostic>,
) -> Signature {
    let before = diags.len();
    let mut sig = Signature::default();
    let mut consts = consts.clone();
    let mut seen: Vec<String> = Vec::new();
    for generic in &f.generics {
        let name = generic.name.to_string();
        let loc = Loc::at(generic.name.span());
        if seen.contains(&name) {
            diags.push(
                Diagnostic::new(errors::DUPLICATE_PARAMETER, loc, format!("`{name}` is declared twice"))
                    .help("leave one out"),
            );
        }
        diags.extend(reserved(&generic.name));
        match generic.kind {
            GenericKind::Dim => sig.symbols.push(name.as_str().into()),
            GenericKind::Const => {
                consts.entry(name.clone()).or_insert_with(|| Dim::sym(name.as_str()));
            }
            GenericKind::DType => sig.dtypes.push((name.clone(), Bound::of(generic.bound.as_ref()))),
        }
        seen.push(name);
    }
    params(unit, &f.params, &mut seen, &consts, &mut sig, diags);
    if let Some(results) = &f.results {
        sig.tuple = results.tuple;
        for ty in &results.types {
            let resolved = result_type(unit, ty, &consts, &sig, diags);
            sig.results.push(resolved);
        }
    }
    for constraint in &f.constraints {
        condition(constraint, &consts, &mut sig, diags);
    }
    // What did not resolve may have named the dimension.
    if diags.len() == before && !sig.params.iter().any(|p| matches!(p.ty, SigType::Unknown)) {
        let (mut bare, mut all) = (Vec::new(), Vec::new());
        for param in &sig.params {
            match &param.ty {
                SigType::Array(_, dims) => sizes(dims, &mut bare, &mut all),
                SigType::Struct { args, .. } => sizes(args, &mut bare, &mut all),
                SigType::Scalar(_) | SigType::Unknown => {}
            }
        }
        for result in &sig.results {
            if let SigType::Array(_, dims) | SigType::Struct { args: dims, .. } = result {
                sizes(dims, &mut Vec::new(), &mut all);
            }
        }
        for generic in f.generics.iter().filter(|g| g.kind == GenericKind::Dim) {
            diags.extend(unbound(&generic.name, &bare, &all, "parameter"));
        }
    }
    sig.broken = diags.len() > before
        || sig.params.iter().map(|p| &p.ty).chain(&sig.results).any(|t| matches!(t, SigType::Unknown));
    sig
}

/// The signature of the expression form, whose results are inferred.
pub(super) fn inline_signature(unit: &Unit, item: &InlineItem, diags: &mut Vec<Diagnostic>) -> Signature {
    let before = diags.len();
    let mut sig =
        Signature { symbols: item.symbols.iter().map(|s| s.to_string().into()).collect(), ..Signature::default() };
    params(unit, &item.params, &mut Vec::new(), &BTreeMap::new(), &mut sig, diags);
    if diags.len() == before {
        let (mut bare, mut all) = (Vec::new(), Vec::new());
        for param in &sig.params {
            match &param.ty {
                SigType::Array(_, dims) => sizes(dims, &mut bare, &mut all),
                SigType::Struct { args, .. } => sizes(args, &mut bare, &mut all),
                SigType::Scalar(_) | SigType::Unknown => {}
            }
        }
        for name in &item.symbols {
            diags.extend(unbound(name, &bare, &all, "variable"));
        }
    }
    sig.broken = diags.len() > before || sig.params.iter().any(|p| matches!(p.ty, SigType::Unknown));
    sig
}

fn params(
    unit: &Unit,
    params: &[Param],
    seen: &mut Vec<String>,
    consts: &BTreeMap<String, Dim>,
    sig: &mut Signature,
    diags: &mut Vec<Diagnostic>,
) {
    for param in params {
        let name = param.name.to_string();
        if seen.contains(&name) {
            let loc = Loc::at(param.name.span());
            diags.push(
                Diagnostic::new(errors::DUPLICATE_PARAMETER, loc, format!("`{name}` is declared twice"))
                    .help("rename one"),
            );
        }
        diags.extend(reserved(&param.name));
        seen.push(name);
        let ty = match &param.ty {
            None => SigType::Unknown,
            Some(ty) => resolve(unit, ty, consts, sig).unwrap_or_else(|diag| {
                diags.push(diag);
                SigType::Unknown
            }),
        };
        sig.params.push(SigParam { name: param.name.clone(), ty });
    }
}

fn result_type(
    unit: &Unit,
    ty: &TypeExpr,
    consts: &BTreeMap<String, Dim>,
    sig: &Signature,
    diags: &mut Vec<Diagnostic>,
) -> SigType {
    let resolved = resolve(unit, ty, consts, sig).unwrap_or_else(|diag| {
        diags.push(diag);
        SigType::Unknown
    });
    match resolved {
        SigType::Scalar(_) => {
            diags.push(
                Diagnostic::new(errors::BAD_TYPE, ty.loc, "a result is an array").help("write a 0-d array, `f32[]`"),
            );
            SigType::Unknown
        }
        SigType::Array(..) | SigType::Struct { .. } | SigType::Unknown => resolved,
    }
}

/// A type in a signature, or in a `let`.
fn resolve(unit: &Unit, ty: &TypeExpr, consts: &BTreeMap<String, Dim>, sig: &Signature) -> Result<SigType, Diagnostic> {
    let names = SigNames { symbols: &sig.symbols, consts };
    type_of(unit, ty, &names, &|name| sig.dtypes.iter().any(|(n, _)| n == name))
}

pub(super) fn type_of(
    unit: &Unit,
    ty: &TypeExpr,
    names: &impl Names,
    is_dtype: &dyn Fn(&str) -> bool,
) -> Result<SigType, Diagnostic> {
    let dtype = |d: &DTypeExpr| match d {
        DTypeExpr::Known(d) => Ok(AnyDType::Known(*d)),
        DTypeExpr::Var(name) if is_dtype(&name.to_string()) => Ok(AnyDType::Var(name.to_string())),
        DTypeExpr::Var(name) => Err(unknown_dtype(name, &[])),
    };
    match &ty.kind {
        TypeKind::Scalar(d) => Ok(SigType::Scalar(dtype(d)?)),
        TypeKind::Array { dtype: d, dims } => {
            let d = dtype(d)?;
            if dims.len() > super::cx::MAX_RANK {
                let message = format!("an array of {} axes; the most is {}", dims.len(), super::cx::MAX_RANK);
                return Err(Diagnostic::new(errors::RANK_LIMIT, ty.loc, message).help("merge axes"));
            }
            let dims = dims.iter().map(|e| size_expr(e, names)).collect::<Result<Vec<Dim>, _>>()?;
            let constants = dims.iter().filter_map(Dim::as_const).try_fold(1i64, |n, d| n.checked_mul(d));
            if constants.is_none() {
                return Err(Diagnostic::new(errors::SIZE_LIMIT, ty.loc, "the number of elements does not fit 63 bits")
                    .help("give smaller sizes"));
            }
            Ok(SigType::Array(d, dims))
        }
        TypeKind::Struct { name, args } if args.is_empty() && is_dtype(&name.to_string()) => {
            Ok(SigType::Scalar(AnyDType::Var(name.to_string())))
        }
        TypeKind::Struct { name, args } => {
            let args = unit.known().args(name, args, names, ty.loc)?;
            let text = name.to_string();
            Ok(match args {
                Some(args) if unit.structs.contains_key(&text) => SigType::Struct { name: text, args },
                _ => SigType::Unknown,
            })
        }
        TypeKind::Repeat { .. } | TypeKind::Tuple(_) => {
            Err(Diagnostic::new(errors::BAD_TYPE, ty.loc, "tuples and repetitions are types of struct fields")
                .help("declare a struct with this field"))
        }
    }
}

fn condition(
    constraint: &Constraint,
    consts: &BTreeMap<String, Dim>,
    sig: &mut Signature,
    diags: &mut Vec<Diagnostic>,
) {
    let names = SigNames { symbols: &sig.symbols, consts };
    let (left, right) = match (dim_expr(&constraint.left, &names), dim_expr(&constraint.right, &names)) {
        (Ok(l), Ok(r)) => (l, r),
        (l, r) => {
            diags.extend(l.err());
            diags.extend(r.err());
            return;
        }
    };
    let sign = super::elementwise::operator(constraint.op).1;
    let bare = |d: &Dim| d.to_string().trim_start_matches('(').trim_end_matches(')').to_string();
    let plain = |d: &Dim| if d.single().is_some() { bare(d) } else { d.to_string() };
    let text = format!("{} {sign} {}", plain(&left), plain(&right));
    let loc = constraint.loc;
    let made = |left, relation, right| Condition { left, relation, right, loc, text };
    sig.conditions.push(match constraint.op {
        BinaryOp::Eq => made(left, Relation::Eq, right),
        BinaryOp::Le => made(left, Relation::Le, right),
        BinaryOp::Lt => made(left, Relation::Lt, right),
        BinaryOp::Ge => made(right, Relation::Le, left),
        BinaryOp::Gt => made(right, Relation::Lt, left),
        BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Pow
        | BinaryOp::MatMul
        | BinaryOp::Ne
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::Shl
        | BinaryOp::Shr => {
            diags.push(
                Diagnostic::new(errors::BAD_CONSTRAINT, loc, format!("`{sign}` is no constraint"))
                    .help("compare with `==`, `<`, `<=`, `>` or `>=`"),
            );
            return;
        }
    });
}

/// Names with a meaning of their own.
pub(super) fn reserved(name: &Ident) -> Option<Diagnostic> {
    let text = name.to_string();
    let taken = DType::from_name(&text).is_some() || matches!(text.as_str(), "None" | "inf" | "nan" | "pi" | "_");
    taken.then(|| {
        Diagnostic::new(errors::RESERVED_NAME, Loc::at(name.span()), format!("`{text}` has a fixed meaning"))
            .help("choose another name")
    })
}

/// The type with its dtype variable resolved.
pub(super) fn array_type(dtype: &AnyDType, dims: &[Dim], vars: &BTreeMap<String, DType>) -> Option<Type> {
    let dtype = match dtype {
        AnyDType::Known(d) => *d,
        AnyDType::Var(name) => *vars.get(name)?,
    };
    Some(Type::new(dtype, dims.to_vec()))
}
