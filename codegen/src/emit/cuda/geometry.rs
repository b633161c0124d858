//! What decides how a kernel is launched.
//!
//! In: [`Loops`]. Out: what the runtime's rule needs besides the extents. Always:
//! any grid gives the same bits; a block and what its threads share follow from
//! the extents alone, never from the machine. The rule itself is the runtime's,
//! `device/geometry.rs`.

use super::body::slices::{Cut, cut};
use super::body::turn::{Turn, turn};
use super::body::{held, strip};
use super::{Deal, deal};
use crate::loops::{Form, Loops};
use crate::shape::Dim;

/// What decides a launch, in terms of the kernel's extents `e0…`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Geometry {
    pub deal: Deal,
    /// How many points the parallel axes have.
    pub points: Dim,
    /// Registers that a row's threads hold for each element that they stride
    /// over; 0 where nothing is worth it.
    pub held: usize,
    /// The most neighbouring elements that a thread reads or writes at once; 1
    /// where each has its own.
    pub strip: usize,
    /// Whether a row or column may be cut into slices.
    pub cut: Option<Cut>,
    /// Whether a map may go by tiles.
    pub turn: Option<Turn>,
}

/// Bytes of a register.
const REGISTER: usize = 4;
/// Bytes of the widest access.
const WIDEST: usize = 16;

/// The rule for this kernel. No dynamic shared memory is used.
pub fn geometry(loops: &Loops) -> Geometry {
    let points = Dim::product(loops.kernel.par.iter().map(|a| &a.extent));
    let operands = loops.kernel.inputs.iter().chain(&loops.kernel.outputs);
    let widest = operands.map(|operand| operand.dtype.bytes()).max().unwrap_or(WIDEST);
    let strip = if loops.form == Form::Row || strip::stripped(loops) { (WIDEST / widest).min(8) } else { 1 };
    let registers = |v| loops.kernel.inst(v).dtype.bytes().div_ceil(REGISTER);
    let held = held(loops).into_iter().map(registers).sum::<usize>().min(u8::MAX.into());
    Geometry { deal: deal(loops), points, held, strip, cut: cut(loops), turn: turn(loops) }
}
