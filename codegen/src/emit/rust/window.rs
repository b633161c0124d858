//! Windows: sums of products over a few neighbours, with weights that all places share.
//!
//! In: loops of the column form whose lane is outermost. Out: such sums as one value each, which the runtime computes for
//! several neighbouring places at once; how they are written. Always: the last axis of a window goes one by one along the
//! coordinate that the innermost loop moves by no more than the window is wide, so that neighbouring windows meet; what
//! is loaded is a float as it is in memory, and outside of its guards zero. How many points a window has may be known only when
//! it is called. Others are left to [`super::around`].
//! Next: [`super::run`].

use super::access::{self, plain};
use super::code;
use super::kernel::Emit;
use super::nest::{Node, Op, Ref};
use crate::dtype::DType;
use crate::kernel::{Guard, InstOp, Kernel, ValId, is_picked};
use crate::loops::{Form, Loops};
use crate::ops::Literal;
use crate::shape::{Dim, Sym};
use std::collections::BTreeMap;

/// Fewer points are written out.
const LEAST: i64 = 4;
/// Windows whose width is not known are no further apart; the runtime has room for so many places.
const APART: i64 = 64;

/// A sum that is a window.
#[derive(Clone, Debug)]
pub struct Window {
    pub dtype: DType,
    pub weights: Weights,
    pub input: usize,
    /// Where its first point is.
    at: Vec<Dim>,
    /// For each axis of the window but the last its step, and what lies inside.
    outer: Vec<(Vec<i64>, Vec<Inside>)>,
    counts: Vec<Dim>,
    /// The loop over neighbouring windows, the coordinate that it moves, and by how much.
    along: Sym,
    axis: usize,
    step: i64,
    /// What lies inside along the last axis.
    columns: Vec<Inside>,
}

/// The points of an axis where an index is within an extent.
#[derive(Clone, Debug)]
struct Inside {
    /// At the first point.
    low: Dim,
    step: i64,
    extent: Dim,
}

/// What a window is multiplied by.
#[derive(Clone, Debug)]
pub struct Weights {
    pub id: ValId,
    input: usize,
    at: Vec<Dim>,
    /// For each axis of the window a step.
    axes: Vec<Vec<i64>>,
    counts: Vec<Dim>,
}

/// The sums of a kernel that are windows.
pub fn windows(loops: &Loops, uses: &[usize]) -> BTreeMap<ValId, Window> {
    let kernel = &loops.kernel;
    let alone = |id: ValId| uses[id.0 as usize] == 1;
    let find = |id: ValId| {
        let InstOp::Reduce(monoid, product) = kernel.inst(id).op else { return None };
        let InstOp::Map(op, args) = &kernel.inst(product).op else { return None };
        let [a, b] = args[..] else { return None };
        let sum = monoid.name() == "sum" && op.name() == "mul";
        if loops.form != Form::Column || !sum || ![product, a, b].into_iter().all(alone) {
            return None;
        }
        window(kernel, a, b).or_else(|| window(kernel, b, a))
    };
    kernel.ids().filter_map(|id| Some((id, find(id)?))).collect()
}

