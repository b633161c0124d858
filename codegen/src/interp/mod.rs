//! The oracle: a graph evaluated node by node, unfused, in the plainest way.
//!
//! In: a graph, the sizes of its symbols, the parameters' values. Out: the
//! outputs' values, or which node cannot be computed and why. Always: floats
//! are computed in `f64`, integers wrap to their dtype's width, every value is
//! in C order; nothing here is shared with the compiler's way to code but the
//! rows of [`crate::ops`]. Next: [`eval`], one operation; [`value`].

pub mod eval;
pub mod program;
pub mod value;

pub use value::{Data, Value};

use crate::graph::{Graph, Relation};
use crate::shape::{Dim, Sym};
use std::collections::BTreeMap;

/// The values of the symbols.
pub type Sizes = BTreeMap<Sym, i64>;

/// How the values of float nodes are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Precision {
    /// As the `f64` they were computed in.
    Exact,
    /// Rounded after each node to the dtype that kernels compute in; by a cast
    /// to the dtype itself.
    Rounded,
}

/// The outputs, with every float in `f64`.
pub fn run(graph: &Graph, sizes: &Sizes, params: &[Value]) -> Result<Vec<Value>, String> {
    run_with(Precision::Exact, graph, sizes, params)
}

/// The outputs, in the given precision.
pub fn run_with(precision: Precision, graph: &Graph, sizes: &Sizes, params: &[Value]) -> Result<Vec<Value>, String> {
    if let Some(id) = graph.outputs.iter().find(|id| id.0 as usize >= graph.nodes.len()) {
        return Err(format!("the output {id} is no node"));
    }
    let values = trace(precision, graph, sizes, params)?;
    Ok(graph.outputs.iter().filter_map(|id| values[id.0 as usize].clone()).collect())
}

/// The value of every node that an output depends on.
pub fn trace(
    precision: Precision,
    graph: &Graph,
    sizes: &Sizes,
    params: &[Value],
) -> Result<Vec<Option<Value>>, String> {
    check_params(graph, sizes, params)?;
    check_requires(graph, sizes)?;
    let live = graph.live();
    let mut values: Vec<Option<Value>> = Vec::with_capacity(graph.nodes.len());
    for id in graph.ids() {
        let value = match live[id.0 as usize] {
            true => {
                let args: Vec<&Value> =
                    graph.node(id).args.iter().filter_map(|a| values.get(a.0 as usize)?.as_ref()).collect();
                let value = eval::eval(precision, graph.node(id), &args, sizes, params);
                Some(value.map_err(|why| format!("`{}`: {id}: {why}", graph.name))?)
            }
            false => None,
        };
        values.push(value);
    }
    Ok(values)
}

/// The value of a dimension.
pub fn size(dim: &Dim, sizes: &Sizes) -> Result<i64, String> {
    dim.eval(&|name: &str| sizes.get(name).copied()).ok_or_else(|| format!("`{dim}` has no value"))
}

/// The sizes of a shape; an error where one is negative or there are more
/// elements than [`value::MOST`].
pub fn sizes_of(shape: &[Dim], sizes: &Sizes) -> Result<Vec<usize>, String> {
    let out = shape.iter().map(|dim| {
        let n = size(dim, sizes)?;
        usize::try_from(n).map_err(|_| format!("`{dim}` is {n}"))
    });
    let out: Vec<usize> = out.collect::<Result<_, _>>()?;
    value::count(&out)?;
    Ok(out)
}

fn check_params(graph: &Graph, sizes: &Sizes, params: &[Value]) -> Result<(), String> {
    if params.len() != graph.params.len() {
        return Err(format!("{} values for {} parameters", params.len(), graph.params.len()));
    }
    for (param, value) in graph.params.iter().zip(params) {
        let want = sizes_of(&param.ty.shape, sizes)?;
        if value.shape != want || !value.data.fits(param.ty.dtype) || value.data.len() != value::count(&want)? {
            return Err(format!("`{}` is `{}`; its value is {value:?}", param.name, param.ty));
        }
    }
    Ok(())
}

fn check_requires(graph: &Graph, sizes: &Sizes) -> Result<(), String> {
    for require in &graph.requires {
        let (left, right) = (size(&require.left, sizes)?, size(&require.right, sizes)?);
        let holds = match require.relation {
            Relation::Eq => left == right,
            Relation::Le => left <= right,
            Relation::Lt => left < right,
        };
        if !holds {
            return Err(format!("{}: {left} {} {right} is false", require.why, require.relation.sign()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
