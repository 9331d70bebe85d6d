#pragma once

#include <span>
#include <vector>

namespace striate {

struct Score {
  double r = 0;    ///< Pearson correlation
  double rms = 0;  ///< root mean square difference, in the data's unit
  std::size_t n = 0;
};

/// Compares two series of equal length; pairs with a NaN are left out. r is NaN for fewer than three pairs or no
/// variance.
Score score(std::span<const double> model, std::span<const double> data);

/// y at x by linear interpolation over ascending abscissae, held constant beyond the ends.
double interpolate(std::span<const double> xs, std::span<const double> ys, double x);

}  // namespace striate
