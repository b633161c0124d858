//! The text of `explain()`.
//!
//! In: a [`Program`] with its loops and blocks. Out: one paragraph a step: what runs, over
//! which axes, in how many passes, what it reads and writes; then temporaries,
//! what is computed again instead, and totals, in bytes as expressions of the sizes. Always: what it counts is
//! what the steps name: a buffer that a step reads twice counts once.
//!
//! ```text
//! softmax: 1 step
//!   0: kernel softmax_0, row form over B, C: 3 passes: max; sum; write y
//!      reads x 4*B*C, writes y 4*B*C
//!   total: reads 4*B*C bytes, writes 4*B*C bytes
//! ```

use super::code::Writer;
use crate::driver::Code;
use crate::kernel::{InstOp, Kernel};
use crate::loops::{Form, Loops};
use crate::program::band::{Band, bands};
use crate::program::tile::Block;
use crate::program::{Action, Again, BufId, Dot, Launch, Place, Program, Role};
use crate::shape::Dim;

/// Explains what a function became.
pub fn explain(Code { program, loops, blocks, .. }: &Code) -> String {
    let mut out = Writer::default();
    let n = program.steps.len();
    out.line(format!("{}: {n} {}", program.name, if n == 1 { "step" } else { "steps" }));
    let (mut read, mut written) = (Dim::zero(), Dim::zero());
    for (number, step) in program.steps.iter().enumerate() {
        let (inputs, outputs) = match &step.action {
            Action::Launch(launch) => {
                out.line(format!("  {number}: {}", kernel(program, launch, &loops[launch.kernel])));
                (launch.inputs.clone(), launch.outputs.clone())
            }
            Action::Dot(dot) => {
                out.line(format!("  {number}: {}", product(program, dot)));
                operands(program, dot, loops, &mut out)
            }
            Action::Scatter(s) => {
                let [updates, to, at] = [s.updates, s.out, s.indices].map(|id| &program.buffer(id).name);
                out.line(format!("  {number}: scatter {updates} into {to} along axis {} at {at}", s.axis));
                (vec![s.updates, s.indices], vec![s.out])
            }
        };
        let inputs = distinct(inputs);
        read = inputs.iter().fold(read, |sum, &b| sum.add(&bytes(program, b)));
        written = outputs.iter().fold(written, |sum, &b| sum.add(&bytes(program, b)));
        let reads = if inputs.is_empty() { "nothing".to_string() } else { sized(program, &inputs) };
        out.line(format!("     reads {reads}, writes {}", sized(program, &outputs)));
    }
    for block in blocks {
        out.line(format!("  {}", tiles(program, block)));
    }
    for band in bands(program) {
        out.line(format!("  {}", banded(program, &band)));
    }
    temporaries(program, &mut out);
    program.again.iter().for_each(|a| out.line(format!("  {}", again(a))));
    out.line(format!("  total: reads {read} bytes, writes {written} bytes"));
    out.text
}

fn kernel(program: &Program, launch: &Launch, loops: &Loops) -> String {
    let axes: Vec<String> = launch.extents.iter().map(Dim::to_string).collect();
    let name = format!("kernel {}_{}", program.name, launch.kernel);
    let form = match loops.form {
        Form::Row => "row form",
        Form::Column => "column form",
        Form::Scalar => return format!("{name}, one element"),
    };
    let passes = passes(program, launch, &loops.kernel);
    let count = if passes.len() == 1 { "1 pass".to_string() } else { format!("{} passes", passes.len()) };
    format!("{name}, {form} over {}: {count}: {}", axes.join(", "), passes.join("; "))
}

/// What each pass over the reduced axes makes.
fn passes(program: &Program, launch: &Launch, kernel: &Kernel) -> Vec<String> {
    let depths = kernel.depths();
    let depth = |v: crate::kernel::ValId| depths[v.0 as usize];
    let last = depths.iter().copied().max().unwrap_or(0);
    let mut passes = Vec::new();
    for pass in 0..=last {
        let mut made: Vec<String> = Vec::new();
        for inst in &kernel.code {
            if let InstOp::Reduce(monoid, arg) = inst.op
                && depth(arg) == pass
            {
                made.push(monoid.name().to_string());
            }
        }
        for store in kernel.stores.iter().filter(|s| depth(s.value) == pass) {
            made.push(format!("write {}", program.buffer(launch.outputs[store.output]).name));
        }
        if !made.is_empty() {
            passes.push(made.join(", "));
        }
    }
    // A reduction's result is written at the end of the pass that makes it.
    let whole = kernel.stores.iter().all(|s| !kernel.red.iter().any(|a| s.index.iter().any(|d| d.mentions(&a.var))));
    if whole && passes.len() > 1 {
        let writes = passes.pop().unwrap_or_default();
        if let Some(pass) = passes.last_mut() {
            pass.push_str(", ");
            pass.push_str(&writes);
        }
    }
    passes
}

