//! Reads the text form of a kernel; the inverse of [`super::print`].
//!
//! In: text. Out: the kernel, or the line that cannot be read and why. Always:
//! values keep their numbers. Whether the kernel is sound is not asked here but
//! in [`super::verify`].

use super::print::extent_name;
use super::{Axis, Guard, Inst, InstOp, Kernel, Operand, Store, ValId};
use crate::dtype::DType;
use crate::ops::{Literal, MapOp, Monoid};
use crate::shape::{Dim, Sym};
use crate::text::{self, Lines};

/// Reads one kernel.
pub fn parse(text: &str) -> Result<Kernel, String> {
    let mut lines = Lines::new(text);
    let kernel = read(&mut lines)?;
    lines.end()?;
    Ok(kernel)
}

/// Reads the kernel that stands next: `kernel`, any name, and deeper lines.
pub(crate) fn read(lines: &mut Lines<'_>) -> Result<Kernel, String> {
    let (head, _) = lines.head("kernel")?;
    let mut kernel = Kernel::default();
    while let Some(line) = lines.below(head.indent) {
        line.explain(statement(&mut kernel, line.text))?;
    }
    Ok(kernel)
}

pub(crate) fn value(text: &str) -> Result<ValId, String> {
    text::numbered(text, '%').map(ValId)
}

fn statement(kernel: &mut Kernel, line: &str) -> Result<(), String> {
    let (word, rest) = text::split_word(line);
    match word {
        "sizes" => kernel.sizes = text::list(rest, |s| Ok(Sym::from(s)))?,
        "par" => kernel.par = axes(rest, 0)?,
        "red" => kernel.red = axes(rest, kernel.par.len())?,
        "in" => kernel.inputs.push(operand(rest)?),
        "out" => kernel.outputs.push(operand(rest)?),
        "store" => {
            let (place, value_) = text::split(rest, " = ")?;
            let (output, index) = element(&kernel.outputs, place)?;
            kernel.stores.push(Store { output, index, value: value(value_)? });
        }
        _ => {
            let (id, rest) = text::split(line, " = ")?;
            let next = ValId(kernel.code.len() as u32);
            if value(id)? != next {
                return Err(format!("{next} is wanted"));
            }
            let (body, dtype) = text::split_last(rest, " : ")?;
            let dtype = text::dtype(dtype)?;
            let op = operation(kernel, body, dtype)?;
            kernel.code.push(Inst { op, dtype });
        }
    }
    Ok(())
}

fn axes(list: &str, first: usize) -> Result<Vec<Axis>, String> {
    let axis = |(at, item): (usize, &str)| {
        Ok(match item.split_once(" < ") {
            Some((var, extent)) => Axis { var: Sym::from(var), extent: text::dim(extent)? },
            None => Axis { var: Sym::from(item), extent: Dim::sym(extent_name(first + at)) },
        })
    };
    text::items(list).into_iter().enumerate().map(axis).collect()
}

fn operand(text_: &str) -> Result<Operand, String> {
    let (name, ty) = text::split(text_, " : ")?;
    let open = ty.find('[').ok_or("`[` is wanted")?;
    let (rank, rest) = text::bracketed(&ty[open..])?;
    let order = match rest {
        "" => (0..text::number(rank)?).collect(),
        rest => text::list(text::bracketed(rest.strip_prefix("order ").ok_or("`order` is wanted")?)?.0, text::number)?,
    };
    if order.len() != text::number::<usize>(rank)? {
        return Err(format!("the order {order:?} of {rank} axes"));
    }
    Ok(Operand { name: name.into(), dtype: text::dtype(&ty[..open])?, order })
}

/// `x[p0, r0]`, and nothing after it.
fn element(operands: &[Operand], place: &str) -> Result<(usize, Vec<Dim>), String> {
    match indexed(operands, place)? {
        (number, index, "") => Ok((number, index)),
        (_, _, rest) => Err(format!("`{rest}` is not wanted")),
    }
}

fn indexed<'a>(operands: &[Operand], place: &'a str) -> Result<(usize, Vec<Dim>, &'a str), String> {
    let open = place.find('[').ok_or("`[` is wanted")?;
    let (index, rest) = text::bracketed(&place[open..])?;
    let name = &place[..open];
    let number = operands.iter().position(|o| o.name == name).ok_or_else(|| format!("no operand `{name}`"))?;
    Ok((number, text::list(index, text::dim)?, rest))
}

fn guards(list: &str) -> Result<Vec<Guard>, String> {
    let guard = |item: &str| {
        let rest = item.trim().strip_prefix("0 <= ").ok_or("`0 <=` is wanted")?;
        let (index, extent) = text::split(rest, " < ")?;
        Ok(Guard { index: text::dim(index)?, extent: text::dim(extent)? })
    };
    list.split(" and ").map(guard).collect()
}

fn operation(kernel: &Kernel, body: &str, dtype: DType) -> Result<InstOp, String> {
    let (name, rest) = text::split_word(body);
    Ok(match name {
        "load" => {
            let (input, index, rest) = indexed(&kernel.inputs, rest)?;
            let (inside, fill) = match rest.split_once("else ") {
                Some((inside, fill)) => (inside.trim(), text::literal(fill, dtype)?),
                None => (rest, Literal::Int(0).cast(dtype)),
            };
            let guards = match inside {
                "" => Vec::new(),
                inside => guards(inside.strip_prefix("if ").ok_or("`if` is wanted")?)?,
            };
            InstOp::Load { input, index, guards, fill }
        }
        "const" => InstOp::Const(text::literal(rest, dtype)?),
        "index" => InstOp::Index(text::dim(rest)?),
        "inside" => InstOp::Inside(guards(rest)?),
        "cast" => InstOp::Cast(value(rest)?),
        "pick" => {
            let (arg, extent) = text::split(rest, " < ")?;
            InstOp::Pick(value(arg)?, text::dim(extent)?)
        }
        name => match (MapOp::from_name(name), Monoid::from_name(name)) {
            (Some(op), _) => InstOp::Map(op, text::list(rest, value)?),
            (None, Some(monoid)) => InstOp::Reduce(monoid, value(rest)?),
            (None, None) => return Err(format!("no operation `{name}`")),
        },
    })
}
