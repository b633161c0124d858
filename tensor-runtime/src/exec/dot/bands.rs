//! Runs a product and the launch after it band by band.
//!
//! In: a [`Band`] of the plan, the product. Out: what the launch writes; the temporary between them, of which a job has a band at
//! a time, in a core's cache. Always: a band has all that its part of the launch needs, so what two parts need is made twice,
//! with the same bits; the cut depends on the sizes alone. Next: [`super::epilogue`].

use std::ops::Range;

use crate::MAX_RANK;
use crate::error::Result;
use crate::exec::block::unplaced;
use crate::exec::launch::{self, Faults, Found, Shared, axis_of};
use crate::exec::memory::{Memory, Spot, described, layout_of, slack};
use crate::exec::{internal, jobs, work};
use crate::kernel::Window;
use crate::layout::Layout;
use crate::plan::{Action, Band, Dot, Epilogue, FREE, Launch, Near, Plan};

use super::boxes::Boxes;
use super::epilogue::{Panels, Scratch, dense, largest, panel_order, prepare};
use super::packed::Packed;
use super::{Product, keepers, told, windows};

/// Bytes of a temporary that caches keep until it is read.
const KEPT: usize = 4 << 20;
/// Bytes of a band: half of a core's second-level cache.
const BAND: usize = 1 << 20;
/// What is made twice, and read again for each band, is at most this part of the whole.
const TWICE: usize = 6;

/// A band with the sizes of a call.
pub(in crate::exec) struct Bands {
    pub(in crate::exec) band: &'static Band,
    pub(in crate::exec) dot: &'static Dot,
    epilogue: &'static Epilogue,
    launch: &'static Launch,
    /// The temporary's layout, and its place among the launch's inputs.
    layout: Layout,
    input: usize,
    cuts: Vec<Cut>,
    /// The most places of each axis that a band has.
    most: [usize; MAX_RANK],
    work: u64,
}

/// How an axis is cut.
struct Cut {
    near: &'static Near,
    /// The extent of the launch's axis, into how many bands it is cut, and the most of it that one has.
    extent: usize,
    count: usize,
    part: usize,
    low: isize,
    high: isize,
    /// The axis of the product.
    made: usize,
}

impl Cut {
    /// What a part of the launch's axis needs.
    fn needed(&self, part: &Range<isize>, size: usize) -> Range<isize> {
        let (step, size) = (self.near.step as isize, size as isize);
        let start = (part.start.saturating_mul(step).saturating_add(self.low)).clamp(0, size);
        let end = (part.end - 1).saturating_mul(step).saturating_add(self.high).saturating_add(1);
        start..end.clamp(start, size)
    }

    /// The most that so much of the launch's axis needs.
    fn most(&self, part: usize, size: usize) -> usize {
        let step = usize::try_from(self.near.step).unwrap_or(usize::MAX);
        let reach = usize::try_from(self.high - self.low).unwrap_or(usize::MAX);
        (part - 1).saturating_mul(step).saturating_add(reach).saturating_add(1).min(size)
    }
}

impl Bands {
    /// The bands that begin with a step, if they save anything.
    pub(in crate::exec) fn from(
        plan: &'static Plan,
        step: usize,
        runs: &dyn Fn(usize) -> bool,
        sizes: &[i64],
    ) -> Result<Option<Bands>> {
        let Some(band) = plan.bands.iter().find(|band| band.step == step) else { return Ok(None) };
        if !runs(step) || !runs(step + 1) {
            return Ok(None);
        }
        let broken = || internal(plan, format!("steps {step} and {} are no band", step + 1));
        let actions = plan.steps.get(step..step + 2).map(|steps| [&steps[0].action, &steps[1].action]);
        let Some([first @ Action::Dot(dot), second @ Action::Launch(launch)]) = actions else { return Err(broken()) };
        let epilogue = dot.epilogue.as_ref().ok_or_else(broken)?;
        if !matches!(epilogue.launch.outputs, [output] if output.buffer == band.of) {
            return Err(broken());
        }
        let input = launch.inputs.iter().position(|&id| id == band.of).ok_or_else(broken)?;
        let buffer = described(plan, band.of)?;
        let layout = layout_of(plan, buffer, sizes)?;
        let width = buffer.dtype.bytes();
        if layout.len().saturating_mul(width) < KEPT {
            return Ok(None);
        }
        let work = [first, second].map(|action| work::of(plan, action, sizes));
        let (cuts, most) = (Vec::new(), [1; MAX_RANK]);
        let work = work[0].saturating_add(work[1]);
        let mut bands = Bands { band, dot, epilogue, launch, layout, input, cuts, most, work };
        Ok(bands.cut(width, sizes).ok_or_else(broken)?.then_some(bands))
    }

