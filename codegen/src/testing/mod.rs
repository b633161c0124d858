//! Random programs for tests of this crate and of others.
//!
//! In: a seed. Out: a graph, the sizes of its symbols and the parameters'
//! values. Always: the same seed gives the same case; the graph is valid, has
//! every kind of node over many seeds, and the oracle computes it without error.
//! Next: [`maker`].

mod exact;
mod maker;

pub use exact::exact;

use crate::graph::Graph;
use crate::interp::{Sizes, Value};

/// What a random graph may compute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// Everything: infinities and NaN, every operation, every dtype.
    Any,
    /// Only what `f32` computes without rounding: every value of every live node
    /// is a multiple of 2⁻⁸ below 2¹⁴, and no zero is negative; so are
    /// the partial sums and products. Whatever the order of a sum and whatever
    /// is fused, the bits are the same.
    Exact,
}

/// A graph, the values of its symbols, and its arguments.
pub type Case = (Graph, Sizes, Vec<Value>);

/// A case of [`Profile::Any`].
pub fn random_graph(seed: u64) -> Case {
    random_graph_of(Profile::Any, seed)
}

/// The case of this seed.
pub fn random_graph_of(profile: Profile, seed: u64) -> Case {
    maker::make(profile, seed)
}

/// SplitMix64: small, and the same numbers everywhere.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        // Mixed once, so that neighbouring seeds give unrelated numbers.
        let mixed = Rng(seed).bits();
        Rng(mixed)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n.max(1) as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// An item of a list that is not empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for k in (1..items.len()).rev() {
            items.swap(k, self.below(k + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Op;
    use crate::graph::print::keyword;
    use crate::interp::{Data, Precision, run, run_with, trace};
    use crate::ops::{MapOp, Monoid};
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_of_node_is_drawn() {
        let mut live = BTreeSet::new();
        let mut most_outputs = 0;
        for seed in 0..3000 {
            let (graph, ..) = random_graph(seed);
            let reached = graph.live();
            live.extend(graph.ids().filter(|id| reached[id.0 as usize]).map(|id| keyword(&graph.node(id).op)));
            most_outputs = most_outputs.max(graph.outputs.len());
        }
        assert!(most_outputs > 1);
        let views = ["param", "const", "size", "iota", "cast", "broadcast", "permute", "reshape", "slice", "pad"];
        let all = views.into_iter().chain(["window", "dot", "gather", "scatter"]);
        let all = all.chain(MapOp::all().map(MapOp::name)).chain(Monoid::all().map(Monoid::name));
        let missing: Vec<&str> = all.filter(|word| !live.contains(word)).collect();
        assert!(missing.is_empty(), "never drawn: {missing:?}");
    }

    #[test]
    fn the_oracle_computes_every_case() {
        for seed in 0..500 {
            for profile in [Profile::Any, Profile::Exact] {
                let (graph, sizes, params) = random_graph_of(profile, seed);
                let outputs = run(&graph, &sizes, &params).unwrap_or_else(|why| panic!("{why}\n{graph}"));
                assert_eq!(outputs.len(), graph.outputs.len());
            }
        }
    }

    #[test]
    fn exact_cases_lose_nothing_in_f32() {
        let (mut floats, mut sums) = (0, 0);
        for seed in 0..500 {
            let (graph, sizes, params) = random_graph_of(Profile::Exact, seed);
            let exact = trace(Precision::Exact, &graph, &sizes, &params).unwrap();
            let rounded = trace(Precision::Rounded, &graph, &sizes, &params).unwrap();
            assert_eq!(exact, rounded, "{graph}");
            for (id, value) in graph.ids().zip(exact) {
                let Some(Data::Float(data)) = value.map(|v| v.data) else { continue };
                floats += data.len();
                sums += usize::from(matches!(graph.node(id).op, Op::Reduce { .. } | Op::Dot { .. }));
                assert!(data.iter().all(|x| (x * 256.0).fract() == 0.0 && x.abs() <= 16384.0), "{graph}");
            }
            assert_eq!(run(&graph, &sizes, &params), run_with(Precision::Rounded, &graph, &sizes, &params));
        }
        assert!(floats > 10_000 && sums > 100, "{floats} floats, {sums} sums and products");
    }
}
