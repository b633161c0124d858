//! Dimensions as they are written in types and constraints.
//!
//! In: an expression of the syntax tree and what its names are. Out: a [`Dim`],
//! or why it is none. Always: `/` rounds down. Next: [`super::signature`].

use crate::diagnostic::{Diagnostic, Loc};
use crate::errors;
use crate::shape::{Dim, SizesOnly};
use crate::suggest::suggest;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, UnaryOp};

/// What the names in dimensions stand for.
pub(super) trait Names {
    fn dim(&self, name: &str) -> Option<Dim>;
    fn all(&self) -> Vec<String>;
}

pub(super) fn dim_expr(expr: &Expr, names: &impl Names) -> Result<Dim, Diagnostic> {
    let bad = |what: String| {
        Diagnostic::new(errors::BAD_DIM, expr.loc, what)
            .help("a dimension is made of integers and declared names by `+ - * / %`, `max` and `min`")
    };
    match &expr.kind {
        ExprKind::Int(i) => i64::try_from(*i).map(Dim::from).map_err(|_| {
            Diagnostic::new(errors::SIZE_LIMIT, expr.loc, format!("the size `{i}` does not fit 63 bits"))
                .help("give a smaller size")
        }),
        ExprKind::Name(name) => {
            let text = name.to_string();
            names.dim(&text).ok_or_else(|| {
                let known = names.all();
                let diag = Diagnostic::new(errors::UNKNOWN_DIM, expr.loc, format!("unknown dimension `{text}`"));
                match suggest(&text, known.iter().map(String::as_str)) {
                    Some(near) => diag.help(format!("did you mean `{near}`?")),
                    None => diag.help(format!("declare it in angle brackets, `<{text}>`")),
                }
            })
        }
        ExprKind::Unary(UnaryOp::Neg, operand) => Ok(dim_expr(operand, names)?.neg()),
        ExprKind::Unary(UnaryOp::Plus, operand) => dim_expr(operand, names),
        ExprKind::Binary { op, left, right, .. } => {
            // A left-leaning chain is walked, not recursed into.
            let mut chain = vec![(*op, &**right)];
            let mut base: &Expr = left;
            while let ExprKind::Binary { op, left, right, .. } = &base.kind {
                chain.push((*op, right));
                base = left;
            }
            let mut value = dim_expr(base, names)?;
            for (op, right) in chain.into_iter().rev() {
                let right = dim_expr(right, names)?;
                value = binary(op, &value, &right, expr.loc)?;
            }
            Ok(value)
        }
        ExprKind::Call { name, args, generics } if generics.is_empty() && args.iter().all(|a| a.keyword.is_none()) => {
            let dims: Vec<Dim> = args.iter().map(|a| dim_expr(&a.value, names)).collect::<Result<_, _>>()?;
            match (name.to_string().as_str(), dims.as_slice()) {
                ("max" | "maximum", [a, b]) => Ok(a.max_of(b)),
                ("min" | "minimum", [a, b]) => Ok(a.min_of(b)),
                ("floor_divide", [a, b]) => binary(BinaryOp::Div, a, b, expr.loc),
                (other, _) => Err(bad(format!("`{other}(…)` is not a dimension"))),
            }
        }
        ExprKind::Float(f) => Err(bad(format!("`{f:?}` is not a dimension"))),
        ExprKind::Unary(UnaryOp::Not, _)
        | ExprKind::Bool(_)
        | ExprKind::Str(_)
        | ExprKind::None
        | ExprKind::Call { .. } => Err(bad("this is not a dimension".into())),
        ExprKind::Apply { .. }
        | ExprKind::Method { .. }
        | ExprKind::Field { .. }
        | ExprKind::TupleField { .. }
        | ExprKind::Index { .. }
        | ExprKind::Tuple(_)
        | ExprKind::If { .. }
        | ExprKind::Block(_) => Err(bad("this is not a dimension".into())),
    }
}

fn binary(op: BinaryOp, a: &Dim, b: &Dim, loc: Loc) -> Result<Dim, Diagnostic> {
    let divisor = |dim: Dim| match b.as_const() {
        Some(c) if c <= 0 => Err(Diagnostic::new(errors::BAD_DIM, loc, format!("a size is divided by {c}"))
            .help("divide by an integer of 1 or more")),
        _ => Ok(dim),
    };
    match op {
        BinaryOp::Add => Ok(a.add(b)),
        BinaryOp::Sub => Ok(a.sub(b)),
        BinaryOp::Mul => Ok(a.mul(b)),
        BinaryOp::Div => divisor(a.div(b, &SizesOnly)),
        BinaryOp::Rem => divisor(a.rem(b, &SizesOnly)),
        BinaryOp::Pow
        | BinaryOp::MatMul
        | BinaryOp::And
        | BinaryOp::Or
        | BinaryOp::Xor
        | BinaryOp::Shl
        | BinaryOp::Shr => Err(not_of_dims(op, loc)),
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            Err(not_of_dims(op, loc))
        }
    }
}

fn not_of_dims(op: BinaryOp, loc: Loc) -> Diagnostic {
    let sign = super::elementwise::operator(op).1;
    Diagnostic::new(errors::BAD_DIM, loc, format!("`{sign}` is not defined for dimensions"))
        .help("a dimension is made of integers and declared names by `+ - * / %`, `max` and `min`")
}
