//! The surface language: tokens in, a syntax tree out.
//!
//! Next: [`ast`], then [`parse`], then [`mod@print`].

pub mod ast;
pub mod operators;
pub mod parse;
pub mod print;

mod cursor;
mod exprs;
mod index;
mod stmts;
mod types;
