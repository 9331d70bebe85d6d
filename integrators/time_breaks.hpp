#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "circuit/system.hpp"

namespace striate {

constexpr std::size_t most_time_breaks = 1000;

/// Whether more than a few roundings lie between two times.
bool apart(double a, double b);

/// The times between two at which the circuit's own dependence on time is not smooth, ascending; none where they are so
/// many (more than most_time_breaks in all) that each is small beside the whole, and not worth a step of its own.
std::vector<double> time_breaks(const System<double>& system, std::span<const double> p, double from, double to,
                                Workspace<double>& workspace);

}  // namespace striate
