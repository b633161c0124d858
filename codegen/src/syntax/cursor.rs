//! The parser's state: a position in one level of the token tree, and the
//! diagnostics so far.
//!
//! In: tokens. Out: tokens one by one, operators put together, and errors that
//! name what was wanted and what was found. Always: a parse function that
//! answers [`Broken`] has reported why; nothing recurses deeper than
//! [`MAX_DEPTH`], and no tree grows taller than [`MAX_HEIGHT`]. Next:
//! [`super::parse`].

use crate::diagnostic::{Diagnostic, Loc};
use crate::errors::{self, Code};
use proc_macro2::{Delimiter, Group, Ident, Spacing, Span, TokenStream, TokenTree};

/// How deep the parser recurses.
const MAX_DEPTH: usize = 128;

/// How tall a tree may be: `a + b + c` is taller by one than `a + b`, though
/// it is read by a loop. All later passes recurse over trees.
const MAX_HEIGHT: usize = 256;

/// The rest of this construct is lost; the reason is among the diagnostics.
#[derive(Debug)]
pub(super) struct Broken;

pub(super) type Parse<T> = Result<T, Broken>;

/// The tokens between two delimiters.
struct Level {
    tokens: Vec<TokenTree>,
    pos: usize,
    delimiter: Delimiter,
    /// The closing delimiter, or the last token of the input.
    end: Span,
}

pub(super) struct Parser {
    level: Level,
    depth: usize,
    /// The token consumed last.
    prev: Span,
    /// The height of the tree that the last successful parse made.
    pub height: usize,
    /// Whether something was lost since this was last cleared.
    pub broken: bool,
    pub diagnostics: Vec<Diagnostic>,
}

impl Parser {
    pub fn new(tokens: TokenStream) -> Parser {
        let tokens = visible(tokens);
        let end = tokens.last().map_or_else(Span::call_site, last_span);
        let prev = tokens.first().map_or_else(Span::call_site, first_span);
        let level = Level { tokens, pos: 0, delimiter: Delimiter::None, end };
        Parser { level, depth: 0, prev, height: 0, broken: false, diagnostics: Vec::new() }
    }

    // Looking.

    pub fn peek(&self, ahead: usize) -> Option<&TokenTree> {
        self.level.tokens.get(self.level.pos + ahead)
    }

    pub fn at_end(&self) -> bool {
        self.level.pos >= self.level.tokens.len()
    }

    pub fn peek_ident(&self, ahead: usize) -> Option<&Ident> {
        match self.peek(ahead) {
            Some(TokenTree::Ident(ident)) => Some(ident),
            _ => None,
        }
    }

    pub fn is_word(&self, ahead: usize, word: &str) -> bool {
        self.peek_ident(ahead).is_some_and(|ident| ident == word)
    }

    pub fn peek_group(&self, ahead: usize, delimiter: Delimiter) -> Option<&Group> {
        match self.peek(ahead) {
            Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
            _ => None,
        }
    }

    pub fn token_at(&self, position: usize) -> Option<&TokenTree> {
        self.level.tokens.get(position)
    }

    /// Whether the characters of `op` stand here without a gap.
    pub fn is_op(&self, ahead: usize, op: &str) -> bool {
        let last = op.len() - 1;
        op.chars().enumerate().all(|(i, c)| match self.peek(ahead + i) {
            Some(TokenTree::Punct(p)) => p.as_char() == c && (i == last || p.spacing() == Spacing::Joint),
            _ => false,
        })
    }

    /// Where the next token begins.
    pub fn here(&self) -> Loc {
        Loc::at(self.peek(0).map_or(self.level.end, first_span))
    }

    /// From the given place to the last token consumed.
    pub fn since(&self, start: Loc) -> Loc {
        Loc::new(start.first, self.prev)
    }

    pub fn prev(&self) -> Loc {
        Loc::at(self.prev)
    }

    pub fn position(&self) -> usize {
        self.level.pos
    }

    pub fn rewind(&mut self, position: usize) {
        self.level.pos = position;
    }

    // Taking.

    pub fn bump(&mut self) -> Option<TokenTree> {
        let token = self.peek(0).cloned()?;
        self.level.pos += 1;
        self.prev = last_span(&token);
        Some(token)
    }

