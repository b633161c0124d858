//! The kernel: what one fused launch computes, as scalar SSA over loop variables.
//!
//! In: nothing; [`crate::fuse`] builds kernels from a graph. Out: the
//! value of every output element as a function of its index. Always: an
//! instruction's operands come before it; indices are polynomials over the
//! loop variables (`p0…` parallel, `r0…` reduced), the sizes (`s0…`) and the
//! values of [`InstOp::Pick`] (`%0…`);
//! nothing here depends on the target. Two launches that differ in sizes only
//! share one kernel.
//!
//! ```text
//! kernel k0
//!   par p0
//!   red r0
//!   in x : f32[0, 1]
//!   out y : f32[0, 1]
//!   %0 = load x[p0, r0] : f32
//!   %1 = max %0 : f32
//!   %2 = sub %0, %1 : f32
//!   %3 = exp %2 : f32
//!   %4 = sum %3 : f32
//!   %5 = div %3, %4 : f32
//!   store y[p0, r0] = %5
//! ```
//!
//! Next: [`crate::loops`].

pub mod access;
pub mod condition;
pub mod parse;
pub mod print;
pub mod verify;

use crate::dtype::DType;
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::{Dim, Ranges, Sym};

/// An instruction of a [`Kernel`], and its value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ValId(pub u32);

/// A loop axis. Its extent is given at launch, or is a small constant that the
/// emitters may unroll.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Axis {
    pub var: Sym,
    /// A size (`Dim::sym` of an `e…` name that equals the launch's extent) or a
    /// constant of at most [`UNROLL`].
    pub extent: Dim,
}

/// Extents up to this are constants in the kernel's text.
pub const UNROLL: i64 = 8;

/// A buffer that a kernel reads or writes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Operand {
    pub name: String,
    pub dtype: DType,
    /// Its axes from the outermost in memory to the innermost, as far as the
    /// compiler knows; its length is the rank.
    pub order: Vec<usize>,
}

impl Operand {
    pub fn rank(&self) -> usize {
        self.order.len()
    }
}

/// `0 <= index < extent`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Guard {
    pub index: Dim,
    pub extent: Dim,
}

impl Guard {
    /// Whether it is sure to fail.
    pub fn fails(&self) -> bool {
        let after = |at: i64| self.extent.as_const().is_some_and(|extent| at >= extent);
        self.index.as_const().is_some_and(|at| at < 0 || after(at))
    }
}

/// One instruction.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Inst {
    pub op: InstOp,
    pub dtype: DType,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum InstOp {
    /// An element of an input, one coordinate an axis; where a guard fails
    /// nothing is read and the value is `fill`.
    Load {
        input: usize,
        index: Vec<Dim>,
        guards: Vec<Guard>,
        fill: Literal,
    },
    Const(Literal),
    /// The value of an index expression, an `i64`.
    Index(Dim),
    /// Whether all guards hold, a `bool`.
    Inside(Vec<Guard>),
    Map(MapOp, Vec<ValId>),
    Cast(ValId),
    /// The index `arg` of an axis of this extent: counted from the end where it
    /// is negative; out of range it is an error of the call. It has no other
    /// readers than indices, which name it `%3`.
    Pick(ValId, Dim),
    /// The reduction of a value over all `red` axes.
    Reduce(Monoid, ValId),
}

/// The writing of a value to an output. Each coordinate is a loop variable or
/// the constant 0; each `par` variable occurs once, and all `red` variables
/// occur or none does; they do where the value varies over them. An output with
/// several stores has an axis that is written out: the first store has the
/// coordinate 0 there, the next one 1.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Store {
    pub output: usize,
    pub index: Vec<Dim>,
    pub value: ValId,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Kernel {
    /// Sizes that indices and guards mention, given at launch: `s0…`.
    pub sizes: Vec<Sym>,
    /// Outermost first, in the memory order of the first output. The extent of
    /// `par[k]` is the name `e{k}` or a constant.
    pub par: Vec<Axis>,
    /// Outermost first; extents `e{par.len() + k}` or constants.
    pub red: Vec<Axis>,
    pub inputs: Vec<Operand>,
    pub outputs: Vec<Operand>,
    pub code: Vec<Inst>,
    pub stores: Vec<Store>,
}

impl ValId {
    /// The name of a picked index in other indices.
    pub fn name(self) -> Sym {
        Sym::from(self.to_string())
    }

    /// The value of this name, if it is one's.
    pub fn named(name: &str) -> Option<ValId> {
        name.strip_prefix('%')?.parse().ok().map(ValId)
    }
}

/// Whether an index depends on a picked one, and so on what an array holds.
pub fn is_picked(index: &Dim) -> bool {
    index.symbols().iter().any(|name| ValId::named(name).is_some())
}

