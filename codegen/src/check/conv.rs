//! Convolution and pooling.
//!
//! In: a call with an argument for each parameter. Out: pad, one window for each
//! spatial axis, and a sum of products. Always: spatial axes stay apart, so that
//! layouts survive; an axis whose kernel is 1 has no window; a depthwise
//! convolution is a product and a sum, not a [`Dot`](crate::graph::Op::Dot).
//! Next: `prelude.nd`.

use super::cx::Cx;
use super::index::Cut;
use super::shape_ops::{of_rank, pad_widths};
use super::table::Call;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::graph::{NodeId, Relation};
use crate::ops::{Literal, MapOp, Monoid, Rule};
use crate::shape::{Dim, SizesOnly};

/// How one spatial axis is walked.
#[derive(Clone)]
struct Walk {
    kernel: Dim,
    stride: i64,
    dilation: i64,
    before: Dim,
    after: Dim,
    /// How many windows there are, once counted.
    counted: Option<Dim>,
}

impl Walk {
    fn count(&self) -> Dim {
        self.counted.clone().unwrap_or_default()
    }
}

pub(super) fn conv1d(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    conv(cx, call, 1).map(Value::Array)
}

pub(super) fn conv2d(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    conv(cx, call, 2).map(Value::Array)
}

fn conv(cx: &mut Cx<'_>, call: &Call<'_>, spatial: usize) -> Option<NodeId> {
    let [x, w, bias, stride, padding, dilation, groups] = call.args.as_slice() else { return None };
    let (axes, kernel) =
        if spatial == 1 { ("[N, C, W]", "[O, C/groups, K]") } else { ("[N, C, H, W]", "[O, C/groups, KH, KW]") };
    of_rank(cx, x, 2 + spatial, call.name, axes, call.loc)?;
    of_rank(cx, w, 2 + spatial, call.name, kernel, call.loc)?;
    let mut operands = vec![x.clone(), w.clone()];
    if !matches!(bias.value, Value::None) {
        of_rank(cx, bias, 1, call.name, "[O]", call.loc)?;
        operands.push(bias.clone());
    }
    let dtype = cx.common_dtype(call.name, &operands, call.loc)?;
    if !Rule::Number.accepts(dtype) {
        cx.rule_error(call.name, Rule::Number, dtype, &operands, call.loc);
        return None;
    }
    let (image, weight) = (cx.coerce(x, dtype)?, cx.coerce(w, dtype)?);
    let (xs, ws) = (cx.shape(image), cx.shape(weight));
    let groups_at = groups.loc;
    let groups = cx.extent(groups, "groups")?;
    if groups.as_const().is_some_and(|g| g < 1) {
        return cx.reject(
            errors::ARGUMENT_VALUE,
            groups_at,
            format!("`groups` is {groups}"),
            "give an integer of 1 or more",
        );
    }
    check_channels(cx, [x, w], &xs, &ws, &groups, call)?;
    let mut walks = Vec::new();
    let (strides, dilations) = (cx.per_axis(stride, "stride", spatial)?, cx.per_axis(dilation, "dilation", spatial)?);
    for k in 0..spatial {
        let (stride, dilation) = (cx.positive(&strides[k], "stride")?, cx.positive(&dilations[k], "dilation")?);
        walks.push(Walk {
            kernel: ws[2 + k].clone(),
            stride,
            dilation,
            before: Dim::zero(),
            after: Dim::zero(),
            counted: None,
        });
    }
    pads(cx, padding, &xs[2..], &mut walks)?;
    for (k, walk) in walks.iter_mut().enumerate() {
        count(cx, &xs[2 + k], walk, call)?;
    }
    let zero = cx.graph.konst(Literal::Int(0), dtype);
    let out = if cx.facts.equal(&groups, &xs[1]) && ws[1].is(1) && cx.facts.equal(&ws[0], &xs[1]) && !groups.is(1) {
        depthwise(cx, image, weight, &walks, zero)
    } else if groups.is(1) {
        dense(cx, image, weight, &walks, zero)
    } else {
        grouped(cx, image, weight, &groups, &walks, zero)
    };
    if matches!(bias.value, Value::None) {
        return Some(out);
    }
    let bias = cx.coerce(bias, dtype)?;
    let shape = cx.shape(out);
    if !cx.facts.equal(&cx.shape(bias)[0], &shape[1]) {
        let (is, o) = (cx.shape(bias)[0].clone(), shape[1].clone());
        return cx.reject(
            errors::SHAPE,
            call.args[2].loc,
            format!("a bias of {is} for {o} channels"),
            "give one for each output channel",
        );
    }
    let bias = cx.graph.reshape(bias, &shape[1..2]);
    let bias = cx.graph.broadcast(bias, &[1], &shape);
    Some(cx.graph.map(MapOp::named("add"), &[out, bias]))
}

