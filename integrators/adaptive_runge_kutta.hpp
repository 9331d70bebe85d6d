#pragma once

#include "base/aligned_vector.hpp"
#include "circuit/tableau.hpp"
#include "integrators/linear_combination.hpp"
#include "integrators/stepper.hpp"

namespace striate {

/// An embedded explicit Runge-Kutta pair, first-same-as-last, that adapts its step.
///
/// A step is accepted when the norm of its error estimate over atol + rtol max(|y|, |y_next|) is at most 1: the root
/// mean square over states, or the largest with Method::max_norm. The next step follows from this and the previous
/// estimate by a proportional-integral rule. Dense output needs no further evaluation.
/// Source    Hairer, Norsett & Wanner (1993), Solving Ordinary Differential Equations I, II.4; the controller as in
///           Hairer & Wanner (1996), Solving Ordinary Differential Equations II, IV.2.
class AdaptiveRungeKutta : public Stepper {
 public:
  AdaptiveRungeKutta(Evaluation& evaluation, const Method& method, double t0, double t1, const Tableau& tableau);
  void restart(double t, std::span<const double> y, double end, double begin, std::uint64_t steps) override;
  double step() override;
  std::span<const double> y() const override { return y_; }
  void dense(double t, std::span<double> out) override;

 private:
  /// The first step to try, found with one evaluation more from the rate and how fast it changes.
  double first_step();
  /// The norm of the error of the step from t_ to t; its end is left in next_. Infinite when a rate is not finite.
  double attempt(double t, double h);
  /// y_ + h sum_j weights[j] k_[j]
  LinearCombination advanced(double h, std::span<const double> weights) const;
  LinearCombination error(double h) const;
  /// values[i - begin] = its magnitude / (atol + rtol max(|y_|, |next_|)) of element i
  void weigh(double* values, std::size_t begin, std::size_t end) const;
  double norm(const LinearCombination& x) const;
  /// After an attempt of the smallest step h that had the error e [tolerances].
  [[noreturn]] void give_up(double h, double e);

  Evaluation& evaluation_;
  const Tableau& tableau_;
  double rtol_, max_step_, t1_;
  bool max_norm_;
  std::vector<double> atol_;

  double t_ = 0, end_ = 0, h_ = 0, previous_t_ = 0, previous_error_ = 1;
  int forced_ = 0;                    // steps since the restart that should have been smaller
  bool fresh_ = true;                 // neither the first slope nor a step size is known
  AlignedVector<double> memory_;      // of the following: one piece, large enough for huge pages
  std::span<double> y_, next_;        // after a step next_ is where it began
  std::vector<std::span<double>> k_;  // the stages' slopes
};

}  // namespace striate
