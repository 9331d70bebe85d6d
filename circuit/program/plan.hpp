#pragma once

#include <cstddef>

namespace striate {

/// A pointwise step holds at most this many instructions, so that its block registers stay in the first-level cache.
constexpr std::size_t most_instructions = 48;

}  // namespace striate
