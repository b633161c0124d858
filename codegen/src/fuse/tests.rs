//! What is saved and what is computed again, on functions of the language.

use super::{Search, fuse};
use crate::check;
use crate::graph::{Graph, NodeId};
use crate::interp::{self, Data, Sizes, Value};
use crate::passes;
use crate::program::tile::SIZES;
use crate::syntax;
use crate::testing::Rng;
use std::collections::BTreeMap;

/// The last function of a block.
fn graph(block: &str) -> Graph {
    let (block, errors) = syntax::parse::parse(block.parse().expect("tokens"));
    let (checked, found) = check::check(&block);
    assert!(errors.is_empty() && found.is_empty(), "{errors:?} {found:?}");
    let graph = checked.functions.into_iter().next_back().and_then(|f| f.graph);
    passes::run(&graph.expect("a function without errors has a graph"))
}

/// The search before and after nodes are saved by bytes.
fn searches(graph: &Graph) -> (Search<'_>, Search<'_>) {
    let mut before = Search::new(graph, &BTreeMap::new());
    before.settle();
    before.merge();
    before.share();
    let mut after = before.clone();
    after.save();
    (before, after)
}

/// The types of the nodes that are in memory because they save bytes.
fn saved(graph: &Graph) -> Vec<String> {
    let (before, after) = searches(graph);
    let only = |id: &NodeId| after.stored[id.0 as usize] && !before.stored[id.0 as usize];
    graph.ids().filter(only).map(|id| graph.ty(id).to_string()).collect()
}

/// How many bytes less go through memory, for each of the sizes.
fn less(graph: &Graph) -> Vec<i64> {
    let (before, after) = searches(graph);
    assert!(after.traffic().launches <= before.traffic().launches);
    before.traffic().bytes.iter().zip(after.traffic().bytes).map(|(before, after)| (before - after) as i64).collect()
}

const LAYERS: &str = "
    fn layers<B, I, H>(x: f64[B, I], w: f64[I, H], b: f64[H], v: f64[H, I]) -> f64[] {
        let d = gelu(x @ w + b) @ v - x;
        (d * d).sum()
    }
    fn step<B, I, H>(x: f64[B, I], w: f64[I, H], b: f64[H], v: f64[H, I]) -> (f64[I, H], f64[H], f64[H, I]) {
        grad(layers, wrt=(w, b, v))(x, w, b, v)
    }";

const SUMS: &str = "
    fn sums<A, B>(a: f64[A, B], b: f64[A, B], c: f64[A, B]) -> (f64[A], f64[B]) {
        let v = a * b + c;
        (v.sum(1), v.sum(0))
    }";

const THREE_SUMS: &str = "
    fn sums<A, B, C>(a: f64[A, B, C], b: f64[A, B, C]) -> (f64[B, C], f64[A, C], f64[A, B]) {
        let v = a * b;
        (v.sum(0), v.sum(1), v.sum(2))
    }";

const RESIDUAL: &str = "
    fn residual<B, I>(x: f64[B, I], w: f64[I, I], g: f64[I], b: f64[I]) -> f64[B, I] {
        let y = x + x @ w;
        y + layer_norm(y, g, b) @ w
    }";

/// The gradient of a gelu needs its argument. Saved instead of the product, it
/// leaves the product one reader: it is a panel of its epilogue.
#[test]
fn a_gelu_saves_its_argument_and_its_product_is_never_whole() {
    let graph = graph(LAYERS);
    let (before, after) = searches(&graph);
    assert_eq!(saved(&graph), ["f64[B, H]"]);
    assert_eq!(
        (before.epilogues().len() + 1, before.traffic().launches - 1),
        (after.epilogues().len(), after.traffic().launches)
    );
    // Once less the product, and once less the bias.
    assert_eq!(less(&graph), SIZES.map(|n| 8 * (n * n + n)));
    // What it was made of, the gradient no more reads.
    let text = fuse(&graph).to_string();
    assert_eq!(text.matches("epilogue").count(), after.epilogues().len(), "{text}");
}

#[test]
fn a_value_of_three_arrays_is_saved() {
    let graph = graph(SUMS);
    assert_eq!(saved(&graph), ["f64[A, B]"]);
    // Three are read once, one is written and read: five for six.
    assert_eq!(less(&graph), SIZES.map(|n| 8 * n * n));
    assert!(fuse(&graph).again.is_empty());
}

#[test]
fn a_value_of_two_arrays_is_saved_for_three_kernels() {
    let three = graph(THREE_SUMS);
    assert_eq!(saved(&three), ["f64[A, B, C]"]);
    assert_eq!(less(&three), SIZES.map(|n| 8 * n * n * n));
}

/// Written by a kernel that reduces too, it would leave its product whole.
#[test]
fn an_epilogue_is_not_lost_to_a_merge() {
    let graph = graph(RESIDUAL);
    let (before, after) = searches(&graph);
    assert_eq!(saved(&graph), ["f64[B, I]"]);
    assert_eq!(before.epilogues().len() + 1, after.epilogues().len());
    assert_eq!(before.traffic().launches, after.traffic().launches);
}

