//! The one error type.
//!
//! In: what went wrong, with the operation, the operands, the axis and the sizes.
//! Out: [`Error`], whose text names all of them and, where there is one, the mend.
//! Always: nothing in this crate panics on bad input; what an [`Error`]
//! carries is boxed, so that a `Result` stays cheap. Next: [`crate::dtype`].
//!
//! ```
//! use ndfuse_runtime::Tensor;
//! let error = Tensor::<f32, (usize, usize)>::from_vec((2, 3), vec![0.0; 5]).unwrap_err();
//! assert_eq!(error.to_string(), "from_vec: shape [2, 3] has 6 elements, but 5 were given");
//! ```

use std::path::Path;

use crate::device::Device;
use crate::dims::Sizes;
use crate::dtype::DType;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A symbolic dimension has two sizes in one call, or in one parameter struct.
    #[error(transparent)]
    DimMismatch(Box<DimMismatch>),
    /// A shape is not the one wanted: another rank, another size, another number of elements.
    #[error(transparent)]
    Shape(Box<ShapeError>),
    /// An operand has another element type than the one wanted.
    #[error("{operation}: `{operand}` holds {found}, but {expected} is wanted")]
    DType { operation: &'static str, operand: Box<str>, found: DType, expected: DType },
    /// An operand is on another device than the one wanted.
    #[error(transparent)]
    Device(Box<DeviceError>),
    /// An axis is out of range, or named twice.
    #[error("{operation}: axis {axis} {reason}, for a shape of rank {rank}")]
    Axis { operation: &'static str, axis: isize, rank: usize, reason: &'static str },
    /// A maximum, or any reduction without a start value, over no elements.
    #[error("{function}: {what} over an axis of size 0 has no value\n  = help: check that the operand is not empty")]
    EmptyReduction { function: &'static str, what: Box<str> },
    /// A `where` clause of a function, or a relation that its shapes need, does not hold for this call.
    #[error(transparent)]
    Requirement(Box<Requirement>),
    /// An index among the elements of an operand is out of range.
    #[error(transparent)]
    Index(Box<IndexError>),
    /// A shape has more elements, or bytes, than an address can count.
    #[error("{operation}: shape {sizes:?} has more elements than memory can address")]
    TooLarge { operation: &'static str, sizes: Box<[usize]> },
    /// Strides and an offset that do not describe valid memory.
    #[error("{operation}: {reason}")]
    Layout { operation: &'static str, reason: Box<str> },
    /// A tensor that the struct needs is not in the file.
    #[error("{file}: there is no tensor `{name}`; {expected} is wanted")]
    MissingTensor { file: Box<str>, name: Box<str>, expected: Box<str> },
    /// A tensor in the file that the struct has no place for.
    #[error("{file}: tensor `{name}`, {found}, has no place in the struct")]
    ExtraTensor { file: Box<str>, name: Box<str>, found: Box<str> },
    /// A tensor of the file has another dtype or shape than the struct's.
    #[error(transparent)]
    WrongTensor(Box<WrongTensor>),
    /// A file that is not what its format says.
    #[error("{file}: {reason}")]
    Format { file: Box<str>, reason: Box<str> },
    /// The operating system refused to read or write.
    #[error("{operation} {file}: {source}")]
    Io { operation: &'static str, file: Box<str>, source: std::io::Error },
    /// A device that is not there, or cannot be used.
    #[error(transparent)]
    DeviceUnavailable(Box<DeviceUnavailable>),
    /// No memory of that size could be had.
    #[error("out of memory: {bytes} bytes on {device}\n  = help: drop what is not needed, or work on a part at a time")]
    OutOfMemory { device: Box<str>, bytes: usize },
    /// An event that was not recorded has no time.
    #[error("{operation}: the {which} event was not recorded\n  = help: call `.record()` on it before")]
    NotRecorded { operation: &'static str, which: &'static str },
    /// A combination that this version does not have.
    #[error("{operation}: {reason}")]
    Unsupported { operation: &'static str, reason: Box<str> },
    /// A gradient that cannot be had.
    #[error(transparent)]
    Gradient(Box<GradientError>),
    /// A kernel or a plan broke its own rules: a fault of the compiler, not of the caller.
    #[error("{function}: internal error: {reason}")]
    Internal { function: &'static str, reason: Box<str> },
}

/// One place where a dimension takes its size: axis `axis` of `operand`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The operand's, or the parameter's, name.
    pub operand: Box<str>,
    /// Counted from 0.
    pub axis: usize,
    /// The size found there.
    pub size: usize,
}

impl Site {
    /// The site of `size` at `axis` of `operand`.
    pub fn new(operand: impl Into<Box<str>>, axis: usize, size: usize) -> Site {
        Site { operand: operand.into(), axis, size }
    }
}

/// See [`Error::DimMismatch`].
#[derive(Debug, thiserror::Error)]
#[error(
    "{function}: `{symbol}` is {} from `{}` but {} from `{}`\n  = note: axis {} of `{}`, axis {} of `{}`",
    .first.size, .first.operand, .second.size, .second.operand,
    .first.axis, .first.operand, .second.axis, .second.operand
)]
pub struct DimMismatch {
    /// The function, or the parameter struct.
    pub function: &'static str,
    /// The dimension's name.
    pub symbol: &'static str,
    /// Where it was bound.
    pub first: Site,
    /// Where it was found again.
    pub second: Site,
}

/// See [`Error::Shape`].
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {reason}")]
pub struct ShapeError {
    /// What was being done.
    pub operation: &'static str,
    /// The shape that was found.
    pub found: Box<[usize]>,
    /// The axis at fault, where it is one axis.
    pub axis: Option<usize>,
    /// The whole sentence, both shapes included.
    pub reason: Box<str>,
}

/// See [`Error::Device`].
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {operand} is on {found}, but {}: call `.{mend}`", wanted(.other, .expected))]
pub struct DeviceError {
    /// What was being done.
    pub operation: &'static str,
    /// The operand, or what it is.
    pub operand: Box<str>,
    /// Where the operand is.
    pub found: Box<str>,
    /// The operand that is elsewhere, if it is one.
    pub other: Option<Box<str>>,
    /// Where the operand should be, or where the other is.
    pub expected: Box<str>,
    /// The call that mends it.
    pub mend: &'static str,
}

fn wanted(other: &Option<Box<str>>, expected: &str) -> String {
    match other {
        Some(other) => format!("{other} is on {expected}"),
        None => format!("{expected} is wanted"),
    }
}

/// See [`Error::Requirement`].
#[derive(Debug, thiserror::Error)]
#[error("{function}: {what} does not hold: the left side is {left}, the right side is {right}")]
pub struct Requirement {
    /// The function.
    pub function: &'static str,
    /// The relation, as it was written.
    pub what: Box<str>,
    /// The value of its left side.
    pub left: i64,
    /// The value of its right side.
    pub right: i64,
}

/// See [`Error::Index`].
#[derive(Debug, thiserror::Error)]
#[error("{function}: `{operation}`: index {index} is out of range for an axis of size {size}\n  = help: {}", mend(*.size))]
pub struct IndexError {
    /// The function.
    pub function: &'static str,
    /// What was done at the index.
    pub operation: &'static str,
    /// The index; of several that are out of range, the least.
    pub index: i64,
    /// The size of the axis.
    pub size: usize,
}

/// The mend for an index of an axis of this size.
fn mend(size: usize) -> String {
    match size {
        0 => "the axis has no elements; give no index".into(),
        n => format!("indices go from -{n} to {}; check them before the call, or `clip` them", n - 1),
    }
}

/// See [`Error::WrongTensor`].
#[derive(Debug, thiserror::Error)]
#[error("{file}: tensor `{name}` is {found}, but {expected} is wanted")]
pub struct WrongTensor {
    /// The file.
    pub file: Box<str>,
    /// The tensor's dotted name.
    pub name: Box<str>,
    /// What the struct wants, as `f32[3, _]`.
    pub expected: Box<str>,
    /// What the file has, as `f32[3, 4]`.
    pub found: Box<str>,
}

/// See [`Error::DeviceUnavailable`].
#[derive(Debug, thiserror::Error)]
#[error("{device} {fault}\n  = help: {}", .fault.mend())]
pub struct DeviceUnavailable {
    /// The device, as `cuda:0`.
    pub device: Box<str>,
    /// Why it cannot be used.
    pub fault: DeviceFault,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceFault {
    /// No device has that name.
    #[error("is not available: there is no device of that name")]
    UnknownName,
    /// The crate was built without its feature `cuda`.
    #[error("is not available: this build is without CUDA")]
    NotBuilt,
    /// There is no CUDA driver on the machine.
    #[error("is not available: there is no CUDA driver on this machine")]
    NoDriver,
    /// The driver is older than what is asked of it, as `12.2` and `13.0`.
    #[error("is not available: its driver is for CUDA {found}, but {needed} is needed")]
    OldDriver { found: Box<str>, needed: Box<str> },
    /// The driver finds no GPU.
    #[error("is not available: the CUDA driver finds no GPU")]
    NoGpu,
    /// There are GPUs, but not so many.
    #[error("is not available: this machine has {count} CUDA device(s), numbered from 0")]
    NoSuchDevice { count: usize },
    /// NVRTC, which compiles kernels, is not there.
    #[error("cannot compile kernels: NVRTC, CUDA's run-time compiler, is not found")]
    NoCompiler,
    /// NVRTC has no machine code for the device: it is older than that, or so new that it knows it no more.
    #[error("cannot compile kernels: {compiler} does not know the device's architecture, {architecture}")]
    OtherCompiler { compiler: Box<str>, architecture: Box<str> },
    /// The device failed once, and answers nothing any more.
    #[error("was lost: {0}")]
    Lost(Box<str>),
    /// The process was forked after the device was first used; the driver does not survive that.
    #[error("cannot be used: this process was forked from one that uses it")]
    Forked,
    /// Something else failed.
    #[error("failed at {call}: {reason}")]
    Failed { call: &'static str, reason: Box<str> },
}

impl DeviceFault {
    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            DeviceFault::UnknownName => "write `cpu`, `gpu`, `cuda` or `cuda:N` with a number, such as `cuda:0`",
            DeviceFault::NotBuilt => "switch the feature `cuda` of `ndfuse` on, or use `Device::Cpu`",
            DeviceFault::NoDriver | DeviceFault::NoGpu => {
                "install NVIDIA's driver, use `Device::Cpu`, or `Device::best()` to take whatever there is"
            }
            DeviceFault::OldDriver { .. } => "update NVIDIA's driver, or use `Device::Cpu`",
            DeviceFault::NoSuchDevice { .. } => "use a lower number, or `Device::best()` to take whatever there is",
            DeviceFault::NoCompiler => {
                "install it (`pip install nvidia-cuda-nvrtc` or the CUDA toolkit), and name the file in `NDFUSE_NVRTC` where the loader does not find it"
            }
            DeviceFault::OtherCompiler { .. } => {
                "install the NVRTC of a CUDA that has the GPU (`pip install -U nvidia-cuda-nvrtc` is the newest), and name the file in `NDFUSE_NVRTC`"
            }
            DeviceFault::Lost(_) => "start the process again; tensors in host memory and `Device::Cpu` still work",
            DeviceFault::Forked => "open the device after the fork, or start a new process instead",
            DeviceFault::Failed { .. } => "use `Device::Cpu`; if it happens again, please report it",
        }
    }
}

/// See [`Error::Gradient`].
#[derive(Debug, thiserror::Error)]
#[error("{function}: {fault}\n  = help: {}", .fault.mend())]
pub struct GradientError {
    /// The function, or the operation, where the gradient stops.
    pub function: &'static str,
    /// Why it does.
    pub fault: GradientFault,
}

/// Why there is no gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GradientFault {
    /// The tensor was computed from no leaf, or without recording.
    #[error("the tensor is not tracked")]
    Untracked,
    /// The tensor is not a single number.
    #[error("a tensor of shape {0:?} is not one number")]
    NotScalar(Sizes),
    /// The function has no gradient.
    #[error("the function has no gradient")]
    NoGradient,
    /// The function has no gradient for this operand.
    #[error("the function has no gradient for `{0}`")]
    Operand(&'static str),
    /// An earlier walk freed what the function's gradient needs.
    #[error("what the gradient needs was freed by an earlier `backward`")]
    Freed,
    /// The tensor is no longer what was computed.
    #[error("a result of tracked tensors was written to, and so has no gradient any more")]
    Written,
    /// A leaf is to become the result of a recorded function.
    #[error("a leaf cannot take the result of a function of tracked tensors")]
    IntoLeaf,
}

impl GradientFault {
    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            GradientFault::Untracked => {
                "call `.requires_grad()` on the tensors to differentiate by, and compute this one outside of `no_grad`"
            }
            GradientFault::NotScalar(_) => {
                "sum it first, or call `.backward_with(&cotangent)` with a cotangent of its shape"
            }
            GradientFault::NoGradient => "call `.detach()` on its operands or its result to take it as a constant",
            GradientFault::Operand(_) => "call `.detach()` on that operand to take it as a constant",
            GradientFault::Freed => {
                "call the functions again, or sum the results and go back once, or call `.backward_retain()` before"
            }
            GradientFault::Written => "call `.detach()` on it before it is written to, or write to a new tensor",
            GradientFault::IntoLeaf => "call the function within `no_grad`, or give it another tensor to write to",
        }
    }
}

impl Error {
    /// Two sizes for one symbolic dimension.
    ///
    /// ```
    /// use ndfuse_runtime::{Error, Site};
    /// let e = Error::dim_mismatch("loss", "B", Site::new("x", 0, 32), Site::new("y", 0, 31));
    /// assert!(e.to_string().starts_with("loss: `B` is 32 from `x` but 31 from `y`"));
    /// ```
    #[cold]
    pub fn dim_mismatch(function: &'static str, symbol: &'static str, first: Site, second: Site) -> Error {
        Error::DimMismatch(Box::new(DimMismatch { function, symbol, first, second }))
    }

    /// A shape that is not the one wanted; `reason` is the whole sentence.
    #[cold]
    pub fn shape(operation: &'static str, found: &[usize], axis: Option<usize>, reason: impl Into<Box<str>>) -> Error {
        Error::Shape(Box::new(ShapeError { operation, found: found.into(), axis, reason: reason.into() }))
    }

    /// A relation between dimensions that does not hold.
    #[cold]
    pub fn requirement(function: &'static str, what: impl Into<Box<str>>, left: i64, right: i64) -> Error {
        Error::Requirement(Box::new(Requirement { function, what: what.into(), left, right }))
    }

    /// An index out of range.
    ///
    /// ```
    /// use ndfuse_runtime::Error;
    /// let e = Error::index("rows", "take", 7, 5);
    /// assert!(e.to_string().starts_with("rows: `take`: index 7 is out of range for an axis of size 5"));
    /// ```
    #[cold]
    pub fn index(function: &'static str, operation: &'static str, index: i64, size: usize) -> Error {
        Error::Index(Box::new(IndexError { function, operation, index, size }))
    }

    /// A reduction over no elements that has no value.
    #[cold]
    pub fn empty_reduction(function: &'static str, what: impl Into<Box<str>>) -> Error {
        Error::EmptyReduction { function, what: what.into() }
    }

    /// A shape that no address can count.
    #[cold]
    pub fn too_large(operation: &'static str, sizes: &[usize]) -> Error {
        Error::TooLarge { operation, sizes: sizes.into() }
    }

    /// Strides or an offset outside the memory.
    #[cold]
    pub fn layout(operation: &'static str, reason: impl Into<Box<str>>) -> Error {
        Error::Layout { operation, reason: reason.into() }
    }

    /// An operand on the wrong device.
    #[cold]
    pub fn device(
        operation: &'static str,
        found: impl std::fmt::Display,
        expected: impl std::fmt::Display,
        mend: &'static str,
    ) -> Error {
        let (found, expected) = (found.to_string().into(), expected.to_string().into());
        let operand = "tensor".into();
        Error::Device(Box::new(DeviceError { operation, operand, found, other: None, expected, mend }))
    }

    /// A device that cannot be used.
    ///
    /// ```
    /// use ndfuse_runtime::{DeviceFault, Error};
    /// let e = Error::unavailable("cuda:0", DeviceFault::NoGpu);
    /// assert!(e.to_string().starts_with("cuda:0 is not available: the CUDA driver finds no GPU"));
    /// ```
    #[cold]
    pub fn unavailable(device: impl Into<Box<str>>, fault: DeviceFault) -> Error {
        Error::DeviceUnavailable(Box::new(DeviceUnavailable { device: device.into(), fault }))
    }

    /// Operands on two devices; each is a name and where it is.
    ///
    /// ```
    /// use ndfuse_runtime::{Device, Error};
    /// let e = Error::devices("loss", ("w", &Device::Cpu), ("x", &Device::Cpu));
    /// assert_eq!(e.to_string(), "loss: `w` is on cpu, but `x` is on cpu: call `.to_device(&device)`");
    /// ```
    #[cold]
    pub fn devices(operation: &'static str, one: (&str, &Device), other: (&str, &Device)) -> Error {
        let name = |(name, device): (&str, &Device)| (format!("`{name}`").into(), device.to_string().into());
        let ((operand, found), (other, expected)) = (name(one), name(other));
        let mend = "to_device(&device)";
        Error::Device(Box::new(DeviceError { operation, operand, found, other: Some(other), expected, mend }))
    }

    /// A combination that this version does not have.
    #[cold]
    pub fn unsupported(operation: &'static str, reason: impl Into<Box<str>>) -> Error {
        Error::Unsupported { operation, reason: reason.into() }
    }

    /// A gradient that cannot be had.
    #[cold]
    pub fn gradient(function: &'static str, fault: GradientFault) -> Error {
        Error::Gradient(Box::new(GradientError { function, fault }))
    }

    #[cold]
    pub(crate) fn io(operation: &'static str, file: &Path, source: std::io::Error) -> Error {
        Error::Io { operation, file: file.display().to_string().into(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_cheap() {
        assert!(size_of::<Error>() <= 7 * size_of::<usize>(), "{}", size_of::<Error>());
    }

    #[test]
    fn texts_name_both_sides() {
        let text = Error::dim_mismatch("f", "B", Site::new("x", 0, 32), Site::new("y", 1, 31)).to_string();
        assert_eq!(text, "f: `B` is 32 from `x` but 31 from `y`\n  = note: axis 0 of `x`, axis 1 of `y`");
        let text = Error::device("view", "cuda:0", "cpu", "to_host()").to_string();
        assert_eq!(text, "view: tensor is on cuda:0, but cpu is wanted: call `.to_host()`");
        let text = Error::requirement("f", "`C % 2 == 0`", 1, 0).to_string();
        assert_eq!(text, "f: `C % 2 == 0` does not hold: the left side is 1, the right side is 0");
    }
}
