#pragma once

#include <string>
#include <vector>

#include "integrators/cycle.hpp"

namespace striate {

struct ContinuationSettings {
  std::string parameter;           ///< one that has one value
  double low = 0, high = 0;        ///< where the branch is followed, in the parameter's unit; the start lies between
  double step = 0.01;              ///< longest, as a share of high - low; of what happens, 1/64 of it is told apart
  std::size_t most_points = 2000;  ///< of a branch
  bool cycles = true;              ///< whether the cycles born at every Hopf point are followed too
};

/// What happens at a point of a branch.
enum class Bifurcation {
  fold,             ///< the branch turns back
  transcritical,    ///< two branches cross
  pitchfork,        ///< two branches meet, one of which turns back here
  branch_point,     ///< branches meet in another way, as those of symmetric circuits do in several directions at once
  hopf,             ///< a pair of eigenvalues crosses the imaginary axis: cycles are born
  period_doubling,  ///< a multiplier of a cycle passes -1
  torus,            ///< a pair of multipliers leaves the unit circle
  homoclinic,       ///< the period grows without bound: the cycle meets saddles, which exist beforehand
  snic,             ///< the period grows without bound: a saddle-node is born on the cycle, at this parameter and state
};
const char* to_string(Bifurcation kind);

struct BranchPoint {
  double parameter = 0;
  std::vector<double> y;           ///< the state, of a cycle one of its states
  double period = 0;               ///< of a cycle [time unit]
  std::vector<double> slow_state;  ///< where it is slowest
  std::vector<double> low, high;   ///< of every state; of a cycle over it
  std::size_t unstable = 0;        ///< eigenvalues right of 0, or multipliers outside the unit circle
  double growth = 0;               ///< largest real part, or log of modulus, of those
};

struct SpecialPoint {
  Bifurcation kind;
  BranchPoint at;
};

/// A connected family of fixed points or cycles, in order.
struct Branch {
  bool cycles = false;
  std::vector<BranchPoint> points;
  std::vector<SpecialPoint> special;
  std::string end[2];  ///< why it was followed no further at its first and last point
};

/// The branch of fixed points through the one near Problem::y0 (empty: the circuit's initial state) at the parameters
/// of the problem, and the branches of cycles born from it. Inputs and time are held.
///
/// Pseudo-arclength continuation with Newton's method on the bordered system; folds, Hopf points and the others are
/// located to rounding by the secant rule along the branch. Cycles by multiple shooting with the exact derivatives of
/// the steps (Orbit), over up to 20 parts of the period, and one from 200 states on.
/// Source  Kuznetsov (2004), Elements of Applied Bifurcation Theory, ch. 10; Keller (1977).
/// @throws Error for a parameter that is none, a range without the start, and as Orbit; Failure without a fixed point
std::vector<Branch> continue_branches(const Problem& problem, const ContinuationSettings& settings);

/// The branch of cycles through the one that the flow from Problem::y0 approaches, both ways.
/// @param search  as of find_cycle; its samples are not used
/// @throws as continue_branches and find_cycle
Branch continue_cycle(const Problem& problem, const ContinuationSettings& settings, const CycleSettings& search);

}  // namespace striate
