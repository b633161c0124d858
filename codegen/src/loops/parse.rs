//! Reads the text form of loops; the inverse of [`super::print`].
//!
//! In: the text of a kernel and of its nest. Out: the loops, or the line that
//! cannot be read and why. Always: `keep` directly under the head lists what is
//! kept; deeper it is a statement, for a nest begins with a loop. Whether the
//! nest is sound is asked in [`super::verify`].

use super::{Form, Kept, LoopKind, Loops, Stmt};
use crate::kernel::parse::{read as read_kernel, value};
use crate::shape::Sym;
use crate::text::{self, Lines};

/// Reads one kernel with its loops.
pub fn parse(text: &str) -> Result<Loops, String> {
    let mut lines = Lines::new(text);
    let kernel = read_kernel(&mut lines)?;
    let (head, rest) = lines.head("loops")?;
    let (form, rest) = text::split_word(rest);
    let form = head.explain(Form::all().into_iter().find(|f| f.name() == form).ok_or(format!("no form `{form}`")))?;
    let lane = match text::split_word(rest) {
        ("lane", var) if !var.is_empty() => Some(Sym::from(var)),
        ("", "") => None,
        _ => return head.explain(Err("`lane` is wanted".into())),
    };
    let mut kept = Vec::new();
    if let Some(line) = lines.peek()
        && let Some(list) = line.text.strip_prefix("keep ")
    {
        lines.below(head.indent);
        kept = line.explain(text::list(list, keep))?;
    }
    let body = block(&mut lines, head.indent)?;
    lines.end()?;
    Ok(Loops { kernel, form, lane, kept, body })
}

/// A value, and the store until which it lies in the result's row.
fn keep(text: &str) -> Result<Kept, String> {
    match text.split_once(" until ") {
        Some((name, store)) => Ok(Kept { value: value(name)?, until: Some(text::number(store)?) }),
        None => Ok(Kept { value: value(text)?, until: None }),
    }
}

/// The statements that stand deeper than this indentation.
fn block(lines: &mut Lines<'_>, indent: usize) -> Result<Vec<Stmt>, String> {
    let mut out = Vec::new();
    while let Some(line) = lines.below(indent) {
        let (word, rest) = text::split_word(line.text);
        if let Some(kind) = LoopKind::all().into_iter().find(|k| k.name() == word) {
            let body = block(lines, line.indent)?;
            out.push(Stmt::Loop { kind, var: Sym::from(rest), body });
            continue;
        }
        out.push(line.explain(statement(word, rest))?);
    }
    Ok(out)
}

fn statement(word: &str, rest: &str) -> Result<Stmt, String> {
    Ok(match word {
        "eval" => Stmt::Eval(value(rest)?),
        "start" => Stmt::Start(value(rest)?),
        "push" => Stmt::Push(value(rest)?),
        "finish" => Stmt::Finish(value(rest)?),
        "keep" => Stmt::Keep(value(rest)?),
        "recall" => Stmt::Recall(value(rest)?),
        "store" => Stmt::Store(text::number(rest)?),
        _ => return Err(format!("no statement `{word}`")),
    })
}
