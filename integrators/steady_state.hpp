#pragma once

#include <complex>
#include <optional>
#include <string>
#include <vector>

#include "integrators/integrator.hpp"

namespace striate {

struct SteadySettings {
  double tolerance =
      1e-9;  ///< on every |f_i| [state unit per time unit]; re-evaluated by us, whatever a solver reports
  /// How long the dynamics runs first, so that they choose the basin [time unit]. Unset: five of the slowest leak's
  /// time constants, and where a state has no leak of its own, on until every rate has fallen to a hundredth of
  /// its largest on the way (1000 steps at most). SteadyState::march says what it was.
  std::optional<double> march;
  bool accept_unstable = false;  ///< otherwise a state that is not proven stable is a Failure
};

enum class Stability {
  stable,
  unstable,
  undecided,  ///< neither proven nor refuted: the leading eigenvalue lies too near the imaginary axis
};

/// A state at which every rate vanishes.
struct SteadyState {
  std::vector<double> y;
  double residual = 0;   ///< largest |f_i|
  std::string found_by;  ///< "march", "anderson" or "newton"
  double march = 0;      ///< [time unit]
  Stability stability = Stability::undecided;
  /// Of the Jacobian [1 / time unit], taken up to a hundred tolerances from y, where the march comes from: that is its
  /// side of every kink.
  std::complex<double> leading_eigenvalue;
  double eigenvalue_residual = 0;  ///< it belongs to a matrix that differs from the Jacobian by so much
  double growth_bound = 0;         ///< no eigenvalue has a larger real part; below zero in a stable state
  Counters counters;
};

/// The steady state that the dynamics approach from y0 with the inputs held at their values at t0 (t1 is not used).
///
/// A march with bs32 at 1e-3, or bdf where that gives up after 100,000 steps, then Anderson acceleration (depth 5,
/// damping 0.5), then Newton with line search and matrix-free GMRES (KINSOL), then the leading eigenvalue of the
/// Jacobian from J v alone.
/// @throws Error for a circuit with events; Failure when no state is found, or it is not stable (unless accepted)
SteadyState steady_state(const Problem& problem, const SteadySettings& settings = {});

const char* to_string(Stability stability);

}  // namespace striate
