//! Tensors of a type known at run time.
//!
//! In: a buffer and a layout. Out: [`AnyTensor`], and the typed tensor again.
//! Always: the layout lies within the buffer. Next: [`crate::operand`].

use std::sync::Arc;

use ndarray::IxDyn;

use super::Tensor;
use crate::device::gpu::Block;
use crate::device::{Device, transfer};
use crate::dims::Shape;
use crate::dtype::{AnyBuffer, AnySlice, AnyStorage, DType, Element, with_float};
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::layout::Layout;
use crate::operand::{RawView, RawViewMut};
use crate::storage::{Elements, Shared, Storage};
use crate::tape::{self, Value};
use crate::view::{fitted, nd_view, nd_view_mut};

/// A tensor whose element type and shape are known at run time: what the executor makes, and files hold.
///
/// ```
/// use ndfuse_runtime::{AnyBuffer, AnyTensor, DType, Layout, Tensor};
/// let any = AnyTensor::new(AnyBuffer::zeroed(DType::F32, 6)?, Layout::contiguous(&[2, 3])?)?;
/// let x: Tensor<f32, (usize, usize)> = any.downcast("example", "x")?;
/// assert_eq!(x.shape(), (2, 3));
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnyTensor {
    pub(super) storage: AnyStorage,
    pub(super) layout: Layout,
    pub(super) track: Option<Arc<Value>>,
}

impl AnyTensor {
    /// The elements of `layout` in `buffer`; an error if it leaves the buffer.
    pub fn new(buffer: AnyBuffer, layout: Layout) -> Result<AnyTensor> {
        let len = buffer.slice().len();
        if layout.range().end > len {
            let text = format!("layout {layout:?} leaves a buffer of {len} elements");
            return Err(Error::layout("tensor", text));
        }
        Ok(AnyTensor { storage: buffer.into_storage(), layout, track: None })
    }

