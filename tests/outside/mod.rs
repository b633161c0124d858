//! A crate that is no part of this workspace, built and run from a test.
//!
//! In: a name and the text of its `main.rs`. Out: what it printed. Always: it is built with the project's own profiles and
//! folder of builds, so that what is built already serves it too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The project's own profiles.
fn profiles(manifest: &str) -> String {
    let start = manifest.find("[profile").unwrap_or(manifest.len());
    manifest[start..].to_owned()
}

/// Writes the crate; its folder. `more` are lines of its dependencies.
pub fn write(name: &str, more: &str, main: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let text = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nndfuse = {{ path = {root:?} }}\n{more}\n{}",
        profiles(&manifest)
    );
    fs::write(folder.join("Cargo.toml"), text).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::write(folder.join("src/main.rs"), main).unwrap();
    folder
}

/// Builds and runs it, without the net where that suffices.
pub fn run(folder: &Path) -> Output {
    let offline = cargo_run(folder, true);
    if offline.status.success() { offline } else { cargo_run(folder, false) }
}

fn cargo_run(folder: &Path, offline: bool) -> Output {
    let mut command = Command::new(env!("CARGO"));
    command.arg("run").current_dir(folder);
    // Beside the folder for temporary files is the one for everything that was built.
    command.env("CARGO_TARGET_DIR", folder.join("../.."));
    // Where a module of the tests that the crate takes in puts its files.
    command.env("CARGO_TARGET_TMPDIR", folder);
    if offline {
        command.arg("--offline");
    }
    command.output().expect("cargo runs")
}
