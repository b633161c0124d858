//! Accumulators of positions.
//!
//! In: rows, or one row after another. Out: where the winner is, or that of each lane. Always: the first of equals wins,
//! and the first NaN over all.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use crate::dtype::Element;
use crate::isa::Isa;
use crate::kernel::TILE;

use super::fold::{Fold, LANES};
use super::{ColState, Monoid, RowState};

/// Whether a candidate beats the best so far: greater or less, or the first NaN.
pub trait Order<T: Element> {
    /// The monoid of the winner's value.
    type Best: Monoid<T>;
    /// Does it?
    fn beats(candidate: T, best: T) -> bool;
}

/// An [`super::Acc`] of a position.
pub struct Arg<T, R> {
    best: Option<T>,
    at: i64,
    rule: PhantomData<R>,
}

impl<T: Element, R: Order<T>> RowState<T, i64> for Arg<T, R> {
    #[inline(always)]
    fn new() -> Self {
        Arg { best: None, at: 0, rule: PhantomData }
    }

    /// Finds the best of the tile, in lanes, and looks for its place only if it beats what there was.
    #[inline(always)]
    fn push<M: Isa>(&mut self, m: M, start: isize, values: &[T]) {
        if values.is_empty() {
            return;
        }
        let mut fold = Fold::<T, R::Best>::new();
        fold.push(m, start, values);
        let top = fold.finish(m);
        if self.best.is_none_or(|best| R::beats(top, best)) {
            self.best = Some(top);
            let (chunks, _) = values.as_chunks::<LANES>();
            let has = |chunk: &[T; LANES]| chunk.iter().fold(false, |found, &v| found | !R::beats(top, v));
            let skipped = chunks.iter().position(has).unwrap_or(chunks.len()) * LANES;
            let place = values[skipped..].iter().position(|&v| !R::beats(top, v)).unwrap_or(0);
            self.at = start as i64 + (skipped + place) as i64;
        }
    }

    #[inline(always)]
    fn finish<M: Isa>(&mut self, _: M) -> i64 {
        self.at
    }
}

/// A [`super::ColAcc`] of positions.
pub struct ColArg<T, R> {
    /// The first `n` of both are initialised once not `empty`.
    best: [MaybeUninit<T>; TILE],
    at: [MaybeUninit<i64>; TILE],
    n: usize,
    empty: bool,
    rule: PhantomData<R>,
}

impl<T: Element, R: Order<T>> ColState<T, i64> for ColArg<T, R> {
    #[inline(always)]
    fn new(n: usize) -> Self {
        let best = [const { MaybeUninit::uninit() }; TILE];
        let at = [const { MaybeUninit::uninit() }; TILE];
        ColArg { best, at, n, empty: true, rule: PhantomData }
    }

    #[inline(always)]
    fn push<M: Isa>(&mut self, _: M, position: isize, values: &[T]) {
        let n = self.n;
        let values = &values[..n];
        if self.empty {
            for (best, &value) in self.best.iter_mut().zip(values) {
                best.write(value);
            }
            self.at[..n].fill(MaybeUninit::new(position as i64));
            self.empty = false;
            return;
        }
        // SAFETY: not `empty`.
        let (best, at) = unsafe { (self.best[..n].assume_init_mut(), self.at[..n].assume_init_mut()) };
        for l in 0..n {
            let wins = R::beats(values[l], best[l]);
            best[l] = if wins { values[l] } else { best[l] };
            at[l] = if wins { position as i64 } else { at[l] };
        }
    }

    #[inline(always)]
    fn finish<M: Isa>(&mut self, _: M) -> &[i64] {
        if self.empty {
            self.at[..self.n].fill(MaybeUninit::new(0));
        }
        // SAFETY: not `empty`, or filled just now.
        unsafe { self.at[..self.n].assume_init_ref() }
    }
}
