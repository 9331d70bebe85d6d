#pragma once

#include <string>
#include <vector>

#include "circuit/expr.hpp"

namespace striate {

/// The product of weights with x, summed over the axes `over`, as a convolution: possible where the weights are given
/// by the differences of the positions of two axes alone, w_ij = k(i - j), as their formula shows. Empty otherwise.
Expr lag_convolution(const Expr& weights, const Expr& x, const std::vector<std::string>& over);

}  // namespace striate
