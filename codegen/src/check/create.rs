//! Creation and casts.
//!
//! In: a call with an argument for each parameter. Out: constants stretched to a
//! shape, indices, casts. Always: a dtype is the argument's or the user's; none
//! is made up. Next: [`super::linalg`].

use super::cx::Cx;
use super::table::Call;
use super::value::{Arg, Value, Weak, axes};
use crate::diagnostic::Diagnostic;
use crate::dtype::DType;
use crate::errors;
use crate::graph::NodeId;
use crate::ops::{Literal, MapOp};
use crate::shape::{Dim, SizesOnly};

type Out = Option<Value>;

pub(super) fn zeros(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    filled(cx, call, 0)
}

pub(super) fn ones(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    filled(cx, call, 1)
}

fn filled(cx: &mut Cx<'_>, call: &Call<'_>, value: i128) -> Out {
    let shape = cx.shape_of(&call.args[0], "shape")?;
    let dtype = cx.dtype_of(&call.args[1], "dtype")?;
    Some(Value::Array(cx.graph.full(Literal::Int(value), dtype, &shape)))
}

pub(super) fn full(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [shape, value, dtype] = call.args.as_slice() else { return None };
    let shape = cx.shape_of(shape, "shape")?;
    let dtype = match (&dtype.value, &value.value) {
        (Value::None, Value::Array(id)) => cx.dtype(*id),
        (Value::None, _) if value.value.weak() == Some(Weak::Float) => {
            return cx.reject(
                errors::LITERAL_KIND,
                value.loc,
                "`full` of a float literal would be `f64`",
                "say which float is meant: `dtype=f32`",
            );
        }
        (Value::None, Value::Bool(_)) => DType::Bool,
        (Value::None, _) => DType::I64,
        _ => cx.dtype_of(dtype, "dtype")?,
    };
    let node = cx.coerce(value, dtype)?;
    scalar(cx, value, node)?;
    Some(Value::Array(cx.graph.broadcast_to(node, &shape)))
}

fn scalar(cx: &mut Cx<'_>, arg: &Arg, node: NodeId) -> Option<()> {
    if cx.ty(node).rank() == 0 {
        return Some(());
    }
    let is = arg.value.describe(&cx.graph);
    cx.reject(
        errors::ARGUMENT_TYPE,
        arg.loc,
        format!("`value` wants a number, not {is}"),
        "give a literal or a 0-d array",
    )
}

pub(super) fn zeros_like(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    like(cx, call, 0)
}

pub(super) fn ones_like(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    like(cx, call, 1)
}

fn like(cx: &mut Cx<'_>, call: &Call<'_>, value: i128) -> Out {
    if !matches!(call.args[0].value, Value::Struct(_)) {
        cx.array(&call.args[0], &format!("`{}`", call.name))?;
    }
    Some(call.args[0].value.map_nodes(&mut |x| {
        let ty = cx.ty(x).clone();
        cx.graph.full(Literal::Int(value), ty.dtype, &ty.shape)
    }))
}

pub(super) fn full_like(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let x = cx.array(&call.args[0], "`full_like`")?;
    let ty = cx.ty(x).clone();
    let node = cx.coerce(&call.args[1], ty.dtype)?;
    scalar(cx, &call.args[1], node)?;
    Some(Value::Array(cx.graph.broadcast_to(node, &ty.shape)))
}

pub(super) fn arange(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let [first, second, step, dtype] = call.args.as_slice() else { return None };
    let (start, stop) = match second.value {
        Value::None => (Dim::zero(), cx.size(first, "stop")?),
        _ => (cx.size(first, "start")?, cx.size(second, "stop")?),
    };
    let by = cx.int(step, "step")?;
    if by == 0 {
        return cx.bad_value(step, "a step of 0", "give a step such as 1 or -1");
    }
    let span = if by > 0 { stop.sub(&start) } else { start.sub(&stop) };
    let span = cx.most(&span, &Dim::zero());
    let stride = Dim::from(by.saturating_abs());
    let count = span.add(&stride).sub(&Dim::one()).div(&stride, &SizesOnly);
    let count = cx.canonical(count);
    let shape = [count];
    let mut node = cx.graph.iota(&shape, 0);
    if by != 1 {
        let by = cx.graph.full(Literal::Int(i128::from(by)), DType::I64, &shape);
        node = cx.graph.map(MapOp::named("mul"), &[node, by]);
    }
    if !start.is(0) {
        let start = cx.graph.size(start);
        let start = cx.graph.broadcast_to(start, &shape);
        node = cx.graph.map(MapOp::named("add"), &[node, start]);
    }
    if !matches!(dtype.value, Value::None) {
        let dtype = cx.dtype_of(dtype, "dtype")?;
        node = cx.graph.cast(node, dtype);
    }
    Some(Value::Array(node))
}

