//! A step as a nest of loops over buffers.
//!
//! In: a step. Out: its loops, and for each buffer that it touches which loop is
//! the coordinate of which axis. Always: a loop that may be cut says how; one
//! that is not known to be cuttable is [`Cut::Never`]. Next: [`super`].

use crate::kernel::access::{accesses, is_bare};
use crate::kernel::{InstOp, Kernel};
use crate::ops::Monoid;
use crate::program::{Action, BufId, Dot, Launch, Program, Role};
use crate::shape::Dim;

/// What a part of a loop makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// A part of every output.
    Part,
    /// A summand of every output.
    Summand,
    /// Nothing of use.
    Never,
}

#[derive(Debug)]
pub struct Loop {
    pub extent: Dim,
    pub cut: Cut,
}

/// For each axis of a buffer the loop that is its coordinate; `None` for any
/// other index.
#[derive(Debug)]
pub struct Access {
    pub buffer: BufId,
    pub axes: Vec<Option<usize>>,
}

#[derive(Debug)]
pub struct Nest {
    /// A launch's parallel axes, then its reduced ones; the axes of a product.
    pub loops: Vec<Loop>,
    pub reads: Vec<Access>,
    pub writes: Vec<Access>,
}

impl Nest {
    /// The nest of a step, if it is one.
    pub fn of(program: &Program, action: &Action) -> Option<Nest> {
        match action {
            Action::Launch(launch) => Some(of_launch(program, launch)),
            Action::Dot(dot) => Some(of_dot(program, dot)),
            Action::Scatter(_) => None,
        }
    }

    pub fn accesses(&self) -> impl Iterator<Item = &Access> {
        self.reads.iter().chain(&self.writes)
    }
}

fn of_launch(program: &Program, launch: &Launch) -> Nest {
    let kernel = &program.kernels[launch.kernel];
    let accesses = accesses(kernel);
    let pars = kernel.par.len();
    let sums = is_sum(kernel);
    let cut = |k: usize| match k < pars {
        true => Cut::Part,
        // A constant extent stands in the kernel's text.
        false if sums && kernel.red[k - pars].extent.as_const().is_none() && is_bare(kernel, &accesses, k) => {
            Cut::Summand
        }
        false => Cut::Never,
    };
    let of = |(k, extent): (usize, &Dim)| Loop { extent: extent.clone(), cut: cut(k) };
    let loops = launch.extents.iter().enumerate().map(of).collect();
    let mut all = launch.inputs.iter().chain(&launch.outputs).zip(accesses);
    let access = |(&buffer, axes): (&BufId, _)| Access { buffer, axes };
    let reads = all.by_ref().take(launch.inputs.len()).map(access).collect();
    Nest { loops, reads, writes: all.map(access).collect() }
}

/// Whether a kernel stores nothing but sums of floats, none made from another.
fn is_sum(kernel: &Kernel) -> bool {
    let sum = Monoid::named("sum");
    let stored = kernel.stores.iter().all(|s| matches!(kernel.inst(s.value).op, InstOp::Reduce(..)));
    let single = kernel.depths().iter().all(|&depth| depth <= 1);
    let sums = kernel.code.iter().all(|inst| match inst.op {
        InstOp::Reduce(monoid, _) => monoid == sum && inst.dtype.is_float(),
        InstOp::Load { .. }
        | InstOp::Const(_)
        | InstOp::Index(_)
        | InstOp::Inside(_)
        | InstOp::Map(..)
        | InstOp::Cast(_)
        | InstOp::Pick(..) => true,
    });
    stored && single && sums
}

fn of_dot(program: &Program, dot: &Dot) -> Nest {
    let operand = |buffer: BufId, start: &[Dim], of: &dyn Fn(usize) -> Option<(usize, i64)>| {
        let shape = &program.buffer(buffer).shape;
        let axis = |k: usize| {
            let mut at = (0..dot.axes.len()).filter_map(|l| of(l).filter(|at| at.0 == k).map(|at| (l, at.1)));
            let (l, step) = at.next().filter(|_| at.next().is_none())?;
            (step == 1 && start[k].is(0) && dot.axes[l].extent == shape[k]).then_some(l)
        };
        Access { buffer, axes: (0..shape.len()).map(axis).collect() }
    };
    let mut reads = vec![
        operand(dot.left, &dot.left_start, &|l| dot.axes[l].left),
        operand(dot.right, &dot.right_start, &|l| dot.axes[l].right),
    ];
    let of_axis = |k: usize| dot.axes.iter().position(|a| a.out == Some(k));
    let rank = program.buffer(dot.out).shape.len();
    let Some(epilogue) = &dot.epilogue else {
        // Sums of several parts are not rounded in between.
        let sums = !dot.dtype.is_stored_only();
        let cut = |role: Role| match role {
            Role::Contract if sums => Cut::Summand,
            Role::Contract => Cut::Never,
            Role::Batch | Role::Left | Role::Right => Cut::Part,
        };
        let loops = dot.axes.iter().map(|a| Loop { extent: a.extent.clone(), cut: cut(a.role) }).collect();
        let writes = vec![Access { buffer: dot.out, axes: (0..rank).map(of_axis).collect() }];
        return Nest { loops, reads, writes };
    };
    // Through the axes of the product to the loops that make it.
    let inner = of_launch(program, &epilogue.launch);
    let through = |access: &Access| {
        let of_par = |p: usize| epilogue.axes.iter().position(|a| *a == Some(p)).and_then(of_axis);
        Access { buffer: access.buffer, axes: access.axes.iter().map(|a| a.and_then(of_par)).collect() }
    };
    let follows = |out: Option<usize>| out.is_some_and(|k| epilogue.axes[k].is_some());
    let cut = |out: Option<usize>| if follows(out) { Cut::Part } else { Cut::Never };
    let loops = dot.axes.iter().map(|a| Loop { extent: a.extent.clone(), cut: cut(a.out) }).collect();
    reads.extend(inner.reads.iter().filter(|a| a.buffer != dot.out).map(through));
    Nest { loops, reads, writes: inner.writes.iter().map(through).collect() }
}