    /// Cuts the outer axes until a band fits; answers whether that is worth what is made twice. `None` where the plan names axes that
    /// are not there.
    fn cut(&mut self, width: usize, sizes: &[i64]) -> Option<bool> {
        let size = |slot: u16| sizes.get(usize::from(slot)).copied();
        let shape = self.layout.sizes();
        self.most[..shape.len()].copy_from_slice(shape);
        let bytes = |most: &[usize; MAX_RANK]| most.iter().fold(width, |n, &size| n.saturating_mul(size));
        let (mut made, mut whole) = (1usize, 1usize);
        for near in self.band.axes {
            if bytes(&self.most) <= BAND {
                break;
            }
            let (par, of) = (usize::from(near.par), usize::from(near.of));
            let places = *shape.get(of)?;
            let extent = usize::try_from(size(*self.launch.extents.get(par)?)?).ok()?;
            if extent == 0 || near.step < 1 {
                return Some(false);
            }
            let (low, high) = (size(near.low)? as isize, size(near.high)? as isize);
            let through = *launch::accesses(&self.epilogue.launch, self.epilogue.launch.inputs.len()).get(of)?;
            let made_along = self.epilogue.axes.iter().position(|&axis| axis == through && axis != FREE)?;
            let mut cut = Cut { near, extent, count: extent, part: 1, low, high, made: made_along };
            let mut fits = |part: usize| {
                self.most[of] = cut.most(part, places);
                bytes(&self.most) <= BAND
            };
            let largest = (1..=extent).rev().find(|&part| fits(part)).unwrap_or(1);
            // Two threads have equal shares.
            cut.count = extent.div_ceil(largest).next_multiple_of(2).min(extent);
            cut.part = extent.div_ceil(cut.count);
            self.most[of] = cut.most(cut.part, places);
            made *= cut.count * self.most[of];
            whole *= places;
            self.cuts.push(cut);
        }
        // For each band the product's other operand is read again.
        let role = |cut: &Cut| self.dot.axes.iter().find(|axis| axis.out == Some(cut.made as u8)).map(|axis| axis.role);
        let roles: Vec<_> = self.cuts.iter().filter_map(role).collect();
        let other = self.dot.axes.iter().filter(|axis| !roles.contains(&axis.role));
        let again = other.map(|axis| size(axis.extent)).product::<Option<i64>>()?.max(0) as usize * self.count();
        // What axes that are not cut have in common.
        let rest = self.layout.len() / whole.max(1);
        let (twice, whole) = (made.saturating_sub(whole).saturating_mul(rest), whole * rest);
        Some(bytes(&self.most) <= BAND && twice.saturating_add(again) <= whole / TWICE)
    }

    /// How many there are.
    fn count(&self) -> usize {
        self.cuts.iter().map(|cut| cut.count).product()
    }

    /// The part of the launch's axis of each cut in the `i`-th.
    fn parts(&self, mut i: usize) -> Vec<Range<isize>> {
        let mut parts: Vec<Range<isize>> = Vec::with_capacity(self.cuts.len());
        for cut in self.cuts.iter().rev() {
            let part = jobs::part(cut.extent, cut.count, i % cut.count);
            i /= cut.count;
            parts.push(part.start as isize..part.end as isize);
        }
        parts.reverse();
        parts
    }

    fn jobs(&self) -> usize {
        jobs::count(self.work).min(self.count())
    }

    /// The bytes of the bands that are in use at once.
    pub(in crate::exec) fn bytes(&self, plan: &'static Plan, sizes: &[i64]) -> Result<usize> {
        let width = described(plan, self.band.of)?.dtype.bytes();
        let len: usize = self.most.iter().product();
        let product = layout_of(plan, described(plan, self.dot.out)?, sizes)?;
        let mut shape = product.sizes().to_vec();
        for cut in &self.cuts {
            shape[cut.made] = self.most[usize::from(cut.near.of)];
        }
        let (.., panel) = largest(plan, self.dot, self.epilogue, &shape, sizes)?;
        Ok(((len + slack(width, len)) * width + panel) * jobs::threads(self.jobs()))
    }

