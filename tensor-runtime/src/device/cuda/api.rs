//! The functions of the CUDA driver, and what their answers mean.
//!
//! In: nothing. Out: the driver's functions; of a code, the [`Refusal`]. Always: after an error that is
//! [`DeviceFault::Lost`] the driver answers nothing but the same. Next: [`super::device`].

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;
use std::sync::OnceLock;

use cudarc::driver::sys::{
    self, CUcontext, CUdevice, CUdevice_attribute, CUdeviceptr, CUevent, CUfunction, CUmodule, CUresult, CUstream,
};

use super::super::driver::{Answer, Refusal, Version};
use super::library;
use crate::error::DeviceFault;

/// The driver from which on all that is called here exists.
pub(super) const OLDEST: Version = Version(12, 0);

library::functions! {
    /// The driver's functions.
    Functions: CUresult {
        cuInit(c_uint);
        cuDriverGetVersion(*mut c_int);
        cuDeviceGetCount(*mut c_int);
        cuDeviceGet(*mut CUdevice, c_int);
        cuDeviceGetAttribute(*mut c_int, CUdevice_attribute, CUdevice);
        cuDeviceGetName(*mut c_char, c_int, CUdevice);
        cuDeviceTotalMem_v2(*mut usize, CUdevice);
        cuDevicePrimaryCtxRetain(*mut CUcontext, CUdevice);
        cuDevicePrimaryCtxRelease_v2(CUdevice);
        cuCtxSetCurrent(CUcontext);
        cuStreamCreate(*mut CUstream, c_uint);
        cuStreamDestroy_v2(CUstream);
        cuStreamSynchronize(CUstream);
        cuStreamWaitEvent(CUstream, CUevent, c_uint);
        cuEventCreate(*mut CUevent, c_uint);
        cuEventDestroy_v2(CUevent);
        cuEventRecord(CUevent, CUstream);
        cuEventSynchronize(CUevent);
        cuEventQuery(CUevent);
        // The same function; drivers before 12.8 know it by its first name only.
        cuEventElapsedTime_v2 as "cuEventElapsedTime"(*mut f32, CUevent, CUevent);
        cuMemAlloc_v2(*mut CUdeviceptr, usize);
        cuMemAllocAsync(*mut CUdeviceptr, usize, CUstream);
        cuMemFree_v2(CUdeviceptr);
        cuMemFreeAsync(CUdeviceptr, CUstream);
        cuMemHostAlloc(*mut *mut c_void, usize, c_uint);
        cuMemFreeHost(*mut c_void);
        cuMemcpyHtoDAsync_v2(CUdeviceptr, *const c_void, usize, CUstream);
        cuMemcpyDtoHAsync_v2(*mut c_void, CUdeviceptr, usize, CUstream);
        cuMemcpyDtoDAsync_v2(CUdeviceptr, CUdeviceptr, usize, CUstream);
        cuMemsetD32Async(CUdeviceptr, c_uint, usize, CUstream);
        cuModuleLoadData(*mut CUmodule, *const c_void);
        cuModuleGetFunction(*mut CUfunction, CUmodule, *const c_char);
        cuLaunchKernel(
            CUfunction, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, CUstream,
            *mut *mut c_void, *mut *mut c_void,
        );
    }
    plain {
        cuGetErrorName(u32, *mut *const c_char) -> u32;
    }
}

/// The driver's functions, if there is a driver that has them all.
pub(super) fn functions() -> Answer<&'static Functions> {
    static FOUND: OnceLock<Result<Functions, DeviceFault>> = OnceLock::new();
    let find = || {
        let library = ["cuda", "nvcuda"].into_iter().find_map(|name| library::open(name, None));
        let library = library.ok_or(DeviceFault::NoDriver)?;
        let found = version(&library);
        // SAFETY: these are functions of the driver's, whose parameters the bindings have checked, and whose codes are an
        // `enum` of C's.
        unsafe { Functions::of(library) }.map_err(|missing| match found {
            Some(found) if found < OLDEST => {
                DeviceFault::OldDriver { found: found.to_string().into(), needed: OLDEST.to_string().into() }
            }
            Some(_) | None => DeviceFault::Failed { call: missing, reason: "the driver has no such function".into() },
        })
    };
    FOUND.get_or_init(find).as_ref().map_err(|fault| fault.clone().into())
}

