//! Accumulators of values.
//!
//! In: rows, or one row after another. Out: their combination, or that of each lane. Next: [`super::arg`].

use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};

use crate::dtype::Element;
use crate::isa::{Base, Isa};
use crate::kernel::TILE;

use super::push::Absorb;
use super::{ColState, Monoid, RowState};

/// Independent partial results of a row; the same on every instruction set.
pub(super) const LANES: usize = 32;
/// Values a lane takes before it is carried.
const BLOCK: usize = 16;
/// Carries beyond what these count, after `2^32` values of a row, are added up in the last one.
const LEVELS: usize = 24;

/// An [`super::Acc`] of lanes, which begin on a cache line, as those of all levels do: a vector of them never lies on two.
#[repr(C, align(64))]
pub struct Fold<T, O> {
    lanes: [T; LANES],
    levels: [MaybeUninit<[T; LANES]>; LEVELS],
    /// How many values each lane has taken since the last carry; less than [`BLOCK`].
    taken: usize,
    /// How many carries there were: a level is in use where this has a bit.
    carried: usize,
    monoid: PhantomData<O>,
}

impl<T: Element, O: Monoid<T>> Absorb<T> for Fold<T, O> {
    #[inline(always)]
    fn absorb<M: Isa>(&mut self, m: M, _: isize, values: &[T]) {
        self.add(m, values);
    }
}

impl<T: Element, O: Monoid<T>> Absorb<T> for ColFold<T, O> {
    #[inline(always)]
    fn absorb<M: Isa>(&mut self, m: M, _: isize, values: &[T]) {
        self.add(m, values);
    }
}

impl<T: Element, O: Monoid<T>> Fold<T, O> {
    /// `into[l]`, which is earlier, and `from[l]`.
    #[inline(always)]
    fn join<M: Isa, const N: usize>(m: M, into: &mut [T], from: &[T; N]) {
        for (into, &from) in into[..N].iter_mut().zip(from) {
            *into = O::combine(m, *into, from);
        }
    }

    /// The lanes of a whole block, which is read in order: lines that are not in the first-level cache come so.
    #[inline(always)]
    fn block<M: Isa>(m: M, values: &[[T; LANES]; BLOCK]) -> [T; LANES] {
        let mut out = values[0];
        for row in &values[1..] {
            for l in 0..LANES {
                out[l] = O::combine(m, out[l], row[l]);
            }
        }
        out
    }

    /// Takes a block's result: to the counter, or to the lanes.
    #[inline(always)]
    fn take<M: Isa>(&mut self, m: M, mut block: [T; LANES]) {
        if !O::CASCADE {
            return Self::join(m, &mut self.lanes, &block);
        }
        let mut level = 0;
        while self.carried >> level & 1 == 1 {
            // SAFETY: a level whose bit in `carried` is set was written when the bit was.
            let mut earlier = unsafe { self.levels[level].assume_init() };
            Self::join(m, &mut earlier, &block);
            block = earlier;
            if level == LEVELS - 1 {
                // Less than one, for the next line adds one.
                self.carried -= 1;
                break;
            }
            level += 1;
        }
        self.levels[level].write(block);
        self.carried += 1;
    }

    /// Counts so many values in each lane, with which none has more than a block.
    #[inline(always)]
    fn count<M: Isa>(&mut self, m: M, values: usize) {
        if !O::CASCADE {
            return;
        }
        self.taken += values;
        if self.taken == BLOCK {
            let block = std::mem::replace(&mut self.lanes, [O::START; LANES]);
            self.taken = 0;
            self.take(m, block);
        }
    }
}

impl<T: Element, O: Monoid<T>> RowState<T, T> for Fold<T, O> {
    #[inline(always)]
    fn new() -> Self {
        let levels = [const { MaybeUninit::uninit() }; LEVELS];
        Fold { lanes: [O::START; LANES], levels, taken: 0, carried: 0, monoid: PhantomData }
    }

    #[inline(always)]
    fn push<M: Isa>(&mut self, m: M, _: isize, values: &[T]) {
        O::push_row(m, self, values);
    }

    #[inline(always)]
    fn leave<M: Isa>(&mut self, m: M) -> (T, i64) {
        (O::finish_row(m, self), 0)
    }

    fn join((a, _): (T, i64), (b, _): (T, i64)) -> (T, i64) {
        (O::combine(Base, a, b), 0)
    }

    #[inline(always)]
    fn answer((value, _): (T, i64)) -> T {
        value
    }
}

