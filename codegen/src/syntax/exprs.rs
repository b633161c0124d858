//! Expressions: operators by precedence, then postfix forms, then primaries.
//!
//! In: tokens. Out: [`Expr`]. Always: a chain of operators is read by a loop
//! and bounded in height; a chain of prefixes or powers counts as nesting.
//! Next: `index`, `stmts`.

use super::ast::{Arg, BinaryOp, Expr, ExprKind, TRANSFORMS, UnaryOp};
use super::cursor::{Broken, Parse, Parser, first_span, is_keyword};
use super::operators::{BINARY, Level};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use proc_macro2::{Delimiter, Group, Ident, Literal, TokenTree};

/// An operator that stands after an operand.
struct Infix {
    op: BinaryOp,
    level: Level,
    /// As written: `&&` means `And`.
    text: &'static str,
}

/// Operators of Rust and Python that are read as others, and reported.
const FOREIGN: [(&str, BinaryOp, Level); 4] = [
    ("&&", BinaryOp::And, Level::ShortAnd),
    ("||", BinaryOp::Or, Level::ShortOr),
    ("and", BinaryOp::And, Level::ShortAnd),
    ("or", BinaryOp::Or, Level::ShortOr),
];

impl Parser {
    pub fn expr(&mut self) -> Parse<Expr> {
        self.expr_above(Level::ShortOr)
    }

    /// An expression of operators at least as tight as `least`.
    pub fn expr_above(&mut self, least: Level) -> Parse<Expr> {
        self.deeper(|p| {
            let left = p.unary()?;
            p.operators(left, least)
        })
    }

    /// What follows an operand: operators and their right operands.
    pub fn operators(&mut self, mut left: Expr, least: Level) -> Parse<Expr> {
        let mut compared = false;
        loop {
            if self.is_word(0, "as") {
                left = self.as_cast(left)?;
                continue;
            }
            let Some(Infix { op, level, text }) = self.infix() else { return Ok(left) };
            if level < least {
                return Ok(left);
            }
            let height = self.height;
            let op_loc = if text.starts_with(char::is_alphabetic) {
                self.bump();
                self.prev()
            } else {
                self.bump_op(text)
            };
            if op.is_comparison() && compared {
                let help = "write `(a < b) & (b < c)`";
                return Err(self.fail_with(errors::CHAINED_COMPARISON, op_loc, "comparisons cannot be chained", help));
            }
            if level < Level::Comparison {
                let message = format!("`{text}` is not an operator on arrays");
                let help = format!("write `{}`, with parentheses around comparisons", op.symbol());
                self.report_with(errors::SHORT_CIRCUIT, op_loc, &message, &help);
            }
            let right = self.expr_above(level.tighter())?;
            compared = op.is_comparison();
            self.grow(height.max(self.height), op_loc)?;
            let loc = left.loc.to(right.loc);
            let kind = ExprKind::Binary { op, op_loc, left: Box::new(left), right: Box::new(right) };
            left = Expr { kind, loc };
        }
    }

    fn infix(&self) -> Option<Infix> {
        if ["->", "=>"].iter().any(|arrow| self.is_op(0, arrow)) {
            return None;
        }
        for (text, op, level) in FOREIGN {
            if self.is_op(0, text) || self.is_word(0, text) {
                return Some(Infix { op, level, text });
            }
        }
        let &(op, text, level) = BINARY.iter().find(|row| self.is_op(0, row.1))?;
        (!self.is_compound(op, text)).then_some(Infix { op, level, text })
    }

    /// The operator of `x += 1`, if it stands here.
    pub fn compound(&self) -> Option<BinaryOp> {
        let &(op, text, _) = BINARY.iter().find(|row| self.is_op(0, row.1))?;
        self.is_compound(op, text).then_some(op)
    }

    fn is_compound(&self, op: BinaryOp, text: &str) -> bool {
        !op.is_comparison() && self.is_op(0, &format!("{text}=")) && !self.is_op(0, &format!("{text}=="))
    }

