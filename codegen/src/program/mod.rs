//! The program: a fused function, the contract with the runtime.
//!
//! In: [`crate::fuse`] makes it from a graph. Out: steps over buffers,
//! with every size a dimension of the function's symbols. Always: a buffer is
//! written by one step, before any step reads it; `release` names each
//! temporary once, at its last reader. Next: [`crate::emit`].

pub mod attend;
pub mod band;
pub mod bias;
pub mod parse;
pub mod post_ops;
pub mod print;
pub mod prologue;
pub mod tile;
pub mod verify;

use crate::dtype::DType;
use crate::graph::{Param, Require};
use crate::kernel::Kernel;
use crate::shape::{Dim, Sym};

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct BufId(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The function's parameter of this number, with the caller's strides.
    Param(usize),
    /// The function's result of this number.
    Output(usize),
    /// Lives from its writer to its last reader.
    Temp,
    /// The same elements in C order as another buffer, under another shape. A
    /// base that is not in C order at run time is copied.
    View(BufId),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buffer {
    pub name: String,
    pub dtype: DType,
    pub shape: Vec<Dim>,
    /// The axes from the outermost in memory to the innermost. A parameter's
    /// strides are the caller's; there this is the order that is expected.
    pub order: Vec<usize>,
    pub place: Place,
}

/// The launch of a kernel.
#[derive(Clone, PartialEq, Debug)]
pub struct Launch {
    /// Index into [`Program::kernels`].
    pub kernel: usize,
    /// The extents of the `par` axes, then of the `red` axes.
    pub extents: Vec<Dim>,
    /// The values of the kernel's `sizes`.
    pub sizes: Vec<Dim>,
    pub inputs: Vec<BufId>,
    pub outputs: Vec<BufId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Batch,
    /// An axis of the left operand alone.
    Left,
    /// An axis of the right operand alone.
    Right,
    /// Summed.
    Contract,
}

/// A loop of a matrix product, with its place in each operand: axis and step;
/// `None` where the operand does not vary over it (broadcast).
#[derive(Clone, PartialEq, Debug)]
pub struct DotAxis {
    pub role: Role,
    pub extent: Dim,
    pub left: Option<(usize, i64)>,
    pub right: Option<(usize, i64)>,
    /// The axis of the product; `None` for a contracted one.
    pub out: Option<usize>,
}

/// A product of strided operands: `out[…] = Σ left[…]·right[…]`.
#[derive(Clone, PartialEq, Debug)]
pub struct Dot {
    pub dtype: DType,
    pub left: BufId,
    /// Where the left operand starts, one coordinate an axis of its buffer.
    pub left_start: Vec<Dim>,
    pub right: BufId,
    pub right_start: Vec<Dim>,
    pub axes: Vec<DotAxis>,
    /// The product; with an epilogue it is never whole in memory: the executor
    /// makes a panel of it at a time and launches the epilogue on the panel.
    pub out: BufId,
    /// A kernel without reduced axes that reads `out` at its parallel axes:
    /// `par[axes[k]]` is the product's axis `k`.
    pub epilogue: Option<Epilogue>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Epilogue {
    pub launch: Launch,
    /// Which of the launch's inputs is the product.
    pub input: usize,
    /// For each axis of the product its parallel axis in the kernel; `None` for
    /// an axis of extent 1.
    pub axes: Vec<Option<usize>>,
}

/// Zeros, to which the updates are added at `axis` where the indices say: see
/// [`crate::graph::Op::Scatter`].
#[derive(Clone, PartialEq, Debug)]
pub struct Scatter {
    pub updates: BufId,
    pub indices: BufId,
    pub out: BufId,
    pub axis: usize,
    pub batch: usize,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    Launch(Launch),
    Dot(Dot),
    Scatter(Scatter),
}

impl Action {
    /// The buffers that it reads or writes.
    pub fn touched(&self) -> Vec<BufId> {
        let of_launch = |l: &Launch| l.inputs.iter().chain(&l.outputs).copied().collect::<Vec<_>>();
        match self {
            Action::Launch(launch) => of_launch(launch),
            Action::Dot(dot) => {
                let epilogue = dot.epilogue.iter().flat_map(|e| of_launch(&e.launch));
                [dot.left, dot.right, dot.out].into_iter().chain(epilogue).collect()
            }
            Action::Scatter(s) => vec![s.updates, s.indices, s.out],
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    pub action: Action,
    /// Temporaries that nobody reads after this step.
    pub release: Vec<BufId>,
}

/// Values of one shape that several steps compute, each for itself, so that
/// none is in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Again {
    pub dtype: DType,
    pub shape: Vec<Dim>,
    /// How many there are.
    pub values: usize,
    /// The steps, in order.
    pub steps: Vec<usize>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    pub name: String,
    pub symbols: Vec<Sym>,
    pub params: Vec<Param>,
    pub requires: Vec<Require>,
    pub buffers: Vec<Buffer>,
    /// Distinct kernels; launches share them.
    pub kernels: Vec<Kernel>,
    pub steps: Vec<Step>,
    /// What is computed again instead of saved.
    pub again: Vec<Again>,
    /// Each step is done before the next one begins: none goes tile by tile.
    pub whole: bool,
    /// The result buffers, in order.
    pub outputs: Vec<BufId>,
}

impl Program {
    pub fn buffer(&self, id: BufId) -> &Buffer {
        &self.buffers[id.0 as usize]
    }
}
