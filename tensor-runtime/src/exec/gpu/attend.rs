//! Runs an attention on a device: two products with a softmax between them, as one kernel.
//!
//! In: an [`Attend`], the buffers. Out: whether it ran; then what its three steps write will be written. Always: neither the
//! scores nor their shares are in memory; it follows from the sizes alone whether it runs, as the bits do: rows of the result
//! of at most [`geometry::WIDEST`] elements, and at least one column of scores.
//! Next: `device/texts/scores.cu`, `attend.cu`, and `attend_mma.cu` for tensor cores.

use crate::device::arguments::Arguments;
use crate::device::geometry;
use crate::device::kernels::{Called, Classes, Unit};
use crate::device::texts::{self, Axis};
use crate::error::Result;
use crate::plan::{Action, Attend, BufferId, Dot, Epilogue, Launch, Plan, Role};

use super::super::dot::Product;
use super::super::internal;
use super::super::memory::{Memory, Spot, described, layout_of};
use super::Call;
use super::launch::Operands;

/// The three steps.
struct Steps {
    scored: &'static Dot,
    softmax: &'static Launch,
    summed: &'static Dot,
}

fn steps(plan: &'static Plan, attend: &Attend) -> Result<Steps> {
    match plan.steps.get(attend.step..) {
        Some([first, second, third, ..]) => match (&first.action, &second.action, &third.action) {
            (Action::Dot(scored), Action::Launch(softmax), Action::Dot(summed)) => {
                Ok(Steps { scored, softmax, summed })
            }
            _ => Err(internal(plan, "an attention of other steps".into())),
        },
        _ => Err(internal(plan, "an attention beyond the last step".into())),
    }
}

/// The loops of both products, as the text takes them.
struct Loops {
    batch: Vec<Axis<4>>,
    rows: Vec<Axis<4>>,
    keys: Vec<Axis<4>>,
    depth: Vec<Axis<4>>,
    columns: Vec<Axis<4>>,
}

impl Loops {
    /// `None` where a list has more axes than a text takes.
    fn of(plan: &'static Plan, attend: &Attend, products: &[Product; 2], steps: &[isize]) -> Result<Option<Loops>> {
        let [scored, summed] = products;
        let missing = || internal(plan, "an attention over a loop that is none".into());
        let step = |axis: &Option<usize>| axis.map_or(0, |k| steps[k] as i64);
        let pair = |first: u8, second: u8| {
            let one = scored.loops.get(usize::from(first)).ok_or_else(missing)?;
            let two = summed.loops.get(usize::from(second)).ok_or_else(missing)?;
            let to = summed.axes.get(usize::from(second)).ok_or_else(missing)?;
            if one.extent != two.extent {
                return Err(internal(plan, "an attention whose products differ".into()));
            }
            let steps = [one.left as i64, one.right as i64, two.right as i64, step(to)];
            Ok(Axis { extent: one.extent as i64, steps })
        };
        let pairs = |[first, second]: [&'static [u8]; 2]| {
            first.iter().zip(second).map(|(&first, &second)| pair(first, second)).collect::<Result<Vec<_>>>()
        };
        let alone = |product: &Product, role: Role, steps: &dyn Fn(usize) -> [i64; 4]| {
            let own = product.loops.iter().enumerate().filter(|(_, l)| l.role == role);
            own.map(|(k, l)| Axis { extent: l.extent as i64, steps: steps(k) }).collect::<Vec<_>>()
        };
        let depth =
            alone(scored, Role::Contract, &|k| [scored.loops[k].left as i64, scored.loops[k].right as i64, 0, 0]);
        let columns = alone(summed, Role::Right, &|k| [0, 0, summed.loops[k].right as i64, step(&summed.axes[k])]);
        let keys = vec![pair(attend.columns[0], attend.columns[1])?];
        let [batch, rows] = [pairs(attend.batch)?, pairs(attend.rows)?].map(|axes| texts::merged(&axes));
        let [depth, columns] = [depth, columns].map(|axes| texts::merged(&axes));
        let merged = (batch, rows, texts::merged(&keys), depth, columns);
        let (Some(batch), Some(rows), Some(keys), Some(depth), Some(columns)) = merged else { return Ok(None) };
        Ok(Some(Loops { batch, rows, keys, depth, columns }))
    }

    fn all(&self) -> [&[Axis<4>]; 5] {
        [&self.batch, &self.rows, &self.keys, &self.depth, &self.columns]
    }
}

