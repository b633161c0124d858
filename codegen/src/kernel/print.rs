//! The text form of a kernel.
//!
//! In: a kernel. Out: text that [`super::parse`] reads back to an equal kernel.
//! Always: an axis whose extent is not the name that its place gives it shows
//! the extent, `r0 < 3`; an operand shows an order other than C's; a load shows
//! what it guards and the value outside.
//!
//! ```text
//! kernel
//!   sizes s0
//!   par p0
//!   red r0 < 3
//!   in x : f32[1]
//!   out y : f32[1]
//!   %0 = load x[p0 + r0 - 1] if 0 <= p0 + r0 - 1 < s0 else 0.0 : f32
//!   %1 = sum %0 : f32
//!   store y[p0] = %1
//! ```

use super::{Axis, Guard, Inst, InstOp, Kernel, Operand, ValId};
use crate::ops::Literal;
use crate::shape::Dim;
use crate::text::{in_order, join, show};
use std::fmt::{self, Display, Formatter};

impl Display for ValId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} : {}[{}]", self.name, self.dtype, self.rank())?;
        if in_order(&self.order) { Ok(()) } else { write!(f, " order {:?}", self.order) }
    }
}

impl Display for Guard {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "0 <= {} < {}", self.index, self.extent)
    }
}

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "kernel")?;
        self.body(f, "  ")
    }
}

/// The name of the extent of a kernel's axis of this number.
pub fn extent_name(axis: usize) -> String {
    format!("e{axis}")
}

impl Kernel {
    /// Every line but the first.
    pub(crate) fn body(&self, f: &mut Formatter<'_>, indent: &str) -> fmt::Result {
        if !self.sizes.is_empty() {
            writeln!(f, "{indent}sizes {}", join(&self.sizes))?;
        }
        for (word, axes, first) in [("par", &self.par, 0), ("red", &self.red, self.par.len())] {
            if !axes.is_empty() {
                writeln!(f, "{indent}{word} {}", join(axes.iter().zip(first..).map(|(a, n)| axis(a, n))))?;
            }
        }
        for (word, operands) in [("in", &self.inputs), ("out", &self.outputs)] {
            for operand in operands {
                writeln!(f, "{indent}{word} {operand}")?;
            }
        }
        for (id, inst) in self.ids().zip(&self.code) {
            writeln!(f, "{indent}{id} = {} : {}", Body(self, inst), inst.dtype)?;
        }
        for store in &self.stores {
            let output = name(&self.outputs, store.output);
            writeln!(f, "{indent}store {output}[{}] = {}", join(&store.index), store.value)?;
        }
        Ok(())
    }
}

fn axis(axis: &Axis, number: usize) -> String {
    match axis.extent == Dim::sym(extent_name(number)) {
        true => axis.var.to_string(),
        false => format!("{} < {}", axis.var, axis.extent),
    }
}

/// The operand's name; its number where there is none.
fn name(operands: &[Operand], number: usize) -> String {
    operands.get(number).map_or_else(|| format!("#{number}"), |o| o.name.clone())
}

fn guards(guards: &[Guard]) -> String {
    guards.iter().map(Guard::to_string).collect::<Vec<_>>().join(" and ")
}

/// An instruction without its number and dtype.
struct Body<'a>(&'a Kernel, &'a Inst);

impl Display for Body<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Body(kernel, inst) = self;
        match &inst.op {
            InstOp::Load { input, index, guards: inside, fill } => {
                write!(f, "load {}[{}]", name(&kernel.inputs, *input), join(index))?;
                if !inside.is_empty() {
                    write!(f, " if {}", guards(inside))?;
                }
                match inside.is_empty() && *fill == Literal::Int(0).cast(inst.dtype) {
                    true => Ok(()),
                    false => write!(f, " else {}", show(*fill, inst.dtype)),
                }
            }
            InstOp::Const(value) => write!(f, "const {}", show(*value, inst.dtype)),
            InstOp::Index(dim) => write!(f, "index {dim}"),
            InstOp::Inside(inside) => write!(f, "inside {}", guards(inside)),
            InstOp::Map(op, args) => write!(f, "{} {}", op.name(), join(args)),
            InstOp::Cast(arg) => write!(f, "cast {arg}"),
            InstOp::Pick(arg, extent) => write!(f, "pick {arg} < {extent}"),
            InstOp::Reduce(monoid, arg) => write!(f, "{} {arg}", monoid.name()),
        }
    }
}
