//! Each rule and pass on graphs as text, and all of them on random graphs.

use super::dce::dce;
use super::masks::masks;
use super::simplify::{RULES, simplify};
use crate::graph::parse::parse;
use crate::graph::verify::verify;
use crate::graph::{Graph, Op};
use crate::interp::{Precision, run_with};
use crate::testing::{Profile, Rng, random_graph_of};

/// The parameters of every example: nodes `%0` to `%6`.
const HEAD: &str = "fn f<B, C>(x: f32[B, C], k: i32[B, C], m: bool[B, C], o: f32[1, C], n: i16[B], u: u8[B], s: f32)";

fn graph(body: &str) -> Graph {
    let graph = parse(&format!(
        "{HEAD}
           %0 = param x : f32[B, C]
           %1 = param k : i32[B, C]
           %2 = param m : bool[B, C]
           %3 = param o : f32[1, C]
           %4 = param n : i16[B]
           %5 = param u : u8[B]
           %6 = param s : f32[]
           {body}"
    ));
    let graph = graph.unwrap_or_else(|why| panic!("{why}"));
    verify(&graph).unwrap_or_else(|why| panic!("{why}"));
    graph
}

fn run(graph: &Graph) -> Graph {
    let out = simplify(&dce(graph));
    verify(&out).unwrap_or_else(|why| panic!("{why}\n{graph}\n{out}"));
    out
}

/// The first body becomes the second. In both, nodes begin at `%7`.
#[track_caller]
fn check(before: &str, after: &str) {
    let out = run(&graph(before));
    assert_eq!(out.to_string(), graph(after).to_string(), "\n{before}");
}

/// The body is left as it is.
#[track_caller]
fn stays(body: &str) {
    check(body, body);
}

/// The mask of a relu's gradient is asked of its result, where the graph has it.
#[test]
fn a_result_answers_for_its_argument() {
    let zeros = "%7 = const 0.0 : f32[]
         %8 = broadcast(%7) axes=[] : f32[B, C]
         %9 = exp(%0) : f32[B, C]
         %10 = le(%9, %8) : bool[B, C]";
    let both = graph(&format!(
        "{zeros}
         %11 = where(%10, %8, %9) : f32[B, C]
         %12 = where(%10, %8, %0) : f32[B, C]
         return %11, %12"
    ));
    let want = graph(&format!(
        "{zeros}
         %11 = where(%10, %8, %9) : f32[B, C]
         %12 = le(%11, %8) : bool[B, C]
         %13 = where(%12, %8, %0) : f32[B, C]
         return %11, %13"
    ));
    assert_eq!(masks(&both).to_string(), want.to_string());
    let alone = graph(&format!("{zeros}\n%11 = where(%10, %8, %0) : f32[B, C]\nreturn %11"));
    assert_eq!(masks(&alone).to_string(), alone.to_string());
}

#[test]
fn constants_fold() {
    check(
        "%7 = const 1.5 : f32[]
         %8 = const 2 : i32[]
         %9 = cast(%8) : f32[]
         %10 = mul(%7, %9) : f32[]
         %11 = sqrt(%10) : f32[]
         %12 = broadcast(%11) axes=[] : f32[B, C]
         %13 = add(%0, %12) : f32[B, C]
         return %13",
        "%7 = const 1.7320508 : f32[]
         %8 = broadcast(%7) axes=[] : f32[B, C]
         %9 = add(%0, %8) : f32[B, C]
         return %9",
    );
    // Through a broadcast, and with integers that wrap.
    check(
        "%7 = const 200 : u8[]
         %8 = broadcast(%7) axes=[] : u8[B]
         %9 = add(%8, %8) : u8[B]
         return %9",
        "%7 = const 144 : u8[]
         %8 = broadcast(%7) axes=[] : u8[B]
         return %8",
    );
    // Machines do not agree on the last bit of an exponential, nor on a NaN's.
    stays("%7 = const 1.5 : f32[]\n%8 = exp(%7) : f32[]\nreturn %8");
    stays("%7 = const 0.0 : f32[]\n%8 = div(%7, %7) : f32[]\nreturn %8");
}

