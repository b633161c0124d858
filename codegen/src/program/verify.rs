//! The invariants of a program.
//!
//! In: any program. Out: nothing, or the first thing that breaks an invariant
//! and how. Always: what fusion returns is accepted here.
//!
//! - the head is a graph's; every name in a dimension is a declared symbol;
//! - a parameter and a result have at most one buffer, of the declared type; a
//!   view's base comes before it and is no view; results are output buffers;
//! - kernels hold their own invariants and differ;
//! - a launch gives each axis, size and operand of its kernel one of its kind,
//!   and a stored axis has the extent of the buffer's, or as many stores;
//! - the axes of a product fit its role and the buffers' ranks, and its result
//!   has each axis once; an epilogue reads the product at its own axes;
//! - a buffer is written by one step before any step reads it, and a parameter
//!   never; a temporary is released once, by the last step that touches it,
//!   but the product of an epilogue never;
//! - what is computed again is so in several steps, named in order.

use super::{Action, Again, BufId, Buffer, Dot, DotAxis, Epilogue, Launch, Place, Program, Role, Scatter, Step};
use crate::dtype::DType;
use crate::graph::infer::gathered;
use crate::graph::{Graph, Relation, Type};
use crate::kernel::{InstOp, Kernel, Operand};
use crate::shape::Dim;
use crate::text::in_order;

/// Checks every invariant.
pub fn verify(program: &Program) -> Result<(), String> {
    check(program).map_err(|why| format!("`{}`: {why}", program.name))
}

fn check(program: &Program) -> Result<(), String> {
    let mut head = Graph::new(program.name.as_str());
    head.symbols = program.symbols.clone();
    head.params = program.params.clone();
    head.requires = program.requires.clone();
    crate::graph::verify::verify(&head)?;
    for (number, buffer) in program.buffers.iter().enumerate() {
        let id = BufId(number as u32);
        place(program, id, buffer).map_err(|why| format!("buffer {id} `{}`: {why}", buffer.name))?;
    }
    for &out in &program.outputs {
        match found(program, out)?.place {
            Place::Output(_) => {}
            Place::Param(_) | Place::Temp | Place::View(_) => {
                return Err(format!("the result {out} is no output buffer"));
            }
        }
    }
    for (number, kernel) in program.kernels.iter().enumerate() {
        crate::kernel::verify::verify(kernel).map_err(|why| format!("kernel k{number}: {why}"))?;
        if let Some(twin) = program.kernels[..number].iter().position(|k| k == kernel) {
            return Err(format!("the kernels k{twin} and k{number} are equal"));
        }
    }
    for (number, step) in program.steps.iter().enumerate() {
        let checked = match &step.action {
            Action::Launch(l) => launch(program, l),
            Action::Dot(d) => dot(program, d),
            Action::Scatter(s) => scatter(program, s),
        };
        checked.map_err(|why| format!("step {number}: {why}"))?;
    }
    lifetimes(program)?;
    program.again.iter().try_for_each(|again| repeated(program, again))
}

fn repeated(program: &Program, again: &Again) -> Result<(), String> {
    declared(program, &again.shape)?;
    let ascending = again.steps.windows(2).all(|pair| pair[0] < pair[1]);
    let known = again.steps.last().is_some_and(|&step| step < program.steps.len());
    let several = again.values > 0 && again.steps.len() > 1;
    if several && ascending && known { Ok(()) } else { Err(format!("`{again}`: several steps in order are wanted")) }
}

fn found(program: &Program, id: BufId) -> Result<&Buffer, String> {
    program.buffers.get(id.0 as usize).ok_or_else(|| format!("there is no buffer {id}"))
}

fn declared<'a>(program: &Program, dims: impl IntoIterator<Item = &'a Dim>) -> Result<(), String> {
    for dim in dims {
        if let Some(name) = dim.symbols().iter().find(|name| !program.symbols.contains(name)) {
            return Err(format!("`{name}` in `{dim}` is no declared symbol"));
        }
    }
    Ok(())
}

/// Whether two sizes are sure to differ: a requirement may make two forms equal.
fn differ(program: &Program, a: &Dim, b: &Dim) -> bool {
    let equations = program.requires.iter().any(|r| r.relation == Relation::Eq);
    match (a.as_const(), b.as_const()) {
        (Some(a), Some(b)) => a != b,
        _ => a != b && !equations,
    }
}

