//! The whole way of a block: tokens, tree, graphs, programs, loops.
//!
//! In: the tokens of a `tensor!`. Out: everything that was made of them, and
//! all errors. Always: a function without an error has its program; the stages
//! are called here in their order and nowhere else. Next: [`crate::expand`].

use crate::check::{self, Function, StructDef};
use crate::diagnostic::Diagnostic;
use crate::fuse::fuse;
use crate::graph::Graph;
use crate::loops::Loops;
use crate::loops::lower::lower;
use crate::passes;
use crate::program::Program;
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
}

/// The later stages of a function.
#[derive(Clone, Debug)]
pub struct Code {
    /// After the passes.
    pub graph: Graph,
    pub program: Program,
    /// One a kernel of the program.
    pub loops: Vec<Loops>,
}

/// Compiles the tokens of a `tensor!`.
pub fn compile(tokens: TokenStream) -> Compilation {
    let inline = is_inline(tokens.clone());
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
        (checked.functions, found)
    };
    out.diagnostics.extend(found);
    let compiled = |function: Function| {
        let code = function.graph.as_ref().map(code);
        Compiled { function, code }
    };
    out.functions = functions.into_iter().map(compiled).collect();
    out
}

/// From a checked graph to loops.
pub fn code(graph: &Graph) -> Code {
    let graph = passes::run(graph);
    let program = fuse(&graph);
    let loops = program.kernels.iter().map(lower).collect();
    Code { graph, program, loops }
}

/// Whether every stage kept what it promises; the compiler's own tests ask.
pub fn verify(code: &Code) -> Result<(), String> {
    crate::graph::verify::verify(&code.graph)?;
    crate::program::verify::verify(&code.program).map_err(|why| format!("{why}\n{}", code.program))?;
    code.loops.iter().try_for_each(|l| crate::loops::verify::verify(l).map_err(|why| format!("{why}\n{l}")))
}
