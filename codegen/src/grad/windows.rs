//! The gradient of what a product reads through windows that overlap.
//!
//! In: a product one of whose operands is windows of an array, summed over, as in a convolution, and what comes in for its
//! result. Out: the array and its gradient, which is such a product too: of windows of what comes in and the other operand
//! backwards. Always: the places of the array by what remains of them by the windows' stride are a product each, of the windows'
//! places that they are at; so nothing is multiplied by zeros between, and no array of all windows is added up.
//! Next: [`super::reverse`].

use super::reverse::interleaved;
use crate::graph::{Graph, NodeId, Op};
use crate::ops::Literal;
use crate::shape::{Dim, SizesOnly};
use std::collections::BTreeMap;

/// The most products that a gradient is made of.
const MOST: i64 = 16;
/// Sums of so few elements of the array, as of an image's channels, make few windows to be added up.
const FEW: i64 = 8;

/// A product as its first operand sees it: pairs of an axis of its own and one of the other operand.
pub(super) struct Product<'a> {
    pub of: NodeId,
    pub other: NodeId,
    pub batch: &'a [(usize, usize)],
    pub contract: &'a [(usize, usize)],
}

/// Windows along an axis of an array.
struct Along {
    /// The axis of the array, which for the operand is that of the windows' places.
    axis: usize,
    /// The axis of the other operand for the places in a window.
    taps: usize,
    /// The size of the array, and what it is padded with before.
    size: Dim,
    before: i64,
    count: i64,
    stride: i64,
    dilation: i64,
}

/// The places of a window that those of the array are at which are `remainder` by the stride.
struct Phase {
    /// The greatest, how far each is from the next, and how many there are.
    last: i64,
    step: i64,
    count: i64,
    /// Before the first place that is added to, so many windows would begin.
    before: i64,
}

/// The array behind the windows, and its gradient; `g` has the axes of the batch, then those of the operand, then the other's.
pub(super) fn behind(graph: &mut Graph, product: &Product<'_>, g: NodeId) -> Option<(NodeId, NodeId)> {
    let (array, windows) = windows(graph, product)?;
    // Windows that do not overlap lie side by side.
    let apart = |along: &Along| along.stride > 1 && along.stride >= along.count;
    let few = windows.iter().all(|along| along.stride == 1) && is_of_few(graph, product, &windows);
    if few || windows.iter().any(apart) {
        return None;
    }
    let phases: Vec<Vec<Phase>> = windows.iter().map(phases).collect::<Option<_>>()?;
    let products = windows.iter().map(|along| along.stride).try_fold(1i64, |n, s| n.checked_mul(s))?;
    if products > MOST {
        return None;
    }
    let mut made = Made { graph, product, g, windows: &windows, phases: &phases };
    let mut gradient = made.over(&mut Vec::new())?;
    let rank = graph.ty(array).rank();
    let mut shape = graph.ty(array).shape.clone();
    for along in windows.iter().filter(|along| along.stride > 1) {
        shape[along.axis] = places(along).scale(along.stride);
    }
    gradient = graph.reshape(gradient, &shape);
    let whole = graph.ty(array).shape.clone();
    Some((array, graph.slice(gradient, &vec![Dim::zero(); rank], &vec![1; rank], &whole)))
}

/// Whether what is summed over besides the windows' places is known to be little.
fn is_of_few(graph: &Graph, product: &Product<'_>, windows: &[Along]) -> bool {
    let besides = product.contract.iter().filter(|pair| windows.iter().all(|along| along.taps != pair.1));
    let sizes = besides.map(|pair| graph.ty(product.of).shape[pair.0].as_const());
    sizes.product::<Option<i64>>().is_some_and(|size| size < FEW)
}

/// The windows that the operand is, by their axes, if each is summed over.
fn windows(graph: &Graph, product: &Product<'_>) -> Option<(NodeId, Vec<Along>)> {
    let mut array = product.of;
    let mut windows = Vec::new();
    while let Op::Window { axis, stride, dilation } = graph.node(array).op {
        let shape = &graph.ty(array).shape;
        let own = shape.len() - 1;
        let taps = product.contract.iter().find(|pair| pair.0 == own)?.1;
        let summed = product.contract.iter().chain(product.batch).any(|pair| pair.0 == axis);
        let again = windows.iter().any(|along: &Along| along.axis == axis);
        if summed || again || axis >= own {
            return None;
        }
        let count = shape[own].as_const()?;
        windows.push(Along { axis, taps, size: Dim::zero(), before: 0, count, stride, dilation });
        array = graph.node(array).args[0];
    }
    let rank = graph.ty(array).rank();
    if windows.is_empty() || windows.iter().any(|along| along.axis >= rank) {
        return None;
    }
    if let (Op::Pad { before }, [inner, fill]) = (&graph.node(array).op, &graph.node(array).args[..])
        && matches!(graph.node(*fill).op, Op::Const(_))
    {
        let (outer, shape) = (&graph.ty(array).shape, &graph.ty(*inner).shape);
        let known = |k: usize| windows.iter().any(|along| along.axis == k) || outer[k] == shape[k];
        if (0..rank).all(known) {
            for along in &mut windows {
                along.before = before[along.axis].as_const()?;
            }
            array = *inner;
        }
    }
    for along in &mut windows {
        along.size = graph.ty(array).shape[along.axis].clone();
    }
    windows.sort_by_key(|along| along.axis);
    Some((array, windows))
}

/// How many places of the array have one remainder by the stride, at most.
fn places(along: &Along) -> Dim {
    along.size.add(&Dim::from(along.stride - 1)).div(&Dim::from(along.stride), &SizesOnly)
}

