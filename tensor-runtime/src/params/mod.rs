//! Parameter structs: many named tensors as one value.
//!
//! In: a struct of tensors, of arrays and of other such structs. Out: its leaves by dotted name, in the order of
//! declaration, and the struct again from leaves of any source: a file, zeros, the results of a kernel.
//! Always: what is built has the dtypes and shapes that the type says, and one size for each dimension's name.
//! Next: [`crate::io`].
//!
//! A leaf is a [`Tensor`]; `[P; N]` has the keys `0`, `1`…, and so has a tuple. For a declaration
//!
//! ```text
//! pub struct Norm<C> { weight: f32[C], bias: f32[C] }
//! pub struct Block<C, H> { norm: Norm<C>, up: f32[C, H], gates: [Norm<H>; 2], wide: f32[2 * C] }
//! ```
//!
//! the macro emits this and no more:
//!
//! ```
//! use ndfuse_runtime as rt;
//!
//! #[derive(Clone, Debug)]
//! pub struct Norm<C: rt::Dim> {
//!     pub weight: rt::Tensor<f32, (C,)>,
//!     pub bias: rt::Tensor<f32, (C,)>,
//! }
//!
//! #[derive(Clone, Debug)]
//! pub struct Block<C: rt::Dim, H: rt::Dim> {
//!     pub norm: Norm<C>,
//!     pub up: rt::Tensor<f32, (C, H)>,
//!     pub gates: [Norm<H>; 2],
//!     pub wide: rt::Tensor<f32, (usize,)>,
//! }
//!
//! impl<C: rt::Dim> rt::Params for Norm<C> {
//!     fn visit<'a>(&'a self, path: &mut rt::Path, f: &mut dyn ::core::ops::FnMut(&str, rt::Leaf<'a>)) {
//!         path.visit("weight", &self.weight, f);
//!         path.visit("bias", &self.bias, f);
//!     }
//!     fn build(path: &mut rt::Path, source: &mut dyn rt::Source) -> rt::Result<Self> {
//!         let built = Norm {
//!             weight: path.build("weight", source)?,
//!             bias: path.build("bias", source)?,
//!         };
//!         rt::check_dims(&built, path, "Norm", &["C"])?;
//!         ::core::result::Result::Ok(built)
//!     }
//!     // Where each of the struct's dimensions occurs: argument `i` of field `x` is `sites("x", &self.x, i, …)`.
//!     fn sites(&self, dim: usize, path: &mut rt::Path, f: &mut dyn ::core::ops::FnMut(rt::Site)) {
//!         if dim == 0 {
//!             path.sites("weight", &self.weight, 0, f);
//!             path.sites("bias", &self.bias, 0, f);
//!         }
//!     }
//! }
//!
//! impl<C: rt::Dim, H: rt::Dim> rt::Params for Block<C, H> {
//!     fn visit<'a>(&'a self, path: &mut rt::Path, f: &mut dyn ::core::ops::FnMut(&str, rt::Leaf<'a>)) {
//!         path.visit("norm", &self.norm, f);
//!         path.visit("up", &self.up, f);
//!         path.visit("gates", &self.gates, f);
//!         path.visit("wide", &self.wide, f);
//!     }
//!     fn build(path: &mut rt::Path, source: &mut dyn rt::Source) -> rt::Result<Self> {
//!         let built = Block {
//!             norm: path.build("norm", source)?,
//!             up: path.build("up", source)?,
//!             gates: path.build("gates", source)?,
//!             wide: path.build("wide", source)?,
//!         };
//!         rt::check_dims(&built, path, "Block", &["C", "H"])?;
//!         // One line for each derived dimension; its value is `None` where it overflows or is negative.
//!         if let ::core::option::Option::Some(c) = rt::dim_size(&built, 0) {
//!             let wanted = c.checked_mul(2);
//!             path.field("wide", |path| rt::check_derived(&built.wide, 0, path, "Block", "2 * C", wanted))?;
//!         }
//!         ::core::result::Result::Ok(built)
//!     }
//!     fn sites(&self, dim: usize, path: &mut rt::Path, f: &mut dyn ::core::ops::FnMut(rt::Site)) {
//!         if dim == 0 {
//!             path.sites("norm", &self.norm, 0, f);
//!             path.sites("up", &self.up, 0, f);
//!         }
//!         if dim == 1 {
//!             path.sites("up", &self.up, 1, f);
//!             path.sites("gates", &self.gates, 0, f);
//!         }
//!     }
//! }
//!
//! // What the user then has:
//! use rt::{Const, Params, Tensor};
//! let norm = Norm { weight: Tensor::ones((3,))?, bias: Tensor::zeros((3,))? };
//! let gate = Norm { weight: Tensor::ones((5,))?, bias: Tensor::zeros((5,))? };
//! let block = Block { norm, up: Tensor::ones((3, 5))?, gates: [gate.clone(), gate], wide: Tensor::ones((6,))? };
//! let names: Vec<String> = block.named().map(|(name, _)| name).collect();
//! assert_eq!(names[..4], ["norm.weight", "norm.bias", "up", "gates.0.weight"]);
//! assert_eq!(block.count(), 3 + 3 + 15 + 4 * 5 + 6);
//! assert_eq!(block.zeros_like()?.up.to_vec()?, [0.0; 15]);
//! # Ok::<(), rt::Error>(())
//! ```

