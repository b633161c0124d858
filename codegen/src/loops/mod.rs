//! The loops: a kernel with its loop nest, for both targets.
//!
//! In: a [`Kernel`]. Out: the order in which its values are computed, which
//! loops stand around them, and which values a row buffer keeps between two
//! passes. Always: a value is computed before it is used on every path; the
//! lane loop is innermost in its nest, or holds the loops over the reduced axes.
//!
//! There are two forms. **Row**: the lane is the last reduced axis; each point
//! of the parallel axes makes one or more passes over its row. **Column**: the
//! lane is the last parallel axis; the loops over the reduced axes run inside
//! it, and every value is a vector along the lane.
//!
//! ```text
//! loops k0 row lane r0
//!   keep %3 until 0
//!   parallel p0
//!     start %1
//!     lane r0
//!       eval %0
//!       push %1
//!     finish %1
//!     start %4
//!     lane r0
//!       eval %0
//!       eval %2
//!       eval %3
//!       keep %3
//!       push %4
//!     finish %4
//!     lane r0
//!       recall %3
//!       eval %5
//!       store 0
//! ```
//!
//! On the CPU a lane loop runs over tiles of the lane, with one vector loop a
//! tile; on CUDA its points are dealt to the threads of a block.
//! Next: [`crate::emit`].

pub mod lower;
pub mod parse;
pub mod print;
pub mod verify;

use crate::kernel::{Kernel, ValId};
use crate::shape::Sym;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// The lane is the last reduced axis.
    Row,
    /// The lane is the last parallel axis.
    Column,
    /// There is no axis at all: one element.
    Scalar,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Loops {
    pub kernel: Kernel,
    pub form: Form,
    /// The lane's variable; `None` iff the form is `Scalar`.
    pub lane: Option<Sym>,
    /// Values kept between passes, over all reduced axes (`Row` only); on CUDA
    /// they are computed again or kept on the chip.
    pub kept: Vec<Kept>,
    pub body: Vec<Stmt>,
}

/// A value that a later pass reads again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kept {
    pub value: ValId,
    /// The store in whose row of the result it lies until that is written; a
    /// row buffer of its own if there is none.
    pub until: Option<usize>,
}

impl Loops {
    /// How a value is kept, if it is.
    pub fn kept(&self, value: ValId) -> Option<Kept> {
        self.kept.iter().copied().find(|kept| kept.value == value)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoopKind {
    /// A parallel axis that is not the lane.
    Parallel,
    /// A reduced axis, in order, that is not the lane.
    Serial,
    /// A reduced axis of constant extent, written out.
    Unrolled,
    Lane,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Stmt {
    Loop {
        kind: LoopKind,
        var: Sym,
        body: Vec<Stmt>,
    },
    /// Computes a value from its operands.
    Eval(ValId),
    /// Sets the accumulator of a `Reduce` to its start.
    Start(ValId),
    /// Combines the operand of a `Reduce`, at the present point, into it.
    Push(ValId),
    /// Makes the accumulator's content the value of the `Reduce`.
    Finish(ValId),
    /// Writes a value to where it is kept.
    Keep(ValId),
    /// Reads a value from where it is kept: in place of `Eval`.
    Recall(ValId),
    /// Executes the store of this number.
    Store(usize),
}