fn place(program: &Program, id: BufId, buffer: &Buffer) -> Result<(), String> {
    declared(program, &buffer.shape)?;
    let mut order = buffer.order.clone();
    order.sort_unstable();
    if order.len() != buffer.shape.len() || !in_order(&order) {
        return Err(format!("the order {:?} is no permutation of {} axes", buffer.order, buffer.shape.len()));
    }
    let twin = program.buffers[..id.0 as usize].iter().any(|b| b.place == buffer.place);
    match buffer.place {
        Place::Param(number) => {
            let param = program.params.get(number).ok_or_else(|| format!("there is no parameter {number}"))?;
            if param.ty.dtype != buffer.dtype || param.ty.shape != buffer.shape {
                return Err(format!("the parameter `{}` is {}", param.name, param.ty));
            }
        }
        Place::Output(number) => {
            if program.outputs.get(number) != Some(&id) {
                return Err(format!("it is not the result {number}"));
            }
        }
        Place::Temp => return Ok(()),
        Place::View(base) => return view(program, id, buffer, base),
    }
    if twin { Err(format!("a second buffer for {}", buffer.place)) } else { Ok(()) }
}

fn view(program: &Program, id: BufId, buffer: &Buffer, base: BufId) -> Result<(), String> {
    let of = found(program, base)?;
    if base >= id || matches!(of.place, Place::View(_)) {
        return Err(format!("its base {base} is a view or does not come before it"));
    }
    if of.dtype != buffer.dtype || !in_order(&buffer.order) {
        return Err(format!("a view of {base} of another dtype, or not in C order"));
    }
    let (have, want) = (Dim::product(&of.shape), Dim::product(&buffer.shape));
    if differ(program, &have, &want) {
        return Err(format!("a view of `{want}` elements of a base of `{have}`"));
    }
    Ok(())
}

fn launch(program: &Program, launch: &Launch) -> Result<(), String> {
    let kernel = program.kernels.get(launch.kernel).ok_or_else(|| format!("there is no kernel k{}", launch.kernel))?;
    declared(program, launch.extents.iter().chain(&launch.sizes))?;
    for (what, have, want) in [
        ("extents", launch.extents.len(), kernel.axes().count()),
        ("sizes", launch.sizes.len(), kernel.sizes.len()),
        ("inputs", launch.inputs.len(), kernel.inputs.len()),
        ("outputs", launch.outputs.len(), kernel.outputs.len()),
    ] {
        if have != want {
            return Err(format!("{have} {what} for k{}, which has {want}", launch.kernel));
        }
    }
    for (axis, extent) in kernel.axes().zip(&launch.extents) {
        if axis.extent.as_const().is_some() && axis.extent != *extent {
            return Err(format!("`{}` runs to {}, not to {extent}", axis.var, axis.extent));
        }
    }
    let operands = kernel.inputs.iter().chain(&kernel.outputs).zip(launch.inputs.iter().chain(&launch.outputs));
    operands.into_iter().try_for_each(|(operand, &id)| fits(program, operand, id))?;
    for store in &kernel.stores {
        let id = launch.outputs[store.output];
        let written_out = kernel.written_out(store.output);
        let elements = || Dim::from(kernel.stores_of(store.output).count() as i64);
        for (axis, (coordinate, size)) in store.index.iter().zip(&found(program, id)?.shape).enumerate() {
            let extent = match written_out == Some(axis) {
                true => elements(),
                false => extent_of(kernel, launch, coordinate).unwrap_or_else(Dim::one),
            };
            if differ(program, &extent, size) {
                return Err(format!("`{coordinate}` runs to {extent}, but the axis of {id} is {size}"));
            }
        }
    }
    Ok(())
}

/// The extent at launch of a loop variable.
fn extent_of(kernel: &Kernel, launch: &Launch, coordinate: &Dim) -> Option<Dim> {
    let at = kernel.axes().position(|a| coordinate.as_sym() == Some(&a.var))?;
    launch.extents.get(at).cloned()
}

fn fits(program: &Program, operand: &Operand, id: BufId) -> Result<(), String> {
    let buffer = found(program, id)?;
    if buffer.dtype != operand.dtype || buffer.shape.len() != operand.rank() {
        let rank = buffer.shape.len();
        return Err(format!("{id}, which is {}[{rank}], for the operand `{operand}`", buffer.dtype));
    }
    Ok(())
}

