//! Reading of the text forms: what the parsers of kernels, loops and programs
//! share.
//!
//! In: text. Out: its lines with their indentation, and the small things that
//! stand in them. Always: an error names its line; blank lines do not count.

use crate::dtype::{DType, Kind};
use crate::ops::Literal;
use crate::shape::Dim;

/// A line that is not blank, without its indentation.
#[derive(Clone, Copy)]
pub struct Line<'a> {
    pub number: usize,
    pub indent: usize,
    pub text: &'a str,
}

/// The lines that are still to be read.
pub struct Lines<'a> {
    lines: Vec<Line<'a>>,
    next: usize,
}

impl<'a> Line<'a> {
    /// Puts the line into an error.
    pub fn explain<T>(self, result: Result<T, String>) -> Result<T, String> {
        result.map_err(|why| format!("line {}: {why}: `{}`", self.number, self.text))
    }
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Lines<'a> {
        let line = |(at, raw): (usize, &'a str)| {
            let text = raw.trim_start();
            Line { number: at + 1, indent: raw.len() - text.len(), text: text.trim_end() }
        };
        Lines { lines: text.lines().enumerate().map(line).filter(|l| !l.text.is_empty()).collect(), next: 0 }
    }

    pub fn peek(&self) -> Option<Line<'a>> {
        self.lines.get(self.next).copied()
    }

    /// The next line, if it stands deeper than this indentation.
    pub fn below(&mut self, indent: usize) -> Option<Line<'a>> {
        let line = self.peek().filter(|l| l.indent > indent)?;
        self.next += 1;
        Some(line)
    }

    /// The next line, which must begin with this word, and what follows it.
    pub fn head(&mut self, word: &str) -> Result<(Line<'a>, &'a str), String> {
        let line = self.peek().ok_or_else(|| format!("`{word}` is wanted, but the text has ended"))?;
        self.next += 1;
        match split_word(line.text) {
            (first, rest) if first == word => Ok((line, rest)),
            _ => line.explain(Err(format!("`{word}` is wanted"))),
        }
    }

    /// That nothing is left.
    pub fn end(&self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(line) => line.explain(Err("nothing is wanted here".into())),
        }
    }
}

/// The first word, and the rest.
pub fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim())
}

/// What stands before the first `mark` and after it.
pub fn split<'a>(text: &'a str, mark: &str) -> Result<(&'a str, &'a str), String> {
    let (a, b) = text.split_once(mark).ok_or_else(|| format!("`{}` is wanted", mark.trim()))?;
    Ok((a.trim(), b.trim()))
}

/// As [`split`], at the last `mark`.
pub fn split_last<'a>(text: &'a str, mark: &str) -> Result<(&'a str, &'a str), String> {
    let (a, b) = text.rsplit_once(mark).ok_or_else(|| format!("`{}` is wanted", mark.trim()))?;
    Ok((a.trim(), b.trim()))
}

/// What stands between the brackets that open the text, and after them.
pub fn bracketed(text: &str) -> Result<(&str, &str), String> {
    let open = text.chars().next().filter(|c| matches!(c, '(' | '[')).ok_or("a bracket is wanted")?;
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((&text[1..at], text[at + 1..].trim()));
        }
    }
    Err(format!("`{open}` is never closed"))
}

/// The items of a list: split at the commas outside brackets.
pub fn items(text: &str) -> Vec<&str> {
    let (mut out, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                out.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    let last = text[from..].trim();
    if !last.is_empty() {
        out.push(last);
    }
    out
}

/// A list, each item read by `read`.
pub fn list<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    items(text).into_iter().map(read).collect()
}

pub fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is no number"))
}

/// A number behind a prefix: `%3`, `b3`, `k3`.
pub fn numbered<T: std::str::FromStr>(text: &str, prefix: char) -> Result<T, String> {
    let digits = text.trim().strip_prefix(prefix).ok_or_else(|| format!("`{prefix}` is wanted before `{text}`"))?;
    number(digits)
}

pub fn dim(text: &str) -> Result<Dim, String> {
    Dim::parse(text).ok_or_else(|| format!("`{text}` is no dimension"))
}

pub fn dtype(text: &str) -> Result<DType, String> {
    DType::from_name(text.trim()).ok_or_else(|| format!("`{text}` is no dtype"))
}

/// A literal of this dtype, as [`show`] writes it.
pub fn literal(text: &str, dtype: DType) -> Result<Literal, String> {
    Ok(match dtype.kind() {
        Kind::Bool => Literal::Bool(number(text)?),
        Kind::Unsigned | Kind::Signed => Literal::Int(number(text)?),
        Kind::Float => match text.strip_prefix("nan:0x") {
            Some(bits) => Literal::Float(u64::from_str_radix(bits, 16).map_err(|e| e.to_string())?),
            None if text == "nan" => Literal::float(f64::NAN),
            None if dtype.computed() == DType::F32 => Literal::float(f64::from(number::<f32>(text)?)),
            None => Literal::float(number(text)?),
        },
    })
}

/// A literal of this dtype in the fewest digits that give the same bits back; a
/// NaN that is not the usual one shows its bits.
pub fn show(value: Literal, dtype: DType) -> String {
    match value {
        Literal::Bool(b) => b.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Float(bits) => match f64::from_bits(bits) {
            x if x.is_nan() && bits == f64::NAN.to_bits() => "nan".into(),
            x if x.is_nan() => format!("nan:{bits:#x}"),
            x if dtype.computed() == DType::F32 => format!("{:?}", x as f32),
            x => format!("{x:?}"),
        },
    }
}

/// Whether the axes stand in their own order.
pub fn in_order(order: &[usize]) -> bool {
    order.iter().copied().eq(0..order.len())
}

/// `a, b, c`
pub fn join<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|i| i.to_string()).collect::<Vec<_>>().join(", ")
}
