#pragma once

#include <string>
#include <vector>

#include "circuit/system.hpp"
#include "sim/experiment.hpp"
#include "sim/recording.hpp"
#include "sim/score.hpp"

namespace striate {

/// What an analysis found: one value per condition, or one row over the feature axis.
struct AnalysisResult {
  std::vector<double> values;  ///< [condition..., feature axis for tuning curves]
  std::size_t width = 1;       ///< values a condition
};

/// The variables of one condition in its last state.
struct ConditionValues {
  std::span<const double> states, observables, inputs;
};

/// Evaluates one analysis in one condition into `out` (its `width` values).
void analyse(const Experiment& experiment, const System<double>& system, const Analysis& analysis, const ConditionValues& values,
             std::span<double> out);
std::size_t analysis_width(const Experiment& experiment, const System<double>& system, const Analysis& analysis);

/// Writes an analysis and its comparison with data into the recording, and returns the line to print.
std::string record_analysis(const Experiment& experiment, const Analysis& analysis, const AnalysisResult& result, Recording& recording);

}  // namespace striate
