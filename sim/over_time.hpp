#pragma once

#include <span>
#include <string>
#include <vector>

namespace striate {

/// How the course of one number becomes one number.
enum class OverTime {
  last,
  mean,  ///< over time, by trapezia
  largest,
  smallest,
  peak_to_peak,
  frequency,  ///< of upward passages through the middle of the range; 0 where it hardly moves
};

/// @throws Error with the nearest names
OverTime over_time_named(const std::string& name);

/// Reduces values `x` at ascending times `t` to those from time `from` on. A frequency is per unit of t, from passages
/// interpolated between points; it is NaN with fewer than two, and 0 when the range is below a thousandth of the
/// largest magnitude (a fixed point approached).
double over_time(OverTime how, std::span<const double> t, std::span<const double> x, double from);

}  // namespace striate
