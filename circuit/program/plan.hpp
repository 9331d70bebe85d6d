#pragma once

#include <cstddef>

namespace striate {

/// A pointwise step holds at most this many instructions, so that its block registers stay in the first-level cache.
constexpr std::size_t most_instructions = 48;
/// In generated code, where registers are those of the machine, and a long step saves memory.
constexpr std::size_t most_generated_instructions = 256;

/// A kernel gradient takes at most this many (in, cotangent) pairs.
constexpr std::size_t most_kernel_gradients = 8;

/// A sum of outer products takes at most this many.
constexpr std::size_t most_outer_products = 16;

}  // namespace striate
