//! The oracle against numbers computed by hand.

use super::*;
use crate::graph::parse::parse;
use crate::graph::verify::verify;

fn graph(text: &str) -> Graph {
    let graph = parse(text).unwrap_or_else(|why| panic!("{why}"));
    verify(&graph).unwrap_or_else(|why| panic!("{why}"));
    graph
}

fn sizes(pairs: &[(&str, i64)]) -> Sizes {
    pairs.iter().map(|&(name, n)| (Sym::from(name), n)).collect()
}

/// One node over `x: dtype[B, C]`, which is `%0`.
fn one(dtype: &str, node: &str, x: &Value) -> Result<Value, String> {
    let graph = graph(&format!("fn f<B, C>(x: {dtype}[B, C])\n%0 = param x : {dtype}[B, C]\n%1 = {node}\nreturn %1"));
    let (b, c) = (x.shape[0] as i64, x.shape[1] as i64);
    run(&graph, &sizes(&[("B", b), ("C", c)]), std::slice::from_ref(x)).map(|mut out| out.remove(0))
}

/// 0 to 5 as an array of 2 by 3.
fn six() -> Value {
    Value::floats(&[2, 3], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
}

#[track_caller]
fn floats(node: &str, x: &Value, shape: &[usize], want: &[f64]) {
    let got = one("f32", node, x).unwrap_or_else(|why| panic!("{node}: {why}"));
    assert!(got.same(&Value::floats(shape, want)), "{node}: {got:?}");
}

#[track_caller]
fn ints(dtype: &str, node: &str, x: &[i128], want: &[i128]) {
    let x = Value::ints(&[1, x.len()], x);
    let got = one(dtype, node, &x).unwrap_or_else(|why| panic!("{node}: {why}"));
    assert_eq!(got.data, Data::Int(want.into()), "{node}");
}

#[test]
fn views() {
    floats("permute(%0) perm=[1, 0] : f32[C, B]", &six(), &[3, 2], &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    floats("reshape(%0) : f32[B*C]", &six(), &[6], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    floats("slice(%0) start=[B - 1, 0] step=[-1, 2] : f32[B, 2]", &six(), &[2, 2], &[3.0, 5.0, 0.0, 2.0]);
    floats("slice(%0) start=[0, 0] step=[1, 1] : f32[B, 0]", &six(), &[2, 0], &[]);
    floats(
        "window(%0) axis=1 stride=1 dilation=1 : f32[B, C - 1, 2]",
        &six(),
        &[2, 2, 2],
        &[0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0],
    );
    floats("window(%0) axis=1 stride=1 dilation=2 : f32[B, 1, 2]", &six(), &[2, 1, 2], &[0.0, 2.0, 3.0, 5.0]);
    let row = Value::floats(&[1, 2], [7.0, 8.0]);
    floats("broadcast(%0) axes=[0, 2] : f32[B, 2, C]", &row, &[1, 2, 2], &[7.0, 8.0, 7.0, 8.0]);
}

#[test]
fn an_axis_of_size_one_stretches_and_a_pad_is_filled() {
    let graph = graph(
        "fn f(x: f32[1, 2], s: f32)
           %0 = param x : f32[1, 2]
           %1 = param s : f32[]
           %2 = broadcast(%0) axes=[0, 1] : f32[2, 2]
           %3 = pad(%0, %1) before=[1, 0] : f32[2, 3]
           return %2, %3",
    );
    let out = run(&graph, &Sizes::new(), &[Value::floats(&[1, 2], [7.0, 8.0]), Value::floats(&[], [9.0])]).unwrap();
    assert_eq!(out[0], Value::floats(&[2, 2], [7.0, 8.0, 7.0, 8.0]));
    assert_eq!(out[1], Value::floats(&[2, 3], [9.0, 9.0, 9.0, 7.0, 8.0, 9.0]));
}

#[test]
fn leaves() {
    let graph = graph(
        "fn f<B>()
           %0 = iota axis=1 : i64[2, B]
           %1 = size 2*B + 1 : i64[]
           %2 = const -0.5 : f64[]
           return %0, %1, %2",
    );
    let out = run(&graph, &sizes(&[("B", 2)]), &[]).unwrap();
    assert_eq!(out[0], Value::ints(&[2, 2], [0, 1, 0, 1]));
    assert_eq!(out[1], Value::ints(&[], [5]));
    assert_eq!(out[2], Value::floats(&[], [-0.5]));
}

#[test]
fn reductions() {
    floats("sum(%0) axes=[1] : f32[B]", &six(), &[2], &[3.0, 12.0]);
    floats("sum(%0) axes=[0, 1] : f32[]", &six(), &[], &[15.0]);
    floats("max(%0) axes=[0] : f32[C]", &six(), &[3], &[3.0, 4.0, 5.0]);
    let odd = Value::floats(&[1, 3], [1.0, f64::NAN, 2.0]);
    floats("max(%0) axes=[1] : f32[B]", &odd, &[1], &[f64::NAN]);
    floats("min(%0) axes=[1] : f32[B]", &odd, &[1], &[f64::NAN]);
    let empty = Value::floats(&[2, 0], []);
    floats("sum(%0) axes=[1] : f32[B]", &empty, &[2], &[0.0, 0.0]);
    floats("prod(%0) axes=[1] : f32[B]", &empty, &[2], &[1.0, 1.0]);
    // No element of the result is without an element.
    floats("max(%0) axes=[0] : f32[C]", &empty, &[0], &[]);
    assert!(one("f32", "max(%0) axes=[1] : f32[B]", &empty).unwrap_err().contains("`max` of no elements"));
    assert!(one("f32", "argmin(%0) axes=[1] : i64[B]", &empty).unwrap_err().contains("`argmin` of no elements"));
    ints("i32", "max(%0) axes=[1] : i32[B]", &[-5, -3, -9], &[-3]);
    ints("u8", "sum(%0) axes=[1] : u8[B]", &[200, 100], &[44]);
    let truth = |x: &[bool], name: &str| {
        one("bool", &format!("{name}(%0) axes=[1] : bool[B]"), &Value::bools(&[1, x.len()], x))
    };
    assert_eq!(truth(&[false, true], "any"), Ok(Value::bools(&[1], [true])));
    assert_eq!(truth(&[false, true], "all"), Ok(Value::bools(&[1], [false])));
    assert_eq!(truth(&[], "any"), Ok(Value::bools(&[1], [false])));
    assert_eq!(truth(&[], "all"), Ok(Value::bools(&[1], [true])));
}

#[test]
fn the_first_of_equals_and_the_first_nan_win() {
    for (x, most, least) in [
        ([1.0, 3.0, 3.0, 1.0], 1, 0),
        ([1.0, f64::NAN, 9.0, f64::NAN], 1, 1),
        ([f64::NEG_INFINITY; 4], 0, 0),
        ([f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY], 0, 1),
        ([0.0, -0.0, 0.0, -0.0], 0, 0),
    ] {
        let x = Value::floats(&[1, 4], x);
        assert_eq!(one("f32", "argmax(%0) axes=[1] : i64[B]", &x), Ok(Value::ints(&[1], [most])), "{x:?}");
        assert_eq!(one("f32", "argmin(%0) axes=[1] : i64[B]", &x), Ok(Value::ints(&[1], [least])), "{x:?}");
    }
    ints("u8", "argmax(%0) axes=[1] : i64[B]", &[0, 255, 255], &[1]);
    ints("u8", "argmin(%0) axes=[1] : i64[B]", &[255, 0, 0], &[1]);
}

#[test]
fn integers_and_truth_values() {
    ints("i8", "add(%0, %0) : i8[B, C]", &[100, -100, 1], &[-56, 56, 2]);
    ints("i8", "neg(%0) : i8[B, C]", &[-128, 1], &[-128, -1]);
    ints("u64", "mul(%0, %0) : u64[B, C]", &[(1 << 64) - 1, 3], &[1, 9]);
    ints("u8", "bitwise_not(%0) : u8[B, C]", &[0, 255], &[255, 0]);
    ints("i64", "floor_divide(%0, %0) : i64[B, C]", &[0, -7], &[0, 1]);
    ints("i16", "cast(%0) : u8[B, C]", &[300, -1], &[44, 255]);
    let x = Value::bools(&[1, 2], [false, true]);
    assert_eq!(one("bool", "bitwise_not(%0) : bool[B, C]", &x), Ok(Value::bools(&[1, 2], [true, false])));
    assert_eq!(one("bool", "cast(%0) : f32[B, C]", &x), Ok(Value::floats(&[1, 2], [0.0, 1.0])));
    let x = Value::floats(&[1, 4], [300.7, -1.5, f64::NAN, f64::INFINITY]);
    assert_eq!(one("f32", "cast(%0) : u8[B, C]", &x), Ok(Value::ints(&[1, 4], [255, 0, 0, 255])));
    assert_eq!(one("f32", "cast(%0) : bool[B, C]", &x), Ok(Value::bools(&[1, 4], [true; 4])));
    assert_eq!(one("f32", "isnan(%0) : bool[B, C]", &x), Ok(Value::bools(&[1, 4], [false, false, true, false])));
}

#[test]
fn a_selection_keeps_what_it_does_not_take_out() {
    let graph = graph(
        "fn f(c: bool[2], a: f32[2], b: i64[2])
           %0 = param c : bool[2]
           %1 = param a : f32[2]
           %2 = param b : i64[2]
           %3 = sqrt(%1) : f32[2]
           %4 = where(%0, %1, %3) : f32[2]
           %5 = neg(%2) : i64[2]
           %6 = where(%0, %2, %5) : i64[2]
           return %4, %6",
    );
    let params = [Value::bools(&[2], [true, false]), Value::floats(&[2], [-4.0, 9.0]), Value::ints(&[2], [1, 2])];
    let out = run(&graph, &Sizes::new(), &params).unwrap();
    assert_eq!(out, [Value::floats(&[2], [-4.0, 3.0]), Value::ints(&[2], [1, -2])]);
}

#[test]
fn products() {
    floats("dot(%0, %0) batch=[] contract=[(1, 1)] : f32[B, B]", &six(), &[2, 2], &[5.0, 14.0, 14.0, 50.0]);
    floats("dot(%0, %0) batch=[(0, 0)] contract=[(1, 1)] : f32[B]", &six(), &[2], &[5.0, 50.0]);
    floats("dot(%0, %0) batch=[] contract=[(0, 0), (1, 1)] : f32[]", &six(), &[], &[55.0]);
    floats("dot(%0, %0) batch=[(1, 1)] contract=[(0, 0)] : f32[C]", &six(), &[3], &[9.0, 17.0, 29.0]);
    let row = Value::floats(&[1, 2], [2.0, 3.0]);
    floats("dot(%0, %0) batch=[(0, 0)] contract=[] : f32[B, C, C]", &row, &[1, 2, 2], &[4.0, 6.0, 6.0, 9.0]);
    // Nothing to add up gives zeros.
    let empty = Value::floats(&[2, 0], []);
    floats("dot(%0, %0) batch=[] contract=[(1, 1)] : f32[B, B]", &empty, &[2, 2], &[0.0; 4]);
    ints("i8", "dot(%0, %0) batch=[] contract=[(1, 1)] : i8[B, B]", &[100, 100], &[32]);
}

#[test]
fn precision() {
    let graph = graph(
        "fn f(x: f32, k: i64)
           %0 = param x : f32[]
           %1 = param k : i64[]
           %2 = mul(%0, %0) : f32[]
           %3 = cast(%1) : f32[]
           return %2, %3",
    );
    let x = f64::from(1.1f32);
    let params = [Value::floats(&[], [x]), Value::ints(&[], [(1 << 24) + 1])];
    let value = |precision| run_with(precision, &graph, &Sizes::new(), &params).unwrap();
    assert_eq!(value(Precision::Exact), [Value::floats(&[], [x * x]), Value::floats(&[], [16_777_217.0])]);
    let rounded = [Value::floats(&[], [f64::from(1.1f32 * 1.1f32)]), Value::floats(&[], [16_777_216.0])];
    assert_eq!(value(Precision::Rounded), rounded);
}

#[test]
fn bad_input_is_an_error() {
    let graph = graph(
        "fn f<B>(x: u8[B])
           require 2 <= B because \"`x` must have two elements\"
           %0 = param x : u8[B]
           %1 = slice(%0) start=[1] step=[1] : u8[B]
           %2 = broadcast(%0) axes=[1] : u8[1000000000*B, B]
           %3 = iota axis=0 : i64[4611686018427387904*B*B]
           %4 = slice(%0) start=[0] step=[1] : u8[B - 4]
           %5 = reshape(%0) : u8[B, B]
           return %0",
    );
    let value = |n: usize| Value::ints(&[n], vec![7; n]);
    let error = |out: u32, b: i64, params: &[Value]| {
        let mut graph = graph.clone();
        graph.outputs = vec![crate::graph::NodeId(out)];
        run(&graph, &sizes(&[("B", b)]), params).unwrap_err()
    };
    assert!(error(0, 1, &[value(1)]).contains("`x` must have two elements: 2 <= 1 is false"));
    assert!(error(0, 2, &[]).contains("0 values for 1 parameters"));
    assert!(error(0, 2, &[value(3)]).contains("`x` is `u8[B]`"));
    assert!(error(0, 2, &[Value::ints(&[2], [7, 256])]).contains("`x` is `u8[B]`"));
    assert!(error(0, 2, &[Value::floats(&[2], [1.0, 2.0])]).contains("`x` is `u8[B]`"));
    assert!(error(1, 2, &[value(2)]).contains("index [2] lies outside the shape [2]"));
    assert!(error(2, 2, &[value(2)]).contains("too many elements"));
    assert!(error(3, 2, &[value(2)]).contains("has no value"));
    assert!(error(4, 2, &[value(2)]).contains("`B - 4` is -2"));
    assert!(error(5, 2, &[value(2)]).contains("2 elements do not fill 4"));
    assert!(error(9, 2, &[value(2)]).contains("the output %9 is no node"));
    assert!(run(&graph, &Sizes::new(), &[value(2)]).unwrap_err().contains("`B` has no value"));
    // What no output needs is not computed.
    assert_eq!(run(&graph, &sizes(&[("B", 2)]), &[value(2)]), Ok(vec![value(2)]));
}
