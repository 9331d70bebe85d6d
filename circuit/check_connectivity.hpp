#pragma once

#include <string_view>

#include "circuit/connectivity.hpp"

namespace striate {

/// @throws Error where the rule does not fit the populations of the projection `name`
void check_connectivity(const Connectivity& rule, const Population& pre, const Population& post, std::string_view name);

}  // namespace striate
