//! Random programs, compiled as a crate of a user's and compared with the oracle.
//!
//! The programs are those of `codegen/tests/random.rs`, which runs them by the interpreter and on the emulated device.
//! `NDFUSE_RANDOM=2000` is how many, `NDFUSE_SEED` the first. A fault is shrunk, which builds a crate for each attempt.

mod outside;
#[path = "../codegen/tests/random/mod.rs"]
#[allow(dead_code)]
mod random;

use ndfuse_codegen::dtype::{DType, Kind};
use ndfuse_codegen::interp::Value;
use ndfuse_codegen::ops::Literal;
use random::run::differ;
use random::shrink::shrink;
use random::source::{Checked, Source};
use random::writer::write;
use random::{count, seed};
use std::fmt::Write as _;
use std::time::Instant;

/// Programs in one crate.
const BATCH: u64 = 40;

const HEAD: &str = r#"//! Random programs, each on its own lines of the file of values.

use std::str::{FromStr, Lines};

fn line<T: FromStr>(lines: &mut Lines) -> Vec<T> {
    let line = lines.next().expect("a line a parameter");
    line.split_whitespace().map(|word| word.parse().ok().expect("a number")).collect()
}

fn print<T: std::fmt::Debug>(values: &[T]) {
    let words: Vec<String> = values.iter().map(|v| format!("{v:?}")).collect();
    println!("{}", words.join(" "));
}
"#;

/// The text of a crate that runs the programs, and their arguments, a line each.
fn crate_of(programs: &[Checked], seeds: &[u64]) -> (String, String) {
    let (mut main, mut modules, mut lines) = (String::new(), String::new(), String::new());
    for (k, program) in programs.iter().enumerate() {
        let _ = writeln!(modules, "mod g{k} {{\n    ::ndfuse::tensor! {{\n{}    }}\n}}", program.text);
        let mut call = Vec::new();
        for (at, (param, value)) in program.graph.params.iter().zip(&program.values).enumerate() {
            let words: Vec<String> = (0..value.data.len()).map(|i| word(value.data.get(i))).collect();
            let _ = writeln!(lines, "{}", words.join(" "));
            let _ = writeln!(main, "    let x{at} = line::<{}>(lines);", param.ty.dtype);
            if param.scalar {
                call.push(format!("x{at}[0]"));
                continue;
            }
            // Some operands lie with their axes reversed in memory.
            let turned = seeds[k] >> at & 1 == 1;
            let sizes: Vec<String> = value.shape.iter().map(ToString::to_string).collect();
            let sizes =
                if let [one] = sizes.as_slice() { format!("({one},)") } else { format!("({})", sizes.join(", ")) };
            let _ =
                writeln!(main, "    let x{at} = ndarray::Array::from_shape_vec({sizes}, x{at}).expect(\"a shape\");");
            if turned && value.shape.len() > 1 {
                let _ = writeln!(main, "    let x{at} = x{at}.t().as_standard_layout().into_owned();");
                call.push(format!("x{at}.t()"));
            } else {
                call.push(format!("x{at}.view()"));
            }
        }
        let _ = writeln!(main, "    match g{k}::f({}) {{", call.join(", "));
        let names: Vec<String> = (0..program.want.len()).map(|r| format!("y{r}")).collect();
        let pattern = if let [one] = names.as_slice() { one.clone() } else { format!("({})", names.join(", ")) };
        let prints: Vec<String> = names.iter().map(|y| format!("print(&{y}.to_vec().expect(\"a result\"));")).collect();
        let _ = writeln!(main, "        Ok({pattern}) => {{ println!(\"ok\"); {} }}", prints.join(" "));
        let _ = writeln!(
            main,
            "        Err(error) => println!(\"{{}}\", format!(\"{{error}}\").replace('\\n', \" \")),\n    }}"
        );
    }
    let main = format!(
        "{HEAD}\n{modules}\nfn main() {{\n    let text = include_str!(\"values.txt\");\n    let lines = &mut text.lines();\n\
         {main}}}\n"
    );
    (main, lines)
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
fn fault(name: &str, programs: &[(u64, Source)]) -> Option<(u64, String)> {
    let checked: Vec<(u64, Checked)> = programs.iter().filter_map(|(s, p)| Some((*s, p.checked().ok()?))).collect();
    let (seeds, checked): (Vec<u64>, Vec<Checked>) = checked.into_iter().unzip();
    let (main, values) = crate_of(&checked, &seeds);
    let folder = outside::write(name, "ndarray = \"0.17\"\n", &main);
    std::fs::write(folder.join("src/values.txt"), values).expect("the folder can be written");
    let output = outside::run(&folder);
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let mut lines = text.lines();
    for (seed, program) in seeds.iter().zip(&checked) {
        match lines.next() {
            Some("ok") => {}
            Some(error) => return Some((*seed, error.to_owned())),
            // It did not build, or panicked here.
            None => return Some((*seed, errors.into_owned())),
        }
        let outputs = program.graph.outputs.iter().zip(&program.want);
        let got: Vec<Value> = outputs
            .map(|(&id, want)| value(lines.next().unwrap_or_default(), program.graph.ty(id).dtype, &want.shape))
            .collect();
        if let Some(why) = differ(&got, &program.want) {
            return Some((*seed, why));
        }
    }
    None
}

#[test]
fn compiled_programs_agree_with_the_oracle() {
    let (first, many, start) = (seed(), count(24), Instant::now());
    for from in (first..first + many).step_by(BATCH as usize) {
        let seeds = from..(from + BATCH).min(first + many);
        let programs: Vec<(u64, Source)> = seeds.map(|seed| (seed, write(seed).source)).collect();
        if let Some((seed, why)) = fault("programs", &programs) {
            eprintln!("seed {seed}: {why}");
            let fails = |s: &Source| fault("programs_least", &[(seed, s.clone())]).is_some();
            let least = shrink(&write(seed).source, &fails);
            let why = fault("programs_least", &[(seed, least.clone())]).map(|f| f.1);
            panic!("seed {seed}: {}\n{}", why.unwrap_or_default(), least.report());
        }
    }
    eprintln!("{many} programs as compiled Rust: {:.1} s", start.elapsed().as_secs_f64());
}
