//! Which loop is the coordinate of which axis.
//!
//! In: a kernel. Out: for each operand, for each of its axes the loop that is
//! its coordinate wherever the kernel reads or writes it. Always: loops count
//! `par` first, then `red`; an axis that is reached in any other way has none.
//! Next: [`crate::program::tile`].

use super::{InstOp, Kernel};
use crate::shape::{Dim, Sym};

/// For each input, then each output, for each axis its loop.
pub fn accesses(kernel: &Kernel) -> Vec<Vec<Option<usize>>> {
    let axis = |d: &Dim| d.as_sym().and_then(|s| vars(kernel).position(|var| var == s));
    let meet = |indices: Vec<&Vec<Dim>>, rank: usize| -> Vec<Option<usize>> {
        let at = |k: usize| {
            let mut found = indices.iter().map(|index| axis(&index[k]));
            let first = found.next().flatten();
            found.all(|other| other == first).then_some(first).flatten()
        };
        (0..rank).map(at).collect()
    };
    let inputs = kernel.inputs.iter().enumerate().map(|(n, operand)| meet(loads(kernel, n), operand.rank()));
    let outputs = kernel.outputs.iter().enumerate().map(|(n, operand)| {
        meet(kernel.stores.iter().filter(|s| s.output == n).map(|s| &s.index).collect(), operand.rank())
    });
    inputs.chain(outputs).collect()
}

/// Whether a loop occurs in loads as the bare coordinate of `accesses` alone.
pub fn is_bare(kernel: &Kernel, accesses: &[Vec<Option<usize>>], k: usize) -> bool {
    let Some(var) = vars(kernel).nth(k) else { return false };
    let mentions = |dims: &[&Dim]| dims.iter().filter(|d| d.mentions(var)).count();
    let coordinates = |n: usize| accesses[n].iter().filter(|a| **a == Some(k)).count();
    kernel.code.iter().all(|inst| match &inst.op {
        // Each mention is a coordinate that all loads of the input agree on.
        InstOp::Load { input, .. } => mentions(&inst.op.dims()) == coordinates(*input),
        InstOp::Index(_) | InstOp::Inside(_) => mentions(&inst.op.dims()) == 0,
        InstOp::Const(_) | InstOp::Map(..) | InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => true,
    })
}

/// The loop variables, `par` first.
fn vars(kernel: &Kernel) -> impl Iterator<Item = &Sym> {
    kernel.par.iter().chain(&kernel.red).map(|axis| &axis.var)
}

/// The indices at which an input is read.
fn loads(kernel: &Kernel, number: usize) -> Vec<&Vec<Dim>> {
    let index = |op| match op {
        &InstOp::Load { input, ref index, .. } if input == number => Some(index),
        InstOp::Load { .. }
        | InstOp::Const(_)
        | InstOp::Index(_)
        | InstOp::Inside(_)
        | InstOp::Map(..)
        | InstOp::Cast(_)
        | InstOp::Pick(..)
        | InstOp::Reduce(..) => None,
    };
    kernel.code.iter().filter_map(|inst| index(&inst.op)).collect()
}
