//! Slices: a row or column that several blocks share, over several launches.
//!
//! In: the streamed body of a kernel that reduces. Out: the same, whose one text
//! makes a single launch, or with `ND_PHASE` one of several: phase `k` makes the
//! pass `k` over a slice, leaves what it came to in `parts` and combines there
//! what the passes before it left; the last phase writes. Always: slices are
//! combined by the threads as elements are, in an order that follows from their
//! number alone. Next: `device/geometry.rs` of the runtime, which says how many
//! slices there are.

use super::super::{Deal, deal};
use super::Emit;
use super::online::online;
use crate::kernel::{InstOp, Kernel, ValId};
use crate::loops::{LoopKind, Loops, Stmt};
use crate::shape::Sym;

/// What it takes to cut the rows or columns of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cut {
    /// The passes that reduce, each of them a launch; one more follows.
    pub passes: usize,
    /// How many numbers, or other states, each slice of a point leaves.
    pub states: usize,
    /// Whether the last launch passes over the elements, too.
    pub again: bool,
}

/// `None` for a kernel without a reduced axis that may be long.
pub fn cut(loops: &Loops) -> Option<Cut> {
    let kernel = &loops.kernel;
    let states = states(kernel).count();
    if !long(loops) || states == 0 {
        return None;
    }
    let online = online(loops);
    let body = online.as_ref().map_or(&loops.body, |online| &online.loops.body);
    Some(Cut { states, ..passes(kernel, body) })
}

/// The passes of a body.
pub fn passes(kernel: &Kernel, body: &[Stmt]) -> Cut {
    let mut cut = Cut { passes: 0, states: states(kernel).count(), again: false };
    each_pass(kernel, body, &mut |body| match pushes(body).is_empty() {
        true => cut.again = true,
        false => cut.passes += 1,
    });
    cut
}

/// Whether threads share a reduced axis that may be long.
pub(super) fn long(loops: &Loops) -> bool {
    deal(loops) != Deal::Point && loops.kernel.red.iter().any(|axis| axis.extent.as_const().is_none())
}

/// The reductions, each of which has a state.
pub fn states(kernel: &Kernel) -> impl Iterator<Item = ValId> {
    kernel.ids().filter(|v| matches!(kernel.inst(*v).op, InstOp::Reduce(..)))
}

/// The outermost loops over reduced axes.
fn each_pass(kernel: &Kernel, body: &[Stmt], seen: &mut impl FnMut(&[Stmt])) {
    for stmt in body {
        match stmt {
            Stmt::Loop { var, body, .. } if kernel.par.iter().any(|a| a.var == *var) => each_pass(kernel, body, seen),
            Stmt::Loop { body, .. } => seen(body),
            Stmt::Eval(_) | Stmt::Recall(_) | Stmt::Keep(_) | Stmt::Store(_) => {}
            Stmt::Start(_) | Stmt::Push(_) | Stmt::Finish(_) => {}
        }
    }
}

/// What is reduced in these loops.
pub(super) fn pushes(body: &[Stmt]) -> Vec<ValId> {
    let of = |stmt: &Stmt| match stmt {
        Stmt::Loop { body, .. } => pushes(body),
        Stmt::Push(v) => vec![*v],
        Stmt::Eval(_) | Stmt::Recall(_) | Stmt::Keep(_) | Stmt::Store(_) => Vec::new(),
        Stmt::Start(_) | Stmt::Finish(_) => Vec::new(),
    };
    body.iter().flat_map(of).collect()
}

/// Where a body is in its passes.
pub(super) struct Slices {
    cut: Cut,
    /// The passes before this place.
    passed: usize,
    /// What this pass reduces, and what of it has no value yet.
    reduced: Vec<ValId>,
    open: usize,
}

impl Slices {
    pub(super) fn new(cut: Cut) -> Slices {
        Slices { cut, passed: 0, reduced: Vec::new(), open: 0 }
    }

    /// Whether more than one slice comes to the kernel's end.
    pub(super) fn end_together(&self) -> bool {
        self.cut.again
    }
}

