#pragma once

#include <omp.h>

#include <cstddef>

#include "base/caught.hpp"

namespace striate {

/// Calls body(i) for i in [0, count), split over the current number of OpenMP threads when `parallel`.
///
/// The caller cuts its work into `count` fixed pieces that do not depend on the number of threads, and pieces write to
/// disjoint memory; then neither do the bits. What `body` throws comes out here: of several, that of the lowest i.
template <class Body>
void parallel_for(std::size_t count, bool parallel, const Body& body) {
  const auto n = static_cast<std::ptrdiff_t>(count);
  if (!parallel || n < 2 || omp_get_max_threads() < 2 || omp_in_parallel()) {
    for (std::ptrdiff_t i = 0; i < n; ++i) body(static_cast<std::size_t>(i));
    return;
  }
  Caught caught;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto piece = static_cast<std::size_t>(i);
    caught.guard(piece, [&] { body(piece); });
  }
  caught.rethrow();
}

}  // namespace striate
