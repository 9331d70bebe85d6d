#include <utility>

#include "circuit/kernels/level/families.hpp"
#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

/// out = sum_j w[j] x[j]; the number of terms is known when compiled, so that the weights stay in registers.
template <class T, std::size_t count>
void combine(const T* const* x, const T* w, T* out, std::size_t n) {
  constexpr std::size_t step = lanes<T>;
  Vec<T> weight[count];
#pragma GCC unroll 16
  for (std::size_t j = 0; j < count; ++j) weight[j] = broadcast<T>(w[j]);
  const auto sum = [&](const auto& element) __attribute__((always_inline)) {
    Vec<T> total = weight[0] * element(0);
#pragma GCC unroll 16
    for (std::size_t j = 1; j < count; ++j) total = total + weight[j] * element(j);
    return total;
  };
  std::size_t i = 0;
#pragma GCC unroll 2
  for (; i + step <= n; i += step) store<T>(out + i, sum([&](std::size_t j) { return load(x[j] + i); }));
  if (i < n) store_part<T>(out + i, n - i, sum([&](std::size_t j) { return load_part(x[j] + i, n - i); }), false);
}

template <class T, std::size_t... less_one>
constexpr VectorKernels<T> with_combinations(std::index_sequence<less_one...>) {
  return {{combine<T, less_one + 1>...}, nullptr};
}

template <class T>
STRIATE_INLINE Vec<T> magnitude(Vec<T> x) {
  return x < T(0) ? -x : x;
}

template <class T>
void weigh(T* x, const T* atol, T rtol, const T* a, const T* b, std::size_t n) {
  for (std::size_t i = 0; i < n; i += lanes<T>) {
    const std::size_t left = n - i;
    const Vec<T> one = magnitude<T>(load_part(a + i, left)), other = magnitude<T>(load_part(b + i, left));
    const Vec<T> scale = load_part(atol + i, left) + rtol * (one > other ? one : other);
    store_part<T>(x + i, left, magnitude<T>(load_part(x + i, left)) / scale, false);
  }
}

}  // namespace

template <class T>
VectorKernels<T> vector_kernels() {
  auto table = with_combinations<T>(std::make_index_sequence<most_combined>());
  table.weigh = weigh<T>;
  return table;
}

template VectorKernels<float> vector_kernels<float>();
template VectorKernels<double> vector_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