/// Channels of the image, of the kernel and groups must fit.
fn check_channels(
    cx: &mut Cx<'_>,
    args: [&Arg; 2],
    xs: &[Dim],
    ws: &[Dim],
    groups: &Dim,
    call: &Call<'_>,
) -> Option<()> {
    let (channels, inner, out) = (&xs[1], &ws[1], &ws[0]);
    if !cx.facts.equal(channels, &inner.mul(groups)) {
        let message =
            format!("`{}` of an array with {channels} channels and a kernel for {inner} in {groups} groups", call.name);
        let mut diag = Diagnostic::new(errors::SHAPE, call.loc, message);
        diag.notes.extend(args.iter().filter_map(|a| a.note(&cx.graph)));
        cx.error(diag.help("the kernel's axis 1 is the channels divided by the groups"));
        return None;
    }
    if cx.facts.divide(out, groups).is_none() {
        return cx.reject(
            if out.as_const().is_some() && groups.as_const().is_some() { errors::SHAPE } else { errors::DIVISIBILITY },
            call.loc,
            format!("{out} output channels in {groups} groups"),
            format!("the kernel's axis 0 is a multiple of the groups; state it with `where {out} % {groups} == 0`"),
        );
    }
    Some(())
}

/// `padding`: `0`, `(1, 2)` an axis, `((1, 2), (3, 4))`, `"valid"`, `"same"`.
fn pads(cx: &mut Cx<'_>, arg: &Arg, sizes: &[Dim], walks: &mut [Walk]) -> Option<()> {
    if let Value::Str(_) = arg.value {
        if cx.word(arg, "padding", &["valid", "same"])? == "same" {
            for (walk, n) in walks.iter_mut().zip(sizes) {
                same(cx, n, walk);
            }
        }
        return Some(());
    }
    let widths = match (&arg.value, cx.items(arg).iter().any(|i| matches!(i.value, Value::Tuple(_)))) {
        // One integer an axis, the same at both ends.
        (Value::Tuple(items), false) if items.len() == sizes.len() => {
            let items = cx.items(arg);
            items.iter().map(|i| cx.extent(i, "padding").map(|d| (d.clone(), d))).collect::<Option<Vec<_>>>()?
        }
        _ => pad_widths(cx, arg, sizes.len())?,
    };
    for (walk, (before, after)) in walks.iter_mut().zip(widths) {
        (walk.before, walk.after) = (before, after);
    }
    Some(())
}

/// TensorFlow's rule: as many windows as the size over the stride, rounded up;
/// of the elements that lack for them, the smaller half comes before.
fn same(cx: &Cx<'_>, n: &Dim, walk: &mut Walk) {
    let stride = Dim::from(walk.stride);
    let count = n.add(&Dim::from(walk.stride - 1)).div(&stride, &SizesOnly);
    let reach = walk.kernel.sub(&Dim::one()).scale(walk.dilation).add(&Dim::one());
    let total = count.sub(&Dim::one()).scale(walk.stride).add(&reach).sub(n);
    let total = cx.most(&total, &Dim::zero());
    walk.before = total.div(&Dim::from(2), &SizesOnly);
    walk.after = total.sub(&walk.before);
    walk.counted = Some(count);
}

