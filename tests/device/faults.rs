//! What can go wrong on a device: each is an error of its own kind, and what comes after works.

use std::path::PathBuf;

use ndarray::array;
use ndfuse::prelude::*;
use ndfuse::{DeviceFault, Error, Result, io};
use ndfuse_runtime::device::driver::{Description, Refusal, Version};

use crate::fake::{self, Ask, Fake};
use crate::functions::*;
use crate::results::wave;

/// A call of many kinds of steps: uploads, a gather, products with epilogues, a scatter; its numbers' bits.
pub fn call(device: &Device) -> Result<Vec<u32>> {
    let (x, w1, w2) = (wave((6, 5), 1)?, wave((5, 7), 2)?, wave((7, 4), 3)?);
    let (x, w1, w2) = (x.to_device(device)?, w1.to_device(device)?, w2.to_device(device)?);
    let y = array![0i64, 3, 1, 1, 2, 0].to_device(device)?;
    let (loss, g) = network::value_and_grad(&x, &w1, &w2, &y)?;
    let rows = update(
        &g.w2,
        &y.slice::<(usize,)>(0, Some(0), Some(2), 1)?,
        &w2.slice::<(usize, usize)>(0, Some(0), Some(2), 1)?,
    )?;
    let flat = rows.transpose().reshape((28,))?;
    let mut all = loss.to_host()?.to_vec()?;
    all.extend(g.w1.to_host()?.to_vec()?);
    all.extend(scaled(&flat, 0.5)?.to_host()?.to_vec()?);
    Ok(all.into_iter().map(f32::to_bits).collect())
}

fn fault(error: &Error) -> &DeviceFault {
    match error {
        Error::DeviceUnavailable(unavailable) => &unavailable.fault,
        other => panic!("another error: {other}"),
    }
}

/// Makes the n-th call of this kind fail, for every n until none is left, and calls again each time.
fn every(ask: Ask, many: usize, refusal: Refusal, expected: impl Fn(&Error) -> bool) -> Result<usize> {
    every_on(fake::device(), ask, many, refusal, expected)
}

pub fn every_on(
    (device, fake): (Device, Fake),
    ask: Ask,
    many: usize,
    refusal: Refusal,
    expected: impl Fn(&Error) -> bool,
) -> Result<usize> {
    let wanted = call(&device)?;
    for nth in 0.. {
        device.release_memory()?;
        assert_eq!(fake.blocks(), 0, "nothing is left of the call before");
        fake.fail(ask, nth, many, refusal.clone());
        let found = call(&device);
        fake.heal();
        match found {
            Ok(found) => {
                assert_eq!(found, wanted);
                return Ok(nth);
            }
            Err(error) => assert!(expected(&error), "{ask:?} {nth}: {error}"),
        }
        assert_eq!(call(&device)?, wanted, "the call after {ask:?} {nth} has failed");
        fake.check();
    }
    unreachable!("there are no more numbers");
}

#[test]
fn whichever_allocation_fails_the_next_call_works() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let memory =
        |error: &Error| matches!(error, Error::OutOfMemory { device, bytes } if &**device == "cuda:0" && *bytes > 0);
    assert!(every(Ask::Allocate, usize::MAX, Refusal::OutOfMemory, memory)? > 10);
    // Where only one fails, what the pool gives back is enough.
    assert_eq!(every(Ask::Allocate, 1, Refusal::OutOfMemory, memory)?, 0);
    Ok(())
}

#[test]
fn whatever_else_fails_is_an_error_and_the_next_call_works() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let refusal = || Refusal::Fault(DeviceFault::Failed { call: "it", reason: "a reason".into() });
    let expected = |error: &Error| {
        error.to_string().starts_with("cuda:0 failed at it: a reason\n  = help: ")
            && matches!(fault(error), DeviceFault::Failed { .. })
    };
    for ask in [Ask::UploadLater, Ask::Download, Ask::Fill, Ask::Launch] {
        assert!(every(ask, 1, refusal(), expected)? >= 3, "{ask:?}");
    }
    let (device, fake) = fake::device();
    for (ask, nth) in [(Ask::Compile, 0), (Ask::Load, 0), (Ask::Compile, 2), (Ask::Load, 2)] {
        fake.fail(ask, nth, 1, refusal());
        assert!(expected(&call(&device).unwrap_err()), "{ask:?}");
        fake.heal();
    }
    assert_eq!(call(&device)?, call(&fake::device().0)?);
    Ok(())
}

