//! Rows that a kernel cannot take as they lie.
//!
//! In: a row's first element, a stride, a tile. Out: neighbours that stand for the row. Always: functions of the runtime, of no type,
//! and one call from each row of a kernel: what is in line there is compiled for every row of every clone. Next:
//! [`super::operand`], [`super::tile`].

use std::ptr;

use super::{cache, strided, tile};

/// Where the `n` elements of a row begin that a kernel reads: packed into the tile, or, if they are neighbours already, where they
/// lie, and what follows them is fetched.
///
/// # Safety
/// If they are `inside`, all `n`, up to a tile's, must be readable, `stride` elements apart from `first` on, and the tile must
/// be nobody else's.
#[inline(never)]
pub(super) unsafe fn found(first: *const u8, stride: isize, n: usize, inside: bool, tile: tile::Bare<'_>) -> *const u8 {
    match (n, inside, stride) {
        (0, _, _) => tile.nowhere(),
        (_, false, _) => outside(n),
        (_, true, 1) => {
            cache::fetch(first.wrapping_add(n * tile.bytes()));
            first
        }
        // SAFETY: the caller's promise.
        (_, true, _) => unsafe { tile.pack(first, stride, n) },
    }
}

/// `n` initialised elements of the tile that stand for a row that a kernel writes, and where that begins; they are the row's if
/// it is written `again`.
///
/// # Safety
/// As [`found`].
#[inline(never)]
pub(super) unsafe fn lent(
    first: *mut u8,
    stride: isize,
    n: usize,
    [inside, again]: [bool; 2],
    tile: tile::Bare<'_>,
) -> (*mut u8, *mut u8) {
    match (n, inside) {
        (0, _) => (tile.nowhere(), ptr::null_mut()),
        (_, false) => outside(n),
        (_, true) => {
            if again {
                // SAFETY: the caller's promise.
                unsafe { tile.pack(first, stride, n) };
            }
            (tile.scratch(n), first)
        }
    }
}

/// Writes rows of `n` elements, of so many bytes each: elements of a row are `far` apart, the next row is `near` further on.
///
/// # Safety
/// If they are `inside`, all must be readable and the places writable, apart from them.
#[inline(never)]
pub(super) unsafe fn braid(
    rows: &[*const u8],
    to: *mut u8,
    [far, near]: [isize; 2],
    n: usize,
    inside: bool,
    bytes: usize,
) {
    match (n, inside) {
        (0, _) => {}
        (_, false) => outside(n),
        // SAFETY: the caller's promise.
        (_, true) if near == 1 && far == rows.len() as isize => unsafe { strided::braid_run(bytes, rows, to, n) },
        (_, true) => {
            for (k, &row) in rows.iter().enumerate() {
                let to = to.wrapping_offset(k as isize * near * bytes as isize);
                // SAFETY: the caller's promise.
                unsafe { strided::scatter_run(bytes, row, to, far, n) };
            }
        }
    }
}

#[cold]
#[inline(never)]
fn outside(n: usize) -> ! {
    panic!("a kernel asked for a row of {n} elements that is not in its operand");
}
