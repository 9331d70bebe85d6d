#pragma once

#include <complex>
#include <optional>
#include <string>
#include <vector>

#include "integrators/orbit.hpp"

namespace striate {

struct CycleSettings {
  double transient = 0;      ///< how long the flow runs first, and then at most until it comes back [time unit]
  double tolerance = 1e-10;  ///< relative, of the mesh and of the closing of the cycle
  std::string origin;        ///< phase 0 is where this element of a state is largest ("E", "V[unit=3]"); an angle: 0
  std::vector<std::string> angles;  ///< states that may end a whole number of turns (2 pi) further on
  std::size_t samples = 0;          ///< this many evenly spaced phases are points of the mesh; 0: as they fall
};

/// A closed orbit of an autonomous flow.
struct Cycle {
  double period = 0;          ///< [time unit]
  std::vector<double> phase;  ///< of the points, from 0 to 1
  std::vector<double> y;      ///< [points, states]; the last is the first, angles by their turns further on
  std::vector<double> turns;  ///< [states] 2 pi times a whole number for angles, else 0
  double residual = 0;        ///< largest |y(period) - y(0) - turns|, by the range of each state
  std::vector<std::complex<double>> multipliers;  ///< Floquet's, by falling modulus; one of them is 1
  bool stable = false;                            ///< all others lie inside the unit circle
};

/// The cycle that the flow approaches: a run past the transient until it comes back, then Newton's iteration on the
/// state and the period with the exact derivative of the steps (shooting).
/// Source  Kuznetsov (2004), Elements of Applied Bifurcation Theory, 10.1.4 and 10.2.1.
/// @throws Error as Orbit, for a name that is none, or a transient that is not above 0; Failure where the flow comes to
/// rest or does not come back
Cycle find_cycle(const Problem& problem, const CycleSettings& settings);

/// A cycle and how its phase responds to small pushes: the solution of dZ/dt = -f_y' Z along it with Z.f = 1.
struct PhaseResponse {
  Cycle cycle;
  std::vector<double> z;  ///< [points, states] advance of phase [time unit] for a push of the state [its unit]
  double defect = 0;      ///< largest |Z.f - 1|
};

/// By the transposed linearisation along the cycle, backwards, from the left eigenvector of its multiplier 1.
/// Source  Ermentrout & Terman (2010), Mathematical Foundations of Neuroscience, 8.2; Malkin's theorem.
/// @throws as find_cycle; Failure where another multiplier is 1, so that the phase is not its only neutral direction
PhaseResponse phase_response(const Problem& problem, const CycleSettings& settings);

}  // namespace striate
