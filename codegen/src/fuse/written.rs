//! Kernels over all axes of an array, or over all but a short last one.
//!
//! In: the nodes to be stored. Out: their kernel; a last axis of few elements, along which conditions hold here and there, as
//! where arrays are stacked, is written out in it: a store for each of its elements, and no condition. Always: the last
//! axis is a constant then, and its elements are stored in their order. Next: [`super::builder`].

use super::builder::{Blocked, Builder, Context, Draft, over};
use crate::dtype::DType;
use crate::graph::{NodeId, Op};
use crate::kernel::{Guard, InstOp, ValId};
use crate::ops::{Literal, MapOp};
use crate::passes::fold::folded;
use crate::shape::{Dim, Sym};

/// A last axis of up to so many elements may be written out.
const SHORT: i64 = 4;

/// Builds the kernel that stores all `roots`.
pub fn build(cx: &Context, roots: &[NodeId]) -> Result<Draft, Blocked> {
    let whole = over(cx, roots, None);
    let Some((last, short)) = short_axis(cx, roots) else { return whole };
    let var = var(last);
    // Conditions that are known for each element.
    let known = |g: &Guard| g.extent.as_const().is_some() && g.index.symbols() == [var.clone()];
    let wanted = match &whole {
        Ok(draft) => draft.red.is_empty() && draft.code.iter().any(|inst| inst.op.guards().any(known)),
        // Another root may go with the axes before.
        Err(_) => roots.len() > 1,
    };
    if wanted { over(cx, roots, Some(short)).or(whole) } else { whole }
}

/// The root of the highest rank spans the kernel's index space.
pub(super) fn space(cx: &Context, roots: &[NodeId]) -> NodeId {
    roots.iter().copied().max_by_key(|&r| (cx.graph.ty(r).rank(), std::cmp::Reverse(r))).expect("a root")
}

/// The last axis in memory and its extent, if that is a small constant and not all there is.
fn short_axis(cx: &Context, roots: &[NodeId]) -> Option<(usize, i64)> {
    let space = space(cx, roots);
    let shape = &cx.graph.ty(space).shape;
    let [.., _, last] = cx.long_axes(space)[..] else { return None };
    shape[last].as_const().filter(|&n| (2..=SHORT).contains(&n)).map(|n| (last, n))
}

/// The variable of an axis.
pub(super) fn var(axis: usize) -> Sym {
    Sym::from(format!("v{axis}"))
}

impl Context<'_> {
    /// The axes of a node that are not of the size 1, in their order in memory.
    pub(super) fn long_axes(&self, id: NodeId) -> Vec<usize> {
        let shape = &self.graph.ty(id).shape;
        self.orders[id.0 as usize].iter().copied().filter(|&k| !shape[k].is(1)).collect()
    }
}

impl Builder<'_> {
    /// Where a root is stored: at each element of the axis that is written out, if it has that.
    pub(super) fn indices_of(&self, root: NodeId) -> Option<Vec<Vec<Dim>>> {
        let shape = &self.cx.graph.ty(root).shape;
        let axes = self.cx.long_axes(root);
        match (self.short, &axes[..]) {
            (Some(n), [outer @ .., last]) if shape[*last].is(n) && self.index_of(root, outer).is_some() => {
                let mut index = self.index_of(root, outer)?;
                let at = |c: i64| {
                    index[*last] = Dim::from(c);
                    index.clone()
                };
                Some((0..n).map(at).collect())
            }
            (Some(_) | None, _) => Some(vec![self.index_of(root, &axes)?]),
        }
    }

    /// The index of a root with these axes: all variables, or the parallel ones. Where
    /// nothing is reduced yet, those of a sum of rows are the outer ones.
    fn index_of(&self, root: NodeId, axes: &[usize]) -> Option<Vec<Dim>> {
        let shape = &self.cx.graph.ty(root).shape;
        let red = self.red.clone().unwrap_or_default();
        let all: Vec<_> = self.vars.axes.iter().collect();
        let par: Vec<_> = self.vars.axes.iter().filter(|v| !red.contains(&v.0)).collect();
        let fits =
            |vars: &[&(Sym, Dim)]| vars.len() == axes.len() && vars.iter().zip(axes).all(|(v, &k)| v.1 == shape[k]);
        let last = |op: &Op| matches!(op, Op::Reduce { axes, .. } if axes.iter().all(|&k| k >= shape.len()));
        let rows = self.red.is_none() && last(&self.cx.graph.node(root).op);
        let outer = all.iter().copied().take(axes.len()).collect();
        let vars = [Some(all), Some(par), rows.then_some(outer)].into_iter().flatten().find(|vars| fits(vars))?;
        let mut index = vec![Dim::zero(); shape.len()];
        for (var, &k) in vars.iter().zip(axes) {
            index[k] = Dim::sym(var.0.clone());
        }
        Some(index)
    }

    /// The number that a value is everywhere.
    pub(super) fn literal(&self, value: ValId) -> Option<Literal> {
        match self.code[value.0 as usize].op {
            InstOp::Const(literal) => Some(literal),
            InstOp::Load { .. } | InstOp::Index(_) | InstOp::Inside(_) => None,
            InstOp::Map(..) | InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
        }
    }

    /// What an operation on such values is, as a comparison of places that are known.
    pub(super) fn number(&self, op: MapOp, args: &[ValId], dtype: DType) -> Option<Literal> {
        let floats = args.iter().any(|arg| self.code[arg.0 as usize].dtype.is_float());
        let literals: Option<Vec<Literal>> = args.iter().map(|&arg| self.literal(arg)).collect();
        folded(op, &literals?, floats, dtype)
    }
}
