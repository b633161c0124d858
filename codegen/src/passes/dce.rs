//! Dead code: nodes that no output depends on.
//!
//! In: a graph. Out: its parameters, all of them and first, then its live nodes
//! in their order.

use crate::graph::{Graph, NodeId, Op};

/// The graph without its dead nodes.
pub fn dce(graph: &Graph) -> Graph {
    let mut out = Graph::like(graph);
    for (number, param) in graph.params.iter().enumerate() {
        out.add(Op::Param(number), Vec::new(), param.ty.clone());
    }
    let live = graph.live();
    let mut new = vec![NodeId(0); graph.nodes.len()];
    for id in graph.ids().filter(|id| live[id.0 as usize]) {
        let node = graph.node(id);
        let args = node.args.iter().map(|a| new[a.0 as usize]).collect();
        new[id.0 as usize] = out.add(node.op.clone(), args, node.ty.clone());
    }
    out.outputs = graph.outputs.iter().map(|o| new[o.0 as usize]).collect();
    out
}
