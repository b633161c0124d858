//! Expressions of CUDA C: literals, indices, operations, casts.
//!
//! In: a literal, a [`Dim`], a row of the op tables with its arguments as text.
//! Out: an expression. Always: a value is written so that it has exactly the
//! bits and the type that the compiler means; integers wrap, which C++ does not
//! promise for signed ones, so they are computed unsigned.

use crate::dtype::{DType, Kind};
use crate::kernel::{Guard, ValId};
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::{Atom, Dim, Ranges, Sign};

/// The C type in which an integer dtype wraps: its unsigned twin, but at least
/// 32 bits wide, since narrower ones become `int` in an expression.
fn wrapping(dtype: DType) -> &'static str {
    if dtype.bytes() <= 4 { DType::U32.cuda() } else { DType::U64.cuda() }
}

/// A literal of this dtype.
pub fn literal(value: Literal, dtype: DType) -> String {
    if dtype.is_stored_only() {
        return format!("{}{{{:#06x}}}", dtype.cuda(), dtype.float_bits(value.as_f64()));
    }
    match value.cast(dtype) {
        Literal::Bool(b) => b.to_string(),
        Literal::Int(i) => integer(i, dtype),
        Literal::Float(bits) => float(f64::from_bits(bits), dtype),
    }
}

fn integer(value: i128, dtype: DType) -> String {
    // The least value has no positive twin that its negative could be made of.
    let least = dtype.kind() == Kind::Signed && Some(value) == dtype.int_range().map(|r| r.0);
    match (dtype.kind(), dtype.bytes()) {
        (Kind::Signed, 4) if least => "(-2147483647 - 1)".into(),
        (Kind::Signed, 8) if least => "(-9223372036854775807ll - 1)".into(),
        (Kind::Signed, 4) => value.to_string(),
        (Kind::Signed, 8) => format!("{value}ll"),
        (Kind::Unsigned, 4) => format!("{value}u"),
        (Kind::Unsigned, 8) => format!("{value}ull"),
        (Kind::Bool | Kind::Signed | Kind::Unsigned | Kind::Float, _) => format!("({}){value}", dtype.cuda()),
    }
}

/// Decimal where that is exact, else hexadecimal with the decimal beside it.
fn float(value: f64, dtype: DType) -> String {
    let bits = 8 * dtype.bytes();
    if value.is_nan() {
        return format!("ND_NAN{bits}");
    }
    if value.is_infinite() {
        return format!("{}ND_INF{bits}", if value < 0.0 { "-" } else { "" });
    }
    if dtype != DType::F32 {
        return format!("{value:?}");
    }
    let short = format!("{:?}", value as f32);
    match short.parse() == Ok(value) {
        true => format!("{short}f"),
        false => format!("{} /* {short} */", hexadecimal(value as f32)),
    }
}

fn hexadecimal(value: f32) -> String {
    let bits = value.to_bits();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let (exponent, fraction) = ((bits >> 23) & 0xff, (bits & 0x7f_ffff) << 1);
    let digits = format!("{fraction:06x}");
    match exponent {
        0 => format!("{sign}0x0.{digits}p-126f"),
        _ => format!("{sign}0x1.{}p{}f", digits.trim_end_matches('0'), exponent as i32 - 127),
    }
}

/// An index expression; a sum is not in parentheses.
pub fn dim(value: &Dim, known: &impl Ranges) -> String {
    // The constant's empty monomial comes first and reads best last.
    let (constant, terms): (Vec<_>, Vec<_>) = value.terms().partition(|(_, factors)| factors.is_empty());
    let mut out = String::new();
    for (coefficient, factors) in terms.into_iter().chain(constant) {
        match (out.is_empty(), coefficient < 0) {
            (true, false) => {}
            (true, true) => out.push('-'),
            (false, false) => out.push_str(" + "),
            (false, true) => out.push_str(" - "),
        }
        out.push_str(&term(coefficient.unsigned_abs(), factors, known));
    }
    if out.is_empty() { "0".into() } else { out }
}

