//! NVRTC: CUDA C in, machine code out.
//!
//! In: a text, options. Out: a cubin. Always: the library is looked for once a process, where the loader looks, and at the
//! path in `NDFUSE_NVRTC`; it needs no driver and no GPU. Next: [`super::device`].

use std::ffi::{CString, c_char, c_int};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use cudarc::nvrtc::sys::{self, nvrtcResult};
use libloading::Library;

use super::super::driver::{Answer, Refusal, Version};
use crate::error::DeviceFault;

/// The compiler's version; `None` where there is none that will do.
pub(super) fn version() -> Option<Version> {
    static FOUND: OnceLock<Option<Version>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        if let Some(path) = std::env::var_os("NDFUSE_NVRTC") {
            preload(Path::new(&path));
        }
        // SAFETY: NVRTC's initialisers ask nothing of the program that loads it.
        if !unsafe { sys::is_culib_present() } {
            return None;
        }
        let (mut major, mut minor): (c_int, c_int) = (0, 0);
        // SAFETY: every NVRTC has this function, which writes two numbers.
        let status = unsafe { sys::nvrtcVersion(&mut major, &mut minor) };
        let found = Version(major.unsigned_abs(), minor.unsigned_abs());
        // The first that makes machine code.
        (status == nvrtcResult::NVRTC_SUCCESS && found >= Version(11, 2)).then_some(found)
    })
}

/// Opens the library at this path and its second half beside it, so that the loader knows them by their names.
fn preload(path: &Path) {
    let folder = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let beside = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    let half = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("nvrtc-builtins.so"));
    for library in beside.filter(|path| half(path)).chain([path.to_path_buf()]) {
        // SAFETY: NVRTC's initialisers ask nothing of the program that loads it.
        if let Ok(library) = unsafe { Library::new(library) } {
            // It stays for as long as the process.
            std::mem::forget(library);
        }
    }
}

/// A program of NVRTC's, which is gone with this.
struct Program(sys::nvrtcProgram);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: it was made by `nvrtcCreateProgram` and is destroyed once.
        unsafe { sys::nvrtcDestroyProgram(&mut self.0) };
    }
}

/// The machine code of a text.
pub(in crate::device) fn compile(source: &str, options: &[String]) -> Answer<Vec<u8>> {
    version().ok_or(DeviceFault::NoCompiler)?;
    let text = |text: &str| CString::new(text).map_err(|_| failed("a text with a zero"));
    let source = text(source)?;
    let options = options.iter().map(|option| text(option)).collect::<Answer<Vec<CString>>>()?;
    let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
    let mut program = Program(ptr::null_mut());
    // SAFETY: the texts outlive the calls, the lists of headers are empty, and what is written has the size that was asked for.
    unsafe {
        let (name, none) = (c"kernel.cu".as_ptr(), ptr::null());
        let made = sys::nvrtcCreateProgram(&mut program.0, source.as_ptr(), name, 0, none, none);
        check(made, "nvrtcCreateProgram")?;
        let compiled = sys::nvrtcCompileProgram(program.0, pointers.len() as c_int, pointers.as_ptr());
        if compiled != nvrtcResult::NVRTC_SUCCESS {
            let mut size = 0;
            check(sys::nvrtcGetProgramLogSize(program.0, &mut size), "nvrtcGetProgramLogSize")?;
            let mut log = vec![0u8; size.max(1)];
            check(sys::nvrtcGetProgramLog(program.0, log.as_mut_ptr().cast()), "nvrtcGetProgramLog")?;
            let log = String::from_utf8_lossy(&log);
            return Err(failed(&format!("{compiled:?}: {}", log.trim_matches(['\0', '\n']))));
        }
        let mut size = 0;
        check(sys::nvrtcGetCUBINSize(program.0, &mut size), "nvrtcGetCUBINSize")?;
        let mut code = vec![0u8; size];
        check(sys::nvrtcGetCUBIN(program.0, code.as_mut_ptr().cast()), "nvrtcGetCUBIN")?;
        Ok(code)
    }
}

fn check(result: nvrtcResult, call: &str) -> Answer<()> {
    match result {
        nvrtcResult::NVRTC_SUCCESS => Ok(()),
        nvrtcResult::NVRTC_ERROR_OUT_OF_MEMORY => Err(Refusal::OutOfMemory),
        other => Err(failed(&format!("{call}: {other:?}"))),
    }
}

fn failed(reason: &str) -> Refusal {
    DeviceFault::Failed { call: "nvrtcCompileProgram", reason: reason.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(architecture: &str) -> Vec<String> {
        ["--std=c++17", architecture].map(String::from).to_vec()
    }

    /// Where NVRTC is, which needs no GPU, it is the very way that kernels go.
    #[test]
    fn a_text_becomes_machine_code_or_says_what_is_wrong() {
        let required = std::env::var("NDFUSE_REQUIRE_NVRTC").is_ok_and(|v| v == "1");
        let Some(found) = version() else {
            assert!(!required, "no NVRTC");
            assert_eq!(compile("", &[]), Err(DeviceFault::NoCompiler.into()));
            return eprintln!("skipped: no NVRTC (NDFUSE_NVRTC names the library)");
        };
        assert!(found >= Version(11, 2));
        let source = "extern \"C\" __global__ void f(float* x) { x[threadIdx.x] = 1.0f; }";
        let code = compile(source, &options("--gpu-architecture=sm_90")).expect("a good text");
        assert!(code.starts_with(b"\x7fELF"), "a cubin, not PTX");
        let fault = |source: &str, architecture: &str| match compile(source, &options(architecture)) {
            Err(Refusal::Fault(fault @ DeviceFault::Failed { .. })) => fault.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(fault("void f( {", "--gpu-architecture=sm_90").contains("kernel.cu(1): error"));
        assert!(fault(source, "--gpu-architecture=sm_1").contains("architecture"));
        assert!(fault("\0", "--gpu-architecture=sm_90").contains("a zero"));
    }
}
