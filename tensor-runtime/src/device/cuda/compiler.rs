//! NVRTC: CUDA C in, machine code out.
//!
//! In: a text, options. Out: a cubin. Always: the library is looked for once a process, where the loader looks, and at the
//! path in `NDFUSE_NVRTC`; it needs no driver and no GPU. Next: [`super::device`].

use std::ffi::{CStr, CString, c_char, c_int};
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use cudarc::nvrtc::sys::{self, nvrtcProgram, nvrtcResult};

use super::super::driver::{Answer, Refusal, Version};
use super::library;
use crate::error::DeviceFault;

library::functions! {
    /// NVRTC's functions.
    Functions: nvrtcResult {
        nvrtcVersion(*mut c_int, *mut c_int);
        nvrtcCreateProgram(
            *mut nvrtcProgram, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char,
        );
        nvrtcDestroyProgram(*mut nvrtcProgram);
        nvrtcCompileProgram(nvrtcProgram, c_int, *const *const c_char);
        nvrtcGetProgramLogSize(nvrtcProgram, *mut usize);
        nvrtcGetProgramLog(nvrtcProgram, *mut c_char);
        nvrtcGetCUBINSize(nvrtcProgram, *mut usize);
        nvrtcGetCUBIN(nvrtcProgram, *mut c_char);
    }
    plain {
        nvrtcGetErrorString(u32) -> *const c_char;
    }
}

/// The first that knows all of the texts: parameters that are `__grid_constant__` are the youngest part.
const OLDEST: Version = Version(11, 7);
/// Names the library's file.
const VARIABLE: &str = "NDFUSE_NVRTC";
/// The option that names the device's architecture.
const ARCHITECTURE: &str = "--gpu-architecture";
const SUCCESS: u32 = nvrtcResult::NVRTC_SUCCESS as u32;
const OPTION: u32 = nvrtcResult::NVRTC_ERROR_INVALID_OPTION as u32;
const MEMORY: u32 = nvrtcResult::NVRTC_ERROR_OUT_OF_MEMORY as u32;

/// The compiler and its version; `None` where there is none that will do.
fn found() -> Option<&'static (Functions, Version)> {
    static FOUND: OnceLock<Option<(Functions, Version)>> = OnceLock::new();
    let find = || {
        if let Some(path) = std::env::var_os(VARIABLE) {
            preload(Path::new(&path));
        }
        // SAFETY: these are functions of NVRTC's, whose parameters the bindings have checked, and whose codes are an `enum` of
        // C's.
        let functions = unsafe { Functions::of(library::open("nvrtc", Some(VARIABLE))?) }.ok()?;
        let (mut major, mut minor): (c_int, c_int) = (0, 0);
        // SAFETY: it writes two numbers.
        let status = unsafe { (functions.nvrtcVersion)(&mut major, &mut minor) };
        let found = Version(major.unsigned_abs(), minor.unsigned_abs());
        (status == SUCCESS && found >= OLDEST).then_some((functions, found))
    };
    FOUND.get_or_init(find).as_ref()
}

/// The compiler's version; `None` where there is none that will do.
pub(super) fn version() -> Option<Version> {
    found().map(|(_, version)| *version)
}

/// Opens the second half of the library at this path, so that the loader knows it by its name.
fn preload(path: &Path) {
    let folder = path.parent().and_then(|folder| std::fs::read_dir(folder).ok());
    let beside = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    let half = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("nvrtc-builtins.so"));
    // It stays for as long as the process.
    beside.filter(|path| half(path)).filter_map(|path| library::load(&path)).for_each(std::mem::forget);
}

/// A program of NVRTC's, which is gone with this.
struct Program(nvrtcProgram, &'static Functions);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: it was made by `nvrtcCreateProgram` and is destroyed once.
        unsafe { (self.1.nvrtcDestroyProgram)(&mut self.0) };
    }
}

