//! Bugs of a fuser, planted in what it returns.
//!
//! In: a program. Out: the same program as a fuser with one bug would have made it. Always: a mutant changes every place
//! where its bug would show, and tells whether there is one.

use ndfuse_codegen::kernel::{InstOp, Kernel, ValId};
use ndfuse_codegen::ops::Literal;
use ndfuse_codegen::program::{Action, Launch, Place, Program};
use ndfuse_codegen::shape::Dim;

pub struct Mutant {
    pub name: &'static str,
    pub plant: fn(&mut Program) -> bool,
    /// The most `let`s that its least program has.
    pub lets: usize,
}

pub const MUTANTS: [Mutant; 9] = [
    Mutant { name: "the step of a slice is lost", plant: step_lost, lets: 1 },
    Mutant { name: "a transposed operand is read in C order", plant: order_lost, lets: 1 },
    Mutant { name: "a broadcast axis of an epilogue is dropped", plant: axis_dropped, lets: 2 },
    Mutant { name: "what reads a reduction is fused across it", plant: across_reduction, lets: 2 },
    Mutant { name: "padding has always zeros", plant: fill_lost, lets: 1 },
    Mutant { name: "two operands of a launch change places", plant: inputs_swapped, lets: 3 },
    Mutant { name: "a product forgets that its operand is reversed", plant: sign_lost, lets: 2 },
    Mutant { name: "a temporary is released a step early", plant: released_early, lets: 3 },
    Mutant { name: "a short reduction leaves out its last element", plant: end_lost, lets: 1 },
];

fn loads(kernel: &mut Kernel, change: &mut dyn FnMut(usize, &mut Vec<Dim>, &mut Literal) -> bool) -> bool {
    let mut any = false;
    for inst in &mut kernel.code {
        if let InstOp::Load { input, index, fill, .. } = &mut inst.op {
            any |= change(*input, index, fill);
        }
    }
    any
}

/// The loop variables of a kernel, in order.
fn loops(kernel: &Kernel) -> Vec<Dim> {
    kernel.axes().map(|a| Dim::sym(a.var.clone())).collect()
}

fn step_lost(program: &mut Program) -> bool {
    let mut any = false;
    for kernel in &mut program.kernels {
        let names: Vec<_> = kernel.axes().map(|a| a.var.clone()).collect();
        any |= loads(kernel, &mut |_, index, _| {
            let mut found = false;
            for dim in index {
                for name in &names {
                    let step = dim.affine_in(name).and_then(|(step, _)| step.as_const()).filter(|&step| step > 1);
                    *dim = dim.sub(&Dim::sym(name.clone()).scale(step.unwrap_or(1) - 1));
                    found |= step.is_some();
                }
            }
            found
        });
    }
    any
}

fn order_lost(program: &mut Program) -> bool {
    let mut any = false;
    for kernel in &mut program.kernels {
        let order = loops(kernel);
        any |= loads(kernel, &mut |_, index, _| {
            let places: Option<Vec<usize>> = index.iter().map(|d| order.iter().position(|o| o == d)).collect();
            let Some(mut places) = places else { return false };
            let turned = !places.is_sorted();
            places.sort_unstable();
            *index = places.into_iter().map(|k| order[k].clone()).collect();
            turned
        });
    }
    any
}

fn axis_dropped(program: &mut Program) -> bool {
    let epilogues: Vec<(usize, usize)> = (program.steps.iter())
        .filter_map(|s| match &s.action {
            Action::Dot(dot) => dot.epilogue.as_ref().map(|e| (e.launch.kernel, e.input)),
            Action::Launch(_) | Action::Scatter(_) => None,
        })
        .collect();
    let mut any = false;
    for (kernel, product) in epilogues {
        any |= loads(&mut program.kernels[kernel], &mut |input, index, _| {
            let last = index.iter_mut().rev().find(|d| d.as_sym().is_some()).filter(|_| input != product);
            last.map(|dim| *dim = Dim::zero()).is_some()
        });
    }
    any
}

fn across_reduction(program: &mut Program) -> bool {
    let mut any = false;
    for kernel in &mut program.kernels {
        let varies = kernel.variables();
        let reduced: Vec<_> = kernel.red.iter().map(|a| a.var.clone()).collect();
        for k in 0..kernel.code.len() {
            let inner = reduced.iter().any(|r| varies[k].contains(r));
            let InstOp::Map(op, args) = kernel.code[k].op.clone() else { continue };
            let through = |&arg: &ValId| match kernel.inst(arg).op {
                InstOp::Reduce(_, of) if inner => of,
                _ => arg,
            };
            let changed: Vec<ValId> = args.iter().map(through).collect();
            // The dtype of an index is not that of what it points at.
            let same = args.iter().zip(&changed).all(|(a, b)| kernel.inst(*a).dtype == kernel.inst(*b).dtype);
            if changed != args && same {
                kernel.code[k].op = InstOp::Map(op, changed);
                any = true;
            }
        }
    }
    any
}

fn fill_lost(program: &mut Program) -> bool {
    let mut any = false;
    for kernel in &mut program.kernels {
        any |= loads(kernel, &mut |_, _, fill| {
            let lost = matches!(fill, Literal::Float(_)) && fill.as_f64() != 0.0;
            *fill = if lost { Literal::float(0.0) } else { *fill };
            lost
        });
    }
    any
}

fn launches(program: &mut Program) -> impl Iterator<Item = &mut Launch> {
    program.steps.iter_mut().filter_map(|s| match &mut s.action {
        Action::Launch(launch) => Some(launch),
        Action::Dot(dot) => dot.epilogue.as_mut().map(|e| &mut e.launch),
        Action::Scatter(_) => None,
    })
}

fn inputs_swapped(program: &mut Program) -> bool {
    let buffers = program.buffers.clone();
    let mut any = false;
    for launch in launches(program) {
        let like = |k: usize| (buffers[k].dtype, buffers[k].shape.clone());
        let n = launch.inputs.len();
        let pair = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b)));
        let pair =
            pair.into_iter().find(|&(a, b)| like(launch.inputs[a].0 as usize) == like(launch.inputs[b].0 as usize));
        if let Some((a, b)) = pair {
            launch.inputs.swap(a, b);
            any = true;
        }
    }
    any
}

fn sign_lost(program: &mut Program) -> bool {
    let mut any = false;
    for step in &mut program.steps {
        let Action::Dot(dot) = &mut step.action else { continue };
        for axis in &mut dot.axes {
            for (side, start) in [(&mut axis.left, &mut dot.left_start), (&mut axis.right, &mut dot.right_start)] {
                if let Some((at, step)) = side.as_mut().filter(|(_, step)| *step < 0) {
                    // From the other end on.
                    start[*at] = start[*at].add(&axis.extent.sub(&Dim::one()).scale(*step));
                    *step = -*step;
                    any = true;
                }
            }
        }
    }
    any
}

fn released_early(program: &mut Program) -> bool {
    let mut any = false;
    for k in 1..program.steps.len() {
        let released = std::mem::take(&mut program.steps[k].release);
        let written = program.steps[k].action.touched();
        let temp = |id| program.buffers[id as usize].place == Place::Temp;
        any |= released.iter().any(|b| written.contains(b) && temp(b.0));
        program.steps[k - 1].release.extend(released);
    }
    any
}

fn end_lost(program: &mut Program) -> bool {
    let mut any = false;
    for axis in program.kernels.iter_mut().flat_map(|k| &mut k.red) {
        if let Some(n) = axis.extent.as_const().filter(|&n| n > 1) {
            axis.extent = Dim::from(n - 1);
            any = true;
        }
    }
    any
}
