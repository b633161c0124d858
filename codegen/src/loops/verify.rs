//! The invariants of loops.
//!
//! In: any loops. Out: nothing, or the first thing that breaks an invariant and
//! how. Always: what lowering returns is accepted here.
//!
//! - the kernel holds its own ([`crate::kernel::verify`]);
//! - the lane is the last reduced axis (row), the last parallel one (column), of a
//!   map maybe the last but one, or there is no axis (scalar);
//! - a loop is of the kind its axis has: parallel or serial, or the lane; an
//!   unrolled one is reduced and of constant extent. Parallel loops stand in
//!   order around everything reduced, each once; reduced ones stand in order; inside a
//!   row's lane stands no loop; a column's lane holds its reduced loops;
//! - a value is computed in the block that uses it or in one around it, within
//!   the loops of every variable that it varies over, and once on a path;
//! - an accumulator is started outside all reduced loops, pushed to at one
//!   place inside all of them, and finished in the block that started it;
//! - what is kept is written once, over the whole row, before it is recalled;
//!   in a result's row, only until the one store that writes there;
//! - each store stands once, inside the loops of the variables it mentions and
//!   of no others.

use super::{Form, LoopKind, Loops, Stmt};
use crate::kernel::{InstOp, ValId};
use crate::shape::Sym;

/// Checks every invariant.
pub fn verify(loops: &Loops) -> Result<(), String> {
    crate::kernel::verify::verify(&loops.kernel)?;
    let kernel = &loops.kernel;
    let (axes, last, form) = match loops.form {
        Form::Row => (&kernel.red, 1, "row"),
        Form::Column => (&kernel.par, if kernel.red.is_empty() { 2 } else { 1 }, "column"),
        Form::Scalar if kernel.axes().next().is_some() => return Err("a scalar form with axes".into()),
        Form::Scalar => (&kernel.par, 0, "scalar"),
    };
    let fits = |lane: &Sym| axes.iter().rev().take(last).any(|axis| axis.var == *lane);
    if !loops.lane.as_ref().map_or(loops.form == Form::Scalar, fits) {
        return Err(format!("the lane of the {form} form is not its last axis"));
    }
    if !loops.kept.is_empty() && loops.form != Form::Row {
        return Err(format!("a row buffer in the {form} form"));
    }
    let mut walk = Walk {
        loops,
        variables: kernel.variables(),
        open: Vec::new(),
        entered: Vec::new(),
        known: Vec::new(),
        running: Vec::new(),
        kept: Vec::new(),
        stored: vec![0; kernel.stores.len()],
    };
    walk.block(&loops.body, 0)?;
    if let Some(kept) = loops.kept.iter().find(|kept| !walk.kept.contains(&kept.value)) {
        return Err(format!("{} has a place, but is not kept", kept.value));
    }
    if let Some(number) = walk.stored.iter().position(|&n| n != 1) {
        return Err(format!("store {number} stands {} times", walk.stored[number]));
    }
    Ok(())
}

/// A walk through the nest, in the order of execution.
struct Walk<'a> {
    loops: &'a Loops,
    variables: Vec<Vec<Sym>>,
    /// The variables of the loops around this place, outermost first.
    open: Vec<Sym>,
    /// The parallel axes whose loop has been met.
    entered: Vec<Sym>,
    /// What is computed on the path to this place.
    known: Vec<ValId>,
    /// The accumulators that are started on the path and not yet finished.
    running: Vec<Running>,
    /// What is kept by now.
    kept: Vec<ValId>,
    /// How often each store has been met.
    stored: Vec<usize>,
}

struct Running {
    value: ValId,
    /// How deep the block is that started it.
    depth: usize,
    pushes: usize,
}

