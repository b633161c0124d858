//! The CUDA back end: loops as header-free CUDA C, compiled by NVRTC when first
//! run.
//!
//! In: [`Loops`]. Out: one `extern "C" __global__` function a kernel, with the
//! device functions that it calls, and the rule for its launch. Always: the text
//! is the same for the same loops; a result has the same bits on every run, for
//! sums are combined in a fixed order and no value is made by atomics; no header
//! is needed. An index out of range is noted, and memory stays safe.
//!
//! How a kernel's points are dealt to threads ([`Deal`]):
//!
//! - **Point**: a thread computes a point of the parallel axes, reduced loops and
//!   all. For maps and for reductions of small constant extents.
//! - **Row**: `ND_ROW_THREADS` threads share a row and stride its lane.
//! - **Column**: `ND_COLUMN_THREADS` threads share a column and stride its outer
//!   reduced loop; neighbouring threads have neighbouring columns.
//!
//! All of them go on to further points by the size of the grid, so that any grid
//! is right. Where rows or columns are few and long, each is cut into slices for
//! several blocks ([`body::slices`]); a map that reads across memory goes by tiles
//! ([`body::turn`]). What the CPU keeps in a row buffer is computed again; with
//! `ND_ROW_ITEMS` the threads of a row hold it in registers instead, and what
//! they would load twice.
//! Next: [`body`], [`geometry`].

pub mod body;
pub mod expr;
pub mod geometry;
mod names;
pub mod prelude;

use crate::kernel::{Axis, InstOp, Kernel, ValId};
use crate::loops::{Form, LoopKind, Loops, Stmt};
use crate::program::{Dot, Epilogue};
use crate::shape::Dim;
use prelude::prelude;

/// How the points of a kernel are dealt to threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deal {
    Point,
    Row,
    Column,
}

/// A parameter of the function, in the order of the text. Strides, extents and
/// sizes are `ND_INDEX`; a stride counts elements.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parameter {
    /// The data of an operand: inputs first, then outputs.
    Data(usize),
    /// The stride of an operand's axis.
    Stride(usize, usize),
    /// The extent of an axis, parallel ones first; constants are in the text.
    Extent(usize),
    /// One of the kernel's sizes.
    Size(usize),
    /// Where indices out of range are noted: two words for each pick, `nd_pick`
    /// says which. Only where the kernel picks.
    Notes,
    /// What slices came to: two words for each slice of a point and each state.
    /// Only where the kernel may be cut.
    Parts,
}

/// How this kernel's points are dealt to threads.
pub fn deal(loops: &Loops) -> Deal {
    fn serial(body: &[Stmt]) -> bool {
        body.iter().any(|stmt| match stmt {
            Stmt::Loop { kind, body, .. } => *kind == LoopKind::Serial || serial(body),
            Stmt::Eval(_) | Stmt::Start(_) | Stmt::Push(_) | Stmt::Finish(_) => false,
            Stmt::Keep(_) | Stmt::Recall(_) | Stmt::Store(_) => false,
        })
    }
    match loops.form {
        Form::Row => Deal::Row,
        Form::Column if serial(&loops.body) => Deal::Column,
        Form::Column | Form::Scalar => Deal::Point,
    }
}

/// What a kernel's text is told of operands, extents and sizes.
pub fn parameters(kernel: &Kernel) -> Vec<Parameter> {
    let mut out = Vec::new();
    for (number, operand) in kernel.inputs.iter().chain(&kernel.outputs).enumerate() {
        out.push(Parameter::Data(number));
        out.extend((0..operand.rank()).map(|axis| Parameter::Stride(number, axis)));
    }
    let named = |(_, axis): &(usize, &Axis)| axis.extent.as_const().is_none();
    out.extend(kernel.axes().enumerate().filter(named).map(|(number, _)| Parameter::Extent(number)));
    out.extend((0..kernel.sizes.len()).map(Parameter::Size));
    out.extend((picks(kernel).next().is_some()).then_some(Parameter::Notes));
    out
}

/// The parameters of the function that [`kernel()`](kernel) makes.
pub fn arguments(loops: &Loops) -> Vec<Parameter> {
    let parts = body::slices::cut(loops).map(|_| Parameter::Parts);
    parameters(&loops.kernel).into_iter().chain(parts).collect()
}

/// The values that pick an element by an index which may be out of range.
pub fn picks(kernel: &Kernel) -> impl Iterator<Item = ValId> {
    kernel.ids().filter(|v| matches!(kernel.inst(*v).op, InstOp::Pick(..)))
}

