//! The text forms of loops and programs: what they print parses back to the
//! same, and each verifier finds what breaks its invariants.
//!
//! The good texts lie in `tests/texts`; a bad one is a good one with one line
//! or word changed.

use ndfuse_codegen::{kernel, loops, program};
use std::path::{Path, PathBuf};

fn texts(kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts");
    let entries = std::fs::read_dir(folder).expect("the folder of the texts");
    let mut out: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    out.retain(|p| p.extension().is_some_and(|e| e == kind));
    out.sort();
    assert!(!out.is_empty(), "no `{kind}`");
    out
}

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/texts").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{name}: {why}"))
}

#[test]
fn loops_print_and_parse_back() {
    for path in texts("loops") {
        let text = std::fs::read_to_string(&path).expect("a text");
        let nest = loops::parse::parse(&text).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        assert_eq!(nest.to_string(), text, "{path:?}");
        loops::verify::verify(&nest).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        let again = kernel::parse::parse(&nest.kernel.to_string());
        assert_eq!(again.as_ref(), Ok(&nest.kernel), "{path:?}");
    }
}

#[test]
fn programs_print_and_parse_back() {
    for path in texts("program") {
        let text = std::fs::read_to_string(&path).expect("a text");
        let program = program::parse::parse(&text).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        assert_eq!(program.to_string(), text, "{path:?}");
        program::verify::verify(&program).unwrap_or_else(|why| panic!("{path:?}: {why}"));
    }
}

/// Each row: a good text, what is changed in it, and what the verifier says.
fn breaks(verify: impl Fn(&str) -> Result<(), String>, rows: &[(&str, &str, &str, &str)]) {
    for (name, old, new, want) in rows {
        let good = text(name);
        let bad = good.replacen(old, new, 1);
        assert_ne!(bad, good, "{name} has no `{old}`");
        let Err(why) = verify(&bad) else { panic!("{name}, `{new}` for `{old}`: nothing is found") };
        assert!(why.contains(want), "{name}, `{new}` for `{old}`: {why}");
    }
}

#[test]
fn a_broken_kernel_is_found() {
    let verify = |text: &str| {
        let nest = loops::parse::parse(text).unwrap_or_else(|why| panic!("{why}"));
        kernel::verify::verify(&nest.kernel)
    };
    let rows = [
        ("softmax.loops", "par p0", "par p1", "`p1`, where `p0` is wanted"),
        ("softmax.loops", "red r0", "red q0", "`q0`, where `r0` is wanted"),
        ("layer_norm.loops", "sizes s0", "sizes s1", "`s1`, where `s0` is wanted"),
        ("softmax.loops", "red r0", "red r0 < 9", "neither `e1` nor small"),
        ("softmax.loops", "red r0", "red r0 < e0", "neither `e1` nor small"),
        ("softmax.loops", "red r0", "red r0 < -1", "neither `e1` nor small"),
        ("softmax.loops", "in x : f32[2]", "in x : f32[2]\n  in x : i32[0]", "two operands are named `x`"),
        ("softmax.loops", "sub %0, %1", "sub %0, %3", "%2: its operand %3 does not come before it"),
        ("softmax.loops", "x[p0, r0]", "x[p0, r1]", "`r1` is neither a loop variable, a size"),
        ("softmax.loops", "x[p0, r0]", "x[p0, e1]", "`e1` is neither"),
        ("softmax.loops", "x[p0, r0]", "x[p0]", "1 coordinates for 2 axes"),
        ("softmax.loops", "r0] : f32", "r0] : f64", "`x` gives f32, not f64"),
        ("softmax.loops", "sub %0, %1 : f32", "lt %0, %1 : f32", "`lt` gives bool, not f32"),
        ("softmax.loops", "sub %0, %1", "bitwise_and %0, %1", "`bitwise_and` does not take"),
        ("softmax.loops", "max %0 : f32", "any %0 : f32", "`any` does not take f32"),
        ("softmax.loops", "max %0 : f32", "argmax %0 : f32", "`argmax` gives i64"),
        ("softmax.loops", "  red r0\n", "", "`r0` is neither a loop variable, a size"),
        ("depthwise.loops", "sum %2 : f32", "argmax %2 : i64", "over more than one axis"),
        ("layer_norm.loops", "index s0 : i64", "index s0 : i32", "`index` gives i64, not i32"),
        ("causal_mask.loops", "inside 0 <= p0 - p1 < s0 : bool", "inside 0 <= p0 < -1 : bool", "negative extent"),
        ("scalar.loops", "const -3 : i32", "const 3000000000 : i32", "3000000000 is not a value of i32"),
        ("softmax.loops", "store y[p0, r0] = %5", "", "`y` is never stored"),
        (
            "softmax.loops",
            "store y[p0, r0] = %5",
            "store y[p0, r0] = %5\n  store y[p0, r0] = %5",
            "`y` is stored 2 times",
        ),
        ("softmax.loops", "store y[p0, r0] = %5", "store y[p0, 2*r0] = %5", "`2*r0` is neither a loop variable nor 0"),
        ("softmax.loops", "store y[p0, r0] = %5", "store y[p0, p0] = %5", "`p0` stands 2 times"),
        ("softmax.loops", "store y[p0, r0] = %5", "store y[p0, 0] = %5", "`r0` stands 0 times in its index, not 1"),
        ("softmax.loops", "store y[p0, r0] = %5", "store y[p0, r0] = %9", "there is no value %9"),
        ("layer_norm.loops", "store rstd[p0] = %13", "store rstd[p0] = %3", "%3 is i64, but the output is f32"),
    ];
    breaks(verify, &rows);
}

