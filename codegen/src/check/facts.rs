//! What is known of the declared sizes: the `where` of a function.
//!
//! In: constraints. Out: answers to "are these equal", "is this not negative",
//! and a canonical form that uses the constraints. Always: an answer `true` is a
//! proof for all sizes that satisfy the constraints; `false` only means that
//! none was found. Next: [`super::elementwise`], [`super::index`].

use crate::graph::Relation;
use crate::shape::{Atom, Dim, Sign, SizesOnly, Sym};

#[derive(Clone, Default, Debug)]
pub(super) struct Facts {
    /// A name that is another expression.
    equal: Vec<(Sym, Dim)>,
    multiple: Vec<Multiple>,
    /// Expressions that are zero or more.
    at_least: Vec<Dim>,
}

/// `name = divisor * quotient + rest`.
#[derive(Clone, Debug)]
struct Multiple {
    name: Sym,
    divisor: Dim,
    rest: i64,
    /// A name that no program can write: `C // 2`.
    quotient: Sym,
}

/// What came of a constraint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Learned {
    Used,
    /// It holds for all sizes.
    Trivial,
    /// It holds for none.
    Never,
    /// No rule makes use of it.
    Unused,
}

impl Facts {
    pub fn learn(&mut self, left: &Dim, relation: Relation, right: &Dim) -> Learned {
        let (left, right) = (self.canonical(left), self.canonical(right));
        let gap = match relation {
            Relation::Eq => return self.learn_equal(&left, &right),
            Relation::Le => right.sub(&left),
            Relation::Lt => right.sub(&left).sub(&Dim::one()),
        };
        if self.non_negative(&gap) {
            return Learned::Trivial;
        }
        if self.non_negative(&gap.neg().sub(&Dim::one())) {
            return Learned::Never;
        }
        self.at_least.push(self.expand(&gap));
        Learned::Used
    }

    fn learn_equal(&mut self, left: &Dim, right: &Dim) -> Learned {
        if self.equal(left, right) {
            return Learned::Trivial;
        }
        if self.expand(left).sub(&self.expand(right)).as_const().is_some() {
            return Learned::Never;
        }
        for (a, b) in [(left, right), (right, left)] {
            if let Some(name) = a.as_sym()
                && !b.mentions(name)
            {
                self.equal.push((name.clone(), b.clone()));
                return Learned::Used;
            }
            if let (Some(Atom::Rem(x, d)), Some(rest)) = (a.single(), b.as_const())
                && let Some(name) = x.as_sym()
                && !d.mentions(name)
                && rest >= 0
            {
                if d.as_const().is_some_and(|d| rest >= d) {
                    return Learned::Never;
                }
                let quotient: Sym = format!("{name} // {d}").into();
                self.multiple.push(Multiple { name: name.clone(), divisor: d.clone(), rest, quotient });
                return Learned::Used;
            }
        }
        Learned::Unused
    }

    /// Equal for all sizes that satisfy the constraints.
    pub fn equal(&self, a: &Dim, b: &Dim) -> bool {
        a == b || self.expand(a) == self.expand(b)
    }

    /// Zero or more for all sizes that satisfy the constraints.
    pub fn non_negative(&self, dim: &Dim) -> bool {
        let dim = self.expand(dim);
        let plain = |d: &Dim| d.sign() == Some(Sign::NonNegative);
        if plain(&dim) || self.at_least.iter().any(|fact| plain(&dim.sub(fact))) {
            return true;
        }
        // A name of which a least value is known is that value plus another size.
        let shifted = dim.substitute(&SizesOnly, &|name| Some(Dim::sym(name).add(&Dim::from(self.least(name)?))));
        plain(&shifted)
    }

    /// `a <= b` for all sizes that satisfy the constraints.
    pub fn le(&self, a: &Dim, b: &Dim) -> bool {
        self.non_negative(&b.sub(a))
    }

    /// `a / b`, where the constraints show that nothing remains.
    pub fn divide(&self, a: &Dim, b: &Dim) -> Option<Dim> {
        if b.is(0) {
            return None;
        }
        let exact = a.exact_div(b).or_else(|| {
            let (a, b) = (self.expand(a), self.expand(b));
            a.exact_div(&b)
        })?;
        Some(self.multiple.iter().rev().fold(exact, |q, m| m.contract(&q)))
    }

    /// The greatest known lower bound of a bare name.
    fn least(&self, name: &str) -> Option<i64> {
        let bounds = self.at_least.iter().filter_map(|fact| {
            let (coefficient, rest) = fact.affine_in(name)?;
            (coefficient.is(1)).then_some(())?;
            rest.as_const().map(|c| -c)
        });
        bounds.max().filter(|&low| low > 0)
    }

    fn is_empty(&self) -> bool {
        self.equal.is_empty() && self.multiple.is_empty()
    }

