// Elements from any steps to any steps. ND_ELEMENT is their type.
enum { ND_FROM, ND_TO };

extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_copy(
    const ND_ELEMENT* __restrict__ from, ND_ELEMENT* __restrict__ to,
    const __grid_constant__ nd_axes<2> axes, long long points) {
    for (nd_int at = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; at < points; at += gridDim.x * (nd_int)ND_BLOCK) {
        const nd_place<2> place = nd_find(axes, at);
        to[place.at[ND_TO]] = from[place.at[ND_FROM]];
    }
}

// Adds to what is there.
extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_add(
    const ND_ELEMENT* __restrict__ from, ND_ELEMENT* __restrict__ to,
    const __grid_constant__ nd_axes<2> axes, long long points) {
    for (nd_int at = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; at < points; at += gridDim.x * (nd_int)ND_BLOCK) {
        const nd_place<2> place = nd_find(axes, at);
        const nd_computed sum = nd_value(to[place.at[ND_TO]]) + nd_value(from[place.at[ND_FROM]]);
        to[place.at[ND_TO]] = nd_element<ND_ELEMENT>::of(sum);
    }
}
