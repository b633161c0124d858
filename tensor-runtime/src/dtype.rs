//! Element types at run time.
//!
//! In: nothing. Out: [`DType`] and the sealed trait [`Element`] of the Rust types that tensors hold;
//! slices and buffers of them erased to enums ([`AnySlice`], [`AnySliceMut`], [`AnyBuffer`]) and recovered
//! without `unsafe`.
//! Always: every `Element` is plain data for which all-zero bytes are a value.
//! Next: [`crate::dims`].

use std::fmt;
use std::sync::Arc;

use half::{bf16, f16};
use ndarray::IxDyn;

use crate::device::gpu::Block;
use crate::device::{Device, transfer};
use crate::error::Result;
use crate::io;
use crate::layout::Layout;
use crate::operand::{Operand, RawView};
use crate::storage::{Buffer, Elements, ElementsMut, Pool, Shared, Storage};
use crate::view::{gather, nd_view};

/// A Rust type that a tensor can hold. Sealed: the list of [`DType`] is all there is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an element type of tensors",
    label = "tensors hold bool, u8 to u64, i8 to i64, f16, bf16, f32 and f64"
)]
pub trait Element:
    Copy + Default + Send + Sync + PartialEq + PartialOrd + fmt::Debug + fmt::Display + sealed::Sealed + 'static
{
    /// This type's dtype.
    const DTYPE: DType;
}

