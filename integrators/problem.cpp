#include "integrators/problem.hpp"

#include <algorithm>

namespace striate {

std::vector<double> Drive::breakpoints(double, double) const { return {}; }

void ConstantDrive::evaluate(double, std::span<double> u) const { std::copy(u_.begin(), u_.end(), u.begin()); }

}  // namespace striate
