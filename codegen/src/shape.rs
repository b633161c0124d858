//! Dimensions: integer polynomials over named sizes, in normal form.
//!
//! In: names, numbers, `+ - *`, floor division, remainder, `max`, `min`.
//! Out: a [`Dim`] that is equal to another iff their normal forms are equal.
//! The same algebra serves index expressions: a loop variable is a name too.
//! Always: no zero coefficient is stored, terms are ordered, so printing and
//! hashing are deterministic. Next: [`crate::graph`].

mod extremes;
mod parse;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A named size or loop variable.
pub type Sym = Arc<str>;

/// A factor that is not a sum or a product.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Atom {
    Sym(Sym),
    /// Floor division.
    Div(Dim, Dim),
    /// The remainder of floor division.
    Rem(Dim, Dim),
    Max(Dim, Dim),
    Min(Dim, Dim),
}

/// A product of atoms with their powers, ordered.
type Monomial = Arc<[(Atom, u32)]>;

/// An integer polynomial in normal form: monomials in order, each with its coefficient. A copy shares them, for the
/// compiler hands dimensions and indices on everywhere.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Dim(Arc<[(Monomial, i64)]>);

/// What is known of the names: for a loop variable its extent (it lies in
/// `0..extent`), for a size that it is not negative.
pub trait Ranges {
    /// The extent of a loop variable; `None` for a size.
    fn extent(&self, name: &str) -> Option<&Dim>;
}

/// No name is a loop variable.
pub struct SizesOnly;

impl Ranges for SizesOnly {
    fn extent(&self, _: &str) -> Option<&Dim> {
        None
    }
}

impl Dim {
    pub fn zero() -> Dim {
        Dim::default()
    }

    pub fn one() -> Dim {
        Dim::from(1)
    }

    pub fn sym(name: impl Into<Sym>) -> Dim {
        Dim::atom(Atom::Sym(name.into()))
    }

    fn atom(atom: Atom) -> Dim {
        Dim(Arc::new([(Arc::new([(atom, 1)]), 1)]))
    }

    pub fn as_const(&self) -> Option<i64> {
        match &*self.0 {
            [] => Some(0),
            [(monomial, constant)] if monomial.is_empty() => Some(*constant),
            _ => None,
        }
    }

    pub fn is(&self, value: i64) -> bool {
        self.as_const() == Some(value)
    }

    /// The name, if the polynomial is one name and nothing else.
    pub fn as_sym(&self) -> Option<&Sym> {
        match self.single()? {
            Atom::Sym(name) => Some(name),
            _ => None,
        }
    }

    /// The atom, if the polynomial is one atom and nothing else.
    pub fn single(&self) -> Option<&Atom> {
        let [(monomial, 1)] = &*self.0 else { return None };
        match &**monomial {
            [(atom, 1)] => Some(atom),
            _ => None,
        }
    }

    /// The terms: coefficient and factors, in order.
    pub fn terms(&self) -> impl Iterator<Item = (i64, &[(Atom, u32)])> {
        self.0.iter().map(|(m, c)| (*c, &**m))
    }

    /// The sum of terms in any order.
    fn sum(mut terms: Vec<(Monomial, i64)>) -> Dim {
        terms.sort_by(|a, b| a.0.cmp(&b.0));
        terms.dedup_by(|next, sum| {
            let same = next.0 == sum.0;
            sum.1 = if same { sum.1.saturating_add(next.1) } else { sum.1 };
            same
        });
        terms.retain(|(_, c)| *c != 0);
        Dim(terms.into())
    }

    pub fn add(&self, other: &Dim) -> Dim {
        match (self.0.is_empty(), other.0.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            (false, false) => Dim::sum(self.0.iter().chain(&*other.0).cloned().collect()),
        }
    }

    pub fn neg(&self) -> Dim {
        self.scale(-1)
    }

    pub fn sub(&self, other: &Dim) -> Dim {
        self.add(&other.neg())
    }

    pub fn scale(&self, k: i64) -> Dim {
        if k == 0 {
            return Dim::zero();
        }
        if k == 1 {
            return self.clone();
        }
        Dim(self.0.iter().map(|(m, c)| (m.clone(), c.saturating_mul(k))).collect())
    }

    pub fn mul(&self, other: &Dim) -> Dim {
        if let Some(k) = other.as_const() {
            return self.scale(k);
        }
        if let Some(k) = self.as_const() {
            return other.scale(k);
        }
        let pairs = self.0.iter().flat_map(|a| other.0.iter().map(move |b| (a, b)));
        Dim::sum(pairs.map(|((a, x), (b, y))| (times(a, b), x.saturating_mul(*y))).collect())
    }