/// How many windows fit; `same` has counted already.
fn count(cx: &mut Cx<'_>, n: &Dim, walk: &mut Walk, call: &Call<'_>) -> Option<()> {
    if walk.counted.is_some() {
        return Some(());
    }
    let wide = n.add(&walk.before).add(&walk.after);
    let reach = walk.kernel.sub(&Dim::one()).scale(walk.dilation).add(&Dim::one());
    let why = format!("`{}` needs {wide} elements, padding included, to hold a window of {reach}", call.name);
    if cx.ensure(reach.clone(), Relation::Le, wide.clone(), why).is_err() {
        return cx.reject(
            errors::SHAPE,
            call.loc,
            format!("`{}` of a window of {reach} over {wide} elements", call.name),
            "give a smaller kernel or more padding",
        );
    }
    let count = wide.sub(&reach).div(&Dim::from(walk.stride), &SizesOnly).add(&Dim::one());
    walk.counted = Some(cx.canonical(count));
    Some(())
}

/// The array with its spatial axes (from `first` on) padded and walked: an axis
/// with a kernel of 1 becomes a slice, each other one a window whose elements
/// are a new axis at the end. Answers also which axes got a window.
fn windows(cx: &mut Cx<'_>, x: NodeId, first: usize, walks: &[Walk], fill: NodeId) -> (NodeId, Vec<usize>) {
    let rank = cx.ty(x).rank();
    let (mut before, mut after) = (vec![Dim::zero(); rank], vec![Dim::zero(); rank]);
    for (k, walk) in walks.iter().enumerate() {
        before[first + k] = walk.before.clone();
        after[first + k] = walk.after.clone();
    }
    let mut node = cx.graph.pad(x, &before, &after, fill);
    let mut windowed = Vec::new();
    for (k, walk) in walks.iter().enumerate() {
        let axis = first + k;
        if walk.kernel.is(1) {
            node = cx.cut_axis(node, axis, Cut { start: Dim::zero(), step: walk.stride, len: walk.count() });
        } else {
            node = cx.graph.window(node, axis, walk.count(), walk.kernel.clone(), walk.stride, walk.dilation);
            windowed.push(k);
        }
    }
    (node, windowed)
}

/// The kernel without the spatial axes that have no window.
fn kernel(cx: &mut Cx<'_>, w: NodeId, lead: usize, windowed: &[usize]) -> NodeId {
    let shape = cx.shape(w);
    let kept: Vec<Dim> =
        (0..shape.len()).filter(|&k| k < lead || windowed.contains(&(k - lead))).map(|k| shape[k].clone()).collect();
    cx.graph.reshape(w, &kept)
}

fn depthwise(cx: &mut Cx<'_>, x: NodeId, w: NodeId, walks: &[Walk], zero: NodeId) -> NodeId {
    let (node, windowed) = windows(cx, x, 2, walks, zero);
    let shape = cx.shape(node);
    let spatial = walks.len();
    // [C, 1, K…] to [C, K…], under the channel and the windows' axes.
    let w = kernel(cx, w, 2, &windowed);
    let mut flat = cx.shape(w);
    flat.remove(1);
    flat[0] = shape[1].clone();
    let w = cx.graph.reshape(w, &flat);
    let mut places = vec![1];
    places.extend((0..windowed.len()).map(|k| 2 + spatial + k));
    let w = cx.graph.broadcast(w, &places, &shape);
    let product = cx.graph.map(MapOp::named("mul"), &[node, w]);
    let axes: Vec<usize> = (2 + spatial..shape.len()).collect();
    cx.graph.reduce(Monoid::named("sum"), product, &axes)
}

