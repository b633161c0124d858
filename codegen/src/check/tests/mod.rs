//! Tests of the checker: what a source gives, as text.

mod catalogue;
mod graphs;
mod messages;
mod network;
mod numbers;
mod robust;

use super::{Checked, check, check_inline};
use crate::diagnostic::Diagnostic;
use crate::graph::Graph;
use crate::graph::verify::verify;
use crate::syntax::parse::{is_inline, parse, parse_inline};
use proc_macro2::TokenStream;
use std::str::FromStr;

fn checked(source: &str) -> (Checked, Vec<Diagnostic>) {
    let tokens = TokenStream::from_str(source).unwrap_or_else(|e| panic!("{e}: {source}"));
    if is_inline(tokens.clone()) {
        let (item, mut diags) = parse_inline(tokens);
        let (function, found) = item.map(|item| check_inline(&item)).unzip();
        diags.extend(found.unwrap_or_default());
        return (Checked { functions: function.into_iter().collect(), structs: Vec::new() }, diags);
    }
    let (block, mut diags) = parse(tokens);
    let (checked, found) = check(&block);
    diags.extend(found);
    for graph in checked.functions.iter().filter_map(|f| f.graph.as_ref()) {
        verify(graph).unwrap_or_else(|why| panic!("{why}\n{graph}"));
    }
    (checked, diags)
}

/// The errors as `line:column code message`, notes and helps below.
fn errors(source: &str) -> String {
    let line = |d: &Diagnostic| format!("{} {}\n", d.loc.position(), d.text());
    checked(source).1.iter().map(line).collect()
}

/// The graph of the last function of a source without errors.
fn graph(source: &str) -> Graph {
    let (mut checked, diags) = checked(source);
    assert!(diags.is_empty(), "{}\n{source}", errors(source));
    checked.functions.pop().and_then(|f| f.graph).unwrap_or_else(|| panic!("no graph: {source}"))
}
