//! The same bits on every instruction set and every number of threads.
//!
//! Both are chosen once a process, so the test runs itself: a child prints a
//! digest of each result, and the parent compares what its children printed.
//! Always: a reduction gives the same bits everywhere; other functions of floats
//! give the same bits for every number of threads.

use super::arrays::{Argument, Layout};
use super::call::Case;
use super::generate::{self, Spec};
use super::oracle::{self, Oracle};
use super::{fault, functions};
use ndfuse_codegen::interp::{Data, Value};
use ndfuse_codegen::testing::Rng;
use std::collections::BTreeMap;
use std::process::Command;

/// Instruction set and number of threads of each child.
const MACHINES: [(&str, &str); 5] = [("base", "1"), ("base", "2"), ("avx2", "1"), ("avx512", "1"), ("avx512", "2")];
/// Set in the children.
const CHILD: &str = "NDFUSE_OPS_CHILD";
/// Enough elements that the work is cut into jobs.
const LARGE: [i64; 3] = [300, 1025, 2];

/// Functions whose bits may depend on the instruction set, but not on threads.
const OTHERS: [&str; 8] = [
    "exp_f32",
    "softmax_f32",
    "layer_norm_f32",
    "mean_0_f32",
    "std_all_f64",
    "concatenate_0_f32",
    "two_passes_f32",
    "matvec_f32",
];

#[test]
fn bits_do_not_depend_on_the_machine() {
    let (oracles, specs) = (oracle::all(), generate::specs());
    let chosen: Vec<(&Case, &Spec)> =
        functions::CASES.iter().zip(&specs).filter(|(_, s)| s.reduces || OTHERS.contains(&s.name.as_str())).collect();
    if std::env::var_os(CHILD).is_some() {
        chosen.iter().for_each(|(case, spec)| print(case, spec, &oracles[case.name]));
        return;
    }
    let printed: Vec<BTreeMap<String, String>> = MACHINES.iter().map(|m| child(*m)).collect();
    for (k, machine) in MACHINES.iter().enumerate() {
        assert_eq!(printed[k].len(), chosen.len(), "{machine:?}");
        // The same instruction set, or for reductions any.
        let alike = MACHINES.iter().position(|m| m.0 == machine.0).expect("the machine itself");
        for (_, spec) in &chosen {
            let with = if spec.reduces { 0 } else { alike };
            let (a, b) = (&printed[with][&spec.name], &printed[k][&spec.name]);
            assert_eq!(a, b, "{}: {:?} and {machine:?}", spec.name, MACHINES[with]);
        }
    }
}

/// Runs this test in a process with the given instruction set and threads.
fn child((isa, threads): (&str, &str)) -> BTreeMap<String, String> {
    let program = std::env::current_exe().expect("the test's own program");
    let output = Command::new(program)
        .args(["--exact", "machine::bits_do_not_depend_on_the_machine", "--nocapture"])
        .env(CHILD, "1")
        .env("NDFUSE_ISA", isa)
        .env("RAYON_NUM_THREADS", threads)
        .output()
        .expect("the test's own program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{isa}, {threads} threads:\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let line = |l: &str| {
        let (name, digest) = l.strip_prefix("digest ")?.split_once(' ')?;
        Some((name.to_string(), digest.to_string()))
    };
    text.lines().filter_map(line).collect()
}

/// In a child: compares with the oracle, and prints the digest of a large call.
fn print(case: &Case, spec: &Spec, oracle: &Oracle) {
    for layout in [Layout::Contiguous, Layout::Transposed] {
        if let Some(why) = fault(case, spec, oracle, [3, 45, 2], layout, true) {
            panic!("{}: {why}", case.name);
        }
    }
    let mut rng = Rng::new(1);
    let sizes = oracle.sizes(LARGE);
    let arguments = oracle.graph.params.iter().map(|p| {
        let shape = oracle.shape(&p.ty, &sizes);
        Argument::new(&mut rng, p.ty.dtype, &shape, Layout::Contiguous, spec.domain, false)
    });
    let arguments: Vec<Argument> = arguments.collect();
    let views: Vec<_> = arguments.iter().map(Argument::view).collect();
    let result = (case.run)(&views).expect("the call succeeds");
    println!("digest {} {:016x}", case.name, digest(&result.value()));
}

/// FNV-1a over the bits.
fn digest(value: &Value) -> u64 {
    let bits: Vec<u64> = match &value.data {
        Data::Bool(v) => v.iter().map(|&b| u64::from(b)).collect(),
        Data::Int(v) => v.iter().map(|&i| i as u64).collect(),
        Data::Float(v) => v.iter().map(|x| x.to_bits()).collect(),
    };
    bits.iter().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ b).wrapping_mul(0x0000_0100_0000_01b3))
}
