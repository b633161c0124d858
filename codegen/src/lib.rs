//! The compiler of ndfuse: tokens in, diagnostics or code out.
//!
//! It does no IO and holds no global state.

pub mod check;
pub mod derive;
pub mod diagnostic;
pub mod driver;
pub mod dtype;
pub mod emit;
pub mod errors;
pub mod expand;
pub mod fuse;
pub mod grad;
pub mod graph;
pub mod hash;
pub mod interp;
pub mod kernel;
pub mod loops;
pub mod ops;
pub mod passes;
pub mod program;
pub mod shape;
pub mod special;
pub mod suggest;
pub mod syntax;
#[doc(hidden)]
pub mod testing;
pub mod text;

pub use expand::{Stage, dump, expand};
