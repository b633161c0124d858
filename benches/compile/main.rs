//! What a function costs when it is compiled: the macro's expansion by pass, and rustc's share a kernel.
//!
//! ```text
//! cargo bench --bench compile
//! cargo bench --bench compile -- --filter softmax --json
//! cargo bench --bench compile -- --write
//! ```
//!
//! Read first: [`functions`], what is compiled; then [`stages`] and [`rustc`].

mod functions;
#[path = "../marks.rs"]
mod marks;
mod rustc;
mod stages;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use rustc::{LEVELS, Rustc};
use stages::Stages;

const HELP: &str = "\
Measures what functions cost when they are compiled.

Usage: cargo bench --bench compile -- [OPTIONS]

Options:
      --filter NAME      only blocks with this in their name
      --json             an object a line
      --write            put the tables into docs/performance.md
  -h, --help             print this
";

#[derive(Default)]
struct Options {
    filter: String,
    json: bool,
    write: bool,
    help: bool,
}

/// What was measured of a block.
struct Row {
    name: &'static str,
    stages: Stages,
    /// Seconds, by level.
    rustc: [f64; 2],
}

impl Row {
    fn expansion(&self) -> f64 {
        self.stages.parts.iter().map(|(_, ms)| ms).sum()
    }

    /// Milliseconds of rustc for a kernel, by level.
    fn share(&self, level: usize) -> f64 {
        1e3 * self.rustc[level] / self.stages.kernels.max(1) as f64
    }
}

fn main() -> ExitCode {
    match options().map_err(|e| e.to_string()).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, lexopt::Error> {
    let mut options = Options::default();
    let mut parser = Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("filter") => options.filter = parser.value()?.string()?,
            Arg::Long("json") => options.json = true,
            Arg::Long("write") => options.write = true,
            // `cargo bench` passes it on.
            Arg::Long("bench") => {}
            Arg::Short('h') | Arg::Long("help") => options.help = true,
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> Result<(), String> {
    if options.help {
        print!("{HELP}");
        return Ok(());
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rustc = Rustc::new(root)?;
    let mut rows = Vec::new();
    for block in functions::all()?.into_iter().filter(|block| block.name.contains(&options.filter)) {
        // The first run pays for what the process does once.
        stages::of(&block)?;
        let stages = stages::of(&block)?;
        let row = Row { name: block.name, rustc: rustc.seconds(&stages.code)?, stages };
        if options.json {
            println!("{}", json(&row));
        } else {
            eprintln!("{}", row.name);
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return Err(format!("no block has `{}` in its name", options.filter));
    }
    if !options.json {
        print!("{}", tables(&rows));
    }
    if options.write { marks::put(&root.join("docs/performance.md"), "compile", &tables(&rows)) } else { Ok(()) }
}

fn json(row: &Row) -> String {
    let mut out = format!(r#"{{"block": "{}", "kernels": {}"#, row.name, row.stages.kernels);
    let _ = write!(out, r#", "bytes": {}, "expansion_ms": {:.3}"#, row.stages.code.len(), row.expansion());
    for (name, ms) in &row.stages.parts {
        let _ = write!(out, r#", "{name}": {ms:.4}"#);
    }
    for ((name, _), seconds) in LEVELS.iter().zip(row.rustc) {
        let _ = write!(out, r#", "rustc_{name}_ms": {:.1}"#, 1e3 * seconds);
    }
    out.push('}');
    out
}

/// Two tables in Markdown: what rustc takes, and the expansion by part.
fn tables(rows: &[Row]) -> String {
    let mut out = String::from(
        "| block | kernels | KB of Rust | expansion | rustc, debug | a kernel | rustc, release | a kernel |\n\
         |---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let (kernels, size) = (row.stages.kernels, row.stages.code.len() as f64 * 1e-3);
        let _ = write!(out, "| {} | {kernels} | {size:.0} | {:.1} |", row.name, row.expansion());
        for level in 0..LEVELS.len() {
            let _ = write!(out, " {:.0} | {:.0} |", 1e3 * row.rustc[level], row.share(level));
        }
        out.push('\n');
    }
    let mut parts: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flat_map(|row| &row.stages.parts) {
        if !parts.contains(name) {
            parts.push(name);
        }
    }
    let _ = write!(out, "\n| expansion, ms |");
    for row in rows {
        let _ = write!(out, " {} |", row.name);
    }
    let _ = write!(out, "\n|---|{}\n", "--:|".repeat(rows.len()));
    for part in parts {
        let _ = write!(out, "| {part} |");
        for row in rows {
            let found = row.stages.parts.iter().find(|(name, _)| *name == part);
            let _ = write!(out, " {} |", found.map_or(String::new(), |(_, ms)| format!("{ms:.2}")));
        }
        out.push('\n');
    }
    out
}
