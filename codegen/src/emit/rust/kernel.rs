//! A kernel as Rust: one `impl rt::Kernel`, readable text.
//!
//! In: [`Loops`]. Out: the text of a type and its `impl`. Always: the text is
//! safe code that names `rt::…` and what the prelude of `core` has, nothing
//! else; equal loops give equal text; the innermost loops run over slices of
//! one length, without calls that are not inlined.
//!
//! ```text
//! let mut a1 = rt::Acc::<f32, rt::monoid::Sum>::new();
//! for p0 in cx.range(0) {
//!     for t in rt::tiles(0..e1) {
//!         let v0 = x.row([p0, t.start], [0, 1], t.len, &mut v0_t);
//!         a1.push(m, t.start, v0);
//!     }
//!     let v1 = a1.finish(m);
//!     y.put([p0], v1);
//! }
//! ```
//!
//! Names: `p r` loop variables, `e` extents, `s` sizes, `v3` value %3, `a3` its
//! accumulator, `k3` where it is kept; `v3_t` a packed tile of it, `v3_b` a tile
//! of computed values, `v3_m` what it has for each of several rows, in `v3_m_t`,
//! `v3_n` the weights and `v3_s` the sums of windows, `v3_d` the divisor that it is
//! a quotient by, `v3_r` the lane positions where it holds; `part` some positions
//! of a tile; `y_w` a row of output `y`, `y_t` its tile.
//! Next: [`super::run`].

use super::super::cuda::body::slices::Cut;
use super::access::plain;
use super::code::{self, Code, Writer};
use super::divisors::Divisor;
use super::nest::{Kind, Nest, Node, Op, Ref, nest};
use super::part::Part;
use super::piece;
use super::slices;
use crate::dtype::DType;
use crate::kernel::{Axis, Guard, Operand};
use crate::loops::{Form, Loops};
use crate::ops::Literal;
use crate::shape::{Dim, Sym};
use std::collections::BTreeMap;

/// How deep the body of `run` stands.
const BODY: usize = 2;

/// What a kernel is launched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum On {
    /// Operands as they are in memory.
    Memory,
    /// Panels of a product, which are in a cache.
    Panels,
}

/// The units that rustc compiles kernels in, of which the runtime has so many.
pub(super) const UNITS: usize = 16;

/// The type of kernel `number` of a block, with its `impl rt::Kernel`; a second form has one clone, which needs no pieces.
pub fn kernel(number: usize, loops: &Loops, on: On, second: bool) -> String {
    let name = name(number);
    let nest = nest(loops, on);
    let mut taken = Vec::new();
    let inputs = operand_names(&loops.kernel.inputs, "in", &mut taken);
    let outputs = operand_names(&loops.kernel.outputs, "out", &mut taken);
    let mut emit = Emit {
        loops,
        nest: &nest,
        inputs,
        outputs,
        out: Writer::at(BODY),
        scope: vec![None; nest.values.len()],
        open: Vec::new(),
        tiles: BTreeMap::new(),
        buffers: BTreeMap::new(),
        states: BTreeMap::new(),
        divisors: BTreeMap::new(),
        accumulators: BTreeMap::new(),
        together: None,
        holds: Vec::new(),
        cuts: Vec::new(),
        slices: slices::cut(loops),
        number,
        once: !second && piece::once(loops.form, &nest),
        pieces: Vec::new(),
        parts: BTreeMap::new(),
        pass: 0,
    };
    emit.block(&nest.body);
    let body = std::mem::take(&mut emit.out.text);
    let mut out = Writer::default();
    emit.pieces.iter().for_each(|piece| out.append(piece));
    out.line(format!("pub struct {name};"));
    out.line("");
    out.open(format!("impl rt::Kernel for {name}"));
    out.line(format!("type Unit = rt::unit::U{};", number % UNITS));
    if emit.once {
        out.line("const ONCE: bool = true;");
    }
    out.line("#[inline(always)]");
    let (m, cx) =
        (if mentions(&body, "m") { "m" } else { "_" }, if loops.kernel.stores.is_empty() { "_" } else { "cx" });
    out.open(format!("fn run<M: rt::Isa>({m}: M, {cx}: &mut rt::Cx<'_>)"));
    for line in emit.head(&body) {
        out.line(line);
    }
    out.append(&body);
    out.close();
    out.close();
    out.text
}

