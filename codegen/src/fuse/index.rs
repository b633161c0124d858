//! Views as rewritings of an index.
//!
//! In: a view node and the index at which its result is read. Out: the operand
//! and the index at which that is read, and the guards under which it may be.
//! Always: the indices are polynomials over loop variables and sizes.
//! Next: [`super::builder`].

use crate::graph::{Graph, NodeId, Op};
use crate::kernel::Guard;
use crate::shape::{Dim, Ranges, Sym};

/// What the indices of a kernel under construction vary with, each with its
/// extent: loop variables and picked indices.
#[derive(Clone, Default, Debug)]
pub struct Vars {
    pub axes: Vec<(Sym, Dim)>,
    pub picks: Vec<(Sym, Dim)>,
}

impl Ranges for Vars {
    fn extent(&self, name: &str) -> Option<&Dim> {
        self.axes.iter().chain(&self.picks).find(|(var, _)| &**var == name).map(|(_, extent)| extent)
    }
}

impl Vars {
    /// Loop variables alone.
    pub fn new(axes: Vec<(Sym, Dim)>) -> Vars {
        Vars { axes, picks: Vec::new() }
    }

    pub fn is_axis(&self, name: &str) -> bool {
        self.axes.iter().any(|(var, _)| &**var == name)
    }

    /// Whether no variable stands under a division, `max` or `min`.
    pub fn affine(&self, dim: &Dim) -> bool {
        self.axes.iter().chain(&self.picks).all(|(var, _)| dim.affine_in(var).is_some())
    }

    /// The loop variables that the dims mention, in the order of the loops.
    pub fn of<'a>(&self, dims: impl IntoIterator<Item = &'a Dim>) -> Vec<Sym> {
        let mentioned: Vec<Sym> = dims.into_iter().flat_map(Dim::symbols).collect();
        self.axes.iter().map(|(var, _)| var.clone()).filter(|var| mentioned.contains(var)).collect()
    }
}

/// What a node reads at an index.
pub enum Through {
    /// A view reads `arg` at `index`; outside of `guards` it is `fill`.
    At { arg: NodeId, index: Vec<Dim>, guards: Vec<Guard>, fill: Option<NodeId> },
    /// A reshape whose index would need divisions.
    Opaque { arg: NodeId },
    /// Not a view.
    Value,
}

/// Follows one view node.
pub fn through(graph: &Graph, id: NodeId, index: &[Dim], vars: &Vars) -> Through {
    let node = graph.node(id);
    let at = |index: Vec<Dim>| Through::At { arg: node.args[0], index, guards: Vec::new(), fill: None };
    match &node.op {
        Op::Broadcast(axes) => {
            let shape = &graph.ty(node.args[0]).shape;
            let of = |(dim, &axis): (&Dim, &usize)| if dim.is(1) { Dim::zero() } else { index[axis].clone() };
            at(shape.iter().zip(axes).map(of).collect())
        }
        Op::Permute(perm) => {
            let mut out = vec![Dim::zero(); perm.len()];
            for (k, &axis) in perm.iter().enumerate() {
                out[axis] = index[k].clone();
            }
            at(out)
        }
        Op::Mark(..) => at(index.to_vec()),
        Op::Slice { start, step } => {
            let of = |k: usize| start[k].add(&index[k].scale(step[k]));
            at((0..index.len()).map(of).collect())
        }
        Op::Window { axis, stride, dilation } => {
            let (last, rest) = index.split_last().expect("a window adds an axis");
            let mut out = rest.to_vec();
            out[*axis] = out[*axis].scale(*stride).add(&last.scale(*dilation));
            at(out)
        }
        Op::Pad { before } => {
            let shape = &graph.ty(node.args[0]).shape;
            let inner: Vec<Dim> = index.iter().zip(before).map(|(i, b)| i.sub(b)).collect();
            let guards = inner
                .iter()
                .zip(shape)
                .filter(|(i, extent)| !i.within(extent, vars))
                .map(|(i, extent)| Guard { index: i.clone(), extent: extent.clone() })
                .collect();
            Through::At { arg: node.args[0], index: inner, guards, fill: Some(node.args[1]) }
        }
        Op::Reshape => {
            let from = &graph.ty(node.args[0]).shape;
            match reshaped(from, &node.ty.shape, index, vars) {
                Some(index) => at(index),
                None => Through::Opaque { arg: node.args[0] },
            }
        }
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Map(_) | Op::Cast => Through::Value,
        Op::Reduce { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => Through::Value,
    }
}

/// The index into the shape `from` of the element that stands at `index` in the
/// shape `to`; `None` if that is not affine in the loop variables.
fn reshaped(from: &[Dim], to: &[Dim], index: &[Dim], vars: &Vars) -> Option<Vec<Dim>> {
    let mut out = vec![Dim::zero(); from.len()];
    let sources: Vec<usize> = (0..from.len()).filter(|&k| !from[k].is(1)).collect();
    let targets: Vec<usize> = (0..to.len()).filter(|&k| !to[k].is(1)).collect();
    let (mut s, mut t) = (0, 0);
    while s < sources.len() || t < targets.len() {
        let (s_end, t_end) = group(from, &sources[s..], to, &targets[t..]);
        let (source, target) = (&sources[s..s + s_end], &targets[t..t + t_end]);
        let mut flat = Dim::zero();
        for &k in target {
            flat = flat.mul(&to[k]).add(&index[k]);
        }
        for (n, &k) in source.iter().enumerate().rev() {
            out[k] = if n == 0 { flat.clone() } else { flat.rem(&from[k], vars) };
            flat = flat.div(&from[k], vars);
        }
        (s, t) = (s + s_end, t + t_end);
    }
    out.iter().all(|dim| vars.affine(dim)).then_some(out)
}

/// How many axes of each side make the first group of equal size.
fn group(from: &[Dim], sources: &[usize], to: &[Dim], targets: &[usize]) -> (usize, usize) {
    let (mut s, mut t) = (1, 1);
    while s <= sources.len() && t <= targets.len() {
        let a = Dim::product(sources[..s].iter().map(|&k| &from[k]));
        let b = Dim::product(targets[..t].iter().map(|&k| &to[k]));
        if a == b {
            return (s, t);
        }
        if a.exact_div(&b).is_some() {
            t += 1;
        } else if b.exact_div(&a).is_some() {
            s += 1;
        } else {
            s += 1;
            t += 1;
        }
    }
    (sources.len(), targets.len())
}
