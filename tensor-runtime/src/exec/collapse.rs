//! Runs adjacent parallel axes of a launch as one.
//!
//! In: a launch with its operands. Out: the same with fewer axes of more than one coordinate. Always: the same elements are computed,
//! each as before. Next: [`super::launch`].

use crate::kernel::Window;
use crate::plan::Launch;

use super::launch::{Found, Ready, axis_of};

impl Ready {
    /// Runs adjacent parallel axes as one where the kernel and all strides allow it: the inner one takes both extents.
    pub(super) fn collapse(&mut self, launch: &Launch) {
        // What the axis after `k` was merged into.
        let mut inner = launch.par.saturating_sub(1);
        for k in (0..inner).rev() {
            let may = launch.collapse.get(k).copied().unwrap_or(false);
            if !(may && self.merge(launch, k, inner)) {
                inner = k;
            }
        }
    }

    /// Whether the two axes are one now.
    fn merge(&mut self, launch: &Launch, outer: usize, inner: usize) -> bool {
        let (n, m) = (self.extents[outer], self.extents[inner]);
        // A job's part of the inner axis is a run of the whole only if it is all of it.
        let Some(both) = n.checked_mul(m).filter(|_| self.ranges[inner] == (0..m)) else { return false };
        let outputs = launch.inputs.len();
        let axes = |operand: usize, window: &Window| {
            (axis_of(launch, operand, outer, window.rank), axis_of(launch, operand, inner, window.rank))
        };
        for (operand, window) in self.windows.iter().enumerate() {
            let fits = match axes(operand, window) {
                (Found::No, Found::No) => operand < outputs,
                (Found::At(a), Found::At(b)) => {
                    // Of a single outer coordinate the stride means nothing.
                    let run = m == 1 || window.stride[b].checked_mul(m) == Some(window.stride[a]);
                    window.size[b] == m as usize && (run || (n == 1 && window.size[a] == 1))
                }
                // One of them is repeated; then the other must be too.
                (Found::At(a), Found::No) => {
                    let first = window.low[a] == 0 && window.size[a] > 0;
                    operand < outputs && first && (n == 1 || window.stride[a] == 0)
                }
                (Found::No, Found::At(b)) => {
                    operand < outputs && window.size[b] == m as usize && (n == 1 || window.stride[b] == 0)
                }
                (Found::Twice, _) | (_, Found::Twice) => false,
            };
            if !fits {
                return false;
            }
        }
        for (operand, window) in self.windows.iter_mut().enumerate() {
            let (a, b) = axes(operand, window);
            if let Found::At(b) = b {
                // Coordinates of the inner axis now count through both.
                let (low, size) = match a {
                    Found::At(a) => {
                        if m == 1 {
                            window.stride[b] = window.stride[a];
                        }
                        (window.low[a], window.size[a])
                    }
                    Found::No | Found::Twice => (0, n as usize),
                };
                (window.low[b], window.size[b]) = (low * m, size * m as usize);
            }
            if let Found::At(a) = a {
                (window.low[a], window.size[a]) = (0, 1);
            }
        }
        let range = self.ranges[outer].clone();
        (self.extents[outer], self.extents[inner]) = (1, both);
        (self.ranges[outer], self.ranges[inner]) = (0..1, range.start * m..range.end * m);
        true
    }
}