    /// `x as f32`, read as `x.astype(f32)`.
    fn as_cast(&mut self, left: Expr) -> Parse<Expr> {
        let height = self.height;
        let TokenTree::Ident(word) = self.bump().ok_or(Broken)? else { return Err(Broken) };
        let at = self.prev();
        let dtype = self.expect_name("a dtype")?;
        let message = "a cast is not written with `as`";
        self.report_with(errors::AS_CAST, at, message, &format!("write `.astype({dtype})`"));
        let loc = left.loc.to(self.prev());
        let value = Expr { kind: ExprKind::Name(dtype), loc: self.prev() };
        let name = Ident::new("astype", word.span());
        self.grow(height, loc)?;
        let args = vec![Arg { keyword: None, value }];
        Ok(Expr { kind: ExprKind::Method { receiver: Box::new(left), name, args }, loc })
    }

    fn unary(&mut self) -> Parse<Expr> {
        let start = self.here();
        let op = match () {
            () if self.is_op(0, "->") => None,
            () if self.is_op(0, "-") => Some(UnaryOp::Neg),
            () if self.is_op(0, "+") => Some(UnaryOp::Plus),
            () if self.is_op(0, "~") || self.is_op(0, "!") => Some(UnaryOp::Not),
            () if self.is_op(0, "&") || self.is_op(0, "*") => return self.reference(),
            () if self.is_word(0, "not") && self.peek(1).is_some_and(begins_operand) => {
                let message = "`not` is not an operator on arrays";
                self.report_with(errors::SHORT_CIRCUIT, start, message, "write `~x`");
                Some(UnaryOp::Not)
            }
            () => None,
        };
        match op {
            Some(op) => self.prefixed(op, start),
            None => self.power(),
        }
    }

    fn prefixed(&mut self, op: UnaryOp, start: Loc) -> Parse<Expr> {
        self.bump();
        let operand = self.deeper(Parser::unary)?;
        let loc = self.since(start);
        self.grow(self.height, loc)?;
        Ok(Expr { kind: ExprKind::Unary(op, Box::new(operand)), loc })
    }

    /// `&x`, `&mut x`, `*x`, read as `x`.
    fn reference(&mut self) -> Parse<Expr> {
        let borrow = self.is_op(0, "&");
        let start = self.here();
        self.bump();
        if borrow {
            self.eat_word("mut");
        }
        let sign = if borrow { "&" } else { "*" };
        let message = "there are no references in the language";
        self.report_with(errors::REFERENCE, start, message, &format!("leave out the `{sign}`"));
        self.deeper(Parser::unary)
    }

    /// `a ** b`: the exponent may be a unary expression or another power.
    fn power(&mut self) -> Parse<Expr> {
        let base = self.postfix();
        if base.is_err() || !self.is_op(0, "**") || self.is_compound(BinaryOp::Pow, "**") {
            return base;
        }
        base.and_then(|base| self.exponent(base))
    }

    fn exponent(&mut self, base: Expr) -> Parse<Expr> {
        let height = self.height;
        let op_loc = self.bump_op("**");
        let exponent = self.deeper(Parser::unary)?;
        let loc = base.loc.to(exponent.loc);
        self.grow(height.max(self.height), op_loc)?;
        let kind = ExprKind::Binary { op: BinaryOp::Pow, op_loc, left: Box::new(base), right: Box::new(exponent) };
        Ok(Expr { kind, loc })
    }

    fn postfix(&mut self) -> Parse<Expr> {
        let base = self.primary()?;
        self.postfix_after(base)
    }

