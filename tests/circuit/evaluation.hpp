#pragma once

#include <utility>
#include <vector>

#include "circuit/expr.hpp"

namespace striate::testing {

/// Values of variables, row-major in each variable's shape.
using Bindings = std::vector<std::pair<Expr, std::vector<double>>>;

/// The value of e as the library computes it in T: compiled, in blocks, by the operators' algorithms.
template <class T>
std::vector<double> compiled_value(const Expr& e, const Bindings& bindings);

/// The value of e by definition: one loop over indices an operation, in double, sharing no code with the library's
/// evaluation.
std::vector<double> naive_value(const Expr& e, const Bindings& bindings);

/// n different values from (low, high), none nearer to another or to 0 than (high - low)/(10 n), in an order that
/// `seed` decides.
std::vector<double> spread_values(std::size_t n, unsigned seed, double low = -1, double high = 1);

double dot(const std::vector<double>& a, const std::vector<double>& b);
double largest(const std::vector<double>& a);
/// The largest |a[i] - b[i]|; infinite when one of them is NaN and the other is not or the lengths differ.
double distance(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace striate::testing
