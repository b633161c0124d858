//! Products of floats of 16 bits.
//!
//! In: the loops of a product, operands of halves. Out: the destination is written, as halves or as `f32`. Always: the
//! operands are made `f32` a part of the sum at a time, in memory that a core's cache holds for the boxes of a product;
//! sums are of `f32`, and rounded once; their order depends on the sizes and strides alone. Next: [`super::gemm`].

use crate::error::Result;
use crate::math::half::{Half, narrow, widen};
use crate::plan::Role;
use crate::storage::Buffer;

use super::gemm::{self, By, Loop};

/// Terms of a sum whose operands are made `f32` at once.
const DEPTH: usize = 512;
/// Elements that are made `f32` at once where they do not lie next to each other.
const RUN: usize = 64;

/// An axis of two arrays.
#[derive(Clone, Copy)]
struct Axis {
    extent: usize,
    from: isize,
    to: isize,
}

/// The product over `loops`, plus what was there if `add`.
///
/// # Safety
/// As [`gemm::product`]; `out` is of `f32` if `wide`, else of halves.
pub(super) unsafe fn product<H: Half>(
    loops: &[Loop],
    left: *const H,
    right: *const H,
    out: *mut u8,
    wide: bool,
    add: bool,
    by: By,
) -> Result<()> {
    // The longest summed loop is cut.
    let summed = |l: &Loop| l.role == Role::Contract;
    let longest = (0..loops.len()).filter(|&i| summed(&loops[i])).max_by_key(|&i| (loops[i].extent, i));
    let terms: usize = loops.iter().filter(|l| summed(l)).map(|l| l.extent).product();
    let length = longest.map_or(1, |i| loops[i].extent);
    let step = (DEPTH * length / terms.max(1)).clamp(1, length.max(1));
    let mut sums = None;
    let mut part: Vec<Loop> = loops.to_vec();
    // The sums' own memory, unless the destination is that.
    let (mut to, mut own) = (out.cast::<f32>(), Vec::new());
    if !wide {
        own = dense(loops, |l| l.role != Role::Contract, |l| l.out);
        let buffer = sums.insert(Buffer::<f32>::uninit(count(&own))?);
        to = buffer.as_mut_ptr();
        for (l, part) in part.iter_mut().enumerate() {
            part.out = own.iter().find(|(k, _)| *k == l).map_or(0, |(_, axis)| axis.to);
        }
        if add {
            // SAFETY: the elements that the loops reach from `out` are halves; the buffer has room for as many.
            unsafe { each_run(&axes(&own), out.cast::<H>(), to, |from, to| widen_run(from, to)) };
        }
    }
    for first in (0..length.max(1)).step_by(step) {
        let (mut starts, mut memory) = ([left, right], Vec::new());
        if let Some(i) = longest {
            part[i].extent = step.min(length - first);
            starts[0] = starts[0].wrapping_offset(first as isize * loops[i].left);
            starts[1] = starts[1].wrapping_offset(first as isize * loops[i].right);
        }
        for (side, start) in starts.into_iter().enumerate() {
            let stride = |l: &Loop| if side == 0 { l.left } else { l.right };
            // The loops of the part have the destination's steps for good, and the operands' of memory of their own.
            let own: Vec<Loop> = (0..loops.len()).map(|l| Loop { extent: part[l].extent, ..loops[l] }).collect();
            // An empty loop is one of both operands, for where there is none of it nothing may be read.
            let list = dense(&own, |l| stride(l) != 0 || l.extent == 0, stride);
            let mut buffer = Buffer::<f32>::uninit(count(&list))?;
            // SAFETY: the loops reach readable halves; the buffer has room for as many.
            unsafe { each_run(&axes(&list), start, buffer.as_mut_ptr(), |from, to| widen_run(from, to)) };
            for (l, part) in part.iter_mut().enumerate() {
                let step = list.iter().find(|(k, _)| *k == l).map_or(0, |(_, axis)| axis.to);
                *(if side == 0 { &mut part.left } else { &mut part.right }) = step;
            }
            memory.push(buffer);
        }
        let [a, b] = &mut memory[..] else { unreachable!("a product has two operands") };
        let (a, b) = (a.as_mut_ptr(), b.as_mut_ptr());
        // SAFETY: the operands are whole, of as many elements as the loops reach; the destination is the caller's or
        // dense memory of this call.
        unsafe { gemm::product::<f32>(&part, a, b, to, add || first > 0, by) };
    }
    if !wide {
        let back: Vec<Axis> = axes(&own).iter().map(|a| Axis { from: a.to, to: a.from, ..*a }).collect();
        // SAFETY: all sums are written; the loops reach distinct halves of the destination, which is exclusive.
        unsafe { each_run(&back, to.cast_const(), out.cast::<H>(), |from, to| narrow_run(from, to)) };
    }
    drop(sums);
    Ok(())
}

