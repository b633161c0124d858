//! Random programs against the oracle: written as text, checked, fused, and run by the interpreter of programs and as
//! CUDA text on the emulated device.
//!
//! `NDFUSE_RANDOM=20000` is how many programs the interpreter runs, a tenth of them the device too; `NDFUSE_SEED` is the
//! first. A fault is shrunk and printed as a `tensor!` block. `tests/programs.rs` of the root runs the same programs as
//! compiled Rust.

#[path = "emulate/machine.rs"]
#[allow(dead_code)]
mod machine;
#[path = "emulate/program.rs"]
mod program;
#[path = "random/mod.rs"]
mod random;

use machine::{Machine, Teams};
use ndfuse_codegen::loops::Loops;
use ndfuse_codegen::program::attend::attends;
use ndfuse_codegen::program::prologue::prologues;
use ndfuse_codegen::program::{Action, Step};
use program::{Built, Run, holds};
use random::mutants::MUTANTS;
use random::products;
use random::run::{code, differ, fault, guarded, planted};
use random::shrink::{cost, shrink};
use random::source::{Checked, Source, What};
use random::writer::write;
use random::{count, seed};
use std::collections::BTreeMap;
use std::time::Instant;

/// Programs in one run of the C++ compiler.
const BATCH: usize = 40;

#[test]
fn programs_are_valid_by_construction() {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused = Vec::new();
    let (mut calls, mut several, mut shared, mut empty, mut lets) = (0, 0, 0, 0, 0);
    const PROGRAMS: u64 = 400;
    for seed in 0..PROGRAMS {
        let written = write(seed);
        refused.extend(written.refused);
        let source = &written.source;
        let checked = source.checked().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        assert_eq!(checked.want.len(), source.results.len());
        assert_eq!(*source, write(seed).source, "a seed gives one program");
        calls += usize::from(!source.helpers.is_empty());
        several += usize::from(source.results.len() > 1);
        empty += usize::from(source.dims.iter().any(|d| d.1 == 0));
        lets += source.lets.len();
        let uses = |var: usize| source.lets.iter().flat_map(|l| &l.args).filter(|a| **a == var).count();
        shared += usize::from((source.params.len()..source.params.len() + source.lets.len()).any(|v| uses(v) > 1));
        for word in WORDS {
            *seen.entry(word).or_default() += usize::from(checked.text.contains(word));
        }
    }
    assert!(refused.is_empty(), "the checker refused {refused:?}");
    let rare: Vec<_> = WORDS.iter().filter(|w| seen[*w] == 0).collect();
    assert!(rare.is_empty(), "never written: {rare:?}");
    assert!(calls > 60 && several > 100 && shared > 100 && empty > 20, "{calls} {several} {shared} {empty}");
    assert!(lets > 3 * PROGRAMS as usize, "{lets} lets");
}

/// What must stand in some of the programs.
const WORDS: [&str; 45] = [
    "sum(",
    "max(",
    "min(",
    "mean(",
    "argmax(",
    "argmin(",
    "prod(",
    "any(",
    "all(",
    "keepdims",
    " @ ",
    "outer(",
    "linear(",
    "softmax(",
    "exp(",
    "::2",
    "::-1",
    "::-2",
    "None",
    "...",
    ".T",
    "transpose(",
    "swapaxes(",
    "moveaxis(",
    "reshape(",
    "flip(",
    "roll(",
    "broadcast_to(",
    "squeeze(",
    "tril(",
    "diagonal(",
    "stack(",
    "concatenate(",
    "tile(",
    "repeat(",
    "pad(",
    "take(",
    "take(arange(",
    "embedding(",
    "segment_sum(",
    "one_hot(",
    "astype(",
    "where(",
    "pool2d(",
    "arange(",
];

