#pragma once

#include <functional>
#include <span>

namespace striate {

/// Anderson-accelerated damped fixed-point iteration x <- x + damping * r(x) with the last `depth` differences.
///
/// Source    Walker & Ni (2011), SIAM J. Numer. Anal. 49:1715, doi:10.1137/10078356X; the least squares
///           without the directions that the differences do not span, since a uniform circuit moves in few directions
///           and makes them collinear (where the QR of SUNDIALS 6.4 divides by zero).
/// @param residual  r = g(x) - x; false when it cannot be evaluated
/// @param done      whether r is small enough: the stop test looks at the residual and nothing else
/// @return whether `done` held; x is then the point where it did. False after so many iterations, or after 20 that did
/// not
///         halve |r|; x is then the last iterate
bool anderson(int depth, double damping, int iterations, std::span<double> x,
              const std::function<bool(std::span<const double> x, std::span<double> r)>& residual,
              const std::function<bool(std::span<const double> r)>& done);

}  // namespace striate
