//! Parameter structs.
//!
//! In: the block's structs. Out: their definitions with every name resolved.
//! Always: a definition that is kept names only structs that are kept, does not
//! contain itself, and each of its dimensions is the size of some axis in it.
//! Next: [`super::signature`].

use super::dims::{Names, dim_expr};
use super::value::counted;
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::graph::Type;
use crate::shape::{Dim, SizesOnly, Sym};
use crate::suggest::suggest;
use crate::syntax::ast::{DTypeExpr, Expr, GenericKind, StructItem, TypeExpr, TypeKind};
use proc_macro2::{Ident, TokenStream};
use std::collections::BTreeMap;

/// A parameter struct.
#[derive(Clone, Debug)]
pub struct StructDef {
    pub attrs: TokenStream,
    pub vis: TokenStream,
    pub name: Ident,
    /// Its dimensions, in the order of their declaration.
    pub generics: Vec<Sym>,
    pub fields: Vec<FieldDef>,
}

#[derive(Clone, Debug)]
pub struct FieldDef {
    pub attrs: TokenStream,
    pub vis: TokenStream,
    pub name: Ident,
    /// The part of the dotted name in a file of weights.
    pub key: String,
    pub ty: FieldType,
}

/// The type of a field, over the names of the struct's own dimensions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldType {
    Array(Type),
    Struct {
        name: String,
        args: Vec<Dim>,
    },
    /// Its keys are `0`, `1`, ….
    Repeat(Box<FieldType>, usize),
    /// Its keys are `0`, `1`, ….
    Tuple(Vec<FieldType>),
}

/// The most elements of a repetition.
const MAX_REPEAT: i64 = 4096;

pub(super) type Defs = BTreeMap<String, StructDef>;

impl FieldType {
    /// The type with the struct's dimensions replaced.
    pub fn substitute(&self, with: &impl Fn(&str) -> Option<Dim>) -> FieldType {
        let swap = |dims: &[Dim]| dims.iter().map(|d| d.substitute(&SizesOnly, with)).collect();
        match self {
            FieldType::Array(ty) => FieldType::Array(Type::new(ty.dtype, swap(&ty.shape))),
            FieldType::Struct { name, args } => FieldType::Struct { name: name.clone(), args: swap(args) },
            FieldType::Repeat(element, n) => FieldType::Repeat(Box::new(element.substitute(with)), *n),
            FieldType::Tuple(items) => FieldType::Tuple(items.iter().map(|t| t.substitute(with)).collect()),
        }
    }

    fn structs<'t>(&'t self, out: &mut Vec<&'t str>) {
        match self {
            FieldType::Array(_) => {}
            FieldType::Struct { name, .. } => out.push(name),
            FieldType::Repeat(element, _) => element.structs(out),
            FieldType::Tuple(items) => items.iter().for_each(|t| t.structs(out)),
        }
    }

    /// Names that stand alone as a size in it, and all names in it.
    fn names(&self, bare: &mut Vec<Sym>, all: &mut Vec<Sym>) {
        match self {
            FieldType::Array(ty) => sizes(&ty.shape, bare, all),
            FieldType::Struct { args, .. } => sizes(args, bare, all),
            FieldType::Repeat(element, n) => {
                if *n > 0 {
                    element.names(bare, all);
                }
            }
            FieldType::Tuple(items) => items.iter().for_each(|t| t.names(bare, all)),
        }
    }
}

impl StructDef {
    /// The type of each field for these dimensions.
    pub fn instance(&self, args: &[Dim]) -> Vec<(String, FieldType)> {
        let with = |name: &str| self.generics.iter().position(|g| &**g == name).and_then(|k| args.get(k).cloned());
        self.fields.iter().map(|f| (f.key.clone(), f.ty.substitute(&with))).collect()
    }
}

/// Collects names that stand alone, and all names, in a list of sizes.
pub(super) fn sizes(dims: &[Dim], bare: &mut Vec<Sym>, all: &mut Vec<Sym>) {
    for dim in dims {
        bare.extend(dim.as_sym().cloned());
        all.extend(dim.symbols());
    }
}

/// The dimensions of a struct as names.
pub(super) struct Declared<'a>(pub &'a [Sym]);

impl Names for Declared<'_> {
    fn dim(&self, name: &str) -> Option<Dim> {
        self.0.iter().find(|s| &***s == name).map(|s| Dim::sym(s.clone()))
    }

    fn all(&self) -> Vec<String> {
        self.0.iter().map(|s| s.to_string()).collect()
    }
}

/// What is known of the structs before their fields are read.
pub(super) struct Known<'a> {
    pub items: &'a BTreeMap<String, &'a StructItem>,
    /// Structs that did not parse.
    pub lost: &'a [String],
}

