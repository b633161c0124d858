//! Memory of tensors, and the reuse of the host's.
//!
//! In: a number of elements, or a `Vec` of the caller's. Out: [`Buffer`], memory that goes back to a pool
//! of its element type when dropped; `Storage`, the buffer that clones of a tensor share, and what is kept of its elements
//! in another order.
//! Always: a buffer is a part of a `Vec<T>` with its own allocator's alignment, never anything else, so that an `ndarray`
//! array is taken and given back without a copy; all its elements are initialised (a reused buffer holds the old
//! values of its last owner, a fresh one zeros), so no read needs `unsafe`. One of 4 KB or more that is allocated here begins
//! with a cache line, less than a page behind the beginning of its `Vec`. A result of up to 32 elements has no buffer: it lies in its
//! storage, one allocation for both.
//! Next: [`crate::tensor`].
//!
//! ```
//! use ndfuse_runtime::Buffer;
//! let mut buffer = Buffer::<f32>::uninit(1000)?;      // some values
//! buffer.fill(1.0);
//! let at = buffer.as_ptr();
//! drop(buffer);                                       // to the pool
//! let again = Buffer::<f32>::uninit(1000)?;
//! assert_eq!(again.as_ptr(), at);
//! let vec = again.into_vec();                         // the very memory, out of the pool's sight
//! assert_eq!((vec.as_ptr(), vec.len()), (at, 1000));
//! assert!(Buffer::<f32>::uninit(5000)?.as_ptr().addr().is_multiple_of(64));
//! # Ok::<(), ndfuse_runtime::Error>(())
//! ```

#[cfg(test)]
pub(crate) mod meter;
mod pool;
mod shared;

use std::alloc;
use std::fmt;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::device::gpu::Block;
use crate::dtype::{AnySlice, AnySliceMut, DType, Element, release_memory};
use crate::error::{Error, Result};
use crate::kept::Kept;
use crate::kernel::cache::{LINE, PAGE};

pub use pool::Pool;
use pool::SMALLEST_POOLED_BYTES;
pub(crate) use pool::{give_back, spare};
pub use shared::Shared;

/// Memory of so many bytes begins with a cache line, for half of the vectors that lie elsewhere are on two.
const LEAST_ALIGNED: usize = 4 << 10;
/// Memory of so many bytes begins with the second half of a page. A load waits for a store not long before it whose place in its
/// page is the same, and an allocator's arrays begin a little behind the beginning of one: what is written had better not begin a
/// little behind what is read.
const LEAST_APART: usize = 64 << 10;
/// A result of so few elements lies in its storage: a sum, a loss, a short vector.
const NEAR: usize = 32;
/// Fresh memory of so many bytes asks for large pages.
const LARGE_PAGES_BYTES: usize = 4 << 20;

/// Host memory of `len` elements, all initialised, which is reused once it is dropped. Derefs to a slice.
pub struct Buffer<T: Element> {
    /// The elements and what lies around them, all of it initialised.
    vec: Vec<T>,
    len: usize,
    /// The position of the first one, less than a page.
    start: u16,
    /// Did the memory come from the pool's own allocation? A caller's `Vec` goes back to the allocator.
    pooled: bool,
}

impl<T: Element> Buffer<T> {
    /// Memory whose values are unspecified: whatever its last use left, or zeros.
    #[inline]
    pub fn uninit(len: usize) -> Result<Buffer<T>> {
        Ok(Buffer::of(len, slack(size_of::<T>(), len))?.0)
    }

    /// Memory of zeros (`false` for `bool`).
    pub fn zeroed(len: usize) -> Result<Buffer<T>> {
        let (mut buffer, fresh) = Buffer::of(len, slack(size_of::<T>(), len))?;
        if !fresh {
            buffer.fill(T::default());
        }
        Ok(buffer)
    }

