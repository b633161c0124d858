//! Accumulators of positions.
//!
//! In: rows, or one row after another, or several at a time. Out: where the winner is, or that of each lane. Always: the first
//! of equals wins, and the first NaN over all.

use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::AddAssign;

use crate::dtype::Element;
use crate::isa::Isa;
use crate::kernel::TILE;

use super::fold::{Fold, LANES};
use super::push::{Absorb, Push};
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

    #[inline(always)]
    fn push<M: Isa>(&mut self, m: M, start: isize, values: &[T]) {
        m.run(Push { to: self, position: start, values });
    }

    #[inline(always)]
    fn leave<M: Isa>(&mut self, _: M) -> (T, i64) {
        (self.best.take().unwrap_or(R::Best::START), std::mem::take(&mut self.at))
    }

    fn join(a: (T, i64), b: (T, i64)) -> (T, i64) {
        if R::beats(b.0, a.0) { b } else { a }
    }

    #[inline(always)]
    fn answer((_, place): (T, i64)) -> i64 {
        place
    }
}

impl<T: Element, R: Order<T>> Absorb<T> for Arg<T, R> {
    /// Finds the best of the tile, in lanes, and looks for its place only if it beats what there was.
    #[inline(always)]
    fn absorb<M: Isa>(&mut self, m: M, start: isize, values: &[T]) {
        if values.is_empty() {
            return;
        }
        let mut fold = Fold::<T, R::Best>::new();
        fold.push(m, start, values);
        let (top, _) = fold.leave(m);
        if self.best.is_none_or(|best| R::beats(top, best)) {
            self.best = Some(top);
            let (chunks, _) = values.as_chunks::<LANES>();
            let has = |chunk: &[T; LANES]| chunk.iter().fold(false, |found, &v| found | !R::beats(top, v));
            let skipped = chunks.iter().position(has).unwrap_or(chunks.len()) * LANES;
            let place = values[skipped..].iter().position(|&v| !R::beats(top, v)).unwrap_or(0);
            self.at = start as i64 + (skipped + place) as i64;
        }
    }
}

/// A [`super::ColAcc`] of positions.
pub struct ColArg<T, R> {
    /// The first `n` of both are initialised once not `empty`.
    best: [MaybeUninit<T>; TILE],
    /// Where each lane's best was pushed, counted by the first of the rows that were pushed with it. As narrow as most elements
    /// are, so that both are vectors of as many lanes.
    near: [MaybeUninit<u32>; TILE],
    /// From the first position on that is wider: all of them.
    far: Vec<i64>,
    /// What [`ColState::finish`] answers.
    answer: Vec<i64>,
    /// In `rows` rows.
    n: usize,
    rows: usize,
    empty: bool,
    rule: PhantomData<R>,
}

impl<T: Element, R: Order<T>> ColState<T, i64> for ColArg<T, R> {
    #[inline(always)]
    fn of_rows(n: usize, rows: usize) -> Self {
        let best = [const { MaybeUninit::uninit() }; TILE];
        let near = [const { MaybeUninit::uninit() }; TILE];
        let (n, rule) = (n * rows, PhantomData);
        ColArg { best, near, far: Vec::new(), answer: Vec::new(), n, rows, empty: true, rule }
    }

    #[inline(always)]
    fn push<M: Isa>(&mut self, m: M, position: isize, values: &[T]) {
        m.run(Push { to: self, position, values });
    }

    #[inline(always)]
    fn finish<M: Isa>(&mut self, _: M) -> &[i64] {
        if self.empty {
            self.answer = vec![0; self.n / self.rows.max(1)];
            return &self.answer;
        }
        // SAFETY: not `empty`.
        let (best, near) = unsafe { (self.best[..self.n].assume_init_mut(), self.near[..self.n].assume_init_mut()) };
        match self.far.is_empty() {
            true => {
                let width = first_of::<T, R, u32>(best, near, self.rows, |row| row as u32);
                self.answer = near[..width].iter().map(|&at| i64::from(at)).collect();
            }
            false => {
                let width = first_of::<T, R, i64>(best, &mut self.far, self.rows, |row| row as i64);
                self.answer = self.far[..width].to_vec();
            }
        }
        (self.n, self.rows) = (self.answer.len(), 1);
        &self.answer
    }
}

