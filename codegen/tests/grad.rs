//! Derivatives against central differences, in `f64`.
//!
//! In: a function of the language for each row of the tables, each composite of
//! the prelude, each kind of view and product. Always: a row or a composite that
//! has no case fails; forward and reverse mode agree; what is smooth is checked
//! to the second order.

mod language;

use language::last;
use ndfuse_codegen::check::operations;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::grad::{jvp, vjp};
use ndfuse_codegen::graph::verify::verify;
use ndfuse_codegen::graph::{Graph, NodeId, Type};
use ndfuse_codegen::interp::{self, Data, Sizes, Value};
use ndfuse_codegen::ops::{Domain, Literal, MAPS, MapOp, REDUCES, Rule};
use ndfuse_codegen::passes;
use ndfuse_codegen::testing::Rng;

fn sizes(graph: &Graph) -> Sizes {
    let size = |name: &str| match name {
        "A" => 3,
        "B" => 4,
        "C" => 2,
        _ => 5,
    };
    graph.symbols.iter().map(|s| (s.clone(), size(s))).collect()
}

fn shape(ty: &Type, sizes: &Sizes) -> Vec<usize> {
    ty.shape.iter().map(|d| interp::size(d, sizes).expect("a size") as usize).collect()
}

fn draw(rng: &mut Rng, ty: &Type, sizes: &Sizes, domain: Domain) -> Value {
    let shape = shape(ty, sizes);
    let n = shape.iter().product();
    let uniform = |rng: &mut Rng| rng.below(1 << 30) as f64 / f64::from(1u32 << 30);
    match ty.dtype {
        DType::Bool => Value::bools(&shape, (0..n).map(|_| rng.chance(2)).collect::<Vec<_>>()),
        d if d.is_float() => {
            Value::floats(&shape, (0..n).map(|_| domain.0 + uniform(rng) * (domain.1 - domain.0)).collect::<Vec<_>>())
        }
        _ => Value::ints(&shape, (0..n).map(|_| rng.below(2) as i128).collect::<Vec<_>>()),
    }
}

