//! One operation of the oracle.
//!
//! In: a node, its operands' values. Out: its value. Always: the meaning of an
//! elementwise operation or a reduction is its row's in [`crate::ops`]; a view
//! is a list of places in the operand.

use super::value::{Data, Value, count, each_index, strides};
use super::{Precision, Sizes, size, sizes_of};
use crate::dtype::DType;
use crate::graph::{Node, Op};
use crate::ops::{Answer, Literal, MapOp, Monoid, wrap};
use crate::shape::Dim;

/// The value of a node.
pub fn eval(
    precision: Precision,
    node: &Node,
    args: &[&Value],
    sizes: &Sizes,
    params: &[Value],
) -> Result<Value, String> {
    let shape = sizes_of(&node.ty.shape, sizes)?;
    let dtype = node.ty.dtype;
    let mut value = match (&node.op, args) {
        (Op::Param(number), []) => params.get(*number).cloned().ok_or("no such parameter")?,
        (Op::Const(literal), []) => Value::literals(shape, dtype, [*literal]),
        (Op::Size(dim), []) => Value::ints(&[], [i128::from(size(dim, sizes)?)]),
        (Op::Iota(axis), []) => {
            let mut out = Vec::new();
            each_index(&shape, |i| out.push(i[*axis] as i128));
            Value::ints(&shape, out)
        }
        (Op::Map(op), [first, ..]) => {
            let element = |at: usize| {
                let literals: Vec<Literal> = args.iter().map(|a| a.data.get(at)).collect();
                apply(*op, &literals, dtype)
            };
            collect(shape, dtype, (0..first.data.len()).map(element))
        }
        (Op::Cast, [x]) => collect(shape, dtype, (0..x.data.len()).map(|at| cast(x.data.get(at), dtype, precision))),
        (Op::Mark(..), [x]) => (*x).clone(),
        (Op::Reshape, [x]) => match count(&shape)? {
            n if n == x.data.len() => Value { shape, data: x.data.clone() },
            n => return Err(format!("{} elements do not fill {n}", x.data.len())),
        },
        (Op::Broadcast(_) | Op::Permute(_) | Op::Slice { .. } | Op::Pad { .. } | Op::Window { .. }, [x, fill @ ..]) => {
            view(&node.op, x, fill.first().copied(), shape, sizes)?
        }
        (Op::Reduce { monoid, axes }, [x]) => reduce(*monoid, axes, x, shape, dtype)?,
        (Op::Dot { batch, contract }, [a, b]) => dot(batch, contract, a, b, shape, dtype),
        (Op::Gather { axis, batch }, [x, indices]) => {
            let places = gather(*axis, *batch, &x.shape, indices, &shape)?;
            Value { shape, data: x.data.pick(&places) }
        }
        (Op::Scatter { axis, batch }, [updates, indices]) => {
            let places = gather(*axis, *batch, &shape, indices, &updates.shape)?;
            let mut sums = vec![Literal::Int(0).cast(dtype); count(&shape)?];
            for (at, &place) in places.iter().enumerate() {
                sums[place] = match (sums[place], updates.data.get(at)) {
                    (Literal::Int(a), Literal::Int(b)) => Literal::Int(wrap(a + b, dtype)),
                    (a, b) => Literal::float(a.as_f64() + b.as_f64()),
                };
            }
            collect(shape, dtype, sums.into_iter())
        }
        (op, args) => return Err(format!("{op:?} of {} operands", args.len())),
    };
    if let (Precision::Rounded, Data::Float(data)) = (precision, &mut value.data) {
        data.iter_mut().for_each(|x| *x = dtype.computed().round(*x));
    }
    Ok(value)
}

/// An elementwise operation on one element of each operand; `dtype` is the
/// result's. A float result is not rounded to it.
pub fn apply(op: MapOp, args: &[Literal], dtype: DType) -> Literal {
    let row = op.row();
    let ints: Option<Vec<i128>> = args.iter().map(|&a| as_int(a)).collect();
    match (ints, row.eval_int) {
        (Some(ints), Some(eval)) => match dtype {
            DType::Bool => Literal::Bool(eval(&ints) & 1 != 0),
            dtype => Literal::Int(wrap(eval(&ints), dtype)),
        },
        _ => {
            let floats: Vec<f64> = args.iter().map(|a| a.as_f64()).collect();
            match dtype {
                DType::Bool => Literal::Bool((row.eval)(&floats) != 0.0),
                _ => Literal::float((row.eval)(&floats)),
            }
        }
    }
}

