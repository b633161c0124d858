//! Random programs, compiled as a crate of a user's and compared with the oracle: on the host and on a device.
//!
//! The programs are those of `codegen/tests/random.rs`, which runs them by the interpreter and on the emulated device; here
//! the device is the fake one of the runtime's tests, which runs the CUDA text. `NDFUSE_RANDOM=2000` is how many,
//! `NDFUSE_SEED` the first. A fault is shrunk, which builds a crate for each attempt.

mod outside;
#[path = "../codegen/tests/random/mod.rs"]
#[allow(dead_code)]
mod random;

use ndfuse_codegen::dtype::{DType, Kind};
use ndfuse_codegen::interp::Value;
use ndfuse_codegen::ops::Literal;
use random::products;
use random::run::differ;
use random::shrink::shrink;
use random::source::{Checked, Source};
use random::writer::write;
use random::{count, seed};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Instant;

/// Programs in one crate.
const BATCH: u64 = 40;

const HEAD: &str = r#"//! Random programs, each on its own lines of the file of values.

use ndfuse::prelude::*;
use std::str::{FromStr, Lines};

fn line<T: FromStr>(lines: &mut Lines) -> Vec<T> {
    let line = lines.next().expect("a line a parameter");
    line.split_whitespace().map(|word| word.parse().ok().expect("a number")).collect()
}

fn print<T: std::fmt::Debug>(values: &[T]) {
    let words: Vec<String> = values.iter().map(|v| format!("{v:?}")).collect();
    println!("{}", words.join(" "));
}

/// A new device, every other one with a library for products; none without a compiler for its kernels.
fn device(library: bool) -> Option<(ndfuse::Device, fake::Fake)> {
    let found = fake::runs_kernels().then(fake::device)?;
    if library {
        found.1.library(1000);
    }
    Some(found)
}
"#;

struct Random {
    seed: u64,
    source: Source,
    /// Whether a device runs it too.
    device: bool,
}

struct Numbered {
    seed: u64,
    program: Checked,
    device: bool,
}

impl Random {
    fn checked(&self) -> Option<Numbered> {
        Some(Numbered { seed: self.seed, program: self.source.checked().ok()?, device: self.device })
    }
}

/// The text of a crate that runs the programs, and their arguments, a line each.
fn crate_of(programs: &[Numbered]) -> (String, String) {
    let fake = Path::new(env!("CARGO_MANIFEST_DIR")).join("tensor-runtime/tests/fake/mod.rs");
    let (mut main, mut modules, mut lines) = (String::new(), String::new(), String::new());
    let _ = writeln!(modules, "#[path = {fake:?}]\n#[allow(dead_code)]\nmod fake;");
    for (k, Numbered { seed, program, device }) in programs.iter().enumerate() {
        let _ = writeln!(modules, "mod g{k} {{\n    ::ndfuse::tensor! {{\n{}    }}\n}}", program.text);
        let _ = writeln!(main, "fn run{k}(lines: &mut Lines) {{");
        let (mut host, mut there) = (Vec::new(), Vec::new());
        for (at, (param, value)) in program.graph.params.iter().zip(&program.values).enumerate() {
            let words: Vec<String> = (0..value.data.len()).map(|i| word(value.data.get(i))).collect();
            let _ = writeln!(lines, "{}", words.join(" "));
            let _ = writeln!(main, "    let x{at} = line::<{}>(lines);", param.ty.dtype);
            if param.scalar {
                host.push(format!("x{at}[0]"));
                there.push(format!("x{at}[0]"));
                continue;
            }
            let rank = value.shape.len();
            let sizes = tuple(&value.shape);
            let _ =
                writeln!(main, "    let x{at} = ndarray::Array::from_shape_vec({sizes}, x{at}).expect(\"a shape\");");
            // Some operands lie with their axes reversed in memory.
            if seed >> at & 1 == 1 && rank > 1 {
                let _ = writeln!(main, "    let x{at} = x{at}.t().as_standard_layout().into_owned();");
                host.push(format!("x{at}.t()"));
                let (shape, back) = (tuple(&vec!["usize"; rank]), (0..rank).rev().collect::<Vec<_>>());
                there.push(format!(
                    "x{at}.to_device(&there).expect(\"memory\").permute::<{shape}>(&{back:?}).expect(\"axes\")"
                ));
            } else {
                host.push(format!("x{at}.view()"));
                there.push(format!("x{at}.to_device(&there).expect(\"memory\")"));
            }
        }
        let names: Vec<String> = (0..program.want.len()).map(|r| format!("y{r}")).collect();
        let pattern = if let [one] = names.as_slice() { one.clone() } else { format!("({})", names.join(", ")) };
        let call = |arguments: &[String], fetch: &str| {
            let print = |y: &String| format!("print(&{y}{fetch}.to_vec().expect(\"a result\"));");
            let prints: Vec<String> = names.iter().map(print).collect();
            format!(
                "    match g{k}::f({}) {{\n        Ok({pattern}) => {{ println!(\"ok\"); {} }}\n        \
                 Err(error) => println!(\"{{}}\", format!(\"{{error}}\").replace('\\n', \" \")),\n    }}\n",
                arguments.join(", "),
                prints.join(" "),
            )
        };
        main.push_str(&call(&host, ""));
        if *device {
            let _ = writeln!(
                main,
                "    let Some((there, fake)) = device({}) else {{ return println!(\"none\") }};",
                seed & 1 == 1
            );
            main.push_str(&call(&there, ".to_host().expect(\"a copy\")"));
            let _ = writeln!(main, "    fake.check();");
        }
        main.push_str("}\n\n");
    }
    let calls: String = (0..programs.len()).map(|k| format!("    run{k}(lines);\n")).collect();
    let main = format!(
        "{HEAD}\n{modules}\n{main}fn main() {{\n    let lines = &mut include_str!(\"values.txt\").lines();\n{calls}}}\n"
    );
    (main, lines)
}

