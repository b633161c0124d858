//! THE table: one row an elementwise operation, one row a reduction.
//!
//! In: a name. Out: everything the compiler knows of the operation. Always: an
//! operation's arity, dtypes, code for both targets, meaning, derivative and
//! documentation stand in its row and nowhere else. What other rows say as well,
//! and as fast, is not a row but text in `prelude.nd`. Next: [`crate::graph`].

use crate::dtype::{DType, Kind};

/// An elementwise operation: an index into [`MAPS`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapOp(u16);

/// Which dtypes an operation takes, and what it answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Integers and floats, all of one dtype, which is the answer's.
    Number,
    /// As `Number`, and `bool`.
    Any,
    /// Signed integers and floats.
    Signed,
    /// Floats.
    Float,
    /// `bool` and integers: `&`, `|`, `^`, `~`.
    Bits,
    /// Integers: shifts.
    Int,
    /// Any one dtype to `bool`.
    Compare,
    /// Floats to `bool`.
    Test,
    /// `bool`, then two of one dtype, which is the answer's.
    Select,
}

/// Numbers from which tests draw an operation's arguments.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Domain(pub f64, pub f64);

/// One elementwise operation.
pub struct MapRow {
    pub name: &'static str,
    pub arity: usize,
    pub rule: Rule,
    /// Rust on floats: `$0 $1 $2` are the arguments, `m` the instruction set.
    pub rust: &'static str,
    /// Rust on integers and `bool`; empty where the rule excludes them.
    pub rust_int: &'static str,
    /// CUDA C on floats; `{f}` is `f` for `f32` and nothing for `f64`.
    pub cuda: &'static str,
    /// CUDA C on integers and `bool`. `{T}` is the dtype, `{U}` its unsigned twin.
    pub cuda_int: &'static str,
    /// The meaning on floats; comparisons and tests answer 0 or 1.
    pub eval: fn(&[f64]) -> f64,
    /// The meaning on integers and `bool`, before wrapping to the dtype.
    pub eval_int: Option<fn(&[i128]) -> i128>,
    /// The gradient for each argument, in the language, of `x0 x1 x2`, the
    /// result `y` and the incoming gradient `g`; `0` where it is zero.
    pub grad: &'static [&'static str],
    pub domain: Domain,
    /// About how many machine instructions an element costs.
    pub cost: u32,
    pub doc: &'static str,
}

/// A reduction: a monoid with its names in both targets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Monoid(u16);

/// What a reduction answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The operand's dtype, which is already the accumulator's.
    Same,
    /// The index of the winning element along the one reduced axis, `i64`.
    Index,
}

/// One reduction.
pub struct ReduceRow {
    pub name: &'static str,
    /// The monoid's type in `rt::monoid`.
    pub rust: &'static str,
    /// The function `T combine(T a, T b)` in CUDA C: an expression of `a`, `b`.
    pub cuda: &'static str,
    pub rule: Rule,
    pub answer: Answer,
    /// The neutral element; `None` where an empty reduction is an error.
    pub identity: Option<Literal>,
    /// What an accumulator starts with, where there is no neutral element in
    /// the mathematical sense: the dtype's least or greatest value.
    pub start: Start,
    pub eval: fn(f64, f64) -> f64,
    pub eval_int: fn(i128, i128) -> i128,
    /// The gradient in the language, of the operand `x`, and of the result `y`
    /// and the incoming gradient `g`, both broadcast to the operand's shape;
    /// `sum` and `prod` in it run over the same axes and are broadcast back.
    pub grad: &'static str,
    pub doc: &'static str,
}

/// The value an accumulator starts with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    Zero,
    One,
    Least,
    Greatest,
}

/// A number in the compiler. A float is kept as its `f64` bits, so that
/// literals hash and compare exactly.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Literal {
    Bool(bool),
    Int(i128),
    Float(u64),
}

impl Literal {
    pub fn float(value: f64) -> Literal {
        Literal::Float(value.to_bits())
    }

    pub fn as_f64(self) -> f64 {
        match self {
            Literal::Bool(b) => f64::from(u8::from(b)),
            Literal::Int(i) => i as f64,
            Literal::Float(bits) => f64::from_bits(bits),
        }
    }

    /// The literal as a value of the dtype in memory.
    pub fn stored(self, dtype: DType) -> Literal {
        match self.cast(dtype) {
            Literal::Float(bits) => Literal::float(dtype.round(f64::from_bits(bits))),
            other => other,
        }
    }

