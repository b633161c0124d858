//! The invariants of a kernel.
//!
//! In: any kernel. Out: nothing, or the first thing that breaks an invariant and
//! how. Always: what fusion returns is accepted here.
//!
//! - sizes are `s0…`, parallel axes `p0…`, reduced axes `r0…`; an extent is the
//!   name of its place, `e0…`, or a constant of at most [`UNROLL`];
//! - operands' names differ, and their orders are permutations;
//! - an instruction's operands come before it, and its dtype is the one that
//!   the op tables give; no operation but a cast has one of memory alone;
//! - an index has one coordinate an axis, and mentions loop variables, sizes and
//!   picked indices alone; only indices read those;
//! - `argmax` and `argmin` reduce over one axis;
//! - each output is stored once, at an index of loop variables and zeros: each
//!   parallel variable once; each reduced one once if one of them stands there or
//!   the value varies over any of them, otherwise never; or there is a store for
//!   each element of an axis that is written out, from 0 on.

use super::print::extent_name;
use super::{Axis, Guard, Inst, InstOp, Kernel, Store, UNROLL, ValId};
use crate::dtype::DType;
use crate::ops::{Answer, Literal};
use crate::shape::{Dim, Sym};
use crate::text::{in_order, show};

/// Checks every invariant.
pub fn verify(kernel: &Kernel) -> Result<(), String> {
    header(kernel)?;
    for (id, inst) in kernel.ids().zip(&kernel.code) {
        instruction(kernel, id, inst).map_err(|why| format!("{id}: {why}"))?;
    }
    let variables = kernel.variables();
    for (number, output) in kernel.outputs.iter().enumerate() {
        let stores: Vec<&Store> = kernel.stores.iter().filter(|s| s.output == number).collect();
        let Some(first) = stores.first() else { return Err(format!("`{}` is never stored", output.name)) };
        let axis = kernel.written_out(number);
        for (at, one) in stores.iter().enumerate() {
            let mut index = one.index.clone();
            if let Some(coordinate) = axis.and_then(|axis| index.get_mut(axis)).filter(|d| d.is(at as i64)) {
                *coordinate = Dim::zero();
            }
            if index != first.index || (at > 0 && axis.is_none()) {
                return Err(format!("`{}` is stored {} times", output.name, stores.len()));
            }
            let one = Store { index, ..(*one).clone() };
            store(kernel, &one, &variables).map_err(|why| format!("store to `{}`: {why}", output.name))?;
        }
    }
    match kernel.stores.iter().find(|s| s.output >= kernel.outputs.len()) {
        Some(store) => Err(format!("there is no output {}", store.output)),
        None => Ok(()),
    }
}

fn header(kernel: &Kernel) -> Result<(), String> {
    for (number, size) in kernel.sizes.iter().enumerate() {
        named(size, "s", number)?;
    }
    for (number, axis) in kernel.par.iter().enumerate() {
        named(&axis.var, "p", number)?;
    }
    for (number, axis) in kernel.red.iter().enumerate() {
        named(&axis.var, "r", number)?;
    }
    for (number, Axis { var, extent }) in kernel.axes().enumerate() {
        let fits = match extent.as_const() {
            Some(n) => (0..=UNROLL).contains(&n),
            None => *extent == Dim::sym(extent_name(number)),
        };
        if !fits {
            return Err(format!("the extent of `{var}` is `{extent}`, neither `{}` nor small", extent_name(number)));
        }
    }
    for operand in kernel.inputs.iter().chain(&kernel.outputs) {
        let mut order = operand.order.clone();
        order.sort_unstable();
        if !in_order(&order) {
            return Err(format!("the order {:?} of `{}` is no permutation", operand.order, operand.name));
        }
    }
    let names: Vec<&String> = kernel.inputs.iter().chain(&kernel.outputs).map(|o| &o.name).collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            return Err(format!("two operands are named `{name}`"));
        }
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "[]#".contains(c)) {
            return Err(format!("`{name}` is no name of an operand"));
        }
    }
    Ok(())
}

fn named(name: &Sym, prefix: &str, number: usize) -> Result<(), String> {
    let want = format!("{prefix}{number}");
    if **name == *want { Ok(()) } else { Err(format!("`{name}`, where `{want}` is wanted")) }
}

fn instruction(kernel: &Kernel, id: ValId, inst: &Inst) -> Result<(), String> {
    if let Some(late) = inst.op.args().iter().find(|&&arg| arg >= id) {
        return Err(format!("its operand {late} does not come before it"));
    }
    inst.op.dims().into_iter().try_for_each(|d| declared(kernel, d))?;
    if let InstOp::Map(..) | InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) = inst.op
        && let Some(arg) = inst.op.args().iter().find(|&&arg| picks(kernel, arg))
    {
        return Err(format!("its operand {arg} is a picked index"));
    }
    let dtype = |arg: ValId| kernel.inst(arg).dtype;
    of_memory(kernel, inst)?;
    let (want, what) = match &inst.op {
        InstOp::Load { input, index, guards, fill } => {
            let operand = kernel.inputs.get(*input).ok_or_else(|| format!("there is no input {input}"))?;
            coordinates(index, operand.rank())?;
            stored(*fill, inst.dtype)?;
            within(guards)?;
            (operand.dtype, operand.name.as_str())
        }
        InstOp::Const(value) => {
            literal(*value, inst.dtype)?;
            (inst.dtype, "const")
        }
        InstOp::Index(_) => (DType::I64, "index"),
        InstOp::Inside(guards) => {
            within(guards)?;
            (DType::Bool, "inside")
        }
        InstOp::Map(op, args) => {
            let dtypes: Vec<DType> = args.iter().map(|&a| dtype(a)).collect();
            let result = op.result(&dtypes);
            (result.ok_or_else(|| format!("`{}` does not take {dtypes:?}", op.name()))?, op.name())
        }
        InstOp::Cast(_) => (inst.dtype, "cast"),
        InstOp::Pick(arg, extent) => {
            if dtype(*arg) != DType::I64 || kernel.axes().any(|a| extent.mentions(&a.var)) {
                return Err(format!("an index of {}, or of an axis whose extent varies", dtype(*arg)));
            }
            (DType::I64, "pick")
        }
        InstOp::Reduce(monoid, arg) => {
            let name = monoid.name();
            match (kernel.red.len(), monoid.row().answer) {
                (0, _) => return Err(format!("`{name}` without a reduced axis")),
                (2.., Answer::Index) => return Err(format!("`{name}` over more than one axis")),
                (_, Answer::Index | Answer::Same) => {}
            }
            (monoid.result(dtype(*arg)).ok_or_else(|| format!("`{name}` does not take {}", dtype(*arg)))?, name)
        }
    };
    if want == inst.dtype { Ok(()) } else { Err(format!("`{what}` gives {want}, not {}", inst.dtype)) }
}

