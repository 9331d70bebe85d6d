#pragma once

#include <span>
#include <string>
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
  BreakDerivative(Evaluation& evaluation, const Course& run, std::size_t i);

  /// @throws Error where jumps coincide that depend on each other, or on one of the drive, and move apart
  void forward(std::span<double> dy, std::span<const double> dp) const;
  void backward(std::span<const double> lambda, std::span<double> pbar) const;

 private:
  struct Jump {
    std::vector<double> moment;  // dT/dp
    std::vector<double> rate;    // f- - f+
  };
  [[noreturn]] void refuse() const;

  std::vector<Jump> jumps_;    // each by itself
  std::vector<double> whole_;  // f- - f+ of all of them
  bool apart_ = true;          // the parts are known
  bool alone_ = true;          // there are no others, which do not move
  bool drive_ = false;         // they depend on a jump of the drive
  std::string when_;
};

/// @throws Error where parameters along dp (empty: any) move the moment of an event that is fixed by a jump of its
/// guard
void require_known_moment(Evaluation& evaluation, const EventRecord& event, std::span<const double> dp);

/// Whether parameters that change along dp move a breakpoint of the problem's circuit after `from` within its run.
bool moves_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp, double from);
/// @throws Error where they do, and the breakpoints are too many to be stepped onto
void require_followed_breaks(const Problem& problem, Evaluation& evaluation, std::span<const double> dp);

}  // namespace striate
