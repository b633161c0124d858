//! Adds one box of elements to another.
//!
//! In: two windows on boxes of one shape. Out: the second holds the sum. Always: each element is added once.

use crate::dtype::with_float;
use crate::kernel::Window;

/// `to += from`, or `to = from` if `first`; of floats.
///
/// # Safety
/// The elements of both boxes must be initialised; those of `to` distinct, exclusive and no elements of `from`.
pub(super) unsafe fn add(from: &Window, to: &Window, first: bool) {
    let rank = to.rank;
    // The axis with the least step runs innermost.
    let mut order: Vec<usize> = (0..rank).filter(|&k| to.size[k] != 1).collect();
    order.sort_by_key(|&k| std::cmp::Reverse(to.stride[k].unsigned_abs()));
    let box_ = |w: &Window| (0..rank).fold(0isize, |at, k| at.wrapping_add(w.low[k].wrapping_mul(w.stride[k])));
    let start = |w: &Window| w.origin.wrapping_offset(box_(w).wrapping_mul(w.dtype.bytes() as isize));
    let axes: Vec<Axis> =
        order.iter().map(|&k| Axis { size: to.size[k], from: from.stride[k], to: to.stride[k] }).collect();
    // SAFETY: the caller's promise.
    unsafe {
        with_float!(to.dtype, T => nest::<T>(&axes, start(from).cast(), start(to).cast(), first), _ => {
            unreachable!("sums are of floats")
        });
    }
}

struct Axis {
    size: usize,
    from: isize,
    to: isize,
}

/// # Safety
/// All elements that the axes reach must be valid, those of `to` exclusive.
unsafe fn nest<T: Copy + std::ops::Add<Output = T>>(axes: &[Axis], from: *const T, to: *mut T, first: bool) {
    // SAFETY: the caller's promise.
    let one =
        |from: *const T, to: *mut T| unsafe { to.write(if first { from.read() } else { to.read() + from.read() }) };
    match axes {
        [] => one(from, to),
        [Axis { size, from: 1, to: 1 }] => {
            // SAFETY: the caller's promise: neighbours that nobody else has.
            let (from, to) =
                unsafe { (std::slice::from_raw_parts(from, *size), std::slice::from_raw_parts_mut(to, *size)) };
            match first {
                true => to.copy_from_slice(from),
                false => to.iter_mut().zip(from).for_each(|(to, &from)| *to = *to + from),
            }
        }
        [axis, inner @ ..] => {
            for i in 0..axis.size as isize {
                // SAFETY: the caller's promise.
                unsafe { nest(inner, from.wrapping_offset(i * axis.from), to.wrapping_offset(i * axis.to), first) };
            }
        }
    }
}