fn product(program: &Program, dot: &Dot) -> String {
    let axes = |role: Role| -> Vec<&Dim> { dot.axes.iter().filter(|a| a.role == role).map(|a| &a.extent).collect() };
    let names = |role| axes(role).iter().map(|d| d.to_string()).collect::<Vec<_>>().join("*");
    let over = |role| if axes(role).is_empty() { "1".to_string() } else { names(role) };
    let batch = if axes(Role::Batch).is_empty() { String::new() } else { format!("{} x ", names(Role::Batch)) };
    let flops = Dim::product(dot.axes.iter().map(|a| &a.extent)).scale(2);
    format!(
        "{} product {} @ {}, {batch}({}) x ({}) over ({}), {flops} operations",
        dot.dtype,
        program.buffer(dot.left).name,
        program.buffer(dot.right).name,
        over(Role::Left),
        over(Role::Right),
        over(Role::Contract)
    )
}

/// What a product reads and writes, its epilogue included.
fn operands(program: &Program, dot: &Dot, loops: &[Loops], out: &mut Writer) -> (Vec<BufId>, Vec<BufId>) {
    let mut inputs = vec![dot.left, dot.right];
    match &dot.epilogue {
        None => (inputs, vec![dot.out]),
        Some(epilogue) => {
            let launch = &epilogue.launch;
            out.line(format!("     with {}", kernel(program, launch, &loops[launch.kernel])));
            inputs.extend(launch.inputs.iter().filter(|b| **b != dot.out));
            (inputs, launch.outputs.clone())
        }
    }
}

fn tiles(program: &Program, block: &Block) -> String {
    let local: Vec<&str> = block.local.iter().map(|&b| program.buffer(b).name.as_str()).collect();
    let whole = if local.is_empty() { String::new() } else { format!(", {} never whole", local.join(", ")) };
    let axes: Vec<String> = block.axes.iter().map(Dim::to_string).collect();
    format!("steps {} to {} in tiles over {}{whole}", block.first, block.end - 1, axes.join(", "))
}

fn banded(program: &Program, band: &Band) -> String {
    let of = program.buffer(band.of).name.as_str();
    let axes: Vec<String> = band.axes.iter().map(|near| near.extent.to_string()).collect();
    format!("steps {} and {} in bands over {}, {of} never whole", band.step, band.step + 1, axes.join(", "))
}

fn temporaries(program: &Program, out: &mut Writer) {
    for (number, buffer) in program.buffers.iter().enumerate() {
        let id = BufId(number as u32);
        let Place::Temp = buffer.place else { continue };
        let writes = |action: &Action| match action {
            Action::Launch(launch) => launch.outputs.contains(&id),
            // The product of a fused epilogue is never whole in memory.
            Action::Dot(Dot { out, epilogue: None, .. }) => *out == id,
            Action::Dot(Dot { epilogue: Some(e), .. }) => e.launch.outputs.contains(&id),
            Action::Scatter(s) => s.out == id,
        };
        let Some(first) = program.steps.iter().position(|s| writes(&s.action)) else { continue };
        let last = program.steps.iter().position(|s| s.release.contains(&id)).unwrap_or(first);
        let shape: Vec<String> = buffer.shape.iter().map(Dim::to_string).collect();
        out.line(format!(
            "  temporary {}: {}[{}], {} bytes, steps {first} to {last}",
            buffer.name,
            buffer.dtype,
            shape.join(", "),
            bytes(program, id)
        ));
    }
}

/// What is computed in several steps, and what saving it would take.
fn again(Again { dtype, shape, values, steps }: &Again) -> String {
    let noun = if *values == 1 { "value" } else { "values" };
    let dims: Vec<String> = shape.iter().map(Dim::to_string).collect();
    let numbers: Vec<String> = steps.iter().map(usize::to_string).collect();
    let (last, first) = numbers.split_last().map_or((String::new(), String::new()), |(l, f)| (l.clone(), f.join(", ")));
    let less = Dim::product(shape).scale((*values * dtype.bytes()) as i64);
    let what = format!("{values} {noun} of {dtype}[{}] in steps {first} and {last}", dims.join(", "));
    format!("computed again: {what}, {less} bytes less in memory")
}

fn bytes(program: &Program, id: BufId) -> Dim {
    let buffer = program.buffer(id);
    Dim::product(&buffer.shape).scale(buffer.dtype.bytes() as i64)
}

fn sized(program: &Program, ids: &[BufId]) -> String {
    let each: Vec<String> = ids.iter().map(|&b| format!("{} {}", program.buffer(b).name, bytes(program, b))).collect();
    each.join(", ")
}

fn distinct(ids: Vec<BufId>) -> Vec<BufId> {
    let mut out: Vec<BufId> = Vec::new();
    for id in ids {
        if !out.contains(&id) {
            out.push(id);
        }
    }
    out
}