#[test]
fn neutral_constants_go() {
    for (op, number, x, ty) in [
        ("mul", "1.0", 0, "f32"),
        ("div", "1.0", 0, "f32"),
        ("sub", "0.0", 0, "f32"),
        ("add", "-0.0", 0, "f32"),
        ("add", "0", 1, "i32"),
        ("sub", "0", 1, "i32"),
        ("mul", "1", 1, "i32"),
        ("floor_divide", "1", 1, "i32"),
        ("bitwise_or", "0", 1, "i32"),
        ("bitwise_xor", "0", 1, "i32"),
        ("bitwise_and", "-1", 1, "i32"),
        ("left_shift", "0", 1, "i32"),
        ("right_shift", "0", 1, "i32"),
        ("power", "1", 1, "i32"),
        ("bitwise_and", "true", 2, "bool"),
        ("bitwise_or", "false", 2, "bool"),
    ] {
        check(
            &format!(
                "%7 = const {number} : {ty}[]
                 %8 = broadcast(%7) axes=[] : {ty}[B, C]
                 %9 = {op}(%{x}, %8) : {ty}[B, C]
                 return %9"
            ),
            &format!("return %{x}"),
        );
    }
    // Where -0 would become +0, or the other way round.
    for (op, number) in [("add", "0.0"), ("sub", "-0.0"), ("mul", "0.0")] {
        stays(&format!(
            "%7 = const {number} : f32[]
             %8 = broadcast(%7) axes=[] : f32[B, C]
             %9 = {op}(%0, %8) : f32[B, C]
             return %9"
        ));
    }
}

#[test]
fn absorbing_constants_stay_alone() {
    for (op, number, x, ty) in [
        ("mul", "0", 1, "i32"),
        ("bitwise_and", "0", 1, "i32"),
        ("bitwise_or", "-1", 1, "i32"),
        ("bitwise_and", "false", 2, "bool"),
    ] {
        check(
            &format!(
                "%7 = const {number} : {ty}[]
                 %8 = broadcast(%7) axes=[] : {ty}[B, C]
                 %9 = {op}(%8, %{x}) : {ty}[B, C]
                 return %9"
            ),
            &format!(
                "%7 = const {number} : {ty}[]
                 %8 = broadcast(%7) axes=[] : {ty}[B, C]
                 return %8"
            ),
        );
    }
}

#[test]
fn equal_operands() {
    check("%7 = maximum(%0, %0) : f32[B, C]\nreturn %7", "return %0");
    check("%7 = bitwise_and(%2, %2) : bool[B, C]\nreturn %7", "return %2");
    check(
        "%7 = sub(%1, %1) : i32[B, C]\nreturn %7",
        "%7 = const 0 : i32[]\n%8 = broadcast(%7) axes=[] : i32[B, C]\nreturn %8",
    );
    check(
        "%7 = lt(%1, %1) : bool[B, C]\nreturn %7",
        "%7 = const false : bool[]\n%8 = broadcast(%7) axes=[] : bool[B, C]\nreturn %8",
    );
    // A NaN is not equal to itself, and less itself is not 0.
    stays("%7 = sub(%0, %0) : f32[B, C]\nreturn %7");
    stays("%7 = eq(%0, %0) : bool[B, C]\nreturn %7");
}

#[test]
fn order_of_operands() {
    check(
        "%7 = neg(%0) : f32[B, C]
         %8 = exp(%0) : f32[B, C]
         %9 = mul(%7, %8) : f32[B, C]
         %10 = mul(%8, %7) : f32[B, C]
         %11 = sub(%9, %10) : f32[B, C]
         return %11",
        "%7 = neg(%0) : f32[B, C]
         %8 = exp(%0) : f32[B, C]
         %9 = mul(%7, %8) : f32[B, C]
         %10 = sub(%9, %9) : f32[B, C]
         return %10",
    );
    // The greater of -0 and 0 is the first.
    stays("%7 = neg(%0) : f32[B, C]\n%8 = maximum(%7, %0) : f32[B, C]\nreturn %8");
}

