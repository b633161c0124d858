//! Epilogues that add a vector to each row of a product, and do nothing else: what
//! a library for products does with them.
//!
//! In: a kernel, the product whose epilogue it is. Out: which of its inputs is the
//! vector. Always: the sum is made in the type that the product is computed in,
//! and rounded once, to the type of the vector and of the result.

use super::{Dot, Epilogue, Role};
use crate::kernel::{InstOp, Kernel, ValId};
use crate::ops::MapOp;
use crate::shape::Dim;

/// The input that is the vector, along the product's only axis of columns.
pub fn bias(kernel: &Kernel, dot: &Dot, epilogue: &Epilogue) -> Option<usize> {
    let columns: Vec<usize> = dot.axes.iter().filter(|a| a.role == Role::Right).filter_map(|a| a.out).collect();
    let [column] = columns[..] else { return None };
    let along = Dim::sym(kernel.par[epilogue.axes[column]?].var.clone());
    let ([store], [result]) = (&kernel.stores[..], &kernel.outputs[..]) else { return None };
    // A cast of halves stands behind each load and before the store.
    let uncast = |v: ValId| if let InstOp::Cast(arg) = kernel.inst(v).op { arg } else { v };
    let sum = uncast(store.value);
    let InstOp::Map(op, args) = &kernel.inst(sum).op else { return None };
    let [a, b] = args[..] else { return None };
    let loads = [a, b].map(uncast);
    let [(left, _), (right, _)] = [load(kernel, loads[0])?, load(kernel, loads[1])?];
    let (vector, at) = load(kernel, loads[usize::from(left == epilogue.input)])?;
    let inputs = [epilogue.input, vector].map(|input| kernel.inputs[input].dtype);
    let computed = kernel.inst(sum).dtype;
    let same = inputs == [computed, result.dtype] && computed == result.dtype.computed();
    let pair = [left, right].contains(&epilogue.input) && left != right;
    let all = kernel.ids().all(|v| [sum, store.value, a, b].contains(&v) || loads.contains(&v));
    (*op == MapOp::named("add") && pair && at == [along] && same && all).then_some(vector)
}

/// The input that is loaded, and its index.
fn load(kernel: &Kernel, v: ValId) -> Option<(usize, &[Dim])> {
    let InstOp::Load { input, index, guards, .. } = &kernel.inst(v).op else { return None };
    guards.is_empty().then_some((*input, &index[..]))
}
