//! Parts of a document that a benchmark writes.

use std::path::Path;

/// Puts a text between the comments that begin and end a part of a document.
pub fn put(path: &Path, part: &str, text: &str) -> Result<(), String> {
    let told = |e: std::io::Error| format!("{}: {e}", path.display());
    let old = std::fs::read_to_string(path).map_err(told)?;
    let [begin, end] = ["begin", "end"].map(|place| format!("<!-- {part}: {place} -->"));
    let around = old.split_once(&begin).and_then(|(head, rest)| Some((head, rest.split_once(&end)?.1)));
    let Some((head, tail)) = around else { return Err(format!("{} has no `{begin}`", path.display())) };
    std::fs::write(path, format!("{head}{begin}\n{text}{end}{tail}")).map_err(told)
}
