//! The parser: the tokens of a `tensor!` to a syntax tree and diagnostics.
//!
//! In: tokens. Out: a [`Block`] or an [`InlineItem`], and every syntax error.
//! Always: no input panics or overflows the stack; an item whose signature
//! parsed is in the tree, with `broken` set where its body did not; an item
//! whose signature did not is in `lost` by its name. Rust that the language
//! does not have is named as such, with the mend; where the mend is certain
//! (`&x`, `1f32`, `a && b`) the tree is as though it was made.
//!
//! The grammar, from the top down: items here, then `types`, `stmts`, `exprs`
//! (operators by precedence), `index`. Next: `exprs`.

use super::ast::{
    Block, Body, Constraint, Expr, ExprKind, Field, FnItem, Generic, GenericKind, InlineItem, Item, Param, Results,
    StructItem,
};
use super::cursor::{Broken, Parse, Parser, is_keyword};
use super::types::collect_symbols;
use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// Parses a block of items.
pub fn parse(tokens: TokenStream) -> (Block, Vec<Diagnostic>) {
    let mut p = Parser::new(tokens);
    let mut block = Block { unfused: p.unfused(), ..Block::default() };
    while !p.at_end() {
        let start = p.position();
        if let Err(Broken) = p.item(&mut block) {
            p.skip_item_rest(start);
        }
    }
    (block, p.diagnostics)
}

/// Whether the tokens are the expression form, `x: f32[B] => exp(x)`.
pub fn is_inline(tokens: TokenStream) -> bool {
    let mut p = Parser::new(tokens);
    let item = p.is_op(0, "#") || p.peek_ident(0).is_some_and(|word| word == "pub" || is_keyword(word));
    if item {
        return false;
    }
    if p.peek_ident(0).is_some() && p.is_op(1, ":") && !p.is_op(1, "::") {
        return true;
    }
    while !p.at_end() {
        if p.is_op(0, "=>") {
            return true;
        }
        p.bump();
    }
    false
}

/// Parses one expression; `None` where the tokens are not just that.
pub fn parse_expr(tokens: TokenStream) -> Option<Expr> {
    let mut p = Parser::new(tokens);
    let expr = p.expr().ok()?;
    (p.at_end() && p.diagnostics.is_empty()).then_some(expr)
}

/// Parses the expression form.
pub fn parse_inline(tokens: TokenStream) -> (Option<InlineItem>, Vec<Diagnostic>) {
    let mut p = Parser::new(tokens);
    let item = p.inline().ok().filter(|_| !p.broken);
    (item, p.diagnostics)
}

/// What stands between a function's name and its body.
struct Signature {
    generics: Vec<Generic>,
    params: Vec<Param>,
    results: Option<Results>,
    wrt: Option<Vec<Ident>>,
    constraints: Vec<Constraint>,
}

impl Parser {
    fn inline(&mut self) -> Parse<InlineItem> {
        const FORM: &str = "the form is `tensor!(x: f32[B], y: f32[B] => x + y)`";
        let start = self.here();
        let params = self.inline_params();
        if params.is_err() {
            while !self.at_end() && !self.is_op(0, "=>") {
                self.bump();
            }
            if self.at_end() {
                return Err(Broken);
            }
        }
        if self.eat_op("=>").is_none() {
            let message = format!("expected `,` or `=>`, found {}", self.found());
            return Err(self.fail_with(errors::BROKEN_INLINE, self.here(), &message, FORM));
        }
        if self.at_end() {
            let message = "expected an expression after `=>`";
            return Err(self.fail_with(errors::BROKEN_INLINE, self.prev(), message, FORM));
        }
        let body = self.expr()?;
        if !self.at_end() {
            return Err(self.unexpected_after_expr("the end of the expression"));
        }
        let params = params?;
        let mut symbols = Vec::new();
        for ty in params.iter().filter_map(|param| param.ty.as_ref()) {
            collect_symbols(ty, &mut symbols);
        }
        Ok(InlineItem { params, symbols, body, loc: self.since(start) })
    }

