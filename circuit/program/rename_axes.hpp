#pragma once

#include <string>

#include "circuit/expr.hpp"

namespace striate {

/// rename(e, from, to) with the renaming moved to the arguments of pointwise operations, as far inside as it goes.
Expr renamed_inside(const Expr& e, const std::string& from, const std::string& to);

/// The same value with renamings moved outside as far as they go: sin(rename(x, a, b)) becomes rename(sin(x), a, b), so
/// that it is computed once for both names.
Expr with_original_axes(const Expr& e);

}  // namespace striate
