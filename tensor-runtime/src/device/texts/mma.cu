// A matrix product of elements of 16 bits by the tensor cores, of compute capability 8.0 and later. As dot.cu, but for the
// order of a sum: it runs over groups of 16 terms, whose own order is the hardware's. ND_ELEMENT is nd_f16 or nd_bf16, and
// ND_RESULT that or float, in which sums are.
// A tile lies in shared memory as its neighbours do in the operand: line after line of terms, or term after term of lines, so
// many elements apart that eight of them meet in no bank.
#define ND_LINE (ND_STEP + 8)
#define ND_TERM (ND_TILE + 8)
// A block's eight warps have two halves of its rows and four quarters of its columns, in pieces of 16 rows and 8 columns.
#define ND_ROWS (ND_TILE / 2)
#define ND_COLUMNS (ND_TILE / 4)
// What a thread fetches of each operand for a step: groups of eight neighbours.
#define ND_FETCHED (ND_STEP * ND_TILE / 8 / 256)

// The eight neighbours that a thread fetches: terms of a line, or lines of a term, from wherever neighbours lie together.
struct nd_group {
    int term, line;
    __device__ __forceinline__ nd_group(bool deep, int j) {
        const int at = threadIdx.x + j * 256;
        term = deep ? at % (ND_STEP / 8) * 8 : at / (ND_TILE / 8);
        line = deep ? at / (ND_STEP / 8) : at % (ND_TILE / 8) * 8;
    }
};

__device__ __forceinline__ int nd_in_tile(bool deep, int line, int term) {
    return deep ? line * ND_LINE + term : term * ND_TERM + line;
}

// Four pieces of a tile, each of eight lines of eight terms, of which a thread has two neighbouring terms of a line; it gives
// the place of a row of one of them.
__device__ __forceinline__ void nd_pieces_of(unsigned (&to)[4], const ND_ELEMENT* tile, bool deep, int line, int term) {
    const ND_ELEMENT* const row = tile + nd_in_tile(deep, line, term);
    if (deep) {
        nd_pieces<false>(to, row);
    } else {
        nd_pieces<true>(to, row);
    }
}