/// The name of the type.
pub fn name(number: usize) -> String {
    format!("K{number}")
}

/// How a value in scope is read.
#[derive(Clone, Debug)]
pub(super) enum Repr {
    /// A local.
    Scalar(String),
    /// A slice along the lane.
    Slice(String),
}

pub(super) struct Emit<'a> {
    pub loops: &'a Loops,
    pub nest: &'a Nest,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub out: Writer,
    /// By [`Ref`]: what stands in scope here.
    pub scope: Vec<Option<Repr>>,
    /// The variables of the loops around this place.
    pub open: Vec<Sym>,
    /// Packing tiles, by name.
    pub tiles: BTreeMap<String, DType>,
    /// Tiles of computed values, by name.
    pub buffers: BTreeMap<String, DType>,
    /// Accumulators of rows, by name: made once, for they are larger than what they answer, and started anew by that.
    pub accumulators: BTreeMap<String, String>,
    /// What windows need, by name: a type of the runtime.
    pub states: BTreeMap<String, String>,
    /// In a vector loop: quotients whose divisor is made ready before it.
    pub divisors: BTreeMap<Ref, Divisor>,
    /// The variable of the loop around this place whose rows go together.
    pub together: Option<Sym>,
    /// What holds everywhere in the loop over the lane around this place.
    pub holds: Vec<Guard>,
    /// Where the lane around this place is cut.
    pub cuts: Vec<Dim>,
    /// How its rows may be cut, and the passes before this place.
    pub slices: Option<Cut>,
    /// What the job has of its rows, by name: the same for all of them.
    pub parts: BTreeMap<String, String>,
    pub pass: usize,
    /// The kernel's number in its block.
    pub number: usize,
    /// Whether it is compiled once.
    pub once: bool,
    /// The text of its pieces.
    pub pieces: Vec<String>,
}

