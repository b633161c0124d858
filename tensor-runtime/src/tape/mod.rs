//! The tape: what was called, so that gradients can go the way back.
//!
//! In: calls whose operands are tracked, views of tracked tensors. Out: a [`Value`] for each result, which knows the
//! node that made it; [`backward`](crate::Tensor::backward) walks from there to the leaves.
//! Always: a node owns what its gradient needs, and nobody can write to it: a tensor that shares its memory is copied
//! before it is written to. Nodes point to what they were made of and never the other way, so whatever nobody can
//! reach any more is gone. No walk over nodes recurs, not even dropping them. Next: [`walk`].
//!
//! A function whose plan has no gradient is recorded too: asked for a gradient it answers with an error, never with a
//! wrong one.

mod tensor;
mod views;
mod walk;

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::device::Device;
use crate::dtype::DType;
use crate::error::{Error, GradientFault, Result};
use crate::kept::Kept;
use crate::layout::Layout;
use crate::operand::RawView;
use crate::plan::{Plan, Vjp};
use crate::tensor::AnyTensor;

use views::View;
pub(crate) use walk::backward;

/// What the tape knows of a tensor: where its gradient goes.
pub(crate) struct Value {
    origin: Origin,
}

enum Origin {
    /// The user's own, with the gradient that has come so far.
    Leaf(Mutex<Option<AnyTensor>>),
    /// What a node answered: the cotangent's number among the node's.
    Made(Arc<Node>, usize),
    /// The gradient cannot pass here, and why: a function's name, or an operation's.
    Lost(&'static str, GradientFault),
}

/// A call, or a view.
struct Node {
    inner: Inner,
}

enum Inner {
    /// `saved` are the operands, each with its own [`Value`] if it is tracked; gone once a walk has used them.
    Call { plan: &'static Plan, vjp: &'static Vjp, saved: Mutex<Option<Vec<AnyTensor>>> },
    /// `base` is there until the node is dropped.
    View { view: Box<View>, base: Option<Arc<Value>> },
}

/// A tensor that can be kept beyond a call.
pub(crate) trait Owner: Send + Sync {
    /// The tensor, sharing its memory.
    fn keep(&self) -> AnyTensor;
    /// What is kept of the elements of its memory, of a type of which anything is.
    fn kept(&self) -> Option<&Kept>;
}

impl fmt::Debug for dyn Owner + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tensor")
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.origin {
            Origin::Leaf(_) => "leaf",
            Origin::Made(..) => "tracked",
            Origin::Lost(..) => "lost",
        })
    }
}

thread_local! {
    static RECORDING: Cell<bool> = const { Cell::new(true) };
}

/// Runs `f` without recording: results of tracked tensors are not tracked. Holds for this thread only.
///
/// ```
/// use ndfuse_runtime::{Tensor, no_grad};
/// let x = Tensor::from_vec((2,), vec![1.0f32, 2.0])?.requires_grad();
/// assert!(x.slice::<(usize,)>(0, Some(1), None, 1)?.is_tracked());
/// assert!(!no_grad(|| x.slice::<(usize,)>(0, Some(1), None, 1))?.is_tracked());
/// # Ok::<(), ndfuse_runtime::Error>(())
/// ```
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            RECORDING.set(self.0);
        }
    }
    let _restore = Restore(RECORDING.replace(false));
    f()
}

/// Whether a call with these operands is to be recorded.
#[inline]
pub(crate) fn records(operands: &[RawView<'_>]) -> bool {
    operands.iter().any(|operand| operand.track().is_some()) && RECORDING.get()
}

/// Records a call, and answers the mark of each result. Operands that are no tensors are copied.
#[cold]
pub(crate) fn record(plan: &'static Plan, operands: &[RawView<'_>]) -> Result<Vec<Option<Arc<Value>>>> {
    let float = |k: usize| {
        let buffer = plan.outputs.get(k).and_then(|&id| plan.buffers.get(usize::from(id)));
        buffer.is_some_and(|buffer| is_float(buffer.dtype))
    };
    let results = 0..plan.outputs.len();
    if !results.clone().any(float) {
        return Ok(vec![None; results.len()]);
    }
    let node = match plan.vjp {
        None => None,
        Some(vjp) => {
            let saved = operands.iter().map(RawView::keep).collect::<Result<_>>()?;
            Some((vjp, Arc::new(Node { inner: Inner::Call { plan, vjp, saved: Mutex::new(Some(saved)) } })))
        }
    };
    let mark = |k: usize| {
        let made = node.as_ref().and_then(|(vjp, node)| {
            let number = vjp.cotangents.iter().position(|&result| usize::from(result) == k)?;
            Some(Origin::Made(Arc::clone(node), number))
        });
        let lost = Origin::Lost(plan.function, GradientFault::NoGradient);
        float(k).then(|| Arc::new(Value { origin: made.unwrap_or(lost) }))
    };
    Ok(results.map(mark).collect())
}

