//! NVIDIA's own compiler reads every CUDA text that these tests can make. It
//! needs no GPU and no driver.
//!
//! The library is `$NDFUSE_NVRTC`, else `libnvrtc.so.13` where the loader finds
//! it; `.ci/nvrtc` fetches it. Without it these tests say so and pass, unless
//! `NDFUSE_REQUIRE_NVRTC=1`.

#[path = "nvrtc/cubin.rs"]
mod cubin;
#[path = "nvrtc/library.rs"]
mod library;
#[path = "support/rows.rs"]
mod rows;

use library::Nvrtc;
use ndfuse_codegen::driver::Code;
use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::emit::cuda;
use ndfuse_codegen::emit::cuda::body::slices::cut;
use ndfuse_codegen::emit::cuda::body::turn::turn;
use ndfuse_codegen::emit::cuda::geometry::geometry;
use ndfuse_codegen::emit::rust::{Attention, Windows};
use ndfuse_codegen::expand::cuda_of;
use ndfuse_codegen::loops::lower::lower;
use ndfuse_codegen::loops::{self, Loops};
use ndfuse_codegen::ops::{MapOp, Monoid};
use ndfuse_codegen::testing::random_graph;
use ndfuse_codegen::{driver, fuse, passes};
use std::path::{Path, PathBuf};
use std::time::Instant;

const ARCHITECTURES: [&str; 7] = ["sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120"];

/// A text of the runtime, as it compiles it.
macro_rules! runtime_text {
    ($($name:literal),+) => {
        concat!(
            include_str!("../../tensor-runtime/src/device/texts/axes.cu"),
            include_str!("../../tensor-runtime/src/device/texts/half.cu"),
            include_str!("../../tensor-runtime/src/device/texts/tiles.cu"),
            $(include_str!(concat!("../../tensor-runtime/src/device/texts/", $name))),+
        )
    };
}

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

fn compile(nvrtc: &Nvrtc, source: &str, architecture: &str, extra: &[&str]) -> Vec<u8> {
    let architecture = format!("--gpu-architecture={architecture}");
    // What a user's numbers may do: divide by a constant zero; compare what is
    // never negative with zero. What a phase of a kernel does not reach.
    let fixed = ["--std=c++17", "--ftz=false", "--prec-div=true", "--prec-sqrt=true", "--diag-suppress=39,186,111,128"];
    let options: Vec<&str> =
        fixed.iter().copied().chain([architecture.as_str()]).chain(extra.iter().copied()).collect();
    nvrtc.compile(source, &options).unwrap_or_else(|log| panic!("{options:?}\n{log}\n{source}"))
}

/// The macros that name a function which a text of the runtime calls.
fn define(role: &str, name: &str) -> [String; 2] {
    [format!("-DND_{role}={name}"), format!("-DND_{role}_OPERANDS={name}_operands")]
}