#[test]
fn broken_loops_are_found() {
    let verify = |text: &str| {
        let nest = loops::parse::parse(text).unwrap_or_else(|why| panic!("{why}"));
        loops::verify::verify(&nest)
    };
    let rows = [
        ("softmax.loops", "row lane r0", "column lane p0", "a row buffer in the column form"),
        ("softmax.loops", "row lane r0", "row lane p0", "not its last axis"),
        ("softmax.loops", "loops row lane r0", "loops scalar", "a scalar form with axes"),
        ("softmax.loops", "parallel p0", "serial p0", "`p0` is no axis of a serial loop"),
        ("softmax.loops", "parallel p0", "parallel p7", "`p7` is no axis"),
        ("softmax.loops", "      push %1\n", "", "%1 is pushed to at 0 places"),
        ("softmax.loops", "      push %1\n", "      push %1\n      push %1\n", "%1 is pushed to at 2 places"),
        ("softmax.loops", "    start %1\n", "", "%1 is pushed to, but not started"),
        ("softmax.loops", "    start %1\n", "    start %1\n    start %1\n", "%1 is started twice"),
        ("softmax.loops", "    start %1\n", "    start %2\n", "%2 is no reduction"),
        ("softmax.loops", "    finish %1\n", "", "is used before it is computed"),
        ("softmax.loops", "    finish %4\n", "", "is used before it is computed"),
        ("softmax.loops", "      eval %2\n", "", "%2 is used before it is computed"),
        ("softmax.loops", "      eval %2\n", "      eval %2\n      eval %2\n", "%2 is computed twice"),
        ("softmax.loops", "      eval %2\n", "      eval %4\n", "%4 is a reduction"),
        ("softmax.loops", "    start %1\n", "    eval %0\n    start %1\n", "%0 stands outside the loop over `r0`"),
        ("softmax.loops", "      keep %3\n", "", "%3 is recalled, but was not kept"),
        ("softmax.loops", "      recall %3\n", "      recall %2\n", "%2 is recalled, but was not kept"),
        ("softmax.loops", "  keep %3 until 0\n", "  keep %3 until 4\n", "there is no store 4"),
        ("softmax.loops", "  keep %3 until 0\n", "", "%3 has no place"),
        (
            "softmax.loops",
            "      store 0\n",
            "      store 0\n    lane r0\n      recall %3\n",
            "%3 is recalled after the store that writes there",
        ),
        (
            "softmax.loops",
            "  keep %3 until 0\n",
            "  keep %3 until 0, %0 until 0\n",
            "%3 cannot lie in the row of store 0",
        ),
        ("softmax.loops", "      store 0\n", "", "store 0 stands 0 times"),
        ("softmax.loops", "      store 0\n", "      store 1\n", "there is no store 1"),
        (
            "layer_norm.loops",
            "      store 0\n    store 1\n",
            "      store 0\n      store 1\n",
            "inside the loop over `r0`",
        ),
        ("depthwise.loops", "parallel p1", "parallel p2", "does not stand directly in the loop over `p1`"),
        ("depthwise.loops", "unrolled r1", "lane r1", "`r1` is no axis of a lane loop"),
        ("column_sum.loops", "serial r0", "unrolled r0", "`r0` is no axis of a unrolled loop"),
        ("column_sum.loops", "    finish %2\n", "    finish %2\n    finish %2\n", "%2 is finished, but not started"),
        ("column_sum.loops", "    finish %2\n    store 0", "    store 0", "%2 is used before it is computed"),
    ];
    breaks(verify, &rows);
}

