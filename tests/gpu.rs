//! Functions on the first GPU of this machine.
//!
//! In: the functions of `tests/device`. Out: the host's results, to rounding. Always: without a GPU these tests say so and
//! pass, unless `NDFUSE_REQUIRE_CUDA=1`. The test binary is self-contained: it can be carried to another machine.

#[macro_use]
#[path = "device/cases.rs"]
mod cases;
#[path = "device/copies.rs"]
mod copies;
#[path = "device/edges.rs"]
mod edges;
#[path = "device/functions.rs"]
mod functions;
#[path = "device/halves.rs"]
mod halves;
#[path = "device/masked.rs"]
mod masked;
#[path = "device/products.rs"]
mod products;
#[path = "device/results.rs"]
mod results;
#[path = "device/slices.rs"]
mod slices;
#[path = "device/training.rs"]
mod training;
#[path = "device/turned.rs"]
mod turned;

use std::time::{Duration, Instant};

use ndfuse::prelude::*;
use ndfuse::{Error, Pinned, Products, Result};

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

/// Where cuBLASLt is, it multiplies; the same bits each time, and `f32` in full unless TF32 is allowed.
#[test]
fn the_library_multiplies_where_it_is() -> Result<()> {
    let Some(device) = gpu() else { return Ok(()) };
    let info = device.info();
    let (x, y) = (results::wave((2, 300, 200), 1)?, results::wave((2, 150, 200), 2)?);
    let (dx, dy) = (x.to_device(&device)?, y.to_device(&device)?);
    let bits = |x: Tensor<f32, (usize, usize, usize)>| -> Result<Vec<u32>> {
        Ok(x.to_host()?.to_vec()?.into_iter().map(f32::to_bits).collect())
    };
    let before = device.library_products();
    let exact = functions::turned(&dx, &dy)?;
    match info.products {
        Products::Library(_) => assert!(device.library_products() > before, "cuBLASLt did not take a plain product"),
        other if std::env::var("NDFUSE_REQUIRE_CUBLASLT").is_ok_and(|v| v == "1") => panic!("no cuBLASLt: {other}"),
        other => eprintln!("no library: {other}"),
    }
    results::near(&exact, &functions::turned(&x, &y)?);
    let first = bits(exact)?;
    for _ in 0..20 {
        assert!(bits(functions::turned(&dx, &dy)?)? == first);
    }
    device.allow_tf32(true);
    let rounded = functions::turned(&dx, &dy);
    device.allow_tf32(false);
    // Factors have ten bits of fraction then, of sums of 200 products of numbers up to 3.
    for (a, b) in rounded?.to_host()?.to_vec()?.into_iter().zip(functions::turned(&x, &y)?.to_vec()?) {
        assert!((a - b).abs() < 200.0 * 9.0 / 512.0, "{a}, not {b}");
    }
    assert!(bits(functions::turned(&dx, &dy)?)? == first);
    Ok(())
}

/// A copy does not wait for the kernels before it: it is over while they are at work.
#[test]
fn a_copy_runs_beside_the_kernels() -> Result<()> {
    let Some(device) = gpu() else { return Ok(()) };
    let x = results::wave((4000, 4000), 1)?.to_device(&device)?;
    // The kernel, and the memory of the copy, are there from now on.
    let batch = Pinned::<f32, _>::zeros((1000,), &device)?.to_device_async(&device)?.wait()?.1;
    let mut y = functions::soft(&x)?;
    device.synchronise()?;
    let kernels = device.event()?;
    for _ in 0..800 {
        y = functions::soft(&y)?;
    }
    kernels.record()?;
    let begun = Instant::now();
    drop(batch.to_device_async(&device)?.wait()?);
    let copied = begun.elapsed();
    kernels.synchronise()?;
    let ended = begun.elapsed();
    eprintln!("the copy took {copied:?}, the kernels went on until {ended:?}");
    // If the kernels were quick, the host has waited for them while it asked.
    assert!(ended < Duration::from_millis(5) || copied < ended / 2);
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
