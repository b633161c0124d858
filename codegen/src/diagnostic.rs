//! A diagnostic: what is wrong, where, and how to mend it.
//!
//! In: a [`Code`], a span, a message. Out: a value that
//! the macro turns into `compile_error!` at the user's token, and that tests
//! render as text. Always: a message names the user's own words; notes and the
//! help are whole sentences in rustc's manner. Next: [`crate::errors`].

use crate::errors::Code;
use proc_macro2::Span;

/// A range in the source: the spans of its first and its last token, since
/// stable Rust cannot join two spans.
#[derive(Clone, Copy, Debug)]
pub struct Loc {
    pub first: Span,
    pub last: Span,
}

impl Loc {
    pub fn new(first: Span, last: Span) -> Loc {
        Loc { first, last }
    }

    pub fn at(span: Span) -> Loc {
        Loc { first: span, last: span }
    }

    pub fn to(self, other: Loc) -> Loc {
        Loc { first: self.first, last: other.last }
    }

    /// `line:column` of the first character, the column counted from one.
    pub fn position(self) -> String {
        let start = self.first.start();
        format!("{}:{}", start.line, start.column + 1)
    }
}

/// One error of a block.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: Code,
    pub loc: Loc,
    pub message: String,
    pub notes: Vec<String>,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(code: Code, loc: Loc, message: impl Into<String>) -> Diagnostic {
        Diagnostic { code, loc, message: message.into(), notes: Vec::new(), help: None }
    }

    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.notes.push(text.into());
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(text.into());
        self
    }

    /// The text of `compile_error!`: code and message, then notes and help as
    /// rustc aligns them.
    pub fn text(&self) -> String {
        let mut out = format!("[{}] {}", self.code, self.message);
        for note in &self.notes {
            out.push_str(&format!("\n  = note: {note}"));
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("\n  = help: {help}"));
        }
        out
    }

    /// The diagnostic as rustc shows it, with the line of the source that was
    /// parsed; for tests and documents, which call the source `src.nd`.
    pub fn render(&self, source: &str) -> String {
        let (start, end) = (self.loc.first.start(), self.loc.last.end());
        let line = source.lines().nth(start.line.wrapping_sub(1)).unwrap_or("");
        let number = start.line.to_string();
        let margin = " ".repeat(number.len());
        let width = line.chars().count();
        let until = if end.line == start.line { end.column } else { width };
        let marks = "^".repeat(until.saturating_sub(start.column).max(1));
        let mut out = format!("error: [{}] {}\n", self.code, self.message);
        out.push_str(&format!("{margin}--> src.nd:{}\n", self.loc.position()));
        out.push_str(&format!("{margin} |\n{number} | {line}\n"));
        out.push_str(&format!("{margin} | {}{marks}\n", " ".repeat(start.column)));
        for note in &self.notes {
            out.push_str(&format!("{margin} = note: {note}\n"));
        }
        if let Some(help) = &self.help {
            out.push_str(&format!("{margin} = help: {help}\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors;
    use proc_macro2::{TokenStream, TokenTree};

    fn spans(source: &str) -> Vec<Span> {
        source.parse::<TokenStream>().unwrap().into_iter().map(|token: TokenTree| token.span()).collect()
    }

    #[test]
    fn renders_as_rustc_does() {
        let source = "let α = 1;\nlet y = x * w;\n";
        let at = spans(source);
        let one = Diagnostic::new(errors::BROADCAST, Loc::new(at[8], at[10]), "cannot broadcast")
            .note("`x` is `f32[N, 4]`")
            .help("slice it");
        let want = "error: [E0402] cannot broadcast
 --> src.nd:2:9
  |
2 | let y = x * w;
  |         ^^^^^
  = note: `x` is `f32[N, 4]`
  = help: slice it
";
        assert_eq!(one.render(source), want);
    }

    #[test]
    fn underlines_to_the_end_of_the_first_line() {
        let source = "f(α,\n  b)";
        let at = spans(source);
        let one = Diagnostic::new(errors::ARITY, Loc::new(at[0], at[1]), "two");
        assert!(one.render(source).ends_with("1 | f(α,\n  | ^^^^\n"), "{}", one.render(source));
    }
}
