//! tmp
use super::driver::{Answer, Driver};
use crate::error::DeviceFault;
pub(super) fn open(_: usize) -> Answer<Box<dyn Driver>> {
    Err(DeviceFault::NoDriver.into())
}
