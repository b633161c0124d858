//! The text form of loops: the kernel's, then the nest.
//!
//! In: loops. Out: text that [`super::parse`] reads back to equal loops.
//! Always: one statement a line, a loop's body two spaces deeper.

use super::{Form, Kept, LoopKind, Loops, Stmt};
use crate::text::join;
use std::fmt::{self, Display, Formatter};

impl Form {
    pub fn name(self) -> &'static str {
        match self {
            Form::Row => "row",
            Form::Column => "column",
            Form::Scalar => "scalar",
        }
    }

    pub fn all() -> [Form; 3] {
        [Form::Row, Form::Column, Form::Scalar]
    }
}

impl LoopKind {
    pub fn name(self) -> &'static str {
        match self {
            LoopKind::Parallel => "parallel",
            LoopKind::Serial => "serial",
            LoopKind::Unrolled => "unrolled",
            LoopKind::Lane => "lane",
        }
    }

    pub fn all() -> [LoopKind; 4] {
        [LoopKind::Parallel, LoopKind::Serial, LoopKind::Unrolled, LoopKind::Lane]
    }
}

impl Display for Kept {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(store) => write!(f, "{} until {store}", self.value),
            None => write!(f, "{}", self.value),
        }
    }
}

impl Display for Loops {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}loops {}", self.kernel, self.form.name())?;
        if let Some(lane) = &self.lane {
            write!(f, " lane {lane}")?;
        }
        writeln!(f)?;
        if !self.kept.is_empty() {
            writeln!(f, "  keep {}", join(&self.kept))?;
        }
        block(f, &self.body, 1)
    }
}

fn block(f: &mut Formatter<'_>, body: &[Stmt], depth: usize) -> fmt::Result {
    for stmt in body {
        write!(f, "{:1$}", "", 2 * depth)?;
        match stmt {
            Stmt::Loop { kind, var, body } => {
                writeln!(f, "{} {var}", kind.name())?;
                block(f, body, depth + 1)?;
            }
            Stmt::Eval(v) => writeln!(f, "eval {v}")?,
            Stmt::Start(v) => writeln!(f, "start {v}")?,
            Stmt::Push(v) => writeln!(f, "push {v}")?,
            Stmt::Finish(v) => writeln!(f, "finish {v}")?,
            Stmt::Keep(v) => writeln!(f, "keep {v}")?,
            Stmt::Recall(v) => writeln!(f, "recall {v}")?,
            Stmt::Store(number) => writeln!(f, "store {number}")?,
        }
    }
    Ok(())
}
