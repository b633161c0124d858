//! Launches a generated kernel.
//!
//! In: a launch, the buffers. Out: nothing; the outputs will be written. Always: the arguments are in the order that
//! [`Cuda`] says; indices have 32 bits only where everything that the kernel computes with them fits.
//! Next: [`geometry`].

use crate::device::arguments::Arguments;
use crate::device::geometry;
use crate::device::kernels::{Classes, Unit};
use crate::device::slices::Slices;
use crate::error::{Error, Result};
use crate::plan::{BufferId, Cuda, Cut, Launch, Plan, Turn};

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
    given: &[(BufferId, Spot<'_>)],
) -> Result<()> {
    let cuda = &launch.cuda;
    if cuda.function.is_empty() {
        return Err(Error::unsupported(plan.function, format!("kernel {} has no CUDA C", launch.name)));
    }
    let operands = Operands::new(plan, launch, memory, sizes, given)?;
    let call = &mut memory.target;
    let turn = cuda.turn.filter(|turn| operands.lie_along(turn));
    let shape =
        geometry::shape(&Cuda { turn, ..*cuda }, launch.par, &operands.extents, call.gpu.description().multiprocessors);
    let Some(shape) = shape else { return Ok(()) };
    let wide = operands.is_wide(launch);
    // What slices leave for the launches after theirs. It may be handed out again at once: whoever takes it asks later.
    let parts = cuda.cut.zip(shape.slices);
    let states = |(cut, slices): (Cut, Slices)| i64::from(cut.states) * i64::from(slices.count) * 16;
    let bytes = parts.map_or(0, |parts| points(&operands.extents[..launch.par]).saturating_mul(states(parts)));
    let room = call.gpu.allocate(bytes as usize)?;
    let mut arguments = Arguments::new(wide);
    for word in operands.words(launch, &[], call)? {
        match word {
            Word::Address(address) => arguments.address(address),
            Word::Number(number) => arguments.index(number),
        }
    }
    if cuda.cut.is_some() {
        arguments.address(room.address());
    }
    let whole = Classes::of(cuda.deal, &shape, wide);
    let launches = match parts {
        None => vec![(whole, shape.blocks)],
        Some((cut, slices)) => (0..=cut.passes)
            .map(|phase| {
                let count = if phase < cut.passes || cut.again { slices.count } else { 1 };
                (Classes { slices: Some((slices, phase)), ..whole }, shape.blocks * count)
            })
            .collect(),
    };
    for (classes, blocks) in launches {
        let unit = Unit { text: plan.cuda, function: cuda.function, classes, calls: None };
        // SAFETY: the arguments are those that the compiler's text has; what is said above of the operands. A phase reads of
        // the room what those before it have written.
        unsafe { call.gpu.launch(&unit, blocks, &mut arguments) }?;
    }
    Ok(())
}

/// What a launch is of: its operands' places, its extents and sizes.
pub(super) struct Operands<'s> {
    spots: Vec<Spot<'s>>,
    pub(super) extents: Vec<i64>,
    sizes: Vec<i64>,
}

/// A parameter of a kernel.
enum Word {
    Address(u64),
    /// A step, an extent or a size.
    Number(i64),
}

impl Word {
    /// As a member of a structure, all of which have 8 bytes.
    fn bits(&self) -> i64 {
        match *self {
            Word::Address(address) => address as i64,
            Word::Number(number) => number,
        }
    }
}

impl<'s> Operands<'s> {
    /// `given` are the places of buffers that have none in `memory`.
    pub(super) fn new<'m: 's>(
        plan: &'static Plan,
        launch: &'static Launch,
        memory: &mut Memory<'m, Call>,
        sizes: &[i64],
        given: &[(BufferId, Spot<'s>)],
    ) -> Result<Operands<'s>> {
        let mut spots: Vec<Spot<'s>> = Vec::new();
        each_spot(plan, launch, memory, sizes, given, |spot| spots.push(*spot))?;
        let of = |slots: &[u16]| slots.iter().map(|&slot| size(plan, sizes, slot)).collect::<Result<Vec<i64>>>();
        Ok(Operands { spots, extents: of(launch.extents)?, sizes: of(launch.sizes)? })
    }

    /// Whether anything that the kernel computes with needs 64 bits.
    pub(super) fn is_wide(&self, launch: &Launch) -> bool {
        let indices = self.spots.iter().map(reach).chain(self.extents.iter().chain(&self.sizes).copied());
        let most = indices.fold(points(&self.extents[..launch.par]), i64::max);
        !launch.cuda.narrow || geometry::is_wide(most)
    }

    /// Whether the inputs of a tile lie in memory as the compiler takes them to: else they are better read without.
    fn lie_along(&self, turn: &Turn) -> bool {
        turn.along.iter().all(|&(input, axis)| {
            let step = self.spots.get(usize::from(input)).and_then(|spot| spot.layout.strides().get(usize::from(axis)));
            step.is_some_and(|step| step.abs() == 1)
        })
    }

    /// The same as the members of a structure.
    pub(super) fn members(&self, launch: &Launch, elsewhere: &[usize], call: &mut Call) -> Result<Vec<i64>> {
        Ok(self.words(launch, elsewhere, call)?.iter().map(Word::bits).collect())
    }

    /// The kernel's parameters in their order, but for operands that the caller has elsewhere.
    fn words(&self, launch: &Launch, elsewhere: &[usize], call: &mut Call) -> Result<Vec<Word>> {
        let cuda = &launch.cuda;
        let notes = match cuda.picks {
            0 => None,
            picks => Some(call.notes("take", usize::from(picks))?),
        };
        let strides = self.spots.iter().map(|spot| spot.layout.strides().len());
        let numbers = self.extents.len() + self.sizes.len();
        let mut words = Vec::with_capacity(self.spots.len() + strides.sum::<usize>() + numbers + 1);
        for (_, spot) in self.spots.iter().enumerate().filter(|(number, _)| !elsewhere.contains(number)) {
            // What is picked from nothing is an error, and read meanwhile from memory that is there.
            let nothing = notes.filter(|_| spot.layout.is_empty());
            words.push(Word::Address(nothing.unwrap_or_else(|| address(spot))));
            let step = |&step: &isize| Word::Number(if nothing.is_some() { 0 } else { step as i64 });
            words.extend(spot.layout.strides().iter().map(step));
        }
        let written = |number: usize| cuda.written.iter().any(|&w| usize::from(w) == number);
        let extents = self.extents.iter().enumerate().filter(|(number, _)| !written(*number));
        words.extend(extents.map(|(_, &extent)| Word::Number(extent)));
        words.extend(self.sizes.iter().map(|&size| Word::Number(size)));
        words.extend(notes.map(Word::Address));
        Ok(words)
    }
}

/// The farthest that an element lies from the first.
fn reach(spot: &Spot<'_>) -> i64 {
    let axes = spot.layout.sizes().iter().zip(spot.layout.strides());
    axes.fold(0i64, |far, (&size, &step)| {
        far.saturating_add((size.saturating_sub(1) as i64).saturating_mul((step as i64).saturating_abs()))
    })
}

fn points(parallel: &[i64]) -> i64 {
    parallel.iter().fold(1, |n: i64, &extent| n.saturating_mul(extent.max(0)))
}
