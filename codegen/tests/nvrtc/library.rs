//! NVRTC, loaded at run time: source in, what it complains of out.
//!
//! The one place of these tests that calls foreign functions.

use libloading::Library;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr;

type Program = *mut c_void;
type Status = c_int;

/// An open library.
pub struct Nvrtc {
    library: Library,
    /// Its second half, which it looks for only where the loader looks.
    _builtins: Option<Library>,
}

impl Nvrtc {
    /// Opens the library that `NDFUSE_NVRTC` names, else the one that the
    /// loader finds.
    pub fn open() -> Result<Nvrtc, String> {
        let path = std::env::var_os("NDFUSE_NVRTC").unwrap_or_else(|| "libnvrtc.so.13".into());
        let builtins = Path::new(&path).with_file_name("libnvrtc-builtins.so.13.0");
        // SAFETY: NVRTC's initialisers ask nothing of the program that loads it.
        let (builtins, library) = unsafe { (Library::new(builtins).ok(), Library::new(&path)) };
        library.map(|library| Nvrtc { library, _builtins: builtins }).map_err(|why| why.to_string())
    }

    /// Compiles a translation unit to machine code, for an architecture that is named so, as `sm_90`; to none for one
    /// like `compute_90`. The log, where it fails or warns.
    pub fn compile(&self, source: &str, options: &[&str]) -> Result<Vec<u8>, String> {
        let source = CString::new(source).map_err(|why| why.to_string())?;
        let options: Vec<CString> = options.iter().map(|o| CString::new(*o).expect("an option")).collect();
        let pointers: Vec<*const c_char> = options.iter().map(|o| o.as_ptr()).collect();
        // SAFETY: the signatures are those of `nvrtc.h` 13.0; every pointer is to
        // memory that outlives the call, and the program is destroyed once.
        unsafe {
            type Create = unsafe extern "C" fn(
                *mut Program,
                *const c_char,
                *const c_char,
                c_int,
                *const *const c_char,
                *const *const c_char,
            ) -> Status;
            type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> Status;
            type Destroy = unsafe extern "C" fn(*mut Program) -> Status;
            let create = self.function::<Create>(c"nvrtcCreateProgram")?;
            let compile = self.function::<Compile>(c"nvrtcCompileProgram")?;
            let destroy = self.function::<Destroy>(c"nvrtcDestroyProgram")?;
            let mut program: Program = ptr::null_mut();
            let name = c"kernels.cu";
            check("create", create(&mut program, source.as_ptr(), name.as_ptr(), 0, ptr::null(), ptr::null()))?;
            let status = compile(program, pointers.len() as c_int, pointers.as_ptr());
            let log = self.text(program, c"nvrtcGetProgramLogSize", c"nvrtcGetProgramLog")?;
            let code = self.size(program, c"nvrtcGetPTXSize")?;
            let machine = match status {
                0 => self.bytes(program, c"nvrtcGetCUBINSize", c"nvrtcGetCUBIN")?,
                _ => Vec::new(),
            };
            destroy(&mut program);
            match (status, log.trim(), code) {
                (0, "", 1..) => Ok(machine),
                (0, "", 0) => Err("no code".into()),
                (_, log, _) => Err(log.into()),
            }
        }
    }

    /// # Safety
    /// `F` must be the type of the function of this name.
    unsafe fn function<F: Copy>(&self, name: &CStr) -> Result<F, String> {
        // SAFETY: by the contract of this function.
        let symbol = unsafe { self.library.get::<F>(name.to_bytes_with_nul()) };
        symbol.map(|s| *s).map_err(|why| why.to_string())
    }

    /// # Safety
    /// The program must be alive, and the name that of a function that answers a
    /// size.
    unsafe fn size(&self, program: Program, name: &CStr) -> Result<usize, String> {
        type Size = unsafe extern "C" fn(Program, *mut usize) -> Status;
        let mut size = 0;
        // SAFETY: by the contract of this function.
        let status = unsafe { self.function::<Size>(name)?(program, &mut size) };
        check("size", status).map(|()| size)
    }

    /// # Safety
    /// As for [`Nvrtc::bytes`].
    unsafe fn text(&self, program: Program, size: &CStr, get: &CStr) -> Result<String, String> {
        // SAFETY: by the contract of this function.
        let mut bytes = unsafe { self.bytes(program, size, get)? };
        bytes.retain(|&b| b != 0);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// # Safety
    /// As for [`Nvrtc::size`]; `get` fills so many bytes.
    unsafe fn bytes(&self, program: Program, size: &CStr, get: &CStr) -> Result<Vec<u8>, String> {
        type Get = unsafe extern "C" fn(Program, *mut c_char) -> Status;
        // SAFETY: by the contract of this function.
        unsafe {
            let mut bytes = vec![0u8; self.size(program, size)?];
            if !bytes.is_empty() {
                check("bytes", self.function::<Get>(get)?(program, bytes.as_mut_ptr().cast()))?;
            }
            Ok(bytes)
        }
    }
}

fn check(what: &str, status: Status) -> Result<(), String> {
    if status == 0 { Ok(()) } else { Err(format!("nvrtc: {what}: status {status}")) }
}
