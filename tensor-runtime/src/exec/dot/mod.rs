//! Runs a matrix product, with or without a kernel on its result.
//!
//! In: a [`Dot`], the buffers. Out: the product is written, or the outputs of its epilogue. Always: the product is cut
//! into boxes of its own axes, small enough for a core's cache; with an epilogue a box is a panel that never leaves
//! that cache; the boxes depend on the sizes alone, so the result does not depend on the number of threads.
//! Next: [`gemm`].

mod boxes;
mod direct;
mod gemm;
mod half;
mod lay;
mod packed;
mod tile;

use std::fmt::Arguments;
use std::ops::Range;

use ::half::{bf16, f16};

use crate::MAX_RANK;
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::kernel::{Fault, Window};
use crate::plan::{Dot, DotAxis, Epilogue, FREE, Plan, Role};

use super::launch::{self, Faults, MAX_AXES, Ready, Shared};
use super::memory::{Keeper, Memory, Spot, aligned, described, layout_of, slack};
use super::{internal, jobs};
use boxes::Boxes;
pub(super) use gemm::MAX_LOOPS;
use gemm::{By, Loop};
use gemm_common::Parallelism;
use packed::Packed;

/// Multiply-adds from which on the library is faster, whose threads share what they pack.
const SHARED: u64 = 1 << 27;
/// Rows, columns or terms above which the library is faster in a tile of several steps, whose few rows share what is laid out.
const NARROW: usize = 48;
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
}

/// Runs the product.
pub(super) fn run(plan: &'static Plan, dot: &'static Dot, memory: &mut Memory<'_>, sizes: &[i64]) -> Result<()> {
    let left = memory.reading(dot.left, sizes)?;
    let right = memory.reading(dot.right, sizes)?;
    let shape = layout_of(plan, described(plan, dot.out)?, sizes)?;
    let product = Product::new(plan, dot, &left, &right, shape.sizes(), sizes)?;
    let roots = [left.root, right.root];
    match &dot.epilogue {
        None => whole(plan, dot, &product, memory, sizes, roots),
        Some(epilogue) => panels(plan, epilogue, &product, shape.sizes(), memory, sizes, roots),
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
    fn by(&self, may: bool) -> By {
        if may && self.pays() { By::Panels } else { By::Library(Parallelism::None) }
    }

    /// Whether operands and product are of `f32`.
    fn is_f32(&self) -> bool {
        [self.dtype, self.out] == [DType::F32; 2]
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
        unsafe { self.compute_by(self.by(narrow), None, operands, ranges, origin, strides, add) }
    }

    /// The same, by way of an operand that is packed, if any.
    ///
    /// # Safety
    /// As [`Product::compute`]; what is packed must be of this product, and of a destination with these steps.
    #[allow(clippy::too_many_arguments, reason = "two operands, a destination, and how")]
    unsafe fn compute_by(
        &self,
        by: By,
        packed: Option<&Packed>,
        operands: [*mut u8; 2],
        ranges: &[Range<isize>],
        origin: *mut u8,
        strides: &[isize],
        add: bool,
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
        if let Some(packed) = packed {
            let of_role = self.loops.iter().zip(ranges).filter(|(l, _)| l.role == packed.role());
            let first: isize = of_role.map(|(_, range)| range.start).sum();
            let other = if packed.role() == Role::Right { left } else { right };
            if (first as usize).is_multiple_of(lay::VECTOR) {
                // SAFETY: the caller's promise.
                unsafe { packed.compute(loops, first as usize, other.cast(), out.cast(), add) };
                return Ok(());
            }
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
) -> Result<()> {
    let out = memory.writing(dot.out, sizes)?;
    if operands.contains(&out.root) {
        return Err(internal(plan, "a product that is written to its own operand".into()));
    }
    if out.layout.is_empty() {
        return Ok(());
    }
    let strides = out.layout.strides();
    let boxes = Boxes::new(product, out.layout.sizes(), strides);
    let n = boxes.jobs(product.work());
    let origin = out.start.wrapping_add(out.layout.offset() * out.dtype.bytes());
    // What is made `f32` first is made so a box at a time.
    let direct = product.dtype.computed() == Some(product.dtype);
    if direct && product.is_matrix() && product.work() >= SHARED {
        let threads = if n > 1 { Parallelism::Rayon(jobs::threads(n)) } else { Parallelism::None };
        let (by, all) = (By::Library(threads), product.ranges());
        // SAFETY: as below, of one box that is all.
        let run = |_| unsafe { product.compute_by(by, None, product.operands(), &all, origin, strides, false) };
        let shared = Shared::new(run);
        return told(plan, format_args!("a product"), 1, &|job| shared.call(job));
    }
    // SAFETY: `start` checked that the loops stay within the operands, which nobody writes during the step.
    let packed = unsafe { Packed::of(product, strides, keepers(memory, operands)) }?;
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
                )
            }?;
        }
        Ok(())
    });
    told(plan, format_args!("a product"), n, &|job| shared.call(job))
}

