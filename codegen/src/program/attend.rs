//! Attention: two products with a softmax between them, as one kernel.
//!
//! In: a [`Program`]. Out: where a product's scores go to a softmax over its own
//! columns, and that to a second product, which sums over them; neither the
//! scores nor their shares are needed elsewhere. Always: the shares are
//! `exp(s - max s) / sum exp(s - max s)`, with `s` any function of a score and
//! its place, so they can be found while the columns go by: a maximum and a sum
//! so far, and what is summed so far scaled when the maximum grows.
//! Next: `device/texts/attend.cu` of the runtime, which runs these on a GPU.
//!
//! The online softmax: Milakov and Gimelshein, *Online normalizer calculation for
//! softmax*, 2018; with the second product, Dao and others, *FlashAttention*, 2022.

use super::{Action, Dot, DotAxis, Epilogue, Launch, Place, Program, Role, Step};
use crate::dtype::DType;
use crate::kernel::{InstOp, Kernel, ValId};
use crate::ops::Literal;

/// Three steps that are one kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attend {
    /// The first of them.
    pub step: usize,
    /// The softmax's input that has the scores.
    pub input: usize,
    /// `s`: a value of the softmax's kernel.
    pub score: ValId,
    /// For each of the kernel's parallel axes its loop in each product, in the
    /// order of the second one's: those over matrices, those over rows.
    pub batch: Vec<Along>,
    pub rows: Vec<Along>,
    /// The loop in each product over the columns of the scores.
    pub columns: [usize; 2],
}

/// A parallel axis of the softmax's kernel, and its loop in each product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Along {
    pub par: usize,
    pub loops: [usize; 2],
}

/// All of a program's.
pub fn attends(program: &Program) -> Vec<Attend> {
    (0..program.steps.len()).filter_map(|step| attend(program, step)).collect()
}

fn attend(program: &Program, step: usize) -> Option<Attend> {
    let [scores, shares, sum] = program.steps.get(step..step + 3)? else { return None };
    let Action::Dot(scored @ Dot { epilogue: None, .. }) = &scores.action else { return None };
    let Action::Launch(launch) = &shares.action else { return None };
    let Action::Dot(summed) = &sum.action else { return None };
    // What is computed in `f32`.
    let single = scored.dtype == summed.dtype && scored.dtype.bytes() <= DType::F32.bytes();
    if !single || program.buffer(scored.out).dtype != scored.dtype {
        return None;
    }
    let [out] = launch.outputs.as_slice() else { return None };
    let gone = |step: &Step, id| step.release.contains(id) && program.buffer(*id).place == Place::Temp;
    if !gone(shares, &scored.out) || !gone(sum, out) || summed.left != *out || summed.right == *out {
        return None;
    }
    if !summed.left_start.iter().all(|d| d.is(0)) || reads(summed.epilogue.as_ref(), [scored.out, *out]) {
        return None;
    }
    let kernel = &program.kernels[launch.kernel];
    let input = only(launch.inputs.iter().enumerate().filter(|(_, id)| **id == scored.out))?.0;
    let score = softmax(kernel)?;
    let loops = loops(kernel, launch, input, scored, summed)?;
    let [batch, rows] = [Role::Batch, Role::Left].map(|role| {
        let of = |along: &Along| scored.axes[along.loops[0]].role == role;
        let mut all: Vec<Along> = loops.0.iter().copied().filter(of).collect();
        all.sort_by_key(|along| along.loops[1]);
        all
    });
    Some(Attend { step, input, score, batch, rows, columns: loops.1 })
}

fn reads(epilogue: Option<&Epilogue>, ids: [super::BufId; 2]) -> bool {
    epilogue.is_some_and(|Epilogue { launch: Launch { inputs, .. }, .. }| inputs.iter().any(|id| ids.contains(id)))
}

fn only<T>(mut items: impl Iterator<Item = T>) -> Option<T> {
    items.next().filter(|_| items.next().is_none())
}

/// `s` of a kernel that stores the shares of `s` along its one reduced axis.
fn softmax(kernel: &Kernel) -> Option<ValId> {
    let [store] = kernel.stores.as_slice() else { return None };
    let map = |v: ValId, name: &str| {
        let InstOp::Map(op, args) = &kernel.inst(v).op else { return None };
        (op.name() == name).then_some(args.as_slice())
    };
    let reduced = |v: ValId, name: &str| {
        let InstOp::Reduce(monoid, arg) = kernel.inst(v).op else { return None };
        (monoid.name() == name).then_some(arg)
    };
    let one = |v: ValId| matches!(kernel.inst(v).op, InstOp::Const(value) if value == Literal::float(1.0));
    // What is stored may be rounded to a half.
    let share = if let InstOp::Cast(of) = kernel.inst(store.value).op { of } else { store.value };
    // e * (1 / sum e), in either order, or e / sum e.
    let inverse = |v: ValId| match map(v, "div")? {
        &[first, total] if one(first) => Some(total),
        _ => None,
    };
    let (power, total) = match (map(share, "mul"), map(share, "div")) {
        (Some(&[a, b]), None) => inverse(b).map(|total| (a, total)).or_else(|| Some((b, inverse(a)?)))?,
        (None, Some(&[power, total])) => (power, total),
        _ => return None,
    };
    let &[from] = map(power, "exp")? else { return None };
    let &[score, most] = map(from, "sub")? else { return None };
    let fits = reduced(total, "sum") == Some(power) && reduced(most, "max") == Some(score);
    let reductions = kernel.ids().filter(|v| matches!(kernel.inst(*v).op, InstOp::Reduce(..))).count();
    let single = kernel.ids().all(|v| !matches!(kernel.inst(v).op, InstOp::Pick(..)));
    (fits && reductions == 2 && single && kernel.red.len() == 1 && kernel.inst(score).dtype == DType::F32)
        .then_some(score)
}

