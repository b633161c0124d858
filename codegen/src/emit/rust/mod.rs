//! The Rust back end: loops and programs as tokens of the user's crate.
//!
//! In: what a block's functions were compiled to. Out: their items, and one
//! module that nobody sees with the kernels and the plans. Always: nothing but
//! the user's own names is added to a scope; generated text names `::ndfuse::rt`
//! and `::core` alone, and is safe Rust; kernels that do the same are one type.
//!
//! ```text
//! pub fn softmax<…>(x: impl Operand<…>) -> Result<Tensor<…>> { … call(softmax::PLAN, …) … }
//! pub enum softmax {}
//! const _: () = {
//!     mod __ndfuse_code { pub struct K0; impl rt::Kernel for K0 { … } pub static P0: rt::Plan = …; }
//!     impl softmax { const PLAN: &Plan = &__ndfuse_code::P0; pub fn into(…) … pub fn explain() … }
//! };
//! ```
//!
//! Next: `nest`, `kernel`, `run`, `plan`, `items`, `derivatives`.

mod access;
mod ahead;
mod around;
mod chains;
mod code;
mod cuts;
mod derivatives;
mod divisors;
mod explain;
mod generics;
mod items;
mod kernel;
mod nest;
mod part;
mod piece;
mod plan;
mod run;
mod slices;
mod slots;
mod structs;
mod together;
mod value;
mod window;

#[cfg(test)]
mod tests;

use crate::check::{Function, StructDef};
use crate::driver::{Code, Derived};
use crate::loops::Loops;
use crate::program::attend::Attend;
use crate::program::prologue::Prologue;
use crate::program::{Action, Program};
use kernel::On;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use std::collections::{BTreeMap, BTreeSet};

pub use explain::explain;

