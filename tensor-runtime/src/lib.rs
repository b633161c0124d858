//! Tensors, devices and the executor of ndfuse's plans.
//!
//! In: arrays of the host, and plans that the compiler made. Out: tensors, viewed as `ndarray` arrays without a copy.
//! Always: bad input is an [`Error`], never a panic; `unsafe` stays in this crate, each block with its reason.
//! Read first: [`error`], [`dtype`], [`dims`], [`layout`], [`storage`], [`tensor`], [`view`], [`operand`], [`params`].
//!
//! ```
//! use ndarray::array;
//! use ndfuse_runtime::Tensor;
//! let x = Tensor::from(array![[1.0f32, 2.0], [3.0, 4.0]]);
//! println!("{:.3}", x.transpose().view()?);
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

#![deny(unsafe_op_in_unsafe_fn)]

pub mod cast;
pub mod device;
pub mod dim;
pub mod dims;
pub mod dtype;
pub mod error;
pub mod exec;
pub mod int;
pub mod io;
pub mod isa;
mod kept;
pub mod kernel;
pub mod layout;
pub mod math;
pub mod monoid;
pub mod operand;
pub mod params;
pub mod plan;
pub mod roofline;
pub mod storage;
mod tape;
pub mod tensor;
pub mod view;

pub use ::half::{self, bf16, f16};
pub use device::{Device, Event, Info, Pending, Pinned, Products};
pub use dims::{Const, Dim, Fits, MAX_RANK, NdRank, Shape, Sizes};
pub use dtype::{AnyBuffer, AnySlice, AnySliceMut, DType, Element, Number, release_memory};
pub use error::{DeviceFault, Error, Result, Site};
pub use exec::cost::{Cost, Geometry, StepCost};
pub use layout::Layout;
pub use operand::{Operand, OperandMut, RawView, RawViewMut, Typed, TypedMut};
pub use params::{InOrder, Leaf, Params, Path, Source, Spec, check_derived, check_dims, dim_size, raws, results};
pub use roofline::Roofline;
pub use storage::Buffer;
pub use tape::no_grad;
pub use tensor::{AnyTensor, Tensor, ToDevice};
pub use view::TensorView;

/// All that generated code may name.
pub mod rt {
    pub use crate::cast::{Cast, cast};
    pub use crate::exec::cost::{Cost, Geometry, StepCost, cost};
    pub use crate::exec::measure::{Memory, memory};
    pub use crate::exec::{call, call_into, call_list, call_made, call_wanted};
    pub use crate::int;
    pub use crate::isa::Isa;
    pub use crate::kernel::{
        Ahead, Around, CpuKernel, Cx, In, Kernel, Lane, Out, Parts, Piece, Row, RowMut, Rows, RowsMut, Span, Sums,
        TILE, Taps, Tile, Tiles, Windowed, Within, lanes, meet, parts, spread, tiles, unit, valid,
    };
    pub use crate::math::{Divisor, Float, TameDivisor, WholeDivisor};
    pub use crate::monoid::{self, Acc, ColAcc};
    pub use crate::plan::{self, Plan};
    pub use crate::roofline::Roofline;
    pub use crate::tensor::Made;
    pub use ::half::{bf16, f16};

    pub use crate::{
        AnyBuffer, AnySlice, AnySliceMut, AnyTensor, Buffer, Const, DType, Device, Dim, Element, Error, Fits, InOrder,
        Layout, Leaf, NdRank, Operand, OperandMut, Params, Path, RawView, RawViewMut, Result, Shape, Site, Sizes,
        Source, Spec, Tensor, TensorView, ToDevice, Typed, TypedMut, check_derived, check_dims, dim, dim_size, no_grad,
        raws, results,
    };
}
