#pragma once

#include <vector>

#include "circuit/expr.hpp"

namespace striate {

/// The same values, to rounding, with less to do for each element: divisions by what depends on parameters alone become
/// products with its reciprocal, factors that depend on parameters alone are multiplied with each other first, and
/// what is the same along an axis is computed once.
std::vector<Expr> fewer_operations(const std::vector<Expr>& roots);

}  // namespace striate
