//! Functions on a device, without a GPU: the executor, the pool, the compiled kernels' cache and the errors are the real
//! ones, below them is a fake driver that runs the very CUDA text on host memory.
//!
//! In: functions of the language. Out: the host's results, to rounding; a typed error wherever the driver fails, and the
//! right result again with the next call.

#[path = "../../tensor-runtime/tests/fake/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod fake;
mod faults;
mod functions;
mod results;
mod training;
