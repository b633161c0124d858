//! The derivatives in the type beside a function: `f::vjp`, `f::jvp`, and for a
//! function of one 0-d float `f::value_and_grad` and `f::grad`.
//!
//! In: a function's signature, what its derivatives are by, the paths of their
//! plans. Out: methods. Always: gradients come in a struct with a field for each
//! parameter that they are by, under its name; a parameter struct's gradient is
//! such a struct. Next: [`super::items`].

use super::code::{self, RT};
use super::generics::Generics;
use super::items::{self, tokens};
use crate::check::{Answer, Function, ParamKind};
use crate::derive::{float_results, fresh};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

/// The methods of reverse mode, and the struct of gradients.
pub fn reverse(f: &Function, by: &[usize], plan: &Ident, module: &Ident) -> (TokenStream, TokenStream) {
    let grads = format_ident!("{}Gradients", camel(&f.name.to_string()), span = Span::call_site());
    let fields: Vec<&Ident> = by.iter().map(|&k| &f.params[k].name).collect();
    let types: Vec<Ident> = (0..fields.len()).map(|k| format_ident!("T{k}")).collect();
    let doc = format!("The gradients of `{}`, by its parameters.", f.name);
    let item = quote! {
        #[doc = #doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        pub struct #grads<#(#types),*> { #(pub #fields: #types),* }
    };

    let mut generics = Generics::new(f);
    let params = items::params(f, &mut generics);
    let types: Vec<TokenStream> = by.iter().map(|&k| gradient_type(f, k, &generics)).collect();
    let answer = items::answer(f, &generics);
    let cotangents: Vec<(Ident, &Answer)> = cotangents(f);
    let mut directions = generics.clone();
    let given: Vec<TokenStream> =
        cotangents.iter().map(|(name, answer)| direction(name, answer, &mut directions)).collect();
    let pushed: Vec<TokenStream> = cotangents.iter().map(|(name, answer)| operand(name, answer)).collect();
    let vis = &f.vis;
    let plan = quote!(&#module::#plan);
    let seeded = items::operand_list(f, &quote!(#(#pushed)*));
    let (plain, directed) = (tokens(&generics.text()), tokens(&directions.text()));
    let made = quote!(#grads { #(#fields: ::ndfuse::rt::results(&mut __ndfuse_results)?),* });
    let results = items::taken(f);
    let skipped: usize = f.results.iter().map(|a| a.leaves().len()).sum();
    let mut methods = quote! {
        /// The results, and the product of the cotangents with the Jacobian: what reverse mode passes on.
        #vis fn vjp #directed (#(#params,)* #(#given),*) -> ::ndfuse::rt::Result<(#answer, #grads<#(#types),*>)> {
            let mut __ndfuse_results = ::ndfuse::rt::call_list(#plan, #seeded, 0)?;
            ::core::result::Result::Ok((#results, #made))
        }
    };
    if let [Answer::Array(ty)] = f.results.as_slice()
        && ty.rank() == 0
        && ty.dtype.is_float()
        && !f.tuple
    {
        let one = tokens(&match ty.dtype.is_stored_only() {
            // A constant, which lives as long as a reference to it.
            true => format!("{}::ONE", code::ty(ty.dtype, RT)),
            false => format!("1.0{}", ty.dtype),
        });
        let list_with_one =
            items::operand_list(f, &quote!(__ndfuse_operands.push(::ndfuse::rt::RawView::scalar(&#one)?);));
        methods.extend(quote! {
            /// The result and its gradient by each parameter of floats.
            #vis fn value_and_grad #plain (#(#params),*) -> ::ndfuse::rt::Result<(#answer, #grads<#(#types),*>)> {
                let mut __ndfuse_results = ::ndfuse::rt::call_list(#plan, #list_with_one, 0)?;
                ::core::result::Result::Ok((#results, #made))
            }
            /// The gradient of the result by each parameter of floats.
            #vis fn grad #plain (#(#params),*) -> ::ndfuse::rt::Result<#grads<#(#types),*>> {
                let mut __ndfuse_results = ::ndfuse::rt::call_list(#plan, #list_with_one, #skipped)?;
                ::core::result::Result::Ok(#made)
            }
        });
    }
    (item, methods)
}

/// The method of forward mode.
pub fn forward(f: &Function, by: &[usize], plan: &Ident, module: &Ident) -> TokenStream {
    let mut generics = Generics::new(f);
    let params = items::params(f, &mut generics);
    let answer = items::answer(f, &generics);
    let floats: Vec<TokenStream> =
        float_results(f).iter().map(|&k| items::answer_type(&f.results[k], &generics)).collect();
    let tangents = match floats.as_slice() {
        [one] => one.clone(),
        many => quote!((#(#many,)*)),
    };
    let mut given = Vec::new();
    let mut pushed = Vec::new();
    for &k in by {
        let name = Ident::new(&fresh(f, &format!("d_{}", plain(&f.params[k].name))), Span::call_site());
        let answer = match &f.params[k].kind {
            ParamKind::Array(ty) => Answer::Array(ty.clone()),
            ParamKind::Scalar(dtype) => Answer::Array(crate::graph::Type::scalar(*dtype)),
            ParamKind::Struct { def, args, .. } => {
                Answer::Struct { def: def.clone(), args: args.clone(), leaves: Vec::new() }
            }
            ParamKind::Error => continue,
        };
        given.push(direction(&name, &answer, &mut generics));
        pushed.push(operand(&name, &answer));
    }
    let vis = &f.vis;
    let list = items::operand_list(f, &quote!(#(#pushed)*));
    let generics = tokens(&generics.text());
    let results = items::taken(f);
    let taken = match floats.len() {
        1 => quote!(::ndfuse::rt::results(&mut __ndfuse_results)?),
        n => {
            let each = (0..n).map(|_| quote!(::ndfuse::rt::results(&mut __ndfuse_results)?,));
            quote!((#(#each)*))
        }
    };
    quote! {
        /// The results, and the product of the Jacobian with the tangents: what forward mode passes on.
        #vis fn jvp #generics (#(#params,)* #(#given),*) -> ::ndfuse::rt::Result<(#answer, #tangents)> {
            let mut __ndfuse_results = ::ndfuse::rt::call_list(&#module::#plan, #list, 0)?;
            ::core::result::Result::Ok((#results, #taken))
        }
    }
}

/// The cotangents: `cotangent`, or `cotangent_0`, … by the number of the result.
fn cotangents(f: &Function) -> Vec<(Ident, &Answer)> {
    let floats = float_results(f);
    let name = |k: usize| if f.results.len() == 1 { "cotangent".to_string() } else { format!("cotangent_{k}") };
    floats.into_iter().map(|k| (Ident::new(&fresh(f, &name(k)), Span::call_site()), &f.results[k])).collect()
}

/// A cotangent or tangent as a parameter.
fn direction(name: &Ident, answer: &Answer, generics: &mut Generics) -> TokenStream {
    match answer {
        Answer::Array(ty) => {
            let (dtype, shape) = (tokens(&code::ty(ty.dtype, RT)), tokens(&generics.operand(&ty.shape)));
            quote!(#name: impl ::ndfuse::rt::Operand<Elem = #dtype, Shape = #shape>)
        }
        Answer::Struct { def, args, .. } => {
            let ty = tokens(&generics.structure(def, args));
            quote!(#name: &#ty)
        }
    }
}

/// Adds a cotangent or tangent to the operands.
fn operand(name: &Ident, answer: &Answer) -> TokenStream {
    match answer {
        Answer::Array(_) => quote!(__ndfuse_operands.push(::ndfuse::rt::Operand::raw(&#name)?);),
        Answer::Struct { .. } => quote!(__ndfuse_operands.append(&mut ::ndfuse::rt::raws(#name)?);),
    }
}

fn gradient_type(f: &Function, number: usize, generics: &Generics) -> TokenStream {
    match &f.params[number].kind {
        ParamKind::Array(ty) => tokens(&generics.tensor(ty.dtype, &ty.shape)),
        ParamKind::Scalar(dtype) => tokens(&generics.tensor(*dtype, &[])),
        ParamKind::Struct { def, args, .. } => tokens(&generics.structure_of(def, args)),
        ParamKind::Error => TokenStream::new(),
    }
}

/// A name without `r#`.
fn plain(name: &Ident) -> String {
    let text = name.to_string();
    text.strip_prefix("r#").unwrap_or(&text).to_string()
}

/// `train_step` as `TrainStep`.
fn camel(name: &str) -> String {
    let words = name.trim_start_matches("r#").split('_');
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
    };
    words.map(capital).collect()
}