/// One table of the element types: everything that is per type derives from it. A row has the variant, the type, its name
/// in a file, the type in CUDA C in which its sums are computed, for integers an unsigned one, for they wrap; of a float the
/// type that it is computed in.
macro_rules! elements {
    ($($variant:ident $ty:ident $file:ident $cuda:literal $($computed:ident)?,)*) => {
        /// An element type, known at run time.
        ///
        /// ```
        /// use ndfuse_runtime::{DType, Element};
        /// assert_eq!(f32::DTYPE, DType::F32);
        /// assert_eq!((DType::I64.to_string().as_str(), DType::I64.bytes()), ("i64", 8));
        /// ```
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[allow(missing_docs)]
        pub enum DType { $($variant),* }

        impl DType {
            /// All of them, in the order of the enum.
            pub const ALL: &[DType] = &[$(DType::$variant),*];

            /// The name in the language and in Rust.
            pub const fn name(self) -> &'static str {
                match self { $(DType::$variant => stringify!($ty)),* }
            }

            /// The type in CUDA C in which elements add up as they do here.
            pub(crate) const fn cuda(self) -> &'static str {
                match self { $(DType::$variant => $cuda),* }
            }

            /// The type in a file.
            pub(crate) const fn file(self) -> safetensors::Dtype {
                match self { $(DType::$variant => safetensors::Dtype::$file),* }
            }

            /// Of a float the type that it is computed in: its own, but of the types of 16 bits `f32`.
            pub(crate) const fn computed(self) -> Option<DType> {
                match self { $(DType::$variant => [$(Some(DType::$computed),)? None][0]),* }
            }

            /// The bytes of one element.
            pub const fn bytes(self) -> usize {
                match self { $(DType::$variant => size_of::<$ty>()),* }
            }
        }

        /// Gives the memory of all buffers that wait for reuse back to the system.
        pub fn release_memory() {
            $(<$ty as sealed::Sealed>::pool().clear();)*
        }

        $(/// A value is an operand of no axes.
        impl Operand for $ty {
            type Elem = $ty;
            type Shape = ();

            fn raw(&self) -> Result<RawView<'_>> {
                RawView::scalar(self)
            }
        })*

        /// A shared slice of some element type.
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs)]
        pub enum AnySlice<'a> { $($variant(&'a [$ty])),* }

        /// An exclusive slice of some element type.
        #[derive(Debug)]
        #[allow(missing_docs)]
        pub enum AnySliceMut<'a> { $($variant(&'a mut [$ty])),* }

        /// A [`Buffer`] of some element type.
        #[derive(Debug)]
        #[allow(missing_docs)]
        pub enum AnyBuffer { $($variant(Buffer<$ty>)),* }

        /// The shared storage of a tensor of some element type.
        #[derive(Clone, Debug)]
        #[doc(hidden)]
        pub enum AnyStorage { $($variant(Shared<Storage<$ty>>)),* }

        impl<'a> AnySlice<'a> {
            /// The type of its elements.
            pub fn dtype(&self) -> DType {
                match self { $(AnySlice::$variant(_) => DType::$variant),* }
            }

            /// The number of its elements.
            pub fn len(&self) -> usize {
                match self { $(AnySlice::$variant(s) => s.len()),* }
            }

            /// Where its first element is.
            pub(crate) fn address(&self) -> *mut u8 {
                match self { $(AnySlice::$variant(s) => s.as_ptr().cast_mut().cast()),* }
            }

            /// The bytes of its elements.
            pub(crate) fn bytes(&self) -> &'a [u8] {
                match self { $(AnySlice::$variant(s) => transfer::bytes(s)),* }
            }

            /// A part of it, or `None` if it has no such part.
            pub fn get(self, range: std::ops::Range<usize>) -> Option<AnySlice<'a>> {
                match self { $(AnySlice::$variant(s) => s.get(range).map(AnySlice::$variant)),* }
            }

            /// The elements of `layout` in row-major order, copied.
            pub(crate) fn gather(self, layout: &Layout) -> Result<AnyBuffer> {
                match self {
                    $(AnySlice::$variant(s) => gather(nd_view::<_, IxDyn>(s, layout)?).map(AnyBuffer::$variant)),*
                }
            }
        }

        impl<'a> AnySliceMut<'a> {
            /// The type of its elements.
            pub fn dtype(&self) -> DType {
                match self { $(AnySliceMut::$variant(_) => DType::$variant),* }
            }

            /// The number of its elements.
            pub fn len(&self) -> usize {
                match self { $(AnySliceMut::$variant(s) => s.len()),* }
            }

            /// A part of it, or `None` if it has no such part.
            pub fn get(self, range: std::ops::Range<usize>) -> Option<AnySliceMut<'a>> {
                match self { $(AnySliceMut::$variant(s) => s.get_mut(range).map(AnySliceMut::$variant)),* }
            }

            /// Where its first element is.
            pub(crate) fn address(&mut self) -> *mut u8 {
                match self { $(AnySliceMut::$variant(s) => s.as_mut_ptr().cast()),* }
            }

            /// The same for a shorter time.
            pub fn reborrow(&mut self) -> AnySliceMut<'_> {
                match self { $(AnySliceMut::$variant(s) => AnySliceMut::$variant(s)),* }
            }
        }

        impl AnyBuffer {
            /// [`Buffer::uninit`] of a type known at run time.
            pub fn uninit(dtype: DType, len: usize) -> Result<AnyBuffer> {
                match dtype { $(DType::$variant => Buffer::uninit(len).map(AnyBuffer::$variant)),* }
            }

            /// [`Buffer::zeroed`] of a type known at run time.
            pub fn zeroed(dtype: DType, len: usize) -> Result<AnyBuffer> {
                match dtype { $(DType::$variant => Buffer::zeroed(len).map(AnyBuffer::$variant)),* }
            }

            /// The type of its elements.
            pub fn dtype(&self) -> DType {
                match self { $(AnyBuffer::$variant(_) => DType::$variant),* }
            }

            /// All of it.
            pub fn slice(&self) -> AnySlice<'_> {
                match self { $(AnyBuffer::$variant(b) => AnySlice::$variant(b)),* }
            }

            /// All of it, to write.
            pub fn slice_mut(&mut self) -> AnySliceMut<'_> {
                match self { $(AnyBuffer::$variant(b) => AnySliceMut::$variant(b)),* }
            }

            /// The elements in little-endian `bytes`; `None` if some are no value of the type.
            pub(crate) fn from_le(dtype: DType, bytes: &[u8]) -> Result<Option<AnyBuffer>> {
                match dtype { $(DType::$variant => Ok(io::from_le(bytes)?.map(AnyBuffer::$variant))),* }
            }

            pub(crate) fn into_storage(self) -> AnyStorage {
                match self { $(AnyBuffer::$variant(b) => AnyStorage::$variant(Shared::new(Storage::host(b)))),* }
            }
        }

        impl AnyStorage {
            /// Host memory of so many elements, of unspecified values, and where it begins.
            pub(crate) fn fresh(dtype: DType, len: usize, start: &mut *mut u8) -> Result<AnyStorage> {
                match dtype { $(DType::$variant => Storage::fresh(len, start).map(AnyStorage::$variant)),* }
            }

            #[inline]
            pub(crate) fn dtype(&self) -> DType {
                match self { $(AnyStorage::$variant(_) => DType::$variant),* }
            }

            #[inline]
            pub(crate) fn elements(&self) -> Elements<'_> {
                match self { $(AnyStorage::$variant(s) => s.elements()),* }
            }

            /// A copy on another device.
            pub(crate) fn moved(&self, layout: &Layout, device: &Device) -> Result<(AnyStorage, Layout)> {
                match self {
                    $(AnyStorage::$variant(s) => {
                        let (storage, layout) = transfer::moved(s, layout, device)?;
                        Ok((AnyStorage::$variant(Shared::new(storage)), layout))
                    })*
                }
            }

            /// The same memory on a device.
            pub(crate) fn device(dtype: DType, block: Arc<Block>) -> AnyStorage {
                match dtype { $(DType::$variant => AnyStorage::$variant(Shared::new(Storage::device(block)))),* }
            }

            /// The elements of `layout` in row-major order as little-endian bytes.
            pub(crate) fn to_le(&self, layout: &Layout) -> Result<Vec<u8>> {
                match self {
                    $(AnyStorage::$variant(s) => {
                        let view = nd_view::<_, IxDyn>(s.slice("save")?, layout)?;
                        Ok(io::to_le(view.iter().copied(), view.len()))
                    })*
                }
            }

            /// All of it, to write, if nobody else holds it.
            pub(crate) fn unique(&mut self) -> Option<ElementsMut<'_>> {
                match self { $(AnyStorage::$variant(s) => s.get_mut()?.unique()),* }
            }
        }

        $(
            impl Element for $ty {
                const DTYPE: DType = DType::$variant;
            }

            impl sealed::Sealed for $ty {
                fn pool() -> &'static Pool<$ty> {
                    static POOL: Pool<$ty> = Pool::new();
                    &POOL
                }
                #[inline]
                fn erase(slice: &[$ty]) -> AnySlice<'_> {
                    AnySlice::$variant(slice)
                }
                fn recover(slice: AnySlice<'_>) -> Option<&[$ty]> {
                    if let AnySlice::$variant(s) = slice { Some(s) } else { None }
                }
                fn erase_mut(slice: &mut [$ty]) -> AnySliceMut<'_> {
                    AnySliceMut::$variant(slice)
                }
                fn recover_mut(slice: AnySliceMut<'_>) -> Option<&mut [$ty]> {
                    if let AnySliceMut::$variant(s) = slice { Some(s) } else { None }
                }
                fn erase_buffer(buffer: Buffer<$ty>) -> AnyBuffer {
                    AnyBuffer::$variant(buffer)
                }
                fn erase_storage(storage: Shared<Storage<$ty>>) -> AnyStorage {
                    AnyStorage::$variant(storage)
                }
                #[inline]
                fn recover_storage(storage: AnyStorage) -> std::result::Result<Shared<Storage<$ty>>, AnyStorage> {
                    if let AnyStorage::$variant(s) = storage { Ok(s) } else { Err(storage) }
                }
            }
        )*
    };
}

