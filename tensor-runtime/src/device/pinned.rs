//! Arrays in page-locked memory, and copies that go on beside the program.
//!
//! In: a shape and a device. Out: [`Pinned`], an array of the host's that the device reads and writes without the host;
//! [`Pending`], a copy that is under way. Always: a copy owns the memory that it reads or writes until it is known to be
//! done; so nobody can change or free it meanwhile, and what is dropped or forgotten early is no harm: a pending copy that
//! is dropped waits, one that is forgotten keeps its memory for ever. Next: [`super::copies`].

use std::fmt;
use std::sync::Arc;

use ndarray::{ArrayView, ArrayViewMut, IxDyn};

use super::copies::{Locked, Place};
use super::gpu::Block;
use super::{Device, transfer};
use crate::dims::Shape;
use crate::dtype::{DType, Element};
use crate::error::Result;
use crate::layout::Layout;
use crate::operand::{Operand, RawView};
use crate::storage::{Buffer, Shared, Storage};
use crate::tensor::Tensor;
use crate::view::{nd_view, nd_view_mut};

/// An array in page-locked memory of the host, in row-major order: the memory that a GPU copies from and to by itself, while
/// host and device compute. `Pinned<f32, (usize, usize)>` has the elements of a `Tensor<f32, (usize, usize)>`.
///
/// Page-locked memory is costly to have and no other program's meanwhile: make a few and use them again. What is dropped
/// waits for the next one of about its size, until [`Device::release_memory`]. For [`Device::Cpu`] it is ordinary memory, so a
/// program is the same with and without a GPU:
///
/// ```
/// use ndfuse_runtime::{Device, Pinned};
/// let device = Device::best();
/// let mut batch = Pinned::<f32, _>::zeros((2, 3), &device)?;
/// batch.view_mut()?.fill(1.5);
/// let copy = batch.to_device_async(&device)?;      // goes on by itself
/// // … calls on the device …
/// let (x, batch) = copy.wait()?;                   // the tensor there, and the memory back for the next batch
/// assert_eq!((x.device(), batch.shape()), (device, (2, 3)));
/// let back = x.to_host_async()?.wait()?;
/// assert_eq!(back.slice()?, [1.5; 6]);
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
pub struct Pinned<T: Element, S: Shape> {
    memory: Memory<T>,
    layout: Layout,
    shape: S,
}

#[derive(Debug)]
enum Memory<T: Element> {
    Plain(Buffer<T>),
    Locked(Locked),
}

/// A copy that is under way; `R` is what it answers. Dropped before its end, it waits.
#[must_use = "a copy that is dropped is waited for"]
pub struct Pending<R> {
    /// What it answers, until it is given out.
    result: Option<R>,
    /// Nothing where the copy was done when it was made.
    flight: Option<Flight>,
    /// Makes values of any bytes.
    finish: fn(&mut R),
}

/// The end of a copy, and the memory on the device.
struct Flight {
    end: Place,
    block: Arc<Block>,
}

impl<R> Pending<R> {
    fn begun(result: R, end: Place, block: Arc<Block>, finish: fn(&mut R)) -> Pending<R> {
        Pending { result: Some(result), flight: Some(Flight { end, block }), finish }
    }

    fn done(result: R) -> Pending<R> {
        Pending { result: Some(result), flight: None, finish: |_| () }
    }

    /// Whether [`wait`](Self::wait) would return at once. An error where the device cannot tell.
    ///
    /// ```
    /// use ndfuse_runtime::{Device, Tensor};
    /// let copy = Tensor::<f32, _>::ones((4,))?.to_device(&Device::best())?.to_host_async()?;
    /// while !copy.is_done()? {
    ///     std::thread::yield_now();   // something useful
    /// }
    /// assert_eq!(copy.wait()?.slice()?, [1.0; 4]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn is_done(&self) -> Result<bool> {
        self.flight.as_ref().map_or(Ok(true), |flight| flight.end.is_done())
    }

    /// Waits for the end of the copy, and answers what it brought. An error where it, or what it waited for, failed.
    pub fn wait(mut self) -> Result<R> {
        self.land()?;
        let mut result = self.result.take().ok_or_else(gone)?;
        (self.finish)(&mut result);
        Ok(result)
    }

    /// Waits.
    fn land(&mut self) -> Result<()> {
        let Some(Flight { end, block }) = self.flight.take() else { return Ok(()) };
        // What was waited for may have failed, and the copy may yet go on.
        end.wait().inspect_err(|_| end.settle((block, self.result.take())))
    }
}

