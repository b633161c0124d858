//! What kernels call and CUDA C has not: the device functions `nd_…`.
//!
//! In: the text of kernels. Out: the text of the functions and types they name,
//! directly or through one another. Always: each once, in an order in which a
//! name is declared before it is used; nothing that is not named.

mod shared;

/// A name and its text. Later pieces may use earlier ones.
struct Piece {
    name: &'static str,
    text: &'static str,
}

/// The pieces that this text needs.
pub fn prelude(kernels: &str) -> String {
    let pieces: Vec<&Piece> = pieces().collect();
    let mut needed = vec![false; pieces.len()];
    let mut texts = vec![kernels];
    while let Some(text) = texts.pop() {
        for word in words(text) {
            if let Some(at) = pieces.iter().position(|p| p.name == word)
                && !std::mem::replace(&mut needed[at], true)
            {
                texts.push(pieces[at].text);
            }
        }
    }
    let used = pieces.iter().zip(&needed).filter(|(_, needed)| **needed);
    used.map(|(piece, _)| piece.text).collect::<Vec<_>>().join("\n")
}

/// All of them, in their order.
fn pieces() -> impl Iterator<Item = &'static Piece> {
    FIRST.iter().chain(shared::PIECES)
}

/// The identifiers of a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| w.starts_with(|c: char| !c.is_ascii_digit()))
}

