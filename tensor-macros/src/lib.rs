//! The `tensor!` macro: tokens to `ndfuse_codegen` and back, nothing else.
//!
//! With `NDFUSE_DUMP=graph|fused|loops|cuda|rust` in the environment of the
//! build, the text of that stage goes to standard error.

use ndfuse_codegen::expand::{Stage, dump, expansion};
use proc_macro::TokenStream;

/// Compiles tensor functions written in NumPy's manner: a block of `fn` and
/// `struct`, or one expression, `tensor!(x: f32[B, C] => x.sum(axis=-1))`.
#[proc_macro]
pub fn tensor(tokens: TokenStream) -> TokenStream {
    let compiled = ndfuse_codegen::driver::compile(tokens.into());
    for name in std::env::var("NDFUSE_DUMP").iter().flat_map(|v| v.split(',')) {
        match Stage::from_name(name.trim()) {
            Some(stage) => eprint!("{}", dump(&compiled, stage)),
            None => eprintln!("NDFUSE_DUMP: `{name}` is none of graph, fused, loops, cuda, rust"),
        }
    }
    expansion(&compiled).into()
}