/// The code of every function of the corpus.
fn corpus() -> impl Iterator<Item = Code> {
    let compiled = |path: PathBuf| {
        let source = std::fs::read_to_string(path).expect("a source");
        driver::compile_forward(source.parse().expect("tokens")).functions
    };
    files("corpus", "nd").into_iter().flat_map(compiled).filter_map(|f| f.code)
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
    all.extend(corpus().flat_map(|code| code.loops));
    let source = cuda::source(&named(all));
    for architecture in ARCHITECTURES {
        compile(&nvrtc, &source, architecture, &["--fmad=true"]);
    }
    let classes = [["1", "1", "0", "1", "8"], ["128", "8", "4", "4", "4"], ["1024", "1024", "16", "32", "2"]];
    for [block, row, items, column, strip] in classes {
        let rows = [("ND_ROW_THREADS", row), ("ND_ROW_ITEMS", items), ("ND_STRIP", strip)];
        let teams = rows.into_iter().chain([("ND_COLUMN_THREADS", column)]);
        let macros = teams.chain([("ND_BLOCK", block), ("ND_INDEX", "int")]);
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
    // Halves are converted by instructions that the oldest has not.
    for architecture in ["compute_75", "compute_80"] {
        compile(&nvrtc, &source, architecture, &["--fmad=false", "--diag-suppress=177"]);
    }
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
    let all = [
        "unsigned char",
        "unsigned short",
        "unsigned int",
        "unsigned long long",
        "float",
        "double",
        "nd_f16",
        "nd_bf16",
    ];
    let texts = [
        (runtime_text!("copy.cu"), &all[..]),
        (runtime_text!("scatter.cu"), &all[..]),
        (runtime_text!("sum.cu"), &all[4..]),
        (runtime_text!("product.cu", "dot.cu"), &all[4..]),
    ];
    for (source, elements) in texts {
        for element in elements {
            for index in ["int", "long long"] {
                let macros = [("ND_ELEMENT", *element), ("ND_INDEX", index), ("ND_BLOCK", "256")];
                let macros: Vec<String> = macros.iter().map(|(name, value)| format!("-D{name}={value}")).collect();
                let options: Vec<&str> = macros.iter().map(String::as_str).chain(["--fmad=true"]).collect();
                let varies = ["float", "nd_f16", "nd_bf16"].contains(element);
                for architecture in if varies { &ARCHITECTURES[..] } else { &ARCHITECTURES[4..5] } {
                    compile(&nvrtc, source, architecture, &options);
                }
                if element.starts_with("nd_") {
                    compile(&nvrtc, source, "sm_90", &[&options[..], &["-DND_RESULT=float"]].concat());
                }
            }
        }
    }
}

/// Products of halves by the tensor cores, in both sizes of tiles, spill nothing and leave room for their blocks.
#[test]
fn tensor_cores_are_used_without_local_memory() {
    let Some(nvrtc) = nvrtc() else { return };
    let source =
        format!("#define ND_STEP 32\n#define ND_ROLLED\n{}", runtime_text!("tensor.cu", "product.cu", "mma.cu"));
    for element in ["nd_f16", "nd_bf16"] {
        for (tile, architecture) in [(64, "sm_80"), (128, "sm_80"), (64, "sm_90"), (128, "sm_90"), (128, "sm_120")] {
            let macros = [format!("-DND_ELEMENT={element}"), format!("-DND_TILE={tile}")];
            let options = [&macros[0], &macros[1], "-DND_BLOCK=256", "-DND_INDEX=int", "--fmad=true"];
            let costs = cubin::costs(&compile(&nvrtc, &source, architecture, &options)).expect("a cubin");
            let fits = |cost: &cubin::Cost| cost.local == 0 && cost.shared <= 48 << 10 && cost.registers <= 255;
            assert!(matches!(&costs[..], [cost] if fits(cost)), "{macros:?} {architecture}: {costs:?}");
        }
    }
}

/// Attentions with the scores and epilogues of the corpus.
#[test]
fn attentions_compile_with_their_scores() {
    let Some(nvrtc) = nvrtc() else { return };
    let mut seen = [0, 0];
    for code in corpus() {
        for Attention { score, epilogue, text, .. } in cuda_of("f", &code).attends {
            let kinds = ["nd_f16", "nd_bf16", "float"];
            let of = |kind: &&str| text.contains(&format!("const nd_strip<{kind}>& "));
            let element = kinds.into_iter().find(of).expect("a product's type");
            let single = format!("{text}\n#define ND_STEP 16\n{}", runtime_text!("scores.cu", "attend.cu"));
            let cores =
                format!("{text}\n#define ND_ROLLED\n{}", runtime_text!("tensor.cu", "scores.cu", "attend_mma.cu"));
            let calls: Vec<String> = define("SCORE", &score)
                .into_iter()
                .chain(epilogue.iter().flat_map(|name| define("EPILOGUE", name)))
                .chain([format!("-DND_ELEMENT={element}")])
                .collect();
            let costs = |source: &str, architecture: &str, classes: &[String]| {
                let fixed = ["-DND_INDEX=int", "--fmad=true"];
                let options: Vec<&str> =
                    fixed.into_iter().chain(calls.iter().chain(classes).map(String::as_str)).collect();
                let costs = cubin::costs(&compile(&nvrtc, source, architecture, &options)).expect("a cubin");
                <[cubin::Cost; 1]>::try_from(costs).expect("one kernel")
            };
            for (width, architecture) in [(32, "sm_75"), (64, "sm_80"), (128, "sm_90"), (128, "sm_120")] {
                let classes = ["-DND_BLOCK=256".into(), "-DND_STRIP=4".into(), format!("-DND_WIDTH={width}")];
                let [cost] = costs(&single, architecture, &classes);
                assert!(
                    cost.local == 0 && cost.shared <= 48 << 10 && cost.registers <= 128,
                    "{score} {architecture}: {cost:?}"
                );
                seen[0] += 1;
            }
            let tensor = element != "float";
            for architecture in ARCHITECTURES.into_iter().filter(|&name| tensor && name != "sm_75") {
                for (width, depth) in [(32, 128), (64, 64), (128, 32), (128, 128)] {
                    let size = [format!("-DND_WIDTH={width}"), format!("-DND_DEPTH={depth}")];
                    let classes = [&size[..], &["-DND_BLOCK=128".into(), "-DND_STRIP=2".into()]].concat();
                    let [cost] = costs(&cores, architecture, &classes);
                    // Two blocks of 128 threads to a multiprocessor's 65536 registers.
                    let fits = cost.local == 0 && cost.shared <= 36 << 10 && cost.registers <= 255;
                    assert!(fits, "{score} {architecture} {size:?}: {cost:?}");
                    seen[1] += 1;
                }
            }
        }
    }
    assert!(seen[0] >= 16 && seen[1] >= 48, "{seen:?} attentions");
}

/// Products that make the windows they read, of the corpus.
#[test]
fn products_compile_with_their_windows() {
    let Some(nvrtc) = nvrtc() else { return };
    let mut seen = 0;
    for code in corpus() {
        for Windows { window, epilogue, text, prologue } in cuda_of("f", &code).prologues {
            let source = format!("{text}\n{}", runtime_text!("product.cu", "dot.cu"));
            let left = format!("-DND_WINDOW_LEFT={}", u8::from(prologue.left));
            let calls = define("WINDOW", &window).into_iter();
            let calls: Vec<String> =
                calls.chain(epilogue.iter().flat_map(|name| define("EPILOGUE", name))).chain([left]).collect();
            for (tile, architecture) in [(64, "sm_75"), (128, "sm_90")] {
                let tile = format!("-DND_TILE={tile}");
                let fixed = ["-DND_BLOCK=256", "-DND_STRIP=4", "-DND_INDEX=int", "-DND_ELEMENT=float", &tile];
                let options: Vec<&str> = fixed.into_iter().chain(calls.iter().map(String::as_str)).collect();
                let costs = cubin::costs(&compile(&nvrtc, &source, architecture, &options)).expect("a cubin");
                assert!(matches!(&costs[..], [cost] if cost.local <= 64), "{window} {architecture}: {costs:?}");
                seen += 1;
            }
        }
    }
    assert!(seen >= 4, "{seen} products");
}

/// Products with the epilogues of the corpus.
#[test]
fn products_compile_with_their_epilogues() {
    let Some(nvrtc) = nvrtc() else { return };
    let mut seen = 0;
    for code in corpus() {
        for (name, text) in cuda_of("f", &code).epilogues.into_iter().flatten() {
            let source = format!("{text}\n{}", runtime_text!("product.cu", "dot.cu"));
            let calls = define("EPILOGUE", &name);
            let element = if text.contains("nd_strip<double>& ") { "double" } else { "float" };
            let element = format!("-DND_ELEMENT={element}");
            let double = element.ends_with("double");
            let (tile, index) =
                if double { ("-DND_TILE=64", "-DND_INDEX=long long") } else { ("-DND_TILE=128", "-DND_INDEX=int") };
            let options = ["-DND_BLOCK=256", "-DND_STRIP=4", tile, index, &element, &calls[0], &calls[1]];
            let costs = cubin::costs(&compile(&nvrtc, &source, "sm_90", &options)).expect("a cubin");
            assert!(matches!(&costs[..], [cost] if cost.local == 0), "{name}: {costs:?}");
            seen += 1;
        }
    }
    assert!(seen > 6, "{seen} products");
}

/// The kernels whose speed is the point keep everything in registers: nothing is spilled, nothing is indexed in memory of a
/// thread's own; and a multiprocessor has room for enough of their blocks.
#[test]
fn kernels_use_no_local_memory() {
    let Some(nvrtc) = nvrtc() else { return };
    let listed = ["gelu_chain", "softmax", "layer_norm", "log_softmax", "column_sum", "variance", "black_scholes"];
    let backward = [
        "softmax_backward",
        "log_softmax_backward",
        "layer_norm_backward",
        "gelu_chain_backward",
        "cross_entropy_step",
    ];
    let mut all = Vec::new();
    for file in listed.into_iter().chain(["gradients"]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{file}.nd"));
        let source = std::fs::read_to_string(path).expect("a source");
        for compiled in driver::compile_forward(source.parse().expect("tokens")).functions {
            let name = compiled.function.name.to_string();
            if file != "gradients" || backward.contains(&name.as_str()) {
                let loops = compiled.code.expect("a function without an error").loops;
                all.extend(loops.into_iter().enumerate().map(|(k, loops)| (format!("{name}_{k}"), loops)));
            }
        }
    }
    // What is not held; rows of 1000 and of 8192 elements; those of 16384, which are held by two registers an element at most.
    let held = |most: usize| {
        let few = |loops: &Loops| geometry(loops).held <= most;
        all.iter().filter(|(_, loops)| few(loops)).cloned().collect::<Vec<_>>()
    };
    let classes = [
        (8, ["-DND_BLOCK=128", "-DND_ROW_THREADS=32", "-DND_ROW_ITEMS=0", "-DND_STRIP=4", "-DND_INDEX=int"]),
        (8, ["-DND_BLOCK=1024", "-DND_ROW_THREADS=1024", "-DND_ROW_ITEMS=0", "-DND_STRIP=4", "-DND_INDEX=int"]),
        (7, ["-DND_BLOCK=64", "-DND_ROW_THREADS=64", "-DND_ROW_ITEMS=16", "-DND_STRIP=4", "-DND_INDEX=int"]),
        (4, ["-DND_BLOCK=512", "-DND_ROW_THREADS=512", "-DND_ROW_ITEMS=16", "-DND_STRIP=4", "-DND_INDEX=int"]),
        (2, ["-DND_BLOCK=1024", "-DND_ROW_THREADS=1024", "-DND_ROW_ITEMS=16", "-DND_STRIP=4", "-DND_INDEX=int"]),
        (8, ["-DND_BLOCK=256", "-DND_COLUMN_THREADS=8", "-DND_ROW_THREADS=32", "-DND_STRIP=1", "-DND_INDEX=long long"]),
    ];
    assert!(held(2).len() < held(4).len() && held(4).len() == all.len(), "a class without a kernel");
    for (most, options) in &classes {
        let listed = held(*most);
        let source = cuda::source(&listed);
        for architecture in ["sm_75", "sm_90", "sm_120"] {
            let options = [&options[..], &["--fmad=true"]].concat();
            let costs = cubin::costs(&compile(&nvrtc, &source, architecture, &options)).expect("a cubin");
            assert_eq!(costs.len(), listed.len());
            for cost in costs {
                assert_eq!(cost.local, 0, "{architecture} {options:?}: {cost:?}");
                assert!((8..=144).contains(&cost.registers) && cost.shared <= 48 << 10, "{options:?}: {cost:?}");
            }
        }
    }
    let dot = runtime_text!("product.cu", "dot.cu");
    let halves = [("nd_f16", 64), ("nd_f16", 128), ("nd_bf16", 128)];
    for (element, tile) in [("float", 64), ("float", 128), ("double", 64)].into_iter().chain(halves) {
        for architecture in ["sm_75", "sm_90"] {
            let macros = [format!("-DND_ELEMENT={element}"), format!("-DND_TILE={tile}")];
            let options = [&macros[0], &macros[1], "-DND_INDEX=int", "-DND_BLOCK=256", "--fmad=true"];
            let costs = cubin::costs(&compile(&nvrtc, dot, architecture, &options)).expect("a cubin");
            let fits = |cost: &cubin::Cost| cost.local == 0 && (1..=48 << 10).contains(&cost.shared);
            // Two blocks of 256 threads to a multiprocessor's 65536 registers.
            assert!(matches!(&costs[..], [cost] if fits(cost) && cost.registers <= 128), "{macros:?}: {costs:?}");
        }
    }
}

/// Few long rows and columns, cut into slices: each phase in the classes that the runtime has for it.
#[test]
fn slices_use_no_local_memory() {
    let Some(nvrtc) = nvrtc() else { return };
    for (name, rows) in
        [("softmax", true), ("log_softmax", true), ("layer_norm", true), ("column_sum", false), ("variance", true)]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.nd"));
        let source = std::fs::read_to_string(path).expect("a source");
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        let all = compiled.functions.into_iter().filter_map(|f| f.code).flat_map(|code| code.loops);
        let all: Vec<Loops> = all.filter(|loops| cut(loops).is_some()).collect();
        let passes = all.iter().filter_map(cut).map(|cut| cut.passes).max().expect("a kernel that may be cut");
        let source = cuda::source(&named(all));
        let teams = if rows {
            ["-DND_BLOCK=256", "-DND_ROW_THREADS=256"]
        } else {
            ["-DND_BLOCK=1024", "-DND_COLUMN_THREADS=128"]
        };
        for phase in 0..=passes {
            let phase = format!("-DND_PHASE={phase}");
            let fixed = ["-DND_SLICES=64", "-DND_CUT=0", &phase, "-DND_STRIP=4", "-DND_INDEX=int", "--fmad=true"];
            for architecture in ARCHITECTURES {
                let options = [&teams[..], &fixed[..]].concat();
                let costs = cubin::costs(&compile(&nvrtc, &source, architecture, &options)).expect("a cubin");
                // A block of 1024 threads fits a multiprocessor, and four of 256.
                for cost in costs {
                    let fits = cost.local == 0 && cost.registers <= 64 && cost.shared <= 24 << 10;
                    assert!(fits, "{name} {phase} {architecture}: {cost:?}");
                }
            }
        }
    }
}

