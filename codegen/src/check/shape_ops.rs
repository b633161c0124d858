//! Shape operations: reshape, axes, joining and repeating.
//!
//! In: a call with an argument for each parameter. Out: views, and for joins a
//! choice between padded operands by index. Always: NumPy's rules for axes; no
//! operation here computes with the elements. Next: [`super::create`].

use super::cx::Cx;
use super::index::Cut;
use super::table::Call;
use super::value::{Arg, Value, axes};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::graph::{NodeId, Relation};
use crate::ops::{Literal, MapOp};
use crate::shape::{Dim, SizesOnly};

type Out = Option<Value>;

fn array(node: NodeId) -> Out {
    Some(Value::Array(node))
}

pub(super) fn reshape(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`reshape`")?;
    let arg = &call.args[1];
    let items = cx.items(arg);
    cx.check_rank(items.len(), arg.loc)?;
    let total = cx.ty(x).len();
    let mut sizes: Vec<Option<Dim>> = Vec::new();
    for item in &items {
        let dim = cx.size(item, "shape")?;
        match dim.as_const() {
            Some(-1) if sizes.contains(&None) => {
                return cx.bad_value(item, "two sizes of -1", "one size at most follows from the others");
            }
            Some(-1) => sizes.push(None),
            Some(c) if c < 0 => {
                return cx.reject(
                    errors::NEGATIVE_DIM,
                    item.loc,
                    format!("a size of {c}"),
                    "a size is zero or more, or one -1",
                );
            }
            _ => sizes.push(Some(dim)),
        }
    }
    let known = Dim::product(sizes.iter().flatten());
    let mut free = None;
    if sizes.contains(&None) {
        match cx.facts.divide(&total, &known) {
            Some(q) => free = Some(cx.canonical(q)),
            None => {
                let is = cx.ty(call.args[0].node()?).to_string();
                let constant = total.as_const().is_some() && known.as_const().is_some();
                let (code, help) = if known.is(0) {
                    (errors::RESHAPE, "a size of zero leaves the -1 open".to_string())
                } else if constant {
                    (errors::RESHAPE, format!("{total} elements are not divisible by {known}"))
                } else {
                    (errors::DIVISIBILITY, format!("state that `{total}` is divisible by `{known}` with a `where`"))
                };
                return cx.reject(code, call.loc, format!("the -1 in the reshape of `{is}` has no size"), help);
            }
        }
    }
    let shape: Vec<Dim> = sizes.into_iter().map(|d| d.or(free.clone()).unwrap_or_else(Dim::one)).collect();
    let new = Dim::product(&shape);
    if !cx.facts.equal(&total, &new) {
        let is = cx.ty(x).to_string();
        let list: Vec<String> = shape.iter().map(Dim::to_string).collect();
        let message = format!("cannot reshape `{is}` to `({})`: {total} elements are not {new}", list.join(", "));
        let mut diag = Diagnostic::new(errors::RESHAPE, call.loc, message);
        diag.notes.extend(call.args[0].note(&cx.graph));
        let mend = cx.equate(&total, &new, "let one size follow from the others, `-1`");
        cx.error(diag.help(mend));
        return None;
    }
    array(cx.graph.reshape(x, &shape))
}

pub(super) fn ravel(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], &format!("`{}`", call.name))?;
    array(flat(cx, x))
}

fn flat(cx: &mut Cx<'_>, x: NodeId) -> NodeId {
    let total = cx.ty(x).len();
    let total = cx.canonical(total);
    cx.graph.reshape(x, &[total])
}

pub(super) fn transpose(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], &format!("`{}`", call.name))?;
    let rank = cx.ty(x).rank();
    let empty = match &call.args[1].value {
        Value::Tuple(items) => items.is_empty(),
        Value::None => true,
        _ => false,
    };
    let perm = if empty { (0..rank).rev().collect() } else { cx.axis_list(&call.args[1], rank)? };
    if perm.len() != rank {
        let help = match rank {
            2 => "for two axes `.T` is enough".to_string(),
            _ => format!("name each of 0 to {} once", rank.saturating_sub(1)),
        };
        return cx.reject(
            errors::AXIS_COUNT,
            call.args[1].loc,
            format!("{} for an array of {rank}", axes(perm.len())),
            help,
        );
    }
    array(cx.graph.permute(x, &perm))
}

