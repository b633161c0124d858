//! A matrix product on a device, with or without a kernel on its result.
//!
//! In: a [`Dot`], the buffers. Out: nothing; the product will be written, or the outputs of its epilogue. Always: the same
//! loops as the host's, over operands of any strides, without a copy of them; the order of a sum depends on the sizes and
//! strides alone, unless the device's library multiplies. Next: [`lt`], `device/texts/dot.cu`.

use crate::device::arguments::Arguments;
use crate::device::geometry;
use crate::device::kernels::{Called, Classes, Unit};
use crate::device::texts::{self, Axis};
use crate::error::{Error, Result};
use crate::plan::{Action, BufferId, Dot, Epilogue, Launch, Output, Plan, Prologue, Role};

use super::super::dot::Product;
use super::super::internal;
use super::super::memory::Memory;
use super::launch::Operands;
use super::{Call, address, launch, lt};

/// Terms of a sum from which on the device's library and a kernel after it are the better choice: what the library is faster
/// grows with the terms, what the memory between them costs does not. Not measured.
const DEEP: usize = 256;

/// What a product has as a part of itself: windows of an operand.
#[derive(Clone, Copy)]
struct Windows {
    prologue: &'static Prologue,
    launch: &'static Launch,
}

/// Runs the product.
pub(super) fn run(plan: &'static Plan, dot: &'static Dot, memory: &mut Memory<'_, Call>, sizes: &[i64]) -> Result<()> {
    product(plan, dot, None, memory, sizes)
}

/// Runs the kernel of a step and the product of the next one as one kernel.
pub(super) fn run_windows(
    plan: &'static Plan,
    prologue: &'static Prologue,
    memory: &mut Memory<'_, Call>,
    sizes: &[i64],
) -> Result<()> {
    match plan.steps.get(prologue.step..) {
        Some([first, second, ..]) => match (&first.action, &second.action) {
            (Action::Launch(launch), Action::Dot(dot)) => {
                product(plan, dot, Some(Windows { prologue, launch }), memory, sizes)
            }
            _ => Err(internal(plan, "windows of other steps".into())),
        },
        _ => Err(internal(plan, "windows beyond the last step".into())),
    }
}

fn product(
    plan: &'static Plan,
    dot: &'static Dot,
    windows: Option<Windows>,
    memory: &mut Memory<'_, Call>,
    sizes: &[i64],
) -> Result<()> {
    let mut operand = |id: BufferId, left: bool| match windows {
        Some(windows) if windows.prologue.left == left => memory.unplaced(id, sizes),
        Some(_) | None => memory.reading(id, sizes),
    };
    let (left, right) = (operand(dot.left, true)?, operand(dot.right, false)?);
    let made = match windows {
        None => None,
        Some(windows) => {
            let given = [if windows.prologue.left { (dot.left, left) } else { (dot.right, right) }];
            Some((windows, Operands::new(plan, windows.launch, memory, sizes, &given)?))
        }
    };
    let whole = memory.unplaced(dot.out, sizes)?;
    let product = Product::new(plan, dot, &left, &right, whole.layout.sizes(), sizes)?;
    let terms =
        product.loops.iter().filter(|l| l.role == Role::Contract).fold(1, |n: usize, l| n.saturating_mul(l.extent));
    let apart = windows.is_none() && terms >= DEEP && memory.target.gpu.has_library();
    let called = dot.epilogue.as_ref().filter(|epilogue| !apart && !epilogue.function.is_empty());
    if let Some(epilogue) = called {
        let given = [(dot.out, whole)];
        let operands = Operands::new(plan, &epilogue.launch, memory, sizes, &given)?;
        let written = |output: &Output| memory.root(output.buffer);
        if epilogue.launch.outputs.iter().filter_map(written).any(|root| [left.root, right.root].contains(&root)) {
            return Err(internal(plan, "a product's epilogue writes what the product reads".into()));
        }
        return multiply(plan, &product, made.as_ref(), &To::Epilogue(epilogue, operands), memory.target);
    }
    if apart
        && let Some(epilogue) = &dot.epilogue
        && biased(epilogue, &product, [left.root, right.root], memory, sizes)?
    {
        return Ok(());
    }
    let out = memory.writing(dot.out, sizes)?;
    if [left.root, right.root].contains(&out.root) {
        return Err(internal(plan, "a product writes what it reads".into()));
    }
    let steps = out.layout.strides().iter().map(|&step| step as i64).collect();
    multiply(plan, &product, made.as_ref(), &To::Memory { at: address(&out), steps }, memory.target)?;
    let Some(epilogue) = &dot.epilogue else { return Ok(()) };
    let input = epilogue.launch.inputs.get(epilogue.input);
    let input = *input.ok_or_else(|| internal(plan, "an epilogue without the product".into()))?;
    launch::run(plan, &epilogue.launch, memory, sizes, &[(input, out)])?;
    memory.release(dot.out);
    Ok(())
}

