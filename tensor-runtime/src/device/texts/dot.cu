// A matrix product of strided operands: sums over the axes of `depth`, one element of each of `batch`, `rows` and
// `columns` at a time. ND_ELEMENT is a float type, and the product's type ND_RESULT is that or the one that it
// is computed in. A sum runs over its terms in order, in one thread, so it has the same bits for any grid. With ND_EPILOGUE, a function of an element's place and its neighbours in a row, the product is
// never in memory: ND_EPILOGUE_OPERANDS are that function's own. With ND_WINDOW, a function of a place, an operand's elements
// are windows that are made when they are fetched: the left one's with ND_WINDOW_LEFT, else the right one's.
enum { ND_LEFT, ND_RIGHT, ND_OUT };

// Rows and columns of a thread: groups of four, 64 apart.
#define ND_EACH (ND_TILE / 16)
// What a thread fetches of each operand for a step.
#define ND_FETCHED (ND_STEP * ND_TILE / 256)

struct alignas(16) nd_four { nd_computed at[4]; };
struct alignas(sizeof(ND_RESULT) < 4 ? 4 * sizeof(ND_RESULT) : 16) nd_result { ND_RESULT at[4]; };

// The row or column of a thread's element.
__device__ __forceinline__ int nd_own(int thread, int k) { return k / 4 * 64 + thread * 4 + k % 4; }

// What is fetched: an element in memory, or one of the windows of a place, a line and a term.
#define ND_LEFT_AT left[row_left[row] + nd_far<ND_LEFT>(depth, term)]
#define ND_RIGHT_AT right[column_right[column] + nd_far<ND_RIGHT>(depth, term)]
#ifdef ND_WINDOW
#if ND_WINDOW_LEFT
#define ND_NO_LEFT
#undef ND_LEFT_AT
#define ND_LEFT_AT ND_WINDOW(windows, number, first_row + row, term)
#else
#define ND_NO_RIGHT
#undef ND_RIGHT_AT
#define ND_RIGHT_AT ND_WINDOW(windows, number, first_column + column, term)
#endif
#endif

