//! A maximum and the sum of powers below it, found in one pass: rows that rise,
//! fall and jump, infinite ones and numbers that are none.
//!
//! In: functions that normalise rows and columns. Out: nothing, or what is wrong.
//! Always: what holds a row in registers, and so goes over it twice, is held to
//! the same.

use crate::machine::{Machine, Teams};
use crate::program::{Built, Run, holds};
use ndfuse_codegen::driver;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::emit::cuda::body::online::online;
use ndfuse_codegen::graph::Graph;
use ndfuse_codegen::interp::{self, Sizes, Value};
use ndfuse_codegen::loops::Loops;
use ndfuse_codegen::ops::Literal;

const SOURCE: &str = "
    fn shares<N, M>(x: f32[N, M]) -> f32[N, M] { softmax(x) }
    fn logarithms<N, M>(x: f32[N, M]) -> f32[N, M] { log_softmax(x) }
    fn totals<N, M>(x: f32[N, M]) -> (f32[N], f32[N]) {
        let top = x.max(axis=1);
        (top, exp(x - top[:, None]).sum(axis=1))
    }
    fn finite_tops<N, M>(x: f32[N, M]) -> f32[N] { logsumexp(x, axis=1) }
    fn down<N, M>(x: f32[N, M]) -> f32[N, M] { softmax(x, axis=0) }
    fn down_totals<N, M>(x: f32[N, M]) -> f32[M] { logsumexp(x, axis=0) }
    fn planes<N, M>(x: f32[N, M]) -> f32[2] {
        logsumexp(broadcast_to(x, (2, N, M)) * (1 + arange(2)).astype(f32)[:, None, None], axis=(1, 2))
    }
    fn double_shares<N, M>(x: f64[N, M]) -> f64[N, M] { softmax(x) }
    fn double_totals<N, M>(x: f64[N, M]) -> f64[N] { logsumexp(x * 1, axis=1) }
    fn half_shares<N, M>(x: bf16[N, M]) -> bf16[N, M] { softmax(x) }
";

/// Rows of so many elements.
fn rows(length: usize) -> Vec<Vec<f64>> {
    let inf = f64::INFINITY;
    let row = |of: &dyn Fn(usize) -> f64| (0..length).map(of).collect::<Vec<f64>>();
    let wave = |k: usize| ((k * 37 + 11) % 101) as f64 / 10.0 - 5.0;
    vec![
        row(&wave),
        row(&|k| k as f64 / 64.0 - 100.0),
        row(&|k| 100.0 - k as f64 / 64.0),
        row(&|k| if k % 3 == 0 { -1.5e38 } else { 1.5e38 }),
        row(&|k| if k + 2 < length { wave(k) - 1e4 } else { 1e4 }),
        row(&|k| if k + 1 < length { -inf } else { -2e3 }),
        row(&|k| if k % 2 == 0 { -inf } else { wave(k) }),
        row(&|_| -inf),
        row(&|k| if k == length / 2 { inf } else { wave(k) - 1e3 }),
        row(&|k| if k == length / 3 { inf } else { 1e3 }),
        row(&|k| if k == length / 2 { f64::NAN } else { wave(k) }),
        row(&|k| [f64::NAN, inf, -inf, 1.0][k * 7 % 4]),
    ]
}

fn compiled() -> Vec<(Graph, Built)> {
    let functions = driver::compile_forward(SOURCE.parse().expect("tokens")).functions;
    let of = |f: driver::Compiled| {
        let (graph, code) = (f.function.graph.expect("a graph"), f.code.expect("code"));
        let named = |(k, loops): (usize, Loops)| (format!("{}_k{k}", graph.name), loops);
        let kernels = code.loops.into_iter().enumerate().map(named).collect();
        (graph, Built { program: code.program, kernels })
    };
    functions.into_iter().map(of).collect()
}

#[test]
fn powers_are_added_up_while_their_maximum_is_found() {
    let built = compiled();
    for (graph, built) in &built {
        assert!(built.kernels.iter().any(|(_, loops)| online(loops).is_some()), "{}", graph.name);
    }
    let all: Vec<(String, Loops)> = built.iter().flat_map(|b| b.1.kernels.clone()).collect();
    for (name, teams) in [
        ("online_held", Teams { block: 64, row: 64, column: 4, items: 4, strip: 2, slices: 1, turn: false }),
        ("online_warps", Teams { block: 64, row: 8, column: 1, items: 0, strip: 4, slices: 1, turn: false }),
        ("online_blocks", Teams { block: 64, row: 64, column: 64, items: 0, strip: 1, slices: 1, turn: false }),
        ("online_cut", Teams { block: 64, row: 16, column: 8, items: 0, strip: 2, slices: 4, turn: false }),
    ] {
        let Some(machine) = Machine::new(name, &all, teams) else { return };
        for ((graph, built), length) in built.iter().flat_map(|b| [1, 2, 7, 200].map(|length| (b, length))) {
            let lines = rows(length);
            // Whatever goes down goes along what is otherwise a row.
            let down = graph.name.starts_with("down");
            let shape = if down { [length, lines.len()] } else { [lines.len(), length] };
            let at = |k: usize| if down { lines[k % shape[1]][k / shape[1]] } else { lines[k / length][k % length] };
            let dtype = graph.params[0].ty.dtype;
            let elements = (0..shape[0] * shape[1]).map(|k| Literal::float(at(k)).stored(dtype));
            let params = [Value::literals(shape.to_vec(), dtype, elements.collect::<Vec<_>>())];
            let sizes: Sizes = graph.symbols.iter().cloned().zip(shape.map(|n| n as i64)).collect();
            if !holds(&machine, &built.program, &sizes) {
                continue;
            }
            let want = interp::run(graph, &sizes, &params).unwrap_or_else(|why| panic!("{}: {why}", graph.name));
            let got = Run::new(&machine, built, &sizes, &params, length as u64).run();
            let got = got.unwrap_or_else(|why| panic!("{}: {why}", graph.name));
            for (got, want) in got.iter().zip(&want) {
                for k in 0..got.data.len() {
                    let (x, y) = (got.data.get(k).as_f64(), want.data.get(k).as_f64());
                    let slack = match dtype {
                        DType::F64 => 1e-13,
                        DType::BF16 => 1e-2,
                        _ => 1e-6,
                    };
                    let fine = x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= slack * (1.0 + y.abs());
                    assert!(fine, "{name}: {} of {length}, element {k}: {x}, not {y}", graph.name);
                }
            }
        }
    }
}