/// A cast as Rust's `as`: integers wrap, floats saturate, and NaN is 0. To a dtype
/// of memory alone a float is rounded, and an integer when it is written.
pub fn cast(x: Literal, dtype: DType, precision: Precision) -> Literal {
    match (x, precision) {
        (Literal::Int(i), Precision::Rounded) if dtype.computed() == DType::F32 => Literal::float(f64::from(i as f32)),
        (Literal::Float(_), Precision::Rounded) if dtype.is_float() => x.stored(dtype),
        (x, Precision::Exact) if dtype.is_float() => x.cast(DType::F64),
        (x, _) => x.cast(dtype),
    }
}

fn as_int(x: Literal) -> Option<i128> {
    match x {
        Literal::Bool(b) => Some(i128::from(b)),
        Literal::Int(i) => Some(i),
        Literal::Float(_) => None,
    }
}

fn collect(shape: Vec<usize>, dtype: DType, elements: impl Iterator<Item = Literal>) -> Value {
    let mut data = Data::empty(dtype);
    elements.for_each(|e| data.push(e));
    Value { shape, data }
}

/// A view: for each index of the result, the operand's index, or the fill.
fn view(op: &Op, x: &Value, fill: Option<&Value>, shape: Vec<usize>, sizes: &Sizes) -> Result<Value, String> {
    let numbers = |dims: &[Dim]| dims.iter().map(|d| size(d, sizes)).collect::<Result<Vec<i64>, _>>();
    let offsets = match op {
        Op::Slice { start: dims, .. } | Op::Pad { before: dims } => numbers(dims)?,
        _ => Vec::new(),
    };
    let source = |i: &[usize]| -> Vec<i64> {
        let at = |k: usize| i[k] as i64;
        match op {
            Op::Broadcast(axes) => axes.iter().zip(&x.shape).map(|(&k, &n)| if n == 1 { 0 } else { at(k) }).collect(),
            Op::Permute(perm) => {
                let mut out = vec![0; perm.len()];
                perm.iter().enumerate().for_each(|(k, &p)| out[p] = at(k));
                out
            }
            Op::Slice { step, .. } => (0..i.len()).map(|k| offsets[k] + step[k] * at(k)).collect(),
            Op::Pad { .. } => (0..i.len()).map(|k| at(k) - offsets[k]).collect(),
            Op::Window { axis, stride, dilation } => {
                let mut out: Vec<i64> = (0..i.len() - 1).map(at).collect();
                out[*axis] = stride * at(*axis) + dilation * at(i.len() - 1);
                out
            }
            Op::Param(_) | Op::Const(_) | Op::Size(_) | Op::Iota(_) | Op::Map(_) | Op::Cast => Vec::new(),
            Op::Reshape | Op::Mark(..) | Op::Reduce { .. } | Op::Dot { .. } => Vec::new(),
            Op::Gather { .. } | Op::Scatter { .. } => Vec::new(),
        }
    };
    // The fill stands behind the operand's own elements.
    let mut data = x.data.clone();
    let outside = fill.map(|f| {
        data.push(f.data.get(0));
        x.data.len()
    });
    let steps = strides(&x.shape);
    let (mut places, mut bad) = (Vec::new(), None);
    each_index(&shape, |i| {
        let index = source(i);
        let inside = index.len() == x.shape.len() && index.iter().zip(&x.shape).all(|(&i, &n)| 0 <= i && i < n as i64);
        match outside {
            _ if inside => places.push(index.iter().zip(&steps).map(|(&i, &s)| i as usize * s).sum()),
            Some(place) => places.push(place),
            None => bad = Some(format!("index {index:?} lies outside the shape {:?}", x.shape)),
        }
    });
    match bad {
        Some(why) => Err(why),
        None => Ok(Value { shape, data: data.pick(&places) }),
    }
}

/// For each element of what a gather makes, of this shape, its place in an array of the shape `from`.
fn gather(axis: usize, batch: usize, from: &[usize], indices: &Value, shape: &[usize]) -> Result<Vec<usize>, String> {
    let (steps, index_steps) = (strides(from), strides(&indices.shape));
    let n = from[axis] as i128;
    let picked = |at: usize| match indices.data.get(at) {
        Literal::Int(i) if (-n..n).contains(&i) => Ok(i.rem_euclid(n) as usize),
        other => Err(format!("index {} is out of range for an axis of size {n}", other.as_f64())),
    };
    let picked: Vec<usize> = (0..indices.data.len()).map(picked).collect::<Result<_, _>>()?;
    let own = indices.shape.len() - batch;
    let mut places = Vec::new();
    each_index(shape, |i| {
        let index = i[..batch].iter().chain(&i[axis..axis + own]);
        let at: usize = index.zip(&index_steps).map(|(i, s)| i * s).sum();
        let rest = i[..axis].iter().chain([&picked[at]]).chain(&i[axis + own..]);
        places.push(rest.zip(&steps).map(|(i, s)| i * s).sum());
    });
    Ok(places)
}

