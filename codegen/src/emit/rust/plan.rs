//! A program as the `static` that the runtime executes.
//!
//! In: a [`Program`], the form of its kernels, the names of their types. Out:
//! text of one `rt::plan::Plan`. Always: buffers are numbered as the runtime
//! wants them: parameters, outputs, the rest. Next: [`super::items`].

use super::super::cuda::body::slices::Cut;
use super::super::cuda::body::turn::Turn;
use super::super::cuda::{self, geometry};
use super::code::Writer;
use super::slices;
use super::slots::Slots;
use super::{Attention, Windows};
use crate::graph::Relation;
use crate::kernel::Kernel;
use crate::kernel::access::{accesses, is_bare};
use crate::loops::lower::few;
use crate::loops::{Form, Loops};
use crate::program::attend::Along;
use crate::program::band::{Band, Near, bands};
use crate::program::bias::bias;
use crate::program::post_ops::{PostOp, With, post_ops};
use crate::program::prologue::Around;
use crate::program::tile::{Block, Bound};
use crate::program::{Action, BufId, Dot, Epilogue, Launch, Place, Program, Role, Step};
use crate::shape::Dim;

/// What a plan takes from outside.
pub struct Context<'a> {
    pub program: &'a Program,
    /// The loops of each kernel of the program.
    pub loops: &'a [Loops],
    /// For each kernel of the program its type, and its function in CUDA C.
    pub kernels: &'a [KernelNames],
    /// The program's blocks.
    pub blocks: &'a [Block],
    pub explain: &'a str,
    pub cuda: &'a str,
    /// For each step the function that its product calls, and its text.
    pub epilogues: &'a [Option<(String, String)>],
    pub attends: &'a [Attention],
    pub prologues: &'a [Windows],
    /// Of the function itself: its vector-Jacobian product.
    pub vjp: Option<&'a Vjp>,
}

/// The plan of a vector-Jacobian product, as another one names it.
pub struct Vjp {
    pub plan: String,
    pub wrt: Vec<usize>,
    pub cotangents: Vec<usize>,
}

#[derive(Clone, Debug)]
pub struct KernelNames {
    pub rust: String,
    /// The type of its second form, if it has one.
    pub across: Option<String>,
    pub cuda: String,
}

/// `pub static NAME: rt::Plan = …;`
pub fn plan(name: &str, cx: &Context<'_>) -> String {
    let program = cx.program;
    let mut emit = Emit { cx, slots: Slots::new(&program.symbols), order: order(program) };
    let mut steps = Writer::at(1);
    emit.steps(&mut steps);
    let mut blocks = Writer::at(1);
    emit.blocks(&mut blocks);
    let mut prologues = Writer::at(1);
    emit.prologues(&mut prologues);
    emit.bands(&mut prologues);
    let mut tables = Writer::at(1);
    emit.tables(&mut tables);
    let mut out = Writer::default();
    out.open(format!("pub static {name}: rt::Plan = rt::Plan"));
    out.line(format!("function: {:?},", program.name));
    let symbols: Vec<String> = program.symbols.iter().map(|s| format!("{s:?}")).collect();
    out.line(format!("symbols: &[{}],", symbols.join(", ")));
    out.line(format!("slots: {},", emit.slots.len()));
    emit.slots.closure(&mut out);
    out.append(&tables.text);
    out.append(&steps.text);
    out.append(&blocks.text);
    out.line(match cx.vjp {
        None => "vjp: None,".to_string(),
        Some(vjp) => {
            let (wrt, cotangents) = (list(&vjp.wrt), list(&vjp.cotangents));
            format!("vjp: Some(&Vjp {{ plan: &{}, cotangents: {cotangents}, wrt: {wrt} }}),", vjp.plan)
        }
    });
    out.append(&attends(cx.attends));
    out.append(&prologues.text);
    out.line(format!("explain: {:?},", cx.explain));
    out.line(format!("cuda: {:?},", cx.cuda));
    out.close_with("};");
    out.text
}

/// The buffers in the runtime's order.
fn order(program: &Program) -> Vec<BufId> {
    let ids = || (0..program.buffers.len() as u32).map(BufId);
    let mut params: Vec<(usize, BufId)> = Vec::new();
    let mut outputs: Vec<(usize, BufId)> = Vec::new();
    let mut rest = Vec::new();
    for id in ids() {
        match program.buffer(id).place {
            Place::Param(n) => params.push((n, id)),
            Place::Output(n) => outputs.push((n, id)),
            Place::Temp | Place::View(_) => rest.push(id),
        }
    }
    params.sort_unstable();
    outputs.sort_unstable();
    params.into_iter().chain(outputs).map(|(_, id)| id).chain(rest).collect()
}

