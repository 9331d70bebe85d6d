#pragma once

#include "circuit/expr.hpp"

namespace striate {

/// The value of a pointwise operation on numbers; what constant folding uses and what kernels are tested against.
double pointwise_value(Op op, double a, double b, double c, int k);

}  // namespace striate