    /// Calls, fields and indices after an operand.
    pub fn postfix_after(&mut self, mut base: Expr) -> Parse<Expr> {
        loop {
            if self.is_op(0, ".") && !self.is_op(0, "..") {
                self.bump();
                base = self.member(base)?;
            } else if let Some(group) = self.eat_group(Delimiter::Bracket) {
                base = self.index(base, &group)?;
            } else if makes_function(&base)
                && let Some(group) = self.eat_group(Delimiter::Parenthesis)
            {
                let height = self.height;
                let args = self.args(&group)?;
                let loc = self.since(base.loc);
                self.grow(height.max(self.height), loc)?;
                base = Expr { kind: ExprKind::Apply { function: Box::new(base), args }, loc };
            } else if self.peek_group(0, Delimiter::Parenthesis).is_some() {
                let help = "functions are called by their name: `f(x)`, `x.f()`";
                let loc = base.loc.to(self.here());
                return Err(self.fail_with(errors::NOT_CALLABLE, loc, "only a name can be called", help));
            } else if self.is_op(0, "?") {
                let help = "leave out the `?`: the whole function returns a `Result`";
                self.report_with(errors::QUESTION_MARK, self.here(), "nothing in the language fails by itself", help);
                self.bump();
            } else {
                return Ok(base);
            }
        }
    }

    /// What follows the dot.
    fn member(&mut self, base: Expr) -> Parse<Expr> {
        let height = self.height;
        match self.peek(0).cloned() {
            Some(TokenTree::Ident(name)) if name != "await" => self.member_named(base, name, height),
            Some(TokenTree::Literal(literal)) => self.member_numbered(base, &literal),
            _ => Err(self.unexpected("the name of a field or method")),
        }
    }

    fn member_named(&mut self, base: Expr, name: Ident, height: usize) -> Parse<Expr> {
        self.bump();
        if self.is_op(0, "::") {
            let help = format!("write `{name}::<…>(x)`");
            let message = "a method takes no constants";
            return Err(self.fail_with(errors::UNEXPECTED_TOKEN, self.here(), message, &help));
        }
        let receiver = Box::new(base);
        let start = receiver.loc;
        let (kind, below) = match self.eat_group(Delimiter::Parenthesis) {
            Some(group) => {
                let args = self.args(&group)?;
                (ExprKind::Method { receiver, name, args }, height.max(self.height))
            }
            None => (ExprKind::Field { receiver, name }, height),
        };
        let loc = self.since(start);
        self.grow(below, loc)?;
        Ok(Expr { kind, loc })
    }

    fn member_numbered(&mut self, mut base: Expr, literal: &Literal) -> Parse<Expr> {
        let Some(indices) = tuple_indices(literal) else {
            return Err(self.unexpected("the name or the number of a field"));
        };
        self.bump();
        let loc = base.loc.to(self.prev());
        for index in indices {
            self.grow(self.height, loc)?;
            base = Expr { kind: ExprKind::TupleField { receiver: Box::new(base), index }, loc };
        }
        Ok(base)
    }

    /// `x, axis=-1`: the inside of the parentheses of a call.
    fn args(&mut self, group: &Group) -> Parse<Vec<Arg>> {
        let (args, _) = self.inside(group, |p| p.commas(Parser::arg))?;
        let mut named = false;
        for arg in &args {
            if named && arg.keyword.is_none() {
                let help = "put it before the keyword arguments";
                let message = "a positional argument after a keyword";
                self.report_with(errors::POSITIONAL_AFTER_KEYWORD, arg.value.loc, message, help);
                break;
            }
            named |= arg.keyword.is_some();
        }
        Ok(args)
    }

    fn arg(&mut self) -> Parse<Arg> {
        let keyword = match self.peek_ident(0) {
            Some(name) if self.is_op(1, "=") && !self.is_op(1, "==") && !self.is_op(1, "=>") => Some(name.clone()),
            _ => None,
        };
        if keyword.is_some() {
            self.bump();
            self.bump();
        }
        let value = self.expr()?;
        if let (ExprKind::Name(name), true) = (&value.kind, self.is_op(0, ":")) {
            let help = format!("write `{name}=…`");
            let message = "keyword arguments are written with `=`";
            return Err(self.fail_with(errors::UNEXPECTED_TOKEN, self.here(), message, &help));
        }
        Ok(Arg { keyword, value })
    }