#[rustfmt::skip]
static FIRST: &[Piece] = &[
    Piece { name: "ND_INF32", text: "#define ND_INF32 __int_as_float(0x7f800000)\n" },
    Piece { name: "ND_NAN32", text: "#define ND_NAN32 __int_as_float(0x7fc00000)\n" },
    Piece { name: "ND_INF64", text: "#define ND_INF64 __longlong_as_double(0x7ff0000000000000ll)\n" },
    Piece { name: "ND_NAN64", text: "#define ND_NAN64 __longlong_as_double(0x7ff8000000000000ll)\n" },
    Piece { name: "nd_f16", text: r#"#ifndef ND_F16
#define ND_F16
// A number of 16 bits: 5 of the exponent, 10 of the fraction.
struct nd_f16 {
    unsigned short bits;

    __device__ __forceinline__ float value() const {
        float x;
#ifdef __CUDA_ARCH__
        asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
#else
        // The exponent is moved by a multiplication, which makes subnormal numbers normal.
        unsigned word = (bits & 0x7fffu) << 13;
        memcpy(&x, &word, sizeof(x));
        x *= 0x1p112f;
        memcpy(&word, &x, sizeof(x));
        word |= (bits & 0x8000u) << 16 | ((bits & 0x7c00u) == 0x7c00u ? 0x7f800000u : 0u);
        memcpy(&x, &word, sizeof(x));
#endif
        return x;
    }

    // The nearest one, of two the even.
    static __device__ __forceinline__ nd_f16 of(float x) {
        nd_f16 out;
#ifdef __CUDA_ARCH__
        asm("cvt.rn.f16.f32 %0, %1;" : "=h"(out.bits) : "f"(x));
#else
        unsigned word;
        memcpy(&word, &x, sizeof(x));
        const unsigned sign = word >> 16 & 0x8000u, size = word & 0x7fffffffu;
        // Beside 0.5 a float has no more digits than a subnormal number here.
        const float moved = (x < 0 ? -x : x) + 0.5f;
        memcpy(&word, &moved, sizeof(x));
        const unsigned small = word - 0x3f000000u, normal = (size - 0x38000000u + 0xfffu + (size >> 13 & 1)) >> 13;
        const unsigned finite = size < 0x38800000u ? small : normal;
        out.bits = (unsigned short)(size > 0x7f800000u ? 0x7fffu : sign | (size < 0x47800000u ? finite : 0x7c00u));
#endif
        return out;
    }
};
#endif
"# },
    Piece { name: "nd_bf16", text: r#"#ifndef ND_BF16
#define ND_BF16
// The upper half of a float.
struct nd_bf16 {
    unsigned short bits;

    __device__ __forceinline__ float value() const {
        const unsigned word = (unsigned)bits << 16;
        float x;
        memcpy(&x, &word, sizeof(x));
        return x;
    }

    // The nearest one, of two the even.
    static __device__ __forceinline__ nd_bf16 of(float x) {
        nd_bf16 out;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
        asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(out.bits) : "f"(x));
#else
        unsigned word;
        memcpy(&word, &x, sizeof(x));
        out.bits = (unsigned short)(x == x ? (word + 0x7fffu + (word >> 16 & 1)) >> 16 : 0x7fffu);
#endif
        return out;
    }
};
#endif
"# },
    Piece { name: "nd_odd", text: "\
// A double as a float that can be rounded again: where it lies between two, the odd one.
__device__ __forceinline__ float nd_odd(double a) {
    const float near = (float)a;
    const double back = near;
    unsigned word;
    memcpy(&word, &near, sizeof(near));
    word -= (back < 0 ? -back : back) > (a < 0 ? -a : a);
    word |= back != a;
    float out;
    memcpy(&out, &word, sizeof(out));
    return out;
}
" },
    Piece { name: "ND_BLOCK", text: "\
// Threads in a block.
#ifndef ND_BLOCK
#define ND_BLOCK 256
#endif
" },
    Piece { name: "ND_ROW_THREADS", text: "\
// Threads that share a row: a power of two up to 32, or the whole block.
#ifndef ND_ROW_THREADS
#define ND_ROW_THREADS 32
#endif
" },
    Piece { name: "ND_ROW_ITEMS", text: "\
// Elements of its row that a thread holds in registers; none if 0, else so many
// that the threads of a row hold it whole.
#ifndef ND_ROW_ITEMS
#define ND_ROW_ITEMS 0
#endif
" },
    Piece { name: "ND_COLUMN_THREADS", text: "\
// Threads that share a column: a divisor of the block.
#ifndef ND_COLUMN_THREADS
#define ND_COLUMN_THREADS 1
#endif
" },
    Piece { name: "ND_COLUMNS", text: "\
// Columns of a block at a time.
#define ND_COLUMNS (ND_BLOCK / ND_COLUMN_THREADS)
" },
    Piece { name: "ND_INDEX", text: "\
// The type of indices, strides and sizes; `int` where all fit.
#ifndef ND_INDEX
#define ND_INDEX long long
#endif
" },
    Piece { name: "nd_int", text: "typedef ND_INDEX nd_int;\n" },
    Piece { name: "ND_STRIP", text: "\
// Neighbouring elements that a thread computes: a power of two, and a divisor of
// what it holds of a row.
#ifndef ND_STRIP
#define ND_STRIP 1
#endif
" },
    Piece { name: "nd_strip", text: "\
template <typename T> struct alignas(sizeof(T) * ND_STRIP < 16 ? sizeof(T) * ND_STRIP : 16) nd_strip { T at[ND_STRIP]; };
" },
    Piece { name: "nd_load", text: "\
// The first `count` elements of a strip, `step` apart, then zeros; those that are
// neighbours on an aligned place by one access.
template <typename T> __device__ __forceinline__ nd_strip<T> nd_load(const T* from, nd_int step, nd_int count) {
    if (count >= ND_STRIP && step == 1 && (unsigned long long)from % alignof(nd_strip<T>) == 0) {
        return *(const nd_strip<T>*)from;
    }
    nd_strip<T> out;
#pragma unroll
    for (int i = 0; i < ND_STRIP; ++i) {
        out.at[i] = i < count ? from[i * step] : T();
    }
    return out;
}
" },
    Piece { name: "nd_store", text: "\
// The same for writing.
template <typename T> __device__ __forceinline__ void nd_store(T* to, nd_int step, nd_int count, const nd_strip<T>& from) {
    if (count >= ND_STRIP && step == 1 && (unsigned long long)to % alignof(nd_strip<T>) == 0) {
        *(nd_strip<T>*)to = from;
        return;
    }
#pragma unroll
    for (int i = 0; i < ND_STRIP; ++i) {
        if (i < count) to[i * step] = from.at[i];
    }
}
" },
    Piece { name: "ND_SLICES", text: "\
// Slices of each row or column, a power of two. Where there are several, which of
// its passes a launch makes (behind the last, what follows from all of them), and
// which of the reduced axes is cut.
#ifndef ND_SLICES
#define ND_SLICES 1
#define ND_PHASE -1
#define ND_CUT -1
#endif
" },
    Piece { name: "nd_range", text: "struct nd_range { nd_int from, to; };\n" },
    Piece { name: "nd_slice", text: "\
// The part of an axis that is a slice's: all of it, unless the axis is cut. Slices
// begin where accesses may be wide.
template <bool CUT> __device__ __forceinline__ nd_range nd_slice(nd_int extent, int slice) {
    if (!CUT) return {0, extent};
    const nd_int each = (extent + ND_SLICES * ND_STRIP - 1) / (ND_SLICES * ND_STRIP) * ND_STRIP, from = slice * each;
    return {from < extent ? from : extent, from + each < extent ? from + each : extent};
}
" },
    Piece { name: "nd_part", text: "\
// The place for what a slice came to.
template <typename T> __device__ __forceinline__ T& nd_part(unsigned long long* parts, nd_int at) {
    static_assert(sizeof(T) <= 16, \"a state has two words\");
    return *(T*)(parts + 2 * (long long)at);
}
" },
    Piece { name: "nd_div", text: "\
// Floor division; by zero it is zero.
__device__ __forceinline__ nd_int nd_div(nd_int a, nd_int b) {
    if (b == 0) return 0;
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
" },
    Piece { name: "nd_rem", text: "\
// The remainder of floor division; by zero it is zero.
__device__ __forceinline__ nd_int nd_rem(nd_int a, nd_int b) {
    if (b == 0) return 0;
    const nd_int rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
" },
    Piece { name: "nd_pick", text: "\
// The index of an element of n: negative ones count from the end. One out of
// range is noted and becomes the nearest in range. A note is the least index, its
// sign turned so that it orders as an unsigned number, and the size of the axis;
// both are all ones before.
__device__ __forceinline__ long long nd_pick(long long at, nd_int n, unsigned long long* note) {
    const long long from_start = at < 0 ? at + n : at;
    if (from_start >= 0 && from_start < n) return from_start;
    atomicMin(note, (unsigned long long)at ^ 0x8000000000000000ull);
    note[1] = n;
    return at < 0 || n < 1 ? 0 : n - 1;
}
" },
    Piece { name: "nd_max", text: "__device__ __forceinline__ nd_int nd_max(nd_int a, nd_int b) { return a > b ? a : b; }\n" },
    Piece { name: "nd_min", text: "__device__ __forceinline__ nd_int nd_min(nd_int a, nd_int b) { return a < b ? a : b; }\n" },
    Piece { name: "nd_negative", text: "\
// The negative of an integer, which wraps.
template <typename T> __device__ __forceinline__ T nd_negative(T a) { return (T)(0ull - (unsigned long long)a); }
" },
    Piece { name: "nd_floor_divide", text: "\
// Division rounded down; an integer divided by zero is zero.
template <typename T> __device__ __forceinline__ T nd_floor_divide(T a, T b) {
    if (b == 0) return 0;
    if ((T)-1 < (T)0 && b == (T)-1) return nd_negative(a);
    return (T)(a / b - (a % b != 0 && (a < 0) != (b < 0)));
}
__device__ __forceinline__ float nd_floor_divide(float a, float b) {
    if (b == 0.0f) return a / b;
    const float rest = fmodf(a, b);
    float whole = (a - rest) / b;
    if (rest != 0.0f && (b < 0.0f) != (rest < 0.0f)) whole -= 1.0f;
    if (whole == 0.0f) return copysignf(0.0f, a / b);
    const float low = floorf(whole);
    return whole - low > 0.5f ? low + 1.0f : low;
}
__device__ __forceinline__ double nd_floor_divide(double a, double b) {
    if (b == 0.0) return a / b;
    const double rest = fmod(a, b);
    double whole = (a - rest) / b;
    if (rest != 0.0 && (b < 0.0) != (rest < 0.0)) whole -= 1.0;
    if (whole == 0.0) return copysign(0.0, a / b);
    const double low = floor(whole);
    return whole - low > 0.5 ? low + 1.0 : low;
}
" },
    Piece { name: "nd_remainder", text: "\
// The remainder of floor division, with the sign of the divisor.
template <typename T> __device__ __forceinline__ T nd_remainder(T a, T b) {
    if (b == 0 || ((T)-1 < (T)0 && b == (T)-1)) return 0;
    const T rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? (T)(rest + b) : rest;
}
__device__ __forceinline__ float nd_remainder(float a, float b) {
    const float rest = fmodf(a, b);
    if (rest == 0.0f) return copysignf(0.0f, b);
    return (b < 0.0f) != (rest < 0.0f) ? rest + b : rest;
}
__device__ __forceinline__ double nd_remainder(double a, double b) {
    const double rest = fmod(a, b);
    if (rest == 0.0) return copysign(0.0, b);
    return (b < 0.0) != (rest < 0.0) ? rest + b : rest;
}
" },
    Piece { name: "nd_power", text: "\
// An integer power, which wraps; for a negative exponent 0.
template <typename T> __device__ __forceinline__ T nd_power(T base, T exponent) {
    if (exponent < 0) return 0;
    unsigned long long power = 1, square = (unsigned long long)base;
    for (unsigned long long rest = (unsigned long long)exponent; rest != 0; rest >>= 1) {
        if (rest & 1) power *= square;
        square *= square;
    }
    return (T)power;
}
" },
    Piece { name: "nd_abs", text: "template <typename T> __device__ __forceinline__ T nd_abs(T a) { return a < 0 ? nd_negative(a) : a; }\n" },
    Piece { name: "nd_sign", text: "\
// -1, 0 or 1; NaN for NaN.
template <typename T> __device__ __forceinline__ T nd_sign(T a) {
    return a != a ? a : (T)((a > (T)0) - (a < (T)0));
}
" },
    Piece { name: "nd_maximum", text: "\
// The greater of two; NaN if either is.
template <typename T> __device__ __forceinline__ T nd_maximum(T a, T b) { return a >= b || a != a ? a : b; }
" },
    Piece { name: "nd_minimum", text: "\
// The lesser of two; NaN if either is.
template <typename T> __device__ __forceinline__ T nd_minimum(T a, T b) { return a <= b || a != a ? a : b; }
" },
    Piece { name: "nd_not", text: "\
template <typename T> __device__ __forceinline__ T nd_not(T a) { return (T)~a; }
__device__ __forceinline__ bool nd_not(bool a) { return !a; }
" },
    Piece { name: "nd_shl", text: "\
// Bits moved up; all are gone at the width.
template <typename T> __device__ __forceinline__ T nd_shl(T a, T b) {
    return b >= 0 && b < (T)(8 * sizeof(T)) ? (T)((unsigned long long)a << b) : (T)0;
}
" },
    Piece { name: "nd_shr", text: "\
// Bits moved down, keeping the sign.
template <typename T> __device__ __forceinline__ T nd_shr(T a, T b) {
    return b >= 0 && b < (T)(8 * sizeof(T)) ? (T)(a >> b) : a < 0 ? (T)-1 : (T)0;
}
" },
    Piece { name: "nd_philox", text: "\
// Random bits: the first half of a block of Philox4x32-10.
template <typename T> __device__ __forceinline__ T nd_philox(T key, T low, T high) {
    unsigned k = (unsigned)(unsigned long long)key, l = (unsigned)((unsigned long long)key >> 32);
    unsigned a = (unsigned)(unsigned long long)low, b = (unsigned)((unsigned long long)low >> 32);
    unsigned c = (unsigned)(unsigned long long)high, d = (unsigned)((unsigned long long)high >> 32);
    for (int round = 0; round < 10; ++round) {
        const unsigned long long p = a * 0xd2511f53ull, q = c * 0xcd9e8d57ull;
        a = (unsigned)(q >> 32) ^ b ^ k;
        b = (unsigned)q;
        c = (unsigned)(p >> 32) ^ d ^ l;
        d = (unsigned)p;
        k += 0x9e3779b9u;
        l += 0xbb67ae85u;
    }
    return (T)(a | (unsigned long long)b << 32);
}
" },
    Piece { name: "nd_isinf", text: "template <typename T> __device__ __forceinline__ bool nd_isinf(T a) { return a == a && a - a != a - a; }\n" },
    Piece { name: "nd_isfinite", text: "template <typename T> __device__ __forceinline__ bool nd_isfinite(T a) { return a - a == a - a; }\n" },
    Piece { name: "nd_saturate", text: "\
// A float as an integer in low..=high; NaN as 0.
template <typename T, typename F> __device__ __forceinline__ T nd_saturate(F a, T low, T high) {
    if (a != a) return 0;
    return a >= (F)high ? high : a <= (F)low ? low : (T)a;
}
" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_uses_earlier_ones_alone() {
        for (at, piece) in pieces().enumerate() {
            for word in words(piece.text) {
                let found = pieces().position(|p| p.name == word);
                assert!(found.is_none_or(|f| f <= at), "{} uses {word}", piece.name);
            }
        }
    }

    #[test]
    fn what_is_not_named_is_left_out() {
        assert_eq!(prelude("a + b"), "");
        let text = prelude("nd_abs(x) + nd_abs(y)");
        assert_eq!(text.matches("T nd_negative(").count(), 1);
        assert!(text.find("nd_negative") < text.find("nd_abs") && !text.contains("nd_sign"));
    }

    #[test]
    fn the_op_tables_name_pieces_alone() {
        let maps = crate::ops::MAPS.iter().flat_map(|r| [r.cuda, r.cuda_int]);
        let texts: Vec<&str> = maps.chain(crate::ops::REDUCES.iter().map(|r| r.cuda)).collect();
        for word in texts.into_iter().flat_map(words).filter(|w| w.starts_with("nd_")) {
            assert!(pieces().any(|p| p.name == word), "{word}");
        }
    }
}
