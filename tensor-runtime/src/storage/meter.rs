//! Counts the bytes of the buffers that a thread asks for, so that tests can hold what `exec::memory` says to it.
//!
//! In: buffers that come and go. Out: the most bytes that were there at once. Always: a thread counts its own. Next: [`super`].

use std::cell::Cell;

use super::{Buffer, slack};
use crate::dtype::Element;

thread_local! {
    /// Now, and at most. A thread may drop what another asked for.
    static BYTES: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn add(bytes: isize) {
    let (now, most) = BYTES.get();
    BYTES.set((now + bytes, most.max(now + bytes)));
}

fn bytes<T: Element>(buffer: &Buffer<T>) -> usize {
    (buffer.len + slack(size_of::<T>(), buffer.len)) * size_of::<T>()
}

/// The same of a result that lies in its storage.
pub(super) fn near<T: Element>(len: usize) {
    add((len * size_of::<T>()) as isize);
}

pub(super) fn grow<T: Element>(buffer: &Buffer<T>) {
    add(bytes(buffer) as isize);
}

pub(super) fn shrink<T: Element>(buffer: &Buffer<T>) {
    if buffer.pooled {
        add(-(bytes(buffer) as isize));
    }
}

/// The most that `f` had at once.
pub(crate) fn peak<R>(f: impl FnOnce() -> R) -> (R, usize) {
    BYTES.set((0, 0));
    (f(), BYTES.get().1 as usize)
}
