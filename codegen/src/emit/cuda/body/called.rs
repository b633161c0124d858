//! Parts of kernels as device functions that the runtime's own kernels call with
//! what they have in registers: the epilogue of a matrix product, which is then
//! never in memory; the score of an attention; an element of the windows that a
//! product fetches.
//!
//! In: a kernel, and the product that it reads. Out: a `struct` of the kernel's
//! other operands, extents and sizes, and a function of a place and a strip of
//! the product there. Always: every number in the struct has 8 bytes, in the
//! order of [`parameters`], without the operands that the caller has.
//! Next: `device/texts/dot.cu` and `attend.cu` of the runtime.

use super::super::expr::literal;
use super::super::prelude::words;
use super::super::{Parameter, named, names, parameters};
use super::strip::Strip;
use super::{Deal, Emit};
use crate::dtype::DType;
use crate::kernel::Kernel;
use crate::loops::Loops;
use crate::program::attend::{Attend, Masked, Seen};
use crate::program::prologue::Prologue;
use crate::program::{Dot, Epilogue, Role};
use crate::shape::Sym;

/// The kernel's parallel axes that a product's batches, rows and columns run over.
struct Roles {
    batch: Vec<usize>,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Roles {
    /// `None` where a parallel axis is none of the product's.
    fn of(dot: &Dot, epilogue: &Epilogue, kernel: &Kernel) -> Option<Roles> {
        let of = |role: Role| {
            let axes = dot.axes.iter().filter(|axis| axis.role == role);
            axes.filter_map(|axis| epilogue.axes[axis.out?]).collect::<Vec<usize>>()
        };
        let roles = Roles { batch: of(Role::Batch), rows: of(Role::Left), columns: of(Role::Right) };
        let all = [&roles.batch, &roles.rows, &roles.columns];
        (0..kernel.par.len()).all(|k| all.iter().any(|axes| axes.contains(&k))).then_some(roles)
    }
}

/// The function `{name}` of a product's epilogue, which writes its outputs;
/// `None` where the product's places do not tell the kernel's.
pub fn function(loops: &Loops, name: &str, dot: &Dot, epilogue: &Epilogue) -> Option<String> {
    let roles = Roles::of(dot, epilogue, &loops.kernel)?;
    let operands = names::operands(&loops.kernel);
    let mut emit = at_place(loops, &operands, Some(epilogue.input), &roles);
    let kernel = &loops.kernel;
    match roles.columns.as_slice() {
        [one] => emit.strip(Strip::new(&kernel.par[*one].var, &[]), &loops.body),
        several => {
            let columns: Vec<_> = several.iter().map(|&k| kernel.par[k].clone()).collect();
            let vars: Vec<Sym> = columns.iter().map(|axis| axis.var.clone()).collect();
            emit.strip_with(Strip::new(&"column".into(), &vars), &loops.body, |emit| emit.numbered(&columns, "column"));
        }
    }
    let strip = given(kernel, &operands, epilogue.input);
    Some(text(kernel, name, ("void", &strip), &[epilogue.input], &operands, &emit.out))
}

/// The function `{name}` of an attention's scores: what the softmax is of; and
/// `ND_MASKED`, if some scores are what they are whatever their products are.
pub fn score(loops: &Loops, name: &str, attend: &Attend) -> String {
    let kernel = &loops.kernel;
    let of = |along: &[crate::program::attend::Along]| along.iter().map(|along| along.par).collect();
    let roles = Roles { batch: of(&attend.batch), rows: of(&attend.rows), columns: Vec::new() };
    let operands = names::operands(kernel);
    let mut emit = at_place(loops, &operands, Some(attend.input), &roles);
    let ty = kernel.inst(attend.score).dtype.cuda();
    emit.line(format!("nd_strip<{ty}> score;"));
    emit.strip_with(Strip::new(&kernel.red[0].var, &[]), &[], |emit| {
        emit.again(attend.score);
        emit.line(format!("score.at[i] = {};", emit.read(attend.score)));
    });
    emit.line("return score;");
    let outputs = kernel.inputs.len()..kernel.inputs.len() + kernel.outputs.len();
    let without: Vec<usize> = outputs.chain([attend.input]).collect();
    let head = (format!("nd_strip<{ty}>"), given(kernel, &operands, attend.input));
    let score = text(kernel, name, (&head.0, &head.1), &without, &operands, &emit.out);
    let Some(masked) = &attend.masked else { return score };
    let body = constant(at_place(loops, &operands, Some(attend.input), &roles), masked);
    let head = (ty, "nd_int batch, nd_int row, nd_int first, nd_int last");
    let function = called(kernel, (&format!("{name}_masked"), name), head, &without, &operands, &body);
    format!("{score}\n#define ND_MASKED {name}_masked\n{function}")
}

/// The score of a row's keys from the first to the last, if it is the same
/// whatever their products are; else NaN.
fn constant(mut emit: Emit<'_>, masked: &Masked) -> String {
    let key = &emit.kernel().red[0].var.clone();
    for (end, last) in [("first", false), ("last", true)] {
        let seen: Vec<&Seen> = masked.seen.iter().filter(|seen| seen.last == last).collect();
        if seen.is_empty() {
            continue;
        }
        let known = emit.known.len();
        emit.line("{");
        emit.depth += 1;
        emit.line(format!("const nd_int {key} = {end};"));
        for Seen { condition, holds, .. } in seen {
            emit.again(*condition);
            let not = if *holds { "!" } else { "" };
            let value = literal(masked.value, DType::F32);
            emit.line(format!("if ({not}{}) return {value};", emit.read(*condition)));
        }
        emit.close();
        emit.known.truncate(known);
    }
    emit.line("return ND_NAN32;");
    emit.out
}

/// The function `{name}` of a window's element, which a product fetches.
pub fn window(loops: &Loops, name: &str, prologue: &Prologue) -> String {
    let kernel = &loops.kernel;
    let operands = names::operands(kernel);
    let roles = Roles { batch: prologue.batch.clone(), rows: prologue.lines.clone(), columns: Vec::new() };
    let mut emit = at_place(loops, &operands, None, &roles);
    let terms: Vec<_> = prologue.terms.iter().map(|&k| kernel.par[k].clone()).collect();
    emit.numbered(&terms, "term");
    let value = kernel.stores[0].value;
    emit.again(value);
    emit.line(format!("return {};", emit.read(value)));
    let ty = kernel.inst(value).dtype.cuda();
    let without: Vec<usize> = (kernel.inputs.len()..kernel.inputs.len() + kernel.outputs.len()).collect();
    text(kernel, name, (ty, "nd_int batch, nd_int row, nd_int term"), &without, &operands, &emit.out)
}

/// The parameters of a function that is given a strip of the product.
fn given(kernel: &Kernel, operands: &[String], product: usize) -> String {
    let ty = kernel.inputs[product].dtype.cuda();
    format!("nd_int batch, nd_int row, nd_int first, nd_int count, const nd_strip<{ty}>& {}", operands[product])
}

/// The struct and the function around a body. `head` is its result's type and
/// its parameters; `without` are the operands that the caller has.
fn text(kernel: &Kernel, name: &str, head: (&str, &str), without: &[usize], operands: &[String], body: &str) -> String {
    let mut declared = String::new();
    for parameter in parameters(kernel).into_iter().filter(|parameter| !elsewhere(*parameter, without)) {
        let (pointer, field) = named(kernel, operands, parameter);
        let ty = pointer.map_or("long long".to_string(), |ty| format!("{ty}*"));
        declared.push_str(&format!("    {ty} {field};\n"));
    }
    let function = called(kernel, (name, name), head, without, operands, body);
    format!("struct {name}_operands {{\n{declared}}};\n\n{function}")
}

fn elsewhere(parameter: Parameter, without: &[usize]) -> bool {
    matches!(parameter, Parameter::Data(number) | Parameter::Stride(number, _) if without.contains(&number))
}

/// The function around a body. `names` are its own and that of whose struct it takes.
fn called(
    kernel: &Kernel,
    names: (&str, &str),
    head: (&str, &str),
    without: &[usize],
    operands: &[String],
    body: &str,
) -> String {
    let body = &needed(body);
    let body_words: Vec<&str> = words(body).collect();
    let mut locals = String::new();
    for parameter in parameters(kernel).into_iter().filter(|parameter| !elsewhere(*parameter, without)) {
        let (pointer, field) = named(kernel, operands, parameter);
        let local = match &pointer {
            Some(ty) => format!("{ty}* __restrict__ const {field} = operands.{field}"),
            None => format!("const nd_int {field} = (nd_int)operands.{field}"),
        };
        if body_words.contains(&field.as_str()) {
            locals.push_str(&format!("    {local};\n"));
        }
    }
    let ((name, of), (result, parameters)) = (names, head);
    format!(
        "__device__ __forceinline__ {result} {name}(\n    const {of}_operands& operands, {parameters}) {{\n\
         {locals}{body}}}\n"
    )
}

/// The lines without the coordinates that no later line reads.
fn needed(body: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for line in body.lines().rev() {
        let coordinate = line.strip_prefix("    const nd_int ").and_then(|rest| rest.split(' ').next());
        let read = |name: &str| kept.iter().any(|later| words(later).any(|word| word == name));
        if coordinate.is_none_or(read) {
            kept.push(line);
        }
    }
    kept.iter().rev().flat_map(|line| [line, "\n"]).collect()
}

/// The beginning of a function of a place: its batch and its row.
fn at_place<'a>(loops: &'a Loops, operands: &'a [String], product: Option<usize>, roles: &Roles) -> Emit<'a> {
    let mut emit = Emit { deal: Deal::Point, dealt: true, given: product, ..Emit::new(loops, operands) };
    let axes = |of: &[usize]| of.iter().map(|&k| loops.kernel.par[k].clone()).collect::<Vec<_>>();
    emit.numbered(&axes(&roles.batch), "batch");
    emit.numbered(&axes(&roles.rows), "row");
    emit
}
