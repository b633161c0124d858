//! Values that are added as they are computed.
//!
//! In: a push, in the row form, of what a loop computes for nothing else. Out: a call of the accumulator with a function of the
//! position. Always: the same sum as of a row of these values, which are in no memory then. Next: [`super::run`].
//!
//! ```text
//! a7.each(m, t.len, &ahead, |i| {
//!     let v5 = v0[i] - v4;
//!     v5 * v5
//! });
//! ```

use super::kernel::{Emit, mentions};
use super::nest::{Op, Ref};
use crate::loops::Form;
use crate::ops::Answer;

impl Emit<'_> {
    /// Whether an accumulator takes values so: one that needs no places, where the kernel is compiled for each instruction set.
    pub(super) fn takes_each(&self, acc: Ref) -> bool {
        let plain = match self.nest.value(acc).op {
            Op::Reduced(monoid, _) => match monoid.row().answer {
                Answer::Same => true,
                Answer::Index => false,
            },
            Op::Load { .. } | Op::Const(_) | Op::Index(_) | Op::Inside(_) | Op::Map(..) | Op::Cast(_) => false,
            Op::Pick(..) | Op::Combine(..) | Op::Weights(_) | Op::Window(..) => false,
        };
        plain && self.loops.form == Form::Row && !self.once
    }

    /// Adds the last of these lines, at each place of the span.
    pub(super) fn add_each(&mut self, acc: Ref, lines: &[String], ahead: bool, coordinate: Option<(&str, &str)>) {
        let read = coordinate.is_some() || lines.iter().any(|line| mentions(line, "i"));
        let (ahead, i) = (if ahead { "ahead" } else { "[]" }, if read { "i" } else { "_" });
        let call = format!("a{}.each(m, t.len, &{ahead}, |{i}|", self.nest.value(acc).id.0);
        if let ([value], None) = (lines, coordinate) {
            return self.out.line(format!("{call} {value});"));
        }
        self.out.open(call);
        if let Some((lane, start)) = coordinate {
            self.out.line(format!("let {lane} = {start} + i as isize;"));
        }
        for line in lines {
            self.out.line(line);
        }
        self.out.close_with("});");
    }
}
