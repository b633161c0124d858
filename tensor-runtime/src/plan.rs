//! The plan: what the compiler says to the executor, as static data.
//!
//! In: nothing; the macro emits a `static PLAN: Plan` a function. Out: what
//! [`crate::exec`] needs to check a call, to size its buffers and to run its
//! steps on any device. Always: a slot is an index into the sizes of a call,
//! symbols first, then what [`Plan::sizes`] computes from them.
//! Next: [`crate::exec`].

use crate::dtype::DType;
use crate::kernel::CpuKernel;

/// An index into the sizes of a call.
pub type Slot = u16;
/// An index into [`Plan::buffers`].
pub type BufferId = u16;

/// A compiled function.
pub struct Plan {
    pub function: &'static str,
    /// The symbolic dimensions; their slots are `0..symbols.len()`.
    pub symbols: &'static [&'static str],
    /// How many slots there are.
    pub slots: usize,
    /// Fills the slots from `symbols.len()` on. `None` where a size overflows.
    pub sizes: fn(&mut [i64]) -> Option<()>,
    /// In the order of the operands.
    pub params: &'static [Param],
    pub requires: &'static [Require],
    /// Parameters first, in order; then outputs, in order; then the rest.
    pub buffers: &'static [Buffer],
    /// The result buffers, in order.
    pub outputs: &'static [BufferId],
    pub steps: &'static [Step],
    /// Runs of steps that may go tile by tile, by their first step. Of those that
    /// overlap one may run so.
    pub blocks: &'static [Block],
    /// What is one kernel on a GPU where its sizes allow it, by the first step.
    pub attends: &'static [Attend],
    /// Kernels that a product may have as a part of itself, by their steps.
    pub prologues: &'static [Prologue],
    /// Products of which the next step reads the result band by band, by the
    /// product's step.
    pub bands: &'static [Band],
    /// The text of `explain()`.
    pub explain: &'static str,
    /// The CUDA C of all kernels.
    pub cuda: &'static str,
    /// The plan of its gradient; `None` where it has none.
    pub vjp: Option<&'static Vjp>,
}

/// The vector-Jacobian product of a function, as a plan of its own.
pub struct Vjp {
    /// Its operands: the function's, in order, then a cotangent for each result in `cotangents`.
    /// Its results: the function's, in order, then the gradient of each operand in `wrt`.
    pub plan: &'static Plan,
    /// Results of the function (numbers) that have a cotangent: those of floats.
    pub cotangents: &'static [u16],
    /// Operands of the function (numbers) that have a gradient: arrays of floats.
    pub wrt: &'static [u16],
}

/// Two products with a softmax between them: three steps whose scores and shares nobody else reads.
pub struct Attend {
    /// The first of the steps.
    pub step: usize,
    /// The input of the softmax that has the scores.
    pub input: usize,
    /// For each product the loops over matrices, and those over the rows of the scores, in the same order.
    pub batch: [&'static [u8]; 2],
    pub rows: [&'static [u8]; 2],
    /// For each product the loop over the columns of the scores.
    pub columns: [u8; 2],
    /// The function in `text` of which the softmax is; `{score}_operands` has what it reads besides the scores.
    pub score: &'static str,
    /// The epilogue of the second product, as [`Epilogue::function`]; empty where there is none.
    pub epilogue: &'static str,
    pub text: &'static str,
}

/// A kernel that makes windows for the product of the next step alone.
pub struct Prologue {
    pub step: usize,
    /// Which operand of the product they are.
    pub left: bool,
    /// The function in `text` of a window's element; `{window}_operands` has what it reads.
    pub window: &'static str,
    /// The product's epilogue, as [`Epilogue::function`]; empty where there is none.
    pub epilogue: &'static str,
    /// Where the windows are, if they are steps through an array.
    pub around: Option<Around>,
    pub text: &'static str,
}

/// Steps through an array, outside of which there are zeros.
pub struct Around {
    pub of: BufferId,
    /// For each of its axes where the product's first element is, and the step to the next one along each of the product's loops.
    pub axes: &'static [(Slot, &'static [i64])],
}

/// A product with an epilogue that writes one temporary, which the next step, a
/// launch, alone reads, near where it writes.
pub struct Band {
    /// The product's step.
    pub step: usize,
    /// The temporary.
    pub of: BufferId,
    /// The axes that may be cut, the outermost in memory first.
    pub axes: &'static [Near],
}