    /// Takes the tokens of an operator that was just seen.
    pub fn bump_op(&mut self, op: &str) -> Loc {
        let start = self.here();
        for _ in op.chars() {
            self.bump();
        }
        self.since(start)
    }

    pub fn eat_op(&mut self, op: &str) -> Option<Loc> {
        self.is_op(0, op).then(|| self.bump_op(op))
    }

    pub fn eat_word(&mut self, word: &str) -> Option<Loc> {
        self.is_word(0, word).then(|| {
            self.bump();
            self.prev()
        })
    }

    pub fn eat_group(&mut self, delimiter: Delimiter) -> Option<Group> {
        let group = self.peek_group(0, delimiter)?.clone();
        self.bump();
        Some(group)
    }

    pub fn expect_op(&mut self, op: &str) -> Parse<Loc> {
        match self.eat_op(op) {
            Some(loc) => Ok(loc),
            None => Err(self.unexpected(&format!("`{op}`"))),
        }
    }

    pub fn expect_group(&mut self, delimiter: Delimiter) -> Parse<Group> {
        match self.eat_group(delimiter) {
            Some(group) => Ok(group),
            None => Err(self.unexpected(&format!("`{}`", brackets(delimiter).0))),
        }
    }

    /// A name that the user may give.
    pub fn expect_name(&mut self, what: &str) -> Parse<Ident> {
        match self.peek_ident(0).cloned() {
            Some(ident) if !is_keyword(&ident) => {
                self.bump();
                Ok(ident)
            }
            Some(_) | None => Err(self.unexpected(what)),
        }
    }

    /// Parses the inside of a group, all of it.
    pub fn inside<T>(&mut self, group: &Group, parse: impl FnOnce(&mut Parser) -> Parse<T>) -> Parse<T> {
        let end = group.span_close();
        let inner = Level { tokens: visible(group.stream()), pos: 0, delimiter: group.delimiter(), end };
        let outer = std::mem::replace(&mut self.level, inner);
        let mut result = parse(self);
        if result.is_ok() && !self.at_end() {
            result = Err(self.unexpected(&format!("`{}`", brackets(group.delimiter()).1)));
        }
        self.level = outer;
        self.prev = end;
        result
    }