    pub fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
        dims.into_iter().fold(Dim::one(), |acc, d| acc.mul(d))
    }

    /// `self / other` if it is a polynomial without remainder.
    pub fn exact_div(&self, other: &Dim) -> Option<Dim> {
        let (lead, lc) = other.0.iter().max_by(|a, b| graded(&a.0, &b.0))?;
        let mut rest = self.clone();
        let mut quotient = Dim::zero();
        // The order is multiplicative, so each round removes the leading term.
        loop {
            let Some((m, c)) = rest.0.iter().max_by(|a, b| graded(&a.0, &b.0)) else { return Some(quotient) };
            if c % lc != 0 {
                return None;
            }
            let step = Dim(Arc::new([(divide(m, lead)?, c / lc)]));
            rest = rest.sub(&step.mul(other));
            quotient = quotient.add(&step);
        }
    }

    /// Floor division by a divisor that is known to be positive, or `x // 0 = 0`.
    pub fn div(&self, other: &Dim, known: &impl Ranges) -> Dim {
        if let (Some(a), Some(b)) = (self.as_const(), other.as_const()) {
            return Dim::from(if b == 0 { 0 } else { a.div_euclid(b) });
        }
        if other.is(1) {
            return self.clone();
        }
        // (q·d + r) // d = q + r // d, for every term that d divides.
        let (quotient, rest) = self.split(other);
        if rest.0.is_empty() {
            return quotient;
        }
        if rest.within(other, known) {
            return quotient;
        }
        // (x // c) // d = x // (c·d) for positive constants.
        if let (Some(Atom::Div(x, inner)), Some(d)) = (rest.single(), other.as_const())
            && let Some(c) = inner.as_const()
            && c > 0
            && d > 0
        {
            return quotient.add(&x.div(&Dim::from(c.saturating_mul(d)), known));
        }
        // What is the greater stays so when both are divided.
        if let (Some((bound, a, b)), Some(1..)) = (rest.extremes(), other.as_const()) {
            return quotient.add(&bound.of(&a.div(other, known), &b.div(other, known)));
        }
        quotient.add(&Dim::atom(Atom::Div(rest, other.clone())))
    }

    /// The remainder of floor division, with `x % 0 = 0`.
    pub fn rem(&self, other: &Dim, known: &impl Ranges) -> Dim {
        if let (Some(a), Some(b)) = (self.as_const(), other.as_const()) {
            return Dim::from(if b == 0 { 0 } else { a.rem_euclid(b) });
        }
        if other.is(1) {
            return Dim::zero();
        }
        let (_, rest) = self.split(other);
        if rest.0.is_empty() || rest.within(other, known) {
            return rest;
        }
        if let Some(Atom::Rem(_, d)) = rest.single()
            && d == other
        {
            return rest;
        }
        Dim::atom(Atom::Rem(rest, other.clone()))
    }

    /// Splits `self = quotient·other + rest` term by term.
    fn split(&self, other: &Dim) -> (Dim, Dim) {
        if let [(dm, dc)] = &*other.0 {
            let (mut quotient, mut rest) = (Vec::new(), Vec::new());
            for (m, c) in &*self.0 {
                match divide(m, dm) {
                    // A constant divisor takes the multiple out of every
                    // coefficient, so that the rest is canonical.
                    Some(q) if dm.is_empty() && *dc > 0 => {
                        quotient.push((q, c.div_euclid(*dc)));
                        rest.push((m.clone(), c.rem_euclid(*dc)));
                    }
                    Some(q) if c % dc == 0 => quotient.push((q, c / dc)),
                    _ => rest.push((m.clone(), *c)),
                }
            }
            // Keep inner atoms of a remainder small but never lose generality:
            // floor division distributes over exact multiples only.
            return (Dim::sum(quotient), Dim::sum(rest));
        }
        match self.exact_div(other) {
            Some(q) => (q, Dim::zero()),
            None => (Dim::zero(), self.clone()),
        }
    }

    /// Whether `0 <= self < bound` for all values of the names.
    pub fn within(&self, bound: &Dim, known: &impl Ranges) -> bool {
        let Some((low, high)) = self.bounds(known) else { return false };
        low.sign() == Some(Sign::NonNegative) && bound.sub(&high).sub(&Dim::one()).sign() == Some(Sign::NonNegative)
    }

    /// The least and the greatest value over the loop variables, as
    /// polynomials in the sizes; `None` where that is not monotone.
    pub fn bounds(&self, known: &impl Ranges) -> Option<(Dim, Dim)> {
        let (mut low, mut high) = (Dim::zero(), Dim::zero());
        for (m, c) in &*self.0 {
            let (mut lo, mut hi) = (Dim::one(), Dim::one());
            for (atom, power) in &**m {
                let (l, h) = atom.bounds(known)?;
                for _ in 0..*power {
                    lo = lo.mul(&l);
                    hi = hi.mul(&h);
                }
            }
            // Every factor is non-negative, so products are monotone.
            let (l, h) = if *c >= 0 { (lo, hi) } else { (hi, lo) };
            low = low.add(&l.scale(*c));
            high = high.add(&h.scale(*c));
        }
        Some((low, high))
    }

    /// The sign over all non-negative sizes, where it is plain to see.
    pub fn sign(&self) -> Option<Sign> {
        let nonneg = |c: i64, m: &Monomial| c >= 0 && m.iter().all(|(a, _)| a.is_non_negative());
        let nonpos = |c: i64, m: &Monomial| c <= 0 && m.iter().all(|(a, _)| a.is_non_negative());
        if self.0.iter().all(|(m, c)| nonneg(*c, m)) {
            Some(Sign::NonNegative)
        } else if self.0.iter().all(|(m, c)| nonpos(*c, m)) {
            Some(Sign::NonPositive)
        } else {
            None
        }
    }

    /// Every name in it, in order, without repeats.
    pub fn symbols(&self) -> Vec<Sym> {
        let mut out = Vec::new();
        self.collect(&mut out);
        out
    }

    fn collect(&self, out: &mut Vec<Sym>) {
        for (m, _) in &*self.0 {
            for (atom, _) in &**m {
                match atom {
                    Atom::Sym(name) => {
                        if !out.contains(name) {
                            out.push(name.clone());
                        }
                    }
                    Atom::Div(a, b) | Atom::Rem(a, b) | Atom::Max(a, b) | Atom::Min(a, b) => {
                        a.collect(out);
                        b.collect(out);
                    }
                }
            }
        }
    }

    pub fn mentions(&self, name: &str) -> bool {
        self.0.iter().flat_map(|(m, _)| &**m).any(|(atom, _)| atom.mentions(name))
    }

    /// Replaces names; every part is normalised again.
    pub fn substitute(&self, known: &impl Ranges, with: &impl Fn(&str) -> Option<Dim>) -> Dim {
        let mut out = Dim::zero();
        for (m, c) in &*self.0 {
            let mut term = Dim::from(*c);
            for (atom, power) in &**m {
                let value = match atom {
                    Atom::Sym(name) => with(name).unwrap_or_else(|| Dim::atom(atom.clone())),
                    Atom::Div(a, b) => a.substitute(known, with).div(&b.substitute(known, with), known),
                    Atom::Rem(a, b) => a.substitute(known, with).rem(&b.substitute(known, with), known),
                    Atom::Max(a, b) => a.substitute(known, with).max_of(&b.substitute(known, with)),
                    Atom::Min(a, b) => a.substitute(known, with).min_of(&b.substitute(known, with)),
                };
                for _ in 0..*power {
                    term = term.mul(&value);
                }
            }
            out = out.add(&term);
        }
        out
    }

    /// The value, where every name has one and nothing overflows.
    pub fn eval(&self, value: &impl Fn(&str) -> Option<i64>) -> Option<i64> {
        let mut total = 0i64;
        for (m, c) in &*self.0 {
            let mut term = *c;
            for (atom, power) in &**m {
                let v = match atom {
                    Atom::Sym(name) => value(name)?,
                    Atom::Div(a, b) => match b.eval(value)? {
                        0 => 0,
                        d => a.eval(value)?.div_euclid(d),
                    },
                    Atom::Rem(a, b) => match b.eval(value)? {
                        0 => 0,
                        d => a.eval(value)?.rem_euclid(d),
                    },
                    Atom::Max(a, b) => a.eval(value)?.max(b.eval(value)?),
                    Atom::Min(a, b) => a.eval(value)?.min(b.eval(value)?),
                };
                term = term.checked_mul(v.checked_pow(*power)?)?;
            }
            total = total.checked_add(term)?;
        }
        Some(total)
    }

    /// Splits `self = coefficient·name + rest`, where neither part mentions
    /// the name; `None` where `name` stands under a division or a power.
    pub fn affine_in(&self, name: &str) -> Option<(Dim, Dim)> {
        if !self.mentions(name) {
            return Some((Dim::zero(), self.clone()));
        }
        let (mut coefficient, mut rest) = (Vec::new(), Vec::new());
        for (m, c) in &*self.0 {
            if !m.iter().any(|(atom, _)| atom.mentions(name)) {
                rest.push((m.clone(), *c));
                continue;
            }
            let mut others = Vec::new();
            let mut found = false;
            for (atom, power) in &**m {
                match atom {
                    Atom::Sym(s) if &**s == name && *power == 1 => found = true,
                    other if other.mentions(name) => return None,
                    other => others.push((other.clone(), *power)),
                }
            }
            if !found {
                return None;
            }
            coefficient.push((others.into(), *c));
        }
        Some((Dim::sum(coefficient), Dim::sum(rest)))
    }
}

