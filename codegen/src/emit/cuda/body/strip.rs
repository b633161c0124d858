//! Strips: neighbouring elements that one thread computes, with wide accesses.
//!
//! In: the body of a map or of a row's loop. Out: the same for `ND_STRIP`
//! neighbours: what is read of them and what is the same for all, then a loop
//! over them, then what is written. Always: which thread computes an element
//! follows from the extents alone, never from strides or addresses; an access is
//! wide where the memory allows it, and the values are the same where not.
//! Next: [`super::super::geometry`], which says how many neighbours there may be.

use super::super::expr::factor;
use super::super::prelude::words;
use super::super::{Deal, deal};
use super::Emit;
use crate::kernel::{Axis, InstOp, Kernel, ValId};
use crate::loops::{Loops, Stmt};
use crate::shape::{Dim, Sym};

/// Whether a thread computes several neighbouring points at a time.
pub fn stripped(loops: &Loops) -> bool {
    let kernel = &loops.kernel;
    deal(loops) == Deal::Point && kernel.red.is_empty() && !kernel.par.is_empty()
}

/// Neighbouring elements that one thread computes: what is read of them before
/// any is computed, what is written of them after all are.
pub(super) struct Strip {
    var: Sym,
    /// What is known for each element alone: axes that follow from `var`.
    others: Vec<Sym>,
    /// The values that differ from element to element.
    pub(super) varying: Vec<ValId>,
    pub(super) reads: Vec<String>,
    pub(super) writes: Vec<String>,
    /// Whether what lies beyond the end may be computed, and is then dropped:
    /// all that is read and written is so with its neighbours.
    pub(super) free: bool,
}

/// The values that differ from place to place of this axis; of a reduction there
/// is one by the time that it is read.
fn varying(kernel: &Kernel, strip: &Strip, given: Option<usize>) -> Vec<ValId> {
    let mut out: Vec<ValId> = Vec::new();
    for v in kernel.ids() {
        let op = &kernel.inst(v).op;
        let varies = match op {
            InstOp::Reduce(..) => false,
            InstOp::Load { input, .. } if Some(*input) == given => true,
            InstOp::Load { .. } | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Pick(..) => {
                op.dims().iter().any(|d| strip.moves(d)) || op.args().iter().any(|arg| out.contains(arg))
            }
            InstOp::Const(_) | InstOp::Map(..) | InstOp::Cast(_) => op.args().iter().any(|arg| out.contains(arg)),
        };
        if varies {
            out.push(v);
        }
    }
    out
}

impl Strip {
    /// A strip along this axis, from whose place those of `others` follow.
    pub(super) fn new(var: &Sym, others: &[Sym]) -> Strip {
        let (varying, reads, writes) = (Vec::new(), Vec::new(), Vec::new());
        Strip { var: var.clone(), others: others.to_vec(), varying, reads, writes, free: false }
    }

    fn moves(&self, dim: &Dim) -> bool {
        dim.mentions(&self.var) || self.others.iter().any(|var| dim.mentions(var))
    }
}

