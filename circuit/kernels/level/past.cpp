#include "circuit/kernels/level/past_families.hpp"

#include "circuit/kernels/level/simd.hpp"

namespace striate::STRIATE_LEVEL {
namespace {

constexpr std::size_t together = 128;  ///< pairs, looked up first and read then: one would wait for the other

/// The steps, counted from that of the first record, and the places in them.
template <class T>
STRIATE_INLINE void look_up(const EqualSteps<T>& steps, const T* delay, std::size_t n, std::int32_t* step, T* x) {
  for (std::size_t k = 0; k < n; ++k) {
    const T before = delay[k] * steps.per_time - steps.end;
    std::int32_t older = static_cast<std::int32_t>(before + (1 - steps.rounding));
    older = older > 0 ? older : 0;
    x[k] = (static_cast<T>(older) - before) * steps.scale - steps.shift;
    step[k] = -older;
  }
}

template <class T>
STRIATE_INLINE void look_up(const AnySteps<T>& steps, const T* delay, std::size_t n, std::int32_t* step, T* x) {
  const T last = static_cast<T>(steps.buckets - 1);
  for (std::size_t k = 0; k < n; ++k) {
    T b = (steps.t - delay[k] - steps.begin[0]) * steps.per_bucket;
    b = b > 0 ? b : 0;
    step[k] = static_cast<std::int32_t>(b < last ? b : last);
  }
  for (std::size_t k = 0; k < n; ++k) {
    const T moment = steps.t - delay[k];
    std::size_t i = steps.bucket[step[k]];
    i += static_cast<std::size_t>(moment >= steps.begin[i + 1]);  // without a branch, which nobody could foresee
    while (moment >= steps.begin[i + 1]) ++i;
    x[k] = (moment - steps.begin[i]) * steps.per_length[i] - steps.shift;
    step[k] = static_cast<std::int32_t>(i);
  }
}

/// Numbers that are taken together: a register of them or less.
template <class T, std::size_t width>
struct Together {
  typedef T type __attribute__((vector_size(sizeof(T) * width)));
};
template <class T>
struct Together<T, 1> {
  using type = T;
};

/// to += weight * sum_{k < terms} x^k r[k * per_term + c], the same bits for any width
template <class T, std::size_t width>
STRIATE_INLINE void add_pair(const T* r, std::ptrdiff_t per_term, std::size_t terms, T x, T weight, T* to) {
  constexpr std::size_t piece = width < lanes<T> ? width : lanes<T>, pieces = width / piece;
  typename Together<T, piece>::type value[pieces], more;
  r += static_cast<std::ptrdiff_t>(terms - 1) * per_term;
#pragma GCC unroll 8
  for (std::size_t c = 0; c < pieces; ++c) __builtin_memcpy(&value[c], r + c * piece, sizeof more);
#pragma GCC unroll 8
  for (std::size_t k = terms - 1; k > 0; --k) {
    r -= per_term;
#pragma GCC unroll 8
    for (std::size_t c = 0; c < pieces; ++c) {
      __builtin_memcpy(&more, r + c * piece, sizeof more);
      value[c] = value[c] * x + more;
    }
  }
#pragma GCC unroll 8
  for (std::size_t c = 0; c < pieces; ++c) {
    __builtin_memcpy(&more, to + c * piece, sizeof more);
    more = more + value[c] * weight;
    __builtin_memcpy(to + c * piece, &more, sizeof more);
  }
}

/// @tparam fixed_terms  what the terms are, or 0 for any number; so `fixed_width`
template <std::size_t fixed_width, std::size_t fixed_terms, class T, class Steps>
void sum_pairs(const RecordsOfPast<T>& records, const Steps& given_steps, const DelayedPairs<T>& given_pairs,
               std::size_t any_width, T* total) {
  const Steps steps = given_steps;  // which the totals cannot overwrite
  const DelayedPairs<T> pairs = given_pairs;
  const auto [first, per_source, per_term, any_terms, parts] = records;
  const std::size_t terms = fixed_terms > 0 ? fixed_terms : any_terms;
  const std::size_t width = fixed_width > 0 ? fixed_width : any_width;
  std::int32_t step[together];
  T x[together];
  for (std::size_t begin = 0; begin < pairs.n; begin += together) {
    const std::size_t n = pairs.n - begin < together ? pairs.n - begin : together;
    look_up(steps, pairs.delay + begin, n, step, x);
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t e = begin + k;
      const T* r = first + pairs.column[e] * per_source + step[k] * static_cast<std::ptrdiff_t>(parts);
      T* to = total + pairs.row[e] * width;
      if constexpr (fixed_width > 0)
        add_pair<T, fixed_width>(r, per_term, terms, x[k], pairs.weight[e], to);
      else
        for (std::size_t c = 0; c < width; ++c) add_pair<T, 1>(r + c, per_term, terms, x[k], pairs.weight[e], to + c);
    }
  }
}

template <std::size_t width, class T, class Steps>
void sum_terms(const RecordsOfPast<T>& records, const Steps& steps, const DelayedPairs<T>& pairs, T* total) {
  switch (records.terms) {
    case 2: return sum_pairs<width, 2>(records, steps, pairs, width, total);
    case 4: return sum_pairs<width, 4>(records, steps, pairs, width, total);
    case 5: return sum_pairs<width, 5>(records, steps, pairs, width, total);
    case 9: return sum_pairs<width, 9>(records, steps, pairs, width, total);
    default: return sum_pairs<width, 0>(records, steps, pairs, width, total);
  }
}

template <class T, class Steps>
void sum(const RecordsOfPast<T>& records, const Steps& steps, const DelayedPairs<T>& pairs, std::size_t width,
         T* total) {
  switch (width) {
    case 1: return sum_terms<1>(records, steps, pairs, total);
    case 2: return sum_terms<2>(records, steps, pairs, total);
    case 8: return sum_terms<8>(records, steps, pairs, total);
    case 16: return sum_terms<16>(records, steps, pairs, total);
    default: return sum_pairs<0, 0>(records, steps, pairs, width, total);
  }
}

}  // namespace

template <class T>
PastKernels<T> past_kernels() {
  return {sum<T, EqualSteps<T>>, sum<T, AnySteps<T>>};
}

template PastKernels<float> past_kernels<float>();
template PastKernels<double> past_kernels<double>();

}  // namespace striate::STRIATE_LEVEL