/// A sign that holds for all non-negative sizes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    NonNegative,
    NonPositive,
}

impl Atom {
    fn mentions(&self, name: &str) -> bool {
        match self {
            Atom::Sym(own) => **own == *name,
            Atom::Div(a, b) | Atom::Rem(a, b) | Atom::Max(a, b) | Atom::Min(a, b) => {
                a.mentions(name) || b.mentions(name)
            }
        }
    }

    fn is_non_negative(&self) -> bool {
        let ge0 = |d: &Dim| d.sign() == Some(Sign::NonNegative);
        match self {
            Atom::Sym(_) => true,
            Atom::Rem(_, _) => true,
            Atom::Div(a, b) => ge0(a) && ge0(b),
            Atom::Max(a, b) => ge0(a) || ge0(b),
            Atom::Min(a, b) => ge0(a) && ge0(b),
        }
    }

    fn bounds(&self, known: &impl Ranges) -> Option<(Dim, Dim)> {
        match self {
            Atom::Sym(name) => match known.extent(name) {
                Some(extent) => Some((Dim::zero(), extent.sub(&Dim::one()))),
                None => Some((Dim::sym(name.clone()), Dim::sym(name.clone()))),
            },
            Atom::Rem(_, b) if b.as_const().is_some_and(|c| c > 0) => Some((Dim::zero(), b.sub(&Dim::one()))),
            Atom::Div(a, b) if b.as_const().is_some_and(|c| c > 0) => {
                let (lo, hi) = a.bounds(known)?;
                (lo.sign() == Some(Sign::NonNegative)).then(|| (lo.div(b, &SizesOnly), hi.div(b, &SizesOnly)))
            }
            Atom::Div(..) | Atom::Rem(..) | Atom::Max(..) | Atom::Min(..) => None,
        }
    }
}

