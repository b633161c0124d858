//! What a call costs, before it is made.
//!
//! In: a plan, the sizes of its symbols, a [`Roofline`]. Out: a [`Cost`]: for each step how it is launched, what it reads,
//! writes and multiplies, and the least time for that. Always: a launch is computed by the code that launches; the bytes
//! are those of the buffers that a step names, each once. Next: [`crate::device`]'s geometry, [`super::measure`].

use std::fmt;

use crate::device::{geometry, texts};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::plan::{Action, BufferId, Deal, Dot, Launch, Plan, Role};
use crate::roofline::Roofline;

use super::block::tiling::Tiling;
use super::dot::bands::Bands;
use super::memory::described;
use super::wanted::{reads, writes};
use super::{bind, internal};

/// What a call costs: see [`cost`].
#[derive(Clone, PartialEq, Debug)]
pub struct Cost {
    pub function: &'static str,
    /// The sizes that were given, in the order of the dimensions.
    pub sizes: Vec<(&'static str, usize)>,
    pub roofline: Roofline,
    pub steps: Vec<StepCost>,
}

/// A step of a call, or, on a device, a product and the kernel on its result apart.
#[derive(Clone, PartialEq, Debug)]
pub struct StepCost {
    /// Its number in `explain()`.
    pub step: usize,
    /// The kernel's name, or what the product multiplies.
    pub name: String,
    /// How it is launched on a device; `None` on the host, where nothing is to be done, and for a scatter, which is
    /// launched as its elements want.
    pub geometry: Option<Geometry>,
    /// Bytes of what it reads and writes. What a tile hands to the next step is in the cache, and in neither.
    pub reads: u64,
    pub writes: u64,
    /// Operations of a product, a multiplication and an addition being two; those of a kernel are not counted.
    pub flops: u64,
    /// What it computes in.
    pub dtype: DType,
}

/// How a kernel is launched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    pub blocks: u32,
    /// Threads of a block.
    pub threads: u32,
    /// Rows, columns or elements that a block works on at once.
    pub rows: u32,
    /// Elements of a row that each thread holds in registers; 0 where a row is streamed.
    pub items: u32,
    /// What these are.
    pub of: &'static str,
    /// Blocks that share each row or column. Then the kernel is launched several times: once for each pass that reduces,
    /// and once for what follows.
    pub slices: u32,
    pub launches: u32,
}

impl StepCost {
    /// The least time of the step, in seconds: that of its bytes or of its operations, whichever is longer.
    pub fn seconds(&self, roofline: &Roofline) -> f64 {
        roofline.seconds(self.reads + self.writes, self.flops, self.dtype)
    }

    /// Operations for each byte; 0 where nothing is read or written.
    pub fn intensity(&self) -> f64 {
        if self.reads + self.writes == 0 { 0.0 } else { self.flops as f64 / (self.reads + self.writes) as f64 }
    }
}

impl Cost {
    /// Bytes of all steps, read and written.
    pub fn bytes(&self) -> u64 {
        self.steps.iter().map(|s| s.reads + s.writes).sum()
    }

    /// Operations of all products.
    pub fn flops(&self) -> u64 {
        self.steps.iter().map(|s| s.flops).sum()
    }

    /// The least time of the call in seconds, one step after the other.
    pub fn seconds(&self) -> f64 {
        self.steps.iter().map(|s| s.seconds(&self.roofline)).sum()
    }
}

