//! The gradient of a view: each element's goes to where the element was.
//!
//! In: the cotangent of a view. Out: the gradient of the tensor it is of. Always: what the view repeats is summed in
//! double precision, in row-major order; what it leaves out is 0; the bits are the same on every device. Next: [`super::walk`].

use std::sync::Arc;

use ndarray::IxDyn;

use crate::cast::{Cast, cast};
use crate::device::{Device, transfer};
use crate::dtype::{Element, with_float};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::storage::Buffer;
use crate::tensor::AnyTensor;
use crate::view::{nd_view, nd_view_mut};

/// A view of a tensor, whatever the tensor's strides.
pub(super) struct View {
    operation: &'static str,
    /// The tensor in row-major order.
    base: Layout,
    /// The view of that.
    layout: Layout,
    /// Where the tensor is, if the view is elsewhere.
    device: Option<Device>,
}

impl View {
    pub(super) fn new(operation: &'static str, base: Layout, layout: Layout, device: Option<Device>) -> View {
        View { operation, base, layout, device }
    }

    /// The gradient of the tensor, for this cotangent of the view.
    pub(super) fn back(&self, cotangent: &AnyTensor) -> Result<AnyTensor> {
        if let Some(device) = &self.device {
            return cotangent.to_device(device);
        }
        let device = cotangent.device();
        if !device.is_cpu() {
            return match self.back_there(cotangent)? {
                Some(gradient) => Ok(gradient),
                None => self.back(&cotangent.to_device(&Device::Cpu)?)?.to_device(&device),
            };
        }
        with_float!(cotangent.dtype(), T => self.back_typed::<T>(cotangent), other => {
            let reason = format!("a cotangent of {other}").into();
            Err(Error::Internal { function: self.operation, reason })
        })
    }

    /// On the cotangent's own device, with the bits that the host's would have.
    fn back_there(&self, cotangent: &AnyTensor) -> Result<Option<AnyTensor>> {
        let raw = cotangent.raw()?;
        let Some(block) = raw.block().filter(|_| raw.sizes() == self.layout.sizes()) else { return Ok(None) };
        let gradient = transfer::spread(block, raw.dtype(), &raw.layout(), &self.layout, self.base.len())?;
        Ok(gradient.map(|gradient| AnyTensor::on_device(raw.dtype(), Arc::new(gradient), self.base)))
    }

    fn back_typed<T: Element + Cast<f64>>(&self, cotangent: &AnyTensor) -> Result<AnyTensor>
    where
        f64: Cast<T>,
    {
        let raw = cotangent.raw()?;
        let typed = raw.typed::<T>().filter(|typed| typed.sizes == self.layout.sizes());
        let wrong = || Error::Internal { function: self.operation, reason: "a cotangent of another shape".into() };
        let from = nd_view::<T, IxDyn>(typed.ok_or_else(wrong)?.data, &raw.layout())?;
        let mut gradient = Buffer::<T>::zeroed(self.base.len())?;
        if self.layout.is_injective() {
            nd_view_mut::<T, IxDyn>(&mut gradient, &self.layout)?.assign(&from);
            return AnyTensor::new(T::erase_buffer(gradient), self.base);
        }
        let mut sums = Buffer::<f64>::zeroed(self.base.len())?;
        let (sizes, strides) = (self.layout.sizes(), self.layout.strides());
        let mut index = vec![0usize; sizes.len()];
        let mut at = self.layout.offset() as isize;
        for &value in from.iter() {
            sums[at as usize] += cast::<T, f64>(value);
            for k in (0..sizes.len()).rev() {
                index[k] += 1;
                at += strides[k];
                if index[k] < sizes[k] {
                    break;
                }
                index[k] = 0;
                at -= strides[k] * sizes[k] as isize;
            }
        }
        gradient.iter_mut().zip(sums.iter()).for_each(|(to, &sum)| *to = cast(sum));
        AnyTensor::new(T::erase_buffer(gradient), self.base)
    }
}
