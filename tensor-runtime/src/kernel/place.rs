//! Where the elements of a window are.
//!
//! In: coordinates. Out: addresses. Always: an answer is in the window. A row of a kernel has the usual case as a part of
//! itself, without a branch ([`Place::lane`]); all others are functions of their own, of the runtime's where they need no type.
//! Next: [`super::operand`].

use std::ptr;

use crate::dims::MAX_RANK;
use crate::dtype::{DType, Element};

use super::cache::{self, Ahead};
use super::{TILE, Window};

/// A window as a kernel's body uses it: of known type and rank.
#[derive(Clone, Copy)]
pub(super) struct Place<T, const N: usize> {
    pub(super) origin: *mut T,
    pub(super) low: [isize; N],
    pub(super) size: [usize; N],
    pub(super) stride: [isize; N],
}

impl<T: Element, const N: usize> Place<T, N> {
    #[inline]
    pub(super) fn new(window: &Window) -> Place<T, N> {
        if window.dtype != T::DTYPE || window.rank != N || N > MAX_RANK {
            other(window, T::DTYPE, N);
        }
        let (mut low, mut size, mut stride) = ([0; N], [0; N], [0; N]);
        for k in 0..N {
            (low[k], stride[k]) = (window.low[k], window.stride[k]);
            size[k] = window.size[k].min(isize::MAX as usize);
        }
        Place { origin: window.origin.cast(), low, size, stride }
    }

    /// The element of these coordinates, which is in the window.
    #[inline(always)]
    pub(super) fn element(&self, at: [isize; N]) -> *mut T {
        let (mut offset, mut inside) = (0isize, true);
        for k in 0..N {
            inside &= self.is_inside(k, at[k], 0);
            offset = offset.wrapping_add(at[k].wrapping_mul(self.stride[k]));
        }
        if !inside {
            self.bare().refuse(&copy(at));
        }
        self.origin.wrapping_offset(offset)
    }

    /// The first of `n` elements that are `step` apart, the distance between two, and whether there are 1 to [`TILE`] of them, all in
    /// the window.
    // One answer for all axes, and no way out before the last: every row of every kernel has a copy of this.
    #[inline(always)]
    pub(super) fn lane(&self, at: [isize; N], step: [isize; N], n: usize) -> (*mut T, isize, bool) {
        let (mut offset, mut stride) = (0isize, 0isize);
        let mut inside = n.wrapping_sub(1) < TILE;
        for k in 0..N {
            let far = (n as isize).wrapping_sub(1).wrapping_mul(step[k]);
            // Else the product may be another number.
            inside &= (step[k].unsigned_abs() <= isize::MAX as usize / TILE) | (n == 1);
            inside &= self.is_inside(k, at[k], 0) & self.is_inside(k, at[k], far);
            offset = offset.wrapping_add(at[k].wrapping_mul(self.stride[k]));
            stride = stride.wrapping_add(step[k].wrapping_mul(self.stride[k]));
        }
        (self.origin.wrapping_offset(offset), stride, inside)
    }

    /// Whether the coordinate `far` from one in the window is in the window too. No sum overflows: a window has at most
    /// `isize::MAX` coordinates, so from one of them none in it is further than that.
    #[inline(always)]
    fn is_inside(&self, axis: usize, at: isize, far: isize) -> bool {
        (at.wrapping_sub(self.low[axis]) as usize).wrapping_add(far as usize) < self.size[axis]
    }

    /// `n` neighbours `by` further on, if they are worth fetching before.
    #[inline(always)]
    pub(super) fn ahead(&self, at: [isize; N], by: [isize; N], n: usize, write: bool) -> Ahead {
        let bytes = size_of::<T>();
        let (mut offset, mut far, mut inside) = (0isize, 0isize, true);
        for k in 0..N {
            let next = at[k].wrapping_add(by[k]);
            inside &= (next.wrapping_sub(self.low[k]) as usize) < self.size[k];
            offset = offset.wrapping_add(next.wrapping_mul(self.stride[k]));
            far = far.wrapping_add(by[k].wrapping_mul(self.stride[k]));
        }
        let near = far.unsigned_abs().saturating_mul(bytes) <= cache::FAR;
        if inside && near && n * bytes >= cache::LEAST_FETCH {
            Ahead { first: self.origin.wrapping_offset(offset).cast_const().cast(), bytes, write }
        } else {
            Ahead::NONE
        }
    }

    #[inline(always)]
    pub(super) fn bare(&self) -> Bare<'_> {
        Bare {
            origin: self.origin.cast(),
            bytes: size_of::<T>(),
            low: &self.low,
            size: &self.size,
            stride: &self.stride,
        }
    }
}

/// A place of any type and rank: what is seldom asked of one is compiled with the runtime, not for each type and rank of a crate's.
#[derive(Clone, Copy)]
pub(super) struct Bare<'a> {
    origin: *mut u8,
    bytes: usize,
    low: &'a [isize],
    size: &'a [usize],
    stride: &'a [isize],
}

