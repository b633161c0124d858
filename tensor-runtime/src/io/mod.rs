//! Files of named tensors, in the safetensors format.
//!
//! In: a path. Out: [`Archive`], the tensors of a file by name; [`save`], the way back.
//! Always: whatever the bytes are, the answer is tensors or an [`Error`] that names the file; nothing is allocated
//! for a size that the file does not have. Next: [`crate::params`].
//!
//! ```
//! use ndfuse_runtime::{Params, Tensor, io};
//! # let folder = std::env::temp_dir().join(format!("ndfuse-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! let path = folder.join("model.safetensors");
//! let x = Tensor::from_vec((2, 2), vec![1.0f32, 2.0, 3.0, 4.0])?;
//! io::save(&path, [("layers.0.weight", x.clone().into())])?;
//! let mut file = io::Archive::open(&path)?;
//! assert_eq!(file.names().collect::<Vec<_>>(), ["layers.0.weight"]);
//! assert_eq!(file.tensor::<f32, (usize, usize)>("layers.0.weight")?, x);
//! assert!(file.tensor::<f64, (usize, usize)>("layers.0.weight").is_err());
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensorError, SafeTensors, View};

use crate::device::Device;
use crate::dims::Shape;
use crate::dtype::{AnyBuffer, DType, Element};
use crate::error::{Error, Result, WrongTensor};
use crate::layout::Layout;
use crate::params::{Source, Spec};
use crate::storage::Buffer;
use crate::tensor::{AnyTensor, Tensor};

/// The tensors of a safetensors file.
#[derive(Debug)]
pub struct Archive {
    file: Box<str>,
    bytes: Vec<u8>,
    entries: BTreeMap<String, Entry>,
    taken: BTreeSet<String>,
}

#[derive(Debug)]
struct Entry {
    dtype: Dtype,
    sizes: Vec<usize>,
    range: Range<usize>,
}

impl Entry {
    /// As `f32[3, 4]`; a type that tensors do not have by its name in the file.
    fn text(&self) -> Box<str> {
        match known(self.dtype) {
            Some(dtype) => format!("{dtype}{:?}", self.sizes).into(),
            None => format!("{}{:?}", self.dtype, self.sizes).into(),
        }
    }
}

fn known(dtype: Dtype) -> Option<DType> {
    DType::ALL.iter().copied().find(|ours| ours.file() == dtype)
}

impl Archive {
    /// Reads the file and checks that its header and its data agree.
    pub fn open(path: impl AsRef<Path>) -> Result<Archive> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        Archive::from_bytes(path.display().to_string(), bytes)
    }

    /// The same for a file that is in memory already; `file` is its name in errors.
    pub fn from_bytes(file: impl Into<Box<str>>, bytes: Vec<u8>) -> Result<Archive> {
        let file = file.into();
        let format = |reason: String| Error::Format { file: file.clone(), reason: reason.into() };
        if let Some(name) = repeated_key(&bytes) {
            return Err(format(format!("tensor `{name}` is in the header twice")));
        }
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| format(reason(&e, bytes.len())))?;
        let start = header + size_of::<u64>();
        let entries = metadata.tensors().into_iter().map(|(name, info)| {
            let (from, to) = info.data_offsets;
            (name, Entry { dtype: info.dtype, sizes: info.shape.clone(), range: start + from..start + to })
        });
        Ok(Archive { entries: entries.collect(), file, bytes, taken: BTreeSet::new() })
    }

    /// The names of its tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The tensor `name`, which must have this element type and shape.
    pub fn tensor<T: Element, S: Shape>(&mut self, name: &str) -> Result<Tensor<T, S>> {
        self.take(name, &Spec::of::<T, S>())?.downcast("load", name)
    }

    /// An error if a tensor of the file has not been taken.
    pub fn finish(self) -> Result<()> {
        match self.entries.iter().find(|(name, _)| !self.taken.contains(*name)) {
            None => Ok(()),
            Some((name, entry)) => {
                Err(Error::ExtraTensor { file: self.file, name: name.as_str().into(), found: entry.text() })
            }
        }
    }
}

impl Source for Archive {
    fn take(&mut self, name: &str, spec: &Spec) -> Result<AnyTensor> {
        let file = || self.file.clone();
        let entry = self.entries.get(name).ok_or_else(|| Error::MissingTensor {
            file: file(),
            name: name.into(),
            expected: spec.to_string().into(),
        })?;
        let Some(dtype) = known(entry.dtype).filter(|&dtype| spec.admits(dtype, &entry.sizes)) else {
            let (expected, found) = (spec.to_string().into(), entry.text());
            return Err(Error::WrongTensor(Box::new(WrongTensor { file: file(), name: name.into(), expected, found })));
        };
        let layout = Layout::contiguous(&entry.sizes)?;
        // In range: the header was checked against the file's length.
        let bytes = self.bytes.get(entry.range.clone()).unwrap_or_default();
        let buffer = AnyBuffer::from_le(dtype, bytes)?.ok_or_else(|| Error::Format {
            file: file(),
            reason: format!("tensor `{name}` holds bytes that are no {dtype}").into(),
        })?;
        self.taken.insert(name.to_owned());
        AnyTensor::new(buffer, layout)
    }
}

