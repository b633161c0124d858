//! The way to CUDA's libraries, without a GPU: the runtime finds and calls stand-ins for the driver, for cuBLASLt and for NVRTC,
//! which the system's C++ compiler makes of `cuda.cpp`, `blas.cpp` and `nvrtc.cpp`.
//!
//! In: nothing. Out: each case in a process of its own, for libraries are found once a process. Always: what the stand-ins are
//! called with is looked at by them; codes that no bindings have, functions that are missing, an old driver are typed errors.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use ndfuse::prelude::*;
use ndfuse::{Error, Pinned, Products, Result};

tensor! {
    fn product<A, B, C>(x: f64[A, B], y: f64[B, C]) -> f64[A, C] { x @ y }
    fn turned<N, A, B, C>(x: f32[N, A, B], y: f32[N, C, B]) -> f32[N, C, A] { y @ x.transpose(0, 2, 1) }
    fn soft<B, C>(x: f64[B, C]) -> f64[B, C] { softmax(x) }
    fn affine<B, I, O>(x: f32[B, I], w: f32[I, O], b: f32[O]) -> f32[B, O] { x @ w + b }
}

/// A case: its name, the environment of its process, and what it does there.
type Case = (&'static str, &'static [(&'static str, &'static str)], fn() -> Result<()>);