#[test]
fn signs_cancel() {
    check("%7 = neg(%0) : f32[B, C]\n%8 = neg(%7) : f32[B, C]\nreturn %8", "return %0");
    check("%7 = bitwise_not(%2) : bool[B, C]\n%8 = bitwise_not(%7) : bool[B, C]\nreturn %8", "return %2");
    check(
        "%7 = neg(%0) : f32[B, C]\n%8 = exp(%0) : f32[B, C]\n%9 = add(%7, %8) : f32[B, C]\nreturn %9",
        "%7 = exp(%0) : f32[B, C]\n%8 = sub(%7, %0) : f32[B, C]\nreturn %8",
    );
    check(
        "%7 = neg(%1) : i32[B, C]\n%8 = sub(%1, %7) : i32[B, C]\nreturn %8",
        "%7 = add(%1, %1) : i32[B, C]\nreturn %7",
    );
    check(
        "%7 = neg(%0) : f32[B, C]\n%8 = mul(%7, %7) : f32[B, C]\nreturn %8",
        "%7 = mul(%0, %0) : f32[B, C]\nreturn %7",
    );
    check("%7 = neg(%0) : f32[B, C]\n%8 = abs(%7) : f32[B, C]\nreturn %8", "%7 = abs(%0) : f32[B, C]\nreturn %7");
}

#[test]
fn selections() {
    check("%7 = where(%2, %0, %0) : f32[B, C]\nreturn %7", "return %0");
    check(
        "%7 = const false : bool[]
         %8 = broadcast(%7) axes=[] : bool[B, C]
         %9 = neg(%0) : f32[B, C]
         %10 = where(%8, %9, %0) : f32[B, C]
         return %10",
        "return %0",
    );
    check(
        "%7 = bitwise_not(%2) : bool[B, C]\n%8 = neg(%0) : f32[B, C]\n%9 = where(%7, %0, %8) : f32[B, C]\nreturn %9",
        "%7 = neg(%0) : f32[B, C]\n%8 = where(%2, %7, %0) : f32[B, C]\nreturn %8",
    );
    check(
        "%7 = const true : bool[]
         %8 = broadcast(%7) axes=[] : bool[B, C]
         %9 = const false : bool[]
         %10 = broadcast(%9) axes=[] : bool[B, C]
         %11 = where(%2, %8, %10) : bool[B, C]
         return %11",
        "return %2",
    );
}

#[test]
fn division_by_a_power_of_two() {
    let by = |op: &str, number: &str| {
        format!(
            "%7 = const {number} : f32[]
             %8 = broadcast(%7) axes=[] : f32[B, C]
             %9 = {op}(%0, %8) : f32[B, C]
             return %9"
        )
    };
    check(&by("div", "8.0"), &by("mul", "0.125"));
    check(&by("div", "-0.5"), &by("mul", "-2.0"));
    stays(&by("div", "3.0"));
    stays(&by("div", "0.0"));
    // The reciprocal would be subnormal.
    stays(&by("div", "1.7014118e38"));
}

#[test]
fn powers() {
    let power = |number: &str| {
        format!(
            "%7 = const {number} : f32[]
             %8 = broadcast(%7) axes=[] : f32[B, C]
             %9 = power(%0, %8) : f32[B, C]
             return %9"
        )
    };
    check(&power("2.0"), "%7 = mul(%0, %0) : f32[B, C]\nreturn %7");
    check(&power("1.0"), "return %0");
    check(&power("0.0"), "%7 = const 1.0 : f32[]\n%8 = broadcast(%7) axes=[] : f32[B, C]\nreturn %8");
    check(
        &power("-1.0"),
        "%7 = const 1.0 : f32[]\n%8 = broadcast(%7) axes=[] : f32[B, C]\n%9 = div(%8, %0) : f32[B, C]\nreturn %9",
    );
    stays(&power("2.5"));
}