/// Whatever is asked of a column at once: the largest blocks have shared memory for it.
#[test]
fn columns_of_many_reductions_fit_shared_memory() {
    let Some(nvrtc) = nvrtc() else { return };
    for dtype in ["f32", "f64"] {
        let value = "(x.sum(axis=0), x.var(axis=0), argmin(x, axis=0), argmax(x, axis=0), softmax(x, axis=0))";
        let results = format!("({dtype}[M], {dtype}[M], i64[M], i64[M], {dtype}[N, M])");
        let text = format!("fn all<N, M>(x: {dtype}[N, M]) -> {results} {{ {value} }}");
        let compiled = driver::compile_forward(text.parse().expect("tokens"));
        let all: Vec<Loops> =
            compiled.functions.into_iter().filter_map(|f| f.code).flat_map(|code| code.loops).collect();
        let states = all.iter().filter_map(cut).map(|cut| cut.states).max();
        assert!(states.is_some_and(|states| states >= 6), "{states:?} states in one kernel");
        let source = cuda::source(&named(all));
        for phase in ["-DND_SLICES=1", "-DND_PHASE=0", "-DND_PHASE=2"] {
            let fixed = ["-DND_BLOCK=1024", "-DND_COLUMN_THREADS=32", "-DND_INDEX=long long", "--fmad=true"];
            let slices = ["-DND_SLICES=4", "-DND_CUT=0", phase];
            let sliced = if phase == "-DND_SLICES=1" { &[][..] } else { &slices[..] };
            for cost in
                cubin::costs(&compile(&nvrtc, &source, "sm_75", &[&fixed[..], sliced].concat())).expect("a cubin")
            {
                assert!(cost.shared <= 48 << 10, "{dtype} {phase}: {cost:?}");
            }
        }
    }
}

