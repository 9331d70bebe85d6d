#include "integrators/problem.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {

std::vector<double> Drive::breakpoints(double, double) const { return {}; }

void Drive::rates(double, std::span<double>) const {
  throw Error("drive",
              "an event depends on an input, and its derivative on how fast the input changes, which this drive "
              "does not tell. Override Drive::rates, or make the input a state or a parameter.");
}

void ConstantDrive::evaluate(double, std::span<double> u) const {
  if (u.size() != u_.size())
    throw Error("drive", fmt::format("has {} values, but the circuit's inputs have {}.", u_.size(), u.size()));
  std::copy(u_.begin(), u_.end(), u.begin());
}

void ConstantDrive::rates(double, std::span<double> udot) const { std::fill(udot.begin(), udot.end(), 0.0); }

void require_fitting(const Problem& problem) {
  const System<double>& system = problem.system;
  const auto sized = [&](const char* what, std::size_t size, std::size_t wanted) {
    if (size != 0 && size != wanted)
      throw Error(system.name(), fmt::format("{} has {} values, but the circuit has {}.", what, size, wanted));
  };
  sized("p", problem.p.size(), system.parameters().size());
  sized("y0", problem.y0.size(), system.states().size());
  if (!problem.drive && system.driven() > 0)
    throw Error(system.name(), "the circuit has inputs, but no drive is given.");
}

void require_trains(const Problem& problem) {
  const auto refuse = [&](const std::string& what) { throw Error(problem.system.name(), what); };
  std::vector<std::string> sources, given;
  for (const Event& event : problem.system.events())
    if (event.cause == Cause::train) sources.push_back(event.name);
  for (const SpikeTrain& train : problem.trains) {
    if (std::ranges::find(sources, train.source) == sources.end())
      refuse(fmt::format("there is no source of recorded spikes '{}'.{}", train.source,
                         suggest_names(train.source, sources)));
    if (std::ranges::find(given, train.source) != given.end())
      refuse(fmt::format("the spikes of source '{}' are given twice. Give them as one train.", train.source));
    given.push_back(train.source);
    if (train.t.size() != train.element.size())
      refuse(fmt::format("source '{}' has {} times, but {} elements.", train.source, train.t.size(),
                         train.element.size()));
    const auto event = std::ranges::find(problem.system.events(), train.source, &Event::name);
    for (std::size_t i = 0; i < train.t.size(); ++i) {
      if (train.element[i] >= event->size)
        refuse(fmt::format("spike {} of source '{}' is of element {}, but it has {}.", i, train.source,
                           train.element[i], event->size));
      if (!std::isfinite(train.t[i]))
        refuse(fmt::format("spike {} of source '{}' has the time {}.", i, train.source, train.t[i]));
    }
  }
  for (const std::string& source : sources)
    if (std::ranges::find(given, source) == given.end())
      refuse(fmt::format("no spikes are given for the source '{}'. Name their file.", source));
}

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
  std::vector<double> kept;
  for (const double t : all) {
    if (!kept.empty() && !apart(kept.back(), t))
      kept.back() = t;  // the last of those that rounding has set apart: what steps at them all has stepped there
    else
      kept.push_back(t);
  }
  return kept;
}

}  // namespace striate
