//! The way back: from a result to the leaves.
//!
//! In: a value and its cotangent. Out: each leaf's gradient is added to what it has. Always: nodes are visited each
//! once, after all that was made of them, in an order that the graph alone decides, so the sums have the same bits
//! each time; whether the gradient can pass everywhere is known before anything is computed; the leaves are changed
//! after everything is. Next: [`super::views`], [`crate::exec::run_wanted`].
//!
//! A call's gradient is its `vjp` plan, run on the saved operands and the cotangents of its results: it computes anew
//! what it needs of the call's own values, but no results of the call that nobody needs for that, and no gradient of an
//! operand that is not tracked.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Inner, Node, Origin, Value, lock};
use crate::error::{Error, GradientFault, Result};
use crate::exec;
use crate::operand::RawView;
use crate::plan::{Plan, Vjp};
use crate::tensor::AnyTensor;

/// Adds the product of `cotangent` and the derivatives of `value` to the gradients of the leaves. With `retain` the
/// nodes keep what they have saved.
pub(crate) fn backward(value: &Arc<Value>, cotangent: AnyTensor, retain: bool) -> Result<()> {
    let order = order(value)?;
    let mut walk = Walk {
        places: order.iter().enumerate().map(|(k, node)| (Arc::as_ptr(node), k)).collect(),
        cotangents: std::iter::repeat_with(Vec::new).take(order.len()).collect(),
        leaves: Vec::new(),
        leaf_places: HashMap::new(),
    };
    walk.send(value, cotangent)?;
    for (k, node) in order.iter().enumerate() {
        let cotangents = std::mem::take(&mut walk.cotangents[k]);
        match &node.inner {
            Inner::View { view, base } => {
                if let (Some(Some(cotangent)), Some(base)) = (cotangents.into_iter().next(), base) {
                    walk.send(base, view.back(&cotangent)?)?;
                }
            }
            Inner::Call { plan, vjp, saved } => {
                let saved = if retain { lock(saved).clone() } else { lock(saved).take() };
                // Another thread may have walked here meanwhile.
                let saved = saved.ok_or_else(|| Error::gradient(plan.function, GradientFault::Freed))?;
                call(plan, vjp, saved, cotangents, &mut walk)?;
            }
        }
    }
    walk.leaves.into_iter().try_for_each(|(leaf, gradient)| match &leaf.origin {
        Origin::Leaf(sum) => add(&mut lock(sum), gradient),
        Origin::Made(..) | Origin::Lost(..) => Ok(()),
    })
}

/// All nodes that `value` was made of, each after those that were made of it.
fn order(value: &Arc<Value>) -> Result<Vec<Arc<Node>>> {
    let mut seen = std::collections::HashSet::new();
    let mut open: Vec<(Arc<Node>, Vec<Arc<Value>>)> = Vec::new();
    let mut done = Vec::new();
    let mut enter = |value: &Value| match &value.origin {
        Origin::Leaf(_) => Ok(None),
        Origin::Lost(function, fault) => Err(Error::gradient(function, *fault)),
        Origin::Made(node, _) if seen.insert(Arc::as_ptr(node)) => Ok(Some((Arc::clone(node), node.links()?))),
        Origin::Made(..) => Ok(None),
    };
    open.extend(enter(value)?);
    while let Some((_, links)) = open.last_mut() {
        match links.pop() {
            Some(link) => open.extend(enter(&link)?),
            None => done.extend(open.pop().map(|(node, _)| node)),
        }
    }
    done.reverse();
    Ok(done)
}

struct Walk {
    /// Where in the order a node is.
    places: HashMap<*const Node, usize>,
    /// For each node the cotangents that have come so far.
    cotangents: Vec<Vec<Option<AnyTensor>>>,
    /// In the order in which they were reached.
    leaves: Vec<(Arc<Value>, Option<AnyTensor>)>,
    leaf_places: HashMap<*const Value, usize>,
}

