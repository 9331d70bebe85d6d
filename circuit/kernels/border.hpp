#pragma once

#include <cstddef>
#include <cstdint>

#include "circuit/kernels/kernels.hpp"

namespace striate {

/// The element that position i of an axis of n elements stands for, or -1 where the border gives zero.
inline std::ptrdiff_t border_index(std::ptrdiff_t i, std::ptrdiff_t n, Border border) {
  if (i >= 0 && i < n) return i;
  if (border == Border::zero) return -1;
  if (n == 1) return 0;
  // Steps of whole periods, of which there are few, instead of a division.
  const std::ptrdiff_t period = border == Border::circular ? n : 2 * (n - 1);
  while (i < 0) i += period;
  while (i >= period) i -= period;
  return i < n ? i : period - i;
}

}  // namespace striate
