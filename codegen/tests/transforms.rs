//! Functions made of functions: derivatives of derivatives, checkpoints.
//!
//! In: blocks of the language with `grad`, `vjp`, `jvp` and `checkpoint` in them.
//! Out: values that are known by hand, or from the same without the transform.

mod language;

use language::last;
use ndfuse_codegen::driver;
use ndfuse_codegen::fuse::fuse;
use ndfuse_codegen::graph::Graph;
use ndfuse_codegen::interp::{self, Data, Sizes, Value};
use ndfuse_codegen::passes;
use ndfuse_codegen::program::{BufId, Program};
use std::collections::BTreeSet;

fn floats(value: &Value) -> &[f64] {
    match &value.data {
        Data::Float(values) => values,
        Data::Bool(_) | Data::Int(_) => panic!("an array of floats is wanted"),
    }
}

/// The last function of a block on arguments that are all vectors of 2.
fn vectors(block: &str, args: &[[f64; 2]]) -> Vec<Vec<f64>> {
    let graph = last(block);
    let args: Vec<Value> = args.iter().map(|a| Value::floats(&[2], a.to_vec())).collect();
    let results = interp::run(&graph, &sizes_of_two(&graph), &args).expect("it runs");
    results.iter().map(|r| floats(r).to_vec()).collect()
}

fn sizes_of_two(graph: &Graph) -> Sizes {
    graph.symbols.iter().map(|s| (s.clone(), 2)).collect()
}

/// `cube` is the sum of cubes: 3x² is its gradient, 6x the diagonal of its Hessian.
const CUBE: &str = "fn cube<N>(x: f64[N]) -> f64[] { (x * x * x).sum() }\n";

#[test]
fn functions_made_of_functions() {
    let run = |text: &str, args: &[[f64; 2]]| vectors(&format!("{CUBE}{text}"), args);
    let x = [2.0, -1.0];
    assert_eq!(run("fn f<N>(x: f64[N]) -> f64[N] { grad(cube)(x) }", &[x]), [[12.0, 3.0]]);
    assert_eq!(run("fn f<N>(x: f64[N]) -> f64[N] { grad(cube, wrt=x)(x * 2) }", &[x]), [[48.0, 12.0]]);
    let both = run("fn f<N>(x: f64[N]) -> (f64[], f64[N]) { value_and_grad(cube)(x) }", &[x]);
    assert_eq!(both, [vec![7.0], vec![12.0, 3.0]]);
    let vjp = run("fn f<N>(x: f64[N], c: f64[N]) -> (f64[N], f64[N]) { vjp(sin)(x, c) }", &[[0.0, 0.0], [2.0, 3.0]]);
    assert_eq!(vjp, [[0.0, 0.0], [2.0, 3.0]]);
    let jvp = run("fn f<N>(x: f64[N], t: f64[N]) -> (f64[], f64[]) { jvp(cube)(x, t) }", &[x, [1.0, 2.0]]);
    assert_eq!(jvp, [[7.0], [18.0]]);
    // The product of the Hessian with a vector, forward over reverse and reverse over reverse.
    let slope = "fn slope<N>(x: f64[N]) -> f64[N] { grad(cube)(x) }\n";
    let hvp = format!("{slope}fn f<N>(x: f64[N], v: f64[N]) -> (f64[N], f64[N]) {{ jvp(slope)(x, v) }}");
    assert_eq!(run(&hvp, &[x, [1.0, 2.0]])[1], [12.0, -12.0]);
    let hvp = "fn along<N>(x: f64[N], v: f64[N]) -> f64[] { (grad(cube)(x) * v).sum() }\n\
        fn f<N>(x: f64[N], v: f64[N]) -> f64[N] { grad(along, wrt=x)(x, v) }";
    assert_eq!(run(hvp, &[x, [1.0, 2.0]]), [[12.0, -12.0]]);
    let third = "fn d1<N>(x: f64[N]) -> f64[] { grad(cube)(x).sum() }\n\
        fn d2<N>(x: f64[N]) -> f64[] { grad(d1)(x).sum() }\nfn f<N>(x: f64[N]) -> f64[N] { grad(d2)(x) }";
    assert_eq!(run(third, &[x]), [[6.0, 6.0]]);
}

/// A checkpoint is its function, in value and in derivatives of any order.
#[test]
fn checkpoints_change_nothing_but_memory() {
    let x = [0.7, -1.2];
    let parts = "fn part<N>(x: f64[N], w: f64[N]) -> (f64[N], f64[N]) { let h = sin(x) * w; (h * h, exp(h) + x) }
        fn plain<N>(x: f64[N], w: f64[N]) -> f64[] { let (a, b) = part(x, w); let (c, e) = part(a * x, b); (c * e + b).sum() }
        fn inner<N>(x: f64[N], w: f64[N]) -> (f64[N], f64[N]) { let (a, b) = checkpoint(part)(x, w); (a + b, a * x) }
        fn outer<N>(x: f64[N], w: f64[N]) -> (f64[N], f64[N]) { let (a, b) = inner(x, w); part(a, b) }";
    let both = [
        ("plain", "let (a, b) = checkpoint(part)(x, w); let (c, e) = checkpoint(part)(a * x, b); (c * e + b).sum()"),
        // One of the results is of no use; and a checkpoint within another.
        ("part(x, w)[0].sum", "let (a, b) = checkpoint(part)(x, w); a.sum()"),
        ("outer(x, w)[1].sum", "checkpoint(outer)(x, w)[1].sum()"),
    ];
    for (want, body) in both {
        let call = if want == "plain" { "plain(x, w)".to_string() } else { format!("{want}()") };
        let of = |body: &str, result: &str| {
            let loss = format!("fn loss<N>(x: f64[N], w: f64[N]) -> f64[] {{ {body} }}");
            vectors(&format!("{parts} {loss} {result}"), &[x, [1.3, 0.4]])
        };
        for result in [
            "fn f<N>(x: f64[N], w: f64[N]) -> (f64[], f64[N], f64[N]) { let (y, (a, b)) = value_and_grad(loss)(x, w); (y, a, b) }",
            "fn f<N>(x: f64[N], w: f64[N]) -> (f64[], f64[]) { jvp(loss, wrt=w)(x, w, x) }",
            "fn d<N>(x: f64[N], w: f64[N]) -> f64[] { grad(loss, wrt=x)(x, w).sum() }
             fn f<N>(x: f64[N], w: f64[N]) -> f64[N] { grad(d, wrt=w)(x, w) }",
        ] {
            for (a, b) in of(body, result).concat().iter().zip(of(&call, result).concat()) {
                assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{body}: {a}, not {b}: {result}");
            }
        }
    }
}