/// What is kept of the memory of two operands.
fn keepers<'m>(memory: &Memory<'m>, operands: [u16; 2]) -> [Option<Keeper<'m>>; 2] {
    operands.map(|root| memory.keeper(root))
}

/// Runs jobs, and answers the first error of any.
fn told(plan: &'static Plan, what: Arguments<'_>, n: usize, call: &(dyn Fn(usize) -> Result<()> + Sync)) -> Result<()> {
    let failure = std::sync::Mutex::new(None);
    let run = |job: usize| {
        if let Err(error) = call(job) {
            failure.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(error);
        }
    };
    jobs::run(n, &run).map_err(|text| internal(plan, format!("{what}: {text}")))?;
    failure.into_inner().unwrap_or_else(|e| e.into_inner()).map_or(Ok(()), Err)
}

/// The product a panel at a time, each at once the input of the epilogue.
fn panels(
    plan: &'static Plan,
    epilogue: &'static Epilogue,
    product: &Product,
    shape: &[usize],
    memory: &mut Memory<'_>,
    sizes: &[i64],
    operands: [u16; 2],
) -> Result<()> {
    let launch = &epilogue.launch;
    let input = epilogue.input;
    if input >= launch.inputs.len() || epilogue.axes.len() != shape.len() {
        return Err(internal(plan, format!("kernel {} is no epilogue", launch.name)));
    }
    let rank = shape.len();
    // Its place is set for each panel.
    let layout = crate::Layout::contiguous(shape)?;
    let unplaced = Spot::nowhere(product.out, layout.lend(), u16::MAX);
    let ready = launch::prepare(plan, launch, memory, sizes, &[(launch.inputs[input], unplaced)])?;
    if ready.ranges[..launch.par].iter().any(|r| r.is_empty()) {
        return Ok(());
    }
    let (order, strides) = panel_order(epilogue, shape);
    for (k, &axis) in epilogue.axes.iter().enumerate() {
        let par = usize::from(axis);
        let fits =
            if axis == FREE { shape[k] == 1 } else { par < launch.par && ready.extents[par] == shape[k] as isize };
        let twice = axis != FREE && epilogue.axes[..k].contains(&axis);
        // Two boxes must differ in what they write.
        let split = shape[k] == 1 || ready.splits(launch, par);
        if !fits || twice || !split {
            return Err(internal(plan, format!("kernel {} does not follow its product's axes", launch.name)));
        }
    }
    let boxes = Boxes::new(product, shape, &strides[..rank]);
    // SAFETY: see `whole`.
    let packed = unsafe { Packed::of(product, &strides[..rank], keepers(memory, operands)) }?;
    let work = product.work().saturating_add(launch::work(launch, &ready.extents[..ready.axes]));
    let n = boxes.jobs(work);
    let faults = Faults::default();
    let shared = Shared::new(|job: usize| {
        for i in jobs::part(boxes.count(), n, job) {
            faults.note(panel(epilogue, product, packed.as_ref(), &ready, &boxes.get(i), &order)?);
        }
        Ok(())
    });
    let failure = told(plan, format_args!("kernel {}", launch.name), n, &|job| shared.call(job));
    faults.told(plan).and(failure)
}

/// The panel's axes in the order of the kernel's parallel axes, and the strides of the whole product in that order.
pub(super) fn panel_order(epilogue: &Epilogue, shape: &[usize]) -> (Vec<usize>, [isize; MAX_RANK]) {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.sort_by_key(|&k| (epilogue.axes[k] != FREE, epilogue.axes[k]));
    let mut strides = [0isize; MAX_RANK];
    dense(&order, |k| shape[k], &mut strides);
    (order, strides)
}