struct Emit<'a> {
    cx: &'a Context<'a>,
    slots: Slots,
    order: Vec<BufId>,
}

impl Emit<'_> {
    fn buffer(&self, id: BufId) -> usize {
        self.order.iter().position(|b| *b == id).unwrap_or(0)
    }

    fn buffers(&self, ids: &[BufId]) -> String {
        list(ids.iter().map(|&id| self.buffer(id)))
    }

    fn tables(&mut self, out: &mut Writer) {
        let program = self.cx.program;
        out.open_with("params: &[");
        for param in &program.params {
            let dims = self.slots.list(&param.ty.shape);
            out.line(format!("Param {{ name: {:?}, dtype: DType::{:?}, dims: {dims} }},", param.name, param.ty.dtype));
        }
        out.close_with("],");
        out.open_with("requires: &[");
        for r in &program.requires {
            let (left, right) = (self.slots.of(&r.left), self.slots.of(&r.right));
            let relation = match r.relation {
                Relation::Eq => "Eq",
                Relation::Le => "Le",
                Relation::Lt => "Lt",
            };
            let text = format!("{} {} {}", bare(&r.left), r.relation.sign(), bare(&r.right));
            out.line(format!(
                "Require {{ left: {left}, relation: Relation::{relation}, right: {right}, text: {text:?}, why: {:?} }},",
                r.why
            ));
        }
        out.close_with("],");
        out.open_with("buffers: &[");
        for id in self.order.clone() {
            let buffer = program.buffer(id);
            let place = match buffer.place {
                Place::Param(_) => "Param".to_string(),
                Place::Output(_) => "Output".to_string(),
                Place::Temp => "Temp".to_string(),
                Place::View(base) => format!("View({})", self.buffer(base)),
            };
            let (dims, order) = (self.slots.list(&buffer.shape), list(&buffer.order));
            out.line(format!(
                "Buffer {{ dtype: DType::{:?}, dims: {dims}, order: {order}, place: Place::{place} }},",
                buffer.dtype
            ));
        }
        out.close_with("],");
        out.line(format!("outputs: {},", self.buffers(&program.outputs)));
    }

    fn steps(&mut self, out: &mut Writer) {
        let steps: &[Step] = &self.cx.program.steps;
        out.open_with("steps: &[");
        for (step, after) in steps.iter().zip(self.cx.epilogues) {
            let release = self.buffers(&step.release);
            out.open("Step");
            match &step.action {
                Action::Launch(launch) => {
                    out.open("action: Action::Launch(Launch");
                    self.launch(launch, out);
                    out.close_with("}),");
                }
                Action::Dot(dot) => {
                    out.open("action: Action::Dot(Dot");
                    self.dot(dot, after.as_ref(), out);
                    out.close_with("}),");
                }
                Action::Scatter(s) => {
                    let [updates, indices, to] = [s.updates, s.indices, s.out].map(|id| self.buffer(id));
                    out.line(format!(
                        "action: Action::Scatter(Scatter {{ updates: {updates}, indices: {indices}, out: {to}, axis: {}, batch: {} }}),",
                        s.axis, s.batch
                    ));
                }
            }
            out.line(format!("release: {release},"));
            out.close_with("},");
        }
        out.close_with("],");
    }

    fn blocks(&mut self, out: &mut Writer) {
        out.open_with("blocks: &[");
        for block in self.cx.blocks {
            let (axes, local) = (self.slots.list(&block.axes), self.buffers(&block.local));
            let follows = list(block.follows.iter().map(list));
            let (first, end) = (block.first, block.end);
            let bounds = list(block.bounds.iter().map(|bound| {
                let Bound { step, axis, along, tiled, .. } = bound;
                let (tiled, start) = (list(tiled), self.slots.of(&bound.start));
                format!("Bound {{ step: {step}, axis: {axis}, along: {along}, tiled: {tiled}, start: {start} }}")
            }));
            let block = format!("axes: {axes}, follows: {follows}, local: {local}, bounds: {bounds}");
            out.line(format!("Block {{ first: {first}, end: {end}, {block} }},"));
        }
        out.close_with("],");
    }

    fn prologues(&mut self, out: &mut Writer) {
        out.open_with("prologues: &[");
        for Windows { prologue, window, epilogue, text } in self.cx.prologues {
            let (step, left) = (prologue.step, prologue.left);
            let epilogue = epilogue.as_deref().unwrap_or_default();
            out.open("Prologue");
            out.line(format!("step: {step}, left: {left}, window: {window:?}, epilogue: {epilogue:?},"));
            let around = prologue.around.as_ref().map_or("None".to_string(), |Around { of, axes }| {
                let axes = axes.iter().map(|(start, steps)| format!("({}, {})", self.slots.of(start), list(steps)));
                let axes = list(axes);
                format!("Some(Around {{ of: {}, axes: {axes} }})", self.buffer(*of))
            });
            out.line(format!("around: {around},"));
            out.line(format!("text: {text:?},"));
            out.close_with("},");
        }
        out.close_with("],");
    }

    fn bands(&mut self, out: &mut Writer) {
        out.open_with("bands: &[");
        for Band { step, of, axes } in &bands(self.cx.program) {
            let axes = list(axes.iter().map(|Near { par, of, step, low, high, .. }| {
                let (low, high) = (self.slots.of(low), self.slots.of(high));
                format!("Near {{ par: {par}, of: {of}, step: {step}, low: {low}, high: {high} }}")
            }));
            out.line(format!("Band {{ step: {step}, of: {}, axes: {axes} }},", self.buffer(*of)));
        }
        out.close_with("],");
    }

    fn launch(&mut self, launch: &Launch, out: &mut Writer) {
        let (program, names) = (self.cx.program, &self.cx.kernels[launch.kernel]);
        let kernel = &program.kernels[launch.kernel];
        let column = self.cx.loops[launch.kernel].form == Form::Column;
        out.line(format!("name: \"{}_{}\",", program.name, launch.kernel));
        let across = names.across.as_ref().map_or(String::new(), |name| match kernel.red.is_empty() {
            true => format!(".turned::<{name}>({})", few(kernel)),
            false => format!(".across::<{name}>()"),
        });
        let sliced = slices::cut(&self.cx.loops[launch.kernel])
            .map_or(String::new(), |cut| format!(".sliced({})", described(cut)));
        out.line(format!("cpu: rt::CpuKernel::new::<{}>(){across}{sliced},", names.rust));
        out.line(format!("cuda: {},", cuda_function(&names.cuda, &self.cx.loops[launch.kernel])));
        out.line(format!("par: {},", kernel.par.len()));
        out.line(format!("extents: {},", self.slots.list(&launch.extents)));
        out.line(format!("lane_is_parallel: {column},"));
        out.line(format!("sizes: {},", self.slots.list(&launch.sizes)));
        out.line(format!("inputs: {},", self.buffers(&launch.inputs)));
        let outputs = launch.outputs.iter().map(|&id| format!("Output {{ buffer: {} }}", self.buffer(id)));
        out.line(format!("outputs: {},", list(outputs)));
        let access = accesses(kernel);
        out.line(format!("collapse: {},", list(collapse(kernel, &access))));
        let rows = access.iter().map(|axes| list(axes.iter().map(|a| a.map_or("FREE".to_string(), |k| k.to_string()))));
        out.line(format!("accesses: {},", list(rows)));
        out.line(format!("cost: {},", kernel.cost()));
    }

    fn dot(&mut self, dot: &Dot, after: Option<&(String, String)>, out: &mut Writer) {
        let place =
            |p: Option<(usize, i64)>| p.map_or("None".to_string(), |(axis, step)| format!("Some(({axis}, {step}))"));
        out.line(format!("dtype: DType::{:?},", dot.dtype));
        out.line(format!("left: {},", self.buffer(dot.left)));
        out.line(format!("left_start: {},", self.slots.list(&dot.left_start)));
        out.line(format!("right: {},", self.buffer(dot.right)));
        out.line(format!("right_start: {},", self.slots.list(&dot.right_start)));
        out.open_with("axes: &[");
        for axis in &dot.axes {
            let role = match axis.role {
                Role::Batch => "Batch",
                Role::Left => "Left",
                Role::Right => "Right",
                Role::Contract => "Contract",
            };
            let to = axis.out.map_or("None".to_string(), |k| format!("Some({k})"));
            out.line(format!(
                "DotAxis {{ role: Role::{role}, extent: {}, left: {}, right: {}, out: {to} }},",
                self.slots.of(&axis.extent),
                place(axis.left),
                place(axis.right)
            ));
        }
        out.close_with("],");
        out.line(format!("out: {},", self.buffer(dot.out)));
        match &dot.epilogue {
            None => out.line("epilogue: None,"),
            Some(epilogue @ Epilogue { launch, input, axes }) => {
                out.open("epilogue: Some(Epilogue");
                out.open("launch: Launch");
                self.launch(launch, out);
                out.close_with("},");
                out.line(format!("input: {input},"));
                let axes = axes.iter().map(|a| a.map_or("FREE".to_string(), |k| k.to_string()));
                out.line(format!("axes: {},", list(axes)));
                let kernel = &self.cx.program.kernels[launch.kernel];
                out.line(format!("bias: {:?},", bias(kernel, dot, epilogue)));
                out.line(format!("post_ops: {},", posted(post_ops(kernel, *input))));
                let (function, text) = after.map_or(("", ""), |(function, text)| (function.as_str(), text.as_str()));
                out.line(format!("function: {function:?},"));
                out.line(format!("text: {text:?},"));
                out.close_with("}),");
            }
        }
    }
}

