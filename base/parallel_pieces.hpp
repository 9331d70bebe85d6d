#pragma once

#include "base/parallel.hpp"

namespace striate {

inline constexpr std::size_t most_workers = 16;  ///< of one parallel_pieces; each may have its own scratch memory

/// Calls body(worker, begin, end) for pieces of [0, count) that cover it: at most most_workers on threads when
/// `parallel`, else one. What the body makes of an index must not depend on the piece. Pieces that run at one time have
/// different workers, worker < parallel_workers(count, parallel): whose scratch memory they may use, so that a thread
/// keeps to memory that lies in its cache.
template <class Body>
void parallel_pieces(std::size_t count, bool parallel, const Body& body) {
  if (!parallel || omp_get_max_threads() < 2 || omp_in_parallel()) return body(std::size_t{0}, std::size_t{0}, count);
  const std::size_t pieces = count < most_workers ? count : most_workers;
  const auto n = static_cast<std::ptrdiff_t>(pieces);
  // A static schedule gives work to the first `pieces` threads at most.
  Caught caught;
#pragma omp parallel for schedule(static)
  for (std::ptrdiff_t i = 0; i < n; ++i) {
    const auto piece = static_cast<std::size_t>(i), worker = static_cast<std::size_t>(omp_get_thread_num());
    caught.guard(piece, [&] { body(worker, piece * count / pieces, (piece + 1) * count / pieces); });
  }
  caught.rethrow();
}

inline std::size_t parallel_workers(std::size_t count, bool parallel) {
  return !parallel ? 1 : count < most_workers ? count : most_workers;
}

}  // namespace striate
