//! CUDA's own libraries behind the trait [`Driver`].
//!
//! In: the number of a device. Out: the device, or the reason why there is none. Always: a library is opened when first asked
//! for, and whether it is there, and how old it is, is known before anything else of it is called; what it answers is a
//! number, so no code of a newer library is undefined behaviour. Next: [`device`], [`compiler`], [`blas`].

mod api;
mod blas;
mod compiler;
mod device;
mod library;

pub(super) use compiler::compile;

use super::driver::{Answer, Driver};

/// Opens the device of this number.
pub(super) fn open(number: usize) -> Answer<Box<dyn Driver>> {
    Ok(Box::new(device::Device::open(number)?))
}
