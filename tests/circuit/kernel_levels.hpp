#pragma once

#include <cstddef>
#include <random>
#include <vector>

#include "circuit/kernels/table.hpp"

namespace striate::test {

/// Every level this machine can run, lowest first.
inline std::vector<IsaLevel> runnable_levels() {
  std::vector<IsaLevel> levels;
  for (const IsaLevel level : {IsaLevel::v2, IsaLevel::v3, IsaLevel::v4}) {
    if (level <= highest_isa_level()) levels.push_back(level);
  }
  return levels;
}

/// n numbers from -1 to 1, the same for the same seed.
template <class T>
std::vector<T> noise(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<T> uniform(-1, 1);
  std::vector<T> v(n);
  for (T& x : v) x = uniform(random);
  return v;
}

}  // namespace striate::test
