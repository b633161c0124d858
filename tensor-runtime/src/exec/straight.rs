//! Copies of what a launch would read across memory.
//!
//! In: a launch with its operands. Out: the same, but an input that the lane would cross, and that no [`Crossing`] turns block by
//! block, is a copy in C order. Always: an operand is copied once and read many times, so that each line is fetched once: a
//! window of it, as of a filter over an image, would fetch a line for each element of each place. Next: [`super::copy`].

use crate::dtype::AnyBuffer;
use crate::error::Result;
use crate::kernel::Window;
use crate::kernel::cache::LINE;
use crate::layout::Layout;
use crate::plan::{FREE, Launch};

use super::copy::in_order;
use super::cross::Crossing;
use super::launch::{Found, Ready, SHORT, accesses, axis_of};
use super::memory::aligned;

/// The lines of fewer elements stay in the first-level cache.
const LEAST: usize = 4096;

/// Puts copies in the place of inputs; they are to live as long as the launch runs.
#[inline]
pub(super) fn straighten(launch: &Launch, ready: &mut Ready) -> Result<Vec<AnyBuffer>> {
    let mut copies = Vec::new();
    for input in 0..launch.inputs.len() {
        if lies_across(&ready.windows[input]) && is_crossed(launch, ready, input) {
            copies.push(straight(&mut ready.windows[input])?);
        }
    }
    Ok(copies)
}

/// Whether the last axis goes from line to line, and another along a line.
#[inline]
fn lies_across(window: &Window) -> bool {
    let bytes = |k: &usize| window.stride[*k].unsigned_abs().saturating_mul(window.dtype.bytes());
    let Some(last) = (0..window.rank).rev().find(|&k| window.size[k] > 1) else { return false };
    let repeated = |k: usize| window.size[k] > 1 && window.stride[k] == 0;
    bytes(&last) >= LINE && (0..last).any(|k| window.size[k] > 1 && bytes(&k) < LINE) && !(0..window.rank).any(repeated)
}

/// Whether the lane goes across the operand's memory, so that a copy is worth it.
#[inline(never)]
fn is_crossed(launch: &Launch, ready: &Ready, input: usize) -> bool {
    let window = &ready.windows[input];
    let count = |sizes: &mut dyn Iterator<Item = usize>| sizes.fold(1usize, usize::saturating_mul);
    let len = count(&mut window.size[..window.rank].iter().copied());
    let read = count(&mut ready.extents[..ready.axes].iter().map(|&extent| extent as usize));
    if len < LEAST || read < len {
        return false;
    }
    let parallel = ready.lane_is_parallel(launch);
    let Some(lane) = if parallel { launch.par } else { ready.axes }.checked_sub(1) else { return false };
    let across = |axis: usize| match axis_of(launch, input, axis, window.rank) {
        Found::At(k) => window.stride[k].unsigned_abs().saturating_mul(window.dtype.bytes()) >= LINE,
        // Read at places that are reckoned, as those of a window: the last axis most likely by the lane.
        Found::No => accesses(launch, input).last() == Some(&FREE),
        Found::Twice => false,
    };
    // Beside a short lane the axis before it may be the lane.
    let short = parallel && ready.extents[lane] < SHORT;
    let before = lane.checked_sub(1).filter(|_| short);
    across(lane) && before.is_none_or(across) && !Crossing::of(ready, launch).is_some_and(|c| c.turns(input))
}

/// The window of a copy.
fn straight(window: &mut Window) -> Result<AnyBuffer> {
    let rank = window.rank;
    let dense = Layout::contiguous(&window.size[..rank])?;
    let (copy, start) = aligned(window.dtype, dense.len())?;
    let from = Layout::known(&window.size[..rank], &window.stride[..rank], 0);
    // SAFETY: `launch` has opened the window on initialised elements that nobody writes meanwhile; the copy has as many.
    unsafe { in_order(window.dtype.bytes(), window.origin, from.lend(), start) };
    window.origin = start;
    window.stride[..rank].copy_from_slice(dense.strides());
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::super::tests::kernel;
    use super::*;
    use crate::dtype::DType;
    use crate::plan::Output;

    /// Reads windows of its operand, and elements of it.
    static WINDOWS: Launch = Launch { accesses: &[&[FREE, FREE], &[0, 1]], ..kernel(&[0], &[Output { buffer: 1 }]) };
    static ELEMENTS: Launch = Launch { accesses: &[&[0, 1], &[0, 1]], ..kernel(&[0], &[Output { buffer: 1 }]) };

    /// Whether the operand, of these sizes and strides, is copied, and what the launch then reads.
    fn read(launch: &Launch, sizes: [usize; 2], strides: [isize; 2]) -> (bool, Vec<f32>) {
        let memory: Vec<f32> = (0..sizes[0] * sizes[1]).map(|i| i as f32).collect();
        let layouts = [Layout::known(&sizes, &strides, 0), Layout::contiguous(&sizes).unwrap()];
        let mut ready = Ready::empty();
        ready.axes = 2;
        for k in 0..2 {
            ready.extents[k] = sizes[k] as isize;
            ready.ranges[k] = 0..sizes[k] as isize;
        }
        for layout in &layouts {
            ready.open(memory.as_ptr().cast::<u8>().cast_mut(), DType::F32, layout.lend());
        }
        let copies = straighten(launch, &mut ready).unwrap();
        let window = &ready.windows[0];
        let at = |i: usize, j: usize| i as isize * window.stride[0] + j as isize * window.stride[1];
        let all = (0..sizes[0]).flat_map(|i| (0..sizes[1]).map(move |j| (i, j)));
        // SAFETY: elements of the operand or of its copy, which lives.
        let found = all.map(|(i, j)| unsafe { window.origin.cast::<f32>().wrapping_offset(at(i, j)).read() }).collect();
        (!copies.is_empty(), found)
    }

    #[test]
    fn windows_across_memory_are_of_a_copy() {
        let turned = |m: usize, n: usize| (0..m).flat_map(|i| (0..n).map(move |j| (j * m + i) as f32)).collect();
        assert_eq!(read(&WINDOWS, [100, 120], [1, 100]), (true, turned(100, 120)));
        // Rows that lie so anyway, few elements, and what goes block by block.
        assert!(!read(&WINDOWS, [100, 120], [120, 1]).0);
        assert!(!read(&WINDOWS, [50, 20], [1, 50]).0);
        assert!(!read(&ELEMENTS, [100, 120], [1, 100]).0);
    }
}
