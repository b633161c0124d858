//! Optimisers and schedules of the prelude against their formulas, step by step.
//!
//! In: a step of each as a function of the language. Out: its results over
//! several steps, next to the same written out in Rust. Always: what is fused
//! is what is interpreted; a struct is updated array by array.

mod language;

use language::last;
use ndfuse_codegen::interp::{self, Data, Sizes, Value};

fn numbers(value: &Value) -> Vec<f64> {
    match &value.data {
        Data::Float(v) => v.clone(),
        Data::Bool(_) | Data::Int(_) => panic!("{value:?}"),
    }
}

fn scalar(x: f64) -> Value {
    Value::floats(&[], [x])
}

/// The gradient at each step: of no particular function.
fn gradient(p: &[f64], step: i32) -> Vec<f64> {
    p.iter().map(|x| x * x - 2.0 + f64::from(step)).collect()
}

const START: [f64; 3] = [1.0, -2.0, 0.5];

/// Runs an optimiser for five steps: its state as vectors, then the step's number.
fn run(call: &str, state: usize) -> Vec<f64> {
    let names: Vec<String> = (0..state).map(|k| format!("s{k}: f64[N]")).collect();
    let results: Vec<&str> = (0..=state).map(|_| "f64[N]").collect();
    let graph = last(&format!(
        "fn f<N>(p: f64[N], g: f64[N], {}{}t: f64) -> ({},) {{ {call} }}",
        names.join(", "),
        if state > 0 { ", " } else { "" },
        results.join(", ")
    ));
    let sizes: Sizes = [("N".into(), 3)].into();
    let mut values = vec![START.to_vec()];
    values.extend((0..state).map(|_| vec![0.0; 3]));
    for step in 1..=5 {
        let mut args = vec![Value::floats(&[3], values[0].clone()), Value::floats(&[3], gradient(&values[0], step))];
        args.extend(values[1..].iter().map(|s| Value::floats(&[3], s.clone())));
        args.push(scalar(f64::from(step)));
        let results = interp::run(&graph, &sizes, &args).expect("it runs");
        values = results.iter().map(numbers).collect();
    }
    values.remove(0)
}

/// The same, one number at a time: `update(p, g, state, step)`.
fn by_hand(update: impl Fn(f64, f64, &mut [f64; 2], i32) -> f64) -> Vec<f64> {
    let mut p = START.to_vec();
    let mut state = [[0.0; 2]; 3];
    for step in 1..=5 {
        let g = gradient(&p, step);
        for k in 0..3 {
            p[k] = update(p[k], g[k], &mut state[k], step);
        }
    }
    p
}

#[track_caller]
fn near(got: &[f64], want: &[f64]) {
    let close = got.iter().zip(want).all(|(a, b)| (a - b).abs() <= 1e-12 * (1.0 + b.abs()));
    assert!(close && got.len() == want.len(), "{got:?}\n{want:?}");
}

#[test]
fn gradient_descent() {
    near(&run("(sgd(p, g, 0.1),)", 0), &by_hand(|p, g, _, _| p - 0.1 * g));
    near(&run("(sgd(p, g, 0.1, weight_decay=0.01),)", 0), &by_hand(|p, g, _, _| p - 0.1 * (g + 0.01 * p)));
    let heavy = |p: f64, g: f64, s: &mut [f64; 2], _| {
        s[0] = 0.9 * s[0] + g;
        p - 0.1 * s[0]
    };
    near(&run("sgd_momentum(p, g, s0, 0.1)", 1), &by_hand(heavy));
    let ahead = |p: f64, g: f64, s: &mut [f64; 2], _| {
        let g = g + 0.1 * p;
        s[0] = 0.8 * s[0] + g;
        p - 0.1 * (g + 0.8 * s[0])
    };
    let call = "sgd_momentum(p, g, s0, 0.1, momentum=0.8, weight_decay=0.1, nesterov=true)";
    near(&run(call, 1), &by_hand(ahead));
}