#[test]
fn a_lost_device_is_asked_nothing_any_more() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    for ask in [Ask::Allocate, Ask::UploadLater, Ask::Launch, Ask::Download] {
        let (device, fake) = fake::device();
        let x = wave((3, 4), 1)?;
        let (there, kept) = (x.to_device(&device)?, soft(&x.to_device(&device)?)?);
        fake.fail(ask, 0, 1, Refusal::Fault(DeviceFault::Lost("it fell off the bus".into())));
        assert!(matches!(fault(&call(&device).unwrap_err()), DeviceFault::Lost(_)), "{ask:?}");
        let before = fake.calls();
        let errors = [
            soft(&there).unwrap_err(),
            there.to_host().unwrap_err(),
            x.to_device(&device).unwrap_err(),
            device.synchronise().unwrap_err(),
            device.release_memory().unwrap_err(),
        ];
        for error in errors {
            assert!(error.to_string().starts_with("cuda:0 was lost: it fell off the bus"), "{error}");
        }
        assert_eq!(soft(&x)?.device(), Device::Cpu, "the host goes on");
        drop((there, kept, device));
        assert_eq!(fake.calls(), before);
    }
    Ok(())
}

#[test]
fn memory_is_used_again_and_given_back_when_it_is_short() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = fake::device();
    let wanted = call(&device)?;
    let asked = fake.count(Ask::Allocate);
    for _ in 0..20 {
        assert_eq!(call(&device)?, wanted);
    }
    assert_eq!(fake.count(Ask::Allocate), asked, "later calls take what earlier ones left");
    // One large tensor fits only where the small ones that are free make room for it.
    let large = wave((100, 100), 1)?;
    let pooled = device.pooled() as usize;
    assert!(pooled > 0);
    fake.limit(pooled + 1000);
    drop(large.to_device(&device).map(|_| ()));
    fake.limit(41_000);
    let there = large.to_device(&device)?;
    assert!(matches!(large.to_device(&device), Err(Error::OutOfMemory { .. })));
    drop(there);
    assert_eq!(large.to_device(&device)?.to_host()?, large);
    device.release_memory()?;
    assert_eq!((fake.blocks(), device.pooled()), (0, 0));
    fake.check();
    Ok(())
}

#[test]
fn results_do_not_depend_on_the_machine() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let of = |multiprocessors| {
        let (device, _) = fake::device_like(0, None, |found| found.multiprocessors = multiprocessors);
        let x = wave((300, 70), 1)?.to_device(&device)?;
        let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        let ((sums, most), rows) = (columns(&x)?, soft(&x)?);
        let all = [sums.to_host()?.to_vec()?, most.to_host()?.to_vec()?, rows.to_host()?.to_vec()?].map(bits);
        Ok::<_, Error>((all, call(&device)?))
    };
    assert!(of(1)? == of(7)?);
    Ok(())
}

#[test]
fn threads_that_come_first_together_compile_once() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, fake) = fake::device();
    let x = wave((3, 50), 1)?;
    let (there, wanted) = (x.to_device(&device)?, soft(&x)?);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let found = soft(&there).and_then(|y| y.to_host()?.to_vec()).unwrap();
                found.iter().zip(wanted.to_vec().unwrap()).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
            });
        }
    });
    assert_eq!((fake.count(Ask::Compile), fake.count(Ask::Launch)), (1, 16));
    Ok(())
}

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("ndfuse-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn compiled_kernels_are_kept_on_disk() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let folder = Folder::new("kept");
    let at = || Some(folder.0.clone());
    let (first, fake) = fake::device_in(0, at());
    let wanted = call(&first)?;
    let compiled = fake.count(Ask::Compile);
    let (second, fake) = fake::device_in(1, at());
    assert_eq!((call(&second)?, fake.count(Ask::Compile)), (wanted.clone(), 0));
    // Another compiler, another architecture: nothing that is there will do.
    for change in
        [(|d: &mut Description| d.compiler = Some("another".into())) as fn(&mut Description), |d| d.capability.0 = 12]
    {
        let (other, fake) = fake::device_like(0, at(), change);
        assert_eq!((call(&other)?, fake.count(Ask::Compile)), (wanted.clone(), compiled));
    }
    // Damage is found by the checksum, or when the code is loaded.
    let entries = || std::fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().path());
    for path in entries() {
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
    }
    let (third, fake) = fake::device_in(0, at());
    assert_eq!((call(&third)?, fake.count(Ask::Compile)), (wanted.clone(), compiled));
    let (fourth, fake) = fake::device_in(0, at());
    fake.fail(Ask::Load, 0, 1, Refusal::Fault(DeviceFault::Failed { call: "load", reason: "no image".into() }));
    assert_eq!((call(&fourth)?, fake.count(Ask::Compile)), (wanted, 1));
    Ok(())
}

