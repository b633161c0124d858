//! Elements that do not lie side by side, gathered and scattered.
//!
//! In: a place, a stride, a number of elements. Out: the elements side by side, or back at their places. Always: what is
//! moved are bits of the element's size, so there is one instance a size, compiled with the runtime and not with every
//! crate that has a kernel. Next: [`super::tile`].

use std::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
use crate::isa::{self, Level};

/// Copies the elements that are `stride` apart from `first` on, one a slot.
///
/// # Safety
/// They must be readable.
pub(super) unsafe fn gather<T: Copy>(slots: &mut [MaybeUninit<T>], first: *const T, stride: isize) {
    let (to, n) = (slots.as_mut_ptr(), slots.len());
    // SAFETY: the caller's promise, of types of the same size, each with any bits.
    unsafe {
        match size_of::<T>() {
            1 => gather_1(to.cast(), first.cast(), stride, n),
            2 => gather_2(to.cast(), first.cast(), stride, n),
            4 => gather_4(to.cast(), first.cast(), stride, n),
            8 => gather_8(to.cast(), first.cast(), stride, n),
            _ => each(slots, first, stride),
        }
    }
}

/// Copies rows of `width` elements behind one another; `far` is from one row to the next, `near` within a row.
///
/// # Safety
/// They must be readable, for as many slots as there are.
pub(super) unsafe fn gather_rows<T: Copy>(
    slots: &mut [MaybeUninit<T>],
    first: *const T,
    [far, near]: [isize; 2],
    width: usize,
) {
    let at = |row: usize, k: usize| first.wrapping_offset(row as isize * far + k as isize * near);
    if far.unsigned_abs() < near.unsigned_abs() {
        // Along the memory, not across.
        for k in 0..width {
            for (row, slot) in slots[k..].iter_mut().step_by(width).enumerate() {
                // SAFETY: the caller's promise.
                slot.write(unsafe { at(row, k).read() });
            }
        }
        return;
    }
    for (row, slots) in slots.chunks_exact_mut(width).enumerate() {
        if near == 1 {
            // SAFETY: the caller's promise.
            unsafe { copy(at(row, 0), slots.as_mut_ptr().cast(), width) };
            continue;
        }
        for (k, slot) in slots.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            slot.write(unsafe { at(row, k).read() });
        }
    }
}

/// Writes rows of `width` elements, behind one another, to places of which the next are `far` and `near` apart.
///
/// # Safety
/// The places must be writable.
#[inline(never)]
pub(super) unsafe fn scatter_rows<T: Copy>(rows: &[T], to: *mut T, [far, near]: [isize; 2], width: usize) {
    for (row, values) in rows.chunks_exact(width).enumerate() {
        let to = to.wrapping_offset(row as isize * far);
        // SAFETY: the caller's promise.
        unsafe {
            match near {
                1 => copy(values.as_ptr(), to, width),
                _ => spread(values, to, near),
            }
        };
    }
}

/// Copies `n` neighbours: of few a call would cost more.
///
/// # Safety
/// They must be readable from `first` on, and writable from `to` on, apart from them.
#[inline(always)]
pub(super) unsafe fn copy<T: Copy>(first: *const T, to: *mut T, n: usize) {
    const PART: usize = 16;
    let whole = n / PART * PART;
    for at in (0..whole).step_by(PART) {
        // SAFETY: the caller's promise; an array is as aligned as its elements.
        unsafe { to.add(at).cast::<[T; PART]>().write(first.add(at).cast::<[T; PART]>().read()) };
    }
    for at in whole..n {
        // SAFETY: as above.
        unsafe { to.add(at).write(first.add(at).read()) };
    }
}

/// Copies `n` elements of so many bytes, `stride` apart, to neighbours.
///
/// # Safety
/// They must be readable from `first` on, and as many writable from `to` on, apart from them.
pub(crate) unsafe fn gather_run(bytes: usize, first: *const u8, stride: isize, to: *mut u8, n: usize) {
    // SAFETY: the caller's promise, of types of that size, each with any bits.
    unsafe {
        match bytes {
            1 => gather_1(to.cast(), first.cast(), stride, n),
            2 => gather_2(to.cast(), first.cast(), stride, n),
            4 => gather_4(to.cast(), first.cast(), stride, n),
            _ => gather_8(to.cast(), first.cast(), stride, n),
        }
    }
}

