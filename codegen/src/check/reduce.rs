//! Reductions.
//!
//! In: a row of the table, an array, axes. Out: a value. Always: `sum` and
//! `prod` accumulate as NumPy does, by a cast before the reduction; where the
//! operation has no value for no elements, the axis is shown or required to
//! have one. Next: [`super::shape_ops`].

use super::cx::Cx;
use super::table::Call;
use super::value::{Arg, Value};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::graph::{NodeId, Relation};
use crate::ops::{Answer, Literal, MapOp, Monoid};
use crate::shape::Dim;

impl Cx<'_> {
    /// `sum(x, axis, keepdims)` and its like.
    pub fn reduce_call(&mut self, monoid: Monoid, call: &Call) -> Value {
        self.try_reduce(monoid, call).map_or(Value::Error, Value::Array)
    }

    fn try_reduce(&mut self, monoid: Monoid, call: &Call) -> Option<NodeId> {
        let [x, axis, keepdims] = call.args.as_slice() else { return None };
        let name = monoid.name();
        if let Value::Array(_) = axis.value
            && matches!(name, "max" | "min")
        {
            let other = if name == "max" { "maximum" } else { "minimum" };
            return self.reject(
                errors::ARGUMENT_TYPE,
                axis.loc,
                format!("`{name}` reduces one array; its second argument is the axis"),
                format!("for the {name} of two arrays, element by element, write `{other}(a, b)`"),
            );
        }
        let node = self.array(x, &format!("`{name}`"))?;
        let axes = self.axes(axis, self.ty(node).rank())?;
        let keepdims = self.flag(keepdims, "keepdims")?;
        self.reduce_node(monoid, node, x, &axes, keepdims, call.loc)
    }

    pub fn reduce_node(
        &mut self,
        monoid: Monoid,
        node: NodeId,
        x: &Arg,
        axes: &[usize],
        keepdims: bool,
        loc: Loc,
    ) -> Option<NodeId> {
        let row = monoid.row();
        let all = axes.len() == self.ty(node).rank();
        if row.answer == Answer::Index && axes.len() != 1 {
            if !all {
                return self.reject(
                    errors::AXIS_COUNT,
                    loc,
                    format!("`{}` wants one axis or none, not {}", row.name, axes.len()),
                    "leave the axis out for the index in C order, or give one",
                );
            }
            return self.flat_index(monoid, node, x, axes, keepdims, loc);
        }
        let shape = self.shape(node);
        if row.identity.is_none() {
            for &axis in axes {
                self.not_empty(row.name, x, &shape[axis], axis, loc)?;
            }
        }
        let dtype = self.dtype(node);
        let prepared = match row.name {
            "sum" | "prod" => self.graph.cast(node, dtype.accumulator()),
            "any" | "all" => self.truth(node),
            _ => node,
        };
        if !row.rule.accepts(self.dtype(prepared)) {
            self.rule_error(row.name, row.rule, dtype, std::slice::from_ref(x), loc);
            return None;
        }
        let reduced = self.graph.reduce(monoid, prepared, axes);
        Some(if keepdims && !axes.is_empty() { self.graph.keepdims(reduced, axes) } else { reduced })
    }

    /// The index in C order of all elements.
    fn flat_index(
        &mut self,
        monoid: Monoid,
        node: NodeId,
        x: &Arg,
        axes: &[usize],
        keepdims: bool,
        loc: Loc,
    ) -> Option<NodeId> {
        let count = self.ty(node).len();
        let count = self.canonical(count);
        let flat = self.graph.reshape(node, &[count]);
        let index = self.reduce_node(monoid, flat, x, &[0], false, loc)?;
        Some(if keepdims { self.graph.keepdims(index, axes) } else { index })
    }

    fn not_empty(&mut self, name: &str, x: &Arg, extent: &Dim, axis: usize, loc: Loc) -> Option<()> {
        let why = format!("`{name}` over axis {axis} of {} has no value for no elements", x.words("an array"));
        if self.ensure(Dim::one(), Relation::Le, extent.clone(), why).is_ok() {
            return Some(());
        }
        let mut diag =
            Diagnostic::new(errors::EMPTY_REDUCTION, loc, format!("`{name}` over axis {axis}, whose size is {extent}"))
                .help("reduce an axis of size 1 or more");
        diag.notes.extend(x.note(&self.graph));
        self.error(diag);
        None
    }

    /// `x != 0`; a `bool` is its own truth.
    pub fn truth(&mut self, node: NodeId) -> NodeId {
        let dtype = self.dtype(node);
        if dtype == DType::Bool {
            return node;
        }
        let zero = self.graph.konst(Literal::Int(0), dtype);
        let shape = self.shape(node);
        let zero = self.graph.broadcast_to(zero, &shape);
        self.graph.map(MapOp::named("ne"), &[node, zero])
    }
}
