// A CUDA driver of host memory: the functions that the runtime loads, with their parameters. A function that needs a context
// and has none, or is given what is not its own, refuses. STUB_FAIL=name:code makes one function answer a code.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

typedef int CUdevice;
typedef uint64_t CUdeviceptr;
enum { SUCCESS = 0, INVALID_VALUE = 1, INVALID_CONTEXT = 201, NOT_READY = 600 };

static std::mutex lock;
static std::map<uint64_t, size_t> memory, pinned;
static std::map<void*, int> streams, events;  // how often an event was recorded
static std::map<void*, unsigned> flags;
static int context, retained;
static thread_local void* current;

static unsigned refused(const char* name) {
    const char* wanted = std::getenv("STUB_FAIL");
    const size_t n = std::strlen(name);
    return wanted && !std::strncmp(wanted, name, n) && wanted[n] == ':' ? std::atoi(wanted + n + 1) : SUCCESS;
}

static int number(const char* name, int usual) {
    const char* value = std::getenv(name);
    return value ? std::atoi(value) : usual;
}

static bool within(const std::map<uint64_t, size_t>& all, uint64_t at, size_t bytes) {
    auto next = all.upper_bound(at);
    return next != all.begin() && (--next, at + bytes <= next->first + next->second);
}

// The locals of a function of the driver: what it answers.
#define BEGIN                                                     \
    std::lock_guard<std::mutex> guard(lock);                      \
    if (const unsigned code = refused(__func__)) return code
#define WITH_CONTEXT \
    BEGIN;           \
    if (current != &context) return INVALID_CONTEXT
#define WANT(what) \
    if (!(what)) return INVALID_VALUE

