//! Reductions: their states, what is pushed into them, and how threads combine
//! theirs.
//!
//! In: the statements of a reduction. Out: lines. Always: a sum of floats carries
//! what rounding takes away, unless its terms are few; states are combined in an
//! order that follows from the numbers of threads and slices alone.

use super::super::expr::{combine, literal};
use super::online::Pair;
use super::slices::states;
use super::{Deal, Emit};
use crate::dtype::DType;
use crate::kernel::{InstOp, ValId};
use crate::ops::{Answer, Monoid};

/// Reductions over at most this many points, all constant, add up plainly.
const PLAIN: i64 = 64;

/// How the state of a reduction is held.
enum State {
    /// A number.
    Plain,
    /// A sum with what rounding took away.
    Sum,
    /// A number with its place.
    Indexed,
    /// A maximum with the sum of powers below it.
    Powers,
}

impl State {
    fn ty(&self, dtype: DType) -> String {
        match self {
            State::Plain => dtype.cuda().into(),
            State::Sum => format!("nd_sum<{}>", dtype.cuda()),
            State::Indexed => format!("nd_indexed<{}>", dtype.cuda()),
            State::Powers => format!("nd_powers<{}>", dtype.cuda()),
        }
    }

    fn bytes(&self, dtype: DType) -> usize {
        match self {
            State::Plain => dtype.bytes(),
            State::Sum => 2 * dtype.bytes(),
            State::Indexed => 16,
            State::Powers => 4 * dtype.bytes(),
        }
    }
}

impl Emit<'_> {
    fn reduction(&self, v: ValId) -> (Monoid, ValId, State) {
        let InstOp::Reduce(monoid, arg) = self.kernel().inst(v).op else {
            unreachable!("verified loops reduce with reductions");
        };
        let points = self.kernel().red.iter().try_fold(1i64, |n, a| Some(n.saturating_mul(a.extent.as_const()?)));
        let few = points.is_some_and(|n| n <= PLAIN);
        let state = match monoid.row().answer {
            Answer::Index => State::Indexed,
            Answer::Same if self.pairs.iter().any(|pair| pair.most == v) => State::Powers,
            Answer::Same if monoid.name() == "sum" && self.dtype(arg).is_float() && !few => State::Sum,
            Answer::Same => State::Plain,
        };
        (monoid, arg, state)
    }

    pub(super) fn state_type(&self, v: ValId) -> String {
        let (_, arg, state) = self.reduction(v);
        state.ty(self.dtype(arg))
    }

    /// The bytes of the kernel's largest state.
    fn widest(&self) -> usize {
        let bytes = |v: ValId| {
            let (_, arg, state) = self.reduction(v);
            state.bytes(self.dtype(arg))
        };
        states(self.kernel()).map(bytes).max().unwrap_or(0)
    }

    /// Two states of a reduction as one.
    pub(super) fn merged(&self, v: ValId, a: &str, b: &str) -> String {
        let (monoid, arg, state) = self.reduction(v);
        match state {
            State::Plain | State::Indexed => combine(monoid, self.dtype(arg), a, b),
            State::Sum => format!("nd_merge({a}, {b})"),
            State::Powers => format!("nd_joined({a}, {b})"),
        }
    }

    pub(super) fn start(&mut self, v: ValId) {
        if self.pairs.iter().any(|pair| pair.total == v) {
            return;
        }
        let (monoid, arg, state) = self.reduction(v);
        let (dtype, a) = (self.dtype(arg), format!("a{}", v.0));
        let start = literal(monoid.start(dtype), dtype);
        let ty = state.ty(dtype);
        self.line(match state {
            State::Plain => format!("{ty} {a} = {start};"),
            State::Sum => format!("{ty} {a} = {{{start}, {start}}};"),
            State::Indexed => format!("{ty} {a} = {{{start}, ND_NONE}};"),
            State::Powers => format!("{ty} {a} = {{{start}}};"),
        });
    }

    pub(super) fn push(&mut self, v: ValId) {
        let (monoid, arg, state) = self.reduction(v);
        let (dtype, a, x) = (self.dtype(arg), format!("a{}", v.0), self.read(arg));
        let push = match state {
            State::Plain => format!("{a} = {};", combine(monoid, dtype, &a, &x)),
            State::Sum => format!("{a} = nd_add({a}, {x});"),
            State::Powers => format!("{a} = nd_with({a}, {x});"),
            State::Indexed => {
                let index = &self.kernel().red.last().expect("a reduction has an axis").var;
                format!("{a} = {};", combine(monoid, dtype, &a, &format!("nd_at({x}, {index})")))
            }
        };
        match &self.strip {
            Some(strip) if strip.free => self.line(format!("if (i < count) {push}")),
            Some(_) | None => self.line(push),
        }
    }

    pub(super) fn finish(&mut self, v: ValId) {
        self.known.push(v);
        if let Some(pair) = self.pairs.iter().find(|pair| pair.total == v) {
            return self.powers(pair);
        }
        let (_, _, state) = self.reduction(v);
        let (ty, merge) = (self.state_type(v), self.merged(v, "a", "b"));
        let a = format!("a{}", v.0);
        let both = |call: &str| format!("{call}({a}, []({ty} a, {ty} b) {{ return {merge}; }})");
        let both = match self.deal {
            Deal::Point => a.clone(),
            Deal::Row => both("nd_reduce_row<ND_ROW_THREADS>"),
            Deal::Column => both(&format!("nd_reduce_column<ND_COLUMN_THREADS, {}>", self.widest())),
        };
        let both = match (&state, &self.slices) {
            (State::Plain | State::Sum | State::Indexed, None) => both,
            (State::Powers, None) | (_, Some(_)) => {
                self.line(format!("{a} = {both};"));
                a
            }
        };
        let value = match state {
            State::Plain => both,
            State::Sum => format!("nd_total({both})"),
            State::Indexed => format!("{both}.index"),
            State::Powers => format!("{both}.most"),
        };
        self.line(format!("const {} v{} = {value};", self.dtype(v).cuda(), v.0));
        self.finished();
    }

    /// The sum of a pair, whose maximum is known.
    fn powers(&mut self, pair: &Pair) {
        let (ty, shift) = (self.dtype(pair.total).cuda(), self.read(pair.shift));
        self.line(format!("const {ty} v{} = nd_below(a{}, {shift});", pair.total.0, pair.most.0));
    }
}
