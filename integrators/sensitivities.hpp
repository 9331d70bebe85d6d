#pragma once

#include <string>

#include "integrators/course.hpp"

namespace striate {

/// What the solution is differentiated along: a direction of parameters and one of initial states; an empty one is
/// zero.
struct Direction {
  std::vector<double> p;   ///< [parameters]
  std::vector<double> y0;  ///< [states]
};

/// One unit direction for every element of the parameters and of the initial states that `names` names.
/// @throws Error naming the nearest known names
std::vector<Direction> unit_directions(const System<double>& system, std::span<const std::string> names);

struct Sensitivities {
  std::vector<std::vector<double>> y;               ///< [sample][states]
  std::vector<std::vector<std::vector<double>>> s;  ///< [sample][direction][states]: dy(t) along the direction
  std::vector<SpikeTime> spikes;                    ///< of the run
  std::vector<std::vector<double>> spike_times;     ///< [spike][direction]: the derivative of its time
  std::vector<std::string> silent;                  ///< elements that never spiked
  Counters counters;                                ///< of the run that found events
};

/// The derivative of the states at sample times by forward sensitivity equations (CVODES): s' = f_y s + f_p dp, with
/// s(0) = dy0, and along dp also what the initial state gains from it when Problem::y0 is empty.
///
/// Costs about as much per direction as the run itself: for few directions and many outputs. Events are passed by the
/// derivative of their jump and of their moment. The error of s is controlled by the method's tolerances, for a change
/// of the parameters or initial states by their own size.
/// @param method  "adams", or "bdf" for stiff circuits
/// @param times   ascending in [t0, t1]; a sample at the time of an event is taken after it
/// @throws as adjoint does
Sensitivities sensitivities(const Problem& problem, const Method& method, std::span<const Direction> directions,
                            std::span<const double> times);

}  // namespace striate
