#pragma once

#include <complex>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>

namespace striate {

/// The eigenvalue of a matrix A with the largest real part, in the unit of A, and how well it is known.
struct LeadingEigenvalue {
  std::complex<double> value;  ///< of a conjugate pair the one above the real axis
  /// |A v - value v| / |v|: value belongs to a matrix that differs from A by so much; where A is dense, how far value
  /// may then be off
  double residual = 0;
  double bound = std::numeric_limits<double>::infinity();  ///< no eigenvalue lies right of it; infinity: not proven
};

/// From products out = A v alone.
///
/// Elements that nothing but themselves drives have eigenvalues of their own; they are read off and taken out, layer by
/// layer. What is left goes through QR up to 200 rows, beyond that through Arnoldi iterations, restarted with exact
/// shifts, until `bound` falls below zero, a growing eigenvalue shows itself to a hundredth, or 3000 products are
/// spent.
///
/// The bound is no estimate. Everything an iteration has done to its Gaussian starting vector v is a polynomial P(A) v
/// with known roots. Were lambda an eigenvalue with Re lambda >= s, and y its left eigenvector of unit length, then
/// |P(A) v| >= |P(lambda)| |y'v|; so |P(A) v| <= 1e-6 min |P(z)| over Re z >= s would need |y'v| <= 1e-6, which happens
/// to one starting vector in a million. It holds however far from normal A is; a far from normal A only takes longer.
/// The vector is fixed, so the result is reproducible.
LeadingEigenvalue leading_eigenvalue(
    std::size_t size, const std::function<void(std::span<const double> v, std::span<double> out)>& product);

}  // namespace striate
