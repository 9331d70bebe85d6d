#pragma once

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "sim/analysis.hpp"

namespace striate {

/// One curve of an analysis: its abscissae and values, and the condition variables that tell it from the others.
struct Curve {
  std::vector<double> x, y;
  Variables fixed;
};

std::vector<Curve> curves_of(const Analysis& analysis, const AnalysisResult& result);

/// The published points that belong to an analysis, and how well it meets them.
struct DataComparison {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

  std::vector<double> x, y;                                       ///< of every point
  std::vector<std::pair<std::string, std::vector<double>>> keys;  ///< condition variables that select its curve
  std::string source;
  std::size_t pairs = 0;       ///< points beside which the curve has a value
  std::size_t panels = 0;      ///< curves with a correlation
  double amplitude = unknown;  ///< that the model was multiplied by, where it is fitted
  double r = unknown;          ///< mean over the panels of the correlation
  double r2 = unknown;         ///< and of its square
  double rms = unknown;        ///< over all points, in the analysis's unit

  /// The scores by name.
  std::vector<std::pair<std::string, double>> scores() const;
};

/// Reads the data of an analysis and sets the result beside them; a result of NaN leaves the scores unknown.
/// @throws Error when no data belong to it, or when data in order do not pair with its conditions
DataComparison compare_with_data(const Analysis& analysis, const AnalysisResult& result);

}  // namespace striate
