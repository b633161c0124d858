//! Reductions: monoids and their accumulators.
//!
//! In: the values of a row or of a column's lanes, a tile at a time. Out: their combination.
//! Always: the order of combination depends on the sizes alone: lanes are as many on every instruction set, tiles are
//! whole ones but for the last, threads never share an accumulator. Long sums are cascaded:
//! after every 16 additions a partial sum is carried to a binary counter of partial sums, so the error grows with the
//! logarithm of the length, as in pairwise summation. Integers wrap. Next: [`crate::kernel`].
//!
//! ```
//! use ndfuse_runtime::rt::{self, monoid::{ArgMax, Sum}, Acc, ColAcc};
//! fn sums<M: rt::Isa>(m: M, row: &[f32]) -> (f32, i64) {
//!     let (mut sum, mut top) = (Acc::<f32, Sum>::new(), Acc::<f32, ArgMax>::new());
//!     for t in rt::tiles(0..row.len() as isize) {
//!         sum.push(m, t.start, &row[t.range()]);
//!         top.push(m, t.start, &row[t.range()]);
//!     }
//!     (sum.finish(m), top.finish(m))
//! }
//! ```

mod arg;
mod compiled;
mod fold;
mod push;

use crate::dtype::Element;
use crate::isa::{self, Isa, Level};
use crate::kernel::TILE;
use crate::math::Float;

use arg::{Arg, ColArg, Order};
use compiled::{compiled, outlined};
use fold::{ColFold, Fold};
use push::Push;

/// The sum.
#[derive(Clone, Copy, Debug)]
pub struct Sum;
/// The product.
#[derive(Clone, Copy, Debug)]
pub struct Prod;
/// The greatest; NaN if any is. On `bool`, whether any is true.
#[derive(Clone, Copy, Debug)]
pub struct Max;
/// The least; NaN if any is. On `bool`, whether all are true.
#[derive(Clone, Copy, Debug)]
pub struct Min;
/// The position of the first greatest, or of the first NaN.
#[derive(Clone, Copy, Debug)]
pub struct ArgMax;
/// The position of the first least, or of the first NaN.
#[derive(Clone, Copy, Debug)]
pub struct ArgMin;

/// A way to combine values.
pub trait Monoid<T: Element>: sealed::Sealed {
    /// What a reduction answers.
    type Answer: Element;
    /// The state of an [`Acc`].
    type Row: RowState<T, Self::Answer>;
    /// The state of a [`ColAcc`].
    type Col: ColState<T, Self::Answer>;
    /// What an accumulator starts with.
    const START: T;
    /// Are partial results carried, for accuracy?
    const CASCADE: bool;
    /// The combination of two values, the first one earlier.
    fn combine<M: Isa>(m: M, a: T, b: T) -> T;

    /// The combination of any values with one that is NaN, if that has a rule of its own: then a row's lanes are asked for it once,
    /// and combined as numbers.
    const NAN: Option<T> = None;

    /// The combination of two values neither of which is NaN.
    #[inline(always)]
    fn numbers<M: Isa>(m: M, a: T, b: T) -> T {
        Self::combine(m, a, b)
    }

    /// Adds values to a row's accumulator.
    #[doc(hidden)]
    #[inline(always)]
    fn push_row<M: Isa>(m: M, fold: &mut Fold<T, Self>, values: &[T])
    where
        Self: Sized,
    {
        m.run(Push { to: fold, position: 0, values });
    }

    /// What a row's accumulator comes to.
    #[doc(hidden)]
    #[inline(always)]
    fn finish_row<M: Isa>(m: M, fold: &mut Fold<T, Self>) -> T
    where
        Self: Sized,
    {
        fold.total(m)
    }

    /// Adds a value to each lane of columns' accumulators.
    #[doc(hidden)]
    #[inline(always)]
    fn push_columns<M: Isa>(m: M, fold: &mut ColFold<T, Self>, values: &[T])
    where
        Self: Sized,
    {
        m.run(Push { to: fold, position: 0, values });
    }

