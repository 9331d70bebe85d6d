#pragma once

#include <span>
#include <string>

#include "circuit/system.hpp"

namespace striate {

/// Which element of ydot = f(t, y) is not finite, as a sentence without its end; empty where all are.
std::string told_of_non_finite(const System<double>& system, double t, std::span<const double> y,
                               std::span<const double> ydot);

}  // namespace striate