/// Runs it, unless its sizes say that it had better go step by step.
pub(super) fn run(
    plan: &'static Plan,
    attend: &'static Attend,
    memory: &mut Memory<'_, Call>,
    sizes: &[i64],
) -> Result<bool> {
    let Steps { scored, softmax, summed } = steps(plan, attend)?;
    let [scores, shares] = [memory.unplaced(scored.out, sizes)?, memory.unplaced(summed.left, sizes)?];
    let [query, key, value] = [
        memory.reading(scored.left, sizes)?,
        memory.reading(scored.right, sizes)?,
        memory.reading(summed.right, sizes)?,
    ];
    let result = layout_of(plan, described(plan, summed.out)?, sizes)?;
    let products = [
        Product::new(plan, scored, &query, &key, scores.layout.sizes(), sizes)?,
        Product::new(plan, summed, &shares, &value, result.sizes(), sizes)?,
    ];
    // Only the steps of a result that is in memory are asked for, and those are known once it is.
    let Some(loops) = Loops::of(plan, attend, &products, result.strides())? else { return Ok(false) };
    let counts = loops.all().map(|axes| axes.iter().fold(1i64, |n, axis| n.saturating_mul(axis.extent)));
    let [batches, m, n, k, w] = counts;
    let units = memory.target.gpu.description().multiprocessors;
    let Some(blocks) = geometry::attention(batches, m, n, w, units) else { return Ok(false) };
    let given = [(scored.out, scores), (summed.left, shares)];
    let read = Operands::new(plan, softmax, memory, sizes, &given)?;
    let to = To::of(plan, summed, memory, sizes)?;
    let from = [query.root, key.root, value.root];
    if to.roots(memory).iter().any(|root| from.contains(root)) {
        return Err(internal(plan, "an attention writes what it reads".into()));
    }
    let loops = match &to {
        To::Memory(out) => Loops::of(plan, attend, &products, out.layout.strides())?,
        To::Epilogue(..) => Some(loops),
    };
    let Some(loops) = loops else { return Ok(false) };
    if batches == 0 || m == 0 || w == 0 {
        return Ok(true);
    }
    let tiles = batches.saturating_mul(geometry::groups(m, geometry::ATTENDED));
    let wide = loops.is_wide(&counts) || geometry::is_wide(tiles) || read.is_wide(softmax) || to.is_wide();
    let mut arguments = Arguments::new(true);
    for at in [products[0].left, products[0].right, products[1].right] {
        arguments.address(at.addr() as u64);
    }
    loops.all().iter().for_each(|axes| arguments.numbers(&texts::words(axes)));
    counts.iter().for_each(|&count| arguments.numbers(&[count]));
    let call = &mut memory.target;
    let without = [attend.input, softmax.inputs.len()];
    arguments.numbers(&read.members(softmax, &without, call)?);
    let epilogue = match &to {
        To::Memory(out) => {
            arguments.address(super::address(out));
            None
        }
        To::Epilogue(epilogue, written) => {
            arguments.numbers(&written.members(&epilogue.launch, &[epilogue.input], call)?);
            Some(attend.epilogue)
        }
    };
    let (element, result) = (Some(products[0].dtype.cuda()), Some(products[1].out.cuda()));
    let class = |n: i64| (n as u32).next_power_of_two().max(32);
    let common =
        Classes { tile: geometry::ATTENDED as u32, width: class(w), wide, element, result, ..Classes::default() };
    let cores = geometry::attends_by_tensor_cores(products[0].dtype, k, call.gpu.description().capability);
    let common = Classes { block: geometry::attending(cores), ..common };
    // Tensor cores hand out two neighbours, where a thread else has four.
    let (text, function, classes) = if cores {
        (texts::MMA_ATTEND, "nd_mma_attend", Classes { strip: 2, depth: class(k), ..common })
    } else {
        (texts::ATTEND, "nd_attend", Classes { strip: 4, ..common })
    };
    let calls = Some(Called { score: Some(attend.score), window: None, epilogue, text: attend.text });
    let unit = Unit { text, function, classes, calls };
    // SAFETY: the text's parameters are these. Both products have shown that their loops stay within their operands, and cover
    // the result; `Operands` has the other operands of the same buffers as launches of their own would; what is written is of
    // other roots than what is read.
    unsafe { call.gpu.launch(&unit, blocks, &mut arguments)? }
    Ok(true)
}

/// Where the result goes.
enum To<'m> {
    Memory(Spot<'m>),
    Epilogue(&'static Epilogue, Operands<'m>),
}

impl<'m> To<'m> {
    fn of(plan: &'static Plan, summed: &'static Dot, memory: &mut Memory<'m, Call>, sizes: &[i64]) -> Result<To<'m>> {
        Ok(match &summed.epilogue {
            None => To::Memory(memory.writing(summed.out, sizes)?),
            Some(epilogue) => {
                let given = [(summed.out, memory.unplaced(summed.out, sizes)?)];
                To::Epilogue(epilogue, Operands::new(plan, &epilogue.launch, memory, sizes, &given)?)
            }
        })
    }

    /// The buffers in whose memory it writes.
    fn roots(&self, memory: &Memory<'_, Call>) -> Vec<BufferId> {
        match self {
            To::Memory(out) => vec![out.root],
            To::Epilogue(epilogue, _) => {
                epilogue.launch.outputs.iter().filter_map(|output| memory.root(output.buffer)).collect()
            }
        }
    }

    fn is_wide(&self) -> bool {
        match self {
            To::Memory(_) => false,
            To::Epilogue(epilogue, written) => written.is_wide(&epilogue.launch),
        }
    }
}

impl Loops {
    fn is_wide(&self, counts: &[i64; 5]) -> bool {
        let far = |operand| self.all().iter().fold(0i64, |far, axes| far.saturating_add(texts::reach(axes, operand)));
        geometry::is_wide((0..4).map(far).chain(*counts).fold(0, i64::max))
    }
}
