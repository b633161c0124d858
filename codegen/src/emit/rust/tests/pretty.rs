//! Tokens as text that people read in snapshots: not rustfmt, but near.

use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A statement, a member or an attribute a line; bodies stand further in.
pub fn pretty(tokens: TokenStream) -> String {
    let mut out = Printer::default();
    out.stream(tokens, true);
    let lines: Vec<&str> = out.text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect();
    lines.join("\n") + "\n"
}

#[derive(Default)]
struct Printer {
    text: String,
    depth: usize,
}

impl Printer {
    fn newline(&mut self) {
        self.text.push('\n');
        self.text.push_str(&"    ".repeat(self.depth));
    }

    /// `block` says whether the tokens stand in braces, a statement a line.
    fn stream(&mut self, tokens: TokenStream, block: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let members = block && self.depth > 0 && members(&tokens);
        let mut angles = 0;
        for (k, token) in tokens.iter().enumerate() {
            let before = k.checked_sub(1).map(|j| &tokens[j]);
            let path = k.checked_sub(2).is_some_and(|j| is_joint(&tokens[j]));
            if wants_space(before, token, path) && !self.text.ends_with([' ', '\n']) {
                self.text.push(' ');
            }
            match token {
                TokenTree::Group(group) => self.group(group, before, block),
                TokenTree::Ident(word) => self.text.push_str(&word.to_string()),
                TokenTree::Literal(number) => self.text.push_str(&number.to_string()),
                TokenTree::Punct(mark) => self.text.push(mark.as_char()),
            }
            let TokenTree::Punct(mark) = token else { continue };
            match mark.as_char() {
                '<' => angles += 1,
                '>' if !before.is_some_and(is_joint) => angles -= 1,
                _ => {}
            }
            let ends = mark.as_char() == ';' || (members && angles == 0 && mark.as_char() == ',');
            if ends {
                self.newline();
            }
        }
    }

    fn group(&mut self, group: &Group, before: Option<&TokenTree>, block: bool) {
        let (open, close) = match group.delimiter() {
            Delimiter::Parenthesis => ("(", ")"),
            Delimiter::Bracket => ("[", "]"),
            Delimiter::Brace => ("{", "}"),
            Delimiter::None => ("", ""),
        };
        self.text.push_str(open);
        if group.delimiter() == Delimiter::Brace && !group.stream().is_empty() {
            self.depth += 1;
            self.newline();
            self.stream(group.stream(), true);
            self.depth -= 1;
            self.newline();
        } else {
            self.stream(group.stream(), false);
        }
        self.text.push_str(close);
        let attribute = matches!(before, Some(TokenTree::Punct(mark)) if mark.as_char() == '#');
        if block && (attribute || group.delimiter() == Delimiter::Brace) {
            self.newline();
        }
    }
}

/// Whether braces hold members, not statements.
fn members(tokens: &[TokenTree]) -> bool {
    let ends = |t: &TokenTree| matches!(t, TokenTree::Punct(mark) if matches!(mark.as_char(), ';' | '|'));
    !tokens.iter().any(ends)
}

/// Whether it is the first half of `::` or `->`.
fn is_joint(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint)
}

/// `path` says that `before` is the second half of `::` or `->`.
fn wants_space(before: Option<&TokenTree>, token: &TokenTree, path: bool) -> bool {
    let Some(before) = before else { return false };
    let mark = |t: &TokenTree| match t {
        TokenTree::Punct(mark) => Some(mark.as_char()),
        TokenTree::Group(_) | TokenTree::Ident(_) | TokenTree::Literal(_) => None,
    };
    let is = |t: &TokenTree, d: Delimiter| matches!(t, TokenTree::Group(group) if group.delimiter() == d);
    let word = |t: &TokenTree| matches!(t, TokenTree::Ident(_) | TokenTree::Literal(_));
    match (mark(before), mark(token)) {
        _ if is_joint(before) => false,
        (Some(':'), _) => !path,
        (Some(',' | '=' | '+'), _) => true,
        (Some('>'), _) => path || word(token),
        (_, Some('=' | '+')) => true,
        (None, Some(':')) => is_joint(token) && word(before) && before.to_string() == "impl",
        (None, Some('-')) => is_joint(token),
        (Some(_), _) | (None, Some(_)) => false,
        (None, None) => word(token) || is(token, Delimiter::Brace),
    }
}