// ND_BLOCK is 256.
extern "C" __global__ void __launch_bounds__(ND_BLOCK, 128 / ND_TILE) nd_mma_dot(ND_PRODUCT_PARAMETERS) {
    alignas(16) __shared__ ND_ELEMENT a[2][ND_TILE * ND_LINE], b[2][ND_TILE * ND_LINE];
    static_assert(ND_STEP * ND_TERM <= ND_TILE * ND_LINE, "a tile");
    __shared__ nd_lines lie;
    const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
    const int warp_row = warp % 2 * ND_ROWS, warp_column = warp / 2 * ND_COLUMNS, eighth = lane / 4, pair = lane % 4 * 2;
    const nd_int m = (nd_int)m_count, n = (nd_int)n_count, k = (nd_int)k_count;
    const bool deep_a = nd_deep(depth.step[ND_LEFT], depth.count, rows.step[ND_LEFT], rows.count);
    const bool deep_b = nd_deep(depth.step[ND_RIGHT], depth.count, columns.step[ND_RIGHT], columns.count);
#ifndef ND_NO_LEFT
    const bool wide_a = deep_a ? nd_together(depth, ND_LEFT) : nd_together(rows, ND_LEFT);
#endif
#ifndef ND_NO_RIGHT
    const bool wide_b = deep_b ? nd_together(depth, ND_RIGHT) : nd_together(columns, ND_RIGHT);
#endif
    const nd_int down = (m + ND_TILE - 1) / ND_TILE, across = (n + ND_TILE - 1) / ND_TILE;
    for (long long tile = blockIdx.x; tile < batches * down * across; tile += gridDim.x) {
        const nd_int first_column = (nd_int)(tile % across * ND_TILE), first_row = (nd_int)(tile / across % down * ND_TILE);
        const nd_int number = (nd_int)(tile / across / down);
        const nd_place<3> one = nd_find(batch, number);
        __syncthreads();
        lie.find(one, rows, columns, first_row, first_column, m, n);
        __syncthreads();
        float sums[ND_ROWS / 16][ND_COLUMNS / 8][4] = {};
        nd_eight next_a[ND_FETCHED], next_b[ND_FETCHED];
        const auto fetch = [&](nd_int first) {
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_group group(deep_a, j);
                next_a[j] = nd_eight{};
#ifndef ND_NO_LEFT
                const int last_term = group.term + (deep_a ? 7 : 0), last_line = group.line + (deep_a ? 0 : 7);
                if (wide_a && first + last_term < k && first_row + last_line < m) {
                    const ND_ELEMENT* const from = &ND_LEFT_AT(group.line, first + group.term);
                    if ((unsigned long long)from % sizeof(nd_eight) == 0) {
                        next_a[j] = *(const nd_eight*)from;
                        continue;
                    }
                }
#endif
#pragma unroll
                for (int i = 0; i < 8; ++i) {
                    const int term = group.term + (deep_a ? i : 0), line = group.line + (deep_a ? 0 : i);
                    if (first + term < k && first_row + line < m) next_a[j].at[i] = ND_LEFT_AT(line, first + term);
                }
            }
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_group group(deep_b, j);
                next_b[j] = nd_eight{};
#ifndef ND_NO_RIGHT
                const int last_term = group.term + (deep_b ? 7 : 0), last_line = group.line + (deep_b ? 0 : 7);
                if (wide_b && first + last_term < k && first_column + last_line < n) {
                    const ND_ELEMENT* const from = &ND_RIGHT_AT(group.line, first + group.term);
                    if ((unsigned long long)from % sizeof(nd_eight) == 0) {
                        next_b[j] = *(const nd_eight*)from;
                        continue;
                    }
                }
#endif
#pragma unroll
                for (int i = 0; i < 8; ++i) {
                    const int term = group.term + (deep_b ? i : 0), line = group.line + (deep_b ? 0 : i);
                    if (first + term < k && first_column + line < n) next_b[j].at[i] = ND_RIGHT_AT(line, first + term);
                }
            }
        };
        const auto keep = [&](ND_ELEMENT* to, bool deep, const nd_eight (&next)[ND_FETCHED]) {
#pragma unroll
            for (int j = 0; j < ND_FETCHED; ++j) {
                const nd_group group(deep, j);
                *(nd_eight*)&to[nd_in_tile(deep, group.line, group.term)] = next[j];
            }
        };
        fetch(0);
        keep(a[0], deep_a, next_a);
        keep(b[0], deep_b, next_b);
        int half = 0;
        for (nd_int first = 0; first < k; first += ND_STEP, half ^= 1) {
            __syncthreads();
            const bool more = first + ND_STEP < k;
            if (more) fetch(first + ND_STEP);
#pragma unroll
            for (int term = 0; term < ND_STEP; term += 16) {
                unsigned l[ND_ROWS / 16][4];
#pragma unroll
                for (int i = 0; i < ND_ROWS / 16; ++i) {
                    const int line = deep_a ? lane % 16 : lane / 8 % 2 * 8, own = deep_a ? lane / 16 * 8 : lane % 8 + lane / 16 * 8;
                    nd_pieces_of(l[i], a[half], deep_a, warp_row + 16 * i + line, term + own);
                }
#pragma unroll
                for (int j = 0; j < ND_COLUMNS / 8; j += 2) {
                    const int line = lane / 16 * 8 + (deep_b ? lane % 8 : 0), own = deep_b ? lane / 8 % 2 * 8 : lane % 16;
                    unsigned r[4];
                    nd_pieces_of(r, b[half], deep_b, warp_column + 8 * j + line, term + own);
#pragma unroll
                    for (int i = 0; i < ND_ROWS / 16; ++i) {
                        nd_mma(sums[i][j], l[i], {r[0], r[1]});
                        nd_mma(sums[i][j + 1], l[i], {r[2], r[3]});
                    }
                }
            }
            if (more) {
                keep(a[half ^ 1], deep_a, next_a);
                keep(b[half ^ 1], deep_b, next_b);
            }
        }
#pragma unroll
        for (int i = 0; i < ND_ROWS / 16; ++i) {
#pragma unroll
            for (int j = 0; j < ND_COLUMNS / 8; ++j) {
#pragma unroll
                for (int part = 0; part < 2; ++part) {
                    const int row = warp_row + 16 * i + eighth + 8 * part, column = warp_column + 8 * j + pair;
                    const nd_int count = n - first_column - column;
                    if (first_row + row >= m || count <= 0) continue;
#ifdef ND_EPILOGUE
                    nd_strip<float> two;
                    two.at[0] = sums[i][j][2 * part];
                    two.at[1] = sums[i][j][2 * part + 1];
                    ND_EPILOGUE(operands, number, first_row + row, first_column + column, count, two);
#else
#pragma unroll
                    for (int at = 0; at < 2; ++at) {
                        if (at >= count) continue;
                        out[lie.row_out[row] + lie.column_out[column + at]] = nd_element<ND_RESULT>::of(sums[i][j][2 * part + at]);
                    }
#endif
                }
            }
        }
    }
}
