//! Statements and bodies: `let`, assignment, `for`, `if`, blocks.
//!
//! In: a brace group. Out: a [`Body`]. Always: a broken statement is reported
//! and skipped, so that one body gives several errors. Next: `index`.

use super::ast::{BinaryOp, Body, Expr, ExprKind, Pattern, Stmt};
use super::cursor::{Broken, Parse, Parser, is_keyword};
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use proc_macro2::{Delimiter, Group, TokenTree};

impl Parser {
    /// The statements between braces, and the value after them. A body is a
    /// level of recursion beside the expression that it is.
    pub fn body(&mut self, group: &Group) -> Parse<Body> {
        let loc = Loc::new(group.span_open(), group.span_close());
        let mut body = Body { stmts: Vec::new(), value: None, loc };
        let height = self.deeper(|p| p.inside(group, |p| Ok(p.statements(&mut body))))?;
        self.grow(height, loc)?;
        Ok(body)
    }

    /// Reads the statements to the end of the level; answers the height of the
    /// tallest.
    fn statements(&mut self, body: &mut Body) -> usize {
        let mut height = 0;
        while !self.at_end() {
            if self.eat_op(";").is_some() {
                continue;
            }
            let start = self.position();
            self.height = 0;
            if let Err(Broken) = self.statement(body) {
                self.skip_statement(start);
            }
            height = height.max(self.height);
        }
        height
    }

    fn statement(&mut self, body: &mut Body) -> Parse<()> {
        let start = self.here();
        if self.is_word(0, "let") {
            body.stmts.push(self.let_stmt()?);
            return Ok(());
        }
        if self.is_word(0, "for") {
            body.stmts.push(self.for_stmt()?);
            return Ok(());
        }
        if self.peek_ident(0).is_some_and(|word| FOREIGN.iter().any(|item| word == item)) {
            let message = format!("an item inside of a body: {}", self.found());
            let help = "functions and structs stand side by side in `tensor!`";
            return Err(self.fail_with(errors::RUST_ITEM, start, &message, help));
        }
        if self.is_op(0, "#") {
            let help = "attributes stand on functions, structs and fields";
            return Err(self.fail_with(errors::UNEXPECTED_TOKEN, start, "an attribute inside of a body", help));
        }
        self.expr_stmt(start, body)
    }

    /// `let x = …;`, `let (a, b): T = …;`
    fn let_stmt(&mut self) -> Parse<Stmt> {
        let start = self.here();
        self.bump();
        let pattern = self.pattern()?;
        let ty = if self.eat_op(":").is_some() { Some(self.any_type()?) } else { None };
        if !self.is_op(0, "=") || self.is_op(0, "==") {
            return Err(self.unexpected("`=`"));
        }
        self.bump();
        let value = self.expr()?;
        if self.is_word(0, "else") {
            let help = "a name is bound without a condition";
            return Err(self.fail_with(errors::RUST_STATEMENT, self.here(), "there is no `let … else`", help));
        }
        let loc = self.since(start);
        self.semicolon()?;
        Ok(Stmt::Let { pattern, ty, value, loc })
    }

    fn pattern(&mut self) -> Parse<Pattern> {
        self.skip_mut();
        let start = self.here();
        if let Some(group) = self.eat_group(Delimiter::Parenthesis) {
            let (parts, _) = self.inside(&group, |p| p.commas(|p| p.deeper(Parser::pattern)))?;
            return Ok(Pattern::Tuple(parts, self.since(start)));
        }
        self.name_or_underscore().map(Pattern::Name)
    }

    fn name_or_underscore(&mut self) -> Parse<proc_macro2::Ident> {
        match self.peek_ident(0).cloned() {
            Some(ident) if ident == "_" => {
                self.bump();
                Ok(ident)
            }
            Some(_) | None => self.expect_name("a name"),
        }
    }

    /// Skips `mut`, with a report.
    pub fn skip_mut(&mut self) {
        if let Some(loc) = self.eat_word("mut") {
            let help = "leave out the `mut`; a name is bound anew by `let x = …;` or, in a loop, `x = …;`";
            self.report_with(errors::MUTABLE, loc, "arrays do not change", help);
        }
    }

