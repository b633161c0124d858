//! Pieces of Rust text: expressions with their precedence, and indented lines.
//!
//! In: rows of the op table, literals, dimensions. Out: [`Code`], text that
//! knows how tightly it binds, so that parentheses stand only where they are
//! needed; [`Writer`], which collects lines. Always: integers of indices are
//! `isize`, and every literal carries its type. Next: [`super::kernel`].

use crate::dtype::{DType, Kind};
use crate::ops::Literal;
use crate::shape::{Atom, Dim};
use std::fmt::Write;

/// How tightly an expression binds, in Rust's order.
pub type Prec = u8;
/// `if`, closures: never an operand without parentheses.
pub const LOOSE: Prec = 0;
pub const AND: Prec = 2;
pub const COMPARE: Prec = 3;
pub const SUM: Prec = 8;
pub const PRODUCT: Prec = 9;
pub const UNARY: Prec = 11;
/// Names, calls, literals.
pub const ATOM: Prec = 12;

/// A Rust expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Code {
    pub text: String,
    pub prec: Prec,
}

impl Code {
    pub fn new(text: impl Into<String>, prec: Prec) -> Code {
        Code { text: text.into(), prec }
    }

    pub fn atom(text: impl Into<String>) -> Code {
        Code::new(text, ATOM)
    }

