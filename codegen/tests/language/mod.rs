//! Blocks of the language as graphs, for tests.

use ndfuse_codegen::driver::compile;
use ndfuse_codegen::graph::Graph;
use std::str::FromStr;

/// The last function of a block, before the passes; every error of the block fails the test. The block is compiled whole,
/// with the derivatives beside its functions.
pub fn last(block: &str) -> Graph {
    let compiled = compile(proc_macro2::TokenStream::from_str(block).expect("tokens"));
    let errors: Vec<String> = compiled.diagnostics.iter().map(|d| d.text()).collect();
    assert!(errors.is_empty(), "{block}\n{}", errors.join("\n"));
    let function = compiled.functions.into_iter().next_back().expect("a function");
    function.function.graph.expect("a function without errors has a graph")
}
