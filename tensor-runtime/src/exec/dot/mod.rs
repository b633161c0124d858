//! Runs a matrix product, with or without a kernel on its result.
//!
//! In: a [`Dot`], the buffers. Out: the product is written, or the outputs of its epilogue. Always: the product is cut
//! into boxes of its own axes, small enough for a core's cache; with an epilogue a box is a panel that never leaves
//! that cache; no sum depends on its box, or else the boxes depend on the sizes alone: the result does not depend on the number of
//! threads.
//! Next: [`epilogue`], [`bands`], [`gemm`], [`vector`], [`windows`].

pub(super) mod bands;
mod beside;
mod boxes;
mod direct;
mod epilogue;
mod gemm;
mod half;
mod lanes;
mod lay;
mod packed;
mod post;
mod tile;
mod vector;
pub(super) mod windows;

use std::fmt::Arguments;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use ::half::{bf16, f16};

use crate::dims::{MAX_AXES, MAX_RANK};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::isa;
use crate::plan::{Action, Dot, DotAxis, Plan, Role, Step};

use super::launch::Shared;
use super::memory::{Keeper, Memory, Spot, described, layout_of};
use super::{internal, jobs};
use bands::Bands;
use boxes::Boxes;
pub(super) use epilogue::{dense, panel_bytes, panel_order};
pub(super) use gemm::MAX_LOOPS;
use gemm::{By, Loop};
use gemm_common::Parallelism;
use packed::Packed;
use post::Posted;
use tile::{Also, Part};
use windows::Windows;

/// Multiply-adds from which on the library is faster than its own boxes, for its threads share what they pack.
const SHARED: u64 = 1 << 27;
/// Rows, columns or terms above which the library is faster in a tile of several steps, whose few rows share what is laid out.
const NARROW: usize = 48;
/// Bytes of what is worth being fetched before the next step, and stays in a core's cache.
const AFTER: RangeInclusive<usize> = 4 << 10..=256 << 10;
/// Rows and columns below which vectors are not worth what is laid out for them.
const LEAST: usize = 4;

/// A product with its operands.
#[derive(Clone)]
pub(in crate::exec) struct Product {
    /// The operands' type, and the product's: the same, or the one that it is computed in.
    pub(super) dtype: DType,
    pub(super) out: DType,
    /// Where the first element of each operand is.
    pub(super) left: *mut u8,
    pub(super) right: *mut u8,
    /// `out` is the destination's axis here, and not yet a step.
    pub(super) loops: Vec<Loop>,
    /// For each loop the axis of the product.
    pub(super) axes: Vec<Option<usize>>,
    /// What one of the operands is, if it is nowhere in memory.
    pub(super) windows: Option<Arc<Windows>>,
    /// What is read after it, by the next step, if anything is worth being fetched for that.
    pub(super) after: Option<Part>,
}

/// Runs the product, and what reads it in `bands`.
pub(super) fn run(
    plan: &'static Plan,
    dot: &'static Dot,
    bands: Option<&Bands>,
    memory: &mut Memory<'_>,
    sizes: &[i64],
    next: Option<&Step>,
) -> Result<()> {
    let left = memory.reading(dot.left, sizes)?;
    let right = memory.reading(dot.right, sizes)?;
    let shape = layout_of(plan, described(plan, dot.out)?, sizes)?;
    let mut product = Product::new(plan, dot, &left, &right, shape.sizes(), sizes)?;
    product.after = after(dot, next, memory);
    multiply(plan, dot, &product, shape.sizes(), memory, sizes, [left.root, right.root], bands).map(|_| ())
}

