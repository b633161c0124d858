//! A program on its way through the compiler, compared with the oracle.
//!
//! In: a [`Source`]. Out: the first thing that is wrong, if anything is: a panic of a stage, a broken invariant, a result
//! that is not the oracle's. Always: what the checker refuses or the oracle rounds is no fault.

use super::source::{Checked, Source};
use ndfuse_codegen::driver::{self, Code};
use ndfuse_codegen::fuse::{apart, fuse};
use ndfuse_codegen::interp::{self, Value};
use ndfuse_codegen::ops::Literal;
use ndfuse_codegen::program::Program;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What is wrong with a program, fused and unfused, in the interpreter of programs.
pub fn fault(source: &Source) -> Option<String> {
    let checked = source.checked().ok()?;
    guarded(|| {
        [fuse, apart].into_iter().find_map(|fuser| {
            let code = driver::code(&checked.graph, fuser);
            driver::verify(&code).err().or_else(|| disagreement(&checked, &code.program))
        })
    })
}

/// What is wrong with a program whose fused form has a planted bug.
pub fn planted(source: &Source, plant: fn(&mut Program) -> bool) -> Option<String> {
    let checked = source.checked().ok()?;
    guarded(|| {
        let mut program = code(&checked).program;
        if !plant(&mut program) {
            return None;
        }
        disagreement(&checked, &program)
    })
}

/// The later stages of a program.
pub fn code(checked: &Checked) -> Code {
    driver::code(&checked.graph, fuse)
}

fn disagreement(checked: &Checked, program: &Program) -> Option<String> {
    match interp::program::run(program, &checked.sizes, &checked.values) {
        Err(why) => Some(why),
        Ok(got) => differ(&got, checked),
    }
}

/// The first result that is another one.
pub fn differ(got: &[Value], checked: &Checked) -> Option<String> {
    let want = &checked.want;
    if got.len() != want.len() {
        return Some(format!("{} results, not {}", got.len(), want.len()));
    }
    let k = (0..got.len()).find(|&k| !equal(&got[k], &want[k], checked.rounded))?;
    Some(format!("result {k} is {:?}, not {:?}", got[k], want[k]))
}

/// The same numbers, or nearly; a sum may lose the sign of a zero.
fn equal(a: &Value, b: &Value, rounded: bool) -> bool {
    let near =
        |x: f64, y: f64| x == y || rounded && ((x - y).abs() <= 1e-4 * (1.0 + y.abs()) || x.is_nan() && y.is_nan());
    let same = |(x, y): (Literal, Literal)| x == y || matches!(x, Literal::Float(_)) && near(x.as_f64(), y.as_f64());
    a.shape == b.shape && (0..a.data.len()).all(|k| same((a.data.get(k), b.data.get(k))))
}

/// A panic is a fault too.
pub fn guarded(run: impl FnOnce() -> Option<String>) -> Option<String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Some(format!("a panic: {}", text.unwrap_or("of no text")))
    })
}
