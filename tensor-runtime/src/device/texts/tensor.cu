// What tensor cores compute with, of compute capability 8.0 and later: pieces of matrices of elements of 16 bits, shared out
// among the threads of a warp. Outside of a GPU the emulation has the same under the names `emulated_…`.

struct alignas(16) nd_eight { ND_ELEMENT at[8]; };

template <typename T> struct nd_is_f16 { static constexpr bool value = false; };
template <> struct nd_is_f16<nd_f16> { static constexpr bool value = true; };

// Adds the product of 16 rows of 16 terms and 16 terms of 8 columns, shared out among the threads of a warp as PTX has it for
// mma.m16n8k16. It is volatile: no compiler moves it to where only some of the threads need the sums.
__device__ __forceinline__ void nd_mma(float (&sums)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
#ifdef __CUDA_ARCH__
    if constexpr (nd_is_f16<ND_ELEMENT>::value) {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    } else {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
            : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }
#else
    emulated_mma<ND_ELEMENT>(sums, a, b);
#endif
}

#ifdef __CUDA_ARCH__
// An address as the instructions for shared memory take it.
__device__ __forceinline__ unsigned nd_shared(const void* at) {
    unsigned short_at;
    asm("{ .reg .u64 wide; cvta.to.shared.u64 wide, %1; cvt.u32.u64 %0, wide; }" : "=r"(short_at) : "l"(at));
    return short_at;
}
#endif

// Four pieces of 8 by 8 elements, of which each thread gives the address of a row: the first eight threads those of the
// first piece. A thread gets two neighbours of row `lane / 4` of each; of each turned around if TURNED.
template <bool TURNED> __device__ __forceinline__ void nd_pieces(unsigned (&to)[4], const ND_ELEMENT* row) {
#ifdef __CUDA_ARCH__
    if constexpr (TURNED) {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
            : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(nd_shared(row)) : "memory");
    } else {
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
            : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3]) : "r"(nd_shared(row)) : "memory");
    }
#else
    emulated_pieces<TURNED>(to, row);
#endif
}

// Eight elements from global to shared memory, on their way until nd_arrived().
__device__ __forceinline__ void nd_send(ND_ELEMENT* to, const ND_ELEMENT* from) {
#ifdef __CUDA_ARCH__
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" : : "r"(nd_shared(to)), "l"(from) : "memory");
#else
    emulated_send(to, from, 16);
#endif
}

// What a thread has sent since the last time is a load.
__device__ __forceinline__ void nd_loaded() {
#ifdef __CUDA_ARCH__
    asm volatile("cp.async.commit_group;" : : : "memory");
#else
    emulated_loaded();
#endif
}

// Waits for a thread's own loads, but for the last LEFT.
template <int LEFT> __device__ __forceinline__ void nd_arrived() {
#ifdef __CUDA_ARCH__
    asm volatile("cp.async.wait_group %0;" : : "n"(LEFT) : "memory");
#else
    emulated_arrived(LEFT);
#endif
}
