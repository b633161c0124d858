//! What threads do together: the states of reductions, their combination across a
//! row's or a column's threads.
//!
//! In: nothing. Out: pieces of the prelude. Always: the order in which states are
//! combined follows from the number of threads alone.

use super::Piece;

#[rustfmt::skip]
pub(super) static PIECES: &[Piece] = &[
    Piece { name: "nd_two_sum", text: "\
// The sum as rounded, and what rounding took away; never contracted.
__device__ __forceinline__ float nd_two_sum(float a, float b, float& lost) {
    const float sum = __fadd_rn(a, b), part = __fsub_rn(sum, a);
    lost = __fadd_rn(__fsub_rn(a, __fsub_rn(sum, part)), __fsub_rn(b, part));
    return sum;
}
__device__ __forceinline__ double nd_two_sum(double a, double b, double& lost) {
    const double sum = __dadd_rn(a, b), part = __dsub_rn(sum, a);
    lost = __dadd_rn(__dsub_rn(a, __dsub_rn(sum, part)), __dsub_rn(b, part));
    return sum;
}
" },
    Piece { name: "nd_sum", text: "\
// A running sum that carries what rounding takes away.
template <typename T> struct nd_sum { T sum, lost; };
" },
    Piece { name: "nd_add", text: "\
template <typename T> __device__ __forceinline__ nd_sum<T> nd_add(nd_sum<T> a, T b) {
    T lost;
    const T sum = nd_two_sum(a.sum, b, lost);
    return {sum, a.lost + lost};
}
" },
    Piece { name: "nd_merge", text: "\
template <typename T> __device__ __forceinline__ nd_sum<T> nd_merge(nd_sum<T> a, nd_sum<T> b) {
    T lost;
    const T sum = nd_two_sum(a.sum, b.sum, lost);
    return {sum, a.lost + b.lost + lost};
}
" },
    Piece { name: "nd_total", text: "\
// Where the sum is infinite, what was lost is no number.
template <typename T> __device__ __forceinline__ T nd_total(nd_sum<T> a) {
    return a.lost == a.lost ? a.sum + a.lost : a.sum;
}
" },
    Piece { name: "nd_exp", text: "\
__device__ __forceinline__ float nd_exp(float a) { return expf(a); }
__device__ __forceinline__ double nd_exp(double a) { return exp(a); }
" },
    Piece { name: "nd_ceil", text: "\
__device__ __forceinline__ float nd_ceil(float a) { return ceilf(a); }
__device__ __forceinline__ double nd_ceil(double a) { return ceil(a); }
" },
    Piece { name: "nd_powers", text: "\
// The greatest of some numbers, `top`, which is no less and at most 1 above, and
// the sum of exp(x - top). A whole top rises seldom, so little is rounded twice;
// where the greatest is no finite number, it is 0, and the sum what it then is.
template <typename T> struct nd_powers { T most, top; nd_sum<T> sum; };
" },
    Piece { name: "nd_top", text: "\
template <typename T> __device__ __forceinline__ T nd_top(T most) { return most - most == 0 ? nd_ceil(most) : 0; }
" },
    Piece { name: "nd_powers_of", text: "\
template <typename T> __device__ __forceinline__ nd_powers<T> nd_powers_of(T most, nd_sum<T> sum) {
    return {most, nd_top(most), sum};
}
" },
    Piece { name: "nd_moved", text: "\
// A sum of exp(x - a) as one of exp(x - b), `by` being a - b. Zero is one of nothing
// but minus infinities, and stays so.
template <typename T> __device__ __forceinline__ nd_sum<T> nd_moved(nd_sum<T> a, T by) {
    if (by == 0 || a.sum == 0) return a;
    const T scale = nd_exp(by);
    return {a.sum * scale, a.lost * scale};
}
" },
    Piece { name: "nd_with", text: "\
template <typename T> __device__ __forceinline__ nd_powers<T> nd_with(nd_powers<T> a, T x) {
    if (!(x <= a.most)) {
        a.most = nd_maximum(a.most, x);
        const T top = nd_top(a.most);
        a.sum = nd_moved(a.sum, a.top - top);
        a.top = top;
    }
    a.sum = nd_add(a.sum, nd_exp(x - a.top));
    return a;
}
" },
    Piece { name: "nd_joined", text: "\
template <typename T> __device__ __forceinline__ nd_powers<T> nd_joined(nd_powers<T> a, nd_powers<T> b) {
    const T most = nd_maximum(a.most, b.most), top = nd_top(most);
    return {most, top, nd_merge(nd_moved(a.sum, a.top - top), nd_moved(b.sum, b.top - top))};
}
" },
    Piece { name: "nd_below", text: "\
// The sum of exp(x - shift).
template <typename T> __device__ __forceinline__ T nd_below(nd_powers<T> a, T shift) {
    return nd_total(a.sum) * nd_exp(a.top - shift);
}
" },
    Piece { name: "ND_NONE", text: "#define ND_NONE 0x7fffffffffffffffll\n" },
    Piece { name: "nd_indexed", text: "\
// A value with its place.
template <typename T> struct nd_indexed { T value; long long index; };
" },
    Piece { name: "nd_at", text: "\
template <typename T> __device__ __forceinline__ nd_indexed<T> nd_at(T value, long long index) { return {value, index}; }
" },
    Piece { name: "nd_argmax", text: "\
// The greater of two, NaN above all; of equals the first.
template <typename T> __device__ __forceinline__ nd_indexed<T> nd_argmax(nd_indexed<T> a, nd_indexed<T> b) {
    const bool equal = a.value == b.value || (a.value != a.value && b.value != b.value);
    if (equal) return a.index <= b.index ? a : b;
    return a.value > b.value || a.value != a.value ? a : b;
}
" },
    Piece { name: "nd_argmin", text: "\
// The lesser of two, NaN below all; of equals the first.
template <typename T> __device__ __forceinline__ nd_indexed<T> nd_argmin(nd_indexed<T> a, nd_indexed<T> b) {
    const bool equal = a.value == b.value || (a.value != a.value && b.value != b.value);
    if (equal) return a.index <= b.index ? a : b;
    return a.value < b.value || a.value != a.value ? a : b;
}
" },
    Piece { name: "nd_shuffle", text: "\
// A value of any type from another lane, word by word.
template <typename T> __device__ __forceinline__ T nd_shuffle(unsigned mask, T value, int lane, int width) {
    int words[(sizeof(T) + 3) / 4] = {};
    memcpy(words, &value, sizeof(T));
    for (int& word : words) word = __shfl_sync(mask, word, lane, width);
    memcpy(&value, words, sizeof(T));
    return value;
}
" },
    Piece { name: "nd_reduce_row", text: "\
// Combines what the threads of a row have, in a fixed order; all get the result.
// A row of more than 32 threads is a whole block.
template <int THREADS, typename T, typename Combine>
__device__ __forceinline__ T nd_reduce_row(T mine, Combine combine) {
    static_assert((THREADS & (THREADS - 1)) == 0 && (THREADS <= 32 || THREADS == ND_BLOCK), \"ND_ROW_THREADS\");
    constexpr int width = THREADS < 32 ? THREADS : 32;
    const int lane = threadIdx.x % width;
    const unsigned mask = (0xffffffffu >> (32 - width)) << (threadIdx.x % 32 - lane);
    for (int step = width / 2; step > 0; step /= 2) {
        mine = combine(mine, nd_shuffle(mask, mine, lane + step, width));
    }
    if constexpr (THREADS <= 32) {
        return nd_shuffle(mask, mine, 0, width);
    } else {
        __shared__ T warps[THREADS / 32];
        __syncthreads();
        if (lane == 0) warps[threadIdx.x / 32] = mine;
        __syncthreads();
        mine = warps[0];
        for (int warp = 1; warp < THREADS / 32; ++warp) mine = combine(mine, warps[warp]);
        return mine;
    }
}
" },
    Piece { name: "nd_room", text: "\
// Shared memory, which all reductions of a kernel have in turn.
template <int BYTES> __device__ __forceinline__ void* nd_room() {
    alignas(16) __shared__ unsigned char room[BYTES];
    return room;
}
" },
    Piece { name: "nd_reduce_column", text: "\
// Combines what the threads of a column have, in a fixed order; all get the result.
// Their number is a power of two. No state of the kernel has more than BYTES.
template <int THREADS, int BYTES, typename T, typename Combine>
__device__ __forceinline__ T nd_reduce_column(T mine, Combine combine) {
    static_assert(sizeof(T) <= BYTES, \"a state of the kernel\");
    if constexpr (THREADS > 1) {
        T* const parts = (T*)nd_room<BYTES * ND_BLOCK>();
        const int column = threadIdx.x % ND_COLUMNS, thread = threadIdx.x / ND_COLUMNS;
        __syncthreads();
        parts[threadIdx.x] = mine;
        for (int step = THREADS / 2; step > 0; step /= 2) {
            __syncthreads();
            if (thread < step) parts[threadIdx.x] = mine = combine(mine, parts[threadIdx.x + step * ND_COLUMNS]);
        }
        __syncthreads();
        mine = parts[column];
    }
    return mine;
}
" },
];
