#pragma once

#include <complex>
#include <span>

namespace striate {

/// A lower bound, at most 0.1 too low, of the logarithm of |P(z)| over Re z >= s, for the monic polynomial P with these
/// roots (complex ones in conjugate pairs). Minus infinity unless all roots lie left of s.
double log_smallest_right_of(double s, std::span<const std::complex<double>> roots);

}  // namespace striate
