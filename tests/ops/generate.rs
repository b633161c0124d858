//! Which functions there are: derived from the compiler's tables.
//!
//! In: [`MAPS`] and [`REDUCES`], and a list of compositions. Out: the text of
//! `functions.rs`, and for each function how near it must come to the oracle.
//! Always: the file is what this module writes; a new row of a table fails until
//! the file is written anew with `NDFUSE_BLESS=1 cargo test --test ops`.

use super::agree::Near;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::ops::{Answer, MAPS, MapOp, MapRow, Monoid, REDUCES, Rule};
use std::fmt::Write as _;

/// The dtypes that functions are made for.
const DTYPES: [DType; 8] =
    [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I32, DType::I64, DType::U8, DType::Bool];
/// How many functions one `tensor!` holds.
const BLOCK: usize = 40;

/// A function to be written, called and compared.
pub struct Spec {
    pub name: String,
    params: Vec<Type>,
    result: Type,
    body: String,
    pub near: Near,
    /// From where its arguments come.
    pub domain: (f64, f64),
    /// Whether NaN, infinities and extreme integers are among them.
    pub special: bool,
    /// Whether it is a row of the reductions.
    pub reduces: bool,
}

#[derive(Clone)]
struct Type {
    dtype: DType,
    dims: Vec<&'static str>,
}

impl Type {
    fn new(dtype: DType, dims: &[&'static str]) -> Type {
        Type { dtype, dims: dims.to_vec() }
    }

    fn text(&self) -> String {
        format!("{}[{}]", self.dtype, self.dims.join(", "))
    }

    fn erased(&self) -> String {
        format!("{}: {}", self.dtype, self.dims.len())
    }
}

/// All functions, in the order of the file.
pub fn specs() -> Vec<Spec> {
    let mut all: Vec<Spec> = Vec::new();
    for op in MapOp::all() {
        all.extend(DTYPES.into_iter().filter(|&d| op.row().rule.accepts(d)).map(|d| map(op, d)));
    }
    for monoid in Monoid::all() {
        for dtype in DTYPES {
            all.extend([Some(0), Some(1), None].into_iter().filter_map(|axis| reduce(monoid, dtype, axis)));
        }
    }
    for from in DTYPES {
        all.extend(DTYPES.into_iter().filter(|&to| to != from).map(|to| cast(from, to)));
    }
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        all.extend(CHOICES.iter().map(|c| composite(c, dtype, Near::Same)));
        all.extend(ELEMENTWISE.iter().map(|c| composite(c, dtype, Near::Scaled(4.0))));
        all.extend(REDUCING.iter().map(|c| composite(c, dtype, Near::Scaled(32.0))));
    }
    for dtype in [DType::F32, DType::BF16, DType::I32, DType::U8, DType::Bool] {
        all.extend(MOVES.iter().map(|c| composite(c, dtype, Near::Same)));
    }
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I32, DType::I64] {
        // A product adds its terms one after the other: equal terms are rounded alike.
        let near = if dtype.is_float() { Near::Scaled(128.0) } else { Near::Same };
        all.extend(PRODUCTS.iter().map(|c| composite(c, dtype, near)));
    }
    all
}

/// One elementwise row on one dtype.
fn map(op: MapOp, dtype: DType) -> Spec {
    let row = op.row();
    let whole = Type::new(dtype, &["A", "B"]);
    let mut params = vec![whole; row.arity];
    if row.rule == Rule::Select {
        params[0].dtype = DType::Bool;
    }
    let dtypes: Vec<DType> = params.iter().map(|p| p.dtype).collect();
    let result = op.result(&dtypes).expect("the rule accepts the dtype");
    let names: Vec<String> = (0..row.arity).map(|k| format!("x{k}")).collect();
    Spec {
        name: format!("{}_{dtype}", row.name),
        params,
        result: Type::new(result, &["A", "B"]),
        body: format!("{}({})", row.name, names.join(", ")),
        near: map_near(row, result),
        domain: (row.domain.0, row.domain.1),
        special: true,
        reduces: false,
    }
}

