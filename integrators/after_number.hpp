#pragma once

#include <fmt/format.h>

#include <string>

#include "circuit/unit.hpp"

namespace striate {

/// " mV", as a unit stands behind a number; nothing of "1".
inline std::string after_number(const Unit& unit) { return unit == Unit() ? "" : fmt::format(" {}", unit.str()); }

}  // namespace striate