fn dot(program: &Program, dot: &Dot) -> Result<(), String> {
    let out = found(program, dot.out)?;
    for (id, start) in [(dot.left, &dot.left_start), (dot.right, &dot.right_start)] {
        let buffer = found(program, id)?;
        if start.len() != buffer.shape.len() {
            return Err(format!("{} coordinates for the start of {id}, of rank {}", start.len(), buffer.shape.len()));
        }
        same_dtype(dot.dtype, id, buffer)?;
        declared(program, start)?;
    }
    // A panel is handed on as it was computed.
    let panel = dot.epilogue.is_some() && out.dtype == dot.dtype.computed();
    if !panel {
        same_dtype(dot.dtype, dot.out, out)?;
    }
    for axis in &dot.axes {
        dot_axis(program, dot, axis).map_err(|why| format!("axis `{axis}`: {why}"))?;
    }
    for (axis, size) in out.shape.iter().enumerate() {
        let over: Vec<&DotAxis> = dot.axes.iter().filter(|a| a.out == Some(axis)).collect();
        match over.as_slice() {
            [one] if differ(program, &one.extent, size) => {
                return Err(format!("axis {axis} of the product is {size}, not {}", one.extent));
            }
            [_] => {}
            many => return Err(format!("axis {axis} of the product is written by {} loops", many.len())),
        }
    }
    match &dot.epilogue {
        Some(e) => epilogue(program, dot, e).map_err(|why| format!("epilogue: {why}")),
        None => Ok(()),
    }
}

fn same_dtype(dtype: DType, id: BufId, buffer: &Buffer) -> Result<(), String> {
    if buffer.dtype == dtype { Ok(()) } else { Err(format!("{id} is {}, not {dtype}", buffer.dtype)) }
}

fn dot_axis(program: &Program, dot: &Dot, axis: &DotAxis) -> Result<(), String> {
    declared(program, [&axis.extent])?;
    let fits = match (axis.role, axis.left, axis.right, axis.out) {
        (Role::Batch, _, _, Some(_)) | (Role::Contract, _, _, None) => true,
        (Role::Left, _, None, Some(_)) | (Role::Right, None, _, Some(_)) => true,
        (Role::Batch | Role::Left | Role::Right | Role::Contract, ..) => false,
    };
    if !fits {
        return Err("its places do not fit its role".into());
    }
    for (id, place) in [(dot.left, axis.left), (dot.right, axis.right), (dot.out, axis.out.map(|a| (a, 1)))] {
        let rank = found(program, id)?.shape.len();
        match place {
            Some((at, _)) if at >= rank => return Err(format!("{id} has no axis {at}")),
            Some((_, 0)) => return Err(format!("a step of zero along {id}")),
            Some(_) | None => {}
        }
    }
    Ok(())
}

fn scatter(program: &Program, scatter: &Scatter) -> Result<(), String> {
    let (updates, out) = (found(program, scatter.updates)?, found(program, scatter.out)?);
    let indices = found(program, scatter.indices)?;
    let indices = Type::new(indices.dtype, indices.shape.clone());
    let shape = gathered(scatter.axis, scatter.batch, &out.shape, &indices)?;
    let fits = shape.len() == updates.shape.len()
        && shape.iter().zip(&updates.shape).all(|(a, b)| !differ(program, a, b))
        && updates.dtype.computed() == out.dtype
        && out.dtype != DType::Bool;
    if fits { Ok(()) } else { Err(format!("updates {} for the scatter {}", scatter.updates, scatter.out)) }
}

