//! The invariants of a graph.
//!
//! In: any graph. Out: nothing, or the first node that breaks an invariant and
//! how. Always: what the checker and every pass return is accepted here; debug
//! builds ask after each pass ([`crate::passes`]).
//!
//! - a node's operands come before it, and no node stands twice;
//! - a node's type is what [`infer`] says;
//! - a [`Op::Param`] has a number and the type of that parameter;
//! - outputs are nodes;
//! - every name in a dimension is a declared symbol, declared once;
//! - parameters' names differ, and one that is passed by value is 0-d.

use super::infer::infer;
use super::{Graph, Node, NodeId, Op, Type};
use crate::shape::Dim;

/// Checks every invariant.
pub fn verify(graph: &Graph) -> Result<(), String> {
    signature(graph).map_err(|why| format!("`{}`: {why}", graph.name))?;
    for id in graph.ids() {
        node(graph, id).map_err(|why| format!("`{}`: {id}: {why}", graph.name))?;
    }
    if graph.index.len() != graph.nodes.len() {
        return Err(format!("`{}`: a node stands twice", graph.name));
    }
    match graph.outputs.iter().find(|out| out.0 as usize >= graph.nodes.len()) {
        Some(out) => Err(format!("`{}`: the output {out} is no node", graph.name)),
        None => Ok(()),
    }
}

fn signature(graph: &Graph) -> Result<(), String> {
    for (i, symbol) in graph.symbols.iter().enumerate() {
        if graph.symbols[..i].contains(symbol) {
            return Err(format!("the symbol `{symbol}` is declared twice"));
        }
    }
    for (i, param) in graph.params.iter().enumerate() {
        if graph.params[..i].iter().any(|p| p.name == param.name) {
            return Err(format!("the parameter `{}` is declared twice", param.name));
        }
        if param.scalar && param.ty.rank() != 0 {
            return Err(format!("the parameter `{}` is passed by value, but is no scalar", param.name));
        }
        declared(graph, &param.ty.shape)?;
    }
    graph.requires.iter().try_for_each(|r| declared(graph, [&r.left, &r.right]))
}

fn node(graph: &Graph, id: NodeId) -> Result<(), String> {
    let Node { op, args, ty } = graph.node(id);
    if let Some(late) = args.iter().find(|&&arg| arg >= id) {
        return Err(format!("its operand {late} does not come before it"));
    }
    if let Op::Param(number) = op {
        match graph.params.get(*number) {
            None => return Err(format!("there is no parameter {number}")),
            Some(param) if param.ty != *ty => return Err(format!("`{ty}`, but `{}` is `{}`", param.name, param.ty)),
            Some(_) => {}
        }
    }
    let types: Vec<&Type> = args.iter().map(|&a| graph.ty(a)).collect();
    let found = infer(op, &types, ty)?;
    if found != *ty {
        return Err(format!("its type is `{found}`, not `{ty}`"));
    }
    declared(graph, ty.shape.iter().chain(dims(op)))
}

/// The dimensions an operation holds.
pub fn dims(op: &Op) -> &[Dim] {
    match op {
        Op::Size(dim) => std::slice::from_ref(dim),
        Op::Slice { start, .. } => start,
        Op::Pad { before } => before,
        Op::Param(_) | Op::Const(_) | Op::Iota(_) | Op::Map(_) | Op::Cast => &[],
        Op::Broadcast(_) | Op::Permute(_) | Op::Reshape | Op::Window { .. } | Op::Mark(..) => &[],
        Op::Reduce { .. } | Op::Dot { .. } | Op::Gather { .. } | Op::Scatter { .. } => &[],
    }
}

