#include "circuit/kernels/level/past_families.hpp"

#include <type_traits>

#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

/// Just below a whole number is rounding, and the next step begins where this one ends.
template <class T>
void place(const std::uint32_t* column, const T* steps, std::size_t n, T top, std::uint32_t stretches,
           std::uint32_t first, std::uint32_t last, std::uint32_t* record, T* x) {
  constexpr T rounding = T(1e-9);
  const auto newest = static_cast<std::int32_t>(last);
  for (std::size_t e = 0; e < n; ++e) {
    const T place = top - steps[e] > T(0) ? top - steps[e] : T(0);
    std::int32_t i = static_cast<std::int32_t>(place + rounding);
    i = i < newest ? i : newest;
    x[e] = place - static_cast<T>(i);
    record[e] = column[e] * stretches + first + static_cast<std::uint32_t>(i);
  }
}

template <class T>
struct Pair;
template <>
struct Pair<double> {
  typedef double type __attribute__((vector_size(16)));
};
template <>
struct Pair<float> {
  typedef float type __attribute__((vector_size(8)));
};

/// What is looked up at one place: one number, or two that are taken together.
template <class T, std::size_t parts>
using Value = std::conditional_t<parts == 2, typename Pair<T>::type, T>;

template <class V, class T>
STRIATE_INLINE V value_at(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

/// In four running sums, so that they need not wait for each other.
template <class T, std::size_t parts, std::size_t terms>
void gather_some(const T* records, std::size_t stride, const std::uint32_t* record, const T* x, const T* weight,
                 std::size_t n, T* total) {
  using V = Value<T, parts>;
  constexpr std::size_t running = 4;
  V sums[running] = {};
  const auto add = [&](std::size_t e, V & sum) __attribute__((always_inline)) {
    const T* r = records + record[e] * stride;
    V value = value_at<V>(r + (terms - 1) * parts);
#pragma GCC unroll 8
    for (std::size_t k = terms - 1; k > 0; --k) value = value * x[e] + value_at<V>(r + (k - 1) * parts);
    sum += value * weight[e];
  };
  std::size_t e = 0;
  for (; e + running <= n; e += running) {
#pragma GCC unroll 4
    for (std::size_t j = 0; j < running; ++j) add(e + j, sums[j]);
  }
  for (std::size_t j = 0; e < n; ++e, ++j) add(e, sums[j]);
  const V sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (std::size_t c = 0; c < parts; ++c) {
    T part;
    __builtin_memcpy(&part, reinterpret_cast<const T*>(&sum) + c, sizeof part);
    total[c] += part;
  }
}

template <class T>
void gather_any(const T* records, std::size_t stride, const std::uint32_t* record, const T* x, const T* weight,
                std::size_t n, std::size_t terms, std::size_t parts, T* total) {
  for (std::size_t e = 0; e < n; ++e) {
    const T* r = records + record[e] * stride;
    for (std::size_t c = 0; c < parts; ++c) {
      T value = r[(terms - 1) * parts + c];
      for (std::size_t k = terms - 1; k > 0; --k) value = value * x[e] + r[(k - 1) * parts + c];
      total[c] += weight[e] * value;
    }
  }
}

template <class T>
void gather(const T* records, std::size_t stride, const std::uint32_t* record, const T* x, const T* weight,
            std::size_t n, std::size_t terms, std::size_t parts, T* total) {
  switch (parts * 16 + terms) {
    case 16 + 1: return gather_some<T, 1, 1>(records, stride, record, x, weight, n, total);
    case 16 + 2: return gather_some<T, 1, 2>(records, stride, record, x, weight, n, total);
    case 16 + 4: return gather_some<T, 1, 4>(records, stride, record, x, weight, n, total);
    case 32 + 1: return gather_some<T, 2, 1>(records, stride, record, x, weight, n, total);
    case 32 + 2: return gather_some<T, 2, 2>(records, stride, record, x, weight, n, total);
    case 32 + 4: return gather_some<T, 2, 4>(records, stride, record, x, weight, n, total);
    default: return gather_any(records, stride, record, x, weight, n, terms, parts, total);
  }
}

}  // namespace

template <class T>
PastKernels<T> past_kernels() {
  return {place<T>, gather<T>};
}

template PastKernels<float> past_kernels<float>();
template PastKernels<double> past_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
