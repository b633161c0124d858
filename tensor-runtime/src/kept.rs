//! A tensor's elements in another order, kept beside them from call to call.
//!
//! In: what a product lays out of an operand before it multiplies or a kernel copies of it, and a [`Form`], all that this depends on. Out: [`Kept`],
//! the place for such forms in a tensor's storage. Always: what is found there is made of the elements as they are, for the
//! storage empties the place whenever it hands its elements out to be written to, in a borrow that excludes those who
//! fill it. Nothing is kept before it is asked for the second time, so what is used once costs nothing; a storage keeps at
//! most [`TIMES`] its own memory, a process at most [`most`] bytes. Next: [`crate::storage`].

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::MAX_RANK;
use crate::error::Result;
use crate::kernel::cache::LINE;
use crate::storage::{give_back, spare};

/// Forms take at most so many times the memory of the elements: enough for a matrix and the same turned.
const TIMES: usize = 2;
/// Forms that one storage knows at once.
const MOST_FORMS: usize = 64;
/// What a process keeps, in MiB, where `NDFUSE_KEEP` does not say otherwise.
const MIB: usize = 512;

/// Bytes of all forms that are kept.
static HELD: AtomicUsize = AtomicUsize::new(0);

/// The most bytes that a process keeps.
fn most() -> usize {
    static MOST: OnceLock<usize> = OnceLock::new();
    *MOST.get_or_init(|| named(&std::env::var("NDFUSE_KEEP").unwrap_or_default()))
}

/// The bytes that a number of MiB is, or `off`.
fn named(text: &str) -> usize {
    let mib = if text == "off" { 0 } else { text.parse().unwrap_or(MIB) };
    mib.saturating_mul(1 << 20)
}

/// Counts so many bytes more, if they are no more than `most` then.
fn hold(held: &AtomicUsize, bytes: usize, most: usize) -> bool {
    let more = |held: usize| held.checked_add(bytes).filter(|&all| all <= most);
    held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

/// Which elements of a storage are laid out, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// In panels of a product.
    Panels {
        /// The position of the first one.
        start: isize,
        /// Lanes and terms: how many, and the steps from one to the next.
        extents: [usize; 2],
        steps: [isize; 2],
    },
    /// As a kernel does.
    Copy {
        /// The address of its launch.
        launch: usize,
        /// The position of index 0, the launch's extents, and the steps of the operand's axes.
        start: isize,
        extents: [isize; MAX_RANK],
        steps: [isize; MAX_RANK],
    },
}

/// Elements that are laid out, in memory of the pool, from where a cache line begins.
#[derive(Debug)]
pub(crate) struct Laid {
    elements: Vec<f32>,
    /// How many there are.
    len: usize,
    /// How much of [`HELD`] it is.
    held: usize,
}

impl Laid {
    /// Memory for so many elements, of any values.
    pub(crate) fn new(len: usize) -> Result<Laid> {
        Ok(Laid { elements: spare(len.saturating_add(LINE / size_of::<f32>()))?, len, held: 0 })
    }

    pub(crate) fn start(&self) -> *const f32 {
        let start = self.elements.as_ptr();
        start.wrapping_add(start.align_offset(LINE).min(LINE / size_of::<f32>()))
    }

    pub(crate) fn start_mut(&mut self) -> *mut f32 {
        let inset = self.start().addr() - self.elements.as_ptr().addr();
        self.elements.as_mut_ptr().wrapping_byte_add(inset)
    }

    /// Counts it as kept, where there is room for it.
    fn hold(&mut self) -> bool {
        let bytes = self.len * size_of::<f32>();
        let fits = hold(&HELD, bytes, most());
        self.held = if fits { bytes } else { 0 };
        fits
    }
}

impl Drop for Laid {
    fn drop(&mut self) {
        if self.held > 0 {
            HELD.fetch_sub(self.held, Ordering::Relaxed);
        }
        give_back(std::mem::take(&mut self.elements));
    }
}

/// What is known of a form that is asked for.
#[derive(Debug)]
pub(crate) enum Found {
    Kept(Arc<Laid>),
    /// It was asked for before, of the same elements.
    Again,
    New,
}

