//! What an epilogue would compute for each row anew.
//!
//! In: the search, its kernels merged. Out: the same with some vectors in memory, which the epilogues of products are made of
//! besides the product: then these are nothing but post-ops. Always: there are no more steps than before, for another kernel that
//! goes through such a vector's axis writes it along with its own. Next: [`crate::program::post_ops`].

use super::Search;
use super::finish::finish;
use crate::graph::{Graph, NodeId, Op};
use crate::program::post_ops::post_ops;

impl Search<'_> {
    /// Puts those vectors in memory: all of them, or of as many epilogues as it can.
    pub(super) fn hoist(&mut self) {
        let epilogues: Vec<NodeId> = self.epilogues().into_keys().collect();
        let wanted: Vec<Vec<NodeId>> = epilogues.iter().map(|key| self.vectors(*key)).collect();
        let all: Vec<NodeId> = wanted.concat();
        if all.is_empty() || self.hoisted(&all, &epilogues) {
            return;
        }
        for (key, vectors) in epilogues.iter().zip(&wanted).filter(|(_, vectors)| !vectors.is_empty()) {
            self.hoisted(vectors, &[*key]);
        }
    }

    /// Puts these vectors in memory, if it pays; answers whether it did.
    fn hoisted(&mut self, vectors: &[NodeId], epilogues: &[NodeId]) -> bool {
        let trial = self.trial(vectors);
        let made = trial.epilogues();
        let fits =
            epilogues.iter().all(|key| made.contains_key(key)) && trial.traffic().launches <= self.traffic().launches;
        if fits {
            *self = trial;
        }
        fits
    }

    /// The vectors without which an epilogue is no chain of post-ops, and with which it is one.
    fn vectors(&self, key: NodeId) -> Vec<NodeId> {
        let [root] = self.groups[&key].roots[..] else { return Vec::new() };
        let mut vectors = Vec::new();
        self.below(root, self.rank(root), &mut vectors);
        let mut trial = self.clone();
        vectors.iter().for_each(|node| trial.stored[node.0 as usize] = true);
        let fits = !vectors.is_empty() && trial.is_chain(root, key);
        if fits { vectors } else { Vec::new() }
    }

    /// The values of fewer axes that a value is made of.
    fn below(&self, value: NodeId, rank: usize, vectors: &mut Vec<NodeId>) {
        for &arg in &self.graph.node(value).args {
            let base = behind(self.graph, &self.stored, arg);
            let computed = matches!(self.graph.node(base).op, Op::Map(_) | Op::Cast) && !self.stored[base.0 as usize];
            match computed {
                true if self.rank(base) < rank && !vectors.contains(&base) => vectors.push(base),
                true if self.rank(base) >= rank => self.below(base, rank, vectors),
                true | false => {}
            }
        }
    }

    /// How many axes are longer than one element.
    fn rank(&self, id: NodeId) -> usize {
        self.graph.ty(id).shape.iter().filter(|d| !d.is(1)).count()
    }

    fn is_chain(&mut self, root: NodeId, key: NodeId) -> bool {
        let product = self.epilogues().get(&key).copied();
        let draft = self.build(root);
        let describe = |source: super::builder::Source| {
            let order = (0..self.graph.ty(source.node()).rank()).collect();
            ("x".to_owned(), self.context().stored_dtype(source.node()), order)
        };
        let done = finish(&draft, &describe);
        let input = done.inputs.iter().position(|s| Some(s.node()) == product);
        input.is_some_and(|input| post_ops(&done.kernel, input).is_some())
    }
}

/// The node behind views that are not in memory.
fn behind(graph: &Graph, stored: &[bool], mut id: NodeId) -> NodeId {
    while graph.node(id).op.is_view() && !stored[id.0 as usize] {
        id = graph.node(id).args[0];
    }
    id
}