impl InstOp {
    /// The values that it reads, those in its indices included.
    pub fn args(&self) -> Vec<ValId> {
        match self {
            InstOp::Map(_, args) => args.clone(),
            InstOp::Cast(arg) | InstOp::Pick(arg, _) | InstOp::Reduce(_, arg) => vec![*arg],
            InstOp::Load { .. } | InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => {
                self.dims().into_iter().flat_map(Dim::symbols).filter_map(|name| ValId::named(&name)).collect()
            }
        }
    }

    /// The conditions on places in it.
    pub fn guards(&self) -> impl Iterator<Item = &Guard> {
        let guards: &[Guard] = match self {
            InstOp::Load { guards, .. } | InstOp::Inside(guards) => guards,
            InstOp::Const(_) | InstOp::Index(_) | InstOp::Map(..) | InstOp::Cast(_) => &[],
            InstOp::Pick(..) | InstOp::Reduce(..) => &[],
        };
        guards.iter()
    }

    /// The index expressions it is made of.
    pub fn dims(&self) -> Vec<&Dim> {
        match self {
            InstOp::Load { index, guards, .. } => {
                index.iter().chain(guards.iter().flat_map(|g| [&g.index, &g.extent])).collect()
            }
            InstOp::Index(dim) | InstOp::Pick(_, dim) => vec![dim],
            InstOp::Inside(guards) => guards.iter().flat_map(|g| [&g.index, &g.extent]).collect(),
            InstOp::Const(_) | InstOp::Map(..) | InstOp::Cast(_) | InstOp::Reduce(..) => Vec::new(),
        }
    }
}

impl Kernel {
    pub fn inst(&self, id: ValId) -> &Inst {
        &self.code[id.0 as usize]
    }

    pub fn ids(&self) -> impl DoubleEndedIterator<Item = ValId> + use<> {
        (0..self.code.len() as u32).map(ValId)
    }

    pub fn axes(&self) -> impl Iterator<Item = &Axis> {
        self.par.iter().chain(&self.red)
    }

    /// Inputs, then outputs.
    pub fn operands(&self) -> impl Iterator<Item = &Operand> {
        self.inputs.iter().chain(&self.outputs)
    }

    /// The stores of an output.
    pub fn stores_of(&self, output: usize) -> impl Iterator<Item = &Store> {
        self.stores.iter().filter(move |store| store.output == output)
    }

    /// The axis of an output that is written out, if it has several stores.
    pub fn written_out(&self, output: usize) -> Option<usize> {
        let mut stores = self.stores_of(output);
        let (first, second) = (stores.next()?, stores.next()?);
        first.index.iter().zip(&second.index).position(|(a, b)| a != b)
    }

    /// About how many machine instructions a point costs.
    pub fn cost(&self) -> u32 {
        let one = |op: &InstOp| match op {
            InstOp::Map(op, _) => op.row().cost,
            InstOp::Load { .. } | InstOp::Cast(_) | InstOp::Reduce(..) => 1,
            InstOp::Index(_) | InstOp::Inside(_) | InstOp::Pick(..) => 1,
            InstOp::Const(_) => 0,
        };
        self.code.iter().map(|inst| one(&inst.op)).sum::<u32>() + self.stores.len() as u32
    }

    /// For each value, which loop variables it varies over, in loop order. A
    /// reduction varies over none of the `red` ones.
    pub fn variables(&self) -> Vec<Vec<Sym>> {
        let mut out: Vec<Vec<Sym>> = Vec::with_capacity(self.code.len());
        for inst in &self.code {
            let varies = |var: &Sym| {
                inst.op.dims().iter().any(|d| d.mentions(var))
                    || inst.op.args().iter().any(|a| out[a.0 as usize].contains(var))
            };
            let reduced = matches!(inst.op, InstOp::Reduce(..));
            let vars = self.par.iter().chain(self.red.iter().filter(|_| !reduced));
            let vars = vars.map(|a| a.var.clone()).filter(varies).collect();
            out.push(vars);
        }
        out
    }

    /// For each value, how many reductions lie behind it on the longest path:
    /// the number of passes over the reduced axes before it is known.
    pub fn depths(&self) -> Vec<usize> {
        let mut out: Vec<usize> = Vec::with_capacity(self.code.len());
        for inst in &self.code {
            let deepest = inst.op.args().iter().map(|a| out[a.0 as usize]).max().unwrap_or(0);
            out.push(deepest + usize::from(matches!(inst.op, InstOp::Reduce(..))));
        }
        out
    }
}

impl Ranges for Kernel {
    fn extent(&self, name: &str) -> Option<&Dim> {
        if let Some(id) = ValId::named(name) {
            return match self.code.get(id.0 as usize).map(|inst| &inst.op) {
                Some(InstOp::Pick(_, extent)) => Some(extent),
                Some(_) | None => None,
            };
        }
        self.axes().find(|a| &*a.var == name).map(|a| &a.extent)
    }
}
