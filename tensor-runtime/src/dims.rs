//! Dimensions and shapes as types.
//!
//! In: sizes known at run time, at compile time ([`Const`]) or under a name of the user's ([`dim!`](macro@crate::dim)).
//! Out: [`Shape`], a tuple of [`Dim`]s, the `S` of `Tensor<T, S>`; [`Fits`], which says what may be passed where.
//! Always: a shape's value agrees with its type: `Const<3>` is 3. Next: [`crate::layout`].
//!
//! ```
//! use ndfuse_runtime::{dim, Const, Shape};
//! dim!(Batch);
//! let shape = (Batch(32), Const::<784>);
//! assert_eq!(shape.sizes().as_slice(), [32, 784]);
//! assert!(<(Batch, Const<784>)>::from_sizes(&[32, 10]).is_none());
//! ```

use std::fmt;
use std::ops::Deref;

use ndarray::{Dimension, Ix0, Ix1, Ix2, Ix3, Ix4, Ix5, Ix6, IxDyn};

/// The most axes that a tensor has.
pub const MAX_RANK: usize = 8;
/// The most axes of a kernel.
pub(crate) const MAX_AXES: usize = 24;

/// The size of one axis, as a type: `usize`, [`Const<N>`](Const) or a name made by [`dim!`](macro@crate::dim).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dimension",
    label = "a dimension is `usize`, `Const<N>` or a name declared with `dim!`"
)]
pub trait Dim: Copy + PartialEq + fmt::Debug + Send + Sync + Fits<usize> + Fits<Self> + 'static {
    /// The size, where the type alone says it.
    const STATIC: Option<usize>;
    /// The size.
    fn size(self) -> usize;
    /// The dimension of that size, if the type has it.
    fn from_size(size: usize) -> Option<Self>;
}

/// A dimension whose size the type says.
///
/// ```
/// use ndfuse_runtime::{Const, Dim};
/// assert_eq!(Const::<3>.size(), 3);
/// assert_eq!(Const::<3>::from_size(4), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Const<const N: usize>;

impl<const N: usize> fmt::Debug for Const<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Const<{N}>")
    }
}

impl Dim for usize {
    const STATIC: Option<usize> = None;

    fn size(self) -> usize {
        self
    }

    fn from_size(size: usize) -> Option<usize> {
        Some(size)
    }
}

impl<const N: usize> Dim for Const<N> {
    const STATIC: Option<usize> = Some(N);

    fn size(self) -> usize {
        N
    }

    fn from_size(size: usize) -> Option<Self> {
        (size == N).then_some(Const)
    }
}

/// `Self` may be passed where `D` is wanted; what the types leave open is checked in the call.
#[diagnostic::on_unimplemented(
    message = "a dimension of `{Self}` where the function wants `{D}`",
    label = "this axis is `{Self}`",
    note = "a size known only at run time, `usize`, fits everywhere and is checked in the call"
)]
pub trait Fits<D> {}

impl<D: Dim> Fits<D> for usize {}
impl<const N: usize> Fits<Const<N>> for Const<N> {}
impl<const N: usize> Fits<usize> for Const<N> {}

/// Declares named dimensions: each is sized at run time and told apart from every other name by the compiler.
///
/// ```
/// use ndfuse_runtime::{dim, Dim, Tensor};
/// dim!(
///     /// Samples in one step.
///     pub Batch,
///     Class,
/// );
/// let x = Tensor::<f32, (Batch, Class)>::zeros((Batch(32), Class(10)))?;
/// assert_eq!(x.shape().0.size(), 32);
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
///
/// ```compile_fail
/// use ndfuse_runtime::{dim, Tensor};
/// dim!(Batch, Class);
/// let x = Tensor::<f32, (Batch,)>::zeros((Class(10),));
/// ```
#[macro_export]
macro_rules! dim {
    ($($(#[$meta:meta])* $vis:vis $name:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::cmp::PartialEq, ::core::cmp::Eq,
                 ::core::hash::Hash, ::core::fmt::Debug)]
        $vis struct $name(
            /// The size.
            pub usize,
        );

        impl $crate::Dim for $name {
            const STATIC: ::core::option::Option<usize> = ::core::option::Option::None;
            fn size(self) -> usize {
                self.0
            }
            fn from_size(size: usize) -> ::core::option::Option<Self> {
                ::core::option::Option::Some($name(size))
            }
        }

        impl $crate::Fits<$name> for $name {}
        impl $crate::Fits<usize> for $name {}
    )+};
}

/// The sizes of a shape, in place: derefs to `[usize]`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sizes {
    rank: usize,
    sizes: [usize; MAX_RANK],
}

impl Sizes {
    /// The sizes in `sizes`, or `None` if they are more than [`MAX_RANK`].
    pub fn new(sizes: &[usize]) -> Option<Sizes> {
        let mut out = [0; MAX_RANK];
        out.get_mut(..sizes.len())?.copy_from_slice(sizes);
        Some(Sizes { rank: sizes.len(), sizes: out })
    }

    /// The same as a slice.
    pub fn as_slice(&self) -> &[usize] {
        &self.sizes[..self.rank]
    }
}

impl Deref for Sizes {
    type Target = [usize];

    fn deref(&self) -> &[usize] {
        self.as_slice()
    }
}

impl fmt::Debug for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

/// A tuple of up to [`MAX_RANK`] dimensions.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    label = "a shape is a tuple of up to 8 dimensions, such as `(usize, Const<3>)`"
)]
pub trait Shape: Copy + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The number of axes.
    const RANK: usize;
    /// The sizes that the type alone says, axis by axis.
    const STATIC: &'static [Option<usize>];
    /// ndarray's dimension of the same rank; `IxDyn` where it has none.
    type NdDim: Dimension;
    /// The shape of these sizes, if the type has it.
    fn from_sizes(sizes: &[usize]) -> Option<Self>;
    /// The sizes.
    fn sizes(&self) -> Sizes;
}