/// The CUDA that a driver is for, which every driver tells.
fn version(library: &libloading::Library) -> Option<Version> {
    let mut version: c_int = 0;
    // SAFETY: the function has this parameter, writes a number there, and wants nothing to have been called before.
    let code = unsafe {
        let function = library.get::<unsafe extern "C" fn(*mut c_int) -> u32>("cuDriverGetVersion").ok()?;
        function(&mut version)
    };
    (code == CUresult::CUDA_SUCCESS as u32).then(|| release(version))
}

/// A version as the driver counts them.
pub(super) fn release(version: c_int) -> Version {
    Version(version.unsigned_abs() / 1000, version.unsigned_abs() % 1000 / 10)
}

/// After any of these the context answers nothing but the same.
const LOST: [CUresult; 19] = [
    CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
    CUresult::CUDA_ERROR_LAUNCH_TIMEOUT,
    CUresult::CUDA_ERROR_LAUNCH_FAILED,
    CUresult::CUDA_ERROR_HARDWARE_STACK_ERROR,
    CUresult::CUDA_ERROR_ILLEGAL_INSTRUCTION,
    CUresult::CUDA_ERROR_MISALIGNED_ADDRESS,
    CUresult::CUDA_ERROR_INVALID_ADDRESS_SPACE,
    CUresult::CUDA_ERROR_INVALID_PC,
    CUresult::CUDA_ERROR_ASSERT,
    CUresult::CUDA_ERROR_TENSOR_MEMORY_LEAK,
    CUresult::CUDA_ERROR_CONTAINED,
    CUresult::CUDA_ERROR_ECC_UNCORRECTABLE,
    CUresult::CUDA_ERROR_NVLINK_UNCORRECTABLE,
    CUresult::CUDA_ERROR_CONTEXT_IS_DESTROYED,
    CUresult::CUDA_ERROR_DEINITIALIZED,
    CUresult::CUDA_ERROR_DEVICE_UNAVAILABLE,
    CUresult::CUDA_ERROR_MPS_CLIENT_TERMINATED,
    CUresult::CUDA_ERROR_EXTERNAL_DEVICE,
    CUresult::CUDA_ERROR_UNKNOWN,
];

/// The names of the errors of code that a driver cannot read.
const IMAGE: [&str; 3] =
    ["CUDA_ERROR_INVALID_IMAGE", "CUDA_ERROR_NO_BINARY_FOR_GPU", "CUDA_ERROR_UNSUPPORTED_PTX_VERSION"];

/// Whether this is what a driver says of such code.
pub(super) fn is_image(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Fault(DeviceFault::Failed { reason, .. }) if IMAGE.contains(&&**reason))
}

/// Whether the code says that what was asked about is not done yet.
pub(super) fn is_not_ready(code: u32) -> bool {
    code == CUresult::CUDA_ERROR_NOT_READY as u32
}

impl Functions {
    /// What the answer of a call means.
    pub(super) fn check(&self, call: &'static str, code: u32) -> Answer<()> {
        let is = |known: CUresult| code == known as u32;
        if is(CUresult::CUDA_SUCCESS) {
            Ok(())
        } else if is(CUresult::CUDA_ERROR_OUT_OF_MEMORY) {
            Err(Refusal::OutOfMemory)
        } else if is(CUresult::CUDA_ERROR_NO_DEVICE) {
            Err(DeviceFault::NoGpu.into())
        } else if is(CUresult::CUDA_ERROR_STUB_LIBRARY) {
            // The toolkit's stand-in for a driver.
            Err(DeviceFault::NoDriver.into())
        } else if LOST.into_iter().any(is) {
            Err(DeviceFault::Lost(format!("{call} answers {}", self.name(code)).into()).into())
        } else {
            Err(failed(call, self.name(code)))
        }
    }

    /// The driver's name of an error.
    fn name(&self, code: u32) -> String {
        let mut text = ptr::null();
        // SAFETY: the driver answers a text that it keeps, or leaves the pointer null; it knows which codes there are.
        let found = unsafe { (self.cuGetErrorName)(code, &mut text) } == CUresult::CUDA_SUCCESS as u32;
        match found && !text.is_null() {
            // SAFETY: a text of the driver's ends with a zero and lives as long as the process.
            true => unsafe { CStr::from_ptr(text) }.to_string_lossy().into(),
            false => format!("error {code}"),
        }
    }
}

pub(super) fn old(found: Version, needed: Version) -> Refusal {
    DeviceFault::OldDriver { found: found.to_string().into(), needed: needed.to_string().into() }.into()
}

pub(super) fn failed(call: &'static str, reason: impl Into<Box<str>>) -> Refusal {
    DeviceFault::Failed { call, reason: reason.into() }.into()
}
