//! The command line.
//!
//! In: the arguments. Out: [`Options`], or the sentence that says what is wrong with them. Next: [`crate::digits`].

use std::ffi::OsString;
use std::path::PathBuf;

use lexopt::{Arg, Parser, ValueExt};

use crate::training::Settings;

pub const HELP: &str = "\
Trains a network to read handwritten digits.

Usage: train_digits [OPTIONS]

Options:
      --model NAME    cnn or mlp [default: cnn]
      --epochs N      train until this epoch [default: 20]
      --batch N       images a step [default: 32]
      --lr X          the greatest learning rate [default: 0.004]
      --seed N        another seed gives other weights and another order [default: 0]
      --save FILE     write the run to a safetensors file after each epoch
      --resume FILE   go on with the run in a file; its batch, lr and seed stay
      --plot FILE     draw the loss and the digits read wrongly as a PNG
      --explain       print the kernels of a training step instead
  -h, --help          print this
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Cnn,
    Mlp,
}

/// What the user asked for.
#[derive(Debug)]
pub struct Options {
    pub model: Kind,
    pub epochs: usize,
    pub settings: Settings,
    pub save: Option<PathBuf>,
    pub resume: Option<PathBuf>,
    pub plot: Option<PathBuf>,
    pub explain: bool,
}

/// Reads the command line, the program's name first; `None` where the user asked for the help text.
pub fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options {
        model: Kind::Cnn,
        epochs: 20,
        settings: Settings { seed: 0, batch: 32, lr: 0.004 },
        save: None,
        resume: None,
        plot: None,
        explain: false,
    };
    let mut fixed = None;
    let mut parser = Parser::from_iter(args);
    while let Some(arg) = parser.next()? {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("model") => {
                options.model = match parser.value()?.string()?.as_str() {
                    "cnn" => Kind::Cnn,
                    "mlp" => Kind::Mlp,
                    other => return Err(format!("there is no model `{other}`, but `cnn` and `mlp`").into()),
                }
            }
            Arg::Long("epochs") => options.epochs = positive(&mut parser)?,
            Arg::Long("batch") => (options.settings.batch, fixed) = (positive(&mut parser)?, Some("--batch")),
            Arg::Long("lr") => (options.settings.lr, fixed) = (rate(&mut parser)?, Some("--lr")),
            Arg::Long("seed") => (options.settings.seed, fixed) = (parser.value()?.parse()?, Some("--seed")),
            Arg::Long("save") => options.save = Some(parser.value()?.into()),
            Arg::Long("resume") => options.resume = Some(parser.value()?.into()),
            Arg::Long("plot") => options.plot = Some(parser.value()?.into()),
            Arg::Long("explain") => options.explain = true,
            Arg::Short(_) | Arg::Long(_) | Arg::Value(_) => return Err(arg.unexpected()),
        }
    }
    match fixed {
        Some(name) if options.resume.is_some() => Err(format!("a resumed run keeps its own `{name}`").into()),
        Some(_) | None => Ok(Some(options)),
    }
}

fn positive(parser: &mut Parser) -> Result<usize, lexopt::Error> {
    match parser.value()?.parse::<u32>()? {
        0 => Err("the number must be 1 or more".into()),
        n => Ok(n as usize),
    }
}

fn rate(parser: &mut Parser) -> Result<f32, lexopt::Error> {
    match parser.value()?.parse::<f32>()? {
        x if x.is_finite() && x > 0.0 => Ok(x),
        _ => Err("the learning rate must be above 0".into()),
    }
}