    /// Runs both steps; `false` if the product cannot read its windows.
    pub(super) fn run(
        &self,
        plan: &'static Plan,
        product: &Product,
        shape: &[usize],
        memory: &mut Memory<'_>,
        sizes: &[i64],
        operands: [u16; 2],
    ) -> Result<bool> {
        let (epilogue, launch) = (self.epilogue, self.launch);
        let buffer = described(plan, self.band.of)?;
        let order: Vec<usize> = buffer.order.iter().map(|&k| usize::from(k)).collect();
        let layout = unplaced(&self.most, &self.layout, &order)?;
        let between = (self.band.of, Spot::nowhere(buffer.dtype, layout.lend(), self.band.of));
        let first = prepare(plan, epilogue, product, shape, memory, sizes, Some(between))?;
        let second = launch::prepare(plan, launch, memory, sizes, &[between])?;
        let output = epilogue.launch.inputs.len();
        let follows = |cut: &Cut| {
            let (par, axis) = (usize::from(cut.near.par), usize::from(epilogue.axes[cut.made]));
            let made = match axis_of(&epilogue.launch, output, axis, self.layout.rank()) {
                Found::At(k) => k == usize::from(cut.near.of),
                Found::No | Found::Twice => false,
            };
            made && par < launch.par && second.splits(launch, par)
        };
        if !self.cuts.iter().all(follows) {
            return Err(internal(plan, format!("kernel {} does not follow a product's bands", launch.name)));
        }
        if second.ranges[..launch.par].iter().any(|range| range.is_empty()) {
            return Ok(product.windows.is_none());
        }
        let (panel_order, strides) = panel_order(epilogue, shape);
        // SAFETY: see `super::whole`.
        let packed = unsafe { Packed::of(product, &strides[..shape.len()], keepers(memory, operands)) }?;
        if !windows::fit(product, packed.as_ref(), &boxed(product, shape, &panel_order), &strides) {
            return Ok(false);
        }
        let faults = Faults::default();
        let n = self.jobs();
        let len: usize = self.most.iter().product();
        let shared = Shared::new(|((band, own), job): (&mut (Scratch, Scratch), usize)| {
            let start = band.of(buffer.dtype, len)?;
            for i in jobs::part(self.count(), n, job) {
                let parts = self.parts(i);
                let mut whole: [Range<isize>; MAX_RANK] =
                    std::array::from_fn(|k| 0..shape.get(k).map_or(1, |&size| size as isize));
                let (mut made, mut read) = (first.clone(), second.clone());
                let windows = [&mut made.windows[output], &mut read.windows[self.input]];
                for window in windows {
                    window.origin = start;
                    self.place(window, &parts);
                }
                for (cut, part) in self.cuts.iter().zip(&parts) {
                    read.narrow(launch, usize::from(cut.near.par), part);
                    whole[cut.made] = cut.needed(part, shape[cut.made]);
                }
                let size: Vec<usize> = whole[..shape.len()].iter().map(|range| range.len()).collect();
                let boxes = boxed(product, &size, &panel_order);
                if !windows::fit(product, packed.as_ref(), &boxes, &strides) {
                    return Err(internal(plan, format!("kernel {} has other boxes in a band", launch.name)));
                }
                let panels = Panels::new(epilogue, product, packed.as_ref(), &made, shape, (&panel_order, &strides));
                for k in 0..boxes.count() {
                    let mut ranges = boxes.get(k);
                    for (range, whole) in ranges.iter_mut().zip(&whole) {
                        *range = range.start + whole.start..range.end + whole.start;
                    }
                    faults.note(panels.run(&ranges, own, false)?);
                }
                read.collapse(launch);
                // SAFETY: the band is this job's own; its window has what was just made and no more, and a kernel reads nothing
                // outside of its windows; of the other operands see `launch::prepare`. The windows of two parts on one output differ along a cut
                // axis, which every output has.
                faults.note(unsafe { read.run(launch) });
            }
            Ok(())
        });
        let failure = told(plan, format_args!("kernel {}", launch.name), n, &|own, job| shared.call((own, job)));
        faults.told(plan).and(failure).map(|()| true)
    }

    /// Has a window on the temporary begin where it begins in memory with what these parts need.
    fn place(&self, window: &mut Window, parts: &[Range<isize>]) {
        for (cut, part) in self.cuts.iter().zip(parts) {
            let k = usize::from(cut.near.of);
            let needed = cut.needed(part, self.layout.sizes()[k]);
            window.shift(k, -needed.start);
            (window.low[k], window.size[k]) = (needed.start, needed.len());
        }
    }
}

/// The boxes of so much of a product, whose panels have their axes in this order.
fn boxed(product: &Product, size: &[usize], order: &[usize]) -> Boxes {
    let mut strides = [0; MAX_RANK];
    dense(order, |k| size[k], &mut strides);
    Boxes::new(product, size, &strides[..size.len()], true)
}
