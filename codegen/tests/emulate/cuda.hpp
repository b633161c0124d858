// CUDA C on the CPU, as far as generated kernels use it: the threads of a block
// are fibers that run until they must wait for each other, in one of several
// orders: what is right in one only for want of a barrier is wrong in another.
// A block whose threads
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

// What a test calls. All else is hidden: a template's statics, a block's shared memory among them, would else be
// one for all libraries of a process.
#define ENTRY extern "C" __attribute__((visibility("default")))

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

// What a thread has sent to shared memory, and is not there before the thread has waited for it.
struct Send {
    void* to;
    const void* from;
    size_t bytes;
};

using Entry = void (*)(const long long*);

static std::vector<Fiber> fibers;
static std::vector<Meeting> warp_meetings;
static std::vector<int> lanes;
// Of each thread its loads; the last one is still open.
static std::vector<std::vector<std::vector<Send>>> sends;
static Meeting block_meeting;
static ucontext_t scheduler;
static Entry entry;
static const long long* arguments;
static bool moved, failed;
// How often threads have met so far: what they do together is most of what a tile of an attention costs.
static unsigned long long meetings;

static void yield() { swapcontext(&fibers[threadIdx.x].context, &scheduler); }

static void meet(Meeting& at, unsigned count) {
    const unsigned round = at.round;
    if (++at.arrived == count) {
        at.arrived = 0;
        ++at.round;
        ++meetings;
        moved = true;
    }
    while (at.round == round) yield();
}

static void run() {
    entry(arguments);
    if (sends[threadIdx.x].size() > 1 || !sends[threadIdx.x][0].empty()) failed = true;
    fibers[threadIdx.x].done = moved = true;
}

// The thread whose turn is the `turn`th: from the first to the last, from the
// last to the first, or every fifth and so on.
static unsigned in_order(unsigned order, unsigned turn, unsigned threads) {
    if (order % 3 == 0) return turn;
    if (order % 3 == 1) return threads - 1 - turn;
    return threads % 5 == 0 ? turn : turn * 5 % threads;
}

static bool block(unsigned threads, unsigned order) {
    fibers.resize(threads);
    warp_meetings.assign(threads, Meeting());
    lanes.assign(threads, 0);
    sends.assign(threads, {{}});
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
        for (unsigned turn = 0; turn < threads; ++turn) {
            const unsigned thread = in_order(order, turn, threads);
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
static int launch(Entry kernel, const long long* values, unsigned blocks, unsigned threads, unsigned order) {
    entry = kernel;
    arguments = values;
    gridDim.x = blocks;
    failed = false;
    for (blockIdx.x = 0; blockIdx.x < blocks; ++blockIdx.x) {
        if (!block(threads, order + blockIdx.x)) return 1;
    }
    return 0;
}

} // namespace emulated

#ifdef EMULATED_WITHOUT_BARRIERS
inline void __syncthreads() {}
#else
inline void __syncthreads() { emulated::meet(emulated::block_meeting, emulated::fibers.size()); }
#endif

// Whether it is so for all threads of the block.
inline int __syncthreads_and(int own) {
    static int votes[1024];
    votes[threadIdx.x] = own;
    emulated::meet(emulated::block_meeting, emulated::fibers.size());
    int all = 1;
    for (unsigned thread = 0; thread < emulated::fibers.size(); ++thread) all = all && votes[thread];
    emulated::meet(emulated::block_meeting, emulated::fibers.size());
    return all;
}

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

// mma.m16n8k16, row by column: what PTX has each lane hold of 16 x 16, 16 x 8 and 16 x 8 numbers.
template <typename T> inline void emulated_mma(float (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    static unsigned held[1024][6];
    const unsigned warp = threadIdx.x / 32 * 32, lane = threadIdx.x % 32;
    for (int i = 0; i < 4; ++i) held[threadIdx.x][i] = a[i];
    for (int i = 0; i < 2; ++i) held[threadIdx.x][4 + i] = b[i];
    emulated::meet(emulated::warp_meetings[warp], 32);
    const auto number = [&](unsigned lane, int word, int half) {
        T out;
        out.bits = (unsigned short)(held[warp + lane][word] >> (16 * half));
        return out.value();
    };
    for (int i = 0; i < 4; ++i) {
        const unsigned row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
        for (unsigned term = 0; term < 16; ++term) {
            const float l = number(row % 8 * 4 + term % 8 / 2, row / 8 + term / 8 * 2, term % 2);
            const float r = number(column * 4 + term % 8 / 2, 4 + term / 8, term % 2);
            sums[i] += l * r;
        }
    }
    emulated::meet(emulated::warp_meetings[warp], 32);
}

// ldmatrix of four pieces: what PTX has each lane get of 8 x 8 elements, whose rows begin where it and its neighbours say.
template <bool TURNED, typename T> inline void emulated_pieces(unsigned (&to)[4], const T* row) {
    static const T* rows[1024];
    const unsigned warp = threadIdx.x / 32 * 32, line = threadIdx.x % 32 / 4, column = threadIdx.x % 4 * 2;
    if ((size_t)row % 16 != 0) emulated::failed = true;
    rows[threadIdx.x] = row;
    emulated::meet(emulated::warp_meetings[warp], 32);
    for (unsigned piece = 0; piece < 4; ++piece) {
        const T** const of = rows + warp + 8 * piece;
        const unsigned low = TURNED ? of[column][line].bits : of[line][column].bits;
        const unsigned high = TURNED ? of[column + 1][line].bits : of[line][column + 1].bits;
        to[piece] = low | high << 16;
    }
    emulated::meet(emulated::warp_meetings[warp], 32);
}

// cp.async: what is sent is there as late as it may be.
inline void emulated_send(void* to, const void* from, size_t bytes) {
    if ((size_t)to % bytes != 0 || (size_t)from % bytes != 0) emulated::failed = true;
    emulated::sends[threadIdx.x].back().push_back({to, from, bytes});
}
inline void emulated_loaded() { emulated::sends[threadIdx.x].emplace_back(); }
inline void emulated_arrived(size_t left) {
    auto& loads = emulated::sends[threadIdx.x];
    while (loads.size() > left + 1) {
        for (const emulated::Send& send : loads.front()) memcpy(send.to, send.from, send.bytes);
        loads.erase(loads.begin());
    }
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
