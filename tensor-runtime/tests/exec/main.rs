//! Plans run by the executor: kernels written by hand as the compiler emits them, against loops that say the same.
//!
//! `cases` makes operands of all kinds of strides; each other module is a family of kernels.

mod cases;
mod columns;
mod dots;
mod faults;
mod maps;
mod rows;
mod scatters;
mod wanted;
