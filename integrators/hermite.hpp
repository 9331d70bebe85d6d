#pragma once

#include <span>

namespace striate {

/// out = the cubic at t that has values ya, yb and slopes fa, fb at ta, tb. Error O((tb - ta)^4).
void hermite(double ta, std::span<const double> ya, std::span<const double> fa, double tb, std::span<const double> yb,
             std::span<const double> fb, double t, std::span<double> out);

}  // namespace striate
