//! What is compiled: ten blocks, from next to nothing to a whole training step.
//!
//! In: nothing. Out: [`Block`]s. Always: what stands in a file of the project is read from there. Next: [`crate::stages`].

use proc_macro2::{LexError, TokenStream};

/// Functions as a user writes them.
pub struct Block {
    pub name: &'static str,
    pub tokens: TokenStream,
    /// With the derivatives that stand beside them.
    pub derivatives: bool,
}

const TINY: &str = "pub fn tiny<N>(x: f32[N]) -> f32[N] { x * 2 + 1 }";

macro_rules! corpus {
    ($file:literal) => {
        include_str!(concat!("../../codegen/tests/corpus/", $file, ".nd"))
    };
}

pub fn all() -> Result<Vec<Block>, String> {
    let text = |name, source: &str, derivatives| -> Result<Block, String> {
        let tokens = source.parse().map_err(|e: LexError| format!("{name}: {e}"))?;
        Ok(Block { name, tokens, derivatives })
    };
    Ok(vec![
        text("tiny", TINY, false)?,
        text("gelu_chain", corpus!("gelu_chain"), false)?,
        text("gelu_chain, derivatives", corpus!("gelu_chain"), true)?,
        text("softmax", corpus!("softmax"), false)?,
        text("black_scholes", corpus!("black_scholes"), false)?,
        text("layer_norm", corpus!("layer_norm"), false)?,
        text("layer_norm, derivatives", corpus!("layer_norm"), true)?,
        text("attention", corpus!("attention"), false)?,
        within("efficientnet_lite0", include_str!("../../examples/classify/network.rs"))?,
        within("char_transformer", include_str!("../../examples/char_transformer/model.rs"))?,
    ])
}

/// The tokens of the `tensor!` in a file.
fn within(name: &'static str, source: &str) -> Result<Block, String> {
    let file = syn::parse_file(source).map_err(|e| format!("{name}: {e}"))?;
    let tensor = |item: syn::Item| match item {
        syn::Item::Macro(item) if item.mac.path.is_ident("tensor") => Some(item.mac.tokens),
        _ => None,
    };
    let tokens = file.items.into_iter().find_map(tensor).ok_or_else(|| format!("{name}: no `tensor!`"))?;
    Ok(Block { name, tokens, derivatives: true })
}
