//! NumPy against the compiler: the table of `tests/data/numpy`, case by case.
//!
//! In: `tests/data/numpy/table.txt`, written by `tests/tools/numpy_table.py`.
//! Always: every case is compiled from its text and evaluated three times, by
//! the oracle on the checked graph, by the oracle after the passes, and by the
//! interpreter of the fused loops. Integers and `bool` are equal, floats near
//! to what NumPy answers in `f64`. A case:
//!
//! ```text
//! 6 floor_divide.i8                                              rule, name
//! fn f<B>(a: i8[B], b: i8[B]) -> i8[B] { floor_divide(a, b) }    source
//! > i8[2] 7 -7                                                   arguments
//! > i8[2] 2 2
//! = i8[2] 3 -4                                                   results; or
//! ! E0301                                                        the error; or
//! ! run                                                          an error of the call
//! ```

use ndfuse_codegen::driver::compile;
use ndfuse_codegen::dtype::{DType, Kind};
use ndfuse_codegen::graph::Graph;
use ndfuse_codegen::interp::{self, Data, Sizes, Value, program};

/// How far a float may be from NumPy's, relative to the greater of the two.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        // The fused loops round to it.
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        DType::F32 => 1e-6,
        _ => 1e-12,
    }
}

struct Case {
    rule: u32,
    name: String,
    source: String,
    inputs: Vec<(DType, Value)>,
    want: Want,
}

enum Want {
    Values(Vec<(DType, Value)>),
    /// The number of the one error that the compiler tells.
    Error(String),
    /// The call fails, whatever the compiler can prove.
    CallFails,
}

fn table() -> Vec<Case> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/numpy/table.txt");
    let text = std::fs::read_to_string(path).expect("the table is in the repository");
    let mut cases = Vec::new();
    let mut lines = text.lines().filter(|l| !l.starts_with('#')).peekable();
    while let Some(head) = lines.next() {
        let (rule, name) = head.split_once(' ').expect("a rule and a name");
        let source = lines.next().expect("a source after the name").to_string();
        let mut inputs = Vec::new();
        let mut outputs = Vec::new();
        let mut error = None;
        while let Some(line) = lines.next_if(|l| l.starts_with(['>', '=', '!'])) {
            match line.split_at(2) {
                ("> ", rest) => inputs.push(array(rest)),
                ("= ", rest) => outputs.push(array(rest)),
                (_, rest) => error = Some(rest.to_string()),
            }
        }
        let want = match error.as_deref() {
            None => Want::Values(outputs),
            Some("run") => Want::CallFails,
            Some(code) => Want::Error(code.to_string()),
        };
        cases.push(Case { rule: rule.parse().expect("a number"), name: name.to_string(), source, inputs, want });
    }
    cases
}

/// `f64[2, 3] 1 -0.0 nan inf 2.5 1e+300`
fn array(text: &str) -> (DType, Value) {
    let close = text.find(']').expect("a shape");
    let (name, dims) = text[..close].split_once('[').expect("a dtype and a shape");
    let dtype = DType::from_name(name).expect("a dtype");
    let shape: Vec<usize> = dims.split(", ").filter(|d| !d.is_empty()).map(|d| d.parse().expect("a size")).collect();
    let items = text[close + 1..].split_whitespace();
    let data = match dtype.kind() {
        Kind::Bool => Data::Bool(items.map(|i| i == "1").collect()),
        Kind::Unsigned | Kind::Signed => Data::Int(items.map(|i| i.parse().expect("an integer")).collect()),
        Kind::Float => Data::Float(items.map(|i| float(i, dtype)).collect()),
    };
    assert_eq!(data.len(), shape.iter().product::<usize>(), "{text}");
    (dtype, Value { shape, data })
}

fn float(text: &str, dtype: DType) -> f64 {
    let value: f64 = text.parse().expect("a float");
    // A shortest `f32` is written, where an argument is one.
    let narrow = value as f32;
    match dtype == DType::F32 && narrow.to_string().parse() == Ok(value) {
        true => f64::from(narrow),
        false => value,
    }
}

/// The sizes of the symbols, from the arguments' shapes.
fn bind(graph: &Graph, inputs: &[(DType, Value)]) -> Sizes {
    let mut sizes = Sizes::new();
    for (param, (dtype, value)) in graph.params.iter().zip(inputs) {
        assert_eq!(param.ty.dtype, *dtype);
        for (dim, &n) in param.ty.shape.iter().zip(&value.shape) {
            if let Some(symbol) = dim.as_sym() {
                sizes.insert(symbol.clone(), n as i64);
            }
        }
    }
    sizes
}