extern "C" {
unsigned cuInit(unsigned f) { BEGIN; WANT(f == 0); return SUCCESS; }
unsigned cuDriverGetVersion(int* v) { BEGIN; *v = number("STUB_VERSION", 13000); return SUCCESS; }
unsigned cuDeviceGetCount(int* n) { BEGIN; *n = number("STUB_COUNT", 1); return SUCCESS; }
unsigned cuDeviceGet(CUdevice* d, int n) { BEGIN; WANT(n == 0); *d = 7; return SUCCESS; }
unsigned cuDeviceGetAttribute(int* v, unsigned which, CUdevice d) {
    BEGIN;
    WANT(d == 7);
    *v = which == 75 ? 9 : which == 76 ? 0 : which == 16 ? 132 : which == 115 ? number("STUB_POOLS", 1) : -1;
    WANT(*v >= 0);
    return SUCCESS;
}
unsigned cuDeviceGetName(char* s, int n, CUdevice d) { BEGIN; WANT(d == 7 && n > 8); std::strcpy(s, "stub"); return SUCCESS; }
unsigned cuDeviceTotalMem_v2(size_t* n, CUdevice d) { BEGIN; WANT(d == 7); *n = size_t(1) << 34; return SUCCESS; }
unsigned cuDevicePrimaryCtxRetain(void** c, CUdevice d) { BEGIN; WANT(d == 7); ++retained; *c = &context; return SUCCESS; }
unsigned cuDevicePrimaryCtxRelease_v2(CUdevice d) { BEGIN; WANT(d == 7 && retained-- > 0); return SUCCESS; }
unsigned cuCtxSetCurrent(void* c) { BEGIN; WANT(c == &context); current = c; return SUCCESS; }
unsigned cuStreamCreate(void** s, unsigned f) {
    WITH_CONTEXT;
    WANT(f == 1);
    streams[*s = std::malloc(1)] = 0;
    return SUCCESS;
}
unsigned cuStreamDestroy_v2(void* s) { WITH_CONTEXT; WANT(streams.erase(s)); std::free(s); return SUCCESS; }
unsigned cuStreamSynchronize(void* s) { WITH_CONTEXT; WANT(streams.count(s)); return SUCCESS; }
unsigned cuStreamWaitEvent(void* s, void* e, unsigned f) {
    WITH_CONTEXT;
    WANT(streams.count(s) && events.count(e) && f == 0);
    return SUCCESS;
}
unsigned cuEventCreate(void** e, unsigned f) {
    WITH_CONTEXT;
    WANT(f == 0 || f == 2);
    *e = std::malloc(1);
    events[*e] = 0;
    flags[*e] = f;
    return SUCCESS;
}
unsigned cuEventDestroy_v2(void* e) { WITH_CONTEXT; WANT(events.erase(e)); std::free(e); return SUCCESS; }
unsigned cuEventRecord(void* e, void* s) { WITH_CONTEXT; WANT(events.count(e) && streams.count(s)); ++events[e]; return SUCCESS; }
unsigned cuEventSynchronize(void* e) { WITH_CONTEXT; WANT(events.count(e)); return SUCCESS; }
unsigned cuEventQuery(void* e) {
    static int asked = 0;
    WITH_CONTEXT;
    WANT(events.count(e));
    return ++asked % 3 ? NOT_READY : SUCCESS;
}
unsigned cuEventElapsedTime(float* ms, void* a, void* b) {
    WITH_CONTEXT;
    WANT(events.count(a) && events.count(b) && events[a] && events[b] && flags[a] == 0 && flags[b] == 0);
    *ms = 1.5f;
    return SUCCESS;
}
static unsigned allocate(CUdeviceptr* at, size_t bytes) {
    WANT(bytes > 0);
    void* p = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    memory[*at = (uint64_t)p] = bytes;
    return SUCCESS;
}
static unsigned release(CUdeviceptr at) { WANT(memory.erase(at)); std::free((void*)at); return SUCCESS; }
unsigned cuMemAlloc_v2(CUdeviceptr* at, size_t n) { WITH_CONTEXT; WANT(number("STUB_POOLS", 1) == 0); return allocate(at, n); }
unsigned cuMemAllocAsync(CUdeviceptr* at, size_t n, void* s) { WITH_CONTEXT; WANT(streams.count(s)); return allocate(at, n); }
unsigned cuMemFree_v2(CUdeviceptr at) { WITH_CONTEXT; WANT(number("STUB_POOLS", 1) == 0); return release(at); }
unsigned cuMemFreeAsync(CUdeviceptr at, void* s) { WITH_CONTEXT; WANT(streams.count(s)); return release(at); }
unsigned cuMemHostAlloc(void** at, size_t n, unsigned f) {
    WITH_CONTEXT;
    WANT(n > 0 && f == 1);
    *at = std::aligned_alloc(4096, (n + 4095) / 4096 * 4096);
    pinned[(uint64_t)*at] = n;
    return SUCCESS;
}
unsigned cuMemFreeHost(void* at) { WITH_CONTEXT; WANT(pinned.erase((uint64_t)at)); std::free(at); return SUCCESS; }
unsigned cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, size_t n, void* s) {
    WITH_CONTEXT;
    WANT(streams.count(s) && within(memory, to, n));
    std::memcpy((void*)to, from, n);
    return SUCCESS;
}
unsigned cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, size_t n, void* s) {
    WITH_CONTEXT;
    WANT(streams.count(s) && within(memory, from, n));
    std::memcpy(to, (void*)from, n);
    return SUCCESS;
}
unsigned cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, void* s) {
    WITH_CONTEXT;
    WANT(streams.count(s) && within(memory, from, n) && within(memory, to, n));
    std::memcpy((void*)to, (void*)from, n);
    return SUCCESS;
}
unsigned cuMemsetD32Async(CUdeviceptr to, unsigned word, size_t n, void* s) {
    WITH_CONTEXT;
    WANT(streams.count(s) && within(memory, to, 4 * n));
    for (size_t k = 0; k < n; ++k) ((unsigned*)to)[k] = word;
    return SUCCESS;
}
// A module is a text, after the head of machine code; a kernel is where its name stands in it.
unsigned cuModuleLoadData(void** module, const void* code) {
    WITH_CONTEXT;
    if (std::memcmp(code, "\177ELF", 4)) return 200;
    *module = ::strdup((const char*)code);
    return SUCCESS;
}
unsigned cuModuleGetFunction(void** function, void* module, const char* name) {
    WITH_CONTEXT;
    *function = std::strstr((char*)module, (" " + std::string(name) + "(").c_str());
    return *function ? SUCCESS : 500;
}
// Does nothing, but looks at what a GPU would refuse: an address for each parameter, of which the text tells how many.
unsigned cuLaunchKernel(
    void* function, unsigned x, unsigned y, unsigned z, unsigned threads, unsigned ty, unsigned tz, unsigned shared,
    void* stream, void** arguments, void** extra) {
    WITH_CONTEXT;
    WANT(function && streams.count(stream) && arguments && !extra && shared == 0);
    WANT(x >= 1 && x < 1u << 31 && y == 1 && z == 1 && threads >= 1 && threads <= 1024 && ty == 1 && tz == 1);
    int parameters = 1;
    for (const char* c = (char*)function; *c != ')'; ++c) parameters += *c == ',';
    for (int k = 0; k < parameters; ++k) WANT(arguments[k]);
    return SUCCESS;
}
unsigned cuGetErrorName(unsigned code, const char** name) {
    *name = code == 1     ? "CUDA_ERROR_INVALID_VALUE"
            : code == 200 ? "CUDA_ERROR_INVALID_IMAGE"
            : code == 701 ? "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES"
            : code == 719 ? "CUDA_ERROR_LAUNCH_FAILED"
            : code == 201 ? "CUDA_ERROR_INVALID_CONTEXT"
            : code == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                          : nullptr;
    return *name ? SUCCESS : INVALID_VALUE;
}
// What is left, for the library of products and the tests.
int stub_is_stream(void* s) { return (int)streams.count(s); }
int stub_is_memory(uint64_t at, size_t n) { return n == 0 || within(memory, at, n); }
}