    /// `for i in 0..4 { … }`
    fn for_stmt(&mut self) -> Parse<Stmt> {
        let begin = self.here();
        self.bump();
        let name = self.name_or_underscore()?;
        if self.eat_word("in").is_none() {
            return Err(self.unexpected("`in`"));
        }
        let start = self.expr()?;
        let height = self.height;
        if self.is_op(0, "..=") {
            let help = "write `0..5` for the numbers from 0 to 4";
            return Err(self.fail_with(errors::LOOP_BOUNDS, self.here(), "a loop runs over `start..end`", help));
        }
        if self.eat_op("..").is_none() {
            let help = "a loop runs over constants: `for i in 0..4 { … }`";
            let message = format!("expected `..`, found {}", self.found());
            return Err(self.fail_with(errors::LOOP_BOUNDS, self.here(), &message, help));
        }
        let end = self.expr()?;
        let height = height.max(self.height);
        let group = self.expect_group(Delimiter::Brace)?;
        let body = self.body(&group)?;
        let loc = self.since(begin);
        self.grow(height.max(self.height), loc)?;
        if let Some(value) = &body.value {
            let help = "bind it: `y = …;`";
            self.report_with(errors::LOOP_VALUE, value.loc, "a loop has no value", help);
        }
        Ok(Stmt::For { name, start, end, body, loc })
    }

    /// `if c { a } else { b }`
    pub fn if_else(&mut self) -> Parse<Expr> {
        let start = self.here();
        self.bump();
        if let Some(loc) = self.eat_word("let") {
            let help = "a condition is a constant: `if N == 2 { … } else { … }`";
            return Err(self.fail_with(errors::RUST_STATEMENT, loc, "there is no `if let`", help));
        }
        let condition = Box::new(self.expr()?);
        let mut height = self.height;
        let group = self.expect_group(Delimiter::Brace)?;
        let then = Box::new(self.body(&group)?);
        height = height.max(self.height);
        if self.eat_word("else").is_none() {
            let loc = self.since(start);
            let help = "write `else { … }` with the other value";
            return Err(self.fail_with(errors::IF_WITHOUT_ELSE, loc, "an `if` has a value on both sides", help));
        }
        let otherwise = if self.is_word(0, "if") {
            let chained = self.deeper(Parser::if_else)?;
            let loc = chained.loc;
            Body { stmts: Vec::new(), value: Some(chained), loc }
        } else {
            let group = self.expect_group(Delimiter::Brace)?;
            self.body(&group)?
        };
        let loc = self.since(start);
        self.grow(height.max(self.height), loc)?;
        Ok(Expr { kind: ExprKind::If { condition, then, otherwise: Box::new(otherwise) }, loc })
    }

    /// An assignment, the value of the body, or an expression with `;`.
    fn expr_stmt(&mut self, start: Loc, body: &mut Body) -> Parse<()> {
        let block_like = self.is_word(0, "if") || self.peek_group(0, Delimiter::Brace).is_some();
        let expr = if block_like { self.block_like()? } else { self.expr()? };
        if let Some(op) = self.compound() {
            body.stmts.push(self.compound_assign(expr, op, start)?);
            return Ok(());
        }
        if self.is_op(0, "=") && !self.is_op(0, "==") && !self.is_op(0, "=>") {
            let ExprKind::Name(name) = expr.kind else {
                let help = "arrays do not change; choose between elements with `where(…)`, join with `concatenate(…)`";
                return Err(self.fail_with(errors::ASSIGN_TARGET, expr.loc, "only a name can be bound anew", help));
            };
            self.bump();
            let value = self.expr()?;
            let loc = self.since(start);
            self.semicolon()?;
            body.stmts.push(Stmt::Assign { name, value, loc });
            return Ok(());
        }
        if self.at_end() {
            body.value = Some(expr);
            return Ok(());
        }
        if !block_like || self.is_op(0, ";") {
            self.semicolon()?;
        }
        body.stmts.push(Stmt::Expr(expr));
        Ok(())
    }

