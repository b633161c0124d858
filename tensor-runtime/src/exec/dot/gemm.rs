//! One strided product as calls of a matrix multiplication.
//!
//! In: loops over two operands and a destination, each with a step in all three. Out: the destination is written.
//! Always: axes that lie as one in memory are one; the largest of each role are the matrix's, the rest are loops
//! around it; the order of a sum depends on the sizes and strides alone. Next: [`super`].

use gemm_common::Parallelism;

use crate::plan::Role;

use super::post::Posted;
use super::{direct, vector};

/// The most axes of a product.
pub(in super::super) const MAX_LOOPS: usize = 24;

/// A loop, with its step in each operand, in elements; 0 where the operand does not vary over it.
#[derive(Clone, Copy, Debug)]
pub(in crate::exec) struct Loop {
    pub(in crate::exec) role: Role,
    pub(in crate::exec) extent: usize,
    pub(in crate::exec) left: isize,
    pub(in crate::exec) right: isize,
    pub(in crate::exec) out: isize,
}

/// Who multiplies.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// [`super::direct`], where it can; else the library, on one thread; then these post-ops.
    Panels(Option<&'a Posted>),
    Library(Parallelism),
}

/// A type that can be multiplied.
pub(super) trait Scalar: Copy {
    /// `out[i, j] = Σ left[i, k] · right[k, j]`, plus what was there if `add`.
    ///
    /// # Safety
    /// All elements of the three matrices must be in bounds, those of `out` distinct and exclusive.
    unsafe fn multiply(
        sizes: [usize; 3],
        out: Matrix<Self>,
        add: bool,
        left: Matrix<Self>,
        right: Matrix<Self>,
        by: By<'_>,
    );
}

/// Where element `(i, j)` is: `i * row + j * column` from `start`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<T> {
    pub(super) start: *mut T,
    pub(super) row: isize,
    pub(super) column: isize,
}

impl<T> Matrix<T> {
    pub(super) fn transposed(self) -> Matrix<T> {
        Matrix { start: self.start, row: self.column, column: self.row }
    }
}

macro_rules! scalar {
    ($ty:ident, $own:expr, $post:expr, $rows:expr, $function:path) => {
        impl Scalar for $ty {
            #[rustfmt::skip]
            unsafe fn multiply(
                [m, n, k]: [usize; 3], out: Matrix<$ty>, add: bool, left: Matrix<$ty>, right: Matrix<$ty>, by: By<'_>,
            ) {
                // SAFETY: the caller's promise; none of the functions reads or writes anything else.
                unsafe {
                    let threads = match by {
                        By::Panels(post) if $own([m, n, k], out, add, left, right, post) => return,
                        By::Panels(_) => Parallelism::None,
                        By::Library(_) if n == 1 && $rows([m, k], out, add, left, right) => return,
                        By::Library(_) if n == 1 && vector::by_columns([m, k], out, add, left, right) => return,
                        By::Library(threads) => threads,
                    };
                    let (left, right) = upwards(k, left, right);
                    $function()(
                        m, n, k, out.start, out.column, out.row, add, left.start, left.column, left.row,
                        right.start, right.column, right.row, 1.0, 1.0, false, false, false, threads,
                    );
                    if let By::Panels(Some(post)) = by {
                        $post(post, [m, n], out);
                    }
                }
            }
        }
    };
}

scalar!(f32, direct::multiply, Posted::pass, vector::by_rows, gemm_f32::gemm::f32::get_gemm_fn);
scalar!(f64, |_, _, _, _, _, _| false, |_, _, _| (), |_, _, _, _, _| false, gemm_f64::gemm::f64::get_gemm_fn);

/// The product over `loops`, plus what was there if `add`.
///
/// # Safety
/// The elements that the loops reach from `left` and `right` must be initialised and readable, those they reach from
/// `out` distinct for distinct non-contracted coordinates, and exclusive.
pub(super) unsafe fn product<T: Scalar>(
    loops: &[Loop],
    left: *mut T,
    right: *mut T,
    out: *mut T,
    add: bool,
    by: By<'_>,
) {
    let mut merged = [Loop { role: Role::Batch, extent: 1, left: 0, right: 0, out: 0 }; MAX_LOOPS];
    let count = merge(loops, &mut merged);
    let loops = &merged[..count];
    if loops.iter().any(|l| l.extent == 0 && l.role != Role::Contract) {
        return;
    }
    let matrix = |role: Role| {
        let of_role = loops.iter().enumerate().filter(|(_, l)| l.role == role);
        of_role.max_by_key(|(i, l)| (l.extent, *i)).map(|(i, _)| i)
    };
    let axes = [matrix(Role::Left), matrix(Role::Right), matrix(Role::Contract)];
    let [m, n, k] = axes.map(|axis| axis.map_or(UNIT, |i| loops[i]));
    let rest = || loops.iter().enumerate().filter(|&(i, _)| !axes.contains(&Some(i))).map(|(_, l)| *l);
    // The contracted loops are innermost: the first round overwrites, the others add.
    let mut outer = [UNIT; MAX_LOOPS];
    let (mut outers, mut contracted) = (0, 0);
    for l in rest().filter(|l| l.role != Role::Contract) {
        outer[outers] = l;
        outers += 1;
    }
    let split = outers;
    for l in rest().filter(|l| l.role == Role::Contract) {
        outer[outers] = l;
        outers += 1;
        contracted += 1;
    }
    let none = loops.iter().any(|l| l.extent == 0);
    let rounds = if none { 1 } else { outer[split..split + contracted].iter().map(|l| l.extent).product::<usize>() };
    let places: usize = outer[..split].iter().map(|l| l.extent).product();
    let depth = if none { 0 } else { k.extent };
    for place in 0..places {
        for round in 0..rounds {
            let (a, b, c) = offsets(&outer[..split], place);
            let (d, e, _) = if none { (0, 0, 0) } else { offsets(&outer[split..split + contracted], round) };
            let left = Matrix { start: left.wrapping_offset(a + d), row: m.left, column: k.left };
            let right = Matrix { start: right.wrapping_offset(b + e), row: k.right, column: n.right };
            let out = Matrix { start: out.wrapping_offset(c), row: m.out, column: n.out };
            let by = match by {
                By::Panels(_) if round + 1 < rounds => By::Panels(None),
                By::Panels(_) | By::Library(_) => by,
            };
            // SAFETY: the loops' extents and steps are the caller's, merged without changing which elements they
            // reach.
            unsafe { oriented([m.extent, n.extent, depth], out, add || round > 0, left, right, by) };
        }
    }
}

