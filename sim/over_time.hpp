#pragma once

#include <span>
#include <string>
#include <utility>
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

/// `from` less what rounding may take from a time that lies exactly there, in a course that ends at `end`.
double less_rounding(double from, double end);

/// The direction of a mean of unit vectors, an angle that repeats after `period`; NaN where it points nowhere.
double direction(double along, double across, double period);

/// The same angle in a range of one turn.
double within_turn(const std::pair<double, double>& turn, double angle);

/// The same angle on the turn that is nearest to another; what is no angle (period 0) as it is.
double nearest_turn(double angle, double to, double period);

/// Reduces values `x` at ascending times `t` to those from time `from` on. A frequency is per unit of t, from passages
/// interpolated between points; it is NaN with fewer than two, and 0 when the range is below a thousandth of the
/// largest magnitude (a fixed point approached). Angles repeat after `period`, and their mean is that of directions;
/// of them only `last` and `mean` have a meaning. What has a NaN among its values is NaN, but for `last`.
double over_time(OverTime how, std::span<const double> t, std::span<const double> x, double from, double period = 0);

}  // namespace striate