fn picks(kernel: &Kernel, id: ValId) -> bool {
    kernel.code.get(id.0 as usize).is_some_and(|inst| matches!(inst.op, InstOp::Pick(..)))
}

/// Every name is a loop variable, a size or a picked index.
fn declared(kernel: &Kernel, dim: &Dim) -> Result<(), String> {
    let pick = |name: &Sym| ValId::named(name).is_some_and(|id| picks(kernel, id));
    let known = |name: &Sym| kernel.axes().any(|a| a.var == *name) || kernel.sizes.contains(name) || pick(name);
    match dim.symbols().iter().find(|name| !known(name)) {
        Some(name) => Err(format!("`{name}` is neither a loop variable, a size nor a picked index")),
        None => Ok(()),
    }
}

fn coordinates(index: &[Dim], rank: usize) -> Result<(), String> {
    if index.len() == rank { Ok(()) } else { Err(format!("{} coordinates for {rank} axes", index.len())) }
}

fn within(guards: &[Guard]) -> Result<(), String> {
    let negative = |g: &&Guard| g.extent.as_const().is_some_and(|n| n < 0);
    match guards.iter().find(negative) {
        Some(guard) => Err(format!("the guard `{guard}` has a negative extent")),
        None => Ok(()),
    }
}

fn literal(value: Literal, dtype: DType) -> Result<(), String> {
    if value.cast(dtype) == value { Ok(()) } else { Err(format!("{} is not a value of {dtype}", show(value, dtype))) }
}

fn stored(value: Literal, dtype: DType) -> Result<(), String> {
    if value.stored(dtype) == value { Ok(()) } else { Err(format!("{} is not a value of {dtype}", show(value, dtype))) }
}

/// Values of dtypes of memory alone are loaded, made of floats and read by casts.
fn of_memory(kernel: &Kernel, inst: &Inst) -> Result<(), String> {
    let dtype = |arg: &ValId| kernel.inst(*arg).dtype;
    let fits = match &inst.op {
        InstOp::Load { .. } => true,
        InstOp::Cast(arg) if dtype(arg).is_stored_only() => inst.dtype == dtype(arg).computed(),
        InstOp::Cast(arg) => !inst.dtype.is_stored_only() || dtype(arg).is_float(),
        InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => !inst.dtype.is_stored_only(),
        InstOp::Map(_, args) => !inst.dtype.is_stored_only() && !args.iter().any(|arg| dtype(arg).is_stored_only()),
        InstOp::Pick(arg, _) | InstOp::Reduce(_, arg) => !dtype(arg).is_stored_only(),
    };
    if fits { Ok(()) } else { Err(format!("{} is a dtype of memory: it is loaded, cast and stored", inst.dtype)) }
}

fn store(kernel: &Kernel, store: &Store, variables: &[Vec<Sym>]) -> Result<(), String> {
    let output = &kernel.outputs[store.output];
    let Some(inst) = kernel.code.get(store.value.0 as usize) else {
        return Err(format!("there is no value {}", store.value));
    };
    if picks(kernel, store.value) {
        return Err(format!("{} is a picked index", store.value));
    }
    if inst.dtype != output.dtype {
        return Err(format!("{} is {}, but the output is {}", store.value, inst.dtype, output.dtype));
    }
    coordinates(&store.index, output.rank())?;
    for d in &store.index {
        let variable = d.as_sym().is_some_and(|name| kernel.axes().any(|a| a.var == *name));
        if !variable && !d.is(0) {
            return Err(format!("the coordinate `{d}` is neither a loop variable nor 0"));
        }
    }
    let varies = &variables[store.value.0 as usize];
    // A value that is one for the whole row may be stored over the row.
    let stored = |a: &Axis| store.index.iter().any(|d| d.as_sym() == Some(&a.var));
    let over_rows = kernel.red.iter().any(|a| varies.contains(&a.var) || stored(a));
    let axes = kernel.par.iter().map(|a| (a, 1)).chain(kernel.red.iter().map(|a| (a, usize::from(over_rows))));
    for (axis, want) in axes {
        let found = store.index.iter().filter(|d| d.as_sym() == Some(&axis.var)).count();
        if found != want {
            return Err(format!("`{}` stands {found} times in its index, not {want}", axis.var));
        }
    }
    Ok(())
}