impl Known<'_> {
    /// How many dimensions the struct takes; `Ok(None)` where it did not parse.
    pub fn arity(&self, name: &Ident, loc: Loc) -> Result<Option<usize>, Diagnostic> {
        let text = name.to_string();
        if self.lost.contains(&text) {
            return Ok(None);
        }
        if let Some(item) = self.items.get(&text) {
            return Ok(Some(item.generics.len()));
        }
        let diag = Diagnostic::new(errors::UNKNOWN_STRUCT, loc, format!("unknown struct `{text}`"));
        Err(match suggest(&text, self.items.keys().map(String::as_str)) {
            Some(near) => diag.help(format!("did you mean `{near}`?")),
            None => diag.help("declare it in this block, or give a dtype: `f32[…]`"),
        })
    }

    /// The dimensions given to a struct.
    pub fn args(
        &self,
        name: &Ident,
        args: &[Expr],
        names: &impl Names,
        loc: Loc,
    ) -> Result<Option<Vec<Dim>>, Diagnostic> {
        let Some(count) = self.arity(name, loc)? else { return Ok(None) };
        if args.len() != count {
            let message = format!("`{name}` takes {}, not {}", counted(count, "dimension"), args.len());
            return Err(
                Diagnostic::new(errors::STRUCT_ARGUMENTS, loc, message).help("give one for each name that it declares")
            );
        }
        args.iter().map(|a| dim_expr(a, names)).collect::<Result<Vec<Dim>, _>>().map(Some)
    }
}

/// Resolves all structs of a block.
pub(super) fn resolve(known: &Known, diags: &mut Vec<Diagnostic>) -> Defs {
    let mut defs = Defs::new();
    for (name, item) in known.items {
        let before = diags.len();
        let def = define(item, known, diags);
        if diags.len() == before {
            defs.insert(name.clone(), def);
        }
    }
    drop_recursive(known, &mut defs, diags);
    // A struct with a field whose struct is gone is gone too.
    loop {
        let gone = |def: &StructDef| {
            let mut used = Vec::new();
            def.fields.iter().for_each(|f| f.ty.structs(&mut used));
            used.iter().any(|name| !defs.contains_key(*name))
        };
        let Some(name) = defs.values().find(|def| gone(def)).map(|def| def.name.to_string()) else { return defs };
        defs.remove(&name);
    }
}

fn define(item: &StructItem, known: &Known, diags: &mut Vec<Diagnostic>) -> StructDef {
    let mut generics: Vec<Sym> = Vec::new();
    for generic in &item.generics {
        let name: Sym = generic.name.to_string().into();
        let loc = Loc::at(generic.name.span());
        if generics.contains(&name) {
            diags.push(
                Diagnostic::new(errors::DUPLICATE_PARAMETER, loc, format!("`{name}` is declared twice"))
                    .help("leave one out"),
            );
        } else if generic.kind != GenericKind::Dim {
            diags.push(
                Diagnostic::new(errors::FIELD_TYPE, loc, format!("`{name}` of a struct is not a dimension"))
                    .help("a struct is generic over dimensions only"),
            );
        }
        generics.push(name);
    }
    let mut fields: Vec<FieldDef> = Vec::new();
    for field in &item.fields {
        let key = key(&field.name);
        if fields.iter().any(|f| f.key == key) {
            let loc = Loc::at(field.name.span());
            diags.push(Diagnostic::new(errors::DUPLICATE_FIELD, loc, format!("two fields `{key}`")).help("rename one"));
            continue;
        }
        match field_type(&field.ty, known, &generics) {
            Ok(Some(ty)) => fields.push(FieldDef {
                attrs: field.attrs.clone(),
                vis: field.vis.clone(),
                name: field.name.clone(),
                key,
                ty,
            }),
            // A struct that did not parse was told of.
            Ok(None) => fields.push(FieldDef {
                attrs: field.attrs.clone(),
                vis: field.vis.clone(),
                name: field.name.clone(),
                key,
                ty: FieldType::Struct {
                    name: String::new(),
                    args: generics.iter().map(|g| Dim::sym(g.clone())).collect(),
                },
            }),
            Err(diag) => {
                diags.push(diag);
                return StructDef {
                    attrs: item.attrs.clone(),
                    vis: item.vis.clone(),
                    name: item.name.clone(),
                    generics,
                    fields,
                };
            }
        }
    }
    let (mut bare, mut all) = (Vec::new(), Vec::new());
    fields.iter().for_each(|f| f.ty.names(&mut bare, &mut all));
    for generic in &item.generics {
        diags.extend(unbound(&generic.name, &bare, &all, "field"));
    }
    StructDef { attrs: item.attrs.clone(), vis: item.vis.clone(), name: item.name.clone(), generics, fields }
}

