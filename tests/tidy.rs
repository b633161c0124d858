//! What reviewers would otherwise have to watch for.
//!
//! In: the project's own files. Out: a list of what breaks a rule, with file and line. The rules are the invariants of
//! `ARCHITECTURE.md`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};

/// A file's length at most.
const LINES: usize = 500;

/// Files that may be longer, and why.
const LONG: &[(&str, usize, &str)] = &[
    ("codegen/src/check/shape_ops.rs", 520, "a list of operations"),
    ("codegen/src/ops.rs", 600, "a table"),
    ("codegen/src/shape.rs", 660, "one algebra, whose rules are read together"),
    ("codegen/src/passes/tests.rs", 600, "a list of cases"),
    ("codegen/tests/syntax.rs", 800, "a list of cases"),
    ("tensor-runtime/src/kernel.rs", 700, "all that generated kernels call"),
    ("tensor-runtime/src/math/table.rs", 900, "a table"),
    ("tensor-runtime/src/tensor/mod.rs", 520, "one type with its methods"),
    ("tensor-runtime/src/monoid.rs", 600, "all reductions"),
    ("tests/ops/functions.rs", 3000, "written by its generator"),
];

/// Files without a text at their head: they are shown as they are.
const BARE: &[&str] = &["examples/quickstart.rs", "examples/gpu.rs", "tests/ui/"];

/// Where `unsafe` may stand: the runtime, a test that loads a library at run time, and a benchmark's call of `gemm`.
const UNSAFE: &[&str] = &[
    "tensor-runtime/src/",
    "tensor-runtime/tests/",
    "codegen/tests/nvrtc/library.rs",
    "codegen/tests/emulate/machine.rs",
    "benches/workloads/limits.rs",
];

/// The modules of the compiler: each imports only from those before it.
const COMPILER: &[&str] = &[
    "errors",
    "diagnostic",
    "special",
    "dtype",
    "ops",
    "shape",
    "text",
    "suggest",
    "hash",
    "graph",
    "syntax",
    "grad",
    "check",
    "derive",
    "kernel",
    "loops",
    "program",
    "interp",
    "passes",
    "fuse",
    "driver",
    "emit",
    "expand",
    "lib",
    "testing",
];

/// The project's crates that each crate may build on.
const CRATES: &[(&str, &[&str])] = &[
    ("Cargo.toml", &["ndfuse-macros", "ndfuse-runtime"]),
    ("codegen/Cargo.toml", &[]),
    ("tensor-macros/Cargo.toml", &["ndfuse-codegen"]),
    ("tensor-runtime/Cargo.toml", &[]),
];

struct Source {
    /// From the root of the project, with `/`.
    path: String,
    text: String,
    tokens: TokenStream,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let mut files = Vec::new();
    for folder in ["src", "codegen", "tensor-macros", "tensor-runtime", "examples", "tests", "benches"] {
        walk(&root().join(folder), &mut files);
    }
    let read = |file: PathBuf| {
        let path = file.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&file).expect("readable");
        let tokens = text.parse().unwrap_or_else(|e| panic!("{path}: {e}"));
        Source { path, text, tokens }
    };
    files.sort();
    files.into_iter().map(read).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            walk(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The tokens one after the other, groups taken apart, with their lines.
fn flat(tokens: TokenStream, out: &mut Vec<(String, usize)>) {
    for token in tokens {
        let line = token.span().start().line;
        match token {
            TokenTree::Group(group) => {
                let ends = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ["(", ")"],
                    proc_macro2::Delimiter::Brace => ["{", "}"],
                    proc_macro2::Delimiter::Bracket => ["[", "]"],
                    proc_macro2::Delimiter::None => ["", ""],
                };
                out.push((ends[0].to_owned(), line));
                flat(group.stream(), out);
                out.push((ends[1].to_owned(), group.span_close().start().line));
            }
            other => out.push((other.to_string(), line)),
        }
    }
}

fn find(source: &Source, wanted: &[&str]) -> Vec<usize> {
    let mut tokens = Vec::new();
    flat(source.tokens.clone(), &mut tokens);
    let fits = |window: &&[(String, usize)]| window.iter().zip(wanted).all(|((token, _), want)| token == want);
    tokens.windows(wanted.len()).filter(fits).map(|window| window[0].1).collect()
}

/// Fails with one line for each fault.
fn report(faults: Vec<String>) {
    let mut text = String::new();
    for fault in &faults {
        let _ = writeln!(text, "  {fault}");
    }
    assert!(faults.is_empty(), "{} fault(s)\n{text}", faults.len());
}

#[test]
fn files_are_short() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        let exempt = LONG.iter().find(|(path, ..)| *path == source.path);
        let limit = exempt.map_or(LINES, |(_, limit, _)| *limit);
        if lines > limit {
            faults.push(format!("{} has {lines} lines; {limit} at most", source.path));
        }
        if exempt.is_some() && lines <= LINES {
            faults.push(format!("{} needs no exemption any more", source.path));
        }
    }
    report(faults);
}

#[test]
fn every_file_says_what_it_is() {
    let bare = |s: &Source| !s.text.starts_with("//! ") && !BARE.iter().any(|bare| s.path.starts_with(bare));
    report(sources().iter().filter(|s| bare(s)).map(|s| format!("{} does not begin with `//!`", s.path)).collect());
}