/// The largest input of the next step that a core's cache keeps until then, and that is not made by this one: the weights of a
/// network are in no near cache when their turn comes.
fn after(dot: &Dot, next: Option<&Step>, memory: &Memory<'_>) -> Option<Part> {
    let Action::Launch(launch) = &next?.action else { return None };
    let made = |id: u16| dot.epilogue.as_ref().is_some_and(|e| e.launch.outputs.iter().any(|out| out.buffer == id));
    let known = launch.inputs.iter().filter(|&&id| id != dot.out && !made(id)).filter_map(|&id| memory.known(id));
    let bytes = |spot: &Spot<'_>| spot.layout.len() * spot.dtype.bytes();
    let spot = known.filter(|spot| AFTER.contains(&bytes(spot))).max_by_key(|spot| bytes(spot))?;
    let first = spot.start.wrapping_add(spot.layout.offset() * spot.dtype.bytes());
    Some(Part::all(first.cast(), bytes(spot) / size_of::<f32>()))
}

/// Runs the product of operands in this memory; answers whether it can read its windows, if it has any. If not, nothing was done.
#[allow(clippy::too_many_arguments, reason = "a product in a call")]
fn multiply(
    plan: &'static Plan,
    dot: &'static Dot,
    product: &Product,
    shape: &[usize],
    memory: &mut Memory<'_>,
    sizes: &[i64],
    operands: [u16; 2],
    bands: Option<&Bands>,
) -> Result<bool> {
    match (bands, &dot.epilogue) {
        (Some(bands), _) => bands.run(plan, product, shape, memory, sizes, operands),
        (None, None) => whole(plan, dot, product, memory, sizes, operands),
        (None, Some(epilogue)) => epilogue::panels(plan, epilogue, product, shape, memory, sizes, operands),
    }
}

fn extent(plan: &'static Plan, axis: &DotAxis, sizes: &[i64]) -> Result<usize> {
    let size = sizes.get(usize::from(axis.extent)).and_then(|&size| usize::try_from(size).ok());
    size.ok_or_else(|| internal(plan, format!("a product over an axis of slot {}", axis.extent)))
}

/// The first element of an operand, once all that the loops reach is known to lie in it.
fn start(
    plan: &'static Plan,
    spot: &Spot,
    starts: &[u16],
    axes: &[DotAxis],
    of: impl Fn(&DotAxis) -> Option<(u8, i64)>,
    sizes: &[i64],
) -> Result<*mut u8> {
    let rank = spot.layout.rank();
    let outside = || internal(plan, "a product reaches beyond an operand".into());
    if starts.len() != rank || axes.iter().filter_map(&of).any(|(k, _)| usize::from(k) >= rank) {
        return Err(outside());
    }
    let mut offset = spot.layout.offset() as isize;
    // With an empty loop nothing is read.
    let mut empty = false;
    for axis in axes {
        empty |= extent(plan, axis, sizes)? == 0;
    }
    for k in 0..rank {
        let first = sizes.get(usize::from(starts[k])).copied().ok_or_else(outside)?;
        let (mut low, mut high) = (first as i128, first as i128);
        for axis in axes {
            if let Some((_, step)) = of(axis).filter(|&(at, _)| usize::from(at) == k) {
                let reach = (extent(plan, axis, sizes)? as i128 - 1) * step as i128;
                (low, high) = (low + reach.min(0), high + reach.max(0));
            }
        }
        if !empty && (low < 0 || high >= spot.layout.sizes()[k] as i128) {
            return Err(outside());
        }
        offset = offset.wrapping_add((first as isize).wrapping_mul(spot.layout.strides()[k]));
    }
    Ok(spot.start.wrapping_offset(offset.wrapping_mul(spot.dtype.bytes() as isize)))
}

