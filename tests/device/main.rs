//! Functions on a device, without a GPU: the executor, the pool, the compiled kernels' cache and the errors are the real
//! ones, below them is a fake driver that runs the very CUDA text on host memory.
//!
//! In: functions of the language. Out: the host's results, to rounding; a typed error wherever the driver fails, and the
//! right result again with the next call. `tests/gpu.rs` does the same on a GPU.

#[path = "../../tensor-runtime/tests/fake/mod.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod fake;
#[macro_use]
mod cases;
mod copies;
mod edges;
mod faults;
mod functions;
mod halves;
mod hidden;
mod library;
mod masked;
mod products;
mod results;
mod slices;
mod training;
mod turned;

/// Runs each on a new device, and looks at its memory afterwards.
macro_rules! on_a_fake {
    ($($module:ident::$test:ident,)*) => {$(
        #[test]
        fn $test() -> ndfuse::Result<()> {
            if !fake::runs_kernels() {
                return Ok(());
            }
            let (device, fake) = fake::device();
            $module::$test(&device)?;
            fake.check();
            Ok(())
        }
    )*};
}

each_case!(on_a_fake);