    /// `if` or a block at the start of a statement ends there, as in Rust,
    /// unless a method is called on it.
    fn block_like(&mut self) -> Parse<Expr> {
        self.deeper(|p| {
            let expr = match p.eat_group(Delimiter::Brace) {
                Some(group) => p.block(&group)?,
                None => p.if_else()?,
            };
            if !p.is_op(0, ".") || p.is_op(0, "..") {
                return Ok(expr);
            }
            let receiver = p.postfix_after(expr)?;
            p.operators(receiver, super::operators::Level::ShortOr)
        })
    }

    /// `x += 1;`, read as `x = x + 1;`.
    fn compound_assign(&mut self, target: Expr, op: BinaryOp, start: Loc) -> Parse<Stmt> {
        let op_loc = self.bump_op(op.symbol());
        self.bump();
        let op_loc = op_loc.to(self.prev());
        let sign = op.symbol();
        let ExprKind::Name(name) = &target.kind else {
            let help = "arrays do not change; choose between elements with `where(…)`, join with `concatenate(…)`";
            return Err(self.fail_with(errors::ASSIGN_TARGET, target.loc, "only a name can be bound anew", help));
        };
        let name = name.clone();
        let message = format!("there is no `{sign}=` in the language");
        let help = format!("write `{name} = {name} {sign} …;`");
        self.report_with(errors::COMPOUND_ASSIGN, op_loc, &message, &help);
        let right = self.expr()?;
        let loc = self.since(start);
        self.grow(self.height, loc)?;
        self.semicolon()?;
        let kind = ExprKind::Binary { op, op_loc, left: Box::new(target), right: Box::new(right) };
        Ok(Stmt::Assign { name, value: Expr { kind, loc }, loc })
    }

    /// `;` after a statement. One that is missing before a new line or a `let`
    /// is reported, and read as though it was there.
    fn semicolon(&mut self) -> Parse<()> {
        if self.eat_op(";").is_some() {
            return Ok(());
        }
        let prev = self.prev();
        let line = self.here().first.start().line;
        let new_line = line > prev.last.end().line && !matches!(self.peek(0), Some(TokenTree::Punct(_)));
        let next = self.peek_ident(0).is_some_and(|word| word == "let" || word == "for");
        if self.at_end() || next || new_line {
            let help = "write `;` after the statement";
            self.report_with(errors::MISSING_SEMICOLON, prev, "a `;` is missing after this", help);
            return Ok(());
        }
        if self.peek_ident(0).is_some_and(|word| !is_keyword(word)) {
            let message = format!("expected `;` or an operator, found {}", self.found());
            return Err(self.fail(Diagnostic::new(errors::UNEXPECTED_TOKEN, self.here(), message)));
        }
        Err(self.unexpected_after_expr("`;`"))
    }

    /// Statements of Rust that the language does not have.
    pub fn foreign_stmt(&mut self, word: &str) -> Broken {
        let help = match word {
            "return" => "the value is the last expression of the body, without `;`",
            "match" => "for a choice between elements write `where(condition, a, b)`",
            "while" | "loop" => "a loop is unrolled at compile time: `for i in 0..4 { … }`",
            _ => "a function runs from its first statement to its last",
        };
        let message = format!("there is no `{word}` in the language");
        self.fail_with(errors::RUST_STATEMENT, self.here(), &message, help)
    }

    /// Skips a broken statement: past its `;`, or past its braces where its
    /// first word says that it ends with them.
    fn skip_statement(&mut self, start: usize) {
        const BRACED: [&str; 9] = ["for", "if", "while", "loop", "match", "fn", "struct", "impl", "enum"];
        let reached = self.position();
        self.rewind(start);
        let braced = self.peek_ident(0).is_some_and(|word| BRACED.iter().any(|item| word == item));
        self.bump();
        while !self.at_end() {
            if self.eat_op(";").is_some() {
                return;
            }
            let next = self.position() >= reached && ["let", "for"].iter().any(|word| self.is_word(0, word));
            if next {
                return;
            }
            let brace = self.eat_group(Delimiter::Brace).is_some();
            let more = self.is_word(0, "else") || self.is_op(0, ".");
            if brace && braced && !more && self.position() >= reached {
                return;
            }
            if !brace {
                self.bump();
            }
        }
    }
}

/// Words that begin an item.
const FOREIGN: [&str; 12] =
    ["fn", "struct", "use", "mod", "impl", "enum", "trait", "const", "static", "type", "pub", "extern"];