/// Multiplies and adds a vector by the library, where that is all that the epilogue does; `false` where it has no way.
fn biased(
    epilogue: &'static Epilogue,
    product: &Product,
    operands: [BufferId; 2],
    memory: &mut Memory<'_, Call>,
    sizes: &[i64],
) -> Result<bool> {
    let launch = &epilogue.launch;
    let vector = epilogue.bias.and_then(|input| launch.inputs.get(usize::from(input)));
    let (Some(&vector), [output]) = (vector, launch.outputs) else { return Ok(false) };
    let vector = memory.reading(vector, sizes)?;
    let out = memory.writing(output.buffer, sizes)?;
    let packed = vector.layout.len() <= 1 || vector.layout.strides() == [1];
    if !packed || vector.dtype != out.dtype || operands.contains(&out.root) || vector.root == out.root {
        return Ok(false);
    }
    // The product's axes are those of the result in the order of the kernel.
    let places = launch.accesses.last().copied().unwrap_or_default();
    let step =
        |par: &u8| places.iter().position(|place| place == par).map_or(0, |axis| out.layout.strides()[axis] as i64);
    let to = To::Memory { at: address(&out), steps: epilogue.axes.iter().map(step).collect() };
    let Some(lists) = lists(product, &to, false) else { return Ok(false) };
    let columns = lists[2].iter().fold(1, |n: i64, axis| n.saturating_mul(axis.extent));
    if lists[..3].iter().flatten().any(|axis| axis.extent == 0) || vector.layout.len() as i64 != columns {
        return Ok(false);
    }
    let out = lt::Out { at: address(&out), dtype: out.dtype, bias: Some(address(&vector)) };
    lt::multiply(&lists, product, out, memory.target)
}

/// Where a product goes.
enum To<'m> {
    /// With the step of each axis of the product.
    Memory { at: u64, steps: Vec<i64> },
    /// To a kernel that has it from registers.
    Epilogue(&'static Epilogue, Operands<'m>),
}

impl To<'_> {
    /// The step from one place of an axis of the product to the next.
    fn step(&self, axis: usize) -> i64 {
        match self {
            To::Memory { steps, .. } => steps[axis],
            To::Epilogue(..) => 0,
        }
    }
}

/// The product's loops as the lists that the text takes: of batches, rows, columns and the terms of a sum. An epilogue and
/// windows know the axes of each by their order in the product.
fn lists(product: &Product, to: &To, ordered: bool) -> Option<[Vec<Axis<3>>; 4]> {
    let of = |role: Role| {
        let loops = product.loops.iter().zip(&product.axes).filter(|(l, _)| l.role == role);
        let mut axes: Vec<Axis<3>> = loops
            .map(|(l, axis)| {
                let step = axis.map_or(0, |k| to.step(k));
                Axis { extent: l.extent as i64, steps: [l.left as i64, l.right as i64, step] }
            })
            .collect();
        // Neighbours in the product are neighbours in a tile.
        if !ordered {
            axes.sort_by_key(|axis| std::cmp::Reverse(axis.steps[2].unsigned_abs()));
        }
        texts::merged(&axes)
    };
    Some([of(Role::Batch)?, of(Role::Left)?, of(Role::Right)?, of(Role::Contract)?])
}

