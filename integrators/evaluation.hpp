#pragma once

#include <exception>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "base/aligned_vector.hpp"
#include "integrators/integrator.hpp"

namespace striate {

class History;

/// f and its products along one problem: fills in parameters and inputs, counts, and watches for non-finite rates.
///
/// Between breakpoints the drive is smooth. Times that a stage or a dense output puts on (or rounds past) the end of
/// the present segment take the limit from the left, of the drive and of what depends on time itself.
class Evaluation {
 public:
  /// @param supplies  what the caller fills in at each evaluation (supplied); @throws Error when the circuit needs
  /// more, or as require_fitting does
  explicit Evaluation(const Problem& problem, std::initializer_list<Supply> supplies = {});

  const System<double>& system() const { return system_; }
  std::span<const double> p() const { return p_; }
  Workspace<double>& workspace() { return workspace_; }
  std::size_t size() const { return size_; }
  std::size_t guards() const { return guards_; }
  /// The inputs that the integrator fills; they hold until it changes them.
  std::span<double> supplied(Supply supply) {
    const auto [begin, end] = range(supply);
    return std::span(u_).subspan(begin, end - begin);
  }
  /// Where they lie among the inputs: [first, second).
  std::pair<std::size_t, std::size_t> range(Supply supply) const;
  std::uint64_t seed() const { return seed_; }
  void set_segment(double begin, double end);

  /// Delayed inputs come from this history from now on.
  void attach(const History& history);
  /// out = what the circuit delays, at time t
  void sources(double t, std::span<const double> y, std::span<double> out);
  /// Where the System is evaluated at time t: with the drive of the present segment, until the next call.
  At<double> at(double t, std::span<const double> y);
  /// The rates of the inputs at t. @throws Error when the drive cannot tell
  std::span<const double> input_rates(double t);
  /// ydot = f(t, y). Returns false, and remembers where, when an element is not finite.
  bool rhs(double t, std::span<const double> y, std::span<double> ydot);
  /// ydot = f(t, y), for whoever looks at what follows from it and asks `finite` then.
  void rate(double t, std::span<const double> y, std::span<double> ydot);
  /// Whether every element of ydot = f(t, y) is finite; remembers where one is not.
  bool finite(double t, std::span<const double> y, std::span<const double> ydot);
  /// out = f_y(t, y) v
  void jvp(double t, std::span<const double> y, std::span<const double> v, std::span<double> out);
  void leak(double t, std::span<const double> y, std::span<double> out);
  void guard(double t, std::span<const double> y, std::span<double> out);
  void jump(double t, std::span<const double> y, std::span<const std::size_t> fired, std::span<double> after);
  void initial(double t, std::span<double> y0);

  /// Where the rate was last found not finite, as a sentence; empty when it never was.
  const std::string& non_finite() const { return non_finite_; }
  Counters counters;

 private:
  void drive_to(double t);
  void drive_within_segment(double t);
  /// t, but at least a few roundings into the segment, where what lies a delay back, or compares with the time, has
  /// jumped already, and not behind its end.
  double inside(double t) const;

  System<double> system_;
  AlignedVector<double> p_;
  std::shared_ptr<const Drive> drive_;
  Workspace<double> workspace_;
  AlignedVector<double> u_;
  std::vector<double> input_rates_;
  std::size_t driven_;
  std::uint64_t seed_;
  const History* history_ = nullptr;
  double looked_back_from_ = std::numeric_limits<double>::quiet_NaN();  ///< the time that delayed inputs belong to
  std::size_t version_ = 0;                                             ///< of the history, then
  std::vector<double> sources_;
  double driven_to_ = std::numeric_limits<double>::quiet_NaN();  ///< the time that u_ belongs to
  std::size_t size_, guards_;
  bool breaks_;  ///< the circuit compares the time with something
  double begin_, end_;
  std::string non_finite_;
};

}  // namespace striate
