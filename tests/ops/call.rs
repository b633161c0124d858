//! Calls of functions whose types are known only to the compiler.
//!
//! In: the list of functions that [`super::generate`] writes. Out: a [`Case`]
//! for each, which takes [`View`]s and gives an [`Array`].

use ndarray::{ArrayD, ArrayView, ArrayViewD, ArrayViewMut, ArrayViewMutD, Dimension};
use ndfuse::{bf16, f16};
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::interp::Value;

/// A function of `functions.rs`.
pub struct Case {
    pub name: &'static str,
    pub run: fn(&[View<'_>]) -> ndfuse::Result<Array>,
    /// Writes the result to an array of the right shape.
    pub into: fn(&[View<'_>], &mut Array) -> ndfuse::Result<()>,
}

/// `add_f32(f32: 2, f32: 2) -> f32: 2;` with the dtype and rank of each.
macro_rules! calls {
    ($($name:ident($($t:ident : $rank:literal),*) -> $u:ident : $out:literal;)*) => {
        pub static CASES: &[crate::call::Case] = &[$(crate::call::Case {
            name: stringify!($name),
            run: |args| {
                let mut args = args.iter();
                let y = $name($(crate::call::operand::<$t, ndarray::Dim<[usize; $rank]>>(&mut args)),*)?;
                Ok(crate::call::Array::from(y.view()?.to_owned().into_dyn()))
            },
            into: |args, out| {
                let mut args = args.iter();
                let mut out = crate::call::result::<$u, ndarray::Dim<[usize; $out]>>(out);
                $name::into($(crate::call::operand::<$t, ndarray::Dim<[usize; $rank]>>(&mut args),)* &mut out)
            },
        }),*];
    };
}

/// A dtype that functions are made for.
pub trait Element: ndfuse::Element {
    fn of<'a>(view: &View<'a>) -> Option<ArrayViewD<'a, Self>>;
    fn of_mut(array: &mut Array) -> Option<ArrayViewMutD<'_, Self>>;
}

macro_rules! arrays {
    ($($variant:ident $t:ty, $value:ident $to:ty;)*) => {
        /// An array of any dtype and rank.
        #[derive(Clone, Debug)]
        pub enum Array {
            $($variant(ArrayD<$t>),)*
        }

        /// A view of any dtype and rank.
        pub enum View<'a> {
            $($variant(ArrayViewD<'a, $t>),)*
        }

        $(
            impl Element for $t {
                fn of<'a>(view: &View<'a>) -> Option<ArrayViewD<'a, $t>> {
                    if let View::$variant(view) = view { Some(view.clone()) } else { None }
                }

                fn of_mut(array: &mut Array) -> Option<ArrayViewMutD<'_, $t>> {
                    if let Array::$variant(array) = array { Some(array.view_mut()) } else { None }
                }
            }

            impl From<ArrayD<$t>> for Array {
                fn from(array: ArrayD<$t>) -> Array {
                    Array::$variant(array)
                }
            }
        )*

        impl Array {
            pub fn dtype(&self) -> DType {
                match self {
                    $(Array::$variant(_) => DType::$variant,)*
                }
            }

            pub fn view(&self) -> View<'_> {
                match self {
                    $(Array::$variant(array) => View::$variant(array.view()),)*
                }
            }

            pub fn value(&self) -> Value {
                self.view().value()
            }
        }

        impl View<'_> {
            /// The elements in C order, as the oracle keeps them.
            pub fn value(&self) -> Value {
                match self {
                    $(View::$variant(v) => Value::$value(v.shape(), v.iter().map(|&x| <$to>::from(x)).collect::<Vec<$to>>()),)*
                }
            }
        }

        /// An array of the same type and shape, with its axes reversed in memory.
        pub fn reversed(like: &Array) -> Array {
            match like {
                $(Array::$variant(a) => {
                    let shape: Vec<usize> = a.shape().iter().rev().copied().collect();
                    Array::$variant(ArrayD::default(shape).reversed_axes())
                })*
            }
        }
    };
}

arrays! {
    F32 f32, floats f64;
    F64 f64, floats f64;
    F16 f16, floats f64;
    BF16 bf16, floats f64;
    I32 i32, ints i128;
    I64 i64, ints i128;
    U8 u8, ints i128;
    U64 u64, ints i128;
    Bool bool, bools bool;
}

/// The next argument, in the type that the function wants.
pub fn operand<'a, T: Element, D: Dimension>(args: &mut std::slice::Iter<'_, View<'a>>) -> ArrayView<'a, T, D> {
    let view = args.next().and_then(T::of).expect("an argument of the dtype");
    view.into_dimensionality().expect("an argument of the rank")
}

/// The result's array, in the type that the function wants.
pub fn result<T: Element, D: Dimension>(out: &mut Array) -> ArrayViewMut<'_, T, D> {
    let view = T::of_mut(out).expect("a result of the dtype");
    view.into_dimensionality().expect("a result of the rank")
}
