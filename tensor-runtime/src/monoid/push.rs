//! Values that are added to an accumulator.
//!
//! In: an accumulator, values from a position on. Out: a piece that adds them. Always: it is compiled for each instruction set,
//! also where the kernel around it is compiled once. Next: [`super::fold`], [`super::arg`].

use crate::isa::Isa;
use crate::kernel::Piece;
use crate::kernel::unit::U0;

/// An accumulator, of a row or of columns.
pub trait Absorb<T> {
    /// Adds values: of a row those from a position on, of columns a value for each lane, of this position.
    fn absorb<M: Isa>(&mut self, m: M, position: isize, values: &[T]);
}

/// The values for it.
pub struct Push<'a, S, T> {
    pub(super) to: &'a mut S,
    pub(super) position: isize,
    pub(super) values: &'a [T],
}

impl<T, S: Absorb<T>> Piece for Push<'_, S, T> {
    type Unit = U0;

    #[inline(always)]
    fn run<M: Isa>(self, m: M) {
        self.to.absorb(m, self.position, self.values);
    }
}