#[test]
fn casts_of_casts() {
    check("%7 = cast(%0) : f64[B, C]\n%8 = cast(%7) : f32[B, C]\nreturn %8", "return %0");
    check("%7 = cast(%4) : f32[B]\n%8 = cast(%7) : f64[B]\nreturn %8", "%7 = cast(%4) : f64[B]\nreturn %7");
    check("%7 = cast(%4) : i64[B]\n%8 = cast(%7) : u8[B]\nreturn %8", "%7 = cast(%4) : u8[B]\nreturn %7");
    check("%7 = cast(%5) : f32[B]\n%8 = cast(%7) : i64[B]\nreturn %8", "%7 = cast(%5) : i64[B]\nreturn %7");
    // 300 as f32 as u8 is 255, but 300 as u8 is 44.
    stays("%7 = cast(%4) : f32[B]\n%8 = cast(%7) : u8[B]\nreturn %8");
    stays("%7 = cast(%1) : f32[B, C]\n%8 = cast(%7) : f64[B, C]\nreturn %8");
}

#[test]
fn views_of_views() {
    check("%7 = permute(%0) perm=[1, 0] : f32[C, B]\n%8 = permute(%7) perm=[1, 0] : f32[B, C]\nreturn %8", "return %0");
    check(
        "%7 = reshape(%0) : f32[B*C]\n%8 = reshape(%7) : f32[C, B]\nreturn %8",
        "%7 = reshape(%0) : f32[C, B]\nreturn %7",
    );
    check(
        "%7 = broadcast(%4) axes=[0] : i16[B, 1]\n%8 = broadcast(%7) axes=[1, 2] : i16[3, B, C]\nreturn %8",
        "%7 = broadcast(%4) axes=[1] : i16[3, B, C]\nreturn %7",
    );
    check(
        "%7 = slice(%4) start=[B - 1] step=[-1] : i16[B]\n%8 = slice(%7) start=[B - 1] step=[-1] : i16[B]\nreturn %8",
        "return %4",
    );
    check(
        "%7 = slice(%4) start=[1] step=[2] : i16[(B / 2)]
         %8 = slice(%7) start=[1] step=[3] : i16[((B / 2) / 3)]
         return %8",
        "%7 = slice(%4) start=[3] step=[6] : i16[(B / 6)]
         return %7",
    );
    check(
        "%7 = pad(%0, %6) before=[1, 0] : f32[B + 1, C]\n%8 = pad(%7, %6) before=[1, 2] : f32[B + 3, C + 2]\nreturn %8",
        "%7 = pad(%0, %6) before=[2, 2] : f32[B + 3, C + 2]\nreturn %7",
    );
}

#[test]
fn views_of_one_number() {
    check(
        "%7 = broadcast(%6) axes=[] : f32[B, C]
         %8 = permute(%7) perm=[1, 0] : f32[C, B]
         %9 = reshape(%8) : f32[B*C]
         %10 = slice(%9) start=[0] step=[1] : f32[B]
         %11 = pad(%10, %6) before=[1] : f32[B + 1]
         return %11",
        "%7 = broadcast(%6) axes=[] : f32[B + 1]
         return %7",
    );
    stays(
        "%7 = broadcast(%6) axes=[] : f32[B]\n%8 = const 0.0 : f32[]\n%9 = pad(%7, %8) before=[1] : f32[B + 1]\nreturn %9",
    );
}

