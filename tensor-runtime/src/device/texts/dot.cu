// A matrix product of strided operands: sums over the axes of `depth`, one element of each of `batch`, `rows` and
// `columns` at a time. ND_ELEMENT is a float type, and the product's type
// ND_RESULT is that or the one that it is computed in. A sum runs over its terms in order, in one thread, so it has the
// same bits for any grid.
enum { ND_LEFT, ND_RIGHT, ND_OUT };

// Elements of a side of a block's tile, of a step in depth, and of the square of which a thread has every 16th.
#define ND_TILE 64
#define ND_STEP 16
#define ND_EACH (ND_TILE / 16)

// Whether neighbours in depth lie closer together than neighbours in the other direction.
__device__ __forceinline__ bool nd_deep(const long long* depth, long long depths, const long long* other, long long others) {
    if (depths == 0 || others == 0) return others == 0;
    const long long a = depth[depths - 1], b = other[others - 1];
    return (a < 0 ? -a : a) <= (b < 0 ? -b : b);
}

// ND_BLOCK is 256. `m`, `n` and `k` count rows, columns and terms of a sum.
extern "C" __global__ void __launch_bounds__(ND_BLOCK) nd_dot(
    const ND_ELEMENT* __restrict__ left, const ND_ELEMENT* __restrict__ right, ND_RESULT* __restrict__ out,
    const __grid_constant__ nd_axes<3> batch, const __grid_constant__ nd_axes<3> rows,
    const __grid_constant__ nd_axes<3> columns, const __grid_constant__ nd_axes<3> depth,
    long long batches, long long m, long long n, long long k) {
    __shared__ nd_computed a[ND_STEP][ND_TILE + 1], b[ND_STEP][ND_TILE + 1];
    __shared__ nd_int row_left[ND_TILE], row_out[ND_TILE], column_right[ND_TILE], column_out[ND_TILE];
    __shared__ nd_int depth_left[ND_STEP], depth_right[ND_STEP];
    const int thread = threadIdx.x, x = thread % 16, y = thread / 16;
    const bool left_deep = nd_deep(depth.step[ND_LEFT], depth.count, rows.step[ND_LEFT], rows.count);
    const bool right_deep = nd_deep(depth.step[ND_RIGHT], depth.count, columns.step[ND_RIGHT], columns.count);
    const long long down = (m + ND_TILE - 1) / ND_TILE, across = (n + ND_TILE - 1) / ND_TILE;
    for (long long tile = blockIdx.x; tile < batches * down * across; tile += gridDim.x) {
        const nd_int first_column = (nd_int)(tile % across * ND_TILE), first_row = (nd_int)(tile / across % down * ND_TILE);
        const nd_place<3> one = nd_find(batch, (nd_int)(tile / across / down));
        __syncthreads();
        if (thread < ND_TILE && first_row + thread < m) {
            const nd_place<3> place = nd_find(rows, first_row + thread);
            row_left[thread] = one.at[ND_LEFT] + place.at[ND_LEFT];
            row_out[thread] = one.at[ND_OUT] + place.at[ND_OUT];
        } else if (thread >= ND_TILE && thread < 2 * ND_TILE && first_column + thread - ND_TILE < n) {
            const nd_place<3> place = nd_find(columns, first_column + thread - ND_TILE);
            column_right[thread - ND_TILE] = one.at[ND_RIGHT] + place.at[ND_RIGHT];
            column_out[thread - ND_TILE] = place.at[ND_OUT];
        }
        nd_computed sums[ND_EACH][ND_EACH] = {};
        for (nd_int first = 0; first < k; first += ND_STEP) {
            __syncthreads();
            if (thread < ND_STEP && first + thread < k) {
                const nd_place<3> place = nd_find(depth, first + thread);
                depth_left[thread] = place.at[ND_LEFT];
                depth_right[thread] = place.at[ND_RIGHT];
            }
            __syncthreads();
            for (int at = thread; at < ND_STEP * ND_TILE; at += ND_BLOCK) {
                const int term = left_deep ? at % ND_STEP : at / ND_TILE, row = left_deep ? at / ND_STEP : at % ND_TILE;
                const bool inside = first + term < k && first_row + row < m;
                a[term][row] = inside ? nd_value(left[row_left[row] + depth_left[term]]) : (nd_computed)0;
            }
            for (int at = thread; at < ND_STEP * ND_TILE; at += ND_BLOCK) {
                const int term = right_deep ? at % ND_STEP : at / ND_TILE, column = right_deep ? at / ND_STEP : at % ND_TILE;
                const bool inside = first + term < k && first_column + column < n;
                b[term][column] = inside ? nd_value(right[column_right[column] + depth_right[term]]) : (nd_computed)0;
            }
            __syncthreads();
            for (int term = 0; term < ND_STEP; ++term) {
                nd_computed l[ND_EACH], r[ND_EACH];
#pragma unroll
                for (int i = 0; i < ND_EACH; ++i) l[i] = a[term][y + 16 * i];
#pragma unroll
                for (int j = 0; j < ND_EACH; ++j) r[j] = b[term][x + 16 * j];
#pragma unroll
                for (int i = 0; i < ND_EACH; ++i) {
#pragma unroll
                    for (int j = 0; j < ND_EACH; ++j) sums[i][j] += l[i] * r[j];
                }
            }
        }
        if (k <= 0) __syncthreads();
#pragma unroll
        for (int i = 0; i < ND_EACH; ++i) {
#pragma unroll
            for (int j = 0; j < ND_EACH; ++j) {
                const int row = y + 16 * i, column = x + 16 * j;
                if (first_row + row < m && first_column + column < n) {
                    out[row_out[row] + column_out[column]] = nd_element<ND_RESULT>::of(sums[i][j]);
                }
            }
        }
    }
}
