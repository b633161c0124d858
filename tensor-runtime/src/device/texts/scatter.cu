// Zeros, to which rows are added at the places that indices name; those of one place in the order of their indices, by
// one thread, so that the sum has the same bits for any grid. ND_ELEMENT is the rows' type; sums
// are of the one that it is computed in, and integers wrap.
enum { ND_UPDATES, ND_INDICES, ND_OUT };

// `outer`, `own` and `rows` are the axes before the place, those of the indices and those after the place; `counts` of
// them their numbers of elements. A thread has `length` of the `places`, each `step` from the next.
extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_scatter(
    const ND_ELEMENT* __restrict__ updates, const long long* __restrict__ indices, nd_computed* __restrict__ out,
    unsigned long long* __restrict__ note,
    const __grid_constant__ nd_axes<3> outer, const __grid_constant__ nd_axes<3> own, const __grid_constant__ nd_axes<3> rows,
    long long outer_count, long long own_count, long long row_count, long long places, long long step, long long length) {
    const long long parts = places > length ? (places + length - 1) / length : 1, points = outer_count * parts * row_count;
    for (long long at = blockIdx.x * (long long)ND_BLOCK + threadIdx.x; at < points; at += gridDim.x * (long long)ND_BLOCK) {
        const nd_place<3> row = nd_find(rows, (nd_int)(at % row_count));
        const nd_place<3> begin = nd_find(outer, (nd_int)(at / row_count / parts));
        const long long low = at / row_count % parts * length, end = low + length, high = end < places ? end : places;
        for (long long place = low; place < high; ++place) {
            out[begin.at[ND_OUT] + row.at[ND_OUT] + (nd_int)(place * step)] = (nd_computed)0;
        }
        for (nd_int number = 0; number < own_count; ++number) {
            const nd_place<3> one = nd_find(own, number);
            const long long index = indices[begin.at[ND_INDICES] + one.at[ND_INDICES]];
            const long long place = index < 0 ? index + places : index;
            if (place < 0 || place >= places) {
                // As `nd_pick` notes it.
                atomicMin(note, (unsigned long long)index ^ 0x8000000000000000ull);
                note[1] = (unsigned long long)places;
            } else if (place >= low && place < high) {
                out[begin.at[ND_OUT] + row.at[ND_OUT] + (nd_int)(place * step)] += nd_value(updates[begin.at[ND_UPDATES] + one.at[ND_UPDATES] + row.at[ND_UPDATES]]);
            }
        }
    }
}

// Where nothing is written, indices are wrong all the same: notes those that are. `places` is the extent of their axis.
extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_check(
    const long long* __restrict__ indices, unsigned long long* __restrict__ note,
    const __grid_constant__ nd_axes<1> axes, long long count, long long places) {
    for (nd_int at = blockIdx.x * (nd_int)ND_BLOCK + threadIdx.x; at < count; at += gridDim.x * (nd_int)ND_BLOCK) {
        const long long index = indices[nd_find(axes, at).at[0]];
        if (index < -places || index >= places) {
            atomicMin(note, (unsigned long long)index ^ 0x8000000000000000ull);
            note[1] = (unsigned long long)places;
        }
    }
}
