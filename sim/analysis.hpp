#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "circuit/system.hpp"
#include "sim/experiment.hpp"
#include "sim/linear_decoder.hpp"

namespace striate {

/// One axis of a row of values that an analysis gives for a condition.
struct RowAxis {
  std::string path;  ///< of the axis in a recording
  std::string label, unit;
  std::vector<double> values;
  bool own = false;  ///< whether it is the analysis's, and no axis of the circuit or of time
  std::string name() const { return path.substr(path.rfind('/') + 1); }
  bool operator==(const RowAxis&) const = default;
};

/// What an analysis found: one value per condition, or one row over the feature axis, time or axes of its own.
struct AnalysisResult {
  std::vector<double> values;  ///< [condition..., row...]
  std::vector<RowAxis> row;    ///< none: one value
  std::size_t width = 1;       ///< values a condition
  std::vector<ConditionAxis> conditions;
  std::optional<std::pair<double, double>> angles;  ///< the range of values that are angles

  /// The abscissae of a row along one axis; else empty.
  std::span<const double> x() const {
    return row.size() == 1 ? std::span<const double>(row[0].values) : std::span<const double>();
  }

  /// Sets the values of one condition.
  void set(std::size_t condition, std::span<const double> found) {
    std::copy(found.begin(), found.end(), values.begin() + static_cast<std::ptrdiff_t>(condition * width));
  }
};

/// The recorded times as the axis of a row.
RowAxis time_axis(const Experiment& experiment);

/// Where an analysis gives angles: their range, in its unit before any scale.
std::optional<std::pair<double, double>> angle_range(const Experiment& experiment, const Analysis& analysis);

/// What over_time makes of the values of an analysis at these times: a frequency is in Hz, unless time has no unit.
double reduced(const Experiment& experiment, const Analysis& analysis, std::span<const double> t,
               std::span<const double> values);

/// The form of an analysis's result over all conditions, with no value known: all NaN.
AnalysisResult unknown_result(const Experiment& experiment, const Analysis& analysis);

/// The variables of one condition in its last state.
struct ConditionValues {
  std::span<const double> states, observables, inputs;
};

/// Evaluates one analysis at one time of one condition into `out`, before its scale: one value, or a tuning curve.
/// `trained` is the decoder of [training], for an analysis that reads with it.
/// @throws Error for an analysis that the circuit's shapes do not allow
void analyse(const Experiment& experiment, const System<double>& system, const Analysis& analysis,
             const LinearDecoder* trained, const ConditionValues& values, std::span<double> out);

/// The responses along the feature axis at the analysis's place.
std::vector<double> response_line(const System<double>& system, const Analysis& analysis,
                                  const ConditionValues& values);

/// All conditions of an analysis set beside their references, less the conditions left out or averaged over.
/// @throws Error where a reference or a condition to keep is none of the conditions
AnalysisResult related_result(const Experiment& experiment, const Analysis& analysis, const AnalysisResult& raw);

}  // namespace striate