fn attends(all: &[Attention]) -> String {
    let mut out = Writer::at(1);
    out.open_with("attends: &[");
    for Attention { attend, score, epilogue, text } in all {
        let loops = |along: &[Along]| {
            let [first, second] = [0, 1].map(|product| list(along.iter().map(|a| a.loops[product])));
            format!("[{first}, {second}]")
        };
        let ([first, second], epilogue) = (attend.columns, epilogue.as_deref().unwrap_or_default());
        out.open("Attend");
        out.line(format!("step: {}, input: {},", attend.step, attend.input));
        out.line(format!("batch: {}, rows: {},", loops(&attend.batch), loops(&attend.rows)));
        out.line(format!("columns: [{first}, {second}],"));
        out.line(format!("score: {score:?}, epilogue: {epilogue:?},"));
        out.line(format!("text: {text:?},"));
        out.close_with("},");
    }
    out.close_with("],");
    out.text
}

fn posted(ops: Option<Vec<PostOp>>) -> String {
    let with = |with: Option<With>| match with {
        Some(With::Number(number)) => format!("Some(With::Number({number:?}))"),
        Some(With::Input(input)) => format!("Some(With::Input({input}))"),
        None => "None".to_string(),
    };
    let one = |&PostOp { scale, shift, most, least, positive }: &PostOp| {
        let (scale, shift) = (with(scale), with(shift));
        format!("PostOp {{ scale: {scale}, shift: {shift}, most: {most:?}, least: {least:?}, positive: {positive} }}")
    };
    ops.map_or("None".to_string(), |ops| format!("Some({})", list(ops.iter().map(one))))
}

