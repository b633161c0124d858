//! Reads the text form of a program; the inverse of [`super::print`].
//!
//! In: text. Out: the program, or the line that cannot be read and why. Always:
//! buffers and kernels keep their numbers. Whether the program is sound is asked
//! in [`super::verify`].

use super::{Action, Again, BufId, Buffer, Dot, DotAxis, Epilogue, Launch, Place, Program, Role, Scatter, Step};
use crate::kernel::parse::read as read_kernel;
use crate::shape::Dim;
use crate::text::{self, Line, Lines};

/// Reads one program.
pub fn parse(text: &str) -> Result<Program, String> {
    let mut lines = Lines::new(text);
    let mut program = head(text, &mut lines)?;
    while let Some(line) = lines.peek() {
        match text::split_word(line.text) {
            ("kernel", name) => {
                let want = format!("k{}", program.kernels.len());
                if name != want {
                    return line.explain(Err(format!("`{want}` is wanted")));
                }
                program.kernels.push(read_kernel(&mut lines)?);
            }
            (word, rest) => {
                lines.below(0);
                line.explain(statement(&mut program, word, rest))?;
                if let Some(step) = program.steps.last_mut() {
                    while let Some(inner) = lines.below(line.indent) {
                        inner.explain(detail(step, inner))?;
                    }
                }
            }
        }
    }
    Ok(program)
}

/// The lines up to the first that a graph's head has not.
fn head(text: &str, lines: &mut Lines<'_>) -> Result<Program, String> {
    let (first, _) = lines.head("fn")?;
    let mut last = first.number;
    while let Some(line) = lines.peek().filter(|l| l.text.starts_with("require ")) {
        last = line.number;
        lines.below(first.indent);
    }
    let head: Vec<&str> = text.lines().take(last).collect();
    let graph = crate::graph::parse::parse(&head.join("\n"))?;
    let mut program = Program { name: graph.name, symbols: graph.symbols, params: graph.params, ..Program::default() };
    program.requires = graph.requires;
    Ok(program)
}

fn statement(program: &mut Program, word: &str, rest: &str) -> Result<(), String> {
    let action = match word {
        "buffer" => {
            let (id, rest) = text::split_word(rest);
            let want = BufId(program.buffers.len() as u32);
            if buffer_id(id)? != want {
                return Err(format!("{want} is wanted"));
            }
            program.buffers.push(buffer(rest)?);
            return Ok(());
        }
        "again" => {
            program.again.push(again(rest)?);
            return Ok(());
        }
        "whole" => {
            program.whole = true;
            return Ok(());
        }
        "return" => {
            program.outputs = text::list(rest, buffer_id)?;
            return Ok(());
        }
        "launch" => Action::Launch(launch(rest)?),
        "dot" => Action::Dot(dot(rest)?),
        "scatter" => Action::Scatter(scatter(rest)?),
        _ => return Err(format!("no statement `{word}`")),
    };
    program.steps.push(Step { action, release: Vec::new() });
    Ok(())
}

/// A line under a step.
fn detail(step: &mut Step, line: Line<'_>) -> Result<(), String> {
    match (text::split_word(line.text), &mut step.action) {
        (("release", rest), _) => step.release = text::list(rest, buffer_id)?,
        (("axis", rest), Action::Dot(dot)) => dot.axes.push(dot_axis(rest)?),
        (("epilogue", rest), Action::Dot(dot)) => dot.epilogue = Some(epilogue(rest)?),
        ((word, _), Action::Dot(_) | Action::Launch(_) | Action::Scatter(_)) => {
            return Err(format!("no detail `{word}` of this step"));
        }
    }
    Ok(())
}

fn buffer_id(text: &str) -> Result<BufId, String> {
    text::numbered(text, 'b').map(BufId)
}

fn buffer(rest: &str) -> Result<Buffer, String> {
    let (rest, place) = text::split_last(rest, " = ")?;
    let (name, ty) = text::split(rest, " : ")?;
    let open = ty.find('[').ok_or("`[` is wanted")?;
    let (shape, order) = text::bracketed(&ty[open..])?;
    let shape: Vec<Dim> = text::list(shape, text::dim)?;
    let order = match order.strip_prefix("order ") {
        Some(order) => text::list(text::bracketed(order)?.0, text::number)?,
        None => (0..shape.len()).collect(),
    };
    let place = match text::split_word(place) {
        ("param", n) => Place::Param(text::number(n)?),
        ("output", n) => Place::Output(text::number(n)?),
        ("temp", "") => Place::Temp,
        ("view", base) => Place::View(buffer_id(base)?),
        (word, _) => return Err(format!("no place `{word}`")),
    };
    Ok(Buffer { name: name.into(), dtype: text::dtype(&ty[..open])?, shape, order, place })
}

