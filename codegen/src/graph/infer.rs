//! The typing rule of each operation, stated once.
//!
//! In: an operation, its operands' types, and the declared type. Out: the
//! node's type, or why there is none. Always: where operands and operation fix
//! the result, the declared type is ignored; where they do not (the sizes of a
//! broadcast, a reshape, a slice, a pad, a window, an iota; the dtype of a cast)
//! it is taken, after the checks that need no proof: sizes that are constants
//! must fit. [`super::build`] and [`super::verify`] both come here.

use super::{Op, Type};
use crate::dtype::DType;
use crate::ops::{Answer, Literal, Rule};
use crate::shape::Dim;

/// The type of a node, or why it has none.
pub fn infer(op: &Op, args: &[&Type], declared: &Type) -> Result<Type, String> {
    let want = arity(op);
    if args.len() != want {
        return Err(format!("{} operands where {want} are wanted", args.len()));
    }
    match op {
        Op::Param(_) => Ok(declared.clone()),
        Op::Const(literal) => konst(*literal, declared),
        Op::Size(_) => Ok(Type::scalar(DType::I64)),
        Op::Iota(axis) => {
            in_range(*axis, declared.rank())?;
            Ok(Type::new(DType::I64, declared.shape.clone()))
        }
        Op::Map(op) => {
            let dtypes: Vec<DType> = args.iter().map(|t| t.dtype).collect();
            let dtype = op.result(&dtypes).ok_or_else(|| format!("`{}` does not take {dtypes:?}", op.name()))?;
            match args.iter().find(|t| t.shape != args[0].shape) {
                Some(other) => Err(format!("operands of the shapes `{}` and `{other}`", args[0])),
                None => Ok(Type::new(dtype, args[0].shape.clone())),
            }
        }
        Op::Cast => Ok(Type::new(declared.dtype, args[0].shape.clone())),
        Op::Broadcast(axes) => broadcast(axes, args[0], declared),
        Op::Permute(perm) => permute(perm, args[0]),
        Op::Mark(..) => Ok(args[0].clone()),
        Op::Reshape => match (args[0].len().as_const(), declared.len().as_const()) {
            (Some(a), Some(b)) if a != b => Err(format!("{a} elements do not fill `{declared}`")),
            _ => Ok(Type::new(args[0].dtype, declared.shape.clone())),
        },
        Op::Slice { start, step } => slice(start, step, args[0], declared),
        Op::Pad { before } => pad(before, args[0], args[1], declared),
        Op::Window { axis, stride, dilation } => window(*axis, *stride, *dilation, args[0], declared),
        Op::Reduce { monoid, axes } => {
            ascending(axes, args[0].rank())?;
            if axes.is_empty() {
                return Err("a reduction over no axis".into());
            }
            if monoid.row().answer == Answer::Index && axes.len() != 1 {
                return Err(format!("`{}` over more than one axis", monoid.name()));
            }
            let dtype = monoid
                .result(args[0].dtype)
                .ok_or_else(|| format!("`{}` does not take {}", monoid.name(), args[0].dtype))?;
            Ok(Type::new(dtype, without(&args[0].shape, axes)))
        }
        Op::Dot { batch, contract } => dot(batch, contract, args[0], args[1]),
        Op::Gather { axis, batch } => {
            let shape = gathered(*axis, *batch, &args[0].shape, args[1])?;
            Ok(Type::new(args[0].dtype, shape))
        }
        Op::Scatter { axis, batch } => {
            if !Rule::Number.accepts(args[0].dtype) {
                return Err(format!("a sum of {}", args[0].dtype));
            }
            match gathered(*axis, *batch, &declared.shape, args[1])? == args[0].shape {
                true => Ok(Type::new(args[0].dtype.computed(), declared.shape.clone())),
                false => Err(format!("updates of the type `{}` for `{declared}`", args[0])),
            }
        }
    }
}

/// How many operands an operation has.
pub fn arity(op: &Op) -> usize {
    match op {
        Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) => 0,
        Op::Map(op) => op.row().arity,
        Op::Cast | Op::Broadcast(_) | Op::Permute(_) | Op::Reshape => 1,
        Op::Slice { .. } | Op::Window { .. } | Op::Mark(..) | Op::Reduce { .. } => 1,
        Op::Pad { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => 2,
    }
}

/// The shape without these axes.
pub fn without(shape: &[Dim], axes: &[usize]) -> Vec<Dim> {
    shape.iter().enumerate().filter(|(k, _)| !axes.contains(k)).map(|(_, d)| d.clone()).collect()
}

fn konst(literal: Literal, declared: &Type) -> Result<Type, String> {
    if declared.rank() != 0 {
        return Err(format!("a constant of the type `{declared}`, which is not 0-d"));
    }
    if literal.cast(declared.dtype) != literal {
        return Err(format!("{literal:?} is not a value of {}", declared.dtype));
    }
    Ok(declared.clone())
}

fn broadcast(axes: &[usize], x: &Type, declared: &Type) -> Result<Type, String> {
    if axes.len() != x.rank() {
        return Err(format!("{} axes for an operand of rank {}", axes.len(), x.rank()));
    }
    ascending(axes, declared.rank())?;
    for (n, &axis) in x.shape.iter().zip(axes) {
        if !n.is(1) && *n != declared.shape[axis] {
            return Err(format!("axis {axis} is {} and cannot be stretched from {n}", declared.shape[axis]));
        }
    }
    Ok(Type::new(x.dtype, declared.shape.clone()))
}

fn permute(perm: &[usize], x: &Type) -> Result<Type, String> {
    let mut sorted = perm.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..x.rank()) {
        return Err(format!("{perm:?} is no permutation of {} axes", x.rank()));
    }
    Ok(Type::new(x.dtype, perm.iter().map(|&k| x.shape[k].clone()).collect()))
}