    /// All 0, row-major.
    pub fn zeros(dtype: DType, sizes: &[usize]) -> Result<AnyTensor> {
        let layout = Layout::contiguous(sizes)?;
        AnyTensor::new(AnyBuffer::zeroed(dtype, layout.len())?, layout)
    }

    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.storage.dtype()
    }

    /// The sizes of its shape.
    pub fn sizes(&self) -> &[usize] {
        self.layout.sizes()
    }

    /// Its elements to read.
    pub fn raw(&self) -> Result<RawView<'_>> {
        Ok(RawView::known(self.storage.elements(), &self.layout, Some(self), self.track.as_ref()))
    }

    /// What is kept of the elements of its memory: of `f32` alone anything is.
    pub(crate) fn kept(&self) -> Option<&Kept> {
        if let AnyStorage::F32(storage) = &self.storage { Some(storage.kept()) } else { None }
    }

    /// Its elements in row-major order as little-endian bytes.
    pub(crate) fn to_le(&self) -> Result<Vec<u8>> {
        self.storage.to_le(&self.layout)
    }

    /// Its elements to write; an error where another tensor shares them.
    pub fn raw_mut(&mut self) -> Result<RawViewMut<'_>> {
        let shared = || Error::layout("tensor", "the memory is shared with another tensor");
        self.layout.check_apart()?;
        Ok(RawViewMut::known(self.storage.unique().ok_or_else(shared)?, &self.layout, Some(&mut self.track)))
    }

    /// The same as a tensor of known type, without a copy; `operand` is its name in the error.
    pub fn downcast<T: Element, S: Shape>(self, operation: &'static str, operand: &str) -> Result<Tensor<T, S>> {
        self.typed(operation, operand)?.shaped(operation)
    }

    /// The same without a shape.
    pub(crate) fn typed<T: Element>(self, operation: &'static str, operand: &str) -> Result<Typed<T>> {
        let storage = recovered::<T>(self.storage, operation, operand)?;
        Ok(Typed { storage, layout: self.layout, track: self.track })
    }

    /// A copy of the elements of `layout` in `slice`, in row-major order.
    pub(crate) fn copy_of(slice: AnySlice<'_>, layout: &Layout) -> Result<AnyTensor> {
        AnyTensor::new(slice.gather(layout)?, Layout::contiguous(layout.sizes())?)
    }

    /// One 0 in memory, in every place of a shape.
    pub(crate) fn repeated_zero(dtype: DType, sizes: &[usize]) -> Result<AnyTensor> {
        AnyTensor::new(AnyBuffer::zeroed(dtype, 1)?, Layout::SCALAR.broadcast(sizes)?)
    }

    /// What the tape knows of it.
    pub(crate) fn track(&self) -> Option<&Arc<Value>> {
        self.track.as_ref()
    }

    /// The mark that it had.
    pub(crate) fn set_track(&mut self, track: Option<Arc<Value>>) -> Option<Arc<Value>> {
        std::mem::replace(&mut self.track, track)
    }

    /// The tensor as a leaf, if its elements are floats and it is not tracked yet.
    pub(crate) fn requires_grad(mut self) -> AnyTensor {
        if tape::is_float(self.dtype()) {
            self.track.get_or_insert_with(Value::leaf);
        }
        self
    }

    /// The elements of `layout` in memory of a device, which is shared.
    pub(crate) fn on_device(dtype: DType, block: Arc<Block>, layout: Layout) -> AnyTensor {
        AnyTensor { storage: AnyStorage::device(dtype, block), layout, track: None }
    }

    /// Where its memory is.
    pub fn device(&self) -> Device {
        match self.storage.elements() {
            Elements::Host(_) => Device::Cpu,
            Elements::Device(block, _) => Device::of(block.gpu()),
        }
    }

    /// The tensor on another device, as a constant; sharing its memory where it is there already.
    pub(crate) fn to_device(&self, device: &Device) -> Result<AnyTensor> {
        if self.device() == *device {
            return Ok(AnyTensor { track: None, ..self.clone() });
        }
        let (storage, layout) = self.storage.moved(&self.layout, device)?;
        Ok(AnyTensor { storage, layout, track: None })
    }

    /// As [`Tensor::to_device`]: the tape follows.
    pub(crate) fn sent(self, device: &Device) -> Result<AnyTensor> {
        let own = self.device();
        if own == *device {
            return Ok(self);
        }
        let track = tape::moved(self.track.as_ref(), self.sizes(), &own);
        Ok(AnyTensor { track, ..self.to_device(device)? })
    }

    /// Adds another of the same type and shape, wherever that is; copied first if anyone else could see it.
    pub(crate) fn accumulate(&mut self, other: &AnyTensor) -> Result<()> {
        let device = self.device();
        let other = other.to_device(&device)?;
        if self.storage.unique().is_none() || !self.layout.is_injective() {
            let copy = match self.storage.elements() {
                Elements::Host(slice) => AnyTensor::copy_of(slice, &self.layout)?,
                Elements::Device(block, dtype) => {
                    let copy = transfer::contiguous(block, dtype, &self.layout)?;
                    AnyTensor::on_device(dtype, copy, Layout::contiguous(self.sizes())?)
                }
            };
            (self.storage, self.layout) = (copy.storage, copy.layout);
        }
        match (self.storage.elements(), other.storage.elements()) {
            (Elements::Device(to, dtype), Elements::Device(from, _)) => {
                self.check(&other)?;
                transfer::add(dtype, to, &self.layout, from, &other.layout)
            }
            _ => with_float!(self.dtype(), T => self.add::<T>(&other), dtype => {
                Err(Error::unsupported("gradient", format!("a sum of {dtype}")))
            }),
        }
    }

    fn check(&self, other: &AnyTensor) -> Result<()> {
        if self.sizes() == other.sizes() && self.dtype() == other.dtype() {
            return Ok(());
        }
        Err(Error::shape("gradient", other.sizes(), None, "gradients of unlike shapes"))
    }

    fn add<T: Element + std::ops::AddAssign>(&mut self, other: &AnyTensor) -> Result<()> {
        self.check(other)?;
        let unlike = || Error::shape("gradient", other.sizes(), None, "gradients of unlike shapes");
        let (mut to, from) = (self.raw_mut()?, other.raw()?);
        let layout = to.layout();
        let (to, from_data) = (to.typed::<T>().ok_or_else(unlike)?, from.typed::<T>().ok_or_else(unlike)?);
        let from = nd_view::<T, IxDyn>(from_data.data, &from.layout())?;
        nd_view_mut::<T, IxDyn>(to.data, &layout)?.zip_mut_with(&from, |to, &from| *to += from);
        Ok(())
    }
}

/// A tensor without the type of its shape.
pub(crate) struct Typed<T: Element> {
    storage: Shared<Storage<T>>,
    layout: Layout,
    track: Option<Arc<Value>>,
}

impl<T: Element> Typed<T> {
    /// The tensor, if its sizes are a shape of type `S`.
    pub(crate) fn shaped<S: Shape>(self, operation: &'static str) -> Result<Tensor<T, S>> {
        let shape = fitted(operation, self.layout.sizes())?;
        Ok(Tensor { storage: self.storage, layout: self.layout, shape, track: self.track })
    }
}

/// The storage of known type.
#[inline(always)]
pub(super) fn recovered<T: Element>(
    storage: AnyStorage,
    operation: &'static str,
    operand: &str,
) -> Result<Shared<Storage<T>>> {
    T::recover_storage(storage).map_err(|storage| other(storage, operation, operand, T::DTYPE))
}

#[cold]
#[inline(never)]
fn other(storage: AnyStorage, operation: &'static str, operand: &str, expected: DType) -> Error {
    Error::DType { operation, operand: operand.into(), found: storage.dtype(), expected }
}

impl<T: Element, S: Shape> From<Tensor<T, S>> for AnyTensor {
    fn from(tensor: Tensor<T, S>) -> AnyTensor {
        AnyTensor { storage: T::erase_storage(tensor.storage), layout: tensor.layout, track: tensor.track }
    }
}
