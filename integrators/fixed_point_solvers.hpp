#pragma once

#include <functional>
#include <span>
#include <vector>

namespace striate {

/// A solution of v = J' v + g, from products with J' alone.
template <class T>
struct AdjointSolution {
  std::vector<T> v;
  int products = 0;
  double residual = 1;         ///< |g - v + J' v| / |g|, evaluated
  double spectral_radius = 0;  ///< of J, estimated
};

/// out = J' v
template <class T>
using TransposedProduct = std::function<void(std::span<const T> v, std::span<T> out)>;

/// The series g + J' g + ...; what is left out after k terms is the residual J'^(k + 1) g itself.
template <class T>
AdjointSolution<T> solve_neumann(const TransposedProduct<T>& product, std::span<const T> g, double tolerance,
                                 int products);

/// Restarted after twenty vectors; the radius from the Ritz values. Source: Saad & Schultz (1986), SIAM J. Sci. Stat.
/// Comput. 7:856. Our own, since that of SUNDIALS neither takes float nor shows the values.
template <class T>
AdjointSolution<T> solve_gmres(const TransposedProduct<T>& product, std::span<const T> g, double tolerance,
                               int products);

/// anderson.hpp on the series; the radius from a power iteration of ten of the products.
template <class T>
AdjointSolution<T> solve_anderson(const TransposedProduct<T>& product, std::span<const T> g, double tolerance,
                                  int products);

}  // namespace striate