fn slice(start: &[Dim], step: &[i64], x: &Type, declared: &Type) -> Result<Type, String> {
    let rank = x.rank();
    if start.len() != rank || step.len() != rank || declared.rank() != rank {
        return Err(format!("starts, steps or sizes that are not {rank} in number"));
    }
    for k in 0..rank {
        if step[k] == 0 {
            return Err(format!("a step of zero at axis {k}"));
        }
        let last = declared.shape[k].sub(&Dim::one()).scale(step[k]).add(&start[k]);
        inside(k, &declared.shape[k], &start[k], &last, &x.shape[k])?;
    }
    Ok(Type::new(x.dtype, declared.shape.clone()))
}

fn pad(before: &[Dim], x: &Type, fill: &Type, declared: &Type) -> Result<Type, String> {
    let rank = x.rank();
    if before.len() != rank || declared.rank() != rank {
        return Err(format!("pads or sizes that are not {rank} in number"));
    }
    if *fill != Type::scalar(x.dtype) {
        return Err(format!("a fill of the type `{fill}` for `{x}`"));
    }
    for (k, ((out, n), before)) in declared.shape.iter().zip(&x.shape).zip(before).enumerate() {
        let after = out.sub(n).sub(before);
        if [before, &after].iter().any(|d| d.as_const().is_some_and(|c| c < 0)) {
            return Err(format!("a negative pad at axis {k}"));
        }
    }
    Ok(Type::new(x.dtype, declared.shape.clone()))
}

fn window(axis: usize, stride: i64, dilation: i64, x: &Type, declared: &Type) -> Result<Type, String> {
    in_range(axis, x.rank())?;
    if stride < 1 || dilation < 1 {
        return Err(format!("stride {stride} and dilation {dilation}, where both must be positive"));
    }
    let Some((k, frames)) = declared.shape.split_last() else { return Err("a window without its axis".into()) };
    let kept = |shape: &[Dim]| without(shape, &[axis]);
    if frames.len() != x.rank() || kept(frames) != kept(&x.shape) {
        return Err(format!("windows of the type `{declared}` over `{x}`"));
    }
    let reach = |n: &Dim, by: i64| n.sub(&Dim::one()).scale(by);
    let last = reach(&frames[axis], stride).add(&reach(k, dilation));
    inside(axis, &frames[axis].mul(k), &Dim::zero(), &last, &x.shape[axis])?;
    Ok(Type::new(x.dtype, declared.shape.clone()))
}

fn dot(batch: &[(usize, usize)], contract: &[(usize, usize)], a: &Type, b: &Type) -> Result<Type, String> {
    if a.dtype != b.dtype || !Rule::Number.accepts(a.dtype) {
        return Err(format!("a product of {} and {}", a.dtype, b.dtype));
    }
    let pairs: Vec<(usize, usize)> = batch.iter().chain(contract).copied().collect();
    let left: Vec<usize> = pairs.iter().map(|p| p.0).collect();
    let right: Vec<usize> = pairs.iter().map(|p| p.1).collect();
    for (axes, ty) in [(&left, a), (&right, b)] {
        for (i, &axis) in axes.iter().enumerate() {
            in_range(axis, ty.rank())?;
            if axes[..i].contains(&axis) {
                return Err(format!("axis {axis} of `{ty}` is named twice"));
            }
        }
    }
    for &(i, j) in &pairs {
        if a.shape[i] != b.shape[j] {
            return Err(format!("axis {i} is {} on the left, axis {j} is {} on the right", a.shape[i], b.shape[j]));
        }
    }
    let mut shape: Vec<Dim> = batch.iter().map(|&(i, _)| a.shape[i].clone()).collect();
    shape.extend(without(&a.shape, &left));
    shape.extend(without(&b.shape, &right));
    Ok(Type::new(a.dtype, shape))
}

/// The shape of what a gather reads from this shape.
pub fn gathered(axis: usize, batch: usize, from: &[Dim], indices: &Type) -> Result<Vec<Dim>, String> {
    in_range(axis, from.len())?;
    if indices.dtype != DType::I64 {
        return Err(format!("indices of {}", indices.dtype));
    }
    if batch > axis || indices.shape.get(..batch) != from.get(..batch) {
        return Err(format!("indices of the type `{indices}` for {batch} axes run together"));
    }
    Ok([&from[..axis], &indices.shape[batch..], &from[axis + 1..]].concat())
}

/// Where all is constant, the first and the last index read lie in the operand.
fn inside(axis: usize, count: &Dim, first: &Dim, last: &Dim, n: &Dim) -> Result<(), String> {
    match (count.as_const(), first.as_const(), last.as_const(), n.as_const()) {
        (Some(count), ..) if count < 0 => Err(format!("a negative size at axis {axis}")),
        (Some(count), Some(a), Some(b), Some(n)) if count > 0 && !((0..n).contains(&a) && (0..n).contains(&b)) => {
            Err(format!("axis {axis} is read from {a} to {b}, but its size is {n}"))
        }
        _ => Ok(()),
    }
}

fn in_range(axis: usize, rank: usize) -> Result<(), String> {
    if axis < rank { Ok(()) } else { Err(format!("axis {axis} of {rank}")) }
}

fn ascending(axes: &[usize], rank: usize) -> Result<(), String> {
    axes.iter().try_for_each(|&a| in_range(a, rank))?;
    if axes.windows(2).all(|w| w[0] < w[1]) { Ok(()) } else { Err(format!("axes {axes:?} do not ascend")) }
}
