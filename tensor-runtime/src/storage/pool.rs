//! Memory of the host that waits for its next owner.
//!
//! In: a `Vec` whose owner is gone. Out: one that is long enough. Always: a pool holds at most [`MOST_POOLED_BYTES`]; what is
//! small is left to the allocator. Next: [`super`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::dtype::Element;
use crate::error::{Error, Result};

/// Buffers below this are the allocator's own business.
pub(super) const SMALLEST_POOLED_BYTES: usize = 4 << 10;
/// The most bytes that wait in one pool; beyond it the largest buffers go first.
const MOST_POOLED_BYTES: usize = 1 << 30;

/// Free buffers of one element type.
#[derive(Debug)]
#[doc(hidden)]
pub struct Pool<T> {
    free: Mutex<Free<T>>,
}

#[derive(Debug)]
struct Free<T> {
    /// By their length, and in the order in which they came.
    waiting: BTreeMap<(usize, u64), Waiting<T>>,
    bytes: usize,
    /// So many have come.
    count: u64,
}

impl<T> Free<T> {
    const NONE: Free<T> = Free { waiting: BTreeMap::new(), bytes: 0, count: 0 };
}

/// A free buffer, and the thread that had it last: its lines may still be in the cache of that one's core.
#[derive(Debug)]
struct Waiting<T> {
    vec: Vec<T>,
    last: usize,
}

/// A number of this thread's own.
fn this_thread() -> usize {
    thread_local!(static OWN: u8 = const { 0 });
    OWN.try_with(|own| std::ptr::from_ref(own).addr()).unwrap_or(0)
}

impl<T> Pool<T> {
    pub(crate) const fn new() -> Pool<T> {
        Pool { free: Mutex::new(Free::NONE) }
    }

    fn lock(&self) -> MutexGuard<'_, Free<T>> {
        // Nothing that runs under the lock can leave the map half changed.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free buffer of at least `len` elements and at most an eighth more, this thread's own rather than another's.
    #[inline]
    pub(super) fn take(&self, len: usize) -> Option<Vec<T>> {
        if len < SMALLEST_POOLED_BYTES / size_of::<T>() { None } else { self.find(len) }
    }

    fn find(&self, len: usize) -> Option<Vec<T>> {
        let mut free = self.lock();
        let (&(found, _), _) = free.waiting.range((len, 0)..=(len.checked_add(len / 8)?, u64::MAX)).next()?;
        let own = this_thread();
        let mut last_first = free.waiting.range((found, 0)..=(found, u64::MAX)).rev();
        let (&key, _) = last_first.clone().find(|(_, waiting)| waiting.last == own).or_else(|| last_first.next())?;
        let waiting = free.waiting.remove(&key)?;
        free.bytes -= found * size_of::<T>();
        Some(waiting.vec)
    }

    /// Keeps `vec` for the next one that asks.
    #[inline]
    pub(super) fn put(&self, vec: Vec<T>) {
        if vec.len() >= SMALLEST_POOLED_BYTES / size_of::<T>() {
            self.keep(vec);
        }
    }

    fn keep(&self, vec: Vec<T>) {
        let bytes = vec.len() * size_of::<T>();
        if bytes > MOST_POOLED_BYTES {
            return;
        }
        let mut dropped = Vec::new();
        let mut free = self.lock();
        free.bytes += bytes;
        free.count += 1;
        let key = (vec.len(), free.count);
        free.waiting.insert(key, Waiting { vec, last: this_thread() });
        while free.bytes > MOST_POOLED_BYTES {
            let Some(((len, _), largest)) = free.waiting.pop_last() else { break };
            dropped.push(largest);
            free.bytes -= len * size_of::<T>();
        }
        // Memory is given back to the system after the lock is.
        drop(free);
    }

    pub(crate) fn clear(&self) {
        let old = std::mem::replace(&mut *self.lock(), Free::NONE);
        drop(old);
    }
}

/// Memory of the pool that a step has for itself, of unspecified values and at least so long; see [`give_back`].
pub(crate) fn spare<T: Element>(len: usize) -> Result<Vec<T>> {
    if let Some(vec) = T::pool().take(len) {
        return Ok(vec);
    }
    let mut vec = Vec::new();
    let bytes = len.saturating_mul(size_of::<T>());
    vec.try_reserve_exact(len).map_err(|_| Error::OutOfMemory { device: "cpu".into(), bytes })?;
    vec.resize(len, T::default());
    Ok(vec)
}

/// Keeps memory for the next one that asks.
pub(crate) fn give_back<T: Element>(vec: Vec<T>) {
    T::pool().put(vec);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_its_own_before_anothers() {
        let pool = Pool::<u8>::new();
        let (mine, theirs) = (vec![1; 5000], vec![2; 5000]);
        let [mine_at, theirs_at] = [mine.as_ptr(), theirs.as_ptr()];
        pool.put(mine);
        std::thread::scope(|scope| drop(scope.spawn(|| pool.put(theirs))));
        let found = [pool.take(5000), pool.take(4900)].map(Option::unwrap);
        assert_eq!(found.each_ref().map(Vec::as_ptr), [mine_at, theirs_at]);
        assert!(pool.take(5000).is_none());
    }

    #[test]
    fn the_pool_is_bounded() {
        let pool = Pool::<u8>::new();
        for _ in 0..6 {
            pool.put(vec![0; MOST_POOLED_BYTES / 4]);
        }
        pool.put(vec![0; 5000]);
        assert!(pool.lock().bytes <= MOST_POOLED_BYTES);
        assert!(pool.take(5000).is_some());
        assert!(pool.take(5000).is_none());
        pool.clear();
        assert_eq!(pool.lock().bytes, 0);
    }
}
