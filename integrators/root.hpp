#pragma once

#include <functional>

namespace striate {

/// The end of a bracket [a, b] with g(a) < 0 <= g(b), shrunk to a few roundings: the returned time has g >= 0.
///
/// Source    Illinois variant of regula falsi, Dowell & Jarratt (1971), BIT 11, doi:10.1007/BF01934364, with a
/// bisection
///           whenever two steps have not halved the bracket.
double first_zero(double a, double ga, double b, double gb, const std::function<double(double)>& g);

}  // namespace striate
