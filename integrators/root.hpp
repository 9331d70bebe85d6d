#pragma once

#include <array>
#include <functional>
#include <optional>

namespace striate {

/// The end of a bracket [a, b] with g(a) < 0 <= g(b), shrunk to a few roundings: the returned time has g >= 0.
///
/// Source    Illinois variant of regula falsi, Dowell & Jarratt (1971), BIT 11, doi:10.1007/BF01934364, with a
/// bisection
///           whenever two steps have not halved the bracket.
double first_zero(double a, double ga, double b, double gb, const std::function<double(double)>& g);

/// The value at s of the polynomial with the values g at 0, 1/4, 1/2, 3/4 and 1.
double quartic(const std::array<double, 5>& g, double s);

/// Where in (0, 1) the highest maximum lies, if it is above zero or near it, of the polynomial with these values at 0,
/// 1/4, 1/2, 3/4 and 1.
std::optional<double> interior_maximum(const std::array<double, 5>& g);

}  // namespace striate