/// What is handed on panel by panel has no other element at hand than its own.
#[test]
fn a_product_that_is_read_transposed_too_is_whole() {
    for body in ["y + (-y).T", "(y * 2.0).T - y"] {
        let text = format!("fn square<N>(x: f64[N, N]) -> f64[N, N] {{ let y = x @ x; {body} }}");
        let program = fuse(&graph(&text));
        crate::program::verify::verify(&program).unwrap();
        assert!(!program.to_string().contains("epilogue"), "{program}");
        let sizes = Sizes::from([("N".into(), 3)]);
        let x = Value::floats(&[3, 3], (0..9).map(f64::from).collect::<Vec<f64>>());
        let want = interp::run(&graph(&text), &sizes, std::slice::from_ref(&x)).unwrap();
        assert_eq!(interp::program::run(&program, &sizes, &[x]).unwrap(), want, "{program}");
    }
}

#[test]
fn what_costs_as_much_to_read_is_computed_again() {
    let two = graph(
        "fn sums<A, B>(a: f32[A, B], b: f32[A, B]) -> (f32[A], f32[B]) {
            let v = a * b;
            (v.sum(1), v.sum(0))
        }",
    );
    assert_eq!(saved(&two), [""; 0]);
    let again: Vec<String> = fuse(&two).again.iter().map(ToString::to_string).collect();
    assert_eq!(again, ["again 1 f32[A, B] in [0, 1]"]);
    let chain = graph(
        "fn chain<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> f32[] { gelu(x * w + b).sum() }
        fn step<B, C>(x: f32[B, C], w: f32[C], b: f32[C]) -> (f32[B, C], f32[C], f32[C]) {
            grad(chain, wrt=(x, w, b))(x, w, b)
        }",
    );
    assert_eq!(saved(&chain), [""; 0]);
    // All three are read anyway.
    let read = graph(
        "fn sums<A, B>(a: f32[A, B], b: f32[A, B], c: f32[A, B]) -> (f32[A], f32[B]) {
            let v = a * b + c;
            ((v * a * b * c).sum(1), (v / a / b / c).sum(0))
        }",
    );
    assert_eq!(saved(&read), [""; 0]);
}

/// Masks of positions are made of nothing; a slice is read as a slice.
#[test]
fn what_is_made_of_little_is_computed_again() {
    let mask = graph(
        "fn causal<N>(a: f32[N, N]) -> (f32[N], f32[N]) {
            let v = where(arange(N).reshape(N, 1) >= arange(N).reshape(1, N), a, 0.0);
            (v.sum(1), v.sum(0))
        }",
    );
    assert_eq!(saved(&mask), [""; 0]);
    let slice = graph("fn part<B>(a: f32[1000, B]) -> f32[8, B] { a[100:108] * 2.0 }");
    assert_eq!(searches(&slice).0.traffic().bytes, SIZES.map(|n| (2 * 4 * 8 * n) as f64));
}

#[test]
fn a_node_that_is_saved_changes_no_value() {
    let mut rng = Rng::new(7);
    for block in [LAYERS, SUMS, THREE_SUMS, RESIDUAL] {
        let graph = graph(block);
        assert!(!saved(&graph).is_empty());
        let sizes: Sizes = graph.symbols.iter().zip(3..).map(|(s, n)| (s.clone(), n)).collect();
        let mut draw = |shape: &[usize]| {
            let n = shape.iter().product();
            Value::floats(shape, (0..n).map(|_| rng.below(1000) as f64 / 500.0 - 1.0).collect::<Vec<_>>())
        };
        let shapes = graph.params.iter().map(|p| interp::sizes_of(&p.ty.shape, &sizes).expect("sizes"));
        let params: Vec<Value> = shapes.map(|shape| draw(&shape)).collect();
        let want = interp::run(&graph, &sizes, &params).expect("the oracle runs");
        let have = interp::program::run(&fuse(&graph), &sizes, &params).expect("the program runs");
        for (want, have) in want.iter().zip(&have) {
            assert_eq!(want.shape, have.shape);
            let (Data::Float(want), Data::Float(have)) = (&want.data, &have.data) else { panic!("floats") };
            let near = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-9 * (1.0 + a.abs());
            assert!(want.iter().zip(have).all(near), "{want:?}\n{have:?}");
        }
    }
}

/// A kernel cannot read what a scatter makes of what it writes.
#[test]
fn a_scatter_stands_between_two_kernels() {
    let graph = graph(
        "fn added<V, B>(i: i64[B], x: f32[B], t: f32[V]) -> (f32[B], f32[B]) {
            let u = x * 2;
            (u, index_add(t, 0, i, u)[i] + x)
        }",
    );
    assert_eq!(fuse(&graph).steps.len(), 3);
}

/// What such an array takes, with symbols of a few hundred, no number holds.
#[test]
fn an_array_of_eight_axes_has_a_cost() {
    let graph = graph(
        "fn f<A, B, C, D, E, F, G, H>(x: f32[A, B, C, D, E, F, G, H]) -> (f32[A], f32[H]) {
            (sum(x * x, axis=(1, 2, 3, 4, 5, 6, 7)), sum(x * x, axis=(0, 1, 2, 3, 4, 5, 6)))
        }",
    );
    assert_eq!(fuse(&graph).steps.len(), 2);
}