fn reduce(monoid: Monoid, axes: &[usize], x: &Value, shape: Vec<usize>, dtype: DType) -> Result<Value, String> {
    let kept: Vec<usize> = (0..x.shape.len()).filter(|k| !axes.contains(k)).collect();
    let steps = strides(&shape);
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); count(&shape)?];
    let mut place = 0;
    each_index(&x.shape, |i| {
        let group: usize = kept.iter().zip(&steps).map(|(&k, &s)| i[k] * s).sum();
        groups[group].push(place);
        place += 1;
    });
    let row = monoid.row();
    if row.identity.is_none() && groups.iter().any(Vec::is_empty) {
        return Err(format!("`{}` of no elements", row.name));
    }
    let combine = |a: Literal, b: Literal| match (as_int(a), as_int(b)) {
        (Some(a), Some(b)) => match x.data {
            Data::Bool(_) => Literal::Bool((row.eval_int)(a, b) != 0),
            Data::Int(_) | Data::Float(_) => Literal::Int(wrap((row.eval_int)(a, b), dtype)),
        },
        _ => Literal::float((row.eval)(a.as_f64(), b.as_f64())),
    };
    let answer = |group: &Vec<usize>| match row.answer {
        Answer::Same => group.iter().fold(monoid.start(dtype), |a, &p| combine(a, x.data.get(p))),
        Answer::Index => {
            let better = |best: usize, new: usize| {
                let (a, b) = (x.data.get(group[best]), x.data.get(group[new]));
                let wins = match (as_int(a), as_int(b)) {
                    (Some(a), Some(b)) => (row.eval_int)(a, b) != a,
                    // The first NaN wins; without one, the first of equals.
                    _ => !a.as_f64().is_nan() && (row.eval)(a.as_f64(), b.as_f64()) != a.as_f64(),
                };
                if wins { new } else { best }
            };
            Literal::Int((0..group.len()).fold(0, better) as i128)
        }
    };
    let answers: Vec<Literal> = groups.iter().map(answer).collect();
    Ok(collect(shape, dtype, answers.into_iter()))
}

fn dot(
    batch: &[(usize, usize)],
    contract: &[(usize, usize)],
    a: &Value,
    b: &Value,
    shape: Vec<usize>,
    dtype: DType,
) -> Value {
    let pairs = || batch.iter().chain(contract);
    let rest = |rank: usize, used: Vec<usize>| (0..rank).filter(|k| !used.contains(k)).collect::<Vec<usize>>();
    let left = rest(a.shape.len(), pairs().map(|p| p.0).collect());
    let right = rest(b.shape.len(), pairs().map(|p| p.1).collect());
    let summed: Vec<usize> = contract.iter().map(|p| a.shape[p.0]).collect();
    let (a_steps, b_steps) = (strides(&a.shape), strides(&b.shape));
    let mut data = Data::empty(dtype);
    each_index(&shape, |i| {
        let (i_batch, i_rest) = i.split_at(batch.len());
        let (i_left, i_right) = i_rest.split_at(left.len());
        let mut a_at: usize = left.iter().zip(i_left).map(|(&k, &i)| i * a_steps[k]).sum();
        let mut b_at: usize = right.iter().zip(i_right).map(|(&k, &i)| i * b_steps[k]).sum();
        for (&(p, q), &i) in batch.iter().zip(i_batch) {
            a_at += i * a_steps[p];
            b_at += i * b_steps[q];
        }
        // A product that is no sum may be -0.
        let (mut float, mut int) = (if contract.is_empty() { -0.0 } else { 0.0 }, 0i128);
        each_index(&summed, |s| {
            let (mut p, mut q) = (a_at, b_at);
            for (&(x, y), &s) in contract.iter().zip(s) {
                p += s * a_steps[x];
                q += s * b_steps[y];
            }
            let (x, y) = (a.data.get(p), b.data.get(q));
            match (as_int(x), as_int(y)) {
                (Some(x), Some(y)) => int = wrap(int + wrap(x.wrapping_mul(y), dtype), dtype),
                _ => float += x.as_f64() * y.as_f64(),
            }
        });
        data.push(if dtype.is_float() { Literal::float(float) } else { Literal::Int(int) });
    });
    Value { shape, data }
}