#[test]
fn fused_programs_agree_with_the_oracle() {
    let (first, many, start) = (seed(), count(800), Instant::now());
    let (mut nodes, mut kernels, mut steps) = (0, 0, 0);
    for seed in first..first + many {
        let source = write(seed).source;
        if fault(&source).is_some() {
            tell(seed, &source, &|s| fault(s));
        }
        let checked = source.checked().expect("a written program is valid");
        nodes += checked.graph.nodes.len();
        let code = code(&checked);
        kernels += code.program.kernels.len();
        steps += code.program.steps.len();
    }
    let time = start.elapsed().as_secs_f64();
    eprintln!("{many} programs of {nodes} nodes, fused to {steps} steps of {kernels} kernels: {time:.1} s");
}

#[test]
fn programs_around_products_agree_with_the_oracle() {
    let (first, many, start) = (seed(), count(400) / 4, Instant::now());
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut epilogues, mut windows, mut attentions) = (0, 0, 0);
    for seed in first..first + many {
        let source = products::write(seed);
        if fault(&source).is_some() {
            tell(seed, &source, &|s| fault(s));
        }
        assert_eq!(source, products::write(seed), "a seed gives one program");
        let checked = source.checked().expect("a written program is valid");
        for word in PRODUCTS {
            *seen.entry(word).or_default() += usize::from(checked.text.contains(word));
        }
        let program = code(&checked).program;
        let after = |step: &&Step| matches!(&step.action, Action::Dot(dot) if dot.epilogue.is_some());
        epilogues += program.steps.iter().filter(after).count();
        windows += prologues(&program).len();
        attentions += attends(&program).len();
    }
    let rare: Vec<_> = PRODUCTS.iter().filter(|w| seen[*w] == 0).collect();
    assert!(rare.is_empty() || many < 100, "never written: {rare:?}");
    assert!(epilogues > 40 && windows > 5 && attentions > 5 || many < 100, "{epilogues} {windows} {attentions}");
    eprintln!(
        "{many} programs with {epilogues} epilogues, {windows} windows, {attentions} attentions: {:.1} s",
        start.elapsed().as_secs_f64()
    );
}

/// What must stand in some programs around products.
const PRODUCTS: [&str; 14] = [
    " @ ",
    "conv2d(",
    "conv1d(",
    "softmax(",
    "-inf",
    "where(",
    "arange(",
    "take(",
    "astype(",
    "::-1",
    "::2",
    "reshape(",
    "\"same\"",
    "dilation=2",
];

/// Shrinks a program that fails, and fails.
fn tell(seed: u64, source: &Source, fault: &dyn Fn(&Source) -> Option<String>) {
    let least = shrink(source, &|s| fault(s).is_some());
    let why = fault(&least).unwrap_or_default();
    panic!("seed {seed}: {why}\n{}", least.report());
}

/// What is wrong with the CUDA text of a program, on the emulated device.
fn emulated(name: &str, programs: &[(u64, Source)], teams: Teams) -> Option<(u64, String)> {
    let mut built: Vec<(u64, Checked, Built)> = Vec::new();
    for (seed, source) in programs {
        let Ok(checked) = source.checked() else { continue };
        let code = code(&checked);
        let kernels = code.loops.into_iter().enumerate().map(|(k, l)| (format!("g{seed}_k{k}"), l)).collect();
        built.push((*seed, checked, Built { program: code.program, kernels }));
    }
    let all: Vec<(String, Loops)> = built.iter().flat_map(|b| b.2.kernels.clone()).collect();
    let machine = Machine::new(name, &all, teams)?;
    let held = built.iter().filter(|(_, checked, built)| holds(&machine, &built.program, &checked.sizes));
    held.into_iter().find_map(|(seed, checked, built)| {
        let run = || match Run::new(&machine, built, &checked.sizes, &checked.values, *seed).run() {
            Err(why) => Some(why),
            Ok(got) => differ(&got, checked),
        };
        Some((*seed, guarded(run)?))
    })
}