/// The bytes of the panels that are in use at once; 0 without an epilogue.
pub(super) fn panel_bytes(plan: &'static Plan, dot: &'static Dot, sizes: &[i64]) -> Result<usize> {
    let Some(epilogue) = &dot.epilogue else { return Ok(0) };
    let shape = layout_of(plan, described(plan, dot.out)?, sizes)?;
    let launch = &epilogue.launch;
    let size = |&slot: &u16| sizes.get(usize::from(slot)).map(|&size| size.max(0) as isize);
    let extents: Option<Vec<isize>> = launch.extents.iter().map(size).collect();
    let extents = extents.filter(|e| e.len() >= launch.par && epilogue.axes.len() == shape.rank());
    let Some(extents) = extents else { return Err(internal(plan, format!("kernel {} is no epilogue", launch.name))) };
    if extents[..launch.par].contains(&0) {
        return Ok(0);
    }
    let nowhere = std::ptr::null_mut();
    let (dtype, out) = (dot.dtype, described(plan, dot.out)?.dtype);
    let mut product = Product { dtype, out, left: nowhere, right: nowhere, loops: Vec::new(), axes: Vec::new() };
    for axis in dot.axes {
        let extent = extent(plan, axis, sizes)?;
        product.loops.push(Loop { role: axis.role, extent, left: 0, right: 0, out: 0 });
        product.axes.push(axis.out.map(usize::from).filter(|&k| k < shape.rank()));
    }
    let (_, strides) = panel_order(epilogue, shape.sizes());
    let boxes = Boxes::new(&product, shape.sizes(), &strides[..shape.rank()]);
    let n = boxes.jobs(product.work().saturating_add(launch::work(launch, &extents)));
    // The first is the largest.
    let largest: usize = boxes.get(0)[..shape.rank()].iter().map(|range| range.len()).product();
    Ok((largest + slack(out.bytes(), largest)) * out.bytes() * jobs::threads(n))
}

/// The strides of dense memory with its axes in this order, and the number of its elements.
pub(super) fn dense(order: &[usize], size: impl Fn(usize) -> usize, strides: &mut [isize; MAX_RANK]) -> usize {
    let mut len = 1;
    for &k in order.iter().rev() {
        strides[k] = len as isize;
        len *= size(k);
    }
    len
}

/// One panel: the product, then the kernel on it.
fn panel(
    epilogue: &'static Epilogue,
    product: &Product,
    packed: Option<&Packed>,
    ready: &Ready,
    ranges: &[Range<isize>; MAX_RANK],
    order: &[usize],
) -> Result<Option<Fault>> {
    let rank = order.len();
    let mut strides = [0isize; MAX_RANK];
    let size = |k: usize| (ranges[k].end - ranges[k].start) as usize;
    let len = dense(order, size, &mut strides);
    let (_buffer, start) = aligned(product.out, len)?;
    let low: isize = (0..rank).map(|k| ranges[k].start.wrapping_mul(strides[k])).fold(0, isize::wrapping_add);
    let bytes = product.out.bytes() as isize;
    let origin = start.wrapping_offset(low.wrapping_neg().wrapping_mul(bytes));
    // SAFETY: of the operands see `whole`; the memory at `start` is this job's own and as large as the box; counted from `origin` the
    // box's elements are all of it, each once.
    unsafe {
        let loops = product.boxed(ranges);
        product.compute_by(product.by(true), packed, product.operands(), &loops, origin, &strides[..rank], false)
    }?;

    let mut job = ready.clone();
    let window: &mut Window = &mut job.windows[epilogue.input];
    window.origin = origin;
    for k in 0..rank {
        (window.low[k], window.size[k], window.stride[k]) = (ranges[k].start, size(k), strides[k]);
    }
    for k in (0..rank).filter(|&k| epilogue.axes[k] != FREE) {
        job.narrow(&epilogue.launch, usize::from(epilogue.axes[k]), &ranges[k]);
    }
    job.collapse(&epilogue.launch);
    // SAFETY: the panel is initialised and this job's own; of the other operands see `launch::prepare`. The windows of
    // two jobs on one output differ in some axis of the product, which every output has.
    Ok(unsafe { job.run(&epilogue.launch) })
}

const _: () = assert!(MAX_AXES >= MAX_RANK);
