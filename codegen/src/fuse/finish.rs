//! Drafts become kernels with canonical names.
//!
//! In: a [`Draft`] in terms of the function's symbols. Out: a [`Kernel`] in
//! terms of its own sizes, and the dimensions to launch it with. Always: two
//! drafts of the same form give the same kernel, whatever their sizes are.
//! Next: [`crate::loops`].

use super::builder::{Draft, Source};
use crate::dtype::DType;
use crate::graph::NodeId;
use crate::kernel::{Axis, Guard, Inst, InstOp, Kernel, Operand, Store, UNROLL, ValId};
use crate::shape::{Dim, SizesOnly, Sym};
use std::collections::HashMap;

/// A kernel with what its launch needs.
pub struct Finished {
    pub kernel: Kernel,
    pub extents: Vec<Dim>,
    pub sizes: Vec<Dim>,
    pub inputs: Vec<Source>,
    pub outputs: Vec<NodeId>,
}

/// What `finish` asks about a node in memory: name, dtype and axis order.
pub type Describe<'a> = &'a dyn Fn(Source) -> (String, DType, Vec<usize>);

struct Namer<'a> {
    draft: &'a Draft,
    vars: HashMap<Sym, Sym>,
    sizes: Vec<Dim>,
}

impl Namer<'_> {
    fn size(&mut self, dim: &Dim) -> Dim {
        let k = self.sizes.iter().position(|d| d == dim).unwrap_or_else(|| {
            self.sizes.push(dim.clone());
            self.sizes.len() - 1
        });
        Dim::sym(format!("s{k}"))
    }

    /// An index: loop variables get their final names, symbols become sizes.
    fn index(&mut self, dim: &Dim) -> Dim {
        let names = dim.symbols();
        let is_var = |s: &Sym| self.vars.contains_key(s);
        if !names.iter().any(is_var) {
            return if names.is_empty() { dim.clone() } else { self.size(dim) };
        }
        let renamed: HashMap<Sym, Dim> = names
            .iter()
            .map(|s| match self.vars.get(s) {
                Some(var) => (s.clone(), Dim::sym(var.clone())),
                None => (s.clone(), self.size(&Dim::sym(s.clone()))),
            })
            .collect();
        dim.substitute(&SizesOnly, &|s| renamed.get(s).cloned())
    }

    fn extent(&mut self, dim: &Dim) -> Dim {
        match dim.as_const() {
            Some(c) if c <= UNROLL => dim.clone(),
            _ => self.size(dim),
        }
    }

    fn guards(&mut self, guards: &[Guard]) -> Vec<Guard> {
        guards.iter().map(|g| Guard { index: self.index(&g.index), extent: self.extent(&g.extent) }).collect()
    }

    fn op(&mut self, op: &InstOp, moved: &[Option<ValId>]) -> InstOp {
        let to = |v: &ValId| moved[v.0 as usize].expect("operands come first");
        match op {
            InstOp::Load { input, index, guards, fill } => InstOp::Load {
                input: *input,
                index: index.iter().map(|d| self.index(d)).collect(),
                guards: self.guards(guards),
                fill: *fill,
            },
            InstOp::Const(literal) => InstOp::Const(*literal),
            InstOp::Index(dim) => InstOp::Index(self.index(dim)),
            InstOp::Inside(guards) => InstOp::Inside(self.guards(guards)),
            InstOp::Map(op, args) => InstOp::Map(*op, args.iter().map(to).collect()),
            InstOp::Cast(arg) => InstOp::Cast(to(arg)),
            InstOp::Pick(arg, extent) => InstOp::Pick(to(arg), self.extent(extent)),
            InstOp::Reduce(monoid, arg) => InstOp::Reduce(*monoid, to(arg)),
        }
    }
}