fn gone() -> crate::Error {
    crate::Error::layout("wait", "the copy is over")
}

impl<R> Drop for Pending<R> {
    fn drop(&mut self) {
        // Whoever wants to know of an error waits.
        let _ = self.land();
    }
}

impl<R> fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.flight.is_some() { "Pending" } else { "Pending, done" })
    }
}

impl<T: Element> Memory<T> {
    /// Room for so many elements, of any content; it is written before it is read.
    fn new(len: usize, device: &Device) -> Result<Memory<T>> {
        match device.gpu().filter(|_| len > 0) {
            Some(gpu) => Ok(Memory::Locked(Locked::new(gpu, transfer::size_of_elements::<T>(len)?)?)),
            None => Buffer::uninit(len).map(Memory::Plain),
        }
    }
}

impl<T: Element, S: Shape> Pinned<T, S> {
    /// All 0 (`false` for `bool`), in memory that is page-locked for this device.
    ///
    /// An error where it cannot be had, and where the device cannot be used.
    pub fn zeros(shape: S, device: &Device) -> Result<Self> {
        let layout = Layout::contiguous(&shape.sizes())?;
        let mut memory = Memory::new(layout.len(), device)?;
        match &mut memory {
            Memory::Plain(buffer) => buffer.fill(T::default()),
            // SAFETY: the memory is this value's own and has room for so many elements, of which zeros are values.
            Memory::Locked(locked) => unsafe { locked.start().cast::<T>().write_bytes(0, layout.len()) },
        }
        Ok(Pinned { memory, layout, shape })
    }

    /// The shape.
    pub fn shape(&self) -> S {
        self.shape
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// No elements?
    pub fn is_empty(&self) -> bool {
        self.layout.is_empty()
    }

    /// Whether the memory is page-locked; for the host and for no elements it is ordinary memory.
    pub fn is_locked(&self) -> bool {
        matches!(self.memory, Memory::Locked(_))
    }

    /// The elements in row-major order. An error in a process that was forked from the one that has the memory.
    pub fn slice(&self) -> Result<&[T]> {
        match &self.memory {
            Memory::Plain(buffer) => Ok(buffer),
            Memory::Locked(locked) => {
                locked.usable()?;
                // SAFETY: the memory is this value's own, aligned to a page, has room for so many elements, and all of them
                // are values: zeros, what the host wrote, or what a copy that is over brought.
                Ok(unsafe { std::slice::from_raw_parts(locked.start().cast().as_ptr(), self.layout.len()) })
            }
        }
    }

    /// The same to write to.
    pub fn slice_mut(&mut self) -> Result<&mut [T]> {
        match &mut self.memory {
            Memory::Plain(buffer) => Ok(buffer),
            Memory::Locked(locked) => {
                locked.usable()?;
                // SAFETY: as above, and borrowed exclusively.
                Ok(unsafe { std::slice::from_raw_parts_mut(locked.start().cast().as_ptr(), self.layout.len()) })
            }
        }
    }

    /// An `ndarray` view of it, without a copy.
    pub fn view(&self) -> Result<ArrayView<'_, T, S::NdDim>> {
        nd_view(self.slice()?, &self.layout)
    }

