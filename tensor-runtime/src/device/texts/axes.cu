// Where elements lie that several operands have at steps of their own.
#ifndef ND_INDEX
#define ND_INDEX long long
#endif
typedef ND_INDEX nd_int;

// Up to eight axes, from the outermost: how many, their extents, their steps in each of N operands.
template <int N> struct nd_axes { long long count, extent[8], step[N][8]; };

template <int N> struct nd_place { nd_int at[N]; };

// Where the elements of this number in row-major order are. Rolled, NVRTC has a fraction to do for a kernel that finds places at
// many places of its own; unrolled, it takes fewer registers.
template <int N> __device__ __forceinline__ nd_place<N> nd_find(const nd_axes<N>& axes, nd_int number) {
    nd_place<N> place = {};
#ifdef ND_ROLLED
#pragma unroll 1
#endif
    for (int k = (int)axes.count - 1; k >= 0; --k) {
        const nd_int extent = (nd_int)axes.extent[k], at = number % extent;
        number /= extent;
#pragma unroll
        for (int operand = 0; operand < N; ++operand) place.at[operand] += at * (nd_int)axes.step[operand][k];
    }
    return place;
}
