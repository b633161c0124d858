//! CUDA's own libraries behind the trait [`Driver`].
//!
//! In: the number of a device. Out: the device, or the reason why there is none. Always: a library is opened when first asked
//! for, and whether it is there, and how old it is, is known before anything else of it is called; so nothing here panics
//! on a machine without it. Next: [`device`], [`compiler`].

mod compiler;
mod device;

pub(super) use compiler::compile;

use super::driver::{Answer, Driver, Refusal};
use crate::error::DeviceFault;

/// Opens the device of this number.
pub(super) fn open(number: usize) -> Answer<Box<dyn Driver>> {
    // The bindings panic where a library lacks a function, which one of the version that is asked for does not.
    let opened = std::panic::catch_unwind(|| device::Device::open(number));
    let broken = |_| Refusal::Fault(DeviceFault::Failed { call: "open", reason: "a library lacks a function".into() });
    opened.map_err(broken)?.map(|device| Box::new(device) as Box<dyn Driver>)
}