/// The window of `x` with these weights, if it is one.
fn window(kernel: &Kernel, x: ValId, weights: ValId) -> Option<Window> {
    let [.., along, lane] = &kernel.par[..] else { return None };
    let (along, lane) = (&along.var, &lane.var);
    let counts: Vec<Dim> = kernel.red.iter().map(|a| a.extent.clone()).collect();
    let few = Dim::product(&counts).as_const().is_some_and(|points| points < LEAST);
    let dtype = kernel.inst(x).dtype;
    let float = matches!(dtype, DType::F32 | DType::F64) && kernel.inst(weights).dtype == dtype;
    if !float || few {
        return None;
    }
    let vars: Vec<&Sym> = kernel.red.iter().map(|a| &a.var).collect();
    let (last, before) = vars.split_last()?;
    let first = |d: &Dim| d.substitute(kernel, &|s| vars.iter().any(|var| ***var == *s).then(Dim::zero));
    let step = |d: &Dim, var: &Sym| d.affine_in(var).and_then(|(step, _)| step.as_const());
    let steps = |index: &[Dim], var: &Sym| index.iter().map(|d| step(d, var)).collect::<Option<Vec<i64>>>();
    let all_steps = |index: &[Dim], vars: &[&Sym]| vars.iter().map(|var| steps(index, var)).collect::<Option<Vec<_>>>();

    let InstOp::Load { input: from, index, guards, .. } = &kernel.inst(weights).op else { return None };
    let others = &kernel.par[..kernel.par.len() - 1];
    let shared = others.iter().all(|axis| !index.iter().any(|d| d.mentions(&axis.var)));
    if !shared || !guards.is_empty() || index.iter().any(is_picked) || !index.iter().any(|d| d.mentions(lane)) {
        return None;
    }
    let (at, axes) = (index.iter().map(first).collect(), all_steps(index, &vars)?);
    steps(index, lane)?;
    let weights = Weights { id: weights, input: *from, at, axes, counts: counts.clone() };

    let InstOp::Load { input, index, guards, fill } = &kernel.inst(x).op else { return None };
    if !(guards.is_empty() || matches!(fill, Literal::Int(0) | Literal::Float(0))) || index.iter().any(is_picked) {
        return None;
    }
    let moved = |var: &Sym| {
        let mut moved = index.iter().enumerate().filter(|(_, d)| d.mentions(var));
        moved.next().filter(|_| moved.next().is_none()).map(|(axis, _)| axis)
    };
    let axis = moved(along).filter(|&axis| moved(last) == Some(axis) && !index[axis].mentions(lane))?;
    let (stride, width) = (step(&index[axis], along)?, counts.last()?.as_const().unwrap_or(APART));
    if step(&index[axis], last) != Some(1) || !(1..=width).contains(&stride) {
        return None;
    }
    steps(index, lane)?;
    let mut outer: Vec<(Vec<i64>, Vec<Inside>)> =
        all_steps(index, before)?.into_iter().map(|s| (s, Vec::new())).collect();
    let mut columns = Vec::new();
    for Guard { index: d, extent } in guards {
        let varies: Vec<usize> = (0..vars.len()).filter(|&k| d.mentions(vars[k])).collect();
        let [k] = varies[..] else { return None };
        if d.mentions(lane) || kernel.axes().any(|axis| extent.mentions(&axis.var)) {
            return None;
        }
        let inside = Inside { low: first(d), step: step(d, vars[k])?, extent: extent.clone() };
        match (outer.get_mut(k), step(d, along)?) {
            (Some((_, all)), 0) => all.push(inside),
            (None, by) if inside.step == 1 && by == stride => columns.push(inside),
            (Some(_) | None, _) => return None,
        }
    }
    let at = index.iter().map(first).collect();
    let (input, along) = (*input, along.clone());
    Some(Window { dtype, weights, input, at, outer, counts, along, axis, step: stride, columns })
}

impl Window {
    /// What the runtime's loops take over: these values are nowhere else.
    pub fn takes(&self, kernel: &Kernel, acc: ValId) -> Vec<ValId> {
        let product = kernel.inst(acc).op.args();
        let loads = product.iter().flat_map(|&p| kernel.inst(p).op.args()).collect();
        [product, loads].concat()
    }

    /// Whether the loop over this variable goes from window to window.
    pub fn goes_along(&self, var: &Sym) -> bool {
        self.along == *var
    }
}

