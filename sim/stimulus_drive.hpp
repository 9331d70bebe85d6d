#pragma once

#include <vector>

#include "integrators/problem.hpp"
#include "sim/experiment.hpp"

namespace striate {

/// The inputs of one condition over time: constant between the stimulus's changes.
class StimulusDrive final : public Drive {
 public:
  StimulusDrive(const Experiment& experiment, const System<double>& system, std::size_t condition);

  void evaluate(double t, std::span<double> u) const override;
  std::vector<double> breakpoints(double t0, double t1) const override;
  bool stepwise() const override { return true; }

 private:
  std::vector<double> changes_;              ///< in the circuit's time unit, ascending
  std::vector<std::vector<double>> values_;  ///< before the first change, then after each
};

}  // namespace striate