impl Product {
    /// A product of operands at these places.
    pub(super) fn new(
        plan: &'static Plan,
        dot: &'static Dot,
        left: &Spot,
        right: &Spot,
        shape: &[usize],
        sizes: &[i64],
    ) -> Result<Product> {
        let Some(computed) = dot.dtype.computed() else {
            return Err(Error::unsupported(plan.function, format!("a matrix product of {}", dot.dtype)));
        };
        let out = described(plan, dot.out)?.dtype;
        let typed = left.dtype == dot.dtype && right.dtype == dot.dtype && [dot.dtype, computed].contains(&out);
        if !typed || dot.axes.len() > MAX_LOOPS {
            return Err(internal(plan, "a product of unlike operands".into()));
        }
        let mut product = Product {
            dtype: dot.dtype,
            out,
            left: start(plan, left, dot.left_start, dot.axes, |a| a.left, sizes)?,
            right: start(plan, right, dot.right_start, dot.axes, |a| a.right, sizes)?,
            loops: Vec::with_capacity(dot.axes.len()),
            axes: Vec::with_capacity(dot.axes.len()),
            windows: None,
            after: None,
        };
        let mut covered = [1usize; MAX_RANK];
        for axis in dot.axes {
            let step = |spot: &Spot, at: Option<(u8, i64)>| {
                at.map_or(0, |(k, step)| spot.layout.strides()[usize::from(k)].wrapping_mul(step as isize))
            };
            let extent = extent(plan, axis, sizes)?;
            let out = axis.out.map(usize::from);
            let fits = match (axis.role, out) {
                (Role::Contract, None) => true,
                (Role::Contract, Some(_)) | (_, None) => false,
                (_, Some(k)) => k < shape.len() && covered[k] == 1 && shape[k] == extent,
            };
            if !fits {
                return Err(internal(plan, "a product whose axes are not its loops'".into()));
            }
            if let Some(k) = out {
                covered[k] = extent;
            }
            let (left, right) = (step(left, axis.left), step(right, axis.right));
            product.loops.push(Loop { role: axis.role, extent, left, right, out: 0 });
            product.axes.push(out);
        }
        if covered[..shape.len()] != *shape {
            return Err(internal(plan, "a product that is not wholly written".into()));
        }
        Ok(product)
    }

    /// The whole of each loop.
    pub(super) fn ranges(&self) -> [Range<isize>; MAX_LOOPS] {
        std::array::from_fn(|l| 0..self.loops.get(l).map_or(1, |l| l.extent as isize))
    }

    /// The loops of a box of the product's axes.
    fn boxed(&self, ranges: &[Range<isize>]) -> [Range<isize>; MAX_LOOPS] {
        let mut loops = self.ranges();
        for (range, axis) in loops.iter_mut().zip(&self.axes) {
            if let Some(k) = *axis {
                *range = ranges[k].clone();
            }
        }
        loops
    }

    /// Whether it is one product of two matrices, which the multiplication itself divides among threads; the order of
    /// each sum is the same.
    fn is_matrix(&self) -> bool {
        let long = |role: Role| self.loops.iter().filter(|l| l.role == role && l.extent > 1).count();
        long(Role::Batch) == 0 && long(Role::Left) == 1 && long(Role::Right) == 1 && long(Role::Contract) <= 1
    }

    fn count(&self, role: Role) -> usize {
        self.loops.iter().filter(|l| l.role == role).fold(1, |n: usize, l| n.saturating_mul(l.extent))
    }

    fn pays(&self) -> bool {
        self.count(Role::Left).min(self.count(Role::Right)) >= LEAST
    }