impl Emit<'_> {
    fn block(&mut self, nodes: &[Node]) {
        let mut at = 0;
        while at < nodes.len() {
            match &nodes[at] {
                Node::Loop { kind, var, body } => {
                    let scope = self.scope.clone();
                    let together = self.goes_together(*kind, var, body);
                    let part = self.part(*kind, var, body);
                    if *kind == Kind::Lane {
                        self.cuts = self.cuts(*kind, var, body);
                    }
                    let head =
                        if together { self.rows_head(*kind, var) } else { self.loop_head(*kind, var, part.as_ref()) };
                    self.spread(*kind, var, body);
                    self.begin_windows(var, body);
                    self.out.open(head);
                    self.open.push(var.clone());
                    self.together = together.then(|| var.clone());
                    self.holds = part.map_or_else(Vec::new, |part| part.holds);
                    self.block(body);
                    self.holds.clear();
                    self.together = None;
                    self.open.pop();
                    self.out.close();
                    self.scope = scope;
                    self.passed(&nodes[at], &nodes[at + 1..]);
                }
                Node::Start(acc) => self.start(*acc, &nodes[at + 1..]),
                Node::Finish(acc) => {
                    self.finish(*acc);
                    self.passed(&nodes[at], &nodes[at + 1..]);
                }
                Node::Eval(_) | Node::Push(..) | Node::Keep(_) | Node::Recall(_) | Node::Store { .. } => {
                    let rest = &nodes[at..];
                    let run =
                        rest.iter().take_while(|n| !matches!(n, Node::Loop { .. } | Node::Start(_) | Node::Finish(_)));
                    let end = at + run.count();
                    self.run(&nodes[at..end], &nodes[end..]);
                    at = end;
                    continue;
                }
            }
            at += 1;
        }
    }

    /// The coordinates of an axis.
    pub(super) fn range(&self, var: &Sym) -> String {
        match self.loops.kernel.par.iter().position(|a| a.var == *var) {
            Some(k) => format!("cx.range({k})"),
            None => format!("0..{}", self.extent(var).at(code::SUM)),
        }
    }

    fn loop_head(&mut self, kind: Kind, var: &Sym, part: Option<&Part>) -> String {
        let range = part.map_or_else(|| self.range(var), |part| part.range.clone());
        match kind {
            Kind::Parallel | Kind::Serial => format!("for {var} in {range}"),
            Kind::Lane => match self.points() {
                Some(points) => format!("for t in rt::lanes({range}, {points})"),
                None => format!(
                    "for t in rt::tiles({}){}{}",
                    self.sliced(range, part.is_none()),
                    self.each(var),
                    self.cut()
                ),
            },
        }
    }

    /// The elements that each of the lane has behind it, where the lane is around another parallel axis.
    fn each(&self, lane: &Sym) -> String {
        let last = self.loops.kernel.par.last().filter(|last| self.column() && last.var != *lane);
        last.map_or(String::new(), |last| format!(".each({})", plain(&last.extent).text))
    }

    fn rows_head(&self, kind: Kind, var: &Sym) -> String {
        match kind {
            Kind::Parallel => format!("for ({var}, t) in t.beside({})", self.range(var)),
            Kind::Serial | Kind::Lane => {
                format!("for ({var}, t) in t.together({}, {})", self.extent(var).at(code::SUM), self.rows_together())
            }
        }
    }

    /// The extent of an axis.
    pub(super) fn extent(&self, var: &Sym) -> Code {
        let axis = self.loops.kernel.axes().find(|a| a.var == *var);
        axis.map_or_else(|| Code::atom("0"), |a| plain(&a.extent))
    }

    pub(super) fn column(&self) -> bool {
        self.loops.form == Form::Column
    }

    fn start(&mut self, acc: Ref, rest: &[Node]) {
        let value = self.nest.value(acc);
        if let Op::Reduced(monoid, dtype) = &value.op {
            let name = format!("a{}", value.id.0);
            let of = format!("<{dtype}, rt::monoid::{}>", monoid.row().rust);
            if self.column() {
                let new = if self.takes_rows(acc, rest) {
                    format!("of_rows(t.len, {})", self.rows_together())
                } else {
                    "new(t.len)".into()
                };
                self.out.line(format!("let mut {name} = rt::ColAcc::{of}::{new};"));
            } else {
                self.accumulators.insert(name, format!("rt::Acc::{of}::new()"));
            }
        }
    }

    fn finish(&mut self, acc: Ref) {
        let name = self.nest.value(acc).name.clone();
        self.out.line(format!("let {name} = {};", self.total(acc)));
        self.scope[acc.0] = Some(if self.column() { Repr::Slice(name) } else { Repr::Scalar(name) });
    }

    /// The position of this point in the reduced axes, of those that are open;
    /// of the lane its first point in the tile.
    pub(super) fn position(&self) -> Dim {
        self.loops.kernel.red.iter().fold(Dim::zero(), |at, axis| {
            let here = if self.open.contains(&axis.var) { Dim::sym(axis.var.clone()) } else { Dim::zero() };
            at.mul(&axis.extent).add(&here)
        })
    }

    /// Where this tile's row of an output begins and runs, as arguments.
    pub(super) fn place(&self, index: &[Dim]) -> String {
        let lane = self.loops.lane.as_deref().unwrap_or_default();
        let axis = index.iter().position(|d| d.mentions(lane)).unwrap_or(0);
        let start = |s: &str| if s == lane { "t.start".into() } else { s.to_string() };
        let at: Vec<String> = index.iter().map(|d| code::dim(d, &start).text).collect();
        match self.together.as_ref().and_then(|down| index.iter().position(|d| d.mentions(down))) {
            Some(down) => format!("[{}], [{down}, {axis}], t", at.join(", ")),
            None => format!("[{}], {axis}, t.len", at.join(", ")),
        }
    }

    /// Asks for the lines of a row that is written beside others.
    pub(super) fn fetch(&mut self, beside_others: bool, output: usize, index: &[Dim]) {
        if beside_others && self.together.is_none() {
            self.out.line(format!("{}.fetch({});", self.outputs[output], self.place(index)));
        }
    }

    /// The lines before the loops: what the body mentions.
    fn head(&self, body: &str) -> Vec<String> {
        let kernel = &self.loops.kernel;
        let mut lines: Vec<(String, String)> = Vec::new();
        for (k, (name, o)) in self.inputs.iter().zip(&kernel.inputs).enumerate() {
            lines.push((
                name.clone(),
                format!("let {name} = cx.input::<{}, {}>({k});", code::ty(o.dtype, "rt"), o.rank()),
            ));
        }
        for (k, (name, o)) in self.outputs.iter().zip(&kernel.outputs).enumerate() {
            lines.push((
                name.clone(),
                format!("let mut {name} = cx.output::<{}, {}>({k});", code::ty(o.dtype, "rt"), o.rank()),
            ));
        }
        for (k, size) in kernel.sizes.iter().enumerate() {
            lines.push((size.to_string(), format!("let {size} = cx.size({k});")));
        }
        let rows: Vec<(String, String)> = self
            .loops
            .kept
            .iter()
            .filter(|kept| kept.until.is_none())
            .map(|kept| {
                let len = plain(&Dim::product(kernel.red.iter().map(|a: &Axis| &a.extent))).text;
                let (name, dtype) = (format!("k{}", kept.value.0), kernel.inst(kept.value).dtype);
                (name.clone(), format!("let mut {name} = cx.row::<{dtype}>({len});"))
            })
            .collect();
        let used = |name: &str| {
            let mut lines = rows.iter().map(|(_, line)| line).chain(self.parts.values());
            mentions(body, name) || lines.any(|line| mentions(line, name))
        };
        for (k, axis) in kernel.axes().enumerate() {
            if let Some(name) = axis.extent.as_sym() {
                lines.push((name.to_string(), format!("let {name} = cx.extent({k});")));
            }
        }
        for (name, part) in &self.parts {
            lines.push((name.clone(), format!("let {name} = {part};")));
        }
        for (name, dtype) in &self.tiles {
            lines.push((name.clone(), format!("let mut {name} = rt::Tile::<{}>::new();", code::ty(*dtype, "rt"))));
        }
        for (name, of) in &self.states {
            lines.push((name.clone(), format!("let mut {name} = rt::{of}::new();")));
        }
        for (name, dtype) in &self.buffers {
            let zero = code::literal(Literal::Int(0), *dtype).text;
            lines.push((name.clone(), format!("let mut {name} = rt::Lane([{zero}; rt::TILE]);")));
        }
        for (name, new) in &self.accumulators {
            lines.push((name.clone(), format!("let mut {name} = {new};")));
        }
        let mut out: Vec<String> = lines.into_iter().filter(|(name, _)| used(name)).map(|(_, line)| line).collect();
        out.extend(rows.into_iter().map(|(_, line)| line));
        out
    }
}

