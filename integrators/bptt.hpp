#pragma once

#include <cstdint>
#include <limits>

#include "integrators/rollout.hpp"

namespace striate {

template <class T>
struct BackPropagation {
  Gradient<T> gradient;
  std::uint64_t recomputed = 0;  ///< steps taken forward again in the reverse sweep
  std::size_t stored = 0;        ///< states kept at once
  std::size_t bytes = 0;         ///< all that was allocated for states, tapes and cotangents
};

/// Back-propagation through time: the exact derivative, up to rounding, of what the steps computed.
///
/// The loss is called once for every n = steps, ..., 0. States that `memory_bytes` has no room for are computed again
/// after the binomial schedule (integrators/binomial.hpp), the fewest recomputations there are for that memory. What
/// then is left, 256 MiB at most, keeps the tapes (System::tape_size) of the last steps; those of earlier ones are
/// written again on the way back. The gradient has the same bits whatever the memory.
/// @param memory_bytes  bound on all states, tapes and cotangents of the sweep; the Workspace is not counted
/// @throws Error for a flow, for sizes that do not fit, and for memory below five states and a tape;
///         Failure where the loss is not
///         finite, with the step and the first state that is not
template <class T>
BackPropagation<T> bptt(const Rollout<T>& rollout, const Loss<T>& loss, Workspace<T>& workspace,
                        std::size_t memory_bytes = std::numeric_limits<std::size_t>::max());

extern template BackPropagation<float> bptt(const Rollout<float>&, const Loss<float>&, Workspace<float>&, std::size_t);
extern template BackPropagation<double> bptt(const Rollout<double>&, const Loss<double>&, Workspace<double>&,
                                             std::size_t);

}  // namespace striate
