//! Indexing: `x[1:, ::-2, None, ..., 0]`.
//!
//! In: an array and the items of an index. Out: a view. Always: NumPy's rules; a
//! slice clamps to the axis, whatever its size at run time; an integer index
//! that may be out of range is required, at each call, not to be.
//! Next: [`super::shape_ops`].

use super::cx::Cx;
use super::value::{Arg, Value, axes};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::graph::{NodeId, Relation};
use crate::shape::{Dim, SizesOnly};
use crate::syntax::ast::{Expr, IndexItem};

/// A slice of one axis.
pub(super) struct Cut {
    pub start: Dim,
    pub step: i64,
    pub len: Dim,
}

/// An end of a slice, as the user gave it.
#[derive(Clone)]
enum Bound {
    Missing,
    /// From the start of the axis; not negative.
    Front(Dim),
    /// So many before the end of the axis; positive.
    Back(Dim),
}

impl Cx<'_> {
    pub fn index(&mut self, left: &Arg, items: &[IndexItem], loc: Loc) -> Value {
        match &left.value {
            Value::Error => Value::Error,
            Value::Tuple(values) => {
                let values = values.clone();
                self.index_tuple(&values, items, loc).unwrap_or(Value::Error)
            }
            Value::Array(id) => {
                let id = *id;
                self.index_array(id, left, items, loc).map_or(Value::Error, Value::Array)
            }
            _ => self.not_an_array(left, "an index"),
        }
    }

    /// `x.shape[-1]`, `net.blocks[i]`.
    fn index_tuple(&mut self, values: &[Value], items: &[IndexItem], loc: Loc) -> Option<Value> {
        let [IndexItem::At(at)] = items else {
            return self.reject(
                errors::ARGUMENT_TYPE,
                loc,
                "a tuple is indexed with one integer",
                "write `t[0]`, or take it apart with `let (a, b) = t;`",
            );
        };
        let arg = self.argument(at);
        let i = self.int(&arg, "index")?;
        let n = values.len() as i64;
        if (-n..n).contains(&i) {
            return Some(values[i.rem_euclid(n) as usize].clone());
        }
        self.reject(
            errors::TUPLE_INDEX,
            at.loc,
            format!("index {i} of a tuple of {n}"),
            format!("give an index below {n}"),
        )
    }

    fn index_array(&mut self, id: NodeId, left: &Arg, items: &[IndexItem], loc: Loc) -> Option<NodeId> {
        let shape = self.shape(id);
        let given = items.iter().filter(|i| matches!(i, IndexItem::At(_) | IndexItem::Slice { .. })).count();
        let dots = items.iter().filter(|i| matches!(i, IndexItem::Ellipsis(_))).count();
        if dots > 1 {
            return self.reject(
                errors::TWO_ELLIPSES,
                loc,
                "an index with two `...`",
                "write one; it stands for all other axes",
            );
        }
        if shape.is_empty() && given > 0 {
            let is = self.ty(id).to_string();
            return self.reject(
                errors::INDEX_OF_SCALAR,
                loc,
                format!("`{is}` has no axes to index"),
                "use it as it is",
            );
        }
        if given > shape.len() {
            let message = format!(
                "{} for an array of {}",
                if given == 1 { "1 index".into() } else { format!("{given} indices") },
                axes(shape.len())
            );
            let mut diag = Diagnostic::new(errors::TOO_MANY_INDICES, loc, message).help("leave some out");
            diag.notes.extend(left.note(&self.graph));
            self.error(diag);
            return None;
        }
        let implied = shape.len() - given;
        let (mut cuts, mut dropped, mut out): (Vec<Cut>, Vec<usize>, Vec<Option<usize>>) =
            (Vec::new(), Vec::new(), Vec::new());
        // The axis that an array indexes, and the array.
        let mut gathered: Option<(usize, NodeId)> = None;
        let whole = |n: &Dim| Cut { start: Dim::zero(), step: 1, len: n.clone() };
        let mut fine = true;
        for item in items {
            let axis = cuts.len();
            match item {
                IndexItem::NewAxis(_) => out.push(None),
                IndexItem::Ellipsis(_) => {
                    cuts.extend(shape[axis..axis + implied].iter().map(whole));
                    out.extend((axis..axis + implied).map(Some));
                }
                IndexItem::Slice { start, stop, step, .. } => {
                    let cut = self.slice_item([start, stop, step].map(Option::as_ref), &shape[axis], left);
                    fine &= cut.is_some();
                    cuts.push(cut.unwrap_or_else(|| whole(&shape[axis])));
                    out.push(Some(axis));
                }
                IndexItem::At(expr) => {
                    let arg = self.argument(expr);
                    if let Value::Array(_) = arg.value {
                        let indices = self.index_item(&arg, left);
                        let second = gathered.is_some() && self.beside_array::<()>(arg.loc).is_none();
                        fine &= indices.is_some() && !second;
                        gathered = indices.map(|indices| (axis, indices));
                        cuts.push(whole(&shape[axis]));
                        out.push(Some(axis));
                        continue;
                    }
                    let cut = self.at_item(arg, &shape[axis], axis, left, &mut out);
                    fine &= cut.is_some();
                    cuts.push(cut.unwrap_or_else(|| whole(&shape[axis])));
                    dropped.push(axis);
                }
            }
        }
        out.extend((cuts.len()..shape.len()).map(Some));
        cuts.extend(shape[cuts.len()..].iter().map(whole));
        if !fine {
            return None;
        }
        if gathered.is_some() && !dropped.is_empty() {
            return self.beside_array(loc);
        }
        let indices = gathered.map_or(1, |(_, indices)| self.ty(indices).rank());
        self.check_rank(out.len() + indices - 1, loc)?;
        let cut = self.cut(id, &cuts);
        let sizes: Vec<Dim> = out.iter().map(|k| k.map_or_else(Dim::one, |k| cuts[k].len.clone())).collect();
        let view = self.arrange(cut, &dropped, &out, &sizes);
        let Some((axis, indices)) = gathered else { return Some(view) };
        let place = out.iter().position(|k| *k == Some(axis))?;
        self.gather(view, indices, place, left)
    }

    /// An array in an index.
    fn index_item(&mut self, arg: &Arg, left: &Arg) -> Option<NodeId> {
        let Value::Array(id) = arg.value else { return None };
        if self.dtype(id) == DType::Bool {
            return self.mask(arg, &left.text("x"));
        }
        self.indices(arg, "an index")
    }

    /// An array in an index stands with slices alone.
    fn beside_array<T>(&mut self, loc: Loc) -> Option<T> {
        self.reject(
            errors::NOT_SUPPORTED,
            loc,
            "an integer array beside another one, or beside an integer, in an index is not supported yet",
            "take one after the other, `x[i][:, j]`, or use `take_along_axis`",
        )
    }

    /// Drops the axes of integer indices and puts in new ones.
    fn arrange(&mut self, cut: NodeId, dropped: &[usize], out: &[Option<usize>], sizes: &[Dim]) -> NodeId {
        let kept: Vec<Dim> = out.iter().zip(sizes).filter(|(k, _)| k.is_some()).map(|(_, n)| n.clone()).collect();
        let node = if dropped.is_empty() { cut } else { self.graph.reshape(cut, &kept) };
        let places: Vec<usize> = (0..out.len()).filter(|&k| out[k].is_some()).collect();
        self.graph.broadcast(node, &places, sizes)
    }

    /// The slice node over all axes.
    pub fn cut(&mut self, id: NodeId, cuts: &[Cut]) -> NodeId {
        let start: Vec<Dim> = cuts.iter().map(|c| c.start.clone()).collect();
        let step: Vec<i64> = cuts.iter().map(|c| c.step).collect();
        let lens: Vec<Dim> = cuts.iter().map(|c| c.len.clone()).collect();
        self.graph.slice(id, &start, &step, &lens)
    }

    /// One axis cut, the others whole.
    pub fn cut_axis(&mut self, id: NodeId, axis: usize, cut: Cut) -> NodeId {
        let shape = self.shape(id);
        let mut cuts: Vec<Cut> = shape.into_iter().map(|n| Cut { start: Dim::zero(), step: 1, len: n }).collect();
        cuts[axis] = cut;
        self.cut(id, &cuts)
    }

    fn at_item(&mut self, arg: Arg, n: &Dim, axis: usize, left: &Arg, out: &mut Vec<Option<usize>>) -> Option<Cut> {
        match &arg.value {
            Value::Error => None,
            Value::None => {
                out.push(None);
                self.reject(errors::ARGUMENT_TYPE, arg.loc, "a name for `None` as an index", "write `None` itself")
            }
            Value::Int(_) | Value::Dim(_) => {
                let at = self.size(&arg, "index")?;
                let start = self.at_index(&at, n, axis, &arg, left)?;
                Some(Cut { start, step: 1, len: Dim::one() })
            }
            Value::Array(_)
            | Value::Float(_)
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Str(_)
            | Value::DType(_)
            | Value::Tuple(_)
            | Value::Struct(_) => self.wants(&arg, "index", "an integer or a slice"),
        }
    }

    /// The place that an integer index names, shown or required to exist.
    fn at_index(&mut self, at: &Dim, n: &Dim, axis: usize, arg: &Arg, left: &Arg) -> Option<Dim> {
        let negative =
            at.as_const().is_some_and(|c| c < 0) || (!self.facts.non_negative(at) && self.facts.le(at, &Dim::from(-1)));
        let x = left.words("an array");
        let why = format!("index {at} at axis {axis} of {x} must be in range");
        let (start, ok) = if negative {
            (self.canonical(n.add(at)), self.ensure(at.neg(), Relation::Le, n.clone(), why))
        } else {
            let from_start = self.ensure(Dim::zero(), Relation::Le, at.clone(), why.clone());
            (at.clone(), from_start.and_then(|()| self.ensure(at.clone(), Relation::Lt, n.clone(), why)))
        };
        if ok.is_ok() {
            return Some(start);
        }
        let help = match n.as_const() {
            Some(0) => "the axis has no elements".to_string(),
            Some(n) => format!("give an index from {} to {}", -n, n - 1),
            None => "give a smaller index".to_string(),
        };
        let mut diag =
            Diagnostic::new(errors::INDEX_RANGE, arg.loc, format!("index {at} at axis {axis}, whose size is {n}"))
                .help(help);
        diag.notes.extend(left.note(&self.graph));
        self.error(diag);
        None
    }

    fn slice_item(&mut self, parts: [Option<&Expr>; 3], n: &Dim, left: &Arg) -> Option<Cut> {
        let before = std::mem::replace(&mut self.floor, true);
        let [start, stop, step] = parts.map(|p| p.map(|e| self.argument(e)));
        self.floor = before;
        let step = match &step {
            Some(arg) if !matches!(arg.value, Value::None) => self.int(arg, "step")?,
            _ => 1,
        };
        if step == 0 {
            let loc = parts[2].map_or(left.loc, |e| e.loc);
            return self.reject(errors::ZERO_STEP, loc, "a slice with step 0", "give a step such as 1, 2 or -1");
        }
        let (start, stop) = (self.slice_bound(start), self.slice_bound(stop));
        Some(self.slice_of(start?, stop?, step, n))
    }

    fn slice_bound(&mut self, arg: Option<Arg>) -> Option<Bound> {
        let Some(arg) = arg else { return Some(Bound::Missing) };
        if matches!(arg.value, Value::None) {
            return Some(Bound::Missing);
        }
        if let Value::Array(_) | Value::Number(_) = arg.value {
            let is = arg.value.describe(&self.graph);
            return self.reject(
                errors::SLICE_BOUND,
                arg.loc,
                format!("a slice bound is an integer or a size, not {is}"),
                "the result's shape must be known: write an integer or a declared dimension",
            );
        }
        let at = self.size(&arg, "slice bound")?;
        if at.as_const().is_some_and(|c| c < 0) {
            return Some(Bound::Back(at.neg()));
        }
        if !self.facts.non_negative(&at) {
            let why = format!("the slice bound `{at}` must not be negative");
            self.require(Dim::zero(), Relation::Le, at.clone(), why);
        }
        Some(Bound::Front(at))
    }

    /// NumPy's rule for the elements that a slice names.
    fn slice_of(&mut self, start: Bound, stop: Bound, step: i64, n: &Dim) -> Cut {
        let zero = Dim::zero();
        let last = n.sub(&Dim::one());
        let clamped = |cx: &Self, d: &Dim| cx.most(d, &zero);
        let (first, count) = if step > 0 {
            // The stop, not beyond the end; it may lie before the start.
            let high = match &stop {
                Bound::Missing => n.clone(),
                Bound::Front(at) => self.least(at, n),
                Bound::Back(k) => n.sub(k),
            };
            match &start {
                Bound::Missing => (zero.clone(), clamped(self, &high)),
                Bound::Front(at) => (at.clone(), clamped(self, &high.sub(at))),
                Bound::Back(k) => {
                    let from = n.sub(k);
                    let span = self.least(&high.sub(&from), &high);
                    (clamped(self, &from), clamped(self, &span))
                }
            }
        } else {
            let high = match &start {
                Bound::Missing => last.clone(),
                Bound::Front(at) => self.least(at, &last),
                Bound::Back(k) => n.sub(k),
            };
            match &stop {
                // Down to the first element.
                Bound::Missing => (high.clone(), clamped(self, &high.add(&Dim::one()))),
                Bound::Front(at) => (high.clone(), clamped(self, &high.sub(at))),
                Bound::Back(k) => {
                    let low = n.sub(k);
                    let span = self.least(&high.sub(&low), &high.add(&Dim::one()));
                    (high.clone(), clamped(self, &span))
                }
            }
        };
        let stride = step.saturating_abs();
        let len =
            if stride == 1 { count } else { count.add(&Dim::from(stride - 1)).div(&Dim::from(stride), &SizesOnly) };
        let len = self.canonical(len);
        // An empty slice reads nothing; a start inside keeps it simple.
        let start = if len.is(0) { zero } else { self.canonical(first) };
        Cut { start, step, len }
    }

    /// The greater of two sizes, by proof where there is one.
    pub fn most(&self, a: &Dim, b: &Dim) -> Dim {
        if self.facts.le(b, a) {
            a.clone()
        } else if self.facts.le(a, b) {
            b.clone()
        } else {
            a.max_of(b)
        }
    }

    /// The lesser of two sizes, by proof where there is one.
    pub fn least(&self, a: &Dim, b: &Dim) -> Dim {
        if self.facts.le(a, b) {
            a.clone()
        } else if self.facts.le(b, a) {
            b.clone()
        } else {
            a.min_of(b)
        }
    }
}
