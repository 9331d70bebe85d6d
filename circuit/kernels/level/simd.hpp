#pragma once

#include <immintrin.h>

#include <cstddef>

// One register of the level as a type. Plain +, -, *, / and comparisons act on all lanes; `mask ? a : b` selects.

namespace striate::STRIATE_LEVEL {

#if defined(__AVX512F__)
inline constexpr std::size_t register_bytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t register_bytes = 32;
#else
inline constexpr std::size_t register_bytes = 16;
#endif

template <class T>
struct Register;
template <>
struct Register<double> {
  typedef double type __attribute__((vector_size(register_bytes)));
  typedef long long bits __attribute__((vector_size(register_bytes)));
};
template <>
struct Register<float> {
  typedef float type __attribute__((vector_size(register_bytes)));
  typedef int bits __attribute__((vector_size(register_bytes)));
};

template <class T>
using Vec = typename Register<T>::type;

/// Elements of one register.
template <class T>
inline constexpr std::size_t lanes = register_bytes / sizeof(T);

#define STRIATE_INLINE inline __attribute__((always_inline))

template <class T>
STRIATE_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <class T>
STRIATE_INLINE void store(T* to, Vec<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

template <class T>
STRIATE_INLINE Vec<T> broadcast(T x) {
  return x - Vec<T>{};  // exact for -0 too, which + would lose
}

/// a b + c, in one rounding where the level has the instruction, whatever the compiler's contraction setting.
STRIATE_INLINE Vec<double> multiply_add(Vec<double> a, Vec<double> b, Vec<double> c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_pd(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_pd(a, b, c);
#else
  return a * b + c;
#endif
}
STRIATE_INLINE Vec<float> multiply_add(Vec<float> a, Vec<float> b, Vec<float> c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#else
  return a * b + c;
#endif
}

/// Whether any lane of a comparison holds.
template <class Bits>
STRIATE_INLINE bool any_lane(Bits mask) {
#if defined(__AVX512F__)
  return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_testz_si256((__m256i)mask, (__m256i)mask) == 0;
#else
  return _mm_movemask_epi8((__m128i)mask) != 0;
#endif
}

#if defined(__AVX512F__)
/// A mask of the first `count` lanes, count < lanes.
STRIATE_INLINE unsigned first_lanes(std::size_t count) { return (1U << count) - 1U; }
#endif

/// The first `count` lanes from memory, the others 0; all of them from `lanes` on.
template <class T>
STRIATE_INLINE Vec<T> load_part(const T* from, std::size_t count) {
  if (count >= lanes<T>) return load(from);
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 8)
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>(first_lanes(count)), from);
  else
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>(first_lanes(count)), from);
#else
  T part[lanes<T>] = {};
  for (std::size_t l = 0; l < count; ++l) part[l] = from[l];
  return load(part);
#endif
}

/// Half a register of floats, one for each lane of doubles.
typedef float Halves __attribute__((vector_size(register_bytes / 2)));

STRIATE_INLINE Vec<double> widened(const float* from) {
  Halves v;
  __builtin_memcpy(&v, from, sizeof v);
  return __builtin_convertvector(v, Vec<double>);
}

STRIATE_INLINE Vec<float> rounded_to_single(Vec<float> a) { return a; }
STRIATE_INLINE Vec<double> rounded_to_single(Vec<double> a) {
  return __builtin_convertvector(__builtin_convertvector(a, Halves), Vec<double>);
}

/// The first `count` lanes to memory, added to what is there or in its place.
template <class T>
STRIATE_INLINE void store_part(T* to, std::size_t count, Vec<T> v, bool add) {
  if (count >= lanes<T>) {
    store(to, add ? load(to) + v : v);
    return;
  }
#if defined(__AVX512F__)
  if (add) v = load_part(to, count) + v;
  if constexpr (sizeof(T) == 8)
    return _mm512_mask_storeu_pd(to, static_cast<__mmask8>(first_lanes(count)), v);
  else
    return _mm512_mask_storeu_ps(to, static_cast<__mmask16>(first_lanes(count)), v);
#else
  for (std::size_t l = 0; l < count; ++l) to[l] = add ? to[l] + v[l] : v[l];
#endif
}

}  // namespace striate::STRIATE_LEVEL
