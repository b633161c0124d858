// A matrix product of strided operands: sums over the axes of `depth`, one element of each of `batch`, `rows` and
// `columns` at a time. ND_ELEMENT is a float type, and the product's type ND_RESULT is that or the one that it is computed
// in. A sum runs over its terms in order, in one thread, so it has the same bits for any grid. With ND_EPILOGUE, a function
// of an element's place and its neighbours in a row, the product is never in memory: ND_EPILOGUE_OPERANDS are that function's
// own. With ND_WINDOW, a function of a place, an operand's elements are windows that are made when they are fetched: the left
// one's with ND_WINDOW_LEFT, else the right one's.

// Rows and columns of a thread: groups of four, 64 apart.
#define ND_EACH (ND_TILE / 16)
// What a thread fetches of each operand for a step.
#define ND_FETCHED (ND_STEP * ND_TILE / 256)

struct alignas(16) nd_four { nd_computed at[4]; };
struct alignas(sizeof(ND_RESULT) < 4 ? 4 * sizeof(ND_RESULT) : 16) nd_result { ND_RESULT at[4]; };

// The row or column of a thread's element.
__device__ __forceinline__ int nd_own(int thread, int k) { return k / 4 * 64 + thread * 4 + k % 4; }

// ND_BLOCK is 256. Two blocks fit a multiprocessor: unrolled further, a thread takes more than 128 registers.
extern "C" __global__ void __launch_bounds__(ND_BLOCK, 2) nd_dot(ND_PRODUCT_PARAMETERS) {
    // Two steps of each operand: one is computed with while the other is filled. Rows of shared memory are 16 bytes apart.
    alignas(16) __shared__ nd_computed a[2][ND_STEP][ND_TILE + 4], b[2][ND_STEP][ND_TILE + 4];
    __shared__ nd_lines lie;
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
        lie.find(one, rows, columns, first_row, first_column, m, n);
        __syncthreads();
        nd_computed sums[ND_EACH][ND_EACH] = {}, next_a[ND_FETCHED], next_b[ND_FETCHED];
        const auto fetch = [&](nd_int first) {
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_int term = first + of_a.term + j * of_a.terms, row = of_a.line + j * of_a.lines;
                const bool inside = term < k && first_row + row < m;
                next_a[j] = inside ? nd_value(ND_LEFT_AT(row, term)) : (nd_computed)0;
            }
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_int term = first + of_b.term + j * of_b.terms, column = of_b.line + j * of_b.lines;
                const bool inside = term < k && first_column + column < n;
                next_b[j] = inside ? nd_value(ND_RIGHT_AT(column, term)) : (nd_computed)0;
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
                ND_RESULT* const to = out + lie.row_out[row] + lie.column_out[column];
                const bool together = count >= 4 && lie.column_out[column + 3] - lie.column_out[column] == 3 && columns.count <= 1;
                if (together && (unsigned long long)to % sizeof(nd_result) == 0) {
                    *(nd_result*)to = four;
                    continue;
                }
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    if (j < count) out[lie.row_out[row] + lie.column_out[column + j]] = four.at[j];
                }
#endif
            }
        }
    }
}