fn term(magnitude: u64, factors: &[(Atom, u32)], known: &impl Ranges) -> String {
    let mut parts = Vec::new();
    if magnitude != 1 || factors.is_empty() {
        // A number that an `int` cannot hold gets its type from itself.
        parts.push(magnitude.to_string());
    }
    for (factor, power) in factors {
        let text = atom(factor, known);
        // `a * (b / c)` is not `a * b / c`.
        let text = if text.contains(" / ") || text.contains(" % ") { format!("({text})") } else { text };
        parts.extend(std::iter::repeat_n(text, *power as usize));
    }
    match (parts.len(), factors) {
        (1, [(factor, 1)]) => atom(factor, known),
        _ => parts.join(" * "),
    }
}

fn atom(value: &Atom, known: &impl Ranges) -> String {
    let plain = |a: &Dim, b: &Dim| b.as_const().is_some_and(|c| c > 0) && non_negative(a, known);
    let call = |name: &str, a: &Dim, b: &Dim| format!("{name}({}, {})", dim(a, known), dim(b, known));
    match value {
        // A picked index is the local of its value.
        Atom::Sym(name) => ValId::named(name).map_or(name.to_string(), |id| format!("v{}", id.0)),
        Atom::Div(a, b) if plain(a, b) => format!("{} / {}", factor(a, known), factor(b, known)),
        Atom::Rem(a, b) if plain(a, b) => format!("{} % {}", factor(a, known), factor(b, known)),
        Atom::Div(a, b) => call("nd_div", a, b),
        Atom::Rem(a, b) => call("nd_rem", a, b),
        Atom::Max(a, b) => call("nd_max", a, b),
        Atom::Min(a, b) => call("nd_min", a, b),
    }
}

/// Whether the value is sure to be at least 0. Beside a loop variable a size is a
/// symbol of the function; alone it is any dimension, which may be negative.
fn non_negative(value: &Dim, known: &impl Ranges) -> bool {
    let varies = value.symbols().iter().any(|name| known.extent(name).is_some());
    let low = if varies || value.as_const().is_some() { value.bounds(known) } else { None };
    low.is_some_and(|(low, _)| low.sign() == Some(Sign::NonNegative))
}

/// An index expression that can stand beside `*`.
pub fn factor(value: &Dim, known: &impl Ranges) -> String {
    let text = dim(value, known);
    let simple = value.as_const().is_some_and(|c| c >= 0) || value.as_sym().is_some() || is_call(&text);
    if simple { text } else { format!("({text})") }
}

/// Whether the text is one call, and nothing around it.
fn is_call(text: &str) -> bool {
    text.starts_with("nd_") && text.find('(').is_some_and(|open| closes_at(text, open) == Some(text.len() - 1))
}

/// Where the parenthesis that opens here closes.
fn closes_at(text: &str, open: usize) -> Option<usize> {
    let mut depth = 0;
    text.char_indices().skip_while(|(at, _)| *at < open).find_map(|(at, c)| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// Whether all guards hold. What cannot fail is not asked.
pub fn inside(guards: &[Guard], known: &impl Ranges) -> String {
    let mut parts = Vec::new();
    for guard in guards {
        let index = dim(&guard.index, known);
        if !non_negative(&guard.index, known) {
            parts.push(format!("0 <= {index}"));
        }
        parts.push(format!("{index} < {}", dim(&guard.extent, known)));
    }
    if parts.is_empty() { "true".into() } else { parts.join(" && ") }
}

/// An elementwise operation on arguments of this dtype: names or literals.
pub fn map(op: MapOp, args: &[String], dtype: DType) -> String {
    let row = op.row();
    let template = if dtype.is_float() { row.cuda } else { row.cuda_int };
    let mut out = filled(template, dtype);
    for (k, arg) in args.iter().enumerate() {
        let place = format!("${k}");
        // `--` is another operator, and a cast before `-` a subtraction.
        for before in ["-", ")"] {
            if arg.starts_with('-') {
                out = out.replace(&format!("{before}{place}"), &format!("{before}({arg})"));
            }
        }
        out = out.replace(&place, arg);
    }
    match out.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) if closes_at(&out, 0) == Some(out.len() - 1) => inner.into(),
        _ => out,
    }
}