    /// The expression over independent names.
    fn expand(&self, dim: &Dim) -> Dim {
        if self.is_empty() {
            return dim.settled();
        }
        let mut dim = self.substitute_equal(dim);
        for _ in 0..=self.multiple.len() {
            let next = dim.substitute(&SizesOnly, &|name| {
                let m = self.multiple.iter().find(|m| &*m.name == name)?;
                Some(m.divisor.mul(&Dim::sym(m.quotient.clone())).add(&Dim::from(m.rest)))
            });
            if next == dim {
                break;
            }
            dim = next;
        }
        dim.settled()
    }

    fn substitute_equal(&self, dim: &Dim) -> Dim {
        let mut dim = dim.clone();
        for _ in 0..=self.equal.len() {
            let next = dim.substitute(&SizesOnly, &|name| {
                self.equal.iter().find(|(sym, _)| &**sym == name).map(|(_, to)| to.clone())
            });
            if next == dim {
                break;
            }
            dim = next;
        }
        dim
    }

    /// A form in which most equal expressions are the same; it names declared
    /// sizes only.
    pub fn canonical(&self, dim: &Dim) -> Dim {
        if self.is_empty() {
            return dim.settled();
        }
        let plain = self.substitute_equal(dim).settled();
        if !divides(&plain) {
            return plain;
        }
        let mut out = self.expand(&plain);
        for m in self.multiple.iter().rev() {
            out = m.contract(&out);
        }
        out
    }
}

impl Multiple {
    /// Takes the quotient's own name out again: `2·q` is `C` less the rest.
    fn contract(&self, dim: &Dim) -> Dim {
        if !dim.mentions(&self.quotient) {
            return dim.clone();
        }
        let name = Dim::sym(self.name.clone());
        let quotient = name.div(&self.divisor, &SizesOnly);
        if let Some((coefficient, rest)) = dim.affine_in(&self.quotient) {
            let odd = coefficient.rem(&self.divisor, &SizesOnly);
            if !divides(&odd)
                && let Some(times) = coefficient.sub(&odd).exact_div(&self.divisor)
            {
                let whole = name.sub(&Dim::from(self.rest));
                return times.mul(&whole).add(&odd.mul(&quotient)).add(&rest);
            }
        }
        dim.substitute(&SizesOnly, &|sym| (sym == &*self.quotient).then(|| quotient.clone()))
    }
}

/// Whether a division or remainder stands in it.
fn divides(dim: &Dim) -> bool {
    dim.terms().any(|(_, factors)| {
        factors.iter().any(|(atom, _)| match atom {
            Atom::Sym(_) => false,
            Atom::Div(..) | Atom::Rem(..) => true,
            Atom::Max(a, b) | Atom::Min(a, b) => divides(a) || divides(b),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Dim {
        Dim::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    fn facts(constraints: &[(&str, Relation, &str)]) -> Facts {
        let mut facts = Facts::default();
        for (a, r, b) in constraints {
            assert_eq!(facts.learn(&d(a), *r, &d(b)), Learned::Used, "{a} {b}");
        }
        facts
    }

    #[test]
    fn a_multiple_halves_without_remainder() {
        let f = facts(&[("(C % 2)", Relation::Eq, "0")]);
        assert_eq!(f.canonical(&d("2*(C / 2)")), d("C"));
        assert_eq!(f.canonical(&d("3*(C / 2)")), d("C + (C / 2)"));
        assert_eq!(f.canonical(&d("(C % 2) + B")), d("B"));
        assert_eq!(f.canonical(&d("C*C")), d("C*C"));
        assert!(f.equal(&d("3*(C / 2)"), &d("C + (C / 2)")));
        assert!(!f.equal(&d("(C / 2)"), &d("C")));
        let odd = facts(&[("(C % 2)", Relation::Eq, "1")]);
        assert_eq!(odd.canonical(&d("2*(C / 2)")), d("C - 1"));
    }

    #[test]
    fn a_symbolic_divisor_works_too() {
        let f = facts(&[("(C % G)", Relation::Eq, "0")]);
        assert_eq!(f.canonical(&d("G*(C / G)")), d("C"));
        assert_eq!(f.canonical(&d("(C / G)*B")), d("B*(C / G)"));
    }

    #[test]
    fn bounds_prove() {
        let f = facts(&[("3", Relation::Le, "C"), ("B", Relation::Le, "C")]);
        assert!(f.non_negative(&d("C - 3")));
        assert!(f.non_negative(&d("2*C - 5")));
        assert!(!f.non_negative(&d("C - 4")));
        assert!(f.le(&d("B"), &d("C + 1")));
        assert!(!f.le(&d("C"), &d("B")));
    }

    #[test]
    fn contradictions_and_trivial_constraints_are_told() {
        let mut f = facts(&[("B", Relation::Eq, "C")]);
        assert_eq!(f.learn(&d("C"), Relation::Eq, &d("B")), Learned::Trivial);
        assert_eq!(f.learn(&d("B"), Relation::Eq, &d("C + 1")), Learned::Never);
        assert_eq!(f.learn(&d("C"), Relation::Lt, &d("0")), Learned::Never);
        assert_eq!(f.learn(&d("B*B"), Relation::Eq, &d("D*D*E")), Learned::Unused);
    }
}