fn floats(value: &Value) -> &[f64] {
    match &value.data {
        Data::Float(v) => v,
        Data::Bool(_) | Data::Int(_) => &[],
    }
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// The parameters that have a gradient.
fn differentiable(graph: &Graph) -> Vec<NodeId> {
    let ids = graph.ids().filter(|&id| matches!(graph.node(id).op, ndfuse_codegen::graph::Op::Param(_)));
    ids.filter(|&id| graph.ty(id).dtype.is_float()).collect()
}

/// The function of the parameters and a cotangent a result, that answers the gradients.
fn reverse(graph: &Graph) -> Graph {
    let mut out = graph.clone();
    let wrt = differentiable(graph);
    let outputs: Vec<(NodeId, NodeId)> = (graph.outputs.iter().enumerate())
        .filter(|(_, o)| graph.ty(**o).dtype.is_float())
        .map(|(k, &o)| (o, out.param(format!("c{}_{k}", graph.params.len()), graph.ty(o).clone(), false)))
        .collect();
    let grads = vjp(&mut out, &outputs, &wrt);
    out.outputs = wrt.iter().zip(grads).map(|(&w, g)| g.unwrap_or_else(|| zeros(&mut out, w))).collect();
    verify(&out).unwrap_or_else(|why| panic!("{why}\n{out}"));
    out
}

fn zeros(graph: &mut Graph, like: NodeId) -> NodeId {
    let ty = graph.ty(like).clone();
    let zero = graph.konst(Literal::Int(0), ty.dtype);
    graph.broadcast_to(zero, &ty.shape)
}

/// The function of the parameters and their tangents, that answers the tangents of the results.
fn forward(graph: &Graph) -> Graph {
    let mut out = graph.clone();
    let inputs: Vec<(NodeId, NodeId)> = (differentiable(graph).into_iter().enumerate())
        .map(|(k, p)| (p, out.param(format!("t{}_{k}", graph.params.len()), graph.ty(p).clone(), false)))
        .collect();
    let outputs: Vec<NodeId> = graph.outputs.iter().copied().filter(|&o| graph.ty(o).dtype.is_float()).collect();
    let tangents = jvp(&mut out, &inputs, &outputs);
    out.outputs = outputs.iter().zip(tangents).map(|(&o, t)| t.unwrap_or_else(|| zeros(&mut out, o))).collect();
    verify(&out).unwrap_or_else(|why| panic!("{why}\n{out}"));
    out
}

/// Compares the gradients with differences; what differs.
fn compare(name: &str, graph: &Graph, domain: Domain, seed: u64, tolerance: f64) -> Result<(), String> {
    let sizes = sizes(graph);
    let mut rng = Rng::new(seed);
    let mut args: Vec<Value> = graph.params.iter().map(|p| draw(&mut rng, &p.ty, &sizes, domain)).collect();
    let run = |graph: &Graph, args: &[Value]| interp::run(graph, &sizes, args).map_err(|why| format!("{name}: {why}"));
    let backward = reverse(graph);
    let cotangents: Vec<Value> = (backward.params[graph.params.len()..].iter())
        .map(|p| draw(&mut rng, &p.ty, &sizes, Domain(-1.0, 1.0)))
        .collect();
    let all: Vec<Value> = args.iter().chain(&cotangents).cloned().collect();
    let gradients = run(&backward, &all)?;
    // The passes keep the values.
    let simplified = run(&passes::run(&backward), &all)?;
    for (a, b) in gradients.iter().zip(&simplified) {
        for (x, y) in floats(a).iter().zip(floats(b)) {
            let same = (x - y).abs() <= 1e-9 * (1.0 + x.abs()) || x.is_nan() && y.is_nan() || x == y;
            if !same {
                return Err(format!("{name}: the passes make {y} of {x}"));
            }
        }
    }
    let loss = |args: &[Value]| -> Result<f64, String> {
        let results = run(graph, args)?;
        let floats_of = results.iter().filter(|r| matches!(r.data, Data::Float(_)));
        Ok(floats_of.zip(&cotangents).map(|(r, c)| inner(floats(r), floats(c))).sum())
    };
    let numbers: Vec<usize> = (0..args.len()).filter(|&k| graph.params[k].ty.dtype.is_float()).collect();
    for (&k, gradient) in numbers.iter().zip(&gradients) {
        for i in 0..args[k].data.len() {
            let x = floats(&args[k])[i];
            let h = 1e-5 * x.abs().max(1.0);
            let mut at = |x: f64| {
                let Data::Float(v) = &mut args[k].data else { unreachable!("a float parameter") };
                v[i] = x;
                loss(&args)
            };
            let (above, below) = (at(x + h)?, at(x - h)?);
            at(x)?;
            let (want, got) = ((above - below) / (2.0 * h), floats(gradient)[i]);
            let near = (want - got).abs() <= tolerance * (1.0 + want.abs().max(got.abs()));
            if !near {
                let why = format!("{name}: d/d{}[{i}] is {got}, differences say {want}", graph.params[k].name);
                return Err(why);
            }
        }
    }
    transposed(name, graph, &args, &gradients, &cotangents, &sizes, &mut rng)
}

/// Whether `<c, J t>` is `<Jᵀ c, t>`.
fn transposed(
    name: &str,
    graph: &Graph,
    args: &[Value],
    gradients: &[Value],
    cotangents: &[Value],
    sizes: &Sizes,
    rng: &mut Rng,
) -> Result<(), String> {
    let pushed = forward(graph);
    let tangents: Vec<Value> =
        pushed.params[args.len()..].iter().map(|p| draw(rng, &p.ty, sizes, Domain(-1.0, 1.0))).collect();
    let all: Vec<Value> = args.iter().chain(&tangents).cloned().collect();
    let results = interp::run(&pushed, sizes, &all).map_err(|why| format!("{name}, forward: {why}"))?;
    let left: f64 = results.iter().zip(cotangents).map(|(r, c)| inner(floats(r), floats(c))).sum();
    let right: f64 = gradients.iter().zip(&tangents).map(|(g, t)| inner(floats(g), floats(t))).sum();
    match (left - right).abs() <= 1e-9 * (1.0 + left.abs()) {
        true => Ok(()),
        false => Err(format!("{name}: forward mode gives {left}, reverse mode {right}")),
    }
}

/// The first order, and the second by differences of the first.
fn check(name: &str, text: &str, domain: Domain, smooth: bool) -> Result<(), String> {
    let graph = last(text);
    for seed in 0..2 {
        compare(name, &graph, domain, seed, 1e-5)?;
    }
    if smooth {
        let second = passes::run(&reverse(&graph));
        compare(
            &format!("{name}, second order"),
            &reverse(&graph),
            Domain(domain.0.max(-2.0), domain.1.min(3.0)),
            7,
            1e-4,
        )?;
        compare(
            &format!("{name}, second order, simplified"),
            &second,
            Domain(domain.0.max(-2.0), domain.1.min(3.0)),
            8,
            1e-4,
        )?;
    }
    Ok(())
}

fn report(failures: Vec<String>, of: usize) {
    assert!(of > 0, "nothing was checked");
    assert!(failures.is_empty(), "{} of {of}:\n{}", failures.len(), failures.join("\n"));
}

/// Rows whose gradient jumps, or is zero but on a set of measure zero.
const ROUGH: &[&str] = &[
    "floor_divide",
    "remainder",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "trunc",
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "copysign",
    "where",
];

#[test]
fn every_elementwise_row() {
    let (mut failures, mut count) = (Vec::new(), 0);
    for op in MapOp::all() {
        let row = op.row();
        // Rows that are their first argument say what differences cannot know.
        if !row.rule.accepts(DType::F64) || matches!(row.rule, Rule::Compare | Rule::Test) || op.is_identity() {
            continue;
        }
        let first = if row.rule == Rule::Select { "bool" } else { "f64" };
        let params: Vec<String> =
            (0..row.arity).map(|k| format!("x{k}: {}[A, B]", if k == 0 { first } else { "f64" })).collect();
        let names: Vec<String> = (0..row.arity).map(|k| format!("x{k}")).collect();
        let text = format!("fn f<A, B>({}) -> f64[A, B] {{ {}({}) }}", params.join(", "), row.name, names.join(", "));
        count += 1;
        failures.extend(check(row.name, &text, row.domain, !ROUGH.contains(&row.name)).err());
    }
    report(failures, count);
    assert!(count > 40 && MAPS.len() > 60, "{count}");
}

#[test]
fn every_reduction() {
    let (mut failures, mut count) = (Vec::new(), 0);
    for row in REDUCES {
        for (axes, result) in [("0", "B, C"), ("1", "A, C"), ("(0, 2)", "B"), ("(0, 1, 2)", "")] {
            if row.grad == "0" {
                continue;
            }
            let text = format!("fn f<A, B, C>(x: f64[A, B, C]) -> f64[{result}] {{ {}(x, axis={axes}) }}", row.name);
            count += 1;
            let smooth = matches!(row.name, "sum" | "prod");
            failures.extend(check(&format!("{} {axes}", row.name), &text, Domain(0.5, 1.5), smooth).err());
        }
    }
    report(failures, count);
}

/// What each function is called with: parameters, result, body; `smooth` to the second order.
type Case = (&'static str, &'static str, &'static str, &'static str, bool);

const AB: &str = "x: f64[A, B]";

/// Composites and views. The first word of a name is the operation that it is for.
#[rustfmt::skip]
const CASES: &[Case] = &[
    ("square", AB, "A, B", "square(x)", true),
    ("reciprocal", "x: f64[A, B]", "A, B", "reciprocal(x + 6.0)", true),
    ("clip", AB, "A, B", "clip(x, -1.0, 1.0)", false),
    ("lerp", "x: f64[A, B], y: f64[A, B], w: f64[B]", "A, B", "lerp(x, y, w)", true),
    ("hypot", "x: f64[A, B], y: f64[A, B]", "A, B", "hypot(x, y)", true),
    ("logaddexp", "x: f64[A, B], y: f64[A, B]", "A, B", "logaddexp(x, y)", true),
    ("mean", AB, "B", "mean(x, axis=0)", true),
    ("var", AB, "A", "var(x, axis=1)", true),
    ("var ddof", AB, "", "var(x, ddof=1)", true),
    ("std", AB, "A", "std(x, axis=1)", true),
    ("norm", AB, "A", "norm(x, axis=1)", true),
    ("norm 1", AB, "A", "norm(x, ord=1, axis=1)", false),
    ("norm inf", AB, "A", "norm(x, ord=inf, axis=1)", false),
    ("norm 3", AB, "A", "norm(x, ord=3, axis=1)", false),
    ("logsumexp", AB, "A", "logsumexp(x, axis=1)", true),
    ("logsumexp all", AB, "", "logsumexp(x)", true),
    ("softmax", AB, "A, B", "softmax(x)", true),
    ("softmax 0", AB, "A, B", "softmax(x, axis=0)", true),
    ("log_softmax", AB, "A, B", "log_softmax(x)", true),
    ("log_sigmoid", AB, "A, B", "log_sigmoid(x)", true),
    ("silu", AB, "A, B", "silu(x)", true),
    ("relu", AB, "A, B", "relu(x)", false),
    ("relu6", AB, "A, B", "relu6(x * 3)", false),
    ("leaky_relu", AB, "A, B", "leaky_relu(x)", false),
    ("elu", AB, "A, B", "elu(x)", false),
    ("selu", AB, "A, B", "selu(x)", false),
    ("gelu", AB, "A, B", "gelu(x)", true),
    ("gelu tanh", AB, "A, B", "gelu(x, approximate=\"tanh\")", true),
    ("softplus", AB, "A, B", "softplus(x)", true),
    ("hardswish", AB, "A, B", "hardswish(x)", false),
    ("hardsigmoid", AB, "A, B", "hardsigmoid(x)", false),
    ("hardtanh", AB, "A, B", "hardtanh(x)", false),
    ("mish", AB, "A, B", "mish(x)", true),
    ("layer_norm", "x: f64[A, B], w: f64[B], b: f64[B]", "A, B", "layer_norm(x, w, b)", true),
    ("rms_norm", "x: f64[A, B], w: f64[B]", "A, B", "rms_norm(x, w)", true),
    ("batch_norm", "x: f64[A, B, C], m: f64[B], w: f64[B], b: f64[B]", "A, B, C", "batch_norm(x, m, m * m + 1, w, b)", true),
    ("group_norm", "x: f64[A, 4, C], w: f64[4], b: f64[4]", "A, 4, C", "group_norm(x, 2, w, b)", true),
    ("mse_loss", "x: f64[A, B], y: f64[A, B]", "", "mse_loss(x, y)", true),
    ("l1_loss", "x: f64[A, B], y: f64[A, B]", "", "l1_loss(x, y)", false),
    ("smooth_l1_loss", "x: f64[A, B], y: f64[A, B]", "", "smooth_l1_loss(x, y)", false),
    ("binary_cross_entropy", "x: f64[A, B], y: f64[A, B]", "", "binary_cross_entropy(sigmoid(x), y)", true),
    ("binary_cross_entropy_with_logits", "x: f64[A, B], y: f64[A, B]", "", "binary_cross_entropy_with_logits(x, y)", true),
    ("cross_entropy", "x: f64[A, B], y: i64[A]", "A", "cross_entropy(x, y)", true),
    ("nll_loss", "x: f64[A, B], y: i64[A]", "A", "nll_loss(log_softmax(x), y)", true),
    ("outer", "x: f64[A], y: f64[B]", "A, B", "outer(x, y)", true),
    ("dot", "x: f64[A, B], y: f64[B]", "A", "dot(x, y)", true),
    ("linear", "x: f64[A, B], w: f64[C, B], b: f64[C]", "A, C", "linear(x, w, b)", true),
    ("diagonal", "x: f64[4, 4]", "4", "diagonal(x)", true),
    ("trace", "x: f64[B, B]", "", "trace(x)", true),
    ("tril", "x: f64[B, B]", "B, B", "tril(x)", true),
    ("triu", "x: f64[B, B]", "B, B", "triu(x, k=1)", true),
    ("global_norm", AB, "", "global_norm(x)", true),
    ("clip_grad_norm", AB, "A, B", "clip_grad_norm(x, 1.0)", true),
    ("dropout", "x: f64[A, B]", "A, B", "dropout(x, 0.5, key=i64(7))", true),
    ("embedding", "w: f64[A, B], i: i64[C]", "C, B", "embedding(i, w) * embedding(i, w)", true),
    ("gather", "x: f64[A, B], i: i64[A, C]", "A, C", "sin(gather(x, 1, i))", true),
    ("take", "x: f64[A, B], i: i64[C]", "A, C", "sin(take(x, i, axis=1))", true),
    ("index_add", "x: f64[A, B], i: i64[C], u: f64[A, C]", "A, B", "sin(index_add(x, 1, i, u))", true),
    ("power constant", AB, "A, B", "(x * x + 1) ** 1.5", true),
    ("matmul", "x: f64[A, B], y: f64[B, C]", "A, C", "x @ y", true),
    ("matmul batch", "x: f64[C, A, B], y: f64[C, B, A]", "C, A, A", "x @ y", true),
    ("matmul broadcast", "x: f64[C, A, B], y: f64[B, A]", "C, A, A", "x @ y", true),
    ("matmul transposed", "x: f64[B, A], y: f64[C, B]", "A, C", "x.T @ y.T", true),
    ("matmul vector", "x: f64[B], y: f64[B]", "", "x @ y", true),
    ("einsum", "x: f64[C, A, B], y: f64[B, A]", "C, B", "einsum(\"cab,ba->cb\", x, y)", true),
    ("einsum of three", "x: f64[A, B], y: f64[B, C], z: f64[C]", "A", "einsum(\"ab,bc,c\", x, y, z)", true),
    ("slice", AB, "A, max(0, B - 1)", "x[:, 1:] * x[:, :-1]", true),
    ("slice step", AB, "A, (B + 1) / 2", "exp(x[:, ::2])", true),
    ("slice back", AB, "A, (B + 1) / 2", "exp(x[:, ::-2])", true),
    ("slice start", "x: f64[A, 9]", "A, 3", "sin(x[:, 2:9:3])", true),
    ("flip", AB, "A, B", "flip(x, axis=1) * x", true),
    ("roll", AB, "A, B", "roll(x, 1, axis=1) * x", true),
    ("pad", AB, "A + 2, B + 2", "sin(pad(x, (1, 1)))", true),
    ("concatenate", "x: f64[A, B], y: f64[A, C]", "A, B + C", "sin(concatenate((x, y), axis=1))", true),
    ("stack", "x: f64[A, B], y: f64[A, B]", "A, 2, B", "sin(stack((x, y), axis=1))", true),
    ("transpose", "x: f64[A, B, C]", "C, A, B", "sin(transpose(x, (2, 0, 1)))", true),
    ("reshape", AB, "A * B", "sin(ravel(x))", true),
    ("tile", AB, "2 * A, B", "sin(tile(x, (2, 1)))", true),
    ("repeat", AB, "A, 2 * B", "sin(repeat(x, 2, axis=1))", true),
    ("broadcast", "x: f64[B], y: f64[A, 1]", "A, B", "sin(x) * y", true),
    ("broadcast scalar", "x: f64[A, B], s: f64", "A, B", "sin(x * s)", true),
    ("astype", AB, "A, B", "x.astype(f32).astype(f64) * 0.0 + x", false),
    ("conv2d", "x: f64[1, 2, 5, 6], w: f64[3, 2, 3, 3]", "1, 3, 5, 6", "conv2d(x, w, padding=1)", true),
    ("conv2d stride", "x: f64[1, 2, 5, 6], w: f64[3, 2, 3, 2]", "1, 3, 2, 3", "conv2d(x, w, stride=2)", true),
    ("conv2d padded", "x: f64[1, 2, 6, 7], w: f64[2, 2, 3, 3]", "1, 2, 3, 4", "conv2d(x, w, stride=2, padding=1)", true),
    ("conv2d far", "x: f64[1, 1, 8, 9], w: f64[1, 1, 4, 5]", "1, 1, 2, 2", "conv2d(x, w, stride=3)", true),
    ("conv2d wide", "x: f64[1, 1, 4, 5], w: f64[1, 1, 3, 3]", "1, 1, 6, 7", "conv2d(x, w, padding=2)", true),
    (
        "conv2d groups",
        "x: f64[1, 4, 5, 5], w: f64[4, 2, 3, 3]",
        "1, 4, 3, 3",
        "conv2d(x, w, stride=2, padding=1, groups=2)",
        true,
    ),
    ("conv2d many", "x: f64[1, C, 4, 5], w: f64[3, C, 3, 3]", "1, 3, 4, 5", "conv2d(x, w, padding=1)", true),
    (
        "conv2d many gaps",
        "x: f64[1, C, 6, 5], w: f64[3, C, 3, 2]",
        "1, 3, 4, 5",
        "conv2d(x, w, padding=((1, 1), (1, 1)), dilation=2)",
        true,
    ),
    ("conv2d many groups", "x: f64[1, 16, 3, 3], w: f64[2, 8, 2, 2]", "1, 2, 2, 2", "conv2d(x, w, groups=2)", true),
    ("conv1d even", "x: f64[1, 2, A], w: f64[3, 2, 3]", "1, 3, (A - 1) / 2 + 1", "conv1d(x, w, stride=2, padding=1)", true),
    ("conv1d gaps", "x: f64[1, 2, 9], w: f64[3, 2, 3]", "1, 3, 5", "conv1d(x, w, dilation=2)", true),
    ("conv2d depthwise", "x: f64[1, 2, 4, 4], w: f64[2, 1, 3, 3]", "1, 2, 4, 4", "conv2d(x, w, padding=1, groups=2)", true),
    ("max_pool2d", "x: f64[1, 2, 4, 4]", "1, 2, 2, 2", "max_pool2d(x, 2)", false),
    ("avg_pool2d", "x: f64[1, 2, 4, 4]", "1, 2, 2, 2", "avg_pool2d(x, 2)", true),
    ("avg_pool2d rest", "x: f64[1, 2, 5, 7]", "1, 2, 2, 3", "avg_pool2d(x, 2)", true),
    ("avg_pool2d gaps", "x: f64[1, 2, 8, 7]", "1, 2, 3, 2", "avg_pool2d(x, 2, stride=3)", true),
    ("avg_pool2d symbols", "x: f64[1, A, B, 4]", "1, A, B / 2, 2", "avg_pool2d(x, 2)", true),
    ("avg_pool2d overlap", "x: f64[1, 2, 5, 5]", "1, 2, 3, 3", "avg_pool2d(x, 3, stride=1)[:, :, :, :3]", true),
    ("conv1d of a symbol", "x: f64[1, 2, 7], w: f64[3, 2, A]", "1, 3, 8 - A", "conv1d(x, w)", true),
    ("conv1d dilated", "x: f64[1, 2, 9], w: f64[3, 2, A]", "1, 3, 11 - 2 * A", "conv1d(x, w, dilation=2)", true),
    ("conv1d strided", "x: f64[1, 2, 9], w: f64[1, 2, A]", "1, 1, (9 - A) / 2 + 1", "conv1d(x, w, stride=2)", true),
    ("conv1d apart", "x: f64[1, 2, 9], w: f64[1, 2, C]", "1, 1, (9 - C) / 4 + 1", "conv1d(x, w, stride=4)", true),
    ("conv1d long", "x: f64[1, 1, 131], w: f64[1, 1, 130]", "1, 1, 2", "conv1d(x, w)", true),
    (
        "conv2d of symbols",
        "x: f64[1, 2, 5, 4], w: f64[2, 1, A, C]",
        "1, 2, 6 - A, 5 - C",
        "conv2d(x, w, groups=2)",
        true,
    ),
    ("attention", "q: f64[A, C], k: f64[A, C], v: f64[A, C]", "A, C", "softmax(q @ k.T) @ v", true),
];

fn text(params: &str, result: &str, body: &str) -> String {
    let used =
        ["A", "B", "C"].into_iter().filter(|s| params.split(|c: char| !c.is_alphanumeric()).any(|word| word == *s));
    let generics: Vec<&str> = used.collect();
    let generics = if generics.is_empty() { String::new() } else { format!("<{}>", generics.join(", ")) };
    format!("fn f{generics}({params}) -> f64[{result}] {{ {body} }}")
}

#[test]
fn composites_and_views() {
    let failures = CASES.iter().filter_map(|&(name, params, result, body, smooth)| {
        check(name, &text(params, result, body), Domain(-2.0, 2.0), smooth).err()
    });
    report(failures.collect(), CASES.len());
}

#[test]
fn windows_that_do_not_overlap_lie_side_by_side() {
    let gradient = |stride: i64, size: i64| {
        let ty = format!("f64[1, 1, {size}, {size}]");
        let loss = format!("fn f(x: {ty}) -> f64[] {{ max_pool2d(x, 2, stride={stride}).sum() }}");
        last(&format!("{loss} fn g(x: {ty}) -> {ty} {{ grad(f)(x) }}")).to_string()
    };
    assert!(!gradient(2, 8).contains("= pad"), "{}", gradient(2, 8));
    assert!(gradient(1, 8).contains("= pad") && gradient(2, 7).contains("= pad"));
}

/// Composites whose result has no gradient, by their nature.
const DISCRETE: &[&str] = &[
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "count_nonzero",
    "one_hot",
    "random_bits",
    "random_uniform",
    "random_normal",
    "random_randint",
    "bernoulli",
    "fold_in",
];

/// Optimisers and schedules: what follows a gradient.
const UPDATES: &[&str] = &[
    "sgd",
    "sgd_momentum",
    "adam",
    "adamw",
    "rmsprop",
    "warmup_cosine",
    "linear_decay",
    "exponential_decay",
    "step_decay",
];

#[test]
fn every_composite_has_a_case() {
    let prelude = include_str!("../src/prelude.nd");
    let names = prelude.lines().filter_map(|l| l.strip_prefix("fn ")?.split('(').next());
    let missing: Vec<&str> = names
        .filter(|n| !n.starts_with("__") && !DISCRETE.contains(n) && !UPDATES.contains(n))
        .filter(|n| !CASES.iter().any(|c| c.0.split(' ').next() == Some(n)))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    assert!(operations().len() > 100);
}

/// Values at ties and borders, as PyTorch gives them.
#[test]
fn ties_and_borders() {
    let at = |body: &str, x: &[f64]| -> Vec<f64> {
        let graph = reverse(&last(&format!("fn f<N>(x: f64[N]) -> f64[] {{ sum({body}) }}")));
        let sizes: Sizes = [("N".into(), x.len() as i64)].into();
        let args = [Value::floats(&[x.len()], x), Value::floats(&[], [1.0])];
        floats(&interp::run(&graph, &sizes, &args).expect("it runs")[0]).to_vec()
    };
    assert_eq!(at("max(x)", &[1.0, 3.0, 3.0]), [0.0, 0.5, 0.5]);
    assert_eq!(at("maximum(x, 2.0)", &[2.0, 3.0, 1.0]), [0.5, 1.0, 0.0]);
    assert_eq!(at("abs(x)", &[0.0, -1.0]), [0.0, -1.0]);
    assert_eq!(at("relu(x)", &[0.0, 1.0]), [0.0, 1.0]);
    assert_eq!(at("clip(x, 0.0, 1.0)", &[0.0, 1.0, 2.0]), [1.0, 1.0, 0.0]);
    assert_eq!(at("x ** 0", &[0.0, 2.0]), [0.0, 0.0]);
    assert_eq!(at("x ** 2", &[0.0, 2.0]), [0.0, 4.0]);
    assert_eq!(at("sqrt(x)", &[0.0, 4.0]), [f64::INFINITY, 0.25]);
    assert_eq!(at("norm(x)", &[0.0, 0.0]), [0.0, 0.0]);
    assert_eq!(at("where(x > 0, log(where(x > 0, x, 1)), 0)", &[0.0, 2.0]), [0.0, 0.5]);
    assert_eq!(at("prod(x)", &[0.0, 2.0, 3.0]), [6.0, 0.0, 0.0]);
    assert_eq!(at("prod(x)", &[0.0, 2.0, 0.0]), [0.0, 0.0, 0.0]);
    assert_eq!(at("sigmoid(x)", &[1000.0, -1000.0]), [0.0, 0.0]);
    assert_eq!(at("softplus(x)", &[1000.0, -1000.0, 0.0]), [1.0, 0.0, 0.5]);
    assert_eq!(at("logsumexp(x)", &[1000.0, 1000.0]), [0.5, 0.5]);
    assert_eq!(at("stop_gradient(x) * x", &[3.0]), [3.0]);
}