/// For each remainder by the stride what is added there: place `k` of window `i` is at `stride * i + dilation * k - before`.
fn phases(along: &Along) -> Option<Vec<Phase>> {
    let Along { before, count, stride, dilation, .. } = *along;
    if stride > 1 && dilation > 1 {
        return None;
    }
    let phase = |remainder: i64| {
        let is_at = |k: &i64| (dilation * k - before - remainder).rem_euclid(stride) == 0;
        let last = (0..count).rev().find(is_at)?;
        let far = dilation * last - before - remainder;
        let phase = Phase { last, step: stride, count: (last + stride) / stride, before: far.div_euclid(stride) };
        (phase.before >= 0).then_some(phase)
    };
    (0..stride).map(phase).collect()
}

struct Made<'a> {
    graph: &'a mut Graph,
    product: &'a Product<'a>,
    g: NodeId,
    windows: &'a [Along],
    phases: &'a [Vec<Phase>],
}

impl Made<'_> {
    /// The gradient where the first windows' phases are these; an axis of a stride is followed by one for the remainders.
    fn over(&mut self, chosen: &mut Vec<usize>) -> Option<NodeId> {
        let Some(along) = self.windows.get(chosen.len()) else { return Some(self.one(chosen)) };
        let mut parts = BTreeMap::new();
        for phase in 0..along.stride {
            chosen.push(phase as usize);
            parts.insert(phase, self.over(chosen)?);
            chosen.pop();
        }
        match along.stride {
            1 => parts.remove(&0),
            stride => interleaved(self.graph, &parts, along.axis, stride),
        }
    }

    /// One product, with the axes of the array.
    fn one(&mut self, chosen: &[usize]) -> NodeId {
        let Product { of, other, batch, contract } = *self.product;
        let graph = &mut *self.graph;
        let of_other = |k: usize| batch.iter().chain(contract).any(|pair| pair.1 == k);
        let own: Vec<usize> =
            (0..graph.ty(of).rank()).filter(|k| !batch.iter().chain(contract).any(|pair| pair.0 == *k)).collect();
        let free: Vec<usize> = (0..graph.ty(other).rank()).filter(|&k| !of_other(k)).collect();
        let (mut g, mut backwards) = (self.g, other);
        let zero = graph.konst(Literal::Int(0), graph.ty(g).dtype);
        let first = batch.len() + own.len();
        let mut pairs: Vec<(usize, usize)> = free.iter().enumerate().map(|(k, &axis)| (first + k, axis)).collect();
        let place = |axis: usize| own.iter().position(|&k| k == axis).expect("places are not summed over");
        let along = self.windows.iter().zip(chosen.iter().zip(self.phases));
        let along: Vec<(usize, &Along, &Phase)> =
            along.map(|(along, (&k, of))| (batch.len() + place(along.axis), along, &of[k])).collect();
        let rank = graph.ty(g).rank();
        let (mut before, mut after) = (vec![Dim::zero(); rank], vec![Dim::zero(); rank]);
        let mut lens = graph.ty(backwards).shape.clone();
        let (mut start, mut step) = (vec![Dim::zero(); lens.len()], vec![1; lens.len()]);
        for &(axis, along, phase) in &along {
            before[axis] = Dim::from(phase.before);
            let reach = places(along).add(&Dim::from(along.dilation * (phase.count - 1)));
            let missing = reach.sub(&before[axis]).sub(&graph.ty(g).shape[axis]);
            // As long as it must be at least.
            after[axis] = missing.as_const().map_or(reach, |n| Dim::from(n.max(0)));
            (start[along.taps], step[along.taps]) = (Dim::from(phase.last), -phase.step);
            lens[along.taps] = Dim::from(phase.count);
        }
        g = graph.pad(g, &before, &after, zero);
        backwards = graph.slice(backwards, &start, &step, &lens);
        for &(axis, along, phase) in &along {
            if phase.count > 1 {
                pairs.push((graph.ty(g).rank(), along.taps));
                g = graph.window(g, axis, places(along), Dim::from(phase.count), 1, along.dilation);
            } else {
                // One place is no sum.
                let mut lens = graph.ty(g).shape.clone();
                lens[axis] = places(along);
                g = graph.slice(g, &vec![Dim::zero(); lens.len()], &vec![1; lens.len()], &lens);
            }
        }
        let mut single: Vec<usize> = along.iter().filter(|a| a.2.count == 1).map(|a| a.1.taps).collect();
        single.sort_unstable();
        for &axis in single.iter().rev() {
            backwards = graph.squeeze(backwards, axis);
        }
        let left = |axis: usize| axis - single.iter().filter(|&&k| k < axis).count();
        pairs.iter_mut().for_each(|pair| pair.1 = left(pair.1));
        let together: Vec<(usize, usize)> = batch.iter().enumerate().map(|(k, pair)| (k, left(pair.1))).collect();
        let made = graph.dot(g, backwards, &together, &pairs);
        // Now: the batch, what is free in the operand, and what was summed over, in the order of the other operand.
        let mut summed: Vec<(usize, usize)> =
            contract.iter().copied().filter(|pair| self.windows.iter().all(|along| along.taps != pair.1)).collect();
        summed.sort_unstable_by_key(|pair| pair.1);
        let axes: Vec<usize> =
            batch.iter().map(|pair| pair.0).chain(own).chain(summed.iter().map(|pair| pair.0)).collect();
        let place = |k: usize| axes.iter().position(|&axis| axis == k).expect("each axis of the array once");
        let perm: Vec<usize> = (0..axes.len()).map(place).collect();
        graph.permute(made, &perm)
    }
}