/// How near an elementwise function comes, in units in the last place.
fn map_near(row: &MapRow, result: DType) -> Near {
    match row.name {
        _ if !result.is_float() => Near::Same,
        // One rounding, or none.
        "add" | "sub" | "mul" | "div" | "neg" | "abs" | "sign" | "sqrt" | "floor" | "ceil" | "round" | "trunc"
        | "maximum" | "minimum" | "copysign" | "where" => Near::Same,
        // Rust leaves open which of two zeros they give.
        "fmax" | "fmin" => Near::SameButZeros,
        // Two roundings where the machine has no fused operation.
        "fma" => Near::Scaled(8.0),
        // The oracle's own, of Rust's library, are no better in `f64`.
        "asinh" | "acosh" | "atanh" => Near::Ulps(8.0),
        _ => Near::Ulps(4.0),
    }
}

/// One reduction on one dtype; `None` where the row takes another.
fn reduce(monoid: Monoid, dtype: DType, axis: Option<usize>) -> Option<Spec> {
    let row = monoid.row();
    let result = match row.name {
        "sum" | "prod" => dtype.accumulator(),
        "any" | "all" => DType::Bool,
        _ if row.answer == Answer::Index => DType::I64,
        _ => monoid.result(dtype)?,
    };
    let (suffix, argument, dims): (&str, &str, &[&'static str]) = match axis {
        Some(0) => ("0", ", axis=0", &["B"]),
        Some(_) => ("1", ", axis=1", &["A"]),
        None => ("all", "", &[]),
    };
    let near = match row.name {
        "sum" if dtype.is_float() => Near::Sum,
        "prod" if dtype.is_float() => Near::Product,
        _ => Near::Same,
    };
    Some(Spec {
        name: format!("{}_{dtype}_{suffix}", row.name),
        params: vec![Type::new(dtype, &["A", "B"])],
        result: Type::new(result, dims),
        body: format!("{}(x0{argument})", row.name),
        near,
        domain: if row.name == "prod" { (0.97, 1.03) } else { (-4.0, 4.0) },
        special: true,
        reduces: true,
    })
}

fn cast(from: DType, to: DType) -> Spec {
    Spec {
        name: format!("astype_{from}_{to}"),
        params: vec![Type::new(from, &["A", "B"])],
        result: Type::new(to, &["A", "B"]),
        body: format!("x0.astype({to})"),
        near: Near::Same,
        domain: (-300.0, 300.0),
        special: true,
        reduces: false,
    }
}

/// A function that is more than one row: its name, the shapes of its arguments
/// and of its result, and its body; `T` is the dtype.
type Composite = (&'static str, &'static [&'static [&'static str]], &'static [&'static str], &'static str);

const AB: &[&str] = &["A", "B"];
const ABC: &[&str] = &["A", "B", "C"];
const B: &[&str] = &["B"];
const A: &[&str] = &["A"];

/// Functions that choose, and round nothing.
#[rustfmt::skip]
const CHOICES: &[Composite] = &[
    ("relu", &[AB], AB, "relu(x0)"),
    ("clip", &[AB], AB, "clip(x0, -1.0, 2.0)"),
];

/// A few roundings an element.
#[rustfmt::skip]
const ELEMENTWISE: &[Composite] = &[
    ("gelu", &[AB], AB, "gelu(x0)"),
    ("gelu_tanh", &[AB], AB, "gelu(x0, approximate=\"tanh\")"),
    ("silu", &[AB], AB, "silu(x0)"),
    ("softplus", &[AB], AB, "softplus(x0)"),
    ("elu", &[AB], AB, "elu(x0)"),
    ("mish", &[AB], AB, "mish(x0)"),
    ("hypot", &[AB, AB], AB, "hypot(x0, x1)"),
    ("logaddexp", &[AB, AB], AB, "logaddexp(x0, x1)"),
    ("lerp", &[AB, AB, AB], AB, "lerp(x0, x1, x2)"),
    ("row_broadcast", &[AB, B], AB, "x0 * 2 + x1"),
    ("column_broadcast", &[AB, &["A", "1"]], AB, "x0 - x1 * x0"),
    ("scalar_broadcast", &[AB, &[]], AB, "x0 * x1"),
    ("outer_sum", &[A, B], AB, "x0[:, None] + x1"),
    ("zero_d", &[&[], &[]], &[], "exp(x0) * x1"),
    ("rank_1", &[B, B], B, "x0 * x1 - x0"),
];

