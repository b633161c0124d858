//! The matrix product.
//!
//! In: two arrays. Out: a [`Dot`](crate::graph::Op::Dot) and views. Always:
//! NumPy's rules: a 1-D operand gets an axis that is dropped again, batch axes
//! broadcast; a batch axis that only one side has is one of that side's free
//! axes, so that nothing is stretched. Next: [`super::conv`].

use super::cx::Cx;
use super::table::Call;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::graph::NodeId;
use crate::ops::Rule;
use crate::shape::Dim;

pub(super) fn matmul(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    product(cx, &call.args[0], &call.args[1], "matmul", call.loc).map(Value::Array)
}

/// Which operand's axis a result axis comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Batch(usize),
    Left(usize),
    Right(usize),
    /// A batch axis of size 1 on both sides.
    One,
}

/// `a @ b`.
pub(super) fn product(cx: &mut Cx<'_>, a: &Arg, b: &Arg, what: &str, loc: Loc) -> Option<NodeId> {
    if a.value.is_error() || b.value.is_error() {
        return None;
    }
    for arg in [a, b] {
        if arg.value.weak().is_some() || matches!(arg.value, Value::Array(id) if cx.ty(id).rank() == 0) {
            let is = arg.value.describe(&cx.graph);
            return cx.reject(
                errors::MATMUL_SCALAR,
                loc,
                format!("`@` with {is}"),
                "multiply element by element with `*`",
            );
        }
        cx.array(arg, "`@`")?;
    }
    let pair = [a.clone(), b.clone()];
    let dtype = cx.common_dtype(what, &pair, loc)?;
    if !Rule::Number.accepts(dtype) {
        cx.rule_error("@", Rule::Number, dtype, &pair, loc);
        return None;
    }
    let (x, y) = (cx.coerce(a, dtype)?, cx.coerce(b, dtype)?);
    let (xs, ys) = (cx.shape(x), cx.shape(y));
    let (k_left, k_right) = (xs.len() - 1, ys.len().saturating_sub(2));
    if !cx.facts.equal(&xs[k_left], &ys[k_right]) {
        let diag = mismatch(cx, a, b, [x, y], [&xs[k_left], &ys[k_right]], loc);
        cx.error(diag);
        return None;
    }
    let mut same = ys.clone();
    same[k_right] = xs[k_left].clone();
    let y = cx.graph.reshape(y, &same);
    batched(cx, [a, b], x, y, loc)
}

fn mismatch(cx: &Cx<'_>, a: &Arg, b: &Arg, nodes: [NodeId; 2], dims: [&Dim; 2], loc: Loc) -> Diagnostic {
    let [p, q] = dims;
    let types = nodes.map(|n| cx.ty(n).to_string());
    let message = format!(
        "`{}` @ `{}`: the last axis of the left is {p}, the {} of the right is {q}",
        types[0],
        types[1],
        if cx.ty(nodes[1]).rank() == 1 { "only axis" } else { "last but one" }
    );
    let mut diag = Diagnostic::new(errors::MATMUL_SHAPE, loc, message);
    diag.notes.extend([a, b].iter().filter_map(|arg| arg.note(&cx.graph)));
    let (left, right) = (cx.ty(nodes[0]), cx.ty(nodes[1]));
    if right.rank() == 2 && cx.facts.equal(&right.shape[1], p) {
        return diag.help(format!("transpose the right one, `{}.T`", b.text("…")));
    }
    if left.rank() == 2 && cx.facts.equal(&left.shape[0], q) {
        return diag.help(format!("transpose the left one, `{}.T`", a.text("…")));
    }
    diag.help(cx.equate(p, q, "the two must be equal"))
}

