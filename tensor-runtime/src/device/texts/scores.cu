// What both kernels of an attention begin with: for each row of queries a sum of values, weighted by the shares of the row's
// scores. The scores go by in tiles of 64 rows and 64 columns and are never in memory: a row keeps the greatest score so far,
// the sum of the powers, and the sum of values, and scales the latter two when the first one grows. All sums are in an order
// that follows from the sizes.
// ND_ELEMENT is float or a type of 16 bits, ND_RESULT the result's. ND_SCORE makes a score of a product of a query and a key,
// with ND_SCORE_OPERANDS; ND_MASKED, where it is, says what all scores of some keys are, if a mask makes them so, else NaN;
// ND_EPILOGUE, where it is, takes the result.
enum { ND_QUERY, ND_KEY, ND_VALUE, ND_TO };

// Columns of the result that a block has room for: 32, 64 or 128.
#ifndef ND_WIDTH
#define ND_WIDTH 64
#endif

#ifdef ND_EPILOGUE
#define ND_TO_PARAMETER const __grid_constant__ ND_EPILOGUE_OPERANDS after
#else
#define ND_TO_PARAMETER ND_RESULT* __restrict__ out
#endif

// The counts are of matrices, of queries, of keys, of terms of a score and of columns of the result.
#define ND_ATTEND_PARAMETERS                                                                                          \
    const ND_ELEMENT *__restrict__ query, const ND_ELEMENT *__restrict__ key, const ND_ELEMENT *__restrict__ value,   \
    const __grid_constant__ nd_axes<4> batch, const __grid_constant__ nd_axes<4> rows,                                \
    const __grid_constant__ nd_axes<4> keys, const __grid_constant__ nd_axes<4> depth,                                \
    const __grid_constant__ nd_axes<4> columns,                                                                       \
    long long batches, long long m_count, long long n_count, long long k_count, long long w_count,                    \
    const __grid_constant__ ND_SCORE_OPERANDS operands, ND_TO_PARAMETER

// The greatest score so far, before there is one.
__device__ __forceinline__ float nd_least() { return __int_as_float(0xff800000); }

// The greater of two; NaN if either is.
__device__ __forceinline__ float nd_most(float a, float b) { return a >= b || a != a ? a : b; }

// What the THREADS of a row have, neighbours, combined in a fixed order; all get the result.
template <int THREADS, typename Combine> __device__ __forceinline__ float nd_among(float mine, Combine combine) {
    const int lane = threadIdx.x % THREADS;
    for (int step = THREADS / 2; step > 0; step /= 2) {
        mine = combine(mine, __int_as_float(__shfl_sync(0xffffffffu, __float_as_int(mine), lane + step, THREADS)));
    }
    return __int_as_float(__shfl_sync(0xffffffffu, __float_as_int(mine), 0, THREADS));
}

// Whether keys of this one score add nothing to a row with this greatest one.
__device__ __forceinline__ bool nd_nothing(float score, float most) {
    return score == nd_least() || (score < most && expf(score - most) == 0.0f);
}
