//! What `tensor!` stands for: the items of a block, and its errors.
//!
//! In: tokens. Out: tokens. Always: every error of the block is reported, and
//! every function whose signature is right is an item even so. The macro crate
//! calls [`expand`]; [`dump`] is what `NDFUSE_DUMP` prints.

use crate::driver::{Code, Compilation, Compiled, compile};
use crate::emit::errors::compile_errors;
use crate::emit::{cuda, rust};
use crate::program::attend::{Attend, attends};
use crate::program::prologue::{Prologue, prologues};
use crate::program::{Action, Dot, Launch};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// A stage of the compiler whose text can be printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    Graph,
    Fused,
    Loops,
    Cuda,
    Rust,
}

impl Stage {
    pub const ALL: [Stage; 5] = [Stage::Graph, Stage::Fused, Stage::Loops, Stage::Cuda, Stage::Rust];

    /// The name in `NDFUSE_DUMP`.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Graph => "graph",
            Stage::Fused => "fused",
            Stage::Loops => "loops",
            Stage::Cuda => "cuda",
            Stage::Rust => "rust",
        }
    }

    pub fn from_name(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// Expands `tensor!`.
pub fn expand(tokens: TokenStream) -> TokenStream {
    expansion(&compile(tokens))
}

/// The tokens that a compiled block stands for.
pub fn expansion(compiled: &Compilation) -> TokenStream {
    let errors = compile_errors(&compiled.diagnostics);
    let units: Vec<rust::Unit<'_>> = compiled.functions.iter().map(unit).collect();
    match (compiled.inline, units.as_slice()) {
        (true, [one]) if errors.is_empty() => rust::inline(one),
        (true, _) => TokenTree::from(Group::new(Delimiter::Brace, errors)).into(),
        (false, units) => {
            let mut out = errors;
            out.extend(rust::block(&compiled.structs, units));
            out
        }
    }
}

/// The text of one stage for every function of a block.
pub fn dump(compiled: &Compilation, stage: Stage) -> String {
    let units: Vec<rust::Unit<'_>> = compiled.functions.iter().map(unit).collect();
    if stage == Stage::Rust {
        return rust::text(&units);
    }
    let mut out = String::new();
    for (code, cuda) in units.iter().flat_map(|u| u.parts()) {
        out.push_str(&match stage {
            Stage::Graph => code.graph.to_string(),
            Stage::Fused => code.program.to_string(),
            Stage::Loops => code.loops.iter().map(|l| format!("{l}\n")).collect(),
            Stage::Cuda => {
                let after = cuda.epilogues.iter().flatten().map(|(_, text)| format!("\n{text}"));
                let attends = cuda.attends.iter().map(|attention| format!("\n{}", attention.text));
                let windows = cuda.prologues.iter().map(|windows| format!("\n{}", windows.text));
                std::iter::once(cuda.source.clone()).chain(after).chain(attends).chain(windows).collect()
            }
            Stage::Rust => unreachable!("printed above"),
        });
        out.push('\n');
    }
    out
}

fn unit(compiled: &Compiled) -> rust::Unit<'_> {
    let name = |suffix: &str| format!("{}{suffix}", compiled.function.name);
    rust::Unit {
        function: &compiled.function,
        code: compiled.code.as_ref().map(|code| (code, cuda_of(&name(""), code))),
        vjp: compiled.vjp.as_ref().map(|d| (d, cuda_of(&name("_vjp"), &d.code))),
        jvp: compiled.jvp.as_ref().map(|d| (d, cuda_of(&name("_jvp"), &d.code))),
    }
}

/// The CUDA C of a program; its kernels are named after the function.
pub fn cuda_of(function: &str, code: &Code) -> rust::Cuda {
    let names: Vec<String> = (0..code.loops.len()).map(|k| format!("{function}_{k}")).collect();
    let kernels: Vec<_> = names.iter().cloned().zip(code.loops.iter().cloned()).collect();
    let after = |step: usize| match &code.program.steps[step].action {
        Action::Dot(dot @ Dot { epilogue: Some(epilogue), .. }) => {
            let kernel = epilogue.launch.kernel;
            Some((&code.loops[kernel], format!("{}_after", names[kernel]), dot, epilogue))
        }
        Action::Dot(_) | Action::Launch(_) | Action::Scatter(_) => None,
    };
    let epilogue = |step: usize| {
        let after = after(step)?;
        let text = cuda::called_source(None, Some(&after))?;
        Some((after.1, text))
    };
    let epilogues = (0..code.program.steps.len()).map(epilogue).collect();
    let attention = |attend: Attend| {
        let Action::Launch(Launch { kernel, .. }) = code.program.steps[attend.step + 1].action else {
            unreachable!("an attention has a softmax");
        };
        let after = after(attend.step + 2);
        let score = format!("{}_score", names[kernel]);
        let scores = cuda::body::called::score(&code.loops[kernel], &score, &attend);
        let text = cuda::called_source(Some(scores), after.as_ref())?;
        Some(rust::Attention { attend, score, epilogue: after.map(|(_, name, ..)| name), text })
    };
    let windows = |prologue: Prologue| {
        let Action::Launch(Launch { kernel, .. }) = code.program.steps[prologue.step].action else {
            unreachable!("a prologue is a kernel");
        };
        let (after, window) = (after(prologue.step + 1), format!("{}_window", names[kernel]));
        let made = cuda::body::called::window(&code.loops[kernel], &window, &prologue);
        let text = cuda::called_source(Some(made), after.as_ref())?;
        Some(rust::Windows { prologue, window, epilogue: after.map(|(_, name, ..)| name), text })
    };
    let attends = attends(&code.program).into_iter().filter_map(attention).collect();
    let prologues = prologues(&code.program).into_iter().filter_map(windows).collect();
    rust::Cuda { source: cuda::source(&kernels), epilogues, attends, prologues, names }
}