/// Sums and what is made of them.
#[rustfmt::skip]
const REDUCING: &[Composite] = &[
    ("softmax", &[AB], AB, "softmax(x0)"),
    ("softmax_0", &[AB], AB, "softmax(x0, axis=0)"),
    ("softmax_3d", &[ABC], ABC, "softmax(x0, axis=1)"),
    ("log_softmax", &[AB], AB, "log_softmax(x0)"),
    ("logsumexp", &[AB], A, "logsumexp(x0, axis=1)"),
    ("mean_0", &[AB], B, "mean(x0, axis=0)"),
    ("mean_1", &[AB], A, "mean(x0, axis=1)"),
    ("mean_all", &[AB], &[], "mean(x0)"),
    ("mean_3d", &[ABC], B, "mean(x0, axis=(0, 2))"),
    ("var_0", &[AB], B, "var(x0, axis=0)"),
    ("var_1", &[AB], A, "var(x0, axis=1)"),
    ("std_1", &[AB], A, "std(x0, axis=-1)"),
    ("std_all", &[AB], &[], "std(x0)"),
    ("layer_norm", &[AB, B, B], AB, "layer_norm(x0, x1, x2, eps=0.1)"),
    ("rms_norm", &[AB, B], AB, "rms_norm(x0, x1)"),
    ("norm_1", &[AB], A, "norm(x0, axis=1)"),
    ("mse", &[AB, AB], &[], "mse_loss(x0, x1)"),
    ("zero_d_sum", &[&[]], &[], "sum(x0) + max(x0)"),
    ("center_0", &[AB], AB, "x0 - mean(x0, axis=0)"),
    ("scaled_by_max", &[AB], AB, "x0 / (1 + abs(x0).max(axis=1, keepdims=true))"),
    ("sum_of_transposed", &[AB], A, "sum(x0.T * 2, axis=0)"),
    ("sum_3d_1", &[ABC], &["A", "C"], "sum(x0, axis=1)"),
    ("sum_3d_02", &[ABC], B, "sum(x0, axis=(0, 2))"),
    ("max_3d_0", &[ABC], &["B", "C"], "max(x0, axis=0)"),
    ("two_passes", &[AB], AB, "(x0 - x0.min()) / (1 + x0.max() - x0.min())"),
    ("sum_of_flipped", &[AB], A, "sum(x0[:, ::-1] * x0, axis=1)"),
];

/// Elements in other places, none computed.
#[rustfmt::skip]
const MOVES: &[Composite] = &[
    ("copy", &[AB], AB, "x0"),
    ("transpose", &[AB], &["B", "A"], "x0.T"),
    ("permute_3d", &[ABC], &["C", "A", "B"], "transpose(x0, (2, 0, 1))"),
    ("flip", &[AB], AB, "flip(x0)"),
    ("flip_1", &[AB], AB, "flip(x0, axis=1)"),
    ("roll_1", &[AB], AB, "roll(x0, 1, axis=1)"),
    ("roll_flat", &[AB], AB, "roll(x0, -2)"),
    ("stack", &[AB, AB], &["A", "2", "B"], "stack((x0, x1), axis=1)"),
    ("concatenate_0", &[AB, AB], &["2*A", "B"], "concatenate((x0, x1), axis=0)"),
    ("concatenate_1", &[AB, &["A", "C"]], &["A", "B + C"], "concatenate((x0, x1), axis=1)"),
    ("pad", &[AB], &["A + 3", "B + 3"], "pad(x0, (1, 2))"),
    ("flatten", &[AB], &["A * B"], "ravel(x0)"),
    ("reshape_transposed", &[AB], &["A * B"], "ravel(x0.T)"),
    ("tile", &[AB], &["2*A", "3*B"], "tile(x0, (2, 3))"),
    ("repeat_1", &[AB], &["A", "2*B"], "repeat(x0, 2, axis=1)"),
    ("broadcast", &[B], AB2, "broadcast_to(x0, (2, B))"),
    ("reversed_step", &[AB], &["A", "(B + 1) / 2"], "x0[:, ::-2]"),
    ("take_rows", &[AB], AB, "take(x0, arange(A) * 7 % A - A * (arange(A) % 2), axis=0)"),
    ("take_columns", &[AB], &["A", "2*B"], "x0[:, floor_divide(arange(2*B), 2)]"),
    ("take_flat", &[AB], &["A", "B"], "take(x0.T, (arange(A)[:, None] * 3 + arange(B)) % (A * B))"),
    ("take_along", &[AB], AB, "take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % B, axis=1)"),
    ("take_along_0", &[AB], AB, "take_along_axis(x0, (arange(A)[:, None] + 3 * arange(B)) % A - A, axis=0)"),
    ("take_3d", &[ABC], &["A", "2", "B", "C"], "x0[:, (arange(2)[:, None] + arange(B)) % B]"),
    ("every_other", &[AB], &["(A + 1) / 2", "B"], "x0[::2]"),
];
const AB2: &[&str] = &["2", "B"];

