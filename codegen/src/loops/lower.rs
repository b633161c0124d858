//! From a kernel to its loops.
//!
//! In: a verified kernel. Out: its loop nest in one of the two forms. Always:
//! a value is computed in the outermost loop that has all it varies over; a
//! value that two passes need is computed again in the second, unless it is
//! costly: then it is kept, in the row of a result that is written later, or in
//! a row buffer.

use super::{Form, Kept, LoopKind, Loops, Stmt};
use crate::kernel::access::{accesses, is_bare};
use crate::kernel::{Axis, Inst, InstOp, Kernel, Operand, Store, ValId};
use crate::shape::{Dim, Sym};

/// From this cost on a value is kept between two passes.
const KEEP: u32 = 8;
/// A kernel of more instructions has one form.
const ACROSS: usize = 48;
/// A map that computes more an element has one form: what a row costs is little beside it.
const TURNED: u32 = 16;
/// So many rows are worth a lane; the runtime has the same number.
const MANY: i64 = 16;
/// A map's rows of so few elements cost more by themselves than it does to go to each element; of those that are read in
/// parts so many.
const FEW: i64 = 8;
const MOST: i64 = 24;
/// No kernel keeps more row buffers than this.
const ROWS: usize = 4;
/// The elements of a cache line, or so.
const LINE: u64 = 16;
/// Reduced axes of constant extents are written out up to this many points.
const WRITTEN_OUT: i64 = 64;

/// Lowers a kernel.
pub fn lower(kernel: &Kernel) -> Loops {
    let form = form(kernel);
    let lane = match form {
        Form::Row => kernel.red.last(),
        Form::Column => kernel.par.last(),
        Form::Scalar => None,
    };
    lowered(kernel, form, lane)
}

/// The second form of a kernel, with its lane along another axis, for rows that turn out to be short, or to lie across memory. A
/// long kernel has none, for it is twice as much to compile.
///
/// Of a kernel in the row form it is the column form, but for rows that one axis is cut into, which are neither. Of a map it is
/// the one whose lane is the last axis but one, around the loop over the last; a map whose operands all have these two axes behind
/// one another has none, for they run as one.
pub fn across(kernel: &Kernel) -> Option<Loops> {
    match form(kernel) {
        Form::Row => {
            let row = kernel.par.last()?;
            let possible = kernel.code.len() <= ACROSS && innermost(kernel).any(|d| !leaps(d, &row.var));
            possible.then(|| lowered(kernel, Form::Column, Some(row)))
        }
        Form::Column => {
            let [.., lane, last] = &kernel.par[..] else { return None };
            let known = |axis: &Axis, fits: fn(i64) -> bool| axis.extent.as_const().is_none_or(fits);
            let tall = known(lane, |rows| rows >= MANY) && known(last, |few| few <= MOST);
            let possible = kernel.red.is_empty() && kernel.cost() <= TURNED && tall && !is_one(kernel);
            possible.then(|| lowered(kernel, Form::Column, Some(lane)))
        }
        Form::Scalar => None,
    }
}

/// Of a map with two forms: up to how many elements of the last axis the second is the faster one. A row that is read in parts,
/// for a condition holds along it here and there, is copied and costs more by itself.
pub fn few(kernel: &Kernel) -> i64 {
    let in_parts = |inst: &Inst| match &inst.op {
        InstOp::Load { guards, .. } => {
            guards.iter().any(|g| kernel.par.last().is_some_and(|a| g.index.mentions(&a.var)))
        }
        InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => false,
        InstOp::Map(..) | InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => false,
    };
    if kernel.code.iter().any(in_parts) { MOST } else { FEW }
}

/// Whether all operands have the last two axes behind one another.
fn is_one(kernel: &Kernel) -> bool {
    let (all, n) = (accesses(kernel), kernel.par.len());
    let behind = |(operand, axes): (&Operand, &Vec<Option<usize>>)| {
        let inner = operand.order.iter().rev().map(|&axis| axes[axis]);
        inner.take(2).eq([Some(n - 1), Some(n - 2)])
    };
    [n - 2, n - 1].iter().all(|&k| is_bare(kernel, &all, k)) && kernel.operands().zip(&all).all(behind)
}

