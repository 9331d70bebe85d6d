#include "sim/spike_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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

bool broken_off(const H5File& file) {
  const auto complete = file.attribute("/", "complete");
  return complete && std::holds_alternative<std::int64_t>(*complete) && std::get<std::int64_t>(*complete) == 0;
}

/// "/a/b" of "a//b/" too.
std::string plain_path(const std::string& path) {
  std::string plain = "/";
  for (const char c : path)
    if (c != '/' || plain.back() != '/') plain += c;
  if (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  return plain;
}

/// Of a sweep, whose spikes are in /spikes/EVENT/POINT or below: the point of a group.
std::optional<std::size_t> point_of(const H5File& file, const std::string& group) {
  constexpr std::string_view root = "/spikes/";
  if (!file.attribute("/", "sweep") || !group.starts_with(root)) return std::nullopt;
  const std::size_t slash = std::min(group.find('/', root.size()), group.size() - 1);
  std::size_t point = 0;
  const auto [end, error] = std::from_chars(group.data() + slash + 1, group.data() + group.size(), point);
  const bool whole = end == group.data() + group.size() || *end == '/';
  return error == std::errc() && whole ? std::optional(point) : std::nullopt;
}

std::string population_of(const H5File& file, const SpikePlace& place) {
  const std::vector<std::string> populations =
      file.exists("/spikes") ? file.groups("/spikes") : std::vector<std::string>();
  if (place.population.empty()) {
    if (populations.size() == 1) return "/spikes/" + populations[0];
    if (populations.empty() && layout_of(file, "/spikes")) return "/spikes";
    if (populations.empty() && file.exists("/spikes/gids"))
      throw Error(place.file,
                  "its spikes are in SONATA's older layout, /spikes/gids and timestamps. Write them as "
                  "/spikes/POPULATION/node_ids and timestamps.");
    throw Error(place.file, populations.empty()
                                ? "there are no spikes in the file: no group below /spikes."
                                : "which spikes? Name a population of the file." + suggest_names("", populations));
  }
  for (const std::string& group : {plain_path("/spikes/" + place.population), plain_path(place.population)})
    if (file.exists(group)) return group;
  throw Error(place.file, fmt::format("there are no spikes of '{}'.{}", place.population,
                                      suggest_names(place.population, populations)));
}

/// The group of the spikes: the population's, or below it that of one condition.
std::string group_of(const H5File& file, const SpikePlace& place) {
  const std::string population = population_of(file, place);
  if (layout_of(file, population)) {
    if (place.condition == 0) return population;
    throw Error(place.file, fmt::format("{} is of one run, but its condition {} is asked for. Leave the condition out.",
                                        population, place.condition));
  }
  const bool points = file.attribute("/", "sweep") && !point_of(file, population);
  const std::string group = fmt::format("{}/{}", population, place.condition);
  if (!points && file.exists(group) && layout_of(file, group)) return group;
  auto found = file.groups(population);
  std::ranges::sort(found, {}, [](const std::string& name) { return std::pair(name.size(), name); });  // as numbers
  if (found.empty()) throw Error(place.file, fmt::format("{} holds no spikes: no times and ids.", population));
  throw Error(place.file, points ? fmt::format("{} has the spikes of a sweep. Name a point as the population, {}/{}.",
                                               population, population.substr(population.find('/', 1) + 1), found[0])
                                 : fmt::format("{} has no spikes of condition {}.{}", population, place.condition,
                                               suggest_names("", found)));
}

/// A sweep writes the spikes of a point while it runs. @throws Error for one that did not come to its end
void require_done(const H5File& file, const std::string& group) {
  const auto named = point_of(file, group);
  if (!named) return;
  const std::size_t point = *named;
  const auto all = file.read_numbers("/status").values;
  if (point >= all.size())
    throw Error(file.path(), fmt::format("{} is of point {}, but the sweep has {}.", group, point, all.size()));
  const double status = all[point];
  if (status == 1) return;
  throw Error(file.path(), fmt::format("{} holds the spikes of a point that {}.", group,
                                       status == 0 ? "has not ended. Let the sweep go on with --resume"
                                                   : fmt::format("broke off; /errors/{} says why", point)));
}

Unit unit_of(const H5File& file, const std::string& dataset, const Unit& otherwise) {
  const auto units = file.attribute(dataset, "units");
  if (!units) return otherwise;
  const auto* text = std::get_if<std::string>(&*units);
  if (const auto* list = std::get_if<std::vector<std::string>>(&*units); list != nullptr && list->size() == 1)
    text = list->data();
  if (text == nullptr) throw Error(file.path(), fmt::format("the attribute 'units' of {} is not one text.", dataset));
  if (*text == "seconds") return Unit::parse("s");  // the word of NWB
  if (*text == "milliseconds") return Unit::parse("ms");
  try {
    return Unit::parse(*text);
  } catch (const Error& e) {
    throw Error(file.path(), fmt::format("the unit of {}: {}", dataset, e.what()));
  }
}

/// The last recorded time of a recording; 0 for other files.
double end_of_run(const H5File& file, const Unit& unit) {
  if (!file.exists("/t")) return 0;
  const auto times = file.read_numbers("/t").values;
  const Unit recorded = unit_of(file, "/t", unit);
  return times.empty() || !recorded.same_dimension(unit) ? 0 : times.back() * recorded.to(unit);
}

/// Leaves what a run that was stopped has recorded as a whole: up to a time that it tells.
void end_where_stopped(const H5File& file, std::int64_t condition, SpikeList& spikes) {
  const std::size_t both = std::min(spikes.times.size(), spikes.ids.size());  // a kill may leave one a flush longer
  spikes.times.resize(both);
  spikes.ids.resize(both);
  const std::string recorded = "/run/recorded_until";
  if (!file.exists(recorded)) {
    spikes.end = 0;
    spikes.warning = fmt::format("{}: the run was stopped before its end, and does not say when.", file.path());
    return;
  }
  const auto until = file.read_numbers(recorded).values;
  const auto at = static_cast<std::size_t>(condition);
  const double told = at < until.size() && std::isfinite(until[at]) ? until[at] : 0;
  const Unit unit = unit_of(file, recorded, spikes.unit);
  spikes.end = unit.same_dimension(spikes.unit) ? told * unit.to(spikes.unit) : told;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < both; ++i)
    if (spikes.times[i] <= spikes.end) {
      spikes.times[kept] = spikes.times[i];
      spikes.ids[kept++] = spikes.ids[i];
    }
  spikes.times.resize(kept);
  spikes.ids.resize(kept);
  spikes.warning = fmt::format("{}: the run was stopped before its end; its spikes are read up to {} {}.", file.path(),
                               told, unit.str());
}

