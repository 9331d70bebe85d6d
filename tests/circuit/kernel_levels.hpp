#pragma once

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

}  // namespace striate::test
