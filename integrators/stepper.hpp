#pragma once

#include <memory>
#include <optional>
#include <string>

#include "integrators/evaluation.hpp"

namespace striate {

/// One method on one smooth segment: between restarts there are no events, breakpoints or checkpoints.
class Stepper {
 public:
  virtual ~Stepper() = default;
  /// Begins at (t, y) a segment that ends at `end`; `steps` equal steps before t belong to it (fixed step only).
  virtual void restart(double t, std::span<const double> y, double end, double begin, std::uint64_t steps) = 0;
  /// One accepted step. Returns the new time, at most the segment's end and exactly that when it gets there.
  virtual double step() = 0;
  virtual std::span<const double> y() const = 0;
  /// out = state at a time inside the last step
  virtual void dense(double t, std::span<double> out) = 0;
  /// Reads the method's own counters (rejected, linear iterations) into Evaluation::counters.
  virtual void count() {}
};

/// The description of a method that the front end checks its settings against.
struct MethodInfo {
  std::string name;
  enum class Kind { adaptive, imex, fixed, map } kind = Kind::adaptive;
  /// For noise: which calculus it converges to (unset: any, being for additive noise), and what noise it takes.
  struct Stochastic {
    std::optional<Calculus> calculus;
    NoiseEntry most = NoiseEntry::general;
  };
  bool fixed() const { return kind == Kind::fixed || kind == Kind::map; }
  std::unique_ptr<Stepper> (*make)(Evaluation&, const Method&, double t0, double t1);
  int history = 0;  ///< degree of the polynomials of the past with which it keeps its order; 0: takes no delays
  std::optional<Stochastic> stochastic = {};
};
const MethodInfo& method_info(const std::string& name);

/// [states] absolute tolerances of a method, element by element.
std::vector<double> absolute_tolerances(const Method& method, const Fields& states);

/// "12.4 ms"
std::string time_text(double t, const System<double>& system);

/// The smallest step worth taking at t on the way to t1: some roundings of t.
double smallest_step(double t, double t1);

/// What to say when the error test asks for less than that.
std::string step_too_small(double smallest, std::uint64_t rejected, const System<double>& system);

/// The failure of a method at time t: what happened, the elements with the largest |error * weight|, non-finite rates.
[[noreturn]] void fail(const std::string& method, double t, double t1, const Evaluation& evaluation,
                       const std::string& what, std::span<const double> errors = {},
                       std::span<const double> weights = {});

}  // namespace striate