    /// The literal as a value of the dtype, as kernels compute with it.
    pub fn cast(self, dtype: DType) -> Literal {
        match (dtype.kind(), self) {
            (Kind::Bool, l) => Literal::Bool(l.as_f64() != 0.0),
            (Kind::Float, l) => Literal::float(dtype.computed().round(l.as_f64())),
            (Kind::Signed | Kind::Unsigned, Literal::Float(bits)) => {
                let (lo, hi) = dtype.int_range().expect("an integer dtype");
                Literal::Int((f64::from_bits(bits) as i128).clamp(lo, hi))
            }
            (Kind::Signed | Kind::Unsigned, Literal::Bool(b)) => Literal::Int(i128::from(b)),
            (Kind::Signed | Kind::Unsigned, Literal::Int(i)) => Literal::Int(wrap(i, dtype)),
        }
    }
}

/// `value` modulo two to the dtype's width, as the hardware wraps.
pub fn wrap(value: i128, dtype: DType) -> i128 {
    let Some((lo, hi)) = dtype.int_range() else { return value };
    let modulus = hi - lo + 1;
    (value - lo).rem_euclid(modulus) + lo
}

impl MapOp {
    pub fn all() -> impl Iterator<Item = MapOp> {
        (0..MAPS.len()).map(|i| MapOp(i as u16))
    }

    pub fn from_name(name: &str) -> Option<MapOp> {
        MAPS.iter().position(|r| r.name == name).map(|i| MapOp(i as u16))
    }

    /// The row of a name the compiler itself relies on.
    pub fn named(name: &str) -> MapOp {
        MapOp::from_name(name).unwrap_or_else(|| panic!("the op table has no row `{name}`"))
    }

    pub fn row(self) -> &'static MapRow {
        &MAPS[usize::from(self.0)]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether its value is its first argument: it says something to
    /// differentiation, and nothing to a processor.
    pub fn is_identity(self) -> bool {
        self.row().rust == "$0"
    }

    /// The result's dtype for arguments that fit the rule; `None` otherwise.
    pub fn result(self, args: &[DType]) -> Option<DType> {
        let row = self.row();
        let same = |d: &[DType]| d.windows(2).all(|w| w[0] == w[1]);
        if args.len() != row.arity {
            return None;
        }
        if row.rule == Rule::Select {
            return (args[0] == DType::Bool && same(&args[1..])).then(|| args[1]);
        }
        if !same(args) || !row.rule.accepts(args[0]) {
            return None;
        }
        Some(match row.rule {
            Rule::Compare | Rule::Test => DType::Bool,
            Rule::Number | Rule::Any | Rule::Signed | Rule::Float | Rule::Bits | Rule::Int | Rule::Select => args[0],
        })
    }
}

impl Rule {
    /// Whether an argument may have this dtype.
    pub fn accepts(self, dtype: DType) -> bool {
        match self {
            Rule::Any | Rule::Compare | Rule::Select => true,
            Rule::Number => dtype != DType::Bool,
            Rule::Signed => matches!(dtype.kind(), Kind::Signed | Kind::Float),
            Rule::Float | Rule::Test => dtype.is_float(),
            Rule::Bits => !dtype.is_float(),
            Rule::Int => dtype.is_int(),
        }
    }
}

impl std::fmt::Debug for MapOp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Monoid {
    pub fn all() -> impl Iterator<Item = Monoid> {
        (0..REDUCES.len()).map(|i| Monoid(i as u16))
    }

    pub fn from_name(name: &str) -> Option<Monoid> {
        REDUCES.iter().position(|r| r.name == name).map(|i| Monoid(i as u16))
    }

    pub fn named(name: &str) -> Monoid {
        Monoid::from_name(name).unwrap_or_else(|| panic!("the op table has no reduction `{name}`"))
    }

    pub fn row(self) -> &'static ReduceRow {
        &REDUCES[usize::from(self.0)]
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The result's dtype for an operand of this dtype; `None` if not allowed.
    pub fn result(self, dtype: DType) -> Option<DType> {
        let row = self.row();
        let logical = matches!(row.identity, Some(Literal::Bool(_)));
        if !row.rule.accepts(dtype) || logical && dtype != DType::Bool {
            return None;
        }
        match row.answer {
            Answer::Same => Some(dtype),
            Answer::Index => Some(DType::I64),
        }
    }

    /// The value an accumulator of this dtype starts with.
    pub fn start(self, dtype: DType) -> Literal {
        let float = dtype.is_float();
        let edge = |float_edge: f64, int: fn((i128, i128)) -> i128, b: bool| match dtype.int_range() {
            Some(range) => Literal::Int(int(range)),
            None if float => Literal::float(float_edge),
            None => Literal::Bool(b),
        };
        match self.row().start {
            Start::Zero => Literal::Int(0).cast(dtype),
            Start::One => Literal::Int(1).cast(dtype),
            Start::Least => edge(f64::NEG_INFINITY, |r| r.0, false),
            Start::Greatest => edge(f64::INFINITY, |r| r.1, true),
        }
    }
}

