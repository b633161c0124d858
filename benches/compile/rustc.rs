//! How long rustc takes for the code that a block stands for.
//!
//! In: Rust. Out: seconds, by level of optimisation. Always: rustc is called as cargo would, on a library of its own
//! that has the code and nothing else; what an empty library takes is not counted. Next: [`crate::functions`].

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What cargo passes in its two profiles.
pub const LEVELS: [(&str, &[&str]); 2] =
    [("debug", &["-Cdebuginfo=2"]), ("release", &["-Copt-level=3", "-Cembed-bitcode=no"])];

/// A compilation that takes longer, in seconds, is not repeated.
const LONG: f64 = 3.0;
const REPEATS: usize = 5;

pub struct Rustc {
    folder: PathBuf,
    ndfuse: PathBuf,
    /// What an empty library takes, by level.
    empty: [f64; 2],
}

impl Rustc {
    /// Builds the library that the code names.
    pub fn new(root: &Path) -> Result<Rustc, String> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["build", "--release", "--lib", "--message-format=json"]).current_dir(root);
        let done = command.output().map_err(|e| format!("cargo: {e}"))?;
        let text = String::from_utf8_lossy(&done.stdout);
        let file = text.split('"').find(|word| word.ends_with("libndfuse.rlib"));
        let ndfuse = file.map(PathBuf::from).ok_or_else(|| String::from_utf8_lossy(&done.stderr).into_owned())?;
        let folder = root.join("target/compile");
        std::fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        let mut rustc = Rustc { folder, ndfuse, empty: [0.0; 2] };
        rustc.empty = rustc.seconds("pub use ndfuse::tensor;")?;
        Ok(rustc)
    }

    /// The least time of a few, by level.
    pub fn seconds(&self, code: &str) -> Result<[f64; 2], String> {
        let file = self.folder.join("block.rs");
        std::fs::write(&file, format!("#![allow(warnings)]\n{code}\n"))
            .map_err(|e| format!("{}: {e}", file.display()))?;
        let mut out = [0.0; 2];
        for (k, (_, flags)) in LEVELS.iter().enumerate() {
            let mut least = f64::INFINITY;
            for _ in 0..REPEATS {
                least = least.min(self.run(&file, flags)?);
                if least > LONG {
                    break;
                }
            }
            out[k] = (least - self.empty[k]).max(0.0);
        }
        Ok(out)
    }

    fn run(&self, file: &Path, flags: &[&str]) -> Result<f64, String> {
        let program = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut command = Command::new(program);
        let dependencies = self.ndfuse.parent().map(|folder| folder.join("deps")).unwrap_or_default();
        command.args(["--edition=2024", "--crate-type=rlib", "--emit=metadata,link", "--out-dir"]).arg(&self.folder);
        command.arg("--extern").arg(format!("ndfuse={}", self.ndfuse.display()));
        command.arg("-L").arg(format!("dependency={}", dependencies.display())).args(flags).arg(file);
        // The library was built with them.
        command.args(std::env::var("RUSTFLAGS").unwrap_or_default().split_whitespace());
        let start = Instant::now();
        let done = command.output().map_err(|e| format!("rustc: {e}"))?;
        let seconds = start.elapsed().as_secs_f64();
        if done.status.success() { Ok(seconds) } else { Err(String::from_utf8_lossy(&done.stderr).into_owned()) }
    }
}
