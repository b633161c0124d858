//! A value as an expression.
//!
//! In: a value, what stands in scope. Out: Rust text. Always: an operation's text is that of its row in the table, but where more
//! is known of its operands than the table can say. Next: [`super::code`].

use super::access::{self, Load};
use super::code::{self, ATOM, Code, LOOSE};
use super::kernel::{Emit, Repr};
use super::nest::{Op, Ref};
use crate::kernel::InstOp;
use std::collections::BTreeMap;

impl Emit<'_> {
    /// How a value is read here.
    pub(super) fn read(&self, v: Ref, local: &BTreeMap<Ref, Code>) -> Code {
        if let Some(code) = local.get(&v) {
            return code.clone();
        }
        if let Op::Const(literal) = self.nest.value(v).op {
            return code::literal(literal, self.nest.value(v).dtype);
        }
        match &self.scope[v.0] {
            Some(Repr::Slice(name)) => Code::atom(format!("{name}[i]")),
            Some(Repr::Scalar(name)) => Code::atom(name.clone()),
            None => Code::atom(self.nest.value(v).name.clone()),
        }
    }

    /// A value's expression.
    pub(super) fn build(&self, v: Ref, local: &BTreeMap<Ref, Code>) -> Code {
        let value = self.nest.value(v);
        let name = |name: &str| self.name(name, local);
        match &value.op {
            Op::Load { input, index, guards, fill } => {
                let (fill, guards) = (code::literal(*fill, value.dtype), &self.unsure(guards));
                access::element(&Load { input: &self.inputs[*input], index, guards, fill, name: &name })
            }
            Op::Const(literal) => code::literal(*literal, value.dtype),
            Op::Index(dim) => Code::new(format!("{} as i64", code::dim(dim, &name).at(ATOM)), LOOSE + 1),
            Op::Inside(guards) => access::inside(&self.unsure(guards), &name),
            Op::Map(_, args) if self.divisors.contains_key(&v) => {
                Code::atom(format!("{}.of(m, {})", self.divisors[&v].name, self.read(args[0], local).text))
            }
            Op::Map(op, _) if op.name() == "where" && self.chosen(v) != v => self.read(self.chosen(v), local),
            Op::Map(op, args) if op.name() == "exp" && self.is_below_zero(args[0]) => {
                Code::atom(format!("m.exp_below({})", self.read(args[0], local).text))
            }
            Op::Map(op, args) => {
                let float = args.last().is_some_and(|a| self.nest.value(*a).dtype.is_float());
                let template = if float { op.row().rust } else { op.row().rust_int };
                let args: Vec<Code> = args.iter().map(|a| self.read(*a, local)).collect();
                code::fill(template, &args)
            }
            Op::Cast(arg) => {
                let from = self.nest.value(*arg).dtype;
                Code::atom(format!(
                    "rt::cast::<{}, {}>({})",
                    code::ty(from, "rt"),
                    code::ty(value.dtype, "rt"),
                    self.read(*arg, local).text
                ))
            }
            Op::Combine(monoid, a, b) => {
                let (a, b) = (self.read(*a, local).text, self.read(*b, local).text);
                Code::atom(format!("rt::monoid::{}::combine(m, {a}, {b})", monoid.row().rust))
            }
            Op::Reduced(..) | Op::Pick(..) | Op::Weights(_) | Op::Window(..) => Code::atom(value.name.clone()),
        }
    }

    /// Whether a value is not above 0, or NaN: it is the difference to the greatest of the values that it is one of.
    fn is_below_zero(&self, v: Ref) -> bool {
        let kernel = &self.loops.kernel;
        let InstOp::Map(op, args) = &kernel.inst(self.nest.value(v).id).op else { return false };
        let [a, b] = args[..] else { return false };
        op.name() == "sub"
            && matches!(kernel.inst(b).op, InstOp::Reduce(monoid, of) if monoid.name() == "max" && of == a)
    }
}
