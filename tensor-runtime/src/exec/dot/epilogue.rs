//! A product with a kernel on its result.
//!
//! In: a product, its [`Epilogue`]. Out: the kernel's outputs are written. Always: the product is never whole in memory: a box of
//! it is a panel, which the kernel reads while it is in a core's cache; what the kernel comes to besides is fetched while
//! the panel is multiplied. There is no panel where the product does the kernel's post-ops itself.
//! Next: [`super::boxes`], [`super::beside`], [`super::post`].

use std::ops::Range;

use crate::MAX_RANK;
use crate::dtype::{AnyBuffer, DType};
use crate::error::Result;
use crate::exec::internal;
use crate::exec::jobs;
use crate::exec::launch::{self, Faults, Ready, Shared};
use crate::exec::memory::{Memory, Spot, aligned, described, layout_of, slack};
use crate::kernel::{Fault, Window};
use crate::plan::{BufferId, Dot, Epilogue, FREE, Plan};

use super::beside::Beside;
use super::boxes::Boxes;
use super::gemm::Loop;
use super::packed::Packed;
use super::post::Posted;
use super::tile::Also;
use super::{Product, extent, keepers, told, windows};

/// The product a panel at a time, each at once the input of the epilogue; `false` if it cannot read its windows.
pub(super) fn panels(
    plan: &'static Plan,
    epilogue: &'static Epilogue,
    product: &Product,
    shape: &[usize],
    memory: &mut Memory<'_>,
    sizes: &[i64],
    operands: [u16; 2],
) -> Result<bool> {
    let launch = &epilogue.launch;
    let ready = prepare(plan, epilogue, product, shape, memory, sizes, None)?;
    if ready.ranges[..launch.par].iter().any(|r| r.is_empty()) {
        return Ok(product.windows.is_none());
    }
    let rank = shape.len();
    let (order, strides) = panel_order(epilogue, shape);
    let boxes = Boxes::new(product, shape, &strides[..rank], true);
    // SAFETY: see `whole`.
    let packed = unsafe { Packed::of(product, &strides[..rank], keepers(memory, operands)) }?;
    if !windows::fit(product, packed.as_ref(), &boxes, &strides) {
        return Ok(false);
    }
    let panels = Panels::new(epilogue, product, packed.as_ref(), &ready, shape, (&order, &strides));
    let work = product.work().saturating_add(launch::work(launch, &ready.extents[..ready.axes]));
    let n = boxes.jobs(work);
    let faults = Faults::default();
    let shared = Shared::new(|(own, job): (&mut Scratch, usize)| {
        let part = jobs::part(boxes.count(), n, job);
        for i in part.clone() {
            let last = i + 1 == part.end && jobs::is_last(n, job);
            faults.note(panels.run(&boxes.get(i), own, last)?);
        }
        Ok(())
    });
    let failure = told(plan, format_args!("kernel {}", launch.name), n, &|own, job| shared.call((own, job)));
    faults.told(plan).and(failure).map(|()| true)
}

/// Finds the operands of the epilogue, but for the product, whose place is set for each panel, and for what is `given` one; what it
/// does must follow the product's axes.
pub(super) fn prepare(
    plan: &'static Plan,
    epilogue: &'static Epilogue,
    product: &Product,
    shape: &[usize],
    memory: &mut Memory<'_>,
    sizes: &[i64],
    given: Option<(BufferId, Spot<'_>)>,
) -> Result<Ready> {
    let launch = &epilogue.launch;
    let input = epilogue.input;
    if input >= launch.inputs.len() || epilogue.axes.len() != shape.len() {
        return Err(internal(plan, format!("kernel {} is no epilogue", launch.name)));
    }
    let layout = crate::Layout::contiguous(shape)?;
    let unplaced = (launch.inputs[input], Spot::nowhere(product.out, layout.lend(), u16::MAX));
    let both = [unplaced, given.unwrap_or(unplaced)];
    let ready = launch::prepare(plan, launch, memory, sizes, &both)?;
    if ready.ranges[..launch.par].iter().any(|r| r.is_empty()) {
        return Ok(ready);
    }
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
    Ok(ready)
}

/// The panel's axes in the order of the kernel's parallel axes, and the strides of the whole product in that order.
pub(in crate::exec) fn panel_order(epilogue: &Epilogue, shape: &[usize]) -> (Vec<usize>, [isize; MAX_RANK]) {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.sort_by_key(|&k| (epilogue.axes[k] != FREE, epilogue.axes[k]));
    let mut strides = [0isize; MAX_RANK];
    dense(&order, |k| shape[k], &mut strides);
    (order, strides)
}

/// The bytes of the panels that are in use at once; 0 without an epilogue.
pub(in crate::exec) fn panel_bytes(plan: &'static Plan, dot: &'static Dot, sizes: &[i64]) -> Result<usize> {
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
    let (product, boxes, bytes) = largest(plan, dot, epilogue, shape.sizes(), sizes)?;
    let n = boxes.jobs(product.work().saturating_add(launch::work(launch, &extents)));
    Ok(bytes * jobs::threads(n))
}

/// A product nowhere in memory, the boxes of such a part of it, and the bytes of the largest panel.
pub(super) fn largest(
    plan: &'static Plan,
    dot: &'static Dot,
    epilogue: &Epilogue,
    shape: &[usize],
    sizes: &[i64],
) -> Result<(Product, Boxes, usize)> {
    let nowhere = std::ptr::null_mut();
    let (dtype, out) = (dot.dtype, described(plan, dot.out)?.dtype);
    let mut product = Product {
        dtype,
        out,
        left: nowhere,
        right: nowhere,
        loops: Vec::new(),
        axes: Vec::new(),
        windows: None,
        after: None,
    };
    for axis in dot.axes {
        let extent = extent(plan, axis, sizes)?;
        product.loops.push(Loop { role: axis.role, extent, left: 0, right: 0, out: 0 });
        product.axes.push(axis.out.map(usize::from).filter(|&k| k < shape.len()));
    }
    let (_, strides) = panel_order(epilogue, shape);
    let boxes = Boxes::new(&product, shape, &strides[..shape.len()], true);
    let len = boxes.most();
    Ok((product, boxes, (len + slack(out.bytes(), len)) * out.bytes()))
}

/// The strides of dense memory with its axes in this order, and the number of its elements.
pub(in crate::exec) fn dense(order: &[usize], size: impl Fn(usize) -> usize, strides: &mut [isize; MAX_RANK]) -> usize {
    let mut len = 1;
    for &k in order.iter().rev() {
        strides[k] = len as isize;
        len *= size(k);
    }
    len
}

/// Memory that a thread has for one panel after another.
#[derive(Default)]
pub(super) struct Scratch(Option<(AnyBuffer, *mut u8, usize)>);

impl Scratch {
    /// Room for so many elements of unspecified values.
    pub(super) fn of(&mut self, dtype: DType, len: usize) -> Result<*mut u8> {
        match &self.0 {
            Some((buffer, start, have)) if buffer.dtype() == dtype && *have >= len => Ok(*start),
            Some(_) | None => {
                let (buffer, start) = aligned(dtype, len)?;
                self.0 = Some((buffer, start, len));
                Ok(start)
            }
        }
    }
}

/// A product, whole or a band of it, with what is done to its boxes.
pub(super) struct Panels<'a> {
    epilogue: &'static Epilogue,
    product: &'a Product,
    packed: Option<&'a Packed>,
    ready: &'a Ready,
    order: &'a [usize],
    /// The product does it itself, and there are no panels.
    posted: Option<Posted>,
}

