//! What memory a call takes, before it is made.
//!
//! In: a plan and the sizes of its symbols. Out: [`Memory`]. Always: it is what [`super::memory`] allocates for operands
//! in row-major order, found without allocating it. Next: [`super::memory`].

use crate::error::{Error, Result};
use crate::layout::Layout;
use crate::plan::{Action, BufferId, Place, Plan};

use super::block::tiling::Tiling;
use super::dot::bands::Bands;
use super::memory::{described, layout_of, slack};
use super::spare::Spare;
use super::wanted::{reads, writes};
use super::{bind, dot, internal};

/// What a call takes: see [`memory`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Bytes of all results.
    pub results: usize,
    /// The most bytes that are in use at once within the call, results aside.
    pub temporaries: usize,
}

impl Memory {
    /// The most bytes that the call has allocated at once.
    pub fn peak(&self) -> usize {
        self.results + self.temporaries
    }
}

/// The bytes that a call takes whose symbols have these sizes: its results, its temporaries for as long as they live
/// or wait to be the memory of others, views that have to be copied, the bytes that let all these begin with a cache line, at most a page each,
/// and the panels of products, the tiles of blocks and the bands between two steps that are never whole, one a thread of rayon's current pool.
///
/// An operand that is not in row-major order may cost a copy more; what a matrix product packs for itself, a few hundred
/// kilobytes a thread or a copy of one operand, is not in it, nor is what is kept of such copies. Windows that a product
/// reads where they are count as if they were written, and so does a panel where a product does its post-ops in registers and
/// has none; the pool may give a buffer an eighth more than was asked. An error where a symbol has no size, and where the sizes
/// would be an error in the call.
///
/// ```
/// use ndfuse_runtime::rt::{self, DType, Plan, plan::{Buffer, Param, Place}};
/// static TWICE: Plan = Plan {
///     function: "twice",
///     symbols: &["N"],
///     slots: 1,
///     sizes: |_| Some(()),
///     params: &[Param { name: "x", dtype: DType::F32, dims: &[0] }],
///     requires: &[],
///     buffers: &[
///         Buffer { dtype: DType::F32, dims: &[0], order: &[0], place: Place::Param },
///         Buffer { dtype: DType::F64, dims: &[0, 0], order: &[0, 1], place: Place::Output },
///     ],
///     outputs: &[1],
///     steps: &[],
///     blocks: &[],
///     attends: &[],
///     prologues: &[],
///     bands: &[],
///     explain: "",
///     cuda: "",
///     vjp: None,
/// };
/// let memory = rt::memory(&TWICE, &[("N", 10)])?;
/// assert_eq!((memory.results, memory.temporaries, memory.peak()), (800, 0, 800));
/// assert!(rt::memory(&TWICE, &[]).is_err());
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
pub fn memory(plan: &'static Plan, symbols: &[(&str, usize)]) -> Result<Memory> {
    let mut sizes = vec![0; plan.slots];
    bind::named(plan, symbols, &mut sizes)?;
    let count = plan.buffers.len();
    let mut call =
        Call { plan, sizes, places: vec![None; count], owned: vec![0; count], spare: Spare::new(), now: 0, peak: 0 };
    for id in 0..plan.params.len() as BufferId {
        let layout = Layout::contiguous(call.layout(id)?.sizes())?;
        call.places[usize::from(id)] = Some((id, layout));
    }
    plan.outputs.iter().try_for_each(|&id| call.place(id))?;
    let results = call.now;
    call.peak = results;
    let mut done = 0;
    for (k, step) in plan.steps.iter().enumerate() {
        if k >= done
            && let Some(bands) = Bands::from(plan, k, &|_| true, &call.sizes)?
        {
            let touched = plan.steps[k..k + 2].iter().flat_map(|step| reads(&step.action).chain(writes(&step.action)));
            touched.filter(|&id| id != bands.band.of).try_for_each(|id| call.place(id))?;
            call.peak = call.peak.max(call.now + bands.bytes(plan, &call.sizes)?);
            done = k + 2;
        }
        if k >= done
            && let Some((block, tiling)) = Tiling::from(plan, k, &|_| true, &call.sizes)?
        {
            tiling.outside().try_for_each(|id| call.place(id))?;
            call.peak = call.peak.max(call.now + tiling.bytes());
            done = block.end;
        }
        if k < done {
            step.release.iter().for_each(|&id| call.release(id));
            continue;
        }
        reads(&step.action).chain(writes(&step.action)).try_for_each(|id| call.place(id))?;
        let panels = match &step.action {
            Action::Dot(dot) => dot::panel_bytes(plan, dot, &call.sizes)?,
            Action::Launch(_) | Action::Scatter(_) => 0,
        };
        call.peak = call.peak.max(call.now + panels);
        step.release.iter().for_each(|&id| call.release(id));
    }
    Ok(Memory { results, temporaries: call.peak - results })
}

