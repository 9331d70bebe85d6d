#pragma once

#include "circuit/tableau.hpp"
#include "integrators/fixed_step.hpp"

namespace striate {

/// Any explicit Runge-Kutta method at a fixed step.
class RungeKutta : public FixedStep {
 public:
  RungeKutta(Evaluation& evaluation, const Method& method, double t1, const Tableau& tableau);

 private:
  void increment(double t, double h, std::span<const double> y, std::span<const double> rate,
                 std::span<double> next) override;

  const Tableau& tableau_;
  std::vector<AlignedVector<double>> k_;  // stages after the first
};

}  // namespace striate