/// Writes `n` elements of so many bytes, which are neighbours, to places that are `stride` apart.
///
/// # Safety
/// They must be readable, and the places writable.
pub(super) unsafe fn scatter_run(bytes: usize, from: *const u8, to: *mut u8, stride: isize, n: usize) {
    // SAFETY: the caller's promise, of types of that size, each with any bits.
    unsafe {
        match bytes {
            1 => scatter_1(from.cast(), to.cast(), stride, n),
            2 => scatter_2(from.cast(), to.cast(), stride, n),
            4 => scatter_4(from.cast(), to.cast(), stride, n),
            _ => scatter_8(from.cast(), to.cast(), stride, n),
        }
    }
}

/// Writes the `n` elements of each of these rows, of so many bytes, in turn: the first of all, then the second of all.
///
/// # Safety
/// They must be readable, and the places from `to` on writable, apart from them.
pub(super) unsafe fn braid_run(bytes: usize, rows: &[*const u8], to: *mut u8, n: usize) {
    // SAFETY: the caller's promise, of types of that size, each with any bits.
    unsafe {
        match bytes {
            1 => braid_of::<u8>(rows, to.cast(), n),
            2 => braid_of::<u16>(rows, to.cast(), n),
            4 => braid_of::<u32>(rows, to.cast(), n),
            _ => braid_of::<u64>(rows, to.cast(), n),
        }
    }
}

/// # Safety
/// As [`braid_run`].
unsafe fn braid_of<T: Copy>(rows: &[*const u8], to: *mut T, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match *rows {
            [a, b] => braid([a, b].map(<*const u8>::cast), to, n),
            [a, b, c] => braid([a, b, c].map(<*const u8>::cast), to, n),
            [a, b, c, d] => braid([a, b, c, d].map(<*const u8>::cast), to, n),
            _ => {
                for (k, row) in rows.iter().enumerate() {
                    let row = std::slice::from_raw_parts(row.cast::<T>(), n);
                    spread(row, to.wrapping_add(k), rows.len() as isize);
                }
            }
        }
    }
}

/// # Safety
/// As [`braid_run`].
unsafe fn braid<T: Copy, const K: usize>(rows: [*const T; K], to: *mut T, n: usize) {
    #[cfg(target_arch = "x86_64")]
    match isa::active() {
        // SAFETY: the instruction set was detected; the caller's promise.
        Level::Avx2 | Level::Avx512 => return unsafe { braid_avx2(rows, to, n) },
        Level::Base => {}
    }
    // SAFETY: the caller's promise.
    unsafe { braided(rows, to, n) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn braid_avx2<T: Copy, const K: usize>(rows: [*const T; K], to: *mut T, n: usize) {
    // SAFETY: the caller's promise.
    unsafe { braided(rows, to, n) }
}

#[inline(always)]
unsafe fn braided<T: Copy, const K: usize>(rows: [*const T; K], to: *mut T, n: usize) {
    for i in 0..n {
        for (k, row) in rows.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { to.add(K * i + k).write(row.add(i).read()) };
        }
    }
}

macro_rules! sizes {
    ($($gather:ident $scatter:ident $bits:ty;)*) => {$(
        /// # Safety
        /// `n` elements must be readable from `first` on, and writable from `to` on.
        #[inline(never)]
        unsafe fn $gather(to: *mut MaybeUninit<$bits>, first: *const $bits, stride: isize, n: usize) {
            // SAFETY: the caller's promise.
            unsafe { strided(std::slice::from_raw_parts_mut(to, n), first, stride) }
        }

        /// # Safety
        /// `n` elements must be readable from `from` on, and their places writable.
        #[inline(never)]
        unsafe fn $scatter(from: *const $bits, to: *mut $bits, stride: isize, n: usize) {
            // SAFETY: the caller's promise.
            unsafe { spread(std::slice::from_raw_parts(from, n), to, stride) }
        }
    )*};
}

sizes! {
    gather_1 scatter_1 u8;
    gather_2 scatter_2 u16;
    gather_4 scatter_4 u32;
    gather_8 scatter_8 u64;
}

/// # Safety
/// As [`gather`].
#[inline(always)]
unsafe fn strided<T: Copy>(slots: &mut [MaybeUninit<T>], first: *const T, stride: isize) {
    // SAFETY: the caller's promise.
    unsafe {
        match stride {
            1 => slots.as_mut_ptr().cast::<T>().copy_from_nonoverlapping(first, slots.len()),
            -1 => every::<T, -1>(slots, first),
            2 => every::<T, 2>(slots, first),
            3 => every::<T, 3>(slots, first),
            4 => every::<T, 4>(slots, first),
            _ => each(slots, first, stride),
        }
    }
}

/// # Safety
/// As [`gather`].
#[inline(always)]
unsafe fn each<T: Copy>(slots: &mut [MaybeUninit<T>], first: *const T, stride: isize) {
    for (i, slot) in slots.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        slot.write(unsafe { first.wrapping_offset(i as isize * stride).read() });
    }
}