pub(super) fn swapaxes(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`swapaxes`")?;
    let rank = cx.ty(x).rank();
    let (a, b) = (cx.axis(&call.args[1], rank)?, cx.axis(&call.args[2], rank)?);
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(a, b);
    array(cx.graph.permute(x, &perm))
}

pub(super) fn moveaxis(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`moveaxis`")?;
    let rank = cx.ty(x).rank();
    let (from, to) = (cx.axis_list(&call.args[1], rank)?, cx.axis_list(&call.args[2], rank)?);
    if from.len() != to.len() {
        let message = format!("{} to {} places", axes(from.len()), to.len());
        return cx.reject(errors::AXIS_COUNT, call.args[2].loc, message, "give a place for each axis");
    }
    let mut rest = (0..rank).filter(|k| !from.contains(k));
    let place = |k: usize| to.iter().position(|&t| t == k).map(|i| from[i]);
    let perm: Vec<usize> = (0..rank).map(|k| place(k).or_else(|| rest.next()).unwrap_or(k)).collect();
    array(cx.graph.permute(x, &perm))
}

pub(super) fn expand_dims(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], &format!("`{}`", call.name))?;
    let rank = cx.ty(x).rank() + cx.items(&call.args[1]).len();
    cx.check_rank(rank, call.loc)?;
    let axes = cx.axis_list(&call.args[1], rank)?;
    array(if axes.is_empty() { x } else { cx.graph.keepdims(x, &axes) })
}

pub(super) fn squeeze(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`squeeze`")?;
    let shape = cx.shape(x);
    let axes = match call.args[1].value {
        Value::None => (0..shape.len()).filter(|&k| shape[k].is(1)).collect(),
        _ => cx.axis_list(&call.args[1], shape.len())?,
    };
    for &axis in &axes {
        if !cx.facts.equal(&shape[axis], &Dim::one()) {
            let message = format!("axis {axis} has the size {}, not 1", shape[axis]);
            let mut diag = Diagnostic::new(errors::SQUEEZE, call.args[1].loc, message);
            diag.notes.extend(call.args[0].note(&cx.graph));
            cx.error(diag.help("take one element with an index, or reduce the axis"));
            return None;
        }
    }
    let kept: Vec<Dim> = (0..shape.len()).filter(|k| !axes.contains(k)).map(|k| shape[k].clone()).collect();
    array(cx.graph.reshape(x, &kept))
}

pub(super) fn broadcast_to(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`broadcast_to`")?;
    let shape = cx.shape_of(&call.args[1], "shape")?;
    let from = cx.shape(x);
    let new = shape.len().checked_sub(from.len());
    let fits = new.is_some_and(|new| from.iter().zip(&shape[new..]).all(|(a, b)| a.is(1) || cx.facts.equal(a, b)));
    if fits {
        return array(cx.stretch(x, &shape));
    }
    let list: Vec<String> = shape.iter().map(Dim::to_string).collect();
    let message = format!("cannot broadcast `{}` to `({})`", cx.ty(x), list.join(", "));
    let mut diag =
        Diagnostic::new(errors::BROADCAST, call.loc, message).help("an axis stretches where its size is the literal 1");
    diag.notes.extend(call.args[0].note(&cx.graph));
    cx.error(diag);
    None
}

pub(super) fn flip(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`flip`")?;
    let axes = cx.axes(&call.args[1], cx.ty(x).rank())?;
    array(cx.graph.flip(x, &axes))
}

pub(super) fn pad(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [x, width, mode, value] = call.args.as_slice() else { return None };
    let node = cx.array(x, "`pad`")?;
    let rank = cx.ty(node).rank();
    if cx.word(mode, "mode", &["constant", "edge", "reflect"])? != "constant" {
        return cx.reject(
            errors::NOT_SUPPORTED,
            mode.loc,
            "`pad` has the mode \"constant\" only, so far",
            "leave the mode out",
        );
    }
    let widths = pad_widths(cx, width, rank)?;
    let dtype = cx.dtype(node);
    let fill = cx.coerce(value, dtype)?;
    if cx.ty(fill).rank() != 0 {
        let is = value.value.describe(&cx.graph);
        return cx.reject(
            errors::ARGUMENT_TYPE,
            value.loc,
            format!("`value` wants a number, not {is}"),
            "give a literal or a 0-d array",
        );
    }
    let (before, after): (Vec<Dim>, Vec<Dim>) = widths.into_iter().unzip();
    array(cx.graph.pad(node, &before, &after, fill))
}

