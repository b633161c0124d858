//! Reading and adding where integer arrays say.
//!
//! In: a call with an argument for each parameter, or an index with an integer
//! array. Out: gathers and scatters. Always: indices are `i64` in the graph; an
//! array of indices that has any element needs an axis that has one, and each
//! call checks that; the elements are checked when they are read.
//! Next: [`super::linalg`].

use super::cx::Cx;
use super::table::Call;
use super::value::{Arg, Value, Weak, axes};
use crate::diagnostic::Diagnostic;
use crate::dtype::DType;
use crate::errors;
use crate::graph::{NodeId, Op, Relation};
use crate::ops::{Literal, MapOp, Rule};
use crate::shape::Dim;

type Out = Option<Value>;

pub(super) fn take(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [x, indices, axis] = call.args.as_slice() else { return None };
    let mut node = cx.array(x, "`take`")?;
    let axis = match axis.value {
        Value::None => {
            let all = cx.ty(node).len();
            let all = cx.canonical(all);
            node = cx.graph.reshape(node, &[all]);
            0
        }
        _ => cx.axis(axis, cx.ty(node).rank())?,
    };
    let indices = cx.indices(indices, call.name)?;
    cx.check_rank(cx.ty(node).rank() + cx.ty(indices).rank() - 1, call.loc)?;
    cx.gather(node, indices, axis, x).map(Value::Array)
}

pub(super) fn take_along_axis(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [x_arg, arg, axis] = call.args.as_slice() else { return None };
    let x = cx.array(x_arg, "`take_along_axis`")?;
    let axis = cx.axis(axis, cx.ty(x).rank())?;
    let indices = cx.indices(arg, call.name)?;
    // With this axis last the others run together.
    let rank = cx.ty(x).rank();
    let to_last: Vec<usize> = (0..rank).filter(|&k| k != axis).chain([axis]).collect();
    same_rank(cx, arg, indices, rank)?;
    let (x, indices) = (cx.graph.permute(x, &to_last), cx.graph.permute(indices, &to_last));
    let mut shape = cx.shape(x);
    let count = cx.shape(indices)[rank - 1].clone();
    *shape.last_mut()? = count;
    let indices = same_shape(cx, arg, indices, &shape)?;
    cx.needs_elements(indices, &cx.shape(x)[rank - 1].clone(), x_arg)?;
    let taken = cx.graph.gather(x, indices, rank - 1, rank - 1);
    let back: Vec<usize> = (0..axis).chain([rank - 1]).chain(axis..rank - 1).collect();
    Some(Value::Array(cx.graph.permute(taken, &back)))
}

pub(super) fn index_add(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [x_arg, axis, index, source] = call.args.as_slice() else { return None };
    let x = cx.array(x_arg, &format!("`{}`", call.name))?;
    let axis = cx.axis(axis, cx.ty(x).rank())?;
    let indices = cx.indices(index, call.name)?;
    same_rank(cx, index, indices, 1)?;
    let dtype = summed(cx, call, x_arg, x)?;
    let mut shape = cx.shape(x);
    let n = std::mem::replace(&mut shape[axis], cx.shape(indices)[0].clone());
    let updates = cx.array(source, &format!("`{}`", call.name))?;
    if cx.dtype(updates) != dtype {
        let is = cx.dtype(updates);
        return cx.reject(
            errors::ARGUMENT_DTYPE,
            source.loc,
            format!("`{}` adds `{is}` to `{dtype}`", call.name),
            format!("cast it: `{}.astype({dtype})`", source.text("…")),
        );
    }
    same_rank(cx, source, updates, shape.len())?;
    let updates = same_shape(cx, source, updates, &shape)?;
    cx.needs_elements(indices, &n, x_arg)?;
    let shape = cx.shape(x);
    let added = cx.graph.scatter(updates, indices, axis, 0, &shape);
    Some(Value::Array(cx.graph.map(MapOp::named("add"), &[x, added])))
}

pub(super) fn segment_sum(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [data_arg, ids, count] = call.args.as_slice() else { return None };
    let data = cx.array(data_arg, "`segment_sum`")?;
    let indices = cx.indices(ids, call.name)?;
    let count = cx.extent(count, "num_segments")?;
    summed(cx, call, data_arg, data)?;
    let (shape, own) = (cx.shape(data), cx.ty(indices).rank());
    if own > shape.len() {
        let is = cx.ty(indices).to_string();
        let want = axes(shape.len());
        return cx.reject(
            errors::RANK,
            ids.loc,
            format!("`{}` names segments for at most {want}, not `{is}`", call.name),
            "give one segment an element of the first axes",
        );
    }
    let indices = same_shape(cx, ids, indices, &shape[..own])?;
    cx.needs_elements(indices, &count, ids)?;
    let shape = [&[count], &shape[own..]].concat();
    Some(Value::Array(cx.graph.scatter(data, indices, 0, 0, &shape)))
}

