//! Rules on elementwise operations; [`super::simplify::RULES`] says what each is.

use super::fold::{fill_like, known};
use crate::dtype::DType;
use crate::graph::{Graph, NodeId, Op};
use crate::ops::{Literal, MapOp};

/// The operation's name and operands, if the node is elementwise.
fn map(graph: &Graph, id: NodeId) -> Option<(&'static str, Vec<NodeId>)> {
    let node = graph.node(id);
    match node.op {
        Op::Map(op) => Some((op.name(), node.args.clone())),
        _ => None,
    }
}

/// The operands, if the node is this elementwise operation.
fn args_of(graph: &Graph, id: NodeId, name: &str) -> Option<Vec<NodeId>> {
    map(graph, id).filter(|(found, _)| *found == name).map(|(_, args)| args)
}

fn apply(graph: &mut Graph, name: &str, args: &[NodeId]) -> Option<NodeId> {
    Some(graph.map(MapOp::named(name), args))
}

pub fn identity(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let node = graph.node(id);
    match node.op {
        Op::Map(op) if op.is_identity() => Some(node.args[0]),
        _ => None,
    }
}

pub fn commute(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    const COMMUTE: &[&str] = &["add", "mul", "eq", "ne", "bitwise_and", "bitwise_or", "bitwise_xor"];
    let (name, args) = map(graph, id)?;
    let key = |arg: NodeId| (known(graph, arg).is_some(), arg);
    match args[..] {
        [a, b] if COMMUTE.contains(&name) && key(a) > key(b) => apply(graph, name, &[b, a]),
        _ => None,
    }
}

pub fn neutral(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (name, args) = map(graph, id)?;
    let [x, by] = args[..] else { return None };
    let dtype = graph.ty(x).dtype;
    // `x + 0` is not `x` where `x` is -0, but `x + -0` is.
    let number = match (name, dtype.is_float()) {
        ("mul" | "div", _) | ("floor_divide", false) => Literal::Int(1).cast(dtype),
        ("add", true) => Literal::float(-0.0),
        ("add" | "left_shift" | "right_shift", false) | ("sub", _) => Literal::Int(0).cast(dtype),
        ("bitwise_or" | "bitwise_xor", _) => Literal::Int(0).cast(dtype),
        ("bitwise_and", _) => Literal::Int(-1).cast(dtype),
        _ => return None,
    };
    (known(graph, by)? == number).then_some(x)
}

pub fn absorb(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (name, args) = map(graph, id)?;
    let [_, by] = args[..] else { return None };
    let dtype = graph.ty(by).dtype;
    let number = match name {
        "mul" | "bitwise_and" if !dtype.is_float() => Literal::Int(0),
        "bitwise_or" => Literal::Int(-1),
        _ => return None,
    };
    (known(graph, by)? == number.cast(dtype)).then_some(by)
}

pub fn twins(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (name, args) = map(graph, id)?;
    let [a, b] = args[..] else { return None };
    if a != b {
        return None;
    }
    let dtype = graph.ty(id).dtype;
    match (name, graph.ty(a).dtype.is_float()) {
        ("maximum" | "minimum" | "fmax" | "fmin" | "bitwise_and" | "bitwise_or", _) => Some(a),
        ("sub" | "bitwise_xor", false) => Some(fill_like(graph, id, Literal::Int(0), dtype)),
        ("eq" | "le" | "ge", false) => Some(fill_like(graph, id, Literal::Bool(true), dtype)),
        ("ne" | "lt" | "gt", false) => Some(fill_like(graph, id, Literal::Bool(false), dtype)),
        _ => None,
    }
}

pub fn signs(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let (name, args) = map(graph, id)?;
    let negated = |arg: NodeId| args_of(graph, arg, "neg").map(|inner| inner[0]);
    match (name, args[..].to_vec().as_slice()) {
        ("neg", &[x]) => negated(x),
        ("bitwise_not", &[x]) => args_of(graph, x, "bitwise_not").map(|inner| inner[0]),
        ("abs", &[x]) => {
            let inner = negated(x)?;
            apply(graph, "abs", &[inner])
        }
        ("add", &[a, b]) => match (negated(a), negated(b)) {
            (_, Some(b)) => apply(graph, "sub", &[a, b]),
            (Some(a), None) => apply(graph, "sub", &[b, a]),
            (None, None) => None,
        },
        ("sub", &[a, b]) => {
            let b = negated(b)?;
            apply(graph, "add", &[a, b])
        }
        ("mul" | "div", &[a, b]) => {
            let (a, b) = negated(a).zip(negated(b))?;
            apply(graph, name, &[a, b])
        }
        _ => None,
    }
}

pub fn select(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let args = args_of(graph, id, "where")?;
    let [c, a, b] = args[..] else { return None };
    if a == b {
        return Some(a);
    }
    if let Some(Literal::Bool(c)) = known(graph, c) {
        return Some(if c { a } else { b });
    }
    if let Some(inner) = args_of(graph, c, "bitwise_not") {
        return apply(graph, "where", &[inner[0], b, a]);
    }
    match (known(graph, a), known(graph, b)) {
        (Some(Literal::Bool(true)), Some(Literal::Bool(false))) => Some(c),
        (Some(Literal::Bool(false)), Some(Literal::Bool(true))) => apply(graph, "bitwise_not", &[c]),
        _ => None,
    }
}

pub fn halve(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let args = args_of(graph, id, "div")?;
    let dtype = graph.ty(id).dtype;
    let by = known(graph, args[1])?.as_f64();
    let inverse = 1.0 / by;
    let power_of_two = |x: f64| x.is_normal() && x.to_bits() << 12 == 0;
    let normal = dtype == DType::F64 || (inverse as f32).is_normal();
    if !power_of_two(by) || !power_of_two(inverse) || !normal {
        return None;
    }
    let inverse = fill_like(graph, id, Literal::float(inverse), dtype);
    apply(graph, "mul", &[args[0], inverse])
}

pub fn power(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let args = args_of(graph, id, "power")?;
    let dtype = graph.ty(id).dtype;
    let exponent = known(graph, args[1])?.as_f64();
    if exponent == 0.0 {
        Some(fill_like(graph, id, Literal::Int(1), dtype))
    } else if exponent == 1.0 {
        Some(args[0])
    } else if exponent == 2.0 {
        apply(graph, "mul", &[args[0], args[0]])
    } else if exponent == -1.0 && dtype.is_float() {
        let one = fill_like(graph, id, Literal::Int(1), dtype);
        apply(graph, "div", &[one, args[0]])
    } else {
        None
    }
}

pub fn recast(graph: &mut Graph, id: NodeId) -> Option<NodeId> {
    let of_cast = |id: NodeId| matches!(graph.node(id).op, Op::Cast).then(|| graph.node(id).args[0]);
    let middle = of_cast(id)?;
    let x = of_cast(middle)?;
    let (from, via, to) = (graph.ty(x).dtype, graph.ty(middle).dtype, graph.ty(id).dtype);
    // A float saturates where an integer wraps.
    let same_way = !(via.is_float() && to.is_int() && !from.is_float()) || to.holds(from);
    // There and back rounds a value that was not in memory.
    let rounds = to == from && to.is_stored_only();
    (via.holds(from) && same_way && !rounds).then(|| graph.cast(x, to))
}
