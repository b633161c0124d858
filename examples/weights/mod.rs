//! Weights of a network that has learnt nothing.
//!
//! In: the numbers of each tensor, by its name and sizes. Out: a parameter struct. Always: the struct's type says every
//! size, or it is an error; tensors are asked for in the order of declaration.

use ndfuse::params::{Path, Spec};
use ndfuse::{AnyBuffer, AnyTensor, Buffer, Error, Layout, Params, Result};

/// A struct whose tensors have the numbers that `draw` gives, in row-major order.
pub fn init<P: Params>(mut draw: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>) -> Result<P> {
    let mut leaf = |name: &str, spec: &Spec| {
        let fixed: Option<Vec<usize>> = spec.dims.iter().copied().collect();
        let no_size = || Error::Unsupported { operation: "init", reason: format!("`{name}` has no size").into() };
        let sizes = fixed.ok_or_else(no_size)?;
        AnyTensor::new(AnyBuffer::F32(Buffer::from_vec(draw(name, &sizes)?)), Layout::contiguous(&sizes)?)
    };
    P::build(&mut Path::new(), &mut leaf)
}