const CASES: &[Case] = &[
    ("copies_and_events", &[], copies_and_events),
    ("copies_without_pools", &[("STUB_POOLS", "0")], copies_and_events),
    ("products", &[], products),
    ("products_in_tf32", &[("STUB_TF32", "1")], products_in_tf32),
    ("vectors", &[], vectors),
    ("no_way", &[("STUB_WAYS", "0")], || no_library_product(&Products::Library("cuBLASLt 13.4".into()))),
    ("a_way_of_another_state", &[("STUB_STATE", "54321")], || {
        no_library_product(&Products::Library("cuBLASLt 13.4".into()))
    }),
    ("library_off", &[("NDFUSE_CUBLASLT", "off")], || no_library_product(&Products::Off)),
    ("library_does_not_begin", &[("STUB_FAIL", "cublasLtCreate:54321")], || {
        let why = "cuBLASLt 13.4 failed at cublasLtCreate: error 54321";
        no_library_product(&Products::Unusable(why.into()))
    }),
    ("library_fails", &[("STUB_FAIL", "cublasLtMatmul:14")], || {
        let x = whole((2, 2))?.to_device(&Device::cuda(0)?)?;
        said(product(&x, &x), "cuda:0 failed at cublasLtMatmul: CUBLAS_STATUS_INTERNAL_ERROR\n")
    }),
    ("unknown_code", &[("STUB_FAIL", "cuMemcpyDtoHAsync_v2:54321")], || {
        let x = whole((2, 2))?.to_device(&Device::cuda(0)?)?;
        said(x.to_host(), "cuda:0 failed at cuMemcpyDtoHAsync_v2: error 54321\n")
    }),
    ("lost", &[("STUB_FAIL", "cuEventRecord:700")], || {
        let (device, x) = (Device::cuda(0)?, whole((2, 2))?);
        said(x.to_device(&device), "cuda:0 was lost: cuEventRecord answers CUDA_ERROR_ILLEGAL_ADDRESS\n")?;
        said(device.synchronise(), "cuda:0 was lost: ")?;
        said(Device::cuda(0), "cuda:0 was lost: ")
    }),
    ("no_memory", &[("STUB_FAIL", "cuMemAllocAsync:2")], || {
        said(whole((2, 2))?.to_device(&Device::cuda(0)?), "out of memory: 256 bytes on cuda:0\n  = help: drop")
    }),
    ("no_pinned_memory", &[("STUB_FAIL", "cuMemHostAlloc:2")], || {
        let (device, x) = (Device::cuda(0)?, whole((2, 2))?);
        assert_eq!(x.to_device(&device)?.to_host()?, x);
        said(Pinned::<f32, _>::zeros((2,), &device).map(|_| ()), "out of memory: ")
    }),
    ("second_stream", &[("STUB_FAIL", "cuStreamCreate:2")], || said(Device::cuda(0), "out of memory: ")),
    ("no_driver", &[("LD_LIBRARY_PATH", "")], || match Device::cuda(0) {
        // A machine that has one.
        Ok(_) => Ok(()),
        Err(error) => {
            assert!(error.to_string().contains("= help: install NVIDIA's driver"), "{error}");
            said(Err::<(), _>(error), "cuda:0 is not available: ")
        }
    }),
    ("no_gpu", &[("STUB_FAIL", "cuInit:100")], || {
        said(Device::cuda(0), "cuda:0 is not available: the CUDA driver finds no GPU\n")
    }),
    ("stand_in", &[("STUB_FAIL", "cuInit:34")], || {
        said(Device::cuda(0), "cuda:0 is not available: there is no CUDA driver on this machine\n")
    }),
    ("old_driver", &[("STUB_VERSION", "11080")], || {
        said(
            Device::cuda(0),
            "cuda:0 is not available: its driver is for CUDA 11.8, but 12.0 is needed\n  = help: update",
        )
    }),
    ("one_device", &[], || {
        said(Device::cuda(1), "cuda:1 is not available: this machine has 1 CUDA device(s), numbered from 0\n")
    }),
    ("no_devices", &[("STUB_COUNT", "0")], || {
        said(Device::cuda(0), "cuda:0 is not available: the CUDA driver finds no GPU\n")
    }),
    ("launches", &[COMPILER], || {
        let device = Device::cuda(0)?;
        assert_eq!(device.info().compiler.as_deref(), Some("NVRTC 13.0"));
        let x = whole((300, 20))?.to_device(&device)?;
        // The second kernel is the runtime's own: the copy of a view.
        soft(&x)?.transpose().reshape((6000,))?.to_host().map(|_| ())
    }),
    ("launch_is_refused", &[COMPILER, ("STUB_FAIL", "cuLaunchKernel:701")], || {
        let x = whole((2, 2))?.to_device(&Device::cuda(0)?)?;
        said(soft(&x), "cuda:0 failed at cuLaunchKernel: CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES\n  = help: ")?;
        assert_eq!(x.to_host()?, whole((2, 2))?);
        Ok(())
    }),
    ("launch_loses_the_device", &[COMPILER, ("STUB_FAIL", "cuLaunchKernel:719")], || {
        let x = whole((2, 2))?.to_device(&Device::cuda(0)?)?;
        said(
            soft(&x),
            "cuda:0 was lost: cuLaunchKernel answers CUDA_ERROR_LAUNCH_FAILED\n  = help: start the process",
        )?;
        said(x.to_host(), "cuda:0 was lost: ")?;
        soft(&whole((2, 2))?).map(|_| ())
    }),
    ("a_text_of_errors", &[COMPILER, ("STUB_FAIL", "nvrtcCompileProgram:6")], || {
        let wanted =
            "cuda:0 failed at nvrtcCompileProgram: NVRTC_ERROR_COMPILATION: kernel.cu(1): error: it is asked for";
        said(soft(&whole((2, 2))?.to_device(&Device::cuda(0)?)?), wanted)
    }),
    ("an_unknown_architecture", &[COMPILER, ("STUB_NVRTC", "12.4"), ("STUB_ARCHITECTURE", "sm_80")], || {
        let wanted = "cuda:0 cannot compile kernels: NVRTC 12.4 does not know the device's architecture, sm_90\n  = help: install";
        said(soft(&whole((2, 2))?.to_device(&Device::cuda(0)?)?), wanted)
    }),
    ("an_old_compiler", &[COMPILER, ("STUB_NVRTC", "11.2")], || {
        let x = whole((2, 2))?.to_device(&Device::cuda(0)?)?;
        said(
            soft(&x),
            "cuda:0 cannot compile kernels: NVRTC, CUDA's run-time compiler, is not found\n  = help: install",
        )
    }),
    (
        "a_compiler_newer_than_the_driver",
        &[COMPILER, ("STUB_NVRTC", "13.2"), ("STUB_FAIL", "cuModuleLoadData:200")],
        || {
            let wanted = "cuda:0 is not available: its driver is for CUDA 13.0, but 13.2 is needed\n  = help: update";
            said(soft(&whole((2, 2))?.to_device(&Device::cuda(0)?)?), wanted)
        },
    ),
    ("code_that_is_none", &[COMPILER, ("STUB_FAIL", "cuModuleLoadData:200")], || {
        let wanted = "cuda:0 failed at cuModuleLoadData: CUDA_ERROR_INVALID_IMAGE\n  = help: ";
        said(soft(&whole((2, 2))?.to_device(&Device::cuda(0)?)?), wanted)
    }),
];