/// What a call costs whose symbols have these sizes, on a machine of this roofline: launches, bytes, operations, and the
/// least time that they take. A measured time is longer; how much, as a share, is what there is to gain.
///
/// An element that is read again is taken to be in a cache: a gather counts the whole of what it may read from. An error
/// where a symbol has no size, where a name is no symbol, where the sizes would be an error in the call, and where the
/// bytes or operations are more than can be counted.
///
/// ```
/// use ndfuse_runtime::rt::{self, DType, Plan, Roofline, plan::{Buffer, Param, Place}};
/// static NOTHING: Plan = Plan {
///     function: "nothing",
///     symbols: &["N"],
///     slots: 1,
///     sizes: |_| Some(()),
///     params: &[Param { name: "x", dtype: DType::F32, dims: &[0] }],
///     requires: &[],
///     buffers: &[Buffer { dtype: DType::F32, dims: &[0], order: &[0], place: Place::Param }],
///     outputs: &[],
///     steps: &[],
///     blocks: &[],
///     attends: &[],
///     prologues: &[],
///     bands: &[],
///     explain: "",
///     cuda: "",
///     vjp: None,
/// };
/// let cost = rt::cost(&NOTHING, &[("N", 10)], &Roofline::h200())?;
/// assert_eq!((cost.bytes(), cost.flops(), cost.seconds()), (0, 0, 0.0));
/// assert!(rt::cost(&NOTHING, &[], &Roofline::h200()).is_err());
/// assert!(rt::cost(&NOTHING, &[("N", 10), ("M", 10)], &Roofline::h200()).is_err());
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
pub fn cost(plan: &'static Plan, symbols: &[(&str, usize)], roofline: &Roofline) -> Result<Cost> {
    let mut sizes = vec![0; plan.slots];
    bind::named(plan, symbols, &mut sizes)?;
    let given = plan.symbols.iter().zip(&sizes).map(|(&name, &size)| (name, size as usize)).collect();
    let mut call = Call { plan, sizes, roofline, local: &[], steps: Vec::new() };
    let mut done = 0;
    for (k, step) in plan.steps.iter().enumerate() {
        if k >= done {
            call.local = &[];
        }
        // A device does each step by itself.
        if k >= done
            && roofline.multiprocessors == 0
            && let Some(bands) = Bands::from(plan, k, &|_| true, &call.sizes)?
        {
            (done, call.local) = (k + 2, std::slice::from_ref(&bands.band.of));
        }
        if k >= done
            && roofline.multiprocessors == 0
            && let Some((block, _)) = Tiling::from(plan, k, &|_| true, &call.sizes)?
        {
            (done, call.local) = (block.end, block.local);
        }
        if k >= done {
            done = call.together(k)?.max(done);
        }
        // What a device does as a part of another kernel is told with that.
        if k >= done || roofline.multiprocessors == 0 {
            call.step(k, &step.action)?;
        }
    }
    let (function, roofline) = (plan.function, roofline.clone());
    let cost = Cost { function, sizes: given, roofline, steps: call.steps };
    // The totals must be numbers too.
    let all = cost.steps.iter().flat_map(|s| [s.reads, s.writes]).try_fold(0u64, u64::checked_add);
    let flops = cost.steps.iter().map(|s| s.flops).try_fold(0u64, u64::checked_add);
    all.and(flops).map(|_| cost).ok_or_else(|| too_large(plan, symbols))
}

fn too_large(plan: &'static Plan, symbols: &[(&str, usize)]) -> Error {
    Error::too_large(plan.function, &symbols.iter().map(|&(_, size)| size).collect::<Vec<_>>())
}

struct Call<'a> {
    plan: &'static Plan,
    sizes: Vec<i64>,
    roofline: &'a Roofline,
    /// What the steps of a block hand to each other.
    local: &'static [BufferId],
    steps: Vec<StepCost>,
}

