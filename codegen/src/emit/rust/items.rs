//! The items that a user's crate gets of a function.
//!
//! In: a function's signature, and the path of its plan. Out: the function, and
//! beside it the type of the same name that holds `into`, `explain`,
//! `cuda_source` and `kernels`. Always: a function that did not compile has its
//! items too, so that one error is not followed by others; attributes that mean
//! something for a type are carried over to it. Next: [`super::generics`].

use super::code::{self, RT};
use super::generics::Generics;
use crate::check::{Answer, FnParam, Function, ParamKind};
use crate::derive::fresh;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::Parser;

/// Text as tokens without a place in the user's source.
pub fn tokens(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|_| {
        let message = format!("the compiler made text that is not Rust: {text}");
        quote!(::core::compile_error!(#message);)
    })
}

/// `(A, B,)`: a shape's type of its dimensions' types.
pub fn shape(dims: impl Iterator<Item = String>) -> String {
    let dims: Vec<String> = dims.map(|d| format!("{d},")).collect();
    format!("({})", dims.join(" "))
}

/// The function itself, under this name. `plan` is an expression for its plan,
/// `None` where it has errors.
pub fn function(f: &Function, name: &Ident, plan: Option<&TokenStream>) -> TokenStream {
    let mut generics = Generics::new(f);
    let params = params(f, &mut generics);
    let answer = answer(f, &generics);
    let body = match plan {
        Some(plan) => call(f, plan),
        None => broken(),
    };
    let (attrs, vis, quiet) = (&f.attrs, &f.vis, quiet(plan));
    let generics = tokens(&generics.text());
    quote! {
        #attrs
        #quiet
        #[allow(clippy::all)]
        #vis fn #name #generics (#(#params),*) -> ::ndfuse::rt::Result<#answer> { #body }
    }
}

/// The type beside the function.
pub fn companion(f: &Function) -> TokenStream {
    let (vis, name, attrs) = (&f.vis, &f.name, kept(&f.attrs, &["doc", "cfg", "deprecated"]));
    quote! {
        #attrs
        #[allow(non_camel_case_types, dead_code)]
        #vis enum #name {}
    }
}

/// An `impl` of the type beside the function.
pub fn implementation(f: &Function, methods: &TokenStream) -> TokenStream {
    let (name, cfg) = (&f.name, kept(&f.attrs, &["cfg"]));
    quote! {
        #cfg
        #[allow(dead_code, clippy::all)]
        impl #name { #methods }
    }
}

/// What [`companion`] holds. `plan` is the path of a `static`, seen from here.
pub fn methods(f: &Function, plan: Option<&TokenStream>) -> TokenStream {
    let vis = &f.vis;
    let quiet = quiet(plan);
    let (source, cuda, kernels, memory, cost, constant) = match plan {
        Some(plan) => (
            quote!(Self::PLAN.explain),
            quote!(Self::PLAN.cuda),
            quote!(Self::PLAN.steps.len()),
            quote!(::ndfuse::rt::memory(Self::PLAN, sizes)),
            quote!(::ndfuse::rt::cost(Self::PLAN, sizes, roofline)),
            quote!(const PLAN: &'static ::ndfuse::rt::Plan = &#plan;),
        ),
        None => (broken(), broken(), broken(), broken(), broken(), TokenStream::new()),
    };
    let into = into(f, plan);
    let methods = quote! {
        #constant
        #into
        /// What the function runs: kernels, passes, temporaries, bytes; then the same of its gradient.
        #vis fn explain() -> &'static str { #source }
        /// The CUDA C of its kernels.
        #vis fn cuda_source() -> &'static str { #cuda }
        /// How many kernels a call launches.
        #vis fn kernels() -> usize { #kernels }
        /// The bytes that a call takes whose dimensions have these sizes: `&[("B", 32)]`.
        #quiet
        #vis fn memory(sizes: &[(&str, usize)]) -> ::ndfuse::rt::Result<::ndfuse::rt::Memory> { #memory }
        /// The launches, bytes, operations and least time of a call whose dimensions have these sizes.
        #quiet
        #vis fn cost(
            sizes: &[(&str, usize)],
            roofline: &::ndfuse::rt::Roofline,
        ) -> ::ndfuse::rt::Result<::ndfuse::rt::Cost> { #cost }
    };
    implementation(f, &methods)
}

/// The form that writes to memory of the caller's; a struct is not written to.
fn into(f: &Function, plan: Option<&TokenStream>) -> TokenStream {
    let arrays: Option<Vec<_>> =
        f.results.iter().map(|r| if let Answer::Array(ty) = r { Some(ty) } else { None }).collect();
    let Some(arrays) = arrays else { return TokenStream::new() };
    let mut generics = Generics::new(f);
    let mut params = params(f, &mut generics);
    let outs: Vec<Ident> = (0..arrays.len()).map(|k| out_name(f, k)).collect();
    for (out, ty) in outs.iter().zip(arrays) {
        let (dtype, shape) = (tokens(&code::ty(ty.dtype, RT)), tokens(&generics.operand(&ty.shape)));
        params.push(quote!(mut #out: impl ::ndfuse::rt::OperandMut<Elem = #dtype, Shape = #shape>));
    }
    let (vis, quiet) = (&f.vis, quiet(plan));
    let generics = tokens(&generics.text());
    let body = match plan {
        Some(_) => {
            let operands = operands(f);
            quote!(::ndfuse::rt::call_into(Self::PLAN, #operands, &mut [#(::ndfuse::rt::OperandMut::raw_mut(&mut #outs)),*]))
        }
        None => broken(),
    };
    quote! {
        /// As the function, but the result goes to memory of the caller's.
        #quiet
        #vis fn into #generics (#(#params),*) -> ::ndfuse::rt::Result<()> { #body }
    }
}

/// The types of a function's results, as one.
pub fn answer(f: &Function, generics: &Generics) -> TokenStream {
    let results: Vec<TokenStream> = f.results.iter().map(|r| answer_type(r, generics)).collect();
    if f.tuple { quote!((#(#results,)*)) } else { quote!(#(#results)*) }
}

/// The type of a result.
pub fn answer_type(answer: &Answer, generics: &Generics) -> TokenStream {
    tokens(&match answer {
        Answer::Array(ty) => generics.tensor(ty.dtype, &ty.shape),
        Answer::Struct { def, args, .. } => generics.structure_of(def, args),
    })
}

/// The results of a list of arrays, taken in order.
pub fn taken(f: &Function) -> TokenStream {
    let each = f.results.iter().map(|_| quote!(::ndfuse::rt::results(&mut __ndfuse_results)?));
    if f.tuple { quote!((#(#each,)*)) } else { quote!(#(#each)*) }
}

/// The body of a function with errors: it is never run.
fn broken() -> TokenStream {
    quote!(::core::panic!("this function has errors"))
}

fn quiet(plan: Option<&TokenStream>) -> TokenStream {
    if plan.is_some() { TokenStream::new() } else { quote!(#[allow(unused_variables, unused_mut)]) }
}

/// The parameters of the Rust function.
pub fn params(f: &Function, generics: &mut Generics) -> Vec<TokenStream> {
    f.params.iter().map(|p| param(p, generics)).collect()
}

fn param(param: &FnParam, generics: &mut Generics) -> TokenStream {
    let name = &param.name;
    match &param.kind {
        ParamKind::Array(ty) => {
            let (dtype, shape) = (tokens(&code::ty(ty.dtype, RT)), tokens(&generics.operand(&ty.shape)));
            quote!(#name: impl ::ndfuse::rt::Operand<Elem = #dtype, Shape = #shape>)
        }
        ParamKind::Scalar(dtype) => {
            let dtype = tokens(&code::ty(*dtype, RT));
            quote!(#name: #dtype)
        }
        ParamKind::Struct { def, args, .. } => {
            let ty = tokens(&generics.structure(def, args));
            quote!(#name: &#ty)
        }
        ParamKind::Error => quote!(#name: impl ::ndfuse::rt::Operand),
    }
}

/// `out`, or `out_0`, `out_1`; not the name of a parameter.
fn out_name(f: &Function, number: usize) -> Ident {
    let name = if f.results.len() == 1 { "out".to_string() } else { format!("out_{number}") };
    Ident::new(&fresh(f, &name), Span::call_site())
}

/// The operands of a call, as a slice.
fn operands(f: &Function) -> TokenStream {
    let is_struct = |p: &FnParam| matches!(p.kind, ParamKind::Struct { .. });
    if !f.params.iter().any(is_struct) {
        let each = f.params.iter().map(operand);
        return quote!(&[#(#each),*]);
    }
    operand_list(f, &TokenStream::new())
}

/// The operands of a call, as a slice of a `Vec`, after which `more` adds to it.
pub fn operand_list(f: &Function, more: &TokenStream) -> TokenStream {
    let each = f.params.iter().map(|p| {
        let name = &p.name;
        match p.kind {
            ParamKind::Struct { .. } => quote!(__ndfuse_operands.append(&mut ::ndfuse::rt::raws(#name)?);),
            ParamKind::Array(_) | ParamKind::Scalar(_) | ParamKind::Error => {
                let one = operand(p);
                quote!(__ndfuse_operands.push(#one);)
            }
        }
    });
    quote!(&{
        let mut __ndfuse_operands = ::std::vec::Vec::new();
        #(#each)*
        #more
        __ndfuse_operands
    })
}

fn operand(param: &FnParam) -> TokenStream {
    let name = &param.name;
    match &param.kind {
        ParamKind::Scalar(_) => quote!(::ndfuse::rt::RawView::scalar(&#name)?),
        ParamKind::Array(_) | ParamKind::Struct { .. } | ParamKind::Error => {
            quote!(::ndfuse::rt::Operand::raw(&#name)?)
        }
    }
}

/// Runs the plan and types its results.
fn call(f: &Function, plan: &TokenStream) -> TokenStream {
    let operands = operands(f);
    if f.results.iter().any(|r| matches!(r, Answer::Struct { .. })) {
        let results = taken(f);
        return quote! {
            let mut __ndfuse_results = ::ndfuse::rt::call_list(#plan, #operands, 0)?;
            ::core::result::Result::Ok(#results)
        };
    }
    let function = f.name.to_string();
    // Names that no constant of the user's has, which a pattern would match.
    let results: Vec<Ident> = (0..f.results.len()).map(|k| format_ident!("__ndfuse_{k}")).collect();
    let typed = results.iter().enumerate().map(|(k, result)| {
        let operand = if results.len() == 1 { "the result".to_string() } else { format!("result {k}") };
        quote!(::ndfuse::rt::Made::tensor(#result, #function, #operand))
    });
    let answer = if f.tuple { quote!(::core::result::Result::Ok((#(#typed?,)*))) } else { quote!(#(#typed)*) };
    let none = results.iter().map(|_| quote!(::ndfuse::rt::Made::none()));
    quote! {
        let mut __ndfuse_results = [#(#none),*];
        ::ndfuse::rt::call_made(#plan, #operands, &mut __ndfuse_results)?;
        let [#(#results),*] = &mut __ndfuse_results;
        #answer
    }
}

/// The attributes of these names.
fn kept(attrs: &TokenStream, names: &[&str]) -> TokenStream {
    let parsed = syn::Attribute::parse_outer.parse2(attrs.clone()).unwrap_or_default();
    let kept = parsed.into_iter().filter(|a| names.iter().any(|name| a.path().is_ident(name)));
    quote!(#(#kept)*)
}

/// The arguments with which the expression form calls its function: variables
/// of the user's, borrowed.
pub fn arguments(f: &Function) -> TokenStream {
    let each = f.params.iter().map(|p| {
        let name = &p.name;
        match p.kind {
            ParamKind::Scalar(_) => quote!(#name),
            ParamKind::Array(_) | ParamKind::Struct { .. } | ParamKind::Error => quote!(&#name),
        }
    });
    quote!(#(#each),*)
}