impl Walk<'_> {
    fn block(&mut self, body: &[Stmt], depth: usize) -> Result<(), String> {
        let known = self.known.len();
        for stmt in body {
            match stmt {
                Stmt::Loop { kind, var, body } => {
                    self.enter(*kind, var)?;
                    self.block(body, depth + 1)?;
                    self.open.pop();
                }
                Stmt::Eval(v) => self.eval(*v)?,
                Stmt::Start(v) => self.start(*v, depth)?,
                Stmt::Push(v) => self.push(*v)?,
                Stmt::Finish(v) => self.finish(*v, depth)?,
                Stmt::Keep(v) => self.keep(*v)?,
                Stmt::Recall(v) => self.recall(*v)?,
                Stmt::Store(number) => self.store(*number)?,
            }
        }
        self.known.truncate(known);
        match self.running.iter().find(|r| r.depth == depth) {
            Some(r) => Err(format!("{} is started, but not finished", r.value)),
            None => Ok(()),
        }
    }

    fn enter(&mut self, kind: LoopKind, var: &Sym) -> Result<(), String> {
        let kernel = &self.loops.kernel;
        let lane = self.loops.lane.as_ref() == Some(var);
        let parallel = kernel.par.iter().position(|a| a.var == *var);
        let reduced = kernel.red.iter().position(|a| a.var == *var);
        let constant = kernel.axes().any(|a| a.var == *var && a.extent.as_const().is_some());
        let fits = match kind {
            LoopKind::Lane => lane,
            LoopKind::Parallel => !lane && parallel.is_some(),
            LoopKind::Serial => !lane && reduced.is_some(),
            LoopKind::Unrolled => !lane && reduced.is_some() && constant,
        };
        if !fits {
            return Err(format!("`{var}` is no axis of a {} loop", kind.name()));
        }
        // Parallel axes from the first on, then reduced axes from the first on.
        let place = |v: &Sym| kernel.axes().position(|a| a.var == *v);
        let outside = match parallel.or(reduced) {
            Some(0) if parallel.is_some() => None,
            Some(0) => kernel.par.last(),
            _ => place(var).and_then(|at| kernel.axes().nth(at - 1)),
        };
        if self.open.last() != outside.map(|a| &a.var) {
            let around = outside.map_or("no loop".to_string(), |a| format!("the loop over `{}`", a.var));
            return Err(format!("the loop over `{var}` does not stand directly in {around}"));
        }
        if parallel.is_some() {
            if self.entered.contains(var) {
                return Err(format!("two loops over `{var}`"));
            }
            self.entered.push(var.clone());
        }
        self.open.push(var.clone());
        Ok(())
    }

    fn open_reduced(&self) -> Vec<&Sym> {
        self.open.iter().filter(|v| self.loops.kernel.red.iter().any(|a| a.var == **v)).collect()
    }

    fn within_rows(&self, v: ValId, what: &str) -> Result<(), String> {
        match self.open_reduced().len() == self.loops.kernel.red.len() {
            true => Ok(()),
            false => Err(format!("{v} is {what} outside a loop over a reduced axis")),
        }
    }

    fn op(&self, v: ValId) -> Result<&InstOp, String> {
        let inst = self.loops.kernel.code.get(v.0 as usize);
        inst.map(|i| &i.op).ok_or_else(|| format!("there is no value {v}"))
    }

    fn reduction(&self, v: ValId) -> Result<ValId, String> {
        match self.op(v)? {
            InstOp::Reduce(_, arg) => Ok(*arg),
            InstOp::Load { .. }
            | InstOp::Const(_)
            | InstOp::Index(_)
            | InstOp::Inside(_)
            | InstOp::Map(..)
            | InstOp::Pick(..)
            | InstOp::Cast(_) => Err(format!("{v} is no reduction")),
        }
    }

    fn define(&mut self, v: ValId) -> Result<(), String> {
        if self.known.contains(&v) {
            return Err(format!("{v} is computed twice on a path"));
        }
        match self.variables[v.0 as usize].iter().find(|var| !self.open.contains(var)) {
            Some(var) => Err(format!("{v} stands outside the loop over `{var}`")),
            None => {
                self.known.push(v);
                Ok(())
            }
        }
    }

    fn used(&self, v: ValId) -> Result<(), String> {
        if self.known.contains(&v) { Ok(()) } else { Err(format!("{v} is used before it is computed")) }
    }

    fn eval(&mut self, v: ValId) -> Result<(), String> {
        let op = self.op(v)?;
        if let InstOp::Reduce(..) = op {
            return Err(format!("{v} is a reduction, and no value of a point"));
        }
        op.args().iter().try_for_each(|&arg| self.used(arg))?;
        self.define(v)
    }

    fn start(&mut self, v: ValId, depth: usize) -> Result<(), String> {
        self.reduction(v)?;
        if self.running.iter().any(|r| r.value == v) {
            return Err(format!("{v} is started twice"));
        }
        if let Some(var) = self.open_reduced().first() {
            return Err(format!("{v} is started inside the loop over `{var}`"));
        }
        self.running.push(Running { value: v, depth, pushes: 0 });
        Ok(())
    }

    fn push(&mut self, v: ValId) -> Result<(), String> {
        self.used(self.reduction(v)?)?;
        self.within_rows(v, "pushed to")?;
        match self.running.iter_mut().find(|r| r.value == v) {
            Some(r) => {
                r.pushes += 1;
                Ok(())
            }
            None => Err(format!("{v} is pushed to, but not started")),
        }
    }

    fn finish(&mut self, v: ValId, depth: usize) -> Result<(), String> {
        let at = self.running.iter().position(|r| r.value == v && r.depth == depth);
        let at = at.ok_or_else(|| format!("{v} is finished, but not started in the same block"))?;
        match self.running.remove(at).pushes {
            1 => self.define(v),
            count => Err(format!("{v} is pushed to at {count} places")),
        }
    }

    fn keep(&mut self, v: ValId) -> Result<(), String> {
        self.used(v)?;
        self.within_rows(v, "kept")?;
        let kept = self.loops.kept(v).filter(|_| !self.kept.contains(&v));
        let kept = kept.ok_or_else(|| format!("{v} has no place, or is kept twice"))?;
        self.kept.push(v);
        match kept.until {
            Some(store) => self.lies_until(v, store),
            None => Ok(()),
        }
    }

    /// Whether a store's row of the result can hold a value until it is written.
    fn lies_until(&self, v: ValId, number: usize) -> Result<(), String> {
        let kernel = &self.loops.kernel;
        let store = kernel.stores.get(number).ok_or_else(|| format!("there is no store {number}"))?;
        let alone = kernel.stores.iter().filter(|s| s.output == store.output).count() == 1;
        let others = self.loops.kept.iter().filter(|kept| kept.until == Some(number)).count() == 1;
        let axes = kernel.axes().all(|axis| store.index.iter().any(|d| d.as_sym() == Some(&axis.var)));
        let dtype = kernel.outputs[store.output].dtype == kernel.inst(v).dtype;
        match alone && others && axes && dtype && self.stored[number] == 0 {
            true => Ok(()),
            false => Err(format!("{v} cannot lie in the row of store {number}")),
        }
    }

    fn recall(&mut self, v: ValId) -> Result<(), String> {
        self.within_rows(v, "recalled")?;
        if !self.kept.contains(&v) {
            return Err(format!("{v} is recalled, but was not kept"));
        }
        if self.loops.kept(v).and_then(|kept| kept.until).is_some_and(|store| self.stored[store] > 0) {
            return Err(format!("{v} is recalled after the store that writes there"));
        }
        self.define(v)
    }

    fn store(&mut self, number: usize) -> Result<(), String> {
        let store = self.loops.kernel.stores.get(number).ok_or_else(|| format!("there is no store {number}"))?;
        self.used(store.value)?;
        let want = store.index.iter().filter_map(|d| d.as_sym());
        let mut missing = want.clone().filter(|var| !self.open.contains(var));
        if let Some(var) = missing.next() {
            return Err(format!("store {number} stands outside the loop over `{var}`"));
        }
        if let Some(var) = self.open.iter().find(|var| !want.clone().any(|w| w == *var)) {
            return Err(format!("store {number} stands inside the loop over `{var}`"));
        }
        self.stored[number] += 1;
        Ok(())
    }
}