/// The mark of a view of a tensor of these sizes; `view` makes its layout of that of any such tensor.
pub(crate) fn view(
    of: Option<&Arc<Value>>,
    operation: &'static str,
    sizes: &[usize],
    view: impl FnOnce(&Layout) -> Result<Layout>,
) -> Option<Arc<Value>> {
    let base = of.filter(|_| RECORDING.get())?;
    let origin = match Layout::contiguous(sizes).and_then(|rows| Ok((rows, view(&rows)?))) {
        Ok((rows, layout)) => {
            let (view, base) = (Box::new(View::new(operation, rows, layout, None)), Some(Arc::clone(base)));
            Origin::Made(Arc::new(Node { inner: Inner::View { view, base } }), 0)
        }
        // It was possible for the tensor itself, so this does not happen.
        Err(_) => Origin::Lost(operation, GradientFault::NoGradient),
    };
    Some(Arc::new(Value { origin }))
}

/// The mark of a tensor of these sizes that was brought to another device from this one.
pub(crate) fn moved(of: Option<&Arc<Value>>, sizes: &[usize], from: &Device) -> Option<Arc<Value>> {
    let base = of.filter(|_| RECORDING.get())?;
    let origin = match Layout::contiguous(sizes) {
        Ok(rows) => {
            let (view, base) =
                (Box::new(View::new("to_device", rows, rows, Some(from.clone()))), Some(Arc::clone(base)));
            Origin::Made(Arc::new(Node { inner: Inner::View { view, base } }), 0)
        }
        Err(_) => Origin::Lost("to_device", GradientFault::NoGradient),
    };
    Some(Arc::new(Value { origin }))
}

/// The tensor with this mark is written to: a result is that no more, a leaf is a variable and stays one.
#[inline]
pub(crate) fn written(track: &mut Option<Arc<Value>>) {
    if track.as_ref().is_some_and(|value| !value.is_leaf()) {
        *track = Some(Arc::new(Value { origin: Origin::Lost("write", GradientFault::Written) }));
    }
}

/// The types that have gradients.
pub(crate) fn is_float(dtype: DType) -> bool {
    dtype.is_float()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that runs under a lock can leave its contents half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Value {
    pub(crate) fn leaf() -> Arc<Value> {
        Arc::new(Value { origin: Origin::Leaf(Mutex::new(None)) })
    }

    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.origin, Origin::Leaf(_))
    }

    /// The gradient of a leaf, sharing its memory.
    pub(crate) fn gradient(&self) -> Option<AnyTensor> {
        match &self.origin {
            Origin::Leaf(gradient) => lock(gradient).clone(),
            Origin::Made(..) | Origin::Lost(..) => None,
        }
    }

    /// Forgets the gradient of a leaf.
    pub(crate) fn clear(&self) {
        if let Origin::Leaf(gradient) = &self.origin {
            *lock(gradient) = None;
        }
    }
}

impl Node {
    /// What the node was made of and goes on from; an error where the gradient cannot pass.
    fn links(&self) -> Result<Vec<Arc<Value>>> {
        let (plan, vjp, saved) = match &self.inner {
            Inner::View { base, .. } => return Ok(base.iter().cloned().collect()),
            Inner::Call { plan, vjp, saved } => (plan, vjp, lock(saved)),
        };
        let saved = saved.as_ref().ok_or_else(|| Error::gradient(plan.function, GradientFault::Freed))?;
        let mut links = Vec::new();
        for (k, operand) in saved.iter().enumerate() {
            let Some(value) = operand.track() else { continue };
            if !vjp.wrt.iter().any(|&operand| usize::from(operand) == k) {
                let name = plan.params.get(k).map_or("", |param| param.name);
                return Err(Error::gradient(plan.function, GradientFault::Operand(name)));
            }
            links.push(Arc::clone(value));
        }
        Ok(links)
    }

    /// Takes the links out, so that dropping the node does not drop what it was made of.
    fn unlink(&mut self, links: &mut Vec<Arc<Value>>) {
        match &mut self.inner {
            Inner::View { base, .. } => links.extend(base.take()),
            Inner::Call { saved, .. } => {
                let saved = saved.get_mut().unwrap_or_else(PoisonError::into_inner).take();
                links.extend(saved.into_iter().flatten().filter_map(|mut operand| operand.set_track(None)));
            }
        }
    }
}

/// A long chain of calls is dropped link by link: dropped one within the other they would need as much stack.
impl Drop for Node {
    fn drop(&mut self) {
        let mut links = Vec::new();
        self.unlink(&mut links);
        while let Some(value) = links.pop() {
            if let Some(Value { origin: Origin::Made(node, _) }) = Arc::into_inner(value)
                && let Some(mut node) = Arc::into_inner(node)
            {
                node.unlink(&mut links);
            }
        }
    }
}