impl<T: Element, R: Order<T>> Absorb<T> for ColArg<T, R> {
    #[inline(always)]
    fn absorb<M: Isa>(&mut self, _: M, position: isize, values: &[T]) {
        let narrow = u32::try_from(position.saturating_add_unsigned(self.rows)).map(|_| position as u32);
        if self.empty {
            let n = self.n;
            let values = &values[..n];
            for (best, &value) in self.best.iter_mut().zip(values) {
                best.write(value);
            }
            match narrow {
                Ok(position) => self.near[..n].fill(MaybeUninit::new(position)),
                Err(_) => {
                    self.near[..n].fill(MaybeUninit::new(0));
                    self.far = vec![position as i64; n];
                }
            }
            self.empty = false;
            return;
        }
        // Of the last rows there may be fewer.
        let n = values.len().min(self.n);
        let values = &values[..n];
        // SAFETY: not `empty`.
        let (best, near) = unsafe { (self.best[..n].assume_init_mut(), self.near[..n].assume_init_mut()) };
        match narrow {
            Ok(position) if self.far.is_empty() => {
                for l in 0..n {
                    let wins = R::beats(values[l], best[l]);
                    best[l] = if wins { values[l] } else { best[l] };
                    near[l] = if wins { position } else { near[l] };
                }
            }
            Ok(_) | Err(_) => {
                if self.far.is_empty() {
                    // SAFETY: not `empty`.
                    let near = unsafe { self.near[..self.n].assume_init_ref() };
                    self.far = near.iter().map(|&at| i64::from(at)).collect();
                }
                for l in 0..n {
                    let wins = R::beats(values[l], best[l]);
                    best[l] = if wins { values[l] } else { best[l] };
                    self.far[l] = if wins { position as i64 } else { self.far[l] };
                }
            }
        }
    }
}

/// Puts the winner of each column into the first of so many rows, with its place; how many columns there are. The rows were pushed
/// together, at places that are the first one's.
#[inline(always)]
fn first_of<T: Element, R: Order<T>, P: Copy + PartialOrd + AddAssign>(
    best: &mut [T],
    at: &mut [P],
    mut rows: usize,
    place: fn(usize) -> P,
) -> usize {
    let width = best.len() / rows.max(1);
    if rows > 1 {
        at.chunks_mut(width.max(1)).enumerate().for_each(|(row, at)| at.iter_mut().for_each(|at| *at += place(row)));
    }
    while rows > 1 {
        let half = rows.div_ceil(2) * width;
        let (a, b) = best[..rows * width].split_at_mut(half);
        let (at_a, at_b) = at[..rows * width].split_at_mut(half);
        for l in 0..b.len() {
            let wins = R::beats(b[l], a[l]) | (!R::beats(a[l], b[l]) & (at_b[l] < at_a[l]));
            a[l] = if wins { b[l] } else { a[l] };
            at_a[l] = if wins { at_b[l] } else { at_a[l] };
        }
        rows = rows.div_ceil(2);
    }
    width
}

#[cfg(test)]
mod tests {
    use crate::isa::Base;
    use crate::monoid::{ArgMax, ArgMin, ColAcc};

    /// Rows together, of which the last are fewer, are rows one by one: the first of equals, and the first NaN.
    #[test]
    fn rows_together_have_the_places_of_rows() {
        let number = |k: usize| if k % 61 == 60 { f32::NAN } else { ((k * 37) % 23) as f32 };
        for (width, count, extent) in [(1, 1, 1), (1, 16, 100), (3, 16, 50), (5, 7, 7), (2, 48, 49), (3, 4, 11)] {
            let all: Vec<f32> = (0..width * extent).map(number).collect();
            let mut one = ColAcc::<f32, ArgMax>::new(width);
            let mut several = ColAcc::<f32, ArgMax>::of_rows(width, count);
            all.chunks(width).enumerate().for_each(|(at, row)| one.push(Base, at as isize, row));
            let runs = all.chunks(width * count).enumerate();
            runs.for_each(|(run, rows)| several.push(Base, (run * count) as isize, rows));
            assert_eq!(several.finish(Base), one.finish(Base), "{extent} rows of {width}, {count} at a time");
        }
        assert_eq!(ColAcc::<f32, ArgMax>::of_rows(3, 16).finish(Base), [0; 3]);
    }

    /// Positions beyond 32 bits, which no test's array has.
    #[test]
    fn far_positions_are_whole() {
        const FAR: isize = 1 << 40;
        let mut at = ColAcc::<f32, ArgMax>::new(3);
        for (position, values) in
            [(0, [1.0, 5.0, 3.0]), (7, [2.0, 4.0, 3.0]), (FAR, [0.0, 6.0, 3.0]), (FAR + 1, [9.0; 3])]
        {
            at.push(Base, position, &values);
        }
        assert_eq!(at.finish(Base), [FAR as i64 + 1; 3]);
        let mut at = ColAcc::<f32, ArgMin>::new(3);
        for (position, values) in [(0, [1.0, 5.0, 3.0]), (7, [2.0, 4.0, 3.0]), (FAR, [0.0, 6.0, 3.0])] {
            at.push(Base, position, &values);
        }
        assert_eq!(at.finish(Base), [FAR as i64, 7, 0]);
        let mut at = ColAcc::<f32, ArgMin>::new(2);
        for (position, values) in [(FAR, [1.0, 2.0]), (FAR + 1, [2.0, 1.0])] {
            at.push(Base, position, &values);
        }
        assert_eq!(at.finish(Base), [FAR as i64, FAR as i64 + 1]);
        let mut at = ColAcc::<f32, ArgMax>::of_rows(1, 2);
        for (position, values) in [(0, &[1.0, 3.0][..]), (u32::MAX as isize, &[2.0, 4.0]), (FAR, &[4.0])] {
            at.push(Base, position, values);
        }
        assert_eq!(at.finish(Base), [i64::from(u32::MAX) + 1]);
    }
}