#[test]
fn the_cuda_text_agrees_with_the_oracle() {
    let (first, many, start) = (seed(), count(1200) / 10, Instant::now());
    let teams = [(1, 1, 1, 0, 1, 1), (64, 8, 4, 0, 4, 4), (64, 64, 64, 0, 2, 1), (32, 8, 4, 8, 4, 1)];
    for (at, from) in (first..first + many).step_by(BATCH).enumerate() {
        let programs: Vec<(u64, Source)> =
            (from..(from + BATCH as u64).min(first + many)).map(|seed| (seed, write(seed).source)).collect();
        let (block, row, column, items, strip, slices) = teams[at % teams.len()];
        let teams = Teams { block, row, column, items, strip, slices, turn: at % 2 == 1 };
        if let Some((seed, _)) = emulated("random", &programs, teams) {
            let one = |s: &Source| emulated("random_least", &[(seed, s.clone())], teams).map(|f| f.1);
            tell(seed, &write(seed).source, &one);
        }
    }
    eprintln!("{many} programs on the emulated device: {:.1} s", start.elapsed().as_secs_f64());
}

#[test]
fn planted_bugs_are_found_and_shrunk() {
    for mutant in &MUTANTS {
        let fails = |source: &Source| planted(source, mutant.plant).is_some();
        let found = (0..800).map(|seed| write(seed).source).find(|source| fails(source));
        let source = found.unwrap_or_else(|| panic!("{}: not found", mutant.name));
        let least = shrink(&source, &fails);
        assert!(fails(&least), "{}", mutant.name);
        assert!(fault(&least).is_none(), "{}: without the bug it is right", mutant.name);
        let small = least.lets.len() <= mutant.lets && least.results.len() == 1 && least.helpers.is_empty();
        assert!(small, "{}, {} lets:\n{}", mutant.name, least.lets.len(), least.report());
        assert_eq!(least, shrink(&source, &fails), "the same program, the same result");
    }
}

/// Shrinks the first program whose text has all of these words.
fn least_with(words: &[&str]) -> Source {
    let has = |source: &Source| source.text().is_ok_and(|text| words.iter().all(|w| text.contains(w)));
    let source = (0..4000).map(|seed| write(seed).source).find(|s| has(s)).expect("a program with these words");
    let least = shrink(&source, &has);
    assert!(has(&least) && cost(&least) <= cost(&source));
    least
}

#[test]
fn a_word_shrinks_to_its_form() {
    for (words, body) in [
        (&["exp("][..], "let v0 = exp(p0 - p0);"),
        (&["argmax(p0, axis=0, keepdims=true"], "let v0 = argmax(p0, axis=0, keepdims=true);"),
        (&["::-2"], "let v0 = p0[::-2];"),
    ] {
        let least = least_with(words);
        let text = least.text().expect("it has types");
        assert!(text.contains(body), "{text}");
        assert!(least.dims.is_empty() && least.helpers.is_empty(), "{}", least.report());
    }
}

#[test]
fn a_call_stays_where_the_fault_needs_one() {
    let called = |source: &Source| source.lets.iter().any(|l| matches!(l.what, What::Call(_)));
    let source = (0..100).map(|seed| write(seed).source).find(called).expect("a program with a call");
    let least = shrink(&source, &called);
    assert_eq!((least.helpers.len(), least.lets.len(), least.helpers[0].lets.len()), (1, 1, 1), "{}", least.report());
    assert!(least.text().is_ok());
}

#[test]
fn what_always_fails_shrinks_to_nothing() {
    for seed in 0..20 {
        let least = shrink(&write(seed).source, &|_| true);
        assert_eq!((least.lets.len(), least.results.len(), least.params.len()), (0, 1, 1), "{}", least.report());
    }
}

#[test]
fn what_never_fails_stays_as_it_is() {
    let source = write(3).source;
    assert_eq!(shrink(&source, &|_| false), source);
}
