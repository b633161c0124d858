//! Operators: one row each, read by the parser and the printer.
//!
//! In: an operator. Out: its text and how tightly it binds. Always: Python's
//! precedence with NumPy's meaning; `**` binds tighter than a unary operator
//! on its left and looser than one on its right. Next: `exprs`.

use super::ast::{BinaryOp, UnaryOp};

/// How tightly an operator binds; a greater one binds tighter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Rust's `||` and `&&`, which the parser reads in order to mend them.
    ShortOr,
    ShortAnd,
    Comparison,
    Or,
    Xor,
    And,
    Shift,
    Sum,
    Product,
    Unary,
    Power,
    /// Calls, fields, indices, names, literals, parentheses.
    Postfix,
}

impl Level {
    /// The next tighter level.
    pub fn tighter(self) -> Level {
        match self {
            Level::ShortOr => Level::ShortAnd,
            Level::ShortAnd => Level::Comparison,
            Level::Comparison => Level::Or,
            Level::Or => Level::Xor,
            Level::Xor => Level::And,
            Level::And => Level::Shift,
            Level::Shift => Level::Sum,
            Level::Sum => Level::Product,
            Level::Product => Level::Unary,
            Level::Unary => Level::Power,
            Level::Power | Level::Postfix => Level::Postfix,
        }
    }
}

/// The table; of two operators that begin alike the longer stands first.
pub(super) static BINARY: [(BinaryOp, &str, Level); 18] = [
    (BinaryOp::Pow, "**", Level::Power),
    (BinaryOp::Shl, "<<", Level::Shift),
    (BinaryOp::Shr, ">>", Level::Shift),
    (BinaryOp::Eq, "==", Level::Comparison),
    (BinaryOp::Ne, "!=", Level::Comparison),
    (BinaryOp::Le, "<=", Level::Comparison),
    (BinaryOp::Ge, ">=", Level::Comparison),
    (BinaryOp::Lt, "<", Level::Comparison),
    (BinaryOp::Gt, ">", Level::Comparison),
    (BinaryOp::Add, "+", Level::Sum),
    (BinaryOp::Sub, "-", Level::Sum),
    (BinaryOp::Mul, "*", Level::Product),
    (BinaryOp::Div, "/", Level::Product),
    (BinaryOp::Rem, "%", Level::Product),
    (BinaryOp::MatMul, "@", Level::Product),
    (BinaryOp::And, "&", Level::And),
    (BinaryOp::Or, "|", Level::Or),
    (BinaryOp::Xor, "^", Level::Xor),
];

impl BinaryOp {
    fn row(self) -> &'static (BinaryOp, &'static str, Level) {
        // Each operator has its row, which a test holds.
        BINARY.iter().find(|row| row.0 == self).unwrap_or(&BINARY[0])
    }

    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        self.row().1
    }

    pub fn level(self) -> Level {
        self.row().2
    }

    pub fn is_comparison(self) -> bool {
        self.level() == Level::Comparison
    }
}

impl UnaryOp {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::Not => "~",
            UnaryOp::Plus => "+",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operator_has_its_row_and_longer_ones_stand_first() {
        for (i, &(op, text, level)) in BINARY.iter().enumerate() {
            assert_eq!((op.symbol(), op.level()), (text, level));
            assert!(!BINARY[i + 1..].iter().any(|&(other, after, _)| other == op || after.starts_with(text)), "{text}");
        }
    }
}