fn multiply(
    plan: &'static Plan,
    product: &Product,
    windows: Option<&(Windows, Operands)>,
    to: &To,
    call: &mut Call,
) -> Result<()> {
    let ordered = windows.is_some() || matches!(to, To::Epilogue(..));
    let lists = lists(product, to, ordered).ok_or_else(|| {
        let text = format!("a matrix product of more than {} axes of one kind, on a GPU", texts::MOST_AXES);
        Error::unsupported(plan.function, text)
    })?;
    let counts = lists.each_ref().map(|axes| axes.iter().fold(1i64, |n, axis| n.saturating_mul(axis.extent)));
    let [batches, m, n, _] = counts;
    if batches == 0 || m == 0 || n == 0 {
        return Ok(());
    }
    if let (&To::Memory { at, .. }, None) = (to, windows)
        && lt::multiply(&lists, product, lt::Out { at, dtype: product.out, bias: None }, call)?
    {
        return Ok(());
    }
    let far = |operand| lists.iter().fold(0i64, |far, axes| far.saturating_add(texts::reach(axes, operand)));
    let wide = geometry::is_wide((0..3).map(far).chain(counts).fold(0, i64::max));
    let wide = match to {
        To::Memory { .. } => wide,
        To::Epilogue(epilogue, operands) => wide || operands.is_wide(&epilogue.launch),
    };
    let wide = wide || windows.is_some_and(|(windows, operands)| operands.is_wide(windows.launch));
    let single = product.dtype.bytes() <= 4;
    let (side, blocks) = geometry::product(batches, m, n, single, call.gpu.description().multiprocessors);
    let (block, element, result) = (texts::BLOCK, Some(product.dtype.cuda()), Some(product.out.cuda()));
    // They hand out two neighbours, where a thread else has four.
    let tensor = geometry::by_tensor_cores(product.dtype, call.gpu.description().capability);
    let (text, function, strip) = if tensor { (texts::MMA, "nd_mma_dot", 2) } else { (texts::DOT, "nd_dot", 4) };
    let classes = Classes { block, strip, tile: side, wide, element, result, ..Classes::default() };
    let mut arguments = Arguments::new(true);
    arguments.address(product.left.addr() as u64);
    arguments.address(product.right.addr() as u64);
    lists.iter().for_each(|axes| arguments.numbers(&texts::words(axes)));
    counts.iter().for_each(|&count| arguments.numbers(&[count]));
    if let Some((windows, operands)) = windows {
        arguments.numbers(&operands.members(windows.launch, &[windows.launch.inputs.len()], call)?);
    }
    let epilogue = match to {
        To::Memory { at, .. } => {
            arguments.address(*at);
            None
        }
        To::Epilogue(epilogue, operands) => {
            arguments.numbers(&operands.members(&epilogue.launch, &[epilogue.input], call)?);
            Some((epilogue.function, epilogue.text))
        }
    };
    let calls = match (windows, epilogue) {
        (None, None) => None,
        (None, Some((function, text))) => Some(Called { score: None, window: None, epilogue: Some(function), text }),
        (Some((Windows { prologue, .. }, _)), epilogue) => Some(Called {
            score: None,
            window: Some((prologue.window, prologue.left)),
            epilogue: epilogue.map(|_| prologue.epilogue),
            text: prologue.text,
        }),
    };
    let unit = Unit { text, function, classes, calls };
    // SAFETY: the text's parameters are these; `product` has shown that the loops stay within the operands and cover the
    // destination, which is of another root, injective, and the call's own; the epilogue's are those that the compiler's
    // text has, and `Operands` has them of the same buffers as a launch of its own would.
    unsafe { call.gpu.launch(&unit, blocks, &mut arguments) }
}