impl std::fmt::Debug for Monoid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

const ALL: Domain = Domain(-4.0, 4.0);
const POS: Domain = Domain(0.1, 8.0);
const UNIT: Domain = Domain(-0.9, 0.9);

/// A row on floats only, called as a method of `m` in Rust and by its C name.
macro_rules! float_fn {
    ($name:literal, $c:literal, $eval:expr, $grad:literal, $domain:expr, $cost:literal, $doc:literal) => {
        MapRow {
            name: $name,
            arity: 1,
            rule: Rule::Float,
            rust: concat!("m.", $name, "($0)"),
            rust_int: "",
            cuda: concat!($c, "{f}($0)"),
            cuda_int: "",
            eval: |a| {
                let f: fn(f64) -> f64 = $eval;
                f(a[0])
            },
            eval_int: None,
            grad: &[$grad],
            domain: $domain,
            cost: $cost,
            doc: $doc,
        }
    };
}

/// A comparison.
macro_rules! compare {
    ($name:literal, $op:literal, $f:expr, $i:expr, $doc:literal) => {
        MapRow {
            name: $name,
            arity: 2,
            rule: Rule::Compare,
            rust: concat!("$0 ", $op, " $1"),
            rust_int: concat!("$0 ", $op, " $1"),
            cuda: concat!("$0 ", $op, " $1"),
            cuda_int: concat!("$0 ", $op, " $1"),
            eval: |a| {
                let f: fn(f64, f64) -> bool = $f;
                f64::from(u8::from(f(a[0], a[1])))
            },
            eval_int: Some(|a| {
                let f: fn(i128, i128) -> bool = $i;
                i128::from(f(a[0], a[1]))
            }),
            grad: &["0", "0"],
            domain: ALL,
            cost: 1,
            doc: $doc,
        }
    };
}

