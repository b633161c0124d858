//! The syntax tree as text in the language.
//!
//! In: a tree. Out: text. Always: the text parses back to a tree that prints
//! the same; parentheses stand only where the precedence needs them. Next:
//! [`super::parse`], which is its inverse.

use super::ast::{
    Arg, Block, Body, DTypeExpr, Expr, ExprKind, Field, FnItem, Generic, GenericKind, IndexItem, InlineItem, Item,
    Pattern, Stmt, StructItem, TypeExpr, TypeKind,
};
use super::operators::Level;
use proc_macro2::{TokenStream, TokenTree};
use std::fmt::{self, Display, Formatter};

const INDENT: &str = "    ";

/// Writes the items of a sequence with something between them.
fn join<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    between: &str,
    mut write: impl FnMut(&mut Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        write(f, item)?;
    }
    Ok(())
}

fn list<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    join(f, items, ", ", |f, item| write!(f, "{item}"))
}

impl Display for Block {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.unfused {
            f.write_str("#![unfused]\n\n")?;
        }
        join(f, &self.items, "\n", |f, item| match item {
            Item::Fn(item) => writeln!(f, "{item}"),
            Item::Struct(item) => writeln!(f, "{item}"),
        })
    }
}

impl Display for InlineItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        join(f, &self.params, ", ", |f, param| match &param.ty {
            Some(ty) => write!(f, "{}: {ty}", param.name),
            None => write!(f, "{}", param.name),
        })?;
        f.write_str(if self.params.is_empty() { "=> " } else { " => " })?;
        expr(f, &self.body, Level::ShortOr, 0)
    }
}

impl Display for FnItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        attributes(f, &self.attrs, "")?;
        visibility(f, &self.vis)?;
        write!(f, "fn {}", self.name)?;
        generics(f, &self.generics)?;
        f.write_str("(")?;
        join(f, &self.params, ", ", |f, param| {
            write!(f, "{}", param.name)?;
            if let Some(ty) = &param.ty {
                write!(f, ": {ty}")?;
            }
            match &param.default {
                Some(value) => write!(f, " = {value}"),
                None => Ok(()),
            }
        })?;
        f.write_str(")")?;
        if let Some(results) = &self.results {
            f.write_str(" -> ")?;
            if results.tuple {
                tuple(f, &results.types)?;
            } else {
                list(f, &results.types)?;
            }
        }
        if let Some(wrt) = &self.wrt {
            f.write_str(" wrt (")?;
            list(f, wrt)?;
            f.write_str(")")?;
        }
        if !self.constraints.is_empty() {
            f.write_str(" where ")?;
            join(f, &self.constraints, ", ", |f, constraint| {
                expr(f, &constraint.left, Level::Or, 0)?;
                write!(f, " {} ", constraint.op.symbol())?;
                expr(f, &constraint.right, Level::Or, 0)
            })?;
        }
        f.write_str(" ")?;
        lines(f, &self.body, 0)
    }
}

impl Display for StructItem {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        attributes(f, &self.attrs, "")?;
        visibility(f, &self.vis)?;
        write!(f, "struct {}", self.name)?;
        generics(f, &self.generics)?;
        f.write_str(" {\n")?;
        for Field { attrs, vis, name, ty } in &self.fields {
            attributes(f, attrs, INDENT)?;
            f.write_str(INDENT)?;
            visibility(f, vis)?;
            writeln!(f, "{name}: {ty},")?;
        }
        f.write_str("}")
    }
}

fn generics(f: &mut Formatter<'_>, generics: &[Generic]) -> fmt::Result {
    if generics.is_empty() {
        return Ok(());
    }
    f.write_str("<")?;
    join(f, generics, ", ", |f, Generic { name, kind, bound }| match (kind, bound) {
        (GenericKind::Const, _) => write!(f, "const {name}"),
        (GenericKind::DType, Some(bound)) => write!(f, "{name}: {bound}"),
        (GenericKind::DType, None) | (GenericKind::Dim, _) => write!(f, "{name}"),
    })?;
    f.write_str(">")
}

/// Attributes, each on its line; a doc comment as `///`.
fn attributes(f: &mut Formatter<'_>, attrs: &TokenStream, indent: &str) -> fmt::Result {
    let tokens: Vec<TokenTree> = attrs.clone().into_iter().collect();
    for pair in tokens.chunks(2) {
        let [_, TokenTree::Group(group)] = pair else { continue };
        match doc(group.stream()) {
            Some(text) => writeln!(f, "{indent}///{text}")?,
            None => writeln!(f, "{indent}#{group}")?,
        }
    }
    Ok(())
}

