//! Maxima and minima of dimensions.
//!
//! In: dimensions. Out: the greater or lesser of two, and what follows from one that stands in a sum. Always: in normal form, as
//! far as signs and equal operands tell. Next: [`super`].

use super::{Atom, Dim, Sign};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Max,
    Min,
}

impl Bound {
    pub(super) fn of(self, a: &Dim, b: &Dim) -> Dim {
        // What it is where `a` is not less than `b`, and where it is not greater.
        let (above, below) = match self {
            Bound::Max => (a, b),
            Bound::Min => (b, a),
        };
        match a.sub(b).sign() {
            Some(Sign::NonNegative) => above.clone(),
            Some(Sign::NonPositive) => below.clone(),
            // The same operand once more.
            None if a.has_operand(b, self) => a.clone(),
            None if b.has_operand(a, self) => b.clone(),
            None => {
                let (a, b) = if a <= b { (a.clone(), b.clone()) } else { (b.clone(), a.clone()) };
                Dim::atom(match self {
                    Bound::Max => Atom::Max(a, b),
                    Bound::Min => Atom::Min(a, b),
                })
            }
        }
    }
}

impl Dim {
    pub fn max_of(&self, other: &Dim) -> Dim {
        Bound::Max.of(self, other)
    }

    pub fn min_of(&self, other: &Dim) -> Dim {
        Bound::Min.of(self, other)
    }

    /// Whether it is such a maximum or minimum of which the other is an operand.
    fn has_operand(&self, other: &Dim, bound: Bound) -> bool {
        let operands = self.single().and_then(Atom::operands);
        operands.is_some_and(|(of, a, b)| of == bound && (a == other || b == other))
    }

    /// A maximum or minimum and what is added to it: its operands, each with that added.
    pub(super) fn extremes(&self) -> Option<(Bound, Dim, Dim)> {
        self.terms().find_map(|(c, factors)| {
            let [(atom, 1)] = factors else { return None };
            let (bound, a, b) = atom.operands()?;
            let rest = self.sub(&Dim::atom(atom.clone()));
            (c == 1).then(|| (bound, a.add(&rest), b.add(&rest)))
        })
    }

    /// Without its maxima and minima, where these cancel: `max(0, H - 1) + min(1, H)` is `H`.
    pub fn settled(&self) -> Dim {
        let bounded = |d: &Dim| d.terms().flat_map(|(_, m)| m).filter(|(atom, _)| atom.operands().is_some()).count();
        if bounded(self) < 2 {
            return self.clone();
        }
        // All as `max(0, x)`, of `x` and `-x` the one whose first term is positive.
        let over = |x: Dim| match x.0.first() {
            Some((_, ..0)) => x.add(&Dim::zero().max_of(&x.neg())),
            _ => Dim::zero().max_of(&x),
        };
        let all = self.replaced(|atom| match atom.operands()? {
            (Bound::Max, a, b) => Some(b.add(&over(a.sub(b)))),
            (Bound::Min, a, b) => Some(a.sub(&over(a.sub(b)))),
        });
        if bounded(&all) == 0 { all } else { self.clone() }
    }

    /// What it is if a maximum or minimum is one of its operands, and what is then zero or more.
    pub fn choices(&self) -> Vec<(Dim, Dim)> {
        let atoms = self.terms().flat_map(|(_, factors)| factors).map(|(atom, _)| atom);
        let choices = atoms.filter_map(|atom| {
            let (bound, a, b) = atom.operands()?;
            let gap = match bound {
                Bound::Max => a.sub(b),
                Bound::Min => b.sub(a),
            };
            let choose = |to: &Dim| self.replaced(|other| (other == atom).then(|| to.clone()));
            Some([(choose(a), gap.clone()), (choose(b), gap.neg())])
        });
        choices.flatten().collect()
    }

    /// The terms that are added, and those that are taken away from them.
    pub fn signs(&self) -> (Dim, Dim) {
        let (more, less): (Vec<_>, Vec<_>) = self.0.iter().cloned().partition(|(_, c)| *c > 0);
        (Dim(more.into()), Dim(less.into()).neg())
    }

    /// The same polynomial of other atoms.
    fn replaced(&self, with: impl Fn(&Atom) -> Option<Dim>) -> Dim {
        let value = |atom: &Atom| with(atom).unwrap_or_else(|| Dim::atom(atom.clone()));
        let term = |(c, m): (i64, &[(Atom, u32)])| {
            m.iter().fold(Dim::from(c), |product, (atom, power)| (0..*power).fold(product, |p, _| p.mul(&value(atom))))
        };
        self.terms().fold(Dim::zero(), |sum, part| sum.add(&term(part)))
    }
}

impl Atom {
    /// Those of a maximum or minimum.
    fn operands(&self) -> Option<(Bound, &Dim, &Dim)> {
        match self {
            Atom::Max(a, b) => Some((Bound::Max, a, b)),
            Atom::Min(a, b) => Some((Bound::Min, a, b)),
            Atom::Sym(_) | Atom::Div(..) | Atom::Rem(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Dim {
        Dim::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn maxima_and_minima_cancel() {
        for (sum, plain) in [
            ("max(0, B - 1) + min(1, B)", "B"),
            ("min(3, B) + max(0, B - 3)", "B"),
            ("max(B, C) + min(B, C)", "B + C"),
            ("max(0, B - C) - max(0, C - B)", "B - C"),
            ("max(0, B - 1) + min(2, B)", "max(0, B - 1) + min(2, B)"),
            ("max(0, B - 1)", "max(0, B - 1)"),
        ] {
            assert_eq!(d(sum).settled(), d(plain), "{sum}");
        }
    }
}