    /// The text where at least `need` is wanted.
    pub fn at(&self, need: Prec) -> String {
        if self.prec >= need { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// Puts arguments into a template of the op table: `$0 + $1`, `m.exp($0)`.
pub fn fill(template: &str, args: &[Code]) -> Code {
    let outer = outer(template);
    let mut text = String::with_capacity(template.len() + 16);
    let mut rest = template;
    let mut depth = 0usize;
    let mut first = true;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '$' {
            depth = nesting(depth, c);
            text.push(c);
            continue;
        }
        let arg = rest.bytes().next().map_or(0, |b| usize::from(b.wrapping_sub(b'0')));
        rest = &rest[1..];
        let need = if rest.starts_with('.') || text.ends_with(['-', '!']) {
            ATOM
        } else if depth > 0 {
            LOOSE
        } else if outer == LOOSE {
            LOOSE + 1
        } else if first && outer != COMPARE {
            outer
        } else {
            outer + 1
        };
        first = false;
        text.push_str(&args[arg].at(need));
    }
    Code { text, prec: outer }
}

fn nesting(depth: usize, c: char) -> usize {
    match c {
        '(' | '{' | '[' => depth + 1,
        ')' | '}' | ']' => depth.saturating_sub(1),
        _ => depth,
    }
}

/// How tightly a template binds.
fn outer(template: &str) -> Prec {
    if template.starts_with("if ") {
        return LOOSE;
    }
    let mut depth = 0;
    let mut prec = if template.starts_with(['-', '!']) { UNARY } else { ATOM };
    for word in template.split(' ') {
        if depth == 0 {
            prec = prec.min(binary(word).unwrap_or(ATOM));
        }
        depth = word.chars().fold(depth, nesting);
    }
    prec
}

fn binary(operator: &str) -> Option<Prec> {
    Some(match operator {
        "||" => 1,
        "&&" => AND,
        "==" | "!=" | "<" | "<=" | ">" | ">=" => COMPARE,
        "|" => 4,
        "^" => 5,
        "&" => 6,
        "<<" | ">>" => 7,
        "+" | "-" => SUM,
        "*" | "/" | "%" => PRODUCT,
        _ => return None,
    })
}

/// The runtime's module, from anywhere in a user's crate.
pub const RT: &str = "::ndfuse::rt";

/// The Rust type of a dtype; what Rust has not of itself is in the module `rt`.
pub fn ty(dtype: DType, rt: &str) -> String {
    if dtype.is_stored_only() { format!("{rt}::{dtype}") } else { dtype.to_string() }
}

/// A literal of the dtype; floats to the last bit.
pub fn literal(value: Literal, dtype: DType) -> Code {
    let name = dtype.name();
    if dtype.is_stored_only() {
        let bits = dtype.float_bits(value.as_f64());
        return Code::atom(format!("{}::from_bits({bits:#06x})", ty(dtype, "rt")));
    }
    match (value.cast(dtype), dtype.kind()) {
        (Literal::Bool(b), _) => Code::atom(b.to_string()),
        (Literal::Int(i), _) => Code::new(format!("{i}{name}"), if i < 0 { UNARY } else { ATOM }),
        (Literal::Float(bits), Kind::Float) => float(f64::from_bits(bits), dtype),
        (Literal::Float(bits), Kind::Bool | Kind::Unsigned | Kind::Signed) => float(f64::from_bits(bits), DType::F64),
    }
}

fn float(value: f64, dtype: DType) -> Code {
    let name = dtype.name();
    if value.is_nan() {
        return Code::atom(format!("{name}::NAN"));
    }
    if value.is_infinite() {
        return Code::atom(format!("{name}::{}INFINITY", if value < 0.0 { "NEG_" } else { "" }));
    }
    // The shortest text that reads back as the same number of that width.
    let digits = if dtype == DType::F32 { format!("{:?}", value as f32) } else { format!("{value:?}") };
    Code::new(format!("{digits}{name}"), if value.is_sign_negative() { UNARY } else { ATOM })
}

/// An index expression over `isize`; `name` says how a symbol is written.
pub fn dim(value: &Dim, name: &impl Fn(&str) -> String) -> Code {
    let terms: Vec<_> = value.terms().collect();
    // The constant last, as in the text of a dimension, and a positive term first.
    let (constant, mut rest): (Vec<_>, Vec<_>) = terms.into_iter().partition(|(_, m)| m.is_empty());
    if let Some(k) = rest.iter().position(|(c, _)| *c > 0) {
        let lead = rest.remove(k);
        rest.insert(0, lead);
    } else if constant.first().is_some_and(|(c, _)| *c > 0) {
        rest.splice(0..0, constant.iter().copied());
        return sum(&rest, name);
    }
    rest.extend(constant);
    sum(&rest, name)
}

fn sum(terms: &[(i64, &[(Atom, u32)])], name: &impl Fn(&str) -> String) -> Code {
    let mut out: Option<Code> = None;
    for &(c, factors) in terms {
        let mut parts: Vec<Code> = Vec::new();
        if c.unsigned_abs() != 1 || factors.is_empty() {
            parts.push(Code::atom(c.unsigned_abs().to_string()));
        }
        for (a, power) in factors {
            parts.extend((0..*power).map(|_| atom(a, name)));
        }
        let prec = if parts.len() > 1 { PRODUCT } else { ATOM };
        let text = parts.iter().map(|p| p.at(PRODUCT)).collect::<Vec<_>>().join(" * ");
        out = Some(match (out, c < 0) {
            (None, false) => Code::new(text, prec),
            (None, true) => Code::new(format!("-{text}"), prec.min(UNARY)),
            (Some(left), minus) => Code::new(format!("{} {} {text}", left.text, if minus { '-' } else { '+' }), SUM),
        });
    }
    out.unwrap_or_else(|| Code::atom("0"))
}

fn atom(value: &Atom, name: &impl Fn(&str) -> String) -> Code {
    let call = |function: &str, a: &Dim, b: &Dim| {
        Code::atom(format!("rt::dim::{function}({}, {})", dim(a, name).text, dim(b, name).text))
    };
    match value {
        Atom::Sym(s) => Code::atom(name(s)),
        Atom::Div(a, b) => call("div", a, b),
        Atom::Rem(a, b) => call("rem", a, b),
        Atom::Max(a, b) => call("max", a, b),
        Atom::Min(a, b) => call("min", a, b),
    }
}

/// Lines with their indentation.
#[derive(Default)]
pub struct Writer {
    pub text: String,
    depth: usize,
}

impl Writer {
    pub fn at(depth: usize) -> Writer {
        Writer { text: String::new(), depth }
    }

    pub fn line(&mut self, line: impl AsRef<str>) {
        let _ = writeln!(self.text, "{:width$}{}", "", line.as_ref(), width = 4 * self.depth);
    }

    /// A line that ends in `{`; what follows stands one step further in.
    pub fn open(&mut self, line: impl AsRef<str>) {
        self.open_with(format!("{} {{", line.as_ref()));
    }

    /// A line after which the text stands one step further in.
    pub fn open_with(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.depth += 1;
    }

    pub fn close(&mut self) {
        self.close_with("}");
    }

    pub fn close_with(&mut self, line: &str) {
        self.depth -= 1;
        self.line(line);
    }

    /// Text that another writer made at this depth.
    pub fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::MapOp;

    fn map(op: &str, args: &[&Code]) -> Code {
        let args: Vec<Code> = args.iter().map(|&a| a.clone()).collect();
        fill(MapOp::named(op).row().rust, &args)
    }

    #[test]
    fn parentheses_stand_where_they_are_needed() {
        let [x, y, z] = ["x", "y", "z"].map(Code::atom);
        let minus = literal(Literal::float(-1.0), DType::F32);
        let cond = map("lt", &[&x, &y]);
        let sum = map("add", &[&map("mul", &[&x, &y]), &z]);
        for (code, want) in [
            (sum.clone(), "x * y + z"),
            (map("mul", &[&sum, &z]), "(x * y + z) * z"),
            (map("sub", &[&x, &map("sub", &[&y, &z])]), "x - (y - z)"),
            (map("sub", &[&map("sub", &[&x, &y]), &z]), "x - y - z"),
            (map("abs", &[&sum]), "(x * y + z).abs()"),
            (map("abs", &[&minus]), "(-1.0f32).abs()"),
            (map("neg", &[&minus]), "-(-1.0f32)"),
            (map("exp", &[&sum]), "m.exp(x * y + z)"),
            (map("where", &[&cond, &sum, &z]), "if x < y { x * y + z } else { z }"),
            (map("add", &[&map("where", &[&cond, &x, &y]), &z]), "(if x < y { x } else { y }) + z"),
            (map("eq", &[&cond, &cond]), "(x < y) == (x < y)"),
            (map("neg", &[&map("exp", &[&x])]), "-m.exp(x)"),
        ] {
            assert_eq!(code.text, want);
        }
    }

    #[test]
    fn literals_keep_their_value_and_type() {
        for (value, dtype, want) in [
            (Literal::float(0.1), DType::F32, "0.1f32"),
            (Literal::float(1e30), DType::F64, "1e30f64"),
            (Literal::float(-0.0), DType::F32, "-0.0f32"),
            (Literal::float(f64::NEG_INFINITY), DType::F32, "f32::NEG_INFINITY"),
            (Literal::float(f64::NAN), DType::F64, "f64::NAN"),
            (Literal::Int(-3), DType::I8, "-3i8"),
            (Literal::Int(1), DType::F32, "1.0f32"),
            (Literal::Bool(true), DType::Bool, "true"),
            (Literal::float(-1.5), DType::F16, "rt::f16::from_bits(0xbe00)"),
            (Literal::Int(0), DType::BF16, "rt::bf16::from_bits(0x0000)"),
        ] {
            assert_eq!(literal(value, dtype).text, want);
        }
    }

    #[test]
    fn dimensions_are_isize_expressions() {
        let text = |d: &str| dim(&Dim::parse(d).expect("a dimension"), &|s| s.to_string()).text;
        assert_eq!(text("s0*p0 + r0 - 1"), "p0 * s0 + r0 - 1");
        assert_eq!(text("s0 - 1 - p0"), "s0 - p0 - 1");
        assert_eq!(text("3 - p0"), "3 - p0");
        assert_eq!(text("2*(p0 / 2)"), "2 * rt::dim::div(p0, 2)");
        assert_eq!(text("0"), "0");
        assert_eq!(text("-p0"), "-p0");
    }
}
