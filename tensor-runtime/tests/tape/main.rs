//! The tape, on functions written by hand as the compiler emits them.
//!
//! `functions` are these, each with its gradient; `gradients` says what comes out, `faults` what is refused.

mod faults;
mod functions;
mod gradients;
mod views;
