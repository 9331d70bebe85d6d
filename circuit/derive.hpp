#pragma once

#include <utility>
#include <vector>

#include "circuit/expr.hpp"

namespace striate {

/// Tangents of `outputs` when each variable `first` moves along `second` (same shape and unit). An empty Expr where an
/// output does not depend on any of them. The result is an ordinary graph: it can be derived again.
std::vector<Expr> jvp(const std::vector<Expr>& outputs, const std::vector<std::pair<Expr, Expr>>& directions);

/// For every variable of `wrt`, the sum over outputs of (d output / d variable)' cotangent; an empty Expr for none.
/// `outputs` holds (output, cotangent of the same shape). The result is an ordinary graph: it can be derived again.
std::vector<Expr> vjp(const std::vector<std::pair<Expr, Expr>>& outputs, const std::vector<Expr>& wrt);

/// d output / d variable element by element, through pointwise operations only (every other operation counts as fixed);
/// an empty Expr when there is none. `variable` has the shape of `output`.
Expr pointwise_derivative(const Expr& output, const Expr& variable);

}  // namespace striate