    /// Who multiplies what is not kept laid out: of all boxes and tiles the same, so that a sum does not depend on where it is.
    fn by(&self, may: bool) -> By<'static> {
        if may && self.pays() { By::Panels(None) } else { By::Library(Parallelism::None) }
    }

    /// Whether operands and product are of `f32`.
    fn is_f32(&self) -> bool {
        [self.dtype, self.out] == [DType::F32; 2]
    }

    /// Whether there are panels for it.
    fn has_panels(&self) -> bool {
        self.is_f32() && self.pays() && tile::tiles(isa::active()).is_some()
    }

    fn operands(&self) -> [*mut u8; 2] {
        [self.left, self.right]
    }

    /// Computes a part of each loop of operands that start here, to memory where coordinates 0 of the product would be
    /// at `origin`; adds to what is there if `add`.
    ///
    /// # Safety
    /// The parts must be within the loops, the elements that they reach of the operands initialised and written by
    /// nobody, and those at `origin` with `strides` distinct and exclusive.
    pub(super) unsafe fn compute(
        &self,
        operands: [*mut u8; 2],
        ranges: &[Range<isize>],
        origin: *mut u8,
        strides: &[isize],
        add: bool,
    ) -> Result<()> {
        let narrow = [Role::Left, Role::Right, Role::Contract].into_iter().any(|role| self.count(role) <= NARROW);
        // SAFETY: the caller's promise.
        unsafe { self.compute_by(self.by(narrow), None, operands, ranges, origin, strides, add, Also::default()) }
    }

    /// Computes a box of the product, and its post-ops, to where these say; it is the `last` of a thread in this step, or not.
    ///
    /// # Safety
    /// As [`Product::compute`], of all elements of the box in the output; what is packed must be of this product, and have whole
    /// vectors for the box.
    unsafe fn finish(
        &self,
        packed: Option<&Packed>,
        posted: &Posted,
        ranges: &[Range<isize>],
        last: bool,
    ) -> Result<()> {
        assert!(posted.has(ranges), "a box that is not of the output");
        let (by, loops) = (self.by(true), self.boxed(ranges));
        let also = Also { beside: None, after: self.after.filter(|_| last), post: Some(posted) };
        let (to, strides) = (posted.origin.cast(), &posted.strides);
        // SAFETY: the caller's promise.
        unsafe { self.compute_by(by, packed, self.operands(), &loops, to, strides, false, also) }
    }

    /// The same, by way of an operand that is packed, if any.
    ///
    /// # Safety
    /// As [`Product::compute`]; what is packed must be of this product, and of a destination with these steps.
    #[allow(clippy::too_many_arguments, reason = "two operands, a destination, and how")]
    unsafe fn compute_by(
        &self,
        by: By<'_>,
        packed: Option<&Packed>,
        operands: [*mut u8; 2],
        ranges: &[Range<isize>],
        origin: *mut u8,
        strides: &[isize],
        add: bool,
        also: Also<'_>,
    ) -> Result<()> {
        let mut loops = [Loop { role: Role::Batch, extent: 1, left: 0, right: 0, out: 0 }; MAX_LOOPS];
        let (mut left, mut right, mut out) = (0isize, 0isize, 0isize);
        for (((to, from), axis), range) in loops.iter_mut().zip(&self.loops).zip(&self.axes).zip(ranges) {
            *to = *from;
            to.extent = (range.end - range.start) as usize;
            left = left.wrapping_add(range.start.wrapping_mul(from.left));
            right = right.wrapping_add(range.start.wrapping_mul(from.right));
            if let Some(k) = *axis {
                to.out = strides[k];
                out = out.wrapping_add(range.start * strides[k]);
            }
        }
        let loops = &loops[..self.loops.len()];
        let at = |start: *mut u8, offset: isize, dtype: DType| {
            start.wrapping_offset(offset.wrapping_mul(dtype.bytes() as isize))
        };
        let [left, right] = [(operands[0], left), (operands[1], right)].map(|(start, by)| at(start, by, self.dtype));
        let (out, wide) = (at(origin, out, self.out), self.out != self.dtype);
        let by = match by {
            By::Panels(_) => By::Panels(also.post),
            By::Library(_) => by,
        };
        if let Some(packed) = packed {
            let of_role = self.loops.iter().zip(ranges).filter(|(l, _)| l.role == packed.role());
            let first: isize = of_role.map(|(_, range)| range.start).sum();
            let other = if packed.role() == Role::Right { left } else { right };
            if (first as usize).is_multiple_of(lay::VECTOR) {
                // SAFETY: the caller's promise.
                unsafe {
                    match &self.windows {
                        None => packed.compute(loops, first as usize, other.cast(), out.cast(), add, also),
                        Some(windows) => windows.compute(packed, loops, ranges, first as usize, out.cast(), add, also),
                    }
                }
                return Ok(());
            }
        }
        if let Some(windows) = &self.windows {
            let other = if windows.role == Role::Left { right } else { left };
            // SAFETY: the caller's promise.
            return unsafe { windows.multiply(loops, ranges, other.cast(), out.cast(), add, also) };
        }
        // SAFETY: the caller's promise.
        unsafe {
            match self.dtype {
                DType::F16 => half::product::<f16>(loops, left.cast(), right.cast(), out, wide, add, by)?,
                DType::BF16 => half::product::<bf16>(loops, left.cast(), right.cast(), out, wide, add, by)?,
                DType::F64 => gemm::product::<f64>(loops, left.cast(), right.cast(), out.cast(), add, by),
                _ => gemm::product::<f32>(loops, left.cast(), right.cast(), out.cast(), add, by),
            }
        }
        Ok(())
    }

    /// The product's work, in about machine instructions on single elements.
    pub(super) fn work(&self) -> u64 {
        self.loops.iter().fold(1, |n: u64, l| n.saturating_mul(l.extent as u64))
    }
}

