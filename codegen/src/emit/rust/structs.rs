//! Parameter structs as Rust structs.
//!
//! In: a checked [`StructDef`]. Out: the struct, generic over its dimensions,
//! and its `impl rt::Params`. Always: the leaves come in the order of
//! declaration; a size that the type leaves open is checked when a value is
//! built. What the `impl` has to say stands in the runtime's `params`.
//! Next: [`super::items`].

use super::code::{self, RT, Writer};
use super::items::{shape, tokens};
use super::slots::checked;
use crate::check::{FieldDef, FieldType, StructDef};
use crate::shape::{Dim, Sym};
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;

/// The items of a struct.
pub fn definition(def: &StructDef) -> TokenStream {
    let StructDef { attrs, vis, name, generics, fields } = def;
    let params = list(generics.iter().map(|g| format!("{g}: ::ndfuse::rt::Dim = usize")));
    let fields = fields.iter().map(|f| {
        let FieldDef { attrs, vis: own, name, ty, .. } = f;
        let ty = tokens(&rust_type(ty));
        // A field is as visible as its struct, unless it says otherwise.
        let vis = if own.is_empty() { vis } else { own };
        quote!(#attrs #vis #name: #ty)
    });
    let params = tokens(&params);
    let implementation = tokens(&implementation(def));
    let clone = if derives(def, "Clone") { quote!() } else { quote!(#[derive(::core::clone::Clone)]) };
    quote! {
        #attrs
        #clone
        #vis struct #name #params { #(#fields),* }
        #[allow(clippy::all)]
        const _: () = { #implementation };
    }
}

/// Whether the user derives this trait.
fn derives(def: &StructDef, name: &str) -> bool {
    let derive = |a: &syn::Attribute| a.path().is_ident("derive");
    let named = |a: syn::Attribute| {
        let paths = a.parse_args_with(Punctuated::<syn::Path, syn::Token![,]>::parse_terminated).unwrap_or_default();
        paths.iter().any(|p| p.segments.last().is_some_and(|s| s.ident == name))
    };
    let attrs = syn::Attribute::parse_outer.parse2(def.attrs.clone()).unwrap_or_default();
    attrs.into_iter().filter(derive).any(named)
}

/// `<A, B>`, or nothing.
fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    if items.is_empty() { String::new() } else { format!("<{}>", items.join(", ")) }
}

fn rust_type(ty: &FieldType) -> String {
    match ty {
        FieldType::Array(ty) => {
            format!("::ndfuse::rt::Tensor<{}, {}>", code::ty(ty.dtype, RT), shape(ty.shape.iter().map(dimension)))
        }
        FieldType::Struct { name, args } => format!("{name}{}", list(args.iter().map(dimension))),
        FieldType::Repeat(element, n) => format!("[{}; {n}]", rust_type(element)),
        FieldType::Tuple(items) => {
            let items: Vec<String> = items.iter().map(|t| format!("{},", rust_type(t))).collect();
            format!("({})", items.join(" "))
        }
    }
}

/// The type of an axis: a dimension of the struct, a constant, or `usize`.
fn dimension(dim: &Dim) -> String {
    match (dim.as_sym(), dim.as_const()) {
        (Some(name), _) => name.to_string(),
        (None, Some(n)) => format!("::ndfuse::rt::Const<{n}>"),
        (None, None) => "usize".to_string(),
    }
}

/// A part of a struct that has dimensions of its own: the keys that lead to it,
/// its place expression after `self` or `built`, and its dimensions.
struct Part {
    keys: Vec<String>,
    place: String,
    dims: Vec<Dim>,
}

fn parts(field: &FieldDef) -> Vec<Part> {
    let mut out = Vec::new();
    collect(&field.ty, vec![field.key.clone()], format!(".{}", field.name), &mut out);
    out
}

fn collect(ty: &FieldType, keys: Vec<String>, place: String, out: &mut Vec<Part>) {
    let member = |k: usize| [keys.as_slice(), &[k.to_string()]].concat();
    match ty {
        FieldType::Array(ty) => out.push(Part { keys, place, dims: ty.shape.clone() }),
        FieldType::Struct { args, .. } => out.push(Part { keys, place, dims: args.clone() }),
        FieldType::Repeat(element, n) => match plain(element) {
            Some(dims) => out.push(Part { keys, place, dims }),
            // The members of a tuple have no dimensions in common: one by one.
            None => (0..*n).for_each(|k| collect(element, member(k), format!("{place}[{k}]"), out)),
        },
        FieldType::Tuple(items) => {
            for (k, item) in items.iter().enumerate() {
                collect(item, member(k), format!("{place}.{k}"), out);
            }
        }
    }
}

/// The dimensions of a type without tuples.
fn plain(ty: &FieldType) -> Option<Vec<Dim>> {
    match ty {
        FieldType::Array(ty) => Some(ty.shape.clone()),
        FieldType::Struct { args, .. } => Some(args.clone()),
        FieldType::Repeat(element, _) => plain(element),
        FieldType::Tuple(_) => None,
    }
}

/// `path.field("a", |path| path.field("0", |path| inner))`
fn within(keys: &[String], inner: &str) -> String {
    keys.iter().rev().fold(inner.to_string(), |inner, key| format!("path.field({key:?}, |path| {inner})"))
}

fn implementation(def: &StructDef) -> String {
    let name = &def.name;
    let bounds = list(def.generics.iter().map(|g| format!("{g}: rt::Dim")));
    let args = list(def.generics.iter().map(|g| g.to_string()));
    let mut out = Writer::default();
    out.line("use ::ndfuse::rt;");
    out.open(format!("impl{bounds} rt::Params for {name}{args}"));
    out.open("fn visit<'a>(&'a self, path: &mut rt::Path, f: &mut dyn ::core::ops::FnMut(&str, rt::Leaf<'a>))");
    for field in &def.fields {
        out.line(format!("path.visit({:?}, &self.{}, f);", field.key, field.name));
    }
    out.close();
    build(def, &mut out);
    out.open("fn sites(&self, dim: usize, path: &mut rt::Path, f: &mut dyn ::core::ops::FnMut(rt::Site))");
    for (number, symbol) in def.generics.iter().enumerate() {
        out.open(format!("if dim == {number}"));
        sites(def, symbol, &mut out);
        out.close();
    }
    out.close();
    out.close();
    // Not derived: a tuple of more than 12 has no `Debug`, and a leaf is better named than printed.
    if !derives(def, "Debug") {
        out.open(format!("impl{bounds} ::core::fmt::Debug for {name}{args}"));
        out.open("fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result");
        out.line(format!("f.write_str(\"{name} \")?;"));
        out.line("f.debug_map().entries(rt::Params::named(self)).finish()");
        out.close();
        out.close();
    }
    out.text
}

fn sites(def: &StructDef, symbol: &Sym, out: &mut Writer) {
    for part in def.fields.iter().flat_map(parts) {
        for (i, _) in part.dims.iter().enumerate().filter(|(_, d)| d.as_sym() == Some(symbol)) {
            let Some((key, outer)) = part.keys.split_last() else { continue };
            let inner = format!("path.sites({key:?}, &self{}, {i}, f)", part.place);
            out.line(format!("{};", within(outer, &inner)));
        }
    }
}

fn build(def: &StructDef, out: &mut Writer) {
    let name = &def.name;
    out.open("fn build(path: &mut rt::Path, source: &mut dyn rt::Source) -> rt::Result<Self>");
    out.open(format!("let built = {name}"));
    for field in &def.fields {
        out.line(format!("{}: path.build({:?}, source)?,", field.name, field.key));
    }
    out.close_with("};");
    let symbols: Vec<String> = def.generics.iter().map(|g| format!("{:?}", &**g)).collect();
    let text = name.to_string();
    if !symbols.is_empty() {
        out.line(format!("rt::check_dims(&built, path, {text:?}, &[{}])?;", symbols.join(", ")));
    }
    for part in def.fields.iter().flat_map(parts) {
        for (axis, dim) in part.dims.iter().enumerate().filter(|(_, d)| d.as_sym().is_none() && d.as_const().is_none())
        {
            derived(def, &part, axis, dim, out);
        }
    }
    out.line("::core::result::Result::Ok(built)");
    out.close();
}

/// Checks an axis whose size is an expression of the struct's dimensions.
fn derived(def: &StructDef, part: &Part, axis: usize, dim: &Dim, out: &mut Writer) {
    const SOME: &str = "::core::option::Option::Some";
    let used: Vec<usize> = (0..def.generics.len()).filter(|&k| dim.mentions(&def.generics[k])).collect();
    let names: Vec<String> = used.iter().map(|k| format!("{SOME}(n{k}),")).collect();
    let values: Vec<String> = used.iter().map(|k| format!("rt::dim_size(&built, {k}),")).collect();
    out.open(format!("if let ({}) = ({})", names.join(" "), values.join(" ")));
    let value = checked(dim, &|name| {
        let number = def.generics.iter().position(|g| &**g == name).unwrap_or(0);
        format!("(n{number} as i64)")
    });
    out.open("let size = || -> ::core::option::Option<i64>");
    out.line(format!("{SOME}({value})"));
    out.close_with("};");
    out.line("let wanted = size().filter(|n| *n >= 0).map(|n| n as usize);");
    let inner = format!(
        "rt::check_derived(&built{}, {axis}, path, {:?}, {:?}, wanted)",
        part.place,
        def.name.to_string(),
        dim.to_string()
    );
    out.line(format!("{}?;", within(&part.keys, &inner)));
    out.close();
}
