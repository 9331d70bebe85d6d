#pragma once

#include <algorithm>
#include <cstddef>

#include "base/parallel.hpp"

namespace striate {

inline constexpr std::size_t vector_block = 2048;        ///< elements; fixed, so that sums do not depend on threads
inline constexpr std::size_t vector_parallel = 1 << 15;  ///< elements from which threads pay

/// Calls body(begin, end) for the fixed blocks of [0, size), on threads when that pays.
template <class Body>
void for_blocks(std::size_t size, const Body& body) {
  const std::size_t count = (size + vector_block - 1) / vector_block;
  parallel_for(count, size >= vector_parallel,
               [&](std::size_t i) { body(i * vector_block, std::min(size, (i + 1) * vector_block)); });
}

}  // namespace striate
