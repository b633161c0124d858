//! Products whose results the next kernel reads near where it writes.
//!
//! In: a [`Program`]. Out: where the epilogue of a product writes a temporary
//! that the next step alone reads, around places that are steps along its own,
//! as a depthwise convolution reads its image. Always: a part of the kernel
//! needs a known part of the temporary, little more than its share, so both may
//! go band by band: a band stays in a core's cache, and what two bands need is
//! computed for each. Next: [`crate::emit`].

use super::{Action, BufId, Epilogue, Launch, Place, Program};
use crate::kernel::{InstOp, Kernel};
use crate::shape::{Dim, SizesOnly, Sym};

/// A product with an epilogue, and the kernel after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Band {
    /// The product's step; the kernel is the next one.
    pub step: usize,
    /// The temporary between them.
    pub of: BufId,
    /// The axes that may be cut, the outermost in memory first.
    pub axes: Vec<Near>,
}

/// Place `i` of a parallel axis of the kernel needs the places of an axis of the
/// temporary from `step * i + low` to `step * i + high`, as far as there are any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Near {
    pub par: usize,
    /// The extent of that axis.
    pub extent: Dim,
    pub of: usize,
    pub step: i64,
    pub low: Dim,
    pub high: Dim,
}

/// All of a program's.
pub fn bands(program: &Program) -> Vec<Band> {
    if program.whole {
        return Vec::new();
    }
    (0..program.steps.len()).filter_map(|step| band(program, step)).collect()
}

fn band(program: &Program, step: usize) -> Option<Band> {
    let [first, second] = program.steps.get(step..step + 2)? else { return None };
    let (Action::Dot(dot), Action::Launch(launch)) = (&first.action, &second.action) else { return None };
    let epilogue = dot.epilogue.as_ref()?;
    let &[of] = epilogue.launch.outputs.as_slice() else { return None };
    let buffer = program.buffer(of);
    let viewed = program.buffers.iter().any(|other| other.place == Place::View(of));
    if buffer.place != Place::Temp || viewed || !second.release.contains(&of) {
        return None;
    }
    let kernel = &program.kernels[launch.kernel];
    let index = read_at(kernel, launch.inputs.iter().position(|&id| id == of)?)?;
    // A part of the innermost axis would be short rows.
    let (_, outer) = buffer.order.split_last()?;
    let made = |k: usize| is_made_along(program, epilogue, k);
    let axes: Vec<Near> = outer.iter().filter(|&&k| made(k)).filter_map(|&k| near(kernel, launch, index, k)).collect();
    // Where no two places need the same one, tiles do.
    axes.iter().any(|near| near.low != near.high).then_some(Band { step, of, axes })
}

/// Where a kernel reads an input, if that is one place.
fn read_at(kernel: &Kernel, number: usize) -> Option<&[Dim]> {
    let mut at = kernel.code.iter().filter_map(|inst| match &inst.op {
        InstOp::Load { input, index, .. } => (*input == number).then_some(index.as_slice()),
        InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Map(..) => None,
        InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
    });
    at.next().filter(|_| at.next().is_none())
}

/// Whether an axis of the epilogue's output is one of the product's.
fn is_made_along(program: &Program, epilogue: &Epilogue, k: usize) -> bool {
    let kernel = &program.kernels[epilogue.launch.kernel];
    let [store] = kernel.stores.as_slice() else { return false };
    let par = store.index[k].as_sym().and_then(|var| kernel.par.iter().position(|axis| axis.var == *var));
    par.is_some_and(|par| epilogue.axes.contains(&Some(par)))
}

/// What a part of a parallel axis needs of an axis of what is read.
fn near(kernel: &Kernel, launch: &Launch, index: &[Dim], of: usize) -> Option<Near> {
    let mut along = kernel.par.iter().enumerate().filter(|(_, axis)| index[of].mentions(&axis.var));
    let (par, axis) = along.next().filter(|_| along.next().is_none())?;
    if index.iter().filter(|at| at.mentions(&axis.var)).count() > 1 {
        return None;
    }
    let (step, mut rest) = index[of].affine_in(&axis.var)?;
    let step = step.as_const().filter(|step| *step > 0)?;
    let (mut low, mut high) = (0, 0);
    for axis in &kernel.red {
        let (by, without) = rest.affine_in(&axis.var)?;
        rest = without;
        if !by.is(0) {
            let far = by.as_const()? * (axis.extent.as_const()? - 1);
            (low, high) = (low + far.min(0), high + far.max(0));
        }
    }
    let size = |name: &str| kernel.sizes.iter().position(|s| &**s == name).map(|k| launch.sizes[k].clone());
    let known = |name: &Sym| size(name).is_some();
    let rest = rest.symbols().iter().all(known).then(|| rest.substitute(&SizesOnly, &size))?;
    let [low, high] = [low, high].map(|far| rest.add(&Dim::from(far)));
    Some(Near { par, extent: launch.extents[par].clone(), of, step, low, high })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver;

    fn found(size: usize, body: &str) -> Vec<Band> {
        let source = format!(
            "fn f<B, C, E>(x: f32[B, C, 40, 40], w: f32[E, C, 1, 1], d: f32[E, 1, 3, 3]) \
             -> f32[B, E, {size}, {size}] {{ {body} }}"
        );
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        assert!(compiled.diagnostics.is_empty(), "{:?}", compiled.diagnostics);
        compiled.functions.iter().filter_map(|f| f.code.as_ref()).flat_map(|code| bands(&code.program)).collect()
    }

    #[test]
    fn a_depthwise_convolution_reads_near_where_it_writes() {
        for (stride, low, high) in [(1, -1, 1), (2, 0, 2)] {
            let body = format!("conv2d(relu(conv2d(x, w)), d, stride={stride}, padding=\"same\", groups=E)");
            let [band] = found(40 / stride as usize, &body).try_into().expect("one band");
            let near: Vec<_> =
                band.axes.iter().map(|near| (near.of, near.step, near.low.clone(), near.high.clone())).collect();
            let window = |of| (of, stride, Dim::from(low), Dim::from(high));
            assert_eq!(near, [(0, 1, Dim::zero(), Dim::zero()), window(2), window(3)]);
        }
    }

    #[test]
    fn what_two_steps_read_or_is_read_once_each_is_none() {
        assert_eq!(found(40, "let y = relu(conv2d(x, w)); y + conv2d(y, d, padding=\"same\", groups=E)"), []);
        assert_eq!(found(40, "let y = relu(conv2d(x, w)); y / y.sum(axis=1, keepdims=true)"), []);
    }
}