    fn inline_params(&mut self) -> Parse<Vec<Param>> {
        let mut params = Vec::new();
        while !self.at_end() && !self.is_op(0, "=>") {
            let start = self.here();
            if self.is_op(0, "&") {
                let help = "write the name alone, operands are borrowed anyway";
                self.report_with(errors::REFERENCE, start, "operands are not marked as references", help);
                self.bump();
            }
            let name = self.expect_name("the name of a variable in scope")?;
            if !self.is_op(0, ":") {
                let message = format!("the type of `{name}` is missing");
                let help = format!("write it, `{name}: f32[B, C]`, before `=>`");
                return Err(self.fail_with(errors::BROKEN_INLINE, self.since(start), &message, &help));
            }
            self.bump();
            let ty = self.value_type()?;
            params.push(Param { name, ty: Some(ty), default: None, loc: self.since(start) });
            if self.eat_op(",").is_none() {
                break;
            }
        }
        Ok(params)
    }

    /// `#![unfused]`, at the head of a block.
    fn unfused(&mut self) -> bool {
        let says = |group: &Group| group.stream().to_string() == "unfused";
        let found =
            self.is_op(0, "#") && self.is_op(1, "!") && self.peek_group(2, Delimiter::Bracket).is_some_and(says);
        if found {
            (0..3).for_each(|_| drop(self.bump()));
        }
        found
    }

    fn item(&mut self, block: &mut Block) -> Parse<()> {
        let attrs = self.attributes();
        let vis = self.visibility();
        if self.is_word(0, "fn") {
            return self.function(attrs, vis, block);
        }
        if self.is_word(0, "struct") {
            return self.structure(attrs, vis, block);
        }
        Err(self.foreign_item(block))
    }

    /// `#[…]`, any number of them.
    fn attributes(&mut self) -> TokenStream {
        let mut attrs = TokenStream::new();
        while self.is_op(0, "#") && self.peek_group(1, Delimiter::Bracket).is_some() {
            attrs.extend(self.bump());
            attrs.extend(self.bump());
        }
        attrs
    }

    /// `pub`, `pub(crate)` or nothing.
    fn visibility(&mut self) -> TokenStream {
        let mut vis = TokenStream::new();
        if self.is_word(0, "pub") {
            vis.extend(self.bump());
            if self.peek_group(0, Delimiter::Parenthesis).is_some() {
                vis.extend(self.bump());
            }
        }
        vis
    }

    fn function(&mut self, attrs: TokenStream, vis: TokenStream, block: &mut Block) -> Parse<()> {
        let (start, begin) = (self.here(), self.position());
        self.bump();
        let name = self.expect_name("the name of the function")?;
        match self.function_after(attrs, vis, name.clone(), start) {
            Ok(item) => block.items.push(Item::Fn(item)),
            Err(Broken) => {
                block.lost.push(name);
                if !self.after_brace() {
                    self.skip_item_rest(begin);
                }
            }
        }
        Ok(())
    }

    /// Reads on after a broken part of the signature, so that the errors of
    /// the body are found as well.
    fn function_after(&mut self, attrs: TokenStream, vis: TokenStream, name: Ident, start: Loc) -> Parse<FnItem> {
        let from = self.position();
        let head = self.signature();
        if head.is_err() {
            self.rewind_to_body(from);
        }
        let loc = self.since(start);
        let Some(group) = self.eat_group(Delimiter::Brace) else {
            if head.is_ok() {
                self.unexpected("`{`, the body of the function");
            }
            return Err(Broken);
        };
        self.broken = false;
        let body = self.body(&group);
        let broken = self.broken;
        let Signature { generics, params, results, wrt, constraints } = head?;
        let body = body.unwrap_or_else(|Broken| Body {
            stmts: Vec::new(),
            value: None,
            loc: Loc::new(group.span_open(), group.span_close()),
        });
        Ok(FnItem { attrs, vis, name, generics, params, results, wrt, constraints, body, loc, broken })
    }

    /// Goes to the next brace group that is a body: the first one before
    /// another item begins.
    fn rewind_to_body(&mut self, from: usize) {
        self.rewind(from);
        while !self.at_end() && !self.at_item() && self.peek_group(0, Delimiter::Brace).is_none() {
            self.bump();
        }
    }

    fn signature(&mut self) -> Parse<Signature> {
        let generics = self.generics()?;
        let group = self.expect_group(Delimiter::Parenthesis)?;
        let params = self.inside(&group, |p| p.commas_mending(Parser::param));
        let results = if self.eat_op("->").is_some() { Some(self.results()?) } else { None };
        let wrt = self.wrt()?;
        let constraints = self.constraints()?;
        Ok(Signature { generics, params: params?, results, wrt, constraints })
    }