/// Place `i` of a parallel axis of the launch needs the places of an axis of the
/// temporary from `step * i + low` to `step * i + high`, as far as there are any.
pub struct Near {
    pub par: u8,
    pub of: u8,
    pub step: i64,
    pub low: Slot,
    pub high: Slot,
}

/// A parameter: a leaf of a parameter struct has its dotted name.
pub struct Param {
    pub name: &'static str,
    pub dtype: DType,
    /// One slot an axis. The first bare symbol binds it, every other occurrence
    /// is checked against it; other slots are checked once sizes are known.
    pub dims: &'static [Slot],
}

pub enum Relation {
    Eq,
    Le,
    Lt,
}

/// A fact about sizes to be checked at each call.
pub struct Require {
    pub left: Slot,
    pub relation: Relation,
    pub right: Slot,
    /// The two sides as the user wrote them.
    pub text: &'static str,
    /// What needs it.
    pub why: &'static str,
}

pub enum Place {
    Param,
    Output,
    Temp,
    /// The elements of another buffer in C order, copied if they are not.
    View(BufferId),
}

pub struct Buffer {
    pub dtype: DType,
    pub dims: &'static [Slot],
    /// Axes from the outermost in memory to the innermost.
    pub order: &'static [u8],
    pub place: Place,
}

/// A kernel with its launch.
pub struct Launch {
    pub name: &'static str,
    pub cpu: CpuKernel,
    pub cuda: Cuda,
    /// How many of the extents are parallel; they come first.
    pub par: usize,
    pub extents: &'static [Slot],
    /// Whether the last parallel axis is the vector lane (else the last reduced).
    pub lane_is_parallel: bool,
    pub sizes: &'static [Slot],
    pub inputs: &'static [BufferId],
    pub outputs: &'static [Output],
    /// For each adjacent pair of parallel axes `(k, k + 1)`: whether the kernel
    /// reads and writes both only as bare coordinates, so that they may run as
    /// one axis where every operand's strides allow it. `accesses` says how.
    pub collapse: &'static [bool],
    /// For each input, then each output, for each of its axes the axis of the
    /// launch that is its coordinate; [`FREE`] for anything else.
    pub accesses: &'static [&'static [u8]],
    /// About how many machine instructions one element costs.
    pub cost: u32,
}

/// How a kernel's points are dealt to the threads of a GPU.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Deal {
    /// One a thread.
    Point,
    /// A row to a team of neighbouring threads, which stride over its last reduced axis.
    Row,
    /// A column to a team, whose threads share its first reduced axis.
    Column,
}

/// How a kernel's rows or columns may be cut into slices, each of which is a block's or a job's: over several launches, that of
/// pass `k` leaving what each slice came to, the one behind them combining it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// Passes that reduce, each a launch.
    pub passes: u8,
    /// What each slice of a point leaves: so many states, of 16 bytes on a device.
    pub states: u8,
    /// Whether the last launch passes over the elements, too.
    pub again: bool,
}

/// How a map may go by square tiles, for what it reads lies along another axis than the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn {
    /// That axis.
    pub axis: u8,
    /// The neighbours that a thread computes: a 32nd of a tile's side.
    pub strip: u8,
    /// The inputs that are read so, each with its axis that is innermost in memory.
    pub along: &'static [(u8, u8)],
}

/// A kernel in CUDA C. Its parameters are, for each input and then each output, the address of the first element and
/// the step of each axis; then the extents that are not `written`; then the sizes; then, if it picks, its notes; then, if
/// it may be `cut`, the place for what slices come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cuda {
    /// Its function in [`Plan::cuda`]; empty where there is none.
    pub function: &'static str,
    pub deal: Deal,
    /// How many registers a row's threads hold for each element that they stride over.
    pub held: u8,
    /// The most neighbouring elements that a thread reads or writes at once, a power of two.
    pub strip: u8,
    /// The extents that are written out in the text.
    pub written: &'static [u8],
    /// Whether 32-bit indices do where the extents and all offsets fit.
    pub narrow: bool,
    /// How many elements it picks by an index; of each the text notes two words where it is out of range.
    pub picks: u8,
    pub cut: Option<Cut>,
    pub turn: Option<Turn>,
}

