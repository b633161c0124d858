//! The tape's side of a tensor.
//!
//! In: tensors of floats. Out: leaves, gradients, and the walk back. Always: a tensor that is not tracked knows nothing
//! of the tape. Next: [`super::walk`].

use std::sync::Arc;

use super::{Owner, Value, backward};
use crate::dims::Shape;
use crate::dtype::{Element, Number};
use crate::error::{Error, GradientFault, Result};
use crate::kept::Kept;
use crate::math::Float;
use crate::operand::Operand;
use crate::tensor::{AnyTensor, Tensor};

impl<T: Element, S: Shape> Tensor<T, S> {
    /// Whether the tape knows it: it is a leaf, or was computed from one.
    pub fn is_tracked(&self) -> bool {
        self.track.is_some()
    }

    /// The same values, as a constant: sharing the memory, and not tracked.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::scalar(2.0f32).requires_grad();
    /// assert!(x.is_tracked() && !x.detach().is_tracked());
    /// ```
    pub fn detach(&self) -> Self {
        let mut constant = self.clone();
        constant.track = None;
        constant
    }

    /// The gradient that has come to a leaf so far; `None` where none came, and for what is no leaf.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::from_vec((3,), vec![1.0f32, 2.0, 3.0])?.requires_grad();
    /// let ends = x.slice::<(usize,)>(0, None, None, 2)?;
    /// ends.backward_with(&Tensor::from_vec((2,), vec![5.0, 7.0])?)?;
    /// assert_eq!(x.grad().unwrap().to_vec()?, [5.0, 0.0, 7.0]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn grad(&self) -> Option<Self> {
        // It has the type and the shape of the leaf, or it would not have been added.
        self.track.as_ref()?.gradient()?.downcast("grad", "the gradient").ok()
    }

    /// Forgets a leaf's gradient.
    pub fn zero_grad(&self) {
        if let Some(value) = &self.track {
            value.clear();
        }
    }
}

impl<T: Float + Number, S: Shape> Tensor<T, S> {
    /// The tensor as a leaf: functions of it are recorded, and [`backward`](Self::backward) brings it its gradient.
    /// One that is tracked already stays what it is; [`detach`](Self::detach) it first to begin anew. Clones of a leaf
    /// are the same leaf. A leaf may be written to, which no recorded function sees. Views of `ndarray` and `Vec`s that it
    /// gives are not tracked.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::scalar(2.0f32).requires_grad();
    /// x.backward()?;      // of itself
    /// assert_eq!(x.grad().unwrap().item()?, 1.0);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn requires_grad(mut self) -> Self {
        self.track.get_or_insert_with(Value::leaf);
        self
    }

    /// Adds the derivatives of this number to the gradients of the leaves that it was computed from.
    ///
    /// What the recorded functions kept is freed: a number is gone back from once. An error where the tensor is no
    /// number or not tracked, where a function on the way has no gradient, and where the way was freed.
    pub fn backward(&self) -> Result<()> {
        self.number(false)
    }

    /// As [`backward`](Self::backward), but frees nothing, so that the way can be gone again.
    pub fn backward_retain(&self) -> Result<()> {
        self.number(true)
    }

    /// As [`backward`](Self::backward) for a tensor of any shape: `cotangent` weighs its elements.
    ///
    /// ```
    /// use ndfuse_runtime::Tensor;
    /// let x = Tensor::from_vec((2, 1), vec![1.0f64, 2.0])?.requires_grad();
    /// let wide = x.broadcast_to((2, 3))?;
    /// wide.backward_with(&Tensor::ones((2, 3))?)?;
    /// assert_eq!(x.grad().unwrap().to_vec()?, [3.0, 3.0]);
    /// assert!(wide.backward_with(&Tensor::ones((3, 2))?).is_err());
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn backward_with(&self, cotangent: &impl Operand<Elem = T>) -> Result<()> {
        let cotangent = cotangent.raw()?;
        if cotangent.sizes() != &*self.dims() {
            let text = format!("the cotangent has shape {:?}, the tensor {:?}", cotangent.sizes(), &*self.dims());
            return Err(Error::shape("backward_with", cotangent.sizes(), None, text));
        }
        let mut cotangent = cotangent.keep()?;
        cotangent.set_track(None);
        backward(self.value("backward_with")?, cotangent, false)
    }

    fn number(&self, retain: bool) -> Result<()> {
        let value = self.value("backward")?;
        if S::RANK != 0 {
            return Err(Error::gradient("backward", GradientFault::NotScalar(self.dims())));
        }
        let one = Tensor::scalar(T::ONE);
        backward(value, one.into(), retain)
    }

    fn value(&self, operation: &'static str) -> Result<&Arc<Value>> {
        self.track.as_ref().ok_or_else(|| Error::gradient(operation, GradientFault::Untracked))
    }
}

impl<T: Element, S: Shape> Owner for Tensor<T, S> {
    fn keep(&self) -> AnyTensor {
        self.clone().into()
    }

    fn kept(&self) -> Option<&Kept> {
        Some(self.storage.kept())
    }
}

impl Owner for AnyTensor {
    fn keep(&self) -> AnyTensor {
        self.clone()
    }

    fn kept(&self) -> Option<&Kept> {
        AnyTensor::kept(self)
    }
}