impl Walk {
    fn send(&mut self, value: &Arc<Value>, gradient: AnyTensor) -> Result<()> {
        match &value.origin {
            Origin::Leaf(_) => {
                let next = self.leaves.len();
                let place = *self.leaf_places.entry(Arc::as_ptr(value)).or_insert(next);
                if place == next {
                    self.leaves.push((Arc::clone(value), None));
                }
                add(&mut self.leaves[place].1, Some(gradient))
            }
            Origin::Made(node, number) => {
                // Every node that can be reached has a place.
                let Some(&place) = self.places.get(&Arc::as_ptr(node)) else { return Ok(()) };
                let cotangents = &mut self.cotangents[place];
                if cotangents.len() <= *number {
                    cotangents.resize_with(number + 1, || None);
                }
                add(&mut cotangents[*number], Some(gradient))
            }
            Origin::Lost(function, fault) => Err(Error::gradient(function, *fault)),
        }
    }
}

fn add(sum: &mut Option<AnyTensor>, more: Option<AnyTensor>) -> Result<()> {
    match (sum.as_mut(), more) {
        (Some(sum), Some(more)) => sum.accumulate(&more)?,
        (None, more) => *sum = more,
        (Some(_), None) => {}
    }
    Ok(())
}

/// Sends the gradient of each tracked operand of a call on its way.
fn call(
    plan: &'static Plan,
    vjp: &'static Vjp,
    saved: Vec<AnyTensor>,
    mut cotangents: Vec<Option<AnyTensor>>,
    walk: &mut Walk,
) -> Result<()> {
    cotangents.resize_with(vjp.cotangents.len(), || None);
    if cotangents.iter().any(Option::is_none) {
        zeros(plan, vjp, &saved, &mut cotangents)?;
    }
    let results = plan.outputs.len();
    let operand = |k: u16| saved.get(usize::from(k));
    let tracked = |k: &u16| operand(*k).is_some_and(|operand| operand.track().is_some());
    let wanted: Vec<bool> = std::iter::repeat_n(false, results).chain(vjp.wrt.iter().map(tracked)).collect();
    let operands = saved.iter().chain(cotangents.iter().flatten()).map(AnyTensor::raw).collect::<Result<Vec<_>>>()?;
    let gradients = exec::run_wanted(vjp.plan, &operands, &wanted)?;
    drop(operands);
    drop(cotangents);
    for (&k, gradient) in vjp.wrt.iter().zip(gradients.into_iter().skip(results)) {
        let Some((operand, gradient)) = operand(k).zip(gradient) else { continue };
        if gradient.sizes() != operand.sizes() || gradient.dtype() != operand.dtype() {
            let reason = format!("the gradient of operand {k} is {}{:?}", gradient.dtype(), gradient.sizes());
            return Err(Error::Internal { function: plan.function, reason: reason.into() });
        }
        if let Some(value) = operand.track() {
            walk.send(value, gradient)?;
        }
    }
    Ok(())
}

/// The cotangents of results that nothing was made of: one 0, repeated.
fn zeros(
    plan: &'static Plan,
    vjp: &'static Vjp,
    saved: &[AnyTensor],
    cotangents: &mut [Option<AnyTensor>],
) -> Result<()> {
    let operands = saved.iter().map(AnyTensor::raw).collect::<Result<Vec<_>>>()?;
    let shapes = exec::shapes(plan, &operands)?;
    let device = operands.iter().map(RawView::device).find(|device| !device.is_cpu()).unwrap_or_default();
    for (cotangent, &result) in cotangents.iter_mut().zip(vjp.cotangents).filter(|(cotangent, _)| cotangent.is_none()) {
        if let Some((dtype, layout)) = shapes.get(usize::from(result)) {
            *cotangent = Some(AnyTensor::repeated_zero(*dtype, layout.sizes())?.to_device(&device)?);
        }
    }
    Ok(())
}