/// Names the stand-in for NVRTC, which else is not there.
const COMPILER: (&str, &str) = ("STUB_COMPILER", "libstub_nvrtc.so");

fn main() -> ExitCode {
    if let Ok(name) = std::env::var("STUB_CASE") {
        let case = CASES.iter().find(|case| case.0 == name).expect("a case of this name");
        return match case.2() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    let Some(folder) = libraries() else {
        eprintln!("skipped: no C++ compiler `c++` (CXX names another), or no Linux");
        return ExitCode::SUCCESS;
    };
    let run = |(name, variables, _): &&Case| {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.env("STUB_CASE", name).env("LD_LIBRARY_PATH", &folder).env("NDFUSE_CACHE", "off");
        let compiler = if variables.contains(&COMPILER) { COMPILER.1 } else { "absent" };
        command.env("NDFUSE_CUBLASLT", folder.join("libcublasLt.so")).env("NDFUSE_NVRTC", folder.join(compiler));
        let done = command.envs(variables.iter().copied()).status().is_ok_and(|status| status.success());
        println!("test {name} ... {}", if done { "ok" } else { "FAILED" });
        !done
    };
    let failed = CASES.iter().filter(run).count();
    println!("\n{} passed; {failed} failed", CASES.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}

/// The folder of the stand-ins.
fn libraries() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("driver");
    std::fs::create_dir_all(&folder).ok()?;
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    if !cfg!(target_os = "linux") || Command::new(&compiler).arg("--version").output().is_err() {
        return None;
    }
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/driver");
    for (source, library) in [("cuda.cpp", "libcuda.so"), ("blas.cpp", "libcublasLt.so"), ("nvrtc.cpp", COMPILER.1)] {
        let mut command = Command::new(&compiler);
        command.args(["-std=c++17", "-O1", "-shared", "-fPIC", "-o"]).arg(folder.join(library));
        command.arg(sources.join(source)).arg("-L").arg(&folder);
        // The products look at the driver's memory.
        if source == "blas.cpp" {
            command.arg("-lcuda");
        }
        assert!(command.status().is_ok_and(|status| status.success()), "{source} is C++");
    }
    Some(folder)
}

fn said<T>(answer: Result<T>, begin: &str) -> Result<()> {
    let text = answer.err().map(|error: Error| error.to_string()).unwrap_or_default();
    assert!(text.starts_with(begin), "{text:?} is not {begin:?}");
    Ok(())
}

/// Small whole numbers, whose sums are exact.
fn whole(shape: (usize, usize)) -> Result<Tensor<f64, (usize, usize)>> {
    Tensor::from_vec(shape, (0..shape.0 * shape.1).map(|k| (k * 7 % 11) as f64 - 5.0).collect())
}

fn copies_and_events() -> Result<()> {
    let device = Device::cuda(0)?;
    let info = device.info();
    let found = (info.units, info.memory, info.capability.as_deref(), info.driver.as_deref(), &*info.name);
    assert_eq!(found, (132, Some(1 << 34), Some("9.0"), Some("13.0"), "stub"));
    let x = whole((1000, 700))?;
    let there = x.to_device(&device)?;
    let (begin, end) = (device.event()?, device.event()?);
    begin.record()?;
    let copy = there.to_host_async()?;
    end.record()?;
    while !copy.is_done()? {}
    let back = copy.wait()?;
    assert!(back.is_locked() && back.to_tensor()? == x && there.to_host()? == x);
    for _ in 0..3 {
        let (y, memory) =
            back.to_tensor()?.to_device(&device)?.to_host_async()?.wait()?.to_device_async(&device)?.wait()?;
        assert!(y.to_host()? == x && memory.to_tensor()? == x);
    }
    let copied = there.slice::<(usize, usize)>(0, Some(1), None, 1)?.to_host_async()?.wait()?;
    assert_eq!(copied.to_tensor()?, x.slice(0, Some(1), None, 1)?);
    assert_eq!(begin.elapsed_ms(&end)?, 1.5);
    drop((back, there, begin, end));
    // Whatever was had is given back, each by its own function.
    device.release_memory()?;
    device.synchronise()
}

fn products() -> Result<()> {
    let device = Device::cuda(0)?;
    assert_eq!(device.info().products, Products::Library("cuBLASLt 13.4".into()));
    for (a, b, c) in [(5, 7, 3), (1, 4, 6), (6, 4, 1), (1, 1, 1), (30, 20, 10)] {
        let (x, y) = (whole((a, b))?, whole((b, c))?);
        let (dx, dy) = (x.to_device(&device)?, y.to_device(&device)?);
        assert_eq!(product(&dx, &dy)?.to_host()?, product(&x, &y)?);
        let (u, v) = (whole((b, a))?, whole((c, b))?);
        let (du, dv) = (u.to_device(&device)?, v.to_device(&device)?);
        assert_eq!(product(du.transpose(), dv.transpose())?.to_host()?, product(u.transpose(), v.transpose())?);
        // A part, which is aligned to an element alone.
        let part = |x: &Tensor<f64, _>| x.slice::<(usize, usize)>(1, Some((b > 1).into()), None, 1);
        let rows = |y: &Tensor<f64, _>| y.slice::<(usize, usize)>(0, Some((b > 1).into()), None, 1);
        assert_eq!(product(part(&dx)?, rows(&dy)?)?.to_host()?, product(part(&x)?, rows(&y)?)?);
    }
    assert_eq!(device.library_products(), 15);
    batches(&device)
}

fn batches(device: &Device) -> Result<()> {
    let single = |n: usize| Tensor::from_vec((3, n, 5), (0..15 * n).map(|k| (k * 7 % 11) as f32 - 5.0).collect());
    let (x, y) = (single(4)?, single(6)?);
    assert_eq!(turned(&x.to_device(device)?, &y.to_device(device)?)?.to_host()?, turned(&x, &y)?);
    Ok(())
}

/// With a vector that is added: whole numbers, aligned as the pool has it and to 16 bytes alone.
fn vectors() -> Result<()> {
    let device = Device::cuda(0)?;
    let single = |n: usize| (0..n).map(|k| (k * 7 % 11) as f32 - 5.0).collect::<Vec<f32>>();
    let (x, w) = (Tensor::from_vec((5, 260), single(1300))?, Tensor::from_vec((260, 6), single(1560))?);
    let (dx, dw) = (x.to_device(&device)?, w.to_device(&device)?);
    let long = Tensor::from_vec((14,), single(14))?;
    let there = long.to_device(&device)?;
    for from in [0, 4, 8] {
        let part = |b: &Tensor<f32, (usize,)>| b.slice::<(usize,)>(0, Some(from), Some(from + 6), 1);
        assert_eq!(affine(&dx, &dw, part(&there)?)?.to_host()?, affine(&x, &w, part(&long)?)?);
    }
    assert_eq!(device.library_products(), 3);
    device.synchronise()
}

fn products_in_tf32() -> Result<()> {
    let device = Device::cuda(0)?;
    device.allow_tf32(true);
    batches(&device)?;
    device.allow_tf32(false);
    // Without it the stand-in is asked for what it does not have here, and the kernel has no compiler.
    said(batches(&device), "cuda:0 cannot compile kernels: NVRTC")
}

/// Without a library's product the kernel does it, which has no compiler here.
fn no_library_product(expected: &Products) -> Result<()> {
    let device = Device::cuda(0)?;
    assert_eq!(device.info().products, *expected);
    let x = whole((2, 2))?.to_device(&device)?;
    said(product(&x, &x), "cuda:0 cannot compile kernels: NVRTC")?;
    assert_eq!((device.library_products(), x.to_host()?), (0, whole((2, 2))?));
    Ok(())
}
