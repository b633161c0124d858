// Elements from any steps to any steps. ND_ELEMENT is their type.
#ifndef ND_INDEX
#define ND_INDEX long long
#endif
typedef ND_INDEX nd_int;

// Up to eight axes, from the outermost: how many, their extents, their steps.
struct nd_axes { long long count, extent[8], from[8], to[8]; };

struct nd_place { nd_int from, to; };

// Where the element of this number in row-major order is.
__device__ __forceinline__ nd_place nd_find(const nd_axes& axes, nd_int number) {
    nd_place place = {0, 0};
    for (int k = (int)axes.count - 1; k >= 0; --k) {
        const nd_int extent = (nd_int)axes.extent[k], at = number % extent;
        number /= extent;
        place.from += at * (nd_int)axes.from[k];
        place.to += at * (nd_int)axes.to[k];
    }
    return place;
}

extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_copy(
    const ND_ELEMENT* __restrict__ from, ND_ELEMENT* __restrict__ to,
    const __grid_constant__ nd_axes axes, long long points) {
    for (nd_int at = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; at < points; at += gridDim.x * (nd_int)ND_BLOCK) {
        const nd_place place = nd_find(axes, at);
        to[place.to] = from[place.from];
    }
}

// Adds to what is there.
extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_add(
    const ND_ELEMENT* __restrict__ from, ND_ELEMENT* __restrict__ to,
    const __grid_constant__ nd_axes axes, long long points) {
    for (nd_int at = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; at < points; at += gridDim.x * (nd_int)ND_BLOCK) {
        const nd_place place = nd_find(axes, at);
        to[place.to] += from[place.from];
    }
}
