//! Products that are handed to a kernel panel by panel.
//!
//! In: the search. Out: the kernels that are epilogues, each with its product. Always: an epilogue alone reads its product, at
//! its own index. Next: [`super::dots`].

use super::builder::{Draft, Source};
use super::{Group, Search};
use crate::graph::NodeId;
use crate::kernel::InstOp;
use crate::shape::{Dim, Sym};
use std::collections::{BTreeMap, BTreeSet};

/// Who reads what is in memory.
pub(super) struct Readers {
    /// What steps read that are no kernels.
    steps: BTreeSet<NodeId>,
    /// How many kernels read a node.
    kernels: BTreeMap<NodeId, usize>,
}

impl Search<'_> {
    pub(super) fn readers(&self) -> Readers {
        let mut kernels = BTreeMap::new();
        for node in self.groups.values().flat_map(|g| g.inputs()) {
            *kernels.entry(node).or_default() += 1;
        }
        Readers { steps: self.steps.iter().flat_map(|&step| self.sources(step)).collect(), kernels }
    }

    /// The kernels that a product is handed to panel by panel, each with its product.
    pub(super) fn epilogues(&self) -> BTreeMap<NodeId, NodeId> {
        let readers = self.readers();
        self.groups.iter().filter_map(|(&key, group)| Some((key, self.panel(group, &readers)?))).collect()
    }

    /// The first product that a kernel without reduced axes alone reads, at its own index.
    pub(super) fn panel(&self, group: &Group, readers: &Readers) -> Option<NodeId> {
        let whole = |dot: &NodeId| self.graph.outputs.contains(dot) || readers.steps.contains(dot);
        let own = |dot: &NodeId| reads_at_own_index(&group.draft, *dot, &self.graph.ty(*dot).shape);
        let alone = |dot: &NodeId| readers.kernels.get(dot) == Some(&1);
        let fits = |dot: &NodeId| self.is_dot(*dot) && own(dot) && alone(dot) && !whole(dot);
        let may = self.epilogues && group.draft.red.is_empty();
        may.then(|| group.inputs().into_iter().find(fits)).flatten()
    }
}

/// Whether every load of the node, of this shape, is at one index made of all
/// parallel axes, each as long as the node's own: of a square product the
/// transposed element is another one.
fn reads_at_own_index(draft: &Draft, node: NodeId, shape: &[Dim]) -> bool {
    let loads = || {
        draft.code.iter().filter_map(|inst| match &inst.op {
            InstOp::Load { input, index, guards, .. } if draft.inputs[*input].node() == node => {
                Some((draft.inputs[*input], index, guards))
            }
            _ => None,
        })
    };
    let one = loads().all(|(_, index, _)| loads().next().is_some_and(|first| first.1 == index));
    one && loads().all(|(source, index, guards)| {
        let names: Vec<_> = index.iter().zip(shape).filter(|(_, n)| !n.is(1)).map(|(d, n)| (d.as_sym(), n)).collect();
        let single = index.iter().zip(shape).all(|(d, n)| !n.is(1) || d.is(0));
        let bare = single && names.iter().all(|(name, _)| name.is_some());
        let whole = |var: &Sym, extent: &Dim| {
            let mut own = names.iter().filter(|(name, _)| *name == Some(var));
            own.next().is_some_and(|(_, n)| *n == extent) && own.next().is_none()
        };
        let covers = draft.par.iter().all(|(var, extent)| whole(var, extent));
        matches!(source, Source::Node(_)) && guards.is_empty() && bare && covers && names.len() == draft.par.len()
    })
}
