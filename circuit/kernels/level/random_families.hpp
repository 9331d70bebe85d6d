#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

/// Normals that kernels make together: the numbers of one group.
inline constexpr std::size_t normals_in_group = 256;

template <class T>
struct RandomKernels {
  /// out[i] for i < n = the standard normals number 256 group + i that belong to (key, counter[0..2]): Philox 4x32-10
  /// (Salmon, Moraes, Dror & Shaw 2011, SC '11) of the counters {64 g + l, counter[0], counter[1], counter[2]}, g the
  /// group and l < 64, whose words (0, 1) and (2, 3) give the normals 256 g + l + 64 k, k < 4 (Box & Muller 1958). A
  /// number does not depend on n.
  void (*normals)(std::uint64_t key, const std::uint32_t* counter, std::uint32_t group, T* out, std::size_t n);
};

}  // namespace striate
