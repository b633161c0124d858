//! What decides how a kernel is launched.
//!
//! In: [`Loops`]. Out: what the runtime's rule needs besides the extents. Always:
//! any grid gives the same bits; a block and what its threads share follow from
//! the extents alone, never from the machine. The rule itself is the runtime's,
//! `device/geometry.rs`.

use super::body::held;
use super::{Deal, deal};
use crate::loops::Loops;
use crate::shape::Dim;

/// What decides a launch, in terms of the kernel's extents `e0…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Geometry {
    pub deal: Deal,
    /// How many points the parallel axes have.
    pub points: Dim,
    /// How many elements of a row its threads hold in registers for each that
    /// they stride over; 0 where nothing is worth it.
    pub held: usize,
}

/// The rule for this kernel. No dynamic shared memory is used.
pub fn geometry(loops: &Loops) -> Geometry {
    let points = Dim::product(loops.kernel.par.iter().map(|a| &a.extent));
    Geometry { deal: deal(loops), points, held: held(loops).len() }
}
