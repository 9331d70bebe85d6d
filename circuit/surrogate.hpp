#pragma once

#include "circuit/expr.hpp"

namespace striate {

/// The value of `value` with the derivative of `stand_in`: what is not differentiable, such as step(V - V_th), trains
/// with the slope of something smooth. Both broadcast, and have one dimension. A gradient through it is no derivative
/// of the value; whoever writes it chooses it.
Expr surrogate(const Expr& value, const Expr& stand_in);

/// Whether a node was made by it: a `where` whose settings say so, of the arguments (1, value, stand_in).
inline bool is_surrogate(const Node& node) { return node.op == Op::where && !node.ints.empty(); }

}  // namespace striate