/// The machine code of a text.
pub(in crate::device) fn compile(source: &str, options: &[String]) -> Answer<Vec<u8>> {
    let (nvrtc, version) = found().ok_or(DeviceFault::NoCompiler)?;
    let check = |code, call| nvrtc.check(code, call);
    let text = |text: &str| CString::new(text).map_err(|_| failed("a text with a zero"));
    let source = text(source)?;
    let texts = options.iter().map(|option| text(option)).collect::<Answer<Vec<CString>>>()?;
    let pointers: Vec<*const c_char> = texts.iter().map(|option| option.as_ptr()).collect();
    let mut program = Program(ptr::null_mut(), nvrtc);
    // SAFETY: the texts outlive the calls, the lists of headers are empty, and what is written has the size that was asked for.
    unsafe {
        let (name, none) = (c"kernel.cu".as_ptr(), ptr::null());
        let made = (nvrtc.nvrtcCreateProgram)(&mut program.0, source.as_ptr(), name, 0, none, none);
        check(made, "nvrtcCreateProgram")?;
        let compiled = (nvrtc.nvrtcCompileProgram)(program.0, pointers.len() as c_int, pointers.as_ptr());
        if compiled != SUCCESS {
            let mut size = 0;
            check((nvrtc.nvrtcGetProgramLogSize)(program.0, &mut size), "nvrtcGetProgramLogSize")?;
            let mut log = vec![0u8; size.max(1)];
            check((nvrtc.nvrtcGetProgramLog)(program.0, log.as_mut_ptr().cast()), "nvrtcGetProgramLog")?;
            let log = String::from_utf8_lossy(&log);
            if compiled == OPTION && log.contains(ARCHITECTURE) {
                return Err(other(*version, options));
            }
            return Err(failed(&format!("{}: {}", nvrtc.text(compiled), log.trim_matches(['\0', '\n']))));
        }
        let mut size = 0;
        check((nvrtc.nvrtcGetCUBINSize)(program.0, &mut size), "nvrtcGetCUBINSize")?;
        let mut code = vec![0u8; size];
        check((nvrtc.nvrtcGetCUBIN)(program.0, code.as_mut_ptr().cast()), "nvrtcGetCUBIN")?;
        Ok(code)
    }
}

impl Functions {
    fn check(&self, code: u32, call: &str) -> Answer<()> {
        match code {
            SUCCESS => Ok(()),
            MEMORY => Err(Refusal::OutOfMemory),
            other => Err(failed(&format!("{call}: {}", self.text(other)))),
        }
    }

    /// What NVRTC says of a code.
    fn text(&self, code: u32) -> String {
        // SAFETY: it takes any number, and answers a text that it keeps, or null.
        let text = unsafe { (self.nvrtcGetErrorString)(code) };
        match text.is_null() {
            true => format!("error {code}"),
            // SAFETY: a text of the library's ends with a zero and lives as long as the process.
            false => unsafe { CStr::from_ptr(text) }.to_string_lossy().into(),
        }
    }
}

/// The compiler is not the one for the architecture among these options.
fn other(version: Version, options: &[String]) -> Refusal {
    let architecture = options.iter().find_map(|option| option.strip_prefix(ARCHITECTURE)?.strip_prefix('='));
    let compiler = format!("NVRTC {version}").into();
    DeviceFault::OtherCompiler { compiler, architecture: architecture.unwrap_or_default().into() }.into()
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
        assert!(found >= OLDEST);
        let source = "extern \"C\" __global__ void f(float* x) { x[threadIdx.x] = 1.0f; }";
        let code = compile(source, &options("--gpu-architecture=sm_90")).expect("a good text");
        assert!(code.starts_with(b"\x7fELF"), "a cubin, not PTX");
        let fault = |source: &str, architecture: &str| match compile(source, &options(architecture)) {
            Err(Refusal::Fault(fault @ DeviceFault::Failed { .. })) => fault.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(fault("void f( {", "--gpu-architecture=sm_90").contains("kernel.cu(1): error"));
        match compile(source, &options("--gpu-architecture=sm_1")) {
            Err(Refusal::Fault(fault @ DeviceFault::OtherCompiler { .. })) => {
                let wanted = format!("NVRTC {found} does not know the device's architecture, sm_1");
                assert!(fault.to_string().ends_with(&wanted), "{fault}");
            }
            other => panic!("{other:?}"),
        }
        assert!(fault("\0", "--gpu-architecture=sm_90").contains("a zero"));
    }
}
