#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "circuit/unit.hpp"

namespace striate {

/// A number with its unit, for messages: "5 ms", "5", "infinite".
inline std::string amount_text(double value, const Unit& unit) {
  if (std::isinf(value)) return value > 0 ? "infinite" : "minus infinite";
  return unit == Unit() ? fmt::format("{:.10g}", value) : fmt::format("{:.10g} {}", value, unit.str());
}

}  // namespace striate
