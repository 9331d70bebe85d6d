#pragma once

#include "integrators/fixed_step.hpp"

namespace striate {

/// Steps a map. Between two of its times the state is that of the earlier one.
class Iterate : public FixedStep {
 public:
  Iterate(Evaluation& evaluation, const Method& method, double t1);
  void dense(double t, std::span<double> out) override;

 private:
  void increment(double t, double h, std::span<const double> y, std::span<const double> value,
                 std::span<double> next) override;
};

}  // namespace striate
