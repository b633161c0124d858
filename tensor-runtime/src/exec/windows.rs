//! A list of windows in memory that a thread keeps from launch to launch.
//!
//! In: windows. Out: a slice of them. Always: an allocation a thread, not one a launch; a list that is made while another is
//! in use has memory of its own. Next: [`super::launch`].

use std::cell::Cell;
use std::ops::{Deref, DerefMut};

use crate::kernel::Window;

/// The most windows for which a thread keeps memory.
const KEPT: usize = 64;

thread_local! {
    static FREE: Cell<Vec<Window>> = const { Cell::new(Vec::new()) };
}

/// A list of windows. Derefs to a slice.
#[derive(Default)]
pub(super) struct Windows(Vec<Window>);

impl Windows {
    pub(super) fn with_room(count: usize) -> Windows {
        let mut windows = FREE.try_with(Cell::take).unwrap_or_default();
        windows.reserve(count);
        Windows(windows)
    }

    pub(super) fn push(&mut self, window: Window) {
        self.0.push(window);
    }
}

impl Clone for Windows {
    fn clone(&self) -> Windows {
        let mut copy = Windows::with_room(self.0.len());
        copy.0.extend_from_slice(&self.0);
        copy
    }
}

impl Drop for Windows {
    fn drop(&mut self) {
        let mut windows = std::mem::take(&mut self.0);
        if (1..=KEPT).contains(&windows.capacity()) {
            windows.clear();
            // A thread that is going away keeps nothing.
            let _ = FREE.try_with(|free| free.set(windows));
        }
    }
}

impl Deref for Windows {
    type Target = [Window];

    fn deref(&self) -> &[Window] {
        &self.0
    }
}

impl DerefMut for Windows {
    fn deref_mut(&mut self) -> &mut [Window] {
        &mut self.0
    }
}