impl<T: Element, O: Monoid<T>> Fold<T, O> {
    /// Adds values.
    #[inline(always)]
    pub(super) fn add<M: Isa>(&mut self, m: M, values: &[T]) {
        let (mut chunks, tail) = values.as_chunks::<LANES>();
        if self.taken == 0 {
            let (blocks, rest) = chunks.as_chunks::<BLOCK>();
            for block in blocks {
                self.take(m, Self::block(m, block));
            }
            chunks = rest;
        }
        while !chunks.is_empty() {
            let (now, later) = chunks.split_at(chunks.len().min(BLOCK - self.taken));
            // In registers: each addition would wait for the memory that the one before has written.
            let mut lanes = self.lanes;
            for chunk in now {
                Self::join(m, &mut lanes, chunk);
            }
            self.lanes = lanes;
            self.count(m, now.len());
            chunks = later;
        }
        if !tail.is_empty() {
            // Each part of the tail has lanes of its own, so that it counts as one value a lane.
            let mut rest = tail;
            if let Some((part, more)) = rest.split_first_chunk::<16>() {
                Self::join(m, &mut self.lanes[..16], part);
                rest = more;
            }
            if let Some((part, more)) = rest.split_first_chunk::<8>() {
                Self::join(m, &mut self.lanes[16..24], part);
                rest = more;
            }
            if let Some((part, more)) = rest.split_first_chunk::<4>() {
                Self::join(m, &mut self.lanes[24..28], part);
                rest = more;
            }
            if let Some((part, more)) = rest.split_first_chunk::<2>() {
                Self::join(m, &mut self.lanes[28..30], part);
                rest = more;
            }
            if let Some((part, _)) = rest.split_first_chunk::<1>() {
                Self::join(m, &mut self.lanes[30..31], part);
            }
            self.count(m, 1);
        }
    }

    /// The combination; then there are no values yet.
    #[inline(always)]
    pub(super) fn total<M: Isa>(&mut self, m: M) -> T {
        let mut total = std::mem::replace(&mut self.lanes, [O::START; LANES]);
        let mut level = 0;
        while O::CASCADE && self.carried >> level != 0 {
            if self.carried >> level & 1 == 1 {
                // SAFETY: as in `take`.
                let mut earlier = unsafe { self.levels[level].assume_init() };
                Self::join(m, &mut earlier, &total);
                total = earlier;
            }
            level += 1;
        }
        (self.taken, self.carried) = (0, 0);
        // Not at each step, which would wait for it.
        #[expect(clippy::eq_op, reason = "NaN is what differs from itself")]
        let nan = O::NAN.filter(|_| total.iter().fold(false, |nan, value| nan | (value != value)));
        let mut width = LANES / 2;
        while width > 0 {
            for l in 0..width {
                total[l] = O::numbers(m, total[l], total[l + width]);
            }
            width /= 2;
        }
        nan.unwrap_or(total[0])
    }
}

/// Lanes that begin on a cache line: a vector of them never lies on two.
#[repr(align(64))]
struct Lines<T>([MaybeUninit<T>; TILE]);

/// A [`super::ColAcc`] of values.
pub struct ColFold<T, O> {
    /// The first `n` are initialised once `taken` is not 0, or with `finish`.
    lanes: Lines<T>,
    /// In `rows` rows.
    n: usize,
    rows: usize,
    taken: usize,
    carried: usize,
    /// Level `k` at `k * n`, made when it is first carried to.
    levels: Levels<T>,
    monoid: PhantomData<O>,
}

/// A vector that is dropped by a call: else what it takes to free it is a part of each kernel, wherever that may panic.
struct Levels<T>(ManuallyDrop<Vec<T>>);

impl<T> Drop for Levels<T> {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: it is not used any more.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

impl<T: Element, O: Monoid<T>> ColFold<T, O> {
    /// Adds fewer rows than there are.
    #[cold]
    fn some<M: Isa>(&mut self, m: M, values: &[T]) {
        let taken = self.taken;
        self.start();
        // SAFETY: `start` made it so that `taken` is not 0.
        let lanes = unsafe { self.lanes.0[..self.n].assume_init_mut() };
        for (lane, &value) in lanes.iter_mut().zip(values) {
            *lane = O::combine(m, *lane, value);
        }
        self.taken = taken;
    }

    /// Carries the lanes to the counter of partial results.
    #[inline(always)]
    fn carry<M: Isa>(&mut self, m: M) {
        let n = self.n;
        let mut level = 0;
        while self.carried >> level & 1 == 1 {
            self.join(m, level);
            level += 1;
        }
        if self.levels.0.len() < (level + 1) * n {
            self.levels.0.resize((level + 1) * n, O::START);
        }
        // SAFETY: `taken` is not 0.
        let lanes = unsafe { self.lanes.0[..n].assume_init_ref() };
        self.levels.0[level * n..][..n].copy_from_slice(lanes);
        self.carried += 1;
        self.taken = 0;
    }

