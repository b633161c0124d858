// How the threads of a block fetch tiles of strided operands.

// Elements of a side of a block's tile: 128, or 64 where there are few of them.
#ifndef ND_TILE
#define ND_TILE 64
#endif
// Terms of a sum at a time.
#ifndef ND_STEP
#define ND_STEP 8
#endif

// Whether neighbours in depth lie closer together than neighbours in the other direction.
__device__ __forceinline__ bool nd_deep(const long long* depth, long long depths, const long long* other, long long others) {
    if (depths == 0 || others == 0) return others == 0;
    const long long a = depth[depths - 1], b = other[others - 1];
    return (a < 0 ? -a : a) <= (b < 0 ? -b : b);
}

// Whether neighbours along the only axis of a list lie together in memory.
template <int N> __device__ __forceinline__ bool nd_together(const nd_axes<N>& axes, int operand) {
    return axes.count == 1 && axes.step[operand][0] == 1;
}

// How far a term of the sum lies from the first.
template <int OPERAND, int N> __device__ __forceinline__ nd_int nd_far(const nd_axes<N>& depth, nd_int term) {
    if (depth.count <= 1) return term * (nd_int)depth.step[OPERAND][0];
    return nd_find(depth, term).at[OPERAND];
}

// What a thread fetches: a term and a line, a row or column, and the way to the next. Neighbouring threads go where memory
// does.
struct nd_share {
    int term, line, terms, lines;
    __device__ __forceinline__ explicit nd_share(bool deep) {
        const int thread = threadIdx.x;
        term = deep ? thread % ND_STEP : thread / ND_TILE;
        line = deep ? thread / ND_STEP : thread % ND_TILE;
        terms = deep ? 0 : 256 / ND_TILE;
        lines = deep ? 256 / ND_STEP : 0;
    }
};

