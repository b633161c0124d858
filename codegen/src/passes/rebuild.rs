//! A graph copied node by node, with some nodes replaced on the way.

use crate::graph::{Graph, Node, NodeId, Op};

/// Copies `graph`; where `replace` answers a node of the copy for a node and
/// its operands in the copy, that one stands in its place. Parameters come first.
pub fn rebuild(graph: &Graph, replace: impl Fn(&mut Graph, &Node, &[NodeId]) -> Option<NodeId>) -> Graph {
    let mut out = Graph::like(graph);
    for (number, param) in graph.params.iter().enumerate() {
        out.add(Op::Param(number), Vec::new(), param.ty.clone());
    }
    let mut new: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let args: Vec<NodeId> = node.args.iter().map(|a| new[a.0 as usize]).collect();
        let id = replace(&mut out, node, &args);
        new.push(id.unwrap_or_else(|| out.add(node.op.clone(), args, node.ty.clone())));
    }
    out.outputs = graph.outputs.iter().map(|o| new[o.0 as usize]).collect();
    out
}