/// # Safety
/// As [`scatter_run`].
#[inline(always)]
unsafe fn spread<T: Copy>(row: &[T], to: *mut T, stride: isize) {
    for (i, &value) in row.iter().enumerate() {
        // SAFETY: the caller's promise.
        unsafe { to.wrapping_offset(i as isize * stride).write(value) };
    }
}

/// Copies every `S`-th element: channels that lie side by side, coordinates, steps of a slice, rows backwards.
///
/// # Safety
/// As [`gather`].
#[inline(always)]
unsafe fn every<T: Copy, const S: isize>(slots: &mut [MaybeUninit<T>], first: *const T) {
    #[cfg(target_arch = "x86_64")]
    match isa::active() {
        Level::Avx512 if size_of::<T>() == 1 && is_x86_feature_detected!("avx512vbmi") => {
            let (whole, rest) = slots.split_at_mut(slots.len() / 64 * 64);
            let next = first.wrapping_offset(whole.len() as isize * S);
            // SAFETY: the instruction set was detected; types of one byte, any bits; the caller's promise.
            return unsafe {
                bytes_avx512::<S>(whole.as_mut_ptr().cast(), first.cast(), whole.len());
                every_avx2::<T, S>(rest, next);
            };
        }
        // SAFETY: the instruction set was detected; the caller's promise.
        Level::Avx2 | Level::Avx512 => return unsafe { every_avx2::<T, S>(slots, first) },
        Level::Base => {}
    }
    // SAFETY: the caller's promise.
    unsafe { every_of::<T, S>(slots, first) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn every_avx2<T: Copy, const S: isize>(slots: &mut [MaybeUninit<T>], first: *const T) {
    // SAFETY: the caller's promise.
    unsafe { every_of::<T, S>(slots, first) }
}

/// Every `S`-th byte of those from the first of 64 on, as vectors of 64.
#[cfg(target_arch = "x86_64")]
struct Picks<const S: isize>;

#[cfg(target_arch = "x86_64")]
impl<const S: isize> Picks<S> {
    /// Where the first vector begins, seen from the first byte.
    const LOW: isize = if S < 0 { 63 * S } else { 0 };
    const VECTORS: usize = S.unsigned_abs();
    /// For each byte its place in its vector.
    const PLACES: [u8; 64] = {
        let (mut places, mut i) = ([0; 64], 0);
        while i < 64 {
            places[i] = ((i as isize * S - Self::LOW) % 64) as u8;
            i += 1;
        }
        places
    };
    /// For each vector the bytes of it that are picked, and which ones these become.
    const MASKS: [(u64, u64); 4] = {
        let (mut masks, mut i) = ([(0, 0); 4], 0);
        while i < 64 {
            let at = i as isize * S - Self::LOW;
            let mask = &mut masks[(at / 64) as usize];
            mask.0 |= 1 << (at % 64);
            mask.1 |= 1 << i;
            i += 1;
        }
        masks
    };
}

/// Copies every `S`-th byte, 64 at a time. Only what is picked is read, as what lies between may be somebody else's to write.
///
/// # Safety
/// As [`gather`], of bytes; `n` is a multiple of 64.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
unsafe fn bytes_avx512<const S: isize>(to: *mut i8, first: *const i8, n: usize) {
    use std::arch::x86_64::*;
    // SAFETY: 64 bytes.
    let places = unsafe { _mm512_loadu_epi8(Picks::<S>::PLACES.as_ptr().cast()) };
    for start in (0..n).step_by(64) {
        let low = first.wrapping_offset(start as isize * S + Picks::<S>::LOW);
        let mut picked = _mm512_setzero_si512();
        for (k, &(from, becomes)) in Picks::<S>::MASKS[..Picks::<S>::VECTORS].iter().enumerate() {
            // SAFETY: the caller's promise, for a mask reads nothing else.
            let vector = unsafe { _mm512_maskz_loadu_epi8(from, low.wrapping_add(64 * k)) };
            picked = _mm512_mask_permutexvar_epi8(picked, becomes, places, vector);
        }
        // SAFETY: the caller's promise.
        unsafe { _mm512_storeu_epi8(to.add(start), picked) };
    }
}

#[inline(always)]
unsafe fn every_of<T: Copy, const S: isize>(slots: &mut [MaybeUninit<T>], first: *const T) {
    // What lies between may be somebody else's to write: no slice of it all.
    for (i, slot) in slots.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        slot.write(unsafe { first.offset(i as isize * S).read() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sizes of elements, all steps with an instance of their own and some without, around whole vectors.
    #[test]
    fn elements_apart_come_together() {
        fn check<T: Copy + PartialEq + std::fmt::Debug>(of: fn(usize) -> T) {
            for stride in [-5isize, -3, -1, 0, 1, 2, 3, 4, 5] {
                for n in [0usize, 1, 7, 63, 64, 65, 127, 128, 200] {
                    // The last element that is read is the last that there is.
                    let all: Vec<T> = (0..n.saturating_sub(1) * stride.unsigned_abs() + 1).map(of).collect();
                    let begin = if stride < 0 { all.len() - 1 } else { 0 };
                    let mut found: Box<[MaybeUninit<T>]> = Box::new_uninit_slice(n);
                    // SAFETY: the vector has all elements from the first to the last.
                    let found = unsafe {
                        gather(&mut found, all.as_ptr().add(begin), stride);
                        found.assume_init()
                    };
                    let wanted: Vec<T> = (0..n as isize).map(|i| all[(begin as isize + i * stride) as usize]).collect();
                    assert_eq!(*found, *wanted, "{n} of {} bytes, {stride} apart", size_of::<T>());
                }
            }
        }
        check(|i| (i * 7 + i / 251) as u8);
        check(|i| (i * 7) as u16);
        check(|i| i as f32);
        check(|i| i as i64);
    }

    #[test]
    fn rows_become_one() {
        fn check<T: Copy + PartialEq + std::fmt::Debug>(of: fn(usize) -> T) {
            for count in 2..6 {
                for n in [0usize, 1, 7, 32, 65] {
                    let rows: Vec<Vec<T>> = (0..count).map(|k| (0..n).map(|i| of(i * count + k)).collect()).collect();
                    let starts: Vec<*const u8> = rows.iter().map(|row| row.as_ptr().cast()).collect();
                    let mut found: Vec<T> = vec![of(0); n * count];
                    // SAFETY: each row has `n` elements, and there is room for all.
                    unsafe { braid_run(size_of::<T>(), &starts, found.as_mut_ptr().cast(), n) };
                    let wanted: Vec<T> = (0..n * count).map(of).collect();
                    assert_eq!(found, wanted, "{count} rows of {n}, {} bytes", size_of::<T>());
                }
            }
        }
        check(|i| (i * 7 + i / 251) as u8);
        check(|i| (i * 7) as u16);
        check(|i| i as f32);
        check(|i| i as i64);
    }
}