impl Emit<'_> {
    /// The slice of this block, and its part of each reduced axis.
    pub(super) fn slice(&mut self) {
        let Some(Slices { cut, .. }) = self.slices else { return };
        let slices = match cut.again {
            true => "ND_SLICES".to_string(),
            false => format!("ND_PHASE < {} ? ND_SLICES : 1", cut.passes),
        };
        self.line(format!("const int slices = {slices}, slice = blockIdx.x % slices;"));
        let all = if self.kernel().par.is_empty() { "" } else { ", blocks = gridDim.x / slices" };
        self.line(format!("const nd_int block = blockIdx.x / slices{all};"));
        let red = &self.loops.kernel.red;
        for (number, axis) in red.iter().enumerate().filter(|(_, axis)| axis.extent.as_const().is_none()) {
            let extent = &axis.extent;
            self.line(format!("const nd_range c{number} = nd_slice<ND_CUT == {number}>({extent}, slice);"));
        }
    }

    /// The number of a block among those of its slice, and how many these are.
    pub(super) fn blocks(&self) -> (&'static str, &'static str) {
        if self.slices.is_some() { ("block", "blocks") } else { ("blockIdx.x", "gridDim.x") }
    }

    /// Where a reduced loop begins, unless at 0, and ends.
    pub(super) fn bounds(&self, var: &Sym) -> (Option<String>, String) {
        let number = self.kernel().red.iter().position(|axis| axis.var == *var);
        match (number, &self.slices) {
            (Some(k), Some(_)) if self.kernel().red[k].extent.as_const().is_none() => {
                (Some(format!("c{k}.from")), format!("c{k}.to"))
            }
            _ => (None, self.extent(var)),
        }
    }

    /// A loop over the reduced axes, or what the slices came to in it.
    pub(super) fn pass(&mut self, kind: LoopKind, var: &Sym, body: &[Stmt]) {
        let reduced = pushes(body);
        let number = match &mut self.slices {
            Some(slices) if !reduced.is_empty() => {
                (slices.reduced, slices.open) = (reduced.clone(), reduced.len());
                slices.passed += 1;
                slices.passed - 1
            }
            Some(_) | None => return self.enter(kind, var, body),
        };
        let team = if self.deal == Deal::Row { "ND_ROW_THREADS" } else { "ND_COLUMN_THREADS" };
        self.open(format!("if (ND_PHASE > {number})"));
        self.open(format!("for (int part = thread; part < ND_SLICES; part += {team})"));
        for v in reduced {
            let a = format!("a{}", v.0);
            let merged = self.merged(v, &a, &self.left(v, "part"));
            self.line(format!("{a} = {merged};"));
        }
        self.close();
        self.depth -= 1;
        self.open("} else");
        self.enter(kind, var, body);
        self.close();
    }

    /// After the last reduction of a pass: a launch that is for this pass ends here.
    pub(super) fn finished(&mut self) {
        let Some(slices) = &mut self.slices else { return };
        slices.open -= 1;
        if slices.open > 0 {
            return;
        }
        let (reduced, number) = (std::mem::take(&mut slices.reduced), slices.passed - 1);
        self.open(format!("if (ND_PHASE == {number})"));
        let alone = match self.deal {
            Deal::Column => format!("thread == 0 && column < {}", self.flat().1),
            Deal::Point | Deal::Row => "thread == 0".to_string(),
        };
        for v in reduced {
            for (part, of) in self.parts(v, "slice") {
                self.line(format!("if ({alone}) {part} = a{}{of};", v.0));
            }
        }
        let leave = if self.kernel().par.is_empty() { "return;" } else { "continue;" };
        self.line(leave);
        self.close();
    }

    /// Where a slice of this point leaves what it came to in a reduction, and which
    /// of its members; a pair has the places of both.
    fn parts(&self, v: ValId, slice: &str) -> Vec<(String, &'static str)> {
        let dtype = self.dtype(v).cuda();
        match self.pairs.iter().find(|pair| pair.most == v) {
            None => vec![(self.part(v, slice, &self.state_type(v)), "")],
            Some(pair) => vec![
                (self.part(v, slice, dtype), ".most"),
                (self.part(pair.total, slice, &format!("nd_sum<{dtype}>")), ".sum"),
            ],
        }
    }

    /// What a slice has left there, as a state.
    fn left(&self, v: ValId, slice: &str) -> String {
        let parts: Vec<String> = self.parts(v, slice).into_iter().map(|(part, _)| part).collect();
        match parts.as_slice() {
            [one] => one.clone(),
            several => format!("nd_powers_of({})", several.join(", ")),
        }
    }

    fn part(&self, v: ValId, slice: &str, ty: &str) -> String {
        let slice = match states(self.kernel()).position(|state| state == v) {
            None | Some(0) => slice.to_string(),
            Some(1) => format!("(ND_SLICES + {slice})"),
            Some(number) => format!("({number} * ND_SLICES + {slice})"),
        };
        let (flat, count) = self.flat();
        let at = if self.kernel().par.is_empty() { slice } else { format!("{slice} * {count} + {flat}") };
        format!("nd_part<{ty}>(parts, {at})")
    }
}
