//! A device of the CUDA driver: its primary context, and two streams.
//!
//! In: what [`Driver`] asks for. Out: calls of the driver. Always: every call makes the context current first, for any thread
//! may come; each queue is one stream, which is in order. Next: [`super::api`], [`super::compiler`], [`super::blas`].

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::OnceLock;

use cudarc::driver::sys;

use super::super::driver::{
    Address, Answer, Description, Driver, Function, Mark, Matmul, Module, Queue, Refusal, Version,
};
use super::super::fork;
use super::super::info::Products;
use super::api::{self, Functions, OLDEST, failed, is_image, is_not_ready, old};
use super::blas::Blas;
use super::compiler;
use crate::error::DeviceFault;

/// A stream that does not wait for the one of a process that names none.
const NON_BLOCKING: u32 = sys::CUstream_flags_enum::CU_STREAM_NON_BLOCKING as u32;
/// Page-locked memory that is so for every context of the process.
const PORTABLE: u32 = sys::CU_MEMHOSTALLOC_PORTABLE;
/// Bytes of a kernel's parameters from CUDA 12.1 on, and before.
const PARAMETERS: [usize; 2] = [32_764, 4_096];
const TIMED: u32 = sys::CUevent_flags_enum::CU_EVENT_DEFAULT as u32;
const UNTIMED: u32 = sys::CUevent_flags_enum::CU_EVENT_DISABLE_TIMING as u32;

/// Calls a function of the driver, and names it in the error.
macro_rules! call {
    ($functions:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        let functions: &Functions = $functions;
        // SAFETY: the function has these parameters; each pointer is to a local of the caller's that outlives the call, or
        // to memory of which the caller's contract says so, and handles are the device's own.
        functions.check(stringify!($function), unsafe { (functions.$function)($($argument),*) })
    }};
}

/// An open device.
pub(super) struct Device {
    driver: &'static Functions,
    number: sys::CUdevice,
    context: sys::CUcontext,
    /// One a queue.
    streams: [sys::CUstream; 2],
    /// Whether memory is allocated and freed in the stream's order by the driver itself.
    ordered: bool,
    /// Opened by the first product.
    blas: OnceLock<Blas>,
    description: Description,
    process: u64,
}

// SAFETY: the driver's functions may be called from any thread, and handles are numbers to us.
unsafe impl Send for Device {}
// SAFETY: as above; the driver locks what it must.
unsafe impl Sync for Device {}