    fn primary(&mut self) -> Parse<Expr> {
        let start = self.here();
        match self.peek(0).cloned() {
            Some(TokenTree::Literal(literal)) => self.literal(&literal, start),
            Some(TokenTree::Ident(word)) => self.word(word),
            Some(TokenTree::Group(group)) => {
                self.bump();
                match group.delimiter() {
                    Delimiter::Parenthesis => self.parenthesised(&group, start),
                    Delimiter::Bracket => self.list(&group, start),
                    Delimiter::Brace => self.block(&group),
                    Delimiter::None => self.inside(&group, Parser::expr),
                }
            }
            Some(TokenTree::Punct(_)) if self.is_op(0, "|") => {
                let help = "write a function and call it by name";
                Err(self.fail_with(errors::CLOSURE, start, "there are no closures in the language", help))
            }
            Some(TokenTree::Punct(_)) | None => Err(self.unexpected_after_expr("an expression")),
        }
    }

    pub fn block(&mut self, group: &Group) -> Parse<Expr> {
        let body = Box::new(self.body(group)?);
        let loc = body.loc;
        Ok(Expr { kind: ExprKind::Block(body), loc })
    }

    /// `(x)`, `()`, `(x,)`, `(x, y)`
    fn parenthesised(&mut self, group: &Group, start: Loc) -> Parse<Expr> {
        let (mut items, trailing) = self.inside(group, |p| p.commas(Parser::expr))?;
        let loc = self.since(start);
        match items.pop() {
            Some(only) if items.is_empty() && !trailing => Ok(Expr { kind: only.kind, loc }),
            last => {
                items.extend(last);
                self.grow(self.height, loc)?;
                Ok(Expr { kind: ExprKind::Tuple(items), loc })
            }
        }
    }

    /// `[x, y]`
    fn list(&mut self, group: &Group, start: Loc) -> Parse<Expr> {
        let (items, _) = self.inside(group, |p| p.commas(Parser::expr))?;
        let loc = self.since(start);
        self.grow(self.height, loc)?;
        Ok(Expr { kind: ExprKind::Tuple(items), loc })
    }

    /// A name, a call, a word with a meaning of its own, or Rust.
    fn word(&mut self, word: Ident) -> Parse<Expr> {
        let start = self.here();
        let text = word.to_string();
        match text.as_str() {
            "if" => return self.if_else(),
            "true" | "false" | "None" => {
                self.bump();
                self.height = 1;
                let kind = if text == "None" { ExprKind::None } else { ExprKind::Bool(text == "true") };
                return Ok(Expr { kind, loc: start });
            }
            _ => {}
        }
        let called = self.peek_group(1, Delimiter::Parenthesis).is_some();
        if is_keyword(&word) && !(called && text == "where") {
            return Err(self.foreign_word(&text));
        }
        if self.is_op(1, "!") && matches!(self.peek(2), Some(TokenTree::Group(_))) {
            let help = if text == "vec" { "write `[a, b]`" } else { "operations are functions: `exp(x)`" };
            let loc = start.to(Loc::at(self.peek(1).map_or(start.last, first_span)));
            return Err(self.fail_with(errors::MACRO_CALL, loc, "there are no macros in the language", help));
        }
        self.bump();
        if called || (self.is_op(0, "::") && self.is_op(2, "<")) {
            return self.call(word, start);
        }
        self.height = 1;
        Ok(Expr { kind: ExprKind::Name(word), loc: start })
    }

    /// `(x)` or `::<2>(x)` after the name of a function.
    fn call(&mut self, name: Ident, start: Loc) -> Parse<Expr> {
        self.height = 0;
        let mut generics = Vec::new();
        if self.eat_op("::").is_some() {
            self.expect_op("<")?;
            generics = self.angle_args()?;
        }
        let height = self.height;
        let Some(group) = self.eat_group(Delimiter::Parenthesis) else {
            return Err(self.unexpected("the arguments of the call"));
        };
        let args = self.args(&group)?;
        let loc = self.since(start);
        self.grow(height.max(self.height), loc)?;
        Ok(Expr { kind: ExprKind::Call { name, generics, args }, loc })
    }