fn described(Cut { passes, states, again }: Cut) -> String {
    format!("Cut {{ passes: {passes}, states: {states}, again: {again} }}")
}

/// A kernel in CUDA C, and what its launch depends on.
fn cuda_function(name: &str, loops: &Loops) -> String {
    let (kernel, geometry) = (&loops.kernel, geometry::geometry(loops));
    let cut = geometry.cut.map_or("None".to_string(), |cut| format!("Some({})", described(cut)));
    let turn = geometry.turn.map_or("None".to_string(), |Turn { axis, strip, along, .. }| {
        let along = along.iter().map(|(input, axis)| format!("({input}, {axis})"));
        format!("Some(Turn {{ axis: {axis}, strip: {strip}, along: {} }})", list(along))
    });
    let written = kernel.axes().enumerate().filter(|(_, axis)| axis.extent.as_const().is_some());
    format!(
        "Cuda {{ function: {name:?}, deal: Deal::{:?}, held: {}, strip: {}, written: {}, narrow: {}, picks: {}, cut: {cut}, turn: {turn} }}",
        geometry.deal,
        geometry.held,
        geometry.strip,
        list(written.map(|(number, _)| number)),
        cuda::narrow(kernel),
        cuda::picks(kernel).count()
    )
}

fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    format!("&[{}]", items.join(", "))
}

/// A dimension without the parentheses of a single atom.
fn bare(d: &Dim) -> String {
    let text = d.to_string();
    match (d.single(), text.strip_prefix('(').and_then(|t| t.strip_suffix(')'))) {
        (Some(_), Some(inner)) => inner.to_string(),
        _ => text,
    }
}

/// For each adjacent pair of parallel axes whether both occur only as bare
/// coordinates, at the same axes in all accesses of an operand.
fn collapse(kernel: &Kernel, accesses: &[Vec<Option<usize>>]) -> Vec<bool> {
    let once = |k: usize| accesses.iter().all(|axes| axes.iter().filter(|a| **a == Some(k)).count() <= 1);
    let bare = |k: usize| is_bare(kernel, accesses, k) && once(k);
    (1..kernel.par.len()).map(|k| bare(k - 1) && bare(k)).collect()
}