impl Device {
    pub(super) fn open(number: usize) -> Answer<Device> {
        let driver = api::functions()?;
        call!(driver, cuInit(0))?;
        let mut version: c_int = 0;
        call!(driver, cuDriverGetVersion(&mut version))?;
        let release = api::release(version);
        if release < OLDEST {
            return Err(old(release, OLDEST));
        }
        let mut count: c_int = 0;
        call!(driver, cuDeviceGetCount(&mut count))?;
        match usize::try_from(count) {
            Ok(0) | Err(_) => return Err(DeviceFault::NoGpu.into()),
            Ok(count) if number >= count => return Err(DeviceFault::NoSuchDevice { count }.into()),
            Ok(_) => {}
        }
        let mut device: sys::CUdevice = 0;
        call!(driver, cuDeviceGet(&mut device, number as c_int))?;
        let attribute = |which| {
            let mut value: c_int = 0;
            call!(driver, cuDeviceGetAttribute(&mut value, which, device)).map(|()| value.unsigned_abs())
        };
        // What only a forecast of times needs, and not every driver says.
        let known = |which| attribute(which).unwrap_or(0);
        use sys::CUdevice_attribute as Of;
        let compiler = compiler::version();
        let mut memory = 0usize;
        call!(driver, cuDeviceTotalMem_v2(&mut memory, device))?;
        let description = Description {
            name: name(driver, device)?,
            capability: Version(
                attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
                attribute(Of::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
            ),
            multiprocessors: attribute(Of::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
            clock: 1000 * u64::from(known(Of::CU_DEVICE_ATTRIBUTE_CLOCK_RATE)),
            memory_clock: 1000 * u64::from(known(Of::CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE)),
            memory_bus: known(Of::CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH),
            doubles: known(Of::CU_DEVICE_ATTRIBUTE_SINGLE_TO_DOUBLE_PRECISION_PERF_RATIO),
            memory: memory as u64,
            parameters: PARAMETERS[usize::from(release.min(compiler.unwrap_or(release)) < Version(12, 1))],
            driver: release,
            compiler: compiler.map(|version| format!("NVRTC {version}").into()),
        };
        let ordered = attribute(Of::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)? != 0;
        let mut context = ptr::null_mut();
        call!(driver, cuDevicePrimaryCtxRetain(&mut context, device))?;
        // From here on dropping it gives back what was had.
        let mut open = Device {
            driver,
            number: device,
            context,
            streams: [ptr::null_mut(); 2],
            ordered,
            blas: OnceLock::new(),
            description,
            process: fork::process(),
        };
        open.enter()?;
        for stream in &mut open.streams {
            call!(driver, cuStreamCreate(stream, NON_BLOCKING))?;
        }
        Ok(open)
    }

    /// Makes the context the calling thread's.
    fn enter(&self) -> Answer<()> {
        call!(self.driver, cuCtxSetCurrent(self.context))
    }

    fn stream(&self, queue: Queue) -> sys::CUstream {
        match queue {
            Queue::Compute => self.streams[0],
            Queue::Copies => self.streams[1],
        }
    }

    fn wait_for(&self, queue: Queue) -> Answer<()> {
        call!(self.driver, cuStreamSynchronize(self.stream(queue)))
    }

    fn blas(&self) -> &Blas {
        self.blas.get_or_init(Blas::open)
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        // A forked process must not touch the driver.
        if self.process == fork::process() && self.enter().is_ok() {
            drop(self.blas.take());
            for stream in self.streams.into_iter().filter(|stream| !stream.is_null()) {
                let _ = call!(self.driver, cuStreamDestroy_v2(stream));
            }
            let _ = call!(self.driver, cuDevicePrimaryCtxRelease_v2(self.number));
        }
    }
}

impl Driver for Device {
    fn description(&self) -> &Description {
        &self.description
    }

    fn allocate(&self, bytes: u64, queue: Queue) -> Answer<Address> {
        self.enter()?;
        let (mut at, bytes) = (0, usize::try_from(bytes).map_err(|_| Refusal::OutOfMemory)?);
        match self.ordered {
            true => call!(self.driver, cuMemAllocAsync(&mut at, bytes, self.stream(queue)))?,
            false => call!(self.driver, cuMemAlloc_v2(&mut at, bytes))?,
        }
        Ok(at)
    }

    unsafe fn free(&self, at: Address) -> Answer<()> {
        self.enter()?;
        match self.ordered {
            true => call!(self.driver, cuMemFreeAsync(at, self.stream(Queue::Compute))),
            // It waits for the device itself.
            false => call!(self.driver, cuMemFree_v2(at)),
        }
    }

    unsafe fn upload(&self, to: Address, from: *const u8, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemcpyHtoDAsync_v2(to, from.cast(), bytes as usize, self.stream(Queue::Compute)))?;
        self.wait_for(Queue::Compute)
    }

    unsafe fn download(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemcpyDtoHAsync_v2(to.cast(), from, bytes as usize, self.stream(Queue::Compute)))?;
        self.wait_for(Queue::Compute)
    }

    fn pin(&self, bytes: u64) -> Answer<*mut u8> {
        self.enter()?;
        let (mut at, bytes) = (ptr::null_mut(), usize::try_from(bytes).map_err(|_| Refusal::OutOfMemory)?);
        call!(self.driver, cuMemHostAlloc(&mut at, bytes, PORTABLE))?;
        Ok(at.cast())
    }