mod path;
mod source;

use path::Part;
pub use path::Path;
pub use source::{InOrder, Source, Spec, results};

use std::fmt;
use std::sync::Arc;

use crate::device::Device;
use crate::dims::Shape;
use crate::dtype::{DType, Element};
use crate::error::{Error, Result, Site};
use crate::io;
use crate::operand::{Operand, RawView};
use crate::tape::Value;
use crate::tensor::{AnyTensor, Tensor, Typed};
use source::missing;

/// A value made of named tensors. Implemented by the macro for parameter structs; see the module's text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of tensors",
    note = "a parameter struct is declared inside `tensor!`: tensors, other such structs, and arrays of them"
)]
pub trait Params: Sized {
    /// Calls `f` with the dotted name of each leaf, in the order of declaration.
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>));

    /// Takes each leaf from `source`, in the order of declaration.
    fn build(path: &mut Path, source: &mut dyn Source) -> Result<Self>;

    /// Calls `f` with every place where dimension `dim` of the type (an axis of a tensor, a generic argument of a
    /// struct, counted from 0) takes its size.
    fn sites(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site));

    /// The leaves with their dotted names.
    fn named(&self) -> impl Iterator<Item = (String, Leaf<'_>)> {
        let mut leaves = Vec::new();
        self.visit(&mut Path::new(), &mut |name, leaf| leaves.push((name.to_owned(), leaf)));
        leaves.into_iter()
    }

    /// The number of elements of all leaves.
    fn count(&self) -> usize {
        self.named().map(|(_, leaf)| leaf.len()).sum()
    }

    /// The same struct with each leaf replaced by one of the same dtype and shape.
    ///
    /// ```
    /// use ndfuse_runtime::{Params, Tensor};
    /// let pair = (Tensor::scalar(1.0f32), Tensor::scalar(2.0f32));
    /// let swapped = pair.map(|name, leaf| Ok(Tensor::scalar(if name == "0" { 2.0f32 } else { 1.0 }).into()))?;
    /// assert_eq!(swapped.0.item()?, 2.0);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    fn map(&self, mut f: impl FnMut(&str, Leaf<'_>) -> Result<AnyTensor>) -> Result<Self> {
        let mut leaves = self.named();
        let mut next = |name: &str, spec: &Spec| {
            let (_, leaf) = leaves.next().ok_or_else(|| missing("map", name, spec))?;
            f(name, leaf)
        };
        Self::build(&mut Path::new(), &mut next)
    }

    /// The same struct of zeros.
    fn zeros_like(&self) -> Result<Self> {
        self.map(|_, leaf| leaf.zeros())
    }

    /// The struct on another device; leaves that are there already are shared.
    fn to_device(&self, device: &Device) -> Result<Self> {
        self.map(|_, leaf| leaf.to_device(device))
    }

    /// The same struct with each leaf of floats one of the tape's: see [`Tensor::requires_grad`].
    ///
    /// ```
    /// use ndfuse_runtime::{Params, Tensor};
    /// let pair = (Tensor::scalar(1.0f32), Tensor::scalar(2i64)).requires_grad()?;
    /// assert!(pair.0.is_tracked() && !pair.1.is_tracked());
    /// pair.0.backward()?;
    /// assert_eq!(pair.grads()?.0.item()?, 1.0);
    /// pair.zero_grad();
    /// assert_eq!(pair.grads()?.0.item()?, 0.0);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    fn requires_grad(self) -> Result<Self> {
        self.map(|_, leaf| Ok(leaf.tensor().requires_grad()))
    }

    /// The gradients that have come so far, as the same struct: zeros where none came.
    fn grads(&self) -> Result<Self> {
        self.map(|_, leaf| leaf.grad().map_or_else(|| leaf.zeros(), Ok))
    }

    /// Forgets the gradients.
    fn zero_grad(&self) {
        let mut clear = |_: &str, leaf: Leaf<'_>| leaf.0.track().into_iter().for_each(|value| value.clear());
        self.visit(&mut Path::new(), &mut clear);
    }

    /// Reads a safetensors file whose names are this struct's. A tensor that is missing, is left over or has another
    /// dtype or shape is an error that names it.
    fn load(path: impl AsRef<std::path::Path>) -> Result<Self> {
        let mut file = io::Archive::open(path)?;
        let built = Self::build(&mut Path::new(), &mut file)?;
        file.finish()?;
        Ok(built)
    }

    /// Writes a safetensors file. A file of that name is replaced at the end, or stays as it was.
    fn save(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
        io::save(path, self.named().map(|(name, leaf)| (name, leaf.tensor())))
    }
}