fn lowered(kernel: &Kernel, form: Form, lane: Option<&Axis>) -> Loops {
    let lane = lane.map(|axis| axis.var.clone());
    let mut nest =
        Nest { kernel, form, lane: lane.clone(), vars: kernel.variables(), depths: kernel.depths(), kept: Vec::new() };
    if form == Form::Row {
        nest.kept = nest.choose_kept();
    }
    let body = nest.body();
    Loops { kernel: kernel.clone(), form, lane, kept: nest.kept, body }
}

/// The form whose lane runs along memory in more of the loads inside the loops
/// over the reduced axes.
fn form(kernel: &Kernel) -> Form {
    match (kernel.par.last(), kernel.red.last()) {
        (None, None) => Form::Scalar,
        (Some(_), None) => Form::Column,
        (None, Some(_)) => Form::Row,
        (Some(_), Some(_)) if points(kernel).is_some_and(|n| n <= WRITTEN_OUT) => Form::Column,
        (Some(par), Some(red)) => {
            let along = |var: &Sym| innermost(kernel).filter(|d| d.mentions(var) && !leaps(d, var)).count();
            let (column, row) = (along(&par.var), along(&red.var));
            if column > 0 && column >= row { Form::Column } else { Form::Row }
        }
    }
}

/// Whether neighbours along a loop are a cache line or more apart.
fn leaps(dim: &Dim, var: &Sym) -> bool {
    let step = dim.affine_in(var).map(|(step, _)| step);
    step.is_some_and(|step| step.as_const().is_none_or(|step| step.unsigned_abs() >= LINE))
}

/// How many points the reduced axes have, if that is a constant.
fn points(kernel: &Kernel) -> Option<i64> {
    kernel.red.iter().map(|a| a.extent.as_const()).try_fold(1i64, |n, e| Some(n.saturating_mul(e?)))
}

/// For each load that varies over a reduced axis, its coordinate that is
/// innermost in memory.
fn innermost(kernel: &Kernel) -> impl Iterator<Item = &Dim> {
    let reduced = |vars: Vec<Sym>| kernel.red.iter().any(|a| vars.contains(&a.var));
    let loads = kernel.code.iter().zip(kernel.variables());
    loads.filter_map(move |(inst, vars)| match &inst.op {
        InstOp::Load { .. } if !reduced(vars) => None,
        InstOp::Load { input, index, .. } => {
            let order = &kernel.inputs[*input].order;
            order.iter().rev().map(|&axis| &index[axis]).find(|dim| dim.as_const().is_none())
        }
        InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) => None,
        InstOp::Map(..) | InstOp::Cast(_) | InstOp::Pick(..) | InstOp::Reduce(..) => None,
    })
}

/// What one pass over the reduced axes does.
#[derive(Default)]
struct Pass {
    pushes: Vec<ValId>,
    stores: Vec<usize>,
}

struct Nest<'k> {
    kernel: &'k Kernel,
    form: Form,
    lane: Option<Sym>,
    vars: Vec<Vec<Sym>>,
    depths: Vec<usize>,
    kept: Vec<Kept>,
}