/// The elementwise operations.
#[rustfmt::skip]
pub static MAPS: &[MapRow] = &[
    MapRow { name: "add", arity: 2, rule: Rule::Number, rust: "$0 + $1", rust_int: "$0.wrapping_add($1)",
        cuda: "$0 + $1", cuda_int: "({T})(({U})$0 + ({U})$1)", eval: |a| a[0] + a[1], eval_int: Some(|a| a[0] + a[1]),
        grad: &["g", "g"], domain: ALL, cost: 1, doc: "The sum; integers wrap." },
    MapRow { name: "sub", arity: 2, rule: Rule::Number, rust: "$0 - $1", rust_int: "$0.wrapping_sub($1)",
        cuda: "$0 - $1", cuda_int: "({T})(({U})$0 - ({U})$1)", eval: |a| a[0] - a[1], eval_int: Some(|a| a[0] - a[1]),
        grad: &["g", "-g"], domain: ALL, cost: 1, doc: "The difference; integers wrap." },
    MapRow { name: "mul", arity: 2, rule: Rule::Number, rust: "$0 * $1", rust_int: "$0.wrapping_mul($1)",
        cuda: "$0 * $1", cuda_int: "({T})(({U})$0 * ({U})$1)", eval: |a| a[0] * a[1], eval_int: Some(|a| a[0].wrapping_mul(a[1])),
        grad: &["g * x1", "g * x0"], domain: ALL, cost: 1, doc: "The product; integers wrap." },
    MapRow { name: "div", arity: 2, rule: Rule::Float, rust: "$0 / $1", rust_int: "",
        cuda: "$0 / $1", cuda_int: "", eval: |a| a[0] / a[1], eval_int: None,
        grad: &["g / x1", "-g * y / x1"], domain: POS, cost: 4, doc: "The quotient of floats." },
    MapRow { name: "floor_divide", arity: 2, rule: Rule::Number, rust: "m.floor_divide($0, $1)", rust_int: "rt::int::floor_divide($0, $1)",
        cuda: "nd_floor_divide($0, $1)", cuda_int: "nd_floor_divide($0, $1)", eval: |a| float_floor_divide(a[0], a[1]), eval_int: Some(|a| int_floor_divide(a[0], a[1])),
        grad: &["0", "0"], domain: POS, cost: 12, doc: "Division rounded down; an integer divided by zero is zero." },
    MapRow { name: "remainder", arity: 2, rule: Rule::Number, rust: "m.remainder($0, $1)", rust_int: "rt::int::remainder($0, $1)",
        cuda: "nd_remainder($0, $1)", cuda_int: "nd_remainder($0, $1)", eval: |a| float_remainder(a[0], a[1]), eval_int: Some(|a| int_remainder(a[0], a[1])),
        grad: &["g", "-g * floor_divide(x0, x1)"], domain: POS, cost: 12, doc: "The remainder of floor division, with the divisor's sign." },
    MapRow { name: "power", arity: 2, rule: Rule::Number, rust: "m.power($0, $1)", rust_int: "rt::int::power($0, $1)",
        cuda: "pow{f}($0, $1)", cuda_int: "nd_power($0, $1)", eval: |a| a[0].powf(a[1]), eval_int: Some(|a| int_power(a[0], a[1])),
        grad: &["where(x1 == 0, 0, g * x1 * power(x0, x1 - 1))", "where(x0 == 0, 0, g * y * log(x0))"], domain: POS, cost: 40, doc: "The first argument to the power of the second; an integer to a negative power is 0." },
    MapRow { name: "neg", arity: 1, rule: Rule::Signed, rust: "-$0", rust_int: "$0.wrapping_neg()",
        cuda: "-$0", cuda_int: "({T})(({U})0 - ({U})$0)", eval: |a| -a[0], eval_int: Some(|a| -a[0]),
        grad: &["-g"], domain: ALL, cost: 1, doc: "The negative." },
    MapRow { name: "abs", arity: 1, rule: Rule::Number, rust: "$0.abs()", rust_int: "rt::int::abs($0)",
        cuda: "fabs{f}($0)", cuda_int: "nd_abs($0)", eval: |a| a[0].abs(), eval_int: Some(|a| a[0].abs()),
        grad: &["g * sign(x0)"], domain: ALL, cost: 1, doc: "The absolute value." },
    MapRow { name: "sign", arity: 1, rule: Rule::Number, rust: "m.sign($0)", rust_int: "rt::int::sign($0)",
        cuda: "nd_sign($0)", cuda_int: "nd_sign($0)", eval: |a| if a[0].is_nan() { f64::NAN } else if a[0] == 0.0 { 0.0 } else { a[0].signum() }, eval_int: Some(|a| a[0].signum()),
        grad: &["0"], domain: ALL, cost: 3, doc: "-1, 0 or 1; NaN for NaN." },
    float_fn!("exp", "exp", f64::exp, "g * y", ALL, 14, "e to the power of the argument."),
    float_fn!("exp2", "exp2", f64::exp2, "g * y * 0.6931471805599453", ALL, 12, "2 to the power of the argument."),
    float_fn!("expm1", "expm1", f64::exp_m1, "g * (y + 1)", ALL, 20, "e to the power of the argument, minus 1."),
    float_fn!("log", "log", f64::ln, "g / x0", POS, 18, "The natural logarithm."),
    float_fn!("log2", "log2", f64::log2, "g / (x0 * 0.6931471805599453)", POS, 18, "The logarithm to base 2."),
    float_fn!("log10", "log10", f64::log10, "g / (x0 * 2.302585092994046)", POS, 18, "The logarithm to base 10."),
    float_fn!("log1p", "log1p", f64::ln_1p, "g / (x0 + 1)", POS, 22, "The natural logarithm of 1 plus the argument."),
    float_fn!("sqrt", "sqrt", f64::sqrt, "g * 0.5 / y", POS, 6, "The square root; NaN below zero."),
    float_fn!("rsqrt", "rsqrt", |x| 1.0 / x.sqrt(), "-0.5 * g * y / x0", POS, 8, "One over the square root."),
    float_fn!("cbrt", "cbrt", f64::cbrt, "g / (3.0 * y * y)", POS, 24, "The cube root."),
    float_fn!("sin", "sin", f64::sin, "g * cos(x0)", ALL, 20, "The sine of an angle in radians."),
    float_fn!("cos", "cos", f64::cos, "-g * sin(x0)", ALL, 20, "The cosine of an angle in radians."),
    float_fn!("tan", "tan", f64::tan, "g * (1.0 + y * y)", Domain(-1.4, 1.4), 30, "The tangent of an angle in radians."),
    float_fn!("asin", "asin", f64::asin, "g * rsqrt(1.0 - x0 * x0)", UNIT, 24, "The inverse sine, in radians."),
    float_fn!("acos", "acos", f64::acos, "-g * rsqrt(1.0 - x0 * x0)", UNIT, 24, "The inverse cosine, in radians."),
    float_fn!("atan", "atan", f64::atan, "g / (1.0 + x0 * x0)", ALL, 24, "The inverse tangent, in radians."),
    float_fn!("sinh", "sinh", f64::sinh, "g * cosh(x0)", ALL, 24, "The hyperbolic sine."),
    float_fn!("cosh", "cosh", f64::cosh, "g * sinh(x0)", ALL, 24, "The hyperbolic cosine."),
    float_fn!("tanh", "tanh", f64::tanh, "g * (1.0 - y * y)", ALL, 16, "The hyperbolic tangent."),
    MapRow { name: "sigmoid", arity: 1, rule: Rule::Float, rust: "m.sigmoid($0)", rust_int: "", cuda: "1 / (1 + exp{f}(-$0))", cuda_int: "",
        eval: |a| { let e = (-a[0].abs()).exp(); (if a[0] >= 0.0 { 1.0 } else { e }) / (1.0 + e) }, eval_int: None,
        grad: &["g * y * (1.0 - y)"], domain: ALL, cost: 16,
        doc: "The logistic function, `1 / (1 + exp(-x))`." },
    float_fn!("asinh", "asinh", f64::asinh, "g * rsqrt(x0 * x0 + 1.0)", ALL, 30, "The inverse hyperbolic sine."),
    float_fn!("acosh", "acosh", f64::acosh, "g * rsqrt(x0 * x0 - 1.0)", Domain(1.1, 8.0), 30, "The inverse hyperbolic cosine."),
    float_fn!("atanh", "atanh", f64::atanh, "g / (1.0 - x0 * x0)", UNIT, 30, "The inverse hyperbolic tangent."),
    float_fn!("erf", "erf", crate::special::erf, "g * 1.1283791670955126 * exp(-x0 * x0)", ALL, 22, "The error function."),
    float_fn!("erfc", "erfc", crate::special::erfc, "-g * 1.1283791670955126 * exp(-x0 * x0)", ALL, 30, "One minus the error function, exact for large arguments."),
    float_fn!("floor", "floor", f64::floor, "0", ALL, 1, "The greatest integer not above the argument."),
    float_fn!("ceil", "ceil", f64::ceil, "0", ALL, 1, "The least integer not below the argument."),
    float_fn!("round", "rint", f64::round_ties_even, "0", ALL, 1, "The nearest integer; halves go to the even one."),
    float_fn!("trunc", "trunc", f64::trunc, "0", ALL, 1, "The argument without its fraction."),
    MapRow { name: "atan2", arity: 2, rule: Rule::Float, rust: "m.atan2($0, $1)", rust_int: "", cuda: "atan2{f}($0, $1)", cuda_int: "",
        eval: |a| a[0].atan2(a[1]), eval_int: None, grad: &["g * x1 / (x0 * x0 + x1 * x1)", "-g * x0 / (x0 * x0 + x1 * x1)"], domain: POS, cost: 30,
        doc: "The angle of the point (x1, x0), in radians, in (-pi, pi]." },
    MapRow { name: "maximum", arity: 2, rule: Rule::Any, rust: "m.maximum($0, $1)", rust_int: "$0.max($1)", cuda: "nd_maximum($0, $1)", cuda_int: "nd_maximum($0, $1)",
        eval: |a| if a[0] >= a[1] || a[0].is_nan() { a[0] } else { a[1] }, eval_int: Some(|a| a[0].max(a[1])),
        grad: &["where(x0 == x1, 0.5 * g, where(x0 > x1, g, 0))", "where(x0 == x1, 0.5 * g, where(x1 > x0, g, 0))"], domain: ALL, cost: 3,
        doc: "The greater of two; NaN if either is." },
    MapRow { name: "minimum", arity: 2, rule: Rule::Any, rust: "m.minimum($0, $1)", rust_int: "$0.min($1)", cuda: "nd_minimum($0, $1)", cuda_int: "nd_minimum($0, $1)",
        eval: |a| if a[0] <= a[1] || a[0].is_nan() { a[0] } else { a[1] }, eval_int: Some(|a| a[0].min(a[1])),
        grad: &["where(x0 == x1, 0.5 * g, where(x0 < x1, g, 0))", "where(x0 == x1, 0.5 * g, where(x1 < x0, g, 0))"], domain: ALL, cost: 3,
        doc: "The lesser of two; NaN if either is." },
    MapRow { name: "fmax", arity: 2, rule: Rule::Any, rust: "$0.max($1)", rust_int: "$0.max($1)", cuda: "fmax{f}($0, $1)", cuda_int: "nd_maximum($0, $1)",
        eval: |a| a[0].max(a[1]), eval_int: Some(|a| a[0].max(a[1])), grad: &["where(x0 == x1, 0.5 * g, where(y == x0, g, 0))", "where(x0 == x1, 0.5 * g, where(y == x1, g, 0))"], domain: ALL, cost: 3,
        doc: "The greater of two; a NaN gives way to a number." },
    MapRow { name: "fmin", arity: 2, rule: Rule::Any, rust: "$0.min($1)", rust_int: "$0.min($1)", cuda: "fmin{f}($0, $1)", cuda_int: "nd_minimum($0, $1)",
        eval: |a| a[0].min(a[1]), eval_int: Some(|a| a[0].min(a[1])), grad: &["where(x0 == x1, 0.5 * g, where(y == x0, g, 0))", "where(x0 == x1, 0.5 * g, where(y == x1, g, 0))"], domain: ALL, cost: 3,
        doc: "The lesser of two; a NaN gives way to a number." },
    MapRow { name: "copysign", arity: 2, rule: Rule::Float, rust: "$0.copysign($1)", rust_int: "", cuda: "copysign{f}($0, $1)", cuda_int: "",
        eval: |a| a[0].copysign(a[1]), eval_int: None, grad: &["g * copysign(1.0, x1) * sign(x0)", "0"], domain: ALL, cost: 2,
        doc: "The first argument's size with the second one's sign." },
    compare!("eq", "==", |a, b| a == b, |a, b| a == b, "Whether two are equal; NaN equals nothing."),
    compare!("ne", "!=", |a, b| a != b, |a, b| a != b, "Whether two differ; NaN differs from all."),
    compare!("lt", "<", |a, b| a < b, |a, b| a < b, "Whether the first is less."),
    compare!("le", "<=", |a, b| a <= b, |a, b| a <= b, "Whether the first is less or equal."),
    compare!("gt", ">", |a, b| a > b, |a, b| a > b, "Whether the first is greater."),
    compare!("ge", ">=", |a, b| a >= b, |a, b| a >= b, "Whether the first is greater or equal."),
    MapRow { name: "bitwise_and", arity: 2, rule: Rule::Bits, rust: "", rust_int: "$0 & $1", cuda: "", cuda_int: "({T})($0 & $1)",
        eval: |_| f64::NAN, eval_int: Some(|a| a[0] & a[1]), grad: &["0", "0"], domain: ALL, cost: 1, doc: "Bit by bit and; on `bool`, logical and." },
    MapRow { name: "bitwise_or", arity: 2, rule: Rule::Bits, rust: "", rust_int: "$0 | $1", cuda: "", cuda_int: "({T})($0 | $1)",
        eval: |_| f64::NAN, eval_int: Some(|a| a[0] | a[1]), grad: &["0", "0"], domain: ALL, cost: 1, doc: "Bit by bit or; on `bool`, logical or." },
    MapRow { name: "bitwise_xor", arity: 2, rule: Rule::Bits, rust: "", rust_int: "$0 ^ $1", cuda: "", cuda_int: "({T})($0 ^ $1)",
        eval: |_| f64::NAN, eval_int: Some(|a| a[0] ^ a[1]), grad: &["0", "0"], domain: ALL, cost: 1, doc: "Bit by bit exclusive or." },
    MapRow { name: "bitwise_not", arity: 1, rule: Rule::Bits, rust: "", rust_int: "!$0", cuda: "", cuda_int: "nd_not($0)",
        eval: |_| f64::NAN, eval_int: Some(|a| !a[0]), grad: &["0"], domain: ALL, cost: 1, doc: "Every bit turned; on `bool`, logical not." },
    MapRow { name: "left_shift", arity: 2, rule: Rule::Int, rust: "", rust_int: "rt::int::shl($0, $1)", cuda: "", cuda_int: "nd_shl($0, $1)",
        eval: |_| f64::NAN, eval_int: Some(|a| if (0..64).contains(&a[1]) { a[0] << a[1] } else { 0 }), grad: &["0", "0"], domain: POS, cost: 2, doc: "Bits moved up; all are gone at the dtype's width." },
    MapRow { name: "right_shift", arity: 2, rule: Rule::Int, rust: "", rust_int: "rt::int::shr($0, $1)", cuda: "", cuda_int: "nd_shr($0, $1)",
        eval: |_| f64::NAN, eval_int: Some(|a| if (0..64).contains(&a[1]) { a[0] >> a[1] } else if a[0] < 0 { -1 } else { 0 }), grad: &["0", "0"], domain: POS, cost: 2, doc: "Bits moved down, keeping the sign." },
    MapRow { name: "philox", arity: 3, rule: Rule::Int, rust: "", rust_int: "rt::int::philox($0, $1, $2)", cuda: "", cuda_int: "nd_philox($0, $1, $2)",
        eval: |_| f64::NAN, eval_int: Some(|a| i128::from(crate::special::philox(a[0] as u64, a[1] as u64, a[2] as u64) as i64)), grad: &["0", "0", "0"], domain: ALL, cost: 70,
        doc: "Random bits: the first half of the block of Philox4x32-10 (Salmon et al., SC'11) with the first argument as the key and the others as the counter's halves; a narrow dtype keeps the low bits." },
    MapRow { name: "isnan", arity: 1, rule: Rule::Test, rust: "$0.is_nan()", rust_int: "", cuda: "($0 != $0)", cuda_int: "",
        eval: |a| f64::from(u8::from(a[0].is_nan())), eval_int: None, grad: &["0"], domain: ALL, cost: 1, doc: "Whether the argument is NaN." },
    MapRow { name: "isinf", arity: 1, rule: Rule::Test, rust: "$0.is_infinite()", rust_int: "", cuda: "nd_isinf($0)", cuda_int: "",
        eval: |a| f64::from(u8::from(a[0].is_infinite())), eval_int: None, grad: &["0"], domain: ALL, cost: 2, doc: "Whether the argument is infinite." },
    MapRow { name: "isfinite", arity: 1, rule: Rule::Test, rust: "$0.is_finite()", rust_int: "", cuda: "nd_isfinite($0)", cuda_int: "",
        eval: |a| f64::from(u8::from(a[0].is_finite())), eval_int: None, grad: &["0"], domain: ALL, cost: 2, doc: "Whether the argument is neither infinite nor NaN." },
    MapRow { name: "where", arity: 3, rule: Rule::Select, rust: "if $0 { $1 } else { $2 }", rust_int: "if $0 { $1 } else { $2 }", cuda: "$0 ? $1 : $2", cuda_int: "$0 ? $1 : $2",
        eval: |a| if a[0] != 0.0 { a[1] } else { a[2] }, eval_int: Some(|a| if a[0] != 0 { a[1] } else { a[2] }),
        grad: &["0", "where(x0, g, 0)", "where(x0, 0, g)"], domain: ALL, cost: 1, doc: "The second argument where the first is true, else the third." },
    MapRow { name: "stop_gradient", arity: 1, rule: Rule::Any, rust: "$0", rust_int: "$0", cuda: "$0", cuda_int: "$0",
        eval: |a| a[0], eval_int: Some(|a| a[0]), grad: &["0"], domain: ALL, cost: 0, doc: "The argument, as a constant to differentiation." },
    MapRow { name: "with_gradient", arity: 3, rule: Rule::Float, rust: "$0", rust_int: "", cuda: "$0", cuda_int: "",
        eval: |a| a[0], eval_int: None, grad: &["0", "g * x2", "0"], domain: ALL, cost: 0, doc: "The first argument, with the third as its derivative by the second." },
    MapRow { name: "fma", arity: 3, rule: Rule::Float, rust: "m.fma($0, $1, $2)", rust_int: "", cuda: "fma{f}($0, $1, $2)", cuda_int: "",
        eval: |a| a[0].mul_add(a[1], a[2]), eval_int: None, grad: &["g * x1", "g * x0", "g"], domain: ALL, cost: 1, doc: "x0 * x1 + x2, rounded once where the machine can." },
];