elements! {
    Bool bool BOOL "unsigned char",
    U8 u8 U8 "unsigned char",
    I8 i8 I8 "unsigned char",
    U16 u16 U16 "unsigned short",
    I16 i16 I16 "unsigned short",
    U32 u32 U32 "unsigned int",
    I32 i32 I32 "unsigned int",
    U64 u64 U64 "unsigned long long",
    I64 i64 I64 "unsigned long long",
    F16 f16 F16 "nd_f16" F32,
    BF16 bf16 BF16 "nd_bf16" F32,
    F32 f32 F32 "float" F32,
    F64 f64 F64 "double" F64,
}

/// `$value`, in which `$t` is the type of the float dtype; for any other dtype `$other`.
macro_rules! with_float {
    ($dtype:expr, $t:ident => $value:expr, $other:pat => $else:expr) => {
        match $dtype {
            $crate::DType::F16 => {
                type $t = ::half::f16;
                $value
            }
            $crate::DType::BF16 => {
                type $t = ::half::bf16;
                $value
            }
            $crate::DType::F32 => {
                type $t = f32;
                $value
            }
            $crate::DType::F64 => {
                type $t = f64;
                $value
            }
            $other => $else,
        }
    };
}
pub(crate) use with_float;

impl DType {
    /// Whether it is one of the floats, which are the types that have gradients.
    pub const fn is_float(self) -> bool {
        self.computed().is_some()
    }
}

/// An [`Element`] that counts: all but `bool`.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a number type of tensors")]
pub trait Number: Element {
    /// One.
    const ONE: Self;
    /// How many steps lie in `start..stop`; `None` where they never end.
    #[doc(hidden)]
    fn steps(start: Self, stop: Self, step: Self) -> Option<usize>;
    /// `start + i * step`, for `i` below what [`steps`](Self::steps) says.
    #[doc(hidden)]
    fn nth(start: Self, step: Self, i: usize) -> Self;
}