impl<'a> Panels<'a> {
    /// What `ready` has the operands of, as [`prepare`] finds them; panels have their axes in an order, and the product so its strides.
    pub(super) fn new(
        epilogue: &'static Epilogue,
        product: &'a Product,
        packed: Option<&'a Packed>,
        ready: &'a Ready,
        shape: &[usize],
        (order, strides): (&'a [usize], &[isize; MAX_RANK]),
    ) -> Panels<'a> {
        // SAFETY: of what `prepare` finds see there; nobody writes its inputs during the step.
        let posted = unsafe { Posted::of(epilogue, ready, product, shape, strides) };
        Panels { epilogue, product, packed, ready, order, posted }
    }

    /// One box: the product, then the kernel on it; the `last` one of a thread in this step, or not.
    pub(super) fn run(
        &self,
        ranges: &[Range<isize>; MAX_RANK],
        own: &mut Scratch,
        last: bool,
    ) -> Result<Option<Fault>> {
        match &self.posted {
            // SAFETY: as in `panel`; the boxes of two jobs are different elements of the output.
            Some(posted) => unsafe { self.product.finish(self.packed, posted, ranges, last) }.map(|()| None),
            None => self.panel(ranges, own, last),
        }
    }

    fn panel(&self, ranges: &[Range<isize>; MAX_RANK], own: &mut Scratch, last: bool) -> Result<Option<Fault>> {
        let Panels { epilogue, product, packed, ready, order, .. } = *self;
        let rank = order.len();
        let mut strides = [0isize; MAX_RANK];
        let size = |k: usize| (ranges[k].end - ranges[k].start) as usize;
        let len = dense(order, size, &mut strides);
        let start = own.of(product.out, len)?;
        let low: isize = (0..rank).map(|k| ranges[k].start.wrapping_mul(strides[k])).fold(0, isize::wrapping_add);
        let bytes = product.out.bytes() as isize;
        let origin = start.wrapping_offset(low.wrapping_neg().wrapping_mul(bytes));
        let mut job = ready.clone();
        let window: &mut Window = &mut job.windows[epilogue.input];
        window.origin = origin;
        for k in 0..rank {
            (window.low[k], window.size[k], window.stride[k]) = (ranges[k].start, size(k), strides[k]);
        }
        for k in (0..rank).filter(|&k| epilogue.axes[k] != FREE) {
            job.narrow(&epilogue.launch, usize::from(epilogue.axes[k]), &ranges[k]);
        }
        let beside = Beside::of(epilogue, ready, &job, start.cast(), &strides, ranges);
        // SAFETY: of the operands see `whole`; the memory at `start` is this job's own and as large as the box; counted from `origin` the
        // box's elements are all of it, each once.
        unsafe {
            let loops = product.boxed(ranges);
            let also = Also { beside: beside.as_ref(), after: product.after.filter(|_| last), post: None };
            product.compute_by(
                product.by(true),
                packed,
                product.operands(),
                &loops,
                origin,
                &strides[..rank],
                false,
                also,
            )
        }?;
        job.collapse(&epilogue.launch);
        // SAFETY: the panel is initialised and this job's own; of the other operands see `launch::prepare`. The windows of
        // two jobs on one output differ in some axis of the product, which every output has.
        Ok(unsafe { job.run(&epilogue.launch) })
    }
}
