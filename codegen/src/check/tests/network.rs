//! A whole network: EfficientNet-Lite0.

use super::{checked, graph};
use crate::check::ParamKind;
use crate::graph::Op;
use crate::ops::MapOp;

const SOURCE: &str = include_str!("../../../tests/data/efficientnet_lite0.nd");
/// The keys of the file of weights, each with its dtype and shape.
const KEYS: &str = include_str!("../../../tests/data/efficientnet_lite0.keys");

#[test]
fn the_leaves_are_the_keys_of_the_weights() {
    let (checked, _) = checked(SOURCE);
    let [function] = checked.functions.as_slice() else { panic!("one function") };
    let graph = function.graph.as_ref().expect("no error");
    let ParamKind::Struct { leaves, .. } = &function.params[1].kind else { panic!("a struct") };
    let mut names: Vec<String> = graph.params[leaves.clone()]
        .iter()
        .map(|p| format!("{} {}", p.name.strip_prefix("net.").unwrap_or("?"), p.ty))
        .collect();
    names.sort();
    let mut keys: Vec<&str> = KEYS.lines().collect();
    keys.sort_unstable();
    assert_eq!(names, keys);
}

#[test]
fn its_convolutions_become_dots_and_sums() {
    let g = graph(SOURCE);
    let count = |want: fn(&Op) -> bool| g.nodes.iter().filter(|n| want(&n.op)).count();
    // The stem, 15 expansions, 16 projections, the head, and the linear layer.
    assert_eq!(count(|op| matches!(op, Op::Dot { .. })), 1 + 15 + 16 + 1 + 1);
    // 16 depthwise convolutions and the mean.
    assert_eq!(count(|op| matches!(op, Op::Reduce { .. })), 17);
    // Two axes of the stem and of each depthwise one; the others are 1x1.
    assert_eq!(count(|op| matches!(op, Op::Window { .. })), 34);
    // 33 of the layers end in relu6, which is two choices.
    assert_eq!(count(|op| *op == Op::Map(MapOp::named("where"))), 2 * 33);
    // All sizes are known but the batch's, which may be zero.
    assert_eq!(g.requires, []);
}
