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

/// sin and cos on [-pi/4, pi/4] as minimax polynomials in x^2 (double: those of FreeBSD's msun; float: those of
/// Cephes), and pi/2 in parts so short that their products with whole numbers up to limit / (pi/2) are exact.
template <class T>
struct QuarterTurn;
template <>
struct QuarterTurn<double> {
  static constexpr double limit = 1e6;
  static constexpr double to_whole = 0x1.8p52;  ///< added and subtracted, it rounds to a whole number
  static constexpr double parts[] = {1.57079632673412561417e+00, 6.07710050630396597660e-11,
                                     2.02226624871116645580e-21};
  static constexpr double sine[] = {-1.66666666666666324348e-01, 8.33333333332248946124e-03,
                                    -1.98412698298579493134e-04, 2.75573137070700676789e-06,
                                    -2.50507602534068634195e-08, 1.58969099521155010221e-10};
  static constexpr double cosine[] = {4.16666666666666019037e-02, -1.38888888888741095749e-03,
                                      2.48015872894767294178e-05, -2.75573143513906633035e-07,
                                      2.08757232129817482790e-09, -1.13596475577881948265e-11};
};
template <>
struct QuarterTurn<float> {
  static constexpr float limit = 8192;
  static constexpr float to_whole = 0x1.8p23F;
  static constexpr float parts[] = {0x1.92p+0F, 0x1.fb4p-12F, 0x1.444p-24F, 0x1.68c234p-39F};
  static constexpr float sine[] = {-1.6666654611e-1F, 8.3321608736e-3F, -1.9515295891e-4F};
  static constexpr float cosine[] = {4.166664568298827e-2F, -1.388731625493765e-3F, 2.443315711809948e-5F};
};

template <class T, std::size_t terms>
STRIATE_INLINE Vec<T> polynomial(const T (&coefficient)[terms], Vec<T> x) {
  Vec<T> value = broadcast(coefficient[terms - 1]);
  for (std::size_t k = terms - 1; k-- > 0;) value = multiply_add(value, x, broadcast(coefficient[k]));
  return value;
}

/// Both at once, which costs about what the library takes for one of them; large arguments go there.
template <class T>
STRIATE_INLINE void sine_and_cosine(Vec<T> x, Vec<T>& sine, Vec<T>& cosine) {
  using Quarter = QuarterTurn<T>;
  using Bits = typename Register<T>::bits;
  const Vec<T> shifted = multiply_add(x, broadcast(T(0.63661977236758134308)), broadcast(Quarter::to_whole));
  const Bits quarter = (Bits)shifted;
  const Vec<T> quarters = shifted - Quarter::to_whole;
  Vec<T> r = x;
  for (const T part : Quarter::parts) r = multiply_add(quarters, broadcast(-part), r);
  const Vec<T> z = r * r, half = T(0.5) * z, near = T(1) - half;
  const Vec<T> s = multiply_add(r * z, polynomial(Quarter::sine, z), r);
  const Vec<T> c = near + multiply_add(z * z, polynomial(Quarter::cosine, z), (T(1) - near) - half);
  constexpr int to_sign = sizeof(T) * 8 - 2;
  const Bits odd = (quarter & 1) != 0;
  sine = (Vec<T>)((Bits)(odd ? c : s) ^ ((quarter & 2) << to_sign));
  cosine = (Vec<T>)((Bits)(odd ? s : c) ^ (((quarter + 1) & 2) << to_sign));
  const Bits beyond = ~((x < Quarter::limit) & (x > -Quarter::limit));
  if (__builtin_expect(any_lane(beyond), 0)) {
    sine = beyond ? vector_sin(x) : sine;
    cosine = beyond ? vector_cos(x) : cosine;
  }
}

}  // namespace striate::STRIATE_LEVEL

#undef STRIATE_UNARY
#undef STRIATE_BINARY
#undef STRIATE_MVEC
#undef STRIATE_MVECF
