#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "circuit/kernels/level/random_families.hpp"

namespace striate {

/// out[i] = the standard normal number normals_in_group * group + i of (key, counter), by the level in use
/// (RandomKernels::normals).
void fill_normals(std::uint64_t key, const std::array<std::uint32_t, 3>& counter, std::uint32_t group,
                  std::span<double> out);

}  // namespace striate
