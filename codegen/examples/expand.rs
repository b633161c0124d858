//! Compiles a file of `tensor!` functions and prints a stage, or how long each
//! part of the compiler takes.
//!
//! ```text
//! cargo run -p ndfuse-codegen --example expand -- tests/corpus/softmax.nd rust
//! cargo run -p ndfuse-codegen --example expand -- tests/data/efficientnet_lite0.nd
//! ```

use ndfuse_codegen::expand::{Stage, dump, expansion};
use ndfuse_codegen::graph::Graph;
use ndfuse_codegen::program::tile;
use ndfuse_codegen::{check, derive, driver, fuse, loops, passes, syntax};
use std::time::Instant;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [file, rest @ ..] = args.as_slice() else {
        eprintln!("usage: expand FILE [graph|fused|loops|cuda|rust]");
        std::process::exit(2);
    };
    let source = std::fs::read_to_string(file).unwrap_or_else(|why| {
        eprintln!("{file}: {why}");
        std::process::exit(1);
    });
    let tokens: proc_macro2::TokenStream = source.parse().unwrap_or_else(|why| {
        eprintln!("{file}: {why}");
        std::process::exit(1);
    });
    match rest.first() {
        Some(name) => match Stage::from_name(name) {
            Some(stage) => print!("{}", dump(&driver::compile_forward(tokens), stage)),
            None => eprintln!("`{name}` is none of graph, fused, loops, cuda, rust"),
        },
        None => times(&source, tokens),
    }
}

fn times(source: &str, tokens: proc_macro2::TokenStream) {
    let start = Instant::now();
    let (block, mut errors) = syntax::parse::parse(tokens.clone());
    let parsed = Instant::now();
    let (checked, found) = check::check(&block);
    let done = Instant::now();
    errors.extend(found);
    errors.iter().for_each(|e| println!("{}", e.render(source)));
    println!("parse   {:7.2} ms", 1e3 * (parsed - start).as_secs_f64());
    println!("check   {:7.2} ms", 1e3 * (done - parsed).as_secs_f64());
    for f in &checked.functions {
        let Some(graph) = &f.graph else { continue };
        stages(&f.name.to_string(), graph);
        if !f.derivatives {
            continue;
        }
        let found = [("vjp", derive::vjp(f, graph)), ("jvp", derive::jvp(f, graph))];
        for (name, derivative) in found {
            if let Some(derivative) = derivative {
                stages(&format!("{}::{name}", f.name), &derivative.graph);
            }
        }
    }
    let start = Instant::now();
    let compiled = driver::compile(tokens);
    let middle = Instant::now();
    let out = expansion(&compiled);
    println!(
        "all {:.2} ms, of which emission {:.2} ms; {} bytes of Rust",
        1e3 * start.elapsed().as_secs_f64(),
        1e3 * middle.elapsed().as_secs_f64(),
        out.to_string().len()
    );
}

fn stages(name: &str, graph: &Graph) {
    let start = Instant::now();
    let simple = passes::run(graph);
    let passed = Instant::now();
    let program = fuse::fuse(&simple);
    let fused = Instant::now();
    let lowered: Vec<_> = program.kernels.iter().map(loops::lower::lower).collect();
    let low = Instant::now();
    let blocks = tile::blocks(&program);
    let end = Instant::now();
    println!(
        "{name}: {} nodes, {} steps, {} kernels, {} blocks: passes {:.2} ms, fuse {:.2} ms, lower {:.2} ms, tile {:.2} ms",
        simple.nodes.len(),
        program.steps.len(),
        lowered.len(),
        blocks.len(),
        1e3 * (passed - start).as_secs_f64(),
        1e3 * (fused - passed).as_secs_f64(),
        1e3 * (low - fused).as_secs_f64(),
        1e3 * (end - low).as_secs_f64()
    );
}