/// The text of `doc = "…"` that a line comment can hold.
fn doc(attr: TokenStream) -> Option<String> {
    let tokens: Vec<TokenTree> = attr.into_iter().collect();
    let [TokenTree::Ident(name), TokenTree::Punct(_), TokenTree::Literal(literal)] = tokens.as_slice() else {
        return None;
    };
    let syn::Lit::Str(text) = syn::Lit::new(literal.clone()) else { return None };
    let text = text.value();
    (name == "doc" && !text.starts_with('/') && !text.contains(['\n', '\r'])).then_some(text)
}

fn visibility(f: &mut Formatter<'_>, vis: &TokenStream) -> fmt::Result {
    if vis.is_empty() { Ok(()) } else { write!(f, "{vis} ") }
}

fn tuple<T: Display>(f: &mut Formatter<'_>, items: &[T]) -> fmt::Result {
    f.write_str("(")?;
    list(f, items)?;
    f.write_str(if items.len() == 1 { ",)" } else { ")" })
}

impl Display for TypeExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            TypeKind::Scalar(dtype) => write!(f, "{dtype}"),
            TypeKind::Array { dtype, dims } => {
                write!(f, "{dtype}[")?;
                list(f, dims)?;
                f.write_str("]")
            }
            TypeKind::Struct { name, args } if args.is_empty() => write!(f, "{name}"),
            TypeKind::Struct { name, args } => {
                write!(f, "{name}")?;
                angles(f, args)
            }
            TypeKind::Repeat { element, count } => write!(f, "[{element}; {count}]"),
            TypeKind::Tuple(types) => tuple(f, types),
        }
    }
}

fn angles(f: &mut Formatter<'_>, args: &[Expr]) -> fmt::Result {
    f.write_str("<")?;
    join(f, args, ", ", |f, arg| expr(f, arg, Level::Sum, 0))?;
    f.write_str(">")
}

impl Display for DTypeExpr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            DTypeExpr::Known(dtype) => write!(f, "{dtype}"),
            DTypeExpr::Var(name) => write!(f, "{name}"),
        }
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Name(name) => write!(f, "{name}"),
            Pattern::Tuple(parts, _) => tuple(f, parts),
        }
    }
}

/// A body over several lines.
fn lines(f: &mut Formatter<'_>, body: &Body, depth: usize) -> fmt::Result {
    let Body { stmts, value, loc: _ } = body;
    let indent = INDENT.repeat(depth + 1);
    f.write_str("{\n")?;
    for stmt in stmts {
        f.write_str(&indent)?;
        statement(f, stmt, depth + 1)?;
        f.write_str("\n")?;
    }
    if let Some(value) = value {
        f.write_str(&indent)?;
        expr(f, value, Level::ShortOr, depth + 1)?;
        f.write_str("\n")?;
    }
    write!(f, "{}}}", INDENT.repeat(depth))
}

/// A body on one line where it is but a value.
fn inner_body(f: &mut Formatter<'_>, body: &Body, depth: usize) -> fmt::Result {
    match body {
        Body { stmts, value: Some(value), loc: _ } if stmts.is_empty() => {
            f.write_str("{ ")?;
            expr(f, value, Level::ShortOr, depth)?;
            f.write_str(" }")
        }
        Body { stmts: _, value: Some(_) | None, loc: _ } => lines(f, body, depth),
    }
}

fn statement(f: &mut Formatter<'_>, stmt: &Stmt, depth: usize) -> fmt::Result {
    match stmt {
        Stmt::Let { pattern, ty, value, loc: _ } => {
            write!(f, "let {pattern}")?;
            if let Some(ty) = ty {
                write!(f, ": {ty}")?;
            }
            f.write_str(" = ")?;
            expr(f, value, Level::ShortOr, depth)?;
        }
        Stmt::Assign { name, value, loc: _ } => {
            write!(f, "{name} = ")?;
            expr(f, value, Level::ShortOr, depth)?;
        }
        Stmt::For { name, start, end, body, loc: _ } => {
            write!(f, "for {name} in {start}..{end} ")?;
            return lines(f, body, depth);
        }
        Stmt::Expr(value) => expr(f, value, Level::ShortOr, depth)?,
    }
    f.write_str(";")
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        expr(f, self, Level::ShortOr, 0)
    }
}

/// How tightly an expression holds together by itself.
fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::Int(value) if *value < 0 => Level::Unary,
        ExprKind::Unary(..) => Level::Unary,
        ExprKind::Binary { op, .. } => op.level(),
        // As an operand it would end the statement that it begins.
        ExprKind::If { .. } | ExprKind::Block(_) => Level::ShortOr,
        ExprKind::Int(_)
        | ExprKind::Float(_)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::None
        | ExprKind::Name(_)
        | ExprKind::Call { .. }
        | ExprKind::Apply { .. }
        | ExprKind::Method { .. }
        | ExprKind::Field { .. }
        | ExprKind::TupleField { .. }
        | ExprKind::Index { .. }
        | ExprKind::Tuple(_) => Level::Postfix,
    }
}