impl Emit<'_> {
    /// How many points the windows that the kernel has have, each.
    pub(super) fn points(&self) -> Option<String> {
        let window = self.nest.values.iter().any(|value| matches!(value.op, Op::Window(..)));
        window.then(|| size(&Dim::product(self.loops.kernel.red.iter().map(|axis| &axis.extent))))
    }

    /// The windows that a loop goes along.
    fn windows_along(&self, var: &Sym, body: &[Node]) -> Vec<Ref> {
        let along = |v: &Ref| matches!(&self.nest.value(*v).op, Op::Window(_, window) if window.goes_along(var));
        let evals = body.iter().filter_map(|node| if let Node::Eval(v) = node { Some(*v) } else { None });
        evals.filter(along).collect()
    }

    /// Whether it goes along any.
    pub(super) fn has_windows(&self, var: &Sym, body: &[Node]) -> bool {
        !self.windows_along(var, body).is_empty()
    }

    /// Before a loop over windows: none is known.
    pub(super) fn begin_windows(&mut self, var: &Sym, body: &[Node]) {
        for v in self.windows_along(var, body) {
            self.out.line(format!("{}_s.begin();", self.nest.value(v).name));
        }
    }

    /// Opens the weights or the sums of a window, if it is such.
    pub(super) fn windowed(&mut self, v: Ref) -> bool {
        let nest = self.nest;
        if let Op::Weights(weights) = &nest.value(v).op {
            self.weights(v, weights);
            return true;
        }
        let Op::Window(weights, window) = &nest.value(v).op else { return false };
        let row = self.window(v, *weights, window);
        self.row(v, &row);
        true
    }

    /// The weights, once a tile.
    fn weights(&mut self, v: Ref, weights: &Weights) {
        let name = format!("{}_n", self.nest.value(v).name);
        let axes = weights.axes.iter().zip(&weights.counts);
        let axes: Vec<String> = axes.map(|(steps, count)| format!("({steps:?}, {})", size(count))).collect();
        let (at, lane) = self.tile(&weights.at);
        let from = &self.inputs[weights.input];
        self.out.line(format!("{name}.read(&{from}, {at}, {lane}, [{}], t.len);", axes.join(", ")));
        self.states.insert(name, format!("Taps::<{}>", self.nest.value(v).dtype));
    }

    /// The sums of a window, as a row.
    fn window(&mut self, v: Ref, weights: Ref, window: &Window) -> String {
        let name = format!("{}_s", self.nest.value(v).name);
        let (at, lane) = self.tile(&window.at);
        let steps: Vec<String> = window.outer.iter().map(|(steps, _)| format!("{steps:?}")).collect();
        let valid = |Inside { low, step, extent }: &Inside, count: &Dim| {
            format!("rt::valid({}, {step}, {}, {})", plain(low).text, plain(extent).text, size(count))
        };
        let meet = |ranges: Vec<String>, all: String| {
            ranges.into_iter().reduce(|a, b| format!("rt::meet({a}, {b})")).unwrap_or(all)
        };
        let inside = window.outer.iter().zip(&window.counts).map(|((_, inside), count)| {
            let all = format!("0..{}", plain(count).at(code::SUM));
            meet(inside.iter().map(|inside| valid(inside, count)).collect(), all)
        });
        let inside: Vec<String> = inside.collect();
        let columns = window.columns.iter().map(|Inside { low, extent, .. }| {
            let (from, to) = (Dim::zero().sub(low), extent.sub(low));
            format!("{}..{}", plain(&from).at(code::SUM), plain(&to).at(code::SUM))
        });
        let columns = meet(columns.collect(), "isize::MIN..isize::MAX".into());
        let around = format!(
            "{}.around({at}, {lane}, [{}], [{}], {}, {}, {columns})",
            self.inputs[window.input],
            steps.join(", "),
            inside.join(", "),
            window.axis,
            window.step
        );
        let taps = format!("{}_n", self.nest.value(weights).name);
        self.states.insert(name.clone(), format!("Sums::<{}>", window.dtype));
        let (along, end) = (&window.along, format!("{}.end", self.range(&window.along)));
        let rows = if self.together.is_some() {
            format!("rows(m, {along}, t, {end}")
        } else {
            format!("row(m, {along}, {end}")
        };
        format!("&{name}.{rows}, &{taps}, || {around})[..t.len]")
    }

    /// Where the tile begins, and the step along it.
    fn tile(&self, at: &[Dim]) -> (String, String) {
        let lane = self.loops.lane.as_deref().unwrap_or_default();
        let steps = at.iter().filter_map(|d| access::step(d, lane));
        (access::list(at.iter().map(|d| access::plain_start(d, lane))), access::list(steps))
    }
}

/// A number of points, as the runtime counts them.
fn size(count: &Dim) -> String {
    let text = plain(count);
    if count.as_const().is_some() { text.text } else { format!("{} as usize", text.at(code::UNARY)) }
}
