//! A device of the CUDA driver: its primary context, and one stream.
//!
//! In: what [`Driver`] asks for. Out: calls of the driver. Always: every call makes the context current first, for any thread
//! may come; everything goes to the one stream, in order; an error after which the driver answers nothing is
//! [`DeviceFault::Lost`]. Next: [`super::compiler`].

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;

use cudarc::driver::sys::{self, CUresult};

use super::super::driver::{Address, Answer, Description, Driver, Function, Module, Refusal, Version};
use super::compiler;
use crate::error::DeviceFault;

/// The driver from which on all that is called here exists.
const OLDEST: Version = Version(12, 0);
/// A stream that does not wait for the one of a process that names none.
const NON_BLOCKING: u32 = 1;

/// Calls a function of the driver, and names it in the error.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {
        // SAFETY: the driver is there and not older than `OLDEST`, so it has the function, with these parameters; each
        // pointer is to a local of the caller's that outlives the call, and handles are the device's own.
        check(stringify!($function), unsafe { sys::$function($($argument),*) })
    };
}

/// An open device.
pub(super) struct Device {
    number: sys::CUdevice,
    context: sys::CUcontext,
    stream: sys::CUstream,
    /// Whether memory is allocated and freed in the stream's order by the driver itself.
    ordered: bool,
    description: Description,
    process: u32,
}

// SAFETY: the driver's functions may be called from any thread, and handles are numbers to us.
unsafe impl Send for Device {}
// SAFETY: as above; the driver locks what it must.
unsafe impl Sync for Device {}