/// For each parallel axis of the kernel its loop in both products, and the two
/// loops over the reduced axis.
fn loops(
    kernel: &Kernel,
    launch: &Launch,
    input: usize,
    scored: &Dot,
    summed: &Dot,
) -> Option<(Vec<Along>, [usize; 2])> {
    let read = only(kernel.ids().filter_map(|v| {
        let InstOp::Load { input: from, index, guards, .. } = &kernel.inst(v).op else { return None };
        (*from == input && guards.is_empty()).then_some(index)
    }))?;
    let written = &kernel.stores[0].index;
    // Where a product is of a part of what was made, its loop is shorter.
    let loop_of = |own: usize| -> Option<[usize; 2]> {
        let var = &kernel.axes().nth(own)?.var;
        let at = |index: &[crate::shape::Dim]| index.iter().position(|at| at.as_sym() == Some(var));
        let (from, to) = (at(read)?, at(written)?);
        let first = scored.axes.iter().position(|axis| axis.out == Some(from))?;
        let second = summed.axes.iter().position(|axis| axis.left == Some((to, 1)))?;
        let extents = [&scored.axes[first].extent, &summed.axes[second].extent];
        (extents == [&launch.extents[own]; 2]).then_some([first, second])
    };
    let columns = loop_of(kernel.par.len())?;
    let roles = |[first, second]: [usize; 2]| (scored.axes[first].role, summed.axes[second].role);
    if roles(columns) != (Role::Right, Role::Contract) {
        return None;
    }
    let mut out = Vec::new();
    for par in 0..kernel.par.len() {
        let loops = loop_of(par)?;
        if !matches!(roles(loops), (Role::Batch, Role::Batch) | (Role::Left, Role::Left)) {
            return None;
        }
        out.push(Along { par, loops });
    }
    // Every loop is one of these, or of one product alone: the terms of a score, the columns of the result.
    let known = |product: usize, number: usize| {
        columns[product] == number || out.iter().any(|along| along.loops[product] == number)
    };
    let others = |product: usize, axes: &[DotAxis], role: Role| {
        axes.iter().enumerate().all(|(number, axis)| known(product, number) || axis.role == role)
    };
    let all = others(0, &scored.axes, Role::Contract) && others(1, &summed.axes, Role::Right);
    all.then_some((out, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver;

    fn found(source: &str) -> Vec<Attend> {
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        compiled.functions.iter().filter_map(|f| f.code.as_ref()).flat_map(|code| attends(&code.program)).collect()
    }

    const HEADS: &str = "fn attend<B, H, T, S, D>(q: f32[B, H, T, D], k: f32[B, H, S, D], v: f32[B, H, S, D])";

    #[test]
    fn attention_is_found_with_any_score() {
        for scores in ["s", "s / sqrt(f32(D))", "where(arange(T)[:, None] >= arange(S), s, -inf)", "tanh(s / 50) * 50"]
        {
            let source = format!(
                "{HEADS} -> f32[B, H, T, D] {{ let s = q @ k.transpose(0, 1, 3, 2); softmax({scores}, axis=-1) @ v }}"
            );
            let [one] = found(&source).try_into().expect("one attention");
            assert_eq!((one.batch.len(), one.rows.len()), (2, 1), "{scores}");
        }
    }

    #[test]
    fn attention_of_halves_is_found() {
        let source = HEADS.replace("f32", "bf16");
        let source =
            format!("{source} -> bf16[B, H, T, D] {{ softmax(q @ k.transpose(0, 1, 3, 2) * 0.5, axis=-1) @ v }}");
        assert_eq!(found(&source).len(), 1);
    }

    #[test]
    fn what_needs_the_shares_whole_is_none() {
        let scores = "let s = q @ k.transpose(0, 1, 3, 2); let p = softmax(s, axis=-1);";
        for (result, value) in [
            ("(f32[B, H, T, D], f32[B, H, T, S])", "(p @ v, p)"),
            ("(f32[B, H, T, D], f32[B, H, T])", "(p @ v, s.max(axis=-1))"),
            ("f32[B, H, T, D]", "(p * p) @ v"),
        ] {
            assert_eq!(found(&format!("{HEADS} -> {result} {{ {scores} {value} }}")), [], "{value}");
        }
        for (rows, value) in [
            (6, "softmax((q @ k.T)[:, :5], axis=-1) @ v[:5]"),
            (6, "softmax(q @ k.T, axis=-1)[:, :5] @ v[:5]"),
            (4, "softmax((q @ k.T)[:4], axis=-1) @ v"),
            (4, "softmax(q @ k.T, axis=-1)[:4] @ v"),
        ] {
            let head = "fn part<D>(q: f32[6, D], k: f32[7, D], v: f32[7, D])";
            assert_eq!(found(&format!("{head} -> f32[{rows}, D] {{ {value} }}")), [], "{value}");
        }
        let other = "let p = exp(s) / exp(s).sum(axis=-1, keepdims=true); p @ v";
        assert_eq!(
            found(&format!("{HEADS} -> f32[B, H, T, D] {{ let s = q @ k.transpose(0, 1, 3, 2); {other} }}")),
            []
        );
    }
}