    /// Puts what each lane comes to in its place.
    #[doc(hidden)]
    #[inline(always)]
    fn finish_columns<M: Isa>(m: M, fold: &mut ColFold<T, Self>)
    where
        Self: Sized,
    {
        fold.total(m);
    }
}

/// Reduces a row.
pub struct Acc<T: Element, O: Monoid<T>>(O::Row);

impl<T: Element, O: Monoid<T>> Acc<T, O> {
    /// Of no values yet.
    #[inline(always)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Acc(O::Row::new())
    }

    /// Adds the values from position `start` on.
    #[inline(always)]
    pub fn push<M: Isa>(&mut self, m: M, start: isize, values: &[T]) {
        self.0.push(m, start, values);
    }

    /// The combination; then it is of no values again, so that one made outside of a loop over rows serves them all.
    #[inline(always)]
    pub fn finish<M: Isa>(&mut self, m: M) -> O::Answer {
        O::Row::answer(self.leave(m))
    }

    /// The same as a value and its place, which can be joined with others.
    #[inline(always)]
    pub(crate) fn leave<M: Isa>(&mut self, m: M) -> (T, i64) {
        self.0.leave(m)
    }
}

/// Reduces many lanes at once, each over the pushes.
pub struct ColAcc<T: Element, O: Monoid<T>>(O::Col);

impl<T: Element, O: Monoid<T>> ColAcc<T, O> {
    /// Of no values yet, for `n` lanes, at most [`TILE`].
    #[inline(always)]
    pub fn new(n: usize) -> Self {
        assert!(n <= TILE, "{n} lanes, more than a tile");
        ColAcc(O::Col::of_rows(n, 1))
    }

    /// Of no values yet, for `n` lanes, of which `rows` values are pushed at a time: a row of lanes after another. Each
    /// is an accumulator of its own, until the end.
    #[inline(always)]
    pub fn of_rows(n: usize, rows: usize) -> Self {
        assert!(n.saturating_mul(rows) <= TILE, "{rows} rows of {n} lanes, more than a tile");
        ColAcc(O::Col::of_rows(n, rows))
    }

    /// Adds one value to each lane, or several rows of them, as many as were said or fewer; `at` is the position of the first
    /// in the reduced axes.
    #[inline(always)]
    pub fn push<M: Isa>(&mut self, m: M, at: isize, values: &[T]) {
        self.0.push(m, at, values);
    }

    /// The combination in each lane.
    #[inline(always)]
    pub fn finish<M: Isa>(&mut self, m: M) -> &[O::Answer] {
        self.0.finish(m)
    }
}

/// How an [`Acc`] works.
pub trait RowState<T, A> {
    /// Of no values yet.
    fn new() -> Self;
    /// See [`Acc::push`].
    fn push<M: Isa>(&mut self, m: M, start: isize, values: &[T]);
    /// The combination and, where it has one, its place; then it is of no values again.
    fn leave<M: Isa>(&mut self, m: M) -> (T, i64);
    /// What two came to, the first of earlier values.
    fn join(a: (T, i64), b: (T, i64)) -> (T, i64);
    /// See [`Acc::finish`].
    fn answer(state: (T, i64)) -> A;
}

/// How a [`ColAcc`] works.
pub trait ColState<T, A> {
    /// Of no values yet, for `n` lanes in each of so many rows.
    fn of_rows(n: usize, rows: usize) -> Self;
    /// See [`ColAcc::push`].
    fn push<M: Isa>(&mut self, m: M, at: isize, values: &[T]);
    /// See [`ColAcc::finish`].
    fn finish<M: Isa>(&mut self, m: M) -> &[A];
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Sum {}
    impl Sealed for super::Prod {}
    impl Sealed for super::Max {}
    impl Sealed for super::Min {}
    impl Sealed for super::ArgMax {}
    impl Sealed for super::ArgMin {}
}

