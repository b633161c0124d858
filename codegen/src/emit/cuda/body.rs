//! The body of a kernel: its loops as statements of CUDA C.
//!
//! In: [`Loops`] and the operands' names. Out: the lines between the braces.
//! Always: a value is a local of its own, named by its number; every thread of
//! a row or column knows what is computed outside its reduced loops, and one of
//! them writes it.
//!
//! The parallel loops become one grid-stride loop over their points, whose index
//! is taken apart again. A value that the CPU recalls is computed again, with
//! what it needs, unless the row is held in registers.

pub mod called;
pub mod online;
mod reduce;
pub mod slices;
pub(super) mod strip;
pub mod turn;

use online::{Pair, online};
use slices::{Slices, cut};
use strip::{Strip, stripped};
use turn::Turn;

use super::expr::{cast, dim, factor, inside, literal, map};
use super::{Deal, deal, picks};
use crate::dtype::DType;
use crate::kernel::{Axis, InstOp, Kernel, ValId};
use crate::loops::{Form, LoopKind, Loops, Stmt};
use crate::shape::{Dim, Sym};

/// The elements of a row that its threads can hold in registers from one pass to
/// the next: what is kept, and what two passes load. Only a row along one axis
/// holds any, `ND_ROW_ITEMS` a thread.
pub fn held(loops: &Loops) -> Vec<ValId> {
    fn evals(body: &[Stmt], inside: bool, out: &mut Vec<ValId>) {
        for stmt in body {
            match stmt {
                Stmt::Loop { kind, body, .. } => evals(body, inside || *kind == LoopKind::Lane, out),
                Stmt::Eval(v) if inside => out.push(*v),
                Stmt::Eval(_) | Stmt::Recall(_) | Stmt::Keep(_) | Stmt::Store(_) => {}
                Stmt::Start(_) | Stmt::Push(_) | Stmt::Finish(_) => {}
            }
        }
    }
    if loops.form != Form::Row || loops.kernel.red.len() != 1 {
        return Vec::new();
    }
    let mut all = Vec::new();
    evals(&loops.body, false, &mut all);
    let again = |v: &ValId| all.iter().filter(|w| *w == v).count() > 1;
    let load = |v: &ValId| matches!(loops.kernel.inst(*v).op, InstOp::Load { .. });
    loops.kernel.ids().filter(|v| loops.kept(*v).is_some() || load(v) && again(v)).collect()
}

/// The statements, indented once, with these values held in registers, or a map
/// in tiles.
pub fn body(loops: &Loops, operands: &[String], held: &[ValId], turn: Option<Turn>) -> String {
    let streamed = held.is_empty();
    let online = online(loops).filter(|_| streamed);
    let (loops, pairs) = online.as_ref().map_or((loops, &[][..]), |online| (&online.loops, &online.pairs));
    let slices = cut(loops).filter(|_| streamed).map(Slices::new);
    let mut emit = Emit { held, pairs, slices, turn, ..Emit::new(loops, operands) };
    emit.slice();
    emit.alone();
    emit.block(&loops.body);
    while emit.depth > 1 {
        emit.close();
    }
    emit.out
}

struct Emit<'a> {
    loops: &'a Loops,
    operands: &'a [String],
    deal: Deal,
    /// The values that have a register an item.
    held: &'a [ValId],
    /// Those of them that are filled; `None` before they are declared.
    filled: Option<Vec<ValId>>,
    /// The values that have a local in scope.
    known: Vec<ValId>,
    /// The reduced loops around this place.
    reduced: Vec<Sym>,
    /// The reductions that one pass makes together.
    pairs: &'a [Pair],
    /// Whether the points have been dealt to the threads.
    dealt: bool,
    /// The passes, where a row or column may be cut.
    slices: Option<Slices>,
    /// What is to be read in tiles; what has been, and what beside it.
    turn: Option<Turn>,
    turned: Vec<ValId>,
    fetched: Vec<ValId>,
    /// The strip that is being written.
    strip: Option<Strip>,
    /// The input whose elements a strip is given.
    given: Option<usize>,
    out: String,
    depth: usize,
}

