//! What an epilogue would compute for each row anew.
//!
//! In: the search, its kernels merged. Out: the same with some vectors in memory, which the epilogues of products are made of
//! besides the product: then these are nothing but post-ops. Always: there are no more steps than before, for another kernel that
//! goes through such a vector's axis writes it along with its own. Next: [`crate::program::post_ops`].

use super::builder::{Context, Draft, Source};
use super::finish::finish;
use super::{Search, written};
use crate::graph::{NodeId, Op};
use crate::program::post_ops::post_ops;
use std::collections::BTreeMap;

impl Search<'_> {
    /// Puts those vectors in memory: all of them, or of as many epilogues as it can.
    pub(super) fn hoist(&mut self) {
        let epilogues = self.epilogues();
        let wanted: BTreeMap<NodeId, Vec<NodeId>> =
            epilogues.iter().filter_map(|(&key, &product)| Some((key, self.vectors(key, product)?))).collect();
        let all: Vec<NodeId> = wanted.values().flatten().copied().collect();
        if all.is_empty() || self.hoisted(&all, epilogues.keys()) {
            return;
        }
        for (key, vectors) in &wanted {
            self.hoisted(vectors, [key]);
        }
    }

    /// Puts these vectors in memory, if it pays; answers whether it did.
    fn hoisted<'k>(&mut self, vectors: &[NodeId], epilogues: impl IntoIterator<Item = &'k NodeId>) -> bool {
        let trial = self.trial(vectors);
        let made = trial.epilogues();
        let still = epilogues.into_iter().all(|key| made.contains_key(key));
        let fits = still && trial.traffic().launches <= self.traffic().launches;
        if fits {
            *self = trial;
        }
        fits
    }

    /// The vectors without which an epilogue is no chain of post-ops, and with which it is one.
    fn vectors(&self, key: NodeId, product: NodeId) -> Option<Vec<NodeId>> {
        let [root] = self.groups[&key].roots[..] else { return None };
        let mut vectors = Vec::new();
        self.below(root, self.rank(root), &mut vectors);
        if vectors.is_empty() {
            return None;
        }
        let mut stored = self.stored.clone();
        vectors.iter().for_each(|node| stored[node.0 as usize] = true);
        let cx = Context { stored: &stored, ..self.context() };
        let draft = written::build(&cx, &[root]).ok()?;
        is_chain(&cx, &draft, product).then_some(vectors)
    }

    /// The values of fewer axes that a value is made of.
    fn below(&self, value: NodeId, rank: usize, vectors: &mut Vec<NodeId>) {
        for &arg in &self.graph.node(value).args {
            let base = self.behind(arg);
            if self.stored[base.0 as usize] || !matches!(self.graph.node(base).op, Op::Map(_) | Op::Cast) {
                continue;
            }
            if self.rank(base) >= rank {
                self.below(base, rank, vectors);
            } else if !vectors.contains(&base) {
                vectors.push(base);
            }
        }
    }

    /// How many axes are longer than one element.
    fn rank(&self, id: NodeId) -> usize {
        self.graph.ty(id).shape.iter().filter(|d| !d.is(1)).count()
    }
}

fn is_chain(cx: &Context, draft: &Draft, product: NodeId) -> bool {
    let describe = |source: Source| {
        let order = (0..cx.graph.ty(source.node()).rank()).collect();
        ("x".to_owned(), cx.stored_dtype(source.node()), order)
    };
    let done = finish(draft, &describe);
    let input = done.inputs.iter().position(|s| s.node() == product);
    input.is_some_and(|input| post_ops(&done.kernel, input).is_some())
}