    /// An `ndarray` view to write to.
    pub fn view_mut(&mut self) -> Result<ArrayViewMut<'_, T, S::NdDim>> {
        let layout = self.layout;
        nd_view_mut(self.slice_mut()?, &layout)
    }

    /// A tensor of the same elements in ordinary memory, copied.
    pub fn to_tensor(&self) -> Result<Tensor<T, S>> {
        Tensor::from_slice(self.shape, self.slice()?)
    }

    /// Begins to copy it to a device, beside whatever that computes, and returns. [`Pending::wait`] answers the tensor, and
    /// this memory again. To the host, or to another device than the one it was made for, the copy is done when this
    /// returns. The tensor is a constant; [`Tensor::requires_grad`] makes it a leaf.
    ///
    /// An error where the device has no memory for it or cannot be used; this memory is then freed.
    pub fn to_device_async(self, device: &Device) -> Result<Pending<(Tensor<T, S>, Self)>> {
        let Pinned { memory, layout, shape } = self;
        let tensor = |block: &Arc<Block>| {
            let storage = Shared::new(Storage::device(Arc::clone(block)));
            Tensor { storage, layout, shape, track: None }
        };
        match memory {
            Memory::Locked(locked) if device.gpu().is_some_and(|gpu| Arc::ptr_eq(gpu, locked.gpu())) => {
                let (locked, block, end) = locked.upload(layout.len() * size_of::<T>())?;
                let result = (tensor(&block), Pinned { memory: Memory::Locked(locked), layout, shape });
                Ok(Pending::begun(result, end, block, |_| ()))
            }
            memory => {
                let pinned = Pinned { memory, layout, shape };
                let tensor = pinned.to_tensor()?.to_device(device)?;
                Ok(Pending::done((tensor, pinned)))
            }
        }
    }
}

impl<T: Element, S: Shape> Tensor<T, S> {
    /// Begins to copy it to page-locked memory, once it is computed, and returns; [`Pending::wait`] answers the copy, in
    /// row-major order. Of a tensor in host memory the copy is done when this returns. What is written to the tensor
    /// meanwhile does not change the copy.
    ///
    /// An error where there is no memory for it, and where the device cannot be used.
    ///
    /// ```
    /// use ndfuse_runtime::{Device, Tensor};
    /// let x = Tensor::from_vec((2, 2), vec![1, 2, 3, 4])?.to_device(&Device::best())?;
    /// let copy = x.transpose().to_host_async()?;
    /// // … calls on the device …
    /// assert_eq!(copy.wait()?.slice()?, [1, 3, 2, 4]);
    /// # Ok::<(), ndfuse_runtime::Error>(())
    /// ```
    pub fn to_host_async(&self) -> Result<Pending<Pinned<T, S>>> {
        let (device, shape) = (self.device(), self.shape);
        let layout = Layout::contiguous(self.layout.sizes())?;
        let memory = Memory::new(layout.len(), &device)?;
        let locked = match (memory, self.storage.block()) {
            (Memory::Locked(locked), Some(block)) => {
                let (block, from) = match self.layout.is_contiguous() {
                    true => (Arc::clone(block), self.layout.offset()),
                    false => (transfer::contiguous(block, T::DTYPE, &self.layout)?, 0),
                };
                let (at, len) = (from * size_of::<T>(), layout.len() * size_of::<T>());
                let from = block.range(at, len)?;
                locked.download(block, from, len)?
            }
            (memory, _) => {
                let mut pinned = Pinned { memory, layout, shape };
                pinned.slice_mut()?.iter_mut().zip(self.view()?.iter()).for_each(|(to, from)| *to = *from);
                return Ok(Pending::done(pinned));
            }
        };
        let (locked, block, end) = locked;
        let pinned = Pinned { memory: Memory::Locked(locked), layout, shape };
        Ok(Pending::begun(pinned, end, block, truths))
    }
}

/// Of `bool` only 0 and 1 are values, of which the device knows nothing.
fn truths<T: Element, S: Shape>(pinned: &mut Pinned<T, S>) {
    if T::DTYPE == DType::Bool
        && let Memory::Locked(locked) = &pinned.memory
    {
        // SAFETY: the bytes are this value's own, and bytes are initialised whatever the copy brought.
        let bytes = unsafe { std::slice::from_raw_parts_mut(locked.start().as_ptr(), pinned.layout.len()) };
        bytes.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
    }
}

impl<T: Element, S: Shape> Operand for Pinned<T, S> {
    type Elem = T;
    type Shape = S;

    fn raw(&self) -> Result<RawView<'_>> {
        RawView::of_slice(self.slice()?, &self.layout)
    }
}

impl<T: Element, S: Shape> fmt::Debug for Pinned<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Pinned<{}, {:?}>", T::DTYPE, self.layout.sizes())?;
        match self.slice().and_then(|slice| nd_view::<T, IxDyn>(slice, &self.layout)) {
            Ok(view) => fmt::Display::fmt(&view, f),
            Err(error) => fmt::Display::fmt(&error, f),
        }
    }
}