/// Whether a name stands in the text as a whole word.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(word) && !text[at + name.len()..].chars().next().is_some_and(word)
    })
}

/// A variable for each operand: its own name where that is free.
fn operand_names(operands: &[Operand], prefix: &str, taken: &mut Vec<String>) -> Vec<String> {
    let mut names = Vec::new();
    for (k, operand) in operands.iter().enumerate() {
        let name = operand.name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let name = if reserved(&name) || taken.contains(&name) { format!("{prefix}{k}") } else { name };
        taken.push(name.clone());
        names.push(name);
    }
    names
}

/// Whether a name cannot be a variable, or is one of the emitter's.
fn reserved(name: &str) -> bool {
    let numbered =
        |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    !name.starts_with(|c: char| c.is_ascii_lowercase())
        || ["v", "a", "k", "p", "r", "e", "s", "in", "out", "part", "ends"].iter().any(|p| numbered(p))
        || ["_t", "_w", "_b", "_m", "_n", "_s", "_d", "_r"].iter().any(|suffix| name.ends_with(suffix))
        || ["m", "t", "i", "cx", "part", "ahead", "len", "start", "rt", "core", "usize", "isize"].contains(&name)
        || DType::from_name(name).is_some()
        || syn::parse_str::<syn::Ident>(name).is_err()
}