    unsafe fn unpin(&self, at: *mut u8) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemFreeHost(at.cast()))
    }

    unsafe fn upload_later(&self, to: Address, from: *const u8, bytes: u64, queue: Queue) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemcpyHtoDAsync_v2(to, from.cast(), bytes as usize, self.stream(queue)))
    }

    unsafe fn download_later(&self, to: *mut u8, from: Address, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemcpyDtoHAsync_v2(to.cast(), from, bytes as usize, self.stream(Queue::Copies)))
    }

    fn mark(&self, timed: bool) -> Answer<Mark> {
        self.enter()?;
        let mut event = ptr::null_mut();
        call!(self.driver, cuEventCreate(&mut event, if timed { TIMED } else { UNTIMED }))?;
        Ok(Mark(event as u64))
    }

    fn unmark(&self, mark: Mark) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuEventDestroy_v2(event(mark)))
    }

    fn record(&self, mark: Mark, queue: Queue) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuEventRecord(event(mark), self.stream(queue)))
    }

    fn wait(&self, queue: Queue, mark: Mark) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuStreamWaitEvent(self.stream(queue), event(mark), 0))
    }

    fn is_done(&self, mark: Mark) -> Answer<bool> {
        self.enter()?;
        // SAFETY: the event is the device's own.
        let code = unsafe { (self.driver.cuEventQuery)(event(mark)) };
        match is_not_ready(code) {
            true => Ok(false),
            false => self.driver.check("cuEventQuery", code).map(|()| true),
        }
    }

    fn finish(&self, mark: Mark) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuEventSynchronize(event(mark)))
    }

    fn elapsed(&self, from: Mark, to: Mark) -> Answer<f32> {
        self.enter()?;
        let mut milliseconds = 0.0;
        call!(self.driver, cuEventElapsedTime_v2(&mut milliseconds, event(from), event(to)))?;
        Ok(milliseconds)
    }

    unsafe fn copy(&self, to: Address, from: Address, bytes: u64) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemcpyDtoDAsync_v2(to, from, bytes as usize, self.stream(Queue::Compute)))
    }

    unsafe fn fill(&self, to: Address, word: u32, count: u64) -> Answer<()> {
        self.enter()?;
        call!(self.driver, cuMemsetD32Async(to, word, count as usize, self.stream(Queue::Compute)))
    }

    fn compile(&self, source: &str, options: &[String]) -> Answer<Vec<u8>> {
        compiler::compile(source, options)
    }

    fn load(&self, code: &[u8]) -> Answer<Module> {
        self.enter()?;
        let mut module = ptr::null_mut();
        call!(self.driver, cuModuleLoadData(&mut module, code.as_ptr().cast())).map_err(|refusal| {
            match compiler::version() {
                // Machine code of a compiler that is newer than the driver.
                Some(compiler) if compiler > self.description.driver && is_image(&refusal) => {
                    old(self.description.driver, compiler)
                }
                Some(_) | None => refusal,
            }
        })?;
        Ok(Module(module as u64))
    }

    fn function(&self, module: Module, name: &str) -> Answer<Function> {
        self.enter()?;
        let name = CString::new(name).map_err(|_| failed("cuModuleGetFunction", "a name with a zero"))?;
        let mut function = ptr::null_mut();
        call!(self.driver, cuModuleGetFunction(&mut function, module.0 as sys::CUmodule, name.as_ptr()))?;
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
        let stream = self.stream(Queue::Compute);
        call!(self.driver, cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, 0, stream, arguments, none))
    }

    fn products(&self) -> Products {
        match self.enter() {
            Ok(()) => self.blas().products(),
            Err(_) => Products::Unusable("the device does not answer".into()),
        }
    }

    fn room(&self, product: &Matmul) -> Answer<Option<u64>> {
        self.enter()?;
        self.blas().room(product)
    }

    unsafe fn matmul(&self, product: &Matmul, room: Address, bytes: u64) -> Answer<()> {
        self.enter()?;
        // SAFETY: the caller's promise; the stream is of the context that is current.
        unsafe { self.blas().matmul(product, room, bytes, self.stream(Queue::Compute).cast()) }
    }

    fn synchronise(&self) -> Answer<()> {
        self.enter()?;
        self.wait_for(Queue::Compute).and(self.wait_for(Queue::Copies))
    }
}

fn event(mark: Mark) -> sys::CUevent {
    mark.0 as sys::CUevent
}

fn name(driver: &Functions, device: sys::CUdevice) -> Answer<Box<str>> {
    let mut text = [0 as c_char; 256];
    // The last byte stays zero.
    call!(driver, cuDeviceGetName(text.as_mut_ptr(), text.len() as c_int - 1, device))?;
    let bytes: Vec<u8> = text.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect();
    Ok(String::from_utf8_lossy(&bytes).into())
}
