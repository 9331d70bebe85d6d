#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <span>

namespace striate {

/// The eigenvalue of a matrix with the largest real part, and a bound on the residual |A v - lambda v| / |v|.
struct LeadingEigenvalue {
  std::complex<double> value;  ///< of a conjugate pair the one above the real axis
  double residual = 0;
  bool converged = false;
};

/// From products out = A v alone: all of A up to 200 rows, beyond that Arnoldi iterations of 60 products, restarted
/// from the leading Ritz vector. The starting vector is fixed, so the result is reproducible.
LeadingEigenvalue leading_eigenvalue(
    std::size_t size, const std::function<void(std::span<const double> v, std::span<double> out)>& product);

}  // namespace striate