/// Whether the extents and the elements' offsets are all that the kernel computes
/// with `ND_INDEX`: then it may be `int` where these fit.
pub fn narrow(kernel: &Kernel) -> bool {
    let bare = |d: &Dim| d.is(0) || d.as_sym().is_some_and(|s| kernel.axes().any(|a| a.var == *s));
    let plain = |op: &InstOp| match op {
        InstOp::Load { index, guards, .. } => guards.is_empty() && index.iter().all(bare),
        InstOp::Index(value) => bare(value),
        InstOp::Inside(_) | InstOp::Pick(..) => false,
        InstOp::Const(_) | InstOp::Map(..) | InstOp::Cast(_) | InstOp::Reduce(..) => true,
    };
    kernel.code.iter().all(|inst| plain(&inst.op)) && kernel.stores.iter().all(|s| s.index.iter().all(bare))
}

/// One kernel, without what it calls: see [`source`].
pub fn kernel(loops: &Loops, name: &str) -> String {
    let operands = names::operands(&loops.kernel);
    let mut lines: Vec<String> = Vec::new();
    for parameter in arguments(loops) {
        let (text, fresh) = declaration(&loops.kernel, &operands, parameter);
        match lines.last_mut() {
            Some(line) if !fresh => *line = format!("{line}, {text}"),
            _ => lines.push(text),
        }
    }
    let held = body::held(loops);
    let plain = body::body(loops, &operands, &[], None);
    let turn = body::turn::turn(loops);
    let body = match (held.as_slice(), turn) {
        ([], None) => plain,
        ([], turn) => format!("#ifdef ND_TURN\n{}#else\n{plain}#endif\n", body::body(loops, &operands, &[], turn)),
        (held, _) => {
            format!("#if ND_ROW_ITEMS > 0\n{}#else\n{plain}#endif\n", body::body(loops, &operands, held, None))
        }
    };
    format!(
        "extern \"C\" __global__ void __launch_bounds__(ND_BLOCK) {name}(\n    {}) {{\n{body}}}\n",
        lines.join(",\n    ")
    )
}

/// What a parameter points to, if it is no number, and its name.
fn named(kernel: &Kernel, names: &[String], parameter: Parameter) -> (Option<String>, String) {
    match parameter {
        Parameter::Data(number) => {
            let constant = if number < kernel.inputs.len() { "const " } else { "" };
            let operand = kernel.inputs.iter().chain(&kernel.outputs).nth(number).expect("an operand's number");
            (Some(format!("{constant}{}", operand.dtype.cuda())), names[number].clone())
        }
        Parameter::Stride(number, axis) => (None, format!("{}_s{axis}", names[number])),
        Parameter::Extent(number) => (None, format!("e{number}")),
        Parameter::Size(number) => (None, kernel.sizes[number].to_string()),
        Parameter::Notes => (Some("unsigned long long".into()), "notes".into()),
        Parameter::Parts => (Some("unsigned long long".into()), "parts".into()),
    }
}

/// A parameter's declaration, and whether it begins a line.
fn declaration(kernel: &Kernel, names: &[String], parameter: Parameter) -> (String, bool) {
    let fresh = match parameter {
        Parameter::Data(_) | Parameter::Notes | Parameter::Parts => true,
        Parameter::Stride(..) => false,
        Parameter::Extent(number) => kernel.axes().position(|a| a.extent.as_const().is_none()) == Some(number),
        Parameter::Size(number) => number == 0 && kernel.axes().all(|a| a.extent.as_const().is_some()),
    };
    let text = match named(kernel, names, parameter) {
        (Some(ty), name) => format!("{ty}* __restrict__ {name}"),
        (None, name) => format!("nd_int {name}"),
    };
    (text, fresh)
}

/// The epilogue of a product: its loops, its name, and what it is of.
pub type After<'a> = (&'a Loops, String, &'a Dot, &'a Epilogue);

/// The functions that a kernel of the runtime calls, with what they call: a
/// [`score`](body::called::score) or a [`window`](body::called::window) if
/// there is one, and the epilogue if there is one. `None` where the product's
/// places do not tell the epilogue's.
pub fn called_source(first: Option<String>, after: Option<&After<'_>>) -> Option<String> {
    let epilogue = match after {
        Some((loops, name, dot, epilogue)) => Some(body::called::function(loops, name, dot, epilogue)?),
        None => None,
    };
    let text = first.into_iter().chain(epilogue).collect::<Vec<_>>().join("\n");
    Some(format!("{}\n{text}", prelude(&text)))
}

/// A whole translation unit: what the kernels call, then the kernels.
pub fn source(kernels: &[(String, Loops)]) -> String {
    let texts: Vec<String> = kernels.iter().map(|(name, loops)| kernel(loops, name)).collect();
    let kernels = texts.join("\n");
    format!("{}\n{kernels}", prelude(&kernels))
}
