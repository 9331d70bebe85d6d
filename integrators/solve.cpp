#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "integrators/integrator.hpp"

namespace striate {
namespace {

void tell_spikes(const EventRecord& record, const System<double>& system, const SpikeObserver& observer) {
  for (std::size_t e = 0; e < system.events().size(); ++e) {
    const Event& event = system.events()[e];
    std::vector<std::uint32_t> ids;
    for (const std::size_t i : record.fired)
      if (i >= event.offset && i - event.offset < event.size)
        ids.push_back(static_cast<std::uint32_t>(i - event.offset));
    if (!ids.empty()) observer(record.t, e, ids);
  }
}

Solution run(Integrator& integrator, const Problem& problem, const Method& method, std::span<const double> times,
             const Observer& observer) {
  // A grid takes many steps at once, unless it is told to stop.
  const bool at_each = observer.step && method.spikes == Method::Spikes::grid;
  const auto next_step = [&] {
    return problem.t0 + (std::round((integrator.t() - problem.t0) / method.step) + 1) * method.step;
  };
  std::vector<double> checkpoints = problem.checkpoints;
  std::sort(checkpoints.begin(), checkpoints.end());
  if (!observer.checkpoint) checkpoints.clear();
  auto checkpoint = std::upper_bound(checkpoints.begin(), checkpoints.end(), integrator.t());
  for (auto time = times.begin();;) {
    const bool sample = time != times.end();
    const bool save = checkpoint != checkpoints.end() && (!sample || *checkpoint <= *time);
    const double asked = save ? *checkpoint : sample ? *time : problem.t1;
    const double until = at_each && asked > integrator.t() ? std::min(asked, next_step()) : asked;
    const Stop stop = integrator.advance(until);
    if (stop != Stop::end && observer.step) observer.step(integrator.at());
    if (stop == Stop::event && observer.instant) observer.instant(integrator.event());
    if (stop == Stop::event && observer.spikes) tell_spikes(integrator.event(), problem.system, observer.spikes);
    if (stop == Stop::event && observer.event && !integrator.event().fired.empty()) observer.event(integrator.event());
    if ((stop == Stop::step || stop == Stop::output) && observer.progress)
      observer.progress(integrator.t(), integrator.counters());
    if (stop == Stop::output || stop == Stop::end) {
      if (save && integrator.t() >= until) {
        observer.checkpoint(integrator.save());
        ++checkpoint;
      }
      while (time != times.end() && *time <= integrator.t()) {
        if (observer.inputs) observer.inputs(integrator.at());
        if (observer.sample) observer.sample(*time, integrator.y());
        ++time;
      }
    }
    if (stop == Stop::end) break;
  }
  return {integrator.t(), {integrator.y().begin(), integrator.y().end()}, integrator.counters()};
}

void check_times(std::span<const double> times, double t0, double t1) {
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!(times[i] >= t0 && times[i] <= t1)) {
      throw Error("solve", fmt::format("output time {} = {}, but must lie in [{}, {}].", i, times[i], t0, t1));
    }
    if (i > 0 && times[i] < times[i - 1]) {
      throw Error("solve", fmt::format("output time {} = {}, but the one before it is {}. Sort them.", i, times[i],
                                       times[i - 1]));
    }
  }
}

}  // namespace

Solution solve(const Problem& problem, const Method& method, std::span<const double> output_times,
               const Observer& observer) {
  check_times(output_times, problem.t0, problem.t1);
  Integrator integrator(method);
  integrator.observe(observer.spikes);
  integrator.start(problem);
  return run(integrator, problem, method, output_times, observer);
}

Solution resume(const Problem& problem, const Method& method, const Checkpoint& checkpoint,
                std::span<const double> output_times, const Observer& observer) {
  check_times(output_times, problem.t0, problem.t1);
  Integrator integrator(method);
  integrator.observe(observer.spikes);
  integrator.start(problem, checkpoint);
  const auto first = std::upper_bound(output_times.begin(), output_times.end(), checkpoint.t);
  return run(integrator, problem, method, {first, output_times.end()}, observer);
}

}  // namespace striate
