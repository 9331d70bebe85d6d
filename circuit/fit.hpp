#pragma once

#include <string>

#include "circuit/expr.hpp"

namespace striate {

/// e in the unit and shape that `what` declares. @throws Error naming both sides where it does not fit
Expr fit(const std::string& where, const std::string& what, const Expr& e, const Unit& unit, const Shape& shape);

}  // namespace striate
