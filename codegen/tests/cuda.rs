//! The CUDA text of every function of `tests/corpus` and of every text of loops
//! is a snapshot, to be read as a performance engineer would.

use ndfuse_codegen::driver;
use ndfuse_codegen::driver::Code;
use ndfuse_codegen::emit::cuda;
use ndfuse_codegen::expand::cuda_of;
use ndfuse_codegen::loops::{self, Loops};
use std::path::{Path, PathBuf};

fn files(folder: &str, kind: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(folder).expect("a folder of this crate");
    let mut out: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    out.retain(|p| p.extension().is_some_and(|e| e == kind));
    out.sort();
    out
}

/// The kernels alone: the device functions have their own snapshot.
fn kernels(loops: &[Loops]) -> String {
    let texts = loops.iter().enumerate().map(|(k, l)| cuda::kernel(l, &format!("k{k}")));
    texts.collect::<Vec<_>>().join("\n")
}

/// What products call, without what that calls.
fn epilogues(code: &Code) -> Vec<String> {
    let functions = cuda_of("f", code).epilogues.into_iter().flatten();
    let attentions = cuda_of("f", code).attends.into_iter().map(|attention| (attention.score, attention.text));
    let windows = cuda_of("f", code).prologues.into_iter().map(|windows| (windows.window, windows.text));
    let after =
        |(name, text): (String, String)| text[text.find(&format!("struct {name}")).expect("its struct")..].to_string();
    functions.chain(attentions).chain(windows).map(after).collect()
}

#[test]
fn the_text_of_every_kernel_is_as_it_was() {
    for path in files("texts", "loops") {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let nest = loops::parse::parse(&std::fs::read_to_string(path).expect("a text")).expect("a good text");
        insta::assert_snapshot!(format!("text.{name}.cuda"), kernels(&[nest]));
    }
    for path in files("corpus", "nd") {
        let source = std::fs::read_to_string(&path).expect("a source");
        for compiled in driver::compile_forward(source.parse().expect("tokens")).functions {
            let code = compiled.code.expect("a function without an error");
            let epilogues = epilogues(&code);
            let text = [vec![kernels(&code.loops)], epilogues].concat().join("\n");
            insta::assert_snapshot!(format!("{}.cuda", compiled.function.name), text);
        }
    }
}

#[test]
fn a_source_has_what_it_calls_and_nothing_else() {
    let text = std::fs::read_to_string(&files("texts", "loops")[0]).expect("a text");
    let nest = loops::parse::parse(&text).expect("a good text");
    insta::assert_snapshot!("source.cuda", cuda::source(&[("k0".into(), nest)]));
}