/// `1`, `(1, 2)` for each axis, `((1, 1), (2, 2))`, `((1, 2),)`.
pub(super) fn pad_widths(cx: &mut Cx<'_>, arg: &Arg, rank: usize) -> Option<Vec<(Dim, Dim)>> {
    let items = cx.items(arg);
    let nested = items.iter().any(|i| matches!(i.value, Value::Tuple(_)));
    let pairs: Vec<Arg> = match (&arg.value, nested) {
        (Value::Tuple(_), true) if items.len() == 1 => vec![items[0].clone(); rank],
        (Value::Tuple(_), true) => items,
        _ => vec![arg.clone(); rank],
    };
    if pairs.len() != rank {
        let message = format!("pad widths for {} axes; the array has {rank}", pairs.len());
        return cx.bad_value(arg, message, "give a pair for each axis, `((1, 1), (2, 2))`");
    }
    let mut widths = Vec::new();
    for pair in pairs {
        let ends = cx.items(&pair);
        let (before, after) = match ends.as_slice() {
            [both] => (both, both),
            [before, after] => (before, after),
            _ => {
                return cx.bad_value(
                    &pair,
                    format!("{} widths for one axis", ends.len()),
                    "give two, before and after",
                );
            }
        };
        widths.push((cx.extent(before, "pad_width")?, cx.extent(after, "pad_width")?));
    }
    Some(widths)
}

