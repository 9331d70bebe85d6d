#pragma once

#include "circuit/kernels/level/simd.hpp"

// Elementary functions of one register, from glibc's vector library. They are called by their vector-ABI names,
// because compilers find them only under -ffast-math, which would cost NaN and infinity.

#if defined(__AVX512F__)
#define STRIATE_MVEC(args, name) _ZGVeN8##args##_##name
#define STRIATE_MVECF(args, name) _ZGVeN16##args##_##name##f
#elif defined(__AVX2__)
#define STRIATE_MVEC(args, name) _ZGVdN4##args##_##name
#define STRIATE_MVECF(args, name) _ZGVdN8##args##_##name##f
#else
#define STRIATE_MVEC(args, name) _ZGVbN2##args##_##name
#define STRIATE_MVECF(args, name) _ZGVbN4##args##_##name##f
#endif

#define STRIATE_UNARY(f)                                                                 \
  extern "C" Vec<double> STRIATE_MVEC(v, f)(Vec<double>);                                \
  extern "C" Vec<float> STRIATE_MVECF(v, f)(Vec<float>);                                 \
  STRIATE_INLINE Vec<double> vector_##f(Vec<double> x) { return STRIATE_MVEC(v, f)(x); } \
  STRIATE_INLINE Vec<float> vector_##f(Vec<float> x) { return STRIATE_MVECF(v, f)(x); }

#define STRIATE_BINARY(f)                                                                                   \
  extern "C" Vec<double> STRIATE_MVEC(vv, f)(Vec<double>, Vec<double>);                                     \
  extern "C" Vec<float> STRIATE_MVECF(vv, f)(Vec<float>, Vec<float>);                                       \
  STRIATE_INLINE Vec<double> vector_##f(Vec<double> x, Vec<double> y) { return STRIATE_MVEC(vv, f)(x, y); } \
  STRIATE_INLINE Vec<float> vector_##f(Vec<float> x, Vec<float> y) { return STRIATE_MVECF(vv, f)(x, y); }

namespace striate::STRIATE_LEVEL {

STRIATE_UNARY(exp)
STRIATE_UNARY(expm1)
STRIATE_UNARY(log)
STRIATE_UNARY(log1p)
STRIATE_UNARY(sin)
STRIATE_UNARY(cos)
STRIATE_UNARY(tanh)

STRIATE_BINARY(pow)
STRIATE_BINARY(atan2)

#if defined(__AVX512F__)
STRIATE_INLINE Vec<double> vector_sqrt(Vec<double> x) { return _mm512_maskz_sqrt_pd(0xff, x); }
STRIATE_INLINE Vec<float> vector_sqrt(Vec<float> x) { return _mm512_maskz_sqrt_ps(0xffff, x); }
#elif defined(__AVX2__)
STRIATE_INLINE Vec<double> vector_sqrt(Vec<double> x) { return _mm256_sqrt_pd(x); }
STRIATE_INLINE Vec<float> vector_sqrt(Vec<float> x) { return _mm256_sqrt_ps(x); }
#else
STRIATE_INLINE Vec<double> vector_sqrt(Vec<double> x) { return _mm_sqrt_pd(x); }
STRIATE_INLINE Vec<float> vector_sqrt(Vec<float> x) { return _mm_sqrt_ps(x); }
#endif

}  // namespace striate::STRIATE_LEVEL

#undef STRIATE_UNARY
#undef STRIATE_BINARY
#undef STRIATE_MVEC
#undef STRIATE_MVECF
