//! The passes over the graph, in one readable list.
//!
//! In: a valid graph. Out: a valid graph that computes the same values:
//! [`simplify`] keeps every bit (its rules say where a rounding may be closer),
//! [`split`] may order a sum anew. Always: a pass is a pure function; equal
//! nodes are one node already, since a [`Graph`] is hash-consed, so there is no
//! pass for that; the verifier runs after each pass in the tests of this crate.
//! Next: [`simplify`], [`dce`].

pub mod algebra;
pub mod dce;
pub mod fold;
pub mod masks;
pub mod products;
pub mod rebuild;
pub mod simplify;
pub mod sink;
pub mod split;
pub mod views;

use crate::graph::Graph;
use crate::graph::verify::verify;

/// A rewriting of the whole graph.
pub struct Pass {
    pub name: &'static str,
    pub run: fn(&Graph) -> Graph,
}

/// What runs between the checker and the fuser, in this order.
pub static PIPELINE: &[Pass] = &[
    Pass { name: "dce", run: dce::dce },
    Pass { name: "simplify", run: simplify::simplify },
    Pass { name: "masks", run: masks::masks },
    Pass { name: "products", run: products::products },
    Pass { name: "sink", run: sink::sink },
    Pass { name: "split", run: split::split },
    Pass { name: "simplify again", run: simplify::simplify },
];

/// Runs every pass of [`PIPELINE`].
pub fn run(graph: &Graph) -> Graph {
    PIPELINE.iter().fold(graph.clone(), |graph, pass| {
        let out = (pass.run)(&graph);
        if cfg!(test)
            && let Err(why) = verify(&out)
        {
            panic!("after {}: {why}\n{out}", pass.name);
        }
        out
    })
}

#[cfg(test)]
mod tests;