/// Loops as axes from strides to dense memory in the order of the strides; each with its number.
fn dense(loops: &[Loop], takes: impl Fn(&Loop) -> bool, stride: impl Fn(&Loop) -> isize) -> Vec<(usize, Axis)> {
    let numbered = loops.iter().enumerate().filter(|(_, l)| takes(l));
    let mut list: Vec<(usize, Axis)> =
        numbered.map(|(k, l)| (k, Axis { extent: l.extent, from: stride(l), to: 0 })).collect();
    list.sort_by_key(|(_, axis)| std::cmp::Reverse(axis.from.unsigned_abs()));
    let mut len = 1isize;
    for (_, axis) in list.iter_mut().rev() {
        axis.to = len;
        len *= axis.extent as isize;
    }
    list
}

fn axes(list: &[(usize, Axis)]) -> Vec<Axis> {
    list.iter().map(|(_, axis)| *axis).collect()
}

/// How many elements the axes have; one without any.
fn count(list: &[(usize, Axis)]) -> usize {
    list.iter().map(|(_, axis)| axis.extent).product()
}

/// Neighbours, `step` apart: so many from an address on.
struct Run<T> {
    at: T,
    step: isize,
    n: usize,
}

/// Calls `f` with the elements along the last axis, for each point of the others.
///
/// # Safety
/// `f` may do what it does with all that the axes reach.
unsafe fn each_run<A: Copy, B>(
    axes: &[Axis],
    from: *const A,
    to: *mut B,
    f: impl Fn(Run<*const A>, Run<*mut B>) + Copy,
) {
    match axes {
        [] => f(Run { at: from, step: 1, n: 1 }, Run { at: to, step: 1, n: 1 }),
        [last] => f(Run { at: from, step: last.from, n: last.extent }, Run { at: to, step: last.to, n: last.extent }),
        [axis, inner @ ..] => {
            for i in 0..axis.extent as isize {
                // SAFETY: the caller's promise.
                unsafe { each_run(inner, from.wrapping_offset(i * axis.from), to.wrapping_offset(i * axis.to), f) };
            }
        }
    }
}

/// Halves to `f32`. What does not lie next to each other goes by way of memory where it does.
fn widen_run<H: Half>(from: Run<*const H>, to: Run<*mut f32>) {
    convert(from, to, H::default(), 0.0, widen::<H>);
}

/// `f32` to the nearest halves.
fn narrow_run<H: Half>(from: Run<*const f32>, to: Run<*mut H>) {
    convert(from, to, 0.0, H::default(), narrow::<H>);
}

fn convert<A: Copy, B: Copy>(from: Run<*const A>, to: Run<*mut B>, a: A, b: B, each: fn(&[A], &mut [B])) {
    if (from.step, to.step) == (1, 1) {
        // SAFETY: `product` reaches runs that are readable and exclusive.
        let (from, to) =
            unsafe { (std::slice::from_raw_parts(from.at, from.n), std::slice::from_raw_parts_mut(to.at, to.n)) };
        return each(from, to);
    }
    let (mut read, mut made) = ([a; RUN], [b; RUN]);
    for first in (0..from.n).step_by(RUN) {
        let n = RUN.min(from.n - first);
        for (i, read) in read[..n].iter_mut().enumerate() {
            // SAFETY: as above.
            *read = unsafe { from.at.wrapping_offset((first + i) as isize * from.step).read() };
        }
        each(&read[..n], &mut made[..n]);
        for (i, made) in made[..n].iter().enumerate() {
            // SAFETY: as above.
            unsafe { to.at.wrapping_offset((first + i) as isize * to.step).write(*made) };
        }
    }
}