// ND_BLOCK is 256. Two blocks fit a multiprocessor: unrolled further, a thread takes more than 128 registers. `m_count`, `n_count` and `k_count` are numbers of rows, of columns and of terms of a sum.
extern "C" __global__ void __launch_bounds__(ND_BLOCK, 2) nd_dot(
    const ND_ELEMENT* __restrict__ left, const ND_ELEMENT* __restrict__ right,
    const __grid_constant__ nd_axes<3> batch, const __grid_constant__ nd_axes<3> rows,
    const __grid_constant__ nd_axes<3> columns, const __grid_constant__ nd_axes<3> depth,
    long long batches, long long m_count, long long n_count, long long k_count,
#ifdef ND_WINDOW
    const __grid_constant__ ND_WINDOW_OPERANDS windows,
#endif
#ifdef ND_EPILOGUE
    const __grid_constant__ ND_EPILOGUE_OPERANDS operands
#else
    ND_RESULT* __restrict__ out
#endif
) {
    // Two steps of each operand: one is computed with while the other is filled. Rows of shared memory are 16 bytes apart.
    alignas(16) __shared__ nd_computed a[2][ND_STEP][ND_TILE + 4], b[2][ND_STEP][ND_TILE + 4];
#ifndef ND_NO_LEFT
    __shared__ nd_int row_left[ND_TILE];
#endif
#ifndef ND_NO_RIGHT
    __shared__ nd_int column_right[ND_TILE];
#endif
#ifndef ND_EPILOGUE
    __shared__ nd_int row_out[ND_TILE], column_out[ND_TILE];
#endif
    const int thread = threadIdx.x, x = thread % 16, y = thread / 16;
    const nd_share of_a(nd_deep(depth.step[ND_LEFT], depth.count, rows.step[ND_LEFT], rows.count));
    const nd_share of_b(nd_deep(depth.step[ND_RIGHT], depth.count, columns.step[ND_RIGHT], columns.count));
    const nd_int m = (nd_int)m_count, n = (nd_int)n_count, k = (nd_int)k_count;
    const nd_int down = (m + ND_TILE - 1) / ND_TILE, across = (n + ND_TILE - 1) / ND_TILE;
    for (long long tile = blockIdx.x; tile < batches * down * across; tile += gridDim.x) {
        const nd_int first_column = (nd_int)(tile % across * ND_TILE), first_row = (nd_int)(tile / across % down * ND_TILE);
        const nd_int number = (nd_int)(tile / across / down);
        const nd_place<3> one = nd_find(batch, number);
        __syncthreads();
        for (int at = thread; at < 2 * ND_TILE; at += ND_BLOCK) {
            const int line = at % ND_TILE;
            if (at < ND_TILE && first_row + line < m) {
                const nd_place<3> place = nd_find(rows, first_row + line);
#ifndef ND_NO_LEFT
                row_left[line] = one.at[ND_LEFT] + place.at[ND_LEFT];
#endif
#ifndef ND_EPILOGUE
                row_out[line] = one.at[ND_OUT] + place.at[ND_OUT];
#endif
            } else if (at >= ND_TILE && first_column + line < n) {
                const nd_place<3> place = nd_find(columns, first_column + line);
#ifndef ND_NO_RIGHT
                column_right[line] = one.at[ND_RIGHT] + place.at[ND_RIGHT];
#endif
#ifndef ND_EPILOGUE
                column_out[line] = place.at[ND_OUT];
#endif
            }
        }
        __syncthreads();
        nd_computed sums[ND_EACH][ND_EACH] = {}, next_a[ND_FETCHED], next_b[ND_FETCHED];
        const auto fetch = [&](nd_int first) {
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_int term = first + of_a.term + j * of_a.terms, row = of_a.line + j * of_a.lines;
                const bool inside = term < k && first_row + row < m;
                next_a[j] = inside ? nd_value(ND_LEFT_AT) : (nd_computed)0;
            }
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_int term = first + of_b.term + j * of_b.terms, column = of_b.line + j * of_b.lines;
                const bool inside = term < k && first_column + column < n;
                next_b[j] = inside ? nd_value(ND_RIGHT_AT) : (nd_computed)0;
            }
        };
        const auto keep = [&](int half) {
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                a[half][of_a.term + j * of_a.terms][of_a.line + j * of_a.lines] = next_a[j];
                b[half][of_b.term + j * of_b.terms][of_b.line + j * of_b.lines] = next_b[j];
            }
        };
        fetch(0);
        keep(0);
        int half = 0;
        for (nd_int first = 0; first < k; first += ND_STEP, half ^= 1) {
            __syncthreads();
            const bool more = first + ND_STEP < k;
            if (more) fetch(first + ND_STEP);
#pragma unroll 2
            for (int term = 0; term < ND_STEP; ++term) {
                nd_four l[ND_EACH / 4], r[ND_EACH / 4];
#pragma unroll
                for (int part = 0; part < ND_EACH / 4; ++part) {
                    l[part] = *(const nd_four*)&a[half][term][nd_own(y, 4 * part)];
                    r[part] = *(const nd_four*)&b[half][term][nd_own(x, 4 * part)];
                }
#pragma unroll
                for (int i = 0; i < ND_EACH; ++i) {
#pragma unroll
                    for (int j = 0; j < ND_EACH; ++j) sums[i][j] += l[i / 4].at[i % 4] * r[j / 4].at[j % 4];
                }
            }
            if (more) keep(half ^ 1);
        }
#pragma unroll
        for (int i = 0; i < ND_EACH; ++i) {
            const int row = nd_own(y, i);
            if (first_row + row >= m) continue;
#pragma unroll
            for (int part = 0; part < ND_EACH / 4; ++part) {
                const int column = nd_own(x, 4 * part);
                const nd_int count = (nd_int)(n - first_column - column);
                if (count <= 0) continue;
#ifdef ND_EPILOGUE
                nd_strip<nd_computed> four;
#pragma unroll
                for (int j = 0; j < 4; ++j) four.at[j] = sums[i][4 * part + j];
                ND_EPILOGUE(operands, number, first_row + row, first_column + column, count, four);
#else
                nd_result four;
#pragma unroll
                for (int j = 0; j < 4; ++j) four.at[j] = nd_element<ND_RESULT>::of(sums[i][4 * part + j]);
                ND_RESULT* const to = out + row_out[row] + column_out[column];
                const bool together = count >= 4 && column_out[column + 3] - column_out[column] == 3 && columns.count <= 1;
                if (together && (unsigned long long)to % sizeof(nd_result) == 0) {
                    *(nd_result*)to = four;
                    continue;
                }
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    if (j < count) out[row_out[row] + column_out[column + j]] = four.at[j];
                }
#endif
            }
        }
    }
}
