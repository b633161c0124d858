//! Indices: `x[1:, ::-2, None, ..., 0]`.
//!
//! In: the group after an operand. Out: an index expression. Always: a colon
//! is read by itself, so that `a::b` is a slice here and a path nowhere.
//! Next: `stmts`.

use super::ast::{Expr, ExprKind, IndexItem};
use super::cursor::{Parse, Parser};
use crate::diagnostic::Loc;
use crate::errors;
use proc_macro2::Group;

impl Parser {
    /// `base[…]`
    pub fn index(&mut self, base: Expr, group: &Group) -> Parse<Expr> {
        let height = self.height;
        let (items, _) = self.inside(group, |p| p.commas(Parser::index_item))?;
        let loc = self.since(base.loc);
        if items.is_empty() {
            let help = "leave out the brackets, or write `[...]`";
            self.report_with(errors::EMPTY_INDEX, loc, "an index without content", help);
            self.height = height;
            return Ok(base);
        }
        self.grow(height.max(self.height), loc)?;
        Ok(Expr { kind: ExprKind::Index { receiver: Box::new(base), items }, loc })
    }

    fn index_item(&mut self) -> Parse<IndexItem> {
        let start = self.here();
        if let Some(loc) = self.eat_op("...") {
            return Ok(IndexItem::Ellipsis(loc));
        }
        if self.is_word(0, "None") && (self.peek(1).is_none() || self.is_op(1, ",")) {
            self.bump();
            return Ok(IndexItem::NewAxis(start));
        }
        if self.is_op(0, ":") || self.is_op(0, "..") {
            self.height = 0;
            return self.slice(None, start);
        }
        let first = self.expr()?;
        if self.is_op(0, ":") || self.is_op(0, "..") {
            return self.slice(Some(first), start);
        }
        Ok(IndexItem::At(first))
    }

    /// What follows the first part of a slice.
    fn slice(&mut self, first: Option<Expr>, start: Loc) -> Parse<IndexItem> {
        let mut height = self.height;
        if self.is_op(0, "..") {
            return self.range(first, height);
        }
        self.bump();
        let stop = self.slice_part(&mut height)?;
        let step = if self.eat_op(":").is_some() { self.slice_part(&mut height)? } else { None };
        self.height = height;
        Ok(IndexItem::Slice { start: first, stop, step, loc: self.since(start) })
    }

    /// A part of a slice, which may be missing.
    fn slice_part(&mut self, height: &mut usize) -> Parse<Option<Expr>> {
        if self.at_end() || self.is_op(0, ",") || self.is_op(0, ":") {
            return Ok(None);
        }
        let part = self.expr()?;
        *height = self.height.max(*height);
        Ok(Some(part))
    }

    /// `1..5`, read as `1:5`.
    fn range(&mut self, start: Option<Expr>, mut height: usize) -> Parse<IndexItem> {
        let at = self.here();
        if self.is_op(0, "..=") {
            let help = "write `1:6` for the indices from 1 to 5";
            return Err(self.fail_with(errors::RANGE, at, "slices are written with `:`", help));
        }
        let at = self.bump_op("..");
        let stop = self.slice_part(&mut height)?;
        let help = match (&start, &stop) {
            (None, None) => "write `:` for the whole axis, `...` for all other axes",
            (Some(_), None) => "write `1:`",
            (None, Some(_)) => "write `:5`",
            (Some(_), Some(_)) => "write `1:5`",
        };
        self.report_with(errors::RANGE, at, "slices are written with `:`", help);
        let first = start.as_ref().map_or(at, |e| e.loc);
        self.height = height;
        Ok(IndexItem::Slice { start, stop, step: None, loc: self.since(first) })
    }
}
