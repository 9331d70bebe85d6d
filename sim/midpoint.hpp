#pragma once

#include <span>

namespace striate {

/// The point of subjective equality: x0 of the psychometric curve tanh((x - x0)/w), or of one that falls, w < 0, that
/// fits y best in the least-squares sense. y runs from -1 to 1; what is not a number is left out. NaN for fewer than
/// three points, for what no such curve fits better than a constant, and for x0 further outside the points than they
/// span.
double midpoint(std::span<const double> x, std::span<const double> y);

}  // namespace striate
