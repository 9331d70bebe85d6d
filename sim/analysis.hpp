#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "circuit/system.hpp"
#include "sim/experiment.hpp"
#include "sim/linear_decoder.hpp"

namespace striate {

/// What an analysis found: one value per condition, or one row over the feature axis or time.
struct AnalysisResult {
  std::vector<double> values;  ///< [condition..., width]
  std::size_t width = 1;       ///< values a condition
  std::vector<double> x;       ///< abscissae of the row, if there is one
  std::vector<ConditionAxis> conditions;

  /// Sets the values of one condition.
  void set(std::size_t condition, std::span<const double> row) {
    std::copy(row.begin(), row.end(), values.begin() + static_cast<std::ptrdiff_t>(condition * width));
  }
};

/// The form of an analysis's result over all conditions, with no value known: all NaN.
AnalysisResult unknown_result(const Experiment& experiment, const Analysis& analysis);

/// The variables of one condition in its last state.
struct ConditionValues {
  std::span<const double> states, observables, inputs;
};

/// Evaluates one analysis at one time of one condition into `out`: one value, or a tuning curve.
/// `trained` is the decoder of [training], for an analysis that reads with it.
/// @throws Error for an analysis that the circuit's shapes do not allow
void analyse(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
             const LinearDecoder* trained, const ConditionValues& values, std::span<double> out);

/// The responses along the feature axis at the analysis's place.
std::vector<double> response_line(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
                                  const ConditionValues& values);

/// All conditions of an analysis set beside their references, less the conditions left out or averaged over.
/// @throws Error where a reference or a condition to keep is none of the conditions
AnalysisResult related_result(const Experiment& experiment, const Analysis& analysis, const AnalysisResult& raw);

}  // namespace striate
