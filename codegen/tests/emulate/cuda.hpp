// CUDA C on the CPU, as far as generated kernels use it: the threads of a block
// are fibers that run until they must wait for each other. A block whose threads
// wait for ever, or a shuffle that a thread does not belong to, ends the launch
// with an error.
#include <cmath>
#include <cstring>
#include <ucontext.h>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)
#define __grid_constant__

struct emulated_dim { unsigned x; };
static emulated_dim threadIdx, blockIdx, gridDim;

namespace emulated {

struct Fiber {
    ucontext_t context;
    std::vector<char> stack;
    bool done;
};

// A place where a number of threads wait for each other.
struct Meeting {
    unsigned arrived = 0, round = 0;
};

using Entry = void (*)(const long long*);

static std::vector<Fiber> fibers;
static std::vector<Meeting> warp_meetings;
static std::vector<int> lanes;
static Meeting block_meeting;
static ucontext_t scheduler;
static Entry entry;
static const long long* arguments;
static bool moved, failed;

static void yield() { swapcontext(&fibers[threadIdx.x].context, &scheduler); }

static void meet(Meeting& at, unsigned count) {
    const unsigned round = at.round;
    if (++at.arrived == count) {
        at.arrived = 0;
        ++at.round;
        moved = true;
    }
    while (at.round == round) yield();
}

static void run() {
    entry(arguments);
    fibers[threadIdx.x].done = moved = true;
}

static bool block(unsigned threads) {
    fibers.resize(threads);
    warp_meetings.assign(threads, Meeting());
    lanes.assign(threads, 0);
    block_meeting = Meeting();
    for (Fiber& fiber : fibers) {
        fiber.stack.resize(1 << 16);
        fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.data();
        fiber.context.uc_stack.ss_size = fiber.stack.size();
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, run, 0);
    }
    for (bool first = true, left = true; left; first = false) {
        moved = left = false;
        for (unsigned thread = 0; thread < threads; ++thread) {
            if (fibers[thread].done) continue;
            threadIdx.x = thread;
            swapcontext(&scheduler, &fibers[thread].context);
            left |= !fibers[thread].done;
        }
        if (failed || (left && !moved && !first)) return false;
    }
    return true;
}

// 0 iff every thread came to its end.
static int launch(Entry kernel, const long long* values, unsigned blocks, unsigned threads) {
    entry = kernel;
    arguments = values;
    gridDim.x = blocks;
    failed = false;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        if (!block(threads)) return 1;
    }
    return 0;
}

} // namespace emulated

inline void __syncthreads() { emulated::meet(emulated::block_meeting, emulated::fibers.size()); }

inline int __shfl_sync(unsigned mask, int value, int lane, int width) {
    const unsigned warp = threadIdx.x / 32 * 32, me = threadIdx.x % 32;
    if (!(mask >> me & 1)) emulated::failed = true;
    emulated::Meeting& meeting = emulated::warp_meetings[warp + __builtin_ctz(mask)];
    emulated::lanes[threadIdx.x] = value;
    emulated::meet(meeting, __builtin_popcount(mask));
    const int got = emulated::lanes[warp + me / width * width + lane % width];
    emulated::meet(meeting, __builtin_popcount(mask));
    return got;
}

inline unsigned long long atomicMin(unsigned long long* at, unsigned long long value) {
    const unsigned long long before = *at;
    if (value < before) *at = value;
    return before;
}

template <typename To, typename From> inline To emulated_bits(From from) {
    To to;
    static_assert(sizeof(to) == sizeof(from), "as many bits");
    memcpy(&to, &from, sizeof(to));
    return to;
}
inline float __int_as_float(int bits) { return emulated_bits<float>(bits); }
inline int __float_as_int(float value) { return emulated_bits<int>(value); }
inline double __longlong_as_double(long long bits) { return emulated_bits<double>(bits); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline float rsqrtf(float a) { return (float)(1.0 / std::sqrt((double)a)); }
inline double rsqrt(double a) { return 1.0 / std::sqrt(a); }