fn dense(cx: &mut Cx<'_>, x: NodeId, w: NodeId, walks: &[Walk], zero: NodeId) -> NodeId {
    let (node, windowed) = windows(cx, x, 2, walks, zero);
    let spatial = walks.len();
    let w = kernel(cx, w, 2, &windowed);
    let mut same = cx.shape(w);
    same[1] = cx.shape(node)[1].clone();
    let w = cx.graph.reshape(w, &same);
    let mut contract = vec![(1, 1)];
    contract.extend((0..windowed.len()).map(|k| (2 + spatial + k, 2 + k)));
    // [N, spatial…, O] with the channels last, then seen as channels second.
    let dot = cx.graph.dot(node, w, &[], &contract);
    let mut perm = vec![0, 1 + spatial];
    perm.extend(1..=spatial);
    cx.graph.permute(dot, &perm)
}

fn grouped(cx: &mut Cx<'_>, x: NodeId, w: NodeId, groups: &Dim, walks: &[Walk], zero: NodeId) -> NodeId {
    let (xs, ws) = (cx.shape(x), cx.shape(w));
    let spatial = walks.len();
    let outer = cx.facts.divide(&ws[0], groups).unwrap_or_else(Dim::one);
    let mut split = vec![xs[0].clone(), groups.clone(), ws[1].clone()];
    split.extend(xs[2..].iter().cloned());
    let x = cx.graph.reshape(x, &split);
    let (node, windowed) = windows(cx, x, 3, walks, zero);
    let mut parts = vec![groups.clone(), outer];
    parts.extend(ws[1..].iter().cloned());
    let w = cx.graph.reshape(w, &parts);
    let w = kernel(cx, w, 3, &windowed);
    let mut contract = vec![(2, 2)];
    contract.extend((0..windowed.len()).map(|k| (3 + spatial + k, 3 + k)));
    // [G, N, spatial…, O/G] to [N, G, O/G, spatial…].
    let dot = cx.graph.dot(node, w, &[(1, 0)], &contract);
    let mut perm = vec![1, 0, 2 + spatial];
    perm.extend(2..2 + spatial);
    let out = cx.graph.permute(dot, &perm);
    let mut merged = vec![xs[0].clone(), ws[0].clone()];
    merged.extend(walks.iter().map(|walk| walk.count()));
    cx.graph.reshape(out, &merged)
}

