//! Attention: two products with a softmax between them, as one kernel.
//!
//! In: a [`Program`]. Out: where a product's scores go to a softmax over its own
//! columns, and that to a second product, which sums over them; neither the
//! scores nor their shares are needed elsewhere. Always: the shares are
//! `exp(s - max s) / sum exp(s - max s)`, with `s` any function of a score and
//! its place, so they can be found while the columns go by: a maximum and a sum
//! so far, and what is summed so far scaled when the maximum grows. What a mask
//! makes of the scores of a run of keys is known without their products.
//! Next: `device/texts/attend.cu` of the runtime, which runs these on a GPU.
//!
//! The online softmax: Milakov and Gimelshein, *Online normalizer calculation for
//! softmax*, 2018; with the second product, Dao and others, *FlashAttention*, 2022.

use super::{Action, Dot, DotAxis, Epilogue, Launch, Place, Program, Role, Step};
use crate::dtype::DType;
use crate::kernel::condition::place;
use crate::kernel::{InstOp, Kernel, ValId};
use crate::ops::Literal;
use crate::shape::Sym;

/// Three steps that are one kernel.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attend {
    /// The first of them.
    pub step: usize,
    /// The softmax's input that has the scores.
    pub input: usize,
    /// `s`: a value of the softmax's kernel.
    pub score: ValId,
    /// Where the scores are the same whatever the products are, if anywhere.
    pub masked: Option<Masked>,
    /// For each of the kernel's parallel axes its loop in each product, in the
    /// order of the second one's: those over matrices, those over rows.
    pub batch: Vec<Along>,
    pub rows: Vec<Along>,
    /// The loop in each product over the columns of the scores.
    pub columns: [usize; 2],
}

/// Where a score is a constant, whatever its product is: at all keys of a run, if
/// one of these conditions fails at the end of the run where it rather holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Masked {
    pub value: Literal,
    pub seen: Vec<Seen>,
}

/// A condition, a value of the softmax's kernel, which has to be `holds` for a
/// product to count. Where it is so at some key, it is so at all keys of the run
/// before it, or at all behind it if `last`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    pub condition: ValId,
    pub holds: bool,
    pub last: bool,
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
    let masked = masked(kernel, score);
    Some(Attend { step, input, score, masked, batch, rows, columns: loops.1 })
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

/// What selections between a score and a constant, always the same one, make of it.
fn masked(kernel: &Kernel, score: ValId) -> Option<Masked> {
    let constant = |v: ValId| match kernel.inst(v).op {
        InstOp::Const(value) => Some(value),
        _ => None,
    };
    let (mut at, mut value, mut seen) = (score, None, Vec::new());
    while let InstOp::Map(op, args) = &kernel.inst(at).op
        && op.name() == "where"
    {
        let (arm, rest, holds) = match (constant(args[1]), constant(args[2])) {
            (None, Some(arm)) => (arm, args[1], true),
            (Some(arm), None) => (arm, args[2], false),
            (None, None) | (Some(_), Some(_)) => break,
        };
        if *value.get_or_insert(arm) != arm {
            break;
        }
        conditions(kernel, args[0], holds, &mut seen);
        at = rest;
    }
    value.filter(|_| !seen.is_empty()).map(|value| Masked { value, seen })
}

/// What has to be so for this condition to be so: what does not vary from key to
/// key, and comparisons of a place that rises or falls with the key.
fn conditions(kernel: &Kernel, condition: ValId, holds: bool, out: &mut Vec<Seen>) {
    let key = &kernel.red[0].var;
    if !varies(kernel, condition, key) {
        return out.push(Seen { condition, holds, last: false });
    }
    let InstOp::Map(op, args) = &kernel.inst(condition).op else { return };
    // So small that it rises or falls all the way: no place comes near the greatest number.
    let slope = |v: ValId| place(kernel, v)?.affine_in(key)?.0.as_const().filter(|slope| slope.abs() <= 1 << 16);
    // Whether it rather holds where the first of the two is small.
    let small = match (op.name(), holds) {
        ("bitwise_and", true) | ("bitwise_or", false) => {
            return args.iter().for_each(|&arg| conditions(kernel, arg, holds, out));
        }
        ("bitwise_not", _) => return conditions(kernel, args[0], !holds, out),
        ("lt" | "le", _) => holds,
        ("gt" | "ge", _) => !holds,
        _ => return,
    };
    let rises = match *args.as_slice() {
        [a, b] if !varies(kernel, b, key) => slope(a).map(|slope| slope > 0),
        [a, b] if !varies(kernel, a, key) => slope(b).map(|slope| slope < 0),
        _ => None,
    };
    out.extend(rises.map(|rises| Seen { condition, holds, last: rises != small }));
}

/// Whether a value differs from place to place along an axis.
fn varies(kernel: &Kernel, value: ValId, var: &Sym) -> bool {
    let op = &kernel.inst(value).op;
    op.dims().iter().any(|d| d.mentions(var)) || op.args().iter().any(|&arg| varies(kernel, arg, var))
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
    fn masks_are_known_by_their_ends() {
        let ends = |scores: &str| {
            let source = format!(
                "fn attend<T, S, D>(q: f32[T, D], k: f32[S, D], v: f32[S, D], n: i64, on: bool[T]) -> f32[T, D] {{ \
                 let (s, i, j) = (q @ k.T, arange(T)[:, None], arange(S)); softmax({scores}, axis=-1) @ v }}"
            );
            let [one] = found(&source).try_into().expect("one attention");
            let masked = one.masked?;
            Some((masked.value.as_f64(), masked.seen.iter().map(|seen| (seen.holds, seen.last)).collect::<Vec<_>>()))
        };
        let (first, last) = ((true, false), (true, true));
        assert_eq!(ends("where(i >= j, s, -inf)"), Some((f64::NEG_INFINITY, vec![first])));
        assert_eq!(ends("where(j + 3 < i + n, s, -1e9)"), Some((-1e9, vec![first])));
        assert_eq!(ends("where(n - i <= j, s, -inf)"), Some((f64::NEG_INFINITY, vec![last])));
        assert_eq!(ends("where(i > -j, s, -inf)"), Some((f64::NEG_INFINITY, vec![last])));
        assert_eq!(ends("where(i < j, -inf, s)"), Some((f64::NEG_INFINITY, vec![(false, false)])));
        assert_eq!(ends("where((i < j) | ~(j < n), -inf, s)").map(|found| found.1), Some(vec![(false, false), first]));
        let window = "where(i >= j, where(i < j + 5, s, -inf), -inf)";
        assert_eq!(ends(window).map(|found| found.1), Some(vec![first, last]));
        assert_eq!(ends("where(on[:, None], s, -inf)").map(|found| found.1), Some(vec![first]));
        // What follows from scores, jumps from key to key, is no constant, or may come round.
        for scores in ["where(s > 0, s, -inf)", "where(i != j, s, -inf)", "where(i >= j, s, 2 * s)", "s - 1"]
            .into_iter()
            .chain(["where(i >= j + n, s, -inf)", "where((i >= j) | (j < 2), s, -inf)", "where(i >= j, s, -inf) * 2"])
        {
            assert_eq!(ends(scores), None, "{scores}");
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