/// What is wrong with a file of `len` bytes.
fn reason(error: &SafeTensorError, len: usize) -> String {
    match error {
        SafeTensorError::HeaderTooSmall => format!("the file is truncated: {len} bytes are no safetensors header"),
        SafeTensorError::InvalidHeaderLength => {
            format!("the file is truncated, or no safetensors file: its header would end after its {len} bytes")
        }
        SafeTensorError::HeaderTooLarge => "no safetensors file: its header would be larger than 100 MB".to_owned(),
        SafeTensorError::MetadataIncompleteBuffer => {
            format!("the file is truncated, or has bytes of no tensor: its header does not account for its {len} bytes")
        }
        SafeTensorError::InvalidHeader(_) => "no safetensors file: its header is not UTF-8".to_owned(),
        SafeTensorError::InvalidHeaderDeserialization(e) => {
            format!("no safetensors file: its header does not parse: {e}")
        }
        other => format!("the header is invalid: {other}"),
    }
}

/// The first key that the header's outer object has twice; a parser would keep only the last.
fn repeated_key(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let mut seen = BTreeSet::new();
    let (mut depth, mut at) = (0usize, 0);
    while let Some(&byte) = header.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let start = at;
                while header.get(at).is_some_and(|&b| b != b'"') {
                    at += if header[at] == b'\\' { 2 } else { 1 };
                }
                let text = header.get(start..at)?;
                at += 1;
                let colon = header.get(at..)?.iter().find(|b| !b.is_ascii_whitespace());
                if depth == 1 && colon == Some(&b':') && !seen.insert(text) {
                    return Some(String::from_utf8_lossy(text).into_owned());
                }
            }
            _ => {}
        }
    }
    None
}

/// Writes named tensors to a safetensors file, which is replaced at the end, or stays as it was.
///
/// ```
/// use ndfuse_runtime::{Tensor, io};
/// let x = Tensor::scalar(1.0f32);
/// assert!(io::save("/no/such/folder/x.safetensors", [("x", x.into())]).is_err());
/// ```
pub fn save<N: Into<String>>(path: impl AsRef<Path>, tensors: impl IntoIterator<Item = (N, AnyTensor)>) -> Result<()> {
    let path = path.as_ref();
    let file = || path.display().to_string().into();
    let mut named = BTreeMap::new();
    for (name, tensor) in tensors {
        let name = name.into();
        if named.contains_key(&name) || name == "__metadata__" {
            let reason = if name == "__metadata__" { "is reserved by the format" } else { "is given twice" };
            return Err(Error::Format { file: file(), reason: format!("the name `{name}` {reason}").into() });
        }
        named.insert(name, Written::new(tensor.to_device(&Device::Cpu)?));
    }
    safetensors::serialize_to_file(named, None, path).map_err(|e| match e {
        SafeTensorError::IoError(e) => Error::io("write", path, e),
        other => Error::Format { file: file(), reason: other.to_string().into() },
    })
}

/// A tensor as the format wants it; its bytes are made when they are written.
struct Written {
    tensor: AnyTensor,
    sizes: Vec<usize>,
}

impl Written {
    fn new(tensor: AnyTensor) -> Written {
        Written { sizes: tensor.sizes().to_vec(), tensor }
    }
}

impl View for Written {
    fn dtype(&self) -> Dtype {
        self.tensor.dtype().file()
    }

    fn shape(&self) -> &[usize] {
        &self.sizes
    }

    fn data(&self) -> Cow<'_, [u8]> {
        // Cannot fail: a tensor's layout lies within its buffer.
        Cow::Owned(self.tensor.to_le().unwrap_or_default())
    }

    fn data_len(&self) -> usize {
        self.sizes.iter().product::<usize>() * self.tensor.dtype().bytes()
    }
}

/// An element as little-endian bytes.
pub(crate) trait Le: Sized {
    fn put(self, out: &mut Vec<u8>);
    /// `None` if the bytes, of the right number, are no value of the type.
    fn get(bytes: &[u8]) -> Option<Self>;
}

macro_rules! le {
    ($($ty:ident)*) => {$(
        impl Le for $ty {
            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }

            fn get(bytes: &[u8]) -> Option<$ty> {
                Some($ty::from_le_bytes(bytes.try_into().ok()?))
            }
        }
    )*};
}

le! { u8 i8 u16 i16 u32 i32 u64 i64 f16 bf16 f32 f64 }

impl Le for bool {
    fn put(self, out: &mut Vec<u8>) {
        out.push(self.into());
    }

    fn get(bytes: &[u8]) -> Option<bool> {
        match bytes {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }
}

/// The elements in `bytes`; `None` if some are no value of the type.
pub(crate) fn from_le<T: Element + Le>(bytes: &[u8]) -> Result<Option<Buffer<T>>> {
    let mut buffer = Buffer::uninit(bytes.len() / size_of::<T>())?;
    for (value, bytes) in buffer.iter_mut().zip(bytes.chunks_exact(size_of::<T>())) {
        let Some(read) = T::get(bytes) else { return Ok(None) };
        *value = read;
    }
    Ok(Some(buffer))
}

/// The elements as bytes.
pub(crate) fn to_le<T: Element + Le>(values: impl Iterator<Item = T>, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len * size_of::<T>());
    values.for_each(|value| value.put(&mut out));
    out
}

#[cfg(test)]
mod tests;