fn filled(template: &str, dtype: DType) -> String {
    let suffix = if dtype == DType::F32 { "f" } else { "" };
    template.replace("{f}", suffix).replace("{T}", dtype.cuda()).replace("{U}", wrapping(dtype))
}

/// Two states of a reduction as one.
pub fn combine(monoid: Monoid, dtype: DType, a: &str, b: &str) -> String {
    let template = monoid.row().cuda;
    if template.contains('(') {
        return arguments(template, a, b);
    }
    if template.starts_with("nd_") {
        return format!("{template}({a}, {b})");
    }
    if dtype.kind() != Kind::Signed {
        return arguments(template, a, b);
    }
    let wide = |x: &str| format!("({}){x}", wrapping(dtype));
    format!("({})({})", dtype.cuda(), arguments(template, &wide(a), &wide(b)))
}

/// Puts `a` and `b` where the template has those words.
fn arguments(template: &str, a: &str, b: &str) -> String {
    let word = |w: &str| match w {
        "a" => a.to_string(),
        "b" => b.to_string(),
        other => other.to_string(),
    };
    let mut out = String::new();
    let mut rest = template;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        out.push_str(&word(&rest[..end]));
        let next = rest[end..].chars().next().map_or(end, |c| end + c.len_utf8());
        out.push_str(&rest[end..next]);
        rest = &rest[next..];
    }
    out
}

