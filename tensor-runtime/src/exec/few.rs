//! A short list that lies where it is declared.
//!
//! In: values. Out: a slice of them. Always: up to `N` values take no allocation, and no time before they are there. A copy
//! copies what is there. Next: [`super::launch`].

use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::slice;

/// A list of values, the first `N` of which lie in place. Derefs to a slice.
pub(super) struct Few<T: Copy, const N: usize> {
    here: [MaybeUninit<T>; N],
    /// So many of `here` are values.
    len: usize,
    /// All values, once they are more than `N`.
    all: Vec<T>,
}

impl<T: Copy, const N: usize> Few<T, N> {
    #[inline]
    pub(super) const fn new() -> Few<T, N> {
        Few { here: [const { MaybeUninit::uninit() }; N], len: 0, all: Vec::new() }
    }

    /// Adds a value, and answers its place.
    #[inline]
    pub(super) fn push(&mut self, value: T) -> &mut T {
        self.push_new(|| value)
    }

    /// The same with a value that is made where it stays.
    #[inline]
    pub(super) fn push_new(&mut self, value: impl Fn() -> T) -> &mut T {
        if self.len == N || !self.all.is_empty() {
            return Self::push_more(&mut self.all, &self.here[..self.len], value());
        }
        self.len += 1;
        self.here[self.len - 1].write(value())
    }

    #[cold]
    fn push_more<'a>(all: &'a mut Vec<T>, here: &[MaybeUninit<T>], value: T) -> &'a mut T {
        if all.is_empty() {
            // SAFETY: `push` has written these places.
            all.extend(here.iter().map(|place| unsafe { place.assume_init() }));
        }
        let at = all.len();
        all.push(value);
        &mut all[at]
    }
}

impl<T: Copy, const N: usize> Clone for Few<T, N> {
    #[inline]
    fn clone(&self) -> Few<T, N> {
        let mut copy = Few { all: self.all.clone(), ..Few::new() };
        if copy.all.is_empty() {
            for &value in self.iter() {
                copy.push(value);
            }
        }
        copy
    }
}

impl<T: Copy, const N: usize> Deref for Few<T, N> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match self.all.is_empty() {
            // SAFETY: `push` has written the first `len` places, one after another.
            true => unsafe { slice::from_raw_parts(self.here.as_ptr().cast(), self.len) },
            false => &self.all,
        }
    }
}

impl<T: Copy, const N: usize> DerefMut for Few<T, N> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        match self.all.is_empty() {
            // SAFETY: as in `deref`.
            true => unsafe { slice::from_raw_parts_mut(self.here.as_mut_ptr().cast(), self.len) },
            false => &mut self.all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_any_length_is_the_list_that_was_pushed() {
        for len in [0, 1, 3, 4, 5, 40] {
            let mut list = Few::<usize, 4>::new();
            (0..len).for_each(|k| *list.push(0) = k);
            let mut copy = list.clone();
            copy.iter_mut().for_each(|value| *value *= 2);
            copy.push(7);
            assert!(list.iter().copied().eq(0..len));
            assert!(copy.iter().copied().eq((0..len).map(|k| 2 * k).chain([7])));
        }
    }
}