/// The reductions.
#[rustfmt::skip]
pub static REDUCES: &[ReduceRow] = &[
    ReduceRow { name: "sum", rust: "Sum", cuda: "a + b", rule: Rule::Number, answer: Answer::Same, identity: Some(Literal::Int(0)), start: Start::Zero,
        eval: |a, b| a + b, eval_int: |a, b| a + b, grad: "g",
        doc: "The sum, in a fixed order, with an error no worse than pairwise summation." },
    ReduceRow { name: "prod", rust: "Prod", cuda: "a * b", rule: Rule::Number, answer: Answer::Same, identity: Some(Literal::Int(1)), start: Start::One,
        eval: |a, b| a * b, eval_int: i128::wrapping_mul, grad: "where(x == 0, where(sum(where(x == 0, 1, 0)) == 1, g * prod(where(x == 0, 1, x)), 0), g * y / x)",
        doc: "The product." },
    ReduceRow { name: "max", rust: "Max", cuda: "nd_maximum(a, b)", rule: Rule::Any, answer: Answer::Same, identity: None, start: Start::Least,
        eval: |a, b| if a >= b || a.is_nan() { a } else { b }, eval_int: i128::max, grad: "where(x == y, g / sum(where(x == y, 1, 0)), 0)",
        doc: "The greatest; NaN if any is. An empty one is an error." },
    ReduceRow { name: "min", rust: "Min", cuda: "nd_minimum(a, b)", rule: Rule::Any, answer: Answer::Same, identity: None, start: Start::Greatest,
        eval: |a, b| if a <= b || a.is_nan() { a } else { b }, eval_int: i128::min, grad: "where(x == y, g / sum(where(x == y, 1, 0)), 0)",
        doc: "The least; NaN if any is. An empty one is an error." },
    ReduceRow { name: "any", rust: "Max", cuda: "a | b", rule: Rule::Bits, answer: Answer::Same, identity: Some(Literal::Bool(false)), start: Start::Least,
        eval: |a, b| a.max(b), eval_int: i128::max, grad: "0",
        doc: "Whether any is true." },
    ReduceRow { name: "all", rust: "Min", cuda: "a & b", rule: Rule::Bits, answer: Answer::Same, identity: Some(Literal::Bool(true)), start: Start::Greatest,
        eval: |a, b| a.min(b), eval_int: i128::min, grad: "0",
        doc: "Whether all are true." },
    ReduceRow { name: "argmax", rust: "ArgMax", cuda: "nd_argmax", rule: Rule::Any, answer: Answer::Index, identity: None, start: Start::Least,
        eval: |a, b| if a >= b || a.is_nan() { a } else { b }, eval_int: i128::max, grad: "0",
        doc: "The index of the first greatest; of the first NaN, if any. An empty one is an error." },
    ReduceRow { name: "argmin", rust: "ArgMin", cuda: "nd_argmin", rule: Rule::Any, answer: Answer::Index, identity: None, start: Start::Greatest,
        eval: |a, b| if a <= b || a.is_nan() { a } else { b }, eval_int: i128::min, grad: "0",
        doc: "The index of the first least; of the first NaN, if any. An empty one is an error." },
];