    /// [`uninit`](Self::uninit) to become a `Vec`: it begins where its memory does.
    pub(crate) fn flush(len: usize) -> Result<Buffer<T>> {
        Ok(Buffer::of(len, 0)?.0)
    }

    /// Memory that begins with a line where up to `slack` elements before it allow it. Is it fresh, hence of zeros?
    #[inline]
    fn of(len: usize, slack: usize) -> Result<(Buffer<T>, bool)> {
        let whole = len.saturating_add(slack);
        let (vec, fresh) = match T::pool().take(whole) {
            Some(vec) => (vec, false),
            None => (fresh(len, whole)?, true),
        };
        let start = inset(&vec, slack) as u16;
        let buffer = Buffer { vec, len, start, pooled: true };
        #[cfg(test)]
        meter::grow(&buffer);
        Ok((buffer, fresh))
    }

    /// Where the first element is.
    #[inline]
    fn first(&mut self) -> *mut T {
        self.vec.as_mut_ptr().wrapping_add(usize::from(self.start))
    }

    /// The caller's own memory, as it is.
    pub fn from_vec(vec: Vec<T>) -> Buffer<T> {
        Buffer { len: vec.len(), vec, start: 0, pooled: false }
    }

    /// The elements as a `Vec` in the memory that they have, which no longer returns to the pool. They move to its beginning
    /// where that is no cache line.
    pub fn into_vec(self) -> Vec<T> {
        let (mut vec, start) = self.into_vec_and_start();
        vec.drain(..start);
        vec
    }

    /// The memory as a `Vec`, and the position in it from which on the elements are its last ones.
    pub(crate) fn into_vec_and_start(mut self) -> (Vec<T>, usize) {
        let mut vec = std::mem::take(&mut self.vec);
        let start = usize::from(self.start);
        vec.truncate(start + self.len);
        (vec, start)
    }

    /// A copy, or [`Error::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Buffer<T>> {
        let mut copy = Buffer::uninit(self.len)?;
        copy.copy_from_slice(self);
        Ok(copy)
    }
}

impl<T: Element> Drop for Buffer<T> {
    fn drop(&mut self) {
        #[cfg(test)]
        meter::shrink(self);
        // What is small is dropped where it is.
        if self.pooled && self.vec.len() >= SMALLEST_POOLED_BYTES / size_of::<T>() {
            T::pool().put(std::mem::take(&mut self.vec));
        }
    }
}

impl<T: Element> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.vec[usize::from(self.start)..][..self.len]
    }
}

impl<T: Element> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.vec[usize::from(self.start)..][..self.len]
    }
}

impl<T: Element> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>({})", T::DTYPE, self.len)
    }
}

/// The elements by which memory that begins where it had better begin is longer.
#[inline]
pub(crate) fn slack(width: usize, len: usize) -> usize {
    match len.saturating_mul(width) {
        ..LEAST_ALIGNED => 0,
        LEAST_ALIGNED..LEAST_APART => LINE / width - 1,
        LEAST_APART.. => PAGE / width - 1,
    }
}

/// The position in such memory at which it had better begin.
#[inline]
fn inset<T>(vec: &[T], slack: usize) -> usize {
    let start = vec.as_ptr();
    match slack * size_of::<T>() {
        0 => 0,
        1..LINE => start.align_offset(LINE).min(slack),
        LINE.. => start.wrapping_byte_add(PAGE / 2).align_offset(PAGE).min(slack),
    }
}

/// Memory of zeros, `whole` of them, of which `len` are wanted.
#[inline]
fn fresh<T: Element>(len: usize, whole: usize) -> Result<Vec<T>> {
    let start = allocated::<T>(len, whole)?;
    // SAFETY: it is from the global allocator, for exactly so many elements of `T`, all initialised.
    Ok(unsafe { Vec::from_raw_parts(start.as_ptr(), whole, whole) })
}

