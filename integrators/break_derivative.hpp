#pragma once

#include <span>
#include <vector>

#include "integrators/course.hpp"
#include "integrators/evaluation.hpp"

namespace striate {

/// The derivative across a breakpoint of the circuit's own, such as T of where(t > T, I, 0): dy+ = dy- + (f- - f+) dT,
/// at a fixed time just after. At breakpoints that no parameter moves, and between them, it changes nothing.
///
/// Source   Hiskens & Pai (2000), IEEE Trans. Circuits Syst. I 47:204, doi:10.1109/81.828574, with a state that does
/// not
///          jump.
class BreakDerivative {
 public:
  /// Where piece number i of a run ends; leaves the evaluation in that piece.
  /// @throws Error where jumps coincide that depend on each other or on shared parameters, and move apart, or an event
  /// is made by the jump of its guard
  BreakDerivative(Evaluation& evaluation, const Course& run, std::size_t i);

  void forward(std::span<double> dy, std::span<const double> dp) const;
  void backward(std::span<const double> lambda, std::span<double> pbar) const;

 private:
  struct Jump {
    std::vector<double> moment;  // dT/dp
    std::vector<double> rate;    // f- - f+
  };
  std::vector<Jump> jumps_;  // that move, each by itself
};

/// Whether parameters that change along dp move a breakpoint of the problem's circuit within its run.
bool moves_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp);
/// @throws Error where they do, and the breakpoints are too many to be stepped onto
void require_followed_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp);

}  // namespace striate