/// The compiler and the runtime never see each other, so the conversions of halves stand in both.
#[test]
fn halves_are_converted_alike_in_both_texts() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect("a file of the project");
    let (texts, prelude) = (read("tensor-runtime/src/device/texts/half.cu"), read("codegen/src/emit/cuda/prelude.rs"));
    for name in ["nd_f16", "nd_bf16"] {
        let (_, rest) = texts.split_once(&format!("struct {name} {{")).expect("the text has the type");
        let (body, _) = rest.split_once("\n};\n").expect("the type ends");
        assert!(prelude.contains(&format!("struct {name} {{{body}\n}};\n")), "{name}");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let mut faults = Vec::new();
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    for source in sources() {
        for wanted in [&["todo", "!"][..], &["unimplemented", "!"], &["dbg", "!"], &["#", "[", "ignore"]] {
            let found = find(&source, wanted);
            faults.extend(found.iter().map(|line| format!("{}:{line}: {}", source.path, wanted.concat())));
        }
        for (k, line) in source.text.lines().enumerate() {
            let found = marks.iter().filter(|mark| line.contains(mark.as_str()));
            faults.extend(found.map(|mark| format!("{}:{}: {mark}", source.path, k + 1)));
        }
    }
    report(faults);
}

#[test]
fn only_the_runtime_is_unsafe_and_it_says_why() {
    let mut faults = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        if !UNSAFE.iter().any(|place| source.path.starts_with(place)) {
            let found = find(&source, &["unsafe"]);
            faults.extend(found.iter().map(|line| format!("{}:{line}: `unsafe` outside of the runtime", source.path)));
        }
        let uses = [&["unsafe", "{"][..], &["unsafe", "impl"]].map(|wanted| find(&source, wanted)).concat();
        for line in uses.into_iter().filter(|line| !explained(&lines, line - 1)) {
            faults.push(format!("{}:{line}: `unsafe` without a `SAFETY:` comment before it", source.path));
        }
    }
    report(faults);
}

/// Whether the comment above a line, or above the statement that the line ends, says `SAFETY`.
fn explained(lines: &[&str], at: usize) -> bool {
    let says = |line: &str| line.contains("SAFETY:") || line.contains("# Safety");
    let aside = |line: &str| line.starts_with("//") || line.starts_with("#[");
    let mut code = 0;
    for line in lines[..=at].iter().rev().map(|line| line.trim_start()) {
        if says(line) {
            return true;
        }
        // Up to two lines of the same statement may stand between.
        code += usize::from(!aside(line));
        if code > 3 {
            return false;
        }
    }
    false
}

#[test]
fn the_facade_only_names_what_others_define() {
    fn defines(items: &[syn::Item], faults: &mut Vec<String>) {
        for item in items {
            match item {
                syn::Item::Use(_) => {}
                syn::Item::Mod(module) => match &module.content {
                    Some((_, items)) => defines(items, faults),
                    None => faults.push(format!("src/lib.rs has a file `{}`", module.ident)),
                },
                _ => faults.push("src/lib.rs defines something of its own".to_owned()),
            }
        }
    }
    let text = fs::read_to_string(root().join("src/lib.rs")).expect("readable");
    let mut faults = Vec::new();
    defines(&syn::parse_file(&text).expect("Rust").items, &mut faults);
    report(faults);
}

#[test]
fn crates_build_only_on_what_is_below_them() {
    let mut faults = Vec::new();
    for (manifest, allowed) in CRATES {
        let text = fs::read_to_string(root().join(manifest)).expect("readable");
        let mut section = "";
        for line in text.lines() {
            if line.starts_with('[') {
                section = line;
            }
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if section == "[dependencies]" && name.starts_with("ndfuse-") && !allowed.contains(&name) {
                faults.push(format!("{manifest} depends on {name}"));
            }
        }
    }
    report(faults);
}

#[test]
fn the_modules_of_the_compiler_import_only_upwards() {
    let place = |module: &str| COMPILER.iter().position(|name| *name == module);
    let mut faults = Vec::new();
    for source in sources() {
        let Some(inner) = source.path.strip_prefix("codegen/src/") else { continue };
        if inner.ends_with("tests.rs") || inner.contains("/tests/") {
            continue;
        }
        let module = inner.split(['/', '.']).next().unwrap_or_default();
        let Some(own) = place(module) else {
            faults.push(format!("{} is not in the order of the modules", source.path));
            continue;
        };
        for (name, line) in imports(source.tokens.clone()) {
            if place(&name).is_some_and(|other| other > own) {
                faults.push(format!("{}:{line}: `{module}` imports from `{name}`, which is below it", source.path));
            }
        }
    }
    report(faults);
}

/// What follows `crate::`, tests aside, with its line.
fn imports(tokens: TokenStream) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let text = |k: usize| tokens.get(k).map(ToString::to_string).unwrap_or_default();
    for (k, token) in tokens.iter().enumerate() {
        let line = token.span().start().line;
        let at_crate = k >= 3 && text(k - 1) == ":" && text(k - 2) == ":" && text(k - 3) == "crate";
        match token {
            TokenTree::Group(_) if k >= 2 && text(k - 1) == "tests" && text(k - 2) == "mod" => {}
            TokenTree::Group(group) => {
                out.extend(imports(group.stream()));
                if at_crate {
                    let inner: Vec<String> = group.stream().into_iter().map(|t| t.to_string()).collect();
                    let first = |k: &usize| *k == 0 || inner[k - 1] == ",";
                    out.extend((0..inner.len()).filter(first).map(|k| (inner[k].clone(), line)));
                }
            }
            TokenTree::Ident(name) if at_crate => out.push((name.to_string(), line)),
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    out
}