#[test]
fn adam_and_its_kin() {
    let adam = |decay: f64, apart: f64| {
        by_hand(move |p, g, s, t| {
            let g = g + decay * p;
            s[0] = 0.9 * s[0] + (1.0 - 0.9) * g;
            s[1] = 0.999 * s[1] + (1.0 - 0.999) * g * g;
            let (m, v) = (s[0] / (1.0 - 0.9f64.powi(t)), s[1] / (1.0 - 0.999f64.powi(t)));
            p - 0.1 * (m / (v.sqrt() + 1e-8) + apart * p)
        })
    };
    near(&run("adam(p, g, s0, s1, t, 0.1)", 2), &adam(0.0, 0.0));
    near(&run("adam(p, g, s0, s1, t, 0.1, weight_decay=0.2)", 2), &adam(0.2, 0.0));
    near(&run("adamw(p, g, s0, s1, t, 0.1)", 2), &adam(0.0, 0.01));
    let rms = |p: f64, g: f64, s: &mut [f64; 2], _| {
        s[0] = 0.99 * s[0] + (1.0 - 0.99) * g * g;
        p - 0.1 * g / (s[0].sqrt() + 1e-8)
    };
    near(&run("rmsprop(p, g, s0, 0.1)", 1), &by_hand(rms));
}

#[test]
fn schedules() {
    let at = |call: &str, step: f64| {
        let graph = last(&format!("fn f(t: f64) -> f64[] {{ {call} }}"));
        numbers(&interp::run(&graph, &Sizes::new(), &[scalar(step)]).expect("it runs")[0])[0]
    };
    let cosine = |step| at("warmup_cosine(t, 10.0, 110.0, last=0.1)", step);
    near(&[0.0, 5.0, 10.0, 60.0, 110.0, 500.0].map(cosine), &[0.0, 0.5, 1.0, 0.55, 0.1, 0.1]);
    near(&[0.0, 5.0, 20.0].map(|t| at("linear_decay(t, 10.0)", t)), &[1.0, 0.5, 0.0]);
    near(&[0.0, 3.0].map(|t| at("exponential_decay(t, 0.5)", t)), &[1.0, 0.125]);
    near(&[9.0, 10.0, 25.0].map(|t| at("step_decay(t, 10.0)", t)), &[1.0, 0.1, 0.01]);
}

#[test]
fn gradients_are_clipped_together() {
    let graph = last(
        "struct Pair<N> { a: f64[N], b: f64[] }\n\
         fn f<N>(g: Pair<N>) -> (Pair<N>, f64[]) { (clip_grad_norm(g, 1.0), global_norm(g)) }",
    );
    let args = [Value::floats(&[2], [3.0, 0.0]), scalar(4.0)];
    let results = interp::run(&graph, &[("N".into(), 2)].into(), &args).expect("it runs");
    let scale = 1.0 / (5.0 + 1e-6);
    near(&numbers(&results[0]), &[3.0 * scale, 0.0]);
    near(&numbers(&results[1]), &[4.0 * scale]);
    near(&numbers(&results[2]), &[5.0]);
}

/// A whole step in one function: the loss falls, and the struct keeps its form.
#[test]
fn a_training_step_is_one_function() {
    let block = "struct Line { w: f64[2], b: f64[] }\n\
        fn loss<N>(line: Line, x: f64[N, 2], y: f64[N]) -> f64[] { mse_loss(x @ line.w + line.b, y) }\n\
        fn step<N>(line: Line, m: Line, v: Line, t: f64, x: f64[N, 2], y: f64[N]) -> (Line, Line, Line, f64[]) {\n\
            let (l, g) = value_and_grad(loss, wrt=line)(line, x, y);\n\
            let (line, m, v) = adam(line, g, m, v, t, 0.1);\n\
            (line, m, v, l)\n\
        }";
    let graph = last(block);
    let x = Value::floats(&[4, 2], [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 2.0, -1.0]);
    // y = 2 a - 3 b + 1
    let y = Value::floats(&[4], [-2.0, 3.0, 0.0, 8.0]);
    let sizes: Sizes = [("N".into(), 4)].into();
    let mut state: Vec<Value> = (0..3).flat_map(|_| [Value::floats(&[2], [0.0, 0.0]), scalar(0.0)]).collect();
    let mut losses = Vec::new();
    for t in 1..=500 {
        let mut args = state.clone();
        args.extend([scalar(f64::from(t)), x.clone(), y.clone()]);
        let mut results = interp::run(&graph, &sizes, &args).expect("it runs");
        losses.extend(results.pop().map(|l| numbers(&l)[0]));
        state = results;
    }
    assert!(losses[0] > 10.0 && losses[499] < 1e-4, "{} {}", losses[0], losses[499]);
    let (w, b) = (numbers(&state[0]), numbers(&state[1]));
    assert!((w[0] - 2.0).abs() < 0.05 && (w[1] + 3.0).abs() < 0.05 && (b[0] - 1.0).abs() < 0.05, "{w:?} {b:?}");
}