#[test]
fn what_is_no_checkpoint_is_told() {
    let says = |body: &str| {
        let text = format!("fn f<N>(x: f64[N]) -> f64[N] {{ x * x }}\nfn g<N>(x: f64[N]) -> f64[N] {{ {body} }}");
        let compiled = driver::compile_forward(text.parse().expect("tokens"));
        compiled.diagnostics.first().map(|d| d.render(&text)).unwrap_or_default()
    };
    assert_eq!(says("checkpoint(f)(x)"), "");
    assert!(says("checkpoint(f, wrt=x)(x)").contains("`checkpoint` is no derivative and has no `wrt`"));
    for (body, text) in [
        ("checkpoint(x)(x)", "a function is wanted here"),
        ("checkpoint(x * 2)(x)", "a function is wanted here"),
        ("checkpoint(f)", "checkpoint(f"),
        ("checkpoint(f)(x, x)", "`f`"),
        ("checkpoint(f, f)(x)", "`checkpoint` takes one function"),
    ] {
        let told = says(body);
        assert!(told.contains(text) && told.contains("help"), "{body}: {told}");
    }
}

/// What is computed again is so by steps of its own, after the first time's.
#[test]
fn a_checkpoint_keeps_its_arguments_alone() {
    let program = |call: &str| {
        let graph = last(&format!(
            "fn layer<B, C>(x: f32[B, C], w: f32[C, 4*C], v: f32[4*C, C]) -> f32[B, C] {{ x + gelu(x @ w) @ v }}
            fn loss<B, C>(x: f32[B, C], w: f32[C, 4*C], v: f32[4*C, C]) -> f32[] {{
                let h = {call}(x, w, v);
                let h = {call}(h, w, v);
                ({call}(h, w, v) * h).sum()
            }}
            fn f<B, C>(x: f32[B, C], w: f32[C, 4*C], v: f32[4*C, C]) -> f32[C, 4*C] {{ grad(loss, wrt=w)(x, w, v) }}"
        ));
        fuse(&passes::run(&graph))
    };
    // The most of the wide temporaries that are in memory at once.
    let wide = |program: &Program| {
        let is_wide = |id: &BufId| {
            let buffer = program.buffer(*id);
            let columns = buffer.shape.iter().map(|d| d.to_string()).collect::<Vec<_>>();
            // The product of an epilogue is never whole, and never released.
            program.steps.iter().any(|s| s.release.contains(id)) && columns == ["B", "4*C"]
        };
        let (mut live, mut most) = (BTreeSet::new(), 0);
        for step in &program.steps {
            live.extend(step.action.touched().into_iter().filter(is_wide));
            most = most.max(live.len());
            step.release.iter().for_each(|id| {
                live.remove(id);
            });
        }
        most
    };
    let (kept, again) = (program("layer"), program("checkpoint(layer)"));
    assert!(wide(&kept) >= 4 && wide(&again) <= 3, "{} and {}\n{again}", wide(&kept), wide(&again));
    assert!(again.steps.len() > kept.steps.len());
}

/// A value may have the name of a function, also of one that calls this one.
#[test]
fn a_value_with_the_name_of_a_function_is_no_call() {
    let block = "fn g<N>(x: f64[N]) -> f64[] { let f = x * 2; f.sum() }\nfn f<N>(x: f64[N]) -> f64[N] { grad(g)(x) }";
    assert_eq!(vectors(block, &[[1.0, 2.0]]), [[2.0, 2.0]]);
}

#[test]
fn an_argument_does_not_depend_on_another() {
    let block = "fn g<N>(x: f64[N], y: f64[N]) -> f64[] { (x * y).sum() }\n\
        fn f<N>(x: f64[N]) -> (f64[N], f64[N]) { grad(g, wrt=(x, y))(x, x * 10) }";
    assert_eq!(vectors(block, &[[1.0, 2.0]]), [[10.0, 20.0], [1.0, 2.0]]);
    let same = "fn g<N>(x: f64[N], y: f64[N]) -> f64[] { (x * y).sum() }\nfn f<N>(x: f64[N]) -> f64[N] { grad(g, wrt=y)(x, x) }";
    assert_eq!(vectors(same, &[[1.0, 2.0]]), [[1.0, 2.0]]);
}