impl Cuda {
    /// No CUDA C: a kernel that is on the host alone.
    pub const NONE: Cuda = Cuda {
        function: "",
        deal: Deal::Point,
        held: 0,
        strip: 1,
        written: &[],
        narrow: false,
        picks: 0,
        cut: None,
        turn: None,
    };
}

/// No axis.
pub const FREE: u8 = u8::MAX;

/// An output of a launch.
pub struct Output {
    pub buffer: BufferId,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Batch,
    Left,
    Right,
    Contract,
}

pub struct DotAxis {
    pub role: Role,
    pub extent: Slot,
    /// Axis of the left operand and step along it.
    pub left: Option<(u8, i64)>,
    pub right: Option<(u8, i64)>,
    /// Axis of the product.
    pub out: Option<u8>,
}

/// A matrix product of strided operands, over panels if it has an epilogue.
pub struct Dot {
    pub dtype: DType,
    pub left: BufferId,
    pub left_start: &'static [Slot],
    pub right: BufferId,
    pub right_start: &'static [Slot],
    pub axes: &'static [DotAxis],
    /// With an epilogue this buffer is virtual: only its dims and order count.
    pub out: BufferId,
    pub epilogue: Option<Epilogue>,
}

pub struct Epilogue {
    pub launch: Launch,
    /// Which input of the launch is the product.
    pub input: usize,
    /// For each axis of the product its parallel axis; [`FREE`] for extent 1.
    pub axes: &'static [u8],
    /// The input that is a vector along the product's columns, where all that the launch does is to add it.
    pub bias: Option<u8>,
    /// What the launch does, where it is a chain of operations on the product's element: all but the copy to its only output.
    pub post_ops: Option<&'static [PostOp]>,
    /// The function in `text` that a product on a GPU calls with what it has; empty where there is none.
    pub function: &'static str,
    /// CUDA C of that function, and of `{function}_operands`: the launch's other operands, each an address and its steps,
    /// then what the launch's own parameters are after them, each of 8 bytes.
    pub text: &'static str,
}

/// What an element of a product has become times `scale`, plus `shift`, at most and at least a number; with `positive` no zero of
/// it is a negative one.
pub struct PostOp {
    pub scale: Option<With>,
    pub shift: Option<With>,
    pub most: Option<f32>,
    pub least: Option<f32>,
    pub positive: bool,
}

#[derive(Clone, Copy)]
pub enum With {
    Number(f32),
    /// An input of the launch.
    Input(u8),
}

/// Zeros, to which the updates are added at the places along `axis` that the `i64` indices name; those of one place
/// in the order of their indices. The first `batch` axes of all run together; the others of the indices stand for `axis`
/// in the updates.
pub struct Scatter {
    pub updates: BufferId,
    pub indices: BufferId,
    pub out: BufferId,
    pub axis: usize,
    pub batch: usize,
}

pub enum Action {
    Launch(Launch),
    Dot(Dot),
    Scatter(Scatter),
}

pub struct Step {
    pub action: Action,
    /// Temporaries that nobody reads after this step.
    pub release: &'static [BufferId],
}

/// Steps of which a tile reads of the others what the same tile of them wrote:
/// they may run one after another, or a tile of them all after another. Where
/// a step sums over a tiled axis, each tile adds to its result, which no other
/// step of the block reads.
pub struct Block {
    /// The steps `first..end`: launches and products.
    pub first: usize,
    pub end: usize,
    /// The extents of the tiled axes, the outermost first.
    pub axes: &'static [Slot],
    /// For each step, for each tiled axis the axis of the launch, or the number
    /// of the product's.
    pub follows: &'static [&'static [u8]],
    /// Temporaries that no other step touches.
    pub local: &'static [BufferId],
    /// Which elements of the products among these anyone needs.
    pub bounds: &'static [Bound],
}

/// An element of a product in a block is needed only where `along·j + Σ tiled[a]·i[a] + start >= 0`, `j` the place along
/// one of the product's loops and `i` that along the tiled axes; elsewhere it is read and discarded.
pub struct Bound {
    /// The product's step.
    pub step: usize,
    /// The number of its loop.
    pub axis: u8,
    pub along: i64,
    pub tiled: &'static [i64],
    pub start: Slot,
}
