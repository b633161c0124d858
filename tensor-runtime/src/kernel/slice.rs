//! A job that has a part of a row: one pass over it.
//!
//! In: what the passes before came to. Out: what this one comes to, for each reduction of it. Always: a job makes one pass over its
//! part of the lane, and of the others over nothing; slices are joined by neighbours, in an order that follows from their number.
//! Next: [`crate::exec`].

use std::ops::Range;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::dtype::{DType, Element};
use crate::isa::Isa;
use crate::monoid::{Acc, Monoid, RowState};

/// What a reduction came to: a value of this type, as bits, and its place in the row.
type Bits = (DType, u64, i64);
/// Where that is left, once.
pub(crate) type State = OnceLock<Bits>;

/// What the slices of a row come to together.
#[derive(Default)]
pub(crate) struct Total {
    /// How many have left what they came to.
    left: AtomicUsize,
    whole: State,
}

/// A job's part of a row.
pub(crate) struct Slice<'a> {
    /// The pass that it makes; those before are over.
    pub(crate) pass: usize,
    /// Its number, and its part of the lane.
    pub(crate) number: usize,
    pub(crate) lane: Range<isize>,
    /// Whether it ends behind the pass.
    pub(crate) ends: bool,
    /// For each slice of the row, for each reduction of the kernel.
    pub(crate) states: &'a [State],
    /// For each reduction.
    pub(crate) totals: &'a [Total],
}

impl Slice<'_> {
    #[inline(never)]
    pub(super) fn part(&self, pass: usize, lane: Range<isize>) -> Range<isize> {
        if pass != self.pass {
            return 0..0;
        }
        lane.start.max(self.lane.start)..lane.end.min(self.lane.end)
    }

    /// Leaves what its part comes to, and answers that; or what the whole row came to in a pass before.
    #[inline(never)]
    fn total<T: Element, O: Monoid<T>>(&self, [pass, reduction]: [usize; 2], state: (T, i64)) -> (T, i64) {
        let join = |a: Bits, b: Bits| bits(O::Row::join(value::<T>(a), value::<T>(b)));
        value(self.combined(pass, reduction, bits(state), join))
    }

    /// The same of any type, which is compiled with the runtime.
    #[inline(never)]
    fn combined(&self, pass: usize, reduction: usize, state: Bits, join: fn(Bits, Bits) -> Bits) -> Bits {
        let (total, left) = (&self.totals[reduction], |state: &State| *state.get().expect("it was left"));
        if pass < self.pass {
            return left(&total.whole);
        }
        let (each, count) = (self.totals.len(), self.states.len() / self.totals.len());
        self.states[self.number * each + reduction].get_or_init(|| state);
        // Whoever is last joins all, in their order.
        if total.left.fetch_add(1, Ordering::AcqRel) + 1 == count {
            let mut all: Vec<Bits> = self.states.iter().skip(reduction).step_by(each).map(left).collect();
            let mut n = count;
            while n > 1 {
                for k in 0..n / 2 {
                    all[k] = join(all[2 * k], all[2 * k + 1]);
                }
                if n % 2 == 1 {
                    all[n / 2] = all[n - 1];
                }
                n = n.div_ceil(2);
            }
            total.whole.get_or_init(|| all[0]);
        }
        state
    }
}

fn bits<T: Element>((value, place): (T, i64)) -> Bits {
    let mut bits = 0u64;
    const { assert!(size_of::<T>() <= size_of::<u64>()) };
    // SAFETY: both are that long, and an element is initialised in all of its bytes.
    unsafe { ptr::copy_nonoverlapping((&raw const value).cast::<u8>(), (&raw mut bits).cast(), size_of::<T>()) };
    (T::DTYPE, bits, place)
}

fn value<T: Element>((dtype, bits, place): Bits) -> (T, i64) {
    // Not `assert_eq`, which is compiled with each crate's kernels and asks for all that implements `Debug`.
    assert!(dtype == T::DTYPE, "a reduction has one type");
    // SAFETY: `bits` made them of a value of this type.
    (unsafe { (&raw const bits).cast::<T>().read() }, place)
}

/// What an accumulator comes to: [`super::Cx::total`].
#[inline(always)]
pub(super) fn total<M: Isa, T: Element, O: Monoid<T>>(
    m: M,
    slice: Option<&Slice<'_>>,
    at: [usize; 2],
    acc: &mut Acc<T, O>,
) -> O::Answer {
    let state = acc.leave(m);
    O::Row::answer(match slice {
        None => state,
        Some(slice) => slice.total::<T, O>(at, state),
    })
}