/// Matrix products, and sums by index.
#[rustfmt::skip]
const PRODUCTS: &[Composite] = &[
    ("matmul", &[AB, &["B", "C"]], &["A", "C"], "x0 @ x1"),
    ("matmul_transposed", &[AB, &["C", "B"]], &["A", "C"], "x0 @ x1.T"),
    ("matvec", &[AB, B], A, "x0 @ x1"),
    ("vecmat", &[A, AB], B, "x0 @ x1"),
    ("vecdot", &[B, B], &[], "x0 @ x1"),
    ("matmul_batch", &[ABC, &["A", "C", "B"]], &["A", "B", "B"], "x0 @ x1"),
    ("matmul_epilogue", &[AB, &["B", "C"], &["C"]], &["A", "C"], "maximum(x0 @ x1 + x2, 0)"),
    ("segment_sum", &[AB], &["4", "B"], "segment_sum(x0, arange(A) * 3 % 4, 4)"),
    ("segment_sum_2d", &[AB], &["5"], "segment_sum(x0.T, (arange(B)[:, None] + arange(A)) % 5, 5)"),
    ("index_add", &[AB, &["C", "B"]], AB, "index_add(x0, 0, floor_divide(arange(C), 2) % A, x1)"),
    ("index_add_1", &[AB, &["A", "C"]], AB, "index_add(x0, 1, floor_divide(arange(C), 2) % B - B, x1 * 2)"),
    ("matmul_prologue", &[AB, &["B", "C"]], &["A", "C"], "(x0 * 2) @ x1[:, ::-1]"),
];

fn composite(&(name, params, result, body): &Composite, dtype: DType, near: Near) -> Spec {
    Spec {
        name: format!("{name}_{dtype}"),
        params: params.iter().map(|dims| Type::new(dtype, dims)).collect(),
        result: Type::new(dtype, result),
        body: body.into(),
        near,
        domain: (-4.0, 4.0),
        special: near == Near::Same,
        reduces: false,
    }
}

/// The text of `functions.rs`.
fn text() -> String {
    let specs = specs();
    let mut out = String::from(
        "//! Written by `NDFUSE_BLESS=1 cargo test --test ops`; see `generate.rs`.\n\nuse ndfuse::{bf16, f16, tensor};\n",
    );
    for block in specs.chunks(BLOCK) {
        out.push_str("\ntensor! {\n");
        for spec in block {
            let symbols = ["A", "B", "C"].into_iter().filter(|s| spec.params.iter().any(|p| p.dims.contains(s)));
            let symbols: Vec<&str> = symbols.collect();
            let generics = if symbols.is_empty() { String::new() } else { format!("<{}>", symbols.join(", ")) };
            let params: Vec<String> =
                spec.params.iter().enumerate().map(|(k, p)| format!("x{k}: {}", p.text())).collect();
            let _ = writeln!(
                out,
                "    #[no_grad]\n    pub fn {}{generics}({}) -> {} {{ {} }}",
                spec.name,
                params.join(", "),
                spec.result.text(),
                spec.body
            );
        }
        out.push_str("}\n");
    }
    out.push_str("\ncalls! {\n");
    for spec in &specs {
        let params: Vec<String> = spec.params.iter().map(Type::erased).collect();
        let _ = writeln!(out, "    {}({}) -> {};", spec.name, params.join(", "), spec.result.erased());
    }
    out.push_str("}\n");
    out
}

/// Whether `functions.rs` is what the tables say; with `NDFUSE_BLESS` it is made so.
pub fn check() {
    let rows = MAPS.len() + REDUCES.len();
    let text = text();
    if std::env::var_os("NDFUSE_BLESS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ops/functions.rs");
        std::fs::write(path, &text).expect("the file can be written");
        return;
    }
    let same = text == include_str!("functions.rs");
    assert!(same, "`functions.rs` is not what the {rows} rows say: NDFUSE_BLESS=1 cargo test --test ops");
}
