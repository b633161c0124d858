//! How the examples end: what is wrong in one line on standard error, and an exit status.
//!
//! In: the run of an example. Out: its exit status: 0 where all is well or nobody reads on, 1 where a file, a device or
//! the work failed, 2 where the command line is wrong.

use std::io;
use std::process::ExitCode;

pub enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// A file or a device is, or the work failed.
    Failed(String),
    /// Nobody reads the output any more.
    Unread,
}

/// The exit status of a run.
pub fn status(run: Result<(), Failure>) -> ExitCode {
    match run {
        Ok(()) | Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(Failure::Failed(text)) => {
            eprintln!("error: {text}");
            ExitCode::from(1)
        }
        Err(Failure::Usage(text)) => {
            eprintln!("error: {text}; `--help` lists the options");
            ExitCode::from(2)
        }
    }
}

impl From<ndfuse::Error> for Failure {
    fn from(error: ndfuse::Error) -> Failure {
        Failure::Failed(error.to_string().replace("\n  = ", "; "))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Unread,
            _ => Failure::Failed(format!("cannot write: {error}")),
        }
    }
}