/// A call of which there are only the sizes.
struct Call {
    plan: &'static Plan,
    sizes: Vec<i64>,
    /// For each buffer whose memory it is, and where in it the elements lie.
    places: Vec<Option<(BufferId, Layout)>>,
    /// The elements that the call has memory for, by the buffer that it was allocated for.
    owned: Vec<usize>,
    /// What waits for a later buffer.
    spare: Spare<usize>,
    now: usize,
    peak: usize,
}

impl Call {
    fn layout(&self, id: BufferId) -> Result<Layout> {
        layout_of(self.plan, described(self.plan, id)?, &self.sizes)
    }

    /// Gives a buffer its place, if it has none.
    fn place(&mut self, id: BufferId) -> Result<()> {
        let buffer = described(self.plan, id)?;
        let at = usize::from(id);
        if self.places[at].is_some() {
            return Ok(());
        }
        let mut layout = self.layout(id)?;
        if let Place::View(base) = buffer.place {
            layout = Layout::contiguous(layout.sizes())?;
            if base >= id {
                return Err(internal(self.plan, format!("buffer {id} views a later one")));
            }
            self.place(base)?;
            if let Some((root, of)) = self.places[usize::from(base)].filter(|(_, of)| of.is_contiguous()) {
                debug_assert_eq!(of.len(), layout.len());
                self.places[at] = Some((root, layout));
                return Ok(());
            }
        }
        let too_large = || Error::too_large(self.plan.function, layout.sizes());
        let width = buffer.dtype.bytes();
        let len = layout.len();
        // A result is its caller's, and not made of what is free.
        let own = !matches!(buffer.place, Place::Output);
        let spare = if own { self.spare.take(buffer.dtype, len) } else { None };
        if let Some((have, _)) = spare {
            (self.places[at], self.owned[at]) = (Some((id, layout)), have);
            return Ok(());
        }
        let bytes = len.checked_add(slack(width, len)).and_then(|n| n.checked_mul(width)).ok_or_else(too_large)?;
        // All of it at once must fit an address, results and temporaries.
        self.now = self.now.checked_add(bytes).filter(|&n| n <= isize::MAX as usize).ok_or_else(too_large)?;
        (self.places[at], self.owned[at]) = (Some((id, layout)), len);
        Ok(())
    }

    /// A buffer's memory goes with the last that lies in it.
    fn release(&mut self, id: BufferId) {
        let Some((root, _)) = self.places.get_mut(usize::from(id)).and_then(Option::take) else { return };
        if !self.places.iter().flatten().any(|(other, _)| *other == root) {
            let len = std::mem::take(&mut self.owned[usize::from(root)]);
            let dtype = self.plan.buffers[usize::from(root)].dtype;
            let bytes = (len + slack(dtype.bytes(), len)) * dtype.bytes();
            self.now -= self.spare.put(dtype, len, bytes).unwrap_or(0);
        }
    }
}