macro_rules! integers {
    ($($ty:ident)*) => {$(
        impl Number for $ty {
            const ONE: $ty = 1;

            fn steps(start: $ty, stop: $ty, step: $ty) -> Option<usize> {
                // In i128, where no difference of 64-bit integers overflows.
                let (start, stop, step) = (start as i128, stop as i128, step as i128);
                if step == 0 {
                    return None;
                }
                let distance = if step > 0 { stop - start } else { start - stop };
                usize::try_from((distance.max(0) as u128).div_ceil(step.unsigned_abs())).ok()
            }

            fn nth(start: $ty, step: $ty, i: usize) -> $ty {
                (start as i128 + step as i128 * i as i128) as $ty
            }
        }
    )*};
}

integers! { u8 i8 u16 i16 u32 i32 u64 i64 }

macro_rules! floats {
    ($($ty:ident)*) => {$(
        impl Number for $ty {
            const ONE: $ty = 1.0;

            fn steps(start: $ty, stop: $ty, step: $ty) -> Option<usize> {
                let count = ((stop - start) / step).ceil();
                (count.is_finite() && count < usize::MAX as $ty).then(|| count.max(0.0) as usize)
            }

            fn nth(start: $ty, step: $ty, i: usize) -> $ty {
                start + step * i as $ty
            }
        }
    )*};
}

floats! { f32 f64 }

macro_rules! halves {
    ($($ty:ident)*) => {$(
        impl Number for $ty {
            const ONE: $ty = $ty::ONE;

            fn steps(start: $ty, stop: $ty, step: $ty) -> Option<usize> {
                f32::steps(start.to_f32(), stop.to_f32(), step.to_f32())
            }

            fn nth(start: $ty, step: $ty, i: usize) -> $ty {
                $ty::from_f32(f32::nth(start.to_f32(), step.to_f32(), i))
            }
        }
    )*};
}

halves! { f16 bf16 }

impl AnySlice<'_> {
    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slice, if its elements are of type `T`.
    ///
    /// ```
    /// use ndfuse_runtime::AnySlice;
    /// let any = AnySlice::F32(&[1.0, 2.0]);
    /// assert_eq!(any.typed::<f32>(), Some(&[1.0, 2.0][..]));
    /// assert_eq!(any.typed::<i32>(), None);
    /// ```
    pub fn typed<T: Element>(&self) -> Option<&[T]> {
        T::recover(*self)
    }
}

impl AnySliceMut<'_> {
    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The slice, if its elements are of type `T`.
    pub fn typed<T: Element>(&mut self) -> Option<&mut [T]> {
        T::recover_mut(self.reborrow())
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

pub(crate) mod sealed {
    use super::*;

    /// What the crate needs of an element, and nobody else can add.
    pub trait Sealed: Sized {
        /// The free buffers of this type.
        fn pool() -> &'static Pool<Self>;
        fn erase(slice: &[Self]) -> AnySlice<'_>;
        fn recover(slice: AnySlice<'_>) -> Option<&[Self]>;
        fn erase_mut(slice: &mut [Self]) -> AnySliceMut<'_>;
        fn recover_mut(slice: AnySliceMut<'_>) -> Option<&mut [Self]>;
        fn erase_buffer(buffer: Buffer<Self>) -> AnyBuffer
        where
            Self: Element;
        fn erase_storage(storage: Shared<Storage<Self>>) -> AnyStorage
        where
            Self: Element;
        fn recover_storage(storage: AnyStorage) -> std::result::Result<Shared<Storage<Self>>, AnyStorage>
        where
            Self: Element;
    }
}

#[cfg(test)]
mod tests {
    use super::sealed::Sealed;
    use super::*;

    #[test]
    fn names_are_rust_types() {
        let names: Vec<_> = DType::ALL.iter().map(|d| d.name()).collect();
        assert_eq!(names, ["bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f16", "bf16", "f32", "f64"]);
        assert_eq!(format!("{:>5}", DType::F32), "  f32");
    }

    #[test]
    fn an_erased_slice_is_recovered_only_as_its_own_type() {
        let data = [1.0f32, 2.0];
        assert_eq!(f32::recover(f32::erase(&data)), Some(&data[..]));
        assert_eq!(u32::recover(f32::erase(&data)), None);
    }
}