/// Where that memory is, and nowhere for no elements: an address alone, for a `Vec` would be copied on its way.
fn allocated<T: Element>(len: usize, whole: usize) -> Result<NonNull<T>> {
    let too_large = || Error::too_large("allocate", &[len]);
    let layout = alloc::Layout::array::<T>(whole).map_err(|_| too_large())?;
    if layout.size() == 0 {
        return Ok(NonNull::dangling());
    }
    // An allocator hands out a little memory faster than it does memory of zeros.
    let small = layout.size() < SMALLEST_POOLED_BYTES;
    // SAFETY: the layout is not of size 0 (just checked).
    let allocate = || unsafe { if small { alloc::alloc(layout) } else { alloc::alloc_zeroed(layout) } };
    let memory = NonNull::new(allocate()).or_else(|| {
        release_memory();
        NonNull::new(allocate())
    });
    let Some(memory) = memory else {
        return Err(Error::OutOfMemory { device: "cpu".into(), bytes: layout.size() });
    };
    if small {
        // SAFETY: the memory was just allocated, of this size.
        unsafe { memory.write_bytes(0, layout.size()) };
    }
    if layout.size() >= LARGE_PAGES_BYTES {
        ask_for_large_pages(memory.as_ptr(), layout.size());
    }
    // Zero bytes are a value of every `Element` (a sealed list of numbers and `bool`).
    Ok(memory.cast())
}

