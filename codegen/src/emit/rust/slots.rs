//! The sizes of a call as numbered slots.
//!
//! In: dimensions over a function's symbols. Out: a slot for each that is
//! distinct, symbols first, and the function that computes the others. Always:
//! a size that overflows is `None`, not a wrong number.
//! Next: [`super::plan`].

use super::code::Writer;
use crate::shape::{Atom, Dim, Sym};

pub struct Slots {
    dims: Vec<Dim>,
    symbols: usize,
}

impl Slots {
    pub fn new(symbols: &[Sym]) -> Slots {
        Slots { dims: symbols.iter().map(|s| Dim::sym(s.clone())).collect(), symbols: symbols.len() }
    }

    /// The slot of a size.
    pub fn of(&mut self, dim: &Dim) -> usize {
        match self.dims.iter().position(|d| d == dim) {
            Some(slot) => slot,
            None => {
                self.dims.push(dim.clone());
                self.dims.len() - 1
            }
        }
    }

    /// `&[0, 3]`: the slots of several sizes.
    pub fn list(&mut self, dims: &[Dim]) -> String {
        let slots: Vec<String> = dims.iter().map(|d| self.of(d).to_string()).collect();
        format!("&[{}]", slots.join(", "))
    }

    pub fn len(&self) -> usize {
        self.dims.len()
    }

    /// The body of `Plan::sizes`: a closure over the slots.
    pub fn closure(&self, out: &mut Writer) {
        let derived = &self.dims[self.symbols..];
        if derived.is_empty() {
            out.line("sizes: |_| Some(()),");
            return;
        }
        out.open("sizes: |s|");
        for (k, dim) in derived.iter().enumerate() {
            out.line(format!("s[{}] = {};", self.symbols + k, self.value(dim)));
        }
        out.line("Some(())");
        out.close_with("},");
    }

    /// A size as an `i64`, checked at each step.
    fn value(&self, dim: &Dim) -> String {
        checked(dim, &|name| match self.dims[..self.symbols]
            .iter()
            .position(|d| d.as_sym().is_some_and(|s| &**s == name))
        {
            Some(slot) => format!("s[{slot}]"),
            None => "0".to_string(),
        })
    }
}

/// `s[0].checked_mul(s[1])?.checked_sub(1)?`, for a dimension; `name` gives the
/// text of a symbol.
pub fn checked(dim: &Dim, name: &impl Fn(&str) -> String) -> String {
    if let Some(value) = dim.as_const() {
        return value.to_string();
    }
    let mut terms: Vec<(i64, &[(Atom, u32)])> = dim.terms().collect();
    // A positive term leads; the constant stands last where it can.
    let constant = terms.iter().position(|(_, m)| m.is_empty()).map(|at| terms.remove(at));
    terms.extend(constant);
    let lead = terms.iter().position(|(c, _)| *c > 0).map(|at| terms.remove(at));
    let start = match lead {
        Some((c, factors)) => product(c, factors, name),
        None => "0i64".to_string(),
    };
    terms.into_iter().fold(start, |text, (c, factors)| {
        let step = if c < 0 { "checked_sub" } else { "checked_add" };
        let magnitude = i64::try_from(c.unsigned_abs()).unwrap_or(i64::MAX);
        let term = if factors.is_empty() { magnitude.to_string() } else { product(magnitude, factors, name) };
        format!("{text}.{step}({term})?")
    })
}

fn product(c: i64, factors: &[(Atom, u32)], name: &impl Fn(&str) -> String) -> String {
    let mut parts = Vec::new();
    for (a, power) in factors {
        parts.extend((0..*power).map(|_| atom(a, name)));
    }
    if parts.is_empty() {
        return format!("{c}i64");
    }
    if c != 1 {
        parts.push(c.to_string());
    }
    let rest: String = parts[1..].iter().map(|p| format!(".checked_mul({p})?")).collect();
    format!("{}{rest}", parts[0])
}

fn atom(atom: &Atom, name: &impl Fn(&str) -> String) -> String {
    let call =
        |function: &str, a: &Dim, b: &Dim| format!("rt::dim::{function}({}, {})", checked(a, name), checked(b, name));
    match atom {
        Atom::Sym(s) => name(s),
        Atom::Div(a, b) => call("div", a, b),
        Atom::Rem(a, b) => call("rem", a, b),
        Atom::Max(a, b) => call("max", a, b),
        Atom::Min(a, b) => call("min", a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_checked() {
        let slots = Slots::new(&["B".into(), "C".into()]);
        let value = |text: &str| slots.value(&Dim::parse(text).expect("a dimension"));
        assert_eq!(value("B*C"), "s[0].checked_mul(s[1])?");
        assert_eq!(value("2*B + 1"), "s[0].checked_mul(2)?.checked_add(1)?");
        assert_eq!(value("1 - B"), "1i64.checked_sub(s[0])?");
        assert_eq!(value("C - B"), "s[1].checked_sub(s[0])?");
        assert_eq!(value("((C - 1) / 2)"), "rt::dim::div(s[1].checked_add(1)?, 2).checked_sub(1)?");
        assert_eq!(value("7"), "7");
    }

    #[test]
    fn equal_sizes_share_a_slot() {
        let mut slots = Slots::new(&["B".into()]);
        let d = |text: &str| Dim::parse(text).expect("a dimension");
        assert_eq!(slots.list(&[d("B"), d("2*B"), d("3"), d("B + B")]), "&[0, 1, 2, 1]");
        let mut out = Writer::default();
        slots.closure(&mut out);
        assert_eq!(out.text, "sizes: |s| {\n    s[1] = s[0].checked_mul(2)?;\n    s[2] = 3;\n    Some(())\n},\n");
    }
}
