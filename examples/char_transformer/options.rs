//! The command line.
//!
//! In: the arguments. Out: [`Options`], or the sentence that says what is wrong with them. Next: [`crate::training`].

use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

use crate::training::Settings;

pub const HELP: &str = "\
Trains a transformer on Shakespeare, character by character, then lets it write.

Usage: char_transformer [OPTIONS]

Options:
      --steps N          how many steps to train [default: 3000]
      --batch N          rows of 64 characters a step [default: 32]
      --lr X             the greatest learning rate [default: 0.003]
      --dropout X        the share of numbers to leave out, 0 for none [default: 0]
      --seed N           another seed gives another model [default: 0]
      --prompt TEXT      what the model goes on from [default: a line's end]
      --length N         how many characters to write [default: 500]
      --temperature X    low: the likely; high: the surprising [default: 0.8]
      --explain          print the kernels of a training step instead
  -h, --help             print this
";

/// What the user asked for.
#[derive(Debug)]
pub struct Options {
    pub settings: Settings,
    pub prompt: String,
    pub length: usize,
    pub temperature: f32,
    pub explain: bool,
}

/// Reads the command line, the program's name first; `None` where the user asked for the help text.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, lexopt::Error> {
    let settings = Settings { steps: 3000, batch: 32, lr: 0.003, dropout: 0.0, seed: 0 };
    let mut options = Options { settings, prompt: "\n".into(), length: 500, temperature: 0.8, explain: false };
    let mut parser = Parser::from_iter(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Long("steps") => options.settings.steps = parser.value()?.parse()?,
            Arg::Long("batch") => options.settings.batch = positive(&mut parser, "--batch")?,
            Arg::Long("lr") => options.settings.lr = parser.value()?.parse()?,
            Arg::Long("dropout") => {
                options.settings.dropout = parser.value()?.parse()?;
                if !(0.0..1.0).contains(&options.settings.dropout) {
                    return Err("--dropout is at least 0 and less than 1".into());
                }
            }
            Arg::Long("seed") => options.settings.seed = parser.value()?.parse()?,
            Arg::Long("prompt") => {
                options.prompt = parser.value()?.string()?;
                if options.prompt.is_empty() {
                    return Err("--prompt wants a character at least".into());
                }
            }
            Arg::Long("length") => options.length = parser.value()?.parse()?,
            Arg::Long("temperature") => {
                options.temperature = parser.value()?.parse()?;
                if options.temperature.is_nan() || options.temperature <= 0.0 {
                    return Err("--temperature is more than 0".into());
                }
            }
            Arg::Long("explain") => options.explain = true,
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Some(options))
}

fn positive(parser: &mut Parser, name: &str) -> Result<usize, lexopt::Error> {
    match parser.value()?.parse()? {
        0 => Err(format!("{name} is at least 1").into()),
        n => Ok(n),
    }
}