/// What is wrong with a case, if anything.
fn fault(case: &Case) -> Option<String> {
    let tokens = case.source.parse().map_err(|e| format!("{e}"));
    let compiled = match tokens {
        Ok(tokens) => compile(tokens),
        Err(why) => return Some(why),
    };
    let codes: Vec<String> = compiled.diagnostics.iter().map(|d| d.code.to_string()).collect();
    let told = || compiled.diagnostics.iter().map(|d| d.render(&case.source)).collect::<String>();
    let (graph, code) = match (&case.want, compiled.functions.as_slice()) {
        (Want::Error(code), _) if codes == [code.as_str()] => return None,
        (Want::Error(code), _) => return Some(format!("wanted {code}, got {codes:?}\n{}", told())),
        (Want::Values(_) | Want::CallFails, [f]) if codes.is_empty() => match (&f.function.graph, &f.code) {
            (Some(graph), Some(code)) => (graph, code),
            (_, _) => return Some("no graph and no error".into()),
        },
        (Want::Values(_) | Want::CallFails, _) => return Some(told()),
    };
    let sizes = bind(graph, &case.inputs);
    let params: Vec<Value> = case.inputs.iter().map(|(_, v)| v.clone()).collect();
    let checked = interp::run(graph, &sizes, &params);
    let ways = [
        ("the checked graph", checked.clone()),
        ("the passes", interp::run(&code.graph, &sizes, &params)),
        ("the fused loops", checked.and_then(|_| program::run(&code.program, &sizes, &params))),
    ];
    for (way, got) in ways {
        let why = match (&case.want, got) {
            (Want::Values(want), Ok(got)) => differs(want, graph, &got),
            (Want::CallFails, Err(_)) => None,
            (Want::CallFails, Ok(got)) => Some(format!("no error but {got:?}")),
            (_, Err(why)) => Some(why),
            (Want::Error(_), Ok(_)) => None,
        };
        if let Some(why) = why {
            return Some(format!("{way}: {why}\n{graph}{}", code.program));
        }
    }
    None
}

fn differs(want: &[(DType, Value)], graph: &Graph, got: &[Value]) -> Option<String> {
    if want.len() != got.len() {
        return Some(format!("{} results for {}", got.len(), want.len()));
    }
    want.iter().zip(got).zip(&graph.outputs).find_map(|(((dtype, want), got), &id)| {
        let is = graph.ty(id).dtype;
        if is != *dtype || got.shape != want.shape {
            return Some(format!("{is}{:?}, wanted {dtype}{:?}", got.shape, want.shape));
        }
        let near = match (&want.data, &got.data) {
            (Data::Float(want), Data::Float(got)) => {
                want.len() == got.len() && want.iter().zip(got).all(|(&w, &g)| close(w, g, tolerance(*dtype)))
            }
            (want, got) => want == got,
        };
        (!near).then(|| format!("got    {:?}\nwanted {:?}", got.data, want.data))
    })
}

/// Whether two floats are near, with equal signs of zero and equal NaNs.
fn close(want: f64, got: f64, tolerance: f64) -> bool {
    if want.is_nan() || got.is_nan() {
        return want.is_nan() && got.is_nan();
    }
    if want == 0.0 && got == 0.0 {
        return want.is_sign_negative() == got.is_sign_negative();
    }
    want == got || (want - got).abs() <= tolerance * want.abs().max(got.abs())
}

/// Runs the cases of one rule.
fn check(rule: u32) {
    let cases = table();
    let of_rule: Vec<&Case> = cases.iter().filter(|c| c.rule == rule).collect();
    assert!(!of_rule.is_empty(), "rule {rule} has no case");
    let faults: Vec<String> = of_rule.iter().filter_map(|case| fault(case).map(|why| brief(case, &why))).collect();
    assert!(faults.is_empty(), "{} of {} cases\n{}", faults.len(), of_rule.len(), faults.join("\n"));
}

fn brief(case: &Case, why: &str) -> String {
    let lines: Vec<&str> = why.lines().take(12).collect();
    format!("== {}\n{}\n{}", case.name, case.source, lines.join("\n"))
}

/// One test a rule; each rule of the table has one.
macro_rules! rules {
    ($($name:ident = $number:literal),* $(,)?) => {
        $(#[test] fn $name() { check($number) })*

        #[test]
        fn every_rule_is_tested() {
            let tested = [$($number),*];
            for case in table() {
                assert!(tested.contains(&case.rule), "{}", case.name);
            }
        }
    };
}

rules! {
    everyday_use = 0,
    broadcasting = 1,
    promotion = 2,
    weak_literals = 3,
    zero_d = 4,
    division = 5,
    integer_floor_divide = 6,
    integer_remainder = 7,
    float_remainder = 8,
    float_floor_divide = 9,
    integer_overflow = 10,
    maxima_and_nan = 11,
    argmax = 12,
    accumulators = 13,
    long_sums = 14,
    empty_reductions = 15,
    zero_size = 16,
    mean = 17,
    variance = 18,
    axes = 19,
    slices = 20,
    masks = 21,
    comparisons = 22,
    products = 23,
    rounding = 24,
    float_functions = 25,
}
