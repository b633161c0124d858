//! Simplification: local rewritings, until none applies.
//!
//! In: a graph. Out: a graph with the same values. Always: a rule looks at one
//! node and its operands and gives a node that replaces it; it is exact for
//! every bit of a float but the payload of a NaN, unless its line says
//! otherwise; none undoes another, so that the sweeps end.
//! Next: [`super::algebra`], [`super::views`], [`super::fold`].

use super::dce::dce;
use super::{algebra, fold, views};
use crate::graph::{Graph, NodeId};

/// One rewriting: a node that replaces the given one, if the rule applies.
pub struct Rule {
    pub name: &'static str,
    pub apply: fn(&mut Graph, NodeId) -> Option<NodeId>,
    pub doc: &'static str,
}

const fn rule(name: &'static str, apply: fn(&mut Graph, NodeId) -> Option<NodeId>, doc: &'static str) -> Rule {
    Rule { name, apply, doc }
}

/// The rules, in the order in which they are tried.
pub static RULES: &[Rule] = &[
    rule("fold", fold::fold, "an operation on constants is a constant"),
    rule("idle", views::idle, "a view or a cast that changes nothing is its operand"),
    rule("identity", algebra::identity, "what is its first argument but to differentiation is its first argument"),
    rule("commute", algebra::commute, "a + b is b + a: constants last, else the earlier node first"),
    rule("neutral", algebra::neutral, "x * 1, x / 1, x - 0, and on integers x + 0, x | 0, x << 0, are x"),
    rule("absorb", algebra::absorb, "on integers x * 0 and x & 0 are 0, and x | -1 is -1"),
    rule("twins", algebra::twins, "max(x, x) and x & x are x; on integers x - x is 0 and x == x is true"),
    rule("signs", algebra::signs, "-(-x) is x, a + -b is a - b, -a * -b is a * b"),
    rule("select", algebra::select, "where(c, a, a) is a; where(true, a, b) is a; where(~c, a, b) is where(c, b, a)"),
    rule("halve", algebra::halve, "x / 4 is x * 0.25: division by a power of two"),
    rule(
        "power",
        algebra::power,
        "x ** 2 is x * x, x ** 1 is x, x ** -1 is 1 / x, as in NumPy; the rounding is closer",
    ),
    rule("recast", algebra::recast, "a cast of a cast that loses nothing is one cast"),
    rule("uniform", views::uniform, "a view of an array of one number is an array of that number"),
    rule("compose", views::compose, "a view of a view of the same kind is one view"),
    rule("unit", views::unit, "a reshape that only adds axes of size 1 is a broadcast, and is lost on another reshape"),
    rule("turn", views::turn, "a permutation of a broadcast that keeps the operand's order is a broadcast"),
    rule("single", views::single, "an axis of which one element is taken is taken with step 1"),
    rule("index", views::index, "the index along an axis of size 1 is 0"),
    rule("narrow", views::narrow, "a reduction over an axis of size 1 does not reduce"),
    rule("hoist", views::hoist, "an operation on operands that are broadcast alike comes before the broadcast"),
    rule(
        "product",
        views::product,
        "a product reads a permuted operand in place, and its transpose is the product of b and a",
    ),
];

/// Applies the rules until none does. What a sweep leaves unread goes before
/// the next, which would otherwise rewrite it again.
pub fn simplify(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    while let Some(next) = sweep(&graph) {
        graph = dce(&next);
    }
    graph
}

/// Applies the rules to every node once, operands first; `None` if none applies.
fn sweep(graph: &Graph) -> Option<Graph> {
    let mut out = Graph::like(graph);
    let mut new: Vec<NodeId> = Vec::with_capacity(graph.nodes.len());
    let mut changed = false;
    for node in &graph.nodes {
        let args = node.args.iter().map(|a| new[a.0 as usize]).collect();
        let mut id = out.add(node.op.clone(), args, node.ty.clone());
        while let Some(next) = RULES.iter().find_map(|rule| (rule.apply)(&mut out, id)) {
            id = next;
            changed = true;
        }
        new.push(id);
    }
    out.outputs = graph.outputs.iter().map(|o| new[o.0 as usize]).collect();
    changed.then_some(out)
}
