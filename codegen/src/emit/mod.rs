//! The back ends: text of Rust and of CUDA C out of loops, and the errors.
//!
//! Next: [`rust`], [`cuda`].

pub mod cuda;
pub mod errors;
pub mod rust;
