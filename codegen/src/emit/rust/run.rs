//! A run: statements between two loops, as one vector loop.
//!
//! In: evaluations, pushes, keeps and stores that follow each other. Out: the
//! rows they read, scalars, one loop over the tile, then the pushes. Always: a
//! value that is read once, in the loop, stands where it is read; a value that
//! is read after the loop is written to a row that lives as long as the tile.
//! Outside the lane everything is a scalar. Next: [`super::access`].

use super::access::{self, Load, plain};
use super::code::{self, Code};
use super::kernel::{Emit, Repr, mentions};
use super::nest::{Node, Op, Ref};
use super::piece::lane_loop;
use crate::kernel::InstOp;
use crate::shape::{Dim, Sym};
use std::collections::{BTreeMap, BTreeSet};

/// An expression longer than this gets a name.
const LONG: usize = 88;

/// A store of the run.
pub(super) struct Sink<'a> {
    pub(super) output: usize,
    pub(super) index: &'a [Dim],
    value: Ref,
}

/// What a run has to do.
pub(super) struct Run<'a> {
    /// In order, without what nobody reads.
    evals: Vec<Ref>,
    pub(super) stores: Vec<Sink<'a>>,
    pub(super) keeps: Vec<Ref>,
    /// Accumulators with what is pushed to them.
    pushes: Vec<(Ref, Ref)>,
    /// What lies in the row of an output that the run writes, with the output.
    held_over: Vec<(Ref, usize)>,
    /// Values that must lie in a slice after the loop.
    rows: BTreeSet<Ref>,
    /// How often a value is read in the run; many times if it is read later.
    reads: BTreeMap<Ref, usize>,
    /// Values that are read by vector code.
    by_vector: BTreeSet<Ref>,
}

impl Run<'_> {
    /// Whether something lies in the row of an output that the run writes.
    pub(super) fn lies_in(&self, output: usize) -> bool {
        self.held_over.iter().any(|(_, held)| *held == output)
    }
}

