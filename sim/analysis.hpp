#pragma once

#include <string>
#include <vector>

#include "circuit/system.hpp"
#include "sim/experiment.hpp"
#include "sim/linear_decoder.hpp"
#include "sim/recording.hpp"
#include "sim/score.hpp"

namespace striate {

/// What an analysis found: one value per condition, or one row over the feature axis or time.
struct AnalysisResult {
  std::vector<double> values;  ///< [condition..., width]
  std::size_t width = 1;       ///< values a condition
  std::vector<double> x;       ///< abscissae of the row, if there is one
  std::vector<ConditionAxis> conditions;
};

/// The variables of one condition in its last state.
struct ConditionValues {
  std::span<const double> states, observables, inputs;
};

/// Evaluates one analysis at one time of one condition into `out`: one value, or a tuning curve.
/// `trained` is the decoder of [training], for an analysis that reads with it.
void analyse(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
             const LinearDecoder* trained, const ConditionValues& values, std::span<double> out);

/// The responses along the feature axis at the analysis's place.
std::vector<double> response_line(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
                                  const ConditionValues& values);

/// Values a condition, of a run with so many output times.
std::size_t analysis_width(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
                           std::size_t times);

/// All conditions of an analysis set beside their references, less the conditions left out or averaged over.
AnalysisResult related_result(const Experiment& experiment, const Analysis& analysis, const AnalysisResult& raw);

/// Writes an analysis and its comparison with data into the recording, and returns the line to print.
std::string record_analysis(const Experiment& experiment, const Analysis& analysis, const AnalysisResult& result,
                            Recording& recording);

}  // namespace striate