/// The operands of a pool: the array and how its last two axes are walked.
fn pool(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<(NodeId, Vec<Walk>)> {
    let [x, kernel, stride, padding, ..] = call.args.as_slice() else { return None };
    let node = of_rank(cx, x, 4, call.name, "[N, C, H, W]", call.loc)?;
    let kernels = cx.per_axis(kernel, "kernel", 2)?;
    let strides = match stride.value {
        Value::None => kernels.clone(),
        _ => cx.per_axis(stride, "stride", 2)?,
    };
    let mut walks = Vec::new();
    for k in 0..2 {
        let size = cx.positive(&kernels[k], "kernel")?;
        let stride = cx.positive(&strides[k], "stride")?;
        walks.push(Walk {
            kernel: Dim::from(size),
            stride,
            dilation: 1,
            before: Dim::zero(),
            after: Dim::zero(),
            counted: None,
        });
    }
    let sizes = cx.shape(node)[2..].to_vec();
    pads(cx, padding, &sizes, &mut walks)?;
    for (k, walk) in walks.iter_mut().enumerate() {
        for pad in [&walk.before, &walk.after] {
            if let (Some(pad), Some(size)) = (pad.as_const(), walk.kernel.as_const())
                && pad >= size
            {
                return cx.bad_value(
                    padding,
                    format!("a padding of {pad} for windows of {size}"),
                    "pad by less than the window",
                );
            }
        }
        count(cx, &sizes[k], walk, call)?;
    }
    Some((node, walks))
}

pub(super) fn max_pool2d(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    let (x, walks) = pool(cx, call)?;
    let dtype = cx.dtype(x);
    let monoid = Monoid::named("max");
    let least = cx.graph.konst(monoid.start(dtype), dtype);
    let (node, windowed) = windows(cx, x, 2, &walks, least);
    let axes: Vec<usize> = (4..4 + windowed.len()).collect();
    Some(Value::Array(cx.graph.reduce(monoid, node, &axes)))
}

pub(super) fn avg_pool2d(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    let (x, walks) = pool(cx, call)?;
    let dtype = floats(cx, x, call)?;
    let all = cx.flag(&call.args[4], "count_include_pad")?;
    let padded = walks.iter().any(|w| !w.before.is(0) || !w.after.is(0));
    let sum = window_sum(cx, x, &walks, dtype);
    let shape = cx.shape(sum);
    let divisor = if all || !padded {
        let count = Dim::product(walks.iter().map(|w| &w.kernel));
        let size = cx.graph.size(count);
        let size = cx.graph.cast(size, dtype);
        cx.graph.broadcast_to(size, &shape)
    } else {
        let one = cx.graph.konst(Literal::Int(1), dtype);
        let whole = cx.shape(x);
        let ones = cx.graph.broadcast_to(one, &whole);
        window_sum(cx, ones, &walks, dtype)
    };
    Some(Value::Array(cx.graph.map(MapOp::named("div"), &[sum, divisor])))
}

fn window_sum(cx: &mut Cx<'_>, x: NodeId, walks: &[Walk], dtype: crate::dtype::DType) -> NodeId {
    let zero = cx.graph.konst(Literal::Int(0), dtype);
    let (node, windowed) = windows(cx, x, 2, walks, zero);
    let axes: Vec<usize> = (4..4 + windowed.len()).collect();
    cx.graph.reduce(Monoid::named("sum"), node, &axes)
}

fn floats(cx: &mut Cx<'_>, x: NodeId, call: &Call<'_>) -> Option<crate::dtype::DType> {
    let dtype = cx.dtype(x);
    if dtype.is_float() {
        return Some(dtype);
    }
    cx.rule_error(call.name, Rule::Float, dtype, &call.args[..1], call.loc);
    None
}

pub(super) fn adaptive_avg_pool2d(cx: &mut Cx<'_>, call: &Call<'_>) -> Option<Value> {
    let x = of_rank(cx, &call.args[0], 4, call.name, "[N, C, H, W]", call.loc)?;
    let dtype = floats(cx, x, call)?;
    let wanted = cx.per_axis(&call.args[1], "output_size", 2)?;
    let shape = cx.shape(x);
    let mut split = shape[..2].to_vec();
    let mut count = Dim::one();
    for (item, n) in wanted.iter().zip(&shape[2..]) {
        let out = cx.extent(item, "output_size")?;
        let Some(part) = cx.facts.divide(n, &out) else {
            return windows_differ(cx, n, &out, item, call.loc);
        };
        count = count.mul(&part);
        split.extend([out, part]);
    }
    let merged = vec![split[0].clone(), split[1].clone(), split[2].clone(), split[4].clone()];
    // [N, C, h, H/h, w, W/w], the windows' axes summed.
    let parts = cx.graph.reshape(x, &split);
    let sum = cx.graph.reduce(Monoid::named("sum"), parts, &[3, 5]);
    let sum = cx.graph.reshape(sum, &merged);
    let size = cx.graph.size(cx.canonical(count));
    let size = cx.graph.cast(size, dtype);
    let size = cx.graph.broadcast_to(size, &merged);
    Some(Value::Array(cx.graph.map(MapOp::named("div"), &[sum, size])))
}

fn windows_differ<T>(cx: &mut Cx<'_>, n: &Dim, out: &Dim, item: &Arg, loc: Loc) -> Option<T> {
    if n.as_const().is_some() && out.as_const().is_some() {
        return cx.reject(
            errors::NOT_SUPPORTED,
            loc,
            format!("windows of different sizes, {n} elements in {out}, are not supported yet"),
            "choose an output size that divides the array's",
        );
    }
    cx.reject(
        errors::DIVISIBILITY,
        item.loc,
        format!("`{n}` may not be a multiple of {out}"),
        format!("state it: `where {n} % {out} == 0`"),
    )
}