impl Device {
    pub(super) fn open(number: usize) -> Answer<Device> {
        // SAFETY: opening the driver's library runs its initialisers, which ask nothing of the program.
        if !unsafe { sys::is_culib_present() } {
            return Err(DeviceFault::NoDriver.into());
        }
        call!(cuInit(0))?;
        let mut version: c_int = 0;
        call!(cuDriverGetVersion(&mut version))?;
        let driver = Version(version as u32 / 1000, version as u32 % 1000 / 10);
        if driver < OLDEST {
            return Err(old(driver, OLDEST));
        }
        let mut count: c_int = 0;
        call!(cuDeviceGetCount(&mut count))?;
        match usize::try_from(count) {
            Ok(0) | Err(_) => return Err(DeviceFault::NoGpu.into()),
            Ok(count) if number >= count => return Err(DeviceFault::NoSuchDevice { count }.into()),
            Ok(_) => {}
        }
        let mut device: sys::CUdevice = 0;
        call!(cuDeviceGet(&mut device, number as c_int))?;
        let attribute = |which| {
            let mut value: c_int = 0;
            call!(cuDeviceGetAttribute(&mut value, which, device)).map(|()| value.unsigned_abs())
        };
        use sys::CUdevice_attribute as Of;
        let mut memory = 0usize;
        call!(cuDeviceTotalMem_v2(&mut memory, device))?;
        let description = Description {
            name: name(device)?,
            capability: Version(
                attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            multiprocessors: attribute(Of::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            clock: 1000 * u64::from(attribute(Of::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)?),
            memory_clock: 1000 * u64::from(attribute(Of::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)?),
            memory_bus: attribute(Of::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH)?,
            doubles: attribute(Of::CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO)?,
            memory: memory as u64,
            driver,
            compiler: compiler::version().map(|version| format!("NVRTC {version}").into()),
        };
        let ordered = attribute(Of::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)? != 0;
        let (mut context, mut stream) = (ptr::null_mut(), ptr::null_mut());
        call!(cuDevicePrimaryCtxRetain(&mut context, device))?;
        let made = call!(cuCtxSetCurrent(context)).and_then(|()| call!(cuStreamCreate(&mut stream, NON_BLOCKING)));
        if let Err(refusal) = made {
            // The first error is the one to tell.
            let _ = call!(cuDevicePrimaryCtxRelease_v2(device));
            return Err(refusal);
        }
        Ok(Device { number: device, context, stream, ordered, description, process: std::process::id() })
    }

    /// Makes the context the calling thread's.
    fn enter(&self) -> Answer<()> {
        call!(cuCtxSetCurrent(self.context))
    }

    fn wait(&self) -> Answer<()> {
        call!(cuStreamSynchronize(self.stream))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // A forked process must not touch the driver.
        if self.process == std::process::id() && self.enter().is_ok() {
            let _ = call!(cuStreamDestroy_v2(self.stream));
            let _ = call!(cuDevicePrimaryCtxRelease_v2(self.number));
        }
    }
}

impl Driver for Device {
    fn description(&self) -> &Description {
        &self.description
    }

    fn allocate(&self, bytes: u64) -> Answer<Address> {
        self.enter()?;
        let (mut at, bytes) = (0, usize::try_from(bytes).map_err(|_| Refusal::OutOfMemory)?);
        match self.ordered {
            true => call!(cuMemAllocAsync(&mut at, bytes, self.stream))?,
            false => call!(cuMemAlloc_v2(&mut at, bytes))?,
        }
        Ok(at)
    }

    unsafe fn free(&self, at: Address) -> Answer<()> {
        self.enter()?;
        match self.ordered {
            true => call!(cuMemFreeAsync(at, self.stream)),
            // It waits for the device itself.
            false => call!(cuMemFree_v2(at)),
        }
    }

    unsafe fn upload(&self, to: Address, from: *const u8, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(cuMemcpyHtoDAsync_v2(to, from.cast(), bytes as usize, self.stream))?;
        self.wait()
    }

    unsafe fn download(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(cuMemcpyDtoHAsync_v2(to.cast(), from, bytes as usize, self.stream))?;
        self.wait()
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(cuMemcpyDtoDAsync_v2(to, from, bytes as usize, self.stream))
    }

    unsafe fn fill(&self, to: Address, word: u32, count: u64) -> Answer<()> {
        self.enter()?;
        call!(cuMemsetD32Async(to, word, count as usize, self.stream))
    }

    fn compile(&self, source: &str, options: &[String]) -> Answer<Vec<u8>> {
        compiler::compile(source, options)
    }

    fn load(&self, code: &[u8]) -> Answer<Module> {
        self.enter()?;
        let mut module = ptr::null_mut();
        call!(cuModuleLoadData(&mut module, code.as_ptr().cast())).map_err(|refusal| match compiler::version() {
            // Machine code of a compiler that is newer than the driver.
            Some(compiler) if compiler > self.description.driver && is_image(&refusal) => {
                old(self.description.driver, compiler)
            }
            Some(_) | None => refusal,
        })?;
        Ok(Module(module as u64))
    }

    fn function(&self, module: Module, name: &str) -> Answer<Function> {
        self.enter()?;
        let name = CString::new(name).map_err(|_| failed("cuModuleGetFunction", "a name with a zero"))?;
        let mut function = ptr::null_mut();
        call!(cuModuleGetFunction(&mut function, module.0 as sys::CUmodule, name.as_ptr()))?;
        Ok(Function(function as u64))
    }

    unsafe fn launch(
        &self,
        function: Function,
        blocks: u32,
        threads: u32,
        arguments: &mut [*mut c_void],
    ) -> Answer<()> {
        self.enter()?;
        let (function, arguments, none) = (function.0 as sys::CUfunction, arguments.as_mut_ptr(), ptr::null_mut());
        call!(cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, self.stream, arguments, none))
    }

    fn synchronise(&self) -> Answer<()> {
        self.enter()?;
        self.wait()
    }
}

fn name(device: sys::CUdevice) -> Answer<Box<str>> {
    let mut text = [0 as c_char; 256];
    // The last byte stays zero.
    call!(cuDeviceGetName(text.as_mut_ptr(), text.len() as c_int - 1, device))?;
    let bytes: Vec<u8> = text.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect();
    Ok(String::from_utf8_lossy(&bytes).into())
}

fn old(found: Version, needed: Version) -> Refusal {
    DeviceFault::OldDriver { found: found.to_string().into(), needed: needed.to_string().into() }.into()
}

fn failed(call: &'static str, reason: impl Into<Box<str>>) -> Refusal {
    DeviceFault::Failed { call, reason: reason.into() }.into()
}

/// The names of the errors of code that a driver cannot read.
const IMAGE: [&str; 3] =
    ["CUDA_ERROR_INVALID_IMAGE", "CUDA_ERROR_NO_BINARY_FOR_GPU", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"];

fn is_image(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Fault(DeviceFault::Failed { reason, .. }) if IMAGE.contains(&&**reason))
}

/// What the driver's answer means.
fn check(call: &'static str, result: CUresult) -> Answer<()> {
    use CUresult as Of;
    match result {
        Of::CUDA_SUCCESS => Ok(()),
        Of::CUDA_ERROR_OUT_OF_MEMORY => Err(Refusal::OutOfMemory),
        Of::CUDA_ERROR_NO_DEVICE => Err(DeviceFault::NoGpu.into()),
        // The toolkit's stand-in for a driver.
        Of::CUDA_ERROR_STUB_LIBRARY => Err(DeviceFault::NoDriver.into()),
        // After any of these the context answers nothing but the same.
        Of::CUDA_ERROR_ILLEGAL_ADDRESS
        | Of::CUDA_ERROR_LAUNCH_TIMEOUT
        | Of::CUDA_ERROR_LAUNCH_FAILED
        | Of::CUDA_ERROR_HARDWARE_STACK_ERROR
        | Of::CUDA_ERROR_ILLEGAL_INSTRUCTION
        | Of::CUDA_ERROR_MISALIGNED_ADDRESS
        | Of::CUDA_ERROR_INVALID_ADDRESS_SPACE
        | Of::CUDA_ERROR_INVALID_PC
        | Of::CUDA_ERROR_ASSERT
        | Of::CUDA_ERROR_ECC_UNCORRECTABLE
        | Of::CUDA_ERROR_NVLINK_UNCORRECTABLE
        | Of::CUDA_ERROR_CONTEXT_IS_DESTROYED
        | Of::CUDA_ERROR_DEINITIALIZED
        | Of::CUDA_ERROR_DEVICE_UNAVAILABLE
        | Of::CUDA_ERROR_EXTERNAL_DEVICE
        | Of::CUDA_ERROR_UNKNOWN => Err(DeviceFault::Lost(format!("{call} answers {}", name_of(result)).into()).into()),
        other => Err(failed(call, name_of(other))),
    }
}

/// The driver's name of an error.
fn name_of(result: CUresult) -> String {
    let mut text = ptr::null();
    // SAFETY: the driver is there; it answers a text that it keeps, or leaves the pointer null.
    let found = unsafe { (sys::cuGetErrorName(result, &mut text), text) };
    match found {
        // SAFETY: a text of the driver's ends with a zero and lives as long as the process.
        (CUresult::CUDA_SUCCESS, text) if !text.is_null() => unsafe { CStr::from_ptr(text) }.to_string_lossy().into(),
        _ => format!("error {}", result as u32),
    }
}
