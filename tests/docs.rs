//! `docs/errors.md` and `docs/ops.md` are the tables of the compiler, written out.
//!
//! `NDFUSE_BLESS=1 cargo test --test docs` writes them anew.

use std::fmt::Write;
use std::path::Path;

use ndfuse_codegen::dtype::DType;
use ndfuse_codegen::{check, errors, ops};

fn matches(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
    if std::env::var_os("NDFUSE_BLESS").is_some() {
        std::fs::write(&path, text).expect("writable");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = found.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(
        found == text,
        "docs/{file} is not what the tables say, from line {differs:?} on: NDFUSE_BLESS=1 writes it anew"
    );
}

#[test]
fn errors_are_listed() {
    let mut text = String::from(
        "# Errors\n\nWritten by `tests/docs.rs` from the catalogue in `codegen/src/errors.rs`. Each code has a \
         smallest block that triggers it.\n",
    );
    let chapters = [
        "Syntax",
        "Names and calls",
        "Dtypes",
        "Shapes",
        "Axes and indices",
        "Structs",
        "Templates and control flow",
        "Limits",
        "Gradients",
    ];
    let mut chapter = 0;
    for row in errors::TABLE {
        if usize::from(row.code.0 / 100) != chapter {
            chapter = usize::from(row.code.0 / 100);
            let _ = write!(text, "\n## {}\n", chapters[chapter - 1]);
        }
        let _ =
            write!(text, "\n### {}: {}\n\n{}\n\n```text\n{}\n```\n", row.code, row.title, row.explanation, row.example);
    }
    matches("errors.md", &text);
}

#[test]
fn operations_are_listed() {
    let mut text = String::from(
        "# Operations\n\nWritten by `tests/docs.rs` from the tables of the compiler. Each is a function, `exp(x)`, and a \
         method of its first argument, `x.exp()`.\n\n## Element by element\n\n\
         Their arguments broadcast. Operators are other names of some: `+` is `add`, `**` is `power`, `<` is `lt`.\n\n\
         | name | arguments | dtypes | what it is |\n|---|---|---|---|\n",
    );
    let dtypes = |accepts: &dyn Fn(DType) -> bool| match DType::all().filter(|&d| accepts(d)).collect::<Vec<_>>() {
        all if all.len() == DType::all().count() => "all".to_owned(),
        some => some.iter().map(|d| format!("`{d}`")).collect::<Vec<_>>().join(" "),
    };
    for row in ops::MAPS {
        let _ =
            writeln!(text, "| `{}` | {} | {} | {} |", row.name, row.arity, dtypes(&|d| row.rule.accepts(d)), row.doc);
    }
    text.push_str("\n## Reductions\n\nOver `axis`, an integer or a tuple; over all axes where none is given. `keepdims=true` keeps them with size 1.\n\n| name | dtypes | what it is |\n|---|---|---|\n");
    for monoid in ops::Monoid::all() {
        let accepted = dtypes(&|d| monoid.result(d).is_some());
        let _ = writeln!(text, "| `{}` | {accepted} | {} |", monoid.name(), monoid.row().doc);
    }
    text.push_str("\n## Shapes, products, networks and composites\n\n| name | what it is |\n|---|---|\n");
    let listed = |name: &str| ops::MapOp::from_name(name).is_some() || ops::Monoid::from_name(name).is_some();
    let mut others: Vec<_> = check::operations().into_iter().filter(|(name, _)| !listed(name)).collect();
    others.sort();
    for (name, doc) in others {
        assert!(!doc.is_empty(), "`{name}` has no line about it");
        let _ = writeln!(text, "| `{name}` | {} |", doc.replace('\n', " "));
    }
    matches("ops.md", &text);
}
