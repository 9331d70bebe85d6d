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

std::vector<double> breakpoints(const Problem& problem) {
  std::vector<double> all;
  if (problem.drive) all = problem.drive->breakpoints(problem.t0, problem.t1);
  auto workspace = problem.system.workspace();
  const auto own = problem.p.empty() ? problem.system.time_breaks(problem.system.default_parameters(), workspace)
                                     : problem.system.time_breaks(problem.p, workspace);
  constexpr std::size_t most = 1000;  // of so many, each is small beside the whole: not worth a step of its own
  for (const double t : own)
    if (own.size() <= most && t > problem.t0 && t < problem.t1) all.push_back(t);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace striate
