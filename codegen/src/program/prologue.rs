//! Windows that a product reads, made where they are read.
//!
//! In: a [`Program`]. Out: where a kernel writes overlapping windows, as a
//! convolution's, for a product alone. Always: an element of the windows follows
//! from its place in the product's loops, so a product on a GPU can compute it
//! when it fetches it: the windows are never in memory (an implicit matrix
//! product; Chetlur and others, *cuDNN*, 2014, section 3.2).
//! Next: [`crate::emit`].

use super::{Action, Dot, Launch, Place, Program, Role};
use crate::kernel::{InstOp, Kernel};
use crate::shape::Dim;

/// A kernel and the product after it, as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prologue {
    /// The kernel's step; the product is the next one.
    pub step: usize,
    /// Which operand of the product the windows are.
    pub left: bool,
    /// The kernel's parallel axes that the product's matrices, the operand's own
    /// lines (rows or columns) and the terms of a sum run over.
    pub batch: Vec<usize>,
    pub lines: Vec<usize>,
    pub terms: Vec<usize>,
}

/// All of a program's.
pub fn prologues(program: &Program) -> Vec<Prologue> {
    (0..program.steps.len()).filter_map(|step| prologue(program, step)).collect()
}

fn prologue(program: &Program, step: usize) -> Option<Prologue> {
    let [first, second] = program.steps.get(step..step + 2)? else { return None };
    let (Action::Launch(launch), Action::Dot(dot)) = (&first.action, &second.action) else { return None };
    let kernel = &program.kernels[launch.kernel];
    let &[out] = launch.outputs.as_slice() else { return None };
    let left = dot.left == out;
    let epilogue = dot.epilogue.iter().any(|e| e.launch.inputs.contains(&out));
    let alone = (left != (dot.right == out)) && !epilogue && second.release.contains(&out);
    let start = if left { &dot.left_start } else { &dot.right_start };
    let fits = alone && program.buffer(out).place == Place::Temp && program.buffer(out).dtype == dot.dtype;
    if !fits || !start.iter().all(|d| d.is(0)) || !kernel.red.is_empty() || !windows(kernel) {
        return None;
    }
    let [batch, lines, terms] = [Role::Batch, if left { Role::Left } else { Role::Right }, Role::Contract]
        .map(|r| along(kernel, launch, dot, left, r));
    let found = Prologue { step, left, batch: batch?, lines: lines?, terms: terms? };
    let all = [&found.batch, &found.lines, &found.terms];
    (0..kernel.par.len()).all(|k| all.iter().any(|axes| axes.contains(&k))).then_some(found)
}

/// Whether the kernel only rearranges, and reads elements more than once.
fn windows(kernel: &Kernel) -> bool {
    let overlap = |at: &Dim| kernel.par.iter().filter(|axis| at.mentions(&axis.var)).count() > 1;
    let [store] = kernel.stores.as_slice() else { return false };
    match &kernel.inst(store.value).op {
        InstOp::Load { index, .. } => index.iter().any(overlap) && kernel.inst(store.value).op.args().is_empty(),
        InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Map(..) => false,
        InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => false,
    }
}

/// The parallel axes of the loops of this role, in the product's order.
fn along(kernel: &Kernel, launch: &Launch, dot: &Dot, left: bool, role: Role) -> Option<Vec<usize>> {
    let mut out = Vec::new();
    for axis in dot.axes.iter().filter(|axis| axis.role == role) {
        let (at, step) = if left { axis.left } else { axis.right }?;
        let var = kernel.stores[0].index[at].as_sym();
        match kernel.par.iter().position(|p| Some(&p.var) == var) {
            // Of a part of the windows the numbering would be another.
            Some(par) if step == 1 && launch.extents[par] == axis.extent => out.push(par),
            // An axis of one place takes no part in the numbering.
            None if axis.extent.is(1) => {}
            Some(_) | None => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver;

    fn found(source: &str) -> Vec<Prologue> {
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        compiled.functions.iter().filter_map(|f| f.code.as_ref()).flat_map(|code| prologues(&code.program)).collect()
    }

    #[test]
    fn windows_of_a_convolution_are_found() {
        let source = "fn f<B, C, O>(x: f32[B, C, 9, 9], w: f32[O, C, 3, 3]) -> f32[B, O, 9, 9] { \
                      conv2d(x, w, padding=\"same\") }";
        let [one] = found(source).try_into().expect("one product of windows");
        assert_eq!((one.batch.len(), one.lines.len(), one.terms.len()), (0, 3, 3));
    }

    #[test]
    fn what_only_reads_each_element_once_is_in_memory() {
        assert_eq!(found("fn f<A, B, C>(x: f32[A, B], y: f32[B, C]) -> f32[A, C] { exp(x) @ y }"), []);
        assert_eq!(found("fn f<A, B, C>(x: f32[A, B], y: f32[B, C]) -> f32[A, C] { x @ y }"), []);
    }
}