/// The product to its own buffer.
fn whole(
    plan: &'static Plan,
    dot: &Dot,
    product: &Product,
    memory: &mut Memory<'_>,
    sizes: &[i64],
    operands: [u16; 2],
) -> Result<bool> {
    let out = memory.writing(dot.out, sizes)?;
    if operands.contains(&out.root) {
        return Err(internal(plan, "a product that is written to its own operand".into()));
    }
    if out.layout.is_empty() {
        return Ok(product.windows.is_none());
    }
    let strides = out.layout.strides();
    let boxes = Boxes::new(product, out.layout.sizes(), strides, !product.has_panels());
    let n = boxes.jobs(product.work());
    let origin = out.start.wrapping_add(out.layout.offset() * out.dtype.bytes());
    // What is made `f32` first is made so a box at a time.
    let direct = product.dtype.computed() == Some(product.dtype);
    if direct && product.windows.is_none() && product.is_matrix() && !product.has_panels() && product.work() >= SHARED {
        let threads = if n > 1 { Parallelism::Rayon(jobs::threads(n)) } else { Parallelism::None };
        let (by, all) = (By::Library(threads), product.ranges());
        // SAFETY: as below, of one box that is all.
        let run = |_| unsafe {
            product.compute_by(by, None, product.operands(), &all, origin, strides, false, Also::default())
        };
        let shared = Shared::new(run);
        return told(plan, format_args!("a product"), 1, &|(): &mut (), job| shared.call(job)).map(|()| true);
    }
    // SAFETY: `start` checked that the loops stay within the operands, which nobody writes during the step.
    let packed = unsafe { Packed::of(product, strides, keepers(memory, operands)) }?;
    if !windows::fit(product, packed.as_ref(), &boxes, strides) {
        return Ok(false);
    }
    let shared = Shared::new(|job: usize| {
        for i in jobs::part(boxes.count(), n, job) {
            // SAFETY: `start` checked that the loops stay within the operands, which nobody writes during the step.
            // `out` is borrowed or owned by `memory`, of another root than the operands and injective; boxes are parts
            // of its axes that do not meet.
            unsafe {
                product.compute_by(
                    product.by(true),
                    packed.as_ref(),
                    product.operands(),
                    &product.boxed(&boxes.get(i)),
                    origin,
                    strides,
                    false,
                    Also::default(),
                )
            }?;
        }
        Ok(())
    });
    told(plan, format_args!("a product"), n, &|(): &mut (), job| shared.call(job)).map(|()| true)
}

/// What is kept of the memory of two operands.
fn keepers<'m>(memory: &Memory<'m>, operands: [u16; 2]) -> [Option<Keeper<'m>>; 2] {
    operands.map(|root| memory.keeper(root))
}

/// Runs jobs, with what a thread has for all of its own, and answers the first error of any.
fn told<S: Default>(
    plan: &'static Plan,
    what: Arguments<'_>,
    n: usize,
    call: &(dyn Fn(&mut S, usize) -> Result<()> + Sync),
) -> Result<()> {
    let failure = std::sync::Mutex::new(None);
    let run = |own: &mut S, job: usize| {
        if let Err(error) = call(own, job) {
            failure.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(error);
        }
    };
    jobs::run_with(n, &run).map_err(|text| internal(plan, format!("{what}: {text}")))?;
    failure.into_inner().unwrap_or_else(|e| e.into_inner()).map_or(Ok(()), Err)
}

const _: () = assert!(MAX_AXES >= MAX_RANK);
