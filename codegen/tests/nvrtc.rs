//! NVIDIA's own compiler reads every CUDA text that these tests can make. It
//! needs no GPU and no driver.
//!
//! The library is `$NDFUSE_NVRTC`, else `libnvrtc.so.13` where the loader finds
//! it; `.ci/nvrtc` fetches it. Without it these tests say so and pass, unless
//! `NDFUSE_REQUIRE_NVRTC=1`.

#[path = "nvrtc/library.rs"]
mod library;
#[path = "support/rows.rs"]
mod rows;

use library::Nvrtc;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::emit::cuda;
use ndfuse_codegen::loops::lower::lower;
use ndfuse_codegen::loops::{self, Loops};
use ndfuse_codegen::ops::{MapOp, Monoid};
use ndfuse_codegen::testing::random_graph;
use ndfuse_codegen::{driver, fuse, passes};
use std::path::{Path, PathBuf};

const ARCHITECTURES: [&str; 7] = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"];

fn nvrtc() -> Option<Nvrtc> {
    match Nvrtc::open() {
        Ok(nvrtc) => Some(nvrtc),
        Err(why) if std::env::var("NDFUSE_REQUIRE_NVRTC").is_ok_and(|v| v == "1") => panic!("no NVRTC: {why}"),
        Err(_) => {
            eprintln!(
                "skipped: libnvrtc.so.13 not found (NDFUSE_NVRTC=$(.ci/nvrtc)/libnvrtc.so.13 fetches and names it)"
            );
            None
        }
    }
}

fn compile(nvrtc: &Nvrtc, source: &str, architecture: &str, extra: &[&str]) {
    let architecture = format!("--gpu-architecture={architecture}");
    // What a user's numbers may do: divide by a constant zero; compare what is
    // never negative with zero.
    let fixed = ["--std=c++17", "--ftz=false", "--prec-div=true", "--prec-sqrt=true", "--diag-suppress=39,186"];
    let options: Vec<&str> =
        fixed.iter().copied().chain([architecture.as_str()]).chain(extra.iter().copied()).collect();
    if let Err(log) = nvrtc.compile(source, &options) {
        panic!("{options:?}\n{log}\n{source}");
    }
}

fn files(folder: &str, kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(folder).expect("a folder of this crate");
    let mut out: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    out.retain(|p| p.extension().is_some_and(|e| e == kind));
    out.sort();
    out
}

fn named(all: Vec<Loops>) -> Vec<(String, Loops)> {
    all.into_iter().enumerate().map(|(k, loops)| (format!("k{k}"), loops)).collect()
}

/// Every function of the corpus and every text, for every architecture, alone
/// and in large teams, with both kinds of index.
#[test]
fn the_corpus_compiles() {
    let Some(nvrtc) = nvrtc() else { return };
    let mut all = Vec::new();
    for path in files("texts", "loops") {
        all.push(loops::parse::parse(&std::fs::read_to_string(path).expect("a text")).expect("a good text"));
    }
    for path in files("corpus", "nd") {
        let source = std::fs::read_to_string(&path).expect("a source");
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        all.extend(compiled.functions.into_iter().filter_map(|f| f.code).flat_map(|code| code.loops));
    }
    let source = cuda::source(&named(all));
    for architecture in ARCHITECTURES {
        compile(&nvrtc, &source, architecture, &["--fmad=true"]);
    }
    for (block, row, items, column) in [("1", "1", "0", "1"), ("128", "8", "4", "4"), ("1024", "1024", "16", "32")] {
        let teams = [("ND_ROW_THREADS", row), ("ND_ROW_ITEMS", items), ("ND_COLUMN_THREADS", column)];
        let macros = teams.into_iter().chain([("ND_BLOCK", block), ("ND_INDEX", "int")]);
        let macros: Vec<String> = macros.map(|(name, value)| format!("-D{name}={value}")).collect();
        let options: Vec<&str> = macros.iter().map(String::as_str).chain(["--fmad=false"]).collect();
        compile(&nvrtc, &source, "compute_90", &options);
    }
}

/// Every operation and every reduction on every dtype that it takes.
#[test]
fn every_row_of_the_tables_compiles() {
    let Some(nvrtc) = nvrtc() else { return };
    let dtypes: Vec<DType> = DType::all().collect();
    let maps = MapOp::all().flat_map(|op| dtypes.iter().filter_map(move |&d| rows::map(op, d)));
    let casts = dtypes.iter().flat_map(|&from| dtypes.iter().map(move |&to| rows::cast(from, to)));
    let reductions = Monoid::all().flat_map(|monoid| {
        dtypes
            .iter()
            .flat_map(move |&d| [true, false].into_iter().filter_map(move |over| rows::reduce(monoid, d, over)))
    });
    let all: Vec<Loops> = maps.chain(casts).chain(reductions).map(|kernel| lower(&kernel)).collect();
    let source = cuda::source(&named(all));
    // A row that is there for its gradient, like with_gradient, is the identity
    // of one argument: the passes drop the others, which these kernels load.
    compile(&nvrtc, &source, "compute_80", &["--fmad=false", "--diag-suppress=177"]);
}

#[test]
fn random_programs_compile() {
    let Some(nvrtc) = nvrtc() else { return };
    let mut all = Vec::new();
    for seed in 0..200 {
        let program = fuse::fuse(&passes::run(&random_graph(seed).0));
        all.extend(program.kernels.iter().map(lower));
    }
    compile(&nvrtc, &cuda::source(&named(all)), "compute_90", &["--fmad=true"]);
}

/// The texts that the runtime brings itself, for every type of element and both kinds of index.
#[test]
fn the_texts_of_the_runtime_compile() {
    let Some(nvrtc) = nvrtc() else { return };
    let all = ["unsigned char", "unsigned short", "unsigned int", "unsigned long long", "float", "double"];
    let texts = [
        (include_str!("../../tensor-runtime/src/device/texts/copy.cu"), &all[..]),
        (include_str!("../../tensor-runtime/src/device/texts/scatter.cu"), &all[..]),
        (include_str!("../../tensor-runtime/src/device/texts/dot.cu"), &all[4..]),
    ];
    for (source, elements) in texts {
        for element in elements {
            for index in ["int", "long long"] {
                let macros = [("ND_ELEMENT", *element), ("ND_INDEX", index), ("ND_BLOCK", "256")];
                let macros: Vec<String> = macros.iter().map(|(name, value)| format!("-D{name}={value}")).collect();
                let options: Vec<&str> = macros.iter().map(String::as_str).chain(["--fmad=true"]).collect();
                let few = if *element == "float" { &ARCHITECTURES[..] } else { &ARCHITECTURES[4..5] };
                few.iter().for_each(|architecture| compile(&nvrtc, source, architecture, &options));
            }
        }
    }
}
