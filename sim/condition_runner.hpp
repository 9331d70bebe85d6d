#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "circuit/system.hpp"
#include "sim/experiment.hpp"
#include "sim/linear_decoder.hpp"

namespace striate {

/// The recorded times of an experiment in its circuit's time unit: 0, every, 2 every, ... and the end. Empty for steady
/// states. Where the rows of an analysis lie: times, preferred features, or nothing.
std::vector<double> row_abscissae(const Experiment& experiment, const Analysis& analysis,
                                  const std::vector<double>& times);

std::vector<double> output_times(const Experiment& experiment);

/// What one condition leaves behind.
struct ConditionResult {
  std::vector<std::vector<double>> recorded;          ///< by recorded variable, [t, its shape]
  std::vector<std::vector<double>> analyses;          ///< by analysis, its width, of the last state
  std::vector<std::pair<std::string, double>> notes;  ///< work counters, residuals
  std::string warning;
};

/// Runs single conditions of one experiment, which must outlive it. Const and safe to call from several threads: a
/// condition is a pure function of the experiment and its index.
class ConditionRunner {
 public:
  /// Compiles the circuit. @throws Error for an analysis that the circuit's shapes do not allow
  explicit ConditionRunner(const Experiment& experiment);

  const System<double>& system() const { return system_; }
  const std::vector<double>& times() const { return times_; }
  std::size_t analysis_width(std::size_t analysis) const { return widths_[analysis]; }  ///< values a condition

  /// @throws Failure for a run that could not go on, naming the condition; Interrupted after Ctrl-C
  ConditionResult run(std::size_t condition) const;

 private:
  const Experiment& e_;
  System<double> system_;
  std::vector<double> times_;
  std::vector<std::size_t> widths_;
  std::vector<std::optional<LinearDecoder>> trained_;  ///< by analysis
};

}  // namespace striate
