#include "integrators/problem.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace striate {

std::vector<double> Drive::breakpoints(double, double) const { return {}; }

void Drive::rates(double, std::span<double>) const {
  throw Error("drive",
              "an event depends on an input, and its derivative on how fast the input changes, which this drive "
              "does not tell. Override Drive::rates, or make the input a state or a parameter.");
}

void ConstantDrive::evaluate(double, std::span<double> u) const { std::copy(u_.begin(), u_.end(), u.begin()); }

void ConstantDrive::rates(double, std::span<double> udot) const { std::fill(udot.begin(), udot.end(), 0.0); }

}  // namespace striate
