// Sums over repeated axes, in double precision. ND_ELEMENT is the type of the elements. A sum runs over its terms in order,
// in one thread, so it has the same bits for any grid, and the host's.
enum { ND_FROM, ND_TO };

// `axes` are those that stay, `repeated` those that are summed over; `points` and `terms` count them.
extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_sum(
    const ND_ELEMENT* __restrict__ from, ND_ELEMENT* __restrict__ to,
    const __grid_constant__ nd_axes<2> axes, const __grid_constant__ nd_axes<2> repeated, long long points, long long terms) {
    for (nd_int at = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; at < points; at += gridDim.x * (nd_int)ND_BLOCK) {
        const nd_place<2> place = nd_find(axes, at);
        double sum = 0;
        for (nd_int term = 0; term < terms; ++term) {
            sum += (double)nd_value(from[place.at[ND_FROM] + nd_find(repeated, term).at[ND_FROM]]);
        }
        to[place.at[ND_TO]] = nd_element<ND_ELEMENT>::of(sum);
    }
}