impl<'a> Emit<'a> {
    /// Of the streamed form, before any line.
    fn new(loops: &'a Loops, operands: &'a [String]) -> Emit<'a> {
        Emit {
            loops,
            operands,
            deal: deal(loops),
            held: &[],
            filled: None,
            known: Vec::new(),
            reduced: Vec::new(),
            pairs: &[],
            dealt: false,
            slices: None,
            turn: None,
            turned: Vec::new(),
            fetched: Vec::new(),
            strip: None,
            given: None,
            out: String::new(),
            depth: 1,
        }
    }
}

impl Emit<'_> {
    fn kernel(&self) -> &Kernel {
        &self.loops.kernel
    }

    fn line(&mut self, text: impl AsRef<str>) {
        let indent = "    ".repeat(self.depth);
        self.out.push_str(&format!("{indent}{}\n", text.as_ref()));
    }

    fn open(&mut self, head: impl AsRef<str>) {
        self.line(format!("{} {{", head.as_ref()));
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.line("}");
    }

    /// Where there is no parallel axis, one row is all; other threads leave.
    fn alone(&mut self) {
        if !self.kernel().par.is_empty() {
            return;
        }
        self.dealt = true;
        match self.deal {
            Deal::Row => {
                let (block, _) = self.blocks();
                self.line(format!("if ({block} != 0 || threadIdx.x >= ND_ROW_THREADS) return;"));
                self.line("const int thread = threadIdx.x;");
            }
            Deal::Point | Deal::Column => self.line("if (blockIdx.x != 0 || threadIdx.x != 0) return;"),
        }
    }

    fn block(&mut self, body: &[Stmt]) {
        for stmt in body {
            match stmt {
                Stmt::Loop { kind, var, body } if self.is_parallel(var) => self.enter(*kind, var, body),
                Stmt::Loop { kind, var, body } if self.reduced.is_empty() => self.pass(*kind, var, body),
                Stmt::Loop { kind, var, body } => self.enter(*kind, var, body),
                Stmt::Eval(v) => self.eval(*v),
                Stmt::Recall(v) => self.again(*v),
                Stmt::Keep(_) => {}
                Stmt::Start(v) => self.start(*v),
                Stmt::Push(v) => self.push(*v),
                Stmt::Finish(v) => self.finish(*v),
                Stmt::Store(number) => self.store(*number),
            }
        }
    }

    fn is_parallel(&self, var: &Sym) -> bool {
        self.kernel().par.iter().any(|a| a.var == *var)
    }

    fn enter(&mut self, kind: LoopKind, var: &Sym, body: &[Stmt]) {
        if self.is_parallel(var) {
            if !self.dealt {
                self.dealt = true;
                self.points();
            }
            // The loop stays open to the end of the kernel, as its values do.
            match self.kernel().par.last() {
                Some(last) if stripped(self.loops) && self.strip.is_none() => {
                    self.strip(Strip::new(&last.var.clone(), &[]), body);
                }
                Some(_) | None => self.block(body),
            }
            return;
        }
        let (from, to) = self.bounds(var);
        let start = from.clone().unwrap_or("0".into());
        // A column's threads share its outermost reduced loop.
        let shared = self.deal == Deal::Column && self.reduced.is_empty();
        match (kind, self.loops.form) {
            (LoopKind::Lane, Form::Row) => return self.lane(var, from, &to, body),
            _ if shared => {
                let own = from.map_or("thread".to_string(), |from| format!("{from} + thread"));
                self.open(format!("for (nd_int {var} = {own}; {var} < {to}; {var} += ND_COLUMN_THREADS)"));
            }
            (LoopKind::Unrolled, _) => {
                self.line("#pragma unroll");
                self.open(format!("for (nd_int {var} = {start}; {var} < {to}; ++{var})"));
            }
            (LoopKind::Serial | LoopKind::Lane | LoopKind::Parallel, _) => {
                self.open(format!("for (nd_int {var} = {start}; {var} < {to}; ++{var})"));
            }
        }
        let known = self.known.len();
        self.reduced.push(var.clone());
        self.block(body);
        self.reduced.pop();
        self.known.truncate(known);
        self.close();
    }

    fn extent(&self, var: &Sym) -> String {
        let axis = self.kernel().axes().find(|a| a.var == *var).expect("a loop runs over an axis");
        axis.extent.to_string()
    }

    /// The loop over the points that fall to this thread.
    fn points(&mut self) {
        let par = self.kernel().par.clone();
        if self.turn.is_some() {
            return self.tiles(&par);
        }
        if stripped(self.loops) {
            return self.strips(&par);
        }
        let (flat, to) = self.flat();
        let head = |start: &str, step: &str| format!("for (nd_int {flat} = {start}; {flat} < {to}; {flat} += {step})");
        if par.len() > 1 {
            let count = par.iter().map(|a| a.extent.to_string()).collect::<Vec<_>>().join(" * ");
            self.line(format!("const nd_int points = {count};"));
        }
        let (block, blocks) = self.blocks();
        match self.deal {
            Deal::Point => {
                self.open(head("blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x", "gridDim.x * (nd_int)ND_BLOCK"));
            }
            Deal::Row => {
                self.line("const int thread = threadIdx.x % ND_ROW_THREADS;");
                self.line("const int rows = ND_BLOCK / ND_ROW_THREADS;");
                let first = format!("{block} * (nd_int)rows + threadIdx.x / ND_ROW_THREADS");
                self.open(head(&first, &format!("{blocks} * (nd_int)rows")));
            }
            Deal::Column => {
                self.line("const int thread = threadIdx.x / ND_COLUMNS;");
                self.open(format!(
                    "for (nd_int first = {block} * (nd_int)ND_COLUMNS; first < {to}; first += {blocks} * (nd_int)ND_COLUMNS)"
                ));
                // All threads of a block meet at its barriers: those past the
                // end compute the last column once more and write nothing.
                self.line("const nd_int column = first + threadIdx.x % ND_COLUMNS;");
                self.line(format!("const nd_int {flat} = column < {to} ? column : {to} - 1;"));
            }
        }
        self.take_apart(&par, &flat, "rest");
    }

    /// The number of a point, and how many there are.
    fn flat(&self) -> (String, String) {
        match self.kernel().par.as_slice() {
            [one] => (one.var.to_string(), one.extent.to_string()),
            _ => ("point".to_string(), "points".to_string()),
        }
    }

    /// The parallel variables out of the number of their point.
    fn take_apart(&mut self, par: &[Axis], flat: &str, rest_of: &str) {
        let [outer, inner @ ..] = par else { return };
        if inner.is_empty() {
            return;
        }
        let mut rest = flat.to_string();
        for (at, axis) in inner.iter().enumerate().rev() {
            self.line(format!("const nd_int {} = {rest} % {};", axis.var, axis.extent));
            let next = if at == 0 { outer.var.to_string() } else { format!("{rest_of}{at}") };
            self.line(format!("const nd_int {next} = {rest} / {};", axis.extent));
            rest = next;
        }
    }

    /// The variables of these axes out of the number of a place among them.
    fn numbered(&mut self, axes: &[Axis], number: &str) {
        if let [one] = axes {
            self.line(format!("const nd_int {} = {number};", one.var));
        }
        self.take_apart(axes, number, &format!("{number}_rest"));
    }

    /// How a value is read: a constant stands where it is used.
    fn read(&self, v: ValId) -> String {
        let inst = self.kernel().inst(v);
        match &inst.op {
            InstOp::Const(value) => literal(*value, inst.dtype),
            InstOp::Load { .. } | InstOp::Index(_) | InstOp::Inside(_) | InstOp::Pick(..) => format!("v{}", v.0),
            InstOp::Map(..) | InstOp::Cast(_) | InstOp::Reduce(..) => format!("v{}", v.0),
        }
    }

    fn dtype(&self, v: ValId) -> DType {
        self.kernel().inst(v).dtype
    }

    /// Evaluates a value and whatever it needs that is not in scope.
    fn again(&mut self, v: ValId) {
        if self.known.contains(&v) {
            return;
        }
        if self.filled.as_ref().is_some_and(|f| f.contains(&v)) {
            return self.eval(v);
        }
        for arg in self.kernel().inst(v).op.args() {
            self.again(arg);
        }
        self.eval(v);
    }

    fn eval(&mut self, v: ValId) {
        self.known.push(v);
        let (ty, number) = (self.dtype(v).cuda(), v.0);
        let filled = self.filled.as_ref().is_some_and(|f| f.contains(&v));
        let value = match filled {
            true => Some(format!("k{number}[item + i]")),
            false => self.read_along(v).or_else(|| self.expression(v)),
        };
        let Some(value) = value else { return };
        let line = format!("const {ty} v{number} = {value};");
        match &mut self.strip {
            Some(strip) if !filled && !strip.varying.contains(&v) => strip.reads.push(line),
            Some(_) | None => self.line(line),
        }
        if !filled && self.held.contains(&v) {
            self.line(format!("k{number}[item + i] = v{number};"));
            self.filled.get_or_insert_default().push(v);
        }
    }

    /// `None` for a constant, which has no local.
    fn expression(&self, v: ValId) -> Option<String> {
        let (kernel, dtype) = (self.kernel(), self.dtype(v));
        Some(match &kernel.inst(v).op {
            InstOp::Const(_) => return None,
            InstOp::Load { input, index, guards, fill } => {
                let element = self.element(*input, index);
                match guards.is_empty() {
                    true => element,
                    false => format!("{} ? {element} : {}", inside(guards, kernel), literal(*fill, dtype)),
                }
            }
            InstOp::Index(value) => dim(value, kernel),
            InstOp::Inside(guards) => inside(guards, kernel),
            InstOp::Map(op, args) => {
                // The last argument: the first one of a selection is its condition.
                let of = args.last().map_or(dtype, |&a| self.dtype(a));
                let args: Vec<String> = args.iter().map(|&a| self.read(a)).collect();
                map(*op, &args, of)
            }
            InstOp::Pick(arg, extent) => {
                let number = picks(kernel).position(|p| p == v).expect("a pick is one of the picks");
                format!("nd_pick({}, {}, notes + {})", self.read(*arg), dim(extent, kernel), 2 * number)
            }
            InstOp::Cast(arg) => cast(&self.read(*arg), self.dtype(*arg), dtype),
            InstOp::Reduce(..) => unreachable!("verified loops evaluate no reduction"),
        })
    }

    /// An element of an operand; `number` counts inputs, then outputs.
    fn element(&self, number: usize, index: &[Dim]) -> String {
        let name = &self.operands[number];
        let terms = index.iter().enumerate().filter(|(_, at)| !at.is(0)).map(|(axis, at)| match at.is(1) {
            true => format!("{name}_s{axis}"),
            false => format!("{} * {name}_s{axis}", factor(at, self.kernel())),
        });
        let terms: Vec<String> = terms.collect();
        let offset = if terms.is_empty() { "0".into() } else { terms.join(" + ") };
        format!("{name}[{offset}]")
    }

    fn store(&mut self, number: usize) {
        let loops = self.loops;
        let store = &loops.kernel.stores[number];
        let output = self.kernel().inputs.len() + store.output;
        let value = self.read(store.value);
        let ty = self.kernel().outputs[store.output].dtype.cuda();
        if let Some((to, step)) = self.along(output, &store.index)
            && let Some(strip) = &mut self.strip
        {
            strip.reads.push(format!("nd_strip<{ty}> o{number};"));
            strip.writes.push(format!("nd_store({to}, {step}, count, o{number});"));
            return self.line(format!("o{number}.at[i] = {value};"));
        }
        let write = format!("{} = {value};", self.element(output, &store.index));
        let once = self.reduced.is_empty();
        let mut conditions = Vec::new();
        if self.deal == Deal::Column {
            conditions.push(format!("column < {}", self.flat().1));
        }
        if once && self.deal != Deal::Point {
            conditions.push("thread == 0".to_string());
            conditions.extend(self.slices.as_ref().filter(|s| s.end_together()).map(|_| "slice == 0".to_string()));
        }
        match conditions.as_slice() {
            [] => self.line(write),
            all => self.line(format!("if ({}) {write}", all.join(" && "))),
        }
    }
}
