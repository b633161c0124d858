//! What functions compute: the checker's graphs in the oracle, against NumPy.

use super::graph;
use crate::interp::{Data, Sizes, Value, run};

/// Sources, arguments and results; `numpy_cases.py` wrote it.
const CASES: &str = include_str!("../../../tests/data/numpy_cases.txt");

fn value(text: &str) -> Value {
    let mut words = text.split_whitespace();
    let (dtype, shape) = (words.next().expect("a dtype"), words.next().expect("a shape"));
    let shape: Vec<usize> = shape.split(',').filter(|s| *s != "-").map(|s| s.parse().expect("a size")).collect();
    let ints =
        |words: &mut dyn Iterator<Item = &str>| words.map(|w| w.parse().expect("an integer")).collect::<Vec<i128>>();
    match dtype {
        "f64" => Value::floats(&shape, words.map(|w| w.parse().expect("a float")).collect::<Vec<f64>>()),
        "bool" => Value::bools(&shape, ints(&mut words).iter().map(|&i| i != 0).collect::<Vec<bool>>()),
        _ => Value::ints(&shape, ints(&mut words)),
    }
}

fn near(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * (1.0 + b.abs())
}

fn same(a: &Value, b: &Value) -> bool {
    a.shape == b.shape
        && match (&a.data, &b.data) {
            (Data::Float(a), Data::Float(b)) => a.iter().zip(b).all(|(&a, &b)| near(a, b)),
            (a, b) => a == b,
        }
}

#[test]
fn numpy_agrees() {
    let mut cases = 0;
    for case in CASES.split("\n\n").filter(|c| !c.trim().is_empty()) {
        let mut lines = case.lines();
        let source = lines.next().expect("a source");
        let (mut sizes, mut args, mut want) = (Sizes::new(), Vec::new(), Vec::new());
        for line in lines {
            match line.split_once(' ').unwrap_or((line, "")) {
                ("sizes", pairs) => sizes.extend(
                    pairs
                        .split_whitespace()
                        .filter_map(|p| p.split_once('='))
                        .map(|(n, v)| (n.into(), v.parse().expect("a size"))),
                ),
                ("arg", text) => args.push(value(text)),
                ("=", text) => want.push(value(text)),
                (other, _) => panic!("{other}"),
            }
        }
        let graph = graph(source);
        let got = run(&graph, &sizes, &args).unwrap_or_else(|why| panic!("{why}\n{source}\n{graph}"));
        assert_eq!(got.len(), want.len(), "{source}");
        for (got, want) in got.iter().zip(&want) {
            assert!(same(got, want), "{source}\n{graph}\n{got:?}\n{want:?}");
        }
        cases += 1;
    }
    assert!(cases >= 150, "{cases}");
}

/// The indices that NumPy's slice names: rule 20 of its documentation.
fn sliced(n: i64, start: Option<i64>, stop: Option<i64>, step: i64) -> Vec<i64> {
    let (low, high) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let clamp = |at: Option<i64>, default: i64| at.map_or(default, |i| if i < 0 { i + n } else { i }.clamp(low, high));
    let (mut at, end) =
        if step > 0 { (clamp(start, 0), clamp(stop, n)) } else { (clamp(start, n - 1), clamp(stop, -1)) };
    let mut out = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        out.push(at);
        at += step;
    }
    out
}

#[test]
fn every_slice_is_numpy_s_for_every_size() {
    let bounds = [None, Some(-7), Some(-3), Some(-1), Some(0), Some(1), Some(4), Some(9)];
    for start in bounds {
        for stop in bounds {
            for step in [1, 2, 3, -1, -2, -5] {
                let show = |b: Option<i64>| b.map_or(String::new(), |b| b.to_string());
                let index = format!("{}:{}:{step}", show(start), show(stop));
                let symbolic = super::checked(&format!(
                    "fn f<N>(x: i64[N]) -> i64[] {{ (x[{index}] * (arange(len(x[{index}])) + 1)).sum() }}"
                ));
                assert!(symbolic.1.is_empty(), "{index} {:?}", symbolic.1);
                let Some(graph) = &symbolic.0.functions[0].graph else { panic!("{index}") };
                for n in [0i64, 1, 2, 4, 5, 9] {
                    let data: Vec<i128> = (0..i128::from(n)).map(|i| i + 10).collect();
                    let want: i128 =
                        (1..).zip(sliced(n, start, stop, step)).map(|(k, i)| k * (i128::from(i) + 10)).sum();
                    let sizes = Sizes::from([("N".into(), n)]);
                    let got = run(graph, &sizes, &[Value::ints(&[n as usize], data)]);
                    let got = got.unwrap_or_else(|why| panic!("x[{index}] of {n}: {why}\n{graph}"));
                    assert_eq!(got[0].data, Data::Int(vec![want]), "x[{index}] of {n}\n{graph}");
                }
            }
        }
    }
}
