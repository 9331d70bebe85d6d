#include "integrators/problem.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {

std::vector<double> Drive::breakpoints(double, double) const { return {}; }

void Drive::rates(double, std::span<double>) const {
  throw Error("drive",
              "an event depends on an input, and its derivative on how fast the input changes, which this drive "
              "does not tell. Override Drive::rates, or make the input a state or a parameter.");
}

void ConstantDrive::evaluate(double, std::span<double> u) const { std::copy(u_.begin(), u_.end(), u.begin()); }

void ConstantDrive::rates(double, std::span<double> udot) const { std::fill(udot.begin(), udot.end(), 0.0); }

std::vector<double> breakpoints(const Problem& problem) {
  std::vector<double> all;
  if (problem.drive) all = problem.drive->breakpoints(problem.t0, problem.t1);
  auto workspace = problem.system.workspace();
  const auto own_between = [&](std::span<const double> p) {
    return time_breaks(problem.system, p, problem.t0, problem.t1, workspace);
  };
  const auto own = problem.p.empty() ? own_between(problem.system.default_parameters()) : own_between(problem.p);
  all.insert(all.end(), own.begin(), own.end());
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace striate
