#include "sim/read_trains.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "sim/experiment_circuit.hpp"
#include "sim/quantity.hpp"
#include "sim/spike_file.hpp"

namespace striate {
namespace {

SpikeList from_file(const TomlTable& t, const Circuit& circuit, const std::string& path) {
  SpikePlace place;
  place.file = beside(path, t.string("file"));
  place.population = t.string("population", "");
  place.condition = t.integer("condition", 0);
  place.times = t.string("times", place.times);
  place.ids = t.string("elements", place.ids);
  try {
    if (t.has("unit")) place.unit = Unit::parse(t.string("unit"));
    SpikeList spikes = read_spikes(place);
    if (spikes.unit == Unit()) spikes.unit = circuit->time_unit;
    if (!spikes.unit.same_dimension(circuit->time_unit))
      throw Error(place.file, fmt::format("the times of its spikes are in [{}], but a time [{}] is asked for. Say what "
                                          "they are in: unit = \"ms\".",
                                          spikes.unit.str(), circuit->time_unit.str()));
    const double factor = spikes.unit.to(circuit->time_unit);
    for (double& time : spikes.times) time *= factor;
    return spikes;
  } catch (const Error& e) {
    t.at("file").fail(fmt::format("but {}", e.what()));
  }
}

SpikeList as_listed(const TomlTable& t, const Circuit& circuit) {
  SpikeList spikes;
  for (const auto& v : t.at("times").as_array())
    spikes.times.push_back(v.is_number() ? v.as_number() : evaluate(v, circuit->time_unit));
  spikes.ids.assign(spikes.times.size(), 0);
  if (const auto elements = t.find("elements")) {
    const auto ids = elements->as_numbers();
    if (ids.size() != spikes.times.size())
      elements->fail(fmt::format("but there are {} times, and each has one element.", spikes.times.size()));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!(ids[i] >= 0 && ids[i] < 4294967296.0 && ids[i] == std::floor(ids[i])))
        elements->fail("but elements are whole numbers from 0.");
      spikes.ids[i] = static_cast<std::int64_t>(ids[i]);
    }
  }
  return spikes;
}

}  // namespace

std::vector<SpikeTrain> read_trains(const TomlTable& root, const Circuit& circuit, const std::string& path,
                                    std::vector<std::string>& warnings) {
  std::vector<SpikeTrain> trains;
  const auto table = root.find_table("trains");
  std::vector<std::string> sources;
  for (const auto& event : circuit->events) {
    if (event.cause != Cause::train) continue;
    sources.push_back(event.name);
    const auto t = table ? table->find_table(event.name) : std::nullopt;
    if (!t)
      root.fail(
          fmt::format("lacks [trains.{0}], the recorded spikes of the source '{0}' of circuit '{1}'. Add it, with "
                      "file = ... or times = [...].",
                      event.name, circuit->name));
    SpikeList spikes = t->has("file") ? from_file(*t, circuit, path) : as_listed(*t, circuit);
    if (!spikes.warning.empty()) warnings.push_back(fmt::format("[trains.{}]: {}", event.name, spikes.warning));
    if (const auto early = std::ranges::count_if(spikes.times, [](double time) { return time < 0; }); early > 0)
      warnings.push_back(fmt::format("[trains.{}]: {} of {} spikes come before time 0, and are left out.", event.name,
                                     early, spikes.times.size()));
    SpikeTrain train{event.name, std::move(spikes.times), {}};
    const std::size_t size = event.guard.shape().size();
    for (std::size_t i = 0; i < spikes.ids.size(); ++i) {
      if (spikes.ids[i] < 0 || spikes.ids[i] >= static_cast<std::int64_t>(size))
        t->fail(fmt::format("has a spike of element {} at {} {}, but the source '{}' has {} elements.", spikes.ids[i],
                            train.t[i], circuit->time_unit.str(), event.name, size));
      train.element.push_back(static_cast<std::uint32_t>(spikes.ids[i]));
    }
    trains.push_back(std::move(train));
  }
  if (table)
    for (const auto& key : table->keys())
      if (std::ranges::count(sources, key) == 0)
        table->at(key).fail(fmt::format("but circuit '{}' has no source of recorded spikes of this name.{}",
                                        circuit->name, suggest_names(key, sources)));
  return trains;
}

}  // namespace striate
