//! Random programs as text: written, checked, run and shrunk.
//!
//! Always: the same seed gives the same program. Next: [`source`], what a program is; [`writer`]; [`shrink`].

pub mod forms;
pub mod mutants;
pub mod products;
pub mod run;
pub mod shrink;
pub mod source;
pub mod writer;

/// How many programs to run: `NDFUSE_RANDOM`, or these.
pub fn count(usual: u64) -> u64 {
    std::env::var("NDFUSE_RANDOM").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// The first of them: `NDFUSE_SEED`, or 0.
pub fn seed() -> u64 {
    std::env::var("NDFUSE_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(0)
}