/// `k0 [B, C] sizes [C] (b0) -> (b1)`
fn launch(rest: &str) -> Result<Launch, String> {
    let (kernel, rest) = text::split_word(rest);
    let (extents, rest) = text::bracketed(rest)?;
    let (sizes, rest) = match rest.strip_prefix("sizes ") {
        Some(rest) => text::bracketed(rest)?,
        None => ("", rest),
    };
    let (inputs, rest) = text::bracketed(rest)?;
    let (outputs, rest) = text::bracketed(rest.strip_prefix("-> ").ok_or("`->` is wanted")?)?;
    if !rest.is_empty() {
        return Err(format!("`{rest}` is not wanted"));
    }
    Ok(Launch {
        kernel: text::numbered(kernel, 'k')?,
        extents: text::list(extents, text::dim)?,
        sizes: text::list(sizes, text::dim)?,
        inputs: text::list(inputs, buffer_id)?,
        outputs: text::list(outputs, buffer_id)?,
    })
}

/// `2 f32[B, C] in [0, 3]`
fn again(rest: &str) -> Result<Again, String> {
    let (values, rest) = text::split_word(rest);
    let (ty, steps) = text::split_last(rest, " in ")?;
    let open = ty.find('[').ok_or("`[` is wanted")?;
    Ok(Again {
        dtype: text::dtype(&ty[..open])?,
        shape: text::list(text::bracketed(&ty[open..])?.0, text::dim)?,
        values: text::number(values)?,
        steps: text::list(text::bracketed(steps)?.0, text::number)?,
    })
}

/// `(b0, b1) -> b2 axis=0 batch=0`
fn scatter(rest: &str) -> Result<Scatter, String> {
    let (operands, rest) = text::bracketed(rest)?;
    let operands: Vec<BufId> = text::list(operands, buffer_id)?;
    let [updates, indices] = operands[..] else { return Err("two operands are wanted".into()) };
    let (out, rest) = text::split_word(rest.strip_prefix("-> ").ok_or("`->` is wanted")?);
    let (axis, batch) = text::split_word(rest);
    let axis = text::number(axis.strip_prefix("axis=").ok_or("`axis=` is wanted")?)?;
    let batch = text::number(batch.strip_prefix("batch=").ok_or("`batch=` is wanted")?)?;
    Ok(Scatter { updates, indices, out: buffer_id(out)?, axis, batch })
}

/// `f32 b0[0, 0] b1[0, 0] -> b2`
fn dot(rest: &str) -> Result<Dot, String> {
    let (dtype, rest) = text::split_word(rest);
    let (left, left_start, rest) = start(rest)?;
    let (right, right_start, rest) = start(rest)?;
    let out = buffer_id(rest.strip_prefix("-> ").ok_or("`->` is wanted")?)?;
    let (dtype, axes) = (text::dtype(dtype)?, Vec::new());
    Ok(Dot { dtype, left, left_start, right, right_start, axes, out, epilogue: None })
}

fn start(rest: &str) -> Result<(BufId, Vec<Dim>, &str), String> {
    let open = rest.find('[').ok_or("`[` is wanted")?;
    let (inner, after) = text::bracketed(&rest[open..])?;
    Ok((buffer_id(&rest[..open])?, text::list(inner, text::dim)?, after))
}

/// `contract left=1 right=0*2 : I`
fn dot_axis(rest: &str) -> Result<DotAxis, String> {
    let (places, extent) = text::split(rest, " : ")?;
    let mut words = places.split_whitespace();
    let role = words.next().and_then(|w| Role::all().into_iter().find(|r| r.name() == w)).ok_or("no role")?;
    let mut axis = DotAxis { role, extent: text::dim(extent)?, left: None, right: None, out: None };
    for word in words {
        let (name, place) = text::split(word, "=")?;
        match name {
            "left" => axis.left = Some(step(place)?),
            "right" => axis.right = Some(step(place)?),
            "out" => axis.out = Some(text::number(place)?),
            _ => return Err(format!("no place `{name}`")),
        }
    }
    Ok(axis)
}

fn step(place: &str) -> Result<(usize, i64), String> {
    let (axis, step) = place.split_once('*').unwrap_or((place, "1"));
    Ok((text::number(axis)?, text::number(step)?))
}

/// `input=0 axes=[0, _] launch …`
fn epilogue(rest: &str) -> Result<Epilogue, String> {
    let (input, rest) = text::split_word(rest);
    let input = text::number(input.strip_prefix("input=").ok_or("`input=` is wanted")?)?;
    let (axes, rest) = text::bracketed(rest.strip_prefix("axes=").ok_or("`axes=` is wanted")?)?;
    let axis = |a: &str| if a == "_" { Ok(None) } else { text::number(a).map(Some) };
    let launch = launch(rest.strip_prefix("launch ").ok_or("`launch` is wanted")?)?;
    Ok(Epilogue { launch, input, axes: text::list(axes, axis)? })
}