impl Emit<'_> {
    /// The loop over a row's strips that fall to this thread, or over those that
    /// it holds.
    pub(super) fn lane(&mut self, var: &Sym, from: Option<String>, extent: &str, body: &[Stmt]) {
        if self.held.is_empty() {
            let step = "ND_ROW_THREADS * (nd_int)ND_STRIP";
            let from = from.map_or(String::new(), |from| format!("{from} + "));
            let start = format!("{from}thread * (nd_int)ND_STRIP");
            self.open(format!("for (nd_int first = {start}; first < {extent}; first += {step})"));
        } else {
            if self.filled.is_none() {
                for &v in self.held {
                    self.line(format!("{} k{}[ND_ROW_ITEMS];", self.dtype(v).cuda(), v.0));
                }
                self.filled = Some(Vec::new());
            }
            self.line("#pragma unroll");
            self.open("for (int item = 0; item < ND_ROW_ITEMS; item += ND_STRIP)");
            self.line("const nd_int first = thread * (nd_int)ND_STRIP + item * (nd_int)ND_ROW_THREADS;");
            self.line(format!("if (first >= {extent}) continue;"));
        }
        self.line(format!("const nd_int count = {extent} - first;"));
        let known = self.known.len();
        self.reduced.push(var.clone());
        self.strip(Strip::new(var, &[]), body);
        self.reduced.pop();
        self.known.truncate(known);
        self.close();
    }

    /// The elements `first…` of a strip, of which there are `count`.
    pub(super) fn strip(&mut self, strip: Strip, body: &[Stmt]) {
        self.strip_with(strip, body, |_| ());
    }

    /// The same, with lines that begin each element.
    pub(super) fn strip_with(&mut self, mut strip: Strip, body: &[Stmt], begin: impl Fn(&mut Self)) {
        let before = std::mem::take(&mut self.out);
        strip.varying = varying(self.kernel(), &strip, self.given);
        let var = strip.var.clone();
        self.strip = Some(strip);
        let free = self.free();
        self.strip.iter_mut().for_each(|strip| strip.free = free);
        self.depth += 1;
        begin(self);
        self.block(body);
        self.depth -= 1;
        let elements = std::mem::replace(&mut self.out, before);
        let Some(Strip { reads, writes, free, .. }) = self.strip.take() else { return };
        reads.iter().for_each(|line| self.line(line));
        self.line("#pragma unroll");
        self.open("for (int i = 0; i < ND_STRIP; ++i)");
        if !free {
            self.line("if (i >= count) continue;");
        }
        if words(&elements).any(|word| word == &*var) {
            self.line(format!("const nd_int {var} = first + i;"));
        }
        self.out.push_str(&elements);
        self.close();
        writes.iter().for_each(|line| self.line(line));
    }

    fn free(&self) -> bool {
        let Some(strip) = &self.strip else { return false };
        let kernel = self.kernel();
        let along = |number: usize, index: &[Dim]| self.along(number, index).is_some();
        let reads = |v: &ValId| match &kernel.inst(*v).op {
            InstOp::Load { input, .. } if Some(*input) == self.given => true,
            InstOp::Load { input, index, guards, .. } => guards.is_empty() && along(*input, index),
            InstOp::Pick(..) => false,
            InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => true,
            InstOp::Map(..) | InstOp::Cast(_) | InstOp::Reduce(..) => true,
        };
        let mut stores = kernel.stores.iter().filter(|s| s.index.iter().any(|at| at.mentions(&strip.var)));
        // Along no axis of the kernel's, neighbours follow no step, or there is only one element.
        kernel.axes().any(|axis| axis.var == strip.var)
            && strip.varying.iter().all(reads)
            && stores.all(|s| along(kernel.inputs.len() + s.output, &s.index))
    }

    /// The address of an operand's element at the strip's first place, and the
    /// step from each to the next; `None` where the elements follow no step.
    pub(super) fn along(&self, number: usize, index: &[Dim]) -> Option<(String, String)> {
        let strip = self.strip.as_ref()?;
        let known = self.kernel();
        let varies = |symbol: &Sym| {
            strip.others.contains(symbol) || ValId::named(symbol).is_some_and(|v| strip.varying.contains(&v))
        };
        if index.iter().flat_map(Dim::symbols).any(|symbol| varies(&symbol)) {
            return None;
        }
        let name = &self.operands[number];
        let mut steps = Vec::new();
        for (axis, at) in index.iter().enumerate().filter(|(_, at)| at.mentions(&strip.var)) {
            let step = at.affine_in(&strip.var)?.0;
            steps.push(if step.is(1) {
                format!("{name}_s{axis}")
            } else {
                format!("{} * {name}_s{axis}", factor(&step, known))
            });
        }
        let first = |symbol: &str| (symbol == strip.var.as_ref()).then(|| Dim::sym("first"));
        let index: Vec<Dim> = index.iter().map(|at| at.substitute(known, &first)).collect();
        (!steps.is_empty()).then(|| (format!("&{}", self.element(number, &index)), steps.join(" + ")))
    }

    /// The loop over the strips of the last parallel axis that fall to this thread.
    pub(super) fn strips(&mut self, par: &[Axis]) {
        let [outer @ .., last] = par else { return };
        let axes = outer.iter().map(|a| a.extent.to_string()).chain(["strips".into()]);
        self.line(format!("const nd_int strips = ({} + ND_STRIP - 1) / ND_STRIP;", last.extent));
        self.line(format!("const nd_int points = {};", axes.collect::<Vec<_>>().join(" * ")));
        self.open(
            "for (nd_int point = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; point < points; \
             point += gridDim.x * (nd_int)ND_BLOCK)",
        );
        let strip = Axis { var: "strip".into(), extent: Dim::sym("strips") };
        self.take_apart(&[outer, &[strip]].concat(), "point", "rest");
        let strip = if outer.is_empty() { "point" } else { "strip" };
        self.line(format!("const nd_int first = {strip} * ND_STRIP;"));
        self.line(format!("const nd_int count = {} - first;", last.extent));
    }

    /// A value that is read with its neighbours in the strip.
    pub(super) fn read_along(&mut self, v: ValId) -> Option<String> {
        let InstOp::Load { input, ref index, ref guards, .. } = self.kernel().inst(v).op else { return None };
        if Some(input) == self.given {
            return Some(format!("{}.at[i]", self.operands[input]));
        }
        if let Some(element) = self.read_tile(v) {
            return Some(element);
        }
        let (from, step) = self.along(input, index).filter(|_| guards.is_empty())?;
        let name = format!("l{}", v.0);
        let line = format!("const nd_strip<{}> {name} = nd_load({from}, {step}, count);", self.dtype(v).cuda());
        self.strip.as_mut()?.reads.push(line);
        Some(format!("{name}.at[i]"))
    }
}
