//! Functions on the first GPU of this machine.
//!
//! In: the functions of `tests/device`. Out: the host's results, to rounding. Always: without a GPU these tests say so and
//! pass, unless `NDFUSE_REQUIRE_CUDA=1`. The test binary is self-contained: it can be carried to another machine.

#[macro_use]
#[path = "device/cases.rs"]
mod cases;
#[path = "device/functions.rs"]
mod functions;
#[path = "device/halves.rs"]
mod halves;
#[path = "device/results.rs"]
mod results;
#[path = "device/training.rs"]
mod training;

use ndfuse::prelude::*;
use ndfuse::{Error, Result};

/// The GPU; `None`, and a word about it, without one.
fn gpu() -> Option<Device> {
    match Device::cuda(0) {
        Ok(device) => Some(device),
        Err(why) if std::env::var("NDFUSE_REQUIRE_CUDA").is_ok_and(|v| v == "1") => panic!("no GPU: {why}"),
        Err(why) => {
            eprintln!("skipped: {}", why.to_string().lines().next().unwrap_or_default());
            None
        }
    }
}

macro_rules! on_a_gpu {
    ($($module:ident::$test:ident,)*) => {$(
        #[test]
        fn $test() -> Result<()> {
            match gpu() {
                Some(device) => $module::$test(&device),
                None => Ok(()),
            }
        }
    )*};
}

each_case!(on_a_gpu);

#[test]
fn it_says_what_it_is() -> Result<()> {
    let Some(device) = gpu() else { return Ok(()) };
    let info = device.info();
    assert!(info.memory.is_some_and(|bytes| bytes > 1 << 28) && info.units > 0 && info.compiler.is_some(), "{info}");
    eprintln!("{info}");
    device.synchronise()
}

#[test]
fn the_same_call_has_the_same_bits() -> Result<()> {
    let Some(device) = gpu() else { return Ok(()) };
    let (x, w) = (results::wave((513, 700), 1)?.to_device(&device)?, results::wave((700, 130), 2)?.to_device(&device)?);
    let b = results::wave((130,), 3)?.to_device(&device)?;
    let call = || -> Result<Vec<u32>> {
        let ((sums, _), product) = (functions::columns(&x)?, functions::linear(&functions::soft(&x)?, &w, &b)?);
        let all = sums.to_host()?.to_vec()?.into_iter().chain(product.to_host()?.to_vec()?);
        Ok(all.map(f32::to_bits).collect())
    };
    let first = call()?;
    for _ in 0..20 {
        assert!(call()? == first);
    }
    Ok(())
}

#[test]
fn more_than_there_is_is_an_error_and_the_next_call_works() -> Result<()> {
    let Some(device) = gpu() else { return Ok(()) };
    let x = results::wave((1000,), 1)?.to_device(&device)?;
    // More than any device's memory: one number, repeated a hundred times a billion.
    let many = x.slice::<(usize,)>(0, Some(0), Some(1), 1)?.broadcast_to((100_000_000_000,))?;
    assert!(matches!(functions::scaled(&many, 2.0), Err(Error::OutOfMemory { .. })));
    assert_eq!(functions::scaled(&x, 1.0)?.len(), 1000);
    Ok(())
}

#[test]
fn a_device_that_is_not_there_is_an_error() {
    assert!(matches!(Device::cuda(9999), Err(Error::DeviceUnavailable(_))));
}
