#include <cstdint>

#include "circuit/kernels/level/random_families.hpp"
#include "circuit/kernels/level/vector_math.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

constexpr std::size_t counters = 64;  // worked on together; four words of each
using Words = typename Register<double>::bits;
constexpr std::size_t width = lanes<double>;

STRIATE_INLINE Words all(std::uint64_t x) { return (Words{} + 1) * static_cast<long long>(x); }

/// The 64-bit products of the lower halves of the lanes.
STRIATE_INLINE Words product(Words a, Words b) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  return (Words)_mm_mul_epu32((__m128i)a, (__m128i)b);
#endif
}

/// Logical shift: the words are unsigned, their register's type is not.
STRIATE_INLINE Words upper(Words a) {
#if defined(__AVX512F__)
  return (Words)_mm512_maskz_srli_epi64(0xff, (__m512i)a, 32);
#elif defined(__AVX2__)
  return (Words)_mm256_srli_epi64((__m256i)a, 32);
#else
  return (Words)_mm_srli_epi64((__m128i)a, 32);
#endif
}

/// Ten rounds of Philox 4x32 on one counter a lane; on return the low half of each lane is a word.
STRIATE_INLINE void philox(std::uint32_t key0, std::uint32_t key1, Words (&c)[4]) {
  const Words low = all(0xffffffff);
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
    const Words first = product(c[0], all(0xD2511F53)), second = product(c[2], all(0xCD9E8D57));
    c[0] = upper(second) ^ (c[1] & low) ^ all(key0);
    c[1] = second & low;
    c[2] = upper(first) ^ (c[3] & low) ^ all(key1);
    c[3] = first & low;
  }
}

/// (word + 1/2) 2^-32, exactly: the word is put below the bits of 2^52.
STRIATE_INLINE Vec<double> open_unit_interval(Words word) {
  const Vec<double> shifted = (Vec<double>)((word & all(0xffffffff)) | all(0x4330000000000000));
  return (shifted - 0x1p52 + 0.5) * 0x1p-32;
}

template <class T>
void normals(std::uint64_t key, const std::uint32_t* counter, std::uint32_t group, T* out, std::size_t n) {
  constexpr double turn = 6.283185307179586;
  double radius[2][counters], angle[2][counters], value[4][counters];
  for (std::size_t done = 0; done < n; done += 4 * counters, ++group) {
    for (std::size_t lane = 0; lane < counters; lane += width) {
      Words c[4] = {all(std::uint64_t{group} * counters + lane) & all(0xffffffff), all(counter[0]), all(counter[1]),
                    all(counter[2])};
      for (std::size_t l = 0; l < width; ++l) c[0][l] += static_cast<long long>(l);
      philox(static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32), c);
      for (int half = 0; half < 2; ++half) {
        store<double>(radius[half] + lane, open_unit_interval(c[2 * half]));
        store<double>(angle[half] + lane, open_unit_interval(c[2 * half + 1]) * turn);
      }
    }
    for (int half = 0; half < 2; ++half) {
      for (std::size_t lane = 0; lane < counters; lane += width)
        store<double>(radius[half] + lane, vector_sqrt(-2.0 * vector_log(load(radius[half] + lane))));
      for (std::size_t lane = 0; lane < counters; lane += width) {
        Vec<double> sine, cosine;
        sine_and_cosine<double>(load(angle[half] + lane), sine, cosine);
        store<double>(value[2 * half] + lane, load(radius[half] + lane) * cosine);
        store<double>(value[2 * half + 1] + lane, load(radius[half] + lane) * sine);
      }
    }
    const std::size_t some = n - done < 4 * counters ? n - done : 4 * counters;
    for (std::size_t i = 0; i < some; ++i) out[done + i] = static_cast<T>(value[i / counters][i % counters]);
  }
}

}  // namespace

template <class T>
RandomKernels<T> random_kernels() {
  return {normals<T>};
}

template RandomKernels<float> random_kernels<float>();
template RandomKernels<double> random_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
