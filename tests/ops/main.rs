//! Every operation, from its text to the bits that the processor computes.
//!
//! In: `functions.rs`, a `tensor!` function for each row of the compiler's
//! tables and each dtype that the row takes. Always: each function runs on every
//! layout and many sizes and agrees with the oracle, which interprets the graph
//! of the same text in `f64`; a row without its functions fails.
//! Next: [`generate`], which functions; [`arrays`], on what; [`agree`], how near.

#[macro_use]
mod call;
mod agree;
mod arrays;
mod functions;
mod generate;
mod machine;
mod oracle;

use arrays::{Argument, Layout};
use call::Case;
use generate::Spec;
use ndfuse_codegen::testing::Rng;
use oracle::Oracle;
use std::fmt::Write as _;

/// `A`, `B` and `C` of a call: nothing, one, odd tails, several tiles.
const SIZES: [[i64; 3]; 13] = [
    [1, 1, 1],
    [1, 7, 2],
    [7, 1, 3],
    [3, 17, 4],
    [17, 3, 1],
    [2, 1023, 3],
    [1025, 2, 2],
    [3, 1025, 1],
    [33, 65, 5],
    [0, 3, 2],
    [3, 0, 2],
    [0, 0, 0],
    [2, 3, 0],
];

/// Runs a function on the given sizes; what is wrong, if anything.
fn fault(case: &Case, spec: &Spec, oracle: &Oracle, sizes: [i64; 3], layout: Layout, special: bool) -> Option<String> {
    let mut rng = Rng::new(sizes[0] as u64 * 31 + sizes[1] as u64 * 7 + layout as u64 + u64::from(special) * 1000);
    let sizes = oracle.sizes(sizes);
    let arguments: Vec<Argument> = (oracle.graph.params.iter().enumerate())
        .map(|(k, p)| {
            let shape = oracle.shape(&p.ty, &sizes);
            Argument::new(&mut rng, p.ty.dtype, &shape, layout.of_operand(k), spec.domain, special && spec.special)
        })
        .collect();
    let views: Vec<_> = arguments.iter().map(Argument::view).collect();
    let values: Vec<_> = views.iter().map(|v| v.value()).collect();
    let want = oracle.run(&sizes, &values);
    let got = (case.run)(&views);
    let (want, got) = match (want, got) {
        (Ok(want), Ok(got)) => (want, got),
        (Err(_), Err(_)) => return None,
        (Err(want), Ok(got)) => return Some(format!("the oracle says {want}, the call gave {got:?}")),
        (Ok(_), Err(error)) => return Some(format!("the call failed: {error}")),
    };
    let scale = spec.near.wants_scale().then(|| oracle.run(&sizes, &oracle::magnitudes(&values)).ok()).flatten();
    let least = spec.domain.0.abs().max(spec.domain.1.abs());
    if let Some(why) = agree::differs(spec.near, &want, &got, scale.as_ref(), least) {
        return Some(format!("{why}\narguments {}", arrays::brief(&values)));
    }
    let mut into = call::reversed(&got);
    match (case.into)(&views, &mut into) {
        Err(error) => Some(format!("`into` failed: {error}")),
        // A product to memory of other strides may round otherwise.
        Ok(()) => agree::differs(spec.near, &want, &into, scale.as_ref(), least).map(|why| format!("`into`: {why}")),
    }
}

/// What is wrong with a function, the first fault of each layout.
fn faults(case: &Case, spec: &Spec, oracle: &Oracle) -> String {
    let mut out = String::new();
    for layout in Layout::ALL {
        for special in [false, true] {
            let told = SIZES
                .iter()
                .filter(|s| layout == Layout::Contiguous && !special || s[0] * s[1] < 3000)
                .find_map(|&sizes| {
                    let why = fault(case, spec, oracle, sizes, layout, special)?;
                    Some(format!("{} {sizes:?} {layout:?}: {why}\n", case.name))
                });
            out.extend(told);
        }
    }
    out
}

/// All functions whose number leaves this remainder: the tests run side by side.
fn check_part(part: usize, parts: usize) {
    let (oracles, specs) = (oracle::all(), generate::specs());
    assert_eq!(functions::CASES.len(), specs.len());
    let mut told = String::new();
    let mut failed = 0;
    for (case, spec) in functions::CASES.iter().zip(&specs).skip(part).step_by(parts) {
        assert_eq!(case.name, spec.name);
        let why = faults(case, spec, &oracles[case.name]);
        failed += usize::from(!why.is_empty());
        let _ = write!(told, "{why}");
    }
    assert!(failed == 0, "{failed} functions disagree with the oracle\n{told}");
}

#[test]
fn functions_are_those_of_the_tables() {
    generate::check();
}

#[test]
fn agree_with_the_oracle_0() {
    check_part(0, 4);
}

#[test]
fn agree_with_the_oracle_1() {
    check_part(1, 4);
}

#[test]
fn agree_with_the_oracle_2() {
    check_part(2, 4);
}

#[test]
fn agree_with_the_oracle_3() {
    check_part(3, 4);
}
