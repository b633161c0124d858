//! What the documents say is so.
//!
//! In: the documents. Out: a list of what in them does not fit the files. Always: what a document shows as code is a
//! file that is compiled and run.

use std::fs;
use std::path::{Path, PathBuf};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/language.md",
    "docs/ops.md",
    "docs/errors.md",
    "examples/data/README.md",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn what_the_readme_shows_are_examples() {
    for example in ["examples/quickstart.rs", "examples/gpu.rs"] {
        let code = read(example);
        let shown = read("README.md").contains(&format!("```rust\n{code}```\n"));
        assert!(shown, "README.md does not show {example} as it is");
    }
}

#[test]
fn links_lead_somewhere() {
    let mut broken = Vec::new();
    for document in DOCUMENTS {
        let text = read(document);
        let folder = root().join(document).parent().expect("a folder").to_owned();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            if !link.is_empty() && !link.starts_with("http") && !folder.join(link).exists() {
                broken.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn paths_in_backquotes_exist() {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        for quoted in read(document).split('`').skip(1).step_by(2) {
            let path = quoted.trim_end_matches('/');
            let is_path = path.contains('/') && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
            let first = path.split('/').next().unwrap_or_default();
            let ours =
                ["codegen", "tensor-macros", "tensor-runtime", "examples", "tests", "docs", "src", ".ci", "benches"];
            if is_path && ours.contains(&first) && !root().join(path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn commands_name_examples_that_exist() {
    let mut missing = Vec::new();
    let mut count = 0;
    for document in DOCUMENTS {
        for rest in read(document).split("--example ").skip(1) {
            let name = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default();
            let places = ["examples", "codegen/examples", "tensor-runtime/examples"].map(|folder| root().join(folder));
            let exists =
                places.iter().any(|p| p.join(format!("{name}.rs")).exists() || p.join(name).join("main.rs").exists());
            count += 1;
            if !exists {
                missing.push(format!("{document}: {name}"));
            }
        }
    }
    assert!(missing.is_empty() && count > 3, "{count} commands, {missing:#?}");
}

#[test]
fn a_fresh_clone_has_all_that_the_examples_read() {
    for name in
        ["efficientnet_lite0.safetensors", "imagenet_classes.txt", "chelsea.png", "coffee.png", "classify_golden.npz"]
    {
        let path = root().join("examples/data").join(name);
        assert!(path.metadata().is_ok_and(|m| m.len() > 10_000), "{}", path.display());
        assert!(read("examples/data/README.md").contains(&format!("`{name}`")), "{name} has no licence beside it");
    }
}