    /// A keyword of Rust where an expression should be.
    fn foreign_word(&mut self, word: &str) -> Broken {
        let help = match word {
            "return" | "break" | "continue" | "while" | "loop" | "match" | "yield" => return self.foreign_stmt(word),
            "move" => {
                let help = "write a function and call it by name";
                return self.fail_with(errors::CLOSURE, self.here(), "there are no closures in the language", help);
            }
            "for" => {
                let loc = self.here();
                self.bump();
                let help = "write it as a statement before, and use the names it binds";
                return self.fail_with(errors::LOOP_VALUE, loc, "a loop has no value", help);
            }
            "mut" => {
                let help = "leave out the `mut`";
                return self.fail_with(errors::MUTABLE, self.here(), "arrays do not change", help);
            }
            "where" => "to choose between elements call it: `where(condition, a, b)`",
            _ => return self.unexpected("an expression"),
        };
        let message = format!("expected an expression, found the keyword `{word}`");
        self.fail_with(errors::UNEXPECTED_TOKEN, self.here(), &message, help)
    }

    /// "expected …, found …", with a help line for slips that are common after
    /// an expression.
    pub fn unexpected_after_expr(&mut self, wanted: &str) -> Broken {
        let loc = self.here();
        if self.is_op(0, "::") {
            let help = "import the function with `use` outside of `tensor!`, and call it by its name";
            return self.fail_with(errors::NOT_CALLABLE, loc, "a function is called without its module", help);
        }
        if self.is_op(0, "..") {
            let help = "slices are written in an index, `x[1:5]`; for numbers in a row write `arange(5)`";
            return self.fail_with(errors::RANGE, loc, "a range is not a value", help);
        }
        if self.is_word(0, "if") {
            let help = "write `if c { a } else { b }`, or `where(c, a, b)` for a choice between elements";
            let message = format!("expected {wanted}, found the keyword `if`");
            return self.fail_with(errors::UNEXPECTED_TOKEN, loc, &message, help);
        }
        self.unexpected(wanted)
    }

    fn literal(&mut self, literal: &Literal, loc: Loc) -> Parse<Expr> {
        self.bump();
        self.height = 1;
        let bad = |message: &str| Diagnostic::new(errors::BAD_LITERAL, loc, message);
        let (suffix, kind) = match syn::Lit::new(literal.clone()) {
            syn::Lit::Int(lit) => (lit.suffix().to_owned(), lit.base10_parse().ok().map(ExprKind::Int)),
            syn::Lit::Float(lit) => {
                let value = lit.base10_parse::<f64>().ok().filter(|value| value.is_finite());
                (lit.suffix().to_owned(), value.map(ExprKind::Float))
            }
            syn::Lit::Str(lit) => (lit.suffix().to_owned(), Some(ExprKind::Str(lit.value()))),
            _ => {
                let help = "literals are integers, floats, `true`, `false`, `None` and strings";
                return Err(self.fail(bad("this literal has no meaning in the language").help(help)));
            }
        };
        if !suffix.is_empty() {
            let text = literal.to_string();
            let help = format!("write `{}`", text.strip_suffix(&suffix).unwrap_or(&text).trim_end_matches('_'));
            let note = "a literal takes the dtype of the array it meets";
            let message = "a literal has no suffix";
            self.report(Diagnostic::new(errors::LITERAL_SUFFIX, loc, message).note(note).help(help));
        }
        match kind {
            Some(kind) => Ok(Expr { kind, loc }),
            None => Err(self.fail(bad("this number is too large"))),
        }
    }
}

/// Whether an operand can begin with this token.
fn begins_operand(token: &TokenTree) -> bool {
    match token {
        TokenTree::Ident(ident) => ident != "and" && ident != "or" && ident != "as",
        TokenTree::Literal(_) => true,
        TokenTree::Group(_) | TokenTree::Punct(_) => false,
    }
}

/// Whether the value of an expression is called in turn: `grad(f)`.
fn makes_function(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Call { name, .. } => TRANSFORMS.iter().any(|word| name == word),
        _ => false,
    }
}

/// `0` of `x.0`, or `0` and `1` of `x.0.1`, which Rust reads as one number.
fn tuple_indices(literal: &Literal) -> Option<Vec<usize>> {
    let text = literal.to_string();
    let parts: Vec<&str> = text.split('.').collect();
    if parts.len() > 2 || parts.iter().any(|part| part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect()
}