macro_rules! shapes {
    ($($rank:literal $nd:ty: ($($dim:ident $i:tt),*);)*) => {$(
        impl<$($dim: Dim),*> Shape for ($($dim,)*) {
            const RANK: usize = $rank;
            const STATIC: &'static [Option<usize>] = &[$($dim::STATIC),*];
            type NdDim = $nd;

            fn from_sizes(sizes: &[usize]) -> Option<Self> {
                if sizes.len() != $rank {
                    return None;
                }
                Some(($($dim::from_size(sizes[$i])?,)*))
            }

            fn sizes(&self) -> Sizes {
                #[allow(unused_mut)]
                let mut sizes = [0; MAX_RANK];
                $(sizes[$i] = self.$i.size();)*
                Sizes { rank: $rank, sizes }
            }
        }
    )*};
}

shapes! {
    0 Ix0: ();
    1 Ix1: (A 0);
    2 Ix2: (A 0, B 1);
    3 Ix3: (A 0, B 1, C 2);
    4 Ix4: (A 0, B 1, C 2, D 3);
    5 Ix5: (A 0, B 1, C 2, D 3, E 4);
    6 Ix6: (A 0, B 1, C 2, D 3, E 4, F 5);
    7 IxDyn: (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    8 IxDyn: (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}

/// An ndarray dimension whose rank the type says, and the shape that its arrays have.
#[diagnostic::on_unimplemented(
    message = "an array of dimension `{Self}` has no rank that the compiler knows",
    note = "call `.into_dimensionality::<ndarray::Ix2>()` (or the rank it has) first"
)]
pub trait NdRank: Dimension + 'static {
    /// All sizes known at run time.
    type Shape: Shape<NdDim = Self>;
}

macro_rules! nd_ranks {
    ($($nd:ty => $shape:ty),* $(,)?) => {$(
        impl NdRank for $nd {
            type Shape = $shape;
        }
    )*};
}

nd_ranks! {
    Ix0 => (),
    Ix1 => (usize,),
    Ix2 => (usize, usize),
    Ix3 => (usize, usize, usize),
    Ix4 => (usize, usize, usize, usize),
    Ix5 => (usize, usize, usize, usize, usize),
    Ix6 => (usize, usize, usize, usize, usize, usize),
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::{Operand, Tensor};

    crate::dim!(Batch, Feature);

    /// A generated function's signature: `fn linear<B, C>(x: f32[B, 3], w: f32[3, C], y: f32[B]) -> f32[B, C]`.
    fn linear<B: Dim, C: Dim, D0, D1, D2>(
        x: impl Operand<Elem = f32, Shape = (B, D0)>,
        w: impl Operand<Elem = f32, Shape = (D1, C)>,
        y: impl Operand<Elem = f32, Shape = (D2,)>,
    ) -> crate::Result<Tensor<f32, (B, C)>>
    where
        D0: Fits<Const<3>>,
        D1: Fits<Const<3>>,
        D2: Fits<B>,
    {
        let (x, w, _) = (x.raw()?, w.raw()?, y.raw()?);
        crate::AnyTensor::zeros(crate::DType::F32, &[x.sizes()[0], w.sizes()[1]])?.downcast("linear", "result")
    }

    /// A user's own generic function needs `B: Dim` and nothing else.
    fn twice<B: Dim>(
        x: &Tensor<f32, (B, Const<3>)>,
        y: &Tensor<f32, (B,)>,
    ) -> crate::Result<Tensor<f32, (B, Const<3>)>> {
        let square = Tensor::<f32, (Const<3>, Const<3>)>::zeros((Const, Const))?;
        linear(linear(x, &square, y)?, square, y)
    }

    #[test]
    fn operands_are_inferred_without_annotation() {
        let x = Array2::<f32>::zeros((2, 3));
        let w = Array2::<f32>::zeros((3, 4));
        let y = Array1::<f32>::zeros(2);
        assert_eq!(linear(&x, w.view(), &y).unwrap().shape(), (2, 4));
        let named = Tensor::<f32, (Batch, Const<3>)>::zeros((Batch(2), Const)).unwrap();
        let wide = Tensor::<f32, (Const<3>, Feature)>::zeros((Const, Feature(4))).unwrap();
        assert_eq!(linear(&named, &wide, &y).unwrap().shape(), (Batch(2), Feature(4)));
        let labels = Tensor::<f32, (Batch,)>::zeros((Batch(2),)).unwrap();
        assert_eq!(linear(&x, &wide, &labels).unwrap().shape(), (2, Feature(4)));
        assert_eq!(twice(&named, &labels).unwrap().shape(), (Batch(2), Const));
    }

    #[test]
    fn shapes_agree_with_their_types() {
        assert_eq!(<(usize, Const<3>)>::from_sizes(&[2, 3]), Some((2, Const)));
        assert_eq!(<(usize, Const<3>)>::from_sizes(&[2, 4]), None);
        assert_eq!(<(usize, Const<3>)>::from_sizes(&[2]), None);
        assert_eq!(<()>::from_sizes(&[]), Some(()));
        assert_eq!(<(Batch, Const<3>)>::STATIC, [None, Some(3)]);
        assert_eq!(Sizes::new(&[1; 9]), None);
        assert_eq!(format!("{:?}", (Batch(2), Const::<3>).sizes()), "[2, 3]");
    }
}