impl Emit<'_> {
    pub(super) fn run(&mut self, nodes: &[Node], rest: &[Node]) {
        let mut held_over = Vec::new();
        for node in nodes {
            if let Node::Recall(v) = node {
                held_over.extend(self.recall(*v, nodes));
            }
        }
        let run = Run { held_over, ..self.plan(nodes, rest) };
        if self.lane_here().is_some() { self.vector(&run) } else { self.scalar(&run) }
    }

    /// Makes what was kept a slice; answers the output in whose row it lies, if the run writes that.
    fn recall(&mut self, v: Ref, nodes: &[Node]) -> Option<(Ref, usize)> {
        let name = self.nest.value(v).name.clone();
        let Some(store) = self.until(v) else {
            let row = self.kept(v);
            self.out.line(format!("let {name} = &{row};"));
            self.scope[v.0] = Some(Repr::Slice(name));
            return None;
        };
        let output = self.loops.kernel.stores[store].output;
        let writes = nodes.iter().any(|n| matches!(n, Node::Store { output: other, .. } if *other == output));
        let (slice, by) = if writes { (format!("{}_w", self.outputs[output]), "&mut ") } else { (name, "&") };
        self.open_row(&slice, by, "again", output, &self.loops.kernel.stores[store].index);
        self.scope[v.0] = Some(Repr::Slice(slice));
        writes.then_some((v, output))
    }

    /// The store in whose row a value is kept.
    pub(super) fn until(&self, v: Ref) -> Option<usize> {
        self.loops.kept(self.nest.value(v).id).and_then(|kept| kept.until)
    }

    /// The lane, inside its loop.
    fn lane_here(&self) -> Option<&Sym> {
        self.loops.lane.as_ref().filter(|lane| self.open.contains(lane))
    }

    pub(super) fn is_vector(&self, value: Ref) -> bool {
        self.lane_here().is_some_and(|lane| self.nest.value(value).vars.contains(lane))
    }

    fn is_slice(&self, value: Ref) -> bool {
        matches!(self.scope[value.0], Some(Repr::Slice(_)))
    }

    /// A value that becomes a slice of its own.
    fn is_row_load(&self, value: Ref) -> bool {
        let load = matches!(self.nest.value(value).op, Op::Load { .. } | Op::Weights(_) | Op::Window(..));
        load && self.is_vector(value) && self.nest.args(value).iter().all(|&index| self.is_at_hand(index))
    }

    /// Whether a picked index is known before the vector loop: it is one for all
    /// lanes, or read from memory.
    fn is_at_hand(&self, index: Ref) -> bool {
        let known = self.scope[index.0].is_some() || !self.is_vector(index) || self.is_row_load(index);
        known || matches!(self.nest.value(index).op, Op::Cast(arg) if self.is_at_hand(arg))
    }

    /// How a name in an index is written: a picked index where it stands.
    pub(super) fn name(&self, name: &str, local: &BTreeMap<Ref, Code>) -> String {
        match Ref::named(name).map(|pick| &self.nest.value(pick).op) {
            Some(Op::Pick(index, extent)) => {
                format!("cx.pick({}, {})", self.read(*index, local).text, plain(extent).text)
            }
            Some(_) | None => name.to_string(),
        }
    }

    fn plan<'n>(&self, nodes: &'n [Node], rest: &[Node]) -> Run<'n> {
        let (mut evals, mut stores, mut keeps, mut pushes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for node in nodes {
            match node {
                Node::Eval(v) if self.scope[v.0].is_none() => evals.push(*v),
                Node::Store { output, index, value } => stores.push(Sink { output: *output, index, value: *value }),
                Node::Keep(v) => keeps.push(*v),
                Node::Push(acc, v) => pushes.push((*acc, self.chosen(*v))),
                Node::Eval(_) | Node::Recall(_) | Node::Loop { .. } | Node::Start(_) | Node::Finish(_) => {}
            }
        }
        let mut later = BTreeSet::new();
        self.reads_of(rest, &mut later);
        later.retain(|v| evals.contains(v));
        let mut reads: BTreeMap<Ref, usize> = later.iter().map(|v| (*v, 2)).collect();
        let mut by_vector = BTreeSet::new();
        let mut rows: BTreeSet<Ref> = later.into_iter().filter(|v| self.is_vector(*v)).collect();
        rows.extend(pushes.iter().map(|(_, v)| *v));
        for (k, sink) in stores.iter().enumerate() {
            let twin = stores.iter().enumerate().any(|(j, other)| j != k && other.output == sink.output);
            if twin && self.lane_here().is_some() {
                rows.insert(sink.value);
            }
        }
        for v in stores.iter().map(|s| s.value).chain(keeps.iter().copied()).chain(rows.iter().copied()) {
            *reads.entry(v).or_default() += 1;
            if self.lane_here().is_some() {
                by_vector.insert(v);
            }
        }
        // A pushed value that is stored or kept anyway has no row of its own.
        for v in &rows {
            if keeps.contains(v) || stores.iter().any(|s| s.value == *v) {
                *reads.entry(*v).or_default() -= 1;
            }
        }
        for &v in evals.iter().rev() {
            if reads.get(&v).is_some_and(|&n| n > 0) {
                for arg in self.nest.args(v) {
                    *reads.entry(arg).or_default() += 1;
                    if self.is_vector(v) {
                        by_vector.insert(arg);
                    }
                }
            }
        }
        evals.retain(|v| reads.get(v).is_some_and(|&n| n > 0));
        rows.retain(|v| !self.is_slice(*v) && !self.is_row_load(*v));
        Run { evals, stores, keeps, pushes, held_over: Vec::new(), rows, reads, by_vector }
    }

    pub(super) fn reads_of(&self, nodes: &[Node], out: &mut BTreeSet<Ref>) {
        for node in nodes {
            match node {
                Node::Loop { body, .. } => self.reads_of(body, out),
                Node::Eval(v) => out.extend(self.nest.args(*v)),
                Node::Push(_, v) | Node::Keep(v) | Node::Store { value: v, .. } => {
                    out.insert(*v);
                }
                Node::Start(_) | Node::Finish(_) | Node::Recall(_) => {}
            }
        }
    }

    /// Outside the lane: locals, then single elements.
    fn scalar(&mut self, run: &Run<'_>) {
        let mut local = BTreeMap::new();
        for &v in &run.evals {
            self.scalar_value(run, v, &mut local);
        }
        for sink in &run.stores {
            let index: Vec<String> = sink.index.iter().map(|d| plain(d).text).collect();
            let value = self.read(sink.value, &local).text;
            self.out.line(format!("{}.put([{}], {value});", self.outputs[sink.output], index.join(", ")));
        }
    }

    /// A scalar: a local, or its text where it is read once by a scalar.
    fn scalar_value(&mut self, run: &Run<'_>, v: Ref, local: &mut BTreeMap<Ref, Code>) {
        let code = self.build(v, local);
        if self.stands_inline(run, v, &code) && !run.by_vector.contains(&v) {
            local.insert(v, code);
            return;
        }
        let name = self.nest.value(v).name.clone();
        self.out.line(format!("let {name} = {};", code.text));
        self.scope[v.0] = Some(Repr::Scalar(name));
    }

    fn stands_inline(&self, run: &Run<'_>, v: Ref, code: &Code) -> bool {
        // The steps of a written-out reduction are statements, under one name.
        let step = matches!(self.loops.kernel.inst(self.nest.value(v).id).op, InstOp::Reduce(..));
        run.reads.get(&v) == Some(&1) && !step && code.text.len() <= LONG
    }

    /// Inside the lane: rows and scalars, the loop, what follows it.
    fn vector(&mut self, run: &Run<'_>) {
        let mut local = BTreeMap::new();
        // Casts of what is read, for picked indices.
        let mut casts = BTreeMap::new();
        self.known_lengths(&run.evals);
        let rows: Vec<Ref> = run.evals.iter().copied().filter(|&v| self.is_row_load(v)).collect();
        if rows.iter().any(|&v| matches!(self.nest.value(v).op, Op::Window(..))) {
            run.stores.iter().for_each(|sink| self.fetch_rows(sink.output, sink.index));
        }
        let around = self.around(&rows);
        for &v in &run.evals {
            if self.windowed(v) || around.get(&v).map(|row| self.named_row(v, row)).is_some() {
                continue;
            }
            if self.is_row_load(v) {
                let known = local.iter().chain(&casts).map(|(v, code): (&Ref, &Code)| (*v, code.clone())).collect();
                self.row_load(v, &known);
            } else if !self.is_vector(v) {
                self.scalar_value(run, v, &mut local);
            } else if self.is_at_hand(v) {
                casts.insert(v, self.build(v, &casts));
            }
        }
        let held = self.hold_rows(run);
        self.divisors(&run.evals, &local);
        self.choices(run, &mut local);
        self.ranges(run, &mut local);
        self.vector_loop(run, &held, local);
        self.divisors.clear();
        for (v, row) in held.of.iter().filter(|(v, _)| self.is_vector(**v)).collect::<Vec<_>>() {
            self.scope[v.0] = Some(Repr::Slice(row.clone()));
        }
        for &output in &held.late {
            let sinks: Vec<&Sink<'_>> = run.stores.iter().filter(|s| s.output == output).collect();
            let from: Vec<String> = sinks.iter().map(|sink| self.slice(sink.value, &held)).collect();
            if let Some(axis) = self.braided(&sinks) {
                let (name, place) = (&self.outputs[output], self.place(sinks[0].index));
                let rows: Vec<String> = from.iter().map(|row| format!("&{row}[..]")).collect();
                self.out.line(format!("{name}.braid({place}, {axis}, [{}]);", rows.join(", ")));
                continue;
            }
            for (sink, from) in sinks.iter().zip(from) {
                let row = self.out_row("row", output, sink.index);
                self.out.line(format!("{row}.copy_from_slice({from});"));
            }
        }
        let at = self.tile_position();
        for (acc, v) in &run.pushes {
            let from = self.slice(*v, &held);
            self.out.line(format!("a{}.push(m, {at}, {from});", self.nest.value(*acc).id.0));
        }
        // What was only a register of the loop is gone.
        for &v in &run.evals {
            if self.is_vector(v) && !self.is_slice(v) {
                self.scope[v.0] = None;
            }
        }
    }

    /// The axis along which the rows of an output are its elements from the first one on, and differ in nothing else.
    fn braided(&self, sinks: &[&Sink<'_>]) -> Option<usize> {
        let [first, rest @ ..] = sinks else { return None };
        let axis = first.index.iter().zip(rest.first()?.index).position(|(a, b)| a != b)?;
        let is_at = |(at, sink): (usize, &&Sink<'_>)| {
            let same = |k: usize| k == axis || sink.index[k] == first.index[k];
            sink.index[axis].is(at as i64) && (0..sink.index.len()).all(same)
        };
        (self.together.is_none() && sinks.iter().enumerate().all(is_at)).then_some(axis)
    }

    /// Conditions on indices are ranges of the tile, where they are linear in the lane.
    fn ranges(&mut self, run: &Run<'_>, local: &mut BTreeMap<Ref, Code>) {
        for &v in &run.evals {
            let value = self.nest.value(v);
            let Op::Inside(guards) = &value.op else { continue };
            if !self.is_vector(v) || self.is_sure(v) || local.contains_key(&v) {
                continue;
            }
            let lane = self.loops.lane.as_deref().unwrap_or_default();
            let picks = self.nest.args(v).iter().any(|&index| self.is_vector(index));
            let range = access::within(&self.unsure(guards), lane, &|name: &str| self.name(name, local));
            if let Some(range) = range.filter(|_| !picks) {
                let range = format!("let {}_r = rt::Within::new({range});", value.name);
                let has = Code::atom(format!("{}_r.has(i)", value.name));
                self.out.line(range);
                local.insert(v, has);
            }
        }
    }

    /// What a choice goes by is found once for a span where the lane is cut.
    fn choices(&mut self, run: &Run<'_>, local: &mut BTreeMap<Ref, Code>) {
        let all: Vec<Ref> = run.evals.iter().copied().filter(|&v| self.is_vector(v) && self.is_cut(v)).collect();
        if let Some(lane) = self.loops.lane.as_ref().filter(|_| !all.is_empty()) {
            self.out.line(format!("let {lane} = t.start;"));
        }
        for v in all {
            let name = self.nest.value(v).name.clone();
            let code = self.at_start(v, local);
            self.out.line(format!("let {name} = {};", code.text));
            local.insert(v, Code::atom(name));
        }
    }

    /// A value at the first point of the span.
    fn at_start(&self, v: Ref, local: &BTreeMap<Ref, Code>) -> Code {
        if local.contains_key(&v) || !self.is_vector(v) {
            return self.read(v, local);
        }
        let args = self.nest.args(v).into_iter();
        let known: BTreeMap<Ref, Code> = args.map(|arg| (arg, self.at_start(arg, local))).collect();
        self.build(v, &known)
    }

    fn row_load(&mut self, v: Ref, local: &BTreeMap<Ref, Code>) {
        let value = self.nest.value(v);
        if let Op::Load { input, index, guards, fill } = &value.op
            && let Some(lane) = self.loops.lane.as_ref()
        {
            let tile = format!("{}_t", value.name);
            let (name, fill) = (|name: &str| self.name(name, local), code::literal(*fill, value.dtype));
            let guards = &self.unsure(guards);
            let load = Load { input: &self.inputs[*input], index, guards, fill, name: &name };
            let own = self.nest.args(v).iter().any(|&index| self.is_vector(index));
            let row = if own { access::gather(&load, lane, &tile) } else { self.lane_rows(&load, lane, &tile) };
            self.named_row(v, &row);
        }
    }

    /// The row of an output, as a place expression.
    fn out_row(&mut self, method: &str, output: usize, index: &[Dim]) -> String {
        let name = &self.outputs[output];
        let tile = format!("{name}_t");
        let method = if self.together.is_some() { "rows" } else { method };
        let row = format!("{name}.{method}({}, &mut {tile})", self.place(index));
        self.tiles.insert(tile, self.loops.kernel.outputs[output].dtype);
        row
    }

    /// Opens the row of an output under a name.
    fn open_row(&mut self, name: &str, by: &str, method: &str, output: usize, index: &[Dim]) {
        let row = self.out_row(method, output, index);
        self.out.line(format!("let mut {name} = {row};"));
        let slice = if self.once { format!("{by}*{name}") } else { format!("{by}{name}[..t.len]") };
        self.out.line(format!("let {name} = {slice};"));
    }

    /// Opens the rows that the loop writes.
    fn hold_rows(&mut self, run: &Run<'_>) -> Held {
        let mut held = Held::default();
        let own = |v: &&Ref| !run.keeps.contains(v) && !run.stores.iter().any(|s| s.value == **v);
        let writes = run.keeps.len() + run.stores.len() + run.rows.iter().filter(own).count();
        for (k, sink) in run.stores.iter().enumerate() {
            if run.stores.iter().enumerate().any(|(j, other)| j != k && other.output == sink.output) {
                held.late.insert(sink.output);
            }
        }
        let last = writes > 0 && run.pushes.last().is_some_and(|(acc, _)| self.is_last(*acc));
        let mut ahead = if last { self.ahead() } else { Vec::new() };
        if last && writes > 1 {
            ahead.extend(self.beyond(run, &held.late));
        }
        if !ahead.is_empty() {
            held.ahead = ahead.len();
            self.out.line(format!("let ahead = [{}];", ahead.join(", ")));
        }
        // The whole row of what is written beside others is fetched before, unless a part of it is as the loop goes on.
        let several = writes > 1 && !last;
        for &v in &run.keeps {
            let name = format!("k{}", self.nest.value(v).id.0);
            match self.until(v).map(|store| &self.loops.kernel.stores[store]) {
                Some(store) => {
                    self.fetch(several, store.output, &store.index);
                    self.open_row(&name, "&mut ", "keep", store.output, &store.index);
                }
                None => {
                    let row = self.kept(v);
                    self.out.line(format!("let {name} = &mut {row};"));
                }
            }
            held.writes.push((name.clone(), v));
            held.of.insert(v, name);
        }
        for sink in run.stores.iter().filter(|s| !held.late.contains(&s.output)).collect::<Vec<_>>() {
            let name = format!("{}_w", self.outputs[sink.output]);
            if !run.lies_in(sink.output) {
                self.fetch(several, sink.output, sink.index);
                self.open_row(&name, "&mut ", "row", sink.output, sink.index);
            }
            held.writes.push((name.clone(), sink.value));
            if run.rows.contains(&sink.value) {
                held.of.entry(sink.value).or_insert(name);
            }
        }
        for &v in &run.rows {
            if !held.of.contains_key(&v) {
                let value = self.nest.value(v);
                let name =
                    if value.name.is_empty() { format!("v{}_b", value.id.0) } else { format!("{}_b", value.name) };
                self.buffers.insert(name.clone(), value.dtype);
                self.out.line(format!("let {name} = &mut {name}[..t.len];"));
                held.writes.push((name.clone(), v));
                held.of.insert(v, name);
            }
        }
        held
    }

    fn vector_loop(&mut self, run: &Run<'_>, held: &Held, mut local: BTreeMap<Ref, Code>) {
        if held.writes.is_empty() {
            return;
        }
        // Before the loop has names of its own.
        let fields = self.once.then(|| self.fields(held, &local));
        let mut lines = Vec::new();
        for &(v, _) in &run.held_over {
            let name = self.nest.value(v).name.clone();
            lines.push(format!("let {name} = {};", self.read(v, &local).text));
            local.insert(v, Code::atom(name));
        }
        for &v in &run.evals {
            if !self.is_vector(v) || self.is_row_load(v) || local.contains_key(&v) {
                continue;
            }
            let code = self.build(v, &local);
            if self.stands_inline(run, v, &code) {
                local.insert(v, code);
            } else {
                let name = self.nest.value(v).name.clone();
                lines.push(format!("let {name} = {};", code.text));
                local.insert(v, Code::atom(name));
            }
        }
        for (row, v) in &held.writes {
            lines.push(format!("{row}[i] = {};", self.read(*v, &local).text));
        }
        if let Some(fields) = fields {
            return self.piece(&lines, fields, held.ahead);
        }
        let lane = self.loops.lane.as_deref().unwrap_or_default();
        let coordinate = lines.iter().any(|line| mentions(line, lane)).then_some((lane, "t.start"));
        lane_loop(&mut self.out, &lines, (held.ahead > 0).then_some("&ahead"), "t.len", coordinate);
    }

    /// The place of this tile in a value's own row buffer.
    fn kept(&self, v: Ref) -> String {
        let name = format!("k{}", self.nest.value(v).id.0);
        match self.loops.kernel.red.len() {
            1 => format!("{name}[t.range()]"),
            _ => format!("{name}[({}) as usize..][..t.len]", self.tile_position()),
        }
    }

    /// The position of the tile's first point in the reduced axes.
    fn tile_position(&self) -> String {
        let lane = self.loops.lane.as_deref().unwrap_or_default();
        code::dim(&self.position(), &|s| if s == lane { "t.start".into() } else { s.to_string() }).text
    }

    /// A value as a slice, after the loop.
    fn slice(&self, v: Ref, held: &Held) -> String {
        match (held.of.get(&v), &self.scope[v.0]) {
            (Some(name), _) | (None, Some(Repr::Slice(name) | Repr::Scalar(name))) => name.clone(),
            (None, None) => self.nest.value(v).name.clone(),
        }
    }
}

/// The rows that a loop writes.
#[derive(Default)]
pub(super) struct Held {
    /// The row's variable, and what goes there.
    pub(super) writes: Vec<(String, Ref)>,
    /// Where a value can be read after the loop.
    of: BTreeMap<Ref, String>,
    /// Outputs with several rows in the run: written after it.
    late: BTreeSet<usize>,
    /// How many rows are fetched meanwhile.
    pub(super) ahead: usize,
}
