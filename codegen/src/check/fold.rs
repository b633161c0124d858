//! Arithmetic on weak numbers: literals and sizes, before any array is met.
//!
//! In: an operation of the table and weak values. Out: a weak value: known now,
//! a polynomial of sizes, or a 0-d `f64` made of sizes. Always: integers are
//! Python's (no wrap; beyond 64 bits is an error), floats are `f64`.
//! Next: [`super::elementwise`].

use super::cx::Cx;
use super::value::{Arg, Value, Weak};
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use crate::graph::NodeId;
use crate::ops::{Literal, MapOp, Rule};
use crate::shape::{Dim, SizesOnly};

impl Cx<'_> {
    /// The operation on weak values only.
    pub fn fold(&mut self, op: MapOp, what: &str, args: &[Arg], loc: Loc) -> Value {
        let kinds: Vec<Weak> = args.iter().filter_map(|a| a.value.weak()).collect();
        let row = op.row();
        if row.rule == Rule::Select {
            return match &args[0].value {
                Value::Bool(true) => args[1].value.clone(),
                Value::Bool(false) => args[2].value.clone(),
                _ => self.condition_wanted(&args[0]),
            };
        }
        let top = kinds.iter().copied().max().unwrap_or(Weak::Int);
        if let Some(dims) = args.iter().map(|a| a.value.as_dim()).collect::<Option<Vec<Dim>>>()
            && args.iter().any(|a| matches!(a.value, Value::Dim(_)))
            && let Some(value) = self.fold_dims(op, &dims, args, loc)
        {
            return value;
        }
        if args.iter().any(|a| matches!(a.value, Value::Dim(_) | Value::Number(_))) {
            return self.fold_nodes(op, what, args, loc);
        }
        match row.rule {
            Rule::Float | Rule::Test => {}
            Rule::Number | Rule::Any | Rule::Signed | Rule::Int | Rule::Compare | Rule::Bits | Rule::Select
                if top < Weak::Float =>
            {
                return self.fold_ints(op, what, args, top, loc);
            }
            Rule::Int | Rule::Bits => {
                return self.told(
                    errors::DTYPE_RULE,
                    loc,
                    format!("`{what}` takes integers, not floats"),
                    "write an integer",
                );
            }
            Rule::Number | Rule::Any | Rule::Signed | Rule::Compare | Rule::Select => {}
        }
        if row.name == "div" && top < Weak::Float {
            return self.divide_ints(args, loc);
        }
        let floats: Vec<f64> = args.iter().map(|a| as_f64(&a.value)).collect();
        let out = (row.eval)(&floats);
        match row.rule {
            Rule::Compare | Rule::Test => Value::Bool(out != 0.0),
            Rule::Number | Rule::Any | Rule::Signed | Rule::Float | Rule::Bits | Rule::Int | Rule::Select => {
                Value::Float(out)
            }
        }
    }

    fn fold_ints(&mut self, op: MapOp, what: &str, args: &[Arg], top: Weak, loc: Loc) -> Value {
        let row = op.row();
        let ints: Vec<i128> = args.iter().map(|a| as_int(&a.value)).collect();
        let fits = |i: &i128| i.unsigned_abs() <= 1 << 64;
        let by_zero = matches!(row.name, "floor_divide" | "remainder") && ints[1] == 0;
        if by_zero {
            return self.told(errors::ARGUMENT_VALUE, loc, "division by the literal zero", "divide by another number");
        }
        let out = match (row.name, row.eval_int) {
            _ if !ints.iter().all(fits) => None,
            ("power", _) if ints[1] < 0 => return Value::Float((ints[0] as f64).powf(ints[1] as f64)),
            ("power", _) => u32::try_from(ints[1]).ok().and_then(|e| ints[0].checked_pow(e)),
            ("mul", _) => ints[0].checked_mul(ints[1]),
            ("left_shift" | "right_shift", _) if !(0..64).contains(&ints[1]) => None,
            ("left_shift", _) => ints[0].checked_mul(1 << ints[1]),
            // Python's `not`, not the integer's complement.
            ("bitwise_not", _) if top == Weak::Bool => Some(1 - ints[0]),
            (_, Some(eval)) => Some(eval(&ints)),
            (_, None) => {
                return self.told(
                    errors::DTYPE_RULE,
                    loc,
                    format!("`{what}` takes floats, not integers"),
                    "write a float",
                );
            }
        };
        match out.filter(fits) {
            None => self.told(
                errors::LITERAL_RANGE,
                loc,
                format!("the result of `{what}` does not fit 64 bits"),
                "compute with floats",
            ),
            Some(v) if row.rule == Rule::Compare || (row.rule == Rule::Bits && top == Weak::Bool) => {
                Value::Bool(v != 0)
            }
            Some(v) => Value::Int(v),
        }
    }

    /// `/` of two integers known now: exact, or an error.
    fn divide_ints(&mut self, args: &[Arg], loc: Loc) -> Value {
        let (a, b) = (as_int(&args[0].value), as_int(&args[1].value));
        if b != 0 && (self.floor || a % b == 0) {
            return Value::Int(a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0));
        }
        let message = format!("`{a} / {b}` is not an integer");
        self.error(
            Diagnostic::new(errors::INTEGER_DIVISION, loc, message)
                .help(format!("write `{a}.0 / {b}` for the fraction, `floor_divide({a}, {b})` for the integer")),
        )
    }

    /// Polynomials of sizes, where the operation stays within them.
    fn fold_dims(&mut self, op: MapOp, dims: &[Dim], args: &[Arg], loc: Loc) -> Option<Value> {
        let d = |dim: Dim| Some(Value::dim(self.facts.canonical(&dim)));
        match (op.name(), dims) {
            ("floor_divide" | "remainder" | "div", [_, b]) if b.is(0) => {
                Some(self.told(errors::ARGUMENT_VALUE, loc, "division by the literal zero", "divide by another number"))
            }
            ("add", [a, b]) => d(a.add(b)),
            ("sub", [a, b]) => d(a.sub(b)),
            ("mul", [a, b]) => d(a.mul(b)),
            ("neg", [a]) => d(a.neg()),
            ("maximum" | "fmax", [a, b]) if self.facts.le(a, b) => d(b.clone()),
            ("maximum" | "fmax", [a, b]) => d(a.max_of(b)),
            ("minimum" | "fmin", [a, b]) if self.facts.le(a, b) => d(a.clone()),
            ("minimum" | "fmin", [a, b]) => d(a.min_of(b)),
            ("abs", [a]) if self.facts.non_negative(a) => d(a.clone()),
            ("abs", [a]) => d(a.max_of(&a.neg())),
            ("power", [a, b]) => {
                let n = b.as_const().filter(|n| (0..=8).contains(n))?;
                d((0..n).fold(Dim::one(), |acc, _| acc.mul(a)))
            }
            ("floor_divide", [a, b]) if self.facts.non_negative(b) => d(a.div(b, &SizesOnly)),
            ("remainder", [a, b]) if self.facts.non_negative(b) => d(a.rem(b, &SizesOnly)),
            ("div", [a, b]) => self.divide_dims(a, b, args, loc),
            ("eq" | "ne" | "lt" | "le" | "gt" | "ge", [a, b]) => self.compare_dims(op.name(), a, b).map(Value::Bool),
            _ => None,
        }
    }

    fn divide_dims(&mut self, a: &Dim, b: &Dim, args: &[Arg], loc: Loc) -> Option<Value> {
        let quotient = self.canonical(a.div(b, &SizesOnly));
        let exact = self.facts.equal(&quotient.mul(b), a);
        if self.facts.non_negative(b) && (self.floor || exact) {
            return Some(Value::dim(quotient));
        }
        let (x, y) = (args[0].text(&a.to_string()), args[1].text(&b.to_string()));
        Some(self.error(
            Diagnostic::new(errors::DIVISIBILITY, loc, format!("`{a} / {b}` of sizes may leave a remainder"))
                .note("NumPy's `/` would make a float of them")
                .help(format!("write `floor_divide({x}, {y})` for the integer, `1.0 * {x} / {y}` for the fraction, or state `where {a} % {b} == 0`")),
        ))
    }

    /// The comparison, where it is the same for all sizes.
    fn compare_dims(&self, name: &str, a: &Dim, b: &Dim) -> Option<bool> {
        let (le, ge) = (self.facts.le(a, b), self.facts.le(b, a));
        let lt = self.facts.le(&a.add(&Dim::one()), b);
        let gt = self.facts.le(&b.add(&Dim::one()), a);
        let equal = self.facts.equal(a, b);
        let decide = |yes: bool, no: bool| if yes { Some(true) } else { no.then_some(false) };
        match name {
            "eq" => decide(equal, lt || gt),
            "ne" => decide(lt || gt, equal),
            "lt" => decide(lt, ge),
            "le" => decide(le, gt),
            "gt" => decide(gt, le),
            _ => decide(ge, lt),
        }
    }

    /// Whatever else is made of sizes is computed at the call: comparisons on
    /// `i64`, the rest in `f64`.
    fn fold_nodes(&mut self, op: MapOp, what: &str, args: &[Arg], loc: Loc) -> Value {
        let rule = op.row().rule;
        let ints = args.iter().all(|a| a.value.weak() < Some(Weak::Float));
        let dtype = match rule {
            Rule::Compare if ints => DType::I64,
            Rule::Number | Rule::Any | Rule::Signed | Rule::Float | Rule::Compare | Rule::Test => DType::F64,
            Rule::Bits | Rule::Int | Rule::Select => {
                return self.told(
                    errors::DTYPE_RULE,
                    loc,
                    format!("`{what}` does not take sizes"),
                    "use an array of integers",
                );
            }
        };
        let nodes: Vec<NodeId> = args.iter().map(|a| self.weak_node(&a.value, dtype)).collect();
        let node = self.graph.map(op, &nodes);
        match rule {
            Rule::Compare | Rule::Test => Value::Array(node),
            Rule::Number | Rule::Any | Rule::Signed | Rule::Float | Rule::Bits | Rule::Int | Rule::Select => {
                Value::Number(node)
            }
        }
    }

    /// A weak number as a 0-d node, without any check of ranges.
    pub fn weak_node(&mut self, value: &Value, dtype: DType) -> NodeId {
        match value {
            Value::Dim(dim) => {
                let size = self.graph.size(dim.clone());
                self.graph.cast(size, dtype)
            }
            Value::Number(node) => self.graph.cast(*node, dtype),
            other => self.graph.konst(literal(other), dtype),
        }
    }
}

/// A number that is known now.
pub(super) fn literal(value: &Value) -> Literal {
    match value {
        Value::Bool(b) => Literal::Bool(*b),
        Value::Float(f) => Literal::float(*f),
        other => Literal::Int(as_int(other)),
    }
}

fn as_int(value: &Value) -> i128 {
    match value {
        Value::Int(i) => *i,
        Value::Bool(b) => i128::from(*b),
        _ => 0,
    }
}

fn as_f64(value: &Value) -> f64 {
    literal(value).as_f64()
}