    /// `wrt w`, `wrt (w, b)`, or nothing.
    fn wrt(&mut self) -> Parse<Option<Vec<Ident>>> {
        if self.eat_word("wrt").is_none() {
            return Ok(None);
        }
        let name = |p: &mut Parser| p.expect_name("the name of a parameter");
        Ok(Some(match self.eat_group(Delimiter::Parenthesis) {
            Some(group) => self.inside(&group, |p| p.commas(name))?.0,
            None => vec![name(self)?],
        }))
    }

    /// `<B, const N, T: Float>` or nothing.
    fn generics(&mut self) -> Parse<Vec<Generic>> {
        let mut generics = Vec::new();
        if self.eat_op("<").is_none() {
            return Ok(generics);
        }
        while !self.is_op(0, ">") {
            generics.push(self.generic()?);
            if self.eat_op(",").is_none() && !self.is_op(0, ">") {
                return Err(self.unexpected("`,` or `>`"));
            }
        }
        self.bump();
        Ok(generics)
    }

    fn generic(&mut self) -> Parse<Generic> {
        if self.eat_word("const").is_some() {
            let name = self.expect_name("the name of the constant")?;
            if self.is_op(0, ":") {
                let start = self.here();
                self.bump();
                self.expect_name("a type")?;
                let help = format!("write `const {name}`");
                self.report_with(errors::BAD_BOUND, self.since(start), "a constant has no type", &help);
            }
            return Ok(Generic { name, kind: GenericKind::Const, bound: None });
        }
        let name = self.expect_name("the name of a dimension")?;
        if self.eat_op(":").is_none() {
            return Ok(Generic { name, kind: GenericKind::Dim, bound: None });
        }
        let bound = self.expect_name("a bound")?;
        if !["Float", "Int", "Number", "Any"].iter().any(|known| bound == known) {
            let message = format!("unknown bound `{bound}`");
            let help = "the bounds are `Float`, `Int`, `Number` and `Any`; a dimension has none";
            return Err(self.fail_with(errors::BAD_BOUND, self.prev(), &message, help));
        }
        Ok(Generic { name, kind: GenericKind::DType, bound: Some(bound) })
    }

    fn param(&mut self) -> Parse<Param> {
        self.skip_mut();
        let start = self.here();
        if self.peek_ident(0).is_none_or(is_keyword) {
            let message = format!("expected the name of a parameter, found {}", self.found());
            let help = "a parameter is a name with a type: `x: f32[B]`";
            return Err(self.fail_with(errors::PARAMETER_PATTERN, start, &message, help));
        }
        let name = self.expect_name("the name of a parameter")?;
        let ty = if self.eat_op(":").is_some() { Some(self.value_type()?) } else { None };
        self.height = 0;
        let default = if self.eat_op("=").is_some() { Some(self.expr()?) } else { None };
        if let (Some(_), Some(value)) = (&ty, &default) {
            let help = "leave out the default, or the type";
            let message = format!("the parameter `{name}` has a type and a default");
            self.report_with(errors::PARAMETER_DEFAULT, value.loc, &message, help);
        }
        Ok(Param { name, ty, default, loc: self.since(start) })
    }

    /// `where B == C, C % 2 == 0`, up to the body.
    fn constraints(&mut self) -> Parse<Vec<Constraint>> {
        let mut constraints = Vec::new();
        if self.eat_word("where").is_none() {
            return Ok(constraints);
        }
        while !self.at_end() && self.peek_group(0, Delimiter::Brace).is_none() {
            constraints.push(self.constraint()?);
            if self.eat_op(",").is_none() {
                break;
            }
        }
        Ok(constraints)
    }

    fn constraint(&mut self) -> Parse<Constraint> {
        let start = self.here();
        let whole = self.expr()?;
        match whole.kind {
            ExprKind::Binary { op, left, right, op_loc: _ } if op.is_comparison() => {
                Ok(Constraint { left: *left, op, right: *right, loc: whole.loc })
            }
            _ => {
                let help = "a constraint is a comparison of dimensions: `where B == C, C % 2 == 0`";
                Err(self.fail_with(errors::BAD_CONSTRAINT, self.since(start), "this is not a comparison", help))
            }
        }
    }

