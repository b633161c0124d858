#ifndef ND_F16
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

#ifndef ND_BF16
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

// A double as a float that can be rounded again: where it lies between two, the odd one.
__device__ __forceinline__ float nd_narrow(double a) {
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

// How elements of a type are computed with: those of 16 bits as floats.
template <typename T> struct nd_element {
    typedef T computed;
    static __device__ __forceinline__ T value(T x) { return x; }
    static __device__ __forceinline__ T of(T x) { return x; }
};
template <typename T> struct nd_half {
    typedef float computed;
    static __device__ __forceinline__ float value(T x) { return x.value(); }
    static __device__ __forceinline__ T of(float x) { return T::of(x); }
    static __device__ __forceinline__ T of(double x) { return T::of(nd_narrow(x)); }
};
template <> struct nd_element<nd_f16> : nd_half<nd_f16> {};
template <> struct nd_element<nd_bf16> : nd_half<nd_bf16> {};

#ifdef ND_ELEMENT
// The type of what is written, where that may be another.
#ifndef ND_RESULT
#define ND_RESULT ND_ELEMENT
#endif
typedef nd_element<ND_ELEMENT>::computed nd_computed;
__device__ __forceinline__ nd_computed nd_value(ND_ELEMENT x) { return nd_element<ND_ELEMENT>::value(x); }
#endif