fn epilogue(program: &Program, dot: &Dot, epilogue: &Epilogue) -> Result<(), String> {
    launch(program, &epilogue.launch)?;
    let kernel = &program.kernels[epilogue.launch.kernel];
    if !kernel.red.is_empty() {
        return Err("its kernel reduces".into());
    }
    if epilogue.launch.inputs.get(epilogue.input) != Some(&dot.out) {
        return Err(format!("its input {} is not the product {}", epilogue.input, dot.out));
    }
    let shape = &found(program, dot.out)?.shape;
    if epilogue.axes.len() != shape.len() {
        return Err(format!("{} axes for a product of {}", epilogue.axes.len(), shape.len()));
    }
    let mut index = Vec::new();
    for (at, (axis, size)) in epilogue.axes.iter().zip(shape).enumerate() {
        match axis {
            None if size.is(1) => index.push(Dim::zero()),
            None => return Err(format!("axis {at} of the product, of the size {size}, has no parallel axis")),
            Some(k) if *k >= kernel.par.len() || epilogue.axes[..at].contains(axis) => {
                return Err(format!("the parallel axis {k} is named twice or does not exist"));
            }
            Some(k) if differ(program, &epilogue.launch.extents[*k], size) => {
                return Err(format!("axis {at} of the product is {size}, not {}", epilogue.launch.extents[*k]));
            }
            Some(k) => index.push(Dim::sym(kernel.par[*k].var.clone())),
        }
    }
    for inst in &kernel.code {
        if let InstOp::Load { input, index: read, .. } = &inst.op
            && *input == epilogue.input
            && *read != index
        {
            return Err("its kernel reads the product elsewhere than at its own index".into());
        }
    }
    Ok(())
}

/// The buffers a step reads and writes; a view counts as its base.
fn touched(program: &Program, action: &Action) -> (Vec<BufId>, Vec<BufId>) {
    let (reads, writes): (Vec<BufId>, Vec<BufId>) = match action {
        Action::Launch(l) => (l.inputs.clone(), l.outputs.clone()),
        Action::Dot(d) => {
            let (mut reads, mut writes) = (vec![d.left, d.right], vec![d.out]);
            if let Some(e) = &d.epilogue {
                reads.extend(e.launch.inputs.iter().filter(|&&id| id != d.out));
                writes.extend(&e.launch.outputs);
            }
            (reads, writes)
        }
        Action::Scatter(s) => (vec![s.updates, s.indices], vec![s.out]),
    };
    let root = |id: &BufId| match program.buffer(*id).place {
        Place::View(base) => base,
        Place::Param(_) | Place::Output(_) | Place::Temp => *id,
    };
    (reads.iter().map(root).collect(), writes.iter().map(root).collect())
}

fn lifetimes(program: &Program) -> Result<(), String> {
    let count = program.buffers.len();
    let mut written: Vec<bool> = program.buffers.iter().map(|b| matches!(b.place, Place::Param(_))).collect();
    let mut last_touch: Vec<Option<usize>> = vec![None; count];
    let mut released: Vec<Option<usize>> = vec![None; count];
    for (number, step) in program.steps.iter().enumerate() {
        let (reads, writes) = touched(program, &step.action);
        if let Some(id) = reads.iter().find(|id| !written[id.0 as usize]) {
            return Err(format!("step {number} reads {id}, which is not written yet"));
        }
        for id in &writes {
            if std::mem::replace(&mut written[id.0 as usize], true) {
                return Err(format!("step {number} writes {id}, which is a parameter or already written"));
            }
        }
        for id in reads.iter().chain(&writes) {
            last_touch[id.0 as usize] = Some(number);
        }
        for id in &step.release {
            if found(program, *id)?.place != Place::Temp {
                return Err(format!("step {number} releases {id}, which is no temporary"));
            }
            if released[id.0 as usize].replace(number).is_some() {
                return Err(format!("step {number} releases {id} again"));
            }
        }
    }
    // A product with an epilogue is never whole in memory.
    let panel = |step: &Step| match &step.action {
        Action::Dot(dot) if dot.epilogue.is_some() => Some(dot.out),
        Action::Dot(_) | Action::Launch(_) | Action::Scatter(_) => None,
    };
    let panels: Vec<BufId> = program.steps.iter().filter_map(panel).collect();
    for (number, buffer) in program.buffers.iter().enumerate() {
        let id = BufId(number as u32);
        match buffer.place {
            Place::Output(_) if !written[number] => return Err(format!("the result {id} is never written")),
            Place::Temp if last_touch[number].is_none() => return Err(format!("the temporary {id} is never used")),
            Place::Temp if panels.contains(&id) && released[number].is_none() => {}
            Place::Temp if released[number] != last_touch[number] => {
                return Err(format!("the temporary {id} is not released at its last use"));
            }
            Place::Param(_) | Place::Output(_) | Place::Temp | Place::View(_) => {}
        }
    }
    Ok(())
}
