//! A kernel for each row of the op tables on each dtype it takes.

use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::kernel::{self, Kernel};
use ndfuse_codegen::ops::{MapOp, Monoid, Rule};

/// The text of a kernel's values, one after the other.
#[derive(Default)]
struct Code {
    text: String,
    count: usize,
}

impl Code {
    /// Adds a value and answers its name.
    fn value(&mut self, op: &str, dtype: DType) -> String {
        let name = format!("%{}", self.count);
        self.text += &format!("  {name} = {op} : {dtype}\n");
        self.count += 1;
        name
    }

    /// An element as kernels compute with it.
    fn load(&mut self, from: &str, dtype: DType) -> String {
        let loaded = self.value(&format!("load {from}"), dtype);
        self.cast(loaded, dtype, dtype.computed())
    }

    /// The value in another dtype, by way of the ones that are computed in.
    fn cast(&mut self, value: String, from: DType, to: DType) -> String {
        match from == to {
            true => value,
            false if from.is_stored_only() || !to.is_stored_only() || from.is_float() => {
                self.value(&format!("cast {value}"), to)
            }
            false => {
                let number = self.cast(value, from, to.computed());
                self.cast(number, to.computed(), to)
            }
        }
    }

    fn kernel(self, head: &str, stored: &str) -> Kernel {
        let text = format!("kernel\n{head}{}  store y[p0] = {stored}\n", self.text);
        let kernel = kernel::parse::parse(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
        kernel::verify::verify(&kernel).unwrap_or_else(|why| panic!("{why}\n{text}"));
        kernel
    }
}

/// `y[i] = op(x0[i], …)`, for arguments of this dtype.
pub fn map(op: MapOp, dtype: DType) -> Option<Kernel> {
    let row = op.row();
    let of = |k: usize| if k == 0 && row.rule == Rule::Select { DType::Bool } else { dtype };
    let dtypes: Vec<DType> = (0..row.arity).map(of).collect();
    let result = op.result(&dtypes)?;
    let inputs: String = dtypes.iter().enumerate().map(|(k, d)| format!("  in x{k} : {d}[1]\n")).collect();
    let mut code = Code::default();
    let args: Vec<String> = dtypes.iter().enumerate().map(|(k, &d)| code.load(&format!("x{k}[p0]"), d)).collect();
    let value = code.value(&format!("{} {}", row.name, args.join(", ")), result.computed());
    let stored = code.cast(value, result.computed(), result);
    Some(code.kernel(&format!("  par p0\n{inputs}  out y : {result}[1]\n"), &stored))
}

/// `y[i] = x[i]` as another dtype.
pub fn cast(from: DType, to: DType) -> Kernel {
    let mut code = Code::default();
    let mut value = code.value("load x[p0]", from);
    let mut dtype = from;
    if from != to {
        (value, dtype) = (code.cast(value, from, from.computed()), from.computed());
    }
    // A cast to the dtype itself is one too.
    let stored = match from == to && !from.is_stored_only() {
        true => code.value(&format!("cast {value}"), to),
        false => code.cast(value, dtype, to),
    };
    code.kernel(&format!("  par p0\n  in x : {from}[1]\n  out y : {to}[1]\n"), &stored)
}

/// The reduction of each row (`x[p0, r0]`) or column (`x[r0, p0]`).
pub fn reduce(monoid: Monoid, dtype: DType, rows: bool) -> Option<Kernel> {
    let result = monoid.result(dtype)?;
    let index = if rows { "p0, r0" } else { "r0, p0" };
    let mut code = Code::default();
    let element = code.load(&format!("x[{index}]"), dtype);
    let value = code.value(&format!("{} {element}", monoid.name()), result.computed());
    let stored = code.cast(value, result.computed(), result);
    Some(code.kernel(&format!("  par p0\n  red r0\n  in x : {dtype}[2]\n  out y : {result}[1]\n"), &stored))
}