#[test]
fn axes_of_size_one() {
    check(
        "%7 = reshape(%4) : i16[B, 1]\n%8 = broadcast(%7) axes=[0, 1] : i16[B, C]\nreturn %8",
        "%7 = broadcast(%4) axes=[0] : i16[B, C]\nreturn %7",
    );
    check(
        "%7 = broadcast(%0) axes=[0, 2] : f32[B, 1, C]\n%8 = reshape(%7) : f32[C*B]\nreturn %8",
        "%7 = reshape(%0) : f32[B*C]\nreturn %7",
    );
    check("%7 = slice(%3) start=[0, 0] step=[-1, 1] : f32[1, C]\nreturn %7", "return %3");
    check(
        "%7 = iota axis=0 : i64[1, C]\nreturn %7",
        "%7 = const 0 : i64[]\n%8 = broadcast(%7) axes=[] : i64[1, C]\nreturn %8",
    );
    check("%7 = max(%3) axes=[0] : f32[C]\nreturn %7", "%7 = reshape(%3) : f32[C]\nreturn %7");
    check(
        "%7 = max(%3) axes=[0, 1] : f32[]\nreturn %7",
        "%7 = reshape(%3) : f32[C]\n%8 = max(%7) axes=[0] : f32[]\nreturn %8",
    );
    check(
        "%7 = argmax(%3) axes=[0] : i64[C]\nreturn %7",
        "%7 = const 0 : i64[]\n%8 = broadcast(%7) axes=[] : i64[C]\nreturn %8",
    );
    // A sum starts at +0, so a lone -0 gives +0.
    check(
        "%7 = sum(%3) axes=[0] : f32[C]\nreturn %7",
        "%7 = reshape(%3) : f32[C]
         %8 = const 0.0 : f32[]
         %9 = broadcast(%8) axes=[] : f32[C]
         %10 = add(%7, %9) : f32[C]
         return %10",
    );
}

#[test]
fn a_broadcast_comes_last() {
    check(
        "%7 = cast(%4) : f32[B]
         %8 = broadcast(%7) axes=[0] : f32[B, C]
         %9 = const 1.5 : f32[]
         %10 = broadcast(%9) axes=[] : f32[B, C]
         %11 = add(%8, %10) : f32[B, C]
         %12 = sqrt(%11) : f32[B, C]
         %13 = div(%0, %12) : f32[B, C]
         return %13",
        "%7 = cast(%4) : f32[B]
         %8 = const 1.5 : f32[]
         %9 = broadcast(%8) axes=[] : f32[B]
         %10 = add(%7, %9) : f32[B]
         %11 = sqrt(%10) : f32[B]
         %12 = broadcast(%11) axes=[0] : f32[B, C]
         %13 = div(%0, %12) : f32[B, C]
         return %13",
    );
    check(
        "%7 = broadcast(%0) axes=[0, 1] : f32[B, C, 3]\n%8 = permute(%7) perm=[2, 0, 1] : f32[3, B, C]\nreturn %8",
        "%7 = broadcast(%0) axes=[1, 2] : f32[3, B, C]\nreturn %7",
    );
    stays("%7 = broadcast(%0) axes=[0, 1] : f32[B, C, 3]\n%8 = permute(%7) perm=[2, 1, 0] : f32[3, C, B]\nreturn %8");
}

#[test]
fn products_take_operands_as_they_lie() {
    check(
        "%7 = permute(%0) perm=[1, 0] : f32[C, B]
         %8 = dot(%0, %7) batch=[] contract=[(1, 0)] : f32[B, B]
         return %8",
        "%7 = dot(%0, %0) batch=[] contract=[(1, 1)] : f32[B, B]
         return %7",
    );
    check(
        "%7 = dot(%0, %3) batch=[] contract=[(1, 1)] : f32[B, 1]
         %8 = permute(%7) perm=[1, 0] : f32[1, B]
         return %8",
        "%7 = dot(%3, %0) batch=[] contract=[(1, 1)] : f32[1, B]
         return %7",
    );
    // The free axes would come out in another order.
    stays(
        "%7 = window(%0) axis=0 stride=1 dilation=1 : f32[B - 1, C, 2]
         %8 = permute(%7) perm=[2, 0, 1] : f32[2, B - 1, C]
         %9 = dot(%8, %3) batch=[] contract=[(2, 1)] : f32[2, B - 1, 1]
         return %9",
    );
}

#[test]
fn dead_code_goes_and_parameters_stay() {
    let before = graph("%7 = exp(%0) : f32[B, C]\n%8 = neg(%1) : i32[B, C]\nreturn %8");
    let after = graph("%7 = neg(%1) : i32[B, C]\nreturn %7");
    assert_eq!(dce(&before), after);
    assert_eq!(dce(&Graph::like(&after)).nodes.len(), after.params.len());
}