    fn structure(&mut self, attrs: TokenStream, vis: TokenStream, block: &mut Block) -> Parse<()> {
        let (start, begin) = (self.here(), self.position());
        self.bump();
        let name = self.expect_name("the name of the struct")?;
        match self.structure_after(attrs, vis, name.clone(), start) {
            Ok(item) => block.items.push(Item::Struct(item)),
            Err(Broken) => {
                block.lost.push(name);
                if !self.after_brace() {
                    self.skip_item_rest(begin);
                }
            }
        }
        Ok(())
    }

    fn structure_after(&mut self, attrs: TokenStream, vis: TokenStream, name: Ident, start: Loc) -> Parse<StructItem> {
        let generics = self.generics()?;
        if let Some(odd) = generics.iter().find(|g| g.kind != GenericKind::Dim) {
            let message = format!("a struct has dimensions only, and `{}` is none", odd.name);
            let help = "give the dtype in the fields: `weight: f32[C]`";
            self.report_with(errors::BAD_BOUND, Loc::at(odd.name.span()), &message, help);
        }
        let loc = self.since(start);
        if self.is_op(0, ";") || self.peek_group(0, Delimiter::Parenthesis).is_some() {
            let help = format!("name the fields: `struct {name}<C> {{ weight: f32[C] }}`");
            return Err(self.fail_with(errors::FIELD_KIND, self.here(), "the fields of a struct have names", &help));
        }
        let group = self.expect_group(Delimiter::Brace)?;
        let fields = self.inside(&group, |p| p.commas_mending(Parser::field))?;
        Ok(StructItem { attrs, vis, name, generics, fields, loc })
    }

    fn field(&mut self) -> Parse<Field> {
        let attrs = self.attributes();
        let vis = self.visibility();
        let name = self.expect_name("the name of a field")?;
        self.expect_op(":")?;
        let ty = self.any_type()?;
        Ok(Field { attrs, vis, name, ty })
    }

    /// Items of Rust that a block does not hold.
    fn foreign_item(&mut self, block: &mut Block) -> Broken {
        const WORDS: [&str; 14] = [
            "use",
            "mod",
            "impl",
            "enum",
            "trait",
            "const",
            "static",
            "type",
            "union",
            "extern",
            "macro_rules",
            "async",
            "unsafe",
            "let",
        ];
        let Some(word) = self.peek_ident(0).filter(|ident| WORDS.iter().any(|word| ident == word)).cloned() else {
            let help = "a block holds `fn` and `struct`; the expression form is `tensor!(x: f32[B] => exp(x))`";
            let message = format!("expected `fn` or `struct`, found {}", self.found());
            return self.fail_with(errors::UNEXPECTED_TOKEN, self.here(), &message, help);
        };
        let loc = self.here();
        let start = self.position();
        self.bump();
        if word == "use" {
            while !self.at_end() && !self.is_op(0, ";") {
                block.lost.extend(self.peek_ident(0).cloned());
                self.bump();
            }
        } else {
            block.lost.extend(self.peek_ident(0).cloned());
        }
        self.rewind(start);
        let message = format!("a `tensor!` block holds no `{word}`");
        let help = if word == "async" || word == "unsafe" || word == "extern" {
            "write `fn` alone"
        } else {
            "put it outside of `tensor!`"
        };
        self.fail_with(errors::RUST_ITEM, loc, &message, help)
    }

    /// Whether an item begins here.
    fn at_item(&self) -> bool {
        let word = |ahead| ["fn", "struct", "pub"].iter().any(|word| self.is_word(ahead, word));
        word(0) || (self.is_op(0, "#") && self.peek_group(1, Delimiter::Bracket).is_some())
    }

    /// Whether the closing brace of an item was just passed.
    fn after_brace(&self) -> bool {
        let before = self.position().checked_sub(1).and_then(|before| self.token_at(before));
        matches!(before, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
    }

    /// Skips a broken item: to its closing brace or `;`, or to the next item.
    fn skip_item_rest(&mut self, start: usize) {
        while !self.at_end() {
            if self.at_item() && self.position() > start {
                return;
            }
            let last = self.peek_group(0, Delimiter::Brace).is_some() || self.is_op(0, ";");
            self.bump();
            if last {
                return;
            }
        }
    }
}
