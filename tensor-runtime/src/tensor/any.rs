//! Tensors of a type known at run time.
//!
//! In: a buffer and a layout. Out: [`AnyTensor`], and the typed tensor again.
//! Always: the layout lies within the buffer. Next: [`crate::operand`].

use super::Tensor;
use crate::dims::Shape;
use crate::dtype::{AnyBuffer, AnyStorage, DType, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::operand::{RawView, RawViewMut};
use crate::view::fitted;

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
    storage: AnyStorage,
    layout: Layout,
}

impl AnyTensor {
    /// The elements of `layout` in `buffer`; an error if it leaves the buffer.
    pub fn new(buffer: AnyBuffer, layout: Layout) -> Result<AnyTensor> {
        let len = buffer.slice().len();
        if layout.range().end > len {
            let text = format!("layout {layout:?} leaves a buffer of {len} elements");
            return Err(Error::layout("tensor", text));
        }
        Ok(AnyTensor { storage: buffer.into_storage(), layout })
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
        RawView::new(self.storage.slice(), self.layout)
    }

    /// Its elements in row-major order as little-endian bytes.
    pub(crate) fn to_le(&self) -> Result<Vec<u8>> {
        self.storage.to_le(&self.layout)
    }

    /// Its elements to write; an error where another tensor shares them.
    pub fn raw_mut(&mut self) -> Result<RawViewMut<'_>> {
        let layout = self.layout;
        let shared = || Error::layout("tensor", "the memory is shared with another tensor");
        RawViewMut::new(self.storage.unique().ok_or_else(shared)?, layout)
    }

    /// The same as a tensor of known type, without a copy; `operand` is its name in the error.
    pub fn downcast<T: Element, S: Shape>(self, operation: &'static str, operand: &str) -> Result<Tensor<T, S>> {
        let found = self.dtype();
        let wrong = || Error::DType { operation, operand: operand.into(), found, expected: T::DTYPE };
        let storage = T::recover_storage(self.storage).ok_or_else(wrong)?;
        let shape = fitted(operation, self.layout.sizes())?;
        Ok(Tensor { storage, layout: self.layout, shape })
    }
}

impl<T: Element, S: Shape> From<Tensor<T, S>> for AnyTensor {
    fn from(tensor: Tensor<T, S>) -> AnyTensor {
        AnyTensor { storage: T::erase_storage(tensor.storage), layout: tensor.layout }
    }
}
