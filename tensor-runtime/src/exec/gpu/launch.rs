//! Launches a generated kernel.
//!
//! In: a launch, the buffers. Out: nothing; the outputs will be written. Always: the arguments are in the order that
//! [`Cuda`](crate::plan::Cuda) says; indices have 32 bits only where everything that the kernel computes with them fits.
//! Next: [`geometry`].

use crate::device::arguments::Arguments;
use crate::device::geometry;
use crate::device::kernels::{Classes, Unit};
use crate::error::{Error, Result};
use crate::plan::{BufferId, Launch, Plan};

use super::super::launch::each_spot;
use super::super::memory::{Memory, Spot};
use super::{Call, address, size};

/// Runs a launch. `given` are the places of buffers that have none in `memory`.
///
/// All that the kernel reads is then in initialised memory that `memory` borrows or owns; its outputs are of other roots
/// than the inputs and than one another, each with an injective layout.
pub(super) fn run(
    plan: &'static Plan,
    launch: &'static Launch,
    memory: &mut Memory<'_, Call>,
    sizes: &[i64],
    given: &[(BufferId, Spot)],
) -> Result<()> {
    let cuda = &launch.cuda;
    if cuda.function.is_empty() {
        return Err(Error::unsupported(plan.function, format!("kernel {} has no CUDA C", launch.name)));
    }
    let mut spots: Vec<Spot> = Vec::new();
    each_spot(plan, launch, memory, sizes, given, |spot| spots.push(*spot))?;
    let extents = launch.extents.iter().map(|&slot| size(plan, sizes, slot)).collect::<Result<Vec<i64>>>()?;
    let call = &mut memory.target;
    let Some(shape) = geometry::shape(cuda, launch.par, &extents, call.gpu.description().multiprocessors) else {
        return Ok(());
    };
    let launch_sizes = launch.sizes.iter().map(|&slot| size(plan, sizes, slot)).collect::<Result<Vec<i64>>>()?;
    let indices = spots.iter().map(reach).chain(extents.iter().chain(&launch_sizes).copied());
    let most = indices.fold(points(&extents[..launch.par]), i64::max);
    let wide = !cuda.narrow || geometry::is_wide(most);
    let notes = match cuda.picks {
        0 => None,
        picks => Some(call.notes("take", usize::from(picks))?),
    };
    let mut arguments = Arguments::new(wide);
    for spot in &spots {
        // What is picked from nothing is an error, and read meanwhile from memory that is there.
        let nothing = notes.filter(|_| spot.layout.is_empty());
        arguments.address(nothing.unwrap_or_else(|| address(spot)));
        let step = |&step: &isize| if nothing.is_some() { 0 } else { step as i64 };
        spot.layout.strides().iter().map(step).for_each(|step| arguments.index(step));
    }
    let written = |number: usize| cuda.written.iter().any(|&w| usize::from(w) == number);
    extents.iter().enumerate().filter(|(number, _)| !written(*number)).for_each(|(_, &e)| arguments.index(e));
    launch_sizes.iter().for_each(|&size| arguments.index(size));
    notes.into_iter().for_each(|notes| arguments.address(notes));
    let unit = Unit { text: plan.cuda, function: cuda.function, classes: Classes::of(cuda.deal, &shape, wide) };
    // SAFETY: the arguments are those that the compiler's text has; what is said above of the operands.
    unsafe { call.gpu.launch(&unit, shape.blocks, &mut arguments) }
}

/// The farthest that an element lies from the first.
fn reach(spot: &Spot) -> i64 {
    let axes = spot.layout.sizes().iter().zip(spot.layout.strides());
    axes.fold(0i64, |far, (&size, &step)| {
        far.saturating_add((size.saturating_sub(1) as i64).saturating_mul((step as i64).saturating_abs()))
    })
}

fn points(parallel: &[i64]) -> i64 {
    parallel.iter().fold(1, |n: i64, &extent| n.saturating_mul(extent.max(0)))
}
