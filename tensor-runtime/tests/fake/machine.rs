//! CUDA text on the host: compiled to a library by the system's C++ compiler, whose bytes are the "machine code".

#[path = "../../../codegen/tests/emulate/flags.rs"]
mod flags;

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::Library;
use ndfuse_runtime::DeviceFault;
use ndfuse_runtime::device::driver::Refusal;

use flags::FLAGS;

/// What a kernel finds on a GPU.
const HEADER: &str = include_str!("../../../codegen/tests/emulate/cuda.hpp");

/// How the text of each kernel begins, up to the bounds of its launch, which its name follows.
const KERNEL: &str = "extern \"C\" __global__ void __launch_bounds__(";

/// Calls a kernel with the addresses of its arguments, as CUDA does.
const CALL: &str = "
#include <utility>
template <typename... A, size_t... I> static void nd_call(void (*f)(A...), void** a, std::index_sequence<I...>) {
    f(*(A*)a[I]...);
}
template <typename... A> static void nd_apply(void (*f)(A...), void** a) {
    nd_call(f, a, std::index_sequence_for<A...>());
}
ENTRY unsigned long long nd_meetings() { return emulated::meetings; }
";

type Meetings = unsafe extern "C" fn() -> u64;
type Entry = unsafe extern "C" fn(*mut *mut c_void, u32, u32, u32) -> i32;

/// Libraries and functions that are loaded, by number.
#[derive(Default)]
pub struct Machine {
    libraries: Vec<Library>,
    functions: Vec<(Entry, Meetings)>,
    /// How often threads of kernels met.
    met: AtomicU64,
}

impl super::Fake {
    /// How often threads of kernels met so far, all of a block or of a warp: that is, how much they did together.
    pub fn meetings(&self) -> u64 {
        self.state().machine.met.load(Ordering::Relaxed)
    }
}

/// The compiler with its version, if there is one.
pub fn compiler() -> Option<Box<str>> {
    static FOUND: OnceLock<Option<Box<str>>> = OnceLock::new();
    let find = || {
        let out = Command::new(program()).arg("--version").output().ok()?;
        String::from_utf8_lossy(&out.stdout).lines().next().map(Box::from)
    };
    FOUND.get_or_init(find).clone()
}

fn program() -> String {
    std::env::var("CXX").unwrap_or_else(|_| "c++".into())
}

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fake");
    std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
    folder
}

/// A file that nobody else writes.
fn own_file(kind: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    folder().join(format!("{}-{}.{kind}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// NVIDIA's compiler, where it is, reads each text too, with the very options.
fn read_by_nvrtc(source: &str, options: &[String]) -> Result<(), String> {
    static READ: Mutex<BTreeSet<u64>> = Mutex::new(BTreeSet::new());
    let mut hasher = DefaultHasher::new();
    (source, options).hash(&mut hasher);
    if !READ.lock().unwrap_or_else(PoisonError::into_inner).insert(hasher.finish()) {
        return Ok(());
    }
    match ndfuse_runtime::device::compile(source, options) {
        Ok(code) if code.starts_with(b"\x7fELF") => Ok(()),
        Ok(_) => Err("no machine code".into()),
        Err(Refusal::Fault(DeviceFault::NoCompiler)) => Ok(()),
        Err(why) => Err(format!("{why:?}")),
    }
}

/// A library of the kernels in a text; the compiler's log if it is wrong.
pub fn compile(source: &str, options: &[String]) -> Result<Vec<u8>, String> {
    read_by_nvrtc(source, options)?;
    let names = source.split(KERNEL).skip(1).filter_map(|part| part.split_once(") ")?.1.split('(').next());
    let entry = |name: &str| {
        format!(
            "static void call_{name}(const long long* a) {{ nd_apply({name}, (void**)a); }}\n\
             ENTRY int run_{name}(void** a, unsigned blocks, unsigned threads, unsigned order) {{\n    \
             return emulated::launch(call_{name}, (const long long*)a, blocks, threads, order);\n}}\n"
        )
    };
    let entries: String = names.map(entry).collect();
    let text = format!("{HEADER}\n{source}\n{CALL}{entries}");
    let defines: Vec<&String> = options.iter().filter(|option| option.starts_with("-D")).collect();
    let mut hasher = DefaultHasher::new();
    (&text, &defines, compiler()).hash(&mut hasher);
    let kept = folder().join(format!("{:016x}.so", hasher.finish()));
    if let Ok(code) = std::fs::read(&kept) {
        return Ok(code);
    }
    let (file, library) = (own_file("cpp"), own_file("so"));
    std::fs::write(&file, text).map_err(|why| why.to_string())?;
    let mut command = Command::new(program());
    command.args(FLAGS);
    command.args(defines).arg(&file).arg("-o").arg(&library);
    let out = command.output().map_err(|why| why.to_string())?;
    let _ = std::fs::remove_file(&file);
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    let code = std::fs::read(&library).map_err(|why| why.to_string())?;
    std::fs::rename(&library, &kept).map_err(|why| why.to_string())?;
    Ok(code)
}

impl Machine {
    pub fn load(&mut self, code: &[u8]) -> Result<u64, String> {
        let file = own_file("so");
        std::fs::write(&file, code).map_err(|why| why.to_string())?;
        // SAFETY: the library, if it is one, has no initialisers but those of its static data.
        let library = unsafe { Library::new(&file) };
        let _ = std::fs::remove_file(&file);
        self.libraries.push(library.map_err(|why| why.to_string())?);
        Ok(self.libraries.len() as u64 - 1)
    }

    pub fn function(&mut self, module: u64, name: &str) -> Result<u64, String> {
        let library = self.libraries.get(module as usize).ok_or("no such module")?;
        // SAFETY: `compile` makes entries of this type for such names.
        let entry = unsafe { library.get::<Entry>(format!("run_{name}")) }.map_err(|why| why.to_string())?;
        // SAFETY: each library has this one.
        let meetings = unsafe { library.get::<Meetings>("nd_meetings") }.map_err(|why| why.to_string())?;
        self.functions.push((*entry, *meetings));
        Ok(self.functions.len() as u64 - 1)
    }

    /// # Safety
    /// The arguments are the addresses of values of the kernel's parameters, and the kernel with these is sound.
    pub unsafe fn launch(
        &self,
        function: u64,
        blocks: u32,
        threads: u32,
        arguments: &mut [*mut c_void],
    ) -> Result<(), String> {
        // One library may be loaded once for all devices, and has one set of threads.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let (entry, meetings) = self.functions.get(function as usize).ok_or("no such function")?;
        // Each launch has its threads run in another order.
        static ORDER: AtomicU32 = AtomicU32::new(0);
        let order = ORDER.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the library, which lives as long as this, answers a number of its own.
        let met = || unsafe { meetings() };
        let before = met();
        // SAFETY: the caller's promise.
        match unsafe { entry(arguments.as_mut_ptr(), blocks, threads, order) } {
            0 => {
                self.met.fetch_add(met() - before, Ordering::Relaxed);
                Ok(())
            }
            _ => Err("threads wait for ever, or shuffle outside of their mask".into()),
        }
    }
}
