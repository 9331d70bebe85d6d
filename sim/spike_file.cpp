#include "sim/spike_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.hpp"
#include "io/columns.hpp"
#include "io/hdf5.hpp"

namespace striate {
namespace {

struct Layout {
  std::string times, ids;
  Unit unit;  ///< unless the attribute says another
};

const std::vector<Layout>& layouts() {
  static const std::vector<Layout> known{{"times", "ids", Unit()}, {"timestamps", "node_ids", Unit::parse("ms")}};
  return known;
}

const Layout* layout_of(const H5File& file, const std::string& group) {
  for (const auto& layout : layouts())
    if (file.exists(group + "/" + layout.times) && file.exists(group + "/" + layout.ids)) return &layout;
  return nullptr;
}

std::string group_of(const H5File& file, const SpikePlace& place) {
  const std::vector<std::string> populations =
      file.exists("/spikes") ? file.groups("/spikes") : std::vector<std::string>();
  if (place.population.empty()) {
    if (populations.size() == 1) return "/spikes/" + populations[0];
    if (populations.empty() && layout_of(file, "/spikes")) return "/spikes";
    throw Error(place.file, populations.empty()
                                ? "there are no spikes in the file: no group below /spikes."
                                : "which spikes? Name a population of the file." + suggest_names("", populations));
  }
  for (const std::string& group : {"/spikes/" + place.population, place.population})
    if (file.exists(group) && layout_of(file, group)) return group;
  throw Error(place.file, fmt::format("there are no spikes of '{}'.{}", place.population,
                                      suggest_names(place.population, populations)));
}

SpikeList of_hdf5(const SpikePlace& place) {
  const H5File file = H5File::open(place.file);
  const std::string group = group_of(file, place);
  const Layout& layout = *layout_of(file, group);
  SpikeList spikes;
  spikes.unit = layout.unit;
  const std::string times = group + "/" + layout.times;
  if (const auto units = file.attribute(times, "units"); units && std::holds_alternative<std::string>(*units))
    spikes.unit = Unit::parse(std::get<std::string>(*units));
  spikes.times = file.read_numbers(times).values;
  spikes.ids = file.read_integers(group + "/" + layout.ids);
  if (spikes.ids.size() != spikes.times.size())
    throw Error(place.file,
                fmt::format("{} has {} times, but {} elements.", group, spikes.times.size(), spikes.ids.size()));
  if (!file.exists(group + "/condition")) return spikes;
  const auto condition = file.read_integers(group + "/condition");
  std::size_t kept = 0;
  for (std::size_t i = 0; i < spikes.times.size(); ++i) {
    if (condition[i] != place.condition) continue;
    spikes.times[kept] = spikes.times[i];
    spikes.ids[kept++] = spikes.ids[i];
  }
  spikes.times.resize(kept);
  spikes.ids.resize(kept);
  return spikes;
}

SpikeList of_csv(const SpikePlace& place) {
  const auto rows = read_columns(place.file, {place.times, place.ids});
  SpikeList spikes;
  for (std::size_t i = 0; i < rows.size(); i += 2) {
    const double id = rows[i + 1];
    if (!(id >= 0 && id < 4294967296.0 && id == std::floor(id)))
      throw Error(place.file,
                  fmt::format("row {} is of element {}, but elements are whole numbers from 0.", i / 2 + 1, id));
    spikes.times.push_back(rows[i]);
    spikes.ids.push_back(static_cast<std::int64_t>(id));
  }
  return spikes;
}

}  // namespace

SpikeList read_spikes(const SpikePlace& place) {
  const SpikeList read = place.file.ends_with(".csv") ? of_csv(place) : of_hdf5(place);
  std::vector<std::size_t> order(read.times.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return read.times[a] < read.times[b]; });
  SpikeList spikes;
  spikes.unit = read.unit;
  for (const std::size_t i : order) {
    if (!std::isfinite(read.times[i]))
      throw Error(place.file, fmt::format("spike {} has the time {}.", i, read.times[i]));
    spikes.times.push_back(read.times[i]);
    spikes.ids.push_back(read.ids[i]);
  }
  return spikes;
}

std::vector<std::vector<double>> spike_trains(const SpikeList& spikes, std::size_t count, const std::string& where) {
  std::vector<std::vector<double>> trains(count);
  for (std::size_t i = 0; i < spikes.times.size(); ++i) {
    if (spikes.ids[i] < 0 || spikes.ids[i] >= static_cast<std::int64_t>(count))
      throw Error(where, fmt::format("spike {} is of element {}, but there are {} elements.", i, spikes.ids[i], count));
    trains[static_cast<std::size_t>(spikes.ids[i])].push_back(spikes.times[i]);
  }
  return trains;
}

}  // namespace striate