pub(super) const UNIT: Loop = Loop { role: Role::Batch, extent: 1, left: 0, right: 0, out: 0 };

/// The offsets of the `i`-th point of some loops.
pub(super) fn offsets(loops: &[Loop], mut i: usize) -> (isize, isize, isize) {
    let mut sum = (0, 0, 0);
    for l in loops.iter().rev() {
        let at = (i % l.extent) as isize;
        i /= l.extent;
        sum = (sum.0 + at * l.left, sum.1 + at * l.right, sum.2 + at * l.out);
    }
    sum
}

/// The last of `n` elements.
fn back<T>(start: *mut T, n: usize, step: isize) -> *mut T {
    start.wrapping_offset((n as isize - 1) * step)
}

/// The same sums with the terms of the left matrix going up, as the library wants them.
fn upwards<T>(k: usize, mut left: Matrix<T>, mut right: Matrix<T>) -> (Matrix<T>, Matrix<T>) {
    if left.column < 0 && k > 0 {
        (left.start, left.column) = (back(left.start, k, left.column), -left.column);
        (right.start, right.row) = (back(right.start, k, right.row), -right.row);
    }
    (left, right)
}

/// Turns the matrices as the multiplication wants them: the destination's rows next to each other, going up.
///
/// # Safety
/// As [`Scalar::multiply`].
unsafe fn oriented<T: Scalar>(
    [m, n, k]: [usize; 3],
    mut out: Matrix<T>,
    add: bool,
    mut left: Matrix<T>,
    mut right: Matrix<T>,
    by: By<'_>,
) {
    let swap = (n > 1 && out.column.unsigned_abs() < out.row.unsigned_abs()) || m <= 1;
    let (mut m, mut n) = (m, n);
    if swap && n > 1 {
        (m, n) = (n, m);
        (left, right) = (right.transposed(), left.transposed());
        out = out.transposed();
    }
    if out.row < 0 {
        (out.start, out.row) = (back(out.start, m, out.row), -out.row);
        (left.start, left.row) = (back(left.start, m, left.row), -left.row);
    }
    if out.column < 0 {
        (out.start, out.column) = (back(out.start, n, out.column), -out.column);
        (right.start, right.column) = (back(right.start, n, right.column), -right.column);
    }
    // SAFETY: the same elements, counted from the other end or with rows and columns exchanged.
    unsafe { T::multiply([m, n, k], out, add, left, right, by) }
}

/// Joins loops of one role that every operand steps through as one, drops those of extent 1, and answers how many
/// are left.
pub(super) fn merge(loops: &[Loop], merged: &mut [Loop; MAX_LOOPS]) -> usize {
    let mut count = 0;
    for l in loops.iter().filter(|l| l.extent != 1) {
        // Larger steps first within a role, so that neighbours in memory are neighbours here.
        let key = |l: &Loop| if l.role == Role::Contract { l.left.unsigned_abs() } else { l.out.unsigned_abs() };
        let same = |other: &Loop| other.role == l.role;
        let at = merged[..count].iter().position(|o| same(o) && key(o) < key(l)).unwrap_or(count);
        merged.copy_within(at..count, at + 1);
        merged[at] = *l;
        count += 1;
    }
    let mut i = 0;
    while i < count {
        let inner = merged[i];
        let outer = merged[..i].iter().rposition(|o| {
            let n = inner.extent as isize;
            let joins = |o: isize, i: isize| i.checked_mul(n) == Some(o);
            o.role == inner.role && joins(o.left, inner.left) && joins(o.right, inner.right) && joins(o.out, inner.out)
        });
        match outer {
            Some(o) if inner.extent > 0 => {
                merged[o] = Loop { extent: merged[o].extent * inner.extent, ..inner };
                merged.copy_within(i + 1..count, i);
                count -= 1;
                i = o;
            }
            _ => i += 1,
        }
    }
    count
}
