//! Results of a call while they are made.
//!
//! In: what the executor allocates. Out: tensors. Always: a result's layout is written where it is, before its kernel runs, and
//! copied once, to the tensor: a description that is copied while it is being written costs more than the call.
//! Next: [`crate::exec`].

use std::sync::Arc;

use super::any::recovered;
use super::{AnyTensor, Tensor};
use crate::dims::Shape;
use crate::dtype::{AnyStorage, Element};
use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::tape::Value;
use crate::view::fitted;

/// A result that a call makes.
#[derive(Debug)]
pub struct Made {
    /// All initialised, and as long as the layout wants, where there is one.
    pub(crate) storage: Option<AnyStorage>,
    pub(crate) layout: Layout,
    pub(crate) track: Option<Arc<Value>>,
}

impl Made {
    /// Not made yet.
    #[inline(always)]
    pub fn none() -> Made {
        Made { storage: None, layout: Layout::scalar(), track: None }
    }

    /// The tensor, which is of this type; `operand` is its name in the error.
    pub fn tensor<T: Element, S: Shape>(&mut self, operation: &'static str, operand: &str) -> Result<Tensor<T, S>> {
        let storage = self.storage.take().ok_or_else(|| missing(operation, operand))?;
        let storage = recovered::<T>(storage, operation, operand)?;
        let shape = fitted(operation, self.layout.sizes())?;
        Ok(Tensor { storage, layout: self.layout, shape, track: self.track.take() })
    }

    /// The tensor, if it is made.
    pub(crate) fn any(&mut self) -> Option<AnyTensor> {
        let storage = self.storage.take()?;
        Some(AnyTensor { storage, layout: self.layout, track: self.track.take() })
    }
}

#[cold]
fn missing(operation: &'static str, operand: &str) -> Error {
    Error::Internal { function: operation, reason: format!("{operand} was not made").into() }
}