fn times(a: &Monomial, b: &Monomial) -> Monomial {
    if a.is_empty() || b.is_empty() {
        return if a.is_empty() { b.clone() } else { a.clone() };
    }
    let mut powers: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, p) in &**b {
        *powers.entry(atom.clone()).or_default() += p;
    }
    powers.into_iter().collect()
}

/// The graded lexicographic order: by degree, then by the powers of the atoms.
fn graded(a: &Monomial, b: &Monomial) -> Ordering {
    let degree = |m: &Monomial| m.iter().map(|(_, p)| p).sum::<u32>();
    degree(a).cmp(&degree(b)).then_with(|| {
        for (x, y) in a.iter().zip(&**b) {
            // The monomial that holds the lesser atom, or more of it, is greater.
            let order = y.0.cmp(&x.0).then(x.1.cmp(&y.1));
            if order != Ordering::Equal {
                return order;
            }
        }
        a.len().cmp(&b.len())
    })
}

fn divide(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    if b.is_empty() {
        return Some(a.clone());
    }
    let mut powers: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, p) in &**b {
        let left = powers.get(atom)?.checked_sub(*p)?;
        if left == 0 {
            powers.remove(atom);
        } else {
            powers.insert(atom.clone(), left);
        }
    }
    Some(powers.into_iter().collect())
}

impl From<i64> for Dim {
    fn from(value: i64) -> Dim {
        if value == 0 { Dim::zero() } else { Dim(Arc::new([(Arc::default(), value)])) }
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Sym(name) => write!(f, "{name}"),
            Atom::Div(a, b) => write!(f, "({} / {})", Operand(a), Operand(b)),
            Atom::Rem(a, b) => write!(f, "({} % {})", Operand(a), Operand(b)),
            Atom::Max(a, b) => write!(f, "max({a}, {b})"),
            Atom::Min(a, b) => write!(f, "min({a}, {b})"),
        }
    }
}