#[test]
fn halves_are_multiplied_without_tensor_cores_too() -> Result<()> {
    if !fake::runs_kernels() {
        return Ok(());
    }
    let (device, _) = fake::device_like(0, None, |found| found.capability = Version(7, 5));
    crate::halves::halves_are_the_hosts(&device)
}

#[test]
fn without_a_compiler_no_kernel_runs() -> Result<()> {
    let (device, _) = fake::device_like(0, None, |found| found.compiler = None);
    let x = wave((3, 4), 1)?;
    let there = x.to_device(&device)?;
    let error = soft(&there).unwrap_err();
    assert_eq!(fault(&error), &DeviceFault::NoCompiler);
    assert!(error.to_string().contains("NVRTC") && error.to_string().contains("= help: install it"), "{error}");
    assert_eq!(there.to_host()?, x);
    Ok(())
}

#[test]
fn a_kernel_with_more_parameters_than_a_device_takes_is_an_error() -> Result<()> {
    let (device, fake) = fake::device_like(0, None, |found| found.parameters = 40);
    let x = wave((3, 4), 1)?;
    let there = x.to_device(&device)?;
    let error = soft(&there).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, Error::Unsupported { operation, .. } if operation.contains("soft")), "{text}");
    assert!(text.contains("bytes, of 40 on cuda:0\n  = help: split the function"), "{text}");
    assert_eq!((fake.count(Ask::Compile), fake.count(Ask::Launch)), (0, 0), "it is not even compiled");
    assert_eq!((there.to_host()?, soft(&x)?.device()), (x, Device::Cpu));
    fake.check();
    Ok(())
}

#[test]
fn what_is_elsewhere_says_where_and_how_to_get_it() -> Result<()> {
    let ((device, fake), (other, _)) = (fake::device(), fake::device_in(1, None));
    let x = wave((3, 4), 1)?;
    let mut there = x.to_device(&device)?;
    let host = "tensor is on cuda:0, but cpu is wanted: call `.to_host()`";
    assert_eq!(there.view().unwrap_err().to_string(), format!("view: {host}"));
    assert_eq!(there.view_mut().unwrap_err().to_string(), format!("view_mut: {host}"));
    assert_eq!(there.clone().into_array().unwrap_err().to_string(), format!("into_array: {host}"));
    assert_eq!(TensorView::from(&there).view().unwrap_err().to_string(), format!("view: {host}"));
    assert!(there.to_vec().is_err() && there.as_slice().is_none() && there.to_string().contains(host));
    let w = wave((4,), 2)?;
    let error = norm(&there, &w, &w.to_device(&device)?).unwrap_err();
    assert_eq!(error.to_string(), "norm: `w` is on cpu, but `x` is on cuda:0: call `.to_device(&device)`");
    let error = norm(&there, &w.to_device(&other)?, &w.to_device(&device)?).unwrap_err();
    assert_eq!(error.to_string(), "norm: `w` is on cuda:1, but `x` is on cuda:0: call `.to_device(&device)`");
    // From device to device, and into a file.
    let moved = there.transpose().to_device(&other)?;
    assert_eq!((moved.device(), moved.to_host()?), (other, x.transpose()));
    assert_eq!(there.to_device(&device)?.device(), device);
    let path = std::env::temp_dir().join(format!("ndfuse-{}.safetensors", std::process::id()));
    io::save(&path, [("x", there.into())])?;
    let size = std::fs::metadata(&path).map(|file| file.len());
    let _ = std::fs::remove_file(&path);
    assert!(size.is_ok_and(|size| size > 48));
    fake.check();
    Ok(())
}

#[test]
fn arrays_of_every_type_go_there_and_back() -> Result<()> {
    let (device, fake) = fake::device();
    macro_rules! round {
        ($($value:expr),*) => {$(
            let x = array![[$value, Default::default()], [$value, $value]];
            let there = x.to_device(&device)?;
            let back = there.slice::<(usize, usize)>(0, None, None, -1)?.to_host()?;
            assert_eq!(back.to_vec()?, [$value, $value, $value, Default::default()]);
            let nothing = there.slice::<(usize, usize)>(0, Some(2), None, 1)?;
            assert_eq!(nothing.to_host()?.len(), 0);
        )*};
    }
    round!(true, 1u8, -2i8, 3u16, -4i16, 5u32, -6i32, 7u64, -8i64, 1.5f32, -2.5f64);
    round!(ndfuse::f16::from_f32(0.5), ndfuse::bf16::from_f32(-3.0));
    fake.check();
    Ok(())
}
