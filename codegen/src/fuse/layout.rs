//! The memory order of intermediate arrays.
//!
//! In: a graph. Out: for each node the order its axes have if it is written to
//! memory. Always: parameters and results keep C order; a choice here changes
//! speed, never values.
//!
//! An image network reads its rank-4 arrays through windows over the two
//! spatial axes. With the channels innermost a window is a whole row of
//! channels, and the border is the same for all of them; so in such a graph
//! rank-4 temporaries are channels-last. A product of rows with one axis of
//! columns has its channels last as it is.

use crate::graph::{Graph, NodeId, Op};

/// The order of each node's axes, outermost first.
pub fn orders(graph: &Graph) -> Vec<Vec<usize>> {
    let spatial = graph.ids().any(|id| is_spatial_window(graph, id));
    let order = |id: NodeId| {
        let rank = graph.ty(id).rank();
        let param = matches!(graph.node(id).op, Op::Param(_));
        let fixed = param || has_one_column(graph, id) || graph.outputs.contains(&id);
        match (spatial && !fixed, rank) {
            (true, 4) => vec![0, 2, 3, 1],
            _ => (0..rank).collect(),
        }
    };
    graph.ids().map(order).collect()
}

/// Whether it is a product whose columns are one axis, the last.
fn has_one_column(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let Op::Dot { batch, contract } = &node.op else { return false };
    graph.ty(node.args[1]).rank() == batch.len() + contract.len() + 1
}

fn is_spatial_window(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    matches!(node.op, Op::Window { axis: 2 | 3, .. }) && graph.ty(node.args[0]).rank() >= 4
}