/// A tensor of a parameter struct, its type known at run time.
#[derive(Clone, Copy)]
pub struct Leaf<'a>(&'a dyn AnyLeaf);

trait AnyLeaf {
    fn dtype(&self) -> DType;
    fn sizes(&self) -> crate::Sizes;
    fn raw(&self) -> Result<RawView<'_>>;
    fn tensor(&self) -> AnyTensor;
    fn track(&self) -> Option<&Arc<Value>>;
}

impl<T: Element, S: Shape> AnyLeaf for Tensor<T, S> {
    fn dtype(&self) -> DType {
        T::DTYPE
    }

    fn sizes(&self) -> crate::Sizes {
        self.dims()
    }

    fn raw(&self) -> Result<RawView<'_>> {
        Operand::raw(self)
    }

    fn tensor(&self) -> AnyTensor {
        self.clone().into()
    }

    fn track(&self) -> Option<&Arc<Value>> {
        self.track.as_ref()
    }
}

impl<'a> Leaf<'a> {
    /// The type of its elements.
    pub fn dtype(&self) -> DType {
        self.0.dtype()
    }

    /// The sizes of its shape.
    pub fn sizes(&self) -> crate::Sizes {
        self.0.sizes()
    }

    /// The number of its elements.
    pub fn len(&self) -> usize {
        self.0.sizes().iter().product()
    }

    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its elements to read, for as long as the struct is borrowed.
    pub fn raw(&self) -> Result<RawView<'a>> {
        self.0.raw()
    }

    /// The tensor, sharing its memory.
    pub fn tensor(&self) -> AnyTensor {
        self.0.tensor()
    }

    /// The gradient that has come to it so far: see [`Tensor::grad`].
    pub fn grad(&self) -> Option<AnyTensor> {
        self.0.track()?.gradient()
    }

    fn to_device(self, device: &Device) -> Result<AnyTensor> {
        self.tensor().sent(device)
    }

    /// Zeros of its type and shape, where it is.
    fn zeros(self) -> Result<AnyTensor> {
        AnyTensor::zeros(self.dtype(), &self.sizes())?.to_device(&self.raw()?.device())
    }
}

impl fmt::Debug for Leaf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.dtype(), self.sizes())
    }
}

/// The elements of every leaf, in the order of declaration: the operands of a call.
pub fn raws<P: Params>(params: &P) -> Result<Vec<RawView<'_>>> {
    params.named().map(|(_, leaf)| leaf.raw()).collect()
}

/// Has every dimension of `params` one size? `symbols` are their names, in the order of the type's arguments.
pub fn check_dims<P: Params>(params: &P, path: &mut Path, name: &'static str, symbols: &[&'static str]) -> Result<()> {
    one_size_each(params, path, name, symbols)
}

fn one_size_each(params: &dyn Part, path: &mut Path, name: &'static str, symbols: &[&'static str]) -> Result<()> {
    for (dim, &symbol) in symbols.iter().enumerate() {
        let (mut first, mut clash): (Option<Site>, Option<Site>) = (None, None);
        params.sites_part(dim, path, &mut |site| match &first {
            None => first = Some(site),
            Some(bound) if bound.size != site.size && clash.is_none() => clash = Some(site),
            Some(_) => {}
        });
        if let (Some(first), Some(second)) = (first, clash) {
            return Err(Error::dim_mismatch(name, symbol, first, second));
        }
    }
    Ok(())
}

/// The size of dimension `dim` of `params`, where a leaf has it.
pub fn dim_size<P: Params>(params: &P, dim: usize) -> Option<usize> {
    let mut size = None;
    params.sites(dim, &mut Path::new(), &mut |site| size = size.or(Some(site.size)));
    size
}

