//! The command line.
//!
//! In: the arguments. Out: [`Options`], or the sentence that says what is wrong with them. Next: [`crate::picture`].

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

pub const HELP: &str = "\
Names what a photograph shows, with EfficientNet-Lite0.

Usage: classify [OPTIONS] [IMAGE]...

Arguments:
  [IMAGE]...       PNG or JPEG files [default: a photograph of a cat]

Options:
      --device NAME   where the network runs: cpu, gpu or cuda:N [default: cpu]
      --top N         how many classes to show [default: 5]
      --repeat N      run the network N times and report the median [default: 1]
      --weights FILE  other weights of the same network, in the safetensors format
      --explain       print the network's kernels instead of running it
  -h, --help          print this
";

/// What the user asked for.
#[derive(Debug)]
pub struct Options {
    pub images: Vec<PathBuf>,
    pub device: String,
    pub top: usize,
    pub repeat: usize,
    pub weights: PathBuf,
    pub explain: bool,
}

/// A file that comes with the project.
pub fn bundled(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data")).join(name)
}

/// Reads the command line, the program's name first; `None` where the user asked for the help text.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        images: Vec::new(),
        device: "cpu".to_owned(),
        top: 5,
        repeat: 1,
        weights: bundled("efficientnet_lite0.safetensors"),
        explain: false,
    };
    let mut parser = Parser::from_iter(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("device") => options.device = parser.value()?.string()?,
            Arg::Long("top") => options.top = positive(&mut parser)?,
            Arg::Long("repeat") => options.repeat = positive(&mut parser)?,
            Arg::Long("weights") => options.weights = parser.value()?.into(),
            Arg::Long("explain") => options.explain = true,
            Arg::Value(image) => options.images.push(image.into()),
            Arg::Short(_) | Arg::Long(_) => return Err(arg.unexpected()),
        }
    }
    if options.images.is_empty() {
        options.images.push(bundled("chelsea.png"));
    }
    Ok(Some(options))
}

fn positive(parser: &mut Parser) -> Result<usize, lexopt::Error> {
    match parser.value()?.parse()? {
        0 => Err("the number must be 1 or more".into()),
        n => Ok(n),
    }
}
