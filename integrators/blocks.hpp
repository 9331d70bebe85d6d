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

/// term(begin) .. term(end - 1) joined in eight lanes and then a fixed tree.
template <class Term, class Join>
double reduce_lanes(std::size_t begin, std::size_t end, double start, const Term& term, const Join& join) {
  double lane[8];
  std::fill(lane, lane + 8, start);
  std::size_t i = begin;
  for (; i + 8 <= end; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) lane[k] = join(lane[k], term(i + k));
  }
  for (std::size_t k = 0; i < end; ++i, ++k) lane[k] = join(lane[k], term(i));
  return join(join(join(lane[0], lane[4]), join(lane[1], lane[5])),
              join(join(lane[2], lane[6]), join(lane[3], lane[7])));
}

/// block(begin, end) over the fixed blocks of [0, size), on threads when that pays, joined in their order.
template <class Block, class Join>
double reduce_blocks(std::size_t size, double start, const Block& block, const Join& join) {
  if (size <= vector_block) return block(0, size);
  constexpr std::size_t group = 256;  // blocks whose partial results fit on the stack
  double total = start;
  for (std::size_t first = 0; first < size; first += group * vector_block) {
    double partial[group];
    const std::size_t end = std::min(size, first + group * vector_block);
    const std::size_t count = (end - first + vector_block - 1) / vector_block;
    parallel_for(count, end - first >= vector_parallel, [&](std::size_t b) {
      partial[b] = block(first + b * vector_block, std::min(end, first + (b + 1) * vector_block));
    });
    for (std::size_t b = 0; b < count; ++b) total = join(total, partial[b]);
  }
  return total;
}

/// The maximum that a NaN survives, so that no error test passes on one.
inline double larger(double a, double b) { return a > b || a != a ? a : b; }

}  // namespace striate
