//! NumPy-style tensor functions, checked and fused at compile time.
//!
//! In: functions in the language of [`tensor!`]; arrays of `ndarray` or [`Tensor`]s. Out: Rust functions, each of as few
//! fused kernels as possible. Always: nothing is defined here; this crate names what its parts define. Next: the
//! language in `docs/language.md`, the compiler in `codegen/`, the tensors in `tensor-runtime/`.
//!
//! ```
//! use ndarray::array;
//! use ndfuse::prelude::*;
//!
//! tensor! {
//!     /// Each row divided by its sum.
//!     pub fn shares<B, C>(x: f32[B, C]) -> f32[B, C] {
//!         x / x.sum(axis=-1, keepdims=true)
//!     }
//! }
//!
//! let p = shares(&array![[1.0, 3.0], [2.0, 2.0]])?;
//! assert_eq!(p.view()?, array![[0.25, 0.75], [0.5, 0.5]]);
//! # Ok::<(), ndfuse::Error>(())
//! ```

#![forbid(unsafe_code)]

pub use ndfuse_macros::tensor;
pub use ndfuse_runtime::{
    AnyBuffer, AnyTensor, Buffer, Const, Cost, DType, Device, DeviceFault, Dim, Element, Error, Event, Fits, Info,
    Layout, Leaf, Operand, OperandMut, Params, Pending, Pinned, Products, Result, Roofline, Shape, Tensor, TensorView,
    ToDevice, bf16, dim, error, f16, half, io, no_grad, params,
};

/// All that generated code may name.
#[doc(hidden)]
pub mod rt {
    pub use ndfuse_runtime::rt::*;
}

/// What most programs use: `use ndfuse::prelude::*;`.
pub mod prelude {
    pub use ndfuse_macros::tensor;
    pub use ndfuse_runtime::{Const, Device, Dim, Operand, Params, Tensor, TensorView, ToDevice, no_grad};
}