impl Bare<'_> {
    /// The first of `n` elements, up to [`TILE`], that are `step` apart, all in the window, and the distance between two. None are
    /// nowhere.
    #[inline(never)]
    pub(super) fn row(self, at: &[isize], step: &[isize], n: usize) -> (*mut u8, isize) {
        assert!(n <= TILE, "a row of {n} elements, more than a tile");
        if n == 0 {
            return (ptr::without_provenance_mut(self.bytes), 1);
        }
        let (mut offset, mut stride) = (0isize, 0isize);
        for (k, (&at, &step)) in at.iter().zip(step).enumerate() {
            let last = (n as isize - 1).checked_mul(step).and_then(|far| at.checked_add(far));
            for at in [Some(at), last] {
                if !at.is_some_and(|at| (at.wrapping_sub(self.low[k]) as usize) < self.size[k]) {
                    outside(at.unwrap_or(isize::MAX), self.low[k], self.size[k]);
                }
            }
            offset = offset.wrapping_add(at.wrapping_mul(self.stride[k]));
            stride = stride.wrapping_add(step.wrapping_mul(self.stride[k]));
        }
        (self.origin.wrapping_offset(offset.wrapping_mul(self.bytes as isize)), stride)
    }

    /// Says which coordinate is not in the window.
    #[cold]
    #[inline(never)]
    pub(super) fn refuse(self, at: &[isize]) -> ! {
        self.row(at, &[0; MAX_RANK], 1);
        unreachable!("an element in the window");
    }
}

/// The same coordinates, at another address.
#[expect(
    clippy::manual_memcpy,
    reason = "element by element the compiler keeps the coordinates themselves in registers"
)]
#[inline(always)]
pub(super) fn copy<const N: usize>(of: [isize; N]) -> [isize; N] {
    let mut out = [0; N];
    for k in 0..N {
        out[k] = of[k];
    }
    out
}

/// One step along an axis.
#[inline(always)]
pub(super) fn unit<const N: usize>(axis: usize) -> [isize; N] {
    let mut step = [0; N];
    step[axis] = 1;
    step
}

#[cold]
#[inline(never)]
fn other(window: &Window, dtype: DType, rank: usize) -> ! {
    panic!("the operand is {} of rank {}, not {dtype} of rank {rank}", window.dtype, window.rank);
}

#[cold]
#[inline(never)]
pub(super) fn outside(at: isize, low: isize, size: usize) -> ! {
    panic!("a kernel asked for coordinates from {at} in {low}..{}", low.wrapping_add_unsigned(size));
}

impl<T: Element, const N: usize> Place<T, N> {
    /// The first of `n` neighbours on an axis, up to [`TILE`], all in the window, and the distance between two.
    #[inline(always)]
    pub(super) fn along(&self, at: [isize; N], axis: usize, n: usize) -> (*mut T, isize) {
        let (first, stride) = self.bare().row(&at, &unit::<N>(axis), n);
        (first.cast(), stride)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    const LOW: [isize; 2] = [10, -2];
    const SIZE: [usize; 2] = [3, 5];

    fn place() -> Place<f32, 2> {
        let mut window = Window { dtype: DType::F32, rank: 2, ..Window::NOWHERE };
        window.low[..2].copy_from_slice(&LOW);
        window.size[..2].copy_from_slice(&SIZE);
        window.stride[..2].copy_from_slice(&[5, 1]);
        Place::new(&window)
    }

    /// The position of a row's element, if it is in the window.
    fn position(at: [isize; 2], step: [isize; 2], i: usize) -> Option<isize> {
        let coordinate = |k: usize| at[k] as i128 + step[k] as i128 * i as i128;
        let inside = |k: usize| (0..SIZE[k] as i128).contains(&(coordinate(k) - LOW[k] as i128));
        (inside(0) && inside(1)).then(|| (5 * coordinate(0) + coordinate(1)) as isize)
    }

    /// Every row that is in the window, and no other, whatever its step.
    #[test]
    fn rows_are_found_where_they_are() {
        let place = place();
        let steps = [isize::MIN, isize::MIN + 1, -3, -2, -1, 0, 1, 2, 3, isize::MAX / 2 + 3, isize::MAX];
        let index = (9..14).flat_map(|row| (-4..5).map(move |column| [row, column]));
        for at in index {
            for step in steps.into_iter().flat_map(|down| steps.map(|along| [down, along])) {
                for n in 1..6 {
                    let all: Option<Vec<isize>> = (0..n).map(|i| position(at, step, i)).collect();
                    let (first, stride, inside) = place.lane(at, step, n);
                    let text = format!("{n} from {at:?} by {step:?}");
                    assert_eq!(inside, all.is_some(), "{text}");
                    if let Some(all) = all {
                        let (bare, by) = place.bare().row(&at, &step, n);
                        assert_eq!((bare as isize, by), (4 * all[0], stride), "{text}");
                        assert_eq!(first as isize, 4 * all[0], "{text}");
                        assert!(n == 1 || stride == all[1] - all[0], "{text}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_outside_is_refused() {
        let said = |at: [isize; 2], step: [isize; 2], n: usize| {
            let refused = catch_unwind(|| place().bare().row(&at, &step, n));
            refused.err().and_then(|text| text.downcast_ref::<String>().cloned()).unwrap_or_default()
        };
        assert!(said([10, 1], [0, 1], 3).contains("from 3 in -2..3"));
        assert!(said([10, -2], [-1, 1], 2).contains("from 9 in 10..13"));
        assert!(said([10, -2], [0, 1], TILE + 1).contains("more than a tile"));
        assert_eq!(said([10, -2], [0, 1], 5), "");
        assert_eq!(said([99, 99], [0, 1], 0), "", "no row is nowhere");
        assert!(catch_unwind(|| place().element([13, 0])).is_err());
        assert_eq!(place().element([12, 2]) as isize, 4 * (5 * 12 + 2));
    }
}
