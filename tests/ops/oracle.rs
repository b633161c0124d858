//! The oracle's side: the graph of each function of `functions.rs`.

use ndfuse_codegen::driver::compile_forward;
use ndfuse_codegen::graph::{Graph, Type};
use ndfuse_codegen::interp::{self, Data, Sizes, Value};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeMap;

/// A function, as the checker made it.
pub struct Oracle {
    pub graph: Graph,
}

/// The functions by their names.
pub fn all() -> BTreeMap<String, Oracle> {
    let tokens: TokenStream = include_str!("functions.rs").parse().expect("`functions.rs` is Rust");
    let mut out = BTreeMap::new();
    for block in blocks(tokens) {
        let compilation = compile_forward(block);
        assert!(compilation.diagnostics.is_empty(), "{:?}", compilation.diagnostics);
        for f in compilation.functions {
            let graph = f.function.graph.expect("a function without errors has a graph");
            out.insert(f.function.name.to_string(), Oracle { graph });
        }
    }
    out
}

/// What stands in the braces of each `tensor! { … }`.
fn blocks(tokens: TokenStream) -> Vec<TokenStream> {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let named = |t: &TokenTree| matches!(t, TokenTree::Ident(i) if i == "tensor");
    let block = |w: &[TokenTree]| match w {
        [name, TokenTree::Punct(_), TokenTree::Group(group)] if named(name) => Some(group.stream()),
        _ => None,
    };
    trees.windows(3).filter_map(block).collect()
}

impl Oracle {
    /// The symbols `A`, `B` and `C` with their sizes.
    pub fn sizes(&self, sizes: [i64; 3]) -> Sizes {
        let value = |name: &str| ["A", "B", "C"].iter().position(|n| *n == name).map(|k| sizes[k]);
        self.graph.symbols.iter().map(|s| (s.clone(), value(s).expect("a symbol is `A`, `B` or `C`"))).collect()
    }

    pub fn shape(&self, ty: &Type, sizes: &Sizes) -> Vec<usize> {
        interp::sizes_of(&ty.shape, sizes).expect("small sizes")
    }

    pub fn run(&self, sizes: &Sizes, values: &[Value]) -> Result<Value, String> {
        Ok(interp::run(&self.graph, sizes, values)?.remove(0))
    }
}

/// The arguments without their signs.
pub fn magnitudes(values: &[Value]) -> Vec<Value> {
    let mut values = values.to_vec();
    for value in &mut values {
        if let Data::Float(data) = &mut value.data {
            data.iter_mut().for_each(|x| *x = x.abs());
        }
    }
    values
}
