//! Buffers for a row between two passes over it.
//!
//! In: a length. Out: memory of the thread's own, which begins with a cache line. Next: [`crate::monoid`].

use std::cell::RefCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::slice;

use crate::dtype::{DType, Element};

use super::cache::LINE;

/// The row buffers a thread keeps for its next job, and the most bytes of one.
const KEPT_ROWS: usize = 8;
const KEPT_BYTES: usize = 1 << 20;

/// A cache line of a row.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "a row's elements, read as such")] [u8; LINE]);

const ZEROS: Line = Line([0; LINE]);

thread_local! {
    static ROWS: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer for the values of one row between two passes over it. Derefs to a slice.
pub struct Row<T: Element> {
    memory: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Element> Row<T> {
    pub(super) fn new(len: usize) -> Row<T> {
        let lines = len.checked_mul(size_of::<T>()).expect("a row fits in memory").div_ceil(LINE);
        let mut memory = ROWS.try_with(|rows| rows.borrow_mut().pop()).ok().flatten().unwrap_or_default();
        if memory.len() < lines {
            memory.clear();
            memory.try_reserve_exact(lines).expect("there is memory for a row");
            memory.resize(lines, ZEROS);
        } else if T::DTYPE == DType::Bool {
            // Only zeros and ones are a `bool`; numbers take any bits.
            memory[..lines].fill(ZEROS);
        }
        Row { memory, len, element: PhantomData }
    }
}

impl<T: Element> Deref for Row<T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        // SAFETY: `new` made at least `len * size_of::<T>()` bytes, aligned to a line, which no element type exceeds;
        // all are initialised, and for `T` they are values: any bits for a number, zeros or what was written
        // through this very buffer for `bool`.
        unsafe { slice::from_raw_parts(self.memory.as_ptr().cast(), self.len) }
    }
}

impl<T: Element> DerefMut for Row<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; `&mut self` makes it exclusive.
        unsafe { slice::from_raw_parts_mut(self.memory.as_mut_ptr().cast(), self.len) }
    }
}

impl<T: Element> Drop for Row<T> {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        if memory.len() * LINE <= KEPT_BYTES {
            // A thread that is going away has no `ROWS` any more; then the memory is freed.
            let _ = ROWS.try_with(|rows| {
                let mut rows = rows.borrow_mut();
                if rows.len() < KEPT_ROWS {
                    rows.push(memory);
                }
            });
        }
    }
}