pub fn finish(draft: &Draft, describe: Describe) -> Finished {
    let mut vars = HashMap::new();
    for (letter, axes) in [("p", &draft.par), ("r", &draft.red)] {
        for (k, (var, _)) in axes.iter().enumerate() {
            vars.insert(var.clone(), Sym::from(format!("{letter}{k}")));
        }
    }
    let mut namer = Namer { draft, vars, sizes: Vec::new() };
    let live = live(draft);
    let used: Vec<usize> = (0..draft.inputs.len()).filter(|&k| reads(draft, &live, k)).collect();
    let mut moved: Vec<Option<ValId>> = vec![None; draft.code.len()];
    let mut code = Vec::new();
    for (k, inst) in draft.code.iter().enumerate().filter(|(k, _)| live[*k]) {
        let mut op = namer.op(&inst.op, &moved);
        if let InstOp::Load { input, .. } = &mut op {
            *input = used.iter().position(|u| u == input).expect("a live load's input is used");
        }
        let id = ValId(code.len() as u32);
        if let InstOp::Pick(..) = op {
            namer.vars.insert(ValId(k as u32).name(), id.name());
        }
        moved[k] = Some(id);
        code.push(Inst { op, dtype: inst.dtype });
    }
    let mut names = Names::default();
    let mut operand = |source: Source| {
        let (name, dtype, order) = describe(source);
        Operand { name: names.fresh(&name), dtype, order }
    };
    let inputs: Vec<Source> = used.iter().map(|&k| draft.inputs[k]).collect();
    let kernel_inputs = inputs.iter().map(|&s| operand(s)).collect();
    let mut outputs: Vec<NodeId> = draft.stores.iter().map(|s| s.0).collect();
    // The stores of a root follow each other.
    outputs.dedup();
    let kernel_outputs = outputs.iter().map(|node| operand(Source::Node(*node))).collect();
    let stores = draft.stores.iter().map(|(node, index, value)| Store {
        output: outputs.iter().position(|n| n == node).expect("a stored root is an output"),
        index: index.iter().map(|d| namer.index(d)).collect(),
        value: moved[value.0 as usize].expect("a stored value is live"),
    });
    let stores = stores.collect();
    let extents: Vec<Dim> = namer.draft.par.iter().chain(&namer.draft.red).map(|(_, e)| e.clone()).collect();
    let axis = |k: usize, letter: &str, n: usize, unroll: bool| Axis {
        var: Sym::from(format!("{letter}{n}")),
        extent: match extents[k].as_const() {
            Some(c) if unroll && c <= UNROLL => Dim::from(c),
            _ => Dim::sym(format!("e{k}")),
        },
    };
    let pars = draft.par.len();
    let kernel = Kernel {
        sizes: (0..namer.sizes.len()).map(|k| Sym::from(format!("s{k}"))).collect(),
        par: (0..pars).map(|k| axis(k, "p", k, false)).collect(),
        red: (0..draft.red.len()).map(|n| axis(pars + n, "r", n, true)).collect(),
        inputs: kernel_inputs,
        outputs: kernel_outputs,
        code,
        stores,
    };
    Finished { kernel, extents, sizes: namer.sizes, inputs, outputs }
}

/// Which instructions a store depends on.
fn live(draft: &Draft) -> Vec<bool> {
    let mut live = vec![false; draft.code.len()];
    for (_, _, value) in &draft.stores {
        live[value.0 as usize] = true;
    }
    for k in (0..draft.code.len()).rev().filter(|&k| k < draft.code.len()) {
        if live[k] {
            for arg in draft.code[k].op.args() {
                live[arg.0 as usize] = true;
            }
        }
    }
    live
}

fn reads(draft: &Draft, live: &[bool], which: usize) -> bool {
    let loads = |inst: &Inst| matches!(inst.op, InstOp::Load { input, .. } if input == which);
    draft.code.iter().zip(live).any(|(inst, &live)| live && loads(inst))
}

/// Operand names: readable, distinct, and apart from all that emitters invent,
/// which ends in a digit.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn fresh(&mut self, wanted: &str) -> String {
        let last = wanted.rsplit('.').find(|s| s.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        let mut base: String =
            last.unwrap_or("x").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        while base.starts_with('_') {
            base.remove(0);
        }
        if base.is_empty()
            || base.ends_with(|c: char| c.is_ascii_digit())
            || base.starts_with(|c: char| c.is_ascii_digit())
        {
            base = format!("x{base}_");
        }
        let name =
            (0..).map(|n| format!("{base}{}", "_".repeat(n))).find(|n| !self.0.contains(n)).expect("a free name");
        self.0.push(name.clone());
        name
    }
}
