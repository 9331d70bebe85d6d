#include "integrators/time_breaks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace striate {

bool apart(double a, double b) {
  return std::abs(b - a) > 8 * std::numeric_limits<double>::epsilon() * std::max(std::abs(a), std::abs(b));
}

std::vector<double> time_breaks(const System<double>& system, std::span<const double> p, double from, double to,
                                Workspace<double>& workspace) {
  std::vector<double> breaks = system.time_breaks(p, workspace);
  if (breaks.size() > most_time_breaks) return {};
  std::erase_if(breaks, [&](double t) { return !(t > from && t < to); });
  std::ranges::sort(breaks);
  return breaks;
}

}  // namespace striate
