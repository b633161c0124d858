//! How long each part of the compiler takes.
//!
//! In: a [`Block`]. Out: [`Stages`] with the code that the block stands for. Always: every part is run on its own, on
//! what the one before it answered, for all functions of the block and their derivatives. Next: [`crate::rustc`].

use std::time::Instant;

use ndfuse_codegen::driver::Compilation;
use ndfuse_codegen::expand::expansion;
use ndfuse_codegen::graph::Graph;
use ndfuse_codegen::passes::PIPELINE;
use ndfuse_codegen::{check, derive, driver, fuse, loops, syntax};

use crate::functions::Block;

/// Milliseconds by part, and what came out.
pub struct Stages {
    pub parts: Vec<(&'static str, f64)>,
    pub kernels: usize,
    pub code: String,
}

/// The milliseconds that something takes, and its answer.
fn timed<T>(run: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let answer = run();
    (1e3 * start.elapsed().as_secs_f64(), answer)
}

pub fn of(block: &Block) -> Result<Stages, String> {
    let mut parts: Vec<(&'static str, f64)> = Vec::new();
    let mut add = |name, ms| match parts.iter_mut().find(|(known, _)| *known == name) {
        Some((_, total)) => *total += ms,
        None => parts.push((name, ms)),
    };
    let (ms, (tree, errors)) = timed(|| syntax::parse::parse(block.tokens.clone()));
    add("parse", ms);
    let (ms, (checked, found)) = timed(|| check::check(&tree));
    add("check", ms);
    if !(errors.is_empty() && found.is_empty()) {
        return Err(format!("{} has errors", block.name));
    }
    let mut graphs: Vec<Graph> = Vec::new();
    for f in &checked.functions {
        let Some(graph) = &f.graph else { continue };
        graphs.push(graph.clone());
        if block.derivatives && f.derivatives {
            let (ms, derived) = timed(|| (derive::vjp(f, graph), derive::jvp(f, graph)));
            add("derivatives", ms);
            graphs.extend(derived.0.into_iter().chain(derived.1).map(|d| d.graph));
        }
    }
    for graph in graphs {
        let mut graph = graph;
        for pass in PIPELINE {
            let (ms, out) = timed(|| (pass.run)(&graph));
            add(pass.name, ms);
            graph = out;
        }
        let (ms, program) = timed(|| fuse::fuse(&graph));
        add("fuse", ms);
        let (ms, _) = timed(|| program.kernels.iter().map(loops::lower::lower).collect::<Vec<_>>());
        add("lower", ms);
    }
    let compiled = match block.derivatives {
        true => driver::compile(block.tokens.clone()),
        false => driver::compile_forward(block.tokens.clone()),
    };
    let (ms, code) = timed(|| expansion(&compiled));
    add("emit", ms);
    Ok(Stages { parts, kernels: kernels(&compiled), code: code.to_string() })
}

fn kernels(compiled: &Compilation) -> usize {
    let codes = compiled.functions.iter().flat_map(|f| {
        let derived = [&f.vjp, &f.jvp].into_iter().flatten().map(|d| &d.code);
        f.code.iter().chain(derived)
    });
    codes.map(|code| code.program.kernels.len()).sum()
}
