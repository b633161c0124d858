//! Reductions that are written out: their terms are values, combined in a few chains.
//!
//! In: the pushes at the points of written-out axes, in order. Out: values, and in the end one. Always: which chain a term
//! belongs to follows from its point alone. Next: [`super::nest`].

use super::nest::{Build, Node, Op, Ref, Value};
use crate::kernel::{InstOp, ValId};
use crate::ops::MapOp;
use std::collections::BTreeMap;

/// The most chains in which the terms of a written-out reduction are combined: as each waits for the one before it, a
/// processor would otherwise do little meanwhile.
const CHAINS: u64 = 4;
/// The terms that are worth a chain.
const LINKS: u64 = 3;

impl Build<'_> {
    pub(super) fn push(&mut self, acc: ValId) -> Vec<Node> {
        let InstOp::Reduce(monoid, arg) = self.kernel.inst(acc).op else { return Vec::new() };
        let pushed = self.value(arg);
        if self.point.is_empty() {
            return vec![Node::Push(self.value(acc), pushed)];
        }
        let points: u64 = self.point.iter().map(|(var, _)| self.points(var)).product();
        let chains = (points / LINKS).clamp(1, CHAINS);
        let at = self.point.iter().fold(0, |at, (var, i)| at * self.points(var) + *i as u64) % chains;
        let Some(&sum) = self.partial.get(&(acc, at)) else {
            self.partial.insert((acc, at), pushed);
            return Vec::new();
        };
        let dtype = self.values[pushed.0].dtype;
        let vars = self.union(&[sum, pushed]);
        let op = match &self.values[pushed.0].op {
            Op::Map(mul, args)
                if monoid.name() == "sum"
                    && mul.name() == "mul"
                    && dtype.is_float()
                    && self.uses[arg.0 as usize] == 1 =>
            {
                Op::Map(MapOp::named("fma"), vec![args[0], args[1], sum])
            }
            Op::Load { .. }
            | Op::Const(_)
            | Op::Index(_)
            | Op::Inside(_)
            | Op::Map(..)
            | Op::Cast(_)
            | Op::Pick(..)
            | Op::Combine(..)
            | Op::Reduced(..)
            | Op::Weights(_)
            | Op::Window(..) => Op::Combine(monoid, sum, pushed),
        };
        let name = if at == 0 { format!("v{}", acc.0) } else { format!("v{}_c{at}", acc.0) };
        let next = self.make(Value { id: acc, name, dtype, op, vars });
        self.partial.insert((acc, at), next);
        vec![Node::Eval(next)]
    }

    /// What the chains of each reduction amount to: each is combined with those before it.
    pub(super) fn together(&mut self, out: &mut Vec<Node>) -> BTreeMap<ValId, Ref> {
        let mut whole: BTreeMap<ValId, Ref> = BTreeMap::new();
        for ((acc, _), sum) in std::mem::take(&mut self.partial) {
            let InstOp::Reduce(monoid, _) = self.kernel.inst(acc).op else { continue };
            let both = whole.get(&acc).map(|&all| {
                let (dtype, vars) = (self.values[sum.0].dtype, self.union(&[all, sum]));
                let op = Op::Combine(monoid, all, sum);
                self.make(Value { id: acc, name: format!("v{}", acc.0), dtype, op, vars })
            });
            out.extend(both.map(Node::Eval));
            whole.insert(acc, both.unwrap_or(sum));
        }
        whole
    }

    /// A reduction over no points.
    pub(super) fn nothing(&mut self, acc: ValId) {
        let InstOp::Reduce(monoid, arg) = self.kernel.inst(acc).op else { return };
        let start = monoid.start(self.kernel.inst(arg).dtype);
        let value = Value {
            id: acc,
            name: String::new(),
            dtype: self.kernel.inst(acc).dtype,
            op: Op::Const(start),
            vars: vec![],
        };
        let value = self.make(value);
        self.known.insert((acc, Vec::new()), value);
    }
}
