#pragma once

#include "integrators/evaluation.hpp"

namespace striate {

/// The derivative of the state just after an event by the state just before it and by the parameters, at a fixed time:
/// the jump's own derivative and the shift of the moment at which the guard reaches zero.
///
/// Source   Hiskens & Pai (2000), IEEE Trans. Circuits Syst. I 47:204, doi:10.1109/81.828574: with f before and after
///          the jump h, dtau = -(g_y dy + g_p dp)/(g_t + g_y f-), dy+ = h_y (dy + f- dtau) + h_p dp + h_t dtau - f+
///          dtau. Jumps that an event sets off share its dtau. Guards that reach zero together are taken one after the
///          other, each with its own; at a jump of the drive the moment is fixed.
class EventDerivative {
 public:
  /// @param evaluation  its segment must contain the event
  /// @throws Error when jumps at one instant depend on each other's order: then there is no derivative
  /// @throws Failure when a guard only grazes zero: then the derivative is infinite
  EventDerivative(Evaluation& evaluation, const EventRecord& event);

  /// dy = the derivative after, where it was the one before; along dp [parameters], which may be empty
  void forward(std::span<double> dy, std::span<const double> dp);
  /// lambda = the cotangent before, where it was the one after; pbar [parameters] grows by the event's share
  void backward(std::span<double> lambda, std::span<double> pbar);

 private:
  struct Jump {
    std::vector<std::size_t> fired;
    bool timed;                         // moves with the zero of its guard, rather than with the jump before it
    std::vector<double> before, after;  // states
    std::vector<double> rate_before, rate_after;
    std::vector<double> guard_y, guard_p;  // derivative of the guard that times it
    double slope = 0;                      // of that guard along the run
  };
  void add(std::vector<std::size_t> fired, bool timed);
  void rate(std::span<const double> y, std::vector<double>& out);

  Evaluation& evaluation_;
  double t_;
  std::vector<double> y_;
  std::vector<Jump> jumps_;
  bool fixed_;
  std::vector<double> input_rates_;
};

}  // namespace striate