/// An operand of a division: in parentheses, unless it is a number or one atom.
struct Operand<'a>(&'a Dim);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Operand(dim) = self;
        if dim.single().is_some() || dim.as_const().is_some_and(|c| c >= 0) {
            write!(f, "{dim}")
        } else {
            write!(f, "({dim})")
        }
    }
}

/// `2*B*C + B - 1`: names first, the constant last. It is what a type in the language would say.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return write!(f, "0");
        }
        // The constant's empty monomial sorts first and reads best last.
        let terms = self.0.iter().skip_while(|(m, _)| m.is_empty());
        let constant = self.0.iter().take_while(|(m, _)| m.is_empty());
        for (i, (m, c)) in terms.chain(constant).enumerate() {
            let magnitude = c.unsigned_abs();
            match (i, *c < 0) {
                (0, false) => {}
                (0, true) => write!(f, "-")?,
                (_, false) => write!(f, " + ")?,
                (_, true) => write!(f, " - ")?,
            }
            if m.is_empty() {
                write!(f, "{magnitude}")?;
                continue;
            }
            if magnitude != 1 {
                write!(f, "{magnitude}*")?;
            }
            let mut first = true;
            for (atom, power) in &**m {
                for _ in 0..*power {
                    if !first {
                        write!(f, "*")?;
                    }
                    first = false;
                    write!(f, "{atom}")?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn d(text: &str) -> Dim {
        Dim::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    struct Vars(HashMap<&'static str, Dim>);

    impl Ranges for Vars {
        fn extent(&self, name: &str) -> Option<&Dim> {
            self.0.get(name)
        }
    }

    #[test]
    fn equal_forms_are_equal() {
        assert_eq!(d("B*2 + B"), d("3*B"));
        assert_eq!(d("B + C - B"), d("C"));
        assert_eq!(d("B*C*B"), d("B*B*C"));
        assert_ne!(d("B"), d("C"));
        assert_eq!(d("((2*B) / 2)"), d("B"));
        assert_eq!(d("((2*B + 4) / 2)"), d("B + 2"));
        assert_eq!(d("(B*C % C)"), d("0"));
        assert_eq!(d("max(B - 1, 0)"), d("max(0, B - 1)"));
        assert_eq!(d("max(B, 0)"), d("B"));
        assert_eq!(d("min(B, min(C, B))"), d("min(B, C)"));
        assert_eq!(d("((max(0, B - 1) + 1) / 2)"), d("(B / 2)"));
        assert_eq!(d("((max(0, 2*B - 1) + 1) / 2)"), d("B"));
    }

    #[test]
    fn prints_and_parses_back() {
        for text in [
            "0",
            "-1",
            "B",
            "2*B*C + B - 1",
            "((B + 1) / 2)",
            "(B % 3)",
            "(C / (2*B))",
            "((-B) / 2)",
            "max(B - 1, 0)",
            "min(B, C)",
        ] {
            let dim = d(text);
            assert_eq!(d(&dim.to_string()), dim, "{text} printed {dim}");
        }
    }

    #[test]
    fn ranges_fold_division() {
        let vars = Vars(HashMap::from([("i", d("H")), ("j", d("W")), ("k", d("4"))]));
        let flat = d("i*W + j");
        assert_eq!(flat.div(&d("W"), &vars), d("i"));
        assert_eq!(flat.rem(&d("W"), &vars), d("j"));
        let flat = d("4*i + k");
        assert_eq!(flat.div(&d("4"), &vars), d("i"));
        assert_eq!(flat.rem(&d("4"), &vars), d("k"));
        assert_eq!(d("i + k").div(&d("4"), &vars).to_string(), "((i + k) / 4)");
    }

    #[test]
    fn exact_division() {
        assert_eq!(d("6*B*C").exact_div(&d("2*C")), Some(d("3*B")));
        assert_eq!(d("B*C + C").exact_div(&d("C")), Some(d("B + 1")));
        assert_eq!(d("B*C + 1").exact_div(&d("C")), None);
        assert_eq!(d("B*C + B + C + 1").exact_div(&d("B + 1")), Some(d("C + 1")));
    }

    #[test]
    fn affine_parts() {
        assert_eq!(d("2*i*W + j + 3").affine_in("i"), Some((d("2*W"), d("j + 3"))));
        assert_eq!(d("(i / 2) + 3").affine_in("i"), None);
    }

    #[test]
    fn evaluation_finds_overflow() {
        let big = |_: &str| Some(i64::MAX / 2);
        assert_eq!(d("3*B").eval(&big), None);
        assert_eq!(d("B").eval(&big), Some(i64::MAX / 2));
    }
}
