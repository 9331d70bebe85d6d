#pragma once

#include <limits>

namespace striate {

inline constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace striate