/// The monoids of a type; `compiled` are those that many kernels have.
macro_rules! fold {
    ($(
        $monoid:ident $ty:ident $($compiled:ident)?: $start:expr, $cascade:literal, |$m:ident, $a:ident, $b:ident| $combine:expr
        $(, $nan:expr, |$c:ident, $d:ident| $numbers:expr)?;
    )*) => {$(
        impl Monoid<$ty> for $monoid {
            type Answer = $ty;
            type Row = Fold<$ty, $monoid>;
            type Col = ColFold<$ty, $monoid>;
            const START: $ty = $start;
            const CASCADE: bool = $cascade;

            #[inline(always)]
            fn combine<M: Isa>($m: M, $a: $ty, $b: $ty) -> $ty {
                $combine
            }

            $(
                const NAN: Option<$ty> = Some($nan);

                #[inline(always)]
                fn numbers<M: Isa>(_: M, $c: $ty, $d: $ty) -> $ty {
                    $numbers
                }
            )?

            $($compiled!($ty $monoid);)?
        }
    )*};
}

macro_rules! arg {
    ($($ty:ty: |$v:ident| $nan:expr;)*) => {$(
        impl Order<$ty> for ArgMax {
            type Best = Max;
            #[inline(always)]
            fn beats(v: $ty, best: $ty) -> bool {
                let nan = |$v: $ty| $nan;
                v > best || (nan(v) && !nan(best))
            }
        }

        impl Order<$ty> for ArgMin {
            type Best = Min;
            #[inline(always)]
            fn beats(v: $ty, best: $ty) -> bool {
                let nan = |$v: $ty| $nan;
                v < best || (nan(v) && !nan(best))
            }
        }

        arg!(one ArgMax Max $ty);
        arg!(one ArgMin Min $ty);
    )*};
    (one $monoid:ident $best:ident $ty:ty) => {
        impl Monoid<$ty> for $monoid {
            type Answer = i64;
            type Row = Arg<$ty, $monoid>;
            type Col = ColArg<$ty, $monoid>;
            const START: $ty = <$best as Monoid<$ty>>::START;
            const CASCADE: bool = false;

            #[inline(always)]
            fn combine<M: Isa>(m: M, a: $ty, b: $ty) -> $ty {
                <$best as Monoid<$ty>>::combine(m, a, b)
            }
        }
    };
}

macro_rules! floats {
    ($($ty:ident)*) => {$(
        fold! {
            Sum $ty compiled: 0.0, true, |_m, a, b| a + b;
            Prod $ty: 1.0, false, |_m, a, b| a * b;
            Max $ty compiled: $ty::NEG_INFINITY, false, |m, a, b| <$ty as Float>::maximum(m, a, b),
                $ty::NAN, |a, b| if b > a { b } else { a };
            Min $ty compiled: $ty::INFINITY, false, |m, a, b| <$ty as Float>::minimum(m, a, b),
                $ty::NAN, |a, b| if b < a { b } else { a };
        }
        arg! { $ty: |v| v.is_nan(); }
    )*};
}

macro_rules! ints {
    ($($ty:ident)*) => {$(
        fold! {
            Sum $ty: 0, false, |_m, a, b| a.wrapping_add(b);
            Prod $ty: 1, false, |_m, a, b| a.wrapping_mul(b);
            Max $ty: $ty::MIN, false, |_m, a, b| a.max(b);
            Min $ty: $ty::MAX, false, |_m, a, b| a.min(b);
        }
        arg! { $ty: |_v| false; }
    )*};
}

floats! { f32 f64 }
ints! { u8 i8 u16 i16 u32 i32 u64 i64 }
fold! {
    Max bool: false, false, |_m, a, b| a | b;
    Min bool: true, false, |_m, a, b| a & b;
}
arg! { bool: |_v| false; }