/// A function with what it was compiled to, each program with its CUDA C.
pub struct Unit<'a> {
    pub function: &'a Function,
    /// `None` where the function has errors.
    pub code: Option<(&'a Code, Cuda)>,
    pub vjp: Option<(&'a Derived, Cuda)>,
    pub jvp: Option<(&'a Derived, Cuda)>,
}

impl Unit<'_> {
    /// Its programs: itself, then its derivatives.
    pub fn parts(&self) -> impl Iterator<Item = (&Code, &Cuda)> {
        let derived = [&self.vjp, &self.jvp].into_iter().flatten();
        let code = self.code.iter().map(|(code, cuda)| (*code, cuda));
        code.chain(derived.map(|(d, cuda)| (&d.code, cuda)))
    }
}

/// The kernels of a program in CUDA C.
#[derive(Clone, Debug, Default)]
pub struct Cuda {
    pub source: String,
    /// The function of each of the program's kernels.
    pub names: Vec<String>,
    /// For each step the function that its product calls, and its text.
    pub epilogues: Vec<Option<(String, String)>>,
    pub attends: Vec<Attention>,
    pub prologues: Vec<Windows>,
}

/// A product that makes the windows that it reads.
#[derive(Clone, Debug)]
pub struct Windows {
    pub prologue: Prologue,
    /// The function of a window's element.
    pub window: String,
    /// That of the product's epilogue, if it has one.
    pub epilogue: Option<String>,
    /// Both, with what they call.
    pub text: String,
}

/// An attention as one kernel.
#[derive(Clone, Debug)]
pub struct Attention {
    pub attend: Attend,
    /// The function of its scores.
    pub score: String,
    /// That of its result's epilogue, if it has one.
    pub epilogue: Option<String>,
    /// Both, with what they call.
    pub text: String,
}

/// The items of a block.
pub fn block(structs: &[StructDef], units: &[Unit<'_>]) -> TokenStream {
    let structs = structs.iter().map(structs::definition);
    let mut out = quote!(#(#structs)*);
    let mut methods = TokenStream::new();
    let module_name = module_name();
    for (number, unit) in units.iter().enumerate() {
        let (f, name) = (unit.function, &unit.function.name);
        let plan = unit.code.as_ref().map(|_| plan_name('P', number));
        let from_outside = plan.is_some().then(|| quote!(#name::PLAN));
        let from_inside = plan.map(|plan| quote!(#module_name::#plan));
        out.extend(items::function(f, name, from_outside.as_ref()));
        out.extend(items::companion(f));
        methods.extend(items::methods(f, from_inside.as_ref()));
        methods.extend(derivatives(unit, number, &module_name));
    }
    let code = module(units);
    out.extend(quote!(#[allow(clippy::all)] const _: () = { #code #methods };));
    out
}

/// The derivatives of a function, as methods of the type beside it.
fn derivatives(unit: &Unit<'_>, number: usize, module: &Ident) -> TokenStream {
    let f = unit.function;
    let (mut out, mut methods) = (TokenStream::new(), TokenStream::new());
    if let Some((d, _)) = &unit.vjp {
        let (gradients, reverse) = derivatives::reverse(f, &d.by, &plan_name('V', number), module);
        out.extend(gradients);
        methods.extend(reverse);
    }
    if let Some((d, _)) = &unit.jvp {
        methods.extend(derivatives::forward(f, &d.by, &plan_name('J', number), module));
    }
    if !methods.is_empty() {
        out.extend(items::implementation(f, &methods));
    }
    out
}

/// The expression form: a block expression.
pub fn inline(unit: &Unit<'_>) -> TokenStream {
    let module_name = module_name();
    let units = std::slice::from_ref(unit);
    let plan = unit.code.as_ref().map(|_| plan_name('P', 0)).map(|plan| quote!(&#module_name::#plan));
    let code = module(units);
    let f = unit.function;
    let name = Ident::new("__ndfuse_expression", Span::call_site());
    let (function, arguments) = (items::function(f, &name, plan.as_ref()), items::arguments(f));
    quote!({ #code #function #name(#arguments) })
}

/// The plan of a function, `P0`, or of a derivative, `V0` and `J0`.
fn plan_name(kind: char, number: usize) -> Ident {
    Ident::new(&format!("{kind}{number}"), Span::call_site())
}

/// It stands in a scope of the user's: a function may have any plain name.
fn module_name() -> Ident {
    Ident::new("__ndfuse_code", Span::call_site())
}

/// Kernels and plans in a module of their own, where no name of the user's is.
fn module(units: &[Unit<'_>]) -> TokenStream {
    if units.iter().all(|u| u.parts().next().is_none()) {
        return TokenStream::new();
    }
    let name = module_name();
    let code = items::tokens(&text(units));
    quote!(#[allow(clippy::all)] mod #name { #code })
}

/// The text of kernels and plans, as people read it.
pub fn text(units: &[Unit<'_>]) -> String {
    let mut kernels: BTreeMap<String, usize> = BTreeMap::new();
    let (mut code, mut plans) = (String::new(), String::new());
    for (number, unit) in units.iter().enumerate() {
        let vjp = unit.vjp.as_ref().map(|(d, _)| plan::Vjp {
            plan: plan_name('V', number).to_string(),
            wrt: d.wrt.clone(),
            cotangents: d.results.clone(),
        });
        let derived = [('V', &unit.vjp), ('J', &unit.jvp)];
        let derived =
            derived.into_iter().filter_map(|(kind, d)| d.as_ref().map(|(d, cuda)| (kind, &d.code, cuda, None)));
        let itself = unit.code.iter().map(|(code, cuda)| ('P', *code, cuda, vjp.as_ref()));
        for (kind, compiled, cuda, vjp) in itself.chain(derived) {
            let mut named = |loops: &Loops, on: On, second: bool| {
                let next = kernels.len();
                let number = kernels.entry(canonical(loops, on, second)).or_insert_with(|| {
                    code.push_str(&kernel::kernel(next, loops, on, second));
                    code.push('\n');
                    next
                });
                kernel::name(*number)
            };
            let mut names = Vec::new();
            let panels = panels(&compiled.program);
            for (k, (loops, across)) in compiled.loops.iter().zip(&compiled.across).enumerate() {
                let cuda = &cuda.names[k];
                let on = if panels.contains(&k) { On::Panels } else { On::Memory };
                // A map of a panel has the lane that its epilogue wants.
                let second = across.as_ref().filter(|across| on == On::Memory || !across.kernel.red.is_empty());
                let (rust, across) = (named(loops, on, false), second.map(|across| named(across, on, true)));
                names.push(plan::KernelNames { rust, across, cuda: cuda.clone() });
            }
            let mut explained = explain(compiled);
            // A function tells of its gradient too.
            if let (Some(_), Some((d, _))) = (vjp, &unit.vjp) {
                explained.push_str(&explain(&d.code));
            }
            let cx = plan::Context {
                program: &compiled.program,
                loops: &compiled.loops,
                kernels: &names,
                blocks: &compiled.blocks,
                explain: &explained,
                cuda: &cuda.source,
                epilogues: &cuda.epilogues,
                attends: &cuda.attends,
                prologues: &cuda.prologues,
                vjp,
            };
            plans.push_str(&plan::plan(&plan_name(kind, number).to_string(), &cx));
            plans.push('\n');
        }
    }
    // Method names come from the prelude of `core`: the user's crate may have none.
    let mut head = String::from("use ::core::prelude::rust_2024::*;\nuse ::ndfuse::rt;\nuse rt::{DType, plan::*};\n");
    if code.contains("::combine(") {
        head.push_str("use rt::monoid::Monoid as _;\n");
    }
    format!("{head}\n{code}{plans}").trim_end().to_string() + "\n"
}

/// The kernels that are launched on a product's panels alone.
fn panels(program: &Program) -> BTreeSet<usize> {
    let (mut panels, mut others) = (BTreeSet::new(), BTreeSet::new());
    for step in &program.steps {
        match &step.action {
            Action::Launch(launch) => _ = others.insert(launch.kernel),
            Action::Dot(dot) => panels.extend(dot.epilogue.iter().map(|epilogue| epilogue.launch.kernel)),
            Action::Scatter(_) => {}
        }
    }
    &panels - &others
}

/// A kernel's text without the names of its operands: equal for equal kernels.
fn canonical(loops: &Loops, on: On, second: bool) -> String {
    let mut loops = loops.clone();
    for operand in loops.kernel.inputs.iter_mut().chain(&mut loops.kernel.outputs) {
        operand.name.clear();
    }
    kernel::kernel(0, &loops, on, second)
}