#[test]
fn a_broken_program_is_found() {
    let verify = |text: &str| {
        let program = program::parse::parse(text).unwrap_or_else(|why| panic!("{why}"));
        program::verify::verify(&program)
    };
    let name = "layer.program";
    let rows = [
        (name, "f32[I, O] = param 1", "f32[I, Q] = param 1", "`Q` in `Q` is no declared symbol"),
        (name, "f32[I, O] = param 1", "f32[O, I] = param 1", "the parameter `w` is f32[I, O]"),
        (name, "f32[O] = param 2", "f32[O] = param 3", "there is no parameter 3"),
        (name, "= param 2", "= output 2", "it is not the result 2"),
        (name, "order [1, 0] = output 0", "order [1, 1] = output 0", "is no permutation of 2 axes"),
        (name, "f32[B*O] = view b4", "f32[B] = view b4", "a view of `B` elements of a base of `B*O`"),
        (name, "f32[B*O] = view b4", "f32[B*O] = view b7", "does not come before it"),
        (name, "f32[B*O] = view b4", "i32[B*O] = view b4", "of another dtype"),
        (name, "return b6, b7", "return b6, b4", "it is not the result 1"),
        (name, "launch k1 [O, B]", "launch k1 [O]", "1 extents for k1, which has 2"),
        (name, "launch k1 [O, B]", "launch k1 [B, O]", "`p1` runs to O, but the axis of b6 is B"),
        (name, "launch k1 [O, B] sizes [B - 1]", "launch k1 [O, B]", "0 sizes for k1"),
        (name, "launch k1", "launch k4", "there is no kernel k4"),
        (name, "(b4) -> (b6)", "(b2) -> (b6)", "b2, which is f32[1], for the operand `h : f32[2]`"),
        (name, "(b4) -> (b6)", "(b9) -> (b6)", "there is no buffer b9"),
        (
            name,
            "(b5) -> (b7)",
            "(b5) -> (b7)\n  launch k2 [B*O] (b5) -> (b7)",
            "writes b7, which is a parameter or already",
        ),
        (name, "  launch k2 [B*O] (b5) -> (b7)\n", "", "the result b7 is never written"),
        (name, "    release b4\n", "", "the temporary b4 is not released at its last use"),
        (name, "    release b3\n", "    release b3, b4\n", "releases b4 again"),
        (name, "    release b4\n", "    release b4, b6\n", "releases b6, which is no temporary"),
        (name, "in [0, 2]", "in [2, 0]", "several steps in order are wanted"),
        (name, "in [0, 2]", "in [0]", "several steps in order are wanted"),
        (name, "in [0, 2]", "in [0, 3]", "several steps in order are wanted"),
        (name, "again 2 f32[B, O]", "again 0 f32[B, O]", "several steps in order are wanted"),
        (name, "again 2 f32[B, O]", "again 2 f32[B, Q]", "`Q` in `Q` is no declared symbol"),
        (name, "axis left left=0 out=0", "axis left left=0 right=0 out=0", "its places do not fit its role"),
        (name, "axis left left=0 out=0", "axis left left=2 out=0", "b0 has no axis 2"),
        (name, "axis left left=0 out=0", "axis left left=0*0 out=0", "a step of zero"),
        (name, "axis left left=0 out=0", "axis left left=0 out=1", "axis 0 of the product is written by 0 loops"),
        (name, "out=0 : B", "out=0 : I", "axis 0 of the product is B, not I"),
        (name, "dot f32 b0[0, 0]", "dot f32 b0[0]", "1 coordinates for the start of b0"),
        (name, "dot f32", "dot f64", "b0 is f32, not f64"),
        (name, "epilogue input=0", "epilogue input=1", "its input 1 is not the product b3"),
        (name, "axes=[0, 1]", "axes=[1, 0]", "axis 0 of the product is B, not O"),
        (name, "axes=[0, 1]", "axes=[0, _]", "has no parallel axis"),
        (name, "axes=[0, 1]", "axes=[0]", "1 axes for a product of 2"),
        (name, "load t[p0, p1]", "load t[p1, p0]", "elsewhere than at its own index"),
        (name, "tanh %2", "tanh %4", "kernel k0: %3: its operand %4"),
        (name, "require 1 <= I", "require 1 <= Q", "`Q` is not declared"),
    ];
    breaks(verify, &rows);
}

#[test]
fn what_cannot_be_read_is_an_error_with_its_line() {
    let rows = [
        ("par p0\n", "parr p0\n", "line 2: `=` is wanted"),
        ("%1 = max", "%2 = max", "line 7: %1 is wanted"),
        ("max %0 : f32", "mex %0 : f32", "line 7: no operation `mex`"),
        ("load x[", "load z[", "line 6: no operand `z`"),
        ("r0] : f32", "r0 : f32", "line 6: `[` is never closed"),
        ("r0] : f32", "r0] if p0 < s0 : f32", "line 6: `0 <=` is wanted"),
        ("eval %5", "eval 5", "line 31: `%` is wanted before `5`"),
        ("loops row", "loops rows", "line 13: no form `rows`"),
        ("push %1", "pull %1", "line 19: no statement `pull`"),
        ("f32[2]\n", "f33[2]\n", "line 4: `f33` is no dtype"),
    ];
    let good = text("softmax.loops");
    for (old, new, want) in rows {
        let bad = good.replacen(old, new, 1);
        assert_ne!(bad, good, "no `{old}`");
        let why = loops::parse::parse(&bad).expect_err("a text that cannot be read");
        assert!(why.starts_with(want), "`{new}`: {why}");
    }
}
