// Attention of elements of 16 bits, by the tensor cores. The sums of a score and of values run over groups of 16 terms, whose
// own order is the hardware's; powers are rounded to elements before they weigh values.

// Terms of a score that a block has room for: 32, 64 or 128.
#ifndef ND_DEPTH
#define ND_DEPTH 64
#endif

// Fetches 64 lines of an operand from `first` on, of all terms; zeros beyond the last. What goes by itself is a part of the
// next load.
template <int OPERAND, int TERMS> __device__ __forceinline__ void nd_fetch(
    ND_ELEMENT (&to)[ND_TILE][TERMS + 8], const ND_ELEMENT* __restrict__ from, const nd_axes<4>& lines, const nd_axes<4>& terms,
    nd_int first, nd_int line_count, nd_int term_count) {
    const bool deep = nd_deep(terms.step[OPERAND], terms.count, lines.step[OPERAND], lines.count);
    const bool plain = (deep ? terms.count : lines.count) <= 1;
    const nd_int step = (nd_int)(deep ? terms.step[OPERAND][0] : lines.step[OPERAND][0]);
#pragma unroll 1
    for (int at = threadIdx.x; at < ND_TILE * TERMS / 8; at += ND_BLOCK) {
        const int term = deep ? at % (TERMS / 8) * 8 : at / (ND_TILE / 8), line = deep ? at / (TERMS / 8) : at % (ND_TILE / 8) * 8;
        // How many of the eight there are.
        const nd_int lines_left = line_count - first - line, terms_left = term_count - term;
        const nd_int left = lines_left > 0 && terms_left > 0 ? deep ? terms_left : lines_left : 0;
        const ND_ELEMENT* const start = from + nd_far<OPERAND>(lines, first + line) + nd_far<OPERAND>(terms, term);
        const bool wide = plain && step == 1 && left >= 8 && (unsigned long long)start % sizeof(nd_eight) == 0;
        if (wide && deep) {
            nd_send(&to[line][term], start);
            continue;
        }
        nd_eight eight = {};
        if (wide) {
            eight = *(const nd_eight*)start;
        } else if (plain) {
#pragma unroll
            for (int i = 0; i < 8; ++i) {
                if (i < left) eight.at[i] = start[i * step];
            }
        } else {
#pragma unroll 1
            for (int i = 0; i < 8; ++i) {
                const int own_line = line + (deep ? 0 : i), own_term = term + (deep ? i : 0);
                const nd_int far = nd_far<OPERAND>(lines, first + own_line) + nd_far<OPERAND>(terms, own_term);
                to[own_line][own_term] = i < left ? from[far] : ND_ELEMENT{};
            }
            continue;
        }
#pragma unroll
        for (int i = 0; i < 8; ++i) to[line + (deep ? 0 : i)][term + (deep ? i : 0)] = eight.at[i];
    }
}

// Two elements as one word.
__device__ __forceinline__ unsigned nd_two(float a, float b) {
    return nd_element<ND_ELEMENT>::of(a).bits | (unsigned)nd_element<ND_ELEMENT>::of(b).bits << 16;
}

