//! The derivatives that stand beside a function: `f::vjp`, `f::grad`, `f::jvp`.
//!
//! In: a function that Rust can call, and its graph. Out: a graph that computes
//! the function's results and, from more parameters, its derivatives. Always:
//! the parameters of the function come first, then the cotangents or tangents;
//! its results come first, then the derivatives, in the order of what they are
//! of. Next: [`crate::grad`].

use crate::check::{Function, ParamKind};
use crate::grad;
use crate::graph::{Graph, NodeId, Op};
use std::ops::Range;

/// A graph with derivatives.
#[derive(Clone, Debug)]
pub struct Derivative {
    pub graph: Graph,
    /// The parameters of the function that it is by, by their number.
    pub by: Vec<usize>,
    /// The arrays of these parameters, among those of the graph.
    pub wrt: Vec<usize>,
    /// The arrays of the results that have a cotangent or a tangent.
    pub results: Vec<usize>,
}

/// The arrays of each parameter, among those of the graph.
pub fn leaves(function: &Function) -> Vec<Range<usize>> {
    let mut next = 0;
    let ranges = function.params.iter().map(|p| {
        let range = match &p.kind {
            ParamKind::Struct { leaves, .. } => leaves.clone(),
            ParamKind::Array(_) | ParamKind::Scalar(_) | ParamKind::Error => next..next + 1,
        };
        next = range.end;
        range
    });
    ranges.collect()
}

/// A name that no parameter has.
pub fn fresh(function: &Function, name: &str) -> String {
    let mut name = name.to_string();
    while function.params.iter().any(|p| p.name == name.as_str()) {
        name.push('_');
    }
    name
}

/// The results of floats: those that have a cotangent.
pub fn float_results(function: &Function) -> Vec<usize> {
    let float = |k: &usize| function.results[*k].leaves().iter().all(|ty| ty.dtype.is_float());
    (0..function.results.len()).filter(float).collect()
}

/// What there is to derive; `None` where nothing is of floats.
fn start(function: &Function, graph: &Graph) -> Option<Derivative> {
    let ranges = leaves(function);
    let float = |k: usize| ranges[k].clone().any(|leaf| graph.params[leaf].ty.dtype.is_float());
    let meant = |k: &usize| function.wrt.as_ref().is_none_or(|wrt| wrt.contains(k)) && float(*k);
    let by: Vec<usize> = (0..function.params.len()).filter(meant).collect();
    let wrt: Vec<usize> = by.iter().flat_map(|&k| ranges[k].clone()).collect();
    let floats = float_results(function);
    let mut next = 0;
    let mut results = Vec::new();
    for (k, answer) in function.results.iter().enumerate() {
        let arrays = next..next + answer.leaves().len();
        next = arrays.end;
        if floats.contains(&k) {
            results.extend(arrays);
        }
    }
    (!wrt.is_empty() && !results.is_empty()).then(|| Derivative { graph: graph.clone(), by, wrt, results })
}

fn param(graph: &Graph, number: usize) -> NodeId {
    let found = graph.ids().find(|&id| graph.node(id).op == Op::Param(number));
    found.expect("the checker declares every parameter")
}

fn or_zeros(graph: &mut Graph, like: NodeId, derivative: Option<NodeId>) -> NodeId {
    derivative.unwrap_or_else(|| graph.zeros_like(like))
}

/// The vector-Jacobian product: a cotangent for each result of floats.
pub fn vjp(function: &Function, graph: &Graph) -> Option<Derivative> {
    let mut out = start(function, graph)?;
    let g = &mut out.graph;
    g.name = format!("{}_vjp", graph.name);
    let seeds: Vec<(NodeId, NodeId)> = (out.results.iter())
        .map(|&k| {
            let result = graph.outputs[k];
            let name = format!("cotangent of result {k}");
            (result, g.param(name, graph.ty(result).clone(), false))
        })
        .collect();
    let wrt: Vec<NodeId> = out.wrt.iter().map(|&k| param(graph, k)).collect();
    let by: Vec<NodeId> = wrt.iter().copied().filter(|&id| graph.ty(id).dtype.is_float()).collect();
    let found = grad::vjp(g, &seeds, &by);
    for id in wrt {
        let derivative = by.iter().position(|&b| b == id).and_then(|k| found[k]);
        let derivative = or_zeros(g, id, derivative);
        g.outputs.push(derivative);
    }
    Some(out)
}

/// The Jacobian-vector product: a tangent for each parameter that it is by.
pub fn jvp(function: &Function, graph: &Graph) -> Option<Derivative> {
    let mut out = start(function, graph)?;
    let g = &mut out.graph;
    g.name = format!("{}_jvp", graph.name);
    let mut seeds = Vec::new();
    for &k in &out.wrt {
        let (id, name) = (param(graph, k), format!("tangent of {}", graph.params[k].name));
        let tangent = g.param(name, graph.ty(id).clone(), false);
        if graph.ty(id).dtype.is_float() {
            seeds.push((id, tangent));
        }
    }
    let of: Vec<NodeId> = out.results.iter().map(|&k| graph.outputs[k]).collect();
    let found = grad::jvp(g, &seeds, &of);
    for (id, derivative) in of.into_iter().zip(found) {
        let derivative = or_zeros(g, id, derivative);
        g.outputs.push(derivative);
    }
    Some(out)
}
