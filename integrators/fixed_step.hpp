#pragma once

#include "base/aligned_vector.hpp"
#include "integrators/stepper.hpp"

namespace striate {

/// What the fixed-step methods share: the grid t_n = begin + n step (not an accumulated sum), shortened once to end on
/// the segment's end, and a cubic Hermite interpolant between the accepted steps.
class FixedStep : public Stepper {
 public:
  FixedStep(Evaluation& evaluation, const Method& method, double step, double t1);
  void restart(double t, std::span<const double> y, double end, double begin, std::uint64_t steps) override;
  double step() override;
  std::span<const double> y() const override { return y_; }
  void dense(double t, std::span<double> out) override;

 protected:
  /// Before step number n of the segment, from t() to `end`, is taken.
  virtual void enter(std::uint64_t /*n*/, double /*end*/) {}
  /// next = y advanced by h from t, where rate = f(t, y)
  virtual void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                         std::span<double> next) = 0;
  void rhs(double t, std::span<const double> y, std::span<double> ydot);
  std::span<const double> previous_y() const { return previous_y_; }
  double previous_t() const { return previous_t_; }
  double t() const { return t_; }
  Evaluation& evaluation_;

 private:
  std::string name_;
  double step_, t1_;
  double begin_ = 0, end_ = 0, t_ = 0, previous_t_ = 0;
  std::uint64_t n_ = 0;
  AlignedVector<double> y_, previous_y_, rate_, previous_rate_;
  bool have_rate_ = false;
};

}  // namespace striate
