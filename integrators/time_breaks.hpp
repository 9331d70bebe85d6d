#pragma once

#include <span>
#include <vector>

#include "circuit/system.hpp"

namespace striate {

/// The times between two at which the circuit's own dependence on time is not smooth, ascending; none where they are so
/// many that each is small beside the whole, and not worth a step of its own.
std::vector<double> time_breaks(const System<double>& system, std::span<const double> p, double from, double to,
                                Workspace<double>& workspace);

}  // namespace striate