/// Maps by square tiles, of elements of every size.
#[test]
fn tiles_use_no_local_memory() {
    let Some(nvrtc) = nvrtc() else { return };
    let source =
        std::fs::read_to_string(files("corpus", "nd").into_iter().find(|p| p.ends_with("turned.nd")).expect("it"));
    let compiled = driver::compile_forward(source.expect("a source").parse().expect("tokens"));
    let all = compiled.functions.into_iter().filter_map(|f| f.code).flat_map(|code| code.loops);
    let mut strips = Vec::new();
    for loops in all {
        let strip = turn(&loops).expect("a map that reads turned").strip;
        let source = cuda::source(&[("k".to_string(), loops)]);
        let strip_of = format!("-DND_STRIP={strip}");
        for architecture in ARCHITECTURES {
            let options = ["-DND_BLOCK=256", "-DND_TURN", &strip_of, "-DND_INDEX=int", "--fmad=true"];
            let costs = cubin::costs(&compile(&nvrtc, &source, architecture, &options)).expect("a cubin");
            let fits = |cost: &cubin::Cost| cost.local == 0 && cost.registers <= 64 && cost.shared <= 36 << 10;
            assert!(matches!(&costs[..], [cost] if fits(cost) && cost.shared >= 2112), "{architecture}: {costs:?}");
        }
        strips.push(strip);
    }
    assert_eq!(strips, [1, 2, 1]);
}