impl Nest<'_> {
    fn vars(&self, id: ValId) -> &[Sym] {
        &self.vars[id.0 as usize]
    }

    fn depth(&self, id: ValId) -> usize {
        self.depths[id.0 as usize]
    }

    fn is_reduce(&self, id: ValId) -> bool {
        matches!(self.kernel.inst(id).op, InstOp::Reduce(..))
    }

    /// Whether a value varies over the reduced axes.
    fn is_elem(&self, id: ValId) -> bool {
        self.kernel.red.iter().any(|a| self.vars(id).contains(&a.var))
    }

    /// Whether a store writes one element for each point of the reduced axes.
    fn is_elem_store(&self, store: usize) -> bool {
        let index = &self.kernel.stores[store].index;
        self.kernel.red.iter().any(|a| index.iter().any(|d| d.mentions(&a.var)))
    }

    fn passes(&self) -> Vec<Pass> {
        let count = 1 + self.depths.iter().copied().max().unwrap_or(0);
        let mut passes: Vec<Pass> = (0..count).map(|_| Pass::default()).collect();
        for id in self.kernel.ids() {
            if let InstOp::Reduce(_, arg) = self.kernel.inst(id).op {
                passes[self.depth(arg)].pushes.push(id);
            }
        }
        for (k, store) in self.kernel.stores.iter().enumerate() {
            if self.is_elem_store(k) {
                passes[self.depth(store.value)].stores.push(k);
            }
        }
        passes
    }

    /// The values that a pass computes at each point: what its pushes and
    /// stores need and no loop outside of it has, in order.
    fn needed(&self, pass: &Pass, recalled: &dyn Fn(ValId) -> bool) -> Vec<ValId> {
        let mut wanted = vec![false; self.kernel.code.len()];
        for &id in &pass.pushes {
            for arg in self.kernel.inst(id).op.args() {
                wanted[arg.0 as usize] = true;
            }
        }
        for &store in &pass.stores {
            wanted[self.kernel.stores[store].value.0 as usize] = true;
        }
        for id in self.kernel.ids().rev() {
            wanted[id.0 as usize] &= self.is_elem(id);
            if wanted[id.0 as usize] && !recalled(id) {
                for arg in self.kernel.inst(id).op.args() {
                    wanted[arg.0 as usize] = true;
                }
            }
        }
        self.kernel.ids().filter(|id| wanted[id.0 as usize]).collect()
    }

    /// Costly values that a later pass needs again.
    fn choose_kept(&self) -> Vec<Kept> {
        let passes = self.passes();
        let sets: Vec<Vec<ValId>> = passes.iter().map(|p| self.needed(p, &|_| false)).collect();
        let mut cost = vec![0u32; self.kernel.code.len()];
        for id in self.kernel.ids().filter(|&id| self.is_elem(id)) {
            let below: u32 = self.kernel.inst(id).op.args().iter().map(|a| cost[a.0 as usize]).sum();
            cost[id.0 as usize] = below.saturating_add(self.own_cost(id)).min(10_000);
        }
        // What is one for a whole lane is cheap to compute again.
        let varies = |id: &ValId| self.lane.as_ref().is_some_and(|lane| self.vars(*id).contains(lane));
        let again = |id: &ValId| sets.iter().filter(|set| set.contains(id)).count() > 1;
        let costly = |id: &ValId| varies(id) && again(id) && cost[id.0 as usize] >= KEEP;
        let mut kept: Vec<ValId> = self.kernel.ids().filter(costly).collect();
        // A value all of whose later readers are kept themselves is not read again.
        let candidates = kept.clone();
        kept.retain(|id| {
            let first = sets.iter().position(|set| set.contains(id)).expect("a candidate is in a pass");
            passes.iter().zip(&sets).skip(first + 1).any(|(pass, set)| {
                let reads = |user: ValId| self.kernel.inst(user).op.args().contains(id);
                let by_push = pass.pushes.iter().any(|&p| reads(p));
                let by_store = pass.stores.iter().any(|&s| self.kernel.stores[s].value == *id);
                by_push || by_store || set.iter().any(|&user| reads(user) && !candidates.contains(&user))
            })
        });
        kept.truncate(ROWS);
        self.places(&kept, &sets)
    }

    /// Where what is kept lies: a result that is to be written comes into the
    /// caches meanwhile, so a row of one along the lane is better than memory of its own.
    /// `sets` are the values that each pass computes.
    fn places(&self, kept: &[ValId], sets: &[Vec<ValId>]) -> Vec<Kept> {
        let mut taken: Vec<usize> = Vec::new();
        let mut place = |&value: &ValId| {
            let first = sets.iter().position(|set| set.contains(&value)).unwrap_or(0);
            let last = sets.iter().rposition(|set| set.contains(&value)).unwrap_or(0);
            let fits = |&store: &usize| {
                let Store { output, ref index, value: ref stored } = self.kernel.stores[store];
                let operand = &self.kernel.outputs[output];
                let alone = self.kernel.stores.iter().filter(|s| s.output == output).count() == 1;
                let along = operand.order.last().and_then(|&axis| index[axis].as_sym()) == self.lane.as_ref();
                let (pass, dtype) = (self.depth(*stored), self.kernel.inst(value).dtype);
                alone && along && operand.dtype == dtype && pass > first && pass >= last
            };
            let until = (0..self.kernel.stores.len()).filter(|store| !taken.contains(store)).find(fits);
            taken.extend(until);
            Kept { value, until }
        };
        kept.iter().map(&mut place).collect()
    }

    fn own_cost(&self, id: ValId) -> u32 {
        match &self.kernel.inst(id).op {
            InstOp::Map(op, _) => op.row().cost,
            InstOp::Cast(_) | InstOp::Pick(..) => 1,
            InstOp::Load { .. } | InstOp::Const(_) | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Reduce(..) => 0,
        }
    }

    /// The loops around everything else, outermost first; in the column form
    /// the lane is the last of them.
    fn outer(&self) -> Vec<(LoopKind, Sym)> {
        let kind = |var: &Sym| {
            if self.form == Form::Column && Some(var) == self.lane.as_ref() {
                LoopKind::Lane
            } else {
                LoopKind::Parallel
            }
        };
        self.kernel.par.iter().map(|a| (kind(&a.var), a.var.clone())).collect()
    }

    /// The loops of one pass.
    fn inner(&self) -> Vec<(LoopKind, Sym)> {
        let written_out = self.form == Form::Column && points(self.kernel).is_some_and(|n| n <= WRITTEN_OUT);
        let kind = |var: &Sym| match self.form {
            Form::Row if Some(var) == self.lane.as_ref() => LoopKind::Lane,
            _ if written_out => LoopKind::Unrolled,
            _ => LoopKind::Serial,
        };
        self.kernel.red.iter().map(|a| (kind(&a.var), a.var.clone())).collect()
    }

    fn body(&self) -> Vec<Stmt> {
        let outer = self.outer();
        let all: Vec<ValId> = self.kernel.ids().collect();
        // Values that need no pass stand in the outermost loop that has them all.
        let early = all.iter().filter(|&&id| !self.is_elem(id) && self.depth(id) == 0);
        let mut items: Vec<(usize, Stmt)> = early.map(|&id| (level(&outer, self.vars(id)), Stmt::Eval(id))).collect();
        let mut kept: Vec<ValId> = Vec::new();
        for (depth, pass) in self.passes().iter().enumerate() {
            let at = outer.len();
            if !(pass.pushes.is_empty() && pass.stores.is_empty()) {
                items.extend(pass.pushes.iter().map(|&id| (at, Stmt::Start(id))));
                items.extend(self.pass(pass, &mut kept).into_iter().map(|stmt| (at, stmt)));
                items.extend(pass.pushes.iter().map(|&id| (at, Stmt::Finish(id))));
            }
            let late = |id: &&ValId| !self.is_elem(**id) && self.depth(**id) == depth + 1 && !self.is_reduce(**id);
            items.extend(all.iter().filter(late).map(|&id| (at, Stmt::Eval(id))));
        }
        let rows = (0..self.kernel.stores.len()).filter(|&k| !self.is_elem_store(k));
        items.extend(rows.map(|k| (outer.len(), Stmt::Store(k))));
        nested(&outer, 0, items)
    }

    /// The loops of one pass with all they do.
    fn pass(&self, pass: &Pass, kept: &mut Vec<ValId>) -> Vec<Stmt> {
        let inner = self.inner();
        let recalled: Vec<ValId> = kept.clone();
        let mut items = Vec::new();
        for id in self.needed(pass, &|id| recalled.contains(&id)) {
            let at = level(&inner, self.vars(id));
            if recalled.contains(&id) {
                items.push((at, Stmt::Recall(id)));
                continue;
            }
            items.push((at, Stmt::Eval(id)));
            if self.kept.iter().any(|kept| kept.value == id) {
                items.push((inner.len(), Stmt::Keep(id)));
                kept.push(id);
            }
        }
        items.extend(pass.pushes.iter().map(|&id| (inner.len(), Stmt::Push(id))));
        items.extend(pass.stores.iter().map(|&k| (inner.len(), Stmt::Store(k))));
        nested(&inner, 0, items)
    }
}

/// How many of the loops must stand around a value.
fn level(loops: &[(LoopKind, Sym)], vars: &[Sym]) -> usize {
    loops.iter().rposition(|(_, var)| vars.contains(var)).map_or(0, |k| k + 1)
}

/// Puts each statement into its loop: those of one loop, in order, then the
/// next loop.
fn nested(loops: &[(LoopKind, Sym)], at: usize, items: Vec<(usize, Stmt)>) -> Vec<Stmt> {
    let (here, deeper): (Vec<_>, Vec<_>) = items.into_iter().partition(|(level, _)| *level == at);
    let mut out: Vec<Stmt> = here.into_iter().map(|(_, stmt)| stmt).collect();
    if let Some((kind, var)) = loops.get(at) {
        out.push(Stmt::Loop { kind: *kind, var: var.clone(), body: nested(loops, at + 1, deeper) });
    }
    out
}