/// The dtype of what is summed.
fn summed(cx: &mut Cx<'_>, call: &Call<'_>, arg: &Arg, node: NodeId) -> Option<DType> {
    let dtype = cx.dtype(node);
    if dtype != DType::Bool {
        return Some(dtype);
    }
    cx.rule_error(call.name, Rule::Number, dtype, std::slice::from_ref(arg), arg.loc);
    None
}

fn same_rank(cx: &mut Cx<'_>, arg: &Arg, node: NodeId, rank: usize) -> Option<()> {
    if cx.ty(node).rank() == rank {
        return Some(());
    }
    let is = cx.ty(node).to_string();
    let what = arg.words("the argument");
    cx.reject(
        errors::RANK,
        arg.loc,
        format!("{what} is `{is}`, where an array of {} is wanted", axes(rank)),
        "add axes with `None` in an index, or drop them with `reshape`",
    )
}

/// The node under this shape, which has as many axes.
fn same_shape(cx: &mut Cx<'_>, arg: &Arg, node: NodeId, shape: &[Dim]) -> Option<NodeId> {
    let is = cx.shape(node);
    let Some(axis) = (0..shape.len()).find(|&k| !cx.facts.equal(&is[k], &shape[k])) else {
        return Some(cx.graph.reshape(node, shape));
    };
    let (found, wanted) = (is[axis].clone(), shape[axis].clone());
    let differ = found.sub(&wanted).as_const().is_some();
    let code = if differ { errors::ARGUMENT_SHAPE } else { errors::UNPROVABLE };
    let what = arg.words("the argument");
    let message = format!("axis {axis} of {what} is {found}, where {wanted} is wanted");
    let mut diag = Diagnostic::new(code, arg.loc, message);
    diag.notes.extend(arg.note(&cx.graph));
    let mend = cx.equate(&found, &wanted, "give arrays of fitting sizes");
    cx.error(diag.help(mend));
    None
}

impl Cx<'_> {
    /// Indices as an `i64` node.
    pub fn indices(&mut self, arg: &Arg, what: &str) -> Option<NodeId> {
        if arg.value.weak() == Some(Weak::Int) {
            return Some(self.weak_node(&arg.value, DType::I64));
        }
        let node = self.array(arg, &format!("`{what}`"))?;
        match self.dtype(node) {
            DType::Bool => self.mask(arg, "x"),
            // A great `u64` would become a negative index.
            dtype if dtype.is_int() && dtype != DType::U64 => Some(self.graph.cast(node, DType::I64)),
            dtype => self.reject(
                errors::INDEX_DTYPE,
                arg.loc,
                format!("an index of `{dtype}`"),
                format!("cast it: `{}.astype(i64)`", arg.text("…")),
            ),
        }
    }

    /// Tells that a mask is no index.
    pub fn mask<T>(&mut self, arg: &Arg, x: &str) -> Option<T> {
        let m = arg.text("mask");
        self.reject(
            errors::MASK_INDEX,
            arg.loc,
            "a boolean mask would make the shape depend on the data",
            format!("keep the shape and choose between elements: `where({m}, {x}, 0)`"),
        )
    }

    /// `x` at these indices of an axis.
    pub fn gather(&mut self, x: NodeId, indices: NodeId, axis: usize, arg: &Arg) -> Option<NodeId> {
        let n = self.shape(x)[axis].clone();
        self.needs_elements(indices, &n, arg)?;
        if let Op::Const(Literal::Int(i)) = self.graph.node(indices).op
            && let Some(n) = n.as_const()
            && !(-i128::from(n)..i128::from(n)).contains(&i)
        {
            return self.reject(
                errors::INDEX_RANGE,
                arg.loc,
                format!("index {i} at axis {axis}, whose size is {n}"),
                format!("give an index from {} to {}", -n, n - 1),
            );
        }
        Some(self.graph.gather(x, indices, axis, 0))
    }

    /// Where there is an index, the axis must have an element.
    pub fn needs_elements(&mut self, indices: NodeId, n: &Dim, arg: &Arg) -> Option<()> {
        let any = self.ty(indices).len().min_of(&Dim::one());
        let x = arg.words("an array");
        let why = format!("an index of an axis of {x} needs an element there");
        if self.ensure(any, Relation::Le, n.clone(), why).is_ok() {
            return Some(());
        }
        let message = format!("an index of an axis of {x}, whose size is {n}");
        let mut diag = Diagnostic::new(errors::INDEX_RANGE, arg.loc, message).help("the axis has no elements");
        diag.notes.extend(arg.note(&self.graph));
        self.error(diag);
        None
    }
}
