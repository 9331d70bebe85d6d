#pragma once

#include <cstdint>
#include <functional>

#include "integrators/integrator.hpp"

namespace striate {

struct LyapunovSettings {
  double transient = 0;  ///< not counted; the direction turns meanwhile [time unit]
  double duration = 0;   ///< [time unit]
  double step = 0;       ///< of RK4, for state and direction together [time unit]
  std::uint64_t seed = 0;
  std::function<void(double share)> watch = {};  ///< hears after each of twenty parts how much is done; may throw
};

struct LyapunovExponent {
  double value = 0;            ///< [1/time unit]
  double standard_error = 0;   ///< of it, from twenty parts of the duration
  std::vector<double> course;  ///< the mean so far, at the end of each part
};

/// The largest Lyapunov exponent: the mean growth of a direction that is carried along by the linearised flow.
/// Source  Benettin, Galgani, Giorgilli & Strelcyn (1980), Meccanica 15:9-20, with jvp for the linearisation.
/// @throws Error for a map, events, times that are not above 0; Failure where the state does not stay finite
LyapunovExponent lyapunov_exponent(const Problem& problem, const LyapunovSettings& settings);

}  // namespace striate