/// Writes an expression, in parentheses where it binds looser than `least`.
fn expr(f: &mut Formatter<'_>, e: &Expr, least: Level, depth: usize) -> fmt::Result {
    if level(&e.kind) < least {
        f.write_str("(")?;
        bare(f, &e.kind, depth)?;
        return f.write_str(")");
    }
    bare(f, &e.kind, depth)
}

fn bare(f: &mut Formatter<'_>, kind: &ExprKind, depth: usize) -> fmt::Result {
    match kind {
        ExprKind::Int(value) => write!(f, "{value}"),
        ExprKind::Float(value) => write!(f, "{value:?}"),
        ExprKind::Bool(value) => write!(f, "{value}"),
        ExprKind::Str(value) => write!(f, "{}", proc_macro2::Literal::string(value)),
        ExprKind::None => f.write_str("None"),
        ExprKind::Name(name) => write!(f, "{name}"),
        ExprKind::Unary(op, operand) => {
            f.write_str(op.symbol())?;
            expr(f, operand, Level::Unary, depth)
        }
        ExprKind::Binary { op, left, right, op_loc: _ } => {
            let level = op.level();
            let (at_left, at_right) = match level {
                Level::Power => (Level::Postfix, Level::Unary),
                Level::Comparison => (Level::Or, Level::Or),
                _ => (level, level.tighter()),
            };
            expr(f, left, at_left, depth)?;
            write!(f, " {} ", op.symbol())?;
            expr(f, right, at_right, depth)
        }
        ExprKind::Call { name, generics, args } => {
            write!(f, "{name}")?;
            if !generics.is_empty() {
                f.write_str("::")?;
                angles(f, generics)?;
            }
            arguments(f, args, depth)
        }
        ExprKind::Apply { function, args } => {
            bare(f, &function.kind, depth)?;
            arguments(f, args, depth)
        }
        ExprKind::Method { receiver, name, args } => {
            operand(f, receiver, depth)?;
            write!(f, ".{name}")?;
            arguments(f, args, depth)
        }
        ExprKind::Field { receiver, name } => {
            operand(f, receiver, depth)?;
            write!(f, ".{name}")
        }
        ExprKind::TupleField { receiver, index } => {
            operand(f, receiver, depth)?;
            write!(f, ".{index}")
        }
        ExprKind::Index { receiver, items } => {
            operand(f, receiver, depth)?;
            f.write_str("[")?;
            join(f, items, ", ", |f, item| index_item(f, item, depth))?;
            f.write_str("]")
        }
        ExprKind::Tuple(items) => {
            f.write_str("(")?;
            join(f, items, ", ", |f, item| expr(f, item, Level::ShortOr, depth))?;
            f.write_str(if items.len() == 1 { ",)" } else { ")" })
        }
        ExprKind::If { condition, then, otherwise } => {
            f.write_str("if ")?;
            expr(f, condition, Level::ShortOr, depth)?;
            f.write_str(" ")?;
            inner_body(f, then, depth)?;
            f.write_str(" else ")?;
            match otherwise.as_ref() {
                Body { stmts, value: Some(Expr { kind: kind @ ExprKind::If { .. }, loc: _ }), loc: _ }
                    if stmts.is_empty() =>
                {
                    bare(f, kind, depth)
                }
                body => inner_body(f, body, depth),
            }
        }
        ExprKind::Block(body) => inner_body(f, body, depth),
    }
}

/// What stands before a dot or an index. A number would run into the dot.
fn operand(f: &mut Formatter<'_>, e: &Expr, depth: usize) -> fmt::Result {
    match e.kind {
        ExprKind::Int(_) | ExprKind::Float(_) => write!(f, "({e})"),
        _ => expr(f, e, Level::Postfix, depth),
    }
}

fn arguments(f: &mut Formatter<'_>, args: &[Arg], depth: usize) -> fmt::Result {
    f.write_str("(")?;
    join(f, args, ", ", |f, arg| {
        if let Some(keyword) = &arg.keyword {
            write!(f, "{keyword}=")?;
        }
        expr(f, &arg.value, Level::ShortOr, depth)
    })?;
    f.write_str(")")
}

fn index_item(f: &mut Formatter<'_>, item: &IndexItem, depth: usize) -> fmt::Result {
    match item {
        IndexItem::At(at) => expr(f, at, Level::ShortOr, depth),
        IndexItem::Slice { start, stop, step, loc: _ } => {
            for (i, part) in [start, stop, step].into_iter().enumerate() {
                if i == 1 || (i == 2 && part.is_some()) {
                    f.write_str(":")?;
                }
                if let Some(part) = part {
                    expr(f, part, Level::ShortOr, depth)?;
                }
            }
            Ok(())
        }
        IndexItem::NewAxis(_) => f.write_str("None"),
        IndexItem::Ellipsis(_) => f.write_str("..."),
    }
}