/// Is axis `axis` of a leaf as large as the derived dimension `text`, such as `2 * C`, says?
pub fn check_derived<P: Params>(
    leaf: &P,
    axis: usize,
    path: &mut Path,
    name: &'static str,
    text: &'static str,
    wanted: Option<usize>,
) -> Result<()> {
    let mut wrong = None;
    leaf.sites(axis, path, &mut |site| {
        if Some(site.size) != wanted && wrong.is_none() {
            wrong = Some(site);
        }
    });
    let Some(site) = wrong else { return Ok(()) };
    let value = wanted.map_or("not a size".to_owned(), |size| size.to_string());
    let reason = format!("`{text}` is {value}, but axis {} of `{}` is {}", site.axis, site.operand, site.size);
    Err(Error::shape(name, &[site.size], Some(site.axis), reason))
}

impl<T: Element, S: Shape> Params for Tensor<T, S> {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>)) {
        f(path.as_str(), Leaf(self));
    }

    // A function of its own, for a struct has many leaves, and what comes of a failure stands behind each.
    #[inline(never)]
    fn build(path: &mut Path, source: &mut dyn Source) -> Result<Self> {
        built(path, source, &Spec::of::<T, S>())?.shaped("build")
    }

    fn sites(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site)) {
        site(self.layout.sizes(), dim, path, f);
    }
}

fn site(sizes: &[usize], dim: usize, path: &Path, f: &mut dyn FnMut(Site)) {
    if let Some(&size) = sizes.get(dim) {
        f(Site::new(path.as_str(), dim, size));
    }
}

/// A leaf but for its shape: there are few types of elements and many of shapes.
#[inline(never)]
fn built<T: Element>(path: &Path, source: &mut dyn Source, spec: &Spec) -> Result<Typed<T>> {
    source.take(path.as_str(), spec)?.typed("build", path.as_str())
}

impl<P: Params, const N: usize> Params for [P; N] {
    fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>)) {
        for (i, one) in self.iter().enumerate() {
            path.visit(&i.to_string(), one, f);
        }
    }

    fn build(path: &mut Path, source: &mut dyn Source) -> Result<Self> {
        let all = (0..N).map(|i| path.build_member(i, source)).collect::<Result<Vec<P>>>()?;
        all.try_into().map_err(|_| Error::layout("build", "an array of another length"))
    }

    fn sites(&self, dim: usize, path: &mut Path, f: &mut dyn FnMut(Site)) {
        for (i, one) in self.iter().enumerate() {
            path.sites(&i.to_string(), one, dim, f);
        }
    }
}

impl Params for () {
    fn visit<'a>(&'a self, _: &mut Path, _: &mut dyn FnMut(&str, Leaf<'a>)) {}

    fn build(_: &mut Path, _: &mut dyn Source) -> Result<Self> {
        Ok(())
    }

    fn sites(&self, _: usize, _: &mut Path, _: &mut dyn FnMut(Site)) {}
}

macro_rules! for_each {
    ($path:ident, $i:ident, $f:ident, $($member:ident)*) => {
        $($path.visit(&$i.next().unwrap_or_default().to_string(), $member, $f);)*
    };
}

/// Tuples: the members' own dimensions have no names in common, so a tuple has no sites.
macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        impl<$first: Params, $($rest: Params),*> Params for ($first, $($rest,)*) {
            #[allow(non_snake_case)]
            fn visit<'a>(&'a self, path: &mut Path, f: &mut dyn FnMut(&str, Leaf<'a>)) {
                let ($first, $($rest,)*) = self;
                let mut i = 0..;
                for_each!(path, i, f, $first $($rest)*);
            }

            fn build(path: &mut Path, source: &mut dyn Source) -> Result<Self> {
                let mut i = 0..;
                Ok((build_next::<$first>(path, &mut i, source)?, $(build_next::<$rest>(path, &mut i, source)?,)*))
            }

            fn sites(&self, _: usize, _: &mut Path, _: &mut dyn FnMut(Site)) {}
        }
        tuples! { $($rest)* }
    };
    () => {};
}

// As `Tensor::build`, for a tuple has many members.
#[inline(never)]
fn build_next<P: Params>(path: &mut Path, i: &mut std::ops::RangeFrom<usize>, source: &mut dyn Source) -> Result<P> {
    path.build_member(i.next().unwrap_or_default(), source)
}

tuples! {
    A B C D E F G H I J K L M N O Q R S T U V W X Y Z A1 B1 C1 D1 E1 F1 G1
}

#[cfg(test)]
mod tests;
