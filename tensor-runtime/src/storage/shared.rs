//! What the tensors that share a storage have of it.
//!
//! In: a value. Out: [`Shared`], an `Arc` without weak references. Always: the value lives as long as it has an owner, and only
//! an owner makes another; so who is the only one knows it from a load. An `Arc` asks with two instructions that no other may
//! overlap, which a small call would notice. Next: [`super`].

use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::ops::Deref;
use std::process;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::error::Result;

/// One of the owners of a value.
#[doc(hidden)]
pub struct Shared<T> {
    /// From a box.
    at: NonNull<Owned<T>>,
    owns: PhantomData<Owned<T>>,
}

struct Owned<T> {
    owners: AtomicUsize,
    value: T,
}

// SAFETY: owners lend the value on any thread, and the last one drops it, as with an `Arc`.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The first owner.
    pub(crate) fn new(value: T) -> Shared<T> {
        let owned = Box::new(Owned { owners: AtomicUsize::new(1), value });
        Shared { at: NonNull::from(Box::leak(owned)), owns: PhantomData }
    }

    /// The first owner of what `write` writes to where it stays.
    ///
    /// # Safety
    /// Where it is not an error, `write` must have written a value.
    #[inline(always)]
    pub(super) unsafe fn written(write: impl FnOnce(&mut MaybeUninit<T>) -> Result<()>) -> Result<Shared<T>> {
        // No box from here on, which would have its memory for itself: `write` may keep where the value lies.
        let at = NonNull::from(Box::leak(Box::<Owned<T>>::new_uninit())).cast::<Owned<T>>();
        // SAFETY: fields of memory that is there and nobody else's; of what may be uninitialised any bytes are a value.
        let written = unsafe {
            (&raw mut (*at.as_ptr()).owners).write(AtomicUsize::new(1));
            write(&mut *(&raw mut (*at.as_ptr()).value).cast())
        };
        match written {
            // Both fields are, the second by the caller's promise.
            Ok(()) => Ok(Shared { at, owns: PhantomData }),
            Err(error) => {
                // SAFETY: it is from such a box.
                drop(unsafe { Box::from_raw(at.cast::<MaybeUninit<Owned<T>>>().as_ptr()) });
                Err(error)
            }
        }
    }

    #[inline]
    fn owned(&self) -> &Owned<T> {
        // SAFETY: it lives as long as an owner.
        unsafe { self.at.as_ref() }
    }

    /// Whether this is the only owner. What others did with the value before they went is seen.
    #[inline]
    pub(crate) fn is_alone(&self) -> bool {
        self.owned().owners.load(Ordering::Acquire) == 1
    }

    /// The value, if it has no other owner.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        if !self.is_alone() {
            return None;
        }
        // SAFETY: there is no other owner, and none is made while this one is borrowed.
        Some(unsafe { &mut self.at.as_mut().value })
    }

    /// The same by value; else the owner again.
    pub(crate) fn try_unwrap(self) -> std::result::Result<T, Shared<T>> {
        if !self.is_alone() {
            return Err(self);
        }
        // SAFETY: it is from a box, and its last owner, which is forgotten.
        let owned = unsafe { Box::from_raw(self.at.as_ptr()) };
        mem::forget(self);
        Ok(owned.value)
    }

    /// # Safety
    /// This is the last owner, and used no more.
    #[inline(never)]
    unsafe fn free(&mut self) {
        // SAFETY: it is from a box, which nobody else has.
        drop(unsafe { Box::from_raw(self.at.as_ptr()) });
    }
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Shared<T> {
        // Owners that are forgotten one after another must not make the count small again.
        if self.owned().owners.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            process::abort();
        }
        Shared { at: self.at, owns: PhantomData }
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_alone() {
            if self.owned().owners.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            // Two went at once, and this one is the last.
            fence(Ordering::Acquire);
        }
        // SAFETY: no owner is left but this one, which goes.
        unsafe { self.free() }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.owned().value
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::error::Error;

    #[test]
    fn the_last_owner_drops_the_value() {
        let value = Arc::new(());
        let mut first = Shared::new(Arc::clone(&value));
        assert!(first.get_mut().is_some());
        let second = first.clone();
        assert!(first.get_mut().is_none() && !second.is_alone());
        let first = first.try_unwrap().unwrap_err();
        drop(second);
        assert_eq!(Arc::strong_count(&value), 2);
        assert!(first.is_alone());
        drop(first.try_unwrap());
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn what_is_not_written_is_not_dropped() {
        // SAFETY: an error.
        let none = unsafe { Shared::<String>::written(|_| Err(Error::layout("test", "none"))) };
        assert!(none.is_err());
        // SAFETY: the value is written.
        let some = unsafe {
            Shared::written(|to| {
                to.write("some".to_owned());
                Ok(())
            })
        };
        assert_eq!(*some.unwrap(), "some");
    }

    #[test]
    fn owners_of_many_threads_come_and_go() {
        for _ in 0..100 {
            let value = Arc::new(());
            let shared = Shared::new((Arc::clone(&value), [7u64; 20]));
            thread::scope(|scope| {
                for _ in 0..4 {
                    let own = shared.clone();
                    scope.spawn(move || {
                        for _ in 0..20 {
                            assert_eq!(own.clone().1, [7; 20]);
                        }
                    });
                }
                drop(shared);
            });
            assert_eq!(Arc::strong_count(&value), 1);
        }
    }
}
