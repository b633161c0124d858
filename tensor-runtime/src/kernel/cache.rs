//! What a kernel asks of the caches.
//!
//! In: addresses. Out: nothing that a program could see: lines are fetched before they are read, or rows are written past
//! the caches. Always: where the processor cannot, it is an ordinary write. Next: [`super::operand`].

/// Within so many bytes a processor itself fetches what follows; beyond it starts anew.
pub(crate) const PAGE: usize = 4096;
/// A row of fewer bytes is not worth going past the caches: its first and last line are not whole.
pub(crate) const LEAST_STREAM: usize = 1024;
/// The lines of a row of fewer bytes are there in time.
pub(crate) const LEAST_FETCH: usize = 1024;
/// What is read after so many bytes is not fetched yet: it would be gone from the caches by then.
pub(crate) const FAR: usize = 256 << 10;
/// Bytes of a cache line.
pub(crate) const LINE: usize = 64;
/// So many lines of a page, and the processor goes on by itself.
const LINES: usize = 4;

/// Fetches the beginning of what lies at an address, which may be anything.
#[inline(never)]
pub(crate) fn fetch(from: *const u8) {
    for line in 0..LINES {
        fetch_line(from.wrapping_add(line * LINE));
    }
}

/// Fetches all lines of so many bytes from an address on, which may be anything.
#[inline(never)]
pub(crate) fn fetch_all(from: *const u8, bytes: usize) {
    each_line(from, bytes, fetch_line);
}

/// A row that a kernel comes to next: its first element, and the bytes of one. It may be anywhere.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    pub(super) first: *const u8,
    pub(super) bytes: usize,
    /// Whether it is written.
    pub(super) write: bool,
}

impl Ahead {
    /// Nothing to fetch.
    pub(super) const NONE: Ahead = Ahead { first: std::ptr::null(), bytes: 0, write: false };

    #[inline(always)]
    pub(super) fn is_none(&self) -> bool {
        self.bytes == 0
    }

    /// Fetches `n` elements from position `start` on: what is read to the second level, which can wait for more lines than the
    /// first.
    #[inline(always)]
    pub(super) fn fetch(&self, start: usize, n: usize) {
        if !self.is_none() {
            let (from, bytes) = (self.first.wrapping_add(start * self.bytes), n * self.bytes);
            if self.write { fetch_to_write(from, bytes) } else { fetch_to_second(from, bytes) }
        }
    }
}

/// [`fetch_all`], to the second level.
#[inline(never)]
fn fetch_to_second(from: *const u8, bytes: usize) {
    each_line(from, bytes, fetch_line_to_second);
}

/// [`fetch_all`], for a write.
#[inline(never)]
fn fetch_to_write(from: *const u8, bytes: usize) {
    each_line(from, bytes, fetch_line_to_write);
}

#[inline(always)]
fn each_line(from: *const u8, bytes: usize, fetch: impl Fn(*const u8)) {
    (0..bytes).step_by(LINE).for_each(|at| fetch(from.wrapping_add(at)));
}

#[inline(always)]
pub(crate) fn fetch_line_to_second(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: as in `fetch_line`.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Fetches the line of an address, which may be anything.
#[inline(always)]
pub(crate) fn fetch_line(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing that a program could see, and no address makes it fault.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(at.cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Fetches the line of an address, which may be anything, for a write: no other core keeps it.
#[inline(always)]
pub(crate) fn fetch_line_to_write(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as in `fetch_line`; a processor without the instruction passes over it.
    unsafe {
        std::arch::asm!("prefetchw [{}]", in(reg) at, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Writes a row of so many bytes past the caches; [`streamed`] must follow before another thread may read it.
///
/// # Safety
/// They must be readable, and there must be room for them at `to`, apart from the row itself.
pub(crate) unsafe fn stream(from: *const u8, to: *mut u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    if crate::isa::active() != crate::isa::Level::Base {
        let head = to.align_offset(LINE).min(bytes);
        let lines = (bytes - head) / LINE * LINE;
        // SAFETY: the caller's promise; the three parts are the whole; the middle one starts on a line; the instruction
        // set was detected.
        unsafe {
            to.copy_from_nonoverlapping(from, head);
            stream_lines(from.add(head), to.add(head), lines);
            to.add(head + lines).copy_from_nonoverlapping(from.add(head + lines), bytes - head - lines);
        }
        return;
    }
    // SAFETY: the caller's promise.
    unsafe { to.copy_from_nonoverlapping(from, bytes) };
}

/// # Safety
/// As [`stream`]; `to` must be a multiple of 64, and so must `bytes`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn stream_lines(from: *const u8, to: *mut u8, bytes: usize) {
    use std::arch::x86_64::{_mm256_loadu_si256, _mm256_stream_si256};
    for at in (0..bytes).step_by(LINE) {
        // SAFETY: the caller's promise.
        unsafe {
            let (low, high) = (_mm256_loadu_si256(from.add(at).cast()), _mm256_loadu_si256(from.add(at + 32).cast()));
            _mm256_stream_si256(to.add(at).cast(), low);
            _mm256_stream_si256(to.add(at + 32).cast(), high);
        }
    }
}

/// Makes what was streamed visible before whatever this thread writes next.
pub(crate) fn streamed() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every 64-bit x86 has the instruction.
    unsafe {
        std::arch::x86_64::_mm_sfence();
    }
}

/// Calls [`streamed`] when it is dropped.
pub(crate) struct Streamed;

impl Drop for Streamed {
    fn drop(&mut self) {
        streamed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_streamed_row_is_what_was_written() {
        let row: Vec<u16> = (0..3000).collect();
        for (start, len) in [(0, 0), (0, 1), (1, 31), (3, 64), (5, 1024), (31, 2000), (32, 1024), (0, 3000)] {
            let mut to = vec![7u16; 3200];
            // SAFETY: `start + len` is within both.
            unsafe { stream(row.as_ptr().cast(), to.as_mut_ptr().add(start).cast(), 2 * len) };
            streamed();
            assert!(to[..start].iter().chain(&to[start + len..]).all(|&x| x == 7), "{start} {len}");
            assert_eq!(to[start..start + len], row[..len], "{start} {len}");
        }
    }
}