fn batched(cx: &mut Cx<'_>, args: [&Arg; 2], x: NodeId, y: NodeId, loc: Loc) -> Option<NodeId> {
    let (xs, ys) = (cx.shape(x), cx.shape(y));
    let (x_batch, y_batch) = (xs.len().saturating_sub(2), ys.len().saturating_sub(2));
    let rank = x_batch.max(y_batch);
    // Axes of size 1 that stretch are taken out; the other side's stay free.
    let (mut x_drop, mut y_drop, mut order) = (Vec::new(), Vec::new(), Vec::new());
    let mut same = ys.clone();
    for k in 0..rank {
        let i = (k + x_batch).checked_sub(rank);
        let j = (k + y_batch).checked_sub(rank);
        order.push(match (i, j) {
            (Some(i), None) => From::Left(i),
            (None, Some(j)) => From::Right(j),
            (Some(i), Some(j)) if xs[i].is(1) && ys[j].is(1) => {
                x_drop.push(i);
                y_drop.push(j);
                From::One
            }
            (Some(i), Some(j)) if cx.facts.equal(&xs[i], &ys[j]) => {
                same[j] = xs[i].clone();
                From::Batch(i)
            }
            (Some(i), Some(j)) if xs[i].is(1) => {
                x_drop.push(i);
                From::Right(j)
            }
            (Some(i), Some(j)) if ys[j].is(1) => {
                y_drop.push(j);
                From::Left(i)
            }
            (Some(i), Some(j)) => {
                let dims = [xs[i].clone(), ys[j].clone()];
                let (p, q) = (&dims[0], &dims[1]);
                let message = format!("the batch axes of `{}` @ `{}` are {p} and {q}", cx.ty(x), cx.ty(y));
                unequal(cx, args, &dims, message, "batch axes are equal or 1", loc);
                return None;
            }
            (None, None) => From::One,
        });
    }
    let y = cx.graph.reshape(y, &same);
    let (x, x_at) = drop_axes(cx, x, &x_drop);
    let (y, y_at) = drop_axes(cx, y, &y_drop);
    // The batch axis of the right that goes with one of the left.
    let right_of = |i: usize| (i + y_batch).saturating_sub(x_batch);
    let batch: Vec<(usize, usize)> = order
        .iter()
        .filter_map(|f| if let From::Batch(i) = f { Some((x_at(*i), y_at(right_of(*i)))) } else { None })
        .collect();
    let contract = [(x_at(xs.len() - 1), y_at(ys.len().saturating_sub(2)))];
    let dot = cx.graph.dot(x, y, &batch, &contract);
    // Where the dot put each axis: batch, the rest of the left, of the right.
    let mut places: Vec<From> = order.iter().filter(|f| matches!(f, From::Batch(_))).copied().collect();
    let free = |n: usize, k: usize, drop: &[usize], side: fn(usize) -> From| {
        let batch = &places;
        let taken = |i: usize| match side(i) {
            From::Left(i) => batch.contains(&From::Batch(i)),
            From::Right(j) => batch.iter().any(|f| matches!(f, From::Batch(i) if right_of(*i) == j)),
            From::Batch(_) | From::One => false,
        };
        (0..n).filter(|&i| i != k && !drop.contains(&i) && !taken(i)).map(side).collect::<Vec<From>>()
    };
    let left = free(xs.len(), xs.len() - 1, &x_drop, From::Left);
    let right = free(ys.len(), ys.len().saturating_sub(2), &y_drop, From::Right);
    places.extend(left);
    places.extend(right);
    if xs.len() > 1 {
        order.push(From::Left(xs.len() - 2));
    }
    if ys.len() > 1 {
        order.push(From::Right(ys.len() - 1));
    }
    let perm: Vec<usize> = order.iter().filter_map(|f| places.iter().position(|p| p == f)).collect();
    let out = cx.graph.permute(dot, &perm);
    let ones: Vec<usize> = (0..order.len()).filter(|&k| order[k] == From::One).collect();
    Some(if ones.is_empty() { out } else { cx.graph.keepdims(out, &ones) })
}

/// Tells that two sizes differ, or are not known to be equal.
pub(super) fn unequal(cx: &mut Cx<'_>, args: [&Arg; 2], dims: &[Dim; 2], message: String, otherwise: &str, loc: Loc) {
    let [p, q] = dims;
    let code = if p.sub(q).as_const().is_some() { errors::BROADCAST } else { errors::UNPROVABLE };
    let mut diag = Diagnostic::new(code, loc, message);
    diag.notes.extend(args.iter().filter_map(|arg| arg.note(&cx.graph)));
    let help = cx.equate(p, q, otherwise);
    cx.error(diag.help(help));
}

/// The array without these axes of size 1, and where the others are then.
pub(super) fn drop_axes(cx: &mut Cx<'_>, x: NodeId, axes: &[usize]) -> (NodeId, impl Fn(usize) -> usize + use<>) {
    let shape = cx.shape(x);
    let kept: Vec<Dim> = (0..shape.len()).filter(|k| !axes.contains(k)).map(|k| shape[k].clone()).collect();
    let axes = axes.to_vec();
    (cx.graph.reshape(x, &kept), move |k| k - axes.iter().filter(|&&a| a < k).count())
}
