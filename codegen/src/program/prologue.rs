//! Windows that a product reads, made where they are read.
//!
//! In: a [`Program`]. Out: where a kernel writes overlapping windows, as a
//! convolution's, for a product alone. Always: an element of the windows follows
//! from its place in the product's loops, so a product on a GPU can compute it
//! when it fetches it: the windows are never in memory (an implicit matrix
//! product; Chetlur and others, *cuDNN*, 2014, section 3.2). A product on the
//! host reads them where they are, if they are steps through an array.
//! Next: [`crate::emit`].

use super::{Action, BufId, Dot, DotAxis, Launch, Place, Program, Role};
use crate::kernel::{Guard, InstOp, Kernel};
use crate::ops::Literal;
use crate::shape::{Dim, SizesOnly, Sym};

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
    /// Where the windows are, if that is all there is to them.
    pub around: Option<Around>,
}

/// Steps through an array, outside of which there are zeros.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Around {
    pub of: BufId,
    /// For each axis of the array where the product's first element is, and the
    /// step to the next one along each of the product's loops.
    pub axes: Vec<(Dim, Vec<i64>)>,
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
    let around = around(program, kernel, launch, dot, left);
    let found = Prologue { step, left, batch: batch?, lines: lines?, terms: terms?, around };
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

/// The element that the kernel loads, as a function of the product's loops.
fn around(program: &Program, kernel: &Kernel, launch: &Launch, dot: &Dot, left: bool) -> Option<Around> {
    let value = kernel.inst(kernel.stores[0].value);
    let InstOp::Load { input, index, guards, fill } = &value.op else { return None };
    let of = launch.inputs[*input];
    let size = |name: &str| kernel.sizes.iter().position(|s| &**s == name).map(|k| launch.sizes[k].clone());
    let named = |d: &Dim| d.substitute(&SizesOnly, &size);
    // A guard that says no more than that the element lies in the array.
    let within = |Guard { index: d, extent }: &Guard| {
        index.iter().zip(&program.buffer(of).shape).any(|(at, size)| at == d && named(extent) == *size)
    };
    let zero = matches!(fill, Literal::Int(0) | Literal::Float(0));
    if value.dtype != program.buffer(of).dtype || !guards.iter().all(within) || !(zero || guards.is_empty()) {
        return None;
    }
    let vars: Vec<Option<&Sym>> = dot.axes.iter().map(|axis| var(kernel, axis, left)).collect();
    let mut axes = Vec::new();
    for at in index {
        let (mut rest, mut steps) = (at.clone(), Vec::new());
        for var in &vars {
            let (step, without) = var.map_or(Some((Dim::zero(), rest.clone())), |var| rest.affine_in(var))?;
            steps.push(step.as_const()?);
            rest = without;
        }
        if rest.symbols().iter().any(|name| size(name).is_none()) {
            return None;
        }
        axes.push((named(&rest), steps));
    }
    Some(Around { of, axes })
}

/// The kernel's parallel axis that a loop of the product goes along.
fn var<'k>(kernel: &'k Kernel, axis: &DotAxis, left: bool) -> Option<&'k Sym> {
    let (at, _) = if left { axis.left } else { axis.right }?;
    let name = kernel.stores[0].index[at].as_sym()?;
    kernel.par.iter().map(|par| &par.var).find(|var| *var == name)
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
        let around = one.around.expect("steps through the image");
        // Of the product's loops over images, rows, columns, the channels of either side, and the window.
        let steps = [[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0, 1]];
        let starts = [0, 0, -1, -1].map(Dim::from);
        let wanted: Vec<_> = starts.into_iter().zip(steps.map(Vec::from)).collect();
        assert_eq!(around.axes, wanted);
    }

    #[test]
    fn windows_of_what_is_padded_with_ones_are_no_steps_through_an_array() {
        let source = "fn f<B, C, O>(x: f32[B, C, 9, 9], w: f32[O, C, 3, 3]) -> f32[B, O, 9, 9] { \
                      conv2d(pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), value=1), w) }";
        let [one] = found(source).try_into().expect("one product of windows");
        assert_eq!(one.around, None);
    }

    #[test]
    fn what_only_reads_each_element_once_is_in_memory() {
        assert_eq!(found("fn f<A, B, C>(x: f32[A, B], y: f32[B, C]) -> f32[A, C] { exp(x) @ y }"), []);
        assert_eq!(found("fn f<A, B, C>(x: f32[A, B], y: f32[B, C]) -> f32[A, C] { x @ y }"), []);
    }
}
