//! The whole way of a block: tokens, tree, graphs, programs, loops.
//!
//! In: the tokens of a `tensor!`. Out: everything that was made of them, and
//! all errors. Always: a function without an error has its program; the stages
//! are called here in their order and nowhere else. Next: [`mod@crate::expand`].

use crate::check::{self, Function, StructDef};
use crate::derive::{self, Derivative};
use crate::diagnostic::Diagnostic;
use crate::fuse::{apart, fuse};
use crate::graph::Graph;
use crate::loops::Loops;
use crate::loops::lower::{across, lower};
use crate::passes;
use crate::program::Program;
use crate::program::tile::{self, Block};
use crate::syntax::parse::{is_inline, parse, parse_inline};
use proc_macro2::TokenStream;

/// A block, compiled.
#[derive(Debug, Default)]
pub struct Compilation {
    pub structs: Vec<StructDef>,
    pub functions: Vec<Compiled>,
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the block is the expression form, with one function.
    pub inline: bool,
}

/// A function with what was made of it; nothing where it has an error.
#[derive(Debug)]
pub struct Compiled {
    pub function: Function,
    pub code: Option<Code>,
    /// Its vector-Jacobian product, where it has one.
    pub vjp: Option<Derived>,
    /// Its Jacobian-vector product, where it has one.
    pub jvp: Option<Derived>,
}

/// A derivative of a function, compiled.
#[derive(Clone, Debug)]
pub struct Derived {
    /// The parameters that it is by.
    pub by: Vec<usize>,
    /// Their arrays, by number.
    pub wrt: Vec<usize>,
    /// The arrays of the results that have a cotangent or a tangent.
    pub results: Vec<usize>,
    pub code: Code,
}

/// The later stages of a function.
#[derive(Clone, Debug)]
pub struct Code {
    /// After the passes.
    pub graph: Graph,
    pub program: Program,
    /// One a kernel of the program.
    pub loops: Vec<Loops>,
    /// For each kernel its second form, if it has one: see [`across`].
    pub across: Vec<Option<Loops>>,
    /// Runs of the program's steps that may go tile by tile.
    pub blocks: Vec<Block>,
}

/// Compiles the tokens of a `tensor!`.
pub fn compile(tokens: TokenStream) -> Compilation {
    compile_with(tokens, true)
}

/// As [`compile`], without the derivatives beside the functions.
pub fn compile_forward(tokens: TokenStream) -> Compilation {
    compile_with(tokens, false)
}

fn compile_with(tokens: TokenStream, derivatives: bool) -> Compilation {
    let inline = is_inline(tokens.clone());
    let mut fuser: Fuser = fuse;
    let mut out = Compilation { inline, ..Compilation::default() };
    let (functions, found) = if inline {
        let (item, diagnostics) = parse_inline(tokens);
        out.diagnostics = diagnostics;
        let (function, found) = item.map(|item| check::check_inline(&item)).unzip();
        (function.into_iter().collect(), found.unwrap_or_default())
    } else {
        let (block, diagnostics) = parse(tokens);
        out.diagnostics = diagnostics;
        let (checked, found) = check::check(&block);
        out.structs = checked.structs;
        if block.unfused {
            fuser = apart;
        }
        (checked.functions, found)
    };
    out.diagnostics.extend(found);
    for function in functions {
        let compiled = compiled(function, fuser, derivatives && !inline);
        out.functions.push(compiled);
    }
    out
}

fn compiled(function: Function, fuse: Fuser, derivatives: bool) -> Compiled {
    let code = |graph: &Graph| code(graph, fuse);
    let mut out = Compiled { code: function.graph.as_ref().map(code), vjp: None, jvp: None, function };
    let (function, Some(graph)) = (&out.function, &out.function.graph) else { return out };
    if !function.derivatives || !derivatives {
        return out;
    }
    out.vjp = derive::vjp(function, graph).map(|d| derived(d, code));
    out.jvp = derive::jvp(function, graph).map(|d| derived(d, code));
    out
}

fn derived(from: Derivative, code: impl Fn(&Graph) -> Code) -> Derived {
    Derived { by: from.by, wrt: from.wrt, results: from.results, code: code(&from.graph) }
}

/// [`fuse`] or [`apart`].
pub type Fuser = fn(&Graph) -> Program;

/// From a checked graph to loops.
pub fn code(graph: &Graph, fuse: Fuser) -> Code {
    let graph = passes::run(graph);
    let program = fuse(&graph);
    let loops = program.kernels.iter().map(lower).collect();
    let across = program.kernels.iter().map(across).collect();
    let blocks = tile::blocks(&program);
    Code { graph, program, loops, across, blocks }
}

/// Whether every stage kept what it promises; the compiler's own tests ask.
pub fn verify(code: &Code) -> Result<(), String> {
    crate::graph::verify::verify(&code.graph)?;
    crate::program::verify::verify(&code.program).map_err(|why| format!("{why}\n{}", code.program))?;
    let loops = code.loops.iter().chain(code.across.iter().flatten());
    loops.into_iter().try_for_each(|l| crate::loops::verify::verify(l).map_err(|why| format!("{why}\n{l}")))
}