SpikeList of_hdf5(const SpikePlace& place) {
  const H5File file = H5File::open(place.file);
  const std::string group = group_of(file, place);
  require_done(file, group);
  const Layout& layout = *layout_of(file, group);
  SpikeList spikes;
  const std::string times = group + "/" + layout.times;
  spikes.unit = place.unit ? *place.unit : unit_of(file, times, layout.unit);
  spikes.times = file.read_numbers(times).values;
  spikes.ids = file.read_integers(group + "/" + layout.ids);
  if (const auto all = file.attribute(group + "/" + layout.ids, "elements");
      all && std::holds_alternative<std::int64_t>(*all))
    spikes.elements = std::get<std::int64_t>(*all), spikes.counted = true;
  spikes.end = end_of_run(file, spikes.unit);
  if (broken_off(file) && !file.attribute("/", "sweep")) end_where_stopped(file, place.condition, spikes);
  if (spikes.ids.size() != spikes.times.size())
    throw Error(place.file,
                fmt::format("{} has {} times, but {} elements.", group, spikes.times.size(), spikes.ids.size()));
  return spikes;
}

SpikeList of_csv(const SpikePlace& place) {
  const auto rows = read_columns(place.file, {place.times, place.ids});
  SpikeList spikes;
  if (place.unit) spikes.unit = *place.unit;
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
  spikes.elements = read.elements;
  spikes.counted = read.counted;
  spikes.end = read.end;
  spikes.warning = read.warning;
  for (const std::size_t i : order) {
    if (!std::isfinite(read.times[i]))
      throw Error(place.file, fmt::format("spike {} has the time {}.", i, read.times[i]));
    if (read.ids[i] >= 4294967296)
      throw Error(place.file, fmt::format("spike {} is of an element beyond 4294967295.", i));
    spikes.times.push_back(read.times[i]);
    spikes.ids.push_back(read.ids[i]);
    spikes.elements = std::max(spikes.elements, read.ids[i] + 1);
    spikes.end = std::max(spikes.end, read.times[i]);
  }
  return spikes;
}

std::vector<std::vector<double>> spike_trains(const SpikeList& spikes, std::size_t first, std::size_t end,
                                              const std::string& where) {
  std::vector<std::vector<double>> trains(end - first);
  for (std::size_t i = 0; i < spikes.times.size(); ++i) {
    if (spikes.ids[i] < 0) throw Error(where, fmt::format("spike {} is of element {}.", i, spikes.ids[i]));
    const auto id = static_cast<std::size_t>(spikes.ids[i]);
    if (first <= id && id < end) trains[id - first].push_back(spikes.times[i]);
  }
  return trains;
}

}  // namespace striate
