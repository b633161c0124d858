//! A maximum and the sum of powers below it, in one pass over a row.
//!
//! In: [`Loops`]. Out: the same without the passes that only add up
//! `exp(x - max x)`, and which reductions the pass of the maximum makes together
//! then. Always: found by what is computed, whatever `x` is; where the maximum is
//! no finite number, the sum is the one that its definition has. The states of a
//! pair are joined in the order in which others are. A row that is held in
//! registers has no use for this. Next: `nd_powers` in the prelude, [`super::reduce`].
//!
//! Milakov and Gimelshein, *Online normalizer calculation for softmax*, 2018.

use super::slices::{long, pushes};
use crate::kernel::{InstOp, Kernel, ValId};
use crate::loops::{Loops, Stmt};
use crate::ops::Literal;

/// `max x` and the sum of `exp(x - shift)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pair {
    pub most: ValId,
    pub total: ValId,
    /// The maximum; or that with 0 in the place of what is no finite number.
    pub shift: ValId,
}

/// Loops with fewer passes.
#[derive(Clone, PartialEq, Debug)]
pub struct Online {
    /// Nothing is pushed into the sums of the pairs.
    pub loops: Loops,
    pub pairs: Vec<Pair>,
}

/// `None` where no pass is spared, or none is worth it.
pub fn online(loops: &Loops) -> Option<Online> {
    let kernel = &loops.kernel;
    let mut pairs: Vec<Pair> = Vec::new();
    for pair in kernel.ids().filter_map(|v| pair(kernel, v)) {
        if long(loops) && pairs.iter().all(|known| known.most != pair.most) {
            pairs.push(pair);
        }
    }
    let (mut spared, mut passed) = (Vec::new(), Vec::new());
    let body = spare(kernel, &loops.body, &pairs, &mut passed, &mut spared);
    pairs.retain(|pair| spared.contains(&pair.total));
    (!pairs.is_empty()).then(|| Online { loops: Loops { body, ..loops.clone() }, pairs })
}

/// The pair of this sum.
fn pair(kernel: &Kernel, total: ValId) -> Option<Pair> {
    let map = |v: ValId, name: &str| match &kernel.inst(v).op {
        InstOp::Map(op, args) if op.name() == name => Some(args.as_slice()),
        _ => None,
    };
    let reduced = |v: ValId, name: &str| match kernel.inst(v).op {
        InstOp::Reduce(monoid, arg) if monoid.name() == name => Some(arg),
        _ => None,
    };
    let zero = |v: ValId| matches!(kernel.inst(v).op, InstOp::Const(value) if value == Literal::float(0.0));
    let &[from] = map(reduced(total, "sum")?, "exp")? else { return None };
    let &[x, shift] = map(from, "sub")? else { return None };
    let most = match map(shift, "where") {
        Some(&[finite, most, other]) if map(finite, "isfinite") == Some(&[most]) && zero(other) => most,
        Some(_) => return None,
        None => shift,
    };
    (reduced(most, "max") == Some(x)).then_some(Pair { most, total, shift })
}

/// The statements without the passes whose every reduction is the sum of a pair
/// with its maximum in a pass before.
fn spare(
    kernel: &Kernel,
    body: &[Stmt],
    pairs: &[Pair],
    passed: &mut Vec<ValId>,
    spared: &mut Vec<ValId>,
) -> Vec<Stmt> {
    let mut out = Vec::new();
    for stmt in body {
        let Stmt::Loop { kind, var, body } = stmt else {
            out.push(stmt.clone());
            continue;
        };
        if kernel.par.iter().any(|axis| axis.var == *var) {
            let body = spare(kernel, body, pairs, passed, spared);
            out.push(Stmt::Loop { kind: *kind, var: var.clone(), body });
            continue;
        }
        let sums = pushes(body);
        let known = |v: &ValId| pairs.iter().any(|pair| pair.total == *v && passed.contains(&pair.most));
        if !sums.is_empty() && sums.iter().all(known) && !stores(body) {
            spared.extend(sums);
        } else {
            passed.extend(sums);
            out.push(stmt.clone());
        }
    }
    out
}

fn stores(body: &[Stmt]) -> bool {
    body.iter().any(|stmt| match stmt {
        Stmt::Loop { body, .. } => stores(body),
        Stmt::Store(_) => true,
        Stmt::Eval(_) | Stmt::Recall(_) | Stmt::Keep(_) => false,
        Stmt::Start(_) | Stmt::Push(_) | Stmt::Finish(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::super::slices::cut;
    use super::*;
    use crate::driver;

    /// The pairs of each kernel, and its passes: those that reduce, and whether one follows.
    fn found(source: &str) -> Vec<(usize, Option<(usize, bool)>)> {
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        let loops = compiled.functions.into_iter().filter_map(|f| f.code).flat_map(|code| code.loops);
        let pairs = |loops: &Loops| online(loops).map_or(0, |online| online.pairs.len());
        loops.map(|loops| (pairs(&loops), cut(&loops).map(|cut| (cut.passes, cut.again)))).collect()
    }

    #[test]
    fn statistics_of_a_softmax_are_one_pass() {
        for (result, value, again) in [
            ("f32[N, M]", "softmax(x)", true),
            ("f32[N, M]", "log_softmax(tanh(x) * 3)", true),
            ("f32[N, M]", "softmax(x, axis=0)", true),
            ("f32[N]", "logsumexp(x, axis=-1)", false),
            (
                "f32[N, M]",
                "{ let e = exp(x - x.max(axis=1, keepdims=true)); e / (e.sum(axis=1, keepdims=true) + 1) }",
                true,
            ),
        ] {
            let source = format!("fn f<N, M>(x: f32[N, M]) -> {result} {{ {value} }}");
            assert_eq!(found(&source), [(1, Some((1, again)))], "{value}");
        }
        let source = "fn f<N, M>(x: f16[N, M], y: i64[N]) -> f16[N] { cross_entropy(x, y) }";
        assert_eq!(found(source), [(1, Some((1, false)))]);
    }

    #[test]
    fn other_sums_have_a_pass_of_their_own() {
        for (value, passes) in [
            ("{ let e = exp(x - x.max(axis=1, keepdims=true)); e / (e * e).sum(axis=1, keepdims=true) }", 2),
            ("{ let e = exp(x - x.min(axis=1, keepdims=true)); e / e.sum(axis=1, keepdims=true) }", 2),
            ("{ let e = exp(2 * x - x.max(axis=1, keepdims=true)); e / e.sum(axis=1, keepdims=true) }", 2),
            (
                "{ let e = exp(x - x.max(axis=1, keepdims=true)); e / (e.sum(axis=1, keepdims=true) + (e * x).sum(axis=1, keepdims=true)) }",
                2,
            ),
        ] {
            let source = format!("fn f<N, M>(x: f32[N, M]) -> f32[N, M] {{ {value} }}");
            assert_eq!(found(&source), [(0, Some((passes, true)))], "{value}");
        }
        assert_eq!(found("fn f<N>(x: f32[N, 5]) -> f32[N, 5] { softmax(x) }"), [(0, None)], "a short row");
    }
}