/// The operands of a join, of one dtype.
fn operands(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Vec<NodeId>> {
    let arg = &call.args[0];
    let Value::Tuple(_) = arg.value else { return cx.wants(arg, "arrays", "a tuple of arrays, `(a, b)`") };
    let items = cx.items(arg);
    if items.is_empty() {
        return cx.bad_value(arg, format!("`{}` of no arrays", call.name), "give at least one");
    }
    for item in &items {
        cx.array(item, &format!("`{}`", call.name))?;
    }
    let dtype = cx.common_dtype(call.name, &items, call.loc)?;
    items.iter().map(|i| cx.coerce(i, dtype)).collect()
}

pub(super) fn concatenate(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let nodes = operands(cx, call)?;
    let rank = cx.ty(nodes[0]).rank();
    let axis = cx.axis(&call.args[1], rank)?;
    let first = cx.shape(nodes[0]);
    let mut same = vec![nodes[0]];
    for &node in &nodes[1..] {
        let shape = cx.shape(node);
        let fits = shape.len() == rank && (0..rank).all(|k| k == axis || cx.facts.equal(&shape[k], &first[k]));
        if !fits {
            let message = format!("cannot concatenate `{}` with `{}` along axis {axis}", cx.ty(nodes[0]), cx.ty(node));
            return cx.reject(errors::SHAPE, call.loc, message, "all other axes must be equal");
        }
        let mut fitting = first.clone();
        fitting[axis] = shape[axis].clone();
        same.push(cx.graph.reshape(node, &fitting));
    }
    array(join(cx, &same, axis))
}

pub(super) fn stack(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let nodes = operands(cx, call)?;
    let shape = cx.shape(nodes[0]);
    cx.check_rank(shape.len() + 1, call.loc)?;
    let axis = cx.axis(&call.args[1], shape.len() + 1)?;
    let mut expanded = Vec::new();
    for &node in &nodes {
        let other = cx.shape(node);
        if other.len() != shape.len() || !other.iter().zip(&shape).all(|(a, b)| cx.facts.equal(a, b)) {
            let message = format!("cannot stack `{}` with `{}`", cx.ty(nodes[0]), cx.ty(node));
            return cx.reject(errors::SHAPE, call.loc, message, "all shapes must be equal");
        }
        let node = cx.graph.reshape(node, &shape);
        expanded.push(cx.graph.expand(node, axis));
    }
    array(join(cx, &expanded, axis))
}

/// Arrays one after the other: each padded to the whole, then chosen by index in
/// a balanced tree. A choice, not a sum: NaN and infinities stay in their place.
pub(super) fn join(cx: &mut Cx<'_>, nodes: &[NodeId], axis: usize) -> NodeId {
    if let [only] = nodes {
        return *only;
    }
    let mut offsets = vec![Dim::zero()];
    for &node in nodes {
        let end = offsets[offsets.len() - 1].add(&cx.ty(node).shape[axis]);
        offsets.push(end);
    }
    let total = cx.canonical(offsets[nodes.len()].clone());
    let mut shape = cx.shape(nodes[0]);
    shape[axis] = total.clone();
    let dtype = cx.dtype(nodes[0]);
    let zero = cx.graph.konst(Literal::Int(0).cast(dtype), dtype);
    let mut padded = Vec::new();
    for (k, &node) in nodes.iter().enumerate() {
        let (mut before, mut after) = (vec![Dim::zero(); shape.len()], vec![Dim::zero(); shape.len()]);
        before[axis] = offsets[k].clone();
        after[axis] = total.sub(&offsets[k]).sub(&cx.ty(node).shape[axis]);
        let wide = cx.graph.pad(node, &before, &after, zero);
        padded.push(cx.graph.reshape(wide, &shape));
    }
    let index = cx.graph.iota(&shape, axis);
    choose(cx, &padded, &offsets, index)
}

fn choose(cx: &mut Cx<'_>, padded: &[NodeId], offsets: &[Dim], index: NodeId) -> NodeId {
    if let [only] = padded {
        return *only;
    }
    let half = padded.len() / 2;
    let low = choose(cx, &padded[..half], &offsets[..=half], index);
    let high = choose(cx, &padded[half..], &offsets[half..], index);
    let border = cx.graph.size(offsets[half].clone());
    let shape = cx.shape(index);
    let border = cx.graph.broadcast_to(border, &shape);
    let below = cx.graph.map(MapOp::named("lt"), &[index, border]);
    cx.graph.map(MapOp::named("where"), &[below, low, high])
}

pub(super) fn split(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`split`")?;
    let axis = cx.axis(&call.args[2], cx.ty(x).rank())?;
    let n = cx.ty(x).shape[axis].clone();
    let borders = if let Value::Tuple(_) = call.args[1].value {
        let mut borders = vec![Dim::zero()];
        for item in cx.items(&call.args[1]) {
            let border = cx.extent(&item, "sections")?;
            let before = borders[borders.len() - 1].clone();
            ordered(cx, &before, &border, &item, "the parts' borders ascend")?;
            borders.push(border);
        }
        let before = borders[borders.len() - 1].clone();
        ordered(cx, &before, &n, &call.args[1], "the last border lies in the axis")?;
        borders.push(n);
        borders
    } else {
        let count = cx.positive(&call.args[1], "sections")?;
        if count > 4096 {
            return cx.bad_value(&call.args[1], format!("{count} parts"), "the most is 4096");
        }
        let parts = Dim::from(count);
        let Some(part) = cx.facts.divide(&n, &parts) else {
            let x = call.args[0].words("the array");
            return if n.as_const().is_some() {
                cx.reject(
                    errors::SHAPE,
                    call.loc,
                    format!("axis {axis} of {x} has {n} elements, not a multiple of {count}"),
                    "give the borders of the parts as a tuple",
                )
            } else {
                cx.reject(
                    errors::DIVISIBILITY,
                    call.loc,
                    format!("`{n}`, axis {axis} of {x}, may not be a multiple of {count}"),
                    format!("state it: `where {n} % {count} == 0`"),
                )
            };
        };
        (0..=count).map(|k| part.scale(k)).collect()
    };
    let mut parts = Vec::new();
    for pair in borders.windows(2) {
        let len = cx.canonical(pair[1].sub(&pair[0]));
        parts.push(Value::Array(cx.cut_axis(x, axis, Cut { start: pair[0].clone(), step: 1, len })));
    }
    Some(Value::tuple(parts))
}

fn ordered(cx: &mut Cx<'_>, low: &Dim, high: &Dim, arg: &Arg, why: &str) -> Option<()> {
    match cx.ensure(low.clone(), Relation::Le, high.clone(), why.into()) {
        Ok(()) => Some(()),
        Err(()) => cx.bad_value(arg, format!("a part from {low} to {high}"), why),
    }
}

pub(super) fn tile(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`tile`")?;
    let reps: Vec<Dim> = cx.shape_of(&call.args[1], "reps")?;
    let mut shape = cx.shape(x);
    let rank = shape.len().max(reps.len());
    while shape.len() < rank {
        shape.insert(0, Dim::one());
    }
    let x = cx.graph.broadcast_to(x, &shape);
    let lead = rank - reps.len();
    let times = |k: usize| if k < lead { Dim::one() } else { reps[k - lead].clone() };
    // One axis after the other, so that the rank stays small.
    let out = (0..rank).fold(x, |node, axis| repeated(cx, node, axis, &times(axis), true));
    array(out)
}

/// An axis `times` over: as a whole, or each element.
fn repeated(cx: &mut Cx<'_>, x: NodeId, axis: usize, times: &Dim, whole: bool) -> NodeId {
    if times.is(1) {
        return x;
    }
    let shape = cx.shape(x);
    let new = if whole { axis } else { axis + 1 };
    let mut wide = shape.clone();
    wide.insert(new, times.clone());
    let places: Vec<usize> = (0..wide.len()).filter(|&k| k != new).collect();
    let stretched = cx.graph.broadcast(x, &places, &wide);
    let mut merged = shape;
    merged[axis] = cx.canonical(merged[axis].mul(times));
    cx.graph.reshape(stretched, &merged)
}

pub(super) fn repeat(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let mut x = cx.array(&call.args[0], "`repeat`")?;
    let times = cx.extent(&call.args[1], "repeats")?;
    let axis = match call.args[2].value {
        Value::None => {
            x = flat(cx, x);
            0
        }
        _ => cx.axis(&call.args[2], cx.ty(x).rank())?,
    };
    array(repeated(cx, x, axis, &times, false))
}

pub(super) fn roll(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`roll`")?;
    let whole = cx.shape(x);
    let (mut node, axes) = match call.args[2].value {
        Value::None => (flat(cx, x), vec![0]),
        _ => (x, cx.axis_list(&call.args[2], whole.len())?),
    };
    let shifts = cx.per_axis(&call.args[1], "shift", axes.len())?;
    for (&axis, shift) in axes.iter().zip(&shifts) {
        let shift = cx.size(shift, "shift")?;
        let n = cx.ty(node).shape[axis].clone();
        if n.is(0) {
            continue;
        }
        let by = cx.canonical(shift.rem(&n, &SizesOnly));
        if by.is(0) {
            continue;
        }
        let border = cx.canonical(n.sub(&by));
        let tail = cx.cut_axis(node, axis, Cut { start: border.clone(), step: 1, len: by });
        let head = cx.cut_axis(node, axis, Cut { start: Dim::zero(), step: 1, len: border });
        node = join(cx, &[tail, head], axis);
    }
    array(cx.graph.reshape(node, &whole))
}

pub(super) fn axis_size(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`axis_size`")?;
    let axes = cx.axes(&call.args[1], cx.ty(x).rank())?;
    let count = Dim::product(axes.iter().map(|&k| &cx.ty(x).shape[k]));
    Some(Value::dim(cx.canonical(count)))
}

pub(super) fn length(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let arg = &call.args[0];
    match &arg.value {
        Value::Tuple(items) => Some(Value::Int(items.len() as i128)),
        Value::Array(id) => match cx.ty(*id).shape.first() {
            Some(n) => Some(Value::dim(n.clone())),
            None => cx.reject(errors::RANK, arg.loc, "a 0-d array has no length", "give an array of 1 axis or more"),
        },
        _ => cx.wants(arg, "tuple", "a tuple or an array"),
    }
}

/// An array of exactly so many axes.
pub(super) fn of_rank(cx: &mut Cx<'_>, arg: &Arg, rank: usize, name: &str, axes: &str, loc: Loc) -> Option<NodeId> {
    let node = cx.array(arg, &format!("`{name}`"))?;
    if cx.ty(node).rank() == rank {
        return Some(node);
    }
    let is = cx.ty(node).to_string();
    let mut diag = Diagnostic::new(errors::RANK, loc, format!("`{name}` wants an array `{axes}`, not `{is}`"))
        .help(format!("give an array of {rank} axes"));
    diag.notes.extend(arg.note(&cx.graph));
    cx.error(diag);
    None
}
