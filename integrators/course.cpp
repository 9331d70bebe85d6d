#include "integrators/course.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.hpp"
#include "integrators/time_breaks.hpp"

namespace striate {

double segment_end(const Course& run, const Piece& piece) {
  const Piece* at = &piece;
  while (!apart(piece.begin, at->end) && at != &run.pieces.back()) ++at;
  return at->end;
}

Course course(const Problem& problem, const Method& method, std::span<const double> times) {
  if (!std::is_sorted(times.begin(), times.end())) throw Error("sample times", "do not ascend. Sort them.");
  for (std::size_t i = 0; i < times.size(); ++i)
    if (!(times[i] >= problem.t0 && times[i] <= problem.t1))
      throw Error("sample times", fmt::format("the one of index {} is {}, but must lie in [{}, {}].", i, times[i],
                                              problem.t0, problem.t1));
  const std::vector<double> breaks = breakpoints(problem);
  std::vector<double> stops(times.begin(), times.end());
  stops.insert(stops.end(), breaks.begin(), breaks.end());
  stops.push_back(problem.t0);
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());

  Course result;
  result.samples.resize(times.size());
  Piece piece;
  piece.begin = problem.t0;
  for (const Field& input : problem.system.inputs())
    if (input.supply == Supply::held) piece.held.resize(piece.held.size() + input.size);
  const auto close = [&](double t, std::span<const double> y, bool at_break = false) {
    piece.end = t;
    piece.at_break = at_break;
    const auto held = piece.held;
    result.pieces.push_back(std::exchange(piece, {}));
    piece.held = held;
    piece.begin = t;
    piece.y.assign(y.begin(), y.end());
  };
  std::size_t next = 0;  // sample to come
  Observer observer;
  observer.sample = [&](double t, std::span<const double> y) {
    if (t == problem.t0) piece.y.assign(y.begin(), y.end());
    for (; next < times.size() && times[next] == t; ++next) {
      result.samples[next].assign(y.begin(), y.end());
      piece.samples.push_back(next);
    }
    if (std::binary_search(breaks.begin(), breaks.end(), t)) close(t, y, true);
  };
  std::vector<bool> spiked(problem.system.guard_size());
  observer.instant = [&](const EventRecord& event) {
    for (const Change& change : event.changes)
      for (std::size_t i = 0; i < change.spikes.size(); ++i) {
        result.spikes.push_back({event.t, change.elements[i], change.spikes[i]});
        spiked[change.elements[i]] = true;
      }
    if (piece.begin < event.t && std::binary_search(breaks.begin(), breaks.end(), event.t))
      close(event.t, event.before, true);
    piece.event = event;
    close(event.t, event.after);
    piece.held = event.held_after;
  };
  observer.progress = [&](double, const Counters&) { ++piece.steps; };
  const Solution end = solve(problem, method, stops, observer);
  close(problem.t1, end.y);
  result.counters = end.counters;
  for (const Event& event : problem.system.events())
    for (std::size_t i = 0; event.cause == Cause::crossing && i < event.size; ++i)
      if (!spiked[event.offset + i])
        result.silent.push_back(event.size == 1 ? event.name : fmt::format("{} [{}]", event.name, i));
  return result;
}

}  // namespace striate
