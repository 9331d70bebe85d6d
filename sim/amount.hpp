#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>

#include "circuit/unit.hpp"

namespace striate {

/// A number with its unit, for messages: "5 ms", "5", "infinite".
inline std::string amount_text(double value, const Unit& unit, int digits = 10) {
  if (std::isinf(value)) return value > 0 ? "infinite" : "minus infinite";
  return unit == Unit() ? fmt::format("{:.{}g}", value, digits) : fmt::format("{:.{}g} {}", value, digits, unit.str());
}

/// The unit of a quotient: "ms/mV", "1/(m/s)".
inline std::string quotient_text(const std::string& dividend, const Unit& divisor) {
  const std::string text = divisor.str();
  if (text == "1") return dividend;
  const bool simple = text.find_first_of("*/") == std::string::npos;
  return simple ? fmt::format("{}/{}", dividend, text) : fmt::format("{}/({})", dividend, text);
}

}  // namespace striate
