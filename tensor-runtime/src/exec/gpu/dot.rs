//! A matrix product on a device, with or without a kernel on its result.
//!
//! In: a [`Dot`], the buffers. Out: nothing; the product will be written, or the outputs of its epilogue. Always: the same
//! loops as the host's, over operands of any strides, without a copy of them; the order of a sum depends on the sizes and
//! strides alone. Next: `device/texts/dot.cu`.

use crate::device::arguments::Arguments;
use crate::device::geometry;
use crate::device::kernels::{Classes, Unit};
use crate::device::texts::{self, Axis};
use crate::error::{Error, Result};
use crate::plan::{Dot, Plan, Role};

use super::super::dot::Product;
use super::super::internal;
use super::super::memory::{Memory, Spot};
use super::{Call, launch};

/// The elements of a side of a block's tile.
const TILE: i64 = 64;

/// Runs the product.
pub(super) fn run(plan: &'static Plan, dot: &'static Dot, memory: &mut Memory<'_, Call>, sizes: &[i64]) -> Result<()> {
    let left = *memory.reading(dot.left, sizes)?;
    let right = *memory.reading(dot.right, sizes)?;
    let out = *memory.writing(dot.out, sizes)?;
    let product = Product::new(plan, dot, &left, &right, out.layout.sizes(), sizes)?;
    if [left.root, right.root].contains(&out.root) {
        return Err(internal(plan, "a product writes what it reads".into()));
    }
    multiply(plan, &product, &out, &memory.target)?;
    let Some(epilogue) = &dot.epilogue else { return Ok(()) };
    let input = epilogue.launch.inputs.get(epilogue.input);
    let input = *input.ok_or_else(|| internal(plan, "an epilogue without the product".into()))?;
    launch::run(plan, &epilogue.launch, memory, sizes, &[(input, out)])?;
    memory.release(dot.out);
    Ok(())
}

/// The product's loops as the lists that the text takes: of batches, rows, columns and the terms of a sum.
fn lists(product: &Product, out: &Spot) -> Option<[Vec<Axis<3>>; 4]> {
    let of = |role: Role| {
        let loops = product.loops.iter().zip(&product.axes).filter(|(l, _)| l.role == role);
        let mut axes: Vec<Axis<3>> = loops
            .map(|(l, axis)| {
                let step = axis.map_or(0, |k| out.layout.strides()[k] as i64);
                Axis { extent: l.extent as i64, steps: [l.left as i64, l.right as i64, step] }
            })
            .collect();
        // Neighbours in the product are neighbours in a tile.
        axes.sort_by_key(|axis| std::cmp::Reverse(axis.steps[2].unsigned_abs()));
        texts::merged(&axes)
    };
    Some([of(Role::Batch)?, of(Role::Left)?, of(Role::Right)?, of(Role::Contract)?])
}

fn multiply(plan: &'static Plan, product: &Product, out: &Spot, call: &Call) -> Result<()> {
    let lists = lists(product, out).ok_or_else(|| {
        let text = format!("a matrix product of more than {} axes of one kind, on a GPU", texts::MOST_AXES);
        Error::unsupported(plan.function, text)
    })?;
    let counts = lists.each_ref().map(|axes| axes.iter().fold(1i64, |n, axis| n.saturating_mul(axis.extent)));
    let [batches, m, n, _] = counts;
    if batches == 0 || m == 0 || n == 0 {
        return Ok(());
    }
    let far = |operand| lists.iter().fold(0i64, |far, axes| far.saturating_add(texts::reach(axes, operand)));
    let wide = geometry::is_wide((0..3).map(far).chain(counts).fold(0, i64::max));
    let (element, result) = (Some(product.dtype.cuda()), Some(product.out.cuda()));
    let classes = Classes { block: texts::BLOCK, team: None, items: 0, wide, element, result };
    let mut arguments = Arguments::new(true);
    arguments.address(product.left.addr() as u64);
    arguments.address(product.right.addr() as u64);
    arguments.address(super::address(out));
    lists.iter().for_each(|axes| arguments.numbers(&texts::words(axes)));
    counts.iter().for_each(|&count| arguments.numbers(&[count]));
    let tiles = batches.saturating_mul(geometry::groups(m, TILE)).saturating_mul(geometry::groups(n, TILE));
    let blocks = geometry::blocks(tiles, call.gpu.description().multiprocessors);
    let unit = Unit { text: texts::DOT, function: "nd_dot", classes };
    // SAFETY: the text's parameters are these; `product` has shown that the loops stay within the operands and cover the
    // destination, which is of another root, injective, and the call's own.
    unsafe { call.gpu.launch(&unit, blocks, &mut arguments) }
}