impl Call<'_> {
    fn size(&self, slot: u16) -> Result<i64> {
        let size = self.sizes.get(usize::from(slot)).copied();
        size.ok_or_else(|| internal(self.plan, format!("there is no size {slot}")))
    }

    fn counted(&self, number: Option<u64>) -> Result<u64> {
        let sizes = || self.sizes[..self.plan.symbols.len()].iter().map(|&n| n as usize).collect::<Vec<_>>();
        number.ok_or_else(|| Error::too_large(self.plan.function, &sizes()))
    }

    fn product(&self, slots: impl IntoIterator<Item = u16>, times: u64) -> Result<u64> {
        let mut product = Some(times);
        for slot in slots {
            let size = self.size(slot)?.max(0) as u64;
            product = product.and_then(|p| p.checked_mul(size));
        }
        self.counted(product)
    }

    /// The bytes of some buffers, each once.
    fn bytes(&self, ids: impl Iterator<Item = BufferId>) -> Result<u64> {
        let mut seen: Vec<BufferId> = self.local.to_vec();
        let mut sum = 0;
        for id in ids {
            if !seen.contains(&id) {
                seen.push(id);
                let buffer = described(self.plan, id)?;
                let bytes = self.product(buffer.dims.iter().copied(), buffer.dtype.bytes() as u64)?;
                sum = self.counted(bytes.checked_add(sum))?;
            }
        }
        Ok(sum)
    }

    /// Steps that are one kernel on a device; the number of the step after them.
    fn together(&mut self, first: usize) -> Result<usize> {
        let units = self.roofline.multiprocessors;
        let plan = self.plan;
        if units == 0 {
            return Ok(first);
        }
        let actions =
            |count: usize| plan.steps[first..].iter().take(count).map(|step| &step.action).collect::<Vec<_>>();
        if plan.prologues.iter().any(|prologue| prologue.step == first)
            && let [Action::Launch(launch), Action::Dot(dot)] = actions(2)[..]
        {
            let name = format!("{} of windows {}", self.product_name(dot)?, launch.name);
            let whole = self.one(first, name, &actions(2), &[launch.outputs[0].buffer, dot.out])?;
            let (flops, geometry) = (self.flops(dot)?, self.multiplied(dot)?);
            self.steps.push(StepCost { flops, geometry, dtype: dot.dtype, ..whole });
            return Ok(first + 2);
        }
        if plan.attends.iter().any(|attend| attend.step == first)
            && let [Action::Dot(scored), Action::Launch(launch), Action::Dot(summed)] = actions(3)[..]
        {
            let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            let ([batches, m, keys, terms], [.., width, _]) =
                (self.extents(scored)?.map(count), self.extents(summed)?.map(count));
            let Some(blocks) = geometry::attention(batches, m, keys, width, units) else { return Ok(first) };
            let name = format!("attention {} with {}", self.product_name(scored)?, launch.name);
            let whole = self.one(first, name, &actions(3), &[scored.out, summed.left, summed.out])?;
            let flops = self.counted(self.flops(scored)?.checked_add(self.flops(summed)?))?;
            // How old the GPU is, a roofline does not say.
            let cores = geometry::attends_by_tensor_cores(scored.dtype, terms, geometry::TENSOR_CORES);
            let threads = geometry::attending(cores);
            let tile = Geometry { threads, ..Geometry::of_tiles(blocks) };
            let geometry = (batches > 0 && m > 0 && width > 0).then_some(tile);
            self.steps.push(StepCost { flops, geometry, dtype: scored.dtype, ..whole });
            return Ok(first + 3);
        }
        Ok(first)
    }

    /// What several steps read and write as one. `within` are buffers that are never in memory, unless they are results.
    fn one(&self, step: usize, name: String, actions: &[&'static Action], within: &[BufferId]) -> Result<StepCost> {
        let written = actions.last().map_or(Vec::new(), |action| writes(action).collect());
        let own = |id: &BufferId| !within.contains(id);
        let reads = self.bytes(actions.iter().flat_map(|action| reads(action)).filter(own))?;
        let writes = self.bytes(written.into_iter())?;
        Ok(StepCost { step, name, geometry: None, reads, writes, flops: 0, dtype: DType::F32 })
    }

    fn product_name(&self, dot: &Dot) -> Result<String> {
        let [batches, m, n, terms] = self.extents(dot)?;
        let batches = if batches == 1 { String::new() } else { format!("{batches} times ") };
        Ok(format!("{} product {batches}{m} x {terms} @ {terms} x {n}", dot.dtype))
    }

    fn step(&mut self, step: usize, action: &'static Action) -> Result<()> {
        let dtype = |ids: &mut dyn Iterator<Item = BufferId>| -> Result<DType> {
            let double = ids.map(|id| described(self.plan, id).map(|b| b.dtype)).collect::<Result<Vec<_>>>()?;
            Ok(if double.contains(&DType::F64) { DType::F64 } else { DType::F32 })
        };
        let (read, written) = (|| reads(action), || writes(action));
        let whole = StepCost {
            step,
            name: self.name(action)?,
            geometry: None,
            reads: self.bytes(read())?,
            writes: self.bytes(written())?,
            flops: 0,
            dtype: dtype(&mut read().chain(written()))?,
        };
        match action {
            Action::Launch(launch) => {
                let geometry = self.launched(launch)?;
                self.steps.push(StepCost { geometry, ..whole });
            }
            Action::Scatter(_) => self.steps.push(whole),
            Action::Dot(dot) => {
                let (flops, geometry) = (self.flops(dot)?, self.multiplied(dot)?);
                match &dot.epilogue {
                    // The product is whole in memory there, and read again.
                    Some(epilogue) if self.roofline.multiprocessors > 0 && epilogue.function.is_empty() => {
                        let launch = &epilogue.launch;
                        self.steps.push(StepCost {
                            geometry,
                            flops,
                            reads: self.bytes([dot.left, dot.right].into_iter())?,
                            writes: self.bytes([dot.out].into_iter())?,
                            dtype: dot.dtype,
                            ..whole.clone()
                        });
                        self.steps.push(StepCost {
                            name: format!("kernel {}", launch.name),
                            geometry: self.launched(launch)?,
                            reads: self.bytes(launch.inputs.iter().copied())?,
                            ..whole
                        });
                    }
                    Some(epilogue) => {
                        let name = format!("{} with kernel {}", whole.name, epilogue.launch.name);
                        self.steps.push(StepCost { name, flops, geometry, ..whole });
                    }
                    None => self.steps.push(StepCost { flops, geometry, dtype: dot.dtype, ..whole }),
                }
            }
        }
        Ok(())
    }

    fn name(&self, action: &'static Action) -> Result<String> {
        Ok(match action {
            Action::Launch(launch) => format!("kernel {}", launch.name),
            Action::Scatter(_) => "scatter".into(),
            Action::Dot(dot) => self.product_name(dot)?,
        })
    }

    /// How many batches, rows, columns and terms a product has.
    fn extents(&self, dot: &Dot) -> Result<[u64; 4]> {
        let of = |role: Role| self.product(dot.axes.iter().filter(|a| a.role == role).map(|a| a.extent), 1);
        Ok([of(Role::Batch)?, of(Role::Left)?, of(Role::Right)?, of(Role::Contract)?])
    }

    fn flops(&self, dot: &Dot) -> Result<u64> {
        self.product(dot.axes.iter().map(|a| a.extent), 2)
    }

    fn multiplied(&self, dot: &Dot) -> Result<Option<Geometry>> {
        let units = self.roofline.multiprocessors;
        let [batches, m, n, _] = self.extents(dot)?.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        if units == 0 || batches == 0 || m == 0 || n == 0 {
            return Ok(None);
        }
        let (_, blocks) = geometry::product(batches, m, n, dot.dtype.bytes() <= 4, units);
        Ok(Some(Geometry::of_tiles(blocks)))
    }

    fn launched(&self, launch: &Launch) -> Result<Option<Geometry>> {
        let units = self.roofline.multiprocessors;
        let extents = launch.extents.iter().map(|&slot| self.size(slot)).collect::<Result<Vec<i64>>>()?;
        if units == 0 {
            return Ok(None);
        }
        let of = match launch.cuda.deal {
            Deal::Point => "element",
            Deal::Row => "row",
            Deal::Column => "column",
        };
        let shape = geometry::shape(&launch.cuda, launch.par, &extents, units);
        Ok(shape.map(|s| {
            let slices = s.slices.map_or(1, |slices| slices.count);
            let launches = if slices > 1 { launch.cuda.cut.map_or(1, |cut| u32::from(cut.passes) + 1) } else { 1 };
            let (blocks, threads, rows, items) = (s.blocks * slices, s.block, s.block / s.team, s.items);
            if s.turn {
                return Geometry::of_tiles(blocks);
            }
            Geometry { blocks, threads, rows, items, of, slices, launches }
        }))
    }
}

