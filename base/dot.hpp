#pragma once

#include <cstddef>
#include <span>

namespace striate {

/// The sum of a_i b_i, in order. `b` has at least as many elements as `a`.
inline double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace striate
