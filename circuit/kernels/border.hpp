#pragma once

#include <cstddef>
#include <cstdint>

#include "circuit/kernels/kernels.hpp"

namespace striate {

/// The element that position i of an axis of n elements stands for, or -1 where the border gives zero.
inline std::ptrdiff_t border_index(std::ptrdiff_t i, std::ptrdiff_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::zero) return -1;
  if (border == Border::circular) return ((i % n) + n) % n;
  if (n == 1) return 0;
  const std::ptrdiff_t period = 2 * (n - 1);
  const std::ptrdiff_t j = ((i % period) + period) % period;
  return j < n ? j : period - j;
}

}  // namespace striate
