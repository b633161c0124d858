//! Where the leaves of a parameter struct come from.
//!
//! In: the name of a leaf and what it must be. Out: the leaf. Always: what a source answers is checked where the struct
//! is built. Next: [`super`].

use std::fmt;

use super::{Params, Path};
use crate::dims::Shape;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result};
use crate::tensor::AnyTensor;

/// What a leaf must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spec {
    /// The type of its elements.
    pub dtype: DType,
    /// The size of each axis, where the type says it.
    pub dims: &'static [Option<usize>],
}

impl Spec {
    /// What `Tensor<T, S>` must be.
    pub fn of<T: Element, S: Shape>() -> Spec {
        Spec { dtype: T::DTYPE, dims: S::STATIC }
    }

    /// Does a tensor of that dtype and these sizes meet it?
    pub fn admits(&self, dtype: DType, sizes: &[usize]) -> bool {
        let fits = |(want, size): (&Option<usize>, &usize)| want.is_none_or(|want| want == *size);
        dtype == self.dtype && sizes.len() == self.dims.len() && self.dims.iter().zip(sizes).all(fits)
    }
}

/// As `f32[3, _]`.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, dim) in self.dims.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match dim {
                Some(size) => write!(f, "{comma}{size}")?,
                None => write!(f, "{comma}_")?,
            }
        }
        f.write_str("]")
    }
}

/// Where leaves come from. Any `FnMut(&str, &Spec) -> Result<AnyTensor>` is one.
pub trait Source {
    /// The leaf `name`, of the dtype and shape that `spec` says.
    fn take(&mut self, name: &str, spec: &Spec) -> Result<AnyTensor>;
}

impl<F: FnMut(&str, &Spec) -> Result<AnyTensor>> Source for F {
    fn take(&mut self, name: &str, spec: &Spec) -> Result<AnyTensor> {
        self(name, spec)
    }
}

/// Leaves in the order of declaration, whatever their names: the results of a call.
///
/// ```
/// use ndfuse_runtime::{AnyTensor, Tensor, params::{InOrder, Params, Path}};
/// let results: Vec<AnyTensor> = vec![Tensor::scalar(1.0f32).into(), Tensor::scalar(2i64).into()];
/// let (loss, hits): (Tensor<f32, ()>, Tensor<i64, ()>) = Params::build(&mut Path::new(), &mut InOrder::new(results))?;
/// assert_eq!((loss.item()?, hits.item()?), (1.0, 2));
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
#[derive(Debug)]
pub struct InOrder {
    leaves: std::vec::IntoIter<AnyTensor>,
}

impl InOrder {
    /// The leaves of `tensors`, first to last.
    pub fn new(tensors: Vec<AnyTensor>) -> InOrder {
        InOrder { leaves: tensors.into_iter() }
    }
}

impl Source for InOrder {
    fn take(&mut self, name: &str, spec: &Spec) -> Result<AnyTensor> {
        self.leaves.next().ok_or_else(|| missing("results", name, spec))
    }
}

/// A struct of the next of `tensors`, as many as it has leaves, without a copy: one result of a call after the other.
///
/// An error where they are too few, or where one has another dtype or shape than the struct says.
///
/// ```
/// use ndfuse_runtime::{AnyTensor, Tensor, params::results};
/// type Layer = (Tensor<f32, (usize,)>, Tensor<f32, ()>);
/// let weight: AnyTensor = Tensor::<f32, _>::ones((3,))?.into();
/// let mut all = [Tensor::scalar(5i64).into(), weight, Tensor::scalar(2.0f32).into()].into_iter();
/// let hits = results::<Tensor<i64, ()>>(&mut all)?;
/// let layer = results::<Layer>(&mut all)?;
/// assert_eq!((hits.item()?, layer.0.len(), layer.1.item()?), (5, 3, 2.0));
/// assert!(results::<Layer>(&mut all).is_err());
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
pub fn results<P: Params>(tensors: &mut impl Iterator<Item = AnyTensor>) -> Result<P> {
    let mut next = |name: &str, spec: &Spec| tensors.next().ok_or_else(|| missing("results", name, spec));
    P::build(&mut Path::new(), &mut next)
}

pub(super) fn missing(file: &str, name: &str, spec: &Spec) -> Error {
    Error::MissingTensor { file: file.into(), name: name.into(), expected: spec.to_string().into() }
}