fn declared<'a>(graph: &Graph, dims: impl IntoIterator<Item = &'a Dim>) -> Result<(), String> {
    for dim in dims {
        if let Some(name) = dim.symbols().into_iter().find(|s| !graph.symbols.contains(s)) {
            return Err(format!("the symbol `{name}` is not declared"));
        }
        if dim.as_const().is_none() && dim.symbols().is_empty() {
            return Err(format!("the size `{dim}` is a constant that is not folded"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::graph::parse::parse;
    use crate::ops::Literal;
    use crate::testing::random_graph;

    fn why(text: &str) -> String {
        let graph = parse(text).unwrap_or_else(|why| panic!("{why}"));
        verify(&graph).expect_err(text)
    }

    /// A function of `x: f32[B, C]`, `y: f32[3, 4]`, `k: i32[C]`, `m: bool[B, C]`
    /// and the scalar `s: f32`, with one more node.
    fn with(node: &str) -> String {
        why(&format!(
            "fn f<B, C>(x: f32[B, C], y: f32[3, 4], k: i32[C], m: bool[B, C], s: f32)
               %0 = param x : f32[B, C]
               %1 = param y : f32[3, 4]
               %2 = param k : i32[C]
               %3 = param m : bool[B, C]
               %4 = param s : f32[]
               %5 = {node}
               return %5"
        ))
    }

    #[test]
    fn a_wrong_node_is_found() {
        for (node, want) in [
            ("add(%0, %6) : f32[B, C]", "operand %6 does not come before"),
            ("param #7 : f32[B]", "no parameter 7"),
            ("param k : i32[B]", "`k` is `i32[C]`"),
            ("param k : i64[C]", "`k` is `i32[C]`"),
            ("add(%0) : f32[B, C]", "1 operands where 2"),
            ("add(%0, %1) : f32[B, C]", "operands of the shapes"),
            ("add(%0, %3) : f32[B, C]", "does not take"),
            ("neg(%3) : bool[B, C]", "does not take"),
            ("neg(%0) : f64[B, C]", "its type is `f32[B, C]`"),
            ("neg(%0) : f32[C, B]", "its type is `f32[B, C]`"),
            ("cast(%0) : i32[B]", "its type is `i32[B, C]`"),
            ("const 300 : u8[]", "is not a value of u8"),
            ("const 1.0 : f32[B]", "not 0-d"),
            ("size B : i32[]", "its type is `i64[]`"),
            ("size D : i64[]", "`D` is not declared"),
            ("iota axis=2 : i64[B, C]", "axis 2 of 2"),
            ("iota axis=0 : f32[B]", "its type is `i64[B]`"),
            ("iota axis=0 : i64[D]", "`D` is not declared"),
            ("broadcast(%0) axes=[1, 0] : f32[B, C]", "do not ascend"),
            ("broadcast(%0) axes=[0, 2] : f32[B, C]", "axis 2 of 2"),
            ("broadcast(%0) axes=[0] : f32[B, C]", "1 axes for an operand of rank 2"),
            ("broadcast(%0) axes=[0, 1] : f32[B, B]", "cannot be stretched"),
            ("broadcast(%2) axes=[0] : f32[C]", "its type is `i32[C]`"),
            ("permute(%0) perm=[0, 0] : f32[B, B]", "no permutation"),
            ("permute(%0) perm=[1, 0] : f32[B, C]", "its type is `f32[C, B]`"),
            ("reshape(%1) : f32[11]", "12 elements do not fill"),
            ("slice(%1) start=[0] step=[1] : f32[3]", "not 2 in number"),
            ("slice(%1) start=[0, 0] step=[1, 0] : f32[3, 4]", "a step of zero at axis 1"),
            ("slice(%1) start=[0, 2] step=[1, 1] : f32[3, 3]", "axis 1 is read from 2 to 4"),
            ("slice(%1) start=[0, 1] step=[1, -1] : f32[3, 3]", "axis 1 is read from 1 to -1"),
            ("slice(%1) start=[0, 0] step=[1, 1] : f32[3, -1]", "a negative size"),
            ("slice(%0) start=[0, D] step=[1, 1] : f32[B, C]", "`D` is not declared"),
            ("pad(%1, %4) before=[0] : f32[3, 4]", "not 2 in number"),
            ("pad(%1, %2) before=[0, 0] : f32[3, 4]", "a fill of the type"),
            ("pad(%1, %4) before=[-1, 0] : f32[3, 4]", "a negative pad at axis 0"),
            ("pad(%1, %4) before=[0, 2] : f32[3, 5]", "a negative pad at axis 1"),
            ("window(%1) axis=2 stride=1 dilation=1 : f32[3, 4, 1]", "axis 2 of 2"),
            ("window(%1) axis=1 stride=0 dilation=1 : f32[3, 4, 1]", "must be positive"),
            ("window(%1) axis=1 stride=2 dilation=1 : f32[3, 2, 3]", "axis 1 is read from 0 to 4"),
            ("window(%1) axis=1 stride=1 dilation=2 : f32[3, 2, 3]", "axis 1 is read from 0 to 5"),
            ("window(%1) axis=1 stride=1 dilation=1 : f32[2, 2, 3]", "windows of the type"),
            ("sum(%0) axes=[1, 0] : f32[]", "do not ascend"),
            ("sum(%0) axes=[1, 1] : f32[B]", "do not ascend"),
            ("sum(%0) axes=[2] : f32[B, C]", "axis 2 of 2"),
            ("sum(%0) axes=[] : f32[B, C]", "over no axis"),
            ("sum(%3) axes=[0] : bool[C]", "does not take"),
            ("sum(%0) axes=[0] : f32[B]", "its type is `f32[C]`"),
            ("argmax(%0) axes=[0, 1] : i64[]", "more than one axis"),
            ("argmax(%0) axes=[0] : f32[C]", "its type is `i64[C]`"),
            ("gather(%0, %2) axis=0 batch=0 : f32[C, C]", "indices of i32"),
            ("gather(%0, %2) axis=2 batch=0 : f32[B, C]", "axis 2 of 2"),
            ("scatter(%3, %2) axis=0 batch=0 : bool[B, C]", "a sum of bool"),
            ("scatter(%0, %2) axis=0 batch=0 : f32[B, C]", "indices of i32"),
            ("dot(%0, %1) batch=[] contract=[(1, 0)] : f32[B, 4]", "axis 1 is C on the left"),
            ("dot(%0, %0) batch=[] contract=[(2, 0)] : f32[B, C]", "axis 2 of 2"),
            ("dot(%0, %0) batch=[(0, 0)] contract=[(0, 1)] : f32[B, C]", "named twice"),
            ("dot(%0, %2) batch=[] contract=[(1, 0)] : f32[B]", "a product of f32 and i32"),
            ("dot(%3, %3) batch=[] contract=[(1, 1)] : bool[B, B]", "a product of bool"),
            ("dot(%0, %0) batch=[(0, 0)] contract=[(1, 1)] : f32[]", "its type is `f32[B]`"),
        ] {
            let error = with(node);
            assert!(error.contains(want) && error.starts_with("`f`: %5: "), "{node}: {error}");
        }
    }

    #[test]
    fn a_wrong_signature_is_found() {
        for (text, want) in [
            ("fn f<B, B>()", "`B` is declared twice"),
            ("fn f<B>(x: f32[B], x: f32[B])", "`x` is declared twice"),
            ("fn f<B>(x: f32[C])", "`C` is not declared"),
            ("fn f<B>()\n require B == C because \"\"", "`C` is not declared"),
            ("fn f(s: f32)\n %0 = param s : f32[]\n return %0, %1", "the output %1 is no node"),
        ] {
            let error = why(text);
            assert!(error.contains(want), "{text}: {error}");
        }
        let mut graph = parse("fn f(s: f32)").unwrap();
        graph.params[0].ty.shape.push(Dim::one());
        assert!(verify(&graph).unwrap_err().contains("passed by value"));
    }

    #[test]
    fn a_literal_of_another_dtype_is_found() {
        let mut graph = Graph::new("f");
        graph.add(Op::Const(Literal::float(0.1)), Vec::new(), Type::scalar(DType::F32));
        assert!(verify(&graph).unwrap_err().contains("is not a value of f32"));
    }

    #[test]
    fn a_node_that_stands_twice_is_found() {
        let mut graph = parse("fn f(s: f32)\n %0 = param s : f32[]\n %1 = neg(%0) : f32[]").unwrap();
        graph.nodes.push(graph.nodes[1].clone());
        assert!(verify(&graph).unwrap_err().contains("stands twice"));
    }

    #[test]
    fn random_graphs_are_valid() {
        for seed in 0..300 {
            let graph = random_graph(seed).0;
            verify(&graph).unwrap_or_else(|why| panic!("{why}\n{graph}"));
        }
    }
}