/// The error about a dimension whose size no argument gives.
pub(super) fn unbound(name: &Ident, bare: &[Sym], all: &[Sym], place: &str) -> Option<Diagnostic> {
    let text = name.to_string();
    let has = |list: &[Sym]| list.iter().any(|s| **s == *text);
    let loc = Loc::at(name.span());
    if has(bare) {
        None
    } else if has(all) {
        Some(
            Diagnostic::new(errors::UNBOUND_DIM, loc, format!("no {place} has an axis of the size `{text}` alone"))
                .help(format!(
                    "add one, or give the derived axis a name of its own and a `where` in place of `{text}`"
                )),
        )
    } else {
        Some(
            Diagnostic::new(errors::UNUSED_DIM, loc, format!("the dimension `{text}` appears in no {place}"))
                .help("leave it out"),
        )
    }
}

fn field_type(ty: &TypeExpr, known: &Known, generics: &[Sym]) -> Result<Option<FieldType>, Diagnostic> {
    let names = Declared(generics);
    match &ty.kind {
        TypeKind::Scalar(_) => {
            Err(Diagnostic::new(errors::FIELD_TYPE, ty.loc, "a field is an array, not a scalar by value")
                .help("write a 0-d array, `f32[]`"))
        }
        TypeKind::Array { dtype: DTypeExpr::Var(name), .. } => Err(unknown_dtype(name, &[])),
        TypeKind::Array { dtype: DTypeExpr::Known(dtype), dims } => {
            let shape = dims.iter().map(|d| size_expr(d, &names)).collect::<Result<Vec<Dim>, _>>()?;
            Ok(Some(FieldType::Array(Type::new(*dtype, shape))))
        }
        TypeKind::Struct { name, args } => {
            let args = known.args(name, args, &names, ty.loc)?;
            Ok(args.map(|args| FieldType::Struct { name: name.to_string(), args }))
        }
        TypeKind::Repeat { element, count } => {
            let n = dim_expr(count, &names)?;
            let Some(n) = n.as_const().filter(|n| (0..=MAX_REPEAT).contains(n)) else {
                let message = format!("the repeat count `{n}` is not an integer from 0 to {MAX_REPEAT}");
                return Err(Diagnostic::new(errors::REPEAT_COUNT, count.loc, message).help("write an integer"));
            };
            let element = field_type(element, known, generics)?;
            Ok(element.map(|e| FieldType::Repeat(Box::new(e), n as usize)))
        }
        TypeKind::Tuple(items) => {
            let items = items.iter().map(|t| field_type(t, known, generics)).collect::<Result<Option<Vec<_>>, _>>()?;
            Ok(items.map(FieldType::Tuple))
        }
    }
}

/// A dimension that is not negative.
pub(super) fn size_expr(expr: &Expr, names: &impl Names) -> Result<Dim, Diagnostic> {
    let dim = dim_expr(expr, names)?;
    match dim.as_const() {
        Some(c) if c < 0 => {
            Err(Diagnostic::new(errors::NEGATIVE_DIM, expr.loc, format!("a size of {c}"))
                .help("a size is zero or more"))
        }
        _ => Ok(dim),
    }
}

pub(super) fn unknown_dtype(name: &Ident, variables: &[String]) -> Diagnostic {
    let text = name.to_string();
    let names: Vec<&str> = crate::dtype::DType::all().map(|d| d.name()).collect();
    let diag = Diagnostic::new(errors::UNKNOWN_DTYPE, Loc::at(name.span()), format!("unknown dtype `{text}`"));
    let short = text.replace("float", "f").replace("uint", "u").replace("int", "i");
    if names.contains(&short.as_str()) {
        return diag.help(format!("write `{short}`"));
    }
    match suggest(&text, names.iter().copied().chain(variables.iter().map(String::as_str))) {
        Some(near) => diag.help(format!("did you mean `{near}`?")),
        None => diag.help(format!("the dtypes are {}", names.join(", "))),
    }
}

/// The name of a field in a file: without the `r#` of a Rust keyword.
fn key(name: &Ident) -> String {
    let text = name.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_string()
}

/// Tells of structs that contain themselves, and takes them out.
fn drop_recursive(known: &Known, defs: &mut Defs, diags: &mut Vec<Diagnostic>) {
    let reaches = |defs: &Defs, from: &str| {
        let (mut seen, mut stack) = (Vec::new(), vec![from.to_string()]);
        while let Some(name) = stack.pop() {
            let Some(def) = defs.get(&name) else { continue };
            let mut used = Vec::new();
            def.fields.iter().for_each(|f| f.ty.structs(&mut used));
            for next in used {
                if next == from {
                    return true;
                }
                if !seen.iter().any(|s| s == next) {
                    seen.push(next.to_string());
                    stack.push(next.to_string());
                }
            }
        }
        false
    };
    let looping: Vec<String> = defs.keys().filter(|name| reaches(defs, name)).cloned().collect();
    for name in looping {
        let loc = Loc::at(known.items[&name].name.span());
        diags.push(
            Diagnostic::new(errors::RECURSIVE_STRUCT, loc, format!("the struct `{name}` contains itself"))
                .help("repeat a part a known number of times: `[Block<C>; 4]`"),
        );
        defs.remove(&name);
    }
}
