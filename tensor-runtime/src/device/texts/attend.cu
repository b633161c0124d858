// Attention, by the cores for f32.

// Columns of the result of a thread: groups of up to four.
#define ND_PER (ND_WIDTH / 16)
#define ND_GROUP (ND_PER < 4 ? ND_PER : 4)

struct alignas(16) nd_four { float at[4]; };

__device__ __forceinline__ int nd_column(int x, int j) { return j / 4 * 64 + x * ND_GROUP + j % 4; }

// ND_BLOCK is 256, ND_TILE 64.
extern "C" __global__ void __launch_bounds__(ND_BLOCK, 2) nd_attend(ND_ATTEND_PARAMETERS) {
    alignas(16) __shared__ float a[ND_STEP][ND_TILE + 4], b[ND_STEP][ND_TILE + 4];
    alignas(16) __shared__ float shares[ND_TILE][ND_TILE + 4], values[ND_STEP][ND_WIDTH + 4];
    __shared__ nd_place<4> one;
    __shared__ nd_int row_query[ND_TILE], key_key[ND_TILE], key_value[ND_TILE], column_value[ND_WIDTH];
#ifndef ND_EPILOGUE
    __shared__ nd_int row_result[ND_TILE], column_result[ND_WIDTH];
#endif
    const int thread = threadIdx.x, x = thread % 16, y = thread / 16;
    const nd_int m = (nd_int)m_count, n = (nd_int)n_count, k = (nd_int)k_count, w = (nd_int)w_count;
    const nd_share of_a(nd_deep(depth.step[ND_QUERY], depth.count, rows.step[ND_QUERY], rows.count));
    const nd_share of_b(nd_deep(depth.step[ND_KEY], depth.count, keys.step[ND_KEY], keys.count));
    const float least = nd_least();
    const nd_int down = (m + ND_TILE - 1) / ND_TILE;
    for (nd_int tile = blockIdx.x; tile < (nd_int)batches * down; tile += gridDim.x) {
        const nd_int first_row = tile % down * ND_TILE, number = tile / down;
        __syncthreads();
        if (thread == 0) one = nd_find(batch, number);
        __syncthreads();
        if (thread < ND_TILE && first_row + thread < m) {
            const nd_place<4> place = nd_find(rows, first_row + thread);
            row_query[thread] = one.at[ND_QUERY] + place.at[ND_QUERY];
#ifndef ND_EPILOGUE
            row_result[thread] = one.at[ND_TO] + place.at[ND_TO];
#endif
        }
        if (thread < w && thread < ND_WIDTH) {
            const nd_place<4> place = nd_find(columns, thread);
            column_value[thread] = place.at[ND_VALUE];
#ifndef ND_EPILOGUE
            column_result[thread] = place.at[ND_TO];
#endif
        }
        float sums[4][ND_PER] = {}, most[4], total[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            most[i] = least;
            total[i] = 0.0f;
        }
        for (nd_int first_key = 0; first_key < n; first_key += ND_TILE) {
            __syncthreads();
            if (thread < ND_TILE && first_key + thread < n) {
                const nd_place<4> place = nd_find(keys, first_key + thread);
                key_key[thread] = one.at[ND_KEY] + place.at[ND_KEY];
                key_value[thread] = one.at[ND_VALUE] + place.at[ND_VALUE];
            }
#ifdef ND_MASKED
            // A tile whose shares are all zero changes nothing, unless one of the values is infinite or no number.
            const nd_int last_key = (first_key + ND_TILE < n ? first_key + ND_TILE : n) - 1;
            // Each of a row's 16 threads knows four rows, and asks for one.
            float greatest_so_far = most[0];
#pragma unroll
            for (int i = 1; i < 4; ++i) greatest_so_far = x % 4 == i ? most[i] : greatest_so_far;
            const nd_int asked = first_row + 4 * y + x % 4 < m ? first_row + 4 * y + x % 4 : m - 1;
            bool nothing = nd_nothing(ND_MASKED(operands, number, asked, first_key, last_key), greatest_so_far);
            if (__syncthreads_and(nothing)) {
#pragma unroll 1
                for (int at = thread; at < ND_TILE * ND_WIDTH; at += ND_BLOCK) {
                    const int line = at / ND_WIDTH, column = at % ND_WIDTH;
                    if (first_key + line > last_key || column >= w) continue;
                    const float x = nd_value(value[key_value[line] + column_value[column]]);
                    nothing = nothing && x - x == 0.0f;
                }
                if (__syncthreads_and(nothing)) continue;
            }
#endif
            float products[4][4] = {};
            for (nd_int first = 0; first < k; first += ND_STEP) {
                __syncthreads();
#pragma unroll
                for (int j = 0; j < ND_STEP * ND_TILE / 256; ++j) {
                    const int term = of_a.term + j * of_a.terms, row = of_a.line + j * of_a.lines;
                    const bool inside = first + term < k && first_row + row < m;
                    a[term][row] = inside ? nd_value(query[row_query[row] + nd_far<ND_QUERY>(depth, first + term)]) : 0.0f;
                }
#pragma unroll
                for (int j = 0; j < ND_STEP * ND_TILE / 256; ++j) {
                    const int term = of_b.term + j * of_b.terms, line = of_b.line + j * of_b.lines;
                    const bool inside = first + term < k && first_key + line < n;
                    b[term][line] = inside ? nd_value(key[key_key[line] + nd_far<ND_KEY>(depth, first + term)]) : 0.0f;
                }
                __syncthreads();
#pragma unroll 4
                for (int term = 0; term < ND_STEP; ++term) {
                    const nd_four l = *(const nd_four*)&a[term][4 * y], r = *(const nd_four*)&b[term][4 * x];
#pragma unroll
                    for (int i = 0; i < 4; ++i) {
#pragma unroll
                        for (int j = 0; j < 4; ++j) products[i][j] += l.at[i] * r.at[j];
                    }
                }
            }
            const nd_int count = n - first_key - 4 * x;
#pragma unroll
            for (int i = 0; i < 4; ++i) {
                // Rows beyond the last compute it once more and write nothing.
                const nd_int row = first_row + 4 * y + i < m ? first_row + 4 * y + i : m - 1;
                nd_strip<ND_ELEMENT> found;
#pragma unroll
                for (int j = 0; j < 4; ++j) found.at[j] = nd_element<ND_ELEMENT>::of(products[i][j]);
                const nd_strip<float> four = ND_SCORE(operands, number, row, first_key + 4 * x, count, found);
                float greatest = most[i];
#pragma unroll
                for (int j = 0; j < 4; ++j) greatest = j < count ? nd_most(greatest, four.at[j]) : greatest;
                greatest = nd_among<16>(greatest, nd_most);
                // Where no score was more than minus infinity there is nothing to scale yet.
                const float scale = greatest == least ? 1.0f : expf(most[i] - greatest);
                most[i] = greatest;
                total[i] *= scale;
                nd_four powers;
#pragma unroll
                for (int j = 0; j < 4; ++j) {
                    powers.at[j] = j < count && greatest != least ? expf(four.at[j] - greatest) : 0.0f;
                    total[i] += powers.at[j];
                }
                *(nd_four*)&shares[4 * y + i][4 * x] = powers;
#pragma unroll
                for (int j = 0; j < ND_PER; ++j) sums[i][j] *= scale;
            }
            for (int first = 0; first < ND_TILE; first += ND_STEP) {
                __syncthreads();
                for (int at = thread; at < ND_STEP * ND_WIDTH; at += ND_BLOCK) {
                    const int term = at / ND_WIDTH, column = at % ND_WIDTH;
                    const bool inside = first_key + first + term < n && column < w;
                    values[term][column] = inside ? nd_value(value[key_value[first + term] + column_value[column]]) : 0.0f;
                }
                __syncthreads();
#pragma unroll 1
                for (int term = 0; term < ND_STEP; term += 4) {
                    nd_four l[4];
#pragma unroll
                    for (int i = 0; i < 4; ++i) l[i] = *(const nd_four*)&shares[4 * y + i][first + term];
#pragma unroll
                    for (int part = 0; part < 4; ++part) {
#pragma unroll
                        for (int j = 0; j < ND_PER; ++j) {
                            const float r = values[term + part][nd_column(x, j)];
#pragma unroll
                            for (int i = 0; i < 4; ++i) sums[i][j] += l[i].at[part] * r;
                        }
                    }
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 4; ++i) {
            const int row = 4 * y + i;
            const float share = 1.0f / nd_among<16>(total[i], [](float a, float b) { return a + b; });
            if (first_row + row >= m) continue;
#pragma unroll
            for (int part = 0; part < ND_PER; part += ND_GROUP) {
                const int column = nd_column(x, part);
                const nd_int left = w - column;
                if (left <= 0) continue;
#ifdef ND_EPILOGUE
                nd_strip<float> four = {};
#pragma unroll
                for (int j = 0; j < ND_GROUP; ++j) four.at[j] = sums[i][part + j] * share;
                ND_EPILOGUE(after, number, first_row + row, column, left < ND_GROUP ? left : ND_GROUP, four);
#else
#pragma unroll
                for (int j = 0; j < ND_GROUP; ++j) {
                    if (j < left) {
                        out[row_result[row] + column_result[column + j]] = nd_element<ND_RESULT>::of(sums[i][part + j] * share);
                    }
                }
#endif
            }
        }
    }
}