// ND_BLOCK is 128, ND_TILE 64: each of four warps has 16 rows. A thread has of every eight columns two, of two rows.
extern "C" __global__ void __launch_bounds__(ND_BLOCK, 2) nd_mma_attend(ND_ATTEND_PARAMETERS) {
    alignas(16) __shared__ ND_ELEMENT lines[ND_TILE][ND_DEPTH + 8], values[ND_TILE][ND_WIDTH + 8];
#ifndef ND_EPILOGUE
    __shared__ nd_int column_to[ND_WIDTH];
    for (int column = threadIdx.x; column < ND_WIDTH; column += ND_BLOCK) column_to[column] = nd_far<ND_TO>(columns, column);
#endif
    const int lane = threadIdx.x % 32, warp_row = threadIdx.x / 32 * 16, eighth = lane / 4, pair = lane % 4 * 2;
    const nd_int m = (nd_int)m_count, n = (nd_int)n_count, k = (nd_int)k_count, w = (nd_int)w_count;
    const float least = nd_least();
    const nd_int down = (m + ND_TILE - 1) / ND_TILE;
    for (nd_int tile = blockIdx.x; tile < (nd_int)batches * down; tile += gridDim.x) {
        const nd_int first_row = tile % down * ND_TILE, number = tile / down;
        const nd_place<4> one = nd_find(batch, number);
        // Rows beyond the last compute it once more and write nothing.
        nd_int row[2];
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            row[i] = first_row + warp_row + eighth + 8 * i;
            row[i] = row[i] < m ? row[i] : m - 1;
        }
        __syncthreads();
        nd_fetch<ND_QUERY, ND_DEPTH>(lines, query + one.at[ND_QUERY], rows, depth, first_row, m, k);
        nd_loaded();
        nd_arrived<0>();
        __syncthreads();
        unsigned queries[ND_DEPTH / 16][4];
#pragma unroll
        for (int j = 0; j < ND_DEPTH / 16; ++j) {
            nd_pieces<false>(queries[j], &lines[warp_row + lane % 16][16 * j + lane / 16 * 8]);
        }
        const auto fetch_keys = [&](nd_int first) {
            nd_fetch<ND_KEY, ND_DEPTH>(lines, key + one.at[ND_KEY], keys, depth, first, n, k);
            nd_loaded();
        };
        float sums[ND_WIDTH / 8][4] = {}, most[2] = {least, least}, total[2] = {};
        // The keys that are there, or on their way.
        nd_int keys_from = -1;
        for (nd_int first_key = 0; first_key < n; first_key += ND_TILE) {
#ifdef ND_MASKED
            // A tile whose shares are all zero changes nothing, unless one of the values is infinite or no number.
            const nd_int last_key = (first_key + ND_TILE < n ? first_key + ND_TILE : n) - 1;
            bool nothing = true;
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                nothing = nothing && nd_nothing(ND_MASKED(operands, number, row[i], first_key, last_key), most[i]);
            }
            if (__syncthreads_and(nothing)) {
                nd_fetch<ND_VALUE, ND_WIDTH>(values, value + one.at[ND_VALUE], keys, columns, first_key, n, w);
                nd_loaded();
                nd_arrived<0>();
                __syncthreads();
#pragma unroll 1
                for (int at = threadIdx.x; at < ND_TILE * ND_WIDTH / 8; at += ND_BLOCK) {
                    const nd_eight eight = *(const nd_eight*)&values[at / (ND_WIDTH / 8)][at % (ND_WIDTH / 8) * 8];
#pragma unroll
                    for (int i = 0; i < 8; ++i) {
                        const float x = nd_value(eight.at[i]);
                        nothing &= x - x == 0.0f;
                    }
                }
                if (__syncthreads_and(nothing)) continue;
            }
#endif
            __syncthreads();
            if (keys_from != first_key) fetch_keys(first_key);
            nd_fetch<ND_VALUE, ND_WIDTH>(values, value + one.at[ND_VALUE], keys, columns, first_key, n, w);
            nd_loaded();
            nd_arrived<1>();
            __syncthreads();
            float scores[ND_TILE / 8][4] = {};
#pragma unroll
            for (int j = 0; j < ND_DEPTH / 16; ++j) {
#pragma unroll
                for (int part = 0; part < ND_TILE / 8; part += 2) {
                    unsigned r[4];
                    nd_pieces<false>(r, &lines[8 * part + lane % 8 + lane / 16 * 8][16 * j + lane / 8 % 2 * 8]);
                    nd_mma(scores[part], queries[j], {r[0], r[1]});
                    nd_mma(scores[part + 1], queries[j], {r[2], r[3]});
                }
            }
#pragma unroll
            for (int i = 0; i < 2; ++i) {
                float greatest = most[i];
#pragma unroll
                for (int part = 0; part < ND_TILE / 8; ++part) {
                    float(&four)[4] = scores[part];
                    const nd_int first = first_key + 8 * part + pair, count = n - first;
                    nd_strip<ND_ELEMENT> found;
#pragma unroll
                    for (int j = 0; j < 2; ++j) found.at[j] = nd_element<ND_ELEMENT>::of(four[2 * i + j]);
                    const nd_strip<float> two = ND_SCORE(operands, number, row[i], first, count, found);
#pragma unroll
                    for (int j = 0; j < 2; ++j) {
                        four[2 * i + j] = two.at[j];
                        greatest = j < count ? nd_most(greatest, two.at[j]) : greatest;
                    }
                }
                greatest = nd_among<4>(greatest, nd_most);
                // Where no score was more than minus infinity there is nothing to scale yet.
                const float scale = greatest == least ? 1.0f : expf(most[i] - greatest);
                most[i] = greatest;
                total[i] *= scale;
#pragma unroll
                for (int part = 0; part < ND_TILE / 8; ++part) {
                    const nd_int count = n - first_key - 8 * part - pair;
#pragma unroll
                    for (int j = 0; j < 2; ++j) {
                        float& score = scores[part][2 * i + j];
                        score = j < count && greatest != least ? expf(score - greatest) : 0.0f;
                        total[i] += score;
                    }
                }
#pragma unroll
                for (int part = 0; part < ND_WIDTH / 8; ++part) {
#pragma unroll
                    for (int j = 0; j < 2; ++j) sums[part][2 * i + j] *= scale;
                }
            }
            nd_arrived<0>();
            __syncthreads();
            // The next keys are on their way while values are added up.
            keys_from = first_key + ND_TILE;
            if (keys_from < n) fetch_keys(keys_from);
#pragma unroll
            for (int j = 0; j < ND_TILE / 16; ++j) {
                const float(&l)[4] = scores[2 * j], (&r)[4] = scores[2 * j + 1];
                const unsigned shares[4] = {nd_two(l[0], l[1]), nd_two(l[2], l[3]), nd_two(r[0], r[1]), nd_two(r[2], r[3])};
#pragma unroll
                for (int part = 0; part < ND_WIDTH / 8; part += 2) {
                    unsigned of[4];
                    nd_pieces<true>(of, &values[16 * j + lane % 16][8 * part + lane / 16 * 8]);
                    nd_mma(sums[part], shares, {of[0], of[1]});
                    nd_mma(sums[part + 1], shares, {of[2], of[3]});
                }
            }
        }
#pragma unroll
        for (int i = 0; i < 2; ++i) {
            const float share = 1.0f / nd_among<4>(total[i], [](float a, float b) { return a + b; });
            if (first_row + warp_row + eighth + 8 * i >= m) continue;
#ifndef ND_EPILOGUE
            const nd_int to = one.at[ND_TO] + nd_far<ND_TO>(rows, row[i]);
#endif
#pragma unroll
            for (int part = 0; part < ND_WIDTH / 8; ++part) {
                const int column = 8 * part + pair;
                const nd_int left = w - column;
                if (left <= 0) continue;
                nd_strip<float> two;
#pragma unroll
                for (int j = 0; j < 2; ++j) two.at[j] = sums[part][2 * i + j] * share;
#ifdef ND_EPILOGUE
                ND_EPILOGUE(after, number, row[i], column, left < 2 ? left : 2, two);
#else
#pragma unroll
                for (int j = 0; j < 2; ++j) {
                    if (j < left) out[to + column_to[column + j]] = nd_element<ND_RESULT>::of(two.at[j]);
                }
#endif
            }
        }
    }
}
