#pragma once

#include "integrators/course.hpp"
#include "integrators/gradient.hpp"

namespace striate {

struct Adjoint {
  Gradient<double> gradient;
  Counters forward;                  ///< of the run that found events and samples; each piece is then run once more
  std::uint64_t backward_steps = 0;  ///< of the adjoint equation
  std::uint64_t vjp = 0;             ///< products with the transposed Jacobian
  std::size_t pieces = 0;            ///< smooth stretches between events and breakpoints
  std::vector<SpikeTime> spikes;     ///< of the run
  std::vector<std::string> silent;   ///< elements that never spiked: no derivative tells what would make them
};

/// The part of a loss that one spike contributes by its time: returns its value and adds its derivative to tbar.
using SpikeLoss = std::function<double(const SpikeTime& spike, double& tbar)>;

/// The gradient of a loss over the states at sample times, by the adjoint equation of the flow (CVODES):
/// lambda' = -f_y' lambda from the last sample backwards, dL/dp = integral of f_p' lambda.
///
/// It is the derivative of the flow and not of the steps, and as accurate as the tolerances. Events and breakpoints cut
/// the run into pieces; each is run again with CVODES' checkpoints and reversed, and lambda passes an event by the
/// derivative of its jump and of its moment. So do arrivals and releases, whose moments move with the spike, the delay
/// and the hold time. It holds while the same elements spike in the same order; spikes of sources keep their times.
/// rtol of the method also holds for lambda and for the gradient: relative to what the loss would change if a state, or
/// a parameter, changed by its own size.
/// @param method  "adams", or "bdf" for stiff circuits
/// @param times   sample times, ascending in [t0, t1]; a sample at the time of an event is taken after it
/// @param memory_bytes  bound on the stored states of one piece; where more would be needed CVODES runs stretches again
/// @throws Error for a method or circuit without this derivative, Failure where it does not exist or did not converge
Adjoint adjoint(const Problem& problem, const Method& method, std::span<const double> times, const Loss<double>& loss,
                std::size_t memory_bytes = std::size_t{1} << 28, const SpikeLoss& spike_loss = {});

}  // namespace striate