fn tuple<T: ToString>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(ToString::to_string).collect();
    if let [one] = items.as_slice() { format!("({one},)") } else { format!("({})", items.join(", ")) }
}

fn word(literal: Literal) -> String {
    match literal {
        Literal::Bool(b) => b.to_string(),
        Literal::Int(i) => i.to_string(),
        Literal::Float(_) => literal.as_f64().to_string(),
    }
}

fn value(line: &str, dtype: DType, shape: &[usize]) -> Value {
    let literal = |word: &str| match dtype.kind() {
        Kind::Bool => Literal::Bool(word == "true"),
        Kind::Signed | Kind::Unsigned => Literal::Int(word.parse().expect("an integer")),
        Kind::Float => Literal::float(word.parse().expect("a float")),
    };
    Value::literals(shape.to_vec(), dtype, line.split_whitespace().map(literal))
}

/// The first program of which the compiled code computes something else, and what.
fn fault(name: &str, programs: &[Random]) -> Option<(u64, String)> {
    let checked: Vec<Numbered> = programs.iter().filter_map(Random::checked).collect();
    let (main, values) = crate_of(&checked);
    let folder = outside::write(name, &dependencies(), &main);
    std::fs::write(folder.join("src/values.txt"), values).expect("the folder can be written");
    let output = outside::run(&folder);
    if is_long() {
        // Compiled kernels, which are kept for the next run of the same programs.
        let _ = std::fs::remove_dir_all(folder.join("fake"));
    }
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if text.lines().any(|line| line == "none") {
        eprintln!("skipped on a device: no C++ compiler `c++` (CXX names another)");
    }
    let mut lines = text.lines();
    for Numbered { seed, program, device } in &checked {
        for place in ["the host", "the device"].into_iter().take(1 + usize::from(*device)) {
            match lines.next() {
                Some("ok") => {}
                Some("none") => continue,
                Some(error) => return Some((*seed, format!("on {place}: {error}"))),
                // It did not build, or panicked here.
                None => return Some((*seed, format!("on {place}: {errors}"))),
            }
            let outputs = program.graph.outputs.iter().zip(&program.want);
            let got: Vec<Value> = outputs
                .map(|(&id, want)| value(lines.next().unwrap_or_default(), program.graph.ty(id).dtype, &want.shape))
                .collect();
            if let Some(why) = differ(&got, program) {
                return Some((*seed, format!("on {place}: {why}")));
            }
        }
    }
    None
}

/// What runs kernels wants.
fn dependencies() -> String {
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("tensor-runtime");
    format!("ndarray = \"0.17\"\nlibloading = \"0.9\"\nndfuse-runtime = {{ path = {runtime:?} }}\n")
}

fn is_long() -> bool {
    std::env::var_os("NDFUSE_RANDOM").is_some()
}

/// The program of a seed: every third one is written around a product, and a device runs it.
fn random(seed: u64) -> Random {
    let product = seed % 3 == 2;
    let source = if product { products::write(seed / 3) } else { write(seed).source };
    Random { seed, source, device: product || is_long() || seed.is_multiple_of(6) }
}

#[test]
fn compiled_programs_agree_with_the_oracle() {
    let (first, many, start) = (seed(), count(30), Instant::now());
    for from in (first..first + many).step_by(BATCH as usize) {
        let programs: Vec<Random> = (from..(from + BATCH).min(first + many)).map(random).collect();
        if let Some((seed, why)) = fault("programs", &programs) {
            eprintln!("seed {seed}: {why}");
            let one = |source: &Source| fault("programs_least", &[Random { source: source.clone(), ..random(seed) }]);
            let least = shrink(&random(seed).source, &|source| one(source).is_some());
            panic!("seed {seed}: {}\n{}", one(&least).map(|f| f.1).unwrap_or_default(), least.report());
        }
    }
    eprintln!("{many} programs as compiled Rust: {:.1} s", start.elapsed().as_secs_f64());
}