#[test]
fn random_graphs_keep_their_values() {
    let mut smaller = 0;
    for seed in 0..1500 {
        let profile = if seed % 3 == 0 { Profile::Exact } else { Profile::Any };
        let (before, sizes, params) = random_graph_of(profile, seed);
        let after = run(&before);
        let value = |graph: &Graph| {
            run_with(Precision::Rounded, graph, &sizes, &params)
                .unwrap_or_else(|why| panic!("seed {seed}: {why}\n{graph}"))
        };
        let (want, got) = (value(&before), value(&after));
        for (want, got) in want.iter().zip(&got) {
            assert!(want.same(got), "seed {seed}\n{before}\n{after}\n{want:?}\n{got:?}");
        }
        let live = before.live().iter().filter(|l| **l).count();
        smaller += usize::from(after.nodes.len() < live);
        assert_eq!(simplify(&after), after, "seed {seed} is not at rest\n{after}");
    }
    assert!(smaller > 100, "{smaller} graphs became smaller");
}

#[test]
fn every_rule_is_met_by_random_graphs() {
    let mut met = vec![0; RULES.len()];
    for seed in 0..1500 {
        let graph = random_graph_of(Profile::Any, seed).0;
        for (rule, count) in RULES.iter().zip(&mut met) {
            let mut graph = graph.clone();
            *count += graph.ids().filter(|&id| (rule.apply)(&mut graph, id).is_some()).count();
        }
    }
    let missed: Vec<&str> = RULES.iter().zip(met).filter(|(_, n)| *n == 0).map(|(r, _)| r.name).collect();
    // The builders make no idle node, so only a written graph has one.
    assert_eq!(missed, ["idle"]);
    check("%7 = reshape(%0) : f32[B, C]\n%8 = cast(%7) : f32[B, C]\nreturn %8", "return %0");
}

#[test]
fn a_planted_bug_is_found() {
    // As if `a + b` were `a - b`: some random graph must tell.
    let found = (0..200).any(|seed| {
        let (graph, sizes, params) = random_graph_of(Profile::Any, seed);
        let mut broken = Graph::like(&graph);
        for node in &graph.nodes {
            let op = match &node.op {
                Op::Map(op) if op.name() == "add" => Op::Map(crate::ops::MapOp::named("sub")),
                op => op.clone(),
            };
            broken.add(op, node.args.clone(), node.ty.clone());
        }
        broken.outputs = graph.outputs.clone();
        let value = |graph: &Graph| run_with(Precision::Rounded, graph, &sizes, &params).unwrap_or_default();
        broken.nodes.len() == graph.nodes.len() && value(&graph).iter().zip(&value(&broken)).any(|(a, b)| !a.same(b))
    });
    assert!(found);
}

#[test]
fn a_long_chain_is_quick() {
    let mut graph = graph("return %0");
    let mut x = graph.outputs[0];
    let mut rng = Rng::new(1);
    for k in 0..2000 {
        let by = graph.konst(crate::ops::Literal::Int(i128::from(k % 7)), crate::dtype::DType::F32);
        let shape = graph.ty(x).shape.clone();
        let by = graph.broadcast_to(by, &shape);
        let name = *rng.pick(&["add", "mul", "sub", "maximum"]);
        x = graph.map(crate::ops::MapOp::named(name), &[x, by]);
    }
    graph.outputs = vec![x];
    let start = std::time::Instant::now();
    let out = run(&graph);
    assert!(out.nodes.len() > 1000);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn the_whole_pipeline_keeps_exact_values() {
    for seed in 0..500 {
        let (before, sizes, params) = random_graph_of(Profile::Exact, seed);
        let after = super::run(&before);
        // Where nothing rounds, not even another order of a sum can be seen.
        let value = |graph: &Graph| run_with(Precision::Rounded, graph, &sizes, &params);
        assert_eq!(value(&after), value(&before), "seed {seed}\n{before}\n{after}");
    }
}
