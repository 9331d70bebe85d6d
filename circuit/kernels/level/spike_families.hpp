#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

/// What steps of spiking circuits need besides arithmetic.
template <class T>
struct SpikeKernels {
  /// out = every i < n, ascending, with before[i] < 0 and not now[i] < 0 (which NaN is not either); their number is
  /// returned. `out` has room for n.
  std::size_t (*crossings)(const T* before, const T* now, std::size_t n, std::uint32_t* out);
};

}  // namespace striate