/// What the first call of a kernel waits for: each alone, as the runtime compiles it; `--nocapture` prints the times.
#[test]
fn a_kernel_is_compiled_while_one_waits() {
    let Some(nvrtc) = nvrtc() else { return };
    for name in ["gelu_chain", "softmax", "layer_norm", "attention"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{name}.nd"));
        let source = std::fs::read_to_string(path).expect("a source");
        let compiled = driver::compile_forward(source.parse().expect("tokens"));
        let loops = compiled.functions.into_iter().filter_map(|f| f.code).flat_map(|code| code.loops);
        for (k, kernel) in loops.enumerate() {
            let text = cuda::source(&[(format!("{name}_{k}"), kernel)]);
            let options = ["-DND_BLOCK=128", "-DND_ROW_THREADS=128", "-DND_ROW_ITEMS=16", "-DND_INDEX=int"];
            let times = [0; 3].map(|_| {
                let start = Instant::now();
                let cubin = compile(&nvrtc, &text, "sm_90", &[&options[..], &["--fmad=true"]].concat());
                (start.elapsed(), cubin.len())
            });
            let [(first, bytes), (second, _), (third, _)] = times;
            let best = second.min(third);
            eprintln!("{name}_{k}: {first:.0?} at first, then {best:.0?}; a cubin of {bytes} bytes");
            assert!(best.as_secs() < 20, "{name}_{k}: {best:?}");
        }
    }
}

/// The figures are read from the file: what is in memory of a thread's own is seen.
#[test]
fn local_memory_is_seen() {
    let Some(nvrtc) = nvrtc() else { return };
    let source = "extern \"C\" __global__ void wild(int* x, int n) {\n    int own[100];\n    \
                  for (int k = 0; k < 100; ++k) own[k] = x[k];\n    x[0] = own[n] + own[x[n]];\n}\n";
    let costs = cubin::costs(&compile(&nvrtc, source, "sm_80", &[])).expect("a cubin");
    assert!(matches!(&costs[..], [cost] if cost.kernel == "wild" && cost.local >= 400), "{costs:?}");
}
