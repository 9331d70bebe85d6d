#include "circuit/kernels/level/past_families.hpp"

#include <type_traits>

#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

template <class T>
void place(const std::uint32_t* column, const T* steps, std::size_t n, T end, T rounding, std::int32_t stretches,
           std::int32_t* record, T* x) {
  for (std::size_t e = 0; e < n; ++e) {
    const T before = steps[e] - end;
    std::int32_t older = static_cast<std::int32_t>(before + (1 - rounding));
    older = older > 0 ? older : 0;
    x[e] = static_cast<T>(older) - before;
    record[e] = static_cast<std::int32_t>(column[e]) * stretches - older;
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

/// @tparam fixed_terms  what `terms` is, or 0 for any number
template <class T, std::size_t parts, std::size_t fixed_terms>
void scatter_some(const T* records, std::ptrdiff_t stride, const std::int32_t* record, const T* x, const T* weight,
                  const std::uint16_t* row, std::size_t n, std::size_t any_terms, T* total) {
  using V = Value<T, parts>;
  const std::size_t terms = fixed_terms > 0 ? fixed_terms : any_terms;
  for (std::size_t e = 0; e < n; ++e) {
    const T* r = records + record[e] * stride;
    V value = value_at<V>(r + (terms - 1) * parts);
#pragma GCC unroll 8
    for (std::size_t k = terms - 1; k > 0; --k) value = value * x[e] + value_at<V>(r + (k - 1) * parts);
    T* to = total + row[e] * parts;
    const V sum = value_at<V>(to) + value * weight[e];
    __builtin_memcpy(to, &sum, sizeof sum);
  }
}

template <class T>
void scatter_any(const T* records, std::ptrdiff_t stride, const std::int32_t* record, const T* x, const T* weight,
                 const std::uint16_t* row, std::size_t n, std::size_t terms, std::size_t parts, T* total) {
  for (std::size_t e = 0; e < n; ++e) {
    const T* r = records + record[e] * stride;
    for (std::size_t c = 0; c < parts; ++c) {
      T value = r[(terms - 1) * parts + c];
      for (std::size_t k = terms - 1; k > 0; --k) value = value * x[e] + r[(k - 1) * parts + c];
      total[row[e] * parts + c] += weight[e] * value;
    }
  }
}

template <class T>
void scatter(const T* records, std::ptrdiff_t stride, const std::int32_t* record, const T* x, const T* weight,
             const std::uint16_t* row, std::size_t n, std::size_t terms, std::size_t parts, T* total) {
  switch (parts * 16 + (terms <= 5 ? terms : 0)) {
    case 16: return scatter_some<T, 1, 0>(records, stride, record, x, weight, row, n, terms, total);
    case 32: return scatter_some<T, 2, 0>(records, stride, record, x, weight, row, n, terms, total);
    case 16 + 1: return scatter_some<T, 1, 1>(records, stride, record, x, weight, row, n, terms, total);
    case 16 + 2: return scatter_some<T, 1, 2>(records, stride, record, x, weight, row, n, terms, total);
    case 16 + 3: return scatter_some<T, 1, 3>(records, stride, record, x, weight, row, n, terms, total);
    case 16 + 4: return scatter_some<T, 1, 4>(records, stride, record, x, weight, row, n, terms, total);
    case 16 + 5: return scatter_some<T, 1, 5>(records, stride, record, x, weight, row, n, terms, total);
    case 32 + 1: return scatter_some<T, 2, 1>(records, stride, record, x, weight, row, n, terms, total);
    case 32 + 2: return scatter_some<T, 2, 2>(records, stride, record, x, weight, row, n, terms, total);
    case 32 + 3: return scatter_some<T, 2, 3>(records, stride, record, x, weight, row, n, terms, total);
    case 32 + 4: return scatter_some<T, 2, 4>(records, stride, record, x, weight, row, n, terms, total);
    case 32 + 5: return scatter_some<T, 2, 5>(records, stride, record, x, weight, row, n, terms, total);
    default: return scatter_any(records, stride, record, x, weight, row, n, terms, parts, total);
  }
}

}  // namespace

template <class T>
PastKernels<T> past_kernels() {
  return {place<T>, scatter<T>};
}

template PastKernels<float> past_kernels<float>();
template PastKernels<double> past_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
