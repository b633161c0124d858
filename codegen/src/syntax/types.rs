//! Types: `f32[B, 2*C]`, `f32`, `Norm<C>`, `[Block<C>; 4]`, `(A, B)`.
//!
//! In: tokens. Out: [`TypeExpr`]. Always: no name is resolved but the dtypes';
//! a name without brackets that is no dtype is a struct or, where the function
//! declares it with a bound, a dtype variable: the checker knows. Next:
//! `stmts`.

use super::ast::{DTypeExpr, Expr, ExprKind, Results, TypeExpr, TypeKind};
use super::cursor::{Parse, Parser};
use super::operators::Level;
use crate::diagnostic::{Diagnostic, Loc};
use crate::dtype::DType;
use crate::errors;
use proc_macro2::{Delimiter, Group, Ident};

impl Parser {
    /// The type of a parameter or of one result.
    pub fn value_type(&mut self) -> Parse<TypeExpr> {
        let ty = self.any_type()?;
        let what = match &ty.kind {
            TypeKind::Repeat { .. } => "a repetition",
            TypeKind::Tuple(_) => "a tuple",
            TypeKind::Scalar(_) | TypeKind::Array { .. } | TypeKind::Struct { .. } => return Ok(ty),
        };
        let message = format!("{what} is a type of struct fields only");
        Err(self.fail_with(errors::BAD_TYPE, ty.loc, &message, "declare a struct with such a field"))
    }

    /// What stands after `->`.
    pub fn results(&mut self) -> Parse<Results> {
        let start = self.here();
        let Some(group) = self.eat_group(Delimiter::Parenthesis) else {
            return Ok(Results { types: vec![self.value_type()?], tuple: false });
        };
        let (types, trailing) = self.inside(&group, |p| p.commas(Parser::value_type))?;
        if types.is_empty() {
            let help = "declare what it computes: `-> f32[B]`";
            return Err(self.fail_with(errors::BAD_TYPE, self.since(start), "a function has a result", help));
        }
        let tuple = types.len() != 1 || trailing;
        Ok(Results { types, tuple })
    }

    /// Any type, those of struct fields included.
    pub fn any_type(&mut self) -> Parse<TypeExpr> {
        self.deeper(Parser::type_here)
    }

    fn type_here(&mut self) -> Parse<TypeExpr> {
        let start = self.here();
        if self.eat_op("&").is_some() {
            self.eat_word("mut");
            let help = "leave out the `&`: operands are borrowed anyway";
            self.report_with(errors::REFERENCE, start, "there are no references in the language", help);
            return self.any_type();
        }
        if let Some(group) = self.eat_group(Delimiter::Bracket) {
            return self.repeat_type(&group, start);
        }
        if let Some(group) = self.eat_group(Delimiter::Parenthesis) {
            let (mut types, trailing) = self.inside(&group, |p| p.commas(Parser::any_type))?;
            let loc = self.since(start);
            return match types.pop() {
                Some(only) if types.is_empty() && !trailing => Ok(TypeExpr { kind: only.kind, loc }),
                last => {
                    types.extend(last);
                    Ok(TypeExpr { kind: TypeKind::Tuple(types), loc })
                }
            };
        }
        if let Some(group) = self.eat_group(Delimiter::None) {
            return self.inside(&group, Parser::any_type);
        }
        let name = self.expect_name("a type")?;
        if self.is_op(0, "::") {
            let help = format!("import the struct with `use` outside of `tensor!`, beside `{name}`");
            let loc = self.since(start).to(self.here());
            return Err(self.fail_with(errors::BAD_TYPE, loc, "a type is named without its module", &help));
        }
        let kind = self.named_type(name, start)?;
        Ok(TypeExpr { kind, loc: self.since(start) })
    }

    fn named_type(&mut self, name: Ident, start: Loc) -> Parse<TypeKind> {
        if let Some(group) = self.eat_group(Delimiter::Bracket) {
            let (dims, _) = self.inside(&group, |p| p.commas(Parser::expr))?;
            return Ok(TypeKind::Array { dtype: dtype(name), dims });
        }
        if self.eat_op("<").is_some() {
            let args = self.angle_args()?;
            if self.peek_group(0, Delimiter::Bracket).is_some() {
                let help = "an array is written `f32[B, C]`";
                let loc = self.since(start).to(self.here());
                return Err(self.fail_with(errors::BAD_TYPE, loc, "a struct has no axes", help));
            }
            return Ok(TypeKind::Struct { name, args });
        }
        Ok(match DType::from_name(&name.to_string()) {
            Some(known) => TypeKind::Scalar(DTypeExpr::Known(known)),
            None => TypeKind::Struct { name, args: Vec::new() },
        })
    }

    /// `[Block<C>; 4]`
    fn repeat_type(&mut self, group: &Group, start: Loc) -> Parse<TypeExpr> {
        let kind = self.inside(group, |p| {
            let element = Box::new(p.any_type()?);
            if p.eat_op(";").is_none() {
                let message = format!("expected `;` and a count, found {}", p.found());
                let help = "an array is written `f32[B, C]`, a repetition `[Block<C>; 4]`";
                return Err(p.fail(Diagnostic::new(errors::BAD_TYPE, p.here(), message).help(help)));
            }
            Ok(TypeKind::Repeat { element, count: p.expr()? })
        })?;
        Ok(TypeExpr { kind, loc: self.since(start) })
    }

    /// `B, 2*C>` after `<`: sums at most, since `>` ends the list.
    pub fn angle_args(&mut self) -> Parse<Vec<Expr>> {
        let (mut args, mut tallest) = (Vec::new(), 0);
        while !self.is_op(0, ">") {
            args.push(self.expr_above(Level::Sum)?);
            tallest = tallest.max(self.height);
            if self.eat_op(",").is_none() && !self.is_op(0, ">") {
                return Err(self.unexpected("`,` or `>`"));
            }
        }
        self.bump();
        self.height = tallest;
        Ok(args)
    }
}

fn dtype(name: Ident) -> DTypeExpr {
    match DType::from_name(&name.to_string()) {
        Some(known) => DTypeExpr::Known(known),
        None => DTypeExpr::Var(name),
    }
}

/// Adds the bare names in a type's dims, each once, in the order of the text.
pub(super) fn collect_symbols(ty: &TypeExpr, symbols: &mut Vec<Ident>) {
    match &ty.kind {
        TypeKind::Scalar(_) => {}
        TypeKind::Array { dims, .. } => dims.iter().for_each(|dim| names(dim, symbols)),
        TypeKind::Struct { args, .. } => args.iter().for_each(|arg| names(arg, symbols)),
        TypeKind::Repeat { element, count } => {
            collect_symbols(element, symbols);
            names(count, symbols);
        }
        TypeKind::Tuple(types) => types.iter().for_each(|ty| collect_symbols(ty, symbols)),
    }
}

fn names(expr: &Expr, symbols: &mut Vec<Ident>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            if !symbols.contains(name) {
                symbols.push(name.clone());
            }
        }
        ExprKind::Unary(_, operand) => names(operand, symbols),
        ExprKind::Binary { left, right, .. } => {
            names(left, symbols);
            names(right, symbols);
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| names(&arg.value, symbols)),
        ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_) | ExprKind::Str(_) | ExprKind::None => {}
        // Not dimensions in any reading: the checker says so.
        ExprKind::Apply { .. }
        | ExprKind::Method { .. }
        | ExprKind::Field { .. }
        | ExprKind::TupleField { .. }
        | ExprKind::Index { .. }
        | ExprKind::Tuple(_)
        | ExprKind::If { .. }
        | ExprKind::Block(_) => {}
    }
}