fn int_floor_divide(a: i128, b: i128) -> i128 {
    match b {
        0 => 0,
        _ => a.div_euclid(b) - i128::from(b < 0 && a.rem_euclid(b) != 0),
    }
}

fn int_remainder(a: i128, b: i128) -> i128 {
    match b {
        0 => 0,
        _ => a - int_floor_divide(a, b) * b,
    }
}

/// The power by squaring, modulo 2^128 and so modulo any dtype's width; a
/// negative exponent gives 0.
fn int_power(a: i128, b: i128) -> i128 {
    if b < 0 {
        return 0;
    }
    let (mut result, mut base, mut exponent) = (1i128, a, b);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}

fn float_remainder(a: f64, b: f64) -> f64 {
    let m = a % b;
    if m != 0.0 { if (b < 0.0) != (m < 0.0) { m + b } else { m } } else { 0f64.copysign(b) }
}

fn float_floor_divide(a: f64, b: f64) -> f64 {
    if b == 0.0 {
        return a / b;
    }
    let m = a % b;
    let mut div = (a - m) / b;
    if m != 0.0 && (b < 0.0) != (m < 0.0) {
        div -= 1.0;
    }
    if div == 0.0 {
        return 0f64.copysign(a / b);
    }
    let floor = div.floor();
    if div - floor > 0.5 { floor + 1.0 } else { floor }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_whole() {
        for op in MapOp::all() {
            let row = op.row();
            assert_eq!(row.grad.len(), row.arity, "{}", row.name);
            assert_eq!(MapOp::from_name(row.name), Some(op));
            for d in DType::all().filter(|&d| row.rule.accepts(d)) {
                let (rust, cuda) = if d.is_float() { (row.rust, row.cuda) } else { (row.rust_int, row.cuda_int) };
                assert!(!rust.is_empty() && !cuda.is_empty(), "{} {d}", row.name);
                assert!(d.is_float() || row.eval_int.is_some(), "{} {d}", row.name);
                // An operation that is its first argument is gone before code is made.
                for k in (0..row.arity).filter(|_| rust != "$0") {
                    assert!(rust.contains(&format!("${k}")), "{}", row.name);
                }
            }
        }
    }

    #[test]
    fn integers_wrap_as_hardware_does() {
        assert_eq!(wrap(256, DType::U8), 0);
        assert_eq!(wrap(-1, DType::U8), 255);
        assert_eq!(wrap(i128::from(i32::MIN) - 1, DType::I32), i128::from(i32::MAX));
    }

    #[test]
    fn division_follows_numpy() {
        assert_eq!((int_floor_divide(-7, 2), int_remainder(-7, 2)), (-4, 1));
        assert_eq!((int_floor_divide(7, -2), int_remainder(7, -2)), (-4, -1));
        assert_eq!((int_floor_divide(7, 0), int_remainder(7, 0)), (0, 0));
        assert_eq!(float_remainder(-7.0, 2.0), 1.0);
        assert_eq!(float_floor_divide(-7.0, 2.0), -4.0);
    }
}