    /// Combines a level, which is earlier, into the lanes; `taken` must not be 0.
    #[inline(always)]
    fn join<M: Isa>(&mut self, m: M, level: usize) {
        assert!(self.taken > 0);
        // SAFETY: `taken` is not 0.
        let lanes = unsafe { self.lanes.0[..self.n].assume_init_mut() };
        for (lane, &earlier) in lanes.iter_mut().zip(&self.levels.0[level * self.n..][..self.n]) {
            *lane = O::combine(m, earlier, *lane);
        }
    }

    /// Without a push the lanes are where they start.
    fn start(&mut self) {
        if self.taken == 0 {
            self.lanes.0[..self.n].fill(MaybeUninit::new(O::START));
            self.taken = 1;
        }
    }
}

impl<T: Element, O: Monoid<T>> ColState<T, T> for ColFold<T, O> {
    #[inline(always)]
    fn of_rows(n: usize, rows: usize) -> Self {
        let lanes = Lines([const { MaybeUninit::uninit() }; TILE]);
        ColFold {
            lanes,
            n: n * rows,
            rows,
            taken: 0,
            carried: 0,
            levels: Levels(ManuallyDrop::new(Vec::new())),
            monoid: PhantomData,
        }
    }

    #[inline(always)]
    fn push<M: Isa>(&mut self, m: M, _: isize, values: &[T]) {
        O::push_columns(m, self, values);
    }

    #[inline(always)]
    fn finish<M: Isa>(&mut self, m: M) -> &[T] {
        O::finish_columns(m, self);
        assert!(self.taken > 0);
        // SAFETY: `taken` is not 0.
        unsafe { self.lanes.0[..self.n].assume_init_ref() }
    }
}

impl<T: Element, O: Monoid<T>> ColFold<T, O> {
    /// Adds a value to each lane.
    #[inline(always)]
    pub(super) fn add<M: Isa>(&mut self, m: M, values: &[T]) {
        if self.rows > 1 && values.len() < self.n {
            self.some(m, values);
        } else if self.taken == 0 {
            for (lane, &value) in self.lanes.0.iter_mut().zip(&values[..self.n]) {
                lane.write(value);
            }
        } else {
            // SAFETY: `taken` is not 0.
            let lanes = unsafe { self.lanes.0[..self.n].assume_init_mut() };
            for (lane, &value) in lanes.iter_mut().zip(&values[..self.n]) {
                *lane = O::combine(m, *lane, value);
            }
        }
        self.taken += 1;
        if O::CASCADE && self.taken == BLOCK {
            self.carry(m);
        }
    }

    /// Combines what was carried into the lanes; `taken` is not 0 then.
    #[inline(always)]
    pub(super) fn total<M: Isa>(&mut self, m: M) {
        self.start();
        let mut level = 0;
        while self.carried >> level != 0 {
            if self.carried >> level & 1 == 1 {
                self.join(m, level);
            }
            level += 1;
        }
        self.carried = 0;
        while self.rows > 1 {
            let (width, half) = (self.n / self.rows, self.rows.div_ceil(2));
            // SAFETY: `start` made it so that `taken` is not 0.
            let lanes = unsafe { self.lanes.0[..self.n].assume_init_mut() };
            let (first, second) = lanes.split_at_mut(half * width);
            for (lane, &other) in first.iter_mut().zip(&*second) {
                *lane = O::combine(m, *lane, other);
            }
            (self.n, self.rows) = (half * width, half);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::isa::Base;
    use crate::monoid::{Acc, ArgMax, Max, Monoid, Sum};

    /// One accumulator for rows of all lengths answers what a new one answers for each.
    fn serves_all<O: Monoid<f32>>()
    where
        O::Answer: PartialEq + std::fmt::Debug,
    {
        let numbers: Vec<f32> = (0..20_000).map(|k| ((k * 7919) % 1009) as f32 * -0.37 - 1.0).collect();
        let mut one = Acc::<f32, O>::new();
        for n in [20_000, 0, 1, 31, 512, 513, 8192, 9000, 3] {
            let mut own = Acc::<f32, O>::new();
            for (k, part) in numbers[..n].chunks(1024).enumerate() {
                one.push(Base, k as isize * 1024, part);
                own.push(Base, k as isize * 1024, part);
            }
            assert_eq!(one.finish(Base), own.finish(Base), "{n}");
        }
    }

    #[test]
    fn an_accumulator_serves_many_rows() {
        serves_all::<Sum>();
        serves_all::<Max>();
        serves_all::<ArgMax>();
    }
}
