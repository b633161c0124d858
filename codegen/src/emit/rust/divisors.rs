//! Divisors that are one for the whole lane: a product with the reciprocal, and what that lacks.
//!
//! In: the values of a run. Out: a name for each such divisor. Always: of the kinds that the runtime has it is the one with the
//! fewest operations that what is divided allows. Next: [`super::run`].

use super::code::Code;
use super::kernel::{Emit, Repr};
use super::nest::{Op, Ref};
use std::collections::BTreeMap;

/// A divisor that is made ready.
pub(super) struct Divisor {
    pub(super) name: String,
    /// Its type in the runtime.
    pub(super) kind: &'static str,
}

impl Emit<'_> {
    /// Makes the divisors of a run ready. What a power of two divides is multiplied anyway.
    pub(super) fn divisors(&mut self, evals: &[Ref], local: &BTreeMap<Ref, Code>) {
        for &v in evals {
            let value = self.nest.value(v);
            let Op::Map(op, args) = &value.op else { continue };
            let [of, by] = args[..] else { continue };
            let exact = self.constant(by).is_some_and(is_power_of_two);
            if op.name() == "div" && value.dtype.is_float() && self.is_vector(v) && self.is_one(by) && !exact {
                let name = format!("{}_d", value.name);
                let read = |v: Ref| self.read(v, local).text;
                let (kind, of) = match (self.is_whole(of) && self.is_near_one(by), self.tame(of)) {
                    (true, _) => ("WholeDivisor", read(by)),
                    (false, Some(moved)) => {
                        let moved: Vec<String> = moved.into_iter().map(read).collect();
                        ("TameDivisor", format!("{}, [{}]", read(by), moved.join(", ")))
                    }
                    (false, None) => ("Divisor", read(by)),
                };
                self.out.line(format!("let {name} = rt::{kind}::new({of});"));
                self.divisors.insert(v, Divisor { name, kind });
            }
        }
    }

    /// Whether a value is one for the whole lane.
    fn is_one(&self, v: Ref) -> bool {
        !self.is_vector(v) && !matches!(self.scope[v.0], Some(Repr::Slice(_)))
    }

    fn constant(&self, v: Ref) -> Option<f64> {
        match &self.nest.value(v).op {
            Op::Const(literal) => Some(literal.as_f64()),
            Op::Load { .. } | Op::Index(_) | Op::Inside(_) | Op::Map(..) | Op::Cast(_) | Op::Pick(..) => None,
            Op::Combine(..) | Op::Reduced(..) | Op::Weights(_) | Op::Window(..) => None,
        }
    }

    fn is_whole(&self, v: Ref) -> bool {
        matches!(self.nest.value(v).op, Op::Cast(of) if !self.nest.value(of).dtype.is_float())
    }

    /// Whether it is a constant that leaves whole numbers, multiplied or divided with it, far from all ends of the floats.
    fn is_near_one(&self, v: Ref) -> bool {
        let far = 2f64.powi(30);
        self.constant(v).is_some_and(|by| (1.0 / far..=far).contains(&by))
    }

    /// What a whole number, or its multiple by a constant, is moved by, where a value is that: it is zero then or far from all ends
    /// of the floats, if what moves it is.
    fn tame(&self, v: Ref) -> Option<Vec<Ref>> {
        if self.is_whole(v) {
            return Some(Vec::new());
        }
        let Op::Map(op, args) = &self.nest.value(v).op else { return None };
        let [a, b] = args[..] else { return None };
        match op.name() {
            "mul" | "div" => (self.is_whole(a) && self.is_near_one(b)).then(Vec::new),
            "add" | "sub" if self.is_one(b) => self.tame(a).filter(Vec::is_empty).map(|_| vec![b]),
            _ => None,
        }
    }
}

fn is_power_of_two(x: f64) -> bool {
    x.is_normal() && x.to_bits() << 12 == 0
}