impl fmt::Display for Geometry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Geometry { blocks, threads, rows, items, of, slices, launches } = self;
        let s = |n: u32| if n == 1 { "" } else { "s" };
        if *launches > 1 {
            write!(f, "{launches} launches, {slices} slices a {of}, ")?;
        }
        write!(f, "{blocks} block{} of {threads} thread{}, {rows} {of}{} a block", s(*blocks), s(*threads), s(*rows))?;
        if *items > 0 { write!(f, ", {items} item{} a thread", s(*items)) } else { Ok(()) }
    }
}

impl Geometry {
    /// Of blocks that make tiles: of a product, or of a map.
    fn of_tiles(blocks: u32) -> Geometry {
        Geometry { blocks, threads: texts::BLOCK, rows: 1, items: 0, of: "tile", slices: 1, launches: 1 }
    }
}

/// A time in seconds, to be read.
struct Time(f64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            s if s < 1e-6 => write!(f, "{:.0} ns", s * 1e9),
            s if s < 1e-3 => write!(f, "{:.2} µs", s * 1e6),
            s if s < 1.0 => write!(f, "{:.2} ms", s * 1e3),
            s => write!(f, "{s:.2} s"),
        }
    }
}

/// ```text
/// softmax of B = 4096, C = 2048 on NVIDIA H200: 4800 GB/s, 67000 Gflop/s
///   0: kernel softmax_0: 4096 blocks of 128 threads, 1 row a block, 16 items a thread
///      reads 33554432, writes 33554432 bytes: 13.98 µs
///   total: 67108864 bytes, 0 operations: 13.98 µs
/// ```
impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.sizes.iter().map(|(name, size)| format!("{name} = {size}")).collect();
        let of = if sizes.is_empty() { String::new() } else { format!(" of {}", sizes.join(", ")) };
        let Roofline { name, bandwidth, flops, .. } = &self.roofline;
        writeln!(f, "{}{of} on {name}: {:.0} GB/s, {:.0} Gflop/s", self.function, bandwidth / 1e9, flops / 1e9)?;
        for step in &self.steps {
            let geometry = step.geometry.map_or(String::new(), |g| format!(": {g}"));
            writeln!(f, "  {}: {}{geometry}", step.step, step.name)?;
            write!(f, "     reads {}, writes {} bytes", step.reads, step.writes)?;
            if step.flops > 0 {
                write!(f, ", {} operations, {:.1} a byte", step.flops, step.intensity())?;
            }
            writeln!(f, ": {}", Time(step.seconds(&self.roofline)))?;
        }
        writeln!(f, "  total: {} bytes, {} operations: {}", self.bytes(), self.flops(), Time(self.seconds()))
    }
}
