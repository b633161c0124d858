//! Dimensions from text.
//!
//! In: what a dimension prints. Out: the dimension. Always: what is read prints as it was, in normal form. Next: [`super`].

use super::{Dim, SizesOnly};

impl Dim {
    /// Parses what `Display` prints.
    pub fn parse(text: &str) -> Option<Dim> {
        let mut p = Parser { rest: text.trim() };
        let dim = p.sum()?;
        p.rest.is_empty().then_some(dim)
    }
}

/// Reads what `Display` writes.
struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<Dim> {
        let mut total = if self.eat("-") { self.product()?.neg() } else { self.product()? };
        loop {
            if self.eat("+") {
                total = total.add(&self.product()?);
            } else if self.eat("-") {
                total = total.sub(&self.product()?);
            } else {
                return Some(total);
            }
        }
    }

    fn product(&mut self) -> Option<Dim> {
        let mut total = self.factor()?;
        loop {
            if self.eat("*") {
                total = total.mul(&self.factor()?);
            } else if self.eat("/") {
                total = total.div(&self.factor()?, &SizesOnly);
            } else if self.eat("%") {
                total = total.rem(&self.factor()?, &SizesOnly);
            } else {
                return Some(total);
            }
        }
    }

    fn factor(&mut self) -> Option<Dim> {
        if self.eat("(") {
            let value = self.sum()?;
            return self.eat(")").then_some(value);
        }
        for (name, max) in [("max(", true), ("min(", false)] {
            if self.eat(name) {
                let a = self.sum()?;
                let b = self.eat(",").then(|| self.sum())??;
                let value = if max { a.max_of(&b) } else { a.min_of(&b) };
                return self.eat(")").then_some(value);
            }
        }
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        // `%3` is a value of a kernel.
        let start = usize::from(self.rest.starts_with('%'));
        let end = self.rest[start..].find(|c| !word(c)).map_or(self.rest.len(), |at| start + at);
        let (token, rest) = self.rest.split_at(end);
        if token.is_empty() {
            return None;
        }
        self.rest = rest.trim_start();
        match token.parse::<i64>() {
            Ok(n) => Some(Dim::from(n)),
            Err(_) if token.starts_with(|c: char| c.is_ascii_digit()) => None,
            Err(_) => Some(Dim::sym(token)),
        }
    }
}
