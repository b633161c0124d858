//! A kernel for each row of the op tables on each dtype it takes.

use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::kernel::{self, Kernel};
use ndfuse_codegen::ops::{MapOp, Monoid, Rule};

fn read(text: &str) -> Kernel {
    let kernel = kernel::parse::parse(text).unwrap_or_else(|why| panic!("{why}\n{text}"));
    kernel::verify::verify(&kernel).unwrap_or_else(|why| panic!("{why}\n{text}"));
    kernel
}

/// `y[i] = op(x0[i], …)`, for arguments of this dtype.
pub fn map(op: MapOp, dtype: DType) -> Option<Kernel> {
    let row = op.row();
    let of = |k: usize| if k == 0 && row.rule == Rule::Select { DType::Bool } else { dtype };
    let dtypes: Vec<DType> = (0..row.arity).map(of).collect();
    let result = op.result(&dtypes)?;
    let lines =
        |line: &dyn Fn(usize, DType) -> String| dtypes.iter().enumerate().map(|(k, &d)| line(k, d)).collect::<String>();
    let args: Vec<String> = (0..row.arity).map(|k| format!("%{k}")).collect();
    Some(read(&format!(
        "kernel\n  par p0\n{}  out y : {result}[1]\n{}  %{n} = {} {} : {result}\n  store y[p0] = %{n}\n",
        lines(&|k, d| format!("  in x{k} : {d}[1]\n")),
        lines(&|k, d| format!("  %{k} = load x{k}[p0] : {d}\n")),
        row.name,
        args.join(", "),
        n = row.arity,
    )))
}

/// `y[i] = x[i]` as another dtype.
pub fn cast(from: DType, to: DType) -> Kernel {
    read(&format!(
        "kernel\n  par p0\n  in x : {from}[1]\n  out y : {to}[1]\n  \
         %0 = load x[p0] : {from}\n  %1 = cast %0 : {to}\n  store y[p0] = %1\n"
    ))
}

/// The reduction of each row (`x[p0, r0]`) or column (`x[r0, p0]`).
pub fn reduce(monoid: Monoid, dtype: DType, rows: bool) -> Option<Kernel> {
    let result = monoid.result(dtype)?;
    let index = if rows { "p0, r0" } else { "r0, p0" };
    Some(read(&format!(
        "kernel\n  par p0\n  red r0\n  in x : {dtype}[2]\n  out y : {result}[1]\n  \
         %0 = load x[{index}] : {dtype}\n  %1 = {} %0 : {result}\n  store y[p0] = %1\n",
        monoid.name()
    )))
}