    /// One level of recursion.
    pub fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Parse<T>) -> Parse<T> {
        if self.depth == MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(self.fail(too_deep(self.here(), message)));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// The tree just made stands on one of the given height.
    pub fn grow(&mut self, below: usize, loc: Loc) -> Parse<()> {
        self.height = below + 1;
        if self.height > MAX_HEIGHT {
            let message = format!("an expression of more than {MAX_HEIGHT} operators in a row");
            return Err(self.fail(too_deep(loc, message)));
        }
        Ok(())
    }

    /// Comma-separated items to the end of the level, a last comma allowed.
    /// Answers whether there was a last comma. The height is the tallest's.
    pub fn commas<T>(&mut self, mut item: impl FnMut(&mut Parser) -> Parse<T>) -> Parse<(Vec<T>, bool)> {
        let (mut items, mut trailing, mut tallest) = (Vec::new(), false, 0);
        while !self.at_end() {
            self.height = 0;
            items.push(item(self)?);
            tallest = tallest.max(self.height);
            trailing = self.eat_op(",").is_some();
            if !trailing && !self.at_end() {
                let close = brackets(self.level.delimiter).1;
                return Err(self.unexpected(&format!("`,` or `{close}`")));
            }
        }
        self.height = tallest;
        Ok((items, trailing))
    }

    /// As `commas`, but an item that breaks is reported and skipped.
    pub fn commas_mending<T>(&mut self, mut item: impl FnMut(&mut Parser) -> Parse<T>) -> Parse<Vec<T>> {
        let mut items = Vec::new();
        let mut result = Ok(());
        while !self.at_end() {
            let start = self.position();
            let parsed = item(self).and_then(|value| {
                if self.at_end() || self.eat_op(",").is_some() {
                    return Ok(value);
                }
                let close = brackets(self.level.delimiter).1;
                Err(self.unexpected(&format!("`,` or `{close}`")))
            });
            match parsed {
                Ok(value) => items.push(value),
                Err(Broken) => {
                    self.rewind(start);
                    self.skip_item();
                    result = Err(Broken);
                }
            }
        }
        result.map(|()| items)
    }

    /// Skips past the next comma that is not between angle brackets.
    fn skip_item(&mut self) {
        let mut angles = 0_usize;
        while !self.at_end() {
            if self.eat_op("->").is_some() {
                continue;
            }
            if angles == 0 && self.eat_op(",").is_some() {
                return;
            }
            if self.is_op(0, "<") {
                angles += 1;
            } else if self.is_op(0, ">") {
                angles = angles.saturating_sub(1);
            }
            self.bump();
        }
    }

    // Reporting.

    /// Reports an error after which parsing goes on as though it was mended.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports an error that breaks the construct.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> Broken {
        self.broken = true;
        self.diagnostics.push(diagnostic);
        Broken
    }

    pub fn fail_with(&mut self, code: Code, loc: Loc, message: &str, help: &str) -> Broken {
        self.fail(Diagnostic::new(code, loc, message).help(help))
    }

    pub fn report_with(&mut self, code: Code, loc: Loc, message: &str, help: &str) {
        self.report(Diagnostic::new(code, loc, message).help(help));
    }

    /// "expected …, found …" at the next token.
    pub fn unexpected(&mut self, wanted: &str) -> Broken {
        let loc = self.here();
        let found = self.found();
        let diagnostic = Diagnostic::new(errors::UNEXPECTED_TOKEN, loc, format!("expected {wanted}, found {found}"));
        self.fail(diagnostic)
    }

    /// The next token in words.
    pub fn found(&self) -> String {
        match self.peek(0) {
            None if self.level.delimiter == Delimiter::None => "the end of the input".to_owned(),
            None => format!("`{}`", brackets(self.level.delimiter).1),
            Some(TokenTree::Group(group)) => format!("`{}`", brackets(group.delimiter()).0),
            Some(TokenTree::Ident(ident)) if is_keyword(ident) => format!("the keyword `{ident}`"),
            Some(TokenTree::Ident(ident)) => format!("`{ident}`"),
            Some(TokenTree::Literal(literal)) => format!("`{literal}`"),
            Some(TokenTree::Punct(first)) => {
                const LONG: [&str; 15] =
                    ["...", "..=", "..", "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*="];
                let long = LONG.into_iter().find(|op| self.is_op(0, op));
                format!("`{}`", long.map_or_else(|| first.as_char().to_string(), str::to_owned))
            }
        }
    }
}

fn too_deep(loc: Loc, message: String) -> Diagnostic {
    Diagnostic::new(errors::NESTING, loc, message).help("name parts of it with `let`")
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::None => ("an expression", "the end"),
    }
}

/// The tokens of a stream, without the invisible groups that `macro_rules`
/// puts around a single token.
fn visible(tokens: TokenStream) -> Vec<TokenTree> {
    tokens.into_iter().map(bare).collect()
}

fn bare(mut token: TokenTree) -> TokenTree {
    loop {
        let TokenTree::Group(group) = &token else { return token };
        if group.delimiter() != Delimiter::None {
            return token;
        }
        let mut inner = group.stream().into_iter();
        match (inner.next(), inner.next()) {
            (Some(only), None) => token = only,
            (Some(_), Some(_)) | (None, _) => return token,
        }
    }
}

pub(super) fn first_span(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_open(),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => token.span(),
    }
}

fn last_span(token: &TokenTree) -> Span {
    match token {
        TokenTree::Group(group) => group.span_close(),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => token.span(),
    }
}

/// Whether Rust keeps the word for itself, or the language does. Such a word
/// names no variable, function or dimension; `r#type` does.
pub(super) fn is_keyword(ident: &Ident) -> bool {
    const WORDS: [&str; 45] = [
        "None", "Self", "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
        "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in",
        "let", "loop", "macro", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct",
        "super", "trait", "true", "type", "unsafe", "use",
    ];
    const MORE: [&str; 6] = ["try", "typeof", "unsized", "virtual", "while", "yield"];
    ident == "where" || WORDS.iter().chain(&MORE).any(|word| ident == word)
}