pub(super) fn eye(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let n = cx.extent(&call.args[0], "n")?;
    let m = match call.args[1].value {
        Value::None => n.clone(),
        _ => cx.extent(&call.args[1], "m")?,
    };
    let dtype = cx.dtype_of(&call.args[2], "dtype")?;
    let shape = [n, m];
    let (row, column) = (cx.graph.iota(&shape, 0), cx.graph.iota(&shape, 1));
    let diagonal = cx.graph.map(MapOp::named("eq"), &[row, column]);
    Some(Value::Array(cx.graph.cast(diagonal, dtype)))
}

pub(super) fn astype(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let dtype = cx.dtype_of(&call.args[1], "dtype")?;
    cast(cx, &call.args[0], dtype)
}

/// `f32(x)`, `x.astype(f32)`: an array, or a number that gets a dtype.
pub(super) fn cast(cx: &mut Cx<'_>, arg: &Arg, dtype: DType) -> Out {
    match &arg.value {
        Value::Array(id) => Some(Value::Array(cx.graph.cast(*id, dtype))),
        Value::Int(_) => cx.coerce(arg, dtype).map(Value::Array),
        Value::Float(_) | Value::Bool(_) | Value::Dim(_) | Value::Number(_) => {
            Some(Value::Array(cx.weak_node(&arg.value, dtype)))
        }
        Value::Error => None,
        Value::Str(_) | Value::None | Value::DType(_) | Value::Tuple(_) | Value::Struct(_) => {
            cx.not_an_array(arg, &format!("the cast to `{dtype}`"));
            None
        }
    }
}

/// For the prelude: the argument, which the template wants to be of floats.
pub(super) fn wants_float(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let arg = &call.args[0];
    let template = cx.function_name();
    if arg.value.weak().is_some() && !matches!(arg.value, Value::Bool(_)) {
        return Some(arg.value.clone());
    }
    let node = cx.array(arg, &format!("`{template}`"))?;
    let dtype = cx.dtype(node);
    if dtype.is_float() {
        return Some(arg.value.clone());
    }
    let code = if template == "mean" { errors::INTEGER_MEAN } else { errors::FLOAT_FUNCTION };
    cx.error(
        Diagnostic::new(code, arg.loc, format!("`{template}` of `{dtype}` would be `f64`"))
            .help("say which float is meant: `.astype(f32)` or `.astype(f64)`"),
    );
    None
}

/// For the prelude: the place in C order of each element of a shape.
pub(super) fn places(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let shape = cx.shape_of(&call.args[0], "shape")?;
    let count = cx.canonical(Dim::product(&shape));
    let flat = cx.graph.iota(&[count], 0);
    Some(Value::Array(cx.graph.reshape(flat, &shape)))
}

/// For the prelude: the argument, which the template wants to be of integers.
pub(super) fn wants_int(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let arg = &call.args[0];
    if arg.value.weak() == Some(Weak::Int) {
        return Some(arg.value.clone());
    }
    let template = cx.function_name();
    let node = cx.array(arg, &format!("`{template}`"))?;
    let dtype = cx.dtype(node);
    if dtype.is_int() {
        return Some(arg.value.clone());
    }
    cx.reject(
        errors::INDEX_DTYPE,
        arg.loc,
        format!("`{template}` wants integers, not `{dtype}`"),
        "cast it with `.astype(i64)`",
    )
}

/// For the prelude: the argument, which the template wants to have so many axes.
pub(super) fn wants_rank(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let template = cx.function_name();
    let rank = cx.int(&call.args[1], "rank")?;
    let node = cx.array(&call.args[0], &format!("`{template}`"))?;
    if cx.ty(node).rank() as i64 == rank {
        return Some(call.args[0].value.clone());
    }
    let is = cx.ty(node).to_string();
    cx.reject(
        errors::RANK,
        call.loc,
        format!("`{template}` wants an array of {}, not `{is}`", axes(rank.unsigned_abs() as usize)),
        "add axes with `None` in an index, or drop them with a reduction",
    )
}

/// For the prelude: an error.
pub(super) fn fails(cx: &mut Cx<'_>, call: &Call<'_>) -> Out {
    let (Value::Str(text), Value::Str(help)) = (&call.args[0].value, &call.args[1].value) else { return None };
    let (text, help) = (text.to_string(), help.to_string());
    cx.reject(errors::ARGUMENT_VALUE, call.loc, text, help)
}
