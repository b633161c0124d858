//! Copies of operands that are kept from call to call.
//!
//! In: a launch that copies elements of an operand in another order, as the weights of a depthwise convolution. Out: its
//! output's place is where they are kept, or it is said that the launch is to be run. Always: only what is asked for again is kept,
//! and only as many elements as the operand has: a kernel that computes, or repeats, is run in each call.
//! Next: [`crate::kept`].

use crate::MAX_RANK;
use crate::dtype::DType;
use crate::error::Result;
use crate::kept::{Form, Found, Laid};
use crate::plan::{Launch, Place, Plan};

use super::launch;
use super::memory::{Memory, described, layout_of};

/// What a load and a store cost: a launch of no more does nothing else.
pub(super) const COPIES: u32 = 2;

/// Finds what a launch of this cost copies, or keeps it; answers whether its output is there.
pub(super) fn run(
    plan: &'static Plan,
    launch: &'static Launch,
    memory: &mut Memory<'_>,
    sizes: &[i64],
) -> Result<bool> {
    debug_assert_eq!(launch.cost, COPIES);
    let (&[input], [output]) = (launch.inputs, launch.outputs) else { return Ok(false) };
    if !launch.sizes.is_empty() || launch.extents.len() > MAX_RANK {
        return Ok(false);
    }
    let (id, of) = (output.buffer, described(plan, output.buffer)?);
    let from = memory.reading(input, sizes)?;
    let typed = of.dtype == DType::F32 && from.dtype == DType::F32;
    if !typed || !matches!(of.place, Place::Temp) || memory.known(id).is_some() {
        return Ok(false);
    }
    let len = layout_of(plan, of, sizes)?.len();
    let Some(keeper) = memory.keeper(from.root).filter(|_| 0 < len && len <= from.layout.len()) else {
        return Ok(false);
    };
    let first = from.start.wrapping_add(from.layout.offset() * from.dtype.bytes());
    let start = (first as isize).wrapping_sub(keeper.start as isize) / from.dtype.bytes() as isize;
    let (mut extents, mut steps) = ([0; MAX_RANK], [0; MAX_RANK]);
    for (extent, &slot) in extents.iter_mut().zip(launch.extents) {
        *extent = sizes.get(usize::from(slot)).map_or(0, |&size| size as isize);
    }
    steps[..from.layout.rank()].copy_from_slice(from.layout.strides());
    let form = Form::Copy { launch: std::ptr::from_ref(launch).addr(), start, extents, steps };
    match keeper.kept.find(&form) {
        Found::New => return Ok(false),
        // The operand, which the call borrows, has it as long.
        Found::Kept(laid) => memory.lend(id, laid.start().cast(), sizes)?,
        Found::Again => {
            launch::run(plan, launch, memory, sizes)?;
            let made = memory.reading(id, sizes)?;
            let mut laid = Laid::new(len)?;
            // SAFETY: the launch has written all elements of its output, which is dense; there is room for as many.
            unsafe { std::ptr::copy_nonoverlapping(made.start.cast::<f32>(), laid.start_mut(), len) };
            keeper.kept.keep(&form, laid, keeper.len);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{A, B, PARAMS, RESULT, TEMP, X, kernel, plan};
    use super::*;
    use crate::operand::Operand;
    use crate::plan::{Action, Output, Step};
    use crate::tensor::Tensor;

    const fn step(cost: u32, inputs: &'static [u16], outputs: &'static [Output], release: &'static [u16]) -> Step {
        Step { action: Action::Launch(Launch { cost, ..kernel(inputs, outputs) }), release }
    }

    static COPY: Plan = plan(
        PARAMS,
        &[X, A, B, RESULT, TEMP],
        &[3],
        &[step(COPIES, &[0], &[Output { buffer: 4 }], &[]), step(1, &[4], &[Output { buffer: 3 }], &[4])],
    );
    static MORE: Plan = plan(
        PARAMS,
        &[X, A, B, RESULT, TEMP],
        &[3],
        &[step(COPIES + 1, &[0], &[Output { buffer: 4 }], &[]), step(1, &[4], &[Output { buffer: 3 }], &[4])],
    );

    #[test]
    fn a_copy_is_kept_from_the_second_call_on_until_its_operand_is_written_to() {
        let tensor = |m, n| Tensor::<f32, (usize, usize)>::ones((m, n)).unwrap();
        for (plan, wanted) in [(&MORE, [0, 0, 0]), (&COPY, [0, 1, 1])] {
            let (mut x, a, b) = (tensor(20, 30), tensor(20, 10), tensor(10, 30));
            for _ in 0..2 {
                for kept in wanted {
                    crate::exec::call::<1>(plan, &[x.raw().unwrap(), a.raw().unwrap(), b.raw().unwrap()]).unwrap();
                    assert_eq!(x.storage.kept().count(), kept);
                }
                x.view_mut().unwrap()[[1, 2]] = 3.0;
            }
        }
    }
}