/// A value of one dtype in another, as `astype` does it: a float that an
/// integer dtype cannot hold becomes its nearest value, NaN becomes 0.
pub fn cast(value: &str, from: DType, to: DType) -> String {
    if from.is_stored_only() {
        return format!("{value}.value()");
    }
    if to.is_stored_only() {
        // Rounded twice it could end beside the nearest.
        let value = if from == to.computed() { value.into() } else { format!("nd_odd({value})") };
        return format!("{}::of({value})", to.cuda());
    }
    match (from.kind(), to.kind()) {
        (_, Kind::Bool) if from == DType::Bool => value.into(),
        (_, Kind::Bool) => format!("{value} != {}", literal(Literal::Int(0), from)),
        (Kind::Float, Kind::Signed | Kind::Unsigned) => {
            let (low, high) = to.int_range().expect("an integer dtype");
            let edge = |n: i128| integer(n, to);
            format!("nd_saturate<{}>({value}, {}, {})", to.cuda(), edge(low), edge(high))
        }
        _ if from == to => value.into(),
        _ if value.starts_with('-') => format!("({})({value})", to.cuda()),
        _ => format!("({}){value}", to.cuda()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_have_their_bits_and_type() {
        let f32 = |x: f32| literal(Literal::float(f64::from(x)), DType::F32);
        assert_eq!(f32(0.5), "0.5f");
        assert_eq!(f32(-0.0), "-0.0f");
        assert_eq!(f32(0.1), "0x1.99999ap-4f /* 0.1 */");
        assert_eq!(f32(1e-45), "0x0.000002p-126f /* 1e-45 */");
        assert_eq!(f32(f32::MAX), "0x1.fffffep127f /* 3.4028235e38 */");
        assert_eq!(f32(f32::NEG_INFINITY), "-ND_INF32");
        assert_eq!(literal(Literal::float(f64::NAN), DType::F64), "ND_NAN64");
        assert_eq!(literal(Literal::float(0.1), DType::F64), "0.1");
        assert_eq!(literal(Literal::Int(-3), DType::I64), "-3ll");
        assert_eq!(literal(Literal::Int(i128::from(i32::MIN)), DType::I32), "(-2147483647 - 1)");
        assert_eq!(literal(Literal::Int(255), DType::U8), "(unsigned char)255");
    }

    #[test]
    fn hexadecimal_literals_are_exact() {
        for x in [0.1f32, -1e-40, 1.1754944e-38, 3.4028235e38, 2.5066283, f32::EPSILON] {
            let text = hexadecimal(x);
            let digits = text.trim_start_matches('-').strip_prefix("0x").unwrap();
            let (mantissa, exponent) = digits.trim_end_matches('f').split_once('p').unwrap_or_else(|| panic!("{text}"));
            let (whole, fraction) = mantissa.split_once('.').unwrap();
            let scale = 16f64.powi(fraction.len() as i32);
            let part = i64::from_str_radix(fraction, 16).unwrap_or(0) as f64 / scale;
            let exponent = exponent.parse::<i32>().unwrap();
            let value = (whole.parse::<f64>().unwrap() + part) * 2f64.powi(exponent);
            assert_eq!(value.copysign(f64::from(x)), f64::from(x), "{text}");
        }
    }

    #[test]
    fn indices_need_few_parentheses() {
        let kernel = crate::kernel::parse::parse("kernel\n  sizes s0\n  par p0\n  red r0").expect("a kernel");
        let c = |text: &str| dim(&Dim::parse(text).expect("an index"), &kernel);
        assert_eq!(c("2*p0 + r0 - 1"), "2 * p0 + r0 - 1");
        assert_eq!(c("-p0 + s0"), "-p0 + s0");
        assert_eq!(c("(p0 / 4)"), "p0 / 4");
        assert_eq!(c("3*(p0 / 4) + (p0 % 4)"), "3 * (p0 / 4) + p0 % 4");
        assert_eq!(c("(s0 / 4)"), "nd_div(s0, 4)");
        assert_eq!(c("(p0 / s0)"), "nd_div(p0, s0)");
        assert_eq!(c("max(p0 - 1, 0)"), "nd_max(0, p0 - 1)");
        assert_eq!(factor(&Dim::parse("p0 + 1").expect("an index"), &kernel), "(p0 + 1)");
    }

    #[test]
    fn what_may_be_negative_is_asked() {
        let kernel = crate::kernel::parse::parse("kernel\n  sizes s0\n  par p0").expect("a kernel");
        let holds = |index: &str| {
            let index = Dim::parse(index).expect("an index");
            inside(&[Guard { index, extent: Dim::from(9) }], &kernel)
        };
        assert_eq!(holds("p0 + s0"), "p0 + s0 < 9");
        assert_eq!(holds("s0"), "0 <= s0 && s0 < 9");
        assert_eq!(holds("p0 - 1"), "0 <= p0 - 1 && p0 - 1 < 9");
        assert_eq!(holds("4"), "4 < 9");
    }

    #[test]
    fn signed_integers_wrap() {
        let args = ["v0".to_string(), "-3".to_string()];
        assert_eq!(map(MapOp::named("add"), &args, DType::I32), "(int)((unsigned int)v0 + (unsigned int)(-3))");
        assert_eq!(map(MapOp::named("sub"), &args, DType::F32), "v0 - -3");
        assert_eq!(map(MapOp::named("neg"), &args[1..], DType::F32), "-(-3)");
        let sum = Monoid::named("sum");
        assert_eq!(combine(sum, DType::I64, "a", "b"), "(long long)((unsigned long long)a + (unsigned long long)b)");
        assert_eq!(combine(sum, DType::F32, "a1", "v0"), "a1 + v0");
        assert_eq!(combine(Monoid::named("max"), DType::F32, "a1", "v0"), "nd_maximum(a1, v0)");
    }

    #[test]
    fn casts_saturate() {
        assert_eq!(
            cast("v0", DType::F32, DType::U8),
            "nd_saturate<unsigned char>(v0, (unsigned char)0, (unsigned char)255)"
        );
        assert_eq!(cast("v0", DType::F32, DType::Bool), "v0 != 0.0f");
        assert_eq!(cast("v0", DType::I64, DType::F32), "(float)v0");
        assert_eq!(cast("v0", DType::F16, DType::F32), "v0.value()");
        assert_eq!(cast("v0", DType::F32, DType::BF16), "nd_bf16::of(v0)");
        assert_eq!(cast("v0", DType::F64, DType::F16), "nd_f16::of(nd_odd(v0))");
        assert_eq!(literal(Literal::float(-1.5), DType::F16), "nd_f16{0xbe00}");
    }
}