/// Asks the system to back memory with large pages where it does so on request, as NumPy does: a kernel that goes
/// through small ones spends much of its time on finding them.
fn ask_for_large_pages(memory: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    {
        // A multiple of what pages are on any processor.
        const WHOLE: usize = 64 << 10;
        let inset = memory.align_offset(WHOLE);
        let whole = bytes.saturating_sub(inset) / WHOLE * WHOLE;
        // SAFETY: the range lies within memory that was just allocated; this advice changes no byte of it. A
        // refusal is no error: pages stay as they are.
        unsafe { libc::madvise(memory.wrapping_add(inset).cast(), whole, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (memory, bytes);
}

/// What clones and views of one tensor share.
#[derive(Debug)]
#[doc(hidden)]
pub struct Storage<T: Element> {
    /// To be written to by way of [`Storage::exclusive`] alone.
    memory: Memory<T>,
    kept: Kept,
}

#[derive(Debug)]
enum Memory<T: Element> {
    Host(Buffer<T>),
    /// A few elements, the first so many: a result of a call, which takes no memory besides.
    Near([T; NEAR], usize),
    Device(Arc<Block>),
}

impl<T: Element> Storage<T> {
    pub(crate) fn host(buffer: Buffer<T>) -> Storage<T> {
        Storage { memory: Memory::Host(buffer), kept: Kept::default() }
    }

    /// The memory of a result, and where it begins: of unspecified values.
    #[inline(always)]
    pub(crate) fn fresh(len: usize, start: &mut *mut u8) -> Result<Shared<Storage<T>>> {
        // Where it stays: what is made elsewhere is moved there while it is still on its way to the cache.
        let write = |to: &mut MaybeUninit<Storage<T>>| {
            let storage = if len <= NEAR {
                #[cfg(test)]
                meter::near::<T>(len);
                to.write(Storage { memory: Memory::Near([T::default(); NEAR], len), kept: Kept::default() })
            } else {
                to.write(Storage::host(Buffer::uninit(len)?))
            };
            *start = match &mut storage.memory {
                Memory::Near(elements, _) => elements.as_mut_ptr().cast(),
                Memory::Host(buffer) => buffer.first().cast(),
                Memory::Device(_) => unreachable!("it was made just before"),
            };
            Ok(())
        };
        // SAFETY: it is written, or that is an error.
        unsafe { Shared::written(write) }
    }

    pub(crate) fn device(block: Arc<Block>) -> Storage<T> {
        Storage { memory: Memory::Device(block), kept: Kept::default() }
    }

    /// The memory to write to. What was kept of it is forgotten, and nothing is kept until the borrow ends, for that takes
    /// another borrow.
    #[inline]
    fn exclusive(&mut self) -> &mut Memory<T> {
        self.kept.clear();
        &mut self.memory
    }

    /// What is kept of its elements.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// The memory on a device, where it is on one.
    #[inline]
    pub(crate) fn block(&self) -> Option<&Arc<Block>> {
        match &self.memory {
            Memory::Host(_) | Memory::Near(..) => None,
            Memory::Device(block) => Some(block),
        }
    }

    /// All elements; an error where they are not in host memory.
    pub(crate) fn slice(&self, operation: &'static str) -> Result<&[T]> {
        match &self.memory {
            Memory::Host(buffer) => Ok(buffer),
            Memory::Near(elements, len) => Ok(&elements[..*len]),
            Memory::Device(block) => Err(elsewhere(operation, block)),
        }
    }

    pub(crate) fn slice_mut(&mut self, operation: &'static str) -> Result<&mut [T]> {
        match self.exclusive() {
            Memory::Host(buffer) => Ok(buffer),
            Memory::Near(elements, len) => Ok(&mut elements[..*len]),
            Memory::Device(block) => Err(elsewhere(operation, block)),
        }
    }

    pub(crate) fn into_buffer(self, operation: &'static str) -> Result<Buffer<T>> {
        match self.memory {
            Memory::Host(buffer) => Ok(buffer),
            Memory::Near(elements, len) => {
                let mut buffer = Buffer::uninit(len)?;
                buffer.copy_from_slice(&elements[..len]);
                Ok(buffer)
            }
            Memory::Device(block) => Err(elsewhere(operation, &block)),
        }
    }

    /// All elements, wherever they are.
    #[inline]
    pub(crate) fn elements(&self) -> Elements<'_> {
        match &self.memory {
            Memory::Host(buffer) => Elements::Host(T::erase(buffer)),
            Memory::Near(elements, len) => Elements::Host(T::erase(&elements[..*len])),
            Memory::Device(block) => Elements::Device(block, T::DTYPE),
        }
    }

    /// The same to write to, if nobody else holds the memory.
    #[inline]
    pub(crate) fn unique(&mut self) -> Option<ElementsMut<'_>> {
        match self.exclusive() {
            Memory::Host(buffer) => Some(ElementsMut::Host(T::erase_mut(buffer))),
            Memory::Near(elements, len) => Some(ElementsMut::Host(T::erase_mut(&mut elements[..*len]))),
            Memory::Device(block) => {
                Arc::get_mut(block)?;
                Some(ElementsMut::Device(block, T::DTYPE))
            }
        }
    }
}

#[cold]
fn elsewhere(operation: &'static str, block: &Block) -> Error {
    Error::device(operation, block.gpu().name(), "cpu", "to_host()")
}

/// The elements of a tensor of a type known at run time: in host memory, or on a device.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Elements<'a> {
    Host(AnySlice<'a>),
    Device(&'a Arc<Block>, DType),
}

/// The same to write to: nobody else holds the memory.
#[derive(Debug)]
pub(crate) enum ElementsMut<'a> {
    Host(AnySliceMut<'a>),
    Device(&'a Arc<Block>, DType),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_are_errors() {
        assert!(matches!(Buffer::<f32>::uninit(usize::MAX), Err(Error::TooLarge { .. })));
        assert!(matches!(Buffer::<f64>::zeroed(1 << 61), Err(Error::TooLarge { .. })));
        assert!(matches!(Buffer::<f64>::zeroed((1 << 59) + 1), Err(Error::OutOfMemory { .. })));
        assert_eq!(Buffer::<f64>::zeroed(0).unwrap().len(), 0);
    }

    #[test]
    fn memory_is_reused_and_zeroed_when_asked() {
        // A type and length of this test's own: pools are shared by all tests of the process.
        let mut first = Buffer::<u16>::zeroed(77_777).unwrap();
        first.fill(7);
        let at = first.as_ptr();
        drop(first);
        let second = Buffer::<u16>::zeroed(77_770).unwrap();
        assert_eq!((second.as_ptr(), second.len()), (at, 77_770));
        assert!(second.iter().all(|&v| v == 0));
        drop(second);
        assert_ne!(Buffer::<u16>::uninit(60_000).unwrap().as_ptr(), at, "a much smaller one takes its own memory");
    }

    #[test]
    fn few_elements_lie_in_their_storage() {
        for len in [0, 1, NEAR, NEAR + 1] {
            let mut start = std::ptr::null_mut();
            let mut storage = Storage::<f64>::fresh(len, &mut start).unwrap();
            assert_eq!(matches!(storage.memory, Memory::Near(..)), len <= NEAR);
            // SAFETY: room for so many, which nobody else has.
            (0..len).for_each(|k| unsafe { start.cast::<f64>().add(k).write(k as f64) });
            assert!(storage.slice("test").unwrap().iter().copied().eq((0..len).map(|k| k as f64)));
            storage.get_mut().unwrap().slice_mut("test").unwrap().reverse();
            let buffer = storage.try_unwrap().unwrap().into_buffer("test").unwrap();
            assert!(buffer.iter().copied().eq((0..len).rev().map(|k| k as f64)));
        }
    }

    #[test]
    fn a_callers_vec_stays_itself() {
        let vec = vec![1i16; 5000];
        let at = vec.as_ptr();
        let vec = Buffer::from_vec(vec).into_vec();
        assert_eq!(vec.as_ptr(), at);
        let buffer = Buffer::<i16>::zeroed(5000).unwrap();
        let at = buffer.as_ptr();
        let vec = buffer.into_vec();
        assert_eq!(vec.len(), 5000);
        assert!((0..PAGE).contains(&(at.addr() - vec.as_ptr().addr())), "in the memory that it had");
    }

    #[test]
    fn memory_of_4_kb_begins_with_a_line() {
        fn of<T: Element>() {
            let least = LEAST_ALIGNED / size_of::<T>();
            for len in [least, least + 1, 3 * least + 7, 100 * least] {
                for turn in 0..3 {
                    let mut buffer = Buffer::<T>::uninit(len).unwrap();
                    assert_eq!((buffer.as_ptr().addr() % LINE, buffer.len()), (0, len), "{turn}");
                    let apart = len * size_of::<T>() >= LEAST_APART;
                    assert!(!apart || buffer.as_ptr().addr() % PAGE == PAGE / 2, "{len}, {turn}");
                    buffer.fill(T::default());
                }
                let zeros = Buffer::<T>::zeroed(len).unwrap();
                assert_eq!(zeros.as_ptr().addr() % LINE, 0);
                let (vec, start) = zeros.into_vec_and_start();
                assert_eq!((vec.len(), vec.as_ptr().wrapping_add(start).addr() % LINE), (start + len, 0));
                assert_eq!(Buffer::<T>::flush(len).unwrap().start, 0);
            }
            assert_eq!(Buffer::<T>::uninit(least - 1).unwrap().start, 0);
        }
        of::<bool>();
        of::<i16>();
        of::<f32>();
        of::<f64>();
    }

    #[test]
    fn elements_move_to_the_beginning_of_a_vec() {
        for _ in 0..2 {
            let mut buffer = Buffer::<i64>::uninit(3000).unwrap();
            buffer.iter_mut().zip(0..).for_each(|(to, k)| *to = k);
            assert!(buffer.into_vec().into_iter().eq(0..3000));
        }
    }

    #[test]
    fn threads_share_a_pool() {
        std::thread::scope(|scope| {
            for seed in 0..8u32 {
                scope.spawn(move || {
                    for round in 0..200 {
                        let mut buffer = Buffer::<u32>::uninit(2000 + (seed as usize * round) % 500).unwrap();
                        buffer.fill(seed);
                        assert!(buffer.iter().all(|&v| v == seed));
                    }
                });
            }
        });
    }
}