/// What was made of the elements of one storage.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Those that were asked for, and those of them that are kept.
    forms: Mutex<Vec<(Form, Option<Arc<Laid>>)>>,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Vec<(Form, Option<Arc<Laid>>)>> {
        // Nothing that runs under the lock can leave the list half changed.
        self.forms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a form.
    pub(crate) fn find(&self, form: &Form) -> Found {
        let mut forms = self.lock();
        match forms.iter().find(|(known, _)| known == form) {
            Some((_, Some(laid))) => Found::Kept(Arc::clone(laid)),
            Some((_, None)) => Found::Again,
            None => {
                if forms.len() == MOST_FORMS {
                    forms.retain(|(_, laid)| laid.is_some());
                }
                if forms.len() < MOST_FORMS {
                    forms.push((*form, None));
                }
                Found::New
            }
        }
    }

    /// Keeps a form of a storage of `len` elements, unless that would be too much.
    pub(crate) fn keep(&self, form: &Form, mut laid: Laid, len: usize) -> Arc<Laid> {
        let mut forms = self.lock();
        let kept: usize = forms.iter().flat_map(|(_, laid)| laid).map(|laid| laid.len).sum();
        // Another thread may have been here.
        let place = forms.iter_mut().find(|(known, laid)| known == form && laid.is_none());
        let fits = kept.saturating_add(laid.len) <= len.saturating_mul(TIMES);
        let place = place.filter(|_| fits && laid.hold());
        let laid = Arc::new(laid);
        place.into_iter().for_each(|(_, place)| *place = Some(Arc::clone(&laid)));
        laid
    }

    /// How many forms are kept.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().iter().filter(|(_, laid)| laid.is_some()).count()
    }

    /// The elements may change.
    #[inline]
    pub(crate) fn clear(&mut self) {
        let forms = self.forms.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !forms.is_empty() {
            forms.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Buffer, Elements, Storage};

    fn form(start: isize) -> Form {
        Form::Panels { start, extents: [16, 4], steps: [1, 16] }
    }

    #[test]
    fn what_is_asked_for_twice_is_kept_until_the_elements_may_change() {
        let mut kept = Kept::default();
        for _ in 0..2 {
            assert!(matches!(kept.find(&form(0)), Found::New));
            assert!(matches!(kept.find(&form(64)), Found::New), "another form");
            assert!(matches!(kept.find(&form(0)), Found::Again));
            let laid = kept.keep(&form(0), Laid::new(64).unwrap(), 64);
            assert_eq!(laid.held, 256);
            let Found::Kept(found) = kept.find(&form(0)) else { panic!("not kept") };
            assert!(Arc::ptr_eq(&laid, &found));
            let late = kept.keep(&form(0), Laid::new(64).unwrap(), 64);
            assert_eq!((late.held, late.len), (0, 64), "another thread's");
            assert!(matches!(kept.find(&form(64)), Found::Again));
            kept.clear();
            assert_eq!(Arc::strong_count(&laid), 2, "mine, and what was found");
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let kept = Kept::default();
        for start in 0..3 {
            assert!(matches!(kept.find(&form(start)), Found::New));
            kept.keep(&form(start), Laid::new(64).unwrap(), 64);
        }
        assert!(matches!(kept.find(&form(1)), Found::Kept(_)));
        assert!(matches!(kept.find(&form(2)), Found::Again), "twice the memory of 64 elements is full");
        assert!(matches!(Kept::default().find(&form(0)), Found::New));
        for start in 3..1000 {
            kept.find(&form(start));
        }
        assert!(kept.lock().len() <= MOST_FORMS);
        assert!(matches!(kept.find(&form(0)), Found::Kept(_)), "no other form ends it");
        let held = AtomicUsize::new(0);
        assert!(hold(&held, 60, 100) && !hold(&held, 60, 100) && !hold(&held, usize::MAX, 100) && hold(&held, 40, 100));
        assert!(!hold(&AtomicUsize::new(0), 1, named("off")));
        assert_eq!((named("3"), named(""), named("much")), (3 << 20, MIB << 20, MIB << 20));
    }
    #[test]
    fn whoever_gets_to_write_empties_what_is_kept() {
        let form = form(0);
        let mut storage = Storage::host(Buffer::from_vec(vec![0.0f32; 4]));
        let ways: [fn(&mut Storage<f32>) -> bool; 2] = [|s| s.slice_mut("a test").is_ok(), |s| s.unique().is_some()];
        for way in ways {
            assert!(matches!(storage.kept().find(&form), Found::New));
            assert!(matches!(storage.kept().find(&form), Found::Again));
            assert!(storage.slice("a test").is_ok());
            let Elements::Host(_) = storage.elements() else { panic!("elsewhere") };
            assert!(matches!(storage.kept().find(&form), Found::Again), "reading changes nothing");
            assert!(way(&mut storage));
        }
        assert!(matches!(storage.kept().find(&form), Found::New));
    }
}
