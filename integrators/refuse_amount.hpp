#pragma once

#include <cstddef>
#include <optional>

#include "circuit/system.hpp"

namespace striate {

/// @throws Error for an amount of a projection, told apart by its expression, that is no finite number or too large for
/// the precision it is held in; with the synapse, unless all have it
[[noreturn]] void refuse_amount(const System<double>& system, std::size_t projection, std::size_t expression,
                                double value, std::optional<std::size_t> pre = {},
                                std::optional<std::size_t> post = {});

}  // namespace striate
